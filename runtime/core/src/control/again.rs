//! Waits that are looked at again: what they wait for depends on a `var` that a `meanwhile` has assigned.
use flowline_plan::{Code, Instr, NodeKind, ScopeId, Slot, Value};

use super::{At, Machine, Oracle, Timer, TimerFor, WaitFor};
use crate::{Incident, Output};

impl<O: Oracle> Machine<'_, O> {
    /// A `meanwhile` of a body has ended: looks again at the waits inside the body that see what it assigned.
    pub(super) fn look_again_after(&mut self, body: u32, meanwhile: ScopeId) {
        let assigned = self.assigned_outside(meanwhile);
        if assigned.is_empty() {
            return;
        }
        let parked = self.control.frames.iter().filter(|frame| frame.at == At::Parked && frame.stop.is_none());
        let inside = parked.filter(|frame| self.control.outward(frame.no).any(|outer| outer.no == body));
        let inside: Vec<u32> = inside.map(|frame| frame.no).collect();
        for no in inside {
            self.look_again(no, Some(&assigned));
        }
    }

    /// Looks again at the waits of a parked frame, or only at those that see one of these slots.
    pub(super) fn look_again(&mut self, no: u32, assigned: Option<&[Slot]>) {
        if let Err(incident) = self.try_look_again(no, assigned) {
            self.park(no, incident);
        }
    }

    fn try_look_again(&mut self, no: u32, assigned: Option<&[Slot]>) -> Result<(), Incident> {
        let sees = |code: &Code| assigned.is_none_or(|slots| sees_any(code, slots));
        let Some(frame) = self.control.frame(no).filter(|frame| frame.closing.is_empty()) else { return Ok(()) };
        let (waits, timers) = (frame.waits.clone(), frame.timers.clone());
        let pc = frame.pc;
        let Some(node) = pc.map(|pc| self.node(pc)).transpose()? else { return Ok(()) };
        if let NodeKind::Await(awaited) = &node.kind {
            for wait in waits {
                let WaitFor::Arm(at) = wait.what else { continue };
                // A fresh wait takes only what comes after it was armed: it keeps its place.
                let Some(arm) = awaited.events.get(usize::from(at)).filter(|arm| !arm.fresh) else { continue };
                if sees(&arm.value) || arm.condition.as_ref().is_some_and(sees) {
                    let value = self.oracle.eval(no, &arm.value)?;
                    let number = self.renumber_wait(no, wait.no);
                    self.emit(Output::Withdraw { wait: wait.no, reply: false });
                    let (event, key) = (arm.event, arm.key);
                    self.emit(Output::Register { wait: number, event, key, value, fresh: false });
                }
            }
            for timer in &timers {
                let TimerFor::Arm(at) = timer.what else { continue };
                if let Some(arm) = awaited.timers.get(usize::from(at)).filter(|arm| sees(&arm.due)) {
                    self.look_again_at_timer(no, timer, &arm.due)?;
                }
            }
        }
        if let NodeKind::Wait { due } = &node.kind
            && sees(due)
        {
            for timer in timers.iter().filter(|timer| timer.what == TimerFor::Wait) {
                self.look_again_at_timer(no, timer, due)?;
            }
        }
        Ok(())
    }

    fn renumber_wait(&mut self, no: u32, old: u32) -> u32 {
        let number = self.control.next_wait;
        self.control.next_wait += 1;
        let waits = self.control.frame_mut(no).map(|frame| frame.waits.iter_mut());
        if let Some(wait) = waits.and_then(|mut waits| waits.find(|wait| wait.no == old)) {
            wait.no = number;
        }
        number
    }

    /// An instant may have moved; a duration goes on from where it began.
    fn look_again_at_timer(&mut self, no: u32, timer: &Timer, due: &Code) -> Result<(), Incident> {
        let Value::Instant(at) = self.oracle.eval(no, due)? else { return Ok(()) };
        let at = at.max(self.now);
        if at != timer.due {
            if let Some(frame) = self.control.frame_mut(no) {
                frame.timers.retain(|known| known.no != timer.no);
            }
            self.emit(Output::Disarm { timer: timer.no });
            self.arm_timer(no, timer.what, at);
        }
        Ok(())
    }

    /// The slots outside a scope that it assigns.
    fn assigned_outside(&self, scope: ScopeId) -> Vec<Slot> {
        let within = |inner: ScopeId| {
            std::iter::successors(Some(inner), |at| self.scope(*at)?.parent).any(|outer| outer == scope)
        };
        let assigned = self.plan.nodes.iter().filter_map(|node| {
            let NodeKind::Let { slot, .. } = &node.kind else { return None };
            (within(node.scope) && !within(slot.scope)).then_some(*slot)
        });
        assigned.collect()
    }
}

fn sees_any(code: &Code, slots: &[Slot]) -> bool {
    code.ops.iter().any(|op| if let Instr::Slot(slot) = op { slots.contains(slot) } else { false })
}
