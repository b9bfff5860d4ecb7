//! Expressions: what has a value and always ends.

use super::Ident;
use flowline_diag::Span;
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    pub span: Span,
    pub kind: ExprKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `3`; a number that does not fit is a finding and `Bad`.
    Int(i64),
    /// `0.85`, digits as written.
    Decimal(Arc<str>),
    /// `85%`, digits as written without the sign: the value is a hundredth of them.
    Percent(Arc<str>),
    /// `30 min`, `4 days 18 h`, `2 business days`
    Duration(DurationLit),
    /// `150.00 EUR`; digits as written.
    Money {
        amount: Arc<str>,
        currency: Ident,
    },
    /// `"Order {order.id}"`
    Text(TextLit),
    Bool(bool),
    /// `2026-12-25`
    Date(super::Date),
    None,
    /// The time of the current step, recorded.
    Now,
    /// A value, function, decision or type by its name; also `it`, `self` and `result` where they mean something.
    Name(Ident),
    /// `x.field`, `Type.case`; `x?.field` where `optional`.
    Field {
        base: Box<Expr>,
        name: Ident,
        optional: bool,
    },
    /// `order_total(lines)`: a `fn`, a decision, a calendar, `round`, …
    Call {
        callee: Ident,
        args: Vec<Arg>,
    },
    /// `lines.map(line => line.sku)`, `Template.order_refused(why)`; `x?.m()` where `optional`.
    Method {
        base: Box<Expr>,
        name: Ident,
        args: Vec<Arg>,
        optional: bool,
    },
    /// `[a, b]`
    List(Vec<Expr>),
    /// `[k: v]`; the empty map is `[:]`.
    Map(Vec<(Expr, Expr)>),
    /// `Reason { code: 3 }`
    Record(RecordLit),
    /// `order with { channel: Channel.web }`
    With {
        base: Box<Expr>,
        fields: Vec<FieldInit>,
    },
    Unary {
        op: UnaryOp,
        operand: Box<Expr>,
    },
    Binary {
        op: BinaryOp,
        op_span: Span,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `x exists`
    Exists(Box<Expr>),
    /// `2 business days of warehouse`: the duration counted in a calendar's open time.
    Of {
        duration: Box<Expr>,
        calendar: Box<Expr>,
    },
    /// `if c then a else b`
    If {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    /// `match v { a => 1  b => 2 }`
    Match {
        value: Box<Expr>,
        arms: Vec<MatchArm>,
    },
    Bad,
}

/// An argument. Closures stand only here.
#[derive(Debug, Clone, PartialEq)]
pub enum Arg {
    Expr(Expr),
    /// `line => line.sku`, `(a, b) => a + b`
    Closure {
        span: Span,
        params: Vec<Ident>,
        body: Expr,
    },
}

impl Arg {
    pub fn span(&self) -> Span {
        match self {
            Arg::Expr(expr) => expr.span,
            Arg::Closure { span, .. } => *span,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    Not,
    Negate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `??`: the left value, or the right one where the left is absent.
    Default,
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl BinaryOp {
    /// The sign or word as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            BinaryOp::Or => "or",
            BinaryOp::And => "and",
            BinaryOp::Equal => "==",
            BinaryOp::NotEqual => "!=",
            BinaryOp::Less => "<",
            BinaryOp::LessOrEqual => "<=",
            BinaryOp::Greater => ">",
            BinaryOp::GreaterOrEqual => ">=",
            BinaryOp::Default => "??",
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
        }
    }
}

/// `Name { a: 1 }`, also what `emit` and `fail` are given. The braces may be missing where there are no fields.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordLit {
    pub span: Span,
    pub name: Ident,
    pub fields: Vec<FieldInit>,
}

/// `channel: Channel.web`
#[derive(Debug, Clone, PartialEq)]
pub struct FieldInit {
    pub span: Span,
    pub name: Ident,
    pub value: Expr,
}

/// `restock(node) => node` in an expression; statements have [`super::StmtMatchArm`].
#[derive(Debug, Clone, PartialEq)]
pub struct MatchArm {
    pub span: Span,
    /// Alternatives separated by commas; none for an arm that can't be read.
    pub patterns: Vec<Pattern>,
    pub value: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    pub span: Span,
    pub kind: PatternKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum PatternKind {
    /// `web`, `Channel.web`, `restock(node)`; the names in parentheses are bound by position.
    Case { ty: Option<Ident>, name: Ident, bindings: Vec<Ident> },
    /// A number, text, `true`, `false`, a percentage, …
    Literal(Expr),
    /// `none`
    None,
    /// `otherwise`
    Otherwise,
}

/// A duration as written: one or more parts, `4 days 18 h`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DurationLit {
    pub parts: Vec<DurationPart>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationPart {
    pub count: i64,
    pub unit: DurationUnit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DurationUnit {
    Milliseconds,
    Seconds,
    Minutes,
    Hours,
    Days,
    Weeks,
    BusinessHours,
    BusinessDays,
}

impl DurationUnit {
    /// Milliseconds of one unit; none for business time, which only a calendar can tell.
    pub fn millis(self) -> Option<i64> {
        match self {
            DurationUnit::Milliseconds => Some(1),
            DurationUnit::Seconds => Some(1_000),
            DurationUnit::Minutes => Some(60_000),
            DurationUnit::Hours => Some(3_600_000),
            DurationUnit::Days => Some(86_400_000),
            DurationUnit::Weeks => Some(604_800_000),
            DurationUnit::BusinessHours | DurationUnit::BusinessDays => None,
        }
    }
}

impl DurationLit {
    /// Whether any part is business time.
    pub fn is_business(&self) -> bool {
        self.parts.iter().any(|part| part.unit.millis().is_none())
    }

    /// The whole in milliseconds; none for business time or where it does not fit.
    pub fn millis(&self) -> Option<i64> {
        self.parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(part.count.checked_mul(part.unit.millis()?)?))
    }
}

/// A text with its embedded values.
#[derive(Debug, Clone, PartialEq)]
pub struct TextLit {
    pub span: Span,
    pub parts: Vec<TextPart>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TextPart {
    /// Plain text with its escapes resolved.
    Plain(Arc<str>),
    /// `{order.id}`
    Value(Expr),
}

impl TextLit {
    /// The text where it embeds no value.
    pub fn plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [TextPart::Plain(text)] => Some(text),
            [TextPart::Value(_)] | [_, _, ..] => None,
        }
    }
}
