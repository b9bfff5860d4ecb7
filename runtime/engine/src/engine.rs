//! The engine: runs, homes and timers of all shards, and the journal that is the truth about them.
//!
//! It is synchronous and has no clock: a driver brings inputs with a time and releases orders when they are durable.
//! Every input of a run and every event is a record; everything else follows. Messages between runs, and between runs
//! and homes, are derived: the engine works them off in one queue, in the order in which they arise, so that a replay
//! derives the same ones.
//!
//! Invariants: no order leaves before the records it follows from are durable. A record is taken by exactly one place.
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use flowline_core::{Answer, Call, Ending, EventId, Incident, Input, MachineOptions, Output, Program, Run, RunId};
use flowline_journal::{Journal, NewRecord, Position, RecordKind};
use flowline_plan::{Bundle, FlowId, Plan};
use flowline_store::Store;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    EngineError, Totals,
    body::{Cursor, EventIn, InputBody, SnapshotBody, StartCause, encode},
    checkpoint::Checkpoints,
    dedupe::Dedupe,
    home::{Home, HomeKey, Offer},
    routes::Routes,
    shard::{SHARDS, shard_of},
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
    /// How far the input file was read; goes behind the events it covers.
    Cursor(Cursor),
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
    /// The orders may leave once this seq is durable; 0 when nothing was written.
    pub seq: u64,
    pub orders: Vec<Order>,
    /// Runs that ended, with how.
    pub ended: Vec<(RunId, Ending)>,
}

/// How the engine is kept.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// A checkpoint is made after so many records.
    pub checkpoint_records: u64,
    /// And after so many bytes.
    pub checkpoint_bytes: u64,
    pub machine: MachineOptions,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { checkpoint_records: 65_536, checkpoint_bytes: 16 << 20, machine: MachineOptions::default() }
    }
}

/// A live run and where its state was last written.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) run: Run,
    pub(crate) program: Arc<Program>,
    pub(crate) shard: u16,
    /// The run that waits for its end.
    pub(crate) joined: Option<RunId>,
    pub(crate) generation: u32,
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
    Start {
        run: RunId,
        shard: u16,
        flow: FlowId,
        generation: u32,
        cause: StartCause,
        value: Option<Arc<flowline_plan::Value>>,
    },
    Offer(Offer),
    Run {
        run: RunId,
        input: Input,
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
    timers: BTreeSet<(i64, RunId, u32)>,
    due_of: FxHashMap<(RunId, u32), i64>,
    pub(crate) dedupe: Dedupe,
    /// Runs that ended since the last checkpoint; older ones are in the store.
    pub(crate) finished: HashMap<RunId, Finished>,
    pub(crate) incidents: BTreeMap<(RunId, u32), Incident>,
    pub(crate) totals: Totals,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) queue: VecDeque<Message>,
    pub(crate) records: Vec<NewRecord>,
    pub(crate) next_seq: u64,
    pub(crate) now: i64,
    pub(crate) checkpoints: Checkpoints,
    /// Where the engine's own state was last written.
    pub(crate) own_saved: Option<(u64, Position)>,
    orders: Vec<Order>,
    ended: Vec<(RunId, Ending)>,
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
        let programs = (0..bundle.flows.len()).filter_map(|at| {
            let mut program = Program::new(&bundle, FlowId::from(at))?;
            program.options = options.machine.clone();
            Some(Arc::new(program))
        });
        Self {
            programs: programs.collect(),
            routes: Routes::of(&bundle),
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
            due_of: FxHashMap::default(),
            dedupe,
            finished: HashMap::new(),
            incidents: BTreeMap::new(),
            totals: Totals::default(),
            cursor: None,
            queue: VecDeque::new(),
            records: Vec::new(),
            next_seq: 1,
            now: i64::MIN,
            own_saved: None,
            orders: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// The instant at which the next timer is due.
    pub fn next_due(&self) -> Option<i64> {
        self.timers.first().map(|(due, _, _)| *due)
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

    /// Runs that haven't ended.
    pub fn live(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().map(|cell| &cell.run)
    }

    /// A live run.
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.runs.get(&id).map(|cell| &cell.run)
    }

    /// Steps that are parked until somebody looks.
    pub fn incidents(&self) -> impl Iterator<Item = (RunId, u32, &Incident)> {
        self.incidents.iter().map(|((run, frame), incident)| (*run, *frame, incident))
    }

    /// Events that are kept and that nobody has taken so far.
    pub fn untaken_events(&self) -> usize {
        let untaken: FxHashSet<EventId> = self.homes.values().flat_map(|cell| cell.home.untaken()).collect();
        untaken.len()
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
    /// follows. Inputs are taken in an order of their own, never in that of arrival.
    ///
    /// # Errors
    /// When the journal or the store fails; nothing of the round is acknowledged then.
    pub fn take(&mut self, now: i64, mut given: Vec<Given>) -> Result<Taken, EngineError> {
        self.now = self.now.max(now);
        given.sort_by(|a, b| order_of(a).cmp(&order_of(b)));
        let mut cursor = None;
        for given in given {
            match given {
                Given::Event(event) => self.queue.push_back(Message::Event(event)),
                Given::Answer { run, call, attempt, answer } => {
                    self.to_run(run, Input::Answered { call, attempt, answer });
                }
                Given::Settle(run) => self.to_run(run, Input::Settle),
                Given::Retry { run, frame } => self.to_run(run, Input::Retry { frame }),
                Given::Cursor(position) => cursor = Some(position),
            }
        }
        loop {
            self.work_off()?;
            if !self.fire_timers() {
                break;
            }
        }
        if let Some(mut cursor) = cursor {
            cursor.duplicates = self.totals.duplicates;
            cursor.conflicts = self.totals.conflicts;
            self.record(RecordKind::Cursor, 0, 0, encode(&cursor), 0);
            self.cursor = Some(cursor);
        }
        let seq = self.submit()?;
        self.checkpoint_if_due()?;
        Ok(Taken { seq, orders: std::mem::take(&mut self.orders), ended: std::mem::take(&mut self.ended) })
    }

    fn to_run(&mut self, run: RunId, input: Input) {
        self.queue.push_back(Message::Run { run, input });
    }

    /// Queues the timers that are due; says whether there was one.
    fn fire_timers(&mut self) -> bool {
        let mut fired = false;
        while let Some((due, run, timer)) = self.timers.first().copied() {
            if due > self.now {
                break;
            }
            self.timers.pop_first();
            self.due_of.remove(&(run, timer));
            self.to_run(run, Input::Due { timer });
            fired = true;
        }
        fired
    }

    /// A timer has fired, as a replay reads it.
    pub(crate) fn timer_fired(&mut self, run: RunId, timer: u32) {
        if let Some(due) = self.due_of.remove(&(run, timer)) {
            self.timers.remove(&(due, run, timer));
        }
    }

    fn work_off(&mut self) -> Result<(), EngineError> {
        while let Some(message) = self.queue.pop_front() {
            if self.is_void(&message) {
                self.discard(&message);
            } else if let Some((shard, run, body)) = self.body_of(&message) {
                let at = self.records.len();
                self.record(RecordKind::Input, shard, run, body, 0);
                let hash = self.apply(message)?;
                if let Some(record) = self.records.get_mut(at) {
                    record.state_hash = hash;
                }
            }
            if self.records.len() >= 16_384 {
                self.submit()?;
            }
        }
        Ok(())
    }

    /// Whether a message has nobody to go to any more.
    pub(crate) fn is_void(&self, message: &Message) -> bool {
        match message {
            Message::Offer(Offer { run, .. }) | Message::Run { run, .. } => !self.runs.contains_key(run),
            Message::Event(_) | Message::Start { .. } => false,
        }
    }

    /// A message has nobody to go to: a home that made an offer is told.
    pub(crate) fn discard(&mut self, message: &Message) {
        if let Message::Offer(offer) = message {
            self.reply(offer.run, offer.wait, offer.event, false);
        }
    }

    /// The record that a message becomes: shard, run, body. None for an event that doesn't count.
    fn body_of(&mut self, message: &Message) -> Option<(u16, u128, Vec<u8>)> {
        match message {
            Message::Event(event) => {
                let counts = self.admit(event);
                counts.then(|| (shard_of(event.event_id().0), 0, encode(&InputBody::Event(event.clone()))))
            }
            Message::Start { run, shard, flow, generation, cause, .. } => {
                let body = InputBody::Start { flow: *flow, generation: *generation, cause: cause.clone() };
                Some((*shard, run.0, encode(&body)))
            }
            Message::Offer(Offer { run, wait, event, acknowledged_at, seq, .. }) => {
                let (wait, event, acknowledged_at, seq) = (*wait, *event, *acknowledged_at, *seq);
                let body = InputBody::Offered { wait, event, acknowledged_at, seq };
                Some((self.runs.get(run)?.shard, run.0, encode(&body)))
            }
            Message::Run { run, input } => {
                Some((self.runs.get(run)?.shard, run.0, encode(&InputBody::Run(input.clone()))))
            }
        }
    }

    /// Makes a message true. The state hash of the run it reached, 0 for an event.
    pub(crate) fn apply(&mut self, message: Message) -> Result<u64, EngineError> {
        let seq = self.next_seq + self.records.len() as u64 - 1;
        match message {
            Message::Event(event) => {
                self.intake(event, seq);
                Ok(0)
            }
            Message::Start { run, shard, flow, generation, cause, value } => {
                let Some(program) = self.programs.get(flow.index()).cloned() else { return Ok(0) };
                let (args, parent, joined) = match cause {
                    StartCause::Event { .. } => (value.iter().map(|v| (**v).clone()).collect(), None, None),
                    StartCause::Child { parent, joined, args } => {
                        (args, Some(flowline_core::Parent { run: parent }), joined.then_some(parent))
                    }
                };
                self.totals.start(program.plan.short_name());
                let cell = Cell {
                    run: Run::new(run, flow, parent),
                    program,
                    shard,
                    joined,
                    generation,
                    dirty: true,
                    saved: None,
                };
                self.runs.insert(run, cell);
                Ok(self.step(run, &Input::Start { args, parent }))
            }
            Message::Offer(Offer { run, wait, event, acknowledged_at, value, .. }) => {
                let value = (*value).clone();
                Ok(self.step(run, &Input::Offered { wait, event, acknowledged_at, value }))
            }
            Message::Run { run, input } => Ok(self.step(run, &input)),
        }
    }

    /// One input of a run, and where its outputs go.
    fn step(&mut self, id: RunId, input: &Input) -> u64 {
        let Some(cell) = self.runs.get_mut(&id) else { return 0 };
        self.totals.input(&self.bundle, &cell.run, input);
        let outputs = cell.run.handle(&cell.program, input, self.now);
        cell.dirty = true;
        let (hash, started_at) = (cell.run.state_hash(), cell.run.started_at);
        if let Some(trace) = &mut self.trace {
            let (outputs, after) = (outputs.clone(), cell.run.clone());
            trace.push(Step { run: id, flow: after.flow, input: input.clone(), outputs, after });
        }
        for output in outputs {
            self.totals.output(&output);
            self.route(id, started_at, output);
        }
        hash
    }

    fn route(&mut self, run: RunId, started_at: i64, output: Output) {
        match output {
            Output::Call(call) => self.orders.push(Order { run, call }),
            Output::Arm { timer, due } => {
                self.timers.insert((due, run, timer));
                self.due_of.insert((run, timer), due);
            }
            Output::Disarm { timer } => {
                if let Some(due) = self.due_of.remove(&(run, timer)) {
                    self.timers.remove(&(due, run, timer));
                }
            }
            Output::Register { wait, event, key, value, fresh } => {
                self.register(run, wait, HomeKey { event, key, value }, fresh, started_at);
            }
            Output::Withdraw { wait, reply } => self.withdraw(run, wait, reply),
            Output::Reply { wait, event, taken } => self.reply(run, wait, event, taken),
            Output::Emit { id, event, value } => {
                let name = self.runs.get(&run).map_or("", |cell| cell.program.plan.short_name());
                let source = format!("flowline/{name}");
                let event = EventIn { source, id: id.to_string(), event, value, origin: crate::Origin::Flow };
                self.queue.push_back(Message::Event(event));
            }
            Output::StartChild { child, flow, args, joined } => {
                let cause = StartCause::Child { parent: run, joined, args };
                let shard = shard_of(child.0);
                self.queue.push_back(Message::Start { run: child, shard, flow, generation: 0, cause, value: None });
            }
            Output::SettleChild { child } => self.to_run(child, Input::Settle),
            Output::Incident { frame, incident } => {
                self.incidents.insert((run, frame), incident);
            }
            Output::IncidentGone { frame } => {
                self.incidents.remove(&(run, frame));
            }
            // The status stands in the run; alarms are for operators who watch.
            Output::Status { .. } | Output::Alarm { .. } => {}
            Output::Ended(ending) => self.end(run, ending),
        }
    }

    fn end(&mut self, id: RunId, ending: Ending) {
        let Some(cell) = self.runs.remove(&id) else { return };
        self.totals.end(&self.bundle, &cell.run, &ending);
        let finished = Finished {
            flow: cell.run.flow,
            generation: cell.generation,
            outcome: crate::totals::outcome_name(&self.bundle, &ending),
            started_at: cell.run.started_at,
            ended_at: self.now,
        };
        self.finished.insert(id, finished);
        if cell.saved.is_some() {
            self.checkpoints.gone_run(id);
        }
        if let Some(parent) = cell.joined {
            self.to_run(parent, Input::ChildEnded { child: id, ending: ending.clone() });
        }
        self.ended.push((id, ending));
    }

    pub(crate) fn plan_of(&self, flow: FlowId) -> Option<&Arc<Plan>> {
        self.bundle.flow(flow)
    }

    pub(crate) fn arm_all(&mut self, id: RunId) {
        let Some(cell) = self.runs.get(&id) else { return };
        for (timer, due) in cell.run.control.timers() {
            self.timers.insert((due, id, timer));
            self.due_of.insert((id, timer), due);
        }
    }

    pub(crate) fn record(&mut self, kind: RecordKind, shard: u16, run: u128, body: Vec<u8>, state_hash: u64) {
        debug_assert!(shard < SHARDS, "a shard below {SHARDS}");
        self.records.push(NewRecord { kind, version: 1, shard, run, now: self.now, body, state_hash });
    }

    /// Hands the records so far to the journal; the last seq submitted.
    pub(crate) fn submit(&mut self) -> Result<u64, EngineError> {
        if self.records.is_empty() {
            return Ok(self.next_seq - 1);
        }
        let group = std::mem::take(&mut self.records);
        let bytes: usize = group.iter().map(|record| record.body.len() + 64).sum();
        let ticket = self.journal.submit(group)?;
        self.checkpoints.written(ticket.last_seq + 1 - ticket.first_seq, bytes as u64);
        self.next_seq = ticket.last_seq + 1;
        Ok(ticket.last_seq)
    }

    /// Takes what a replay derived besides its records: nobody waits for it.
    pub(crate) fn drop_derived(&mut self) {
        self.orders.clear();
        self.ended.clear();
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
        SnapshotBody::Engine { totals: Box::new(self.totals.clone()), cursor: self.cursor.clone() }
    }
}

/// The order in which the inputs of one instant are taken: by kind, then by who they belong to.
fn order_of(given: &Given) -> (u8, u128, u64, &str, &str) {
    match given {
        Given::Event(event) => (0, 0, event.origin as u64, &event.source, &event.id),
        Given::Answer { run, call, attempt, .. } => (1, run.0, u64::from(*call) << 32 | u64::from(*attempt), "", ""),
        Given::Settle(run) => (2, run.0, 0, "", ""),
        Given::Retry { run, frame } => (3, run.0, u64::from(*frame), "", ""),
        Given::Cursor(_) => (4, 0, 0, "", ""),
    }
}
