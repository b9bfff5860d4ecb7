//! What reaches a run. Inputs are journaled; everything else follows from plan and inputs.
use std::sync::Arc;

use flowline_plan::{ErrorValue, Value};
use serde::{Deserialize, Serialize};

use crate::{EventId, Handed, Returned, RunId, TaskId};

/// Something that happened to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// The run begins. Resources among the arguments are numbered by their place in `resources`.
    Start { args: Vec<Value>, parent: Option<Parent>, resources: Vec<Handed> },
    /// A system answered, or didn't.
    Answered { call: u32, attempt: u32, answer: Answer },
    /// A timer is due.
    Due { timer: u32 },
    /// The home of a key offers an event to a wait.
    Offered { wait: u32, event: EventId, acknowledged_at: i64, value: Value },
    /// The home of a key has taken a wait off its list.
    Withdrawn { wait: u32 },
    /// A sub-flow has ended; each resource that it was given, and the one that it ends with.
    ChildEnded { child: RunId, ending: Ending, resources: Vec<Returned> },
    /// End the run and settle what it holds: an operator's terminate, or the parent's way out.
    Settle,
    /// Try a parked step once more.
    Retry { frame: u32 },
    /// The next run of the key has begun: what comes late is for that one, not for an ended run.
    Relieved,
    /// A person answers a question.
    TaskAnswered { task: TaskId, by: Arc<str>, value: Value },
}

/// Who waits for the run's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Parent {
    pub run: RunId,
}

/// What became of one attempt of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It took effect, or had before; this is the result.
    Done(Value),
    /// A business error.
    Error(ErrorValue),
    /// Nothing happened in this attempt; trying again may help: 429, connection refused, an open breaker.
    Refused(String),
    /// Nothing happened and trying again won't help: another 4xx.
    Rejected(String),
    /// Whether it took effect is unknown: time-out, 5xx, a broken connection.
    Unknown(String),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// At a `stop`, with that outcome.
    Stopped { outcome: String, value: Value },
    /// At the end of the flow's body.
    Completed { value: Value },
    /// By a business error that the flow raises; everything is settled.
    Failed(ErrorValue),
    /// By [`Input::Settle`]; everything is settled.
    Settled,
}
