//! A bundle: all that a project runs by.
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::{
    Code, DecisionId, FlowId, FunctionId, ModelDef, OpDef, OpRef, Plan, ResourceDef, RoleDef, RoleId, SystemDef,
    SystemId, Type, TypeDef, TypeId, TypeKind, Upcast, Value,
    calendar::{Calendar, CalendarTable},
};

/// Plans, types, contracts, functions, decisions and calendars of one project. A run is pinned to the bundle it
/// started in.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Bundle {
    /// The project's name.
    pub name: String,
    pub types: Vec<TypeDef>,
    pub systems: Vec<SystemDef>,
    /// Models; each is one of the systems, too.
    pub models: Vec<ModelDef>,
    pub roles: Vec<RoleDef>,
    pub functions: Vec<Function>,
    pub decisions: Vec<Decision>,
    /// Sorted by name, those of tables among them.
    pub calendars: Vec<Calendar>,
    pub calendar_tables: Vec<CalendarTable>,
    pub upcasts: Vec<Upcast>,
    pub flows: Vec<Arc<Plan>>,
    /// The files that spans point into.
    pub files: Vec<SourceFile>,
    pub spans: Vec<SourceSpan>,
    /// Which release of the time-zone database the calendars were read with.
    pub tz_version: String,
}

impl Bundle {
    /// A type; `None` only for an id of another bundle.
    pub fn ty(&self, id: TypeId) -> Option<&TypeDef> {
        self.types.get(id.index())
    }

    /// The resource of that id.
    pub fn resource(&self, id: TypeId) -> Option<&ResourceDef> {
        match &self.ty(id)?.kind {
            TypeKind::Resource(resource) => Some(resource),
            TypeKind::Id | TypeKind::Enum(_) | TypeKind::Record(_) | TypeKind::Error(_) | TypeKind::Event(_) => None,
        }
    }

    /// The event of that id.
    pub fn event(&self, id: TypeId) -> Option<&crate::EventDef> {
        match &self.ty(id)?.kind {
            TypeKind::Event(event) => Some(event),
            TypeKind::Id | TypeKind::Enum(_) | TypeKind::Record(_) | TypeKind::Error(_) | TypeKind::Resource(_) => None,
        }
    }

    /// A system.
    pub fn system(&self, id: SystemId) -> Option<&SystemDef> {
        self.systems.get(id.index())
    }

    /// An operation.
    pub fn op(&self, op: OpRef) -> Option<&OpDef> {
        self.system(op.system)?.ops.get(op.op.index())
    }

    /// The model that a system is.
    pub fn model(&self, system: SystemId) -> Option<&ModelDef> {
        self.models.iter().find(|model| model.system == system)
    }

    /// What counts as the result of an operation when its retries are used up.
    pub fn fallback(&self, op: OpRef) -> Option<&Value> {
        self.model(op.system)?.fallback.as_ref()
    }

    /// A role.
    pub fn role(&self, id: RoleId) -> Option<&RoleDef> {
        self.roles.get(id.index())
    }

    /// The name of a role as authors write it.
    pub fn role_name(&self, id: RoleId) -> &str {
        self.role(id).map_or("an unknown role", |role| role.short_name())
    }

    /// `system.op`, for people.
    pub fn op_name(&self, op: OpRef) -> String {
        match (self.system(op.system), self.op(op)) {
            (Some(system), Some(op)) => format!("{}.{}", system.name, op.name),
            (Some(_), None) | (None, _) => "an unknown operation".to_owned(),
        }
    }

    /// A flow.
    pub fn flow(&self, id: FlowId) -> Option<&Arc<Plan>> {
        self.flows.get(id.index())
    }

    /// The flow of that full or short name.
    pub fn flow_named(&self, name: &str) -> Option<FlowId> {
        let full = self.flows.iter().position(|flow| flow.name == name);
        full.or_else(|| self.flows.iter().position(|flow| flow.short_name() == name)).map(FlowId::from)
    }

    /// The calendar of that full name.
    pub fn calendar(&self, name: &str) -> Option<&Calendar> {
        let at = self.calendars.binary_search_by(|calendar| calendar.name.as_str().cmp(name)).ok()?;
        self.calendars.get(at)
    }

    /// The calendar of that full or short name, as the world outside calls it; none where several are called so.
    pub fn calendar_named(&self, name: &str) -> Option<&Calendar> {
        self.calendar(name).or_else(|| {
            let mut found = self.calendars.iter().filter(|calendar| calendar.short_name() == name);
            found.next().filter(|_| found.next().is_none())
        })
    }

    /// A function.
    pub fn function(&self, id: FunctionId) -> Option<&Function> {
        self.functions.get(id.index())
    }

    /// A decision.
    pub fn decision(&self, id: DecisionId) -> Option<&Decision> {
        self.decisions.get(id.index())
    }
}

/// A `fn`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Function {
    pub name: String,
    pub params: u16,
    /// The parameters are its first locals.
    pub code: Code,
}

/// A decision table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub name: String,
    /// The condition columns: the parameters, in order.
    pub columns: Vec<Column>,
    /// What it answers; a list where it collects.
    pub result: Type,
    pub policy: HitPolicy,
    pub rows: Vec<DecisionRow>,
}

/// How a table answers when several rows hold: the hit policies of DMN 1.5, section 8.2.10, that need no order of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum HitPolicy {
    /// No two rows may hold; an incident where they do.
    #[default]
    Unique,
    /// The first row that holds.
    First,
    /// Rows that hold together must answer the same; an incident where they don't.
    Any,
    /// The answers of all rows that hold, in their order; an empty list where none does.
    Collect,
}

impl HitPolicy {
    /// All of them, by the word that stands behind the result's type.
    pub const ALL: [(&'static str, Self); 4] =
        [("unique", Self::Unique), ("first", Self::First), ("any", Self::Any), ("collect", Self::Collect)];

    /// The policy of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, policy)| *policy)
    }
}

/// A condition column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub ty: Type,
}

/// A row; the first one whose cells all hold gives the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionRow {
    /// One a column; none is `-`. The parameters are the first locals.
    pub cells: Vec<Option<Code>>,
    pub result: Code,
    pub span: crate::SpanId,
}

/// A source file, for messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Its path in the project.
    pub path: String,
}

/// Where a node comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceSpan {
    /// Which of [`Bundle::files`].
    pub file: u32,
    /// Bytes.
    pub start: u32,
    pub end: u32,
    /// From 1.
    pub line: u32,
    pub column: u32,
}
