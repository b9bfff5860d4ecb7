//! The proof and the runtime agree: sketches are run by the runtime's own control, with random answers, events, times
//! and guards. A sound flow never misbehaves; where the pass finds a fault, some run shows it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a sketch that is written wrongly should stop the test where it is wrong"
)]
#[path = "sketch/random.rs"]
mod random;
mod sketch;

use std::collections::HashMap;

use flowline_core::{
    Answer, Ending, EventId, Incident, Input, Output, ResourceView, RunId,
    control::{Control, Machine, Oracle, WaitFor},
};
use flowline_diag::{FileId, Span};
use flowline_plan::*;

/// Runs per sketch.
const RUNS: u64 = 3_000;
/// Random flows where `FLOWLINE_CASES` doesn't say how many, and runs of each that is sound.
const FLOWS: u64 = 1_000;
const RUNS_OF_RANDOM: u64 = 60;
/// Random flows with more nodes are left out: hardly one of them is sound, and proving them takes all the time.
const NODES_MAX: usize = 100;
/// Inputs after which a run only gets good answers, so that it ends.
const ROUGH_INPUTS_MAX: usize = 60;
const INPUTS_MAX: usize = 400;

/// How many random flows are tried.
fn flows() -> u64 {
    std::env::var("FLOWLINE_CASES").map_or(FLOWS, |cases| cases.parse().expect("a number"))
}

#[test]
fn sound_flows_never_misbehave() {
    for case in sketch::cases(include_str!("cases/sound.case")) {
        // The runtime hands no resources to sub-flows yet.
        if case.text.contains("run child card") {
            continue;
        }
        let (bundle, plan) = sketch::plan(&case.text);
        let shown = (0..RUNS).find_map(|seed| misbehaves(&bundle, &plan, seed).map(|what| (seed, what)));
        assert_eq!(shown, None, "{}", case.name);
    }
}

#[test]
fn every_fault_shows_in_some_run() {
    for case in sketch::cases(include_str!("cases/f04.case")) {
        let (bundle, plan) = sketch::plan(&case.text);
        let places = |_: SpanId| Span::new(FileId::from_index(0), 0, 0);
        let found = flowline_prove::prove(&bundle, &plan, &places);
        // A copy is refused for its form, whether or not a run stumbles over it.
        let expected = found.iter().any(|finding| finding.code.id.starts_with("F04") && finding.code.id != "F0405");
        if expected {
            let shown = (0..RUNS).any(|seed| misbehaves(&bundle, &plan, seed).is_some());
            assert!(shown, "{}: {:?}", case.name, found.iter().map(|f| &f.message).collect::<Vec<_>>());
        }
    }
}

/// Random flows, with everything that the sketches know: those without a finding never misbehave.
#[test]
fn what_is_proven_holds() {
    let (mut tried, mut sound, mut keeping, mut lists, mut values) = (0, 0, 0, 0, 0);
    for seed in 0..flows() {
        let text = random::flow(&mut Dice((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let (bundle, plan) = sketch::plan(&text);
        if plan.nodes.len() > NODES_MAX {
            continue;
        }
        tried += 1;
        let places = |_: SpanId| Span::new(FileId::from_index(0), 0, 0);
        let found = flowline_prove::prove(&bundle, &plan, &places);
        let bad = |code: &str| code.starts_with("F04") || code == "F0305" || code == "F0306";
        if !found.iter().any(|finding| bad(finding.code.id)) {
            sound += 1;
            keeping += u64::from(text.contains("keeping"));
            lists += u64::from(text.contains("= each"));
            values += u64::from(text.contains("= parallel"));
            let shown = (0..RUNS_OF_RANDOM).find_map(|seed| misbehaves(&bundle, &plan, seed));
            assert_eq!(shown, None, "flow {seed}:\n{text}");
        }
    }
    assert!(sound > tried / 4, "only {sound} of {tried} random flows are sound: the test says little");
    for (what, of) in [("keep", keeping), ("make lists", lists), ("take the values of branches", values)] {
        assert!(of > tried / 50, "only {of} of {tried} random flows are sound and {what}: the test says little");
    }
}

/// One random run; says what went wrong.
fn misbehaves(bundle: &Bundle, plan: &Plan, seed: u64) -> Option<String> {
    let mut control = Control::new(RunId(seed.into()), None);
    let mut world = World { dice: Dice(seed.wrapping_mul(2).wrapping_add(1)), ..World::default() };
    let mut open = Open::default();
    let mut input = Input::Start { args: Vec::new(), parent: None };
    for round in 0..INPUTS_MAX {
        let mut out = Vec::new();
        Machine::new(bundle, plan, &mut control, &mut world, round as i64, &mut out).handle(&input);
        for output in out {
            match output {
                Output::Call(call) => open.calls.push((call.call, call.attempt, call.op)),
                Output::Arm { timer, .. } => open.timers.push(timer),
                Output::Disarm { timer } => open.timers.retain(|known| *known != timer),
                Output::Register { wait, .. } => open.waits.push(wait),
                Output::Withdraw { wait, reply } => {
                    open.waits.retain(|known| *known != wait);
                    open.withdrawn.extend(reply.then_some(wait));
                }
                // The home keeps the wait: another event may come for it.
                Output::Reply { wait, .. } if is_registered(&control, wait) => open.waits.push(wait),
                Output::StartChild { child, joined: true, .. } => open.children.push(child),
                Output::Incident { incident: Incident::ResourceState { state, .. }, .. } => {
                    return Some(format!("used when {state}"));
                }
                Output::Incident { incident, .. } => return Some(incident.to_string()),
                Output::Ended(_) => {
                    let kinds = control
                        .resources
                        .iter()
                        .filter_map(|resource| Some(&bundle.resource(resource.ty)?.states[resource.state?.index()]));
                    let mut left = kinds.filter(|state| state.kind != StateKind::Closed);
                    return left.next().map(|state| format!("{} at the end", state.name));
                }
                _ => {}
            }
        }
        input = open.next(bundle, &control, &mut world.dice, round > ROUGH_INPUTS_MAX)?;
    }
    Some("never ends".to_owned())
}

/// What the run waits for.
#[derive(Default)]
struct Open {
    calls: Vec<(u32, u32, OpRef)>,
    timers: Vec<u32>,
    waits: Vec<u32>,
    withdrawn: Vec<u32>,
    children: Vec<RunId>,
    /// How many were offered so far.
    events: u32,
}

fn is_registered(control: &Control, wait: u32) -> bool {
    let mut waits = control.frames.iter().flat_map(|frame| &frame.waits);
    waits.any(|known| known.no == wait && !known.withdrawing)
}

/// Whether the body itself stands at the wait.
fn is_awaited(control: &Control, wait: u32) -> bool {
    let mut waits = control.frames.iter().flat_map(|frame| &frame.waits);
    waits.any(|known| known.no == wait && matches!(known.what, WaitFor::Arm(_)))
}

impl Open {
    /// Something that happens now; none when nothing can.
    fn next(&mut self, bundle: &Bundle, control: &Control, dice: &mut Dice, smooth: bool) -> Option<Input> {
        if let Some(wait) = self.withdrawn.pop() {
            return Some(Input::Withdrawn { wait });
        }
        if !smooth && dice.below(60) == 0 {
            return Some(Input::Settle);
        }
        if smooth {
            // Towards the end systems answer at once, and nothing new interrupts or runs beside.
            self.waits.retain(|wait| is_awaited(control, *wait));
            if let Some((call, attempt, op)) = self.calls.pop() {
                return Some(Input::Answered {
                    call,
                    attempt,
                    answer: answer(bundle, control, call, op, dice, smooth),
                });
            }
        }
        let all = self.calls.len() + self.timers.len() + self.waits.len() + self.children.len();
        if all == 0 {
            return Some(Input::Settle);
        }
        let mut at = dice.below(all);
        if at < self.calls.len() {
            let (call, attempt, op) = self.calls.swap_remove(at);
            return Some(Input::Answered { call, attempt, answer: answer(bundle, control, call, op, dice, smooth) });
        }
        at -= self.calls.len();
        if at < self.timers.len() {
            return Some(Input::Due { timer: self.timers.swap_remove(at) });
        }
        at -= self.timers.len();
        if at < self.waits.len() {
            let wait = self.waits.swap_remove(at);
            self.events += 1;
            let event = EventId(self.events.into());
            return Some(Input::Offered { wait, event, acknowledged_at: 0, value: Value::None });
        }
        let child = self.children.swap_remove(at - self.waits.len());
        Some(Input::ChildEnded { child, ending: Ending::Completed { value: Value::None } })
    }
}

/// An answer that the contract allows in the state that the resources are in.
fn answer(bundle: &Bundle, control: &Control, call: u32, op: OpRef, dice: &mut Dice, smooth: bool) -> Answer {
    let def = bundle.op(op).unwrap();
    let given = control.frames.iter().find_map(|frame| frame.call.as_ref().filter(|pending| pending.no == call));
    let state = |param: u16| {
        let resource = given?.resources.iter().find(|(at, _, _)| *at == param)?.1;
        control.resources[resource as usize].state
    };
    let raises: Vec<&Raise> = def
        .raises
        .iter()
        .filter(|raise| {
            let mut told = raise.states.iter();
            raise.states.is_empty() || told.any(|(param, from, _)| from.is_none() || *from == state(*param))
        })
        .collect();
    match if smooth { 0 } else { dice.below(6) } {
        4 => Answer::Unknown("no answer".to_owned()),
        5 if !raises.is_empty() => {
            let raise = raises[dice.below(raises.len())];
            Answer::Error(ErrorValue { error: raise.error, fields: Box::default(), text: "no".into() })
        }
        _ => Answer::Done(Value::None),
    }
}

/// xorshift: the same seed gives the same run.
#[derive(Default)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }
}

/// The data half of a sketch: slots hold resources and lists of them, guards are dice.
#[derive(Default)]
struct World {
    dice: Dice,
    frames: HashMap<u32, (ScopeId, Option<u32>)>,
    slots: HashMap<(u32, u16), Value>,
    args: HashMap<u32, Vec<Value>>,
    given: HashMap<u32, Value>,
    collected: HashMap<u32, Vec<Value>>,
}

impl World {
    fn owner(&self, frame: u32, scope: ScopeId) -> Option<u32> {
        let (own, parent) = self.frames.get(&frame)?;
        if *own == scope { Some(frame) } else { self.owner((*parent)?, scope) }
    }

    fn value(&self, frame: u32, code: &Code, this: Option<u32>) -> Value {
        match code.ops.as_slice() {
            [Instr::Slot(slot)] => {
                let owner = self.owner(frame, slot.scope);
                owner.and_then(|owner| self.slots.get(&(owner, slot.at)).cloned()).unwrap_or(Value::None)
            }
            [Instr::Local(0)] => this.map_or(Value::None, Value::Resource),
            [Instr::Error { error, .. }] => {
                Value::Error(ErrorValue { error: *error, fields: Box::default(), text: "no".into() }.into())
            }
            _ => Value::None,
        }
    }
}

impl Oracle for World {
    fn enter(&mut self, frame: u32, scope: ScopeId, parent: Option<u32>) {
        self.frames.insert(frame, (scope, parent));
    }
    fn leave(&mut self, frame: u32) {
        self.frames.remove(&frame);
    }
    fn eval(&mut self, frame: u32, code: &Code) -> Result<Value, Incident> {
        Ok(self.value(frame, code, None))
    }
    fn guard(&mut self, frame: u32, _: NodeId, _: usize, code: &Code) -> Result<bool, Incident> {
        if let [slot @ Instr::Slot(_), Instr::IsNone, Instr::Not] = code.ops.as_slice() {
            let read = Code { ops: vec![slot.clone()], ..Code::default() };
            return Ok(self.value(frame, &read, None) != Value::None);
        }
        Ok(self.dice.below(2) == 0)
    }
    fn count(&mut self, _: u32, _: &Code, _: &'static str) -> Result<u32, Incident> {
        Ok(3)
    }
    fn due(&mut self, _: u32, _: &Code) -> Result<i64, Incident> {
        Ok(0)
    }
    fn takes(&mut self, _: u32, _: &EventArm, _: &Value) -> Result<bool, Incident> {
        Ok(true)
    }
    fn bind(&mut self, frame: u32, slot: Slot, value: Value) -> Result<(), Incident> {
        if let Some(owner) = self.owner(frame, slot.scope) {
            self.slots.insert((owner, slot.at), value);
        }
        Ok(())
    }
    fn elements(&mut self, frame: u32, each: &EachNode) -> Result<Vec<Value>, Incident> {
        let elements = match self.value(frame, &each.list, None) {
            Value::List(list) => list.to_vec(),
            // A list of resources that a handler may keep, and that was never made.
            _ if !each.list.ops.iter().all(|op| matches!(op, Instr::Const(_))) => Vec::new(),
            _ => vec![Value::None; self.dice.below(3)],
        };
        self.collected.insert(frame, vec![Value::None; elements.len()]);
        Ok(elements)
    }
    fn share(&mut self, frame: u32, each: &EachNode, _: &[Value], _: u32) -> Result<u32, Incident> {
        match self.value(frame, &each.sharing.as_ref().unwrap().resource, None) {
            Value::Resource(whole) => Ok(whole),
            other => panic!("shared {other:?}"),
        }
    }
    fn prepare(&mut self, frame: u32, args: &[Code]) -> Result<Vec<Value>, Incident> {
        let values: Vec<Value> = args.iter().map(|code| self.value(frame, code, None)).collect();
        self.args.insert(frame, values.clone());
        Ok(values)
    }
    fn abandon_args(&mut self, frame: u32, resource: u32, args: &[Code]) -> Result<Vec<Value>, Incident> {
        let values: Vec<Value> = args.iter().map(|code| self.value(frame, code, Some(resource))).collect();
        self.args.insert(frame, values.clone());
        Ok(values)
    }
    fn undo_args(&mut self, _: u32, _: u32, _: &Undo) -> Result<Vec<Value>, Incident> {
        Ok(Vec::new())
    }
    fn step_args(&mut self, _: u32, _: u32) -> Result<Vec<Value>, Incident> {
        Ok(Vec::new())
    }
    fn call_args(&self, frame: u32) -> Vec<Value> {
        self.args.get(&frame).cloned().unwrap_or_default()
    }
    fn call_over(&mut self, _: u32) {}
    fn mint(&mut self, _: u32, _: TypeId, _: String) {}
    fn opened(&mut self, _: u32, _: &Value, _: OpRef) -> Result<(), Incident> {
        Ok(())
    }
    fn instant_of(&self, _: u32, _: u16) -> Option<i64> {
        None
    }
    fn keep_step(&mut self, _: u32, _: u32) {}
    fn keep_result(&mut self, _: u32, _: &Value) {}
    fn forget_step(&mut self, _: u32) {}
    fn view(&self, resource: u32) -> ResourceView {
        ResourceView { resource, ty: TypeId(0), fields: Vec::new(), whole: None }
    }
    fn status(&mut self, _: &Value, _: Option<&Value>) {}
    fn give(&mut self, frame: u32, value: Value) {
        self.given.insert(frame, value);
    }
    fn given(&mut self, frame: u32) -> Value {
        self.given.remove(&frame).unwrap_or(Value::None)
    }
    fn collect(&mut self, frame: u32, iteration: u32, value: Value) {
        if let Some(place) = self.collected.get_mut(&frame).and_then(|all| all.get_mut(iteration as usize)) {
            *place = value;
        }
    }
    fn collected(&mut self, frame: u32) -> Value {
        Value::List(self.collected.remove(&frame).unwrap_or_default().into())
    }
}
