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

use std::collections::{BTreeMap, HashMap, VecDeque};

use flowline_core::{
    Answer, Ending, EventId, Goods, Incident, Input, Output, ResourceView, RunId,
    control::{Away, Control, Machine, Oracle, WaitFor},
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
const INPUTS_MAX: usize = 2_000;

/// How many random flows are tried.
fn flows() -> u64 {
    std::env::var("FLOWLINE_CASES").map_or(FLOWS, |cases| cases.parse().expect("a number"))
}

#[test]
fn sound_flows_never_misbehave() {
    for case in sketch::cases(include_str!("cases/sound.case")) {
        let (bundle, plan) = sketch::plan(&case.text);
        let shown = (0..RUNS).find_map(|seed| misbehaves(&bundle, &plan, seed).map(|what| (seed, what)));
        assert_eq!(shown, None, "{}", case.name);
    }
}

#[test]
fn every_fault_shows_in_some_run() {
    for case in sketch::cases(include_str!("cases/f04.case")) {
        let (bundle, plan) = sketch::plan(&case.text);
        let found = prove(&bundle, &plan);
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
        if plan.nodes.len() + bundle.flows.iter().map(|flow| flow.nodes.len()).sum::<usize>() > NODES_MAX {
            continue;
        }
        tried += 1;
        let found = prove(&bundle, &plan);
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
        assert!(of > tried / 60, "only {of} of {tried} random flows are sound and {what}: the test says little");
    }
}

/// What is found in the flow and in those that it may run.
fn prove(bundle: &Bundle, plan: &Plan) -> Vec<flowline_diag::Diagnostic> {
    let places = |_: SpanId| Span::new(FileId::from_index(0), 0, 0);
    let flows = bundle.flows.iter().map(|flow| &**flow).chain([plan]);
    flows.flat_map(|flow| flowline_prove::prove(bundle, flow, &places)).collect()
}

/// One random run with all its sub-flows; says what went wrong.
fn misbehaves(bundle: &Bundle, plan: &Plan, seed: u64) -> Option<String> {
    let mut runs = Runs { bundle, plan, live: BTreeMap::new(), real: HashMap::new() };
    let mut open = Open::default();
    let mut dice = Dice(seed.wrapping_mul(2).wrapping_add(1));
    let main = RunId(seed.into());
    runs.begin(main, None, None, &mut dice);
    open.messages.push_back((main, Input::Start { args: Vec::new(), parent: None, resources: Vec::new() }));
    for round in 0..INPUTS_MAX {
        // Messages between runs are worked off before anything else happens.
        let (run, input) = match open.messages.pop_front() {
            Some(message) => message,
            None => open.next(&runs, main, &mut dice, round > ROUGH_INPUTS_MAX)?,
        };
        if !runs.live.contains_key(&run) {
            continue;
        }
        let before = runs.states(run);
        let out = runs.handle(run, &input, round as i64);
        if let Some(stale) = runs.stale(run, &before) {
            return Some(stale);
        }
        for output in out {
            match output {
                Output::Call(call) => open.calls.push((run, call.call, call.attempt, call.op)),
                Output::Arm { timer, .. } => open.timers.push((run, timer)),
                Output::Disarm { timer } => open.timers.retain(|known| *known != (run, timer)),
                Output::Register { wait, .. } => open.waits.push((run, wait)),
                Output::Withdraw { wait, reply } => {
                    open.waits.retain(|known| *known != (run, wait));
                    open.withdrawn.extend(reply.then_some((run, wait)));
                }
                // The home keeps the wait: another event may come for it.
                Output::Reply { wait, .. } if is_registered(&runs.live[&run].control, wait) => {
                    open.waits.push((run, wait));
                }
                Output::StartChild { child, flow, args, joined, resources } => {
                    runs.begin(child, Some(flow), joined.then_some(run), &mut dice);
                    open.messages.push_back((child, Input::Start { args, parent: None, resources }));
                }
                Output::SettleChild { child } => open.messages.push_back((child, Input::Settle)),
                Output::Incident { incident: Incident::ResourceState { state, .. }, .. } => {
                    return Some(format!("used when {state}"));
                }
                Output::Incident { incident, .. } => return Some(incident.to_string()),
                Output::Ended(ending) => {
                    let ended = runs.live.remove(&run).unwrap();
                    open.forget(run);
                    if let Some(left) = ended.left(bundle, &ending) {
                        return Some(left);
                    }
                    if let Some(parent) = ended.joined {
                        let resources = ended.control.returned(&ending, |resource| ended.world.goods(resource));
                        open.messages.push_back((parent, Input::ChildEnded { child: run, ending, resources }));
                    }
                }
                _ => {}
            }
        }
        if runs.live.is_empty() {
            return None;
        }
    }
    Some("never ends".to_owned())
}

/// A run that goes on, with its half of the data.
struct Live<'b> {
    plan: &'b Plan,
    control: Control,
    world: World,
    joined: Option<RunId>,
    /// The states in which it was given what it has.
    began: Vec<StateId>,
}

impl Live<'_> {
    /// What is open though nobody has it any more, or other than the header says.
    fn left(&self, bundle: &Bundle, ending: &Ending) -> Option<String> {
        let signature = &self.plan.signature;
        let result = match ending {
            Ending::Stopped { value: Value::Resource(number), .. } => Some(*number),
            _ => None,
        };
        self.control.resources.iter().enumerate().find_map(|(at, resource)| {
            let (state, def) = (resource.state?, bundle.resource(resource.ty)?);
            let closed = def.states[state.index()].kind == StateKind::Closed;
            let promised = match (resource.given, ending) {
                (Some(param), Ending::Stopped { .. } | Ending::Completed { .. }) => {
                    let to = &signature.take(usize::from(param))?.to;
                    if to.is_empty() { state == self.began[at] } else { to.contains(&state) }
                }
                (Some(param), Ending::Failed(error)) => {
                    signature.kept(param, error.error).map_or(closed, |kept| kept == state)
                }
                (Some(_), Ending::Settled) => closed,
                (None, _) if result == Some(at as u32) => signature.gives.as_ref()?.states.contains(&state),
                (None, _) => closed,
            };
            // What is past its point of no return is closed there.
            let promised = promised && (closed || resource.last.is_none());
            let has = !matches!(resource.away, Some(Away::Gone));
            let lent = matches!(resource.away, Some(Away::Lent { .. }));
            (has && (!promised || lent)).then(|| format!("{} at the end", def.states[state.index()].name))
        })
    }
}

/// All runs, and what is true of each resource, whoever has it.
struct Runs<'b> {
    bundle: &'b Bundle,
    plan: &'b Plan,
    live: BTreeMap<RunId, Live<'b>>,
    real: HashMap<Value, StateId>,
}

impl Runs<'_> {
    fn begin(&mut self, run: RunId, flow: Option<FlowId>, joined: Option<RunId>, dice: &mut Dice) {
        let plan = flow.map_or(self.plan, |flow| self.bundle.flow(flow).unwrap());
        let world = World { dice: Dice(dice.below(1 << 40) as u64 | 1), ..World::default() };
        let live = Live { plan, control: Control::new(run, None), world, joined, began: Vec::new() };
        assert!(self.live.insert(run, live).is_none(), "a sub-flow has an identity of its own");
    }

    fn handle(&mut self, run: RunId, input: &Input, now: i64) -> Vec<Output> {
        let live = self.live.get_mut(&run).unwrap();
        if let Input::Start { resources, .. } = input {
            live.began = resources.iter().map(|handed| handed.state).collect();
        }
        let mut out = Vec::new();
        Machine::new(self.bundle, live.plan, &mut live.control, &mut live.world, now, &mut out).handle(input);
        out
    }

    /// The resources that a run has, with their states.
    fn states(&self, run: RunId) -> HashMap<Value, StateId> {
        let live = &self.live[&run];
        let all = live.control.resources.iter().enumerate().filter(|(_, resource)| resource.away.is_none());
        all.filter_map(|(at, resource)| Some((live.world.ids[at].clone(), resource.state?))).collect()
    }

    /// A run that has a resource knows its state: what it didn't change just now is as the last one left it.
    fn stale(&mut self, run: RunId, before: &HashMap<Value, StateId>) -> Option<String> {
        for (id, state) in self.states(run) {
            let known = self.real.insert(id.clone(), state).unwrap_or(state);
            if before.get(&id) == Some(&state) && known != state {
                return Some("a run knows another state than the last one that had the resource".to_owned());
            }
        }
        None
    }
}

/// What the runs wait for.
#[derive(Default)]
struct Open {
    /// From run to run, in their order.
    messages: VecDeque<(RunId, Input)>,
    calls: Vec<(RunId, u32, u32, OpRef)>,
    timers: Vec<(RunId, u32)>,
    waits: Vec<(RunId, u32)>,
    withdrawn: Vec<(RunId, u32)>,
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
    fn forget(&mut self, run: RunId) {
        self.calls.retain(|(of, ..)| *of != run);
        self.timers.retain(|(of, _)| *of != run);
        self.waits.retain(|(of, _)| *of != run);
        self.withdrawn.retain(|(of, _)| *of != run);
    }

    /// Something that happens now; none when nothing can.
    fn next(&mut self, runs: &Runs<'_>, main: RunId, dice: &mut Dice, smooth: bool) -> Option<(RunId, Input)> {
        if let Some((run, wait)) = self.withdrawn.pop() {
            return Some((run, Input::Withdrawn { wait }));
        }
        // The one that is told to end: the flow itself, else one that was only started.
        let outermost = || runs.live.contains_key(&main).then_some(main).or(runs.live.keys().next().copied());
        if !smooth && dice.below(60) == 0 {
            return Some((outermost()?, Input::Settle));
        }
        let answer = |(run, call, attempt, op): (RunId, u32, u32, OpRef), dice: &mut Dice| {
            let answer = answer(runs.bundle, &runs.live[&run].control, call, op, dice, smooth);
            (run, Input::Answered { call, attempt, answer })
        };
        if smooth {
            // Towards the end systems answer at once, and nothing new interrupts or runs beside.
            self.waits.retain(|(run, wait)| is_awaited(&runs.live[run].control, *wait));
            if let Some(call) = self.calls.pop() {
                return Some(answer(call, dice));
            }
        }
        let all = self.calls.len() + self.timers.len() + self.waits.len();
        if all == 0 {
            return Some((outermost()?, Input::Settle));
        }
        let mut at = dice.below(all);
        if at < self.calls.len() {
            let call = self.calls.swap_remove(at);
            return Some(answer(call, dice));
        }
        at -= self.calls.len();
        if at < self.timers.len() {
            let (run, timer) = self.timers.swap_remove(at);
            return Some((run, Input::Due { timer }));
        }
        let (run, wait) = self.waits.swap_remove(at - self.timers.len());
        self.events += 1;
        let event = EventId(self.events.into());
        Some((run, Input::Offered { wait, event, acknowledged_at: 0, value: Value::None }))
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
    /// The id of each resource.
    ids: Vec<Value>,
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
    fn share(&mut self, frame: u32, each: &EachNode, elements: &[Value], _: u32) -> Result<u32, Incident> {
        match self.value(frame, &each.sharing.as_ref().unwrap().resource, None) {
            Value::Resource(whole) => {
                let of = self.ids.len();
                let id = |at: usize| Value::text(format!("{:?}/{}", self.ids[whole as usize], of + at));
                let parts: Vec<Value> = (0..elements.len()).map(id).collect();
                self.ids.extend(parts);
                Ok(whole)
            }
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
    fn undo_args(&mut self, _: u32, _: u32, _: &[Code]) -> Result<Vec<Value>, Incident> {
        Ok(Vec::new())
    }
    fn step_args(&mut self, _: u32, _: u32) -> Result<Vec<Value>, Incident> {
        Ok(Vec::new())
    }
    fn call_args(&self, frame: u32) -> Vec<Value> {
        self.args.get(&frame).cloned().unwrap_or_default()
    }
    fn call_over(&mut self, _: u32) {}
    fn mint(&mut self, _: u32, _: TypeId, id: String) {
        self.ids.push(Value::text(id));
    }
    fn opened(&mut self, _: u32, _: &Value, _: OpRef) -> Result<(), Incident> {
        Ok(())
    }
    fn goods(&self, resource: u32) -> Goods {
        Goods { fields: vec![self.ids[resource as usize].clone()], ..Goods::default() }
    }
    fn adopt(&mut self, _: u32, _: TypeId, goods: &Goods) {
        self.ids.push(goods.fields[0].clone());
    }
    fn take_back(&mut self, _: u32, _: &Goods) {}
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
