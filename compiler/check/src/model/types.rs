//! Types and what is declared of them.

use super::{Expr, Local};
use flowline_diag::Span;
use flowline_plan::{Currency, OpRef, StateId, StateKind, Type, TypeId};

/// The type of an expression.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Ty {
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
    /// Money with more digits than its currency has; only `round` takes it.
    Unrounded(Option<Currency>),
    /// Money that says whether tax is in it; rounded, or not yet.
    MoneyOf(MoneyKind, Option<Currency>, bool),
    Currency,
    Country,
    Person,
    Calendar,
    /// An `id`, `enum`, `record`, `error` or `event`.
    Named(TypeId),
    /// A resource; which state it is in is not a matter of types.
    Resource(TypeId),
    /// A list, of at most so many elements where that is said.
    List(Box<Ty>, Option<u32>),
    Map(Box<Ty>, Box<Ty>),
    Optional(Box<Ty>),
    /// What a handler of several errors sees: `.code` and `.text`.
    AnyError,
    /// What a model says: plain to nothing but a `govern`.
    Advice(Box<Ty>),
    /// What a person answered: `.value`, `.by` and `.at`; and whether it is sure that there was somebody.
    Answer(Box<Ty>, bool),
    /// Nothing: what an operation gives that only acts.
    Unit,
    /// The type of `none` before its place says more.
    Absent,
    /// Not understood, with a finding; goes with everything.
    Unknown,
}

/// Amounts that are never taken for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MoneyKind {
    /// Without tax.
    Net,
    Tax,
    /// With tax.
    Gross,
}

/// What is known of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    pub kind: Option<MoneyKind>,
    pub currency: Option<Currency>,
    /// Whether it has no more digits than its currency.
    pub rounded: bool,
}

impl Ty {
    /// What is known of it as money; none for what isn't money.
    pub fn money(&self) -> Option<Money> {
        if let Ty::Money(currency) = self {
            Some(Money { kind: None, currency: *currency, rounded: true })
        } else if let Ty::Unrounded(currency) = self {
            Some(Money { kind: None, currency: *currency, rounded: false })
        } else if let Ty::MoneyOf(kind, currency, rounded) = self {
            Some(Money { kind: Some(*kind), currency: *currency, rounded: *rounded })
        } else {
            None
        }
    }

    pub fn of_money(money: Money) -> Self {
        match (money.kind, money.rounded) {
            (None, true) => Ty::Money(money.currency),
            (None, false) => Ty::Unrounded(money.currency),
            (Some(kind), rounded) => Ty::MoneyOf(kind, money.currency, rounded),
        }
    }

    /// The type as the runtime needs it.
    pub fn to_plan(&self) -> Type {
        match self {
            Ty::Bool => Type::Bool,
            Ty::Int => Type::Int,
            Ty::Decimal => Type::Decimal,
            Ty::Text => Type::Text,
            Ty::Instant => Type::Instant,
            Ty::Date => Type::Date,
            Ty::Duration => Type::Duration,
            Ty::BusinessDuration => Type::BusinessDuration,
            Ty::Money(currency) | Ty::Unrounded(currency) | Ty::MoneyOf(_, currency, _) => Type::Money(*currency),
            Ty::Currency => Type::Currency,
            Ty::Country => Type::Country,
            Ty::Person => Type::Person,
            Ty::Calendar => Type::Calendar,
            Ty::Named(id) => Type::Named(*id),
            Ty::Resource(id) => Type::Resource(*id),
            Ty::List(item, count_max) => Type::List(Box::new(item.to_plan()), *count_max),
            Ty::Map(key, value) => Type::Map(Box::new(key.to_plan()), Box::new(value.to_plan())),
            Ty::Optional(inner) => Type::Optional(Box::new(inner.to_plan())),
            Ty::AnyError => Type::AnyError,
            Ty::Advice(plain) => plain.to_plan(),
            Ty::Answer(value, _) => Type::Answer(Box::new(value.to_plan())),
            Ty::Unit | Ty::Unknown => Type::Unit,
            Ty::Absent => Type::Optional(Box::new(Type::Unit)),
        }
    }
}

/// A declared type.
#[derive(Debug, Clone)]
pub struct TypeDef {
    /// Its full name: `std.orders.Order`.
    pub name: String,
    pub doc: String,
    /// The name in the declaration.
    pub span: Span,
    pub kind: TypeKind,
}

impl TypeDef {
    /// The name as authors write it: the last part.
    pub fn short_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }
}

#[derive(Debug, Clone)]
pub enum TypeKind {
    Id,
    Enum(Vec<Case>),
    Record(Vec<Field>),
    Error(Vec<Field>),
    Event(EventDef),
    Resource(ResourceDef),
}

/// A case of an enum.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub span: Span,
    pub fields: Vec<Field>,
}

/// A field of a record, an error, an event, a resource or a case.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    pub span: Span,
    pub ty: Ty,
    /// Personal data.
    pub pii: bool,
    /// `where it …`, with the locals it needs; local 0 is the value.
    pub check: Option<(Vec<Local>, Expr)>,
}

#[derive(Debug, Clone)]
pub struct EventDef {
    /// Its schema version, from 1.
    pub version: u32,
    /// The CloudEvents type without the version; the event's name in lower case with `_` where the text names none.
    pub ce_type: String,
    /// The name of the system that causes it.
    pub from: Option<String>,
    pub fields: Vec<Field>,
    pub keys: Vec<EventKey>,
    /// How long it waits for a taker, ms; a day where the text doesn't say.
    pub kept_ms: i64,
}

/// A business key of an event.
#[derive(Debug, Clone)]
pub struct EventKey {
    /// The words of the key: `order.id`, `order, parcel`.
    pub name: String,
    pub span: Span,
    /// One expression, or several where the key is composite. Local 0 is the event.
    pub parts: Vec<Expr>,
    /// Local 0 is the event; then what closures bind.
    pub locals: Vec<Local>,
}

#[derive(Debug, Clone)]
pub struct ResourceDef {
    /// Field 0 is the id that the caller mints.
    pub fields: Vec<Field>,
    /// Open, then doubt, then closed states, each in the order of the text.
    pub states: Vec<State>,
    /// A field of type Money.
    pub splits_by: Option<u16>,
}

impl ResourceDef {
    /// The state of that name.
    pub fn state(&self, name: &str) -> Option<StateId> {
        self.states.iter().position(|state| state.name == name).map(StateId::from)
    }
}

#[derive(Debug, Clone)]
pub struct State {
    pub name: String,
    pub span: Span,
    pub kind: StateKind,
    pub abandon: Option<Abandon>,
    pub expires: Option<Expiry>,
}

/// One `abandon` row.
#[derive(Debug, Clone)]
pub struct Abandon {
    pub span: Span,
    pub op: OpRef,
    /// One for each parameter of the op; local 0 is `self`.
    pub args: Vec<Expr>,
    pub locals: Vec<Local>,
}

#[derive(Debug, Clone)]
pub struct Expiry {
    pub span: Span,
    /// The field that holds the instant.
    pub field: u16,
    pub at_least_ms: Option<i64>,
    pub into: StateId,
}
