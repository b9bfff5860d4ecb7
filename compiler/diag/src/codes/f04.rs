//! F04xx: obligations.

codes! {
    OPEN_AT_END = "F0401" Error "a resource is still open when the run ends";
    NO_WAY_BACK = "F0402" Error "a resource can be left in a state without an abandon row";
    WRONG_STATE = "F0403" Error "a resource is used in a state that the operation doesn't take";
    LOST = "F0404" Error "a resource is lost: it is open and nothing names it";
    COPIED = "F0405" Error "a resource has two owners";
    DOUBT_IGNORED = "F0406" Error "an unknown outcome is treated as if nothing had happened";
    OPEN_AFTER_RETURN = "F0407" Error "a resource is still open when an attempt past its point of no return ends";
    NOT_PROMISED = "F0408" Error "a flow ends with a resource in another state than its header says";
}
