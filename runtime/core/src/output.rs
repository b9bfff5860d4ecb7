//! What a run asks of the shell. Outputs follow from journaled inputs, so a restart can repeat them.
use flowline_plan::{FlowId, NodeId, OpRef, TypeId, Value};
use serde::{Deserialize, Serialize};

use crate::{CallKey, Ending, EventId, Handed, Incident, RunId, Task};

/// An order to the shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    Call(Box<Call>),
    Arm {
        timer: u32,
        due: i64,
    },
    Disarm {
        timer: u32,
    },
    /// A wait for an event, to the home of the key's value.
    Register {
        wait: u32,
        event: TypeId,
        key: u16,
        value: Value,
        fresh: bool,
    },
    /// The wait is over; with `reply`, the home answers once no offer can come any more.
    Withdraw {
        wait: u32,
        reply: bool,
    },
    /// The answer to an offer.
    Reply {
        wait: u32,
        event: EventId,
        taken: bool,
    },
    Emit {
        id: EventId,
        event: TypeId,
        value: Value,
    },
    Status {
        value: Value,
        part: Option<Value>,
    },
    StartChild {
        child: RunId,
        flow: FlowId,
        args: Vec<Value>,
        joined: bool,
        /// Resources among the arguments are numbered by their place in here.
        resources: Vec<Handed>,
    },
    SettleChild {
        child: RunId,
    },
    Incident {
        frame: u32,
        incident: Incident,
    },
    IncidentGone {
        frame: u32,
    },
    /// A call that is repeated without end has been failing for long: somebody should look.
    Alarm {
        frame: u32,
        op: String,
        attempts: u32,
        last: String,
    },
    Ended(Ending),
    /// An ended run that waited for late events waits no longer: nothing will ever be asked of it again.
    Closed,
    /// A question to a person. Its wait is withdrawn when it is answered or nobody is asked any more.
    Ask(Box<Task>),
    /// Which arm of a choice that is told was taken; none is `otherwise`.
    Chosen {
        node: NodeId,
        arm: Option<u16>,
    },
    /// The retries of a call are used up, and what counts then is taken as its result.
    Fallback {
        call: u32,
        op: OpRef,
        attempts: u32,
        last: String,
        value: Value,
    },
}

/// One attempt of a call to a system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Names the call within the run.
    pub call: u32,
    /// From 1.
    pub attempt: u32,
    pub op: OpRef,
    pub key: CallKey,
    pub args: Vec<Value>,
    /// The id minted for the resource that the call opens.
    pub opens: Option<Value>,
    /// The resources among the arguments, with their fields as the run knows them.
    pub resources: Vec<ResourceView>,
    /// After so long without an answer the outcome is unknown, ms.
    pub timeout_ms: i64,
    /// The instant of the input that caused it, ms.
    pub at: i64,
}

/// A resource as an argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceView {
    /// The number in [`Value::Resource`].
    pub resource: u32,
    pub ty: TypeId,
    /// By position; field 0 is the id.
    pub fields: Vec<Value>,
    /// The id of the whole, where this is a part.
    pub whole: Option<Value>,
}
