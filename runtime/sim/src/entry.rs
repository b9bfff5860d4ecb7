//! What a world writes down: one record for each attempt that reached it, with all that came of it.
//!
//! A record holds what happened, not how it was decided: reading it back needs neither rates nor draws.
use flowline_core::{Answer, CallKey, RunId};
use flowline_plan::{Money, OpRef, StateId, TypeId, Value};
use serde::{Deserialize, Serialize};

/// The format that this version writes.
pub(crate) const FORMAT: u16 = 1;

/// The first record of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: u16,
    pub(crate) seed: u64,
    /// Hash of the types and contracts whose ids the other records use.
    pub(crate) contracts: [u8; 16],
}

/// One attempt of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) run: RunId,
    pub(crate) key: CallKey,
    pub(crate) attempt: u32,
    /// When the call was made, ms.
    pub(crate) at: i64,
    pub(crate) op: OpRef,
    pub(crate) answer_at: i64,
    /// What the caller gets.
    pub(crate) answer: Answer,
    pub(crate) course: Course,
    pub(crate) outcome: Outcome,
}

/// How the attempt went, technically.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Course {
    Answered,
    /// Refused at the door.
    Refused,
    /// It never arrived.
    LostCall,
    /// It arrived; its answer didn't.
    LostAnswer,
}

/// What the system made of the attempt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// It took effect now.
    pub(crate) acted: bool,
    /// Answered from what the system remembers of the key.
    pub(crate) remembered: bool,
    /// It raised this now.
    pub(crate) error: Option<TypeId>,
    /// Refused for good, because the call made no sense; what was wrong.
    pub(crate) misuse: Option<String>,
    pub(crate) deed: Option<Deed>,
    pub(crate) resources: Vec<ResourceChange>,
    /// The events that follow.
    pub(crate) events: Vec<WorldEvent>,
    /// Names the call that would undo this one.
    pub(crate) undo: Option<u128>,
    /// This call undoes what is known by that name.
    pub(crate) undoes: Option<u128>,
}

/// What is kept under a key of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deed {
    /// Hash of the operation and its key.
    pub(crate) hash: u128,
    /// What a repetition is answered; none where the contract promises no memory.
    pub(crate) answer: Option<Answer>,
    /// For messages, from the second effect on.
    pub(crate) label: Option<String>,
}

/// What happened to a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResourceChange {
    pub(crate) ty: TypeId,
    pub(crate) id: Value,
    pub(crate) how: Change,
    pub(crate) state: StateId,
}

/// How a resource changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Change {
    Opened {
        fields: Vec<Value>,
    },
    /// A part was seen for the first time, and moved.
    Split {
        whole: Value,
        fields: Vec<Value>,
    },
    /// It was let go before it was ever opened: a call that opens it later is refused.
    Tombstone,
    /// With the amount that it stood for, as the caller said.
    Moved {
        amount: Option<Money>,
    },
}

/// An event that a simulated system sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldEvent {
    /// When it is sent, ms.
    pub at: i64,
    /// The CloudEvents source: `sim/wms`.
    pub source: String,
    /// The CloudEvents id; follows from the operation and its key.
    pub id: String,
    pub event: TypeId,
    pub value: Value,
}
