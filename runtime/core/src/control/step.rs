//! What each kind of node does when control reaches it.
use flowline_plan::{
    EachNode, Handler, Meanwhile, MeanwhileKind, Node, NodeId, NodeKind, ScopeId, ScopeKind, Trigger, Value,
};

use super::{
    At, Cause, Effect, Machine, Oracle, Resource, TimerFor, WaitFor,
    machine::internal,
    wait::{NewTimer, NewWait},
};
use crate::{EventId, Incident, Output};

/// Elements of one `for each`.
pub(super) const ELEMENTS_MAX: usize = 10_000;

impl<O: Oracle> Machine<'_, O> {
    /// Runs the node at which a frame stands.
    pub(super) fn step(&mut self, no: u32) -> Result<(), Incident> {
        let Some(frame) = self.control.frame(no) else { return Ok(()) };
        if frame.at != At::Ready {
            return Ok(());
        }
        if frame.stop.is_some() {
            self.try_stop(no);
            return Ok(());
        }
        if self.held(no) {
            return Ok(());
        }
        let Some(pc) = frame.pc else { return self.complete(no) };
        let node = self.node(pc)?;
        self.mark(no, pc, node);
        match &node.kind {
            NodeKind::Let { slot, code } => {
                let value = self.oracle.eval(no, code)?;
                self.oracle.bind(no, *slot, value)?;
                self.go(no, node.next);
            }
            NodeKind::Call(call) => self.start_step(no, node, call)?,
            NodeKind::Await(wait) => {
                let mut waits = Vec::with_capacity(wait.events.len());
                for (at, arm) in (0u16..).zip(&wait.events) {
                    waits.push(NewWait { what: WaitFor::Arm(at), arm, value: self.oracle.eval(no, &arm.value)? });
                }
                let mut timers = Vec::with_capacity(wait.timers.len());
                for (at, arm) in (0u16..).zip(&wait.timers) {
                    timers.push(NewTimer { what: TimerFor::Arm(at), due: self.oracle.due(no, &arm.due)? });
                }
                let due = timers.first().map(|timer| timer.due);
                let task = wait.task.as_deref().map(|task| self.prepare_task(no, node, task, due)).transpose()?;
                self.set_at(no, At::Parked);
                self.arm(no, waits, timers);
                if let Some(task) = task {
                    self.open_task(no, task);
                }
            }
            NodeKind::Wait { due } => {
                let due = self.oracle.due(no, due)?;
                self.set_at(no, At::Parked);
                self.arm(no, Vec::new(), vec![NewTimer { what: TimerFor::Wait, due }]);
            }
            NodeKind::Choose { arms, otherwise, told } => {
                let (mut target, mut taken) = (*otherwise, None);
                for (at, arm) in arms.iter().enumerate() {
                    if self.oracle.guard(no, pc, at, &arm.condition)? {
                        (target, taken) = (arm.target, u16::try_from(at).ok());
                        break;
                    }
                }
                if *told {
                    self.emit(Output::Chosen { node: pc, arm: taken });
                }
                self.go(no, target);
            }
            NodeKind::Attempt { body, handlers, meanwhile, .. } => {
                self.enter_attempt(no, *body, handlers, meanwhile)?
            }
            NodeKind::Parallel { branches, .. } => self.enter_branches(no, node, branches),
            NodeKind::Each(each) => self.enter_each(no, node, each)?,
            NodeKind::Repeat { max, body, .. } => {
                let max = self.oracle.count(no, max, "the number of rounds")?;
                if max == 0 {
                    self.raise(no, Cause::Exhausted)?;
                } else {
                    self.set_at(no, At::Rounds { max });
                    self.enter(*body, Some(no), 0);
                }
            }
            NodeKind::Emit { event, value } => {
                let value = self.oracle.eval(no, value)?;
                let id = EventId(self.step_key(no, node).0);
                self.emit(Output::Emit { id, event: *event, value });
                self.go(no, node.next);
            }
            NodeKind::Status { value, part } => {
                let value = self.oracle.eval(no, value)?;
                let part = part.as_ref().map(|code| self.oracle.eval(no, code)).transpose()?;
                self.oracle.status(&value, part.as_ref());
                self.look_at_promises();
                self.emit(Output::Status { value, part });
                self.go(no, node.next);
            }
            NodeKind::RunFlow(run) => self.start_flow(no, node, run)?,
            NodeKind::Fail { value } => {
                let Value::Error(error) = self.oracle.eval(no, value)? else {
                    return Err(internal("`fail` with something that is no error"));
                };
                self.raise(no, Cause::Error((*error).clone()))?;
            }
            NodeKind::Stop { outcome, status, value } => self.stop(no, outcome, status.as_ref(), value.as_ref())?,
            NodeKind::Give { value } => {
                let value = self.oracle.eval(no, value)?;
                self.oracle.give(no, value);
                if let Some(frame) = self.control.frame_mut(no) {
                    frame.pc = None;
                }
                return self.complete_given(no);
            }
            NodeKind::PointOfNoReturn => {
                self.pass_return(no);
                self.go(no, node.next);
            }
        }
        Ok(())
    }

    fn enter_attempt(
        &mut self,
        no: u32,
        body: ScopeId,
        handlers: &[Handler],
        meanwhile: &[Meanwhile],
    ) -> Result<(), Incident> {
        let (mut waits, mut timers) = (Vec::new(), Vec::new());
        for (at, handler) in (0u16..).zip(handlers) {
            match &handler.trigger {
                Trigger::Errors(_) => {}
                Trigger::Event { arm, .. } => {
                    let value = self.oracle.eval(no, &arm.value)?;
                    waits.push(NewWait { what: WaitFor::Handler(at), arm, value });
                }
                Trigger::After(code) => {
                    timers.push(NewTimer { what: TimerFor::Handler(at), due: self.oracle.due(no, code)? });
                }
            }
        }
        for (at, meanwhile) in (0u16..).zip(meanwhile) {
            match &meanwhile.kind {
                MeanwhileKind::Every(code) => {
                    timers.push(NewTimer { what: TimerFor::Meanwhile(at), due: self.oracle.due(no, code)? });
                }
                MeanwhileKind::Event(arm) => {
                    let value = self.oracle.eval(no, &arm.value)?;
                    waits.push(NewWait { what: WaitFor::Meanwhile(at), arm, value });
                }
            }
        }
        self.set_at(no, At::Inside);
        let inner = self.enter(body, Some(no), 0);
        self.arm(inner, waits, timers);
        Ok(())
    }

    fn enter_branches(&mut self, no: u32, node: &Node, branches: &[ScopeId]) {
        let Ok(open) = u32::try_from(branches.len()) else { return };
        if open == 0 {
            self.go(no, node.next);
            return;
        }
        self.set_at(no, At::Joining { open, lanes: Vec::new() });
        for (at, branch) in (0u32..).zip(branches) {
            self.enter(*branch, Some(no), at);
        }
    }

    fn enter_each(&mut self, no: u32, node: &Node, each: &EachNode) -> Result<(), Incident> {
        let elements = self.oracle.elements(no, each)?;
        if elements.len() > ELEMENTS_MAX {
            let found = i64::try_from(elements.len()).unwrap_or(i64::MAX);
            let what = "the number of elements of a `for each`".to_owned();
            return Err(Incident::Limit { what, found, max: 10_000 });
        }
        let Ok(open) = u32::try_from(elements.len()) else { return Ok(()) };
        let width = match &each.width {
            Some(code) => self.oracle.count(no, code, "the width of a `for each`")?.max(1),
            None => open,
        };
        let first_part = u32::try_from(self.control.resources.len()).map_err(|_| internal("too many resources"))?;
        let whole = each.sharing.as_ref().map(|_| self.oracle.share(no, each, &elements, first_part)).transpose()?;
        if open == 0 {
            if let Some(slot) = each.result {
                let value = self.oracle.collected(no);
                self.oracle.bind(no, slot, value)?;
            }
            self.go(no, node.next);
            return Ok(());
        }
        self.set_at(no, At::Joining { open, lanes: Vec::new() });
        for (at, element) in (0u32..).zip(elements) {
            let inner = self.enter(each.body, Some(no), at);
            self.oracle.bind(inner, each.item, element)?;
            if let (Some(whole), Some(sharing)) = (whole, &each.sharing) {
                let part = first_part + at;
                self.add_part(inner, whole);
                self.oracle.bind(inner, sharing.part, Value::Resource(part))?;
                if let Some(frame) = self.control.frame_mut(inner) {
                    frame.effects.push(Effect::Resource(part));
                }
            }
            if at >= width {
                self.set_at(inner, At::Queued);
            }
        }
        Ok(())
    }

    fn add_part(&mut self, no: u32, whole: u32) {
        let Some(of) = self.control.resources.get(whole as usize) else { return };
        let part = Resource { state: of.state, ..Resource::new(of.ty, no) };
        let (state, at) = (part.state, self.control.resources.len());
        self.control.resources.push(part);
        if let (Some(state), Ok(at)) = (state, u32::try_from(at)) {
            self.arm_expiry(at, state);
        }
    }

    /// From here on the innermost attempt (or element) goes forward: what it holds has no rows any more.
    fn pass_return(&mut self, no: u32) {
        let mut inside: Vec<u32> = Vec::new();
        for frame in self.control.outward(no) {
            inside.push(frame.no);
            match self.kind(frame) {
                ScopeKind::Attempt | ScopeKind::Element | ScopeKind::Flow => break,
                ScopeKind::Handler
                | ScopeKind::TooLate
                | ScopeKind::Meanwhile
                | ScopeKind::Branch
                | ScopeKind::Round => {}
            }
        }
        // For the scopes around it, what it did is done; that includes what it did before.
        let resources = self.control.resources.iter_mut();
        for resource in resources.filter(|resource| resource.last.is_none() && inside.contains(&resource.reached)) {
            resource.last = inside.last().copied();
        }
        for (at, frame_no) in inside.iter().enumerate() {
            let outermost = at + 1 == inside.len();
            let Some(frame) = self.control.frame_mut(*frame_no) else { continue };
            frame.ponr |= outermost;
            let effects = std::mem::take(&mut frame.effects);
            self.forget(effects);
        }
    }

    /// The node at which a frame stands.
    pub(super) fn node_at(&self, no: u32) -> Result<&Node, Incident> {
        let pc: Option<NodeId> = self.control.frame(no).and_then(|frame| frame.pc);
        self.node(pc.ok_or_else(|| internal("a frame that stands nowhere"))?)
    }
}
