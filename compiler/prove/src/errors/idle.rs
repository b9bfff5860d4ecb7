//! F0304: a handler that can never run.
use flowline_diag::{Diagnostic, code::f03};
use flowline_plan::{Catch, LateClause, NodeKind, Trigger};

use crate::{flowing::Flowing, shape::Shape};

pub(super) fn check(shape: &Shape<'_>, flowing: &Flowing) -> Vec<Diagnostic> {
    let words = flowing.idle.iter().filter_map(|(attempt, handler, word)| idle(shape, *attempt, *handler, *word));
    words.chain(too_late(shape, flowing)).chain(late(shape)).collect()
}

/// A `late` for the same event and the same key as one above it that takes them all for as long.
fn late(shape: &Shape<'_>) -> Vec<Diagnostic> {
    let clauses = &shape.plan.late.clauses;
    let place = |clause: &LateClause| shape.bundle.flow(clause.flow).map(|side| shape.span(side.span));
    let mut found = Vec::new();
    for (at, clause) in clauses.iter().enumerate() {
        let takes_all = |other: &&LateClause| {
            let same = (other.arm.event, other.arm.key) == (clause.arm.event, clause.arm.key);
            let all = other.arm.condition.is_none() && (!other.arm.fresh || clause.arm.fresh);
            same && all && other.arm.value == clause.arm.value && other.within == clause.within
        };
        let Some(earlier) = clauses.iter().take(at).find(takes_all) else { continue };
        if let (Some(here), Some(there)) = (place(clause), place(earlier)) {
            let message = format!("this `late {}` can never run", shape.type_name(clause.arm.event));
            found.push(
                Diagnostic::new(&f03::IDLE_HANDLER, message, here)
                    .label("nothing is left for it")
                    .also(there, "each of them is taken here already")
                    .help("put the one with an `if` first, or make them one"),
            );
        }
    }
    found
}

/// A word of an `on` that nothing in the body raises, or that an earlier `on` takes.
fn idle(shape: &Shape<'_>, attempt: flowline_plan::NodeId, handler: usize, word: usize) -> Option<Diagnostic> {
    let NodeKind::Attempt { handlers, body, .. } = &shape.node(attempt).kind else { return None };
    let own = handlers.get(handler)?;
    let Trigger::Errors(catches) = &own.trigger else { return None };
    let catch = catches.get(word)?;
    let name = shape.catch_name(catch);
    let what = if catches.len() == 1 {
        format!("`on {name}` can never run")
    } else {
        format!("`{name}` can never come to this handler")
    };
    let mut finding = Diagnostic::new(&f03::IDLE_HANDLER, what, shape.scope_span(own.scope));
    let same = |other: &Catch| other == catch || matches!((other, catch), (Catch::Deadline(None), Catch::Deadline(_)));
    let earlier = handlers.iter().take(handler).find(|earlier| match &earlier.trigger {
        Trigger::Errors(catches) => catches.iter().any(same),
        Trigger::Event { .. } | Trigger::After(_) => false,
    });
    finding = match (earlier, catch) {
        (Some(earlier), _) => finding
            .label(format!("`{name}` never comes this far"))
            .also(shape.scope_span(earlier.scope), format!("`{name}` is taken here already")),
        (None, Catch::Deadline(Some(wait))) => {
            finding.label(format!("no wait called `{wait}` in the attempt runs out of time"))
        }
        (None, Catch::Deadline(None)) => finding.label("no wait in the attempt has a `within`"),
        (None, Catch::Exhausted) => finding.label("the attempt holds no `repeat` that could leave it"),
        (None, Catch::Error(_)) => finding.label(format!("nothing in the attempt raises `{name}`")),
    };
    if earlier.is_none() {
        finding = finding.also(shape.scope_span(*body), "this is what it would handle");
    }
    let help = match catch {
        Catch::Deadline(Some(wait)) => {
            format!("remove it, or name the wait: `await … as {wait} within …`")
        }
        Catch::Deadline(None) | Catch::Exhausted | Catch::Error(_) => {
            "remove it, or attach it to the attempt in which it comes up".to_owned()
        }
    };
    Some(finding.help(help))
}

/// A `too late` of an attempt without a point of no return.
fn too_late(shape: &Shape<'_>, flowing: &Flowing) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (_, node) in shape.nodes().filter(|(at, _)| flowing.reached.contains(at)) {
        let NodeKind::Attempt { body, handlers, .. } = &node.kind else { continue };
        for handler in handlers {
            let Trigger::Event { too_late: Some(late), .. } = &handler.trigger else { continue };
            if flowing.forward.contains(body) {
                continue;
            }
            let message = "`too late` can never run: its attempt has no point of no return";
            found.push(
                Diagnostic::new(&f03::IDLE_HANDLER, message, shape.scope_span(*late))
                    .label("nothing comes too late here")
                    .also(shape.scope_span(*body), "the event interrupts this body at any time")
                    .help("remove it, or write `point of no return` where the attempt may no longer be given up"),
            );
        }
    }
    found
}
