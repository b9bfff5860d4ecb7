//! Steps in promises: each begins as a run of its own, at its part of the promised time, unless the promise was kept
//! before.
//!
//! Nothing here touches a frame: steps neither hold the run up nor keep it from ending.
use flowline_plan::{PromiseStep, Value};
use serde::{Deserialize, Serialize};

use super::{Machine, Oracle, PromiseNews};
use crate::{CallKey, Output, RunId, ids::hash128};

/// The timer of one step of a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromiseTimer {
    pub no: u32,
    pub due: i64,
    /// Which promise of the plan.
    pub promise: u16,
    /// Which step of it.
    pub step: u16,
}

impl<O: Oracle> Machine<'_, O> {
    /// A milestone was reached: timers of promises that count from it are armed, those of kept ones go.
    pub(super) fn look_at_promises(&mut self) {
        for news in self.oracle.promise_news() {
            match news {
                PromiseNews::Begun { promise, steps } => {
                    for (step, due) in (0u16..).zip(steps) {
                        let Some(due) = due else { continue };
                        let no = self.control.next_timer;
                        self.control.next_timer += 1;
                        self.control.promises.push(PromiseTimer { no, due, promise, step });
                        self.emit(Output::Arm { timer: no, due });
                    }
                }
                PromiseNews::Met { promise } => self.disarm_promises(|timer| timer.promise == promise),
            }
        }
    }

    /// Disarms timers of promises.
    pub(super) fn disarm_promises(&mut self, over: impl Fn(&PromiseTimer) -> bool) {
        let timers = std::mem::take(&mut self.control.promises);
        let (gone, rest): (Vec<_>, Vec<_>) = timers.into_iter().partition(over);
        self.control.promises = rest;
        for timer in gone {
            self.emit(Output::Disarm { timer: timer.no });
        }
    }

    /// A timer is due that belongs to no frame: one of a promise; says whether it was.
    pub(super) fn promise_due(&mut self, timer: u32) -> bool {
        let Some(at) = self.control.promises.iter().position(|known| known.no == timer) else { return false };
        let PromiseTimer { promise, step, .. } = self.control.promises.remove(at);
        // A plan that is damaged, or a parameter that has no value, begins nothing: the run itself goes on.
        _ = self.start_promise_step(promise, step);
        true
    }

    fn start_promise_step(&mut self, promise: u16, step: u16) -> Option<()> {
        let root = self.control.frames.first()?.no;
        let plan = self.plan;
        let PromiseStep { flow, args, .. } = plan.promises.get(usize::from(promise))?.steps.get(usize::from(step))?;
        let args = args.iter().map(|code| self.oracle.eval(root, code)).collect::<Result<Vec<Value>, _>>().ok()?;
        let run = self.control.run;
        let key = hash128("promise", &[&run.0.to_le_bytes(), &promise.to_le_bytes(), &step.to_le_bytes()]);
        let child = RunId::of_parent(run, CallKey(key));
        self.emit(Output::StartChild { child, flow: *flow, args, joined: false, resources: Vec::new() });
        Some(())
    }
}
