//! Leaving scopes: who catches, who stops, in which order.
use flowline_plan::{Catch, Handler, NodeKind, ScopeKind, Slot, Trigger, Value};

use super::{At, CallFor, Cause, Effect, Frame, Machine, Oracle, Stop, machine::internal};
use crate::{Incident, Output};

impl<O: Oracle> Machine<'_, O> {
    /// Raises a cause in a frame: it goes to the nearest attempt outward that catches it. The first cause wins.
    pub(super) fn raise(&mut self, no: u32, cause: Cause) -> Result<(), Incident> {
        if self.stopping(no) {
            self.try_stop(no);
            return Ok(());
        }
        let mut target = no;
        let mut inner: Option<&Frame> = None;
        for frame in self.control.outward(no) {
            target = frame.no;
            // A `meanwhile` lies outside the attempt in whose body's frame it runs.
            let from_outside =
                inner.is_some_and(|inner| matches!(self.kind(inner), ScopeKind::Meanwhile | ScopeKind::TooLate));
            if !from_outside && self.catches(frame, &cause) {
                break;
            }
            if frame.ponr && !from_outside {
                return Err(internal("an error leaves a scope past its point of no return"));
            }
            inner = Some(frame);
        }
        // A `too late` lets nobody stop it but itself.
        let path = self.control.outward(no).take_while(|frame| frame.no != target);
        let late: Vec<u32> =
            path.filter(|frame| self.kind(frame) == ScopeKind::TooLate).map(|frame| frame.no).collect();
        let stops = late.into_iter().flat_map(|late| std::iter::once(late).chain(self.stoppable_within(late)));
        let stops: Vec<u32> = stops.collect();
        self.mark_stopping(&stops);
        self.leave(target, cause);
        for no in stops.iter().rev() {
            self.try_stop(*no);
        }
        Ok(())
    }

    fn mark_stopping(&mut self, frames: &[u32]) {
        for no in frames {
            if let Some(frame) = self.control.frame_mut(*no) {
                frame.stop.get_or_insert(Stop::Outer);
            }
        }
    }

    /// Whether a frame is the body of an attempt that catches the cause.
    fn catches(&self, frame: &Frame, cause: &Cause) -> bool {
        self.attempt_of(frame).is_some_and(|_| self.kind(frame) == ScopeKind::Attempt)
            && self.catcher(frame, cause).is_some()
    }

    /// The handler of a body's attempt that takes the cause.
    pub(super) fn catcher(&self, body: &Frame, cause: &Cause) -> Option<&Handler> {
        let NodeKind::Attempt { handlers, .. } = &self.attempt_of(body)?.kind else { return None };
        match cause {
            Cause::Event { handler, .. } | Cause::After { handler } => handlers.get(usize::from(*handler)),
            Cause::Error(_) | Cause::Deadline(_) | Cause::Exhausted => {
                handlers.iter().find(|handler| match &handler.trigger {
                    Trigger::Errors(catches) => catches.iter().any(|catch| fits(catch, cause)),
                    Trigger::Event { .. } | Trigger::After(_) => false,
                })
            }
            Cause::Settle => None,
        }
    }

    /// Leaves a scope: everything in it stops at its next step boundary and is settled, inner scopes first.
    pub(super) fn leave(&mut self, target: u32, cause: Cause) {
        let Some(frame) = self.control.frame_mut(target) else { return };
        // The first cause wins.
        frame.stop.get_or_insert(Stop::Leave(cause));
        let inside = self.stoppable_within(target);
        self.mark_stopping(&inside);
        // Inner frames have higher numbers: they stop first.
        for no in inside.iter().rev() {
            self.try_stop(*no);
        }
        self.try_stop(target);
    }

    /// The frames inside another, without those past their own point of no return and what is in them: these go
    /// forward to their end first.
    fn stoppable_within(&self, target: u32) -> Vec<u32> {
        let all = self.control.frames.iter().map(|frame| frame.no);
        all.filter(|no| self.stoppable(target, *no)).collect()
    }

    /// Whether a frame lies inside the target and stops with it.
    pub(super) fn stoppable(&self, target: u32, no: u32) -> bool {
        let mut outside_of_body = false;
        for frame in self.control.outward(no) {
            if frame.no == target {
                return no != target;
            }
            if frame.ponr && !outside_of_body {
                return false;
            }
            // A `meanwhile` isn't bound by the point of no return of the body beside which it runs. A `too late` answers
            // an event that was taken: it goes forward with the body.
            outside_of_body = self.kind(frame) == ScopeKind::Meanwhile;
        }
        false
    }

    /// Whether no `meanwhile` may begin beside a body any more: a scope around it is being left, though the body itself
    /// may go forward to its end.
    pub(super) fn is_over_beside(&self, body: u32) -> bool {
        let mut outside_of_body = true;
        for frame in self.control.outward(body) {
            if frame.stop.is_some() {
                return true;
            }
            if frame.ponr && !outside_of_body {
                return false;
            }
            outside_of_body = self.kind(frame) == ScopeKind::Meanwhile;
        }
        false
    }

    /// Ends the run early and settles what it holds.
    pub(super) fn settle_all(&mut self) {
        let Some(root) = self.control.frames.first() else { return };
        if !root.ponr {
            self.leave(root.no, Cause::Settle);
        }
    }

    /// Stops a frame if it stands at a step boundary; then it settles what it opened.
    pub(super) fn try_stop(&mut self, no: u32) {
        let Some(frame) = self.control.frame(no) else { return };
        if frame.stop.is_none() {
            return;
        }
        match &frame.at {
            At::Ready | At::Queued | At::Parked => {}
            At::Incident(_) => {
                // Settling that is parked goes on where it was, by a retry.
                let settling = frame.call.as_ref().is_some_and(|call| call.what != CallFor::Step);
                if settling || self.must_know(no) {
                    return;
                }
            }
            At::Calling | At::ChildSettling(_) | At::ChildUndoing(_) | At::Settling | At::Lanes => return,
            At::Backoff => {
                if self.must_know(no) {
                    return;
                }
            }
            At::Inside | At::Joining { .. } | At::Rounds { .. } => {
                if self.control.children(no).next().is_some() {
                    return;
                }
            }
            At::Child(child) => {
                let child = *child;
                self.emit(Output::SettleChild { child });
                self.set_at(no, At::ChildSettling(child));
                return;
            }
        }
        // A `meanwhile` runs in a frame inside this one; it stops like everything else.
        if self.control.children(no).next().is_some() {
            return;
        }
        self.end_call(no);
        self.clear_waits(no);
        self.clear_timers(no);
        let Some(frame) = self.control.frame_mut(no) else { return };
        match std::mem::replace(&mut frame.at, At::Settling) {
            At::Joining { lanes, .. } => frame.effects.push(Effect::Lanes(lanes)),
            At::Incident(_) => self.emit(Output::IncidentGone { frame: no }),
            At::Ready
            | At::Calling
            | At::Backoff
            | At::Parked
            | At::Inside
            | At::Rounds { .. }
            | At::Queued
            | At::Child(_)
            | At::ChildSettling(_)
            | At::ChildUndoing(_)
            | At::Settling
            | At::Lanes => {}
        }
        self.set_apart(no);
        self.settle_next(no);
    }

    /// A frame has stopped and let go of everything: the cause goes to its handler, or the scope around it goes on
    /// stopping.
    pub(super) fn gone(&mut self, no: u32) {
        let Some(frame) = self.control.frame(no) else { return };
        let handler = match &frame.stop {
            Some(Stop::Leave(cause)) => self.catcher(frame, cause).cloned(),
            Some(Stop::Outer) | None => None,
        };
        if frame.parent.is_some_and(|parent| self.stopping(parent)) && self.take_back(no) {
            return self.settle_next(no);
        }
        let kept = match self.kept_values(no, handler.as_ref().map_or(&[], |handler| &handler.keeping)) {
            Ok(kept) => kept,
            Err(incident) => return self.park(no, incident),
        };
        let Some(mut frame) = self.remove(no) else { return };
        if frame.parent.is_none() {
            self.oracle.keep_for_late(&self.plan.late.sees);
        }
        self.oracle.leave(no);
        if let Some(guard) = frame.parent.and_then(|body| self.control.frame_mut(body)?.guard.as_mut())
            && guard.held_by == Some(no)
        {
            guard.held_by = None;
            self.wake_all_ready();
        }
        let Some(parent) = frame.parent else {
            if let Some(Stop::Leave(cause)) = frame.stop {
                self.end_by(cause);
            }
            return;
        };
        if self.control.frame(parent).is_some_and(|parent| parent.at == At::Lanes) {
            if self.control.children(parent).next().is_none() {
                self.set_at(parent, At::Settling);
                self.settle_next(parent);
            }
        } else if self.stopping(parent) {
            self.try_stop(parent);
        } else if let (Some(handler), Some(Stop::Leave(cause))) = (handler, frame.stop) {
            let effects = frame.guard.take().map(|guard| guard.kept).unwrap_or_default();
            self.run_handler(parent, &handler, cause, effects, kept);
        }
    }

    fn run_handler(
        &mut self,
        parent: u32,
        handler: &Handler,
        cause: Cause,
        effects: Vec<Effect>,
        kept: Vec<(Slot, Value)>,
    ) {
        let no = self.enter(handler.scope, Some(parent), 0);
        if let Some(frame) = self.control.frame_mut(no) {
            frame.effects = effects;
        }
        let (slot, value) = match (cause, &handler.trigger) {
            (Cause::Error(error), Trigger::Errors(_)) => (handler.bind, Value::Error(error.into())),
            (Cause::Event { value, .. }, Trigger::Event { arm, .. }) => (arm.bind, value),
            (
                Cause::Error(_)
                | Cause::Event { .. }
                | Cause::Deadline(_)
                | Cause::Exhausted
                | Cause::After { .. }
                | Cause::Settle,
                Trigger::Errors(_) | Trigger::Event { .. } | Trigger::After(_),
            ) => (None, Value::None),
        };
        for (slot, value) in slot.map(|slot| (slot, value)).into_iter().chain(kept) {
            if let Err(incident) = self.oracle.bind(no, slot, value) {
                self.park(no, incident);
            }
        }
    }
}

fn fits(catch: &Catch, cause: &Cause) -> bool {
    match (catch, cause) {
        (Catch::Error(wanted), Cause::Error(error)) => *wanted == error.error,
        (Catch::Deadline(None), Cause::Deadline(_)) | (Catch::Exhausted, Cause::Exhausted) => true,
        (Catch::Deadline(Some(wanted)), Cause::Deadline(name)) => name.as_ref() == Some(wanted),
        (
            Catch::Error(_) | Catch::Deadline(_) | Catch::Exhausted,
            Cause::Error(_)
            | Cause::Deadline(_)
            | Cause::Exhausted
            | Cause::Event { .. }
            | Cause::After { .. }
            | Cause::Settle,
        ) => false,
    }
}
