//! Waiting: for one event, for the first of several, for time.

use crate::contract;
use crate::expr::narrow;
use crate::flow::FlowCx;
use crate::model::{Await, AwaitArm, EventWait, Expr, LocalId, LocalKind, Timer, Ty};
use crate::stmt::Target;
use crate::ty::fits;
use flowline_diag::code::f02;
use flowline_diag::{Diagnostic, Span};
use flowline_plan::TypeId;
use flowline_syntax::ast;

impl FlowCx<'_> {
    /// `await E for k as e within d`. The name stays bound.
    pub(crate) fn wait_one(&mut self, wait: &ast::EventWait, target: Target<'_>) -> Option<Await> {
        let found = self.event_wait(wait);
        let ty = found.as_ref().map_or(Ty::Unknown, |found| Ty::Named(found.event));
        let timers = wait.within.iter().map(|within| self.deadline(within, wait.binding.as_ref())).collect();
        let result = self.taken(target, ty, wait.span, "this wait gives no value");
        Some(Await { arms: vec![AwaitArm { event: found?, body: None }], timers, result })
    }

    fn deadline(&mut self, within: &ast::Expr, name: Option<&ast::Ident>) -> Timer {
        if let Some(name) = name {
            self.deadlines.push((name.text.clone(), name.span));
        }
        Timer::Deadline { span: within.span, due: self.due(within), name: name.map(ToString::to_string) }
    }

    /// `await first { … }`; also says whether control can go on behind it.
    pub(crate) fn wait_first(&mut self, arms: &[ast::Arm]) -> (Await, bool) {
        let mut checked = Await { arms: Vec::new(), timers: Vec::new(), result: None };
        let mut goes_on = arms.is_empty();
        for arm in arms {
            let mark = self.cx.mark();
            match &arm.trigger {
                ast::ArmTrigger::Event(wait) => {
                    let event = self.event_wait(wait);
                    if let Some(within) = &wait.within {
                        checked.timers.push(self.deadline(within, wait.binding.as_ref()));
                    }
                    let (body, arm_goes_on) = self.block(&arm.body);
                    goes_on |= arm_goes_on;
                    checked.arms.extend(event.map(|event| AwaitArm { event, body: Some(body) }));
                }
                ast::ArmTrigger::After(due) => {
                    let due = self.due(due);
                    let (body, arm_goes_on) = self.block(&arm.body);
                    goes_on |= arm_goes_on;
                    checked.timers.push(Timer::After { span: arm.span, due, body });
                }
                ast::ArmTrigger::Bad => {
                    self.block(&arm.body);
                    goes_on = true;
                }
            }
            self.cx.reset(mark);
        }
        (checked, goes_on)
    }

    /// An event, the key that the wait goes by, and its condition. Its name is bound in the current scope.
    pub(crate) fn event_wait(&mut self, wait: &ast::EventWait) -> Option<EventWait> {
        self.event_wait_by(wait, |this, ty| {
            let slot = LocalKind::Slot(this.scope);
            wait.binding.as_ref().map(|name| this.cx.bind(name, ty, slot))
        })
    }

    /// The same, its name bound by the caller.
    pub(crate) fn event_wait_by(
        &mut self,
        wait: &ast::EventWait,
        bind: impl FnOnce(&mut Self, Ty) -> Option<LocalId>,
    ) -> Option<EventWait> {
        let (globals, module) = (self.cx.globals, self.cx.module);
        let event = contract::event_named(globals, module, &wait.event, &mut self.cx.diagnostics);
        let value: Vec<Expr> = wait.key.iter().map(|part| self.cx.key_part(part)).collect();
        let key = event.and_then(|event| self.key_of(event, wait, &value));
        let bind = bind(self, event.map_or(Ty::Unknown, Ty::Named));
        let condition = wait.condition.as_ref().map(|condition| self.cx.expect(condition, &Ty::Bool));
        Some(EventWait { span: wait.span, event: event?, key: key?, value, bind, condition, fresh: wait.fresh })
    }

    /// The key of the event that the values behind `for` are of.
    fn key_of(&mut self, event: TypeId, wait: &ast::EventWait, value: &[Expr]) -> Option<u16> {
        let keys = self.cx.globals.model.event(event).map_or(&[][..], |def| &def.keys);
        let name = &wait.event;
        let span = wait.key.iter().map(|part| part.span).reduce(Span::to).unwrap_or(name.span);
        let shown = |this: &Self, exprs: &[Expr]| {
            exprs.iter().map(|part| this.cx.show(&part.ty)).collect::<Vec<_>>().join(", ")
        };
        if value.is_empty() {
            let diagnostic =
                Diagnostic::new(&f02::EVENT_KEY, format!("which `{name}`? the wait does not say for what"), span)
                    .label("no `for`");
            let diagnostic = match keys.first() {
                Some(key) => diagnostic.help(format!("wait for its `{}`: `{name} for …`", key.name)),
                None => diagnostic.help(format!("give event `{name}` a `key` first")),
            };
            self.cx.push(diagnostic);
            return None;
        }
        let same = |key: &crate::model::EventKey| {
            let parts = &key.parts;
            parts.len() == value.len() && parts.iter().zip(value).all(|(part, given)| fits(&given.ty, &part.ty))
        };
        let mut fitting = keys.iter().enumerate().filter(|(_, key)| same(key));
        match (fitting.next(), fitting.next()) {
            (Some((at, _)), None) => Some(narrow(at)),
            (Some((at, first)), Some((_, second))) => {
                if value.iter().all(|part| part.ty != Ty::Unknown) {
                    let message = format!("`{name}` has two keys of this type");
                    self.cx.push(
                        Diagnostic::new(&f02::EVENT_KEY, message, span)
                            .label("which one is not clear")
                            .also(first.span, "this one")
                            .also(second.span, "or this one")
                            .help("give the two keys different `id` types"),
                    );
                }
                Some(narrow(at))
            }
            (None, _) => {
                let found = shown(self, value);
                let mut diagnostic =
                    Diagnostic::new(&f02::EVENT_KEY, format!("`{name}` has no key of this type"), span)
                        .label(format!("this is {found}"));
                for key in keys {
                    diagnostic = diagnostic.also(key.span, format!("this key is {}", shown(self, &key.parts)));
                }
                self.cx.push(diagnostic);
                None
            }
        }
    }
}
