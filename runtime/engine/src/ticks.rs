//! Starts by the clock. Each tick is a record; which one is next follows from the last one and the schedule.
use std::sync::Arc;

use flowline_plan::{Bundle, FlowId, Schedule, StartRule, Value, calendar::Calendar};

use crate::{
    EngineError,
    body::StartCause,
    engine::{Engine, Message},
};

/// A flow that starts by the clock.
#[derive(Debug)]
struct Ticking {
    flow: FlowId,
    schedule: Schedule,
    /// The last tick that was taken; where there is none yet, the instant before schedules were switched on.
    last: i64,
    /// None where none comes any more, or schedules are off.
    next: Option<i64>,
}

/// All schedules of a bundle. They are off until somebody switches them on.
#[derive(Debug, Default)]
pub(crate) struct Schedules {
    on: bool,
    each: Vec<Ticking>,
}

impl Schedules {
    pub(crate) fn of(bundle: &Bundle) -> Self {
        let ticking = |(at, plan): (usize, &Arc<flowline_plan::Plan>)| match plan.start.as_ref()? {
            StartRule::Every(schedule) => {
                Some(Ticking { flow: FlowId::from(at), schedule: schedule.clone(), last: i64::MIN, next: None })
            }
            StartRule::Event { .. } | StartRule::Gather(_) => None,
        };
        Self { on: false, each: bundle.flows.iter().enumerate().filter_map(ticking).collect() }
    }

    /// What is written down: the last tick of each flow; nothing while they are off.
    pub(crate) fn snapshot(&self) -> Option<Vec<(FlowId, i64)>> {
        self.on.then(|| self.each.iter().map(|each| (each.flow, each.last)).collect())
    }

    pub(crate) fn restore(&mut self, calendars: &[Calendar], saved: Option<Vec<(FlowId, i64)>>) {
        let Some(saved) = saved else { return };
        self.on = true;
        for each in &mut self.each {
            if let Some((_, last)) = saved.iter().find(|(flow, _)| *flow == each.flow) {
                each.last = *last;
                each.next = each.schedule.next_after(calendars, each.last).ok();
            }
        }
    }

    fn switch(&mut self, calendars: &[Calendar], on: bool, now: i64) {
        self.on = on;
        for each in &mut self.each {
            each.last = now.saturating_sub(1);
            each.next = on.then(|| each.schedule.next_after(calendars, each.last).ok()).flatten();
        }
    }

    fn first(&self) -> Option<(i64, FlowId)> {
        self.each.iter().filter_map(|each| Some((each.next?, each.flow))).min()
    }
}

impl Engine {
    /// Whether flows start by the clock at all.
    pub fn has_schedules(&self) -> bool {
        !self.schedules.each.is_empty()
    }

    /// Whether schedules were switched on by [`Given::Schedules`](crate::Given::Schedules), and not off again.
    pub fn schedules_on(&self) -> bool {
        self.schedules.on
    }

    /// The instant at which the next flow starts by the clock.
    pub fn next_tick(&self) -> Option<i64> {
        self.schedules.first().map(|(due, _)| due)
    }

    pub(crate) fn switch_schedules(&mut self, on: bool) {
        let bundle = Arc::clone(&self.bundle);
        self.schedules.switch(&bundle.calendars, on, self.now);
    }

    /// The flow that ticks first up to an instant, and when that was due first.
    pub(crate) fn tick_due(&self, up_to: i64) -> Option<(i64, FlowId)> {
        self.schedules.first().filter(|(due, _)| *due <= up_to)
    }

    /// The message that a flow ticks: for the last of its ticks up to an instant. Those before it were missed.
    pub(crate) fn tick_of(&self, flow: FlowId, up_to: i64) -> Option<Message> {
        let each = self.schedules.each.iter().find(|each| each.flow == flow)?;
        let last = each.schedule.last_between(&self.bundle.calendars, each.last, up_to).ok().flatten();
        Some(Message::Tick { flow, due: last.or(each.next)? })
    }

    /// Whether a tick is one that was taken already, or is none.
    pub(crate) fn has_ticked(&self, flow: FlowId, due: i64) -> bool {
        let each = self.schedules.each.iter().find(|each| each.flow == flow);
        each.is_none_or(|each| each.next.is_none_or(|next| due < next))
    }

    /// A flow ticks.
    pub(crate) fn tick(&mut self, flow: FlowId, due: i64) -> Result<(), EngineError> {
        let bundle = Arc::clone(&self.bundle);
        if let Some(each) = self.schedules.each.iter_mut().find(|each| each.flow == flow) {
            each.last = due;
            each.next = each.schedule.next_after(&bundle.calendars, due).ok();
        }
        self.start_by(flow, StartCause::Tick { due }, &Arc::new(Value::Instant(due)))?;
        Ok(())
    }
}
