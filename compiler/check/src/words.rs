//! The words of an expression as messages and keys show them: `order.id`.

use flowline_syntax::ast::{self, Arg, DurationLit, DurationUnit, Expr, ExprKind};

/// Paths and calls as they are written; anything else as `…`.
pub(crate) fn expr(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Field { base, name, optional } => {
            format!("{}{}{name}", self::expr(base), if *optional { "?." } else { "." })
        }
        ExprKind::Call { callee, args } => format!("{callee}({})", arguments(args)),
        ExprKind::Method { base, name, args, .. } => format!("{}.{name}({})", self::expr(base), arguments(args)),
        ExprKind::Int(n) => n.to_string(),
        ExprKind::Decimal(digits) => digits.to_string(),
        ExprKind::Percent(digits) => format!("{digits}%"),
        ExprKind::Money { amount, currency } => format!("{amount} {currency}"),
        ExprKind::Bool(b) => b.to_string(),
        ExprKind::None => "none".to_owned(),
        ExprKind::Now => "now".to_owned(),
        ExprKind::Duration(literal) => duration(literal),
        ExprKind::Date(_)
        | ExprKind::Text(_)
        | ExprKind::List(_)
        | ExprKind::Map(_)
        | ExprKind::Record(_)
        | ExprKind::With { .. }
        | ExprKind::Unary { .. }
        | ExprKind::Binary { .. }
        | ExprKind::Exists(_)
        | ExprKind::Of { .. }
        | ExprKind::If { .. }
        | ExprKind::Match { .. }
        | ExprKind::Bad => "…".to_owned(),
    }
}

/// How a flow starts, with a name for what it starts with.
pub(crate) fn starts(starts: &ast::FlowStart) -> String {
    match starts {
        ast::FlowStart::Every { .. } => "`starts every … as tick`".to_owned(),
        ast::FlowStart::Gather { event, .. } => format!("`starts on gather {event} … as signals`"),
    }
}

/// Several expressions, separated by commas.
pub(crate) fn list(exprs: &[Expr]) -> String {
    exprs.iter().map(expr).collect::<Vec<_>>().join(", ")
}

fn arguments(args: &[Arg]) -> String {
    let words = args.iter().map(|arg| match arg {
        Arg::Expr(value) => expr(value),
        Arg::Closure { .. } => "…".to_owned(),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn duration(literal: &DurationLit) -> String {
    let words: Vec<String> = literal
        .parts
        .iter()
        .map(|part| {
            let unit = match part.unit {
                DurationUnit::Milliseconds => "ms",
                DurationUnit::Seconds => "s",
                DurationUnit::Minutes => "min",
                DurationUnit::Hours => "h",
                DurationUnit::Days => "days",
                DurationUnit::Weeks => "weeks",
                DurationUnit::BusinessHours => "business hours",
                DurationUnit::BusinessDays => "business days",
            };
            format!("{} {unit}", part.count)
        })
        .collect();
    words.join(" ")
}
