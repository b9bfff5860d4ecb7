//! F12xx: retries.

codes! {
    NOT_IDEMPOTENT = "F1201" Error "a repeated call that the system takes for a new one";
    KEY_FORGOTTEN = "F1202" Error "a key that is forgotten while the call is still repeated";
    SAME_FOR_ALL = "F1203" Error "one key for every element of a loop";
    SAME_TWICE = "F1204" Warning "two calls in one run with one key";
}
