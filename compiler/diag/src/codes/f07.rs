//! F07xx: ownership.

codes! {
    NOT_THE_OWNER = "F0701" Error "a system writes what it does not own";
    TWO_OWNERS = "F0702" Error "a body of data has two owners";
}
