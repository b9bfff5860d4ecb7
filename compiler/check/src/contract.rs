//! Contracts of systems: the clauses of operations, and the rows by which resources are let go.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::cx::{Cx, unknown};
use crate::hints::{declare_it, suggest_member};
use crate::model::{
    Abandon, DomainUse, EventDef, Expiry, Expr, ExprKind, Idempotency, Local, LocalId, LocalKind, Op, OpClass, OpParam,
    Raise, ResourceDef, Ty, TypeKind, Undo,
};
use crate::names::{Globals, Symbol, suggest};
use crate::signature::{state, unique};
use crate::ty::from_elsewhere;
use crate::uses::uses;
use crate::words;
use flowline_diag::code::{f01, f02};
use flowline_diag::{Diagnostic, Span, nearest};
use flowline_plan::{Later, LaterMode, OpId, OpRef, Opens, RetryPolicy, StateId, SystemId, TypeId};
use flowline_syntax::ast::{self, Ident};

/// Of what an op does not state (language, "What an op does not state").
pub(crate) const TAKES_MS: (i64, i64) = (50, 5_000);
pub(crate) const TIMEOUT_MS: i64 = 30_000;
pub(crate) const RETRY: RetryPolicy = RetryPolicy { retries_max: Some(10), first_ms: 500, longest_ms: 300_000 };
/// How long an event waits for a taker where it does not say.
pub(crate) const KEPT_MS: i64 = 86_400_000;

/// An op with its signature alone.
pub(crate) fn unfilled(op: &ast::Op, params: Vec<OpParam>, result: Ty, opens: Option<Opens>) -> Op {
    let code = |name: &str, span, ty: &Ty| Local { name: name.to_owned(), span, ty: ty.clone(), kind: LocalKind::Code };
    let mut locals: Vec<Local> = params.iter().map(|param| code(&param.name, param.span, &param.ty)).collect();
    if result != Ty::Unit {
        locals.push(code("result", op.result.as_ref().map_or(op.name.span, |ty| ty.span), &result));
    }
    Op {
        name: op.name.to_string(),
        doc: op.doc.as_ref().map_or_else(String::new, |doc| doc.text.to_string()),
        span: op.name.span,
        params,
        result,
        locals,
        opens,
        class: OpClass::Read,
        retriable: op.retriable.is_some(),
        idempotency: None,
        raises: Vec::new(),
        takes_ms: TAKES_MS,
        timeout_ms: TIMEOUT_MS,
        retry: RETRY,
        later: Vec::new(),
        reads: Vec::new(),
        writes: Vec::new(),
    }
}

/// The op with its clauses.
pub(crate) fn clauses(globals: &Globals, module: usize, at: OpRef, text: &ast::Op) -> Option<(Op, Vec<Diagnostic>)> {
    let mut op = globals.model.op(at)?.clone();
    let mut cx = Cx::new(globals, module);
    for local in &op.locals {
        let name = Ident { text: local.name.as_str().into(), span: local.span };
        let id = cx.hidden(name.as_str(), local.span, local.ty.clone(), LocalKind::Code);
        cx.visible.push(id);
    }
    op.reads = cx.domains(&text.reads);
    op.writes = cx.domains(&text.writes);
    op.class = cx.class(at.system, &op, text);
    op.idempotency = text.idempotent.as_ref().map(|idempotency| Idempotency {
        name: words::list(&idempotency.key),
        span: idempotency.span,
        key: idempotency.key.iter().map(|part| cx.expr(part, None)).collect(),
        kept_ms: idempotency.kept.as_ref().and_then(|kept| cx.millis(kept)),
    });
    unique(text.raises.iter().map(|raise| &raise.error), &mut cx.diagnostics);
    op.raises = text.raises.iter().filter_map(|raise| cx.raise(&op, raise)).collect();
    cx.outcomes(&op, text);
    if let Some(takes) = &text.takes {
        let (least, most) = (cx.millis(&takes.least), cx.millis(&takes.most));
        if let (Some(least), Some(most)) = (least, most) {
            if least > most {
                let diagnostic = cx.found(&f02::CONTRACT, "the shortest time is longer than the longest", takes.span);
                cx.push(diagnostic);
            }
            op.takes_ms = (least, most);
        }
    }
    if let Some(timeout) = text.timeout.as_ref().and_then(|timeout| cx.millis(timeout)) {
        op.timeout_ms = timeout;
    }
    let settles = matches!(op.class, OpClass::Settles);
    if op.retriable || settles {
        op.retry.retries_max = None;
    }
    if let Some(retry) = &text.retry {
        op.retry = cx.retry(retry, op.retry);
    }
    op.later = text.later.as_ref().and_then(|later| cx.later(later)).into_iter().collect();
    op.locals.clone_from(&cx.locals);
    Some((op, cx.diagnostics))
}

/// The error of that name; a finding where it names something else, or nothing.
pub(crate) fn error_named(
    globals: &Globals,
    module: usize,
    name: &Ident,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<TypeId> {
    let before = diagnostics.len();
    let found = named(globals, module, name, "an error", |kind| matches!(kind, TypeKind::Error(_)), diagnostics);
    let is_any = ["error", "exception", "any", "all", "others", "everything", "failure"]
        .contains(&name.as_str().to_lowercase().as_str());
    if let Some(finding) = diagnostics.get_mut(before..).and_then(<[_]>::last_mut).filter(|_| is_any) {
        finding.help = Some(
            "each error is named, as in `on OutOfStock, Declined`; a system that is down is asked again by itself"
                .to_owned(),
        );
    }
    found
}

/// The event of that name.
pub(crate) fn event_named(
    globals: &Globals,
    module: usize,
    name: &Ident,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<TypeId> {
    named(globals, module, name, "an event", |kind| matches!(kind, TypeKind::Event(_)), diagnostics)
}

/// The declared type of that name and kind.
pub(crate) fn named(
    globals: &Globals,
    module: usize,
    name: &Ident,
    what: &str,
    is_wanted: fn(&TypeKind) -> bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<TypeId> {
    let is_kind = |symbol: Symbol| match symbol {
        Symbol::Type(id) => globals.model.ty(id).is_some_and(|def| is_wanted(&def.kind)),
        _ => false,
    };
    match globals.find(module, name.as_str()).map(|entry| entry.symbol) {
        Some(Symbol::Type(id)) if is_kind(Symbol::Type(id)) => Some(id),
        Some(Symbol::Unusable) => None,
        Some(symbol) => {
            let found = globals.describe(symbol);
            diagnostics.push(
                Diagnostic::new(&f02::WRONG_KIND, format!("`{name}` is {found}, not {what}"), name.span)
                    .label(format!("{what} is expected here")),
            );
            None
        }
        None if crate::ty::is_built_in(name.as_str()) => {
            diagnostics.push(
                Diagnostic::new(&f02::WRONG_KIND, format!("`{name}` is a built-in type, not {what}"), name.span)
                    .label(format!("{what} is expected here")),
            );
            None
        }
        None => {
            let words = what.split_once(' ').map_or(what, |(_, word)| word);
            let diagnostic = Diagnostic::new(&f01::UNKNOWN_NAME, format!("there is no {words} `{name}`"), name.span)
                .label("not known here");
            let diagnostic = suggest(from_elsewhere(globals, diagnostic, name), name, globals.visible(module, is_kind));
            diagnostics.push(declare_it(diagnostic, what, name));
            None
        }
    }
}

impl Cx<'_> {
    /// Domains by their names.
    pub(crate) fn domains(&mut self, names: &[Ident]) -> Vec<DomainUse> {
        unique(names, &mut self.diagnostics);
        let mut found = Vec::new();
        for name in names {
            match self.globals.find(self.module, name.as_str()).map(|entry| entry.symbol) {
                Some(Symbol::Domain(at)) => {
                    let name = |full: &String| DomainUse { name: full.clone(), span: name.span };
                    found.extend(self.globals.domains.get(at).map(name));
                }
                Some(Symbol::Unusable) => {}
                Some(symbol) => {
                    let what = self.globals.describe(symbol);
                    self.push(
                        Diagnostic::new(&f02::WRONG_KIND, format!("`{name}` is {what}, not a domain"), name.span)
                            .label("a domain is expected here"),
                    );
                }
                None => {
                    let diagnostic =
                        Diagnostic::new(&f01::UNKNOWN_NAME, format!("there is no domain `{name}`"), name.span)
                            .label("not known here")
                            .help(format!("declare it: `domain {name}`"));
                    let domains = self.globals.visible(self.module, |symbol| matches!(symbol, Symbol::Domain(_)));
                    let diagnostic = suggest(diagnostic, name, domains);
                    self.push(diagnostic);
                }
            }
        }
        found
    }

    fn class(&mut self, system: SystemId, op: &Op, text: &ast::Op) -> OpClass {
        let span = |class: &ast::OpClass| match class {
            ast::OpClass::Undo { span, .. }
            | ast::OpClass::Irreversible(span)
            | ast::OpClass::Harmless(span)
            | ast::OpClass::Settles(span) => *span,
        };
        let moves = op.opens.is_some()
            || op.params.iter().any(|param| param.resource.as_ref().is_some_and(|resource| resource.to.is_some()));
        if let [first, second, ..] = text.classes.as_slice() {
            let diagnostic = self
                .found(&f02::CONTRACT, format!("operation `{}` has two classes", op.name), span(second))
                .also(span(first), "the first is here");
            self.push(diagnostic);
        }
        if text.writes.is_empty() {
            if let Some(class) = text.classes.first() {
                let diagnostic = self
                    .found(
                        &f02::CONTRACT,
                        format!("operation `{}` has a class, but writes nothing", op.name),
                        span(class),
                    )
                    .help("say which domain it `writes`");
                self.push(diagnostic);
            } else if moves {
                let diagnostic = self
                    .found(
                        &f02::CONTRACT,
                        format!("operation `{}` moves a resource, but writes nothing", op.name),
                        op.span,
                    )
                    .help("say which domain it `writes`");
                self.push(diagnostic);
            }
        }
        match text.classes.first() {
            Some(ast::OpClass::Undo { span, system: named, op: undo, args }) => {
                let call = ast::OpCall {
                    span: *span,
                    system: named.clone().unwrap_or_else(|| Ident {
                        text: self.globals.model.system(system).map_or("", |system| system.name.as_str()).into(),
                        span: undo.span,
                    }),
                    op: undo.clone(),
                    args: args.clone(),
                };
                let own = named.is_none().then_some(system);
                match self.op_call(&call, own) {
                    Some((target, args)) => {
                        let result = LocalId(u32::from(crate::expr::narrow(op.params.len())));
                        let has_result = op.result != Ty::Unit;
                        let needs_result = has_result && args.iter().any(|arg| uses(arg, result));
                        OpClass::Compensatable(Undo { span: *span, op: target, args, needs_result })
                    }
                    None => OpClass::Harmless,
                }
            }
            Some(ast::OpClass::Irreversible(_)) => OpClass::Irreversible,
            Some(ast::OpClass::Harmless(_)) => OpClass::Harmless,
            Some(ast::OpClass::Settles(_)) => OpClass::Settles,
            None if moves => OpClass::Transition,
            None if text.writes.is_empty() => OpClass::Read,
            None => {
                let diagnostic = self
                    .found(
                        &f02::CONTRACT,
                        format!("operation `{}` writes, but does not say how it is undone", op.name),
                        op.span,
                    )
                    .label("no class")
                    .help("add `undo …`, `irreversible`, `harmless` or `settles`");
                self.push(diagnostic);
                OpClass::Harmless
            }
        }
    }

    /// An operation and its checked arguments. With `own` the system is not looked up.
    pub(crate) fn op_call(&mut self, call: &ast::OpCall, own: Option<SystemId>) -> Option<(OpRef, Vec<Expr>)> {
        let system = match own {
            Some(system) => Some(system),
            None => self.system_named(&call.system),
        };
        let found = system.and_then(|id| Some((id, self.globals.model.system(id)?)));
        let Some((id, system)) = found else {
            self.pass_over_args(&call.args);
            return None;
        };
        let Some(at) = self.op_named(id, &call.op) else {
            self.pass_over_args(&call.args);
            return None;
        };
        let op = system.ops.get(at)?;
        if self.globals.is_damaged(Symbol::System(id)) {
            // Its parameters may be other than they seem.
            self.pass_over_args(&call.args);
            return Some((OpRef { system: id, op: OpId::from(at) }, Vec::new()));
        }
        let params: Vec<(String, Ty)> = op.params.iter().map(|param| (param.name.clone(), param.ty.clone())).collect();
        let args = self.arguments(&format!("`{}.{}`", system.name, op.name), &params, &call.args, call.span);
        Some((OpRef { system: id, op: OpId::from(at) }, args))
    }

    /// The position of an operation; a finding where there is none.
    pub(crate) fn op_named(&mut self, id: SystemId, name: &Ident) -> Option<usize> {
        let system = self.globals.model.system(id)?;
        let at = system.ops.iter().position(|op| op.name == name.as_str());
        if at.is_none() && !self.globals.is_damaged(Symbol::System(id)) {
            let message = format!("`{}` has no operation `{name}`", system.name);
            let diagnostic = Diagnostic::new(&f02::UNKNOWN_MEMBER, message, name.span).label("no such operation");
            self.push(suggest_member(diagnostic, name, system.ops.iter().map(|op| op.name.as_str())));
        }
        at
    }

    pub(crate) fn system_named(&mut self, name: &Ident) -> Option<SystemId> {
        match self.globals.find(self.module, name.as_str()).map(|entry| entry.symbol) {
            Some(Symbol::System(id)) => return Some(id),
            Some(Symbol::Unusable) => {}
            Some(symbol) => {
                let what = self.globals.describe(symbol);
                self.push(
                    Diagnostic::new(&f02::WRONG_KIND, format!("`{name}` is {what}, not a system"), name.span)
                        .label("a system is expected here"),
                );
            }
            None => {
                let diagnostic = Diagnostic::new(&f01::UNKNOWN_NAME, format!("there is no system `{name}`"), name.span)
                    .label("not known here");
                let systems = self.globals.visible(self.module, |symbol| matches!(symbol, Symbol::System(_)));
                let systems: Vec<&str> = systems.collect();
                let diagnostic = if nearest(name.as_str(), systems.iter().copied()).is_some() {
                    suggest(diagnostic, name, systems)
                } else {
                    from_elsewhere(self.globals, diagnostic, name)
                };
                self.push(diagnostic);
            }
        }
        None
    }

    fn raise(&mut self, op: &Op, raise: &ast::Raise) -> Option<Raise> {
        let error = error_named(self.globals, self.module, &raise.error, &mut self.diagnostics)?;
        let mut found = Raise { span: raise.span, error, outcome_unknown: false, states: Vec::new() };
        match &raise.effect {
            None => {}
            Some(ast::RaiseEffect::OutcomeUnknown(_)) => found.outcome_unknown = true,
            Some(ast::RaiseEffect::State { subject, state: to, .. }) => {
                found.states.extend(self.told(op, subject, to));
            }
        }
        Some(found)
    }

    /// `card is lapsed`, `maybe_captured is captured`: the parameter, the state it holds from, and the state it tells.
    fn told(&mut self, op: &Op, subject: &Ident, to: &Ident) -> Option<(u16, Option<StateId>, StateId)> {
        let def = |param: &OpParam| match &param.ty {
            Ty::Resource(id) => self.globals.model.resource(*id),
            _ => None,
        };
        let by_param = op.params.iter().position(|param| param.name == subject.as_str());
        if let Some(at) = by_param {
            let Some(def) = op.params.get(at).and_then(def) else {
                let diagnostic = self.found(&f02::CONTRACT, format!("`{subject}` is no resource"), subject.span);
                self.push(diagnostic);
                return None;
            };
            return Some((crate::expr::narrow(at), None, state(def, to, None, &mut self.diagnostics)?));
        }
        let by_state = op.params.iter().enumerate().find_map(|(at, param)| {
            let def = def(param)?;
            Some((at, def, def.state(subject.as_str())?))
        });
        let Some((at, def, from)) = by_state else {
            let diagnostic = Diagnostic::new(
                &f01::UNKNOWN_NAME,
                format!("`{subject}` is neither a parameter nor a state of one"),
                subject.span,
            );
            let params = op.params.iter().map(|param| param.name.as_str());
            let states = op.params.iter().filter_map(def).flat_map(|def| &def.states).map(|state| state.name.as_str());
            let diagnostic = suggest(diagnostic, subject, params.chain(states));
            self.push(diagnostic);
            return None;
        };
        Some((crate::expr::narrow(at), Some(from), state(def, to, None, &mut self.diagnostics)?))
    }

    /// A retry clause; what it leaves out stays as it is.
    pub(crate) fn retry(&mut self, retry: &ast::Retry, before: RetryPolicy) -> RetryPolicy {
        let retries_max = match retry.times {
            ast::RetryTimes::Times(times) => Some(u32::try_from(times).unwrap_or(u32::MAX)),
            ast::RetryTimes::NotSaid => before.retries_max,
        };
        let first_ms = retry.from.as_ref().and_then(|from| self.millis(from)).unwrap_or(before.first_ms);
        let longest_ms = retry.to.as_ref().and_then(|to| self.millis(to));
        let longest_ms = longest_ms.unwrap_or_else(|| before.longest_ms.max(first_ms));
        if first_ms > longest_ms {
            let diagnostic = self.found(&f02::CONTRACT, "the first pause is longer than the longest", retry.span);
            self.push(diagnostic);
        }
        RetryPolicy { retries_max, first_ms, longest_ms }
    }

    fn later(&mut self, later: &ast::Later) -> Option<Later> {
        let events: Vec<TypeId> = later
            .events
            .iter()
            .filter_map(|name| event_named(self.globals, self.module, name, &mut self.diagnostics))
            .collect();
        let mode = match later.mode {
            ast::LaterMode::InTurn => LaterMode::InTurn,
            ast::LaterMode::OneOf => LaterMode::OneOf,
        };
        (!events.is_empty()).then_some(Later { events, mode })
    }
}

/// The rows and expiries of a resource.
pub(crate) fn resource(
    globals: &Globals,
    module: usize,
    id: TypeId,
    text: &ast::Resource,
) -> Option<(ResourceDef, Vec<Diagnostic>)> {
    let mut def = globals.model.resource(id)?.clone();
    let mut diagnostics = Vec::new();
    for row in &text.abandon {
        let mut cx = Cx::new(globals, module);
        let itself = cx.hidden("self", text.name.span, Ty::Resource(id), LocalKind::Code);
        cx.visible.push(itself);
        cx.implicit = Some(itself);
        let call = match &row.action {
            ast::Abandonable::Call(call) => cx.op_call(call, None),
            ast::Abandonable::Bad => None,
        };
        let Cx { locals, diagnostics: found, .. } = cx;
        diagnostics.extend(found);
        let abandon = call.map(|(op, args)| Abandon { span: row.span, op, args, locals: locals.clone() });
        for name in &row.states {
            let Some(at) = state(&def, name, None, &mut diagnostics) else { continue };
            let Some(place) = def.states.get_mut(at.index()) else { continue };
            match (&place.abandon, &abandon) {
                (Some(first), _) => diagnostics.push(
                    Diagnostic::new(&f01::DUPLICATE_NAME, format!("`{name}` has two rows"), name.span)
                        .also(first.span, "the first is here"),
                ),
                (None, abandon) => place.abandon.clone_from(abandon),
            }
        }
    }
    for open in &text.open {
        let Some(expiry) = &open.expiry else { continue };
        let expires = expires(globals, module, id, &def, expiry, &mut diagnostics);
        let place = def.state(open.name.as_str()).and_then(|at| def.states.get_mut(at.index()));
        if let Some(place) = place {
            place.expires = expires;
        }
    }
    Some((def, diagnostics))
}

fn expires(
    globals: &Globals,
    module: usize,
    id: TypeId,
    def: &ResourceDef,
    expiry: &ast::Expiry,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Expiry> {
    let mut cx = Cx::new(globals, module);
    let itself = cx.hidden("self", expiry.span, Ty::Resource(id), LocalKind::Code);
    cx.implicit = Some(itself);
    let at = cx.expect(&expiry.at, &Ty::Instant);
    let field = match &at.kind {
        ExprKind::Field { field, base, .. } if matches!(base.kind, ExprKind::Local(_)) => Some(*field),
        ExprKind::Unknown => None,
        _ => {
            let diagnostic = cx
                .found(&f02::CONTRACT, "a state expires at a field of the resource", at.span)
                .label("the name of a field is expected here");
            cx.push(diagnostic);
            None
        }
    };
    let at_least_ms = expiry.at_least.as_ref().and_then(|least| cx.millis(least));
    diagnostics.append(&mut cx.diagnostics);
    let Some(into) = &expiry.into else {
        diagnostics.push(
            Diagnostic::new(&f02::CONTRACT, "the state that it falls into is not said", expiry.span)
                .help("add `into` and a closed state"),
        );
        return None;
    };
    let into = state(def, into, None, diagnostics)?;
    Some(Expiry { span: expiry.span, field: field?, at_least_ms, into })
}

/// Keys, source and life of an event.
pub(crate) fn event(
    globals: &Globals,
    module: usize,
    id: TypeId,
    text: &ast::Event,
) -> Option<(EventDef, Vec<Diagnostic>)> {
    let mut def = globals.model.event(id)?.clone();
    let mut diagnostics = Vec::new();
    for parts in &text.keys {
        let Some(span) = parts.iter().map(|part| part.span).reduce(Span::to) else { continue };
        let mut cx = Cx::new(globals, module);
        let event = cx.hidden("event", text.name.span, Ty::Named(id), LocalKind::Code);
        cx.implicit = Some(event);
        let checked: Vec<Expr> = parts.iter().map(|part| cx.key_part(part)).collect();
        def.keys.push(crate::model::EventKey { name: words::list(parts), span, parts: checked, locals: cx.locals });
        diagnostics.extend(cx.diagnostics);
    }
    let mut cx = Cx::new(globals, module);
    def.kept_ms = text.kept.as_ref().and_then(|kept| cx.millis(kept)).unwrap_or(KEPT_MS);
    def.from = text.from.as_ref().and_then(|from| cx.system_named(from).map(|_| from.to_string()));
    diagnostics.append(&mut cx.diagnostics);
    Some((def, diagnostics))
}

impl Cx<'_> {
    /// A part of a key: something simple that is always there.
    pub(crate) fn key_part(&mut self, part: &ast::Expr) -> Expr {
        let key = self.expr(part, None);
        if let Ty::Optional(_) | Ty::Absent = key.ty {
            let diagnostic = self.absent(key.span, &key.ty);
            self.push(diagnostic);
            return unknown(part.span);
        }
        let is_simple = match &key.ty {
            Ty::Text
            | Ty::Int
            | Ty::Date
            | Ty::Instant
            | Ty::Bool
            | Ty::Person
            | Ty::Country
            | Ty::Currency
            | Ty::Unknown => true,
            Ty::Named(id) => matches!(self.kind(*id), Some(TypeKind::Id | TypeKind::Enum(_))),
            _ => false,
        };
        if !is_simple {
            let found = self.show(&key.ty);
            let diagnostic = self
                .found(&f02::MISMATCH, format!("{found} can't be a key"), part.span)
                .label("an id, a text, a whole number, a date or a case is expected here");
            self.push(diagnostic);
            return unknown(part.span);
        }
        key
    }
}
