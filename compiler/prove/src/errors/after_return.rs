//! F0306: an error behind the point of no return that isn't handled before the attempt is left.
use flowline_diag::{Diagnostic, code::f03};
use flowline_plan::{NodeKind, ScopeId, ScopeKind};

use crate::{cause::Escape, flowing::Flowing, shape::Shape};

pub(super) fn check(shape: &Shape<'_>, flowing: &Flowing) -> Vec<Diagnostic> {
    flowing.after_return.iter().map(|(escape, scope)| finding(shape, escape, *scope)).collect()
}

fn finding(shape: &Shape<'_>, escape: &Escape, scope: ScopeId) -> Diagnostic {
    let name = shape.cause_name(&escape.cause);
    let late = shape.scope(scope).kind == ScopeKind::TooLate;
    let message = if late {
        format!("`{name}` would leave a `too late`, where nothing can be taken back any more")
    } else {
        format!("`{name}` may come up after the point of no return, and isn't handled inside the attempt")
    };
    let place = shape.node_span(escape.site);
    let mut finding =
        Diagnostic::new(&f03::AFTER_RETURN, message, place).label("from here the flow can only go forward");
    let owned = shape
        .nodes()
        .find(|(_, node)| matches!(node.kind, NodeKind::PointOfNoReturn) && shape.forward_owner(node.scope) == scope);
    if let Some((at, _)) = owned {
        finding = finding.step(shape.node_span(at), "the point of no return is passed");
    }
    for label in shape.story(escape) {
        finding = finding.step(label.span, label.text);
    }
    let what = if late { "the `too late`" } else { "the attempt" };
    finding = finding.step(shape.scope_span(scope), format!("{what} would be left, but nothing in it can be undone"));
    let wanted = shape.wanted(&escape.cause);
    finding.help(format!(
        "put the step into an attempt of its own: `attempt {{ … }} {wanted} {{ … }}`, and say there how it goes on"
    ))
}
