//! Bodies that are flows of their own: steps in promises, and `late` clauses.
//!
//! They see little of the flow around them: a promise's steps its parameters, a `late` clause what is left of the ended
//! run. So each is checked in a context of its own, with these names as its parameters.

use crate::cx::Cx;
use crate::flow::{FlowCx, Gives, Taker};
use crate::fold::fold;
use crate::model::{Flow, Late, LateClause, Local, LocalId, LocalKind, PromiseStep, Scope, SideFlow, Signature, Ty};
use crate::names::twice;
use crate::ty::holds_resource;
use flowline_diag::code::f02;
use flowline_diag::{Diagnostic, Span};
use flowline_plan::{ScopeId, ScopeKind, Value};
use flowline_syntax::ast;
use rust_decimal::Decimal;

/// A name of the flow around, and what it is to the body.
struct Seen {
    local: LocalId,
    name: String,
    span: Span,
    ty: Ty,
}

/// Why a name of the flow around can't be seen.
type Beyond = (String, &'static str);

/// The flow around a body, with its own body checked.
pub(crate) struct Around<'a, 'g> {
    pub(crate) cx: &'a mut FlowCx<'g>,
    pub(crate) flow: &'a Flow,
    /// The names that are bound at the end of the flow's body.
    pub(crate) bound: &'a [LocalId],
}

/// Where a body stands, in words.
#[derive(Debug, Clone)]
struct Place {
    /// Its name behind that of the flow.
    name: String,
    what: String,
    head: Span,
    /// `the steps of a promise`
    kind: &'static str,
    /// Its first parameter is an event.
    takes_event: bool,
}

impl<'g> Around<'_, 'g> {
    /// The steps of one promise.
    pub(crate) fn promise(&mut self, text: &ast::Promise, of: usize) -> Vec<PromiseStep> {
        let said = text.text.plain().unwrap_or_default();
        // Two promises may be called the same.
        let nth = if of == 0 { String::new() } else { format!(" ({})", of + 1) };
        let mut steps = Vec::with_capacity(text.at.len() + 1);
        let mut shares: Vec<(Decimal, Span)> = Vec::new();
        for at in &text.at {
            let share = self.share(&at.share, &shares);
            let words = share
                .map_or_else(|| "a part".to_owned(), |share| format!("{}%", (share * Decimal::from(100)).normalize()));
            let place = Place {
                name: format!("at {words} of {said}{nth}"),
                what: format!("the steps at {words} of the promise \"{said}\""),
                head: Span::new(at.span.file, at.span.start, at.body.span.start),
                kind: "the steps of a promise",
                takes_event: false,
            };
            let side = self.promise_body(place, &at.body);
            if let Some(share) = share {
                shares.push((share, at.share.span));
                steps.push(PromiseStep { share: Some(share), side });
            }
        }
        if let Some(missed) = &text.missed {
            let place = Place {
                name: format!("missed {said}{nth}"),
                what: format!("the steps for the missed promise \"{said}\""),
                head: Span::new(missed.span.file, missed.span.start, missed.span.start + 1),
                kind: "the steps of a promise",
                takes_event: false,
            };
            let side = self.promise_body(place, missed);
            steps.push(PromiseStep { share: None, side });
        }
        steps
    }

    fn promise_body(&mut self, place: Place, body: &ast::Block) -> SideFlow {
        let why = "the steps of a promise see the flow's parameters only: what its body binds may not be there yet";
        let (seen, mut beyond) = self.params();
        let others = self.cx.cx.locals.iter().skip(usize::from(self.flow.params));
        beyond.extend(
            others
                .filter(|local| matches!(local.kind, LocalKind::Slot(_) | LocalKind::Var(_)))
                .map(|local| (local.name.clone(), why)),
        );
        let mut inner = self.inner(&place, &seen, beyond);
        let (block, _) = inner.block(body);
        self.done(inner, place, seen, block)
    }

    /// A part of a promised time: a percentage that is known before anything runs.
    fn share(&mut self, text: &ast::Expr, before: &[(Decimal, Span)]) -> Option<Decimal> {
        let cx = &mut self.cx.cx;
        let share = cx.expr(text, Some(&Ty::Decimal));
        let help = "say how much of the promised time is over: `at 75% { … }`";
        if !matches!(share.ty, Ty::Decimal | Ty::Int) {
            if share.ty != Ty::Unknown {
                let found = cx.show(&share.ty);
                let message = "a part of a promise is a percentage";
                cx.push(
                    Diagnostic::new(&f02::MISMATCH, message, text.span).label(format!("this is {found}")).help(help),
                );
            }
            return None;
        }
        let share = match fold(&cx.globals.model, &share) {
            Some(Value::Decimal(share)) => share,
            Some(Value::Int(share)) => share.into(),
            _ => {
                let message = "a part of a promise is known before anything runs";
                cx.push(
                    Diagnostic::new(&f02::NOT_CONSTANT, message, text.span)
                        .label("a percentage is expected here")
                        .help(help),
                );
                return None;
            }
        };
        if share <= Decimal::ZERO || share >= Decimal::ONE {
            let finding = Diagnostic::new(&f02::PLACE, "a part of a promise lies between 0% and 100%", text.span);
            let help = if share >= Decimal::ONE {
                "what is done when the time is over stands in `missed { … }`"
            } else {
                "what is done at the beginning stands in the flow's body"
            };
            cx.push(finding.help(help));
            return None;
        }
        if let Some((_, first)) = before.iter().find(|(other, _)| *other == share) {
            let message = "two steps at the same part of the promise";
            cx.push(
                Diagnostic::new(&f02::PLACE, message, text.span)
                    .also(*first, "the first stand here")
                    .help("put them into one block"),
            );
            return None;
        }
        Some(share.normalize())
    }

    /// The `late` clauses of the flow.
    pub(crate) fn late(&mut self, texts: &[ast::Late]) -> Late {
        if texts.is_empty() {
            return Late::default();
        }
        let (mut seen, mut beyond) = self.params();
        let params: Vec<LocalId> = (0..u32::from(self.flow.params)).map(LocalId).collect();
        for (at, local) in (0u32..).zip(&self.cx.cx.locals).skip(params.len()) {
            let (id, name) = (LocalId(at), local.name.clone());
            if !matches!(local.kind, LocalKind::Slot(_) | LocalKind::Var(_)) {
                continue;
            }
            if holds_resource(&local.ty) {
                beyond.push((name, NO_RESOURCES));
            } else if self.bound.contains(&id) {
                let is_optional = matches!(local.ty, Ty::Optional(_) | Ty::Unknown);
                let ty = if is_optional { local.ty.clone() } else { Ty::Optional(Box::new(local.ty.clone())) };
                seen.push(Seen { local: id, name, span: local.span, ty });
            } else {
                beyond.push((name, "of an ended run only what stands in its body itself is left, not what a block inside binds; hand it out with `give`"));
            }
        }
        let mut names: Vec<String> = Vec::new();
        let clauses = texts.iter().filter_map(|text| self.clause(text, &seen, &beyond, &mut names)).collect();
        Late { sees: seen.iter().map(|seen| seen.local).collect(), clauses }
    }

    fn clause(
        &mut self,
        text: &ast::Late,
        seen: &[Seen],
        beyond: &[Beyond],
        names: &mut Vec<String>,
    ) -> Option<LateClause> {
        let event = &text.event.event;
        let same = names.iter().filter(|name| **name == event.as_str()).count();
        names.push(event.to_string());
        let nth = if same == 0 { String::new() } else { format!(" ({})", same + 1) };
        let place = Place {
            name: format!("late {event}{nth}"),
            what: format!("what answers `{event}` after the end"),
            head: Span::new(text.span.file, text.span.start, text.body.span.start),
            kind: "a `late` clause",
            takes_event: true,
        };
        let seen: Vec<Seen> =
            seen.iter().map(|seen| Seen { name: seen.name.clone(), ty: seen.ty.clone(), ..*seen }).collect();
        let mut inner = self.inner(&place, &[], beyond.to_vec());
        // The event is the first parameter; what is waited for is said before it has come.
        let bound = inner.cx.hidden("event", text.span, Ty::Unknown, LocalKind::Slot(ScopeId(0)));
        inner.see(&seen);
        let within = match &text.event.within {
            Some(within) => Some(inner.due(within)),
            None => {
                inner.cx.push(
                    Diagnostic::new(&f02::PLACE, format!("for how long is a late `{event}` answered?"), event.span)
                        .label("no `within`")
                        .help(format!("say it: `late {event} for … within 90 days {{ … }}`")),
                );
                None
            }
        };
        let wait = inner.event_wait_by(&text.event, |this, ty| {
            if let Some(local) = this.cx.locals.get_mut(bound.index()) {
                local.ty = ty;
            }
            if let Some(name) = &text.event.binding {
                if let Some(first) = this.cx.lookup(name.as_str()).and_then(|id| this.cx.locals.get(id.index())) {
                    let finding = twice(name, first.span).help("an inner name may not hide an outer one");
                    this.cx.push(finding);
                }
                if let Some(local) = this.cx.locals.get_mut(bound.index()) {
                    (local.name, local.span) = (name.to_string(), name.span);
                }
                this.cx.visible.push(bound);
            }
            Some(bound)
        });
        let (block, _) = inner.block(&text.body);
        let side = self.done(inner, place, seen, block);
        Some(LateClause { span: text.span, event: wait?, within: within?, side })
    }

    /// The parameters of the flow that are values; resources are handed on by the flow alone.
    fn params(&self) -> (Vec<Seen>, Vec<Beyond>) {
        let (mut seen, mut beyond) = (Vec::new(), Vec::new());
        for (at, local) in (0u32..).zip(&self.cx.cx.locals).take(usize::from(self.flow.params)) {
            let (local_id, Local { name, span, ty, .. }) = (LocalId(at), local.clone());
            if holds_resource(&ty) {
                beyond.push((name, NO_RESOURCES));
            } else {
                seen.push(Seen { local: local_id, name, span, ty });
            }
        }
        (seen, beyond)
    }

    /// A context for a body.
    fn inner(&self, place: &Place, seen: &[Seen], beyond: Vec<Beyond>) -> FlowCx<'g> {
        let mut cx = Cx::new(self.cx.cx.globals, self.cx.cx.module);
        cx.unread.clone_from(&self.cx.cx.unread);
        cx.beyond = beyond;
        let root = Scope { kind: ScopeKind::Flow, parent: None, span: place.head };
        let mut inner = FlowCx::new(cx, root, Ty::Unit);
        inner.side = Some(place.kind);
        inner.gives.push(Gives { taker: Taker::Aside, ty: None, given: false });
        inner.see(seen);
        inner
    }

    /// What checking a body came to.
    fn done(&mut self, inner: FlowCx<'g>, place: Place, seen: Vec<Seen>, body: crate::model::Block) -> SideFlow {
        let Cx { locals, diagnostics, calls, .. } = inner.cx;
        self.cx.cx.diagnostics.extend(diagnostics);
        self.cx.cx.calls.extend(calls);
        let params = seen.len() + usize::from(place.takes_event);
        let flow = Flow {
            name: format!("{}#{}", self.flow.name, place.name),
            doc: String::new(),
            head: place.head,
            span: place.head.to(body.span),
            params: crate::expr::narrow(params),
            result: Ty::Unit,
            raises: Vec::new(),
            signature: Signature::default(),
            start: None,
            key: None,
            status: None,
            track: Vec::new(),
            owner: None,
            promises: Vec::new(),
            late: Late::default(),
            locals,
            scopes: inner.scopes,
            body,
        };
        SideFlow { flow, what: place.what, sees: seen.into_iter().map(|seen| seen.local).collect() }
    }
}

const NO_RESOURCES: &str = "here nothing is held: resources are closed by the flow itself";

impl FlowCx<'_> {
    /// Makes names of the flow around seen, as parameters.
    fn see(&mut self, seen: &[Seen]) {
        for Seen { name, span, ty, .. } in seen {
            let local = self.cx.hidden(name, *span, ty.clone(), LocalKind::Slot(ScopeId(0)));
            self.cx.visible.push(local);
        }
    }

    /// What a body beside the flow can't say.
    pub(crate) fn not_beside(&mut self, what: &str, help: &str, span: Span) -> bool {
        let Some(side) = self.side else { return false };
        let message = format!("{side} can't say `{what}`");
        self.cx
            .push(Diagnostic::new(&f02::PLACE, message, span).label("this is no step of the flow itself").help(help));
        true
    }
}
