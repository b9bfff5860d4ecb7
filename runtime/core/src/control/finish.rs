//! The good ends: of a scope, and of the run.
use flowline_plan::{Code, NodeKind, ScopeKind, Value};

use super::{At, Away, Cause, Effect, Frame, Machine, Oracle, machine::internal};
use crate::{Ending, Incident, Output};

impl<O: Oracle> Machine<'_, O> {
    /// A frame has come to its end: what it holds goes to the scope around it.
    pub(super) fn complete(&mut self, no: u32) -> Result<(), Incident> {
        self.completed(no, false)
    }

    /// A frame has ended with `give`: the value of a round is that of the whole `repeat`, whatever its condition says.
    pub(super) fn complete_given(&mut self, no: u32) -> Result<(), Incident> {
        self.completed(no, true)
    }

    fn completed(&mut self, no: u32, given: bool) -> Result<(), Incident> {
        let Some(frame) = self.control.frame_mut(no) else { return Ok(()) };
        if let Some(guard) = &mut frame.guard
            && (guard.held_by.is_some() || !guard.queue.is_empty())
        {
            // What came too late is answered before the attempt is left.
            guard.done = true;
            return Ok(());
        }
        let Some(frame) = self.control.frame(no) else { return Ok(()) };
        let kind = self.kind(frame);
        let Some(parent) = frame.parent else {
            let value = self.oracle.given(no);
            self.end(Ending::Completed { value });
            return Ok(());
        };
        let again = match kind {
            ScopeKind::Round if given => Some(Round::Until),
            ScopeKind::Round => Some(self.round_again(no, parent)?),
            ScopeKind::Flow
            | ScopeKind::Attempt
            | ScopeKind::Handler
            | ScopeKind::TooLate
            | ScopeKind::Meanwhile
            | ScopeKind::Branch
            | ScopeKind::Element => None,
        };
        let value = self.oracle.given(no);
        if kind == ScopeKind::Element {
            self.oracle.collect(parent, frame_iteration(self.control.frame(no)), value.clone());
        }
        if kind == ScopeKind::Branch
            && let NodeKind::Parallel { results, .. } = &self.node_at(parent)?.kind
            && let Some(Some(slot)) = results.get(frame_iteration(self.control.frame(no)) as usize)
        {
            let slot = *slot;
            self.oracle.bind(parent, slot, value.clone())?;
        }
        let Some(frame) = self.remove(no) else { return Ok(()) };
        self.oracle.leave(no);
        for resource in self.control.resources.iter_mut().filter(|resource| resource.reached == no) {
            resource.reached = parent;
        }
        match kind {
            ScopeKind::Attempt | ScopeKind::Handler => {
                self.hand_over(parent, frame.effects);
                self.go_on_with(parent, value)?;
            }
            ScopeKind::Branch | ScopeKind::Element => self.join(parent, frame.effects)?,
            ScopeKind::Round => {
                self.hand_over(parent, frame.effects);
                match again {
                    Some(Round::Until) | None => self.go_on_with(parent, value)?,
                    Some(Round::Again(scope)) if !self.stopping(parent) => {
                        self.enter(scope, Some(parent), frame.iteration + 1);
                    }
                    Some(Round::Exhausted) if !self.stopping(parent) => {
                        self.set_at(parent, At::Ready);
                        self.raise(parent, Cause::Exhausted)?;
                    }
                    Some(Round::Again(_) | Round::Exhausted) => self.try_stop(parent),
                }
            }
            ScopeKind::Meanwhile | ScopeKind::TooLate => {
                let outside = self.control.frame(parent).and_then(|body| body.parent);
                self.hand_over(outside.unwrap_or(parent), frame.effects);
                if let Some(guard) = self.control.frame_mut(parent).and_then(|body| body.guard.as_mut()) {
                    guard.held_by = None;
                }
                self.look_again_after(parent, frame.scope);
                self.wake_all_ready();
                if self.stopping(parent) {
                    self.try_stop(parent);
                }
            }
            ScopeKind::Flow => return Err(internal("a flow inside a flow")),
        }
        Ok(())
    }

    /// On success a scope hands its undo rows and resources to its parent; past a point of no return they are dropped.
    fn hand_over(&mut self, to: u32, effects: Vec<Effect>) {
        let Some(frame) = self.control.frame(to) else { return };
        if frame.ponr {
            self.forget(effects);
            return;
        }
        let kept: Vec<Effect> = effects.into_iter().filter(|effect| !self.is_last(to, effect)).collect();
        if let Some(frame) = self.control.frame_mut(to) {
            frame.effects.extend(kept);
        }
    }

    /// Whether an effect is nothing that the frame could ever let go.
    fn is_last(&self, to: u32, effect: &Effect) -> bool {
        match effect {
            Effect::Resource(at) => {
                let resource = self.control.resources.get(*at as usize);
                resource
                    .is_none_or(|r| r.state.is_none() || r.away == Some(Away::Gone) || !self.control.may_undo(to, r))
            }
            Effect::Step { .. } | Effect::Child { .. } | Effect::Lanes(_) => false,
        }
    }

    /// The node inside which a scope ran is done.
    fn go_on_with(&mut self, no: u32, value: Value) -> Result<(), Incident> {
        let node = self.node_at(no)?;
        let (next, slot) = (
            node.next,
            if let NodeKind::Attempt { result, .. } | NodeKind::Repeat { result, .. } = &node.kind {
                *result
            } else {
                None
            },
        );
        if let Some(slot) = slot {
            self.oracle.bind(no, slot, value)?;
        }
        if self.stopping(no) {
            self.wake(no)
        } else {
            self.go(no, next)
        }
        Ok(())
    }

    /// One branch or element is done.
    fn join(&mut self, no: u32, effects: Vec<Effect>) -> Result<(), Incident> {
        let kept: Vec<Effect> = effects.into_iter().filter(|effect| !self.is_last(no, effect)).collect();
        let Some(frame) = self.control.frame_mut(no) else { return Ok(()) };
        let At::Joining { open, lanes } = &mut frame.at else { return Ok(()) };
        *open = open.saturating_sub(1);
        let open = *open;
        if !kept.is_empty() {
            lanes.push(kept);
        }
        if self.stopping(no) {
            self.try_stop(no);
            return Ok(());
        }
        if open > 0 {
            let queued = self.control.children(no).find(|child| child.at == At::Queued).map(|child| child.no);
            if let Some(queued) = queued {
                self.wake(queued);
            }
            return Ok(());
        }
        let Some(frame) = self.control.frame_mut(no) else { return Ok(()) };
        let At::Joining { lanes, .. } = std::mem::replace(&mut frame.at, At::Ready) else { return Ok(()) };
        if !lanes.is_empty() {
            self.hand_over(no, vec![Effect::Lanes(lanes)]);
        }
        let node = self.node_at(no)?;
        let next = node.next;
        if let NodeKind::Each(each) = &node.kind
            && let Some(slot) = each.result
        {
            let value = self.oracle.collected(no);
            self.oracle.bind(no, slot, value)?;
        }
        self.go(no, next);
        Ok(())
    }

    /// What follows a round, decided while its slots are still there.
    fn round_again(&mut self, no: u32, parent: u32) -> Result<Round, Incident> {
        let pc =
            self.control.frame(parent).and_then(|frame| frame.pc).ok_or_else(|| internal("a round of no `repeat`"))?;
        let NodeKind::Repeat { body, until, .. } = &self.node(pc)?.kind else {
            return Err(internal("a round of no `repeat`"));
        };
        if self.oracle.guard(no, pc, 0, until)? {
            return Ok(Round::Until);
        }
        let max = match self.control.frame(parent).map(|frame| &frame.at) {
            Some(At::Rounds { max }) => *max,
            _ => 0,
        };
        let round = frame_iteration(self.control.frame(no));
        Ok(if round + 1 < max { Round::Again(*body) } else { Round::Exhausted })
    }

    /// `stop`: the run ends well, once what came too late to any attempt around it has been answered.
    pub(super) fn stop(
        &mut self,
        no: u32,
        outcome: &str,
        status: Option<&Code>,
        value: Option<&Code>,
    ) -> Result<(), Incident> {
        let mut inner = None;
        let busy = self.control.outward(no).any(|frame| {
            // What runs beside a body doesn't wait for itself.
            let within = inner.replace(frame.no);
            let guard = frame.guard.as_ref().filter(|guard| guard.held_by.is_none() || guard.held_by != within);
            guard.is_some_and(|guard| guard.held_by.is_some() || !guard.queue.is_empty())
        });
        if busy {
            return Ok(());
        }
        if let Some(code) = status {
            let value = self.oracle.eval(no, code)?;
            self.oracle.status(&value, None);
            self.look_at_promises();
            self.emit(Output::Status { value, part: None });
        }
        let value = value.map_or(Ok(Value::None), |code| self.oracle.eval(no, code))?;
        self.end(Ending::Stopped { outcome: outcome.to_owned(), value });
        Ok(())
    }

    /// The root was left: everything is settled.
    pub(super) fn end_by(&mut self, cause: Cause) {
        match cause {
            Cause::Error(error) => self.end(Ending::Failed(error)),
            Cause::Settle | Cause::Deadline(_) | Cause::Exhausted | Cause::Event { .. } | Cause::After { .. } => {
                self.end(Ending::Settled);
            }
        }
    }

    fn end(&mut self, ending: Ending) {
        let frames: Vec<u32> = self.control.frames.iter().rev().map(|frame| frame.no).collect();
        // Where the flow itself was left, its frame is gone, and this was done before.
        if !frames.is_empty() {
            self.oracle.keep_for_late(&self.plan.late.sees);
        }
        self.disarm_promises(|_| true);
        for no in frames {
            if let Some(frame) = self.remove(no) {
                self.forget(frame.effects);
            }
            self.oracle.leave(no);
        }
        let expiries: Vec<u32> =
            self.control.resources.iter_mut().filter_map(|resource| Some(resource.expiry.take()?.0)).collect();
        for timer in expiries {
            self.emit(Output::Disarm { timer });
        }
        self.control.ended = true;
        self.emit(Output::Ended(ending));
        self.wait_for_late();
    }
}

/// What follows a round of a `repeat`.
#[derive(Debug)]
enum Round {
    Until,
    Again(flowline_plan::ScopeId),
    Exhausted,
}

fn frame_iteration(frame: Option<&Frame>) -> u32 {
    frame.map_or(0, |frame| frame.iteration)
}
