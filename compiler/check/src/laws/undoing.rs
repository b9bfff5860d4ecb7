//! F0501: what takes something back has to get through: it is `retriable`. That it is idempotent is a matter of F12.

use crate::model::{Model, OpClass, TypeKind};
use flowline_diag::code::f05;
use flowline_diag::{Diagnostic, Span};
use flowline_plan::OpRef;

/// An operation that takes something back, what it takes back, and where that is said.
type Used = (OpRef, String, Span);

pub(super) fn check(model: &Model) -> Vec<Diagnostic> {
    let mut told: Vec<OpRef> = Vec::new();
    let mut found = Vec::new();
    for (target, what, at) in undos(model).chain(rows(model)) {
        let Some(op) = model.op(target).filter(|op| !op.retriable) else { continue };
        if told.contains(&target) {
            continue;
        }
        told.push(target);
        found.push(
            Diagnostic::new(&f05::UNDO_MAY_FAIL, format!("`{}` takes back {what}, but may give up", op.name), op.span)
                .label("not `retriable`")
                .also(at, "it is relied on here")
                .help("let it be repeated until it is done: `retriable`; what it then still refuses has to say what is true: `raises E (… is …)`"),
        );
    }
    found
}

fn undos(model: &Model) -> impl Iterator<Item = Used> + '_ {
    let ops = model.systems.iter().flat_map(|system| &system.ops);
    ops.filter_map(|op| match &op.class {
        OpClass::Compensatable(undo) => Some((undo.op, format!("`{}`", op.name), undo.span)),
        OpClass::Read | OpClass::Transition | OpClass::Irreversible | OpClass::Harmless | OpClass::Settles => None,
    })
}

fn rows(model: &Model) -> impl Iterator<Item = Used> + '_ {
    let resources = model.types.iter().filter_map(|def| match &def.kind {
        TypeKind::Resource(resource) => Some((def.short_name(), resource)),
        TypeKind::Id | TypeKind::Enum(_) | TypeKind::Record(_) | TypeKind::Error(_) | TypeKind::Event(_) => None,
    });
    resources.flat_map(|(name, resource)| {
        resource.states.iter().filter_map(move |state| {
            let row = state.abandon.as_ref()?;
            Some((row.op, format!("a `{name}` in `{}`", state.name), row.span))
        })
    })
}
