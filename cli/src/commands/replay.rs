//! `flowline replay`: the journal once more, from its first record, with every state hash compared.
use std::{path::Path, sync::Arc};

use flowline_core::{Answer, Input, Output, RunId};
use flowline_engine::{Dedupe, Engine, EngineOptions, EngineParts, Step, Watch, bundle_of};
use flowline_journal::{DataLock, Journal, JournalError, NewRecord, Position, Record, Records, Ticket, Waker};
use flowline_plan::{Bundle, json::show};

use crate::{
    args::{Global, Replay},
    exit::{Exit, Failure},
    folder,
    progress::Progress,
    table::number,
};

/// Derives every run again; shows the steps of one.
///
/// # Errors
/// When the folder can't be read, or a record doesn't follow from those before it.
pub(crate) fn run(args: &Replay, global: Global) -> Result<Exit, Failure> {
    let data = folder::existing(&args.data)?;
    let _lock = DataLock::acquire(&data)?;
    let journal: Arc<dyn Journal> = Arc::new(ReadOnly(data));
    let Some(bundle) = bundle_of(&*journal)? else {
        println!("the journal is empty");
        return Ok(Exit::Fine);
    };
    let bundle = Arc::new(bundle);
    let mut watch = Shown {
        bundle: Arc::clone(&bundle),
        wanted: args.run.clone().map(|run| run.to_lowercase()),
        found: Vec::new(),
        last: 0,
        progress: Progress::spinner(global, "replaying"),
    };
    let parts = EngineParts {
        bundle,
        store: None,
        dedupe: Dedupe::Memory(std::collections::BTreeSet::new()),
        options: EngineOptions::default(),
    };
    let (engine, recovered) = Engine::open(parts, journal, &mut watch)?;
    if let Some(wanted) = &watch.wanted {
        match watch.found.as_slice() {
            [] => return Err(Failure::misuse(format!("no run's id begins with `{wanted}`"))),
            [_] => {}
            [_, _, ..] => {
                return Err(Failure::misuse(format!(
                    "{} runs have ids that begin with `{wanted}`; give more of it",
                    watch.found.len()
                )));
            }
        }
    }
    println!(
        "{} records replayed, {} runs begun, {} still live: every state is as it was written",
        number(recovered.replayed),
        number(engine.totals().started.values().sum()),
        number(recovered.runs as u64),
    );
    Ok(Exit::Fine)
}

/// Prints the steps of the run that is asked for.
struct Shown {
    bundle: Arc<Bundle>,
    wanted: Option<String>,
    found: Vec<RunId>,
    last: i64,
    progress: Progress,
}

impl Watch for Shown {
    fn wants_steps(&self) -> bool {
        self.wanted.is_some()
    }

    fn step(&mut self, record: &Record, step: &Step) {
        let Some(wanted) = &self.wanted else { return };
        if !step.run.to_string().starts_with(wanted.as_str()) {
            return;
        }
        if !self.found.contains(&step.run) {
            self.found.push(step.run);
            let flow = self.bundle.flow(step.flow).map_or("", |plan| plan.short_name());
            println!("run {} of {flow}", step.run);
        }
        if record.now != self.last {
            self.last = record.now;
            let time = jiff::Timestamp::from_millisecond(record.now)
                .map_or_else(|_| record.now.to_string(), |t| t.to_string());
            println!("{time}");
        }
        println!("  #{} {}", record.seq, describe_input(&self.bundle, &step.input));
        for output in &step.outputs {
            if let Some(text) = describe_output(&self.bundle, output) {
                println!("      {text}");
            }
        }
    }

    fn progress(&mut self, records: u64) {
        self.progress.at(records);
    }
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
            let due = jiff::Timestamp::from_millisecond(*due).map_or_else(|_| due.to_string(), |t| t.to_string());
            format!("timer {timer} until {due}")
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
