//! The tree that a `.flow` file is read into: the whole language, one type per construct, a span on every node.
//!
//! A tree is complete even where the text is not: what could not be read is a `Bad` node, and everything around it is kept.
//! A `Bad` node always comes with a finding, so later stages pass over it in silence.
//! Names are not resolved here: whether `Channel.web` is an enum's case or a field is for the checker to say.

mod contract;
mod decl;
mod expr;
mod flow;
mod property;
mod stmt;
mod types;

pub use contract::{
    AbandonRow, Abandonable, Expiry, Idempotency, Later, LaterMode, Op, OpCall, OpClass, OpenState, Raise, RaiseEffect,
    Resource, Retry, RetryTimes, System, Takes,
};
pub use decl::{
    Calendar, CalendarHours, Carries, Cell, CellTest, Const, Date, Decision, DecisionRow, DomainDecl, Enum, EnumCase,
    Event, Fn, IdDecl, Metric, Migrate, MigrateRow, Model, OpeningHours, Record, Role, TimeOfDay, TimeRange, Upcast,
    Weekday, WeeklyHours,
};
pub use expr::{
    Arg, BinaryOp, DurationLit, DurationPart, DurationUnit, Expr, ExprKind, FieldInit, MatchArm, Pattern, PatternKind,
    RecordLit, TextLit, TextPart, UnaryOp,
};
pub use flow::{Flow, FlowKey, FlowStart, KeyMode, Late, Promise, PromiseAt, Recurrence, StatusClause, Track};
pub use property::{
    Expectation, Explore, Given, Occurrence, Policy, Property, PropertyKind, Test, TestStep, TestStepKind,
};
pub use stmt::{
    Arm, ArmTrigger, Ask, Attempt, Block, Branch, DoCall, ErrorPattern, EventWait, FlowCall, ForEach, Govern,
    GovernArm, GovernValue, Handler, HandlerKind, Predict, Repeat, Share, Stmt, StmtKind, StmtMatchArm, Value, When,
};
pub use types::{Annotation, Field, Param, ResourceStates, Type, TypeKind};

use flowline_diag::{FileId, Span};
use std::fmt;
use std::sync::Arc;

/// One file.
#[derive(Debug, Clone, PartialEq)]
pub struct Module {
    pub file: FileId,
    /// The `//!` lines at the top.
    pub doc: Option<Doc>,
    pub uses: Vec<Use>,
    /// Declarations in the order of the file.
    pub items: Vec<Item>,
}

/// `use std.orders.{Order, OrderPlaced}`
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    pub span: Span,
    /// `std`, `orders`
    pub path: Vec<Ident>,
    /// The names in braces; never empty in sound text.
    pub names: Vec<Ident>,
}

/// A declaration with its documentation.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub span: Span,
    pub doc: Option<Doc>,
    pub kind: ItemKind,
}

#[allow(clippy::large_enum_variant, reason = "a file has few declarations, and readers match on them by value")]
#[derive(Debug, Clone, PartialEq)]
pub enum ItemKind {
    Id(IdDecl),
    Enum(Enum),
    Record(Record),
    /// `error E { … }`: a record that is raised, with `.code` and `.text` beside its own fields.
    Error(Record),
    Event(Event),
    Upcast(Upcast),
    Domain(DomainDecl),
    Resource(Resource),
    System(System),
    Decision(Decision),
    Fn(Fn),
    Const(Const),
    Role(Role),
    Calendar(Calendar),
    Model(Model),
    Metric(Metric),
    Policy(Policy),
    Invariant(Policy),
    Flow(Box<Flow>),
    Test(Test),
    Explore(Explore),
    Migrate(Migrate),
    /// Text that no declaration could be read from; its finding is already made. The name is known where the head was sound enough, so
    /// that uses of it need not be reported as unknown too.
    Bad {
        name: Option<Ident>,
    },
}

/// Documentation text without its slashes, lines joined by newlines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doc {
    pub span: Span,
    pub text: Arc<str>,
}

/// A name as it stands in the text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Ident {
    pub text: Arc<str>,
    pub span: Span,
}

impl Ident {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is a name of a type, event or error.
    pub fn is_upper(&self) -> bool {
        self.text.starts_with(|first: char| first.is_ascii_uppercase())
    }
}

impl fmt::Debug for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {:?}", self.text, self.span)
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl ItemKind {
    /// The name that this declaration gives, where it gives one.
    pub fn name(&self) -> Option<&Ident> {
        match self {
            ItemKind::Id(d) => Some(&d.name),
            ItemKind::Enum(d) => Some(&d.name),
            ItemKind::Record(d) | ItemKind::Error(d) => Some(&d.name),
            ItemKind::Event(d) => Some(&d.name),
            ItemKind::Domain(d) => Some(&d.name),
            ItemKind::Resource(d) => Some(&d.name),
            ItemKind::System(d) => Some(&d.name),
            ItemKind::Decision(d) => Some(&d.name),
            ItemKind::Fn(d) => Some(&d.name),
            ItemKind::Const(d) => Some(&d.name),
            ItemKind::Role(d) => Some(&d.name),
            ItemKind::Calendar(d) => Some(&d.name),
            ItemKind::Model(d) => Some(&d.name),
            ItemKind::Metric(d) => Some(&d.name),
            ItemKind::Policy(d) => Some(&d.name),
            ItemKind::Flow(d) => Some(&d.name),
            ItemKind::Bad { name } => name.as_ref(),
            // An invariant is called by the flow that it is about.
            ItemKind::Invariant(_)
            | ItemKind::Upcast(_)
            | ItemKind::Test(_)
            | ItemKind::Explore(_)
            | ItemKind::Migrate(_) => None,
        }
    }
}
