//! Upcasts: how an event that was sent in an older version becomes one of the current version.
//!
//! Each older version has its frozen shape in `schemas/`. Its types are hidden: no flow can name them. An upcast goes from one
//! version to a later one; the steps are put together to a chain, which has to reach the current version.

use crate::beside::schema_path;
use crate::cx::Cx;
use crate::model::{Expr, ExprKind, LocalKind, Ty, TypeKind, Upcast};
use crate::names::Globals;
use crate::{Beside, SourceModule, contract, schema};
use flowline_diag::code::f13;
use flowline_diag::{Diagnostic, Span};
use flowline_plan::TypeId;
use flowline_syntax::ast::{self, ItemKind};
use rustc_hash::FxHashMap;

/// A step whose versions there are.
#[derive(Debug, Clone, Copy)]
struct Step<'a> {
    module: usize,
    span: Span,
    event: TypeId,
    text: &'a ast::Upcast,
}

/// Checks all upcasts. What events, records and functions are is known by now.
pub(crate) fn fill(
    globals: &mut Globals,
    modules: &[SourceModule],
    beside: &Beside,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let steps = steps(globals, modules, diagnostics);
    gaps(globals, &steps, diagnostics);
    let mut shapes: FxHashMap<(TypeId, u32), Option<TypeId>> = FxHashMap::default();
    for step in &steps {
        let mut shape = |globals: &mut Globals, version: u32, diagnostics: &mut Vec<Diagnostic>| {
            let known = shapes.get(&(step.event, version)).copied();
            known.unwrap_or_else(|| {
                let read = frozen(globals, step, version, beside, diagnostics);
                shapes.insert((step.event, version), read);
                read
            })
        };
        let from = shape(globals, step.text.from, diagnostics);
        let current = globals.model.event(step.event).map_or(0, |event| event.version);
        let to = if step.text.to == current { Some(step.event) } else { shape(globals, step.text.to, diagnostics) };
        if let (Some(from), Some(to)) = (from, to) {
            let upcast = body(globals, step, from, to, diagnostics);
            globals.model.upcasts.push(upcast);
        }
    }
}

/// The steps that go from one version of their event to a later one, each version left once.
fn steps<'a>(globals: &Globals, modules: &'a [SourceModule], diagnostics: &mut Vec<Diagnostic>) -> Vec<Step<'a>> {
    let mut steps: Vec<Step<'a>> = Vec::new();
    for (module, source) in modules.iter().enumerate() {
        // What nobody uses of a library isn't there.
        let is_used = globals.modules.get(module).is_some_and(|names| names.has_names());
        for item in source.ast.items.iter().filter(|_| is_used) {
            let ItemKind::Upcast(text) = &item.kind else { continue };
            let is_event = |kind: &TypeKind| matches!(kind, TypeKind::Event(_));
            let named = contract::named(globals, module, &text.event, "an event", is_event, diagnostics);
            let Some((event, def)) = named.and_then(|id| Some((id, globals.model.event(id)?))) else { continue };
            let (name, span) = (&text.event, text.event.span);
            let (from, to, current) = (text.from, text.to, def.version);
            if from >= to || to > current {
                let message = if from >= to {
                    format!("an upcast goes to a later version, not from v{from} to v{to}")
                } else {
                    format!("`{name}` is at v{current}: there is no v{to} to come to")
                };
                let finding = Diagnostic::new(&f13::UPCAST_STEP, message, span).label("leads nowhere");
                diagnostics.push(if from >= to {
                    finding.help(format!("write it the other way round: `upcast {name} v{to} => v{from} {{ … }}`"))
                } else {
                    finding.help(format!("give the event that version: `event {name} v{to} …`"))
                });
                continue;
            }
            let is_own = |other: &TypeKind| matches!(other, TypeKind::Event(other) if other.ce_type == def.ce_type && other.version == from);
            let own = globals.model.types.iter().find(|other| is_own(&other.kind));
            if let Some(own) = own {
                let message = format!("v{from} of `{}` is an event of its own", def.ce_type);
                diagnostics.push(
                    Diagnostic::new(&f13::UPCAST_STEP, message, span)
                        .label("who should get it?")
                        .also(own.span, "declared here")
                        .help("keep the older event, or the upcast from it"),
                );
                continue;
            }
            let twin = steps.iter().find(|step| step.event == event && step.text.from == from);
            if let Some(twin) = twin {
                diagnostics.push(
                    Diagnostic::new(&f13::UPCAST_TWICE, format!("v{from} of `{name}` has two upcasts"), span)
                        .label("again here")
                        .also(twin.span, "the first is here")
                        .help("keep one of them; the steps of a chain are put together"),
                );
                continue;
            }
            steps.push(Step { module, span, event, text });
        }
    }
    steps
}

/// Steps that end before the current version.
fn gaps(globals: &Globals, steps: &[Step<'_>], diagnostics: &mut Vec<Diagnostic>) {
    for step in steps {
        let Some(current) = globals.model.event(step.event).map(|event| event.version) else { continue };
        let (name, to) = (&step.text.event, step.text.to);
        if to < current && !steps.iter().any(|next| next.event == step.event && next.text.from == to) {
            diagnostics.push(
                Diagnostic::new(&f13::UPCAST_GAP, format!("v{to} of `{name}` has no way to v{current}"), step.span)
                    .label(format!("the chain ends at v{to}"))
                    .help(format!("add the next step: `upcast {name} v{to} => v{current} {{ … }}`")),
            );
        }
    }
}

/// The shape of an older version, from its file.
fn frozen(
    globals: &mut Globals,
    step: &Step<'_>,
    version: u32,
    beside: &Beside,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<TypeId> {
    let ce_type = globals.model.event(step.event)?.ce_type.clone();
    let path = schema_path(&ce_type, version);
    match beside.get(&path) {
        Ok(file) => schema::read(globals, step.event, version, file, diagnostics),
        Err(problem) => {
            diagnostics.push(
                Diagnostic::new(&f13::SCHEMA, format!("`{path}`: {problem}"), step.span)
                    .label(format!("what was v{version}?"))
                    .help("an upcast needs the shape that the older version had, as a JSON Schema in that file"),
            );
            None
        }
    }
}

fn body(globals: &Globals, step: &Step<'_>, from: TypeId, to: TypeId, diagnostics: &mut Vec<Diagnostic>) -> Upcast {
    let mut cx = Cx::new(globals, step.module);
    cx.upcasting = true;
    let old = cx.hidden("old", step.span, Ty::Named(from), LocalKind::Code);
    cx.visible.push(old);
    let base = Expr { span: step.span, ty: Ty::Named(from), kind: ExprKind::Local(old) };
    let fields = cx.fields_of(to).unwrap_or_default();
    let fields = cx.carried_fields(base, fields, &step.text.fields, &Ty::Named(to), step.span);
    let body = Expr { span: step.span, ty: Ty::Named(to), kind: ExprKind::Record { ty: to, fields } };
    let Cx { locals, diagnostics: found, .. } = cx;
    diagnostics.extend(found);
    let (event, versions) = (step.event, step.text);
    Upcast { span: step.span, event, from: versions.from, to: versions.to, shape: from, locals, body }
}
