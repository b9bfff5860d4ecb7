//! From the checked model to the bundle: tables keep their order, expressions become code, statements become nodes.
//!
//! Lowering decides nothing. What it can't do is a finding: an expression too large for the machine, a constant without a
//! value, an undo that would have to remember what is gone by then.

mod code;
mod constant;
mod contract;
mod expr;
mod flow;
mod governance;
mod ids;
mod side;
mod spans;
mod stmt;
mod types;
mod undo;
mod wait;
mod words;

use std::cell::RefCell;

use flowline_check::model::{self, CalendarKind, LocalId, Model};
use flowline_diag::{Diagnostic, Sources, Span};
use flowline_plan::{Bundle, Column, Decision, DecisionRow, Function, SourceFile, Upcast, Value, calendar};
use rustc_hash::FxHashSet;

use code::{Names, given};
use spans::Spans;

/// What a model comes to.
#[derive(Debug, Clone)]
pub struct Lowered {
    /// To be run only where there are no findings.
    pub bundle: Bundle,
    /// Errors all of them, in reading order.
    pub diagnostics: Vec<Diagnostic>,
}

/// Lowers a model whose check found no errors to a bundle of that name. `sources` are those that the model's spans point
/// into; the bundle names all of them, in their order.
///
/// The same model gives the same bundle. A model with errors gives some bundle, and no panic.
pub fn lower(model: &Model, sources: &Sources, name: &str) -> Lowered {
    let cx = Cx {
        model,
        sources,
        spans: RefCell::default(),
        diagnostics: RefCell::default(),
        constants: RefCell::new(vec![None; model.consts.len()]),
        reads: RefCell::default(),
    };
    let bundle = Bundle {
        name: name.to_owned(),
        types: model.types.iter().map(|def| types::def(&cx, def)).collect(),
        systems: model.systems.iter().map(|system| contract::system(&cx, system)).collect(),
        models: model.models.iter().map(|def| governance::model(&cx, def)).collect(),
        roles: model.roles.iter().map(governance::role).collect(),
        functions: model.functions.iter().map(|def| function(&cx, def)).collect(),
        decisions: model.decisions.iter().map(|def| decision(&cx, def)).collect(),
        calendars: calendars(model),
        calendar_tables: model.calendars.iter().filter_map(table).collect(),
        upcasts: model.upcasts.iter().map(|def| upcast(&cx, def)).collect(),
        flows: side::plans(&cx),
        files: sources.files().map(|file| SourceFile { path: sources.path(file).to_owned() }).collect(),
        spans: Vec::new(),
        tz_version: calendar::tz_version().to_owned(),
    };
    governance::fallbacks_fit(&cx, &bundle);
    let mut diagnostics = cx.diagnostics.into_inner();
    diagnostics.sort_by(|a, b| a.order().cmp(&b.order()));
    diagnostics.dedup();
    Lowered { bundle: Bundle { spans: cx.spans.into_inner().into_table(), ..bundle }, diagnostics }
}

/// What all of lowering shares.
#[derive(Debug)]
struct Cx<'a> {
    model: &'a Model,
    sources: &'a Sources,
    spans: RefCell<Spans>,
    diagnostics: RefCell<Vec<Diagnostic>>,
    /// The values of constants that were asked for.
    constants: RefCell<Vec<Option<Value>>>,
    /// The names that were read since somebody cleared it.
    reads: RefCell<FxHashSet<LocalId>>,
}

impl Cx<'_> {
    fn span(&self, span: Span) -> flowline_plan::SpanId {
        self.spans.borrow_mut().id(self.sources, span)
    }

    fn report(&self, diagnostic: Diagnostic) {
        self.diagnostics.borrow_mut().push(diagnostic);
    }
}

fn function(cx: &Cx<'_>, def: &model::Function) -> Function {
    let names = Names::default();
    Function { name: def.name.clone(), params: def.params, code: code::code(cx, names, &given(def.params), &def.body) }
}

fn decision(cx: &Cx<'_>, def: &model::Decision) -> Decision {
    let names = Names::default();
    let params = given(def.params);
    let columns = def.locals.iter().take(usize::from(def.params));
    let rows = def.rows.iter().map(|row| DecisionRow {
        cells: row.cells.iter().map(|cell| cell.as_ref().map(|cell| code::code(cx, names, &params, cell))).collect(),
        result: code::code(cx, names, &params, &row.result),
        span: cx.span(row.span),
    });
    Decision {
        name: def.name.clone(),
        columns: columns.map(|local| Column { name: local.name.clone(), ty: local.ty.to_plan() }).collect(),
        result: def.result.to_plan(),
        policy: def.policy,
        rows: rows.collect(),
    }
}

fn upcast(cx: &Cx<'_>, def: &model::Upcast) -> Upcast {
    Upcast {
        event: def.event,
        from: def.from,
        to: def.to,
        shape: def.shape,
        code: code::code(cx, Names::default(), &FIRST, &def.body),
    }
}

/// All calendars, sorted by name: the machine looks them up by it.
fn calendars(model: &Model) -> Vec<calendar::Calendar> {
    let of = |def: &model::Calendar| match &def.kind {
        CalendarKind::Weekly(hours) => vec![hours.clone()],
        CalendarKind::Table { rows, .. } => rows.clone(),
        CalendarKind::Unknown => Vec::new(),
    };
    let mut all: Vec<calendar::Calendar> = model.calendars.iter().flat_map(of).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn table(def: &model::Calendar) -> Option<calendar::CalendarTable> {
    match &def.kind {
        CalendarKind::Table { file, .. } => Some(file.clone()),
        CalendarKind::Weekly(_) | CalendarKind::Unknown => None,
    }
}

/// The first local alone, by whatever it stands for.
const FIRST: [Option<LocalId>; 1] = [Some(LocalId(0))];
