//! Who decides besides the flow: roles, models, and the statements that ask them.

use super::{Expr, LocalId, Ty};
use flowline_diag::Span;
use flowline_plan::{Approval, Money, RoleId, SystemId};

/// `role returns_reviewer "Returns desk" { cleared for pii  limit 500 EUR }`
#[derive(Debug, Clone)]
pub struct Role {
    /// Its full name.
    pub name: String,
    /// The name for people; the name in flows where the text gives none.
    pub label: String,
    pub doc: String,
    pub span: Span,
    pub sees_pii: bool,
    pub limit: Option<Money>,
}

/// `model returns_risk "Returns risk score" { … }`. Its one operation is that of the system it is.
#[derive(Debug, Clone)]
pub struct ModelDecl {
    /// Its full name.
    pub name: String,
    pub label: String,
    pub doc: String,
    pub span: Span,
    pub system: SystemId,
    pub version: String,
    pub input: Ty,
    pub output: Ty,
    pub approval: Option<Approval>,
    /// Refers to constants at most.
    pub fallback: Option<Expr>,
    pub sees_pii: bool,
}

/// `ask role "question" { … }`
#[derive(Debug, Clone)]
pub struct Ask {
    pub role: RoleId,
    /// A Text.
    pub question: Expr,
    pub show: Vec<Shown>,
    /// The type that is asked for.
    pub answer: Ty,
    /// A Duration or an Instant.
    pub within: Expr,
    pub silence: Silence,
    /// Each a Person, a Person that may be absent, or a list of persons.
    pub not_by: Vec<Expr>,
    /// Takes the [`Ty::Answer`].
    pub result: Option<LocalId>,
}

#[derive(Debug, Clone)]
pub struct Shown {
    /// The words of the expression.
    pub label: String,
    /// Of type [`Ty::Advice`] where it is what a model said.
    pub value: Expr,
}

/// What counts when nobody answers in time.
#[derive(Debug, Clone)]
pub enum Silence {
    /// An expression of kind [`super::ExprKind::Error`].
    Fail(Expr),
    Value(Expr),
}

/// `govern advice as x { … }`
#[derive(Debug, Clone)]
pub struct Govern {
    /// A plain value where the check found no errors.
    pub advice: Expr,
    /// Stands for what the model said in the arms; a slot.
    pub bind: LocalId,
    /// In order; the last is the only one without a condition.
    pub arms: Vec<GovernArm>,
    /// The type of what the arms give.
    pub ty: Ty,
    pub result: Option<LocalId>,
}

#[derive(Debug, Clone)]
pub struct GovernArm {
    pub span: Span,
    pub condition: Option<Expr>,
    pub value: GovernValue,
}

#[derive(Debug, Clone)]
pub enum GovernValue {
    Expr(Expr),
    /// Gives what was answered.
    Ask(Box<Ask>),
    /// An expression of kind [`super::ExprKind::Error`].
    Fail(Expr),
}
