//! `flowline replay`: the journal once more, from its first record, with every state hash compared.
use std::{collections::BTreeMap, path::Path, sync::Arc};

use flowline_core::{Answer, Input, Output, RunId};
use flowline_engine::{Dedupe, Engine, EngineOptions, EngineParts, Step, Watch, bundle_of};
use flowline_journal::{Journal, JournalError, NewRecord, Position, Record, Records, Ticket, Waker};
use flowline_plan::{Bundle, json::show};

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
    if let Some(torn) = torn {
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
            self.line(&time(record.now));
        }
        self.line(&format!("  #{} {}", record.seq, describe_input(&bundle, &step.input)));
        for output in &step.outputs {
            if let Some(text) = describe_output(&bundle, output) {
                self.line(&format!("      {text}"));
            }
        }
    }

    fn progress(&mut self, records: u64) {
        self.progress.at(records);
    }
}

fn time(now: i64) -> String {
    jiff::Timestamp::from_millisecond(now).map_or_else(|_| now.to_string(), |time| time.to_string())
}

fn describe_input(bundle: &Bundle, input: &Input) -> String {
    match input {
        Input::Start { args, .. } => {
            let args: Vec<String> = args.iter().map(|arg| show(bundle, None, arg)).collect();
            format!("starts with {}", args.join(", "))
        }
        Input::Answered { call, attempt, answer } => {
            let answer = match answer {
                Answer::Done(value) => format!("done: {}", show(bundle, None, value)),
                Answer::Error(error) => {
                    let name = bundle.ty(error.error).map_or("an unknown error", |ty| ty.short_name());
                    format!("{name}: {}", error.text)
                }
                Answer::Refused(said) => format!("refused, nothing happened: {said}"),
                Answer::Rejected(said) => format!("refused for good: {said}"),
                Answer::Unknown(said) => format!("outcome unknown: {said}"),
            };
            format!("call {call}, attempt {attempt}: {answer}")
        }
        Input::Due { timer } => format!("timer {timer} is due"),
        Input::Offered { event, value, .. } => format!("event {event}: {}", show(bundle, None, value)),
        Input::Withdrawn { wait } => format!("wait {wait} is withdrawn"),
        Input::ChildEnded { child, ending } => {
            format!("sub-flow {child} ended: {}", flowline_engine::outcome_name(bundle, ending))
        }
        Input::Settle => "is told to end and settle".to_owned(),
        Input::Retry { frame } => format!("tries the parked step {frame} again"),
    }
}

fn describe_output(bundle: &Bundle, output: &Output) -> Option<String> {
    Some(match output {
        Output::Call(call) => {
            let args: Vec<String> = call.args.iter().map(|arg| show(bundle, None, arg)).collect();
            let op = bundle.op_name(call.op);
            format!("call {}, attempt {}: {op}({}) under key {}", call.call, call.attempt, args.join(", "), call.key)
        }
        Output::Arm { timer, due } => {
            format!("timer {timer} until {}", time(*due))
        }
        Output::Register { wait, event, value, .. } => {
            let event = bundle.ty(*event).map_or("an event", |ty| ty.short_name());
            format!("wait {wait}: {event} for {}", show(bundle, None, value))
        }
        Output::Emit { event, value, .. } => {
            let event = bundle.ty(*event).map_or("an event", |ty| ty.short_name());
            format!("emits {event} {}", show(bundle, None, value))
        }
        Output::Status { value, part } => {
            let part = part.as_ref().map(|part| format!(" for {}", show(bundle, None, part))).unwrap_or_default();
            format!("status {}{part}", show(bundle, None, value))
        }
        Output::StartChild { child, flow, joined, .. } => {
            let flow = bundle.flow(*flow).map_or("a flow", |plan| plan.short_name());
            format!("{} {flow} as run {child}", if *joined { "runs" } else { "starts" })
        }
        Output::SettleChild { child } => format!("asks sub-flow {child} to settle"),
        Output::Incident { incident, .. } => format!("INCIDENT: {incident}"),
        Output::IncidentGone { .. } => "the incident is over".to_owned(),
        Output::Alarm { op, attempts, last, .. } => format!("ALARM: {op} has failed {attempts} times: {last}"),
        Output::Ended(ending) => format!("ended: {}", flowline_engine::outcome_name(bundle, ending)),
        Output::Disarm { .. } | Output::Withdraw { .. } | Output::Reply { .. } => return None,
    })
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
