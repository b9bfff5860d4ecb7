//! The steps of a run in words: values with the names of their types, calls and waits with what they are of.
use std::{collections::BTreeMap, sync::Arc};

use flowline_core::{Answer, Handed, Input, Output, Run, Task, TaskId, control::Away};
use flowline_engine::outcome_name;
use flowline_plan::{
    Bundle, FlowId, Node, NodeId, NodeKind, OpRef, TaskArm, Type, TypeId, TypeKind, Value, json::show,
};

/// The words for one run; remembers what its numbers stand for.
#[derive(Debug)]
pub(crate) struct Words {
    bundle: Arc<Bundle>,
    calls: BTreeMap<u32, OpRef>,
    waits: BTreeMap<u32, TypeId>,
    tasks: BTreeMap<TaskId, NodeId>,
}

/// An instant as people write it.
pub(crate) fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.to_string())
}

/// The status of a run.
pub(crate) fn status(bundle: &Bundle, flow: FlowId, value: Option<&Value>) -> Option<String> {
    let of = bundle.flow(flow)?.status.as_ref()?;
    Some(show(bundle, Some(&Type::Named(of.values)), value?))
}

/// Each resource that a run opened, with its fields and its state.
pub(crate) fn resources(bundle: &Bundle, run: &Run) -> Vec<String> {
    let said = |(number, resource): (u32, &flowline_core::control::Resource)| {
        let TypeKind::Resource(def) = &bundle.ty(resource.ty)?.kind else { return None };
        // One without a state never came to be.
        let state = def.states.get(resource.state?.index())?;
        let view = run.data.view(number);
        let fields: Vec<String> = def
            .fields
            .iter()
            .zip(&view.fields)
            .map(|(field, value)| format!("{}: {}", field.name, show(bundle, Some(&field.ty), value)))
            .collect();
        let part = view.whole.map(|whole| format!(", a part of {}", show(bundle, None, &whole))).unwrap_or_default();
        let name = bundle.ty(resource.ty)?.short_name();
        let given = if resource.given.is_some() { ", given by the run that ran it" } else { "" };
        let has = away(resource).unwrap_or_else(|| state.name.clone());
        Some(format!("{name} #{number} {{ {} }}{part}{given}: {has}", fields.join(", ")))
    };
    (0..).zip(&run.control.resources).filter_map(said).collect()
}

/// Where a resource is that the run doesn't have itself.
pub(crate) fn away(resource: &flowline_core::control::Resource) -> Option<String> {
    Some(match resource.away? {
        Away::Lent { child, .. } => format!("lent to run {child}"),
        Away::Gone => "handed over to a flow that was started".to_owned(),
    })
}

/// The words of the arm of a choice that was taken.
fn arm_of(node: &Node, arm: Option<u16>) -> &str {
    let NodeKind::Choose { arms, .. } = &node.kind else { return "otherwise" };
    arm.and_then(|arm| arms.get(usize::from(arm))).map_or("otherwise", |arm| arm.label.as_str())
}

impl Words {
    pub(crate) fn new(bundle: Arc<Bundle>) -> Self {
        Self { bundle, calls: BTreeMap::new(), waits: BTreeMap::new(), tasks: BTreeMap::new() }
    }

    /// What the run took.
    pub(crate) fn input(&self, flow: FlowId, input: &Input) -> String {
        match input {
            Input::Start { args, resources, .. } => {
                let given: String = resources.iter().map(|handed| format!("; has {}", self.handed(handed))).collect();
                format!("starts with {}{given}", self.args(flow, args))
            }
            Input::Answered { call, attempt, answer } => {
                format!("{} (call {call}, attempt {attempt}): {}", self.called(*call), self.answer(*call, answer))
            }
            Input::Due { timer } => format!("timer {timer} is due"),
            Input::Offered { wait, event, value, .. } => {
                let ty = self.waits.get(wait).copied().map(Type::Named);
                format!("event {event} for wait {wait}: {}", show(&self.bundle, ty.as_ref(), value))
            }
            Input::Withdrawn { wait } => format!("wait {wait} is withdrawn"),
            Input::ChildEnded { child, ending, resources } => {
                let back = resources.iter().map(|returned| format!("; hands back {}", self.handed(&returned.handed)));
                format!("sub-flow {child} ended: {}{}", outcome_name(&self.bundle, ending), back.collect::<String>())
            }
            Input::Settle => "is told to end and settle".to_owned(),
            Input::Retry { frame } => format!("tries the parked step {frame} again"),
            Input::Relieved => "the next run of its key has begun".to_owned(),
            Input::TaskAnswered { task, by, value } => {
                let ty = self.tasks.get(task).and_then(|node| Some(&self.question(flow, *node)?.answer));
                format!("{by} answers task {task}: {}", show(&self.bundle, ty, value))
            }
        }
    }

    /// What the run did then; nothing for what only tidies up.
    pub(crate) fn output(&mut self, flow: FlowId, output: &Output) -> Option<String> {
        Some(match output {
            Output::Call(call) => {
                self.calls.insert(call.call, call.op);
                let params = self.bundle.op(call.op).map(|op| op.params.as_slice()).unwrap_or_default();
                let args: Vec<String> = (0..)
                    .zip(&call.args)
                    .map(|(at, arg): (usize, _)| show(&self.bundle, params.get(at).map(|param| &param.ty), arg))
                    .collect();
                let (op, args) = (self.bundle.op_name(call.op), args.join(", "));
                format!("calls {op}({args}) (call {}, attempt {}, key {})", call.call, call.attempt, call.key)
            }
            Output::Arm { timer, due } => format!("timer {timer} until {}", time(*due)),
            Output::Register { wait, event, key, value, .. } => {
                self.waits.insert(*wait, *event);
                let key = self.bundle.event(*event).and_then(|event| event.keys.get(usize::from(*key)));
                let value = show(&self.bundle, key.map(|key| &key.ty), value);
                format!("waits for {} of {value} (wait {wait})", self.type_name(*event))
            }
            Output::Emit { event, value, .. } => {
                format!("emits {}", show(&self.bundle, Some(&Type::Named(*event)), value))
            }
            Output::Status { value, part } => {
                let status = self.bundle.flow(flow).and_then(|plan| plan.status.as_ref());
                let ty = status.map(|status| Type::Named(status.values));
                let part =
                    part.as_ref().map(|part| format!(" for {}", show(&self.bundle, None, part))).unwrap_or_default();
                format!("status {}{part}", show(&self.bundle, ty.as_ref(), value))
            }
            Output::StartChild { child, flow, args, joined, .. } => {
                let name = self.bundle.flow(*flow).map_or("a flow", |plan| plan.short_name());
                let verb = if *joined { "runs" } else { "starts" };
                format!("{verb} {name} as run {child} with {}", self.args(*flow, args))
            }
            Output::SettleChild { child } => format!("asks sub-flow {child} to settle"),
            Output::Incident { incident, .. } => format!("INCIDENT: {incident}"),
            Output::IncidentGone { .. } => "the incident is over".to_owned(),
            Output::Alarm { op, attempts, last, .. } => format!("ALARM: {op} has failed {attempts} times: {last}"),
            Output::Ended(ending) => format!("ended: {}", outcome_name(&self.bundle, ending)),
            Output::Closed => "waits for nothing any more".to_owned(),
            Output::Ask(task) => {
                self.tasks.insert(task.id, task.node);
                self.asks(flow, task)
            }
            Output::Chosen { node, arm } => {
                let node = self.bundle.flow(flow).and_then(|plan| plan.nodes.get(node.index()));
                let label = node.map_or("a choice", |node| node.label.as_str());
                format!("{label}: `{}` decides", node.map_or("otherwise", |node| arm_of(node, *arm)))
            }
            Output::Fallback { op, attempts, last, value, .. } => {
                let ty = self.bundle.op(*op).map(|op| &op.result);
                let (op, value) = (self.bundle.op_name(*op), show(&self.bundle, ty, value));
                format!("{op} did not answer in {attempts} attempts ({last}): its fallback counts: {value}")
            }
            Output::Disarm { .. } | Output::Withdraw { .. } | Output::Reply { .. } => return None,
        })
    }

    /// The question at a node.
    fn question(&self, flow: FlowId, node: NodeId) -> Option<&TaskArm> {
        let NodeKind::Await(wait) = &self.bundle.flow(flow)?.nodes.get(node.index())?.kind else { return None };
        wait.task.as_deref()
    }

    fn asks(&self, flow: FlowId, task: &Task) -> String {
        let labels = self.question(flow, task.node).map(|arm| arm.show.as_slice()).unwrap_or_default();
        let shown = labels.iter().zip(&task.shown).map(|(shown, value)| {
            let advice = if shown.advice { " (advice)" } else { "" };
            format!("{}{advice}: {}", shown.label, show(&self.bundle, Some(&shown.ty), value))
        });
        let mut said =
            vec![format!("asks {} {:?} (task {})", self.bundle.role_name(task.role), &*task.question, task.id)];
        said.extend(shown);
        if !task.not_by.is_empty() {
            said.push(format!("not by {}", task.not_by.join(", ")));
        }
        said.join("; ")
    }

    fn args(&self, flow: FlowId, args: &[Value]) -> String {
        let slots = self.bundle.flow(flow).and_then(|plan| plan.scopes.first());
        let ty = |at: usize| slots.and_then(|scope| scope.slots.get(at)).map(|slot| &slot.ty);
        let args: Vec<String> = args.iter().enumerate().map(|(at, arg)| show(&self.bundle, ty(at), arg)).collect();
        args.join(", ")
    }

    fn answer(&self, call: u32, answer: &Answer) -> String {
        match answer {
            Answer::Done(Value::None) => "done".to_owned(),
            Answer::Done(value) => {
                let op = self.calls.get(&call).and_then(|op| self.bundle.op(*op));
                format!("done: {}", show(&self.bundle, op.map(|op| &op.result), value))
            }
            Answer::Error(error) => format!("{}: {}", self.type_name(error.error), error.text),
            Answer::Refused(said) => format!("refused, nothing happened: {said}"),
            Answer::Rejected(said) => format!("refused for good: {said}"),
            Answer::Unknown(said) => format!("outcome unknown: {said}"),
        }
    }

    /// A resource on its way between runs: its id, which every run knows it by, and its state.
    fn handed(&self, handed: &Handed) -> String {
        let def = self.bundle.resource(handed.ty);
        let state = def.and_then(|def| def.states.get(handed.state.index())).map_or("?", |state| state.name.as_str());
        let id = handed.goods.fields.first().map_or_else(String::new, |id| show(&self.bundle, None, id));
        format!("{} {id}: {state}", self.type_name(handed.ty))
    }

    fn called(&self, call: u32) -> String {
        self.calls.get(&call).map_or_else(|| "a call".to_owned(), |op| self.bundle.op_name(*op))
    }

    fn type_name(&self, ty: TypeId) -> &str {
        self.bundle.ty(ty).map_or("something unknown", |ty| ty.short_name())
    }
}
