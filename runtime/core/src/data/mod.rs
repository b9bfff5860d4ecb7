//! The data half of a run: slots, resources' fields, what was kept of steps. It is the oracle of a real run.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a place takes one kind of value; every other kind, also a future one, is the same fault"
)]

mod late;
mod oracle;
mod promise;

pub use promise::PromiseState;

use flowline_plan::{Bundle, Plan, ScopeId, Slot, TypeId, Value};
use serde::{Deserialize, Serialize};

use crate::{Goods, ResourceView};

/// The values of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Data {
    /// Slots of each live frame, oldest frame first.
    frames: Vec<FrameData>,
    /// The fields of each resource, in the order of control's table.
    resources: Vec<ResourceData>,
    /// What was kept of steps that may have to be undone.
    steps: Vec<KeptStep>,
    /// The status that every channel sees.
    pub status: Option<Value>,
    /// The status of parts: key, status; sorted by key.
    pub parts: Vec<(Value, Value)>,
    /// How each promise of the flow stands.
    pub promises: Vec<PromiseState>,
    /// What is kept of an ended run for those that answer late events.
    seen: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FrameData {
    no: u32,
    scope: ScopeId,
    parent: Option<u32>,
    slots: Box<[Value]>,
    /// The arguments of the frame's call.
    args: Vec<Value>,
    given: Value,
    /// What elements gave, by their place.
    collected: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ResourceData {
    ty: TypeId,
    fields: Vec<Value>,
    /// The id of the resource this is a part of.
    whole: Option<Value>,
    /// How many parts were taken of it.
    parts: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeptStep {
    effect: u32,
    args: Vec<Value>,
    result: Value,
}

impl Data {
    fn frame(&self, no: u32) -> Option<&FrameData> {
        self.frames.get(self.frames.binary_search_by_key(&no, |frame| frame.no).ok()?)
    }

    fn frame_mut(&mut self, no: u32) -> Option<&mut FrameData> {
        let at = self.frames.binary_search_by_key(&no, |frame| frame.no).ok()?;
        self.frames.get_mut(at)
    }

    /// The frame from which a slot is seen: the nearest one outward that runs the slot's scope.
    fn owner_of(&self, frame: u32, scope: ScopeId) -> Option<u32> {
        let mut at = self.frame(frame)?;
        while at.scope != scope {
            at = self.frame(at.parent?)?;
        }
        Some(at.no)
    }

    fn slot(&self, frame: u32, slot: Slot) -> Value {
        let value = self.owner_of(frame, slot.scope).and_then(|no| self.frame(no)?.slots.get(usize::from(slot.at)));
        value.cloned().unwrap_or(Value::None)
    }

    /// How a resource looks to a system.
    pub fn view(&self, resource: u32) -> ResourceView {
        let Some(data) = self.resources.get(resource as usize) else {
            return ResourceView { resource, ty: TypeId(0), fields: Vec::new(), whole: None };
        };
        ResourceView { resource, ty: data.ty, fields: data.fields.clone(), whole: data.whole.clone() }
    }

    /// What another run has to know of a resource.
    pub(crate) fn goods(&self, resource: u32) -> Goods {
        let Some(data) = self.resources.get(resource as usize) else { return Goods::default() };
        Goods { fields: data.fields.clone(), whole: data.whole.clone(), parts: data.parts }
    }

    /// The values of the flow's own slots, parameters first; empty when the run has ended.
    pub fn root_slots(&self) -> &[Value] {
        self.frames.first().map_or(&[], |frame| &frame.slots)
    }
}

/// Data at work: it can see the bundle, the plan and the time.
#[derive(Debug)]
pub struct DataOracle<'a> {
    /// The bundle the run is pinned to.
    pub bundle: &'a Bundle,
    /// The run's flow.
    pub plan: &'a Plan,
    /// The values.
    pub data: &'a mut Data,
    /// The time of the input, ms.
    pub now: i64,
}
