//! Promises, measured: when they began, when they were due, when they were met.
use flowline_plan::{PromiseEnd, Value};
use serde::{Deserialize, Serialize};

use super::DataOracle;
use crate::control::Oracle;

/// How one promise of a run stands. All times ms UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromiseState {
    /// When its first end was reached.
    pub from: Option<i64>,
    /// When it is due; known once it began.
    pub due: Option<i64>,
    /// When its second end was reached.
    pub met: Option<i64>,
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
}
