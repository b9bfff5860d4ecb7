//! The plan of one flow: nodes, the scopes they lie in, and the slots they bind.
use serde::{Deserialize, Serialize};

use crate::{
    Code, FlowId, Late, NodeId, OpRef, PromiseStep, RetryPolicy, RoleId, ScopeId, Side, Signature, Slot, SpanId, Type,
    TypeId, Undo, schedule::Schedule,
};

/// The meaning of plans that this compiler writes. The core honours each number for ever.
pub const SEMANTICS: u16 = 1;

/// A node's identity: a hash of its path of names, stable over edits elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StableId(pub u64);

/// One flow, compiled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Its full name: `orders.pickup_in_store`.
    pub name: String,
    pub doc: String,
    /// See [`SEMANTICS`].
    pub semantics: u16,
    /// What it takes: the first slots of scope 0.
    pub params: u16,
    /// How it starts by itself; without, only `run` and `start` begin it.
    pub start: Option<StartRule>,
    pub key: Option<KeyRule>,
    pub status: Option<StatusRule>,
    /// Searchable values, by name.
    pub track: Vec<(String, Code)>,
    pub owner: Option<String>,
    pub promises: Vec<Promise>,
    pub late: Late,
    /// Where its runs are begun by a clause of another flow.
    pub side: Option<Side>,
    /// Business errors that a run may end with.
    pub raises: Vec<TypeId>,
    pub result: Type,
    /// What it takes and gives of resources, and what undoes it.
    pub signature: Signature,
    pub nodes: Vec<Node>,
    /// Scope 0 is the flow itself.
    pub scopes: Vec<Scope>,
    pub span: SpanId,
}

impl Plan {
    /// The name as authors write it: the last part. That of a side flow says which clause it is, behind a `#`.
    pub fn short_name(&self) -> &str {
        let flow = self.name.split('#').next().unwrap_or(&self.name);
        let from = flow.rfind('.').map_or(0, |dot| dot + 1);
        self.name.get(from..).unwrap_or(&self.name)
    }

    /// The short name of the flow as authors wrote it down, also for a side flow of it.
    pub fn author_name(&self) -> &str {
        self.short_name().split('#').next().unwrap_or(&self.name)
    }
}

/// How a flow starts by itself. What it starts with is the flow's one parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum StartRule {
    /// `flow f(e: E) when cond`: on an event. The event is local 0 of the condition.
    Event { event: TypeId, condition: Option<Code> },
    /// `starts every …`: by the clock. The parameter is the instant at which the run was due.
    Every(Schedule),
    /// `starts on gather …`: on a batch of events.
    Gather(GatherRule),
}

impl StartRule {
    /// The type of the events that start it.
    pub fn event(&self) -> Option<TypeId> {
        match self {
            Self::Event { event, .. } => Some(*event),
            Self::Gather(gather) => Some(gather.event),
            Self::Every(_) => None,
        }
    }
}

/// `starts on gather E per k within d up to n`. The batch is a record of its id, the key where there is one, and the events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GatherRule {
    pub event: TypeId,
    /// Events with the same value are gathered together; the event is local 0. Without it all of them are.
    pub per: Option<Code>,
    /// The batch is closed so long after its first event.
    pub within_ms: i64,
    /// Or with this event.
    pub count_max: u32,
}

/// What becomes of a start whose key has a run already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyMode {
    /// `once`: one run per key, also after it ended.
    Once,
    /// `one at a time`: it waits until the run has ended.
    OneAtATime,
    /// It is dropped while the run lives.
    OneAlive,
}

/// `key e once`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyRule {
    /// The words of the key.
    pub name: String,
    pub ty: Type,
    /// The locals are the flow's parameters.
    pub code: Code,
    pub mode: KeyMode,
}

/// `status E speaks for T`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRule {
    pub values: TypeId,
    pub speaks_for: Option<TypeId>,
}

/// A promise: how long it may take between two milestones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    pub text: String,
    pub from: PromiseEnd,
    pub to: PromiseEnd,
    /// Gives a Duration, or the Instant at which it is due; evaluated when `from` is reached.
    pub within: Code,
    pub steps: Vec<PromiseStep>,
    pub span: SpanId,
}

/// One end of a promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PromiseEnd {
    /// The start of the run.
    Start,
    /// A status of that case.
    Status(u16),
}

/// One step, wait or choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    pub id: StableId,
    /// What people see: `inventory.hold`, `await PickConfirmed`.
    pub label: String,
    pub scope: ScopeId,
    pub span: SpanId,
    pub kind: NodeKind,
    /// Where control goes on; none ends the scope well.
    pub next: Option<NodeId>,
}

/// What a node does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum NodeKind {
    /// Binds or assigns a slot.
    Let {
        slot: Slot,
        code: Code,
    },
    Call(CallNode),
    Await(AwaitNode),
    /// A durable timer; the code gives a Duration or an Instant.
    Wait {
        due: Code,
    },
    /// The first arm whose condition holds; without one, `otherwise`.
    Choose {
        arms: Vec<ChooseArm>,
        otherwise: Option<NodeId>,
        /// Which arm was taken is told: a `govern`.
        told: bool,
    },
    /// A scope with handlers. The body is the first scope; `result` takes what it or a handler gives.
    Attempt {
        body: ScopeId,
        handlers: Vec<Handler>,
        meanwhile: Vec<Meanwhile>,
        result: Option<Slot>,
    },
    /// The branches run side by side; `results` take what they give, where somebody asks for it.
    Parallel {
        branches: Vec<ScopeId>,
        results: Vec<Option<Slot>>,
    },
    Each(EachNode),
    /// Runs the body until it gives a value or the condition holds, evaluated in the body's scope at its end; past `max`
    /// rounds it raises `Exhausted`.
    Repeat {
        max: Code,
        body: ScopeId,
        until: Code,
        result: Option<Slot>,
    },
    Emit {
        event: TypeId,
        value: Code,
    },
    /// A milestone; for a part when `part` gives its key.
    Status {
        value: Code,
        part: Option<Code>,
    },
    RunFlow(RunFlowNode),
    /// Raises a business error.
    Fail {
        value: Code,
    },
    /// Ends the run well.
    Stop {
        outcome: String,
        status: Option<Code>,
        value: Option<Code>,
    },
    /// Ends the scope with a value.
    Give {
        value: Code,
    },
    PointOfNoReturn,
}

impl NodeKind {
    /// The scopes that the node runs, in the order of the text; a `too late` behind its handler.
    pub fn scopes(&self) -> Vec<ScopeId> {
        match self {
            Self::Attempt { body, handlers, meanwhile, .. } => {
                let mut scopes = vec![*body];
                for handler in handlers {
                    scopes.push(handler.scope);
                    if let Trigger::Event { too_late: Some(late), .. } = &handler.trigger
                        && !scopes.contains(late)
                    {
                        scopes.push(*late);
                    }
                }
                scopes.extend(meanwhile.iter().map(|beside| beside.scope));
                scopes
            }
            Self::Parallel { branches, .. } => branches.clone(),
            Self::Each(each) => vec![each.body],
            Self::Repeat { body, .. } => vec![*body],
            Self::Let { .. }
            | Self::Call(_)
            | Self::Await(_)
            | Self::Wait { .. }
            | Self::Choose { .. }
            | Self::Emit { .. }
            | Self::Status { .. }
            | Self::RunFlow(_)
            | Self::Fail { .. }
            | Self::Stop { .. }
            | Self::Give { .. }
            | Self::PointOfNoReturn => Vec::new(),
        }
    }

    /// Whether the node binds that slot once it is done.
    pub fn binds(&self, slot: Slot) -> bool {
        match self {
            Self::Let { slot: bound, .. } => *bound == slot,
            Self::Call(call) => call.result == Some(slot),
            Self::Attempt { result, .. } | Self::Repeat { result, .. } => *result == Some(slot),
            Self::Parallel { results, .. } => results.contains(&Some(slot)),
            Self::Each(each) => each.result == Some(slot),
            Self::RunFlow(run) => run.result == Some(slot),
            Self::Await(wait) => wait.events.iter().any(|arm| arm.bind == Some(slot)),
            Self::Wait { .. }
            | Self::Choose { .. }
            | Self::Emit { .. }
            | Self::Status { .. }
            | Self::Fail { .. }
            | Self::Stop { .. }
            | Self::Give { .. }
            | Self::PointOfNoReturn => false,
        }
    }
}

/// A durable call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallNode {
    pub op: OpRef,
    pub args: Vec<Code>,
    pub result: Option<Slot>,
    /// Instead of the contract's.
    pub retry: Option<RetryPolicy>,
    pub timeout_ms: Option<i64>,
    /// The locals are the arguments, then the result.
    pub undo: Option<Undo>,
}

/// A deferred choice of events, people and time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AwaitNode {
    pub events: Vec<EventArm>,
    pub timers: Vec<TimerArm>,
    /// A question to a person, whose answer ends the wait as an event does.
    pub task: Option<Box<TaskArm>>,
}

/// `ask role "question" { … }`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskArm {
    pub role: RoleId,
    /// Gives a Text; evaluated when the question is asked, as are the values that are shown.
    pub question: Code,
    pub show: Vec<Shown>,
    /// What is asked for.
    pub answer: Type,
    /// Each gives a Person, a list of persons, or nothing: who may not answer.
    pub not_by: Vec<Code>,
    /// Takes the [`Type::Answer`].
    pub bind: Option<Slot>,
    pub target: Option<NodeId>,
}

/// A value that whoever answers has before their eyes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// Its words in the text: `facts`, `order.total`.
    pub label: String,
    pub ty: Type,
    /// It is what a model advises.
    pub advice: bool,
    pub value: Code,
}

/// Waits for an event by one of its keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventArm {
    pub event: TypeId,
    /// Which of the event's keys.
    pub key: u16,
    /// Gives the key's value; evaluated when the wait is armed.
    pub value: Code,
    pub bind: Option<Slot>,
    /// Takes the event only when this holds; the event is local 0.
    pub condition: Option<Code>,
    /// Only what comes after the wait was armed.
    pub fresh: bool,
    /// Where control goes; unused in handlers.
    pub target: Option<NodeId>,
}

/// Waits for a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimerArm {
    /// Gives a Duration or an Instant; evaluated when it is armed.
    pub due: Code,
    pub end: TimerEnd,
}

/// What happens when time is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimerEnd {
    /// `after d => …`
    Goto(Option<NodeId>),
    /// `within d`: raises `Deadline`, under the wait's name where it has one.
    Deadline(Option<String>),
}

/// One arm of a choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChooseArm {
    /// For pictures: the words of the condition.
    pub label: String,
    pub condition: Code,
    pub target: Option<NodeId>,
}

/// `on …` of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Handler {
    pub trigger: Trigger,
    /// The handler's own scope, beside the body.
    pub scope: ScopeId,
    /// Takes the error; a slot of the handler's scope.
    pub bind: Option<Slot>,
    /// What isn't let go when the body is left for this handler.
    pub keeping: Vec<Kept>,
}

/// `keeping x`: the handler takes over what the statement that binds `x` opened, and all that was done after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Kept {
    /// A slot of the body: a resource, or a list of some.
    pub from: Slot,
    /// A slot of the handler: the same, or none where it was never opened.
    pub to: Slot,
}

/// What makes control leave an attempt's body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Trigger {
    Errors(Vec<Catch>),
    /// An interrupting event; `too_late` runs for one that comes past the point of no return.
    Event {
        arm: EventArm,
        too_late: Option<ScopeId>,
    },
    /// So long after the attempt was entered.
    After(Code),
}

/// What an `on` catches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Catch {
    Error(TypeId),
    /// A deadline, of that name where one is given.
    Deadline(Option<String>),
    Exhausted,
}

/// Runs while the body is parked, and doesn't interrupt it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meanwhile {
    pub kind: MeanwhileKind,
    pub scope: ScopeId,
}

/// What sets a `meanwhile` going.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum MeanwhileKind {
    /// Gives a Duration.
    Every(Code),
    Event(EventArm),
}

/// One branch per element.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EachNode {
    pub list: Code,
    /// Takes the element; a slot of the body.
    pub item: Slot,
    /// How many branches at a time.
    pub width: Option<Code>,
    pub sharing: Option<Sharing>,
    pub body: ScopeId,
    /// Takes the list of what the branches give.
    pub result: Option<Slot>,
}

/// A divisible resource shared out to the branches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sharing {
    /// Gives the whole.
    pub resource: Code,
    /// Gives a share; the element is local 0.
    pub by: Code,
    /// Takes the part; a slot of the body.
    pub part: Slot,
}

/// A sub-flow, joined (`run`) or detached (`start`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFlowNode {
    pub flow: FlowId,
    pub args: Vec<Code>,
    pub detached: bool,
    pub result: Option<Slot>,
}

/// A region of a plan with slots of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    pub kind: ScopeKind,
    /// The scope around it; none for the flow itself.
    pub parent: Option<ScopeId>,
    /// Where control begins; none for an empty body.
    pub entry: Option<NodeId>,
    pub slots: Vec<SlotDef>,
    /// What people see.
    pub label: String,
    pub span: SpanId,
}

/// What a scope is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ScopeKind {
    Flow,
    /// The body of an attempt.
    Attempt,
    /// The body of an `on`.
    Handler,
    /// The body of a `too late`.
    TooLate,
    Meanwhile,
    Branch,
    /// The body of a `for each`.
    Element,
    /// The body of a `repeat`.
    Round,
}

/// A name bound in a scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlotDef {
    pub name: String,
    pub ty: Type,
}
