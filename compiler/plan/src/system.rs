//! Contracts of systems: what proofs believe, simulators answer by and the runtime checks.
use serde::{Deserialize, Serialize};

use crate::{Code, OpId, StateId, SystemId, Type, TypeId};

/// A system and its operations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemDef {
    /// The name in flows: `inventory`.
    pub name: String,
    /// The name for people: `Inventory service`.
    pub label: String,
    /// The domains it owns.
    pub owns: Vec<String>,
    pub ops: Vec<OpDef>,
}

/// An operation of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpRef {
    pub system: SystemId,
    pub op: OpId,
}

/// The contract of one operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpDef {
    pub name: String,
    pub doc: String,
    pub params: Vec<OpParam>,
    /// What it answers; a resource where `opens` is set.
    pub result: Type,
    /// The resource that a call opens.
    pub opens: Option<Opens>,
    pub class: OpClass,
    /// May be slow, but refuses only by errors that say where the resource is.
    pub retriable: bool,
    pub idempotency: Option<Idempotency>,
    pub raises: Vec<Raise>,
    /// Shortest and longest time of a usual answer, ms.
    pub takes_ms: (i64, i64),
    /// After so long without an answer the outcome is unknown, ms.
    pub timeout_ms: i64,
    pub retry: RetryPolicy,
    /// The events that a call leads to.
    pub later: Vec<Later>,
    /// The domains it writes.
    pub writes: Vec<String>,
}

/// A parameter; for a resource also what the call does to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpParam {
    pub name: String,
    pub ty: Type,
    pub resource: Option<ResourceUse>,
}

/// What a call does to a resource that it is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceUse {
    /// States it accepts.
    pub from: Vec<StateId>,
    /// The state after a positive answer; none where the call only looks at it.
    pub to: Option<StateId>,
    /// The state while the outcome is unknown; none means "still in the old state".
    pub doubt: Option<StateId>,
}

/// The resource that a call opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opens {
    pub resource: TypeId,
    /// The state after a positive answer.
    pub state: StateId,
    /// The state while the outcome is unknown.
    pub doubt: Option<StateId>,
}

/// What it takes to undo a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum OpClass {
    /// Changes nothing.
    Read,
    /// Opens a resource or moves one on: undone by the resource's state.
    Transition,
    /// Compensated by another call.
    Compensatable(Undo),
    /// A pivot: can't be undone.
    Irreversible,
    /// Mail, counters, logs: nothing to undo.
    Harmless,
    /// Only undoes or abandons what another call did.
    Settles,
}

/// The call that compensates another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    pub op: OpRef,
    /// The arguments; the locals are the original's arguments, then its result.
    pub args: Vec<Code>,
    /// An undo that needs the result can't be called before the result is known.
    pub needs_result: bool,
}

/// What the system deduplicates on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Idempotency {
    /// The words of the key: `result.id`, `order, parcel`.
    pub name: String,
    /// The parts of the key; the locals are the arguments, then the result, of which only the minted id is known.
    pub key: Vec<Code>,
    /// How long the system remembers it, ms; none means for ever.
    pub kept_ms: Option<i64>,
}

/// A business error that an operation raises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raise {
    pub error: TypeId,
    /// The call may have taken effect all the same.
    pub outcome_unknown: bool,
    /// The state that the error tells: parameter, the state it must be in (any when none), the state it is in now.
    pub states: Vec<(u16, Option<StateId>, StateId)>,
}

/// How technical failures are retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Retries after the first attempt; none means without end.
    pub retries_max: Option<u32>,
    /// The first pause, ms; it doubles from retry to retry.
    pub first_ms: i64,
    /// The longest pause, ms.
    pub longest_ms: i64,
}

/// For so long proofs take something to be repeated that is repeated without end; then people are told of it. One hour.
const ENDLESS_MS: i64 = 3_600_000;

impl RetryPolicy {
    /// From the first attempt to the end of the last one at most, ms, where each takes up to `timeout_ms`.
    pub fn span_ms(&self, timeout_ms: i64) -> i64 {
        let Some(retries) = self.retries_max else { return ENDLESS_MS };
        let (mut span, mut pause) = (timeout_ms, self.first_ms.min(self.longest_ms));
        for done in 0..retries {
            if pause >= self.longest_ms || pause <= 0 {
                let left = i64::from(retries - done);
                return span.saturating_add(pause.saturating_add(timeout_ms).saturating_mul(left));
            }
            span = span.saturating_add(pause).saturating_add(timeout_ms);
            pause = pause.saturating_mul(2).min(self.longest_ms);
        }
        span
    }
}

/// Events that a call leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    pub events: Vec<TypeId>,
    pub mode: LaterMode,
}

/// Whether all of the events follow or one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LaterMode {
    /// `A, B`: each in turn.
    InTurn,
    /// `A or B`: one of them.
    OneOf,
}
