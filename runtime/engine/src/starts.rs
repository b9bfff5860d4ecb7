//! Starts: which run begins, and which has to wait for its turn.
//!
//! Runs of a flow that says `one at a time` stand in a line for each value of the key: the first one runs, the others wait
//! in order of arrival. Lines have no records of their own: who joins one follows from the record of the event, the tick or
//! the parent's input, and the next one begins with the record that ends the run before it.
use std::{collections::BTreeMap, sync::Arc};

use flowline_core::{Input, Run, RunId};
use flowline_plan::{FlowId, KeyMode, Value};
use flowline_store::{Table, key_u128};
use serde::{Deserialize, Serialize};

use crate::{
    EngineError,
    body::StartCause,
    checkpoint::Saved,
    engine::{Engine, Message},
    shard::shard_of,
};

/// Starts that may wait in one line. What is brought from outside beyond that is refused; what a flow's own step or a batch
/// starts is not, for it would be lost.
pub const LINE_MAX: usize = 10_000;

/// A run that is to begin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Start {
    pub(crate) run: RunId,
    pub(crate) shard: u16,
    pub(crate) flow: FlowId,
    pub(crate) generation: u32,
    pub(crate) cause: StartCause,
    /// What it begins with, unless the cause holds that.
    pub(crate) value: Option<Arc<Value>>,
    /// Where it was last written while it waited.
    pub(crate) saved: Option<Saved>,
}

/// A flow that runs one at a time, and the value of its key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct LineKey {
    pub(crate) flow: FlowId,
    pub(crate) key: Value,
}

/// Who waits behind the run that is on.
#[derive(Debug, Default)]
struct Line {
    /// By their places.
    waiting: BTreeMap<u64, RunId>,
}

/// A start that waits for its turn.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) start: Start,
    /// Its place among all that wait.
    pub(crate) place: u64,
    /// When it joined the line.
    pub(crate) since: i64,
    pub(crate) dirty: bool,
}

/// All lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    lines: rustc_hash::FxHashMap<LineKey, Line>,
    /// The line of each run that is on or waits in one.
    of_run: rustc_hash::FxHashMap<RunId, LineKey>,
    queued: rustc_hash::FxHashMap<RunId, Queued>,
    /// The run that was on last, where it has ended and waits for late events.
    retired: rustc_hash::FxHashMap<LineKey, RunId>,
    next_place: u64,
}

impl Lines {
    /// The line that a run is on, waits in, or was on last.
    pub(crate) fn key_of(&self, run: RunId) -> Option<&LineKey> {
        self.of_run.get(&run)
    }

    pub(crate) fn queued(&self, run: RunId) -> Option<&Queued> {
        self.queued.get(&run)
    }

    /// All that wait, in no order.
    pub(crate) fn all_queued(&self) -> impl Iterator<Item = &Queued> {
        self.queued.values()
    }

    fn is_full(&self, key: &LineKey) -> bool {
        self.lines.get(key).is_some_and(|line| line.waiting.len() >= LINE_MAX)
    }

    /// A run from a snapshot is on, or was on last.
    pub(crate) fn restore_running(&mut self, run: RunId, key: LineKey, has_ended: bool) {
        if has_ended {
            self.retired.insert(key.clone(), run);
        } else {
            self.lines.entry(key.clone()).or_default();
        }
        self.of_run.insert(run, key);
    }

    /// Nothing is asked of a run any more.
    pub(crate) fn forget(&mut self, run: RunId) {
        if let Some(key) = self.of_run.remove(&run)
            && self.retired.get(&key) == Some(&run)
        {
            self.retired.remove(&key);
        }
    }

    /// A start from a snapshot waits.
    pub(crate) fn restore_queued(&mut self, key: LineKey, queued: Queued) {
        let run = queued.start.run;
        self.next_place = self.next_place.max(queued.place + 1);
        self.lines.entry(key.clone()).or_default().waiting.insert(queued.place, run);
        self.of_run.insert(run, key);
        self.queued.insert(run, queued);
    }

    /// A run takes the line if nobody has it; says whether it does.
    fn claim(&mut self, run: RunId, key: &LineKey) -> bool {
        self.of_run.insert(run, key.clone());
        if self.lines.contains_key(key) {
            return false;
        }
        self.lines.insert(key.clone(), Line::default());
        true
    }

    fn join(&mut self, start: Start, key: &LineKey, since: i64, dirty: bool) {
        let (run, place) = (start.run, self.next_place);
        self.next_place += 1;
        self.lines.entry(key.clone()).or_default().waiting.insert(place, run);
        self.queued.insert(run, Queued { start, place, since, dirty });
    }

    /// A run that was on has ended: who is next.
    fn leave(&mut self, key: &LineKey) -> Option<Start> {
        match self.lines.get_mut(key)?.waiting.pop_first() {
            Some((_, next)) => self.queued.remove(&next).map(|queued| queued.start),
            None => {
                self.lines.remove(key);
                None
            }
        }
    }

    /// A start that waits won't begin.
    fn give_up(&mut self, run: RunId) -> Option<Queued> {
        let queued = self.queued.remove(&run)?;
        if let Some(line) = self.of_run.remove(&run).and_then(|key| self.lines.get_mut(&key)) {
            line.waiting.remove(&queued.place);
        }
        Some(queued)
    }

    /// What waits was written down.
    pub(crate) fn saved(&mut self, run: RunId, saved: Saved) -> Option<Saved> {
        let queued = self.queued.get_mut(&run)?;
        queued.dirty = false;
        queued.start.saved.replace(saved)
    }
}

/// Who a start is.
struct Identity {
    run: RunId,
    shard: u16,
    generation: u32,
    /// The run that had the key before, where another one may follow.
    previous: Option<RunId>,
    /// The key's value, where runs stand in line by it.
    line: Option<Value>,
}

impl Engine {
    /// Starts the run of a flow for what is its one parameter; the run that takes it, also where it has been there before.
    /// None where an event's key has no value, and where the line is full.
    pub(crate) fn start_by(
        &mut self,
        flow: FlowId,
        cause: StartCause,
        value: &Arc<Value>,
    ) -> Result<Option<RunId>, EngineError> {
        let Some(Identity { run, shard, generation, previous, line }) = self.identity(flow, &cause, value)? else {
            return Ok(None);
        };
        let line = line.map(|key| LineKey { flow, key });
        if self.is_known(run)? {
            self.totals.repeated_starts += 1;
            return Ok(Some(run));
        }
        let may_be_refused = !matches!(cause, StartCause::Batch { .. });
        if may_be_refused && line.as_ref().is_some_and(|line| self.lines.is_full(line)) {
            let bundle = Arc::clone(&self.bundle);
            self.totals.refuse_start(&bundle, flow, &cause);
            return Ok(None);
        }
        let value = Some(Arc::clone(value));
        self.begin(Start { run, shard, flow, generation, cause, value, saved: None }, line);
        // What comes late for the key is the new run's from now on.
        if let Some(previous) = previous.filter(|previous| self.runs.contains_key(previous)) {
            self.send_to_run(previous, Input::Relieved);
        }
        Ok(Some(run))
    }

    /// A run begins at once or, where its line is taken, when its turn comes.
    fn begin(&mut self, start: Start, line: Option<LineKey>) {
        let Some(line) = line else { return self.push(Message::Start(start)) };
        if self.lines.claim(start.run, &line) {
            return self.take_turn(start, &line);
        }
        self.totals.queued += 1;
        let kept = self.store.is_some();
        if kept {
            self.dirty_runs.push(start.run);
        }
        self.lines.join(start, &line, self.now, kept);
    }

    /// A step of a flow starts another one.
    pub(crate) fn start_child(&mut self, child: RunId, flow: FlowId, cause: StartCause) {
        let StartCause::Child { args, .. } = &cause else { return };
        let line = self
            .program_of(flow)
            .filter(|program| program.plan.key.as_ref().is_some_and(|key| key.mode == KeyMode::OneAtATime));
        // One whose key has no value waits for all others of that kind: nobody runs beside who must run alone.
        let line = line.map(|program| Run::key_of(program, args, self.now).ok().flatten().unwrap_or(Value::None));
        let line = line.map(|key| LineKey { flow, key });
        let shard = shard_of(child.0);
        self.begin(Start { run: child, shard, flow, generation: 0, cause, value: None, saved: None }, line);
    }

    /// A parent asks its child to settle. One that still waits for its turn never begins.
    pub(crate) fn settle_child(&mut self, child: RunId) {
        let Some(queued) = self.lines.give_up(child) else { return self.send_to_run(child, Input::Settle) };
        if let Some(saved) = queued.start.saved {
            self.checkpoints.gone_run(child, saved);
        }
        if let StartCause::Child { parent, joined: true, .. } = queued.start.cause {
            // What it was lent comes back as it was: nobody has touched it.
            let (ending, resources) = (flowline_core::Ending::Settled, Vec::new());
            self.send_to_run(parent, Input::ChildEnded { child, ending, resources });
        }
    }

    /// A run of a line begins. What comes late for the key is this run's from now on.
    fn take_turn(&mut self, start: Start, line: &LineKey) {
        self.push(Message::Start(start));
        if let Some(before) = self.lines.retired.remove(line) {
            self.send_to_run(before, Input::Relieved);
        }
    }

    /// A run has ended, and still waits for late events if it isn't gone: whoever is next in its line begins.
    pub(crate) fn leave_line(&mut self, run: RunId, line: Option<LineKey>, is_gone: bool) {
        let Some(line) = line else { return };
        if !is_gone {
            self.lines.retired.insert(line.clone(), run);
        }
        if let Some(next) = self.lines.leave(&line) {
            self.take_turn(next, &line);
        }
    }

    fn identity(&self, flow: FlowId, cause: &StartCause, value: &Value) -> Result<Option<Identity>, EngineError> {
        let Some(program) = self.program_of(flow) else { return Ok(None) };
        let name = &program.plan.name;
        let from_outside = matches!(cause, StartCause::Event { .. });
        let key = match Run::key_of(program, std::slice::from_ref(value), self.now) {
            Ok(key) => key,
            Err(_) if from_outside => return Ok(None),
            // A tick and a batch come once: without a value they stand for themselves.
            Err(_) => Some(Value::None),
        };
        let encoded = key.as_ref().map(|key| postcard::to_stdvec(key).unwrap_or_default());
        let shard = encoded.as_ref().map(|key| shard_of(flowline_core::hash128("key", &[key])));
        let mode = program.plan.key.as_ref().map(|rule| rule.mode);
        let of_its_own = |run: RunId, line: Option<Value>| {
            Ok(Some(Identity {
                run,
                shard: shard.unwrap_or_else(|| shard_of(run.0)),
                generation: 0,
                previous: None,
                line,
            }))
        };
        let line = || key.clone().filter(|_| mode == Some(KeyMode::OneAtATime));
        match (mode, cause) {
            // A batch has an identity before it is whole, and so before its key is known.
            (_, StartCause::Batch { batch, .. }) => {
                of_its_own(RunId::of_cause(name, "batch", &batch.to_le_bytes()), line())
            }
            (None | Some(KeyMode::OneAtATime), StartCause::Tick { due }) => {
                of_its_own(RunId::of_cause(name, "tick", &due.to_le_bytes()), line())
            }
            (Some(KeyMode::OneAtATime), StartCause::Event { event, .. }) => {
                of_its_own(RunId::of_cause(name, "event", &event.0.to_le_bytes()), line())
            }
            (None, StartCause::Event { event, .. }) => of_its_own(RunId::of_key(name, &event.0.to_le_bytes(), 0), None),
            (_, StartCause::Child { .. }) => Ok(None),
            (Some(mode @ (KeyMode::Once | KeyMode::OneAlive)), StartCause::Event { .. } | StartCause::Tick { .. }) => {
                let key = encoded.unwrap_or_default();
                let shard = shard.unwrap_or_default();
                let (mut generation, mut previous) = (0, None);
                loop {
                    let run = RunId::of_key(name, &key, generation);
                    if mode == KeyMode::Once || !self.has_finished(run)? {
                        return Ok(Some(Identity { run, shard, generation, previous, line: None }));
                    }
                    previous = Some(run);
                    generation += 1;
                }
            }
        }
    }

    /// Whether a run is there, has been there, or is about to be.
    fn is_known(&self, run: RunId) -> Result<bool, EngineError> {
        let is_here = self.starting.contains(&run) || self.runs.contains_key(&run) || self.lines.key_of(run).is_some();
        Ok(is_here || self.has_finished(run)?)
    }

    /// Whether a run has ended.
    fn has_finished(&self, run: RunId) -> Result<bool, EngineError> {
        if self.finished.contains_key(&run) || self.checkpoints.is_being_saved(run) {
            return Ok(true);
        }
        let Some(store) = &self.store else { return Ok(false) };
        let row = store.get(Table::Summary, &key_u128(run.0))?;
        Ok(row.is_some_and(|row| row.seq <= self.summaries_to))
    }

    /// A start that waits, from a snapshot.
    pub(crate) fn restore_queued(&mut self, key: LineKey, queued: Queued) {
        if let StartCause::Batch { events, .. } = &queued.start.cause {
            self.gathered += *events as usize;
        }
        self.lines.restore_queued(key, queued);
    }

    /// The flows of the starts that wait for their turn, and since when, in no order.
    pub fn waiting_starts(&self) -> impl Iterator<Item = (FlowId, i64)> {
        self.lines.all_queued().map(|queued| (queued.start.flow, queued.since))
    }
}
