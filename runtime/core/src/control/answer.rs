//! Answers of systems: what they make true of resources and steps.
use flowline_plan::{ErrorValue, OpClass, OpDef, Raise, StateId, Value};

use super::{At, CallFor, Cause, Effect, Machine, Oracle, PendingCall};
use crate::{Answer, Incident, Output};

impl<O: Oracle> Machine<'_, O> {
    /// Takes an answer; one that comes late or twice doesn't count.
    pub(super) fn answered(&mut self, number: u32, attempt: u32, answer: &Answer) {
        let by_hand = matches!(answer, Answer::Done(_) | Answer::Error(_));
        let waits = |frame: &&super::Frame| {
            (matches!(frame.at, At::Calling | At::Settling) || by_hand && matches!(frame.at, At::Incident(_)))
                && frame.call.as_ref().is_some_and(|call| call.no == number && call.attempt == attempt)
                && !frame.timers.iter().any(|timer| timer.what == super::TimerFor::Retry)
        };
        let Some(frame) = self.control.frames.iter().find(waits) else { return };
        let no = frame.no;
        if matches!(frame.at, At::Incident(_)) {
            // Somebody answers for the system.
            let settling = frame.call.as_ref().is_some_and(|call| call.what != CallFor::Step);
            self.set_at(no, if settling { At::Settling } else { At::Calling });
            self.emit(Output::IncidentGone { frame: no });
        }
        let done = match answer {
            Answer::Done(value) => self.done(no, value),
            Answer::Error(error) => self.refused_by_business(no, error),
            Answer::Refused(said) => {
                self.failed_technically(no, said, false);
                Ok(())
            }
            Answer::Unknown(said) => {
                self.failed_technically(no, said, true);
                Ok(())
            }
            Answer::Rejected(said) => self.rejected(no, said),
        };
        if let Err(incident) = done {
            self.park(no, incident);
        }
    }

    pub(super) fn done(&mut self, no: u32, value: &Value) -> Result<(), Incident> {
        let Some(call) = self.control.frame(no).and_then(|frame| frame.call.clone()) else { return Ok(()) };
        let def = self.op(call.op)?;
        let mut result = value.clone();
        if let (Some(resource), Some(opens)) = (call.opens, &def.opens) {
            if let Err(incident) = self.oracle.opened(resource, value, call.op) {
                self.doubt(no, &call, def);
                return Err(incident);
            }
            self.hold(no, resource);
            self.set_state(no, resource, opens.state);
            result = Value::Resource(resource);
        }
        for (param, resource, _) in &call.resources {
            let to = def.params.get(usize::from(*param)).and_then(|param| param.resource.as_ref()?.to);
            if let Some(to) = to {
                self.set_state(no, *resource, to);
            }
        }
        match call.what {
            CallFor::Step => {
                self.arm_undo(no, &call, def, Some(&result));
                let (slot, next) = match self.call_node(no, CallFor::Step) {
                    Some(node) => (node.result, self.node_at(no)?.next),
                    None => (None, None),
                };
                self.end_call(no);
                if let Some(slot) = slot {
                    self.oracle.bind(no, slot, result)?;
                }
                if self.stopping(no) {
                    self.wake(no);
                } else {
                    self.go(no, next);
                }
            }
            CallFor::Abandon { .. } => {
                self.end_call(no);
                self.settle_next(no);
            }
            CallFor::Undo { effect } => {
                self.end_call(no);
                self.undone(no, effect);
            }
            CallFor::Repeat { effect } => {
                self.oracle.keep_result(effect, &result);
                if let Some(Effect::Step { known, .. }) = self.control.frame_mut(no).and_then(|f| f.effects.last_mut())
                {
                    *known = true;
                }
                self.end_call(no);
                self.settle_next(no);
            }
        }
        Ok(())
    }

    fn refused_by_business(&mut self, no: u32, error: &ErrorValue) -> Result<(), Incident> {
        let Some(call) = self.control.frame(no).and_then(|frame| frame.call.clone()) else { return Ok(()) };
        let def = self.op(call.op)?;
        let Some(raise) = def.raises.iter().find(|raise| raise.error == error.error) else {
            let name = self.bundle.ty(error.error).map_or("an unknown error", |ty| ty.short_name());
            let how = format!("it answered `{name}`, which it doesn't declare under `raises`");
            self.doubt(no, &call, def);
            return Err(Incident::Contract { op: self.bundle.op_name(call.op), how });
        };
        let before: Vec<_> = call.resources.iter().map(|(_, r, _)| (*r, self.state_of(*r))).collect();
        if raise.outcome_unknown || call.doubt && !self.key_kept(&call) {
            self.doubt(no, &call, def);
        } else {
            self.nothing_happened(no, &call, raise);
        }
        self.tell_states(no, &call, raise);
        match call.what {
            CallFor::Step => {
                self.end_call(no);
                self.wake(no);
                if self.stopping(no) { Ok(()) } else { self.raise(no, Cause::Error(error.clone())) }
            }
            CallFor::Abandon { resource } => {
                let moved = before.iter().any(|(r, state)| *r == resource && *state != self.state_of(resource));
                if !moved {
                    return Err(self.stuck(&call, error));
                }
                self.end_call(no);
                self.settle_next(no);
                Ok(())
            }
            CallFor::Undo { effect } => {
                if raise.states.is_empty() {
                    return Err(self.stuck(&call, error));
                }
                self.end_call(no);
                self.undone(no, effect);
                Ok(())
            }
            CallFor::Repeat { effect } => {
                if raise.outcome_unknown {
                    return Err(self.stuck(&call, error));
                }
                self.end_call(no);
                self.undone(no, effect);
                Ok(())
            }
        }
    }

    /// A call of settling was refused, and nothing tells what to do now.
    fn stuck(&self, call: &PendingCall, error: &ErrorValue) -> Incident {
        let name = self.bundle.ty(error.error).map_or("an unknown error", |ty| ty.short_name());
        let said = format!("{name}: {}", error.text);
        Incident::Refused { op: self.bundle.op_name(call.op), said }
    }

    /// A business error clears the doubt that earlier attempts left.
    fn nothing_happened(&mut self, no: u32, call: &PendingCall, raise: &Raise) {
        if call.what != CallFor::Step {
            return;
        }
        for (param, resource, state) in &call.resources {
            let now = self.state_of(*resource);
            let told = raise.states.iter().any(|(at, from, _)| at == param && from.is_some() && *from == now);
            if !told {
                self.set_state(no, *resource, *state);
            }
        }
        let Some(frame) = self.control.frame_mut(no) else { return };
        if let Some(opens) = call.opens {
            frame.effects.retain(|effect| *effect != Effect::Resource(opens));
            if let Some(resource) = self.control.resources.get_mut(opens as usize) {
                resource.state = None;
            }
        } else if let Some(Effect::Step { effect, key, .. }) = frame.effects.last()
            && *key == call.key
        {
            let effect = *effect;
            frame.effects.pop();
            self.oracle.forget_step(effect);
        }
    }

    /// `raises E (maybe_captured is captured)`, `raises E (card is lapsed)`.
    fn tell_states(&mut self, no: u32, call: &PendingCall, raise: &Raise) {
        for (param, resource, _) in &call.resources {
            let now = self.state_of(*resource);
            let told = raise.states.iter().find(|(at, from, _)| at == param && (from.is_none() || *from == now));
            if let Some((_, _, to)) = told {
                self.set_state(no, *resource, *to);
            }
        }
    }

    /// Nothing happened and a retry won't help.
    fn rejected(&mut self, no: u32, said: &str) -> Result<(), Incident> {
        let Some(call) = self.control.frame(no).and_then(|frame| frame.call.as_ref()) else { return Ok(()) };
        let op = self.bundle.op_name(call.op);
        if call.what == CallFor::Step && self.stopping(no) && !self.must_know(no) {
            self.end_call(no);
            self.wake(no);
            return Ok(());
        }
        Err(Incident::Refused { op, said: said.to_owned() })
    }

    fn failed_technically(&mut self, no: u32, said: &str, unknown: bool) {
        let Some(call) = self.control.frame(no).and_then(|frame| frame.call.clone()) else { return };
        if unknown && let Ok(def) = self.op(call.op) {
            self.doubt(no, &call, def);
        }
        if call.what == CallFor::Step && self.stopping(no) && !self.must_know(no) {
            self.end_call(no);
            self.wake(no);
        } else {
            self.back_off(no, said);
        }
    }

    /// The outcome is unknown: resources go to their doubt state, and the undo is armed in the same breath.
    fn doubt(&mut self, no: u32, call: &PendingCall, def: &OpDef) {
        if let Some(call) = self.control.frame_mut(no).and_then(|frame| frame.call.as_mut()) {
            call.doubt = true;
        }
        if call.what == CallFor::Step {
            if let (Some(resource), Some(doubt)) = (call.opens, def.opens.as_ref().and_then(|opens| opens.doubt)) {
                self.hold(no, resource);
                self.set_state(no, resource, doubt);
            }
            self.arm_undo(no, call, def, None);
        }
        for (param, resource, _) in &call.resources {
            let doubt = def.params.get(usize::from(*param)).and_then(|param| param.resource.as_ref()?.doubt);
            if let Some(doubt) = doubt {
                self.set_state(no, *resource, doubt);
            }
        }
    }

    /// The frame owes a resource from now on.
    pub(super) fn hold(&mut self, no: u32, resource: u32) {
        let past = self.control.frame(no).is_some_and(|frame| frame.ponr);
        if let Some(frame) = self.control.frame_mut(no)
            && !past
            && !frame.effects.contains(&Effect::Resource(resource))
        {
            frame.effects.push(Effect::Resource(resource));
        }
    }

    /// The frame owes the undo of a compensatable step from now on.
    fn arm_undo(&mut self, no: u32, call: &PendingCall, def: &OpDef, result: Option<&Value>) {
        let of_node = self.call_node(no, CallFor::Step).is_some_and(|node| node.undo.is_some());
        let undoable = of_node || matches!(def.class, OpClass::Compensatable(_));
        let Some(frame) = self.control.frame(no) else { return };
        let Some(node) = frame.pc else { return };
        if !undoable || frame.ponr {
            return;
        }
        let armed = match frame.effects.last() {
            Some(Effect::Step { effect, key, .. }) if *key == call.key => Some(*effect),
            Some(Effect::Step { .. } | Effect::Child { .. } | Effect::Resource(_) | Effect::Lanes(_)) | None => None,
        };
        let effect = armed.unwrap_or(self.control.next_effect);
        if armed.is_none() {
            self.control.next_effect += 1;
            self.oracle.keep_step(no, effect);
            if let Some(frame) = self.control.frame_mut(no) {
                let (key, since) = (call.key, call.since);
                frame.effects.push(Effect::Step { effect, node, key, since, known: false });
            }
        }
        let Some(result) = result else { return };
        self.oracle.keep_result(effect, result);
        if let Some(Effect::Step { known, .. }) = self.control.frame_mut(no).and_then(|f| f.effects.last_mut()) {
            *known = true;
        }
    }

    /// The state of a resource.
    pub(super) fn state_of(&self, resource: u32) -> Option<StateId> {
        self.control.resources.get(resource as usize)?.state
    }

    /// Moves a resource; past a point of no return nobody undoes the state it reaches.
    pub(super) fn set_state(&mut self, no: u32, at: u32, state: StateId) {
        let past = self.control.past_return(no);
        let Some(resource) = self.control.resources.get_mut(at as usize) else { return };
        if resource.state == Some(state) {
            return;
        }
        resource.state = Some(state);
        (resource.last, resource.reached) = (past, no);
        if let Some((timer, _)) = resource.expiry.take() {
            self.emit(Output::Disarm { timer });
        }
        self.arm_expiry(at, state);
    }

    /// Arms the end of a state that ends by itself.
    pub(super) fn arm_expiry(&mut self, at: u32, state: StateId) {
        let ty = self.control.resources.get(at as usize).map(|resource| resource.ty);
        let Some(def) = ty.and_then(|ty| self.bundle.resource(ty)).and_then(|def| def.states.get(state.index())) else {
            return;
        };
        let Some(due) = def.expires.as_ref().and_then(|expiry| self.oracle.instant_of(at, expiry.field)) else {
            return;
        };
        let timer = self.control.next_timer;
        self.control.next_timer += 1;
        if let Some(resource) = self.control.resources.get_mut(at as usize) {
            resource.expiry = Some((timer, due));
            self.emit(Output::Arm { timer, due });
        }
    }

    /// A state ends by itself, unless a call is out whose answer will tell.
    pub(super) fn expire(&mut self, timer: u32) {
        let expired = |resource: &&mut super::Resource| resource.expiry.is_some_and(|(no, _)| no == timer);
        let Some(resource) = self.control.resources.iter_mut().find(expired) else { return };
        resource.expiry = None;
        let def = self.bundle.resource(resource.ty);
        let state = resource.state.and_then(|state| def?.states.get(state.index()));
        if let Some(expiry) = state.and_then(|state| state.expires.as_ref())
            && !resource.busy
        {
            resource.state = Some(expiry.into);
        }
    }
}
