//! F12xx: retries.

codes! {
    NOT_IDEMPOTENT = "F1201" Error "a repeated call that the system takes for a new one";
    KEY_FORGOTTEN = "F1202" Error "a key that is forgotten while the call is still repeated";
}
