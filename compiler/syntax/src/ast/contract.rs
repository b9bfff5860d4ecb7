//! What other systems promise: resources, systems and their operations.

use super::{Arg, Doc, Expr, Field, Ident, Param, TextLit, Type};
use flowline_diag::Span;

/// `resource StockHold { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    pub name: Ident,
    /// All fields; `id` is one of them.
    pub fields: Vec<Field>,
    /// The field behind `splits by`.
    pub splits_by: Option<Ident>,
    pub open: Vec<OpenState>,
    pub doubt: Vec<Ident>,
    pub closed: Vec<Ident>,
    pub abandon: Vec<AbandonRow>,
}

/// `authorised expires at capture_before, at least 4 days 18 h, into lapsed`
#[derive(Debug, Clone, PartialEq)]
pub struct OpenState {
    pub span: Span,
    pub name: Ident,
    pub expiry: Option<Expiry>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Expiry {
    pub span: Span,
    /// A field of type `Instant`.
    pub at: Expr,
    /// The least time it lives; proofs use it.
    pub at_least: Option<Expr>,
    /// The state it falls into.
    pub into: Option<Ident>,
}

/// `held, maybe_held => inventory.release(self)`
#[derive(Debug, Clone, PartialEq)]
pub struct AbandonRow {
    pub span: Span,
    pub states: Vec<Ident>,
    pub action: Abandonable,
}

/// What settles a state.
#[derive(Debug, Clone, PartialEq)]
pub enum Abandonable {
    Call(OpCall),
    Bad,
}

/// `inventory.hold(order.id, order.lines)`
#[derive(Debug, Clone, PartialEq)]
pub struct OpCall {
    pub span: Span,
    pub system: Ident,
    pub op: Ident,
    pub args: Vec<Arg>,
}

/// `system inventory "Inventory service" { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct System {
    pub name: Ident,
    pub title: Option<TextLit>,
    /// Domains behind `owns`.
    pub owns: Vec<Ident>,
    /// Labels behind `cleared for`; `nothing` and saying nothing both read as empty.
    pub cleared_for: Vec<Ident>,
    pub ops: Vec<Op>,
}

/// `op hold(order: OrderId) -> StockHold[held] writes stock …`
///
/// Clauses may come in any order. One that stands twice is a finding of the parser, and the first counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Op {
    pub span: Span,
    pub doc: Option<Doc>,
    pub name: Ident,
    pub params: Vec<Param>,
    pub result: Option<Type>,
    pub reads: Vec<Ident>,
    pub writes: Vec<Ident>,
    /// The classes stated; a sound op states at most one.
    pub classes: Vec<OpClass>,
    /// The word `retriable`.
    pub retriable: Option<Span>,
    pub idempotent: Option<Idempotency>,
    pub raises: Vec<Raise>,
    pub takes: Option<Takes>,
    /// Behind `timeout`.
    pub timeout: Option<Expr>,
    pub retry: Option<Retry>,
    pub later: Option<Later>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum OpClass {
    /// `undo post_credit_note(order, result)`: an op of the same system, or `system.op(…)`.
    Undo {
        span: Span,
        system: Option<Ident>,
        op: Ident,
        args: Vec<Arg>,
    },
    Irreversible(Span),
    Harmless(Span),
    Settles(Span),
}

/// `idempotent by (order, parcel) kept 48 h`
#[derive(Debug, Clone, PartialEq)]
pub struct Idempotency {
    pub span: Span,
    /// The parts of the key; one unless it is composite.
    pub key: Vec<Expr>,
    /// How long the system remembers; for ever where it is not said.
    pub kept: Option<Expr>,
}

/// `CaptureFailed (card is lapsed)`
#[derive(Debug, Clone, PartialEq)]
pub struct Raise {
    pub span: Span,
    pub error: Ident,
    pub effect: Option<RaiseEffect>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum RaiseEffect {
    /// `(outcome unknown)`
    OutcomeUnknown(Span),
    /// `(card is lapsed)`: the subject is a parameter, or a state from which this holds.
    State { span: Span, subject: Ident, state: Ident },
}

/// `takes 50 ms to 2 s`
#[derive(Debug, Clone, PartialEq)]
pub struct Takes {
    pub span: Span,
    pub least: Expr,
    pub most: Expr,
}

/// `retry 5 times from 200 ms to 10 s`
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    pub span: Span,
    pub times: RetryTimes,
    /// The first pause.
    pub from: Option<Expr>,
    /// The longest pause.
    pub to: Option<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryTimes {
    Times(u64),
    /// Where `retry` names only pauses.
    NotSaid,
}

/// `later PickConfirmed or PickRejected`
#[derive(Debug, Clone, PartialEq)]
pub struct Later {
    pub span: Span,
    pub events: Vec<Ident>,
    pub mode: LaterMode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaterMode {
    /// `A, B`: one after the other.
    InTurn,
    /// `A or B`: one of them.
    OneOf,
}
