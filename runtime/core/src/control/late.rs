//! What an ended run still answers: events that come late, each by a small run of its own.
//!
//! An ended run has no frames and no resources any more. What is left of it are its waits and the values that these
//! runs are given.
use flowline_plan::LateClause;
use serde::{Deserialize, Serialize};

use super::{Machine, Oracle};
use crate::{CallKey, EventId, Input, Output, RunId, ids::hash128};

/// One `late` clause of an ended run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateWait {
    /// Its wait at the home of the key.
    pub no: u32,
    /// Which clause of the plan.
    pub clause: u16,
    /// The timer that ends it.
    pub timer: u32,
    pub until: i64,
}

impl<O: Oracle> Machine<'_, O> {
    /// The run has ended: its `late` clauses wait from now on. One whose key or time has no value waits for nothing.
    pub(super) fn wait_for_late(&mut self) {
        let plan = self.plan;
        for (clause, late) in (0u16..).zip(&plan.late.clauses) {
            let (Ok(value), Ok(until)) = (self.oracle.late_value(&late.arm.value), self.oracle.late_due(&late.within))
            else {
                continue;
            };
            if until <= self.now {
                continue;
            }
            let (no, timer) = (self.control.next_wait, self.control.next_timer);
            self.control.next_wait += 1;
            self.control.next_timer += 1;
            self.control.late.push(LateWait { no, clause, timer, until });
            self.emit(Output::Arm { timer, due: until });
            let (event, key, fresh) = (late.arm.event, late.arm.key, late.arm.fresh);
            self.emit(Output::Register { wait: no, event, key, value, fresh });
        }
    }

    /// An input of an ended run.
    pub(super) fn after_end(&mut self, input: &Input) {
        match input {
            Input::Offered { wait, event, acknowledged_at, value } => {
                self.offered(*wait, *event, *acknowledged_at, value);
            }
            Input::Due { timer } => self.end_late(|wait| wait.timer == *timer),
            Input::Relieved => self.end_late(|_| true),
            Input::Start { .. }
            | Input::Settle
            | Input::Answered { .. }
            | Input::Withdrawn { .. }
            | Input::ChildEnded { .. }
            | Input::Retry { .. }
            | Input::TaskAnswered { .. } => {}
        }
    }

    /// Offers an event to a `late` clause: the run that answers it begins. The clause goes on waiting.
    pub(super) fn take_late(&mut self, number: u32, event: EventId, at: i64, value: &flowline_plan::Value) -> bool {
        let wait = self.control.late.iter().find(|wait| wait.no == number).copied();
        let Some(wait) = wait.filter(|wait| at <= wait.until) else { return false };
        let plan = self.plan;
        let Some(LateClause { arm, flow, .. }) = plan.late.clauses.get(usize::from(wait.clause)) else { return false };
        // A condition without a value takes nothing: there is no thread of control that could be parked with it.
        if !self.oracle.late_takes(arm, value).unwrap_or(false) {
            return false;
        }
        let run = self.control.run;
        let key = hash128("late", &[&run.0.to_le_bytes(), &wait.clause.to_le_bytes(), &event.0.to_le_bytes()]);
        let child = RunId::of_parent(run, CallKey(key));
        let args = self.oracle.late_args(value);
        self.emit(Output::StartChild { child, flow: *flow, args, joined: false, resources: Vec::new() });
        true
    }

    /// Clauses wait no longer; with the last one the run is done for good.
    fn end_late(&mut self, over: impl Fn(&LateWait) -> bool) {
        let (gone, rest): (Vec<LateWait>, Vec<LateWait>) =
            std::mem::take(&mut self.control.late).into_iter().partition(over);
        self.control.late = rest;
        for wait in &gone {
            self.emit(Output::Disarm { timer: wait.timer });
            self.emit(Output::Withdraw { wait: wait.no, reply: false });
        }
        if !gone.is_empty() && self.control.late.is_empty() {
            self.emit(Output::Closed);
        }
    }
}
