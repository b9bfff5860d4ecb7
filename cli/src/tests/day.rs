//! A short day that has everything in it: the few orders of the example that together take every exit of every flow.
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, OnceLock},
};

use flowline_core::{Answer, Ending, Input, Output, Run, RunId, control::CallFor};
use flowline_engine::{Dedupe, Engine, EngineOptions, EngineParts, Step, Watch};
use flowline_journal::Record;
use flowline_plan::{Bundle, NodeKind, Plan, Value};
use serde_json::{Value as Json, json};

use super::place::{Disks, Place, folder};

/// Orders of the example that are looked at.
const ORDERS: usize = 250;

/// The lines of the day, in the order of the example.
pub(super) fn lines() -> &'static [String] {
    static LINES: OnceLock<Vec<String>> = OnceLock::new();
    LINES.get_or_init(choose)
}

fn ends(flow: &str, outcome: &str) -> String {
    format!("{flow} ends as {outcome}")
}

fn says(flow: &str, event: &str) -> String {
    format!("{flow} says {event}")
}

/// A line and its place among the lines of the example.
type Placed = (usize, String);

/// Lines of the example by order: first the orders that somebody cancels.
fn by_order(example: &str) -> BTreeMap<String, Vec<Placed>> {
    let mut orders: BTreeMap<String, Vec<Placed>> = BTreeMap::new();
    for (at, line) in example.lines().enumerate() {
        let json: Json = serde_json::from_str(line).unwrap();
        let order = json["subject"].as_str().unwrap().to_owned();
        orders.entry(order).or_default().push((at, line.to_owned()));
    }
    let mut orders: Vec<_> = orders.into_iter().collect();
    orders.sort_by_key(|(_, lines)| !is_cancelled(lines));
    orders.truncate(ORDERS);
    orders.into_iter().collect()
}

fn is_cancelled(lines: &[Placed]) -> bool {
    lines.iter().any(|(_, line)| line.contains(CANCELLED))
}

const CANCELLED: &str = "retail.order.cancel_requested.v1";

/// Takes the order that adds most for its length, until none adds anything.
fn choose() -> Vec<String> {
    let example = std::fs::read_to_string(folder().join("examples/orders.ndjson")).unwrap();
    let mut orders = by_order(&example);
    let mut seen = look_at(&in_order(orders.values().flatten().cloned().collect()));
    let mut day = Vec::new();
    for (order, at) in too_late(&orders, &seen) {
        let mut lines = orders.remove(&order).unwrap();
        lines.push(cancellation(&example, &order, at));
        seen.remove(&order);
        day.extend(lines);
    }
    let mut have = BTreeSet::new();
    loop {
        seen.values_mut().for_each(|order| order.features.retain(|feature| !have.contains(feature)));
        seen.retain(|_, order| !order.features.is_empty());
        // What each step adds; an order has few thousands of them at most.
        let best = seen.iter().max_by_key(|(_, order)| order.features.len() * 100_000 / order.steps);
        let Some(best) = best.map(|(order, _)| order.clone()) else { break };
        have.extend(seen.remove(&best).unwrap().features);
        day.extend(orders[&best].iter().cloned());
    }
    in_order(day)
}

/// For each flow the shortest order that nobody cancels, and the moment in which it becomes too late for that: it is so
/// short that no order of the example meets it.
fn too_late(orders: &BTreeMap<String, Vec<Placed>>, seen: &BTreeMap<String, Seen>) -> BTreeMap<String, i64> {
    let flows: BTreeSet<&String> = seen.values().flat_map(|order| order.no_return.keys()).collect();
    let shortest = |flow: &String| {
        let there = seen.iter().filter(|(order, _)| !is_cancelled(&orders[*order]));
        let there = there.filter_map(|(order, seen)| Some((seen.steps, order, seen.no_return.get(flow)?)));
        there.min().map(|(_, order, at)| (order.clone(), *at))
    };
    flows.into_iter().filter_map(shortest).collect()
}

/// A wish to cancel an order that comes right after a moment.
fn cancellation(example: &str, order: &str, moment: i64) -> Placed {
    let time = jiff::Timestamp::from_millisecond(moment + 1).unwrap();
    let time_of = |line: &str| -> jiff::Timestamp {
        serde_json::from_str::<Json>(line).unwrap()["time"].as_str().unwrap().parse().unwrap()
    };
    let place = example.lines().position(|line| time_of(line) > time).unwrap_or(usize::MAX);
    let line = json!({
        "specversion": "1.0", "id": format!("late-{order}"), "source": "/commerce/web", "type": CANCELLED,
        "subject": order, "time": time.to_string(), "data": { "order": order, "reason": "too slow" },
    });
    (place, line.to_string())
}

fn in_order(mut lines: Vec<Placed>) -> Vec<String> {
    lines.sort_unstable();
    lines.into_iter().map(|(_, line)| line).collect()
}

/// Runs orders once, and looks at what happens to each. That hangs on the order alone, so it happens in the short
/// day as well.
fn look_at(lines: &[String]) -> BTreeMap<String, Seen> {
    let (place, disks) = (Place::of_workflows(lines), Disks::default());
    place.live(disks.clone()).unwrap();
    let parts = EngineParts {
        bundle: Arc::clone(&place.bundle),
        store: None,
        dedupe: Dedupe::Memory(Default::default()),
        options: EngineOptions::default(),
    };
    let mut looker =
        Looker { bundle: place.bundle, order_of: HashMap::new(), runs: HashMap::new(), seen: BTreeMap::new() };
    Engine::open(parts, Arc::new(disks.journal), &mut looker).unwrap();
    looker.seen
}

/// What happens to an order, and in how many steps.
#[derive(Default)]
struct Seen {
    steps: usize,
    features: BTreeSet<String>,
    /// When a run of each flow passed its last point of no return.
    no_return: BTreeMap<String, i64>,
}

struct Looker {
    bundle: Arc<Bundle>,
    order_of: HashMap<RunId, String>,
    runs: HashMap<RunId, Run>,
    seen: BTreeMap<String, Seen>,
}

impl Looker {
    /// The order that a run is about: the first text of the event that started it, or its parent's.
    fn order(&mut self, step: &Step) -> String {
        if let Input::Start { args, parent, .. } = &step.input {
            let order = match parent {
                Some(parent) => self.order_of[&parent.run].clone(),
                None => first_text(&args[0]),
            };
            self.order_of.insert(step.run, order);
        }
        self.order_of[&step.run].clone()
    }
}

fn first_text(value: &Value) -> String {
    match value {
        Value::Record(fields) => first_text(&fields[0]),
        Value::Text(text) => text.to_string(),
        other => panic!("{other:?} is no text"),
    }
}

impl Watch for Looker {
    fn wants_steps(&self) -> bool {
        true
    }

    fn step(&mut self, record: &Record, step: &Step) {
        let order = self.order(step);
        let bundle = &self.bundle;
        let seen = self.seen.entry(order).or_default();
        seen.steps += 1;
        let flow = bundle.flow(step.flow).unwrap().short_name().to_owned();
        if let (Input::Answered { call, answer, .. }, Some(before)) = (&step.input, self.runs.get(&step.run)) {
            let pending = before.control.frames.iter().filter_map(|frame| frame.call.as_ref());
            for pending in pending.filter(|pending| pending.no == *call) {
                // Attempts that come to nothing count where they leave a doubt; others any day has.
                let answer = match answer {
                    Answer::Done(_) => "done",
                    Answer::Error(error) => bundle.ty(error.error).unwrap().short_name(),
                    Answer::Unknown(_) if pending.opens.is_some() || !pending.resources.is_empty() => "unknown",
                    Answer::Unknown(_) | Answer::Refused(_) | Answer::Rejected(_) => continue,
                };
                let what = match pending.what {
                    CallFor::Step => "step",
                    CallFor::Abandon { .. } => "abandon",
                    CallFor::Undo { .. } => "undo",
                    CallFor::Repeat { .. } => "repeat",
                };
                seen.features.insert(format!("{what} {} is {answer}", bundle.op_name(pending.op)));
            }
        }
        let passed = |run: &Run| -> BTreeSet<u32> {
            run.control.frames.iter().filter(|frame| frame.ponr).map(|frame| frame.no).collect()
        };
        let before = self.runs.get(&step.run).map(passed).unwrap_or_default();
        if !passed(&step.after).is_subset(&before) {
            seen.no_return.insert(flow.clone(), record.now);
        }
        seen.features.extend(exits_of(bundle, step));
        self.runs.insert(step.run, step.after.clone());
    }
}

#[test]
fn the_day_takes_every_exit_of_every_flow() {
    let place = Place::of_workflows(lines());
    let end = place.live(Disks::default()).unwrap();
    assert_eq!((end.live, end.accounts.is_clean()), (0, true), "{}", end.report);
    assert!(end.totals.lost > 5 && end.totals.refused > 0 && end.totals.undone > 10, "{}", end.report);
    let seen: BTreeSet<String> = look_at(lines()).into_values().flat_map(|order| order.features).collect();
    let missed: Vec<String> = exits(&place.bundle).difference(&seen).cloned().collect();
    assert!(missed.is_empty(), "no order of the example comes to this: {missed:?}");
}

/// What of [`exits`] a step comes to.
pub(super) fn exits_of(bundle: &Bundle, step: &Step) -> Vec<String> {
    let flow = bundle.flow(step.flow).unwrap().short_name();
    let of_output = |output: &Output| match output {
        Output::Emit { event, .. } => Some(says(flow, bundle.ty(*event).unwrap().short_name())),
        Output::Ended(Ending::Stopped { outcome, .. }) => Some(ends(flow, outcome)),
        _ => None,
    };
    step.outputs.iter().filter_map(of_output).collect()
}

/// How each flow may end and what it may say: the outcome of each `stop`, the event of each `emit`.
pub(super) fn exits(bundle: &Bundle) -> BTreeSet<String> {
    let of_node = |plan: &Plan, kind: &NodeKind| match kind {
        NodeKind::Stop { outcome, .. } => Some(ends(plan.short_name(), outcome)),
        NodeKind::Emit { event, .. } => Some(says(plan.short_name(), bundle.ty(*event).unwrap().short_name())),
        _ => None,
    };
    let of_plan = |plan: &Arc<Plan>| plan.nodes.iter().filter_map(|node| of_node(plan, &node.kind)).collect::<Vec<_>>();
    bundle.flows.iter().flat_map(of_plan).collect()
}
