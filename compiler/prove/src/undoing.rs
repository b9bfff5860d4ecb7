//! F0501: a step that names its own undo relies on that operation to get through. What contracts say of undoing is looked at
//! where they are checked.
use flowline_diag::{Diagnostic, code::f05};
use flowline_plan::NodeKind;

use crate::shape::Shape;

pub(crate) fn check(shape: &Shape<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (at, node) in shape.nodes() {
        let NodeKind::Call(call) = &node.kind else { continue };
        let Some(op) = call.undo.as_ref().and_then(|undo| shape.bundle.op(undo.op)).filter(|op| !op.retriable) else {
            continue;
        };
        let message = format!("`{}` takes back `{}` here, but may give up", op.name, node.label);
        found.push(
            Diagnostic::new(&f05::UNDO_MAY_FAIL, message, shape.node_span(at))
                .label(format!("`{}` isn't `retriable`", op.name))
                .help(
                    "name an operation that is repeated until it is done; or make this one `retriable` in its contract",
                ),
        );
    }
    found
}
