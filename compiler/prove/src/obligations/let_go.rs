//! F0402: a scope can be left while the resource is in a state from which the abandon rows don't close it.
use flowline_diag::{Diagnostic, Label, code::f04};

use super::{
    Resource,
    search::What,
    settle::Stuck,
    token::{Step, Why},
};
use crate::shape::Shape;

pub(super) fn check(shape: &Shape<'_>, resource: &Resource) -> Vec<Diagnostic> {
    let mut states = Vec::new();
    let mut found = Vec::new();
    for fault in &resource.faults {
        let What::NotLetGo { step, state, stuck } = &fault.what else { continue };
        if states.contains(state) {
            continue;
        }
        states.push(*state);
        let name = &resource.origin.name;
        let is = resource.state_name(shape, *state);
        let ty = shape.type_name(resource.origin.ty);
        let row = resource.row(shape, *state).map_or(String::new(), |op| shape.bundle.op_name(op));
        let (message, help) = match stuck {
            Stuck::NoRow => (
                format!("a `{ty}` may have to be let go while it is {is}, and it has no abandon row for that"),
                format!("add a row to `abandon` of `{ty}`: `{is} => …(self)`"),
            ),
            Stuck::NotTaken => (
                format!("the abandon row for {is} of `{ty}` calls `{row}`, which doesn't take it in that state"),
                format!("let `{row}` take {is}, or name another operation in the row"),
            ),
            Stuck::Refused(error) => {
                let error = shape.type_name(*error);
                (
                    format!("the abandon row for {is} of `{ty}` calls `{row}`, which may be refused with `{error}`"),
                    format!(
                        "say what is true then: `raises {error} ({is} is …)`; or name an operation in the row that isn't refused"
                    ),
                )
            }
            Stuck::Circle => (
                format!("the abandon rows of `{ty}` never close it: from {is} they lead back to {is}"),
                "let the rows end in a closed state".to_owned(),
            ),
        };
        let finding = Diagnostic::new(&f04::NO_WAY_BACK, message, resource.origin.span(shape))
            .label(format!("{name} comes from here"))
            .help(help);
        let mut finding_path = resource.story(shape, fault);
        let (mut place, mut what) = (shape.span(shape.plan.span), "the flow");
        if let Step::Left(why, target) = step {
            (place, what) = (shape.scope_span(*target), resource.block(shape, *target));
            finding_path.extend(resource.why(shape, why).map(|label| match why {
                // The run can be ended anywhere: it is told where it stands.
                Why::Terminated => Label::new(finding.primary.span, label.text),
                Why::Told | Why::Raised(_) | Why::Sibling(_) | Why::Interrupted(_) => label,
            }));
        }
        let last = Label::new(place, format!("{what} is left, and nothing lets go of {name}: it stays {is}"));
        let mut finding = finding;
        finding.path = finding_path;
        finding.path.push(last);
        found.push(finding);
    }
    found
}
