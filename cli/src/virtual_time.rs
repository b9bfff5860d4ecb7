//! The main job in virtual time: one clock for all shards, moved from one due instant to the next.
//!
//! The clock moves on only when everything due earlier is durable and its orders have their answers scheduled. So a run
//! that is killed and started again comes to the same end as one that isn't.
use std::collections::BTreeMap;

use flowline_core::TaskId;
use flowline_engine::{Engine, EventIn, Given, Order, Origin, TaskAnswer};
use flowline_sim::World;

use crate::{
    events::{EventFile, Line, Reject, Rejected},
    exit::Failure,
    progress::Progress,
};

/// Lines set aside are held back for the next round up to this many.
const REJECTS_MAX: usize = 1_024;
/// Lines taken in one instant; more than that wait for the next round of it.
const LINES_PER_ROUND: usize = 4_096;

/// Virtual time ends so long after the last event of the file: longer than retailers promise anything. A run that waits for
/// people would have its reminders for ever.
pub(crate) const AFTERMATH_DAYS: i64 = 400;
const DAY_MS: i64 = 86_400_000;

/// Everything that moves.
#[derive(Debug)]
pub(crate) struct Simulation<'a> {
    pub(crate) engine: &'a mut Engine,
    pub(crate) world: &'a mut World,
    pub(crate) events: &'a mut EventFile,
    pub(crate) rejected: &'a mut Rejected,
    progress: &'a Progress,
    last_event_at: i64,
    /// What is due later than this doesn't happen.
    ends_at: i64,
    answers: BTreeMap<i64, Vec<Given>>,
    /// The next event of the file, and when it is due.
    next: Option<(EventIn, i64)>,
    /// Lines set aside since the last round.
    rejects: Vec<Reject>,
    /// The file's position has moved since the last round.
    moved: bool,
    at_end: bool,
    /// The position in front of the event that waits.
    passed: flowline_engine::Cursor,
}

impl<'a> Simulation<'a> {
    /// Sets the clock to where the folder stands. The time of the file's last event says when all is over.
    ///
    /// # Errors
    /// When the events can't be read.
    pub(crate) fn new(
        engine: &'a mut Engine,
        world: &'a mut World,
        events: &'a mut EventFile,
        rejected: &'a mut Rejected,
        progress: &'a Progress,
        last_event_at: i64,
    ) -> Result<Self, Failure> {
        let mut simulation = Self {
            engine,
            world,
            events,
            rejected,
            progress,
            last_event_at,
            ends_at: last_event_at.saturating_add(AFTERMATH_DAYS * DAY_MS),
            answers: BTreeMap::new(),
            next: None,
            rejects: Vec::new(),
            moved: false,
            at_end: false,
            passed: flowline_engine::Cursor::default(),
        };
        let orders = simulation.engine.pending_orders();
        simulation.carry_out(orders)?;
        let asked: Vec<TaskId> = simulation.engine.tasks().map(|open| open.task.id).collect();
        simulation.ask(&asked);
        simulation.read_on()?;
        Ok(simulation)
    }

    /// Moves the clock to the next due instant and takes what is due; false when nothing is.
    ///
    /// # Errors
    /// When the journal, the store, the world's log or the files fail.
    pub(crate) fn advance(&mut self) -> Result<bool, Failure> {
        let due = [
            self.engine.next_due(),
            self.answers.first_key_value().map(|(at, _)| *at),
            self.world.next_due(),
            self.next.as_ref().map(|(_, at)| *at),
            self.moved.then(|| self.engine.now()),
        ];
        let due = due.into_iter().flatten().min();
        let (switch, due) = self.schedules(due);
        let Some(now) = due.filter(|due| *due <= self.ends_at) else { return Ok(false) };
        let now = now.max(self.engine.now());
        let mut given: Vec<Given> = switch.into_iter().collect();
        while let Some((at, _)) = self.answers.first_key_value() {
            if *at > now {
                break;
            }
            given.extend(self.answers.pop_first().map(|(_, answers)| answers).unwrap_or_default());
        }
        for event in self.world.take_due(now) {
            let flowline_sim::WorldEvent { source, id, event, value, .. } = event;
            given.push(Given::Event(EventIn { source, id, event, value, origin: Origin::World }));
        }
        for _ in 0..LINES_PER_ROUND {
            match self.next.take() {
                Some((event, at)) if at <= now => {
                    given.push(Given::Event(event));
                    self.moved = true;
                }
                other => {
                    self.next = other;
                    break;
                }
            }
            self.read_on()?;
        }
        if std::mem::take(&mut self.moved) {
            // Lines set aside are on disk before the position behind them is journaled.
            self.rejected.add(&std::mem::take(&mut self.rejects), self.progress)?;
            given.push(Given::Cursor(self.position()));
        }
        let taken = self.engine.take(now, given)?;
        self.engine.journal().wait(taken.seq)?;
        self.carry_out(taken.orders)?;
        self.ask(&taken.asked);
        Ok(true)
    }

    /// Whether schedules are switched on or off with this round, and when something is due, starts by the clock included.
    ///
    /// Flows start by the clock from the first event on, until the last event has come and every run that had begun by then
    /// has ended: a schedule alone doesn't keep the job going.
    fn schedules(&self, due: Option<i64>) -> (Option<Given>, Option<i64>) {
        let (engine, now) = (&self.engine, self.engine.now());
        if !engine.schedules_on() {
            let begins = engine.has_schedules() && self.next.as_ref().is_some_and(|(_, at)| due >= Some(*at));
            return (begins.then_some(Given::Schedules(true)), due);
        }
        let Some(tick) = engine.next_tick() else { return (None, due) };
        // What a crash cut off an instant belongs to it, and is made up for before anything else.
        if tick <= now || due.is_some_and(|due| due <= now) {
            return (None, Some(now));
        }
        let is_read = self.next.is_none() && self.at_end;
        let of_then = |since: i64| since <= self.last_event_at;
        let goes_on = !is_read
            || engine.live().any(|run| of_then(run.started_at))
            || engine.waiting_starts().any(|(_, since)| of_then(since));
        if goes_on {
            return (None, Some(due.map_or(tick, |due| due.min(tick))));
        }
        (Some(Given::Schedules(false)), due.or(Some(now)))
    }

    fn carry_out(&mut self, orders: Vec<Order>) -> Result<(), Failure> {
        for Order { run, call } in orders {
            let scheduled = self.world.call(run, &call)?;
            let answer = Given::Answer { run, call: call.call, attempt: call.attempt, answer: scheduled.answer };
            self.answers.entry(scheduled.at).or_default().push(answer);
        }
        Ok(())
    }

    /// Lets people answer the questions that are still open.
    fn ask(&mut self, asked: &[TaskId]) {
        for id in asked {
            let Some(open) = self.engine.task(*id) else { continue };
            let Some(answer) = self.world.person(open.flow, &open.task) else { continue };
            let given = Given::TaskAnswer(TaskAnswer { task: *id, by: answer.by, value: answer.value });
            self.answers.entry(answer.at).or_default().push(given);
        }
    }

    /// Reads up to the next event. Its line is due at its time, but never before the lines above it.
    fn read_on(&mut self) -> Result<(), Failure> {
        let bundle = std::sync::Arc::clone(self.engine.bundle());
        while self.next.is_none() && !self.at_end {
            self.passed = self.events.cursor.clone();
            match self.events.next(&bundle)? {
                Some(Line::Event { event, time }) => self.next = Some((event, time)),
                Some(Line::Bad(reject)) => {
                    self.rejects.push(reject);
                    self.moved = true;
                    if self.rejects.len() >= REJECTS_MAX {
                        self.rejected.add(&std::mem::take(&mut self.rejects), self.progress)?;
                    }
                }
                Some(Line::Blank) => {}
                None => self.at_end = true,
            }
        }
        Ok(())
    }

    /// How far the file is read without the event that waits.
    fn position(&self) -> flowline_engine::Cursor {
        if self.next.is_some() { self.passed.clone() } else { self.events.cursor.clone() }
    }
}
