//! Questions to people, as those see them who answer: which are open, and what becomes of an answer.
//!
//! The index follows from the runs: it is built again from them when the engine starts.
use std::{collections::BTreeMap, sync::Arc};

use flowline_core::{Input, Run, RunId, Task, TaskFate, TaskId};
use flowline_plan::{FlowId, NodeKind, RoleId, TaskArm, Type, Value};
use rustc_hash::FxHashMap;

use crate::{
    EngineError, Taken,
    engine::{Engine, Given},
};

/// Somebody answers a question.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskAnswer {
    pub task: TaskId,
    /// Who answers.
    pub by: Arc<str>,
    pub value: Value,
}

/// A question that waits for its answer, with all that somebody needs who is to answer it.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenTask {
    pub run: RunId,
    pub flow: FlowId,
    pub role: RoleId,
    pub task: Task,
    /// What is shown, in the order of [`Task::shown`].
    pub labels: Vec<ShownAs>,
    /// What is asked for.
    pub answer: Type,
}

/// What a shown value is.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownAs {
    pub label: String,
    pub ty: Type,
    /// It is what a model advises.
    pub advice: bool,
}

/// Which run asks what.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    open: BTreeMap<TaskId, RunId>,
    of_waits: FxHashMap<(RunId, u32), TaskId>,
    /// Questions of live runs that nobody is asked any more.
    closed: FxHashMap<TaskId, RunId>,
}

impl Tasks {
    /// A run asks.
    pub(crate) fn ask(&mut self, run: RunId, task: &Task) {
        self.open.insert(task.id, run);
        self.of_waits.insert((run, task.wait), task.id);
    }

    /// A run waits no more; says whether it was for a person.
    pub(crate) fn withdraw(&mut self, run: RunId, wait: u32) -> bool {
        let Some(task) = self.of_waits.remove(&(run, wait)) else { return false };
        self.open.remove(&task);
        self.closed.insert(task, run);
        true
    }

    /// A run that comes from a snapshot.
    pub(crate) fn load(&mut self, run: &Run) {
        for task in run.control.open_tasks() {
            self.ask(run.id(), task);
        }
        self.closed.extend(run.control.closed_tasks().iter().map(|task| (task.id, run.id())));
    }

    /// A run has ended.
    pub(crate) fn forget(&mut self, run: &Run) {
        for task in run.control.closed_tasks() {
            self.closed.remove(&task.id);
        }
    }

    fn run_of(&self, task: TaskId) -> Option<RunId> {
        self.open.get(&task).or_else(|| self.closed.get(&task)).copied()
    }
}

impl Engine {
    /// The questions that wait for an answer, by their ids.
    pub fn tasks(&self) -> impl Iterator<Item = OpenTask> + '_ {
        self.tasks.open.iter().filter_map(|(task, run)| self.open_task(*run, *task))
    }

    /// A question that waits for an answer.
    pub fn task(&self, id: TaskId) -> Option<OpenTask> {
        self.open_task(*self.tasks.open.get(&id)?, id)
    }

    fn open_task(&self, run: RunId, id: TaskId) -> Option<OpenTask> {
        let cell = self.runs.get(&run)?;
        let task = cell.run.control.open_tasks().iter().find(|task| task.id == id)?;
        let arm = arm_of(&cell.program.plan, task)?;
        let label = |shown: &flowline_plan::Shown| ShownAs {
            label: shown.label.clone(),
            ty: shown.ty.clone(),
            advice: shown.advice,
        };
        Some(OpenTask {
            run,
            flow: cell.run.flow,
            role: task.role,
            task: task.clone(),
            labels: arm.show.iter().map(label).collect(),
            answer: arm.answer.clone(),
        })
    }

    /// Takes an answer at a time (ms UTC), with everything that follows, and says what became of it. It counts once the
    /// seq of the round is durable.
    ///
    /// # Errors
    /// Those of [`Engine::take`].
    pub fn answer_task(&mut self, now: i64, answer: TaskAnswer) -> Result<(TaskFate, Taken), EngineError> {
        let mut taken = self.take(now, vec![Given::TaskAnswer(answer)])?;
        let fate = taken.answered.pop().map_or(TaskFate::Unknown, |(_, fate)| fate);
        Ok((fate, taken))
    }

    /// What would become of an answer now.
    pub(crate) fn judge(&self, answer: &TaskAnswer) -> TaskFate {
        let cell = self.tasks.run_of(answer.task).and_then(|run| self.runs.get(&run));
        let Some(cell) = cell else { return TaskFate::Unknown };
        let (bundle, plan) = (&self.bundle, &cell.program.plan);
        cell.run.control.judge(bundle, plan, answer.task, &answer.by, &answer.value, self.now)
    }

    /// Somebody answers: only what is accepted goes to the run.
    pub(crate) fn person_answers(&mut self, answer: TaskAnswer) {
        let fate = self.judge(&answer);
        if let (TaskFate::Accepted, Some(run)) = (&fate, self.tasks.run_of(answer.task)) {
            let TaskAnswer { task, by, value } = answer.clone();
            self.send_to_run(run, Input::TaskAnswered { task, by, value });
        }
        self.answered.push((answer.task, fate));
    }
}

/// The question in the plan.
fn arm_of<'p>(plan: &'p flowline_plan::Plan, task: &Task) -> Option<&'p TaskArm> {
    let NodeKind::Await(wait) = &plan.nodes.get(task.node.index())?.kind else { return None };
    wait.task.as_deref()
}
