//! Random flows, random faults, crashes and settling at random times: at the end nothing is left open.
//!
//! `FLOWLINE_CASES` sets how many flows are tried.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "in test support a panic is how a test fails")]
mod common;

use common::{
    build::{Block, Each, Every, On, S, attempt, bundle, errs, on, open},
    drive::{Drive, Script},
    world::Reply,
};
use flowline_core::{Ending, Input, hash128};
use flowline_plan::{NodeKind, Plan, ScopeId, Value};
use proptest::prelude::*;

/// Bytes that a flow is made from; shorter and smaller bytes make simpler flows.
struct Tape<'a>(std::slice::Iter<'a, u8>);

impl Tape<'_> {
    fn below(&mut self, n: u8) -> u8 {
        self.0.next().map_or(0, |byte| byte % n)
    }
    fn ends(&self) -> bool {
        self.0.len() == 0
    }
}

const ALL: [&str; 5] = ["OutOfStock", "Declined", "CaptureFailed", "Boom", "Foggy"];
const COUNTERS: [&str; 6] = ["n0", "n1", "n2", "n3", "n4", "n5"];

struct Maker<'a> {
    tape: Tape<'a>,
    names: u32,
    budget: u32,
}

/// What a block may do.
#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    /// Nothing around it holds a resource, and it may end the run.
    may_stop: bool,
}

impl Maker<'_> {
    fn block(&mut self, place: Place, outer: &mut Vec<(String, bool)>) -> Block {
        let mut held: Vec<(String, bool)> = Vec::new();
        let mut block = Vec::new();
        for _ in 0..=self.tape.below(5) {
            if self.tape.ends() || self.budget == 0 {
                break;
            }
            self.budget -= 1;
            self.statement(place, &mut held, outer, &mut block);
        }
        // What is still held is closed, past a point of no return or before.
        if self.tape.below(2) == 1 && !matches!(place.depth, 0) {
            block.push(S::Ponr);
            for (name, card) in held.drain(..) {
                block.extend(self.closed_for_sure(&name, card));
            }
            while let Some((name, card)) = outer.pop() {
                block.extend(self.closed_for_sure(&name, card));
            }
            if self.tape.below(3) == 2 && place.depth < 4 {
                let inner = Place { depth: place.depth + 1, may_stop: false };
                let body = self.block(inner, &mut Vec::new());
                let all = [On::Errors(ALL.to_vec()), On::Deadline(None), On::Exhausted];
                block.push(attempt(body, all.map(|what| (what, vec![S::Do("notify")])).to_vec()));
            }
            block.push(S::Do("notify"));
        } else {
            for (name, card) in held.drain(..).rev() {
                let op = match (card, self.tape.below(2)) {
                    (true, 0) => "void",
                    (true, _) => "capture",
                    (false, 0) => "release",
                    (false, _) => "commit",
                };
                block.push(on(op, &name));
            }
        }
        block
    }

    fn closed_for_sure(&mut self, name: &str, card: bool) -> Block {
        match (card, self.tape.below(2)) {
            (false, 0) => vec![on("release", name)],
            (false, _) => vec![on("commit", name)],
            (true, 0) => vec![on("void", name)],
            (true, _) => vec![attempt(vec![on("capture", name)], vec![errs(&["CaptureFailed"], vec![])])],
        }
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("r{}", self.names)
    }

    fn statement(&mut self, place: Place, held: &mut Vec<(String, bool)>, outer: &[(String, bool)], block: &mut Block) {
        let inner = Place { depth: place.depth + 1, may_stop: false };
        let deep = place.depth >= 4;
        match self.tape.below(17) {
            0 => block.push(S::Do("notify")),
            1 => block.push(S::Do("check")),
            2 => {
                let name = self.name();
                block.push(open("hold", &name));
                held.push((name, false));
            }
            3 => {
                let name = self.name();
                block.push(open("authorise", &name));
                held.push((name, true));
            }
            4 => block.push(S::Do(["assign_pick", "post_invoice", "pack", "ship"][usize::from(self.tape.below(4))])),
            5 => block.push(S::Await("Go", Some((500, None)))),
            6 => block.push(S::First(
                vec![("Go", vec![S::Do("notify")]), ("Nudge", vec![S::Do("check")])],
                Some((300, vec![S::Do("notify")])),
            )),
            7 => block.push(S::Wait(100 * i64::from(self.tape.below(4)))),
            8 if !deep => {
                let branches = 2 + self.tape.below(2);
                let branches = (0..branches).map(|_| self.pure_branch(inner)).collect();
                block.push(S::Parallel(branches));
            }
            9 if !deep => {
                let card = held.iter().find(|(_, card)| *card).map(|(name, _)| name.clone());
                let part = self.name();
                let mut body = Vec::new();
                let sharing = card.map(|card| (card, 10, part.clone()));
                if sharing.is_some() {
                    body.extend(self.pure_branch(inner));
                    body.push(S::Ponr);
                    body.extend(self.closed_for_sure(&part, true));
                } else {
                    body.extend(self.pure_branch(inner));
                }
                let width = [None, Some(1), Some(2)][usize::from(self.tape.below(3))];
                block.push(S::Each(Each { n: i64::from(self.tape.below(4)), width, sharing, body, result: None }));
            }
            10 if !deep => {
                let counter = COUNTERS[place.depth];
                let mut body = self.pure_branch(inner);
                body.push(S::Inc(counter));
                let max = 1 + i64::from(self.tape.below(3));
                block.push(S::Set(counter, 0));
                block.push(S::Repeat(max, body, Some((counter, 2))));
            }
            11 => block.push(S::Run),
            12 => block.push(S::Fail("Boom")),
            14 => block.push(S::Ask(400, vec![S::Do("notify")])),
            13 if !deep => {
                // Without handlers it may close what is held outside.
                let mut lent = if self.tape.below(2) == 1 { std::mem::take(held) } else { Vec::new() };
                let body = self.block(inner, &mut lent);
                held.append(&mut lent);
                block.push(attempt(body, Vec::new()));
            }
            _ if !deep => {
                let body = self.block(inner, &mut Vec::new());
                let may_stop = place.may_stop && held.is_empty() && outer.is_empty();
                let mut handlers = Vec::new();
                for _ in 0..=self.tape.below(3) {
                    let what = match self.tape.below(5) {
                        0 => On::Errors(ALL.to_vec()),
                        1 => On::Deadline(None),
                        2 => On::Event("Cancel", None),
                        3 => On::Event("Cancel", Some(vec![S::Do("notify")])),
                        _ => On::After(200),
                    };
                    let mut handler = self.block(Place { may_stop, ..inner }, &mut Vec::new());
                    handler.retain(|stmt| !matches!(stmt, S::Ponr));
                    let keeping = self.keeping(&body);
                    if !keeping.is_empty() {
                        // It leaves what it keeps to the scope around.
                        handler.push(S::Fail("Boom"));
                        handlers.push((On::Keeping(keeping, Box::new(what)), handler));
                        continue;
                    }
                    if may_stop && self.tape.below(3) == 2 {
                        handler.push(S::Stop("early"));
                    }
                    handlers.push((what, handler));
                }
                let beside = match self.tape.below(4) {
                    2 => vec![(Every::Ms(150), vec![S::Do("notify")])],
                    3 => vec![(Every::Event("Nudge"), vec![open("hold", "beside"), on("release", "beside")])],
                    _ => Vec::new(),
                };
                block.push(S::Attempt(body, handlers, beside));
            }
            _ => block.push(S::Do("notify")),
        }
    }

    /// What a handler keeps of a body, mostly nothing.
    fn keeping(&mut self, body: &[S]) -> Vec<String> {
        if self.tape.below(3) != 2 {
            return Vec::new();
        }
        let opened = body.iter().filter_map(|stmt| if let S::Open(_, name) = stmt { Some(name.clone()) } else { None });
        let skipped = self.tape.below(3);
        opened.skip(skipped.into()).collect()
    }

    /// A body without a point of no return of its own: that belongs to the attempt around it.
    fn pure_branch(&mut self, place: Place) -> Block {
        let mut body = self.block(place, &mut Vec::new());
        body.retain(|stmt| !matches!(stmt, S::Ponr));
        body
    }
}

fn flow(tape: &[u8]) -> Block {
    let mut maker = Maker { tape: Tape(tape.iter()), names: 0, budget: 25 };
    maker.block(Place { depth: 0, may_stop: true }, &mut Vec::new())
}

/// How a system answers: a function of the seed, the operation and the attempt, as often faulty as asked.
fn choose(seed: u64, faults: u8) -> impl FnMut(&'static str, u32) -> Reply {
    move |op, nth| {
        let hash = hash128("reply", &[&seed.to_le_bytes(), op.as_bytes(), &nth.to_le_bytes()]);
        if nth > 300 || hash % 100 >= u128::from(faults) {
            return Reply::Ok;
        }
        match ((hash >> 64) % 20, op) {
            (0..5, _) => Reply::Lost,
            (5..10, _) => Reply::Unknown,
            (10..12, _) => Reply::Refused,
            (12, _) => Reply::Rejected,
            (13, _) => Reply::Slow(700),
            (_, "check" | "assign_pick" | "post_invoice" | "ship") => Reply::Error("Boom"),
            (_, "pack") => Reply::Error("Foggy"),
            (_, "hold") => Reply::Error("OutOfStock"),
            (_, "authorise") => Reply::Error("Declined"),
            (_, "capture") => Reply::Error("CaptureFailed"),
            _ => Reply::Ok,
        }
    }
}

/// Whether a node lies in a scope with a point of no return.
fn goes_forward(plan: &Plan, node: usize) -> bool {
    let ponr =
        |scope: ScopeId| plan.nodes.iter().any(|n| n.scope == scope && matches!(n.kind, NodeKind::PointOfNoReturn));
    std::iter::successors(Some(plan.nodes[node].scope), |scope| plan.scopes[scope.index()].parent).any(ponr)
}

fn check(tape: &[u8], script: Script, seed: u64, faults: u8, crash_always: bool) {
    let block = flow(tape);
    let shown = format!("{block:?}\n{script:?} seed {seed} faults {faults}");
    let lapses = script.card_life_ms.is_some();
    let result = std::panic::catch_unwind(move || {
        let mut drive = Drive::new(bundle(&block), script);
        drive.choose = Some(Box::new(choose(seed, faults)));
        drive.crash_always = crash_always;
        drive.go();
        if drive.run.ending.is_none() {
            drive.script.retries = 50;
            drive.push(Input::Settle);
            drive.go();
        }
        if drive.run.ending.is_none() {
            // Only a lapsed card that is needed past a point of no return can keep a run from its end: a call on it finds
            // it in another state, or isn't made again.
            let trace = drive.trace();
            let parked = trace.contains("incident:state") || trace.contains("incident:refused");
            assert!(lapses && parked, "stuck: {trace}");
            return;
        }
        drive.accounts();
        if let Some(Ending::Failed(_) | Ending::Settled) = drive.run.ending {
            for step in drive.world.steps.values().filter(|step| step.applied && !step.undone) {
                if let ("assign_pick" | "post_invoice" | "pack", [Value::Int(node)]) = (step.op, step.args.as_slice()) {
                    let forward = goes_forward(&drive.program.plan, usize::try_from(*node).unwrap());
                    assert!(forward, "{} is not undone: {}", step.op, drive.trace());
                }
            }
        }
    });
    if let Err(panic) = result {
        let said = panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "a panic".to_owned());
        panic!("{said}\nin the flow {shown}");
    }
}

fn cases() -> u32 {
    std::env::var("FLOWLINE_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(500)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 4000, max_shrink_time: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_left_open(
        tape in proptest::collection::vec(any::<u8>(), 0..120),
        seed in any::<u64>(),
        faults in prop_oneof![Just(0u8), Just(15), Just(40)],
        settle_at in proptest::option::of(0i64..1500),
        events in proptest::collection::vec((0i64..1500, prop_oneof![Just("Go"), Just("Cancel"), Just("Nudge")]), 0..5),
        answers in proptest::collection::vec((0i64..1500, prop_oneof![Just("anna"), Just("bo")]), 0..4),
        offer_ms in prop_oneof![Just(0i64), Just(120)],
        card_life_ms in prop_oneof![4 => Just(None), 1 => (50i64..800).prop_map(Some)],
    ) {
        let answers = answers.into_iter().map(|(at, by)| (at, by, Value::Int(at))).collect();
        let script = Script { settle_at, events, answers, offer_ms, card_life_ms, retries: 50, ..Script::default() };
        check(&tape, script, seed, faults, seed % 4 == 0);
    }
}
