//! What the main job runs on, and its lives.
use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use flowline_driver::{Outcome, Project};
use flowline_engine::{Dedupe, Engine, EngineOptions, EngineParts, NoWatch, Totals};
use flowline_journal::{Journal, MemoryJournal, RecordKind};
use flowline_plan::Bundle;
use flowline_sim::{Accounts, MemoryLog, World, WorldConfig, WorldLog};
use flowline_store::{MemoryStore, Store};

use crate::{
    args::{Color, Format, Global},
    commands::run::Ahead,
    events::{EventFile, Rejected},
    exit::Failure,
    progress::Progress,
    report::{Lines, report},
    virtual_time::Simulation,
};

const SEED: u64 = 1;
const EVENTS: &str = "events.ndjson";
const QUIET: Global = Global { format: Format::Human, color: Color::Never, quiet: true, verbose: false };

/// Far more instants than any day has in which something is due.
const ROUNDS_MAX: u32 = 100_000;

/// The workflows of the repository, compiled once.
pub(super) fn workflows() -> &'static Outcome {
    static COMPILED: OnceLock<Outcome> = OnceLock::new();
    COMPILED.get_or_init(|| flowline_driver::compile(&folder()).unwrap())
}

/// Where they lie.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows")
}

/// Flows, a world, and the events that come in.
pub(super) struct Place {
    pub(super) bundle: Arc<Bundle>,
    /// The contracts as the world keeps them.
    pub(super) outside: Arc<Bundle>,
    pub(super) checkpoint_records: u64,
    pub(super) world: WorldConfig,
    ahead: Ahead,
    /// Holds the events, and what is set aside.
    dir: tempfile::TempDir,
}

/// What stays when everything that runs has died: the disks, and the world outside. A clone is another handle on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Disks {
    pub(super) journal: MemoryJournal,
    pub(super) store: MemoryStore,
    pub(super) world: MemoryLog,
}

/// What people see at the end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct End {
    /// The tables that the main job ends with.
    pub(super) report: String,
    pub(super) totals: Totals,
    pub(super) accounts: Accounts,
    pub(super) live: usize,
}

impl Place {
    /// A place where these lines come in, in a world that is rougher than the one of `flow.toml`.
    pub(super) fn new(project: &Project, bundle: Bundle, lines: &[String]) -> Self {
        let mut place = Self::as_it_says(project, bundle, &lines.join("\n"));
        roughen(&mut place.world);
        place
    }

    /// A place where these lines come in, in the very world of `flow.toml`.
    pub(super) fn as_it_says(project: &Project, bundle: Bundle, lines: &str) -> Self {
        let bundle = Arc::new(bundle);
        let world = WorldConfig::from_tables(&bundle, SEED, project.simulate.clone()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let events = dir.path().join(EVENTS);
        std::fs::write(&events, lines).unwrap();
        let ahead = Ahead::of(&events, &bundle).unwrap();
        let outside = Arc::clone(&bundle);
        Self { bundle, outside, checkpoint_records: u64::MAX, world, ahead, dir }
    }

    /// The place of the compiled workflows.
    pub(super) fn of_workflows(lines: &[String]) -> Self {
        Self::new(&workflows().project, workflows().bundle.clone().unwrap(), lines)
    }

    /// Why lines were set aside so far, one a line.
    pub(super) fn set_aside(&self) -> String {
        let file = std::fs::read_to_string(self.dir.path().join("rejected.ndjson")).unwrap_or_default();
        let reason = |line: &str| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            format!("line {}: {}\n", entry["line"], entry["reason"].as_str().unwrap())
        };
        file.lines().map(reason).collect()
    }

    /// Lives until something dies, or to the end.
    pub(super) fn live(&self, disks: Disks) -> Result<End, Failure> {
        self.live_with(disks.journal, disks.store, Box::new(disks.world))
    }

    /// The same with a world that writes down what it does in its own way.
    pub(super) fn live_with(
        &self,
        journal: MemoryJournal,
        store: MemoryStore,
        log: Box<dyn WorldLog>,
    ) -> Result<End, Failure> {
        let parts = EngineParts {
            bundle: Arc::clone(&self.bundle),
            store: Some(Arc::new(store) as Arc<dyn Store>),
            dedupe: Dedupe::Memory(Default::default()),
            options: EngineOptions { checkpoint_records: self.checkpoint_records, ..EngineOptions::default() },
        };
        let (mut engine, _) = Engine::open(parts, Arc::new(journal), &mut NoWatch)?;
        let mut world = World::open(Arc::clone(&self.outside), self.world.clone(), self.ahead.held.clone(), log)?;
        world.delivered_before(engine.now());
        let path = self.dir.path().join(EVENTS);
        let mut events = EventFile::open(&path, engine.cursor())?;
        let mut rejected = Rejected::open(self.dir.path(), &path, QUIET)?;
        let progress = Progress::bar(QUIET, events.len(), "");
        let last_event_at = self.ahead.last_event_at;
        let mut simulation =
            Simulation::new(&mut engine, &mut world, &mut events, &mut rejected, &progress, last_event_at)?;
        let mut rounds = 0;
        while simulation.advance()? {
            rounds += 1;
            assert!(rounds < ROUNDS_MAX, "the day comes to no end");
        }
        let accounts = world.accounts(engine.now());
        let lines = Lines { read: events.cursor.lines, rejected: events.cursor.rejected };
        let report = report(&engine, Some(&accounts), lines);
        let (totals, live) = (engine.totals().clone(), engine.live().count());
        engine.close()?;
        Ok(End { report, totals, accounts, live })
    }
}

/// Makes a few dozen orders meet what takes thousands in the usual world.
fn roughen(world: &mut WorldConfig) {
    for rates in world.systems.values_mut() {
        (rates.lost_answer, rates.lost_call, rates.down) = (0.1, 0.04, 0.06);
        for share in rates.errors.values_mut() {
            *share = 0.2;
        }
    }
    for event in world.events.values_mut() {
        event.rate = if event.rate > 0.5 { event.rate - 0.2 } else { event.rate.max(0.2) };
    }
}

/// A record as it has to come again: kind, run, time, and the state that the run came to.
type Told = (RecordKind, u128, i64, u64);

/// What happened and how far the input was read, without checkpoints and numbers.
fn story(journal: &MemoryJournal) -> Vec<Told> {
    let records = journal.read(0).unwrap().map(|stored| stored.unwrap().record);
    let told = records.filter(|record| matches!(record.kind, RecordKind::Input | RecordKind::Cursor));
    told.map(|record| (record.kind, record.run, record.now, record.state_hash)).collect()
}

/// The first place at which two journals tell something else.
pub(super) fn same_story(ours: &MemoryJournal, theirs: &MemoryJournal) -> Result<(), String> {
    let (ours, theirs) = (story(ours), story(theirs));
    match ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs) {
        Some(at) => Err(format!("record {at}: {:?} instead of {:?}", ours[at], theirs[at])),
        None if ours.len() != theirs.len() => Err(format!("{} records instead of {}", ours.len(), theirs.len())),
        None => Ok(()),
    }
}
