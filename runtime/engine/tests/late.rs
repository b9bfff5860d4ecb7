//! Ended runs that wait for late events: who is asked, for how long, and what a restart knows of them.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "in test support a panic is how a test fails"
)]
mod common;

use std::sync::Arc;

use common::{
    drive::{Life, Line, Place, line, same_story},
    shop::{ASK, CANCEL, NUDGE, ORDER, PICKED, bundle},
};
use flowline_engine::{EngineError, Totals};
use flowline_journal::{Death, MemoryJournal};
use flowline_plan::{
    Bundle, Code, EventArm, FlowId, Instr, Late, LateClause, Plan, ScopeId, Side, Slot, TypeId, Value,
};
use flowline_store::MemoryStore;

/// When the day begins.
const T: i64 = 1_000_000;
/// For how long late events are answered, ms.
const ANSWERED_MS: i64 = 100_000;
const FULFIL: FlowId = FlowId(0);
const TELL: FlowId = FlowId(1);
const ASKING: FlowId = FlowId(2);

fn at(ms: i64, no: u32, event: TypeId, order: i64, code: i64) -> Line {
    line(T + ms, no, event, order, code)
}

/// The shop, whose `fulfil` answers late cancellations and whose `ask` answers late nudges: each with what `tell` does.
fn shop() -> Arc<Bundle> {
    let mut bundle = Arc::unwrap_or_clone(bundle());
    for (of, event) in [(FULFIL, CANCEL), (ASKING, NUDGE)] {
        let side = FlowId::from(bundle.flows.len());
        // The order of the run's own event, which stands behind the late one.
        let value = Code { ops: vec![Instr::Local(1), Instr::Field(0)], consts: Vec::new(), locals: 2 };
        let arm = EventArm { event, key: 0, value, bind: None, condition: None, fresh: false, target: None };
        let within = Code::constant(Value::Duration(ANSWERED_MS));
        let sees = vec![Some(Slot { scope: ScopeId(0), at: 0 })];
        let mut plan = Plan::clone(&bundle.flows[TELL.index()]);
        plan.name = format!("{}#late", bundle.flows[of.index()].name);
        plan.params = 2;
        plan.scopes[0].slots = vec![plan.scopes[0].slots[0].clone(); 2];
        plan.side = Some(Side { of, what: "what comes late".to_owned() });
        bundle.flows.push(Arc::new(plan));
        Arc::make_mut(&mut bundle.flows[of.index()]).late =
            Late { sees, clauses: vec![LateClause { arm, within, flow: side }] };
    }
    Arc::new(bundle)
}

fn place(lines: &[Line]) -> Place {
    Place { rough: false, bundle: shop(), ..Place::new(lines) }
}

fn answered(totals: &Totals, flow: &str) -> u64 {
    totals.ended.get(flow).and_then(|of| of.get("completed")).copied().unwrap_or(0)
}

fn shipped(order: i64, no: u32, from: i64) -> Vec<Line> {
    vec![at(from, no, ORDER, order, 1), at(from + 3_000, no + 1, PICKED, order, 1)]
}

#[test]
fn late_events_reach_ended_runs_as_long_as_they_wait() {
    let both = |more: Vec<Line>| [shipped(1, 1, 0), more].concat();
    let cases = [
        ("nothing comes", both(vec![]), [0, 0], 0),
        ("one", both(vec![at(50_000, 5, CANCEL, 1, 0)]), [1, 0], 0),
        ("one, twice sent", both(vec![at(50_000, 5, CANCEL, 1, 0), at(50_001, 5, CANCEL, 1, 0)]), [1, 0], 0),
        ("two", both(vec![at(50_000, 5, CANCEL, 1, 0), at(60_000, 6, CANCEL, 1, 0)]), [2, 0], 0),
        ("of another order", both(vec![at(50_000, 5, CANCEL, 2, 0)]), [0, 0], 1),
        ("too late", both(vec![at(200_000, 5, CANCEL, 1, 0)]), [0, 0], 1),
        ("the run itself took it", vec![at(0, 1, ORDER, 1, 1), at(1_000, 5, CANCEL, 1, 0)], [0, 0], 0),
        (
            "the next run of the key has begun",
            vec![at(0, 1, ASK, 1, 1), at(20_000, 2, ASK, 1, 2), at(21_000, 3, NUDGE, 1, 9)],
            [0, 0],
            0,
        ),
        (
            "the next run of the key hasn't begun",
            vec![at(0, 1, ASK, 1, 1), at(19_000, 3, NUDGE, 1, 9), at(20_000, 2, ASK, 1, 2)],
            [0, 1],
            0,
        ),
        (
            "only the last run of the key is asked",
            vec![at(0, 1, ASK, 1, 1), at(20_000, 2, ASK, 1, 2), at(40_000, 3, NUDGE, 1, 9)],
            [0, 1],
            0,
        ),
    ];
    for (what, lines, wanted, untaken) in cases {
        // Nothing but the lines moves the clock on: waiting for what comes late keeps nobody up.
        let last = lines.iter().map(|line| line.at).max().unwrap();
        let (_, life) = place(&lines).live(None);
        let end = life.end();
        assert_eq!([answered(&end.totals, "fulfil#late"), answered(&end.totals, "ask#late")], wanted, "{what}");
        assert_eq!((end.live, end.clean), (0, true), "{what}");
        assert!(end.now < last + 30_000, "{what}: the clock went on to {}", end.now);
        assert_eq!(end.untaken as u64 + end.totals.unmatched, untaken, "{what}");
    }
}

/// Whenever a cancellation comes, it is heard once: by the run, or behind its end.
#[test]
fn a_cancellation_falls_into_no_gap_at_a_runs_end() {
    let (mut cancelled, mut late) = (0, 0);
    for ms in (0..20_000).step_by(250) {
        let lines = [shipped(1, 1, 0), vec![at(ms, 5, CANCEL, 1, 0)]].concat();
        let lines = {
            let mut lines = lines;
            lines.sort_by_key(|line| (line.at, line.no));
            lines
        };
        let (_, life) = place(&lines).live(None);
        let totals = life.engine.totals();
        let stopped = totals.ended["fulfil"].get("cancelled").copied().unwrap_or(0);
        assert_eq!(stopped + answered(totals, "fulfil#late"), 1, "after {ms} ms");
        cancelled += stopped;
        late += 1 - stopped;
    }
    assert!(cancelled > 0 && late > 0, "{cancelled} {late}");
}

/// Days with ends, late events, ends of waits and new runs of a key.
fn busy() -> Vec<Line> {
    let orders = (1..6).flat_map(|order| {
        let from = i64::from(order) * 7_000;
        let no = u32::try_from(order * 10).unwrap();
        let late = [
            at(from + 40_000, no + 3, CANCEL, order.into(), 0),
            at(from + 90_000, no + 4, CANCEL, order.into(), 0),
            at(from + 300_000, no + 5, CANCEL, order.into(), 0),
            at(from, no + 6, ASK, order.into(), 1),
            at(from + 30_000, no + 7, NUDGE, order.into(), 0),
            at(from + 31_000, no + 8, ASK, order.into(), 1),
        ];
        [shipped(order.into(), no, from), late.to_vec()].concat()
    });
    let mut lines: Vec<Line> = orders.collect();
    lines.sort_by_key(|line| (line.at, line.no));
    lines
}

#[test]
fn a_crash_at_any_write_forgets_no_run_that_waits() {
    let (whole, life) = place(&busy()).live(None);
    let expected = life.end();
    assert_eq!((answered(&expected.totals, "fulfil#late"), answered(&expected.totals, "ask#late")), (10, 5));
    for every in [0, 12, 60] {
        for after in (0..).step_by(3) {
            // The disks and the world outside stay what they are.
            let place = place(&busy()).checkpoints_every(if every > 0 { every } else { u64::MAX });
            let (journal, store) = (MemoryJournal::new(), (every > 0).then(MemoryStore::new));
            if life_until_death(&place, journal.clone().dying(after, Death::Lost), store.clone()).is_ok() {
                assert!(after > 30, "only {after} writes");
                break;
            }
            let life = life_until_death(&place, journal.clone(), store.map(|store| store.reopen())).unwrap();
            assert_eq!(life.end(), expected, "write {after}, checkpoints every {every} records");
            assert_eq!(same_story(&journal, &whole), Ok(()), "write {after}, checkpoints every {every} records");
        }
    }
}

fn life_until_death(place: &Place, journal: MemoryJournal, store: Option<MemoryStore>) -> Result<Life, EngineError> {
    let (mut life, _) = place.open(journal, store)?;
    life.run_to_end()?;
    Ok(life)
}

/// A restart from snapshots alone: ended runs that wait are there and don't count as live; when their time is over they
/// are gone for good.
#[test]
fn waiting_runs_lie_in_the_snapshots_and_go_when_their_time_is_over() {
    let late = at(60_000, 9, CANCEL, 1, 0);
    let lines = [shipped(1, 1, 0), shipped(2, 3, 10_000), vec![late, at(500_000, 10, CANCEL, 2, 0)]].concat();
    let store = MemoryStore::new();
    let early = place(&lines[..4]);
    let (journal, life) = early.live(Some(store.clone()));
    assert_eq!(life.engine.waiting_for_late(), 2);
    life.engine.close().unwrap();
    let store = store.reopen();
    let (mut life, recovered) = place(&lines).open(journal.clone(), Some(store.clone())).unwrap();
    assert_eq!((recovered.replayed, recovered.runs, recovered.snapshots), (0, 0, 0));
    assert_eq!((life.engine.waiting_for_late(), life.engine.live().count()), (2, 0));
    life.run_to_end().unwrap();
    assert_eq!(answered(life.engine.totals(), "fulfil#late"), 1);
    assert_eq!((life.engine.waiting_for_late(), life.end().untaken), (0, 1), "both have waited long enough");
    // One checkpoint says that they are gone, the next one takes their rows off.
    life.engine.checkpoint().unwrap();
    life.engine.close().unwrap();
    let (life, recovered) = place(&lines).open(journal, Some(store.reopen())).unwrap();
    assert_eq!((recovered.replayed, life.engine.waiting_for_late()), (0, 0));
}
