//! A run: control and data, one input at a time.
use std::sync::Arc;

use flowline_plan::{Bundle, FlowId, Plan, Value};
use serde::{Deserialize, Serialize};

use crate::{
    Ending, Input, Output, Parent, Returned, RunId,
    control::{Control, Machine},
    data::{Data, DataOracle},
    digest::Digest,
};

/// What a run is run by: the bundle it is pinned to and its plan in it.
#[derive(Debug, Clone)]
pub struct Program {
    pub bundle: Arc<Bundle>,
    pub flow: FlowId,
    pub plan: Arc<Plan>,
}

impl Program {
    /// The program of a flow of a bundle; none when the bundle has no such flow.
    pub fn new(bundle: &Arc<Bundle>, flow: FlowId) -> Option<Self> {
        let plan = Arc::clone(bundle.flow(flow)?);
        Some(Self { bundle: Arc::clone(bundle), flow, plan })
    }
}

/// One run. Its state follows from its program and its inputs, and from nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub flow: FlowId,
    /// The time of the first input, ms.
    pub started_at: i64,
    /// The time of the last input, ms.
    pub now: i64,
    /// Inputs taken so far.
    pub inputs: u64,
    pub control: Control,
    pub data: Data,
    pub ending: Option<Ending>,
    digest: Digest,
}

impl Run {
    /// A run that hasn't begun; its first input is [`Input::Start`].
    pub fn new(id: RunId, flow: FlowId, parent: Option<Parent>) -> Self {
        Self {
            flow,
            started_at: 0,
            now: 0,
            inputs: 0,
            control: Control::new(id, parent),
            data: Data::default(),
            ending: None,
            digest: Digest::default(),
        }
    }

    /// Who it is.
    pub fn id(&self) -> RunId {
        self.control.run
    }

    /// Takes one input at a time (ms UTC) and says what it calls for. Total: whatever comes late, twice or out of
    /// place changes nothing. Time never goes back: an earlier `now` counts as the last one.
    pub fn handle(&mut self, program: &Program, input: &Input, now: i64) -> Vec<Output> {
        let mut out = Vec::new();
        self.now = self.now.max(now);
        if self.inputs == 0 {
            self.started_at = self.now;
        }
        self.inputs += 1;
        let mut oracle =
            DataOracle { bundle: &program.bundle, plan: &program.plan, data: &mut self.data, now: self.now };
        Machine::new(&program.bundle, &program.plan, &mut self.control, &mut oracle, self.now, &mut out).handle(input);
        if let Some(Output::Ended(ending)) = out.iter().rev().find(|output| matches!(output, Output::Ended(_))) {
            self.ending = Some(ending.clone());
        }
        self.digest.take(self.now, &self.control, &out);
        out
    }

    /// The run has ended and waits for late events: drops what only a living one needs, so that many can wait.
    pub fn retire(&mut self) {
        self.control.resources = Vec::new();
        self.data.retire();
    }

    /// What an ended run hands back to the one that ran it: each resource that it was given, and the one it ends with.
    pub fn returned(&self) -> Vec<Returned> {
        let ending = self.ending.as_ref();
        ending.map_or(Vec::new(), |ending| self.control.returned(ending, |resource| self.data.goods(resource)))
    }

    /// The calls that are out: a restart hands them out again, with the same key, attempt and instant.
    pub fn pending_calls(&mut self, program: &Program) -> Vec<Output> {
        let oracle = DataOracle { bundle: &program.bundle, plan: &program.plan, data: &mut self.data, now: self.now };
        self.control.pending_calls(&program.bundle, &program.plan, &oracle)
    }

    /// A hash of all that the run did so far. A replay must come to the same one.
    pub fn state_hash(&self) -> u64 {
        self.digest.value()
    }

    /// The key that the flow's `key` clause gives for these arguments.
    ///
    /// # Errors
    /// When the expression has no value.
    pub fn key_of(program: &Program, args: &[Value], now: i64) -> Result<Option<Value>, flowline_plan::EvalError> {
        let Some(key) = &program.plan.key else { return Ok(None) };
        let env = flowline_plan::ConstEnv { bundle: &program.bundle, now };
        flowline_plan::eval(&env, &key.code, args).map(Some)
    }
}
