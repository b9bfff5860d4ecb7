//! F0403, F0406: given to a call in a state that it doesn't take; in a state of doubt when a refusal was taken for
//! "nothing happened".
use flowline_diag::{Diagnostic, Label, code::f04};
use flowline_plan::{NodeId, NodeKind, StateKind};

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
    let state = resource.state_at(first)?;
    let mut states: Vec<String> = Vec::new();
    for fault in faults {
        let is = resource.state_at(fault).map_or("not open", |state| resource.state_name(shape, state));
        if !states.iter().any(|known| known == is) {
            states.push(is.to_owned());
        }
    }
    let name = &resource.origin.name;
    let label = &shape.node(node).label;
    let def = shape.bundle.resource(resource.origin.ty)?;
    let doubt = def.states.get(state.index()).is_some_and(|state| state.kind == StateKind::Doubt);
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
    let closers = resource.closers(shape, state);
    let help = if doubt && !closers.is_empty() {
        format!("an operation that takes {is} settles the doubt: {}", any_of(&closers))
    } else if doubt {
        "let the error leave the scope that holds it: its abandon row settles the doubt".to_owned()
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
    let (NodeKind::Call(call), Name::Slot(slot)) = (&shape.node(node).kind, name) else {
        return vec!["open".to_owned()];
    };
    let param = call.args.iter().position(|arg| plain(arg) == Some(slot));
    let change = param.and_then(|param| super::settle::on_param(shape.op(call), param));
    let from = change.map_or(&[][..], |change| change.from.as_slice());
    from.iter().map(|state| resource.state_name(shape, *state).to_owned()).collect()
}
