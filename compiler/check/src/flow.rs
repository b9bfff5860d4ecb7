//! Flows: the header, and the context in which statements are checked.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::cx::Cx;
use crate::model::{
    Block, Expr, ExprKind, Flow, FlowKey, LocalId, LocalKind, Promise, PromiseEnd, Scope, Start, Status, Track, Ty,
    TypeKind,
};
use crate::names::{Globals, Symbol, suggest};
use crate::side::Around;
use crate::signature::unique;
use crate::{contract, starts, words};
use flowline_diag::code::f02;
use flowline_diag::{Diagnostic, Span};
use flowline_plan::{FlowId, KeyMode, ScopeId, ScopeKind};
use flowline_syntax::ast::{self, Ident, Occurrence};
use std::sync::Arc;

/// A flow while it is checked.
#[derive(Debug)]
pub(crate) struct FlowCx<'g> {
    pub(crate) cx: Cx<'g>,
    pub(crate) scopes: Vec<Scope>,
    /// The scope that new names belong to.
    pub(crate) scope: ScopeId,
    pub(crate) status: Option<Status>,
    /// It is said already why there is none; or the header has one that can't be read.
    told_no_status: bool,
    /// The result behind `->`.
    pub(crate) result: Ty,
    /// What `give` ends, the innermost last.
    pub(crate) gives: Vec<Gives>,
    /// Waits that may raise `Deadline` under a name.
    pub(crate) deadlines: Vec<(Arc<str>, Span)>,
    /// In a body beside the flow, what that is: `a late clause`.
    pub(crate) side: Option<&'static str>,
    /// The names that were seen at the end of the last block of the flow's own scope: in the end those of its body.
    pub(crate) bound: Vec<LocalId>,
}

impl<'g> FlowCx<'g> {
    pub(crate) fn new(cx: Cx<'g>, root: Scope, result: Ty) -> Self {
        Self {
            cx,
            scopes: vec![root],
            scope: ScopeId(0),
            status: None,
            told_no_status: false,
            result,
            gives: Vec::new(),
            deadlines: Vec::new(),
            side: None,
            bound: Vec::new(),
        }
    }
}

/// A construct that `give` ends.
#[derive(Debug)]
pub(crate) struct Gives {
    /// None in a branch or a handler beside the flow, where a value has no taker.
    pub(crate) taker: Taker,
    /// What has been given so far.
    pub(crate) ty: Option<Ty>,
    pub(crate) given: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taker {
    Attempt,
    Round,
    Element,
    Branch,
    /// `too late`, `meanwhile`.
    Aside,
}

/// What checking a flow gives.
#[derive(Debug)]
pub(crate) struct CheckedFlow {
    pub(crate) flow: Flow,
    pub(crate) found: Vec<Diagnostic>,
    /// What it calls, for finding circles.
    pub(crate) calls: Vec<(Symbol, Span)>,
}

/// Checks a flow whose signature is known.
pub(crate) fn check(globals: &Globals, module: usize, id: FlowId, text: &ast::Flow) -> Option<CheckedFlow> {
    let mut flow = globals.model.flow(id)?.clone();
    let mut cx = Cx::new(globals, module);
    cx.unread.extend(text.unread.iter().cloned());
    for (param, local) in text.params.iter().zip(&flow.locals) {
        cx.bind(&param.name, local.ty.clone(), LocalKind::Slot(ScopeId(0)));
    }
    if let (Some(starts), Some(local)) = (&text.starts, flow.locals.get(text.params.len())) {
        match starts::binding(starts) {
            (Some(name), _) => cx.bind(name, local.ty.clone(), LocalKind::Slot(ScopeId(0))),
            (None, span) => cx.hidden("", span, local.ty.clone(), LocalKind::Slot(ScopeId(0))),
        };
    }
    let root = Scope { kind: ScopeKind::Flow, parent: None, span: text.body.span };
    let mut checker = FlowCx::new(cx, root, flow.result.clone());
    checker.told_no_status = text.status.is_some() || text.unread.iter().any(|word| &**word == "status");
    checker.status = text.status.as_ref().and_then(|status| checker.cx.status(status));
    flow.status = checker.status;
    if text.starts.is_some() {
        checker.refuse_beside_starts(text);
    } else {
        flow.start = checker.start(text);
    }
    flow.key = text.key.as_ref().map(|key| checker.key(key));
    if let Some(key) = &flow.key {
        checker.refuse_dropped_batches(flow.start.as_ref(), key);
    }
    unique(text.track.iter().map(|track| &track.name), &mut checker.cx.diagnostics);
    flow.track = text.track.iter().map(|track| checker.track(track)).collect();
    flow.owner = text.owner.as_ref().and_then(|owner| Some(owner.plain()?.to_owned()));
    let promises: Vec<Option<Promise>> = text.promises.iter().map(|promise| checker.promise(promise)).collect();
    flow.signature.undo = text.undo.as_ref().and_then(|undo| checker.undo_of_flow(undo));
    let (body, goes_on) = checker.block(&text.body);
    if goes_on && flow.result != Ty::Unit && flow.result != Ty::Unknown {
        let wanted = checker.cx.show(&flow.result);
        checker.cx.push(
            Diagnostic::new(
                &f02::NO_VALUE,
                format!("the flow gives {wanted}, but can end without it"),
                text.body.span.at_end(),
            )
            .label("ends here without a value")
            .help("end it with `stop … with …`"),
        );
    }
    flow.body = body;
    let bound = std::mem::take(&mut checker.bound);
    let mut around = Around { cx: &mut checker, flow: &flow, bound: &bound };
    let mut of_promises = Vec::with_capacity(promises.len());
    for (at, (promise, said)) in promises.into_iter().zip(&text.promises).enumerate() {
        let before = text.promises.iter().take(at);
        let nth = before.filter(|other| other.text.plain() == said.text.plain()).count();
        let steps = around.promise(said, nth);
        of_promises.extend(promise.map(|promise| Promise { steps, ..promise }));
    }
    let late = around.late(&text.late);
    (flow.promises, flow.late) = (of_promises, late);
    flow.scopes = checker.scopes;
    let Cx { locals, diagnostics: found, calls, .. } = checker.cx;
    flow.locals = locals;
    Some(CheckedFlow { flow, found, calls })
}

impl FlowCx<'_> {
    /// A flow with one parameter, an event, starts on it.
    fn start(&mut self, text: &ast::Flow) -> Option<Start> {
        let event = match self.cx.locals.as_slice() {
            [only] => match &only.ty {
                Ty::Named(id) if matches!(self.cx.kind(*id), Some(TypeKind::Event(_))) => Some(*id),
                _ => None,
            },
            _ => None,
        };
        let condition = text.when.as_ref().map(|condition| self.cx.expect(condition, &Ty::Bool));
        if let (None, Some(condition)) = (event, &condition)
            && self.cx.locals.iter().all(|local| local.ty != Ty::Unknown)
        {
            self.cx.push(
                Diagnostic::new(&f02::FLOW_START, "a start condition needs an event to start on", condition.span)
                    .help("a flow that starts by itself takes one parameter, the event"),
            );
        }
        Some(Start::Event { event: event?, condition })
    }

    fn key(&mut self, key: &ast::FlowKey) -> FlowKey {
        FlowKey {
            name: words::list(&key.parts),
            span: key.span,
            parts: key.parts.iter().map(|part| self.cx.key_part(part)).collect(),
            mode: match key.mode {
                ast::KeyMode::Once => KeyMode::Once,
                ast::KeyMode::OneAtATime => KeyMode::OneAtATime,
                ast::KeyMode::NotSaid => KeyMode::OneAlive,
            },
        }
    }

    fn track(&mut self, track: &ast::Track) -> Track {
        let value = self.cx.expr(&track.value, None);
        Track { span: track.span, name: track.name.to_string(), value }
    }

    fn promise(&mut self, promise: &ast::Promise) -> Option<Promise> {
        let from = self.promise_end(&promise.from);
        let to = self.promise_end(&promise.to);
        let within = self.due(&promise.within);
        let text = promise.text.plain().unwrap_or_default().to_owned();
        Some(Promise { span: promise.span, text, from: from?, to: to?, within, steps: Vec::new() })
    }

    fn promise_end(&mut self, end: &Occurrence) -> Option<PromiseEnd> {
        let name = match end {
            Occurrence::Named(name) | Occurrence::Status(name) => name,
            Occurrence::Op { system, op } => {
                let span = system.span.to(op.span);
                self.cx.push(
                    Diagnostic::new(&f02::WRONG_KIND, "a promise goes from `start` or a status to a status", span)
                        .label("this is an operation"),
                );
                return None;
            }
        };
        if name.as_str() == "start" {
            return Some(PromiseEnd::Start);
        }
        let Some(status) = self.status else {
            self.no_status(name.span);
            return None;
        };
        match self.cx.variant(status.values, name, &[], name.span).kind {
            ExprKind::Variant { case, .. } => Some(PromiseEnd::Status(case)),
            _ => None,
        }
    }

    pub(crate) fn no_status(&mut self, span: Span) {
        if std::mem::replace(&mut self.told_no_status, true) {
            return;
        }
        self.cx.push(
            Diagnostic::new(&f02::FLOW_START, "this flow has no status", span)
                .label("a milestone of what?")
                .help("name the enum of its milestones in the header: `status OrderStatus speaks for OrderId`"),
        );
    }

    /// A time to wait: a duration, or the instant when it is over.
    pub(crate) fn due(&mut self, due: &ast::Expr) -> Expr {
        let checked = self.cx.expr(due, None);
        match &checked.ty {
            Ty::Duration | Ty::Instant | Ty::Unknown => {}
            Ty::BusinessDuration => {
                self.cx.push(
                    Diagnostic::new(&f02::MISMATCH, "business time needs a calendar to be counted in", due.span)
                        .label("in whose opening hours?")
                        .help(format!("write `{} of` and a calendar", words_or(due, "2 business days"))),
                );
            }
            _ => return self.cx.coerce(checked, &Ty::Duration),
        }
        checked
    }

    /// Checks a block as a scope of its own.
    pub(crate) fn scoped(
        &mut self,
        kind: ScopeKind,
        span: Span,
        inside: impl FnOnce(&mut Self) -> Block,
    ) -> crate::model::Body {
        let outer = self.scope;
        let scope = ScopeId::from(self.scopes.len());
        self.scopes.push(Scope { kind, parent: Some(outer), span });
        self.scope = scope;
        let mark = self.cx.mark();
        let block = inside(self);
        self.cx.reset(mark);
        self.scope = outer;
        crate::model::Body { scope, block }
    }

    /// The scopes from the innermost outwards.
    pub(crate) fn enclosing(&self) -> impl Iterator<Item = (ScopeId, ScopeKind)> {
        let first = self.scopes.get(self.scope.index()).map(|scope| (self.scope, scope));
        std::iter::successors(first, |(_, scope)| {
            let parent = scope.parent?;
            Some((parent, self.scopes.get(parent.index())?))
        })
        .map(|(id, scope)| (id, scope.kind))
    }
}

fn words_or(expr: &ast::Expr, otherwise: &str) -> String {
    let words = words::expr(expr);
    if words == "…" { otherwise.to_owned() } else { words }
}

impl Cx<'_> {
    fn status(&mut self, status: &ast::StatusClause) -> Option<Status> {
        let is_enum = |kind: &TypeKind| matches!(kind, TypeKind::Enum(_));
        let values = contract::named(self.globals, self.module, &status.ty, "an enum", is_enum, &mut self.diagnostics);
        let is_id = |kind: &TypeKind| matches!(kind, TypeKind::Id);
        let speaks_for = status
            .speaks_for
            .as_ref()
            .and_then(|name| contract::named(self.globals, self.module, name, "an id", is_id, &mut self.diagnostics));
        Some(Status { span: status.span, values: values?, speaks_for })
    }

    /// Adds a suggestion from what is bound here.
    pub(crate) fn suggest_bound(&self, diagnostic: Diagnostic, name: &Ident) -> Diagnostic {
        let bound = self.visible.iter().filter_map(|id| self.locals.get(id.index())).map(|local| local.name.as_str());
        suggest(diagnostic, name, bound)
    }
}
