//! The insides of declarations, once all signatures are known.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::cx::Cx;
use crate::flow::CheckedFlow;
use crate::model::{DecisionRow, Field, Local, LocalKind, Ty, TypeKind};
use crate::names::{Declared, Globals, Symbol, find_circles};
use crate::{contract, decision, flow, governance, starts};
use flowline_diag::code::{f01, f02};
use flowline_diag::{Diagnostic, Span};
use flowline_plan::{OpId, OpRef, SystemId, TypeId};
use flowline_syntax::ast::{self, ItemKind};
use rustc_hash::{FxHashMap, FxHashSet};

/// What checking a decision table gives.
#[derive(Debug)]
pub(crate) struct DecisionBody {
    pub(crate) locals: Vec<Local>,
    pub(crate) rows: Vec<DecisionRow>,
}

/// Checks what stands inside declarations and puts it into the tables.
pub(crate) fn fill(globals: &mut Globals, declared: &[Declared<'_>], diagnostics: &mut Vec<Diagnostic>) {
    let mut calls = Calls::new(globals);
    for each in declared {
        match (&each.item.kind, each.symbol) {
            (ItemKind::Record(record) | ItemKind::Error(record), Symbol::Type(id)) => {
                checks(globals, each.module, id, &record.fields, diagnostics);
            }
            (ItemKind::Event(event), Symbol::Type(id)) => {
                if let Some((def, found)) = contract::event(globals, each.module, id, event) {
                    set(globals, id, TypeKind::Event(def), found, diagnostics);
                }
                checks(globals, each.module, id, &event.fields, diagnostics);
            }
            (ItemKind::Resource(resource), Symbol::Type(id)) => {
                if let Some((def, found)) = contract::resource(globals, each.module, id, resource) {
                    set(globals, id, TypeKind::Resource(def), found, diagnostics);
                }
                checks(globals, each.module, id, &resource.fields, diagnostics);
            }
            (ItemKind::System(system), Symbol::System(id)) => {
                self::system(globals, each.module, id, system, diagnostics);
            }
            (ItemKind::Fn(function), Symbol::Function(id)) => {
                let mut cx = Cx::new(globals, each.module);
                let Some(def) = globals.model.function(id) else { continue };
                for (param, local) in function.params.iter().zip(&def.locals) {
                    cx.bind(&param.name, local.ty.clone(), LocalKind::Code);
                }
                let body = cx.expect(&function.body, &def.result);
                let Cx { locals, diagnostics: found, calls: used, .. } = cx;
                calls.add(each.symbol, used);
                diagnostics.extend(found);
                if let Some(def) = globals.model.functions.get_mut(id.index()) {
                    (def.locals, def.body) = (locals, body);
                }
            }
            (ItemKind::Decision(table), Symbol::Decision(id)) => {
                let (body, found, used) = decision::check(globals, each.module, id, table);
                calls.add(each.symbol, used);
                diagnostics.extend(found);
                if let Some(def) = globals.model.decisions.get_mut(id.index()) {
                    (def.locals, def.rows) = (body.locals, body.rows);
                }
            }
            (ItemKind::Role(text), Symbol::Role(id)) => governance::role(globals, each.module, id, text, diagnostics),
            (ItemKind::Model(text), Symbol::Model(id)) => {
                governance::model_fallback(globals, each.module, id, text, diagnostics);
            }
            _ => {}
        }
    }
    calls.circles(globals, diagnostics);
    same_event_types(globals, diagnostics);
    starts::fill(globals, declared, diagnostics);
    flows(globals, declared, diagnostics);
}

/// Flows, and which of them use each other in a circle: nothing would bound how many runs such a circle makes.
fn flows(globals: &mut Globals, declared: &[Declared<'_>], diagnostics: &mut Vec<Diagnostic>) {
    let mut edges = vec![Vec::new(); globals.model.flows.len()];
    for each in declared {
        if let (ItemKind::Flow(text), Symbol::Flow(id)) = (&each.item.kind, each.symbol)
            && let Some(CheckedFlow { flow, found, calls }) = flow::check(globals, each.module, id, text)
        {
            diagnostics.extend(found);
            if let Some(edges) = edges.get_mut(id.index()) {
                edges.extend(calls.into_iter().filter_map(|(symbol, span)| {
                    let Symbol::Flow(id) = symbol else { return None };
                    Some((id.index(), span))
                }));
            }
            if let Some(place) = globals.model.flows.get_mut(id.index()) {
                *place = flow;
            }
        }
    }
    let name = |at: usize| globals.model.flows.get(at).map_or("", |flow| flow.name.as_str());
    let what = "flows use each other in a circle";
    circles_of(&edges, name, what, "every flow ends: what has to be done again stands in a `repeat`", diagnostics);
}

fn set(globals: &mut Globals, id: TypeId, kind: TypeKind, found: Vec<Diagnostic>, diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.extend(found);
    if let Some(def) = globals.model.types.get_mut(id.index()) {
        def.kind = kind;
    }
}

/// The conditions behind `where`.
fn checks(globals: &mut Globals, module: usize, id: TypeId, texts: &[ast::Field], diagnostics: &mut Vec<Diagnostic>) {
    for text in texts {
        let Some(condition) = &text.check else { continue };
        let ty = match fields_mut(globals, id).and_then(|fields| field_named(fields, text.name.as_str())) {
            Some(field) => field.ty.clone(),
            None => continue,
        };
        let mut cx = Cx::new(globals, module);
        // The condition is looked at only where the value is there.
        let inner = match ty {
            Ty::Optional(inner) => *inner,
            ty => ty,
        };
        let it = cx.hidden("it", text.name.span, inner, LocalKind::Code);
        cx.visible.push(it);
        let checked = cx.expect(condition, &Ty::Bool);
        let Cx { locals, diagnostics: found, .. } = cx;
        diagnostics.extend(found);
        if let Some(field) = fields_mut(globals, id).and_then(|fields| field_named(fields, text.name.as_str())) {
            field.check = Some((locals, checked));
        }
    }
}

fn fields_mut(globals: &mut Globals, id: TypeId) -> Option<&mut Vec<Field>> {
    match &mut globals.model.types.get_mut(id.index())?.kind {
        TypeKind::Record(fields) | TypeKind::Error(fields) => Some(fields),
        TypeKind::Event(event) => Some(&mut event.fields),
        TypeKind::Resource(resource) => Some(&mut resource.fields),
        TypeKind::Id | TypeKind::Enum(_) => None,
    }
}

fn field_named<'f>(fields: &'f mut [Field], name: &str) -> Option<&'f mut Field> {
    fields.iter_mut().find(|field| field.name == name)
}

fn system(globals: &mut Globals, module: usize, id: SystemId, text: &ast::System, diagnostics: &mut Vec<Diagnostic>) {
    let mut cx = Cx::new(globals, module);
    let owns = cx.domains(&text.owns);
    governance::sees_pii(&text.cleared_for, &mut cx.diagnostics);
    diagnostics.append(&mut cx.diagnostics);
    let mut ops = Vec::with_capacity(text.ops.len());
    for (at, op) in text.ops.iter().enumerate() {
        let op_ref = OpRef { system: id, op: OpId::from(at) };
        let Some((op, found)) = contract::clauses(globals, module, op_ref, op) else { continue };
        diagnostics.extend(found);
        ops.push(op);
    }
    if let Some(def) = globals.model.systems.get_mut(id.index()) {
        def.owns = owns;
        def.cleared_for = text.cleared_for.iter().map(ToString::to_string).collect();
        def.ops = ops;
    }
}

/// Days since 1970-01-01; none where the month has no such day.
pub(crate) fn days_since_epoch(date: ast::Date) -> Option<i32> {
    let (year, month, day) = (i32::from(date.year), i32::from(date.month), i32::from(date.day));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=days).contains(&day) {
        return None;
    }
    // Years are counted from March, so that the leap day is the last of its year; 400 years have 146,097 days.
    let year = if month > 2 { year } else { year - 1 };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468)
}

/// Two events that are called the same outside.
fn same_event_types(globals: &Globals, diagnostics: &mut Vec<Diagnostic>) {
    let mut seen: FxHashMap<(&str, u32), Span> = FxHashMap::default();
    for def in &globals.model.types {
        let TypeKind::Event(event) = &def.kind else { continue };
        match seen.get(&(event.ce_type.as_str(), event.version)) {
            Some(first) => diagnostics.push(
                Diagnostic::new(
                    &f01::DUPLICATE_NAME,
                    format!("two events are called `{}.v{}` outside", event.ce_type, event.version),
                    def.span,
                )
                .also(*first, "the first is here")
                .help("give one of them another type or version"),
            ),
            None => {
                seen.insert((&event.ce_type, event.version), def.span);
            }
        }
    }
}

/// Which function or decision calls which.
struct Calls {
    functions: usize,
    edges: Vec<Vec<(usize, Span)>>,
}

impl Calls {
    fn new(globals: &Globals) -> Self {
        let functions = globals.model.functions.len();
        Self { functions, edges: vec![Vec::new(); functions + globals.model.decisions.len()] }
    }

    fn node(&self, symbol: Symbol) -> Option<usize> {
        match symbol {
            Symbol::Function(id) => Some(id.index()),
            Symbol::Decision(id) => Some(self.functions + id.index()),
            Symbol::Type(_)
            | Symbol::Domain(_)
            | Symbol::System(_)
            | Symbol::Const(_)
            | Symbol::Calendar(_)
            | Symbol::Role(_)
            | Symbol::Model(_)
            | Symbol::Flow(_)
            | Symbol::Metric
            | Symbol::Policy
            | Symbol::Unusable => None,
        }
    }

    fn add(&mut self, from: Symbol, used: Vec<(Symbol, Span)>) {
        let targets: Vec<(usize, Span)> =
            used.into_iter().filter_map(|(symbol, span)| Some((self.node(symbol)?, span))).collect();
        if let Some(edges) = self.node(from).and_then(|node| self.edges.get_mut(node)) {
            edges.extend(targets);
        }
    }

    fn circles(&self, globals: &Globals, diagnostics: &mut Vec<Diagnostic>) {
        let model = &globals.model;
        let name = |at: usize| match at.checked_sub(self.functions) {
            None => model.functions.get(at).map_or("", |function| function.name.as_str()),
            Some(at) => model.decisions.get(at).map_or("", |decision| decision.name.as_str()),
        };
        circles_of(&self.edges, name, "functions call each other in a circle", EXPRESSIONS_END, diagnostics);
    }
}

/// What helps where expressions lead back to themselves.
pub(crate) const EXPRESSIONS_END: &str = "every expression ends: nothing may lead back to itself";

/// Reports circles; gives the nodes that lie in one.
pub(crate) fn circles_of<'n>(
    edges: &[Vec<(usize, Span)>],
    name: impl Fn(usize) -> &'n str,
    what: &str,
    help: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> FxHashSet<usize> {
    let mut inside = FxHashSet::default();
    for circle in find_circles(edges) {
        let Some((_, span)) = circle.last() else { continue };
        let short = |at: usize| name(at).rsplit('.').next().unwrap_or_default().to_owned();
        let names: Vec<String> = circle.iter().map(|(at, _)| short(*at)).collect();
        let mut diagnostic =
            Diagnostic::new(&f02::RECURSION, format!("{what}: `{}`", names.join("` → `")), *span).help(help);
        if circle.len() > 1 {
            for (at, span) in &circle {
                diagnostic = diagnostic.step(*span, format!("`{}` is used here", short(*at)));
            }
        }
        diagnostics.push(diagnostic);
        inside.extend(circle.iter().map(|(at, _)| *at));
    }
    inside
}
