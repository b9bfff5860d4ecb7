//! The engine: runs, homes and timers of all shards, and the journal that is the truth about them.
//!
//! It is synchronous and has no clock: a driver brings inputs with a time and releases orders when they are durable.
//! Every input of a run and every event is a record; everything else follows. Messages between runs, and between runs
//! and homes, are derived: the engine works them off in one queue, in the order in which they arise, so that a replay
//! derives the same ones.
//!
//! Invariants: no order leaves before the records it follows from are durable. A record is taken by exactly one place.
//! After an error the engine takes nothing any more, for what it holds may be ahead of the journal.
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use flowline_core::{Answer, Call, Ending, EventId, Incident, Input, Output, Program, Run, RunId, TaskFate, TaskId};
use flowline_journal::{Journal, NewRecord, Position, RecordKind};
use flowline_plan::{Bundle, FlowId, Plan, TypeId, Value};
use flowline_store::{Store, StoreError};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    EngineError, Totals,
    body::{Cursor, EventIn, SnapshotBody, encode},
    checkpoint::Checkpoints,
    dedupe::Dedupe,
    gather::{BatchCell, BatchKey},
    home::{Home, HomeKey, Offer},
    routes::Routes,
    starts::{Lines, Start},
    tasks::{TaskAnswer, Tasks},
    ticks::Schedules,
};

/// What a driver brings.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    Event(EventIn),
    Answer {
        run: RunId,
        call: u32,
        attempt: u32,
        answer: Answer,
    },
    /// End a run and settle what it holds.
    Settle(RunId),
    /// Try a parked step once more.
    Retry {
        run: RunId,
        frame: u32,
    },
    /// A person answers a question.
    TaskAnswer(TaskAnswer),
    /// How far the input file was read; goes behind the events it covers.
    Cursor(Cursor),
    /// From now on flows start by the clock, or no longer do. They don't before somebody says so.
    Schedules(bool),
}

/// A call to carry out, once its record is durable.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub run: RunId,
    pub call: Box<Call>,
}

/// What one round came to.
#[derive(Debug, Default)]
pub struct Taken {
    /// Orders may leave, and whoever brought the inputs may be told, once this seq is durable. It is the last one
    /// submitted, also where the round wrote nothing: an event that came before may not be durable yet.
    pub seq: u64,
    pub orders: Vec<Order>,
    /// Runs that ended, with how.
    pub ended: Vec<(RunId, Ending)>,
    /// Questions to people that were asked; some may be closed again.
    pub asked: Vec<TaskId>,
    /// What became of the answers of people, in the order in which they were taken.
    pub answered: Vec<(TaskId, TaskFate)>,
}

/// How the engine is kept.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// A checkpoint is made after so many records.
    pub checkpoint_records: u64,
    /// And after so many bytes.
    pub checkpoint_bytes: u64,
    /// Bytes of one group of the journal. Well below what that takes, since a single record may be larger.
    pub group_bytes: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { checkpoint_records: 65_536, checkpoint_bytes: 16 << 20, group_bytes: 16 << 20 }
    }
}

/// A live run, or an ended one that waits for late events, and where its state was last written.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) run: Run,
    pub(crate) program: Arc<Program>,
    pub(crate) shard: u16,
    /// The run that waits for its end.
    pub(crate) joined: Option<RunId>,
    pub(crate) generation: u32,
    /// The seq of its start: events with a higher one came after it.
    pub(crate) begun: u64,
    /// Changed since it was last written, and on the list of those.
    pub(crate) dirty: bool,
    pub(crate) saved: Option<(u64, Position)>,
}

/// A home and where its state was last written.
#[derive(Debug, Default)]
pub(crate) struct HomeCell {
    pub(crate) home: Home,
    pub(crate) dirty: bool,
    pub(crate) saved: Option<(u64, Position)>,
}

/// A message on its way to where it counts; each becomes a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Message {
    Event(EventIn),
    Start(Start),
    Offer(Offer),
    Run {
        run: RunId,
        input: Input,
    },
    /// A flow starts by the clock.
    Tick {
        flow: FlowId,
        due: i64,
    },
    /// Time is up for a batch.
    Close {
        key: BatchKey,
        batch: u128,
    },
    /// Flows start by the clock from now on, or no longer.
    Schedules {
        on: bool,
    },
}

/// What one input did to a run, for those who watch a replay.
#[derive(Debug, Clone)]
pub struct Step {
    pub run: RunId,
    pub flow: FlowId,
    pub input: Input,
    pub outputs: Vec<Output>,
    /// Where the run stands now.
    pub after: Run,
}

/// All shards on one log.
pub struct Engine {
    pub(crate) bundle: Arc<Bundle>,
    pub(crate) programs: Vec<Arc<Program>>,
    pub(crate) routes: Routes,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) store: Option<Arc<dyn Store>>,
    pub(crate) options: EngineOptions,
    pub(crate) runs: FxHashMap<RunId, Cell>,
    pub(crate) homes: FxHashMap<HomeKey, HomeCell>,
    /// Where each wait of a run is registered.
    pub(crate) waits: FxHashMap<(RunId, u32), HomeKey>,
    /// Which home made the offers that are on their way.
    pub(crate) offered: FxHashMap<(RunId, EventId, u32), HomeKey>,
    /// Summaries in the store count up to this seq; during recovery what lies beyond is told by the journal.
    pub(crate) summaries_to: u64,
    /// Steps are kept here while somebody watches.
    pub(crate) trace: Option<Vec<Step>>,
    pub(crate) timers: BTreeSet<(i64, RunId, u32)>,
    /// Timers of ended runs that wait for late events: fired when time passes by, but nobody moves the clock for them.
    pub(crate) idle_timers: BTreeSet<(i64, RunId, u32)>,
    pub(crate) due_of: FxHashMap<(RunId, u32), i64>,
    /// When kept events end, and at which homes.
    pub(crate) expiries: BTreeMap<i64, Vec<HomeKey>>,
    /// Kept events were dropped up to this instant.
    pub(crate) expired_to: i64,
    pub(crate) dedupe: Dedupe,
    pub(crate) lines: Lines,
    pub(crate) batches: FxHashMap<BatchKey, BatchCell>,
    /// When each open batch is closed.
    pub(crate) closings: BTreeSet<(i64, BatchKey)>,
    /// Events in open batches, and in those whose runs wait for their turn.
    pub(crate) gathered: usize,
    pub(crate) schedules: Schedules,
    /// Runs that ended since the last checkpoint; older ones are in the store. Without a store, only those whose key
    /// might come again.
    pub(crate) finished: HashMap<RunId, Finished>,
    pub(crate) incidents: BTreeMap<(RunId, u32), Incident>,
    pub(crate) totals: Totals,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) queue: VecDeque<Message>,
    /// Runs whose start is in the queue.
    pub(crate) starting: FxHashSet<RunId>,
    /// The group that is being filled, and its size.
    pub(crate) records: Vec<NewRecord>,
    pub(crate) record_bytes: usize,
    pub(crate) next_seq: u64,
    pub(crate) now: i64,
    pub(crate) checkpoints: Checkpoints,
    /// Where the engine's own state was last written.
    pub(crate) own_saved: Option<(u64, Position)>,
    /// What changed since the last checkpoint; kept only where there is a store.
    pub(crate) dirty_runs: Vec<RunId>,
    pub(crate) dirty_homes: Vec<HomeKey>,
    pub(crate) dirty_batches: Vec<BatchKey>,
    pub(crate) orders: Vec<Order>,
    pub(crate) ended: Vec<(RunId, Ending)>,
    pub(crate) tasks: Tasks,
    pub(crate) asked: Vec<TaskId>,
    pub(crate) answered: Vec<(TaskId, TaskFate)>,
    /// The error after which nothing is taken any more.
    stopped: Option<String>,
}

/// What is remembered of a run that has ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finished {
    pub flow: FlowId,
    pub generation: u32,
    pub outcome: String,
    pub started_at: i64,
    pub ended_at: i64,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("runs", &self.runs.len())
            .field("next_seq", &self.next_seq)
            .finish_non_exhaustive()
    }
}

impl Engine {
    pub(crate) fn empty(
        bundle: Arc<Bundle>,
        journal: Arc<dyn Journal>,
        store: Option<Arc<dyn Store>>,
        dedupe: Dedupe,
        options: EngineOptions,
    ) -> Self {
        let programs = (0..bundle.flows.len()).filter_map(|at| Program::new(&bundle, FlowId::from(at)).map(Arc::new));
        Self {
            programs: programs.collect(),
            routes: Routes::of(&bundle),
            schedules: Schedules::of(&bundle),
            checkpoints: Checkpoints::new(store.clone()),
            bundle,
            journal,
            store,
            options,
            runs: FxHashMap::default(),
            homes: FxHashMap::default(),
            waits: FxHashMap::default(),
            offered: FxHashMap::default(),
            summaries_to: u64::MAX,
            trace: None,
            timers: BTreeSet::new(),
            idle_timers: BTreeSet::new(),
            due_of: FxHashMap::default(),
            expiries: BTreeMap::new(),
            expired_to: i64::MIN,
            dedupe,
            lines: Lines::default(),
            batches: FxHashMap::default(),
            closings: BTreeSet::new(),
            gathered: 0,
            finished: HashMap::new(),
            incidents: BTreeMap::new(),
            totals: Totals::default(),
            cursor: None,
            queue: VecDeque::new(),
            starting: FxHashSet::default(),
            records: Vec::new(),
            record_bytes: 0,
            next_seq: 1,
            now: i64::MIN,
            own_saved: None,
            dirty_runs: Vec::new(),
            dirty_homes: Vec::new(),
            dirty_batches: Vec::new(),
            orders: Vec::new(),
            ended: Vec::new(),
            tasks: Tasks::default(),
            asked: Vec::new(),
            answered: Vec::new(),
            stopped: None,
        }
    }

    /// The instant at which the next timer is due or the next batch is closed; the present one where a crash left work
    /// undone. What starts by the clock is told by [`Engine::next_tick`].
    pub fn next_due(&self) -> Option<i64> {
        if !self.queue.is_empty() {
            return Some(self.now);
        }
        let timer = self.timers.first().map(|(due, _, _)| *due);
        timer.into_iter().chain(self.closings.first().map(|(due, _)| *due)).min()
    }

    /// The time of the last round.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// What became of it all so far.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// How far the input file was read.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// Runs that haven't ended, in no order.
    pub fn live(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().map(|cell| &cell.run).filter(|run| !run.control.ended)
    }

    /// Ended runs that wait for late events.
    pub fn waiting_for_late(&self) -> usize {
        self.runs.values().filter(|cell| cell.run.control.ended).count()
    }

    /// A live run, or an ended one that waits for late events.
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.runs.get(&id).map(|cell| &cell.run)
    }

    /// Steps that are parked until somebody looks.
    pub fn incidents(&self) -> impl Iterator<Item = (RunId, u32, &Incident)> {
        self.incidents.iter().map(|((run, frame), incident)| (*run, *frame, incident))
    }

    /// Events that are kept and that nobody has taken so far.
    pub fn untaken_events(&self) -> usize {
        self.homes.values().map(|cell| cell.home.untaken().count()).sum()
    }

    /// The bundle that runs are pinned to.
    pub fn bundle(&self) -> &Arc<Bundle> {
        &self.bundle
    }

    /// The journal's door, to wait for what is durable.
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    /// Takes a round of inputs at a time (ms UTC), fires the timers that are due, and works off everything that
    /// follows. Inputs are taken in an order of their own, never in that of arrival. Timers that were due before this
    /// instant come before the inputs, those due at it come after them.
    ///
    /// A round is one group of the journal as long as that stays below [`EngineOptions::group_bytes`]. A driver that reads a file brings a few
    /// thousand events at a time, so that their cursor lies in the same group.
    ///
    /// # Errors
    /// When the journal or the store fails; nothing of the round is acknowledged then, and the engine takes nothing any
    /// more: start it again.
    pub fn take(&mut self, now: i64, given: Vec<Given>) -> Result<Taken, EngineError> {
        self.guarded(|engine| engine.round(now, given))
    }

    fn round(&mut self, now: i64, mut given: Vec<Given>) -> Result<Taken, EngineError> {
        self.resume()?;
        self.now = self.now.max(now);
        given.sort_by(|a, b| order_of(a).cmp(&order_of(b)));
        while let Some(Given::Schedules(on)) = given.first() {
            self.push(Message::Schedules { on: *on });
            self.work_off()?;
            given.remove(0);
        }
        self.fire_timers(self.now.saturating_sub(1))?;
        let mut cursor = None;
        for given in given {
            match given {
                Given::Event(event) => self.push(Message::Event(event)),
                Given::Answer { run, call, attempt, answer } => {
                    self.send_to_run(run, Input::Answered { call, attempt, answer });
                }
                Given::Settle(run) => self.send_to_run(run, Input::Settle),
                Given::Retry { run, frame } => self.send_to_run(run, Input::Retry { frame }),
                Given::TaskAnswer(answer) => self.person_answers(answer),
                Given::Cursor(position) => cursor = Some(position),
                Given::Schedules(on) => self.push(Message::Schedules { on }),
            }
            self.work_off()?;
        }
        if let Some(mut cursor) = cursor {
            cursor.duplicates = self.totals.duplicates;
            cursor.conflicts = self.totals.conflicts;
            self.record(RecordKind::Cursor, 0, 0, encode(&cursor));
            self.cursor = Some(cursor);
        }
        self.fire_timers(self.now)?;
        let seq = self.submit()?;
        self.checkpoint_if_due()?;
        Ok(Taken {
            seq,
            orders: std::mem::take(&mut self.orders),
            ended: std::mem::take(&mut self.ended),
            asked: std::mem::take(&mut self.asked),
            answered: std::mem::take(&mut self.answered),
        })
    }

    /// Works off what a crash cut in two: its first half was journaled, the rest follows from it.
    pub(crate) fn resume(&mut self) -> Result<(), EngineError> {
        self.work_off()
    }

    /// Does something unless an error came before, and remembers one that comes now.
    pub(crate) fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        if let Some(poison) = self.journal.poisoned() {
            return Err(poison.into());
        }
        if let Some(cause) = &self.stopped {
            return Err(StoreError::Poisoned { cause: cause.clone() }.into());
        }
        work(self).inspect_err(|error| self.stopped = Some(error.to_string()))
    }

    pub(crate) fn plan_of(&self, flow: FlowId) -> Option<&Arc<Plan>> {
        self.bundle.flow(flow)
    }

    /// Takes what a replay derived besides its records: nobody waits for it.
    pub(crate) fn drop_derived(&mut self) {
        self.orders.clear();
        self.ended.clear();
        self.asked.clear();
    }

    /// The calls that were out when the engine stopped: same key, same attempt, same instant.
    pub fn pending_orders(&mut self) -> Vec<Order> {
        let mut orders = Vec::new();
        for (id, cell) in &mut self.runs {
            for output in cell.run.pending_calls(&cell.program) {
                if let Output::Call(call) = output {
                    orders.push(Order { run: *id, call });
                }
            }
        }
        orders.sort_by_key(|order| (order.run, order.call.call));
        orders
    }

    /// Body of a snapshot of the engine's own state.
    pub(crate) fn own_snapshot(&self) -> SnapshotBody {
        let schedules = self.schedules.snapshot();
        SnapshotBody::Engine { totals: Box::new(self.totals.clone()), cursor: self.cursor.clone(), schedules }
    }
}

/// The order in which the inputs of one instant are taken: by kind, then by who they belong to.
fn order_of(given: &Given) -> (u8, u128, u64, &str, &str, Option<(TypeId, &Value)>) {
    match given {
        Given::Schedules(on) => (0, 0, u64::from(*on), "", "", None),
        Given::Event(event) => (1, 0, event.origin as u64, &event.source, &event.id, Some((event.event, &event.value))),
        Given::Answer { run, call, attempt, .. } => {
            (2, run.0, u64::from(*call) << 32 | u64::from(*attempt), "", "", None)
        }
        Given::Settle(run) => (3, run.0, 0, "", "", None),
        Given::Retry { run, frame } => (4, run.0, u64::from(*frame), "", "", None),
        Given::TaskAnswer(answer) => (5, answer.task.0, 0, &answer.by, "", None),
        Given::Cursor(_) => (6, 0, 0, "", "", None),
    }
}
