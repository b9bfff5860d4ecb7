//! What is said about runs instead of done in them: metrics, policies, invariants, explorations, tests and migrations.
//!
//! None of it is part of a bundle. It is kept for whoever proves, tests and measures.

use super::{Expr, Local};
use flowline_diag::Span;
use flowline_plan::{FlowId, OpRef, TypeId};

/// `metric cycle "Cycle time" = time from received to refunded of handle_return by channel`
#[derive(Debug, Clone)]
pub struct Metric {
    pub name: String,
    pub doc: String,
    pub span: Span,
    pub title: Option<String>,
    pub flow: FlowId,
    pub from: MetricEnd,
    pub to: MetricEnd,
    /// Positions in the flow's `track`.
    pub by: Vec<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricEnd {
    Start,
    End,
    /// A case of the flow's status.
    Status(u16),
}

/// `policy name = …`: holds of every flow.
#[derive(Debug, Clone)]
pub struct Policy {
    pub name: String,
    pub doc: String,
    pub span: Span,
    pub property: Property,
}

/// `invariant flow: …`: holds of one flow, which may have several.
#[derive(Debug, Clone)]
pub struct Invariant {
    pub doc: String,
    pub span: Span,
    pub flow: FlowId,
    pub property: Property,
}

/// `explore flow faults n { … }`
#[derive(Debug, Clone)]
pub struct Explore {
    pub doc: String,
    pub span: Span,
    pub flow: FlowId,
    pub faults_max: u32,
    pub properties: Vec<Property>,
}

/// A sentence about runs.
#[derive(Debug, Clone)]
pub struct Property {
    pub span: Span,
    pub kind: PropertyKind,
}

#[derive(Debug, Clone)]
pub enum PropertyKind {
    Never {
        what: Occurrence,
        after: Option<Occurrence>,
    },
    OnlyAfter {
        what: Occurrence,
        after: Occurrence,
    },
    AtMostOnce {
        what: Occurrence,
        per: Option<Said>,
    },
    NeverBoth(Occurrence, Occurrence),
    LeadsTo {
        what: Occurrence,
        /// One of them has to follow.
        to: Vec<Occurrence>,
        /// A Duration or an Instant.
        within: Option<Expr>,
    },
    AtEnd {
        outcome: String,
        holds: Box<Property>,
    },
    ApprovedBy {
        what: Occurrence,
        role: String,
    },
    AlwaysSettled,
    Forbid {
        op: OpRef,
        condition: Option<Said>,
        unless_approved_by: Option<String>,
    },
}

/// Something that can happen in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occurrence {
    Op(OpRef),
    Event(TypeId),
    /// Cases of that name: one where a flow is named, else one of each status that has it.
    Status(Vec<(TypeId, u16)>),
}

/// An expression about one occurrence: the first so many locals are the operation's parameters, or the event.
#[derive(Debug, Clone)]
pub struct Said {
    pub locals: Vec<Local>,
    pub params: u16,
    pub value: Expr,
}

/// `test "title" { … }`
#[derive(Debug, Clone)]
pub struct Test {
    pub title: String,
    pub doc: String,
    pub span: Span,
    pub steps: Vec<TestStep>,
}

#[derive(Debug, Clone)]
pub struct TestStep {
    pub span: Span,
    pub kind: TestStepKind,
}

#[derive(Debug, Clone)]
pub enum TestStepKind {
    Given {
        op: OpRef,
        given: Given,
    },
    Start {
        flow: FlowId,
        with: StartWith,
    },
    /// A Duration.
    After(Expr),
    /// A value of an event.
    Send(Expr),
    Expect(Expectation),
}

#[derive(Debug, Clone)]
pub enum Given {
    RaisesNothing,
    /// An expression of kind [`super::ExprKind::Error`].
    Raises(Expr),
    Returns(Expr),
    TimesOut,
}

#[derive(Debug, Clone)]
pub enum StartWith {
    /// One for each parameter.
    Args(Vec<Expr>),
    /// A JSON file that holds the only parameter. Its path is below the folder of the project.
    File { path: String, span: Span },
}

#[derive(Debug, Clone)]
pub enum Expectation {
    Called {
        op: OpRef,
        times: u64,
    },
    Outcome(String),
    /// Cases of that name in the statuses of the flows at hand.
    Status(Vec<(TypeId, u16)>),
    Emitted(TypeId),
}

/// `migrate flow { old_step => new_step }`
#[derive(Debug, Clone)]
pub struct Migrate {
    pub doc: String,
    pub span: Span,
    pub flow: FlowId,
    pub rows: Vec<MigrateRow>,
}

#[derive(Debug, Clone)]
pub struct MigrateRow {
    pub span: Span,
    /// A step of the version before.
    pub from: String,
    /// A step of this version.
    pub to: String,
    /// In terms of the flow's parameters.
    pub args: Vec<Expr>,
}
