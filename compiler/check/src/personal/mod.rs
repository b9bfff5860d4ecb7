//! F08xx: personal data that reaches whom it isn't for.
//!
//! A field marked `@pii` labels its value, and what is made of the value, through names, functions, branches and
//! sub-flows. Only `mask` and `token` take the label off. That a decision was made by personal data (a fee by postcode) is
//! not followed: what the rule says is known, and the value itself doesn't travel.

mod label;
mod walk;

use crate::model::{Field, Model, OpClass, TypeKind};
use flowline_diag::code::f08;
use flowline_diag::{Diagnostic, Span};
use label::{Labels, Locals, Origin};

/// What is wrong in a project without other mistakes.
pub(crate) fn check(model: &Model) -> Vec<Diagnostic> {
    let Some(mut labels) = Labels::of(model) else { return Vec::new() };
    let mut found = contracts(&mut labels);
    found.extend(events(&mut labels));
    found.extend(walk::flows(&mut labels));
    found
}

/// Personal data for a system that isn't cleared for it.
fn not_cleared(model: &Model, system: &crate::model::System, origin: Origin, span: Span) -> Option<Diagnostic> {
    if system.cleared_for.iter().any(|label| label == "pii") {
        return None;
    }
    // A model and the system that it is are declared at one place.
    let is_model = model.models.iter().any(|model| model.span == system.span);
    let what = if is_model { "model" } else { "system" };
    let message = format!("{} isn't cleared for personal data", system.label);
    Some(
        Diagnostic::new(&f08::NOT_CLEARED, message, span)
            .label(format!("this holds {}", origin.words(model)))
            .also(system.span, format!("the {what} is declared here"))
            .help(format!(
                "pass what it needs without personal data, or `token(…)` or `mask(…)` of it; or add `cleared for pii` to the {what}"
            )),
    )
}

/// Personal data for people who aren't cleared for it.
fn not_cleared_role(model: &Model, role: &crate::model::Role, origin: Origin, span: Span) -> Option<Diagnostic> {
    if role.sees_pii {
        return None;
    }
    let message = format!("{} isn't cleared for personal data", role.label);
    Some(
        Diagnostic::new(&f08::NOT_CLEARED, message, span)
            .label(format!("this holds {}", origin.words(model)))
            .also(role.span, "the role is declared here")
            .help(
                "show what is needed without personal data, or `mask(…)` of it; or add `cleared for pii` to the role",
            ),
    )
}

/// Personal data where it is kept and looked up by.
fn looked_up(model: &Model, what: &str, origin: Origin, span: Span) -> Diagnostic {
    Diagnostic::new(
        &f08::LOOKED_UP,
        format!("{what} is personal data, which is kept and shown wherever it is used"),
        span,
    )
    .label(format!("this holds {}", origin.words(model)))
    .help("use an id, or `token(…)` of it: the same for the same value, and not to be read back")
}

/// What contracts pass on by themselves: to undo, to let go, to recognise a repetition.
fn contracts(labels: &mut Labels<'_>) -> Vec<Diagnostic> {
    let model = labels.model;
    let mut found = Vec::new();
    for op in model.systems.iter().flat_map(|system| &system.ops) {
        if let OpClass::Compensatable(undo) = &op.class
            && let Some(system) = model.system(undo.op.system)
        {
            let passed =
                undo.args.iter().find_map(|arg| Some((labels.personal(arg, &mut Locals::default())?, arg.span)));
            found.extend(passed.and_then(|(origin, span)| not_cleared(model, system, origin, span)));
        }
        let parts = op.idempotency.iter().flat_map(|key| &key.key);
        for part in parts {
            if let Some(origin) = labels.personal(part, &mut Locals::default()) {
                found.push(looked_up(model, "an idempotency key", origin, part.span));
            }
        }
    }
    for def in &model.types {
        let TypeKind::Resource(resource) = &def.kind else { continue };
        for row in resource.states.iter().filter_map(|state| state.abandon.as_ref()) {
            let passed =
                row.args.iter().find_map(|arg| Some((labels.personal(arg, &mut Locals::default())?, arg.span)));
            let system = model.system(row.op.system);
            found.extend(passed.zip(system).and_then(|((origin, span), to)| not_cleared(model, to, origin, span)));
        }
    }
    found
}

/// Keys of events.
fn events(labels: &mut Labels<'_>) -> Vec<Diagnostic> {
    let model = labels.model;
    let mut found = Vec::new();
    for def in &model.types {
        let TypeKind::Event(event) = &def.kind else { continue };
        for part in event.keys.iter().flat_map(|key| &key.parts) {
            if let Some(origin) = labels.personal(part, &mut Locals::default()) {
                found.push(looked_up(model, &format!("a key of `{}`", def.short_name()), origin, part.span));
            }
        }
    }
    found
}

/// A value made of personal data in a field that isn't marked.
fn unmarked(model: &Model, what: &str, field: Option<&Field>, origin: Origin, span: Span) -> Diagnostic {
    let name = field.map_or("it", |field| field.name.as_str());
    let finding = Diagnostic::new(&f08::UNMARKED, format!("`{name}` of `{what}` isn't marked as personal data"), span)
        .label(format!("this holds {}", origin.words(model)));
    let finding = match field {
        Some(field) => finding.also(field.span, "declared here"),
        None => finding,
    };
    finding.help(format!("mark the field: `{name}: … @pii`; or give it `mask(…)` or `token(…)` of the value"))
}
