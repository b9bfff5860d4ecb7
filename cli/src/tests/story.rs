//! What became of each run, told so that people can read it: from the journal alone, as `replay` does, but without what
//! only numbers things.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use flowline_core::{
    Answer, Call, Input, Output, Program, Run, RunId,
    control::{CallFor, Frame, TimerFor},
};
use flowline_engine::{Dedupe, Engine, EngineOptions, EngineParts, Step, Watch, outcome_name};
use flowline_journal::{MemoryJournal, Record};
use flowline_plan::{Bundle, Type, TypeId, Value, json::show};

use super::day::exits_of;
use crate::commands::replay::words::{self, Words};

/// Columns of an argument or an answer; the rest is cut off.
const SHOWN_MAX: usize = 60;
/// Hex digits in a row that are an id which Flowline minted, and not a word.
const MINTED_DIGITS: usize = 16;

/// What a journal tells.
pub(super) struct Told {
    /// The stories of all runs, in the order in which they began.
    pub(super) stories: String,
    /// How flows ended and what they said, as in `day::exits`.
    pub(super) seen: BTreeSet<String>,
}

/// Tells what a journal tells.
pub(super) fn tell(bundle: &Arc<Bundle>, journal: &MemoryJournal) -> Told {
    let parts = EngineParts {
        bundle: Arc::clone(bundle),
        store: None,
        dedupe: Dedupe::Memory(Default::default()),
        options: EngineOptions::default(),
    };
    let mut teller =
        Teller { bundle: Arc::clone(bundle), begun: Vec::new(), stories: BTreeMap::new(), seen: BTreeSet::new() };
    Engine::open(parts, Arc::new(journal.clone()), &mut teller).unwrap();
    let stories = teller.begun.iter().map(|run| teller.stories[run].told(bundle)).collect();
    Told { stories, seen: teller.seen }
}

/// Puts `#1`, `#2`, … for the ids that Flowline minted: what they are made of is nobody's business.
pub(super) fn without_minted_ids(text: &str) -> String {
    let (mut out, mut seen) = (String::new(), Vec::new());
    let mut digits = String::new();
    for letter in text.chars().chain(['\n']) {
        if letter.is_ascii_digit() || ('a'..='f').contains(&letter) {
            digits.push(letter);
            continue;
        }
        if digits.len() >= MINTED_DIGITS {
            let number = seen.iter().position(|id| *id == digits).unwrap_or(seen.len());
            if number == seen.len() {
                seen.push(digits.clone());
            }
            out.push_str(&format!("#{}", number + 1));
        } else {
            out.push_str(&digits);
        }
        digits.clear();
        out.push(letter);
    }
    out.pop();
    out
}

struct Teller {
    bundle: Arc<Bundle>,
    begun: Vec<RunId>,
    stories: BTreeMap<RunId, Story>,
    seen: BTreeSet<String>,
}

/// A run, as far as it has come.
struct Story {
    title: String,
    outcome: Option<String>,
    lines: Vec<String>,
    last: Option<i64>,
    run: Option<Run>,
    calls: BTreeMap<u32, Call>,
    waits: BTreeMap<u32, TypeId>,
    words: Words,
}

impl Watch for Teller {
    fn wants_steps(&self) -> bool {
        true
    }

    fn step(&mut self, record: &Record, step: &Step) {
        let story = self.stories.entry(step.run).or_insert_with(|| {
            self.begun.push(step.run);
            Story::of(&self.bundle, record, step)
        });
        story.goes_on(&self.bundle, record, step);
        self.seen.extend(exits_of(&self.bundle, step));
    }
}

impl Story {
    fn of(bundle: &Arc<Bundle>, record: &Record, step: &Step) -> Self {
        let flow = bundle.flow(step.flow).unwrap().short_name();
        let mut title = flow.to_owned();
        if let Input::Start { args, parent, .. } = &step.input {
            let key = Run::key_of(&Program::new(bundle, step.flow).unwrap(), args, record.now).unwrap();
            title.push_str(&key.map(|key| format!(" {}", show(bundle, None, &key))).unwrap_or_default());
            title.push_str(if parent.is_some() { ", run by another" } else { "" });
        }
        Self {
            title,
            outcome: None,
            lines: Vec::new(),
            last: None,
            run: None,
            calls: BTreeMap::new(),
            waits: BTreeMap::new(),
            words: Words::new(Arc::clone(bundle)),
        }
    }

    fn goes_on(&mut self, bundle: &Bundle, record: &Record, step: &Step) {
        let input = self.input(bundle, step);
        let mut said: Vec<String> = input.into_iter().collect();
        for output in &step.outputs {
            said.extend(self.output(bundle, step, output));
        }
        for line in said {
            let time = if self.last == Some(record.now) { String::new() } else { words::time(record.now) };
            self.last = Some(record.now);
            self.lines.push(format!("  {time:20}  {line}"));
        }
        // An ended run has nothing left; what became of it was seen as it ended.
        if !step.after.control.ended || step.outputs.iter().any(|output| matches!(output, Output::Ended(_))) {
            self.run = Some(step.after.clone());
        }
    }

    fn input(&self, bundle: &Bundle, step: &Step) -> Option<String> {
        Some(match &step.input {
            Input::Start { .. } => "begins".to_owned(),
            Input::Answered { call, attempt, answer } => {
                let call = &self.calls[call];
                let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
                format!(
                    "{}{}{again}: {}",
                    self.purpose(call),
                    said_call(bundle, call),
                    said_answer(bundle, call, answer)
                )
            }
            Input::Due { .. }
                if step.outputs.iter().any(|output| matches!(output, Output::Call(call) if call.attempt > 1)) =>
            {
                return None;
            }
            Input::Due { timer } => match self.run.as_ref().and_then(|run| timer_for(run, *timer)) {
                Some(_) => "its time is up".to_owned(),
                None if self.run.as_ref().is_some_and(|run| is_of_promise(run, *timer)) => {
                    "a part of a promise's time is over".to_owned()
                }
                None if step.after.control.ended => "nobody answers any more".to_owned(),
                None => "a resource's time is up".to_owned(),
            },
            Input::Offered { wait, event, value, .. } => {
                let takes =
                    |output: &Output| matches!(output, Output::Reply { event: of, taken: true, .. } if of == event);
                let verb = if step.outputs.iter().any(takes) { "takes" } else { "leaves" };
                format!(
                    "{verb} {}",
                    short(show(bundle, self.waits.get(wait).copied().map(Type::Named).as_ref(), value))
                )
            }
            Input::Withdrawn { .. } => return None,
            other => self.words.input(step.flow, other),
        })
    }

    /// Why a call was made, where it isn't simply a step.
    fn purpose(&self, call: &Call) -> &'static str {
        let frames = self.run.iter().flat_map(|run| &run.control.frames);
        let pending = frames.filter_map(|frame: &Frame| frame.call.as_ref()).find(|pending| pending.no == call.call);
        match pending.map(|pending| &pending.what) {
            Some(CallFor::Abandon { .. }) => "lets go: ",
            Some(CallFor::Undo { .. }) => "undoes: ",
            Some(CallFor::Repeat { .. }) => "asks again, to undo it: ",
            Some(CallFor::Step) | None => "",
        }
    }

    fn output(&mut self, bundle: &Bundle, step: &Step, output: &Output) -> Option<String> {
        let words = self.words.output(step.flow, output);
        match output {
            Output::Call(call) => {
                self.calls.insert(call.call, (**call).clone());
                None
            }
            Output::Register { wait, event, key, value, .. } => {
                self.waits.insert(*wait, *event);
                let def = bundle.event(*event).unwrap().keys.get(usize::from(*key));
                let value = show(bundle, def.map(|key| &key.ty), value);
                Some(format!("waits for {} of {value}", bundle.ty(*event).unwrap().short_name()))
            }
            Output::Arm { due, .. } if step.after.control.ended => Some(format!("answers until {}", words::time(*due))),
            Output::Arm { timer, due } if is_of_promise(&step.after, *timer) => {
                Some(format!("looks at a promise at {}", words::time(*due)))
            }
            Output::Arm { timer, due } => {
                let what = match timer_for(&step.after, *timer)? {
                    TimerFor::Retry => return None,
                    TimerFor::Wait => "waits until",
                    TimerFor::Arm(_) => "waits no longer than",
                    TimerFor::Handler(_) => "leaves the attempt at",
                    TimerFor::Meanwhile(_) => "next time at",
                    #[allow(unreachable_patterns, reason = "whoever adds a kind of timer may leave it without words")]
                    _ => "looks again at",
                };
                Some(format!("{what} {}", words::time(*due)))
            }
            Output::StartChild { flow, joined, .. } => {
                let verb = if *joined { "runs" } else { "starts" };
                Some(format!("{verb} {}", bundle.flow(*flow).unwrap().short_name()))
            }
            Output::Ended(ending) => {
                self.outcome = Some(outcome_name(bundle, ending));
                words
            }
            _ => words,
        }
    }

    fn told(&self, bundle: &Bundle) -> String {
        let outcome = self.outcome.as_deref().unwrap_or("still live");
        let lines: String = self.lines.iter().map(|line| format!("{}\n", line.trim_end())).collect();
        let mut told = format!("{}: {outcome}\n{lines}", self.title);
        for resource in self.run.iter().flat_map(|run| said_resources(bundle, run)) {
            told.push_str(&format!("  in the end: {resource}\n"));
        }
        told.push('\n');
        told
    }
}

/// What a timer is for; none for that of a resource which expires.
fn timer_for(run: &Run, timer: u32) -> Option<TimerFor> {
    let timers = run.control.frames.iter().flat_map(|frame| &frame.timers);
    timers.into_iter().find(|known| known.no == timer).map(|timer| timer.what)
}

fn is_of_promise(run: &Run, timer: u32) -> bool {
    run.control.promises.iter().any(|known| known.no == timer)
}

/// Each resource that a run opened, with its state; without instants, which hang on minted ids.
fn said_resources(bundle: &Bundle, run: &Run) -> Vec<String> {
    let said = |(number, resource): (u32, &flowline_core::control::Resource)| {
        let def = bundle.resource(resource.ty)?;
        // One without a state never came to be.
        let known = &def.states[resource.state?.index()].name;
        let state = words::away(resource).unwrap_or_else(|| known.clone());
        let view = run.data.view(number);
        let fields = def.fields.iter().zip(&view.fields).filter(|(field, _)| field.ty != Type::Instant);
        let fields = fields.map(|(field, value)| format!("{}: {}", field.name, show(bundle, Some(&field.ty), value)));
        let fields = fields.collect::<Vec<_>>().join(", ");
        Some(format!("{} #{number} {{ {fields} }}: {state}", bundle.ty(resource.ty)?.short_name()))
    };
    (0..).zip(&run.control.resources).filter_map(said).collect()
}

fn said_call(bundle: &Bundle, call: &Call) -> String {
    let op = bundle.op(call.op).unwrap();
    let args = op.params.iter().zip(&call.args).map(|(param, arg)| short(show(bundle, Some(&param.ty), arg)));
    format!("{}({})", bundle.op_name(call.op), args.collect::<Vec<_>>().join(", "))
}

fn said_answer(bundle: &Bundle, call: &Call, answer: &Answer) -> String {
    match answer {
        Answer::Done(Value::None) => "done".to_owned(),
        Answer::Done(_) if call.opens.is_some() => "opened".to_owned(),
        Answer::Done(value) => short(show(bundle, Some(&bundle.op(call.op).unwrap().result), value)),
        Answer::Error(error) => bundle.ty(error.error).unwrap().short_name().to_owned(),
        Answer::Refused(said) => format!("refused, {said}"),
        Answer::Rejected(said) => format!("refused for good, {said}"),
        Answer::Unknown(said) => format!("nobody knows, {said}"),
    }
}

fn short(text: String) -> String {
    if text.chars().count() <= SHOWN_MAX {
        return text;
    }
    text.chars().take(SHOWN_MAX).chain(['…']).collect()
}
