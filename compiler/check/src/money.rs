//! Money in all its forms: which go together, and what comes out.
//!
//! | | |
//! | --- | --- |
//! | `Net + Tax` | `Gross` |
//! | `Gross - Tax`, `Gross - Net` | `Net`, `Tax` |
//! | the same kind `+ -` | that kind |
//! | a kind `* Int`, `* Decimal`, `/ number` | that kind, as money: rounded, or not yet |
//! | a kind `/` the same | a Decimal |
//! | a kind where `Money` is expected, or compared with it | goes: it is money |
//! | `Money` where a kind is expected, or in a sum with one | a finding: `Net(…)` says which one it is |

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types that it takes; any other, also a future one, is the same finding"
)]

use crate::cx::{Cx, unknown};
use crate::model::{BinaryOp, Expr, ExprKind, Money, MoneyKind, Ty};
use flowline_diag::code::f02;
use flowline_diag::{Diagnostic, Span};
use flowline_plan::{Currency, Value};
use flowline_syntax::ast::{Arg, Ident};

/// The kinds that have a name of their own.
const KINDS: [(&str, MoneyKind); 3] = [("Net", MoneyKind::Net), ("Tax", MoneyKind::Tax), ("Gross", MoneyKind::Gross)];

/// The kind of that name.
pub(crate) fn kind_named(name: &str) -> Option<MoneyKind> {
    KINDS.iter().find(|(word, _)| *word == name).map(|(_, kind)| *kind)
}

pub(crate) fn kind_name(kind: MoneyKind) -> &'static str {
    KINDS.iter().find(|(_, known)| *known == kind).map_or("Money", |(name, _)| name)
}

/// The type as authors write it.
pub(crate) fn show(money: Money) -> String {
    let name = money.kind.map_or("Money", kind_name);
    match (money.rounded, money.currency) {
        (false, _) if money.kind.is_some() => format!("Unrounded {name}"),
        (false, _) => "Unrounded".to_owned(),
        (true, Some(currency)) => format!("{name} in {currency}"),
        (true, None) => name.to_owned(),
    }
}

/// Whether money may stand where other money is expected.
pub(crate) fn fits(found: Money, wanted: Money) -> bool {
    let kind = wanted.kind.is_none() || found.kind == wanted.kind;
    let currency = wanted.currency.is_none() || found.currency == wanted.currency;
    kind && currency && found.rounded == wanted.rounded
}

/// What stands for both; none where that would hide a kind.
pub(crate) fn join(a: Money, b: Money) -> Option<Money> {
    let kind = match (a.kind, b.kind) {
        (Some(a), Some(b)) if a != b => return None,
        (Some(_), Some(_)) => a.kind,
        (None, _) | (_, None) => None,
    };
    let currency = if a.currency == b.currency { a.currency } else { None };
    (a.rounded == b.rounded).then_some(Money { kind, currency, rounded: a.rounded })
}

/// The kind of a sum or a difference; none where these kinds don't go together.
fn combined(op: BinaryOp, a: Option<MoneyKind>, b: Option<MoneyKind>) -> Option<Option<MoneyKind>> {
    use MoneyKind::{Gross, Net, Tax};
    match (op, a, b) {
        (_, a, b) if a == b => Some(a),
        (BinaryOp::Add, Some(Net), Some(Tax)) | (BinaryOp::Add, Some(Tax), Some(Net)) => Some(Some(Gross)),
        (BinaryOp::Subtract, Some(Gross), Some(Tax)) => Some(Some(Net)),
        (BinaryOp::Subtract, Some(Gross), Some(Net)) => Some(Some(Tax)),
        _ => None,
    }
}

/// The type of an operation with money on one side or both; the currencies agree, and so do the kinds.
pub(crate) fn result(op: BinaryOp, left: &Ty, right: &Ty) -> Option<Ty> {
    let is_number = |ty: &Ty| matches!(ty, Ty::Int | Ty::Decimal);
    match (op, left.money(), right.money()) {
        (BinaryOp::Add | BinaryOp::Subtract, Some(a), Some(b)) => {
            let kind = combined(op, a.kind, b.kind)?;
            Some(Ty::of_money(Money { kind, currency: a.currency.or(b.currency), rounded: a.rounded && b.rounded }))
        }
        (BinaryOp::Divide, Some(_), Some(_)) => Some(Ty::Decimal),
        (BinaryOp::Multiply, Some(money), None) if is_number(right) => Some(scaled(money, *right == Ty::Int)),
        (BinaryOp::Multiply, None, Some(money)) if is_number(left) => Some(scaled(money, *left == Ty::Int)),
        (BinaryOp::Divide, Some(money), None) if is_number(right) => Some(scaled(money, false)),
        _ => None,
    }
}

/// So many times as much; it stays in cents where it was and is counted whole.
fn scaled(money: Money, whole: bool) -> Ty {
    Ty::of_money(Money { rounded: money.rounded && whole, ..money })
}

impl Cx<'_> {
    /// A finding where two sorts of money are calculated with or compared that don't go together; whether there was one.
    pub(crate) fn kinds_mixed(&mut self, op: BinaryOp, at: Span, left: &Expr, right: &Expr) -> bool {
        let (Some(a), Some(b)) = (core(&left.ty).money(), core(&right.ty).money()) else { return false };
        let (verb, is_fine) = match op {
            BinaryOp::Add => ("added to", combined(op, a.kind, b.kind).is_some()),
            BinaryOp::Subtract => ("taken from", combined(op, a.kind, b.kind).is_some()),
            BinaryOp::Divide => ("divided by", alike(a, b)),
            _ => ("compared with", alike(a, b)),
        };
        if is_fine {
            return false;
        }
        let (a, b) = (self.show(&left.ty), self.show(&right.ty));
        let message = match op {
            BinaryOp::Add | BinaryOp::Subtract => format!("{b} is {verb} {a}"),
            _ => format!("{a} is {verb} {b}"),
        };
        let diagnostic = Diagnostic::new(&f02::MONEY_KIND, message, at)
            .label("two sorts of money")
            .also(left.span, format!("this is {a}"))
            .also(right.span, format!("this is {b}"));
        self.push(diagnostic.help(help(core(&left.ty).money(), core(&right.ty).money())));
        true
    }

    /// Why money of one kind isn't money of another.
    pub(crate) fn wrong_kind(&self, expr: &Expr, found: Money, wanted: Money) -> Diagnostic {
        let (shown, want) = (self.show(&expr.ty), show(wanted));
        let name = wanted.kind.map_or("Money", kind_name);
        let diagnostic = Diagnostic::new(&f02::MONEY_KIND, format!("{shown} where `{want}` is expected"), expr.span)
            .label(format!("this is {shown}"));
        if found.kind.is_some() {
            let rule = help(Some(found), Some(wanted));
            return diagnostic.help(format!("{rule}; what is worked out of another kind is named: `{name}(…)`"));
        }
        let diagnostic = diagnostic.help(format!("if it is a {name}, say so: `{name}(…)`"));
        match &expr.kind {
            ExprKind::Value(value @ Value::Money(_)) => {
                let Value::Money(money) = value else { return diagnostic };
                diagnostic.maybe_fix(format!("make it a {name}"), expr.span, format!("{name}({money})"))
            }
            _ => diagnostic,
        }
    }

    /// `Net(100.00 EUR)`: says which kind of money it is. The amount stays as it is.
    pub(crate) fn money_of_kind(&mut self, kind: MoneyKind, callee: &Ident, args: &[Arg], span: Span) -> Expr {
        let wanted = Ty::of_money(Money { kind: Some(kind), currency: None, rounded: true });
        let [Arg::Expr(arg)] = args else {
            let example = format!("for example `{callee}(100.00 EUR)`");
            self.push(
                Diagnostic::new(&f02::ARGUMENTS, format!("`{callee}` says of one amount what it is"), span)
                    .help(example),
            );
            self.pass_over_args(args);
            return Expr { ty: wanted, ..unknown(span) };
        };
        let value = self.expr(arg, None);
        match value.ty.money() {
            Some(money) => Expr { span, ty: Ty::of_money(Money { kind: Some(kind), ..money }), kind: value.kind },
            None => {
                self.coerce(value, &Ty::Money(None));
                Expr { ty: wanted, ..unknown(span) }
            }
        }
    }
}

/// Whether one may be held against the other.
fn alike(a: Money, b: Money) -> bool {
    a.kind.is_none() || b.kind.is_none() || a.kind == b.kind
}

fn help(a: Option<Money>, b: Option<Money>) -> String {
    let kind = |money: Option<Money>| money.and_then(|money| money.kind);
    match (kind(a), kind(b)) {
        (Some(one), None) | (None, Some(one)) => {
            format!("say which kind the other amount is: `{}(…)`, or another kind", kind_name(one))
        }
        _ => "`Net + Tax` is a Gross, `Gross - Tax` a Net, `Gross - Net` a Tax".to_owned(),
    }
}

fn core(ty: &Ty) -> &Ty {
    match ty {
        Ty::Optional(inner) => inner,
        ty => ty,
    }
}

/// The currency of money, where it is known.
pub(crate) fn currency(ty: &Ty) -> Option<Currency> {
    ty.money()?.currency
}
