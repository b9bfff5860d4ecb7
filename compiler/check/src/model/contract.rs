//! Contracts of systems, with all that the text leaves unsaid.

use super::{Expr, Local, Ty};
use flowline_diag::Span;
use flowline_plan::{Later, OpRef, Opens, ResourceUse, RetryPolicy, StateId, TypeId};

#[derive(Debug, Clone)]
pub struct System {
    /// The name in flows: `inventory`. No two systems of a project share it.
    pub name: String,
    /// The name for people; the name in flows where the text gives none.
    pub label: String,
    pub span: Span,
    /// In the order of the text.
    pub owns: Vec<DomainUse>,
    /// The labels of data it may receive.
    pub cleared_for: Vec<String>,
    pub ops: Vec<Op>,
}

/// An operation.
///
/// In the expressions of its clauses, locals are the parameters in order, then the result where there is one: positions
/// in `locals`, and those of the code's locals.
#[derive(Debug, Clone)]
pub struct Op {
    pub name: String,
    pub doc: String,
    pub span: Span,
    pub params: Vec<OpParam>,
    /// A resource where `opens` is set; [`Ty::Unit`] where the op only acts.
    pub result: Ty,
    pub locals: Vec<Local>,
    pub opens: Option<Opens>,
    pub class: OpClass,
    pub retriable: bool,
    pub idempotency: Option<Idempotency>,
    pub raises: Vec<Raise>,
    /// Shortest and longest time of a usual answer, ms.
    pub takes_ms: (i64, i64),
    pub timeout_ms: i64,
    pub retry: RetryPolicy,
    pub later: Vec<Later>,
    pub reads: Vec<DomainUse>,
    pub writes: Vec<DomainUse>,
}

impl Op {
    /// Whether it opens or moves a resource and names no state of doubt for it.
    pub fn is_silent(&self) -> bool {
        let opens = self.opens.as_ref().is_some_and(|opens| opens.doubt.is_none());
        let moves = self.params.iter().filter_map(|param| param.resource.as_ref());
        opens || moves.into_iter().any(|change| change.to.is_some() && change.doubt.is_none())
    }
}

/// A domain where it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainUse {
    /// Its full name: `std.payments.money`.
    pub name: String,
    pub span: Span,
}

impl DomainUse {
    /// The name as authors write it: the last part.
    pub fn short_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }
}

#[derive(Debug, Clone)]
pub struct OpParam {
    pub name: String,
    pub span: Span,
    pub ty: Ty,
    pub resource: Option<ResourceUse>,
}

#[derive(Debug, Clone)]
pub enum OpClass {
    Read,
    /// Opens a resource or moves one on.
    Transition,
    Compensatable(Undo),
    Irreversible,
    Harmless,
    Settles,
}

/// The call that compensates another.
#[derive(Debug, Clone)]
pub struct Undo {
    pub span: Span,
    pub op: OpRef,
    /// One for each parameter of the undoing op, in terms of the undone op's locals: its arguments, then its result.
    pub args: Vec<Expr>,
    /// Whether the arguments use the result.
    pub needs_result: bool,
}

#[derive(Debug, Clone)]
pub struct Idempotency {
    /// The words of the key: `result.id`, `order, parcel`.
    pub name: String,
    pub span: Span,
    pub key: Vec<Expr>,
    /// None: for ever.
    pub kept_ms: Option<i64>,
}

#[derive(Debug, Clone)]
pub struct Raise {
    pub span: Span,
    pub error: TypeId,
    pub outcome_unknown: bool,
    /// Parameter, the state it must be in (any when none), the state it is in now.
    pub states: Vec<(u16, Option<StateId>, StateId)>,
}
