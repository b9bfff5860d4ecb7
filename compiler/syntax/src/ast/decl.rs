//! Declarations other than flows, systems and resources.

use super::{Arg, BinaryOp, Expr, Field, Ident, Occurrence, Param, TextLit, Type};
use flowline_diag::Span;

/// `id OrderId`
#[derive(Debug, Clone, PartialEq)]
pub struct IdDecl {
    pub name: Ident,
}

/// `domain stock`
#[derive(Debug, Clone, PartialEq)]
pub struct DomainDecl {
    pub name: Ident,
}

/// `enum Channel { web, app }`
#[derive(Debug, Clone, PartialEq)]
pub struct Enum {
    pub name: Ident,
    pub cases: Vec<EnumCase>,
}

/// `restock(node: NodeId)`
#[derive(Debug, Clone, PartialEq)]
pub struct EnumCase {
    pub span: Span,
    pub doc: Option<super::Doc>,
    pub name: Ident,
    pub fields: Vec<Param>,
}

/// `record Address { … }`, `error OutOfStock { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub name: Ident,
    pub fields: Vec<Field>,
}

/// `event OrderPlaced v2 "retail.order.placed" from commerce { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub name: Ident,
    /// The number behind `v`; 1 where it is not said.
    pub version: u32,
    /// The CloudEvents type without its version.
    pub type_name: Option<TextLit>,
    /// The system behind `from`.
    pub from: Option<Ident>,
    /// Each `key`: one expression over the fields, or several where it is composite.
    pub keys: Vec<Vec<Expr>>,
    pub fields: Vec<Field>,
    pub kept: Option<Expr>,
    pub carries: Vec<Carries>,
}

/// `carries money`, `carries goods`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    Money(Span),
    Goods(Span),
}

/// `upcast OrderPlaced v1 => v2 { order: old.order with { … } }`
#[derive(Debug, Clone, PartialEq)]
pub struct Upcast {
    pub event: Ident,
    pub from: u32,
    pub to: u32,
    pub fields: Vec<super::FieldInit>,
}

/// `decision source(channel: Channel) -> Source, first { | … || … | }`
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub name: Ident,
    pub params: Vec<Param>,
    pub result: Type,
    /// `first`, or none where the rows must not overlap.
    pub hit_policy: Option<Ident>,
    /// The head of the table: what each column before `||` tests.
    pub inputs: Vec<Ident>,
    /// The columns behind `||`.
    pub outputs: Vec<Ident>,
    pub rows: Vec<DecisionRow>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRow {
    pub span: Span,
    pub cells: Vec<Cell>,
    pub results: Vec<Expr>,
}

/// A cell before `||`.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// `-`
    Any(Span),
    /// `none`
    None(Span),
    /// `web, app` or `>= 85%`: true where one of the tests is.
    Tests(Span, Vec<CellTest>),
    Bad(Span),
}

#[derive(Debug, Clone, PartialEq)]
pub enum CellTest {
    /// A value, or the name of a case.
    Equals(Expr),
    /// `>= 85%`
    Compare { op: BinaryOp, value: Expr },
    /// `1..10`, both ends included.
    Between { least: Expr, most: Expr },
}

/// `fn order_total(lines: [OrderLine]) -> Money = …`
#[derive(Debug, Clone, PartialEq)]
pub struct Fn {
    pub name: Ident,
    pub params: Vec<Param>,
    pub result: Type,
    pub body: Expr,
}

/// `const auto_approve_limit = 150.00 EUR`, `const share: Decimal = 5%`
#[derive(Debug, Clone, PartialEq)]
pub struct Const {
    pub name: Ident,
    pub ty: Option<Type>,
    pub value: Expr,
}

/// `role returns_reviewer "Returns desk" { cleared for pii  limit 500 EUR }`
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    pub name: Ident,
    pub title: Option<TextLit>,
    pub cleared_for: Vec<Ident>,
    pub limit: Option<Expr>,
}

/// `calendar warehouse { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    pub name: Ident,
    pub params: Vec<Param>,
    pub hours: CalendarHours,
}

#[derive(Debug, Clone, PartialEq)]
pub enum CalendarHours {
    Weekly(WeeklyHours),
    /// `from file "stores.csv"`
    File(TextLit),
}

#[derive(Debug, Clone, PartialEq)]
pub struct WeeklyHours {
    pub zone: Option<TextLit>,
    pub open: Vec<OpeningHours>,
    pub closed: Vec<Date>,
}

/// `mon..fri 06:00-12:00, 13:00-22:00`
#[derive(Debug, Clone, PartialEq)]
pub struct OpeningHours {
    pub span: Span,
    /// Each day once, in the order of the week.
    pub days: Vec<Weekday>,
    pub times: Vec<TimeRange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    pub span: Span,
    pub from: TimeOfDay,
    /// Later than `from`; 24:00 is the end of the day.
    pub to: TimeOfDay,
}

/// Minutes since midnight, 0 to 1440.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay {
    pub minutes: u16,
}

/// A date of the calendar; that the day exists is checked when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    pub span: Span,
    pub year: i16,
    pub month: u8,
    pub day: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    pub const ALL: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];

    /// `mon`
    pub fn as_str(self) -> &'static str {
        match self {
            Weekday::Monday => "mon",
            Weekday::Tuesday => "tue",
            Weekday::Wednesday => "wed",
            Weekday::Thursday => "thu",
            Weekday::Friday => "fri",
            Weekday::Saturday => "sat",
            Weekday::Sunday => "sun",
        }
    }
}

/// `model returns_risk "Returns risk score" { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub name: Ident,
    pub title: Option<TextLit>,
    pub version: Option<TextLit>,
    pub input: Option<Type>,
    pub output: Option<Type>,
    pub approved_by: Option<TextLit>,
    pub approved_on: Option<Date>,
    pub approved_until: Option<Date>,
    /// What counts when the model is down.
    pub fallback: Option<Expr>,
    pub cleared_for: Vec<Ident>,
}

/// `metric m "title" = time from received to refunded of handle_return by channel`
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    pub name: Ident,
    pub title: Option<TextLit>,
    pub from: Occurrence,
    pub to: Occurrence,
    pub flow: Ident,
    /// Names from `track`.
    pub by: Vec<Ident>,
}

/// `migrate pickup_in_store { old_step => new_step }`
#[derive(Debug, Clone, PartialEq)]
pub struct Migrate {
    pub flow: Ident,
    pub rows: Vec<MigrateRow>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MigrateRow {
    pub span: Span,
    pub from: Ident,
    pub to: Ident,
    pub args: Vec<Arg>,
}
