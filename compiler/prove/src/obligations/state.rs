//! F0403, F0406: given to a call in a state that it doesn't take; in a state of doubt when a refusal was taken for
//! "nothing happened".
use flowline_diag::{Diagnostic, Label, code::f04};
use flowline_plan::{Code, NodeId, NodeKind, StateKind};

use super::{
    Resource,
    origin::plain,
    search::{Fault, What},
    token::Name,
};
use crate::{shape::Shape, words::any_of};

pub(super) fn check(shape: &Shape<'_>, resource: &Resource) -> Vec<Diagnostic> {
    let mut nodes = Vec::new();
    let mut found = Vec::new();
    for fault in &resource.faults {
        let What::WrongState(node) = fault.what else { continue };
        if !nodes.contains(&node) {
            nodes.push(node);
            let same = resource.faults.iter().filter(|other| other.what == fault.what).collect::<Vec<_>>();
            found.extend(finding(shape, resource, node, &same));
        }
    }
    found
}

/// One finding for all states in which the resource may come to the call.
fn finding(shape: &Shape<'_>, resource: &Resource, node: NodeId, faults: &[&Fault]) -> Option<Diagnostic> {
    let first = faults.first()?;
    let state = resource.state_at(first);
    let mut states: Vec<String> = Vec::new();
    for fault in faults {
        let is = resource.is_at(shape, fault);
        if !states.iter().any(|known| known == is) {
            states.push(is.to_owned());
        }
    }
    let name = &resource.origin.name;
    let label = &shape.node(node).label;
    let def = shape.bundle.resource(resource.origin.ty)?;
    let known = state.and_then(|state| def.states.get(state.index()));
    let doubt = known.is_some_and(|state| state.kind == StateKind::Doubt);
    let is = any_of(&states);
    let takes = taken(shape, resource, node, resource.name_at(first));
    let (code, message) = if doubt {
        (&f04::DOUBT_IGNORED, format!("{name} may be {is} here: the outcome of an earlier call isn't known"))
    } else if matches!(shape.node(node).kind, NodeKind::Each(_)) {
        (&f04::WRONG_STATE, format!("{name} may be {is} here, and only what is open can be shared out"))
    } else {
        (
            &f04::WRONG_STATE,
            format!("{name} may be {is} here, and `{label}` takes it only when it is {}", any_of(&takes)),
        )
    };
    let place = shape.node_span(node);
    let closers = state.map_or(Vec::new(), |state| resource.closers(shape, state));
    let help = if doubt && !closers.is_empty() {
        format!("an operation that takes {is} settles the doubt: {}", any_of(&closers))
    } else if doubt {
        "let the error leave the scope that holds it: its abandon row settles the doubt".to_owned()
    } else if let Some(run) = resource.let_go_in(shape, first) {
        let run = &shape.node(run).label;
        format!(
            "`{run}` lets go of {name} when it fails or is stopped: leave out `{label}`; or say in its header in which state an error leaves {name}"
        )
    } else if state.is_none() {
        format!("only the flow that has {name} may use it: leave out `{label}`, or do it before")
    } else {
        format!("on the way that the path shows, leave out what closes {name}, or leave out `{label}`")
    };
    let finding = Diagnostic::new(code, message, place).label(format!("{name} may be {is}")).help(help);
    let last = if matches!(shape.node(node).kind, NodeKind::Each(_)) {
        format!("{name} would be shared out, but it is {}", states.first()?)
    } else {
        format!("`{label}` is called with {name}, but it is {}", states.first()?)
    };
    Some(resource.told(shape, first, finding, Label::new(place, last)))
}

/// The states in which the node takes what stands under that name.
fn taken(shape: &Shape<'_>, resource: &Resource, node: NodeId, name: Name) -> Vec<String> {
    let Name::Slot(slot) = name else { return vec!["open".to_owned()] };
    let place = |args: &[Code]| args.iter().position(|arg| plain(arg) == Some(slot));
    let kind = &shape.node(node).kind;
    let from = if let NodeKind::Call(call) = kind {
        let change = place(&call.args).and_then(|param| super::settle::on_param(shape.op(call), param));
        change.map(|change| change.from.as_slice())
    } else if let NodeKind::RunFlow(run) = kind {
        let take = place(&run.args).and_then(|param| shape.bundle.flow(run.flow)?.signature.take(param));
        take.map(|take| take.from.as_slice())
    } else {
        return vec!["open".to_owned()];
    };
    let from = from.unwrap_or_default();
    from.iter().map(|state| resource.state_name(shape, *state).to_owned()).collect()
}
