//! Waits for events and time.
use flowline_plan::{EventArm, Handler, Meanwhile, MeanwhileKind, Node, NodeKind, Slot, TimerEnd, Trigger, Value};

use super::{
    At, Cause, Closing, Machine, Oracle, Queued, Timer, TimerFor, Wait, WaitFor, machine::internal, task::is_of_step,
};
use crate::{EventId, Incident, Output};

/// A wait to arm.
#[derive(Debug)]
pub(super) struct NewWait<'p> {
    pub(super) what: WaitFor,
    pub(super) arm: &'p EventArm,
    pub(super) value: Value,
}

/// A timer to arm.
#[derive(Debug)]
pub(super) struct NewTimer {
    pub(super) what: TimerFor,
    pub(super) due: i64,
}

impl<O: Oracle> Machine<'_, O> {
    /// Arms waits and timers of a frame.
    pub(super) fn arm(&mut self, no: u32, waits: Vec<NewWait<'_>>, timers: Vec<NewTimer>) {
        for timer in timers {
            self.arm_timer(no, timer.what, timer.due);
        }
        for wait in waits {
            let number = self.control.next_wait;
            self.control.next_wait += 1;
            if let Some(frame) = self.control.frame_mut(no) {
                frame.waits.push(Wait { no: number, what: wait.what, withdrawing: false });
            }
            let EventArm { event, key, fresh, .. } = wait.arm;
            self.emit(Output::Register { wait: number, event: *event, key: *key, value: wait.value, fresh: *fresh });
        }
    }

    /// Arms one timer of a frame.
    pub(super) fn arm_timer(&mut self, no: u32, what: TimerFor, due: i64) {
        let timer = self.control.next_timer;
        self.control.next_timer += 1;
        if let Some(frame) = self.control.frame_mut(no) {
            frame.timers.push(Timer { no: timer, due, what });
            self.emit(Output::Arm { timer, due });
        }
    }

    /// Withdraws what a frame waits for.
    pub(super) fn clear_waits(&mut self, no: u32) {
        self.clear_waits_for(no, |_| true);
        if let Some(frame) = self.control.frame_mut(no) {
            frame.closing.clear();
        }
    }

    /// Withdraws what the `await` waits for at which a frame stands; what its scope waits for stays.
    pub(super) fn clear_arms(&mut self, no: u32) {
        self.clear_waits_for(no, is_of_step);
        let Some(frame) = self.control.frame_mut(no) else { return };
        frame.closing.retain(|closing| !matches!(closing.what, TimerFor::Arm(_)));
        let (arms, rest) =
            std::mem::take(&mut frame.timers).into_iter().partition(|timer| matches!(timer.what, TimerFor::Arm(_)));
        let arms: Vec<Timer> = arms;
        frame.timers = rest;
        for timer in arms {
            self.emit(Output::Disarm { timer: timer.no });
        }
    }

    fn clear_waits_for(&mut self, no: u32, over: impl Fn(WaitFor) -> bool) {
        let Some(frame) = self.control.frame_mut(no) else { return };
        let (waits, rest): (Vec<Wait>, Vec<Wait>) =
            std::mem::take(&mut frame.waits).into_iter().partition(|wait| over(wait.what));
        frame.waits = rest;
        for wait in &waits {
            self.close_task(wait.no, None);
        }
        for wait in waits.iter().filter(|wait| !wait.withdrawing) {
            self.emit(Output::Withdraw { wait: wait.no, reply: false });
        }
        for wait in waits.iter().filter(|wait| wait.withdrawing) {
            self.closing_loses(wait.no);
        }
    }

    /// Disarms a frame's timers.
    pub(super) fn clear_timers(&mut self, no: u32) {
        let Some(frame) = self.control.frame_mut(no) else { return };
        for timer in std::mem::take(&mut frame.timers) {
            self.emit(Output::Disarm { timer: timer.no });
        }
    }

    /// A timer is due.
    pub(super) fn due(&mut self, timer: u32) {
        let of_frame = self.control.frames.iter_mut().find_map(|frame| {
            let at = frame.timers.iter().position(|t| t.no == timer)?;
            Some((frame.no, frame.timers.remove(at)))
        });
        let Some((no, timer)) = of_frame else {
            if !self.promise_due(timer) {
                self.expire(timer);
            }
            return;
        };
        match timer.what {
            TimerFor::Retry => match self.would_double(no) {
                Some(incident) => self.park(no, incident),
                None => self.attempt_again(no),
            },
            TimerFor::Wait => {
                let next = self.node_at(no).map(|node| node.next);
                match next {
                    Ok(next) => self.go(no, next),
                    Err(incident) => self.park(no, incident),
                }
            }
            TimerFor::Arm(_) => {
                let frame = self.control.frame(no);
                let arms = frame.into_iter().flat_map(|frame| &frame.waits);
                let arms = arms.filter(|wait| is_of_step(wait.what));
                let waits = arms.map(|wait| wait.no).collect();
                self.close(no, timer.what, timer.due, waits);
            }
            TimerFor::Handler(_) => {
                if self.control.frame(no).is_some_and(|frame| !frame.ponr && frame.stop.is_none()) {
                    let waits = self.waits_within(no);
                    self.close(no, timer.what, timer.due, waits);
                }
            }
            TimerFor::Meanwhile(at) => self.tick(no, at),
        }
    }

    /// The waits of a frame and of all frames inside it that a timer of the frame can end.
    fn waits_within(&self, no: u32) -> Vec<u32> {
        let inside = |frame: &&super::Frame| frame.no == no || self.stoppable(no, frame.no);
        self.control.frames.iter().filter(inside).flat_map(|frame| frame.waits.iter().map(|wait| wait.no)).collect()
    }

    /// Withdraws the waits that the timer ends; it acts once each home has answered.
    fn close(&mut self, no: u32, what: TimerFor, due: i64, waits: Vec<u32>) {
        for number in &waits {
            let wait = self.control.frames.iter_mut().flat_map(|f| f.waits.iter_mut()).find(|wait| wait.no == *number);
            if let Some(wait) = wait
                && !wait.withdrawing
            {
                wait.withdrawing = true;
                self.emit(Output::Withdraw { wait: *number, reply: true });
            }
        }
        if let Some(frame) = self.control.frame_mut(no) {
            frame.closing.push(Closing { due, what, left: waits });
        }
    }

    /// A home has taken a wait off its list.
    pub(super) fn withdrawn(&mut self, number: u32) {
        for frame in &mut self.control.frames {
            frame.waits.retain(|wait| wait.no != number || !wait.withdrawing);
        }
        if self.control.frames.iter().all(|frame| frame.waits.iter().all(|wait| wait.no != number)) {
            self.close_task(number, None);
        }
        self.closing_loses(number);
    }

    /// A wait is gone.
    fn closing_loses(&mut self, number: u32) {
        for closing in self.control.frames.iter_mut().flat_map(|frame| frame.closing.iter_mut()) {
            closing.left.retain(|left| *left != number);
        }
    }

    /// The timers whose waits are all withdrawn act, outermost first; says whether there was one.
    pub(super) fn fire_closed(&mut self) -> bool {
        let mut fired = false;
        loop {
            let closed = self.control.frames.iter_mut().find_map(|frame| {
                let at = frame.closing.iter().position(|closing| closing.left.is_empty())?;
                Some((frame.no, frame.closing.remove(at).what))
            });
            let Some((no, what)) = closed else { return fired };
            self.fire(no, what);
            fired = true;
        }
    }

    /// The timer acts.
    fn fire(&mut self, no: u32, what: TimerFor) {
        let done = match what {
            TimerFor::Arm(at) => self.fire_arm(no, at),
            TimerFor::Handler(handler) => {
                if self.control.frame(no).is_some_and(|frame| !frame.ponr && frame.stop.is_none()) {
                    self.leave(no, Cause::After { handler });
                }
                Ok(())
            }
            TimerFor::Retry | TimerFor::Wait | TimerFor::Meanwhile(_) => Ok(()),
        };
        if let Err(incident) = done {
            self.park(no, incident);
        }
    }

    fn fire_arm(&mut self, no: u32, at: u16) -> Result<(), Incident> {
        if self.stopping(no) || self.control.frame(no).is_none_or(|frame| frame.at != At::Parked) {
            return Ok(());
        }
        let NodeKind::Await(wait) = &self.node_at(no)?.kind else { return Err(internal("a timer of no `await`")) };
        let end = wait.timers.get(usize::from(at)).ok_or_else(|| internal("a timer that isn't there"))?.end.clone();
        self.clear_arms(no);
        match end {
            TimerEnd::Goto(target) => self.go(no, target),
            TimerEnd::Deadline(name) => {
                self.set_at(no, At::Ready);
                self.raise(no, Cause::Deadline(name))?;
            }
        }
        Ok(())
    }

    /// `meanwhile every`: queues a run of its body and arms the next tick.
    fn tick(&mut self, no: u32, at: u16) {
        let found = self.meanwhile(no, at).map(|meanwhile| (meanwhile.scope, meanwhile.kind.clone()));
        let Some((scope, MeanwhileKind::Every(every))) = found else { return };
        match self.oracle.due(no, &every) {
            // A tick that is due at once would come before all else, again and again, and time would stand still.
            Ok(due) => self.arm_timer(no, TimerFor::Meanwhile(at), due.max(self.now.saturating_add(1))),
            Err(incident) => return self.park(no, incident),
        }
        if let Some(guard) = self.control.frame_mut(no).and_then(|frame| frame.guard.as_mut())
            && !guard.queue.iter().any(|queued| queued.scope == scope)
        {
            guard.queue.push(Queued { scope, bind: None, event: None });
        }
    }

    /// An event is offered to a wait.
    pub(super) fn offered(&mut self, number: u32, event: EventId, acknowledged_at: i64, value: &Value) {
        let taken = match self.control.taken.binary_search(&event) {
            Ok(_) => true,
            Err(place) => {
                let taken = if self.control.ended {
                    self.take_late(number, event, acknowledged_at, value)
                } else {
                    self.try_take(number, event, acknowledged_at, value)
                };
                if taken {
                    self.control.taken.insert(place, event);
                }
                taken
            }
        };
        self.emit(Output::Reply { wait: number, event, taken });
    }

    fn try_take(&mut self, number: u32, event: EventId, at: i64, value: &Value) -> bool {
        let owner = self.control.frames.iter().find(|frame| frame.waits.iter().any(|wait| wait.no == number));
        let Some(frame) = owner else { return false };
        let no = frame.no;
        let beaten = |frame: &super::Frame| {
            frame.closing.iter().any(|closing| closing.left.contains(&number) && at >= closing.due)
        };
        if self.control.outward(no).any(beaten) {
            return false;
        }
        let Some(what) = frame.waits.iter().find(|wait| wait.no == number).map(|wait| wait.what) else {
            return false;
        };
        let taken = match what {
            WaitFor::Arm(arm) => self.take_arm(no, arm, value),
            // A person answers, no event.
            WaitFor::Task => Ok(false),
            WaitFor::Handler(handler) => self.take_interrupt(no, handler, event, value),
            WaitFor::Meanwhile(meanwhile) => self.take_meanwhile(no, meanwhile, event, value),
        };
        taken.unwrap_or_else(|incident| {
            // A condition without a value takes nothing; the thread that waits is parked, others are busy elsewhere.
            if matches!(what, WaitFor::Arm(_)) {
                self.park(no, incident);
            }
            false
        })
    }

    fn take_arm(&mut self, no: u32, at: u16, value: &Value) -> Result<bool, Incident> {
        if self.stopping(no) || self.control.frame(no).is_none_or(|frame| frame.at != At::Parked) {
            return Ok(false);
        }
        let pc = self.control.frame(no).and_then(|frame| frame.pc).ok_or_else(|| internal("a wait at no node"))?;
        let NodeKind::Await(wait) = &self.node(pc)?.kind else { return Err(internal("a wait at no `await`")) };
        let arm = wait.events.get(usize::from(at)).ok_or_else(|| internal("an arm that isn't there"))?;
        if !self.oracle.takes(no, arm, value)? {
            return Ok(false);
        }
        if let Some(slot) = arm.bind {
            self.oracle.bind(no, slot, value.clone())?;
        }
        let target = arm.target;
        self.clear_arms(no);
        self.go(no, target);
        Ok(true)
    }

    fn take_interrupt(&mut self, no: u32, at: u16, event: EventId, value: &Value) -> Result<bool, Incident> {
        let Some(frame) = self.control.frame(no) else { return Ok(false) };
        if frame.stop.is_some() {
            return Ok(false);
        }
        let past = frame.ponr;
        let Some(Handler { trigger: Trigger::Event { arm, too_late }, .. }) = self.handler(no, at) else {
            return Err(internal("an interrupt that isn't there"));
        };
        let (arm, too_late) = (arm.clone(), *too_late);
        if past && too_late.is_none() || !self.oracle.takes(no, &arm, value)? {
            return Ok(false);
        }
        match too_late {
            Some(scope) if past => {
                let bind = arm.bind.map(|slot| (Slot { scope, at: slot.at }, value.clone()));
                self.queue(no, Queued { scope, bind, event: Some(event) });
            }
            Some(_) | None => self.leave(no, Cause::Event { handler: at, value: value.clone() }),
        }
        Ok(true)
    }

    fn take_meanwhile(&mut self, no: u32, at: u16, event: EventId, value: &Value) -> Result<bool, Incident> {
        if self.is_over_beside(no) {
            return Ok(false);
        }
        let Some(Meanwhile { kind: MeanwhileKind::Event(arm), scope }) = self.meanwhile(no, at).cloned() else {
            return Err(internal("a `meanwhile` that isn't there"));
        };
        if !self.oracle.takes(no, &arm, value)? {
            return Ok(false);
        }
        self.queue(no, Queued { scope, bind: arm.bind.map(|slot| (slot, value.clone())), event: Some(event) });
        Ok(true)
    }

    fn queue(&mut self, no: u32, queued: Queued) {
        if let Some(guard) = self.control.frame_mut(no).and_then(|frame| frame.guard.as_mut()) {
            guard.queue.push(queued);
        }
    }

    fn handler(&self, body: u32, at: u16) -> Option<&Handler> {
        let Node { kind: NodeKind::Attempt { handlers, .. }, .. } = self.attempt_of(self.control.frame(body)?)? else {
            return None;
        };
        handlers.get(usize::from(at))
    }

    fn meanwhile(&self, body: u32, at: u16) -> Option<&Meanwhile> {
        let Node { kind: NodeKind::Attempt { meanwhile, .. }, .. } = self.attempt_of(self.control.frame(body)?)? else {
            return None;
        };
        meanwhile.get(usize::from(at))
    }
}
