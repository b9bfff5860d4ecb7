//! F03xx: errors and reachability.

codes! {
    UNHANDLED_ERROR = "F0301" Error "a business error that nobody handles";
    UNHANDLED_DEADLINE = "F0302" Error "a deadline or used-up rounds that nobody handles";
    UNREACHABLE = "F0303" Error "a statement that can never run";
    IDLE_HANDLER = "F0304" Error "a handler that can never run";
    STOP_IN_BRANCH = "F0305" Error "a stop where other branches may be under way";
    AFTER_RETURN = "F0306" Error "an error after the point of no return that isn't handled inside";
}
