//! Types as the runtime needs them: to check what comes in, and to name what stands where.
use serde::{Deserialize, Serialize};

use crate::{Code, Currency, OpRef, StateId, TypeId};

/// The type of a slot, a field, a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Type {
    Bool,
    Int,
    Decimal,
    Text,
    Instant,
    Date,
    Duration,
    BusinessDuration,
    /// Money, of one currency where that is known.
    Money(Option<Currency>),
    Currency,
    Country,
    Person,
    /// A calendar of the bundle, by its full name.
    Calendar,
    /// An `id`, an `enum`, a `record`, an `error` or an `event` of [`Bundle::types`](crate::Bundle::types).
    Named(TypeId),
    /// A resource, in any of its states.
    Resource(TypeId),
    /// A list, of at most so many elements where that is said.
    List(Box<Type>, Option<u32>),
    Map(Box<Type>, Box<Type>),
    Optional(Box<Type>),
    /// Any business error: what a handler of several errors sees.
    AnyError,
    /// What a person answered, as a record: `value` of that type, `by` (absent where nobody answered), `at`.
    Answer(Box<Type>),
    /// Nothing: the result of an operation that only acts.
    Unit,
}

/// A declared type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TypeDef {
    /// Its full name: `std.orders.Order`.
    pub name: String,
    /// The words of its `///` comment.
    pub doc: String,
    /// What it is.
    pub kind: TypeKind,
}

impl TypeDef {
    /// The name as authors write it: the last part.
    pub fn short_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }
}

/// What a declared type is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum TypeKind {
    Id,
    Enum(Vec<VariantDef>),
    Record(Vec<FieldDef>),
    Error(Vec<FieldDef>),
    Event(EventDef),
    Resource(ResourceDef),
}

/// A case of an enum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariantDef {
    pub name: String,
    pub fields: Vec<FieldDef>,
}

/// A field of a record, an error, an event, a resource or an enum's case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldDef {
    pub name: String,
    pub ty: Type,
    /// Personal data.
    pub pii: bool,
    /// `where it …`: checked whenever a value enters from outside; the value is local 0.
    pub check: Option<Code>,
}

/// A canonical event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventDef {
    /// Its schema version, from 1.
    pub version: u32,
    /// The CloudEvents type without the version: `retail.order.placed`.
    pub ce_type: String,
    /// The system that causes it, where one is named.
    pub from: Option<String>,
    pub fields: Vec<FieldDef>,
    /// What waits correlate by.
    pub keys: Vec<EventKey>,
    /// How long it waits for a taker, ms.
    pub kept_ms: i64,
}

impl EventDef {
    /// The CloudEvents type: `retail.order.placed.v2`.
    pub fn full_type(&self) -> String {
        format!("{}.v{}", self.ce_type, self.version)
    }
}

/// A business key of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventKey {
    /// The words of the key: `order.id`.
    pub name: String,
    pub ty: Type,
    /// Gives the key; the event's fields are the fields of local 0.
    pub code: Code,
}

/// A resource: states, and how each is let go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceDef {
    /// Field 0 is the id that the caller mints.
    pub fields: Vec<FieldDef>,
    pub states: Vec<StateDef>,
    /// The field by which parts are handed out, always of type Money.
    pub splits_by: Option<u16>,
}

impl ResourceDef {
    /// The state of that name.
    pub fn state(&self, name: &str) -> Option<StateId> {
        self.states.iter().position(|state| state.name == name).map(StateId::from)
    }
}

/// A state of a resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateDef {
    pub name: String,
    pub kind: StateKind,
    /// How it is let go in this state.
    pub abandon: Option<Abandon>,
    /// When it leaves this state by itself.
    pub expires: Option<Expiry>,
}

/// What a state means for who holds the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StateKind {
    Open,
    Doubt,
    Closed,
}

/// One `abandon` row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Abandon {
    pub op: OpRef,
    /// The arguments; local 0 is `self`.
    pub args: Vec<Code>,
}

/// A state that ends by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expiry {
    /// The field that holds the instant.
    pub field: u16,
    /// What proofs may count on, ms.
    pub at_least_ms: Option<i64>,
    /// The state it goes to.
    pub into: StateId,
}
