//! A shop that runs in real time, and systems as processes.
#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "in test support a panic is how a test fails"
)]
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use flowline_core::{Input, Run};
use flowline_engine::{
    Dedupe, Engine, EngineOptions, EngineParts, Recovered, Step, Totals, Watch,
    connector::{Binding, Connector, HttpConnector},
    live::{Live, LiveOptions, SystemClock},
};
use flowline_journal::{FileJournal, Journal, Options, Record};
use flowline_plan::Bundle;
use flowline_tests::http_system::{Entry, Script, entries};
use serde_json::{Value as Json, json};

/// Nothing here takes nearly as long: what is awaited for longer never comes.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// Runs a test on a thread of its own, so that it fails where it would wait for ever.
pub(crate) fn bounded(test: fn()) {
    let (done, ended) = mpsc::channel();
    let name = thread::current().name().unwrap_or("test").to_owned();
    let body = thread::Builder::new().name(name).spawn(move || {
        test();
        done.send(()).unwrap();
    });
    match ended.recv_timeout(BOUND) {
        Ok(()) => {}
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("not at its end after {BOUND:?}: it waits for what never comes"),
        Err(mpsc::RecvTimeoutError::Disconnected) => std::panic::resume_unwind(body.unwrap().join().unwrap_err()),
    }
}

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < BOUND, "{what}: not after {BOUND:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A system as a process; it dies with its test.
pub(crate) struct System {
    child: Child,
    pub(crate) address: String,
    folder: PathBuf,
}

impl System {
    /// Starts one; its log and script lie in the folder.
    pub(crate) fn start(folder: &Path, script: Json) -> Self {
        let script: Script = serde_json::from_value(script).unwrap();
        std::fs::write(folder.join("script.json"), serde_json::to_vec(&script).unwrap()).unwrap();
        Self::spawn(folder, "127.0.0.1:0")
    }

    fn spawn(folder: &Path, address: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_http-system"))
            .arg(address)
            .args([folder.join("effects.log"), folder.join("script.json")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the system came up at {address}");
        Self { child, address: line.trim().to_owned(), folder: folder.to_owned() }
    }

    /// Waits until it has died by its script, then starts it again at the same address.
    pub(crate) fn again(mut self) -> Self {
        // Not by `wait`, which closes its input: it would end by that.
        until("the system's death", || self.child.try_wait().unwrap().is_some());
        Self::spawn(&self.folder, &self.address)
    }

    /// Kills it, and starts it again.
    pub(crate) fn kill(mut self) -> Self {
        self.child.kill().unwrap();
        self.again()
    }

    pub(crate) fn log(&self) -> Vec<Entry> {
        entries(&self.folder.join("effects.log")).unwrap()
    }

    /// What it did, by operation, with the keys.
    pub(crate) fn effects(&self) -> Vec<(String, String)> {
        let effect = |entry| match entry {
            Entry::Effect { op, key, .. } => Some((op, key)),
            Entry::Request { .. } => None,
        };
        self.log().into_iter().filter_map(effect).collect()
    }

    /// What it was asked, by operation, with the keys.
    pub(crate) fn requests(&self) -> Vec<(String, String)> {
        let request = |entry| match entry {
            Entry::Request { op, key, .. } => Some((op, key)),
            Entry::Effect { .. } => None,
        };
        self.log().into_iter().filter_map(request).collect()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What operations answer when all goes well.
pub(crate) fn answers() -> Json {
    json!({ "hold": { "quantity": 2 }, "ship": "parcel-1", "charge": "payment-1" })
}

/// Bindings of both of the shop's systems to one address; `more` is the rest of the table.
pub(crate) fn bindings(address: &str, more: Json) -> BTreeMap<String, Binding> {
    let mut table = json!({ "http": format!("http://{address}/v1/") });
    table.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let binding: Binding = serde_json::from_value(table).unwrap();
    ["inventory", "payments"].map(|name| (name.to_owned(), binding.clone())).into()
}

/// A connector to that address.
pub(crate) fn connector(bundle: &Arc<Bundle>, address: &str, more: Json) -> Arc<dyn Connector> {
    Arc::new(HttpConnector::start(Arc::clone(bundle), &bindings(address, more)).unwrap())
}

/// The shop on a data folder.
pub(crate) fn engine(bundle: &Arc<Bundle>, data: &Path) -> (Engine, Recovered) {
    let (journal, _) = FileJournal::open(data, Options::default()).unwrap();
    engine_on(bundle, Arc::new(journal))
}

/// The shop on a journal.
pub(crate) fn engine_on(bundle: &Arc<Bundle>, journal: Arc<dyn Journal>) -> (Engine, Recovered) {
    Engine::open(parts(bundle), journal, &mut Steps::default()).unwrap()
}

fn parts(bundle: &Arc<Bundle>) -> EngineParts {
    EngineParts {
        bundle: Arc::clone(bundle),
        store: None,
        dedupe: Dedupe::Memory(Default::default()),
        options: EngineOptions::default(),
    }
}

/// Runs it by the machine's clock.
pub(crate) fn live(engine: Engine, connector: Arc<dyn Connector>) -> Live {
    Live::start(engine, connector, Arc::new(SystemClock), LiveOptions::default()).unwrap()
}

/// Outcomes of runs that have ended, with how many.
pub(crate) fn outcomes(totals: &Totals) -> Vec<(&str, u64)> {
    totals.ended.values().flatten().map(|(outcome, count)| (outcome.as_str(), *count)).collect()
}

/// Steps of a replay.
#[derive(Default)]
pub(crate) struct Steps {
    pub(crate) inputs: Vec<Input>,
    pub(crate) last: Option<Run>,
}

impl Watch for Steps {
    fn wants_steps(&self) -> bool {
        true
    }

    fn step(&mut self, _record: &Record, step: &Step) {
        self.inputs.push(step.input.clone());
        self.last = Some(step.after.clone());
    }
}

/// What a data folder tells when it is replayed.
pub(crate) fn replay(bundle: &Arc<Bundle>, data: &Path) -> Steps {
    let (journal, _) = FileJournal::open(data, Options::default()).unwrap();
    let mut steps = Steps::default();
    Engine::open(parts(bundle), Arc::new(journal), &mut steps).unwrap();
    steps
}
