//! F0305: a `stop` where the run can't end.
use flowline_diag::{Diagnostic, code::f03};
use flowline_plan::{NodeKind, ScopeKind};

use crate::{
    flowing::{Flowing, no_stop_in},
    shape::Shape,
};

pub(super) fn check(shape: &Shape<'_>, flowing: &Flowing) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (at, node) in shape.nodes().filter(|(at, _)| flowing.reached.contains(at)) {
        let NodeKind::Stop { outcome, .. } = &node.kind else { continue };
        let Some(scope) = no_stop_in(shape, node.scope) else { continue };
        let (place, why, help) = match shape.scope(scope).kind {
            ScopeKind::Element => (
                "a `for each`",
                "other elements may be under way",
                "let the element end with `give`, and `stop` behind the `for each`; or `fail` to give the others up too",
            ),
            ScopeKind::Meanwhile | ScopeKind::TooLate => (
                "a body that runs beside the attempt",
                "the attempt goes on beside it",
                "use `on event` to interrupt the attempt, and `stop` there",
            ),
            ScopeKind::Branch | ScopeKind::Flow | ScopeKind::Attempt | ScopeKind::Handler | ScopeKind::Round => (
                "a branch",
                "other branches may be under way",
                "let the branch end, and `stop` behind the `parallel`; or `fail` to give the others up too",
            ),
        };
        found.push(
            Diagnostic::new(&f03::STOP_IN_BRANCH, format!("`stop {outcome}` inside {place}"), shape.node_span(at))
                .label("the run can't end here")
                .also(shape.scope_span(scope), why)
                .help(help),
        );
    }
    found
}
