//! `attempt`: a body, and what is done when it is left before its end.

use crate::contract;
use crate::flow::{FlowCx, Gives, Taker};
use crate::keeping::Keepable;
use crate::model::{Attempt, Block, Body, Catch, Handler, LocalId, LocalKind, Meanwhile, MeanwhileKind, Trigger, Ty};
use crate::names::suggest;
use crate::stmt::Target;
use flowline_diag::code::{f01, f02};
use flowline_diag::{Diagnostic, Span};
use flowline_plan::ScopeKind;
use flowline_syntax::ast::{self, HandlerKind, Ident};
use std::sync::Arc;

/// What the handlers of an attempt come to while they are checked.
#[derive(Debug, Default)]
struct Handlers {
    handlers: Vec<Handler>,
    meanwhile: Vec<Meanwhile>,
    too_late: Option<Body>,
    too_late_span: Option<Span>,
    has_event: bool,
    /// Whether control can go on behind any of them without having given a value.
    goes_on: bool,
}

impl FlowCx<'_> {
    /// Checks an attempt; also says whether control can go on behind it.
    pub(crate) fn attempt(&mut self, text: &ast::Attempt, target: Target<'_>, span: Span) -> (Attempt, bool) {
        let known = self.deadlines.len();
        let wanted = self.wanted_of(target);
        self.gives.push(Gives { taker: Taker::Attempt, ty: wanted, given: false });
        let mut goes_on = false;
        let before = self.cx.locals.len();
        let body = self.scoped(ScopeKind::Attempt, text.body.span, |this| {
            let (block, body_goes_on) = this.block(&text.body);
            goes_on = body_goes_on;
            block
        });
        let deadlines: Vec<(Arc<str>, Span)> = self.deadlines.get(known..).unwrap_or_default().to_vec();
        let keepable = Keepable::of(&body, before, self.cx.locals.len());
        let mut found = Handlers::default();
        for handler in &text.handlers {
            self.handler(handler, &deadlines, &keepable, &mut found);
        }
        let gives = self.gives.pop();
        let was_given = gives.as_ref().is_some_and(|gives| gives.given);
        let without = goes_on || found.goes_on;
        let gives = gives.map(|gives| Gives { ty: gives.ty.filter(|_| was_given), ..gives });
        let ty = self.given(gives, target, without, span, "the attempt can end without giving a value");
        let result = self.taken(target, ty, span, "the attempt gives no value");
        let Handlers { handlers, meanwhile, too_late, .. } = found;
        (Attempt { body, handlers, too_late, meanwhile, result }, without || was_given)
    }

    /// The type that a `let` with a type asks for, without repeating a finding about that type.
    fn wanted_of(&mut self, target: Target<'_>) -> Option<Ty> {
        let before = self.cx.diagnostics.len();
        let wanted = self.wanted(target);
        self.cx.diagnostics.truncate(before);
        wanted
    }

    fn handler(
        &mut self,
        text: &ast::Handler,
        deadlines: &[(Arc<str>, Span)],
        keepable: &Keepable,
        found: &mut Handlers,
    ) {
        let span = text.span;
        let mut keeping = Vec::new();
        match &text.kind {
            HandlerKind::Error { errors, binding } => {
                let catches: Vec<Catch> = errors.iter().filter_map(|error| self.catch(error, deadlines)).collect();
                let ty = match (errors.as_slice(), catches.as_slice()) {
                    ([_], [Catch::Error { error, .. }]) => Ty::Named(*error),
                    ([_], []) => Ty::Unknown,
                    _ => Ty::AnyError,
                };
                let mut bind: Option<LocalId> = None;
                let body = self.handler_body(ScopeKind::Handler, &text.body, found, |this| {
                    keeping = this.keeping(&text.keeping, keepable);
                    let slot = LocalKind::Slot(this.scope);
                    bind = binding.as_ref().map(|name| this.cx.bind(name, ty, slot));
                });
                if !catches.is_empty() {
                    found.handlers.push(Handler { span, trigger: Trigger::Errors(catches), body, bind, keeping });
                }
            }
            HandlerKind::Event(wait) => {
                found.has_event = true;
                if let Some(within) = &wait.within {
                    self.no_within(within.span);
                }
                let mut event = None;
                let body = self.handler_body(ScopeKind::Handler, &text.body, found, |this| {
                    event = this.event_wait(wait);
                    keeping = this.keeping(&text.keeping, keepable);
                });
                if let Some(event) = event {
                    found.handlers.push(Handler { span, trigger: Trigger::Event(event), body, bind: None, keeping });
                }
            }
            HandlerKind::After(due) => {
                let due = self.due(due);
                let body = self.handler_body(ScopeKind::Handler, &text.body, found, |this| {
                    keeping = this.keeping(&text.keeping, keepable);
                });
                found.handlers.push(Handler { span, trigger: Trigger::After(due), body, bind: None, keeping });
            }
            HandlerKind::TooLate => {
                if let Some(first) = found.too_late_span {
                    self.cx.push(
                        Diagnostic::new(&f02::PLACE, "an attempt has one `too late`", span)
                            .also(first, "the first is here"),
                    );
                } else if !found.has_event {
                    self.cx.push(
                        Diagnostic::new(&f02::PLACE, "too late for what?", span)
                            .label("no event interrupts this attempt")
                            .help("`too late` stands behind `on event …`"),
                    );
                }
                found.too_late_span = Some(span);
                let body = self.aside(ScopeKind::TooLate, &text.body, |_| {});
                found.too_late = Some(body);
            }
            HandlerKind::MeanwhileEvent(wait) => {
                if let Some(within) = &wait.within {
                    self.no_within(within.span);
                }
                let mut event = None;
                let body = self.aside(ScopeKind::Meanwhile, &text.body, |this| event = this.event_wait(wait));
                if let Some(event) = event {
                    found.meanwhile.push(Meanwhile { span, kind: MeanwhileKind::Event(event), body });
                }
            }
            HandlerKind::MeanwhileEvery(pause) => {
                let pause = self.cx.expect(pause, &Ty::Duration);
                let body = self.aside(ScopeKind::Meanwhile, &text.body, |_| {});
                found.meanwhile.push(Meanwhile { span, kind: MeanwhileKind::Every(pause), body });
            }
            HandlerKind::Bad => {
                self.handler_body(ScopeKind::Handler, &text.body, found, |_| {});
                found.goes_on = true;
                // What this caught is not known, so an event may have been among it.
                found.has_event = true;
            }
        }
    }

    fn no_within(&mut self, span: Span) {
        self.cx.push(
            Diagnostic::new(&f02::PLACE, "a handler does not wait, so it has no `within`", span)
                .help("`after d { … }` limits the attempt"),
        );
    }

    fn handler_body(
        &mut self,
        kind: ScopeKind,
        text: &ast::Block,
        found: &mut Handlers,
        before: impl FnOnce(&mut Self),
    ) -> Body {
        let mut goes_on = false;
        let body = self.scoped(kind, text.span, |this| {
            before(this);
            let (block, body_goes_on) = this.block(text);
            goes_on = body_goes_on;
            block
        });
        found.goes_on |= goes_on;
        body
    }

    /// A body that runs beside the attempt and gives nothing.
    fn aside(&mut self, kind: ScopeKind, text: &ast::Block, before: impl FnOnce(&mut Self)) -> Body {
        self.gives.push(Gives { taker: Taker::Aside, ty: None, given: false });
        let body = self.scoped(kind, text.span, |this| -> Block {
            before(this);
            this.block(text).0
        });
        self.gives.pop();
        body
    }

    fn catch(&mut self, pattern: &ast::ErrorPattern, deadlines: &[(Arc<str>, Span)]) -> Option<Catch> {
        let span = pattern.span;
        match (pattern.name.as_str(), &pattern.of) {
            ("Deadline", of) => {
                if let Some(of) = of {
                    self.deadline_named(of, deadlines);
                }
                return Some(Catch::Deadline { name: of.as_ref().map(ToString::to_string), span });
            }
            ("Exhausted", None) => return Some(Catch::Exhausted { span }),
            (_, Some(of)) => {
                let message = format!("`of` goes with `Deadline` alone, not with `{}`", pattern.name);
                self.cx.push(Diagnostic::new(&f02::PLACE, message, of.span));
            }
            (_, None) => {}
        }
        let (globals, module) = (self.cx.globals, self.cx.module);
        let error = contract::error_named(globals, module, &pattern.name, &mut self.cx.diagnostics)?;
        Some(Catch::Error { error, span })
    }

    fn deadline_named(&mut self, of: &Ident, deadlines: &[(Arc<str>, Span)]) {
        if deadlines.iter().any(|(name, _)| *name == of.text) {
            return;
        }
        let is_of = |local: &&crate::model::Local| local.name == of.as_str();
        if let Some(wait) = self.cx.locals.iter().rev().find(is_of) {
            let message = format!("the wait `{of}` has no limit, so its time is never up");
            let help = format!("give it one: `await … as {of} within 2 days`; or leave this handler out");
            let diagnostic =
                Diagnostic::new(&f01::UNKNOWN_NAME, message, of.span).also(wait.span, "it waits without end");
            return self.cx.push(diagnostic.help(help));
        }
        let message = format!("no wait with a deadline is called `{of}` in this attempt");
        let diagnostic = Diagnostic::new(&f01::UNKNOWN_NAME, message, of.span)
            .label("not known here")
            .help("name the wait: `await E for k as name within d`");
        let diagnostic = suggest(diagnostic, of, deadlines.iter().map(|(name, _)| name.as_ref()));
        self.cx.push(diagnostic);
    }
}
