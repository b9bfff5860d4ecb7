//! F05xx: saga.

codes! {
    UNDO_MAY_FAIL = "F0501" Error "what takes something back may give up";
}
