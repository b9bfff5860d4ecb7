//! What became of runs: a list of all, or the story of those that are asked for.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use flowline_core::{Input, Output, Program, Run, RunId};
use flowline_engine::{Step, Watch};
use flowline_journal::Record;
use flowline_plan::{Bundle, Value, json::show};

use super::words::{self, Words};
use crate::{args::Global, exit::Failure, progress::Progress, table::Table};

/// Collects what the replayed steps tell.
pub(super) struct Stories {
    bundle: Arc<Bundle>,
    wanted: Option<String>,
    lists: bool,
    runs: BTreeMap<RunId, Story>,
    /// The runs in the order of their beginnings.
    begun: Vec<RunId>,
    /// Runs that were begun by one whose key is the wanted one.
    kin: BTreeSet<RunId>,
    progress: Progress,
}

/// Why a run is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Because {
    /// It is listed only.
    Listed,
    /// Its id begins with what is wanted.
    Id,
    /// Its key is what is wanted, or that of the run which began it.
    Key,
}

struct Story {
    because: Because,
    flow: String,
    key: Option<String>,
    begun_at: i64,
    outcome: Option<String>,
    incidents: u32,
    status: Option<String>,
    last: Option<i64>,
    text: String,
    words: Words,
    resources: Vec<String>,
}

impl Stories {
    pub(super) fn new(bundle: &Arc<Bundle>, wanted: Option<&str>, global: Global) -> Self {
        Self {
            bundle: Arc::clone(bundle),
            wanted: wanted.map(str::to_owned),
            lists: global.verbose && wanted.is_none(),
            runs: BTreeMap::new(),
            begun: Vec::new(),
            kin: BTreeSet::new(),
            progress: Progress::spinner(global, "replaying"),
        }
    }

    /// What there is to print.
    ///
    /// # Errors
    /// When no run is the wanted one, or several may be.
    pub(super) fn said(self) -> Result<String, Failure> {
        let Some(wanted) = &self.wanted else { return Ok(self.list()) };
        let of = |because| {
            let runs = self.begun.iter().filter_map(|run| Some((run, self.runs.get(run)?)));
            runs.filter(move |(_, story)| story.because == because).collect::<Vec<_>>()
        };
        let by_key = of(Because::Key);
        if !by_key.is_empty() {
            return Ok(by_key.into_iter().map(|(_, story)| story.told()).collect());
        }
        match of(Because::Id).as_slice() {
            [] => Err(Failure::misuse(format!(
                "no run has the key `{wanted}`, and no run's id begins with it; `flowline replay DATA -v` lists them"
            ))),
            [(_, story)] => Ok(story.told()),
            several => {
                let some: Vec<String> = several.iter().take(5).map(|(run, _)| run.to_string()).collect();
                let more = if several.len() > some.len() { ", …" } else { "" };
                let (count, some) = (several.len(), some.join(", "));
                Err(Failure::misuse(format!(
                    "{count} runs have ids that begin with `{wanted}`: {some}{more}; give more of it"
                )))
            }
        }
    }

    fn list(&self) -> String {
        let mut table = Table::new("Runs", ["run", "key", "flow", "begun", "outcome"]);
        for (run, story) in self.begun.iter().filter_map(|run| Some((run, self.runs.get(run)?))) {
            table.row([
                run.to_string(),
                story.key.clone().unwrap_or_else(|| "-".to_owned()),
                story.flow.clone(),
                words::time(story.begun_at),
                story.stands(),
            ]);
        }
        if table.is_empty() { String::new() } else { table.render() }
    }

    /// A run that takes its first input.
    fn begins(&mut self, record: &Record, step: &Step) -> Story {
        let key = self.key_of(step, record.now);
        let is = |wanted: &String| key.as_ref() == Some(wanted);
        let because = if self.wanted.as_ref().is_some_and(is) || self.kin.contains(&step.run) {
            Because::Key
        } else if self.wanted.as_ref().is_some_and(|wanted| step.run.to_string().starts_with(&wanted.to_lowercase())) {
            Because::Id
        } else {
            Because::Listed
        };
        self.begun.push(step.run);
        let flow = self.bundle.flow(step.flow).map_or(String::new(), |plan| plan.short_name().to_owned());
        let of_key = key.as_ref().map(|key| format!(", key {key}")).unwrap_or_default();
        Story {
            because,
            text: format!("run {} of {flow}{of_key}\n", step.run),
            flow,
            key,
            begun_at: record.now,
            outcome: None,
            incidents: 0,
            status: None,
            last: None,
            words: Words::new(Arc::clone(&self.bundle)),
            resources: Vec::new(),
        }
    }

    /// The value of the flow's `key`, as people write it.
    fn key_of(&self, step: &Step, now: i64) -> Option<String> {
        let Input::Start { args, .. } = &step.input else { return None };
        let program = Program::new(&self.bundle, step.flow)?;
        let key = Run::key_of(&program, args, now).ok()??;
        Some(if let Value::Text(text) = &key { text.to_string() } else { show(&self.bundle, None, &key) })
    }
}

impl Watch for Stories {
    fn wants_steps(&self) -> bool {
        self.wanted.is_some() || self.lists
    }

    fn step(&mut self, record: &Record, step: &Step) {
        let mut story = match self.runs.remove(&step.run) {
            Some(story) => story,
            None if matches!(step.input, Input::Start { .. }) => self.begins(record, step),
            None => return,
        };
        // Of what nobody asked for nothing is kept.
        if story.because == Because::Listed && !self.lists {
            return;
        }
        story.goes_on(&self.bundle, record, step);
        if story.because == Because::Key {
            let child =
                |output: &Output| if let Output::StartChild { child, .. } = output { Some(*child) } else { None };
            self.kin.extend(step.outputs.iter().filter_map(child));
        }
        self.runs.insert(step.run, story);
    }

    fn progress(&mut self, records: u64) {
        self.progress.at(records);
    }
}

impl Story {
    fn goes_on(&mut self, bundle: &Bundle, record: &Record, step: &Step) {
        for output in &step.outputs {
            if let Output::Ended(ending) = output {
                self.outcome = Some(flowline_engine::outcome_name(bundle, ending));
            } else if let Output::Incident { .. } = output {
                self.incidents += 1;
            } else if let Output::IncidentGone { .. } = output {
                self.incidents = self.incidents.saturating_sub(1);
            }
        }
        if self.because == Because::Listed {
            self.status = words::status(bundle, step.flow, step.after.data.status.as_ref());
            return;
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
        // An ended run has nothing left; what became of it was seen as it ended.
        if !step.after.control.ended || step.outputs.iter().any(|output| matches!(output, Output::Ended(_))) {
            self.resources = words::resources(bundle, &step.after);
        }
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Its outcome, or where it is.
    fn stands(&self) -> String {
        let Some(outcome) = &self.outcome else {
            let status = self.status.as_ref().map(|status| format!(", {status}")).unwrap_or_default();
            let incident = if self.incidents > 0 { ", INCIDENT" } else { "" };
            return format!("still live{status}{incident}");
        };
        outcome.clone()
    }

    /// The whole story, and at its end what nobody should have to gather from the steps: stock and money.
    fn told(&self) -> String {
        let mut text = self.text.clone();
        let end = if self.outcome.is_some() { "in the end" } else { "still live; so far" };
        if self.resources.is_empty() {
            text.push_str(&format!("{end}: it opened no resource\n"));
        } else {
            text.push_str(&format!("{end}, each resource that it opened or was given:\n"));
        }
        for resource in &self.resources {
            text.push_str(&format!("  {resource}\n"));
        }
        text
    }
}
