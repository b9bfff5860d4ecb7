//! What becomes of events: early, late, twice, for several, for nobody; and of starts.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "in test support a panic is how a test fails"
)]
mod common;

use common::{
    drive::{Life, Line, Place, event_of, line, same_story},
    shop::{ASK, BOTH, CANCEL, KEPT_MS, NUDGE, ORDER, PICKED, STRAY},
};
use flowline_core::{EventId, RunId, hash128};
use flowline_engine::{EngineError, EventIn, Given, Totals};
use flowline_journal::{Death, MemoryJournal};
use flowline_plan::Value;
use flowline_store::MemoryStore;

/// When the day begins.
const T: i64 = 1_000_000;

fn at(ms: i64, no: u32, event: flowline_plan::TypeId, order: i64, code: i64) -> Line {
    line(T + ms, no, event, order, code)
}

fn day(lines: &[Line]) -> Life {
    let mut place = Place::new(lines);
    place.rough = false;
    let (_, life) = place.live(None);
    assert_eq!(life.engine.live().count(), 0);
    assert!(life.end().clean, "{:?}", life.end());
    life
}

fn ended(totals: &Totals, flow: &str, outcome: &str) -> u64 {
    totals.ended.get(flow).and_then(|of| of.get(outcome)).copied().unwrap_or(0)
}

struct Case {
    what: &'static str,
    lines: Vec<Line>,
    /// Flow, outcome, how often.
    ended: &'static [(&'static str, &'static str, u64)],
    check: fn(&Totals) -> bool,
    untaken: usize,
}

#[test]
fn events_reach_who_waits_for_them() {
    let fine = |totals: &Totals| totals.unmatched == 0 && totals.contested == 0 && totals.repeated_starts == 0;
    let cases = [
        Case {
            what: "one after the other",
            lines: vec![at(0, 1, ORDER, 1, 1), at(3_000, 2, PICKED, 1, 1)],
            ended: &[("fulfil", "shipped", 1), ("tell", "completed", 2), ("after_sale", "looked", 1)],
            check: fine,
            untaken: 0,
        },
        Case {
            what: "an early event is kept",
            lines: vec![at(0, 2, PICKED, 1, 1), at(3_000, 1, ORDER, 1, 1)],
            ended: &[("fulfil", "shipped", 1)],
            check: fine,
            untaken: 0,
        },
        Case {
            what: "all at one instant",
            lines: vec![at(0, 3, CANCEL, 1, 0), at(0, 2, PICKED, 1, 1), at(0, 1, ORDER, 1, 1)],
            ended: &[("fulfil", "cancelled", 1)],
            check: fine,
            untaken: 1,
        },
        Case {
            what: "a deadline without an event",
            lines: vec![at(0, 1, ORDER, 1, 1), at(40_000, 2, PICKED, 1, 1)],
            ended: &[("fulfil", "expired", 1)],
            check: fine,
            untaken: 1,
        },
        Case {
            what: "an event at the instant at which the timer is due comes first",
            lines: vec![at(0, 1, ASK, 1, 1), at(5_000, 2, NUDGE, 1, 1)],
            ended: &[("ask", "answered", 1), ("pair", "paired", 1)],
            check: |totals| totals.steps > 0,
            untaken: 0,
        },
        Case {
            what: "twice the same, and the same id with another body",
            lines: vec![at(0, 1, ORDER, 1, 1), at(10, 1, ORDER, 1, 1), at(20, 1, ORDER, 1, 2), at(30, 1, CANCEL, 1, 1)],
            ended: &[("fulfil", "expired", 1)],
            check: |totals| totals.duplicates == 1 && totals.conflicts == 2 && totals.events == 1,
            untaken: 0,
        },
        Case {
            what: "one run for a key, also after it ended",
            lines: vec![
                at(0, 1, ORDER, 1, 1),
                at(10, 2, ORDER, 1, 2),
                at(11, 3, CANCEL, 1, 0),
                at(90_000, 4, ORDER, 1, 3),
            ],
            ended: &[("fulfil", "cancelled", 1)],
            check: |totals| totals.repeated_starts == 2 && totals.started["fulfil"] == 1,
            untaken: 0,
        },
        Case {
            what: "a new run for a key when the last one has ended",
            lines: vec![at(0, 1, ASK, 1, 1), at(10, 2, ASK, 1, 2), at(20_000, 3, ASK, 1, 3), at(40_000, 4, ASK, 1, 3)],
            ended: &[("ask", "answered", 3)],
            check: |totals| totals.repeated_starts == 1,
            untaken: 0,
        },
        Case {
            what: "two flows would take it, so none does",
            lines: vec![at(0, 1, ORDER, 1, 9)],
            ended: &[],
            check: |totals| totals.contested == 1 && totals.unmatched == 0 && totals.started.is_empty(),
            untaken: 0,
        },
        Case {
            what: "nobody would ever take it",
            lines: vec![at(0, 1, STRAY, 1, 1), at(0, 2, ORDER, 1, -1)],
            ended: &[],
            check: |totals| totals.unmatched == 2,
            untaken: 0,
        },
        Case {
            what: "kept for a time, then unmatched; it counts once though it has two homes",
            lines: vec![at(0, 1, BOTH, 1, 1), at(KEPT_MS, 2, STRAY, 1, 1)],
            ended: &[],
            check: |totals| totals.unmatched == 2,
            untaken: 0,
        },
        Case {
            what: "still kept",
            lines: vec![at(0, 1, BOTH, 1, 1), at(KEPT_MS - 1, 2, STRAY, 1, 1)],
            ended: &[],
            check: |totals| totals.unmatched == 1,
            untaken: 1,
        },
        Case {
            what: "one event by both of its keys counts for one wait",
            lines: vec![at(0, 1, NUDGE, 1, 5), at(10, 2, BOTH, 1, 5), at(KEPT_MS * 2, 3, STRAY, 0, 0)],
            ended: &[("pair", "paired", 1)],
            check: |totals| totals.unmatched == 1,
            untaken: 0,
        },
        Case {
            what: "an event that one run took by one key is old for a later run by the other key",
            lines: vec![at(0, 1, NUDGE, 1, 5), at(10, 2, BOTH, 1, 7), at(100, 3, NUDGE, 2, 7)],
            ended: &[("pair", "paired", 2)],
            // Two starts, and one offer for the first wait of the first run. The other three waits are over by their
            // timers, and have two registrations withdrawn each.
            check: |totals| totals.unmatched == 0 && totals.steps == 2 + 1 + 3 * 3,
            untaken: 0,
        },
        Case {
            what: "each of several runs sees what comes after its start",
            lines: vec![at(0, 1, NUDGE, 1, 5), at(10, 2, NUDGE, 2, 5), at(20, 3, NUDGE, 3, 5), at(100, 4, BOTH, 9, 5)],
            ended: &[("pair", "paired", 3)],
            check: |totals| totals.unmatched == 0,
            untaken: 0,
        },
    ];
    for case in cases {
        let life = day(&case.lines);
        let totals = life.engine.totals();
        for (flow, outcome, count) in case.ended {
            assert_eq!(ended(totals, flow, outcome), *count, "{}: {totals:#?}", case.what);
        }
        assert!((case.check)(totals), "{}: {totals:#?}", case.what);
        assert_eq!(life.engine.untaken_events(), case.untaken, "{}", case.what);
    }
}

#[test]
fn a_fresh_wait_takes_nothing_old() {
    let life = day(&[at(0, 1, NUDGE, 1, 1), at(10, 2, ASK, 1, 1)]);
    let took_until = life.engine.now();
    assert!(took_until >= T + 5_010, "it waited for its timer: {took_until}");
    let life = day(&[at(0, 2, ASK, 1, 1), at(10, 1, NUDGE, 1, 1), at(11, 3, ASK, 2, 1)]);
    assert_eq!(ended(life.engine.totals(), "ask", "answered"), 2);
}

fn fulfil(order: i64) -> RunId {
    RunId::of_key("shop.fulfil", &postcard::to_stdvec(&Value::Int(order)).unwrap(), 0)
}

#[test]
fn somebody_settles_a_run() {
    let mut place = Place::new(&[]);
    place.rough = false;
    let (mut life, _) = place.open(MemoryJournal::new(), None).unwrap();
    life.take(T, vec![Given::Event(event_of(at(0, 1, ORDER, 1, 1)))]).unwrap();
    for _ in 0..3 {
        life.advance().unwrap();
    }
    assert!(life.engine.run(fulfil(1)).is_some());
    let settle = || vec![Given::Settle(fulfil(1)), Given::Settle(fulfil(2)), Given::Retry { run: fulfil(1), frame: 0 }];
    life.take(T + 3_000, settle()).unwrap();
    life.run_to_end().unwrap();
    assert_eq!(ended(life.engine.totals(), "fulfil", "settled"), 1);
    assert!(life.end().clean, "{:?}", life.end());
    let seq = life.engine.journal().durable();
    assert!(life.take(T + 90_000, settle()).unwrap().is_empty(), "it has ended");
    assert_eq!(life.engine.journal().durable(), seq, "what changes nothing isn't journaled");
}

#[test]
fn once_holds_across_checkpoints_and_restarts() {
    let place = Place::new(&[]).checkpoints_every(1);
    let (journal, mut store) = (MemoryJournal::new(), MemoryStore::new());
    for (nth, rebuilt) in [false, false, true, false].into_iter().enumerate() {
        let now = T + 200_000 * nth as i64;
        store = if rebuilt { MemoryStore::new() } else { store.reopen() };
        let (mut life, _) = place.open(journal.clone(), Some(store.clone())).unwrap();
        let no = 10 * nth as u32;
        let given = [at(0, no, ORDER, 1, 1), at(0, no + 1, ASK, 1, 1), at(0, no + 2, CANCEL, 1, 0)];
        life.take(now, given.map(|line| Given::Event(event_of(line))).into()).unwrap();
        life.run_to_end().unwrap();
        let totals = life.engine.totals().clone();
        life.engine.close().unwrap();
        assert_eq!(totals.repeated_starts, nth as u64);
        assert_eq!((totals.started["fulfil"], totals.started["ask"]), (1, nth as u64 + 1));
    }
}

#[test]
fn an_answer_that_comes_twice_counts_once() {
    let mut place = Place::new(&[]);
    place.rough = false;
    let journal = MemoryJournal::new();
    let (mut life, _) = place.open(journal.clone(), None).unwrap();
    let taken = life.engine.take(T, vec![Given::Event(event_of(at(0, 1, ORDER, 1, 1)))]).unwrap();
    let order = &taken.orders[0];
    let scheduled = life.world.call(order.run, &order.call).unwrap();
    let answer =
        |attempt| Given::Answer { run: order.run, call: order.call.call, attempt, answer: scheduled.answer.clone() };
    life.engine.take(T + 500, vec![answer(2), answer(1), answer(1)]).unwrap();
    life.engine.take(T + 600, vec![answer(1)]).unwrap();
    assert_eq!(life.engine.totals().steps, 2, "the start and one answer");
}

/// An order whose number is so large that an event and the sub-flow it sets going don't fit into one group.
fn large_day(place: &Place, journal: MemoryJournal) -> Result<(Life, bool), EngineError> {
    let number = Value::text("x".repeat(place.options.group_bytes / 2 + 100));
    let given = |no, event| {
        let mut event = event_of(at(0, no, event, 1, 1));
        event.value = Value::Record([number.clone(), Value::Int(1)].into());
        vec![Given::Event(event)]
    };
    let (mut life, recovered) = place.open(journal, None)?;
    let cut = recovered.existed && life.engine.next_due() == Some(life.engine.now());
    life.take(T, given(1, ORDER))?;
    while life.next_due().is_some_and(|due| due <= T + 5_000) {
        life.advance()?;
    }
    life.take(T + 5_000, given(2, PICKED))?;
    life.run_to_end()?;
    Ok((life, cut))
}

#[test]
fn a_round_that_is_cut_in_two_goes_on_after_a_crash() {
    let mut place = Place::new(&[]);
    place.rough = false;
    place = place.in_groups_of(4_096);
    let whole = MemoryJournal::new();
    let (life, _) = large_day(&place, whole.clone()).unwrap();
    let expected = life.engine.totals().clone();
    assert_eq!(ended(&expected, "fulfil", "shipped"), 1);
    for death in [Death::Lost, Death::Unacknowledged] {
        let mut cuts = 0;
        for writes in 0.. {
            let place = Place { log: Default::default(), ..place.clone() };
            let journal = MemoryJournal::new();
            if large_day(&place, journal.clone().dying(writes, death)).is_ok() {
                break;
            }
            let (life, cut) = large_day(&place, journal.clone()).unwrap();
            cuts += u32::from(cut);
            assert_eq!(same_story(&journal, &whole), Ok(()), "{death:?} after {writes}");
            // Nobody journals how far the events were read here, so they come twice.
            let totals = Totals { duplicates: 0, ..life.engine.totals().clone() };
            assert_eq!(totals, expected);
        }
        assert!(cuts > 0, "a round was cut in two");
    }
}

#[test]
fn a_round_takes_a_hundred_thousand_inputs() {
    let mut place = Place::new(&[]);
    place.rough = false;
    let (mut life, _) = place.open(MemoryJournal::new(), None).unwrap();
    let events = (0..100_000).map(|no: u32| Given::Event(event_of(at(0, no, STRAY, no.into(), 1)))).collect();
    life.engine.take(T, events).unwrap();
    assert_eq!(life.engine.totals().events, 100_000);
}

#[test]
fn the_order_of_arrival_has_no_say() {
    let lines = common::busy_day();
    let mut given: Vec<Given> = lines.iter().map(|line| Given::Event(event_of(*line))).collect();
    // One id for an order and for the event that it waits for: only one of them counts.
    given.extend([ORDER, PICKED].map(|event| Given::Event(event_of(at(0, 900, event, 900, 900)))));
    let run = |given: Vec<Given>| {
        let (mut life, _) = Place::new(&[]).open(MemoryJournal::new(), None).unwrap();
        life.take(T, given).unwrap();
        life.run_to_end().unwrap();
        life.end()
    };
    let reversed = given.iter().rev().cloned().collect();
    assert_eq!(run(given), run(reversed));
}

#[test]
fn an_events_identity_is_its_source_and_id() {
    let event = event_of(at(0, 1, ORDER, 1, 1));
    assert_eq!(event.event_id(), EventId(hash128("event", &[b"file", b"e00001"])));
    let other = EventIn { source: "fil".to_owned(), id: "ee00001".to_owned(), ..event.clone() };
    assert_ne!(event.event_id(), other.event_id());
}
