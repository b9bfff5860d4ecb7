//! What is kept of an ended run for those that answer late events.
use flowline_plan::{Code, EventArm, Slot, Value, eval};

use super::{Data, DataOracle, oracle::View};
use crate::Incident;

impl Data {
    /// The run has ended and waits for late events: what only a living one needs goes.
    pub(crate) fn retire(&mut self) {
        self.resources = Vec::new();
        self.steps = Vec::new();
    }
}

impl DataOracle<'_> {
    /// Keeps the values of slots of the flow's own frame; a resource is nothing that outlives its run.
    pub(super) fn keep(&mut self, sees: &[Option<Slot>]) {
        let root = self.data.frames.first().map(|frame| frame.no);
        let value = |slot: &Option<Slot>| match root.zip(*slot).map(|(root, slot)| self.data.slot(root, slot)) {
            Some(Value::Resource(_)) | None => Value::None,
            Some(value) => value,
        };
        self.data.seen = sees.iter().map(value).collect();
    }

    /// Evaluates with an event, or none, in front of what was kept.
    pub(super) fn after_end(&self, event: Value, code: &Code) -> Result<Value, Incident> {
        let view = View { bundle: self.bundle, data: self.data, frame: 0, now: self.now };
        Ok(eval(&view, code, &self.with_event(event))?)
    }

    pub(super) fn takes_after_end(&self, arm: &EventArm, event: &Value) -> Result<bool, Incident> {
        let Some(condition) = &arm.condition else { return Ok(true) };
        Ok(self.after_end(event.clone(), condition)? == Value::Bool(true))
    }

    /// The arguments of the run that answers an event.
    pub(super) fn with_event(&self, event: Value) -> Vec<Value> {
        std::iter::once(event).chain(self.data.seen.iter().cloned()).collect()
    }
}
