//! Waits, and attempts with what interrupts them.

use flowline_check::model::{self, AwaitArm, EventWait, LocalId, MeanwhileKind as ModelMeanwhile, Timer};
use flowline_plan::{
    AwaitNode, Catch, Code, EventArm, Handler, Kept, Meanwhile, MeanwhileKind, NodeId, NodeKind, ScopeId, TimerArm,
    TimerEnd, Trigger, Type,
};

use crate::{
    code,
    flow::{At, Flow},
};

impl Flow<'_> {
    pub(crate) fn wait(&mut self, at: At, wait: &model::Await, next: Option<NodeId>) -> NodeId {
        if let ([AwaitArm { event, body: None }], timers) = (wait.arms.as_slice(), wait.timers.as_slice()) {
            return self.wait_one(at, event, timers, wait.result, next);
        }
        let mut timers = Vec::with_capacity(wait.timers.len());
        for timer in wait.timers.iter().rev() {
            timers.push(self.timer(timer, at.scope, next));
        }
        timers.reverse();
        let mut events = Vec::with_capacity(wait.arms.len());
        for arm in wait.arms.iter().rev() {
            let target = match &arm.body {
                Some(body) => self.block(body, at.scope, next),
                None => next,
            };
            events.push(EventArm { target, ..self.event_arm(&arm.event) });
        }
        events.reverse();
        self.push(at, "await first".to_owned(), NodeKind::Await(AwaitNode { events, timers, task: None }), None)
    }

    /// `await E for k within d`, which goes on with the next statement.
    fn wait_one(
        &mut self,
        at: At,
        event: &EventWait,
        timers: &[Timer],
        result: Option<LocalId>,
        next: Option<NodeId>,
    ) -> NodeId {
        let timers = timers.iter().rev().map(|timer| self.timer(timer, at.scope, next)).collect::<Vec<_>>();
        let timers = timers.into_iter().rev().collect();
        let mut arm = self.event_arm(event);
        // `let e = await E`: the event goes straight there, and on from its own name where it has one too.
        let next = match (arm.bind, self.result(result)) {
            (Some(bound), Some(slot)) => {
                let name = result.and_then(|local| self.local(local)).map_or("", |local| local.name.as_str());
                Some(self.push(at, format!("let {name}"), NodeKind::Let { slot, code: Code::slot(bound) }, next))
            }
            (None, slot @ Some(_)) => {
                arm.bind = slot;
                next
            }
            (_, None) => next,
        };
        arm.target = next;
        let label = format!("await {}", self.cx.type_name(event.event));
        self.push(at, label, NodeKind::Await(AwaitNode { events: vec![arm], timers, task: None }), next)
    }

    fn timer(&mut self, timer: &Timer, scope: ScopeId, next: Option<NodeId>) -> TimerArm {
        match timer {
            Timer::After { due, body, .. } => {
                let target = self.block(body, scope, next);
                TimerArm { due: self.code(due), end: TimerEnd::Goto(target) }
            }
            Timer::Deadline { due, name, .. } => {
                TimerArm { due: self.code(due), end: TimerEnd::Deadline(name.clone()) }
            }
        }
    }

    /// An arm without a target.
    fn event_arm(&self, wait: &EventWait) -> EventArm {
        let condition = wait.condition.as_ref().map(|condition| self.code_with(&[wait.bind], condition));
        EventArm {
            event: wait.event,
            key: wait.key,
            value: code::key(self.cx, self.names(), &[], &wait.value, wait.span),
            bind: self.result(wait.bind),
            condition,
            fresh: wait.fresh,
            target: None,
        }
    }

    pub(crate) fn attempt(&mut self, at: At, attempt: &model::Attempt, next: Option<NodeId>) -> NodeId {
        let mut beside = Vec::with_capacity(attempt.meanwhile.len());
        for meanwhile in attempt.meanwhile.iter().rev() {
            beside.push(self.meanwhile(meanwhile));
        }
        beside.reverse();
        let too_late = attempt.too_late.as_ref().map(|late| self.body(late, "too late", "too late"));
        let mut handlers = Vec::with_capacity(attempt.handlers.len());
        for handler in attempt.handlers.iter().rev() {
            handlers.push(self.handler(handler, too_late));
        }
        handlers.reverse();
        let body = self.body(&attempt.body, "attempt", "body");
        let result = self.result(attempt.result);
        let kind = NodeKind::Attempt { body, handlers, meanwhile: beside, result };
        self.push_for(at, "attempt", attempt.result, kind, next)
    }

    fn handler(&mut self, handler: &model::Handler, too_late: Option<ScopeId>) -> Handler {
        let (label, trigger) = match &handler.trigger {
            model::Trigger::Errors(catches) => {
                let label = self.cx.catches(catches);
                let catches = catches.iter().map(|catch| match catch {
                    model::Catch::Error { error, .. } => Catch::Error(*error),
                    model::Catch::Deadline { name, .. } => Catch::Deadline(name.clone()),
                    model::Catch::Exhausted { .. } => Catch::Exhausted,
                });
                (label, Trigger::Errors(catches.collect()))
            }
            model::Trigger::Event(wait) => {
                if let Some(late) = too_late {
                    self.type_event(late, Type::Named(wait.event));
                }
                (self.cx.on_event(wait), Trigger::Event { arm: self.event_arm(wait), too_late })
            }
            model::Trigger::After(due) => {
                (format!("after {}", self.cx.words(due.span)), Trigger::After(self.code(due)))
            }
        };
        let role = match &handler.trigger {
            // How long it is may be tuned without touching who waits there.
            model::Trigger::After(_) => "after",
            model::Trigger::Errors(_) | model::Trigger::Event(_) => label.as_str(),
        };
        let keeping = handler.keeping.iter().filter_map(|kept| {
            let (from, to) = (self.slot(kept.from)?, self.slot(kept.to)?);
            Some(Kept { from, to })
        });
        let keeping: Vec<Kept> = keeping.collect();
        let scope = self.body(&handler.body, &self.cx.keeping(&label, &handler.keeping), role);
        Handler { trigger, scope, bind: self.result(handler.bind), keeping }
    }

    fn meanwhile(&mut self, meanwhile: &model::Meanwhile) -> Meanwhile {
        let (label, role, kind) = match &meanwhile.kind {
            ModelMeanwhile::Every(pause) => {
                let label = format!("meanwhile every {}", self.cx.words(pause.span));
                (label, "meanwhile every".to_owned(), MeanwhileKind::Every(self.code(pause)))
            }
            ModelMeanwhile::Event(wait) => {
                let label = format!("meanwhile {}", self.cx.on_event(wait));
                (label.clone(), label, MeanwhileKind::Event(self.event_arm(wait)))
            }
        };
        let scope = self.body(&meanwhile.body, &label, &role);
        Meanwhile { kind, scope }
    }
}
