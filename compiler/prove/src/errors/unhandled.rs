//! F0301, F0302: a business error, a deadline or an exhausted loop that no handler takes.
use flowline_diag::{Diagnostic, code::f03};
use flowline_plan::{NodeKind, ScopeKind};

use crate::{
    cause::{Cause, Escape, runs_beside},
    flowing::Flowing,
    shape::Shape,
};

pub(super) fn check(shape: &Shape<'_>, flowing: &Flowing) -> Vec<Diagnostic> {
    let raises = |cause: &Cause| matches!(cause, Cause::Error(error) if shape.plan.raises.contains(error));
    let open = flowing.unhandled.iter().filter(|escape| !raises(&escape.cause));
    open.map(|escape| finding(shape, escape)).collect()
}

fn finding(shape: &Shape<'_>, escape: &Escape) -> Diagnostic {
    let name = shape.cause_name(&escape.cause);
    let node = shape.node(escape.site);
    let (code, message) = match &escape.cause {
        Cause::Error(_) if matches!(node.kind, NodeKind::Fail { .. }) => {
            (&f03::UNHANDLED_ERROR, format!("nobody handles `{name}`"))
        }
        Cause::Error(_) if matches!(node.kind, NodeKind::RunFlow(_)) => {
            (&f03::UNHANDLED_ERROR, format!("`{}` may fail with `{name}`, and nobody handles it", node.label))
        }
        Cause::Error(_) => {
            (&f03::UNHANDLED_ERROR, format!("`{}` may be refused with `{name}`, and nobody handles it", node.label))
        }
        Cause::Deadline(_) => (
            &f03::UNHANDLED_DEADLINE,
            format!("`{}` may run out of time, and nobody handles the `Deadline`", node.label),
        ),
        Cause::Exhausted => {
            (&f03::UNHANDLED_DEADLINE, "the rounds may be used up, and nobody handles `Exhausted`".to_owned())
        }
    };
    let place = shape.node_span(escape.site);
    let mut finding = Diagnostic::new(code, message, place).label(format!("`{name}` comes from here"));
    finding.path = shape.story(escape);
    let wanted = shape.wanted(&escape.cause);
    let mut beside = false;
    for scope in shape.outward(node.scope) {
        let kind = shape.scope(scope).kind;
        if let (ScopeKind::Attempt, false, Some(attempt)) = (kind, beside, shape.runner(scope)) {
            finding = finding.step(shape.node_span(attempt), format!("this attempt has no `{wanted}`"));
        }
        beside = runs_beside(kind);
    }
    let flow = shape.plan.short_name();
    let side = shape.plan.side.as_ref();
    finding = finding.step(
        shape.span(shape.plan.span),
        match (&escape.cause, side) {
            (_, Some(side)) => format!("{} would end with it, and nobody hears of that", side.what),
            (Cause::Error(_), None) => format!("`{flow}` doesn't say `raises {name}`"),
            (Cause::Deadline(_) | Cause::Exhausted, None) => format!("`{flow}` ends, and nothing says how"),
        },
    );
    let around = match shape.attempt_around(escape.site) {
        Some(_) => "to the attempt around it",
        None => "to an attempt around it",
    };
    finding.help(match escape.cause {
        Cause::Error(_) if side.is_some() => format!("add `{wanted} {{ … }}` {around}"),
        Cause::Error(_) => format!(
            "add `{wanted} {{ … }}` {around}; or write `raises {name}` in the header of `{flow}` to let the run end with it"
        ),
        Cause::Deadline(_) => format!("add `{wanted} {{ … }}` {around}"),
        Cause::Exhausted => format!("add `{wanted} {{ … }}` {around} and say what happens after the last round"),
    })
}
