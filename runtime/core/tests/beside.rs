//! What a flow's clauses begin beside it: steps of promises, and runs that answer late events. Every case runs with a crash
//! after every input.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "in test support a panic is how a test fails")]
mod common;

use std::sync::Arc;

use common::{
    build::*,
    case::{N, events, none},
    contracts::ev,
    drive::{Drive, Script},
    world::Reply,
};
use flowline_core::{Input, Output};
use flowline_plan::{
    Bundle, Code, EventArm, FlowId, Instr, LateClause, NodeKind, Promise, PromiseEnd, PromiseStep, ScopeId, Slot,
    SpanId, Value,
};

/// The flows that the clauses begin.
const HALF: FlowId = FlowId(2);
const MISSED: FlowId = FlowId(3);
const LATE: FlowId = FlowId(4);
const OTHERWISE: FlowId = FlowId(5);
/// The promise is to be kept, and a late event is answered, for so long.
const WITHIN_MS: i64 = 1_000;
const ANSWERED_MS: i64 = 500;

/// A flow whose statuses are all the one that its promise leads to; and which answers a late `Go`.
fn bundle_of(block: &[S]) -> Arc<Bundle> {
    let mut bundle = Arc::unwrap_or_clone(bundle(block));
    let plan = Arc::make_mut(&mut bundle.flows[0]);
    for node in &mut plan.nodes {
        if let NodeKind::Status { value, .. } = &mut node.kind {
            *value = Code::constant(Value::Case(1));
        }
    }
    let half = Code {
        ops: vec![Instr::Local(0), Instr::Const(0), Instr::ShareOfTime { in_calendar: false }],
        consts: vec![Value::Decimal("0.5".parse().unwrap())],
        locals: 1,
    };
    plan.promises = vec![Promise {
        text: "in time".to_owned(),
        from: PromiseEnd::Start,
        to: PromiseEnd::Status(1),
        within: Code::constant(Value::Instant(WITHIN_MS)),
        steps: vec![
            PromiseStep { at: Some(half), flow: HALF, args: Vec::new() },
            PromiseStep { at: None, flow: MISSED, args: Vec::new() },
        ],
        span: SpanId(0),
    }];
    let clause = |condition, flow| LateClause {
        arm: EventArm {
            event: ev("Go"),
            key: 0,
            value: Code::constant(Value::None),
            bind: None,
            condition,
            fresh: false,
            target: None,
        },
        within: Code::constant(Value::Duration(ANSWERED_MS)),
        flow,
    };
    // What was kept of the run stands behind the event: the first slot of the flow's own scope.
    let is_kept = Code { ops: vec![Instr::Local(1), Instr::IsNone, Instr::Not], consts: Vec::new(), locals: 2 };
    plan.late.sees = vec![Some(Slot { scope: ScopeId(0), at: 0 })];
    plan.late.clauses = vec![clause(Some(is_kept), LATE), clause(None, OTHERWISE)];
    Arc::new(bundle)
}

fn status() -> Vec<S> {
    vec![S::Set("x", 1), S::Show("x")]
}

fn after(ms: i64, then: Vec<S>) -> Block {
    [vec![S::Wait(ms)], then].concat()
}

fn play(block: &[S], script: Script) -> Drive {
    let mut drive = Drive::new(bundle_of(block), script);
    drive.go();
    drive
}

#[test]
fn steps_of_a_promise_begin_at_their_time_unless_it_is_kept() {
    let hold = || attempt(vec![open("hold", "h"), on("release", "h")], vec![errs(&["OutOfStock"], vec![])]);
    for (name, block, script, want) in [
        ("kept early", after(100, status()), none(), "=Case(1) completed"),
        ("kept behind the first part", after(700, status()), none(), "start:2 =Case(1) completed"),
        ("kept in the last moment", after(1_000, status()), none(), "start:2 =Case(1) completed"),
        ("missed", after(1_002, status()), none(), "start:2 start:3 =Case(1) completed"),
        ("never reached", after(5_000, vec![]), none(), "start:2 start:3 completed"),
        ("over before anything was due", after(100, vec![]), none(), "completed"),
        ("over behind the first part", after(700, vec![]), none(), "start:2 completed"),
        ("ended by hand", after(5_000, status()), Script { settle_at: Some(700), ..none() }, "start:2 settled"),
        (
            "a step that fails doesn't stop them, and they don't stop it",
            vec![hold(), S::Wait(1)],
            Script { replies: vec![("hold", 1, Reply::Slow(2_000))], ..none() },
            "hold start:2 start:3 release completed",
        ),
    ] {
        let drive = play(&block, script);
        assert_eq!(drive.trace().replace(" closed", ""), want, "{name}");
        assert!(drive.run.control.promises.is_empty(), "{name}: timers are left");
        drive.accounts();
    }
}

/// What came late is answered by the first clause that takes it, each event once, as long as the run waits.
#[test]
fn an_ended_run_answers_what_comes_late() {
    let known = || vec![S::Set("x", 1), S::Wait(100)];
    for (name, block, script, want) in [
        ("nothing comes", known(), none(), "completed closed"),
        ("it knows what it was", known(), events(&[(300, "Go")]), "completed +Go start:4 closed"),
        (
            "it hadn't come so far",
            vec![S::Wait(100), S::Set("x", 1)].into_iter().take(1).collect(),
            events(&[(300, "Go")]),
            "completed +Go start:5 closed",
        ),
        (
            "three times",
            known(),
            events(&[(300, "Go"), (301, "Go"), (599, "Go")]),
            "completed +Go start:4 +Go start:4 +Go start:4 closed",
        ),
        ("after its time", known(), events(&[(601, "Go")]), "completed closed"),
        ("of another kind", known(), events(&[(300, "Nudge")]), "completed closed"),
        ("it came while nobody waited for it", known(), events(&[(50, "Go")]), "completed +Go start:4 closed"),
        (
            "the run itself took it",
            vec![S::Set("x", 1), S::Await("Go", None)],
            events(&[(50, "Go")]),
            "+Go completed closed",
        ),
        (
            "ended by hand",
            vec![S::Set("x", 1), S::Wait(9_000)],
            Script { settle_at: Some(80), ..events(&[(300, "Go")]) },
            "settled +Go start:4 closed",
        ),
    ] {
        let drive = play(&block, script);
        assert_eq!(drive.trace(), want, "{name}");
        assert!(drive.run.control.late.is_empty() && drive.run.control.frames.is_empty(), "{name}");
    }
}

/// What is left of an ended run is little, and it goes when the next run of the key begins.
#[test]
fn an_ended_run_is_small_and_can_be_relieved() {
    let block = [open("hold", "h"), N, on("release", "h"), S::Set("x", 1)];
    let mut drive = Drive::new(bundle_of(&[attempt(block.to_vec(), vec![errs(&["OutOfStock"], vec![])])]), none());
    let full = loop {
        let before = drive.run.clone();
        drive.step();
        if drive.run.ending.is_some() {
            break postcard::to_stdvec(&before).unwrap().len();
        }
    };
    drive.run.retire();
    let waiting = postcard::to_stdvec(&drive.run).unwrap().len();
    assert!(waiting < full, "{waiting} bytes are left of {full}");
    let out = drive.run.handle(&drive.program, &Input::Relieved, drive.run.now);
    assert!(out.contains(&Output::Closed), "{out:?}");
    assert_eq!(drive.run.handle(&drive.program, &Input::Relieved, drive.run.now), []);
}
