//! F0407: still open when an attempt past its point of no return ends.
use flowline_diag::{Diagnostic, Label, code::f04};

use super::{Resource, search::What};
use crate::{shape::Shape, words::any_of};

pub(super) fn check(shape: &Shape<'_>, resource: &Resource) -> Vec<Diagnostic> {
    let mut scopes = Vec::new();
    let mut found = Vec::new();
    for fault in &resource.faults {
        let What::OpenAfterReturn(scope) = fault.what else { continue };
        let Some(state) = resource.state_at(fault) else { continue };
        if scopes.contains(&scope) {
            continue;
        }
        scopes.push(scope);
        let name = &resource.origin.name;
        let is = resource.state_name(shape, state);
        let what = resource.block(shape, scope);
        let message = format!("{name} is still {is} when {what} ends, past its point of no return");
        let closers = resource.closers(shape, state);
        let with = if closers.is_empty() { String::new() } else { format!(" with {}", any_of(&closers)) };
        let finding = Diagnostic::new(&f04::OPEN_AFTER_RETURN, message, resource.origin.span(shape))
            .label(format!("{name} comes from here"))
            .help(format!("close it{with} before {what} ends, on every way: no scope around it will"));
        let last = Label::new(shape.scope_span(scope), format!("{what} ends, {name} is still {is}"));
        found.push(resource.told(shape, fault, finding, last));
    }
    found
}
