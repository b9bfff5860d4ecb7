//! F0402: a scope can be left while the resource is in a state that no abandon row leads out of.
use flowline_diag::{Diagnostic, Label, code::f04};

use super::{
    Resource,
    search::What,
    token::{Step, Why},
};
use crate::shape::Shape;

pub(super) fn check(shape: &Shape<'_>, resource: &Resource) -> Vec<Diagnostic> {
    let mut states = Vec::new();
    let mut found = Vec::new();
    for fault in &resource.faults {
        let What::NotLetGo { step, state } = &fault.what else { continue };
        if states.contains(state) {
            continue;
        }
        states.push(*state);
        let name = &resource.origin.name;
        let is = resource.state_name(shape, *state);
        let ty = shape.type_name(resource.origin.ty);
        let row = resource.row(shape, *state).map(|op| shape.bundle.op_name(op));
        let message = match &row {
            None => format!("{name} may have to be let go while it is {is}, and `{ty}` has no abandon row for that"),
            Some(op) => format!("the abandon row for {is} of `{ty}` calls `{op}`, which doesn't close it from there"),
        };
        let origin = resource.origin.at.node();
        let finding = Diagnostic::new(&f04::NO_WAY_BACK, message, shape.node_span(origin))
            .label(format!("{name} comes from here"));
        let finding = finding.help(match row {
            None => format!("add a row to `abandon` of `{ty}`: `{is} => …(self)`"),
            Some(op) => format!("let `{op}` take {is}, or name another operation in the row"),
        });
        let mut finding_path = resource.story(shape, fault);
        let mut place = shape.span(shape.plan.span);
        if let Step::Left(why, target) = step {
            place = shape.scope_span(*target);
            finding_path.extend(resource.why(shape, why).map(|label| match why {
                // The run can be ended anywhere: it is told where it stands.
                Why::Terminated => Label::new(finding.primary.span, label.text),
                Why::Told | Why::Raised(_) | Why::Sibling(_) | Why::Interrupted(_) => label,
            }));
        }
        let last = Label::new(place, format!("the scope is left, and nothing lets go of {name}: {is}"));
        let mut finding = finding;
        finding.path = finding_path;
        finding.path.push(last);
        found.push(finding);
    }
    found
}
