//! Flows: the header and its clauses.

use super::{Arg, Block, EventWait, Expr, Ident, Occurrence, Param, Raise, TextLit, TimeOfDay, Type, Weekday};
use flowline_diag::Span;
use std::sync::Arc;

/// `flow name(params) -> R raises E when cond key … status … { … }`
///
/// Clauses may come in any order. One that stands twice is a finding of the parser, and the first counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// From `flow` to the last clause, without the body.
    pub head: Span,
    pub name: Ident,
    pub params: Vec<Param>,
    pub result: Option<Type>,
    pub raises: Vec<Raise>,
    /// The start condition behind `when`.
    pub when: Option<Expr>,
    pub starts: Option<FlowStart>,
    pub key: Option<FlowKey>,
    pub status: Option<StatusClause>,
    pub track: Vec<Track>,
    pub owner: Option<TextLit>,
    pub promises: Vec<Promise>,
    /// `undo other_flow(args)`
    pub undo: Option<super::FlowCall>,
    pub body: Block,
    pub late: Vec<Late>,
    /// The words of what could not be read in its head: names that are bound there, clauses that stand there.
    pub unread: Vec<Arc<str>>,
}

/// `key placed.order.id once`
#[derive(Debug, Clone, PartialEq)]
pub struct FlowKey {
    pub span: Span,
    /// One expression, or several where the key is composite.
    pub parts: Vec<Expr>,
    pub mode: KeyMode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMode {
    /// One run per key, also after it ended.
    Once,
    /// The next start waits until the run has ended.
    OneAtATime,
    NotSaid,
}

/// `status PickupStatus speaks for OrderId`
#[derive(Debug, Clone, PartialEq)]
pub struct StatusClause {
    pub span: Span,
    pub ty: Ident,
    pub speaks_for: Option<Ident>,
}

/// `channel = placed.order.channel`
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    pub span: Span,
    pub name: Ident,
    pub value: Expr,
}

/// `promise "ready within 2 hours": from start to ready within 2 h { at 75% { … } missed { … } }`
#[derive(Debug, Clone, PartialEq)]
pub struct Promise {
    pub span: Span,
    pub text: TextLit,
    /// `start`, or a value of the flow's status.
    pub from: Occurrence,
    pub to: Occurrence,
    pub within: Expr,
    pub at: Vec<PromiseAt>,
    pub missed: Option<Block>,
}

/// `at 75% { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct PromiseAt {
    pub span: Span,
    /// A percentage of the promised time.
    pub share: Expr,
    pub body: Block,
}

/// How a flow starts by itself.
#[derive(Debug, Clone, PartialEq)]
pub enum FlowStart {
    /// `starts every day at 05:00 of warehouse as tick`
    Every { span: Span, every: Recurrence, at: Option<TimeOfDay>, calendar: Option<Expr>, binding: Option<Ident> },
    /// `starts on gather LowStock per supplier_id within 30 min up to 500 as signals`
    Gather {
        span: Span,
        event: Ident,
        per: Option<Expr>,
        within: Option<Expr>,
        count_max: Option<u64>,
        binding: Option<Ident>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Recurrence {
    Day,
    Weekday(Weekday),
    Duration(Expr),
}

/// `late E for key as e within 90 days { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Late {
    pub span: Span,
    /// The wait with its `within`.
    pub event: EventWait,
    pub body: Block,
}

impl Flow {
    /// The arguments of the flow's `undo`, if it has one.
    pub fn undo_args(&self) -> &[Arg] {
        self.undo.as_ref().map_or(&[], |call| &call.args)
    }
}
