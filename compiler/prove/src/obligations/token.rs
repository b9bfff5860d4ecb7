//! One resource on its way through a flow: where control stands, and what is true of the resource there.
use flowline_plan::{NodeId, ScopeId, Slot, StateId};

use crate::cause::Escape;

/// All that matters of a run for one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Token {
    pub(super) at: At,
    /// None before it is opened.
    pub(super) state: Option<StateId>,
    pub(super) name: Name,
    pub(super) owed: Owed,
    /// Which scopes around are past their point of no return, one bit a depth.
    pub(super) past: u64,
    /// The state in which the flow was given it.
    pub(super) began: Option<StateId>,
    /// Where the body stands beside which a `meanwhile` or `too late` runs.
    pub(super) back: Option<Back>,
}

/// Where control stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum At {
    Node(NodeId),
    /// Past the last node of a scope.
    End(ScopeId),
    /// A call on the resource has given no answer; its state before the call.
    Calling(NodeId, Option<StateId>),
    /// A call was refused by that error of its contract.
    Refused(NodeId, usize),
    /// Its branch has ended, others haven't.
    Joining(NodeId),
    /// A sub-flow that has it is stopped; it has let go of it.
    Running(NodeId),
}

/// A body that stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Back {
    Node(NodeId),
    End(ScopeId),
}

/// What names the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Name {
    Nothing,
    Slot(Slot),
    /// It is in the list that the slot holds.
    List(Slot),
    /// `give` hands it out; the scope's end binds it.
    Given,
}

/// Who lets go of the resource when a scope is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Owed {
    /// That scope, by the abandon rows.
    By(ScopeId),
    /// Nobody; it has to be closed before that scope, past its point of no return, ends.
    Before(ScopeId),
    Nobody,
    /// A sub-flow, as long as it runs.
    Lent,
    /// A flow that was started: for good.
    Gone,
}

impl Token {
    pub(super) fn start(entry: At) -> Self {
        Self { at: entry, state: None, name: Name::Nothing, owed: Owed::Nobody, past: 0, began: None, back: None }
    }

    /// Whether the scope of that depth is past its point of no return.
    pub(super) fn past(&self, depth: u32) -> bool {
        self.past & bit(depth) != 0
    }

    /// The depth of the innermost scope past its point of no return.
    pub(super) fn past_depth(&self) -> Option<u32> {
        63_u32.checked_sub(self.past.leading_zeros())
    }

    pub(super) fn pass(&mut self, depth: u32) {
        self.past |= bit(depth);
    }

    /// Scopes of that depth and deeper are gone, or haven't begun.
    pub(super) fn outside(&mut self, depth: u32) {
        self.past &= bit(depth) - 1;
    }
}

/// Deeper scopes than the parser allows share the last bit.
fn bit(depth: u32) -> u64 {
    1 << depth.min(63)
}

/// What happens between two tokens, for the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Silent,
    /// The call gave a positive answer.
    Done(NodeId),
    /// The call gave no answer.
    Unknown(NodeId),
    /// The call was refused.
    Refused(NodeId, usize),
    /// A part of the whole is handed out.
    Shared(NodeId),
    /// The flow begins, and has it.
    Given,
    /// A flow that is started has it from now on.
    Handed(NodeId),
    /// A sub-flow that has it is stopped.
    Within(NodeId),
    Returnless(NodeId),
    /// The scope was left.
    Left(Why, ScopeId),
    /// Its attempt was left, and that handler took it over.
    Kept(Why, ScopeId),
    /// The scope has come to its end.
    Ended(ScopeId),
}

/// Why a scope was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// The step before says why.
    Told,
    Raised(Escape),
    /// A sibling branch raised it.
    Sibling(Escape),
    /// The event or timer of that handler.
    Interrupted(ScopeId),
    /// Somebody ended the run.
    Terminated,
}
