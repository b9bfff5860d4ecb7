//! F08xx: personal data.

codes! {
    NOT_CLEARED = "F0801" Error "personal data for a system that is not cleared for it";
    UNMARKED = "F0802" Error "personal data in a field that is not marked";
    LOOKED_UP = "F0803" Error "personal data as a key, a tracked value or a status";
}
