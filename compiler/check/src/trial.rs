//! Tests in the language, and the rows of a migration: what they name exists, and what they give fits.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::beside::Beside;
use crate::contract;
use crate::cx::Cx;
use crate::hints::suggest_listed;
use crate::model::{
    Expectation, Expr, Given, Local, LocalKind, Migrate, MigrateRow, StartWith, Test, TestStep, TestStepKind, Ty,
    TypeKind,
};
use crate::names::{Symbol, twice};
use crate::parts::Parts;
use crate::property::{About, FlowTexts};
use flowline_diag::code::{f01, f02};
use flowline_diag::{Diagnostic, Span};
use flowline_plan::{FlowId, OpRef, TypeId};
use flowline_syntax::ast::{self, Ident, RecordLit};

/// Checks a test.
pub(crate) fn test(cx: &mut Cx<'_>, texts: &FlowTexts<'_>, text: &ast::Test, doc: String) -> Test {
    cx.made_up = true;
    let about = flows_of(cx, texts, text);
    let mut steps = Vec::with_capacity(text.steps.len());
    for step in &text.steps {
        if let Some(kind) = cx.test_step(&about, &step.kind, step.span) {
            steps.push(TestStep { span: step.span, kind });
        }
    }
    Test { title: text.title.plain().unwrap_or_default().to_owned(), doc, span: text.title.span, steps }
}

/// The flows that a test starts; all of them where events may start any.
fn flows_of<'a>(cx: &Cx<'_>, texts: &FlowTexts<'a>, text: &ast::Test) -> About<'a> {
    let started = text.steps.iter().filter_map(|step| match &step.kind {
        ast::TestStepKind::Start { flow, .. } => Some(cx.globals.find(cx.module, flow.as_str())?.symbol),
        _ => None,
    });
    let mut flows: Vec<(FlowId, &ast::Flow)> = Vec::new();
    for symbol in started {
        match symbol {
            Symbol::Flow(id) => flows.extend(About::one(texts, id).flows),
            _ => return About::all(texts),
        }
    }
    let sends = |step: &ast::TestStep| matches!(step.kind, ast::TestStepKind::Send(_) | ast::TestStepKind::Bad);
    if flows.is_empty() || text.steps.iter().any(sends) { About::all(texts) } else { About { flows } }
}

/// Checks a migration.
pub(crate) fn migrate(cx: &mut Cx<'_>, texts: &FlowTexts<'_>, text: &ast::Migrate, doc: String) -> Option<Migrate> {
    let flow = cx.flow_named(&text.flow)?;
    let parts = texts.get(&flow).map(|text| Parts::of(text)).unwrap_or_default();
    let def = cx.globals.model.flow(flow)?;
    for local in def.locals.iter().take(usize::from(def.params)) {
        let id = cx.hidden(&local.name, local.span, local.ty.clone(), LocalKind::Code);
        cx.visible.push(id);
    }
    crate::signature::unique(text.rows.iter().map(|row| &row.from), &mut cx.diagnostics);
    let mut rows = Vec::with_capacity(text.rows.len());
    for row in &text.rows {
        if !parts.steps.iter().any(|step| step.text == row.to.text) && !cx.globals.is_damaged(Symbol::Flow(flow)) {
            let message = format!("`{}` has no step `{}`", text.flow, row.to);
            let diagnostic = cx.found(&f02::UNKNOWN_MEMBER, message, row.to.span).label("no such step");
            let diagnostic = match parts.steps.as_slice() {
                [] => diagnostic.help("a step gets its name by `as`, or by the `let` that keeps what it gives"),
                steps => suggest_listed(diagnostic, &row.to, "its steps are", steps.iter().map(|step| step.as_str())),
            };
            cx.push(diagnostic);
        }
        let args = row.args.iter().filter_map(|arg| match arg {
            ast::Arg::Expr(value) => Some(cx.expr(value, None)),
            ast::Arg::Closure { span, .. } => {
                let diagnostic = cx.found(&f02::ARGUMENTS, "a step takes values, not a closure", *span);
                cx.push(diagnostic.label("a value is expected here"));
                None
            }
        });
        let args = args.collect();
        rows.push(MigrateRow { span: row.span, from: row.from.to_string(), to: row.to.to_string(), args });
    }
    Some(Migrate { doc, span: text.flow.span, flow, rows })
}

impl Cx<'_> {
    fn test_step(&mut self, about: &About<'_>, text: &ast::TestStepKind, span: Span) -> Option<TestStepKind> {
        use ast::TestStepKind as T;
        Some(match text {
            T::Given { system, op: name, given } => {
                let Some(op) = self.op_of(system, name) else {
                    self.pass_over_given(given);
                    return None;
                };
                TestStepKind::Given { op, given: self.given(op, name, given)? }
            }
            T::Start { flow, args, file, fields } => {
                let Some(id) = self.flow_named(flow) else {
                    self.pass_over_args(args);
                    self.pass_over(fields);
                    return None;
                };
                let with = self.start_with(id, flow, args, file.as_ref(), fields, span)?;
                TestStepKind::Start { flow: id, with }
            }
            T::After(time) => TestStepKind::After(self.expect(time, &Ty::Duration)),
            T::Send(record) => TestStepKind::Send(self.sent(record)?),
            T::Expect(expected) => TestStepKind::Expect(self.expectation(about, expected)?),
            T::Bad => return None,
        })
    }

    fn pass_over_given(&mut self, given: &ast::Given) {
        match given {
            ast::Given::RaisesNothing | ast::Given::TimesOut => {}
            ast::Given::Raises(record) => self.pass_over(&record.fields),
            ast::Given::Returns(value) => {
                self.expr(value, None);
            }
        }
    }

    fn given(&mut self, op: OpRef, name: &Ident, given: &ast::Given) -> Option<Given> {
        let globals = self.globals;
        let def = globals.model.op(op)?;
        Some(match given {
            ast::Given::RaisesNothing => Given::RaisesNothing,
            ast::Given::TimesOut => Given::TimesOut,
            ast::Given::Raises(record) => {
                let raised: Vec<TypeId> = def.raises.iter().map(|raise| raise.error).collect();
                let short = |id: &TypeId| globals.model.ty(*id).map_or("", |def| def.short_name());
                if raised.iter().all(|error| short(error) != record.name.as_str()) {
                    self.pass_over(&record.fields);
                    if globals.is_damaged(Symbol::System(op.system)) {
                        return None;
                    }
                    let message = format!("`{name}` does not raise `{}`", record.name);
                    let diagnostic = self.found(&f02::UNKNOWN_MEMBER, message, record.name.span);
                    let diagnostic = diagnostic.label("not in its contract");
                    let diagnostic = match raised.as_slice() {
                        [] => diagnostic.help("it raises nothing; `times out` lets an answer get lost"),
                        _ => suggest_listed(diagnostic, &record.name, "it raises", raised.iter().map(short)),
                    };
                    self.push(diagnostic);
                    return None;
                }
                let is_error = |kind: &TypeKind| matches!(kind, TypeKind::Error(_));
                let id =
                    contract::named(globals, self.module, &record.name, "an error", is_error, &mut self.diagnostics)?;
                Given::Raises(self.build(id, record))
            }
            ast::Given::Returns(value) => {
                let refused = match &def.result {
                    Ty::Unit => Some(format!("`{name}` gives no value")),
                    Ty::Resource(_) => Some(format!("`{name}` opens a resource, which can't be made up")),
                    _ => None,
                };
                if let Some(message) = refused {
                    self.expr(value, None);
                    let diagnostic = self.found(&f02::NO_VALUE, message, value.span).label("nothing to return");
                    self.push(diagnostic.help("it succeeds by itself: `given … raises nothing`"));
                    return None;
                }
                Given::Returns(self.expect(value, &def.result))
            }
        })
    }

    fn start_with(
        &mut self,
        id: FlowId,
        name: &Ident,
        args: &[ast::Arg],
        file: Option<&ast::TextLit>,
        fields: &[ast::FieldInit],
        span: Span,
    ) -> Option<StartWith> {
        let globals = self.globals;
        let flow = globals.model.flow(id)?;
        let params: Vec<&Local> = flow.locals.iter().take(usize::from(flow.params)).collect();
        if file.is_none() && fields.is_empty() {
            let named: Vec<(String, Ty)> = params.iter().map(|param| (param.name.clone(), param.ty.clone())).collect();
            return Some(StartWith::Args(self.arguments(&format!("`{name}`"), &named, args, span)));
        }
        if let Some(extra) = args.first() {
            self.pass_over_args(args);
            let diagnostic =
                self.found(&f02::ARGUMENTS, "a flow is started with arguments or `with`, not with both", extra.span());
            self.push(diagnostic.label("these are the arguments"));
            return None;
        }
        let [only] = params.as_slice() else {
            self.pass_over(fields);
            let message = format!("`with` gives one value, but `{name}` takes {}", params.len());
            let diagnostic = self.found(&f02::ARGUMENTS, message, span);
            self.push(diagnostic.help(format!("give its arguments in parentheses: `start {name}(…)`")));
            return None;
        };
        if let Some(file) = file {
            let path = file.plain().map(str::to_owned);
            if path.is_none() {
                let diagnostic = self.found(&f02::MISMATCH, "the name of a file holds no values in `{…}`", file.span);
                self.push(diagnostic);
            }
            return Some(StartWith::File { path: path?, span: file.span });
        }
        let Ty::Named(ty) = &only.ty else {
            self.pass_over(fields);
            let shown = self.show(&only.ty);
            let diagnostic = self.found(&f02::MISMATCH, format!("`{name}` takes {shown}, which has no fields"), span);
            self.push(diagnostic.help(format!("give it in parentheses: `start {name}(…)`")));
            return None;
        };
        let short = globals.model.ty(*ty).map_or("", |def| def.short_name());
        let record = RecordLit { span, name: Ident { text: short.into(), span: name.span }, fields: fields.to_vec() };
        Some(StartWith::Args(vec![self.build(*ty, &record)]))
    }

    fn sent(&mut self, record: &RecordLit) -> Option<Expr> {
        let is_event = |kind: &TypeKind| matches!(kind, TypeKind::Event(_));
        match contract::named(self.globals, self.module, &record.name, "an event", is_event, &mut self.diagnostics) {
            Some(id) => Some(self.build(id, record)),
            None => {
                self.pass_over(&record.fields);
                None
            }
        }
    }

    fn expectation(&mut self, about: &About<'_>, text: &ast::Expectation) -> Option<Expectation> {
        Some(match text {
            ast::Expectation::Called { system, op, times } => {
                Expectation::Called { op: self.op_of(system, op)?, times: *times }
            }
            ast::Expectation::Outcome(name) => Expectation::Outcome(self.outcome(about, name)?),
            ast::Expectation::Status(name) => Expectation::Status(self.status_of(about, name)?),
            ast::Expectation::Emitted(name) => {
                let is_event = |kind: &TypeKind| matches!(kind, TypeKind::Event(_));
                let (globals, module) = (self.globals, self.module);
                Expectation::Emitted(contract::named(
                    globals,
                    module,
                    name,
                    "an event",
                    is_event,
                    &mut self.diagnostics,
                )?)
            }
        })
    }
}

/// The files that a test names have to be there.
pub(crate) fn files(test: &ast::Test, beside: &Beside, diagnostics: &mut Vec<Diagnostic>) {
    for step in &test.steps {
        let ast::TestStepKind::Start { file: Some(file), .. } = &step.kind else { continue };
        let Some(path) = file.plain() else { continue };
        if let Err(problem) = beside.get(path) {
            let message = format!("`{path}` can't be read: {problem}");
            let help = "a path goes from the folder of the project: `fixtures/order.json`";
            diagnostics.push(Diagnostic::new(&f01::NO_FILE, message, file.span).help(help));
        }
    }
}

/// Two tests of one title in a file: a report could not tell them apart.
pub(crate) fn same_titles(tests: &[&ast::Test], diagnostics: &mut Vec<Diagnostic>) {
    let mut seen: Vec<(&str, Span)> = Vec::new();
    for test in tests {
        let Some(title) = test.title.plain() else { continue };
        match seen.iter().find(|(first, _)| *first == title) {
            Some((_, first)) => {
                let name = Ident { text: title.into(), span: test.title.span };
                diagnostics.push(twice(&name, *first).help("give one of them another title"));
            }
            None => seen.push((title, test.title.span)),
        }
    }
}
