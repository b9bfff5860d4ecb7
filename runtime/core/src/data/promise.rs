//! Promises, measured: when they began, when they were due, when they were met.
use flowline_plan::{PromiseEnd, PromiseStep, Value};
use serde::{Deserialize, Serialize};

use super::DataOracle;
use crate::control::{Oracle, PromiseNews};

/// How one promise of a run stands. All times ms UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromiseState {
    /// When its first end was reached.
    pub from: Option<i64>,
    /// When it is due; known once it began.
    pub due: Option<i64>,
    /// When its second end was reached.
    pub met: Option<i64>,
    /// Timers for its steps run.
    armed: bool,
}

impl PromiseState {
    /// Whether it was kept; none as long as, and if ever, that isn't known.
    pub fn kept(&self) -> Option<bool> {
        Some(self.met? <= self.due?)
    }
}

impl DataOracle<'_> {
    /// The run begins: promises that count from the start are armed.
    pub(super) fn begin_promises(&mut self) {
        self.data.promises = vec![PromiseState::default(); self.plan.promises.len()];
        self.mark(|end| *end == PromiseEnd::Start);
    }

    /// A status is reached.
    pub(super) fn reached(&mut self, status: &Value) {
        let case = match status {
            Value::Case(case) => *case,
            Value::Variant(variant) => variant.case,
            _ => return,
        };
        self.mark(|end| *end == PromiseEnd::Status(case));
    }

    /// Ends count when they are first reached; a `within` that has no value leaves the promise unmeasured.
    fn mark(&mut self, is: impl Fn(&PromiseEnd) -> bool) {
        let now = self.now;
        for (at, promise) in self.plan.promises.iter().enumerate() {
            let state = self.data.promises.get(at).copied().unwrap_or_default();
            let mut next = state;
            if state.from.is_none() && is(&promise.from) {
                next.from = Some(now);
                next.due = self.due(0, &promise.within).ok();
            }
            if state.met.is_none() && state.from.is_some() && is(&promise.to) {
                next.met = Some(now);
            }
            if let Some(place) = self.data.promises.get_mut(at) {
                *place = next;
            }
        }
    }

    /// What changed for the steps of promises since it was asked the last time.
    pub(super) fn news(&mut self) -> Vec<PromiseNews> {
        let mut news = Vec::new();
        for (at, promise) in (0u16..).zip(&self.plan.promises) {
            let Some(state) = self.data.promises.get_mut(usize::from(at)) else { continue };
            match (state.armed, state.due, state.met) {
                (false, Some(due), None) if !promise.steps.is_empty() => {
                    state.armed = true;
                    let due_of = |step: &PromiseStep| self.step_due(step, due);
                    let steps = promise.steps.iter().map(due_of).collect();
                    news.push(PromiseNews::Begun { promise: at, steps });
                }
                (true, _, Some(_)) => {
                    state.armed = false;
                    news.push(PromiseNews::Met { promise: at });
                }
                (false, _, _) | (true, _, None) => {}
            }
        }
        news
    }

    /// When a step begins. What is reached in the very moment in which it is due is kept, so `missed` comes after it.
    fn step_due(&self, step: &PromiseStep, due: i64) -> Option<i64> {
        let Some(code) = &step.at else { return Some(due.saturating_add(1)) };
        match self.value(0, code, &[Value::Instant(due)]) {
            Ok(Value::Instant(at)) => Some(at.max(self.now)),
            _ => None,
        }
    }
}
