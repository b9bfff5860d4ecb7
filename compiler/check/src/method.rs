//! Methods of values.
//!
//! | on | methods |
//! | --- | --- |
//! | list | `map(x => e) filter(x => c) flat_map(x => list) sort_by(x => e) group_by(x => e) any(x => c) all(x => c)`, |
//! | | `sum() min() max() count() first() distinct() take(n) contains(v)`; the first five of these also with a closure |
//! | map | `get(key) count()` |
//! | Text | `length()` |
//! | Money | `currency() amount() abs()` |
//! | Int, Decimal, Duration | `abs()` |
//! | Instant | `date_in("Europe/Berlin")` |

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::cx::{Cx, unknown};
use crate::model::{Expr, ExprKind, LocalKind, Ty, TypeKind};
use crate::names::{Symbol, suggest};
use flowline_diag::code::f02;
use flowline_diag::{Diagnostic, Span};
use flowline_plan::{ListMethod, Method, Money, Value};
use flowline_syntax::ast::{self, Arg, Ident};
use rust_decimal::Decimal;

/// List methods that take a closure.
const WITH_CLOSURE: [(&str, ListMethod); 12] = [
    ("map", ListMethod::Map),
    ("filter", ListMethod::Filter),
    ("sum", ListMethod::Sum),
    ("min", ListMethod::Min),
    ("max", ListMethod::Max),
    ("count", ListMethod::Count),
    ("any", ListMethod::Any),
    ("all", ListMethod::All),
    ("first", ListMethod::First),
    ("sort_by", ListMethod::SortBy),
    ("group_by", ListMethod::GroupBy),
    ("flat_map", ListMethod::FlatMap),
];

/// Methods of lists without a closure.
const PLAIN: [(&str, Method); 8] = [
    ("count", Method::Count),
    ("sum", Method::Sum),
    ("min", Method::Min),
    ("max", Method::Max),
    ("first", Method::First),
    ("distinct", Method::Distinct),
    ("take", Method::Take),
    ("contains", Method::Contains),
];

impl Cx<'_> {
    pub(crate) fn method(&mut self, base: &ast::Expr, name: &Ident, args: &[Arg], optional: bool, span: Span) -> Expr {
        match self.type_named(base) {
            Some(Symbol::Type(id)) if matches!(self.kind(id), Some(TypeKind::Enum(_))) => {
                return self.variant(id, name, args, span);
            }
            Some(Symbol::System(_)) => {
                self.push(
                    Diagnostic::new(&f02::WRONG_KIND, "an operation is a step, not a value", span)
                        .label("this calls another system")
                        .help(format!(
                            "write `do {}.{name}(…)` as a statement, or behind `let … =`",
                            crate::words::expr(base)
                        ))
                        .maybe_fix("write `do` before it", Span { end: span.start, ..span }, "do "),
                );
                self.pass_over_args(args);
                return unknown(span);
            }
            Some(Symbol::Unusable) => {
                self.pass_over_args(args);
                return unknown(span);
            }
            _ => {}
        }
        let base = self.resource(base, None);
        if !optional {
            return self.method_of(base, name, args, span);
        }
        let Ty::Optional(inner) = &base.ty else {
            self.note_if_never_absent(&base);
            return self.method_of(base, name, args, span);
        };
        let inner = inner.as_ref().clone();
        let local = self.hidden("", base.span, inner.clone(), LocalKind::Code);
        let present = Expr { span: base.span, ty: inner, kind: ExprKind::Local(local) };
        let then = self.method_of(present, name, args, span);
        let ty = match &then.ty {
            ty @ (Ty::Optional(_) | Ty::Unknown) => ty.clone(),
            ty => Ty::Optional(Box::new(ty.clone())),
        };
        Expr { span, ty, kind: ExprKind::IfPresent { value: Box::new(base), local, then: Box::new(then) } }
    }

    fn method_of(&mut self, base: Expr, name: &Ident, args: &[Arg], span: Span) -> Expr {
        let simple = |method, base: Expr, ty| Expr {
            span,
            ty,
            kind: ExprKind::Method { method, args: vec![base], empty: None },
        };
        let ty = base.ty.clone();
        match (&ty, name.as_str()) {
            (Ty::Unknown, _) => {
                self.pass_over_args(args);
                unknown(span)
            }
            (Ty::Optional(_) | Ty::Absent, _) => {
                let diagnostic = self.absent(base.span, &ty);
                self.push(diagnostic);
                unknown(span)
            }
            (Ty::List(item, _), _) => self.list_method(base, item.as_ref().clone(), name, args, span),
            (Ty::Map(key, value), "get") => {
                let args = self.arguments("`get`", &[("key".to_owned(), key.as_ref().clone())], args, span);
                let ty = match value.as_ref() {
                    ty @ Ty::Optional(_) => ty.clone(),
                    ty => Ty::Optional(Box::new(ty.clone())),
                };
                let args = std::iter::once(base).chain(args).collect();
                Expr { span, ty, kind: ExprKind::Method { method: Method::Get, args, empty: None } }
            }
            (Ty::Map(_, _), "count") => {
                self.arguments("`count`", &[], args, span);
                simple(Method::Count, base, Ty::Int)
            }
            (Ty::Text, "length") => {
                self.arguments("`length`", &[], args, span);
                simple(Method::Length, base, Ty::Int)
            }
            (Ty::Money(_) | Ty::MoneyOf(_, _, true), "currency") => {
                self.arguments("`currency`", &[], args, span);
                simple(Method::Currency, base, Ty::Currency)
            }
            (Ty::Money(_) | Ty::Unrounded(_) | Ty::MoneyOf(..), "amount") => {
                self.arguments("`amount`", &[], args, span);
                simple(Method::Amount, base, Ty::Decimal)
            }
            (Ty::Int | Ty::Decimal | Ty::Duration | Ty::Money(_) | Ty::Unrounded(_) | Ty::MoneyOf(..), "abs") => {
                self.arguments("`abs`", &[], args, span);
                simple(Method::Abs, base, ty)
            }
            (Ty::Instant, "date_in") => {
                let args = self.arguments("`date_in`", &[("zone".to_owned(), Ty::Text)], args, span);
                let args = std::iter::once(base).chain(args).collect();
                Expr { span, ty: Ty::Date, kind: ExprKind::Method { method: Method::DateIn, args, empty: None } }
            }
            _ => {
                let names: &[&str] = match &ty {
                    Ty::Map(_, _) => &["get", "count"],
                    Ty::Text => &["length"],
                    Ty::Money(_) | Ty::MoneyOf(..) => &["currency", "amount", "abs"],
                    Ty::Int | Ty::Decimal | Ty::Duration => &["abs"],
                    Ty::Instant => &["date_in"],
                    _ => &[],
                };
                self.no_method(&ty, name, names.iter().copied());
                self.pass_over_args(args);
                unknown(span)
            }
        }
    }

    fn no_method<'a>(&mut self, ty: &Ty, name: &Ident, candidates: impl Iterator<Item = &'a str>) {
        let shown = self.show(ty);
        let diagnostic = Diagnostic::new(&f02::UNKNOWN_MEMBER, format!("{shown} has no method `{name}`"), name.span)
            .label("no such method");
        self.push(suggest(diagnostic, name, candidates));
    }

    fn list_method(&mut self, list: Expr, item: Ty, name: &Ident, args: &[Arg], span: Span) -> Expr {
        let of_name = name.as_str();
        let with_closure = WITH_CLOSURE.iter().find(|(word, _)| *word == of_name).map(|(_, method)| *method);
        let plain = PLAIN.iter().find(|(word, _)| *word == of_name).map(|(_, method)| *method);
        match (with_closure, plain, args) {
            (Some(method), _, [Arg::Closure { params, body, span: at }]) => {
                let [param] = params.as_slice() else {
                    self.push(
                        Diagnostic::new(&f02::ARGUMENTS, format!("the closure of `{name}` takes one value"), *at)
                            .label("one name is expected before `=>`"),
                    );
                    return unknown(span);
                };
                self.each(method, list, item, param, body, span)
            }
            (_, Some(method), _) => self.plain_method(method, list, item, name, args, span),
            (Some(_), None, _) => {
                self.push(
                    Diagnostic::new(&f02::ARGUMENTS, format!("`{name}` takes a closure"), span)
                        .label("what is to be done with each element is missing")
                        .help(format!("for example `{name}(line => line.quantity)`")),
                );
                unknown(span)
            }
            (None, None, _) => {
                let names = WITH_CLOSURE.iter().map(|(word, _)| *word).chain(PLAIN.iter().map(|(word, _)| *word));
                self.no_method(&list.ty, name, names);
                self.pass_over_args(args);
                unknown(span)
            }
        }
    }

    fn each(&mut self, method: ListMethod, list: Expr, item: Ty, param: &Ident, body: &ast::Expr, span: Span) -> Expr {
        let mark = self.mark();
        let local = self.bind_code(param, item.clone());
        let is_test = matches!(
            method,
            ListMethod::Filter | ListMethod::Count | ListMethod::Any | ListMethod::All | ListMethod::First
        );
        let gives = self.closure_gives.last().cloned().flatten().filter(|_| method == ListMethod::Map);
        let mut body = match gives {
            _ if is_test => self.expect(body, &Ty::Bool),
            Some(gives) => self.expect(body, &gives),
            None => self.expr(body, None),
        };
        self.reset(mark);
        let list_of = |ty: Ty| Ty::List(Box::new(ty), None);
        let mut empty = None;
        let ty = match method {
            ListMethod::Map => list_of(body.ty.clone()),
            ListMethod::Filter => list.ty.clone(),
            ListMethod::Count => Ty::Int,
            ListMethod::Any | ListMethod::All => Ty::Bool,
            ListMethod::First => optional(item),
            ListMethod::Sum => {
                empty = zero(&body.ty);
                self.summable(&mut body)
            }
            ListMethod::Min | ListMethod::Max => {
                self.orderable(&body);
                optional(body.ty.clone())
            }
            ListMethod::SortBy => {
                self.orderable(&body);
                list.ty.clone()
            }
            ListMethod::GroupBy => Ty::Map(Box::new(body.ty.clone()), Box::new(list_of(item))),
            ListMethod::FlatMap => match &body.ty {
                Ty::List(inner, _) => list_of(inner.as_ref().clone()),
                Ty::Unknown => Ty::Unknown,
                _ => {
                    let found = self.show(&body.ty);
                    self.push(
                        Diagnostic::new(&f02::MISMATCH, format!("`flat_map` joins lists, this is {found}"), body.span)
                            .label("a list is expected here"),
                    );
                    Ty::Unknown
                }
            },
        };
        let kind = ExprKind::Each { method, list: Box::new(list), item: local, body: Box::new(body), empty };
        Expr { span, ty, kind }
    }

    fn plain_method(&mut self, method: Method, list: Expr, item: Ty, name: &Ident, args: &[Arg], span: Span) -> Expr {
        let params = match method {
            Method::Take => vec![("count".to_owned(), Ty::Int)],
            Method::Contains => vec![("value".to_owned(), item.clone())],
            _ => Vec::new(),
        };
        let more = self.arguments(&format!("`{name}`"), &params, args, span);
        let probe = Expr { span: list.span, ty: item.clone(), kind: ExprKind::Unknown };
        let mut empty = None;
        let ty = match method {
            Method::Count => Ty::Int,
            Method::Contains => Ty::Bool,
            Method::Sum => {
                empty = zero(&item);
                self.summable(&mut probe.clone())
            }
            Method::Min | Method::Max => {
                self.orderable(&probe);
                optional(item)
            }
            Method::First => optional(item),
            _ => Ty::List(Box::new(item), None),
        };
        let args = std::iter::once(list).chain(more).collect();
        Expr { span, ty, kind: ExprKind::Method { method, args, empty } }
    }

    /// The type of a sum of such values.
    fn summable(&mut self, value: &mut Expr) -> Ty {
        match &value.ty {
            Ty::Int | Ty::Decimal | Ty::Duration | Ty::Money(_) | Ty::Unrounded(_) | Ty::MoneyOf(..) | Ty::Unknown => {
                value.ty.clone()
            }
            Ty::Optional(_) | Ty::Absent => {
                let diagnostic = self.absent(value.span, &value.ty);
                self.push(diagnostic);
                Ty::Unknown
            }
            _ => {
                let found = self.show(&value.ty);
                self.push(
                    Diagnostic::new(&f02::OPERATOR, format!("{found} can't be added up"), value.span)
                        .label("a number, money or a duration is expected here"),
                );
                Ty::Unknown
            }
        }
    }

    fn orderable(&mut self, value: &Expr) {
        let core = match &value.ty {
            Ty::Optional(inner) => inner.as_ref(),
            ty => ty,
        };
        if !crate::operator::is_ordered(self.globals, core) {
            let found = self.show(&value.ty);
            self.push(
                Diagnostic::new(&f02::OPERATOR, format!("{found} has no order"), value.span)
                    .label("what can be compared is expected here"),
            );
        }
    }
}

fn optional(ty: Ty) -> Ty {
    if matches!(ty, Ty::Optional(_) | Ty::Unknown) { ty } else { Ty::Optional(Box::new(ty)) }
}

/// The sum of nothing, where its type says what that is.
fn zero(ty: &Ty) -> Option<Value> {
    match ty {
        Ty::Int => Some(Value::Int(0)),
        Ty::Decimal => Some(Value::Decimal(Decimal::ZERO)),
        Ty::Duration => Some(Value::Duration(0)),
        Ty::Money(Some(currency)) | Ty::Unrounded(Some(currency)) | Ty::MoneyOf(_, Some(currency), _) => {
            Some(Value::Money(Money { currency: *currency, amount: Decimal::ZERO }))
        }
        _ => None,
    }
}
