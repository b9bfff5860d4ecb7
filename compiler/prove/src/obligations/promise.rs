//! F0408: a flow ends with a resource in another state than its header says. Also F0405 where it hands out as its result
//! what it gives back already.
use flowline_diag::{Diagnostic, Label, code::f04};
use flowline_plan::{NodeId, StateId, TypeId};

use super::{
    Resource,
    origin::Made,
    search::{Fault, What},
    token::Why,
};
use crate::{shape::Shape, words::any_of};

pub(super) fn check(shape: &Shape<'_>, resource: &Resource) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut known: Vec<(&What, Option<StateId>)> = Vec::new();
    for fault in &resource.faults {
        let state = resource.state_at(fault);
        let finding = match &fault.what {
            What::NotPromised(stop) => not_promised(shape, resource, fault, *stop),
            What::NotKept(error, why) => not_kept(shape, resource, fault, (*error, why)),
            What::GivenBack(stop) => Some(given_back(shape, resource, *stop)),
            What::OpenAtEnd(_) | What::OpenAfterReturn(_) | What::NotLetGo { .. } | What::WrongState(_) => continue,
        };
        // One state, one mistake: the nearest end tells its story.
        let same = |(what, at): &&(&What, Option<StateId>)| {
            *at == state && std::mem::discriminant(*what) == std::mem::discriminant(&fault.what)
        };
        if known.iter().find(same).is_none() {
            known.push((&fault.what, state));
            found.extend(finding);
        }
    }
    found
}

fn not_promised(shape: &Shape<'_>, resource: &Resource, fault: &Fault, stop: Option<NodeId>) -> Option<Diagnostic> {
    let (name, state) = (&resource.origin.name, resource.state_at(fault)?);
    let is = resource.state_name(shape, state);
    let promised: Vec<String> =
        resource.promised(shape, fault).into_iter().map(|state| resource.state_name(shape, state).to_owned()).collect();
    let promised = any_of(&promised);
    let message = format!("{name} may be {is} when the flow ends, and its header says {promised}");
    let closers = resource.closers(shape, state);
    let close = if closers.is_empty() || !resource.is_open(shape, state) {
        format!("bring {name} into that state before")
    } else {
        format!("close it with {}", any_of(&closers))
    };
    let finding = Diagnostic::new(&f04::NOT_PROMISED, message, resource.origin.span(shape))
        .label(format!("whoever runs the flow counts on {promised}"))
        .help(format!("{close}; or say in the header that it may be {is}"));
    let place = stop.map_or(shape.span(shape.plan.span).at_end(), |stop| shape.node_span(stop));
    Some(resource.told(shape, fault, finding, Label::new(place, format!("the flow ends, {name} is {is}"))))
}

fn not_kept(shape: &Shape<'_>, resource: &Resource, fault: &Fault, (error, why): (TypeId, &Why)) -> Option<Diagnostic> {
    let Made::Param(take) = resource.origin.at else { return None };
    let param = shape.plan.signature.takes.get(take)?.param;
    let kept = resource.state_name(shape, shape.plan.signature.kept(param, error)?);
    let (name, error) = (&resource.origin.name, shape.type_name(error));
    let is = resource.state_name(shape, resource.state_at(fault)?);
    let message =
        format!("{name} may be {is} when the flow raises {error}, and its header says that it is {kept} then");
    let finding = Diagnostic::new(&f04::NOT_PROMISED, message, resource.origin.span(shape))
        .label("the one who runs the flow has it back then")
        .help(format!(
            "raise {error} only while it is {kept}; or leave the state out behind `raises {error}`: then the flow lets go of it"
        ));
    let place = shape.span(shape.plan.span).at_end();
    let last = Label::new(place, format!("the flow ends by {error}, {name} is {is}"));
    let mut finding = resource.told(shape, fault, finding, last);
    let end = finding.path.len().saturating_sub(1);
    if let Some(why) = resource.why(shape, why) {
        finding.path.insert(end, why);
    }
    Some(finding)
}

fn given_back(shape: &Shape<'_>, resource: &Resource, stop: NodeId) -> Diagnostic {
    let name = &resource.origin.name;
    let message = format!("{name} comes back to the one who runs the flow, and would be its result too");
    Diagnostic::new(&f04::COPIED, message, shape.node_span(stop))
        .label("a second name for it would let it be used twice")
        .also(resource.origin.span(shape), "it is lent to the flow, and comes back by its own name")
        .help(format!("let the flow give nothing, and say here in which states {name} comes back: `[… => …]`"))
}
