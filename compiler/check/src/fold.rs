//! What an expression comes to, where that is known before anything runs.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::cx::Cx;
use crate::model::{BinaryOp, Expr, ExprKind, Model, Ty, UnaryOp};
use flowline_diag::code::f02;
use flowline_plan::{Bundle, Code, ConstEnv, Instr, Value, eval};
use flowline_syntax::ast;

/// The value of literals, constants and the arithmetic of them. None for anything else, and where it fails.
pub(crate) fn fold(model: &Model, expr: &Expr) -> Option<Value> {
    match &expr.kind {
        ExprKind::Value(value) => Some(value.clone()),
        ExprKind::Const(id) => model.constant(*id)?.folded.clone(),
        ExprKind::Variant { case, fields, .. } if fields.is_empty() => Some(Value::Case(*case)),
        ExprKind::ToDecimal(inner) => match fold(model, inner)? {
            Value::Int(n) => Some(Value::Decimal(n.into())),
            other => Some(other),
        },
        ExprKind::Unary(op, operand) => {
            let instr = match op {
                UnaryOp::Not => Instr::Not,
                UnaryOp::Negate => Instr::Neg,
            };
            run(vec![fold(model, operand)?], instr)
        }
        ExprKind::Binary(op, left, right) => run(vec![fold(model, left)?, fold(model, right)?], instr(*op)?),
        ExprKind::Round { value, rounding } => run(vec![fold(model, value)?], Instr::Round(*rounding)),
        ExprKind::List(items) => {
            let items: Option<Vec<Value>> = items.iter().map(|item| fold(model, item)).collect();
            Some(Value::List(items?.into()))
        }
        ExprKind::Record { fields, .. } => {
            let fields: Option<Vec<Value>> = fields.iter().map(|field| fold(model, field)).collect();
            Some(Value::Record(fields?.into()))
        }
        ExprKind::Local(_)
        | ExprKind::Now
        | ExprKind::Field { .. }
        | ExprKind::ErrorCode(_)
        | ExprKind::ErrorText(_)
        | ExprKind::Error { .. }
        | ExprKind::Variant { .. }
        | ExprKind::With { .. }
        | ExprKind::Map(_)
        | ExprKind::Call { .. }
        | ExprKind::Decide { .. }
        | ExprKind::Each { .. }
        | ExprKind::Method { .. }
        | ExprKind::IfPresent { .. }
        | ExprKind::Text(_)
        | ExprKind::Exists(_)
        | ExprKind::BusinessDue { .. }
        | ExprKind::CalendarOf { .. }
        | ExprKind::If { .. }
        | ExprKind::Match { .. }
        | ExprKind::Unknown => None,
    }
}

fn instr(op: BinaryOp) -> Option<Instr> {
    match op {
        BinaryOp::Equal => Some(Instr::Eq),
        BinaryOp::NotEqual => Some(Instr::Ne),
        BinaryOp::Less => Some(Instr::Lt),
        BinaryOp::LessOrEqual => Some(Instr::Le),
        BinaryOp::Greater => Some(Instr::Gt),
        BinaryOp::GreaterOrEqual => Some(Instr::Ge),
        BinaryOp::Add => Some(Instr::Add),
        BinaryOp::Subtract => Some(Instr::Sub),
        BinaryOp::Multiply => Some(Instr::Mul),
        BinaryOp::Divide => Some(Instr::Div),
        BinaryOp::Or | BinaryOp::And | BinaryOp::Default => None,
    }
}

fn run(operands: Vec<Value>, last: Instr) -> Option<Value> {
    let mut ops: Vec<Instr> = (0..u16::try_from(operands.len()).ok()?).map(Instr::Const).collect();
    ops.push(last);
    let bundle = Bundle::default();
    eval(&ConstEnv { bundle: &bundle, now: 0 }, &Code { ops, consts: operands, locals: 0 }, &[]).ok()
}

impl Cx<'_> {
    /// The milliseconds of a time in a contract, which has to be known before anything runs; a finding where it isn't.
    pub(crate) fn millis(&mut self, expr: &ast::Expr) -> Option<i64> {
        self.constant_ms(expr, "a contract's times are known before anything runs")
    }

    /// The milliseconds of a duration that has to be known before anything runs; `why` is the finding where it isn't.
    pub(crate) fn constant_ms(&mut self, expr: &ast::Expr, why: &str) -> Option<i64> {
        let checked = self.expr(expr, Some(&Ty::Duration));
        if checked.ty != Ty::Duration {
            let _ = self.coerce(checked, &Ty::Duration);
            return None;
        }
        match fold(&self.globals.model, &checked) {
            Some(Value::Duration(ms)) if ms >= 0 => Some(ms),
            Some(Value::Duration(_)) => {
                let negative = self.found(&f02::MISMATCH, "a duration can't be negative here", expr.span);
                self.push(negative);
                None
            }
            _ => {
                let diagnostic =
                    self.found(&f02::NOT_CONSTANT, why, expr.span).label("a duration or a constant is expected here");
                self.push(diagnostic);
                None
            }
        }
    }
}
