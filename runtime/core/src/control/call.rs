//! Calls to systems: one idempotency key, several attempts.
use flowline_plan::{CallNode, Node, NodeKind, OpClass, OpDef, OpRef, ResourceUse, RetryPolicy, StateId, Value};

use super::{
    At, CallFor, Effect, Machine, Oracle, PendingCall, Resource, TimerFor,
    machine::{ALARM_AFTER_MS, internal},
};
use crate::{Call, CallKey, Incident, Output, ResourceView};

impl<O: Oracle> Machine<'_, O> {
    /// Starts the call of a node.
    pub(super) fn start_step(&mut self, no: u32, node: &Node, call: &CallNode) -> Result<(), Incident> {
        let args = self.oracle.prepare(no, &call.args)?;
        let key = self.step_key(no, node);
        self.start_call(no, CallFor::Step, call.op, key, args)?;
        self.set_at(no, At::Calling);
        Ok(())
    }

    /// Checks the resources among the arguments, mints the one that the call opens, and makes the first attempt.
    pub(super) fn start_call(
        &mut self,
        no: u32,
        what: CallFor,
        op: OpRef,
        key: CallKey,
        args: Vec<Value>,
    ) -> Result<(), Incident> {
        let def = self.op(op)?;
        let resources = self.resources_of(op, def, &args)?;
        for (_, resource, _) in &resources {
            if let Some(resource) = self.control.resources.get_mut(*resource as usize) {
                resource.busy = true;
            }
        }
        let opens = match (&def.opens, what) {
            (Some(opens), CallFor::Step) => {
                let at = u32::try_from(self.control.resources.len()).map_err(|_| internal("too many resources"))?;
                self.control.resources.push(Resource { busy: true, ..Resource::new(opens.resource, no) });
                self.oracle.mint(at, opens.resource, key.to_string());
                Some(at)
            }
            (Some(_) | None, _) => None,
        };
        let number = self.control.next_call;
        self.control.next_call += 1;
        // A step that is repeated was made before, and what came of it isn't known.
        let repeated_since = match (what, self.control.frame(no).and_then(|frame| frame.effects.last())) {
            (CallFor::Repeat { .. }, Some(Effect::Step { since, .. })) => Some(*since),
            (CallFor::Repeat { .. } | CallFor::Step | CallFor::Abandon { .. } | CallFor::Undo { .. }, _) => None,
        };
        let pending = PendingCall {
            no: number,
            what,
            op,
            attempt: 1,
            key,
            doubt: repeated_since.is_some(),
            resources,
            opens,
            since: repeated_since.unwrap_or(self.now),
            sent_at: self.now,
            alarmed: false,
        };
        if let Some(frame) = self.control.frame_mut(no) {
            frame.call = Some(Box::new(pending.clone()));
        }
        if let Some(refused) = self.would_double(no) {
            return Err(refused);
        }
        self.send(&pending, def, no, args);
        Ok(())
    }

    /// Parameter, resource and present state of each resource among the arguments.
    fn resources_of(&self, op: OpRef, def: &OpDef, args: &[Value]) -> Result<Vec<(u16, u32, StateId)>, Incident> {
        let mut found = Vec::new();
        for ((at, param), arg) in (0u16..).zip(&def.params).zip(args) {
            let (Some(ResourceUse { from, .. }), Value::Resource(resource)) = (&param.resource, arg) else { continue };
            found.push((at, *resource, self.taken_in(*resource, from, || self.bundle.op_name(op))?));
        }
        Ok(found)
    }

    /// The state of a resource, which must be one of these.
    pub(super) fn taken_in(
        &self,
        resource: u32,
        from: &[StateId],
        who: impl FnOnce() -> String,
    ) -> Result<StateId, Incident> {
        let known = self.control.resources.get(resource as usize);
        // What another run has isn't in any state here.
        let state = known.filter(|known| known.away.is_none()).and_then(|known| known.state);
        state.filter(|state| from.contains(state)).ok_or_else(|| self.wrong_state(who(), resource, state))
    }

    fn wrong_state(&self, op: String, resource: u32, state: Option<StateId>) -> Incident {
        let ty = self.control.resources.get(resource as usize).map(|resource| resource.ty);
        let named = ty.and_then(|ty| Some((self.bundle.ty(ty)?.short_name(), self.bundle.resource(ty)?)));
        let (name, def) = named.map_or(("a resource", None), |(name, def)| (name, Some(def)));
        let state = state.and_then(|state| Some(def?.states.get(state.index())?.name.as_str())).unwrap_or("not open");
        Incident::ResourceState { op, resource: name.to_owned(), state: state.to_owned() }
    }

    /// Hands one attempt to the shell.
    fn send(&mut self, call: &PendingCall, def: &OpDef, no: u32, args: Vec<Value>) {
        let resources = views(self.oracle, &args);
        let opens = call.opens.and_then(|resource| self.oracle.view(resource).fields.first().cloned());
        let timeout_ms = self.call_node(no, call.what).and_then(|node| node.timeout_ms).unwrap_or(def.timeout_ms);
        self.emit(Output::Call(Box::new(Call {
            call: call.no,
            attempt: call.attempt,
            op: call.op,
            key: call.key,
            args,
            opens,
            resources,
            timeout_ms,
            at: self.now,
        })));
    }

    /// Why a call may not be made once more by itself: it may have taken effect, and the system would take it for
    /// another one by now. Pauses are short, but nobody works while the engine is down.
    pub(super) fn would_double(&self, no: u32) -> Option<Incident> {
        let call = self.control.frame(no)?.call.as_ref()?;
        // Calls that let go of something are harmless a second time.
        let acts = matches!(call.what, CallFor::Step | CallFor::Repeat { .. });
        let said = "not repeated: its idempotency key is no longer kept; answer it by hand or settle the run";
        let refused = || Incident::Refused { op: self.bundle.op_name(call.op), said: said.to_owned() };
        (acts && call.doubt && !self.key_kept(call)).then(refused)
    }

    /// Why a call that is parked may not be made once more.
    pub(super) fn retry_refused(&self, no: u32) -> Option<Incident> {
        let double = self.would_double(no);
        if double.is_some() {
            return double;
        }
        let call = self.control.frame(no)?.call.as_ref().filter(|call| call.what == CallFor::Step)?;
        let expired = call.resources.iter().any(|(_, resource, _)| {
            let known = self.control.resources.get(*resource as usize);
            let state = known.and_then(|r| self.bundle.resource(r.ty)?.states.get(r.state?.index()));
            let ends = state.and_then(|state| state.expires.as_ref());
            ends.and_then(|ends| self.oracle.instant_of(*resource, ends.field)).is_some_and(|at| at <= self.now)
        });
        let said = "not repeated: its resource has expired; answer it by hand or settle the run";
        expired.then(|| Incident::Refused { op: self.bundle.op_name(call.op), said: said.to_owned() })
    }

    /// The next attempt of a frame's call.
    pub(super) fn attempt_again(&mut self, no: u32) {
        let Some(mut call) = self.control.frame_mut(no).and_then(|frame| frame.call.take()) else { return };
        let Ok(def) = self.op(call.op) else { return };
        call.attempt += 1;
        call.sent_at = self.now;
        let args = self.oracle.call_args(no);
        self.send(&call, def, no, args);
        let at = if call.what == CallFor::Step { At::Calling } else { At::Settling };
        if let Some(frame) = self.control.frame_mut(no) {
            frame.call = Some(call);
            frame.at = at;
        }
    }

    /// Arms the next attempt, or parks the frame when there is none left.
    pub(super) fn back_off(&mut self, no: u32, said: &str) {
        let Some(call) = self.control.frame(no).and_then(|frame| frame.call.clone()) else { return };
        let Ok(def) = self.op(call.op) else { return };
        let settling = call.what != CallFor::Step;
        let policy = self.call_node(no, call.what).and_then(|node| node.retry).unwrap_or(def.retry);
        let endless = settling || def.retriable;
        let used_up = policy.retries_max.is_some_and(|max| call.attempt > max);
        if used_up && !endless {
            if let Some(value) = self.bundle.fallback(call.op).cloned() {
                return self.fall_back(no, &call, said, &value);
            }
            let op = self.bundle.op_name(call.op);
            self.park(no, Incident::RetriesUsedUp { op, attempts: call.attempt, last: said.to_owned() });
            return;
        }
        if endless && !call.alarmed && self.now - call.since >= ALARM_AFTER_MS {
            let op = self.bundle.op_name(call.op);
            self.emit(Output::Alarm { frame: no, op, attempts: call.attempt, last: said.to_owned() });
            if let Some(call) = self.control.frame_mut(no).and_then(|frame| frame.call.as_mut()) {
                call.alarmed = true;
            }
        }
        self.arm_timer(no, TimerFor::Retry, self.now + pause_ms(policy, call.key, call.attempt));
        if !settling {
            self.set_at(no, At::Backoff);
        }
    }

    /// What the contract gives for the case that the system is down counts as the answer.
    fn fall_back(&mut self, no: u32, call: &PendingCall, said: &str, value: &Value) {
        let (op, attempts, last) = (call.op, call.attempt, said.to_owned());
        self.emit(Output::Fallback { call: call.no, op, attempts, last, value: value.clone() });
        if let Err(incident) = self.done(no, value) {
            self.park(no, incident);
        }
    }

    /// Whether the system still knows the key of a call.
    pub(super) fn key_kept(&self, call: &PendingCall) -> bool {
        let key = self.op(call.op).ok().and_then(|def| def.idempotency.as_ref());
        key.and_then(|key| key.kept_ms).is_none_or(|kept_ms| self.now - call.since < kept_ms)
    }

    /// A frame's call is over, whatever came of it.
    pub(super) fn end_call(&mut self, no: u32) -> Option<PendingCall> {
        let call = self.control.frame_mut(no)?.call.take()?;
        for resource in call.resources.iter().map(|(_, resource, _)| *resource).chain(call.opens) {
            let Some(known) = self.control.resources.get_mut(resource as usize) else { continue };
            known.busy = false;
            // A state that ended by itself while the call was out, and that the call left as it was.
            if let (Some(state), None) = (known.state, known.expiry) {
                self.arm_expiry(resource, state);
            }
        }
        self.oracle.call_over(no);
        Some(*call)
    }

    /// Whether the frame's call may not be left before its outcome is known: nothing could undo it, or no state says
    /// that it is in doubt.
    pub(super) fn must_know(&self, no: u32) -> bool {
        let Some(call) = self.control.frame(no).and_then(|frame| frame.call.as_ref()) else { return false };
        let Ok(def) = self.op(call.op) else { return false };
        let silent = |using: &ResourceUse| using.to.is_some() && using.doubt.is_none();
        call.what == CallFor::Step
            && call.doubt
            && (def.class == OpClass::Irreversible
                || def.opens.as_ref().is_some_and(|opens| opens.doubt.is_none())
                || def.params.iter().filter_map(|param| param.resource.as_ref()).any(silent))
    }

    /// The node of a step's call; none for calls of settling.
    pub(super) fn call_node(&self, no: u32, what: CallFor) -> Option<&CallNode> {
        if what != CallFor::Step {
            return None;
        }
        let Ok(Node { kind: NodeKind::Call(call), .. }) = self.node_at(no) else { return None };
        Some(call)
    }
}

/// How the resources among the arguments look to a system.
pub(super) fn views(oracle: &impl Oracle, args: &[Value]) -> Vec<ResourceView> {
    let resource = |arg: &Value| if let Value::Resource(resource) = arg { Some(oracle.view(*resource)) } else { None };
    args.iter().filter_map(resource).collect()
}

/// The pause before the next attempt: doubling, capped, and spread by a quarter either way. The spread is minted from
/// the key, so that a replay waits as long.
fn pause_ms(policy: RetryPolicy, key: CallKey, attempt: u32) -> i64 {
    let doubled =
        policy.first_ms.max(1).saturating_mul(1i64.checked_shl(attempt.saturating_sub(1).min(40)).unwrap_or(i64::MAX));
    let capped = doubled.min(policy.longest_ms.max(policy.first_ms)).max(1);
    let bits = u64::try_from((key.0 >> 32) & 0xffff_ffff)
        .unwrap_or(0)
        .wrapping_add(u64::from(attempt).wrapping_mul(0x9e37_79b9));
    let spread = i64::try_from(bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54).unwrap_or(0);
    (capped - capped / 4).saturating_add(capped / 2 * spread / 1024).max(1)
}
