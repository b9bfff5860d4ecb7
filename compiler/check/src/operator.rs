//! Operators: which types go together, and what comes out.
//!
//! | | |
//! | --- | --- |
//! | numbers | `+ - *` of Int give Int, else Decimal; `/` gives Decimal |
//! | money | `+ -` in one currency; `* Int` is money; `* Decimal` and `/ number` are Unrounded; `Money / Money` is a Decimal; its kinds: see `money.rs` |
//! | time | Instant ± Duration, Instant - Instant, Date ± Duration (whole days), Date - Date, Duration ± Duration, `* Int`, `/ Int`, Duration / Duration |
//! | text | `+` |

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::cx::{Cx, to_decimal, unknown};
use crate::model::{BinaryOp, Expr, ExprKind, Ty, UnaryOp};
use crate::money::{self, currency};
use crate::names::Globals;
use crate::ty::{fits, join};
use flowline_diag::code::f02;
use flowline_diag::{Diagnostic, Span};
use flowline_plan::Value;
use flowline_syntax::ast;

impl Cx<'_> {
    pub(crate) fn unary(&mut self, op: ast::UnaryOp, operand: &ast::Expr, span: Span) -> Expr {
        match op {
            ast::UnaryOp::Not => {
                let operand = self.expect(operand, &Ty::Bool);
                Expr { span, ty: Ty::Bool, kind: ExprKind::Unary(UnaryOp::Not, Box::new(operand)) }
            }
            ast::UnaryOp::Negate => {
                let operand = self.expr(operand, None);
                let ty = operand.ty.clone();
                match &ty {
                    Ty::Int | Ty::Decimal | Ty::Duration | Ty::Unknown => {}
                    money if money.money().is_some() => {}
                    Ty::Optional(_) | Ty::Absent => {
                        let diagnostic = self.absent(operand.span, &ty);
                        self.push(diagnostic);
                        return unknown(span);
                    }
                    _ => {
                        let found = self.show(&ty);
                        self.push(
                            Diagnostic::new(&f02::OPERATOR, format!("{found} has no sign"), span)
                                .label("a number, money or a duration is expected behind `-`"),
                        );
                        return unknown(span);
                    }
                }
                Expr { span, ty, kind: ExprKind::Unary(UnaryOp::Negate, Box::new(operand)) }
            }
        }
    }

    pub(crate) fn binary(
        &mut self,
        op: ast::BinaryOp,
        op_span: Span,
        left: &ast::Expr,
        right: &ast::Expr,
        wanted: Option<&Ty>,
        span: Span,
    ) -> Expr {
        use ast::BinaryOp as A;
        match op {
            A::And => self.logic(BinaryOp::And, left, right, span),
            A::Or => self.logic(BinaryOp::Or, left, right, span),
            A::Default => self.default(left, right, wanted, span),
            A::Equal => self.equality(BinaryOp::Equal, left, right, span),
            A::NotEqual => self.equality(BinaryOp::NotEqual, left, right, span),
            A::Less => self.order(BinaryOp::Less, op_span, left, right, span),
            A::LessOrEqual => self.order(BinaryOp::LessOrEqual, op_span, left, right, span),
            A::Greater => self.order(BinaryOp::Greater, op_span, left, right, span),
            A::GreaterOrEqual => self.order(BinaryOp::GreaterOrEqual, op_span, left, right, span),
            A::Add => self.arithmetic(BinaryOp::Add, op_span, left, right, span),
            A::Subtract => self.arithmetic(BinaryOp::Subtract, op_span, left, right, span),
            A::Multiply => self.arithmetic(BinaryOp::Multiply, op_span, left, right, span),
            A::Divide => self.arithmetic(BinaryOp::Divide, op_span, left, right, span),
        }
    }

    fn logic(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        let left = self.expect(left, &Ty::Bool);
        let mark = self.mark();
        self.assume(&left, op == BinaryOp::And);
        let right = self.expect(right, &Ty::Bool);
        self.forget(mark);
        binary(op, left, right, Ty::Bool, span)
    }

    fn default(&mut self, left: &ast::Expr, right: &ast::Expr, wanted: Option<&Ty>, span: Span) -> Expr {
        let left = self.expr(left, wanted);
        let inner = match &left.ty {
            Ty::Optional(inner) => inner.as_ref().clone(),
            Ty::Absent | Ty::Unknown => Ty::Unknown,
            ty => {
                let ty = ty.clone();
                self.note_if_never_absent(&left);
                ty
            }
        };
        let right = self.expr(right, Some(&inner));
        let right = if right.ty == Ty::Int && inner == Ty::Decimal { to_decimal(right) } else { right };
        let ty = self.join(&inner, &right);
        binary(BinaryOp::Default, left, right, ty, span)
    }

    fn equality(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        let left = self.expr(left, None);
        let right = self.expr(right, Some(&left.ty));
        self.comparable(&left, &right);
        binary(op, left, right, Ty::Bool, span)
    }

    /// Whether two values can be equal; a finding at the right one where they can't.
    pub(crate) fn comparable(&mut self, left: &Expr, right: &Expr) {
        let (a, b) = (present(&left.ty), present(&right.ty));
        if let (Some(a), Some(b)) = (currency(a), currency(b))
            && a != b
        {
            let diagnostic =
                Diagnostic::new(&f02::CURRENCY, format!("{a} is compared with {b}"), left.span.to(right.span))
                    .label("two currencies")
                    .help("money is never converted by itself; bring both into one currency first");
            let diagnostic = self.both(diagnostic, left, right);
            self.push(diagnostic);
            return;
        }
        if self.kinds_mixed(BinaryOp::Equal, left.span.to(right.span), left, right) {
            return;
        }
        let numbers = is_number(a) && is_number(b) || a.money().is_some() && b.money().is_some();
        if !(numbers || join(a, b).is_some()) {
            let diagnostic = self.mismatch(&Expr { ty: b.clone(), ..right.clone() }, a);
            self.push(diagnostic.also(left.span, format!("this is {}", self.show(&left.ty))));
        }
    }

    fn order(&mut self, op: BinaryOp, op_span: Span, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        let left = self.expr(left, None);
        let right = self.expr(right, Some(&left.ty));
        if self.both_present(&left, &right) {
            self.compared(op_span, &left, &right);
        }
        binary(op, left, right, Ty::Bool, span)
    }

    /// Whether two present values have an order; a finding where they haven't.
    pub(crate) fn compared(&mut self, op_span: Span, left: &Expr, right: &Expr) {
        let (a, b) = (present(&left.ty), present(&right.ty));
        if [a, b].contains(&&Ty::Unknown) {
            return;
        }
        if is_ordered(self.globals, a) && is_ordered(self.globals, b) {
            self.comparable(left, right);
        } else {
            let message = format!("{} and {} have no order", self.show(a), self.show(b));
            let diagnostic = Diagnostic::new(&f02::OPERATOR, message, op_span).label("can't be compared");
            self.push(self.both(diagnostic, left, right));
        }
    }

    fn both(&self, diagnostic: Diagnostic, left: &Expr, right: &Expr) -> Diagnostic {
        diagnostic
            .also(left.span, format!("this is {}", self.show(&left.ty)))
            .also(right.span, format!("this is {}", self.show(&right.ty)))
    }

    /// Whether neither side may be absent; a finding for each that may.
    fn both_present(&mut self, left: &Expr, right: &Expr) -> bool {
        let mut both = true;
        for side in [left, right] {
            if let Ty::Optional(_) | Ty::Absent = side.ty {
                let diagnostic = self.absent(side.span, &side.ty);
                self.push(diagnostic);
                both = false;
            }
        }
        both
    }

    fn arithmetic(&mut self, op: BinaryOp, op_span: Span, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        let left = self.expr(left, None);
        let right = self.expr(right, None);
        if !self.both_present(&left, &right) || left.ty == Ty::Unknown || right.ty == Ty::Unknown {
            return unknown(span);
        }
        if let (BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Divide, Some(a), Some(b)) =
            (op, currency(&left.ty), currency(&right.ty))
            && a != b
        {
            let word = match op {
                BinaryOp::Add => "added to",
                BinaryOp::Subtract => "taken from",
                _ => "divided by",
            };
            let message =
                if op == BinaryOp::Divide { format!("{a} is {word} {b}") } else { format!("{b} is {word} {a}") };
            let diagnostic = Diagnostic::new(&f02::CURRENCY, message, op_span)
                .label("two currencies")
                .help("money is never converted by itself; bring both into one currency first");
            let diagnostic = self.both(diagnostic, &left, &right);
            self.push(diagnostic);
            return Expr { ty: result(op, &left.ty, &right.ty).unwrap_or(Ty::Unknown), ..unknown(span) };
        }
        if op != BinaryOp::Multiply && self.kinds_mixed(op, op_span, &left, &right) {
            return unknown(span);
        }
        let Some(ty) = result(op, &left.ty, &right.ty) else {
            let sign = match op {
                BinaryOp::Add => "+",
                BinaryOp::Subtract => "-",
                BinaryOp::Multiply => "*",
                _ => "/",
            };
            let message = format!("`{sign}` does not go with {} and {}", self.show(&left.ty), self.show(&right.ty));
            let mut diagnostic = Diagnostic::new(&f02::OPERATOR, message, op_span).label("not defined for these");
            if [&left.ty, &right.ty].contains(&&Ty::BusinessDuration) {
                diagnostic = diagnostic.help("business time is counted in a calendar: `2 business days of warehouse`");
            }
            if op == BinaryOp::Add && [&left.ty, &right.ty].contains(&&Ty::Text) {
                diagnostic = diagnostic.help("a value goes into a text in braces: `\"Order {order.id}\"`");
            }
            let diagnostic = self.both(diagnostic, &left, &right);
            self.push(diagnostic);
            return unknown(span);
        };
        // A literal that multiplies money with full digits stays exact: `10.00 EUR * 2`.
        binary(op, left, right, ty, span)
    }
}

fn binary(op: BinaryOp, left: Expr, right: Expr, ty: Ty, span: Span) -> Expr {
    Expr { span, ty, kind: ExprKind::Binary(op, Box::new(left), Box::new(right)) }
}

fn present(ty: &Ty) -> &Ty {
    match ty {
        Ty::Optional(inner) => inner,
        ty => ty,
    }
}

fn is_number(ty: &Ty) -> bool {
    matches!(ty, Ty::Int | Ty::Decimal)
}

/// Whether values of the type come one before the other.
pub(crate) fn is_ordered(_: &Globals, ty: &Ty) -> bool {
    matches!(
        ty,
        Ty::Int
            | Ty::Decimal
            | Ty::Text
            | Ty::Instant
            | Ty::Date
            | Ty::Duration
            | Ty::Money(_)
            | Ty::Unrounded(_)
            | Ty::MoneyOf(..)
            | Ty::Unknown
    )
}

/// The type of a sum, a difference, a product or a quotient; both sides are there and their currencies agree.
fn result(op: BinaryOp, left: &Ty, right: &Ty) -> Option<Ty> {
    use Ty::{BusinessDuration, Date, Decimal, Duration, Instant, Int, Text};
    let sum = op == BinaryOp::Add;
    if left.money().is_some() || right.money().is_some() {
        return money::result(op, left, right);
    }
    match op {
        BinaryOp::Add | BinaryOp::Subtract => match (left, right) {
            (Int, Int) => Some(Int),
            (Int | Decimal, Int | Decimal) => Some(Decimal),
            (Instant, Duration) => Some(Instant),
            (Date, Duration) => Some(Date),
            (Duration, Duration) => Some(Duration),
            (Duration, Instant) if sum => Some(Instant),
            (Duration, Date) if sum => Some(Date),
            (Instant, Instant) | (Date, Date) if !sum => Some(Duration),
            (BusinessDuration, BusinessDuration) if sum => Some(BusinessDuration),
            (Text, Text) if sum => Some(Text),
            _ => None,
        },
        BinaryOp::Multiply => match (left, right) {
            (Int, Int) => Some(Int),
            (Int | Decimal, Int | Decimal) => Some(Decimal),
            (Duration, Int) | (Int, Duration) => Some(Duration),
            _ => None,
        },
        BinaryOp::Divide => match (left, right) {
            (Int | Decimal, Int | Decimal) | (Duration, Duration) => Some(Decimal),
            (Duration, Int) => Some(Duration),
            _ => None,
        },
        BinaryOp::Or
        | BinaryOp::And
        | BinaryOp::Equal
        | BinaryOp::NotEqual
        | BinaryOp::Less
        | BinaryOp::LessOrEqual
        | BinaryOp::Greater
        | BinaryOp::GreaterOrEqual
        | BinaryOp::Default => None,
    }
}

/// Whether a literal's value stands for both types alike; used by patterns.
pub(crate) fn literal_fits(literal: &Expr, ty: &Ty) -> bool {
    let is_plain = matches!(&literal.kind, ExprKind::Value(value) if !matches!(value, Value::None));
    is_plain && (fits(&literal.ty, present(ty)) || literal.ty == Ty::Int && *present(ty) == Ty::Decimal)
}
