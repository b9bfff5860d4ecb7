//! `flowline replay`: the journal once more, from its first record, with every state hash compared.
mod words;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use flowline_core::{Output, RunId};
use flowline_engine::{Dedupe, Engine, EngineOptions, EngineParts, Step, Watch, bundle_of};
use flowline_journal::{Journal, JournalError, NewRecord, Position, Record, Records, Ticket, Waker};
use flowline_plan::Bundle;

use words::Words;

use crate::{
    args::{Global, Replay},
    exit::{Exit, Failure},
    folder, out,
    progress::Progress,
    table::{Table, number},
};

/// Derives every run again; shows the steps of one.
///
/// # Errors
/// When the folder can't be read, or a record doesn't follow from those before it.
pub(crate) fn run(args: &Replay, global: Global) -> Result<Exit, Failure> {
    let data = folder::existing(&args.data)?;
    let torn = flowline_journal::verify(&data.path)?.torn;
    let journal: Arc<dyn Journal> = Arc::new(ReadOnly(data.path.clone()));
    let Some(bundle) = bundle_of(&*journal)? else {
        out::print("the journal is empty\n")?;
        return Ok(Exit::Fine);
    };
    let bundle = Arc::new(bundle);
    let mut watch = Shown {
        bundle: Arc::clone(&bundle),
        wanted: args.run.as_ref().map(|run| run.to_lowercase()),
        runs: BTreeMap::new(),
        last: None,
        text: String::new(),
        words: Words::new(Arc::clone(&bundle)),
        lists: global.verbose && args.run.is_none(),
        progress: Progress::spinner(global, "replaying"),
    };
    let parts = EngineParts {
        bundle,
        store: None,
        dedupe: Dedupe::Memory(std::collections::BTreeSet::new()),
        options: EngineOptions::default(),
    };
    let (engine, recovered) = Engine::open(parts, journal, &mut watch)?;
    let text = watch.said()?;
    out::print(&format!(
        "{text}{} records replayed, {} runs begun, {} still live: every state is as it was written\n",
        number(recovered.replayed),
        number(engine.totals().started.values().sum()),
        number(recovered.runs as u64),
    ))?;
    if let Some(torn) = torn.filter(|torn| torn.bytes > 0) {
        out::tell(&format!(
            "note: the last {} bytes of segment {:08} are a write that was not finished, and aren't part of this",
            torn.bytes, torn.segment
        ));
    }
    Ok(Exit::Fine)
}

/// Collects the steps of the run that is asked for.
struct Shown {
    bundle: Arc<Bundle>,
    wanted: Option<String>,
    /// The runs that fit, with their flow and how they ended.
    runs: BTreeMap<RunId, (String, Option<String>)>,
    last: Option<i64>,
    text: String,
    lists: bool,
    words: Words,
    progress: Progress,
}

impl Shown {
    /// What there is to print.
    fn said(self) -> Result<String, Failure> {
        let Some(wanted) = self.wanted else {
            let mut table = Table::new("Runs", ["run", "flow", "outcome"]);
            for (run, (flow, outcome)) in self.runs {
                table.row([run.to_string(), flow, outcome.unwrap_or_else(|| "still live".to_owned())]);
            }
            return Ok(if table.is_empty() { String::new() } else { table.render() });
        };
        match self.runs.len() {
            0 => Err(Failure::misuse(format!(
                "no run's id begins with `{wanted}`; `flowline replay DATA -v` lists them"
            ))),
            1 => Ok(self.text),
            several => {
                let some: Vec<String> = self.runs.keys().take(5).map(ToString::to_string).collect();
                let more = if several > some.len() { ", …" } else { "" };
                let some = some.join(", ");
                Err(Failure::misuse(format!(
                    "{several} runs have ids that begin with `{wanted}`: {some}{more}; give more of it"
                )))
            }
        }
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }
}

impl Watch for Shown {
    fn wants_steps(&self) -> bool {
        self.wanted.is_some() || self.lists
    }

    fn step(&mut self, record: &Record, step: &Step) {
        let bundle = Arc::clone(&self.bundle);
        if !step.run.to_string().starts_with(self.wanted.as_deref().unwrap_or_default()) {
            return;
        }
        let flow = || bundle.flow(step.flow).map_or(String::new(), |plan| plan.short_name().to_owned());
        let is_new = !self.runs.contains_key(&step.run);
        let outcome = &mut self.runs.entry(step.run).or_insert_with(|| (flow(), None)).1;
        for output in &step.outputs {
            if let Output::Ended(ending) = output {
                *outcome = Some(flowline_engine::outcome_name(&bundle, ending));
            }
        }
        // With several runs nothing is shown but their ids.
        if self.lists || self.runs.len() > 1 {
            return;
        }
        if is_new {
            self.line(&format!("run {} of {}", step.run, flow()));
        }
        if self.last != Some(record.now) {
            self.last = Some(record.now);
            self.line(&words::time(record.now));
        }
        let input = self.words.input(step.flow, &step.input);
        self.line(&format!("  #{} {input}", record.seq));
        for output in &step.outputs {
            if let Some(text) = self.words.output(step.flow, output) {
                self.line(&format!("      {text}"));
            }
        }
    }

    fn progress(&mut self, records: u64) {
        self.progress.at(records);
    }
}

/// The journal of a folder that is only read.
struct ReadOnly(std::path::PathBuf);

impl ReadOnly {
    fn path(&self) -> &Path {
        &self.0
    }

    fn refuse(&self) -> JournalError {
        JournalError::Io {
            doing: "write (it is open for reading only)",
            path: self.0.clone(),
            cause: Arc::new(std::io::Error::other("open for reading only")),
        }
    }
}

impl Journal for ReadOnly {
    fn submit(&self, _group: Vec<NewRecord>) -> Result<Ticket, JournalError> {
        Err(self.refuse())
    }

    fn durable(&self) -> u64 {
        0
    }

    fn wait(&self, _seq: u64) -> Result<(), JournalError> {
        Err(self.refuse())
    }

    fn on_durable(&self, _waker: Waker) {}

    fn poisoned(&self) -> Option<JournalError> {
        None
    }

    fn read(&self, from_seq: u64) -> Result<Records, JournalError> {
        flowline_journal::read(self.path(), from_seq)
    }

    fn read_at(&self, position: Position) -> Result<Record, JournalError> {
        flowline_journal::read_at(self.path(), position)
    }

    fn remove_segments_below(&self, _seq: u64) -> Result<u32, JournalError> {
        Err(self.refuse())
    }
}
