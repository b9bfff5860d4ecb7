//! Questions to people: each is a wait of its run, which one answer ends.
use std::sync::Arc;

use flowline_plan::{Bundle, Node, NodeKind, Plan, TaskArm, Value, misfit};

use super::{At, Control, Frame, Machine, Oracle, Wait, WaitFor, machine::internal};
use crate::{ClosedTask, Incident, Output, Task, TaskFate, TaskId, ids::hash128};

impl Control {
    /// The questions that wait for an answer.
    pub fn open_tasks(&self) -> &[Task] {
        self.asked.as_ref().map_or(&[], |asked| &asked.open)
    }

    /// The questions that nobody is asked any more.
    pub fn closed_tasks(&self) -> &[ClosedTask] {
        self.asked.as_ref().map_or(&[], |asked| &asked.closed)
    }

    /// What would become of an answer.
    pub fn judge(&self, bundle: &Bundle, plan: &Plan, id: TaskId, by: &Arc<str>, value: &Value, now: i64) -> TaskFate {
        if let Some(closed) = self.closed_tasks().iter().find(|closed| closed.id == id) {
            return match &closed.by {
                Some(by) => TaskFate::AlreadyAnswered { by: Arc::clone(by), at: closed.at },
                None => TaskFate::Over { at: closed.at },
            };
        }
        let Some(task) = self.open_tasks().iter().find(|task| task.id == id) else { return TaskFate::Unknown };
        let asking = self.frames.iter().find(|frame| frame.waits.iter().any(|wait| wait.no == task.wait));
        let Some(frame) = asking.filter(|frame| !self.is_over(frame, task.wait, now)) else {
            return TaskFate::Over { at: now };
        };
        let Some(arm) = task_arm(plan, frame) else { return TaskFate::Unknown };
        if task.not_by.contains(by) {
            return TaskFate::Excluded { by: Arc::clone(by) };
        }
        let why = if by.is_empty() { Some("it says not who answers".to_owned()) } else { None };
        match why.or_else(|| misfit(bundle, &arm.answer, value, now)) {
            Some(why) => TaskFate::Misfit { why },
            None => TaskFate::Accepted,
        }
    }

    /// Whether a frame waits no more, or time was up for it before `now`: what was acknowledged before a timer's due time
    /// beats the timer, and nothing else does.
    fn is_over(&self, frame: &Frame, wait: u32, now: i64) -> bool {
        let beaten =
            |frame: &Frame| frame.closing.iter().any(|closing| closing.left.contains(&wait) && now >= closing.due);
        frame.at != At::Parked || frame.stop.is_some() || self.outward(frame.no).any(beaten)
    }
}

/// The question at which a frame stands.
fn task_arm<'p>(plan: &'p Plan, frame: &Frame) -> Option<&'p TaskArm> {
    let NodeKind::Await(wait) = &plan.nodes.get(frame.pc?.index())?.kind else { return None };
    wait.task.as_deref()
}

impl<O: Oracle> Machine<'_, O> {
    /// Reads what a question says and shows.
    pub(super) fn prepare_task(
        &mut self,
        no: u32,
        node: &Node,
        arm: &TaskArm,
        due: Option<i64>,
    ) -> Result<Task, Incident> {
        let Value::Text(question) = self.oracle.eval(no, &arm.question)? else {
            return Err(internal("a question that is no text"));
        };
        let mut shown = Vec::with_capacity(arm.show.len());
        for each in &arm.show {
            shown.push(self.oracle.eval(no, &each.value)?);
        }
        let mut not_by = Vec::new();
        for code in &arm.not_by {
            let excluded = self.oracle.eval(no, code)?;
            if let Value::List(persons) = &excluded {
                not_by.extend(persons.iter().filter_map(person));
            }
            not_by.extend(person(&excluded));
        }
        let node_no = self.control.frame(no).and_then(|frame| frame.pc);
        let node_no = node_no.ok_or_else(|| internal("a question at no node"))?;
        let said =
            postcard::to_stdvec(&(&question, &shown)).map_err(|_| internal("a question that can't be written"))?;
        Ok(Task {
            id: TaskId(self.step_key(no, node).0),
            // Numbered when it is asked.
            wait: 0,
            node: node_no,
            role: arm.role,
            question,
            shown_hash: hash128("shown", &[&said]),
            shown,
            asked_at: self.now,
            due,
            not_by,
        })
    }

    /// Asks.
    pub(super) fn open_task(&mut self, no: u32, mut task: Task) {
        task.wait = self.control.next_wait;
        self.control.next_wait += 1;
        if let Some(frame) = self.control.frame_mut(no) {
            frame.waits.push(Wait { no: task.wait, what: WaitFor::Task, withdrawing: false });
        }
        self.control.asked.get_or_insert_default().open.push(task.clone());
        self.emit(Output::Ask(Box::new(task)));
    }

    /// Nobody is asked any more. Waits that are no questions pass unnoticed.
    pub(super) fn close_task(&mut self, wait: u32, by: Option<Arc<str>>) {
        let at = self.now;
        let Some(asked) = &mut self.control.asked else { return };
        let Some(place) = asked.open.iter().position(|task| task.wait == wait) else { return };
        let id = asked.open.remove(place).id;
        asked.closed.push(ClosedTask { id, at, by });
    }

    /// Somebody answers; an answer that isn't accepted changes nothing.
    pub(super) fn task_answered(&mut self, id: TaskId, by: &Arc<str>, value: &Value) {
        if self.control.judge(self.bundle, self.plan, id, by, value, self.now) != TaskFate::Accepted {
            return;
        }
        let Some(wait) = self.control.open_tasks().iter().find(|task| task.id == id).map(|task| task.wait) else {
            return;
        };
        let asking = self.control.frames.iter().find(|frame| frame.waits.iter().any(|known| known.no == wait));
        let Some((no, arm)) = asking.and_then(|frame| Some((frame.no, task_arm(self.plan, frame)?))) else { return };
        let answer = [value.clone(), Value::Text(Arc::clone(by)), Value::Instant(self.now)];
        if let Some(slot) = arm.bind
            && let Err(incident) = self.oracle.bind(no, slot, Value::Record(answer.into()))
        {
            self.park(no, incident);
            return;
        }
        self.close_task(wait, Some(Arc::clone(by)));
        self.clear_arms(no);
        self.go(no, arm.target);
    }
}

/// Whether a wait belongs to the `await` at which its frame stands, not to its scope.
pub(super) fn is_of_step(what: WaitFor) -> bool {
    match what {
        WaitFor::Arm(_) | WaitFor::Task => true,
        WaitFor::Handler(_) | WaitFor::Meanwhile(_) => false,
    }
}

fn person(value: &Value) -> Option<Arc<str>> {
    if let Value::Text(person) = value { Some(Arc::clone(person)) } else { None }
}
