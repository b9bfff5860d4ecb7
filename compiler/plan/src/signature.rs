//! What a flow takes and gives of resources: its contract with the flows that run it. Proofs hold the flow to it, and
//! believe it where the flow is run.
use serde::{Deserialize, Serialize};

use crate::{Code, FlowId, SpanId, StateId, TypeId};

/// The part of a flow's header that speaks of resources, and of undoing the flow.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Signature {
    /// The parameters that are resources.
    pub takes: Vec<Take>,
    /// The resource that it ends with.
    pub gives: Option<Gives>,
    /// What it doesn't settle when it ends by an error.
    pub keeps: Vec<Keep>,
    /// What undoes it after it has ended well; without it that can't be undone.
    pub undo: Option<FlowUndo>,
}

impl Signature {
    /// What the flow does to the resource in a parameter.
    pub fn take(&self, param: usize) -> Option<&Take> {
        self.takes.iter().find(|take| usize::from(take.param) == param)
    }

    /// The state in which a parameter comes back when the flow ends by that error; none where it is settled.
    pub fn kept(&self, param: u16, error: TypeId) -> Option<StateId> {
        self.keeps.iter().find(|keep| keep.param == param && keep.error == error).map(|keep| keep.state)
    }
}

/// `money: CardMoney[authorised => captured, voided]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Take {
    pub param: u16,
    pub resource: TypeId,
    /// The states it is taken in.
    pub from: Vec<StateId>,
    /// The states it may be in when the flow ends well; none: the one it came in.
    pub to: Vec<StateId>,
    pub span: SpanId,
}

/// `-> StockHold[held]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gives {
    pub resource: TypeId,
    pub states: Vec<StateId>,
}

/// `raises E (money is authorised)`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    pub error: TypeId,
    pub param: u16,
    pub state: StateId,
}

/// `undo other_flow(args)`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowUndo {
    pub flow: FlowId,
    /// The locals are what the flow was given, then its result.
    pub args: Vec<Code>,
}
