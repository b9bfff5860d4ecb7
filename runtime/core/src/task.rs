//! Questions to people.
use std::sync::Arc;

use flowline_plan::{NodeId, RoleId, Value};
use serde::{Deserialize, Serialize};

use crate::TaskId;

/// A question that waits for its answer. What it shows was read when it was asked and stays as it was: exactly that is
/// approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub id: TaskId,
    /// The wait of the run that it is.
    pub wait: u32,
    /// Where its labels and types stand.
    pub node: NodeId,
    pub role: RoleId,
    pub question: Arc<str>,
    /// In the order of the plan's labels.
    pub shown: Vec<Value>,
    /// Names the question with all that it shows.
    pub shown_hash: u128,
    /// The instant of the input that asked it, ms.
    pub asked_at: i64,
    /// From then on nobody is asked any more, ms.
    pub due: Option<i64>,
    /// Who may not answer.
    pub not_by: Vec<Arc<str>>,
}

/// A question that nobody is asked any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedTask {
    pub id: TaskId,
    /// When it was answered, fell due or was withdrawn, ms.
    pub at: i64,
    /// Who answered.
    pub by: Option<Arc<str>>,
}

/// The questions of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Asked {
    pub open: Vec<Task>,
    pub closed: Vec<ClosedTask>,
}

/// What becomes of an answer. Only an accepted one changes anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskFate {
    #[error("accepted")]
    Accepted,
    #[error("there is no such task, or its run has ended")]
    Unknown,
    #[error("already answered by {by}")]
    AlreadyAnswered { by: Arc<str>, at: i64 },
    /// It fell due, or the run went another way.
    #[error("too late: nobody is asked any more")]
    Over { at: i64 },
    #[error("{by} may not answer this")]
    Excluded { by: Arc<str> },
    #[error("the answer does not fit: {why}")]
    Misfit { why: String },
}
