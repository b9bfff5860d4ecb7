//! What stops a run until somebody looks: neither a business error nor a technical failure that a retry may mend.
use flowline_plan::EvalError;
use serde::{Deserialize, Serialize};

/// Why a step of a run is parked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Incident {
    /// An expression has no value.
    #[error("{0}")]
    Eval(#[from] EvalError),
    /// The retries of a call are used up.
    #[error("`{op}` did not answer in {attempts} attempts; the last one said: {last}")]
    RetriesUsedUp { op: String, attempts: u32, last: String },
    /// A call was refused for a reason that a retry can't mend.
    #[error("`{op}` refused the call: {said}")]
    Refused { op: String, said: String },
    /// A system broke its contract.
    #[error("`{op}` broke its contract: {how}")]
    Contract { op: String, how: String },
    /// A resource isn't in a state that the call takes.
    #[error("`{op}` takes `{resource}` in another state than `{state}`")]
    ResourceState { op: String, resource: String, state: String },
    /// The shares of a divisible resource are more than there is.
    #[error("the shares come to {asked}, but {left} is left to share")]
    OverShared { asked: String, left: String },
    /// A count is out of bounds.
    #[error("{what} is {found}, the limit is {max}")]
    Limit { what: String, found: i64, max: i64 },
    /// The plan and the state don't fit: a fault of ours, kept instead of a panic.
    #[error("internal fault: {0}; please report it with the journal of this run")]
    Internal(String),
}
