//! Which names an expression uses.

use crate::model::{Expr, ExprKind, LocalId};

/// Whether an expression uses a local.
pub(crate) fn uses(expr: &Expr, wanted: LocalId) -> bool {
    let any = |exprs: &[Expr]| exprs.iter().any(|expr| uses(expr, wanted));
    match &expr.kind {
        ExprKind::Local(local) => *local == wanted,
        ExprKind::Value(_) | ExprKind::Const(_) | ExprKind::Now | ExprKind::Unknown => false,
        ExprKind::Field { base, .. } | ExprKind::ErrorCode(base) | ExprKind::ErrorText(base) => uses(base, wanted),
        ExprKind::Exists(inner) | ExprKind::ToDecimal(inner) | ExprKind::Unary(_, inner) => uses(inner, wanted),
        ExprKind::Round { value, .. } => uses(value, wanted),
        ExprKind::Record { fields, .. } | ExprKind::Error { fields, .. } | ExprKind::Variant { fields, .. } => {
            any(fields)
        }
        ExprKind::List(items) | ExprKind::Text(items) => any(items),
        ExprKind::Call { args, .. } | ExprKind::Decide { args, .. } | ExprKind::Method { args, .. } => any(args),
        ExprKind::With { base, fields } => uses(base, wanted) || fields.iter().any(|(_, value)| uses(value, wanted)),
        ExprKind::Map(pairs) => pairs.iter().any(|(key, value)| uses(key, wanted) || uses(value, wanted)),
        ExprKind::Each { list, body, .. } => uses(list, wanted) || uses(body, wanted),
        ExprKind::IfPresent { value, then, .. } => uses(value, wanted) || uses(then, wanted),
        ExprKind::Binary(_, left, right) => uses(left, wanted) || uses(right, wanted),
        ExprKind::BusinessDue { duration, calendar } => uses(duration, wanted) || uses(calendar, wanted),
        ExprKind::CalendarOf { key, .. } => uses(key, wanted),
        ExprKind::If { condition, then, otherwise } => {
            uses(condition, wanted) || uses(then, wanted) || uses(otherwise, wanted)
        }
        ExprKind::Match { value, arms } => uses(value, wanted) || arms.iter().any(|arm| uses(&arm.value, wanted)),
    }
}

/// Whether the arguments of an undo use the result of the call that it undoes.
pub(crate) fn needs_result(args: &[Expr], result: Option<LocalId>) -> bool {
    result.is_some_and(|result| args.iter().any(|arg| uses(arg, result)))
}
