//! F04: whatever a flow opens is closed on every way, once, by one owner.
//!
//! One exploration per place that makes a resource ([`search`]): it follows one such resource, from its opening on, to
//! every end. Nodes that can't matter to it are passed in one step.
mod after_return;
mod call;
mod copied;
mod end;
mod expand;
mod keeping;
mod leave;
mod let_go;
mod origin;
mod promise;
mod run;
mod search;
mod settle;
mod state;
mod story;
mod token;

use flowline_diag::{Diagnostic, Severity, code::f04};
use flowline_plan::NodeKind;
use rustc_hash::FxHashMap;

use self::{
    origin::{Origin, origins, plain},
    search::{Fault, Search, Trail},
};
use crate::{
    cause::{Told, is_conditional},
    flowing::Flowing,
    shape::Shape,
};

/// What the explorations met.
pub(crate) struct Explored {
    resources: Vec<Resource>,
    /// Errors that come up only in a certain state of a resource, and do.
    pub(crate) told: Told,
}

/// One origin with its faults, worst stories last: by mishaps, then by length.
struct Resource {
    origin: Origin,
    trail: Vec<Trail>,
    faults: Vec<Fault>,
    cut: bool,
}

/// Follows every resource of the flow.
pub(crate) fn explore(shape: &Shape<'_>, flowing: &Flowing) -> Explored {
    let mut shared = FxHashMap::default();
    let mut explored = Explored { resources: Vec::new(), told: Told::default() };
    for origin in origins(shape) {
        let mut search = Search::new(shape, flowing, &origin, &mut shared);
        search.run();
        let Search { trail, mut faults, cut, told, .. } = search;
        faults.sort_by_key(|fault| fault.cost);
        explored.told.extend(told);
        explored.resources.push(Resource { origin, trail, faults, cut });
    }
    explored
}

/// All findings of the group.
pub(crate) fn check(shape: &Shape<'_>, explored: &Explored) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    for resource in &explored.resources {
        let ends = [end::check, after_return::check].into_iter().flat_map(|rule| rule(shape, resource));
        found.extend(ends.reduce(joined));
        found.extend([let_go::check, state::check, promise::check].into_iter().flat_map(|rule| rule(shape, resource)));
        found.extend(resource.cut.then(|| not_proven(shape, &resource.origin)));
    }
    found.extend(copied::check(shape, &explored.resources));
    found
}

/// What stays open is one mistake, wherever it shows: the first story, and where else it would end.
fn joined(first: Diagnostic, other: Diagnostic) -> Diagnostic {
    let places = other.secondary.into_iter().chain(other.path.last().cloned());
    places.fold(first, |first, place| first.also(place.span, place.text))
}

/// Errors that depend on the state of a resource which no exploration follows, such as a parameter of the flow: they
/// count as possible.
pub(crate) fn unfollowed(shape: &Shape<'_>) -> Told {
    let origins = origins(shape);
    let mut told = Told::default();
    for (at, node) in shape.nodes() {
        let NodeKind::Call(call) = &node.kind else { continue };
        for raise in shape.op(call).raises.iter().filter(|raise| is_conditional(raise)) {
            let followed = raise.states.iter().all(|(param, _, _)| {
                let slot = call.args.get(usize::from(*param)).and_then(plain);
                slot.is_some_and(|slot| origins.iter().any(|origin| origin.slots.contains(&slot)))
            });
            if !followed {
                told.insert((at, raise.error));
            }
        }
    }
    told
}

fn not_proven(shape: &Shape<'_>, origin: &Origin) -> Diagnostic {
    let message = format!("not proven that {} is always let go: the flow has too many ways", origin.name);
    Diagnostic::new(&f04::OPEN_AT_END, message, origin.span(shape))
        .severity(Severity::Note)
        .help("move a part of the flow into a sub-flow of its own")
}
