//! The checked model: a project with every name resolved and every expression typed, from which lowering is mechanical.
//!
//! Tables and ids are those of the bundle to be: a [`TypeId`] of the model is the position in [`Model::types`] and in
//! `Bundle::types`. What the text leaves unsaid is filled in: retries, time-outs, the class of an operation, which key
//! of an event a wait goes by, the order of a record's fields. A model is sound only where its check found no errors;
//! where it did, what could not be understood is left out or is of the type [`Ty::Unknown`].

mod contract;
mod expr;
mod flow;
mod governance;
mod property;
mod side;
mod types;

pub use contract::{DomainUse, Idempotency, Op, OpClass, OpParam, Raise, System, Undo};
pub use expr::{BinaryOp, Expr, ExprKind, Local, LocalId, LocalKind, MatchArm, Pattern, UnaryOp};
pub use flow::{
    Attempt, Await, AwaitArm, Block, Body, Branch, Call, Catch, Each, EventWait, Flow, FlowKey, FlowUndo, Gather,
    Handler, Kept, Meanwhile, MeanwhileKind, Promise, PromiseEnd, Repeat, Scope, Sharing, Signature, Start, Status,
    Stmt, StmtKind, StmtMatchArm, Take, Timer, Track, Trigger,
};
pub use governance::{Ask, Govern, GovernArm, GovernValue, ModelDecl, Role, Shown, Silence};
pub use property::{
    Expectation, Explore, Given, Invariant, Metric, MetricEnd, Migrate, MigrateRow, Occurrence, Policy, Property,
    PropertyKind, Said, StartWith, Test, TestStep, TestStepKind,
};
pub use side::{Late, LateClause, PromiseStep, SideFlow};
pub use types::{
    Abandon, Case, EventDef, EventKey, Expiry, Field, Money, MoneyKind, ResourceDef, State, Ty, TypeDef, TypeKind,
};

use flowline_diag::Span;
use flowline_plan::calendar;
use flowline_plan::{DecisionId, FlowId, FunctionId, HitPolicy, OpRef, SystemId, TypeId, Value};

/// A checked project.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub types: Vec<TypeDef>,
    pub systems: Vec<System>,
    /// Each is one of the systems, too.
    pub models: Vec<ModelDecl>,
    pub roles: Vec<Role>,
    pub functions: Vec<Function>,
    pub decisions: Vec<Decision>,
    pub consts: Vec<Const>,
    pub calendars: Vec<Calendar>,
    pub upcasts: Vec<Upcast>,
    pub flows: Vec<Flow>,
    pub metrics: Vec<Metric>,
    pub policies: Vec<Policy>,
    pub invariants: Vec<Invariant>,
    pub explorations: Vec<Explore>,
    pub tests: Vec<Test>,
    pub migrations: Vec<Migrate>,
}

/// A constant in [`Model::consts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConstId(pub u32);

impl ConstId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// `fn order_total(lines: [OrderLine]) -> Money = …`
#[derive(Debug, Clone)]
pub struct Function {
    /// Its full name: `std.orders.order_total`.
    pub name: String,
    pub doc: String,
    /// The name in the declaration.
    pub span: Span,
    /// The parameters, then what closures and patterns bind. Positions are positions of the code's locals.
    pub locals: Vec<Local>,
    /// How many of the locals are parameters.
    pub params: u16,
    pub result: Ty,
    pub body: Expr,
}

/// A decision table. Its columns are its parameters, in order.
#[derive(Debug, Clone)]
pub struct Decision {
    pub name: String,
    pub doc: String,
    pub span: Span,
    /// The parameters, then what closures bind.
    pub locals: Vec<Local>,
    pub params: u16,
    /// A list where it collects.
    pub result: Ty,
    pub policy: HitPolicy,
    pub rows: Vec<DecisionRow>,
}

#[derive(Debug, Clone)]
pub struct DecisionRow {
    pub span: Span,
    /// One for each parameter: a Bool over the parameters, or nothing for `-`.
    pub cells: Vec<Option<Expr>>,
    pub result: Expr,
}

/// `const auto_approve_limit = 150.00 EUR`
#[derive(Debug, Clone)]
pub struct Const {
    pub name: String,
    pub doc: String,
    pub span: Span,
    pub ty: Ty,
    /// Refers to other constants at most, and never in a circle.
    pub value: Expr,
    /// What the value comes to, where it is known without running code.
    pub folded: Option<Value>,
}

/// `upcast OrderPlaced v1 => v2 { … }`: how an event of an older version becomes one of a later version.
#[derive(Debug, Clone)]
pub struct Upcast {
    pub span: Span,
    pub event: TypeId,
    pub from: u32,
    pub to: u32,
    /// The record that an event of the older version is: it is no type that flows can name.
    pub shape: TypeId,
    /// Local 0 is the older event.
    pub locals: Vec<Local>,
    /// The later event, or a record of its frozen shape.
    pub body: Expr,
}

/// `calendar warehouse { … }`, `calendar store_hours(store: NodeId) from file "stores.csv"`
#[derive(Debug, Clone)]
pub struct Calendar {
    /// Its full name: `orders.warehouse`.
    pub name: String,
    pub doc: String,
    pub span: Span,
    pub kind: CalendarKind,
}

#[derive(Debug, Clone)]
pub enum CalendarKind {
    Weekly(calendar::Calendar),
    /// One calendar for each row of a file.
    Table {
        /// The parameter that picks the row, and its type.
        param: String,
        key: Ty,
        file: calendar::CalendarTable,
        rows: Vec<calendar::Calendar>,
    },
    /// Not understood, with a finding.
    Unknown,
}

impl Model {
    pub fn ty(&self, id: TypeId) -> Option<&TypeDef> {
        self.types.get(id.index())
    }

    pub fn system(&self, id: SystemId) -> Option<&System> {
        self.systems.get(id.index())
    }

    pub fn op(&self, op: OpRef) -> Option<&Op> {
        self.system(op.system)?.ops.get(op.op.index())
    }

    pub fn function(&self, id: FunctionId) -> Option<&Function> {
        self.functions.get(id.index())
    }

    pub fn decision(&self, id: DecisionId) -> Option<&Decision> {
        self.decisions.get(id.index())
    }

    pub fn constant(&self, id: ConstId) -> Option<&Const> {
        self.consts.get(id.index())
    }

    pub fn flow(&self, id: FlowId) -> Option<&Flow> {
        self.flows.get(id.index())
    }

    /// The resource of that id.
    pub fn resource(&self, id: TypeId) -> Option<&ResourceDef> {
        match &self.ty(id)?.kind {
            TypeKind::Resource(resource) => Some(resource),
            TypeKind::Id | TypeKind::Enum(_) | TypeKind::Record(_) | TypeKind::Error(_) | TypeKind::Event(_) => None,
        }
    }

    /// The event of that id.
    pub fn event(&self, id: TypeId) -> Option<&EventDef> {
        match &self.ty(id)?.kind {
            TypeKind::Event(event) => Some(event),
            TypeKind::Id | TypeKind::Enum(_) | TypeKind::Record(_) | TypeKind::Error(_) | TypeKind::Resource(_) => None,
        }
    }
}
