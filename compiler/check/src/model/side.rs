//! Bodies that are flows of their own: steps in promises, and `late` clauses.

use super::{EventWait, Expr, Flow, LocalId};
use flowline_diag::Span;
use rust_decimal::Decimal;

/// `at 75% { … }` or `missed { … }` of a promise.
#[derive(Debug, Clone)]
pub struct PromiseStep {
    /// None for `missed`.
    pub share: Option<Decimal>,
    pub side: SideFlow,
}

/// What a run of the flow answers after its end.
#[derive(Debug, Clone, Default)]
pub struct Late {
    /// The names of the flow's own scope that the clauses see: their parameters behind the event, in this order.
    pub sees: Vec<LocalId>,
    pub clauses: Vec<LateClause>,
}

/// `late E for key as e within 90 days { … }`. Its expressions are in terms of the side flow's parameters; the event is
/// the first.
#[derive(Debug, Clone)]
pub struct LateClause {
    pub span: Span,
    pub event: EventWait,
    pub within: Expr,
    pub side: SideFlow,
}

/// A body as a flow that nobody begins by name.
#[derive(Debug, Clone)]
pub struct SideFlow {
    pub flow: Flow,
    /// For messages: `the steps for a missed promise`.
    pub what: String,
    /// What it sees of the flow around it, one for each of its last parameters.
    pub sees: Vec<LocalId>,
}
