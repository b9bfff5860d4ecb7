//! F0401, F0404: open when the run ends; with a name that could still close it, or lost.
use flowline_diag::{Code, Diagnostic, Label, code::f04};
use flowline_plan::NodeKind;

use super::{
    Resource,
    search::{Fault, What},
    token::Name,
};
use crate::{shape::Shape, words::any_of};

/// More ends than these are only counted.
const ENDS_SHOWN_MAX: usize = 4;

pub(super) fn check(shape: &Shape<'_>, resource: &Resource) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for code in [&f04::OPEN_AT_END, &f04::LOST] {
        let ends: Vec<&Fault> = resource.faults.iter().filter(|fault| code_of(resource, fault) == Some(code)).collect();
        found.extend(finding(shape, resource, code, &ends));
    }
    found
}

fn code_of(resource: &Resource, fault: &Fault) -> Option<&'static Code> {
    let What::OpenAtEnd(_) = fault.what else { return None };
    match resource.name_at(fault) {
        Name::Nothing | Name::Given => Some(&f04::LOST),
        Name::Slot(_) | Name::List(_) => Some(&f04::OPEN_AT_END),
    }
}

/// One finding for all ends: the story of the nearest, and where the others are.
fn finding(shape: &Shape<'_>, resource: &Resource, code: &'static Code, ends: &[&Fault]) -> Option<Diagnostic> {
    let first = ends.first()?;
    let state = resource.state_at(first)?;
    let name = &resource.origin.name;
    let is = resource.state_name(shape, state);
    let lost = code == &f04::LOST;
    let message = if lost {
        format!("{name} is lost: it is still {is} when the run ends, and nothing names it")
    } else {
        format!("{name} is still {is} when the run ends")
    };
    let opened = resource.origin.span(shape);
    let last = Label::new(place(shape, first), format!("{}, {name} is still {is}", ends_as(shape, first)));
    let mut finding = Diagnostic::new(code, message, opened).label(format!("{name} comes from here"));
    let mut shown = vec![last.span];
    for end in ends.iter().skip(1) {
        let span = place(shape, end);
        if !shown.contains(&span) && shown.len() < ENDS_SHOWN_MAX {
            shown.push(span);
            finding = finding.also(span, format!("{}, and {name} is open there too", ends_as(shape, end)));
        }
    }
    let closers = resource.closers(shape, state);
    let close = if closers.is_empty() { "close it".to_owned() } else { format!("close it with {}", any_of(&closers)) };
    let kept = resource.kept_by_handler(first);
    let abandoned = resource.row(shape, state).filter(|_| resource.is_owed(first) || kept.is_some());
    let by_itself = abandoned.map_or(String::new(), |op| {
        let op = shape.bundle.op_name(op);
        if kept.is_some() {
            format!("; or leave `keeping` out: then `{op}` runs by itself before the handler")
        } else if !resource.was_left(first) {
            format!("; or `fail` instead: when an error leaves the attempt that opened it, `{op}` runs by itself")
        } else {
            format!("; or open it inside the attempt: when an error leaves that, `{op}` runs by itself")
        }
    });
    let help = if lost && kept == Some(false) {
        format!("name it too: `keeping …, {}`{by_itself}", name.trim_matches('`'))
    } else if lost {
        format!("{close} before its block ends, or hand it out with `give`")
    } else {
        format!("{close} before the run ends{by_itself}")
    };
    Some(resource.told(shape, first, finding.help(help), last))
}

fn place(shape: &Shape<'_>, fault: &Fault) -> flowline_diag::Span {
    match fault.what {
        What::OpenAtEnd(Some(stop)) => shape.node_span(stop),
        What::OpenAtEnd(None)
        | What::OpenAfterReturn(_)
        | What::NotLetGo { .. }
        | What::WrongState(_)
        | What::NotPromised(_)
        | What::NotKept(..)
        | What::GivenBack(_) => shape.span(shape.plan.span).at_end(),
    }
}

fn ends_as(shape: &Shape<'_>, fault: &Fault) -> String {
    let stop = match fault.what {
        What::OpenAtEnd(stop) => stop,
        What::OpenAfterReturn(_)
        | What::NotLetGo { .. }
        | What::WrongState(_)
        | What::NotPromised(_)
        | What::NotKept(..)
        | What::GivenBack(_) => None,
    };
    match stop.map(|stop| &shape.node(stop).kind) {
        Some(NodeKind::Stop { outcome, .. }) => format!("the run ends `{outcome}`"),
        Some(_) | None => "the run ends".to_owned(),
    }
}
