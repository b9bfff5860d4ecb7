//! The control half of a run: tokens, scopes, resource states, timers, waits.
//!
//! It never looks at a value. Whatever depends on data (guards, counts, keys, due times) it asks of an [`Oracle`]: the
//! run's own [`Data`](crate::data::Data), or a proof's explorer that tries every answer. So the proof is about the
//! program that runs.

mod again;
mod answer;
mod call;
mod child;
mod finish;
mod frame;
mod keep;
mod late;
mod leave;
mod machine;
mod oracle;
mod pending;
mod promise;
mod settle;
mod step;
mod task;
mod wait;

pub use frame::{
    At, Away, CallFor, Cause, Closing, Effect, Frame, GuardState, PendingCall, Queued, Resource, Stop, Timer, TimerFor,
    Wait, WaitFor,
};
pub use late::LateWait;
pub use machine::Machine;
pub use oracle::{Oracle, PromiseNews};
pub use promise::PromiseTimer;

use flowline_plan::ScopeId;
use serde::{Deserialize, Serialize};

use crate::{Asked, EventId, Parent, RunId};

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Whose control this is; keys and ids are minted from it.
    pub run: RunId,
    pub parent: Option<Parent>,
    /// Live frames, oldest first; empty when the run has ended.
    pub frames: Vec<Frame>,
    /// Every resource that the run ever opened.
    pub resources: Vec<Resource>,
    pub ended: bool,
    /// The events that it took, sorted: an offer may be repeated, and one event may come by several keys.
    pub taken: Vec<EventId>,
    /// When steps of a promise begin, unless it is kept before.
    pub promises: Vec<PromiseTimer>,
    /// What an ended run still answers.
    pub late: Vec<LateWait>,
    /// Its questions to people; few runs ask any.
    pub asked: Option<Box<Asked>>,
    next_frame: u32,
    next_call: u32,
    next_timer: u32,
    next_wait: u32,
    next_effect: u32,
}

impl Control {
    /// A run that hasn't begun.
    pub fn new(run: RunId, parent: Option<Parent>) -> Self {
        Self {
            run,
            parent,
            frames: Vec::new(),
            resources: Vec::new(),
            ended: false,
            taken: Vec::new(),
            promises: Vec::new(),
            late: Vec::new(),
            asked: None,
            next_frame: 0,
            next_call: 0,
            next_timer: 0,
            next_wait: 0,
            next_effect: 0,
        }
    }

    /// A live frame.
    pub fn frame(&self, no: u32) -> Option<&Frame> {
        let at = self.frames.binary_search_by_key(&no, |frame| frame.no).ok()?;
        self.frames.get(at)
    }

    /// A live frame, to change.
    fn frame_mut(&mut self, no: u32) -> Option<&mut Frame> {
        let at = self.frames.binary_search_by_key(&no, |frame| frame.no).ok()?;
        self.frames.get_mut(at)
    }

    /// The frame and all frames around it, innermost first.
    pub fn outward(&self, no: u32) -> impl Iterator<Item = &Frame> {
        std::iter::successors(self.frame(no), |frame| self.frame(frame.parent?))
    }

    /// The frames directly inside another.
    fn children(&self, no: u32) -> impl Iterator<Item = &Frame> {
        self.frames.iter().filter(move |frame| frame.parent == Some(no))
    }

    /// The nearest frame outward that is past its point of no return.
    pub fn past_return(&self, no: u32) -> Option<u32> {
        self.outward(no).find(|frame| frame.ponr).map(|frame| frame.no)
    }

    /// Whether a frame may let go of a resource in its present state. What was reached past a point of no return is
    /// undone by nobody but the scopes inside it.
    pub fn may_undo(&self, no: u32, resource: &Resource) -> bool {
        resource.last.is_none_or(|past| no != past && self.outward(no).any(|frame| frame.no == past))
    }

    /// The timers that are armed, with their due times.
    pub fn timers(&self) -> impl Iterator<Item = (u32, i64)> + '_ {
        let of_frames = self.frames.iter().flat_map(|frame| frame.timers.iter().map(|timer| (timer.no, timer.due)));
        let of_promises = self.promises.iter().map(|timer| (timer.no, timer.due));
        let of_late = self.late.iter().map(|wait| (wait.timer, wait.until));
        let expiries = self.resources.iter().filter_map(|resource| resource.expiry);
        of_frames.chain(expiries).chain(of_promises).chain(of_late)
    }

    /// The scope a frame runs, for messages.
    pub fn scope_of(&self, no: u32) -> Option<ScopeId> {
        self.frame(no).map(|frame| frame.scope)
    }
}
