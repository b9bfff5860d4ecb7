//! The pieces of control state. Plain data: cheap to copy, to compare, to write down.
use flowline_plan::{ErrorValue, NodeId, OpRef, ScopeId, StateId, TypeId, Value};
use serde::{Deserialize, Serialize};

use crate::{CallKey, EventId, Incident, RunId};

/// One instance of a scope: a body, a branch, an element, a round, a handler. It has exactly one thread of control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Its number, never used twice in a run; parents have smaller ones.
    pub no: u32,
    pub scope: ScopeId,
    pub parent: Option<u32>,
    /// Which element, round or tick; 0 elsewhere.
    pub iteration: u32,
    /// The node it stands at; none past its last one.
    pub pc: Option<NodeId>,
    pub at: At,
    pub stop: Option<Stop>,
    /// Past its own point of no return.
    pub ponr: bool,
    /// What it opened and did and may have to let go, oldest first.
    pub effects: Vec<Effect>,
    pub call: Option<Box<PendingCall>>,
    pub waits: Vec<Wait>,
    pub timers: Vec<Timer>,
    /// Timers that are due and wait for homes to answer.
    pub closing: Vec<Closing>,
    /// Only in the body of an attempt.
    pub guard: Option<Box<GuardState>>,
}

impl Frame {
    /// Whether time is up for the scope that the frame runs: what is inside goes no further than to its next step.
    pub fn ends_scope(&self) -> bool {
        self.closing.iter().any(|closing| matches!(closing.what, TimerFor::Handler(_)))
    }
}

/// What a frame is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum At {
    /// About to run its node.
    Ready,
    /// A call is out.
    Calling,
    /// A call failed; a timer runs until the next attempt.
    Backoff,
    /// Waits for events or time.
    Parked,
    /// An attempt's body or handler runs inside.
    Inside,
    /// Branches or elements run inside.
    Joining {
        /// How many haven't ended.
        open: u32,
        /// What the ended ones may have to let go.
        lanes: Vec<Vec<Effect>>,
    },
    /// A round of a `repeat` runs inside; so many are allowed.
    Rounds { max: u32 },
    /// An element that waits for its turn.
    Queued,
    /// Waits for a sub-flow's end.
    Child(RunId),
    /// Waits until a sub-flow has settled.
    ChildSettling(RunId),
    /// Waits for the end of the flow that undoes a sub-flow.
    ChildUndoing(RunId),
    /// Parked until somebody looks.
    Incident(Box<Incident>),
    /// Lets go of what it holds, newest first.
    Settling,
    /// Waits for the lanes of parallel branches to be let go.
    Lanes,
}

/// Why a frame must stop at its next step boundary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stop {
    /// A scope around it is being left.
    Outer,
    /// It is itself the scope that is left.
    Leave(Cause),
}

/// What makes control leave a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    Error(ErrorValue),
    Deadline(Option<String>),
    Exhausted,
    /// An interrupting event, for that handler.
    Event {
        handler: u16,
        value: Value,
    },
    /// Time is up, for that handler.
    After {
        handler: u16,
    },
    /// The run is to be settled.
    Settle,
}

/// Something that may have to be let go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// A resource: by its state.
    Resource(u32),
    /// A compensatable step.
    Step {
        /// Names what the data half keeps of it: arguments and result.
        effect: u32,
        node: NodeId,
        key: CallKey,
        /// The time of its first attempt, ms: from then on the system keeps the key.
        since: i64,
        /// Whether its outcome is known.
        known: bool,
    },
    /// A sub-flow that has ended well and that another flow undoes.
    Child {
        /// Names what the data half keeps of it: arguments and result.
        effect: u32,
        node: NodeId,
        child: RunId,
    },
    /// What parallel branches did: side by side.
    Lanes(Vec<Vec<Effect>>),
}

/// A call that is out, or will be again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingCall {
    pub no: u32,
    pub what: CallFor,
    pub op: OpRef,
    /// From 1.
    pub attempt: u32,
    pub key: CallKey,
    /// The outcome of an earlier attempt is unknown.
    pub doubt: bool,
    /// Parameter, resource, and the state it was in before the call.
    pub resources: Vec<(u16, u32, StateId)>,
    /// The resource it opens.
    pub opens: Option<u32>,
    /// The first attempt's time, ms.
    pub since: i64,
    /// The last attempt's time, ms.
    pub sent_at: i64,
    /// An alarm has been shown for it.
    pub alarmed: bool,
}

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CallFor {
    /// The step itself.
    Step,
    /// The abandon row of a resource's state.
    Abandon { resource: u32 },
    /// The undo of a completed step, the last entry of the frame's effects.
    Undo { effect: u32 },
    /// The step once more, to learn its result, before its undo.
    Repeat { effect: u32 },
}

/// A resource of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    pub ty: TypeId,
    /// None as long as it never existed: the opening call is out, or nothing happened.
    pub state: Option<StateId>,
    /// Its state was reached past the point of no return of that frame: nobody outside the frame undoes it.
    pub last: Option<u32>,
    /// The frame in which its state was reached; once that has ended well, the frame around it.
    pub reached: u32,
    /// A call that moves it is out.
    pub busy: bool,
    /// How many abandon calls it took so far.
    pub abandons: u32,
    /// Timer and instant at which its state ends by itself.
    pub expiry: Option<(u32, i64)>,
    /// The parameter under which the run was given it.
    pub given: Option<u16>,
    /// Another run has it.
    pub away: Option<Away>,
}

impl Resource {
    /// One that a frame is about to hold; its state comes later.
    pub(super) fn new(ty: TypeId, frame: u32) -> Self {
        let (state, last, expiry, given, away) = (None, None, None, None, None);
        Self { ty, state, last, reached: frame, busy: false, abandons: 0, expiry, given, away }
    }
}

/// Where a resource is while this run doesn't have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Away {
    /// A sub-flow has it, under that number, and gives it back at its end.
    Lent { child: RunId, number: u32 },
    /// A flow that was started has it for good.
    Gone,
}

/// A wait for an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    pub no: u32,
    pub what: WaitFor,
    /// The home was asked to withdraw it.
    pub withdrawing: bool,
}

/// What a wait is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum WaitFor {
    /// That arm of the `await` at which the frame stands.
    Arm(u16),
    /// The answer of a person, at the `await` at which the frame stands.
    Task,
    /// That handler of the attempt whose body this is.
    Handler(u16),
    /// That `meanwhile` of the attempt whose body this is.
    Meanwhile(u16),
}

/// A timer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    pub no: u32,
    pub due: i64,
    pub what: TimerFor,
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TimerFor {
    /// The next attempt of the frame's call.
    Retry,
    /// A `wait`.
    Wait,
    /// That timer of the `await` at which the frame stands.
    Arm(u16),
    /// That `after` handler of the attempt whose body this is.
    Handler(u16),
    /// That `meanwhile every` of the attempt whose body this is.
    Meanwhile(u16),
}

/// A timer is due, but waits have to be withdrawn before it may act: an event acknowledged earlier beats it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    pub due: i64,
    pub what: TimerFor,
    /// The waits whose home hasn't answered yet.
    pub left: Vec<u32>,
}

/// What only the body of an attempt has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GuardState {
    /// The `meanwhile` or `too late` that runs now; the body stands still.
    pub held_by: Option<u32>,
    /// Those that run next.
    pub queue: Vec<Queued>,
    /// How many ran so far.
    pub runs: u32,
    /// The body has come to its end, or to a `stop`.
    pub done: bool,
    /// Only where some handler keeps something: the last statement that the body began, and how much it had done before.
    pub began: Option<(NodeId, u32)>,
    /// For each slot that some handler keeps: how much the body had done before the statement that binds it.
    pub marks: Vec<(flowline_plan::Slot, u32)>,
    /// The slots of what the handler keeps for which the body is left.
    pub found: Vec<flowline_plan::Slot>,
    /// What that handler takes over, oldest first.
    pub kept: Vec<Effect>,
}

/// A `meanwhile` or `too late` that waits for its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    pub scope: ScopeId,
    /// What its slot takes.
    pub bind: Option<(flowline_plan::Slot, Value)>,
    /// The event that set it going.
    pub event: Option<EventId>,
}
