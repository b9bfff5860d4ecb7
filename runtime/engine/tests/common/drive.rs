//! Drives an engine and a simulated world in virtual time, and lets either die.
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use flowline_core::RunId;
use flowline_engine::{
    Cursor, Dedupe, Engine, EngineError, EngineOptions, EngineParts, EventIn, Given, NoWatch, Order, Origin, Recovered,
    Totals,
};
use flowline_journal::{Journal, MemoryJournal, RecordKind};
use flowline_plan::{Bundle, TypeId, Value};
use flowline_sim::{Held, MemoryLog, SystemRates, World, WorldConfig};
use flowline_store::{Fingerprints, MemoryStore, Store};

use super::shop;

/// An event of the input file: when, which one, order and code. Its id follows from `no`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) at: i64,
    pub(crate) no: u32,
    pub(crate) event: TypeId,
    pub(crate) order: i64,
    pub(crate) code: i64,
}

pub(crate) fn line(at: i64, no: u32, event: TypeId, order: i64, code: i64) -> Line {
    Line { at, no, event, order, code }
}

pub(crate) fn event_of(line: Line) -> EventIn {
    let value = Value::Record([Value::Int(line.order), Value::Int(line.code)].into());
    EventIn {
        source: "file".to_owned(),
        id: format!("e{:05}", line.no),
        event: line.event,
        value,
        origin: Origin::Outside,
    }
}

/// What stays when everything that runs has died: the disks, and the world outside.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) bundle: Arc<Bundle>,
    pub(crate) lines: Arc<Vec<Line>>,
    pub(crate) log: MemoryLog,
    pub(crate) rough: bool,
    pub(crate) options: EngineOptions,
    /// After so many rounds a checkpoint is made, and the one before is waited for; 0 for none.
    pub(crate) checkpoint_rounds: u64,
    /// Where the dedupe keys lie; without, they are kept in memory and read from the whole journal.
    pub(crate) dedupe: Option<PathBuf>,
}

impl Place {
    pub(crate) fn new(lines: &[Line]) -> Self {
        Self {
            bundle: shop::bundle(),
            lines: Arc::new(lines.to_vec()),
            log: MemoryLog::default(),
            rough: true,
            options: EngineOptions::default(),
            checkpoint_rounds: 0,
            dedupe: None,
        }
    }

    pub(crate) fn checkpoints_every(mut self, records: u64) -> Self {
        self.options.checkpoint_records = records;
        self
    }

    pub(crate) fn in_groups_of(mut self, bytes: usize) -> Self {
        self.options.group_bytes = bytes;
        self
    }

    pub(crate) fn world(&self) -> World {
        let errors = [("OutOfStock".to_owned(), 0.1), ("Declined".to_owned(), 0.1)].into();
        let rates = SystemRates { lost_answer: 0.1, lost_call: 0.05, down: 0.1, slow: 0.05, errors };
        let systems = if self.rough { [("shop".to_owned(), rates)].into() } else { BTreeMap::new() };
        let config = WorldConfig { seed: 7, systems, ..WorldConfig::default() };
        World::open(Arc::clone(&self.bundle), config, Held::default(), Box::new(self.log.clone())).unwrap()
    }

    fn parts(&self, store: Option<MemoryStore>) -> EngineParts {
        EngineParts {
            bundle: Arc::clone(&self.bundle),
            store: store.map(|store| Arc::new(store) as Arc<dyn Store>),
            dedupe: self.dedupe(),
            options: self.options.clone(),
        }
    }

    fn dedupe(&self) -> Dedupe {
        let Some(dir) = &self.dedupe else { return Dedupe::Memory(Default::default()) };
        let found = Fingerprints::open(dir).map(|(found, damaged)| {
            assert!(damaged.is_empty(), "{damaged:?}");
            found
        });
        Dedupe::Files(Box::new(found.or_else(|_| Fingerprints::recreate(dir)).unwrap()))
    }

    /// An engine by itself, without a store.
    pub(crate) fn engine(&self, journal: Arc<dyn Journal>) -> Engine {
        Engine::open(self.parts(None), journal, &mut NoWatch).unwrap().0
    }

    pub(crate) fn open(
        &self,
        journal: MemoryJournal,
        store: Option<MemoryStore>,
    ) -> Result<(Life, Recovered), EngineError> {
        let (mut engine, recovered) = Engine::open(self.parts(store), Arc::new(journal), &mut NoWatch)?;
        let mut world = self.world();
        world.delivered_before(engine.now());
        let orders = engine.pending_orders();
        let mut life = Life { place: self.clone(), engine, world, answers: BTreeMap::new(), rounds: 0 };
        life.carry_out(orders);
        Ok((life, recovered))
    }

    /// One undisturbed life on a new journal.
    pub(crate) fn live(&self, store: Option<MemoryStore>) -> (MemoryJournal, Life) {
        // A clone lives a life of its own; this one only looks on.
        let journal = MemoryJournal::new();
        let (mut life, _) = self.open(journal.clone(), store).unwrap();
        life.run_to_end().unwrap();
        (journal, life)
    }
}

/// Everything that runs.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) place: Place,
    pub(crate) engine: Engine,
    pub(crate) world: World,
    answers: BTreeMap<i64, Vec<Given>>,
    rounds: u64,
}

impl Life {
    /// When something is due next.
    pub(crate) fn next_due(&self) -> Option<i64> {
        let dues = [
            self.engine.next_due(),
            self.answers.keys().next().copied(),
            self.world.next_due(),
            self.place.lines.get(self.lines_read()).map(|line| line.at),
        ];
        dues.into_iter().flatten().min()
    }

    /// Whether schedules are switched on or off, and when something is due, with starts by the clock: those count until the
    /// last line was read and the runs that had begun by then have ended.
    fn schedules(&self) -> (Option<Given>, Option<i64>) {
        let (due, now) = (self.next_due(), self.engine.now());
        let read = self.lines_read() == self.place.lines.len();
        let Some(tick) = self.engine.next_tick() else {
            let begins = self.engine.has_schedules() && !self.engine.schedules_on() && !read;
            return (begins.then_some(Given::Schedules(true)), due);
        };
        // What a crash cut off an instant.
        if tick <= now || due.is_some_and(|due| due <= now) {
            return (None, Some(now));
        }
        let last = self.place.lines.last().map_or(0, |line| line.at);
        if !read || self.engine.live().any(|run| run.started_at <= last) {
            return (None, Some(due.map_or(tick, |due| due.min(tick))));
        }
        (Some(Given::Schedules(false)), due.or(Some(now)))
    }

    fn lines_read(&self) -> usize {
        self.engine.cursor().map_or(0, |cursor| cursor.lines) as usize
    }

    /// Moves the clock to the next due instant; false when nothing is due.
    pub(crate) fn advance(&mut self) -> Result<bool, EngineError> {
        let (switch, due) = self.schedules();
        let Some(now) = due else { return Ok(false) };
        let mut read = self.lines_read();
        let lines = Arc::clone(&self.place.lines);
        let now = now.max(self.engine.now());
        let later = self.answers.split_off(&(now + 1));
        let mut given: Vec<Given> = std::mem::replace(&mut self.answers, later).into_values().flatten().collect();
        for event in self.world.take_due(now) {
            let flowline_sim::WorldEvent { source, id, event, value, .. } = event;
            given.push(Given::Event(EventIn { source, id, event, value, origin: Origin::World }));
        }
        let before = read;
        while let Some(line) = lines.get(read).filter(|line| line.at <= now) {
            given.push(Given::Event(event_of(*line)));
            read += 1;
        }
        if read > before {
            given.push(Given::Cursor(Cursor { lines: read as u64, ..Cursor::default() }));
        }
        given.extend(switch);
        // Whoever brings inputs brings them in any order.
        given.reverse();
        self.take(now, given)?;
        self.rounds += 1;
        if self.place.checkpoint_rounds > 0 && self.rounds.is_multiple_of(self.place.checkpoint_rounds) {
            self.engine.checkpoint()?;
        }
        Ok(true)
    }

    pub(crate) fn take(&mut self, now: i64, given: Vec<Given>) -> Result<Vec<RunId>, EngineError> {
        let taken = self.engine.take(now, given)?;
        self.engine.journal().wait(taken.seq)?;
        self.carry_out(taken.orders);
        self.check();
        Ok(taken.ended.into_iter().map(|(run, _)| run).collect())
    }

    pub(crate) fn run_to_end(&mut self) -> Result<(), EngineError> {
        let begun = self.rounds;
        while self.advance()? {
            assert!(self.rounds - begun < 10_000, "the day comes to an end");
        }
        Ok(())
    }

    fn carry_out(&mut self, orders: Vec<Order>) {
        for Order { run, call } in orders {
            let scheduled = self.world.call(run, &call).unwrap();
            let answer = Given::Answer { run, call: call.call, attempt: call.attempt, answer: scheduled.answer };
            self.answers.entry(scheduled.at).or_default().push(answer);
        }
    }

    /// What holds between any two rounds.
    fn check(&self) {
        let listed: Vec<_> = self.engine.incidents().map(|(run, frame, _)| (run, frame)).collect();
        let mut parked: Vec<_> = self
            .engine
            .live()
            .flat_map(|run| run.control.frames.iter().map(move |frame| (run.id(), frame)))
            .filter(|(_, frame)| matches!(frame.at, flowline_core::control::At::Incident(_)))
            .map(|(run, frame)| (run, frame.no))
            .collect();
        parked.sort();
        assert_eq!(listed, parked, "incidents are those of the runs");
    }

    /// What people see at the end.
    pub(crate) fn end(&self) -> End {
        let accounts = self.world.accounts(self.engine.now());
        End {
            totals: self.engine.totals().clone(),
            untaken: self.engine.untaken_events(),
            live: self.engine.live().count(),
            now: self.engine.now(),
            clean: accounts.is_clean(),
            accounts: format!("{accounts:?}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct End {
    pub(crate) totals: Totals,
    pub(crate) untaken: usize,
    pub(crate) live: usize,
    pub(crate) now: i64,
    pub(crate) clean: bool,
    accounts: String,
}

/// What was journaled, without seqs: kind, run, time and the state that the run came to.
pub(crate) fn story(journal: &dyn Journal) -> Vec<(RecordKind, u128, i64, u64)> {
    let records = journal.read(0).unwrap().map(|stored| stored.unwrap().record);
    let told = records.filter(|record| matches!(record.kind, RecordKind::Input | RecordKind::Cursor));
    told.map(|record| (record.kind, record.run, record.now, record.state_hash)).collect()
}

/// The first place at which two stories part.
pub(crate) fn same_story(ours: &dyn Journal, theirs: &dyn Journal) -> Result<(), String> {
    let (ours, theirs) = (story(ours), story(theirs));
    match ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs) {
        Some(at) => Err(format!("record {at}: {:?} instead of {:?}", ours[at], theirs[at])),
        None if ours.len() != theirs.len() => Err(format!("{} records instead of {}", ours.len(), theirs.len())),
        None => Ok(()),
    }
}
