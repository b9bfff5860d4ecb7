//! Flows and their statements.

use super::{Ask, Expr, Govern, Late, Local, LocalId, Pattern, PromiseStep, Ty, Undo};
use flowline_diag::Span;
use flowline_plan::{FlowId, Gives, Keep, KeyMode, OpRef, RetryPolicy, Schedule, ScopeId, ScopeKind, StateId, TypeId};

#[derive(Debug, Clone)]
pub struct Flow {
    /// Its full name: `orders.pickup_in_store`.
    pub name: String,
    pub doc: String,
    /// From `flow` to the last clause.
    pub head: Span,
    pub span: Span,
    /// The first so many locals are the parameters, slots of scope 0.
    pub params: u16,
    pub result: Ty,
    /// Business errors that a run may end with, and where each is said.
    pub raises: Vec<(TypeId, Span)>,
    pub signature: Signature,
    pub start: Option<Start>,
    pub key: Option<FlowKey>,
    pub status: Option<Status>,
    pub track: Vec<Track>,
    pub owner: Option<String>,
    pub promises: Vec<Promise>,
    pub late: Late,
    pub locals: Vec<Local>,
    /// Scope 0 is the flow itself; a scope comes after the one around it.
    pub scopes: Vec<Scope>,
    /// The body of scope 0.
    pub body: Block,
}

/// What a flow takes and gives of resources, and what undoes it.
#[derive(Debug, Clone, Default)]
pub struct Signature {
    pub takes: Vec<Take>,
    pub gives: Option<Gives>,
    pub keeps: Vec<Keep>,
    pub undo: Option<FlowUndo>,
}

/// `money: CardMoney[authorised => captured, voided]`
#[derive(Debug, Clone)]
pub struct Take {
    pub param: u16,
    pub resource: TypeId,
    pub from: Vec<StateId>,
    /// Empty where it comes back in the state it came in.
    pub to: Vec<StateId>,
    pub span: Span,
}

/// `undo other_flow(args)`
#[derive(Debug, Clone)]
pub struct FlowUndo {
    pub span: Span,
    pub flow: FlowId,
    /// In terms of the parameters and of `result`.
    pub args: Vec<Expr>,
    /// The code local that stands for the flow's result.
    pub result: Option<LocalId>,
}

/// A region with slots of its own. A block of a `when`, a `match` or an arm is none: its names are slots of the scope around it.
#[derive(Debug, Clone)]
pub struct Scope {
    pub kind: ScopeKind,
    pub parent: Option<ScopeId>,
    pub span: Span,
}

/// How a flow starts by itself.
#[derive(Debug, Clone)]
pub enum Start {
    /// On each event for which the condition holds, in terms of the first parameter, which is the event.
    Event { event: TypeId, condition: Option<Expr> },
    /// By the clock; the parameter is the instant.
    Every(Schedule),
    /// On a batch of events, which is the parameter.
    Gather(Gather),
}

/// `starts on gather E per k within d up to n`
#[derive(Debug, Clone)]
pub struct Gather {
    pub event: TypeId,
    /// The key that events are gathered by, with the locals it needs; local 0 is the event.
    pub per: Option<(Vec<Local>, Expr)>,
    pub within_ms: i64,
    pub count_max: u32,
}

#[derive(Debug, Clone)]
pub struct FlowKey {
    /// The words of the key.
    pub name: String,
    pub span: Span,
    /// In terms of the parameters; several where the key is composite.
    pub parts: Vec<Expr>,
    pub mode: KeyMode,
}

#[derive(Debug, Clone, Copy)]
pub struct Status {
    pub span: Span,
    /// The enum of milestones and outcomes.
    pub values: TypeId,
    pub speaks_for: Option<TypeId>,
}

#[derive(Debug, Clone)]
pub struct Track {
    pub span: Span,
    pub name: String,
    /// In terms of the parameters.
    pub value: Expr,
}

#[derive(Debug, Clone)]
pub struct Promise {
    pub span: Span,
    pub text: String,
    pub from: PromiseEnd,
    pub to: PromiseEnd,
    /// A Duration or an Instant.
    pub within: Expr,
    pub steps: Vec<PromiseStep>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromiseEnd {
    Start,
    /// A case of the flow's status.
    Status(u16),
}

/// Statements of one scope.
#[derive(Debug, Clone)]
pub struct Block {
    pub span: Span,
    pub stmts: Vec<Stmt>,
}

/// A block that is a scope of its own.
#[derive(Debug, Clone)]
pub struct Body {
    pub scope: ScopeId,
    pub block: Block,
}

#[derive(Debug, Clone)]
pub struct Stmt {
    pub span: Span,
    pub kind: StmtKind,
}

/// `result` of a statement is the slot that takes its value: that of a `let` or `var`, or the `var` it is assigned to.
#[derive(Debug, Clone)]
pub enum StmtKind {
    /// `let`, `var` and assignment of an expression.
    Let {
        local: LocalId,
        value: Expr,
    },
    Call(Call),
    Await(Await),
    /// A Duration or an Instant.
    Wait(Expr),
    When {
        condition: Expr,
        then: Block,
        otherwise: Option<Block>,
    },
    Match {
        value: Expr,
        arms: Vec<StmtMatchArm>,
    },
    Parallel(Vec<Branch>),
    Each(Box<Each>),
    Repeat(Repeat),
    /// Ends the nearest attempt (body or handler), round or element with a value.
    Give(Expr),
    Attempt(Attempt),
    Ask(Box<Ask>),
    Govern(Box<Govern>),
    Emit {
        event: TypeId,
        value: Expr,
    },
    /// A case of the flow's status; the part's key where it speaks for a part.
    Status {
        value: Expr,
        part: Option<Expr>,
    },
    /// `run`, or `start` where detached.
    Flow {
        flow: FlowId,
        args: Vec<Expr>,
        detached: bool,
        result: Option<LocalId>,
    },
    /// An expression of kind [`super::ExprKind::Error`].
    Fail(Expr),
    Stop {
        outcome: String,
        /// The case of that name, where the flow has a status.
        status: Option<Expr>,
        with: Option<Expr>,
    },
    PointOfNoReturn,
}

#[derive(Debug, Clone)]
pub struct Call {
    pub op: OpRef,
    pub args: Vec<Expr>,
    pub result: Option<LocalId>,
    /// Instead of the contract's.
    pub retry: Option<RetryPolicy>,
    pub timeout_ms: Option<i64>,
    /// Instead of the contract's. Its arguments are in terms of the flow's locals, and of `undo_result`.
    pub undo: Option<Undo>,
    /// The code local that stands for the call's result in `undo`.
    pub undo_result: Option<LocalId>,
    /// Behind `as`.
    pub step: Option<String>,
}

/// `await E …` has one event and at most one timer that raises `Deadline`; `await first` has arms.
#[derive(Debug, Clone)]
pub struct Await {
    pub arms: Vec<AwaitArm>,
    pub timers: Vec<Timer>,
    /// Takes the event of `let e = await E`, besides its `as`.
    pub result: Option<LocalId>,
}

#[derive(Debug, Clone)]
pub struct AwaitArm {
    pub event: EventWait,
    /// None for a plain `await`, which goes on with the next statement.
    pub body: Option<Block>,
}

#[derive(Debug, Clone)]
pub enum Timer {
    /// `after d => …`; a Duration or an Instant.
    After { span: Span, due: Expr, body: Block },
    /// `within d`: raises `Deadline` under the name of its wait.
    Deadline { span: Span, due: Expr, name: Option<String> },
}

/// One wait for an event.
#[derive(Debug, Clone)]
pub struct EventWait {
    pub span: Span,
    pub event: TypeId,
    /// Which of the event's keys.
    pub key: u16,
    /// One for each part of that key.
    pub value: Vec<Expr>,
    pub bind: Option<LocalId>,
    /// The event stands in it as the local `bind`, or not at all.
    pub condition: Option<Expr>,
    pub fresh: bool,
}

#[derive(Debug, Clone)]
pub struct StmtMatchArm {
    pub span: Span,
    pub patterns: Vec<Pattern>,
    pub body: Block,
}

#[derive(Debug, Clone)]
pub struct Branch {
    pub name: String,
    pub span: Span,
    pub body: Body,
    /// Takes what the branch gives: `both.a`.
    pub result: Option<LocalId>,
}

#[derive(Debug, Clone)]
pub struct Each {
    pub list: Expr,
    /// A slot of the body.
    pub item: LocalId,
    /// How many at a time.
    pub width: Option<Expr>,
    pub sharing: Option<Sharing>,
    pub body: Body,
    /// Takes the list of what the elements give.
    pub result: Option<LocalId>,
}

#[derive(Debug, Clone)]
pub struct Sharing {
    pub span: Span,
    /// The resource to be shared out.
    pub whole: Expr,
    /// In terms of the element, `item`, and of what is seen outside.
    pub amount: Expr,
    /// A slot of the body.
    pub part: LocalId,
}

#[derive(Debug, Clone)]
pub struct Repeat {
    pub max: Expr,
    pub body: Body,
    /// Evaluated in the body's scope; `false` where the text has none.
    pub until: Expr,
    pub result: Option<LocalId>,
}

#[derive(Debug, Clone)]
pub struct Attempt {
    pub body: Body,
    /// In the order of the text: the first that fits counts.
    pub handlers: Vec<Handler>,
    /// For interrupting events that come past the attempt's point of no return.
    pub too_late: Option<Body>,
    pub meanwhile: Vec<Meanwhile>,
    pub result: Option<LocalId>,
}

#[derive(Debug, Clone)]
pub struct Handler {
    pub span: Span,
    pub trigger: Trigger,
    pub body: Body,
    /// Takes the error: one error with its fields, or [`Ty::AnyError`]. An event is bound by its wait.
    pub bind: Option<LocalId>,
    pub keeping: Vec<Kept>,
}

/// `keeping hold`: the same resource, or list of some, under its name in the body and in the handler.
#[derive(Debug, Clone)]
pub struct Kept {
    pub span: Span,
    pub from: LocalId,
    /// None where it was never opened.
    pub to: LocalId,
}

#[derive(Debug, Clone)]
pub enum Trigger {
    Errors(Vec<Catch>),
    Event(EventWait),
    /// So long after the attempt was entered; a Duration or an Instant.
    After(Expr),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Catch {
    Error {
        error: TypeId,
        span: Span,
    },
    /// A deadline, of that wait where one is named.
    Deadline {
        name: Option<String>,
        span: Span,
    },
    Exhausted {
        span: Span,
    },
}

#[derive(Debug, Clone)]
pub struct Meanwhile {
    pub span: Span,
    pub kind: MeanwhileKind,
    pub body: Body,
}

#[derive(Debug, Clone)]
pub enum MeanwhileKind {
    /// A Duration.
    Every(Expr),
    /// Its `bind` is a slot of the body.
    Event(EventWait),
}
