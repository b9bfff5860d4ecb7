//! Side flows: what a flow says is to be done on occasions of its own, outside of its body.
//!
//! The steps in a `promise` and the bodies of `late` clauses are flows of their own in the bundle, each with a run of
//! its own for each occasion. Nobody begins them by name. So nothing that goes wrong in them holds up the flow itself,
//! and what they open is theirs alone to close.
use serde::{Deserialize, Serialize};

use crate::{Code, EventArm, FlowId, Slot};

/// What a side flow is to the flow that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    pub of: FlowId,
    /// For messages: `the steps for a missed promise`.
    pub what: String,
}

/// Steps of a promise: a run of their own, begun when the promise isn't kept by then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromiseStep {
    /// Gives the instant of `at 75%`; the instant at which the promise is due is local 0. None for `missed`.
    pub at: Option<Code>,
    pub flow: FlowId,
    /// The arguments of that run, in terms of the flow's parameters.
    pub args: Vec<Code>,
}

/// What a run of the flow answers after its end.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Late {
    /// What is kept of an ended run: slots of scope 0. None where nothing uses what stood there.
    pub sees: Vec<Option<Slot>>,
    pub clauses: Vec<LateClause>,
}

/// `late E for key as e within 90 days { … }`. Its codes see the event as local 0, then what was kept of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LateClause {
    /// The wait; evaluated when the run ends, but for its condition.
    pub arm: EventArm,
    /// Gives a Duration, or the Instant at which nobody answers any more; evaluated when the run ends.
    pub within: Code,
    /// Its run takes the event, then what was kept of the ended run.
    pub flow: FlowId,
}
