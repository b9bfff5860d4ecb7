//! Typed expressions.

use super::{ConstId, Ty};
use flowline_diag::Span;
use flowline_plan::{CalendarId, DecisionId, FunctionId, ListMethod, Method, Rounding, ScopeId, TypeId, Value};

/// An expression. What is of type `T?` and has been tested stands here with the type `T`: the value is the same.
#[derive(Debug, Clone)]
pub struct Expr {
    pub span: Span,
    pub ty: Ty,
    pub kind: ExprKind,
}

/// A name that is bound: a position in the `locals` of the declaration it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalId(pub u32);

impl LocalId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug, Clone)]
pub struct Local {
    pub name: String,
    /// Where it is bound.
    pub span: Span,
    pub ty: Ty,
    pub kind: LocalKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalKind {
    /// A slot of a flow's scope: parameters of the flow, `let`, what `as` binds, elements, parts, what a pattern of a
    /// `match` statement binds.
    Slot(ScopeId),
    /// A slot that may be assigned.
    Var(ScopeId),
    /// A local of one expression's code: parameters of functions and operations, `it`, `self`, `result`, the event in
    /// its key, what closures and patterns bind.
    Code,
}

#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A literal, also `none`; a case of an enum without data is a [`ExprKind::Variant`].
    Value(Value),
    Const(ConstId),
    Local(LocalId),
    Now,
    /// A field of a record, an event, an error's own fields, or a resource. With `optional` an absent base gives an absent
    /// value.
    Field {
        base: Box<Expr>,
        field: u16,
        optional: bool,
    },
    /// `.code` of an error.
    ErrorCode(Box<Expr>),
    /// `.text` of an error.
    ErrorText(Box<Expr>),
    /// A record or an event: all its fields in the order of their declaration, absent ones filled in.
    Record {
        ty: TypeId,
        fields: Vec<Expr>,
    },
    Error {
        ty: TypeId,
        fields: Vec<Expr>,
    },
    /// A case of an enum, with or without data.
    Variant {
        ty: TypeId,
        case: u16,
        fields: Vec<Expr>,
    },
    /// Each field at most once, in the order of the text.
    With {
        base: Box<Expr>,
        fields: Vec<(u16, Expr)>,
    },
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    Call {
        function: FunctionId,
        args: Vec<Expr>,
    },
    Decide {
        decision: DecisionId,
        args: Vec<Expr>,
    },
    /// A list method with a closure.
    Each {
        method: ListMethod,
        list: Box<Expr>,
        item: LocalId,
        body: Box<Expr>,
        /// What stands in for the absent result of `sum` over an empty list. None where the type is optional anyway, or
        /// where the currency of the nothing is not known.
        empty: Option<Value>,
    },
    /// A method without a closure; the arguments in the order in which [`Method`] says they lie on the stack.
    Method {
        method: Method,
        args: Vec<Expr>,
        /// As for [`ExprKind::Each`].
        empty: Option<Value>,
    },
    /// Binds the value to the local and gives `then`; an absent value stays absent.
    IfPresent {
        value: Box<Expr>,
        local: LocalId,
        then: Box<Expr>,
    },
    /// Texts joined; parts of other types are shown as people read them (an enum's case by its name).
    Text(Vec<Expr>),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// Whether the value is there.
    Exists(Box<Expr>),
    /// An Int as a Decimal.
    ToDecimal(Box<Expr>),
    /// The instant so much business time after now.
    BusinessDue {
        duration: Box<Expr>,
        calendar: Box<Expr>,
    },
    /// The calendar that a table has for a key: `store_hours(order.store)`.
    CalendarOf {
        table: CalendarId,
        key: Box<Expr>,
    },
    Round {
        value: Box<Expr>,
        rounding: Rounding,
    },
    If {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    /// Arms cover every value; the first that fits counts.
    Match {
        value: Box<Expr>,
        arms: Vec<MatchArm>,
    },
    /// Not understood; only where the check found errors.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    Not,
    Negate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// The right side counts only where the left one is false.
    Or,
    /// The right side counts only where the left one is true.
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// The left value, or the right one where the left is absent.
    Default,
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Debug, Clone)]
pub struct MatchArm {
    pub span: Span,
    /// Alternatives; never empty. Only a pattern that stands alone binds names.
    pub patterns: Vec<Pattern>,
    pub value: Expr,
}

#[derive(Debug, Clone)]
pub enum Pattern {
    /// A case; what it binds, by the position of the case's fields.
    Case {
        case: u16,
        bindings: Vec<(u16, LocalId)>,
    },
    Literal(Value),
    /// Absent.
    None,
    Otherwise,
}
