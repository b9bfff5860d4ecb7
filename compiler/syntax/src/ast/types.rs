//! Types, and what is declared with a type: fields and parameters.

use super::{Doc, Expr, Ident};
use flowline_diag::Span;

#[derive(Debug, Clone, PartialEq)]
pub struct Type {
    pub span: Span,
    pub kind: TypeKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TypeKind {
    /// A built-in or declared type: `Text`, `OrderId`, `Channel`.
    Named(Ident),
    /// `Money in EUR`, `Net in EUR`
    MoneyIn {
        name: Ident,
        currency: Ident,
    },
    /// `[T]`, `[T] up to 500`
    List {
        item: Box<Type>,
        count_max: Option<u64>,
    },
    /// `[K: V]`
    Map {
        key: Box<Type>,
        value: Box<Type>,
    },
    /// `T?`
    Optional(Box<Type>),
    /// `Advice<T>`
    Generic {
        name: Ident,
        args: Vec<Type>,
    },
    /// `StockHold[held, doubt maybe_held]`, `CardMoney[authorised => captured, voided]`
    Resource {
        name: Ident,
        states: ResourceStates,
    },
    Bad,
}

/// The states in brackets behind a resource's name.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceStates {
    pub span: Span,
    /// The states it may be in: those it is taken in, or those in which a result comes.
    pub from: Vec<Ident>,
    /// Behind `=>`: the states it may be left in. Empty where there is no arrow.
    pub to: Vec<Ident>,
    /// Behind `doubt`: the states it is in while the outcome is unknown.
    pub doubt: Vec<Ident>,
}

/// `quantity: Int where it >= 1 @pii`
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub span: Span,
    pub doc: Option<Doc>,
    pub name: Ident,
    pub ty: Type,
    /// The condition behind `where`; the value is called `it`.
    pub check: Option<Expr>,
    pub annotations: Vec<Annotation>,
}

/// `@pii`
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    pub span: Span,
    pub name: Ident,
}

/// `order: OrderId`
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    pub span: Span,
    pub name: Ident,
    pub ty: Type,
}
