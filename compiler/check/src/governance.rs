//! Roles and models as they are declared. A model is a system of its own with one operation, so that calls, retries,
//! bindings and simulators need to know nothing of it.

use crate::bodies::days_since_epoch;
use crate::contract;
use crate::cx::Cx;
use crate::fold::fold;
use crate::model::{Local, LocalKind, Op, OpClass, OpParam, Ty};
use crate::names::{Globals, Symbol};
use crate::ty;
use flowline_diag::code::{f01, f02};
use flowline_diag::{Diagnostic, Span};
use flowline_plan::{Approval, RoleId, SystemId, Value};
use flowline_syntax::ast::{self, Ident, TextLit};

/// The one operation of a model, and what its one argument is called.
const OP: &str = "predict";
const INPUT: &str = "input";

/// Title, version, input and output of a model, and the operation that follows from them.
pub(crate) fn model_signature(
    globals: &mut Globals,
    module: usize,
    id: SystemId,
    text: &ast::Model,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut missing = Vec::new();
    let mut resolved = |ty: &Option<ast::Type>, what: &'static str| match ty {
        Some(ty) => ty::resolve(globals, module, ty, false, diagnostics),
        None => {
            missing.push(what);
            Ty::Unknown
        }
    };
    let (input, output) = (resolved(&text.input, "input"), resolved(&text.output, "output"));
    let version = text.version.as_ref().and_then(TextLit::plain);
    if version.is_none() {
        missing.push("version");
    }
    if !missing.is_empty() && !globals.is_damaged(Symbol::Model(id)) {
        let message = format!("model `{}` also needs `{}`", text.name, missing.join("`, `"));
        diagnostics.push(
            Diagnostic::new(&f02::MISSING_FIELD, message, text.name.span).label("not all that a model says").help(
                "`version \"2026-05\"`, `input` with the type that it is given, `output` with the type that it answers",
            ),
        );
    }
    let label = title(text.title.as_ref(), &text.name);
    let approval = approval(text, diagnostics);
    let op = op(text.name.span, &input, &output);
    if let Some(system) = globals.model.systems.get_mut(id.index()) {
        system.label.clone_from(&label);
        system.cleared_for = text.cleared_for.iter().map(ToString::to_string).collect();
        system.ops = vec![op];
    }
    let sees_pii = sees_pii(&text.cleared_for, diagnostics);
    let Some(model) = globals.model.models.iter_mut().find(|model| model.system == id) else { return };
    (model.label, model.approval, model.sees_pii) = (label, approval, sees_pii);
    (model.input, model.output) = (input, output);
    version.unwrap_or_default().clone_into(&mut model.version);
}

fn op(span: Span, input: &Ty, output: &Ty) -> Op {
    let local = |name: &str, ty: &Ty| Local { name: name.to_owned(), span, ty: ty.clone(), kind: LocalKind::Code };
    Op {
        name: OP.to_owned(),
        doc: String::new(),
        span,
        params: vec![OpParam { name: INPUT.to_owned(), span, ty: input.clone(), resource: None }],
        result: output.clone(),
        locals: vec![local(INPUT, input), local("result", output)],
        opens: None,
        class: OpClass::Read,
        retriable: false,
        idempotency: None,
        raises: Vec::new(),
        takes_ms: contract::TAKES_MS,
        timeout_ms: contract::TIMEOUT_MS,
        retry: contract::RETRY,
        later: Vec::new(),
        reads: Vec::new(),
        writes: Vec::new(),
    }
}

fn approval(text: &ast::Model, diagnostics: &mut Vec<Diagnostic>) -> Option<Approval> {
    let by = text.approved_by.as_ref()?;
    let (on, until) = (text.approved_on.and_then(days_since_epoch), text.approved_until.and_then(days_since_epoch));
    if let (Some(on), Some(until), Some(date)) = (on, until, text.approved_until)
        && until < on
    {
        diagnostics.push(
            Diagnostic::new(&f02::CONTRACT, "the approval ends before it begins", date.span)
                .label("before the day of the approval"),
        );
    }
    Some(Approval { by: by.plain().unwrap_or_default().to_owned(), on: on?, until })
}

/// What counts when the model is down, once constants and fields are known.
pub(crate) fn model_fallback(
    globals: &mut Globals,
    module: usize,
    id: SystemId,
    text: &ast::Model,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(fallback) = &text.fallback else { return };
    let output = globals.model.models.iter().find(|model| model.system == id).map(|model| model.output.clone());
    let mut cx = Cx::new(globals, module);
    cx.is_constant = true;
    let value = cx.expect(fallback, &output.unwrap_or(Ty::Unknown));
    diagnostics.append(&mut cx.diagnostics);
    if let Some(model) = globals.model.models.iter_mut().find(|model| model.system == id) {
        model.fallback = Some(value);
    }
}

pub(crate) fn role(
    globals: &mut Globals,
    module: usize,
    id: RoleId,
    text: &ast::Role,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut limit = None;
    if let Some(amount) = &text.limit {
        let mut cx = Cx::new(globals, module);
        cx.is_constant = true;
        let checked = cx.expect(amount, &Ty::Money(None));
        if let Some(Value::Money(money)) = fold(&globals.model, &checked) {
            limit = Some(money);
        } else if cx.diagnostics.is_empty() {
            let unknown = cx.found(&f02::NOT_CONSTANT, "a role's limit is known before anything runs", amount.span);
            cx.push(unknown.label("an amount or a constant is expected here"));
        }
        diagnostics.append(&mut cx.diagnostics);
    }
    let sees_pii = sees_pii(&text.cleared_for, diagnostics);
    let Some(role) = globals.model.roles.get_mut(id.index()) else { return };
    role.label = title(text.title.as_ref(), &text.name);
    (role.limit, role.sees_pii) = (limit, sees_pii);
}

fn title(title: Option<&TextLit>, name: &Ident) -> String {
    title.and_then(TextLit::plain).unwrap_or(name.as_str()).to_owned()
}

/// Whether `cleared for` names personal data; other labels are a finding, but for `nothing`.
pub(crate) fn sees_pii(labels: &[Ident], diagnostics: &mut Vec<Diagnostic>) -> bool {
    for label in labels.iter().filter(|label| !["pii", "nothing"].contains(&label.as_str())) {
        diagnostics.push(
            Diagnostic::new(&f01::UNKNOWN_NAME, format!("there is no label `{label}`"), label.span)
                .help("`pii` is the label of personal data"),
        );
    }
    labels.iter().any(|label| label.as_str() == "pii")
}
