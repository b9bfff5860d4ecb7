//! Sentences about all runs, and tests.

use super::{Expr, FieldInit, Ident, RecordLit, TextLit};
use flowline_diag::Span;

/// `policy name = forbid …`, `invariant name: never …`
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub name: Ident,
    pub property: Property,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    pub span: Span,
    pub kind: PropertyKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum PropertyKind {
    /// `never A`, `never A after B`
    Never {
        what: Occurrence,
        after: Option<Occurrence>,
    },
    /// `A only after B`
    OnlyAfter {
        what: Occurrence,
        after: Occurrence,
    },
    /// `A at most once [per key]`
    AtMostOnce {
        what: Occurrence,
        per: Option<Expr>,
    },
    /// `never both A and B`
    NeverBoth(Occurrence, Occurrence),
    /// `every A leads to B [or C] [within d]`
    LeadsTo {
        what: Occurrence,
        to: Vec<Occurrence>,
        within: Option<Expr>,
    },
    /// `at end shipped: …`
    AtEnd {
        outcome: Ident,
        holds: Box<Property>,
    },
    /// `A implies approved by role`
    ApprovedBy {
        what: Occurrence,
        role: Ident,
    },
    AlwaysSettled,
    /// `forbid OP [where c] [unless approved by role]`
    Forbid {
        what: Occurrence,
        condition: Option<Expr>,
        unless_approved_by: Option<Ident>,
    },
    Bad,
}

/// Something that can happen in a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Occurrence {
    /// `payments.capture`
    Op { system: Ident, op: Ident },
    /// `status cancelled`
    Status(Ident),
    /// `PickedUp` (an event) or, in metrics and promises, a status, `start` or `end`.
    Named(Ident),
}

/// `test "title" { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    pub title: TextLit,
    pub steps: Vec<TestStep>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TestStep {
    pub span: Span,
    pub kind: TestStepKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TestStepKind {
    /// `given inventory.hold raises OutOfStock`
    Given {
        system: Ident,
        op: Ident,
        given: Given,
    },
    /// `start flow with file "…"`, `start flow(args)`
    Start {
        flow: Ident,
        args: Vec<super::Arg>,
        file: Option<TextLit>,
        fields: Vec<FieldInit>,
    },
    /// `after 90 min`
    After(Expr),
    /// `send PickedUp { order: … }`
    Send(RecordLit),
    Expect(Expectation),
    Bad,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// `raises nothing`
    RaisesNothing,
    /// `raises OutOfStock { … }`
    Raises(RecordLit),
    /// `returns e`
    Returns(Expr),
    /// `times out`
    TimesOut,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// `inventory.release called once`, `called 2 times`, `not called`
    Called { system: Ident, op: Ident, times: u64 },
    /// `outcome rerouted`
    Outcome(Ident),
    /// `status ready`
    Status(Ident),
    /// `emitted OrderCancelled`
    Emitted(Ident),
}

/// `explore pickup_in_store faults 2 { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Explore {
    pub flow: Ident,
    pub faults_max: u64,
    pub properties: Vec<Property>,
}
