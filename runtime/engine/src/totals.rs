//! What became of it all: the numbers that a run of the main job ends with. Part of the engine's state, so that they
//! survive a kill.
use std::collections::BTreeMap;

use flowline_core::{Answer, Ending, Input, Output, Run, control::CallFor};
use flowline_plan::{Bundle, FlowId, calendar::instant_text};
use serde::{Deserialize, Serialize};

use crate::{EventIn, body::StartCause};

/// Counts since the data folder was made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Ended runs by flow and outcome.
    pub ended: BTreeMap<String, BTreeMap<String, u64>>,
    /// Runs begun, by flow.
    pub started: BTreeMap<String, u64>,
    /// Events taken in.
    pub events: u64,
    /// Inputs that runs have taken.
    pub steps: u64,
    pub calls: u64,
    pub retries: u64,
    /// Answers that arrived, of whatever kind.
    pub answers: u64,
    /// Answers that never came.
    pub lost: u64,
    /// Attempts refused without effect.
    pub refused: u64,
    /// Business errors by name.
    pub errors: BTreeMap<String, u64>,
    /// Effects that settling undid: abandon rows and undos that were answered.
    pub undone: u64,
    pub duplicates: u64,
    /// Events whose id came before with another body.
    pub conflicts: u64,
    /// Starting events for a key that already has its run.
    pub repeated_starts: u64,
    /// Events that came from outside or could start a flow and that nothing takes, and kept events that nobody took in
    /// time.
    pub unmatched: u64,
    /// Starting events that more than one flow would take, so that none did.
    pub contested: u64,
    /// The first of them: id, source, and the flows.
    pub contested_first: Vec<String>,
    /// Starts that had to wait for the run before theirs.
    pub queued: u64,
    /// Events and ticks that would have started or joined something, but too much was waiting already.
    pub refused_starts: u64,
    /// The first of them: what was refused, and the flow.
    pub refused_first: Vec<String>,
    pub incidents: u64,
    /// Questions to people.
    pub questions: u64,
    /// Of these, how many somebody answered.
    pub questions_answered: u64,
    /// Calls of models that were down, so that their fallback counted.
    pub fallbacks: u64,
    /// Kept, missed and unmet, by flow and promise.
    pub promises: BTreeMap<String, BTreeMap<String, PromiseTotals>>,
}

/// How often a promise was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromiseTotals {
    pub kept: u64,
    pub missed: u64,
    /// The run ended without reaching it.
    pub unmet: u64,
}

/// Contested events and refused starts that are told one by one.
const CONTESTED_SHOWN_MAX: usize = 20;

impl Totals {
    /// More than one flow would take an event.
    pub(crate) fn contest(&mut self, bundle: &Bundle, event: &EventIn, flows: &[FlowId]) {
        self.contested += 1;
        if self.contested_first.len() < CONTESTED_SHOWN_MAX {
            let names = flows.iter().filter_map(|flow| bundle.flow(*flow)).map(|plan| plan.short_name());
            let names: Vec<&str> = names.collect();
            let EventIn { id, source, .. } = event;
            self.contested_first.push(format!("event {id} of {source}, by {}", names.join(" and ")));
        }
    }

    /// Too much waits already for one more to join.
    pub(crate) fn refuse_start(&mut self, bundle: &Bundle, flow: FlowId, cause: &StartCause) {
        self.refused_starts += 1;
        if self.refused_first.len() < CONTESTED_SHOWN_MAX {
            let flow = bundle.flow(flow).map_or("a flow", |plan| plan.short_name());
            let what = match cause {
                StartCause::Event { event, .. } => format!("event {event}"),
                StartCause::Tick { due } => format!("the start by the clock at {}", instant_text(*due)),
                StartCause::Batch { batch, .. } => format!("batch {batch:032x}"),
                StartCause::Child { parent, .. } => format!("a step of run {parent}"),
            };
            self.refused_first.push(format!("{what}, for {flow}"));
        }
    }

    /// A run takes an input; called before it does, so that its calls can still be told apart.
    pub(crate) fn input(&mut self, bundle: &Bundle, run: &Run, input: &Input) {
        self.steps += 1;
        self.questions_answered += u64::from(matches!(input, Input::TaskAnswered { .. }));
        let Input::Answered { call, attempt, answer } = input else { return };
        self.answers += 1;
        match answer {
            Answer::Unknown(_) => self.lost += 1,
            Answer::Refused(_) | Answer::Rejected(_) => self.refused += 1,
            Answer::Error(error) => {
                let name = bundle.ty(error.error).map_or("unknown", |ty| ty.short_name());
                count(&mut self.errors, name);
            }
            Answer::Done(_) => {
                let pending = run.control.frames.iter().filter_map(|frame| frame.call.as_ref());
                let settling = pending
                    .filter(|pending| pending.no == *call && pending.attempt == *attempt)
                    .any(|pending| matches!(pending.what, CallFor::Abandon { .. } | CallFor::Undo { .. }));
                self.undone += u64::from(settling);
            }
        }
    }

    /// What a run asked for.
    pub(crate) fn output(&mut self, output: &Output) {
        match output {
            Output::Call(call) => {
                self.calls += 1;
                self.retries += u64::from(call.attempt > 1);
            }
            Output::Incident { .. } => self.incidents += 1,
            Output::Arm { .. }
            | Output::Disarm { .. }
            | Output::Register { .. }
            | Output::Withdraw { .. }
            | Output::Reply { .. }
            | Output::Emit { .. }
            | Output::Status { .. }
            | Output::StartChild { .. }
            | Output::SettleChild { .. }
            | Output::IncidentGone { .. }
            | Output::Alarm { .. }
            | Output::Chosen { .. }
            | Output::Ended(_)
            | Output::Closed => {}
            Output::Ask(_) => self.questions += 1,
            Output::Fallback { .. } => self.fallbacks += 1,
        }
    }

    /// A run has ended.
    pub(crate) fn end(&mut self, bundle: &Bundle, run: &Run, ending: &Ending) {
        let Some(plan) = bundle.flow(run.flow) else { return };
        let flow = plan.short_name();
        let outcome = outcome_name(bundle, ending);
        count(self.ended.entry(flow.to_owned()).or_default(), &outcome);
        for (promise, state) in plan.promises.iter().zip(&run.data.promises) {
            let of_flow = self.promises.entry(flow.to_owned()).or_default();
            let totals = of_flow.entry(promise.text.clone()).or_default();
            match state.kept() {
                Some(true) => totals.kept += 1,
                Some(false) => totals.missed += 1,
                None => totals.unmet += 1,
            }
        }
    }

    /// A run has begun.
    pub(crate) fn start(&mut self, flow: &str) {
        count(&mut self.started, flow);
    }
}

/// How people call an ending.
pub fn outcome_name(bundle: &Bundle, ending: &Ending) -> String {
    match ending {
        Ending::Stopped { outcome, .. } => outcome.clone(),
        Ending::Completed { .. } => "completed".to_owned(),
        Ending::Failed(error) => {
            let name = bundle.ty(error.error).map_or("an unknown error", |ty| ty.short_name());
            format!("failed: {name}")
        }
        Ending::Settled => "settled".to_owned(),
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}
