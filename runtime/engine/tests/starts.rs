//! How runs start: one at a time, by the clock, on a batch of events; and what becomes of it when everything dies.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "in test support a panic is how a test fails"
)]
mod common;

use std::{collections::BTreeMap, sync::Arc};

use common::{
    bounded,
    desk::{self, BATCH, EVERY_MS, WITHIN_MS},
    drive::{End, Life, Line, Place, event_of, line, same_story},
    shop::{CANCEL, ORDER, PICKED},
};
use flowline_core::{Input, Output, RunId};
use flowline_engine::{
    Dedupe, Engine, EngineOptions, EngineParts, Given, LINE_MAX, Order, Step, Watch,
    connector::{Connector, Replies},
    live::{Live, LiveOptions, ManualClock},
};
use flowline_journal::{Death, MemoryJournal, Record};
use flowline_plan::Value;
use flowline_store::MemoryStore;

/// When the day begins: 1970-01-01 00:16:40 UTC.
const T: i64 = 1_000_000;

fn place(lines: &[Line]) -> Place {
    Place { bundle: desk::bundle(), ..Place::new(lines) }
}

fn lines(events: &[(i64, flowline_plan::TypeId, i64)]) -> Vec<Line> {
    (0..).zip(events).map(|(no, (at, event, order))| line(T + at, no, *event, *order, 0)).collect()
}

/// Orders that have to wait for each other, one that is cancelled while its child waits, signals for batches that are closed
/// by time and by number, and starts by the clock in between.
fn day() -> Vec<Line> {
    lines(&[
        (0, ORDER, 1),
        (0, ORDER, 1),
        (100, ORDER, 2),
        (200, ORDER, 1),
        (300, PICKED, 1),
        (400, PICKED, 2),
        (500, PICKED, 1),
        (600, PICKED, 1),
        (700, PICKED, 1),
        (900, ORDER, 3),
        (2_000, CANCEL, 3),
        (3_000, PICKED, 1),
        (3_100, PICKED, 1),
        (8_000, ORDER, 0),
        (8_000, ORDER, 4),
        (20_000, PICKED, 2),
        (30_000, ORDER, 1),
    ])
}

/// What each run was: its flow, the text of its arguments, when it began and ended.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    flow: String,
    args: Vec<Value>,
    begun: i64,
    ended: i64,
    outcome: String,
}

#[derive(Default)]
struct Teller {
    told: BTreeMap<RunId, Told>,
    order: Vec<RunId>,
}

impl Watch for Teller {
    fn wants_steps(&self) -> bool {
        true
    }

    fn step(&mut self, record: &Record, step: &Step) {
        if let Input::Start { args, .. } = &step.input {
            let flow = desk::bundle().flow(step.flow).unwrap().short_name().to_owned();
            let told = Told { flow, args: args.clone(), begun: record.now, ended: i64::MAX, outcome: String::new() };
            assert_eq!(self.told.insert(step.run, told), None, "a run begins once");
            self.order.push(step.run);
        }
        for output in &step.outputs {
            if let Output::Ended(ending) = output {
                let told = self.told.get_mut(&step.run).unwrap();
                told.ended = record.now;
                told.outcome = flowline_engine::outcome_name(&desk::bundle(), ending);
            }
        }
    }
}

/// The runs of a flow, in the order in which they began.
fn runs_of(journal: &MemoryJournal, flow: &str) -> Vec<Told> {
    let parts = EngineParts {
        bundle: desk::bundle(),
        store: None,
        dedupe: Dedupe::Memory(Default::default()),
        options: EngineOptions::default(),
    };
    let mut teller = Teller::default();
    Engine::open(parts, Arc::new(journal.clone()), &mut teller).unwrap();
    teller.order.iter().map(|run| teller.told[run].clone()).filter(|told| told.flow == flow).collect()
}

fn smooth(lines: &[Line]) -> (MemoryJournal, Life) {
    let place = Place { rough: false, ..place(lines) };
    let (journal, life) = place.live(None);
    assert_eq!((life.engine.live().count(), life.engine.waiting_starts().count()), (0, 0));
    (journal, life)
}

/// Field of the first argument.
fn field(told: &Told, at: usize) -> &Value {
    match &told.args[0] {
        Value::Record(fields) => &fields[at],
        other => panic!("{other:?} is no record"),
    }
}

#[test]
fn runs_of_one_key_run_one_after_the_other_in_order_of_arrival() {
    let mut events = day();
    // What tells the orders apart is their code.
    for (code, line) in (0..).zip(&mut events) {
        line.code = code;
    }
    let (journal, life) = smooth(&events);
    let runs = runs_of(&journal, "serve");
    let mut by_key: BTreeMap<Value, Vec<&Told>> = BTreeMap::new();
    for run in &runs {
        by_key.entry(field(run, 0).clone()).or_default().push(run);
    }
    for (key, runs) in &by_key {
        for pair in runs.windows(2) {
            assert!(pair[0].ended <= pair[1].begun, "two at a time of {key:?}: {pair:#?}");
            assert!(field(pair[0], 1) < field(pair[1], 1), "out of turn: {pair:#?}");
        }
    }
    let of = |key: i64| &by_key[&Value::Int(key)];
    assert_eq!(of(1).len(), 4);
    assert_eq!(of(1)[0].ended, of(1)[1].begun, "the next one begins when the one before has ended");
    assert_eq!(of(1)[3].begun, T + 30_000, "nobody was before this one");
    assert_eq!(of(2)[0].begun, T + 100, "another key doesn't wait");
    assert!(life.engine.totals().queued >= 2);
}

#[test]
fn a_parent_waits_for_its_childs_turn_and_takes_it_out_of_the_line_when_it_leaves() {
    let (journal, life) = smooth(&day());
    let children = runs_of(&journal, "serial");
    let (zero, others): (Vec<&Told>, Vec<&Told>) = children.iter().partition(|child| child.args[0] == Value::Int(0));
    assert_eq!(zero.len(), 1, "one whose key has no value runs as well");
    assert!(others.len() > 4);
    for pair in others.windows(2) {
        assert!(pair[0].ended <= pair[1].begun, "two at a time: {pair:#?}");
    }
    // Order 3 is cancelled while its child waits: the child never begins.
    assert!(children.iter().all(|child| child.args[0] != Value::Int(3)), "{children:#?}");
    let cancelled = runs_of(&journal, "serve").into_iter().find(|run| run.outcome == "cancelled").unwrap();
    assert_eq!((field(&cancelled, 0), cancelled.ended), (&Value::Int(3), T + 2_000), "nothing has to be awaited");
    assert_eq!(life.engine.totals().ended["serve"]["served"], 7);
}

#[test]
fn a_batch_is_closed_when_it_is_full_or_time_is_up() {
    let (journal, life) = smooth(&day());
    let runs = runs_of(&journal, "restock");
    let told: Vec<(i64, &Value, usize)> = runs
        .iter()
        .map(|run| {
            let Value::List(events) = field(run, 2) else { panic!("a list") };
            (run.begun - T, field(run, 1), events.len())
        })
        .collect();
    let one = &Value::Int(1);
    let two = &Value::Int(2);
    // Full with the third event; the next batch of that key is closed with its third as well, and waits for its turn.
    assert_eq!(told[0], (600, one, BATCH as usize));
    let rest: Vec<(&Value, usize)> = told[1..].iter().map(|(_, key, count)| (*key, *count)).collect();
    assert_eq!(rest, [(one, BATCH as usize), (two, 1), (two, 1)]);
    assert_eq!(told[1].0, runs[0].ended - T, "in turn");
    assert_eq!((told[2].0, told[3].0), (400 + WITHIN_MS, 20_000 + WITHIN_MS), "so long after the first event");
    let mut ids: Vec<&Value> = runs.iter().map(|run| field(run, 0)).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4, "each batch has an id of its own");
    assert_eq!((life.engine.gathering(), life.engine.totals().unmatched), (0, 0));
}

#[test]
fn flows_start_by_the_clock() {
    let (journal, life) = smooth(&day());
    let audits: Vec<i64> = runs_of(&journal, "audit")
        .iter()
        .map(|run| {
            assert_eq!(run.args, [Value::Instant(run.begun)], "it is given the instant at which it was due");
            run.begun
        })
        .collect();
    let first = (T / EVERY_MS + 1) * EVERY_MS;
    let expected: Vec<i64> = (0..).map(|n| first + n * EVERY_MS).take(audits.len()).collect();
    assert_eq!(audits, expected, "from the first event on, without a gap");
    // 01:17 in Berlin.
    let nightly: Vec<i64> = runs_of(&journal, "nightly").iter().map(|run| run.begun).collect();
    assert_eq!(nightly, [T + 20_000]);
    assert!(audits.len() > 5 && *audits.last().unwrap() <= life.engine.now());
}

/// How often each flow has started by the clock.
fn ticks(engine: &Engine) -> [u64; 2] {
    ["audit", "nightly"].map(|flow| engine.totals().started.get(flow).copied().unwrap_or(0))
}

#[test]
fn ticks_that_were_missed_run_once() {
    const HOUR: i64 = 3_600_000;
    let place = place(&[]);
    let journal = MemoryJournal::new();
    let mut engine = place.engine(Arc::new(journal.clone()));
    engine.take(T, Vec::new()).unwrap();
    assert_eq!(engine.next_tick(), None, "nobody has switched schedules on");
    engine.take(T + HOUR, vec![Given::Schedules(true)]).unwrap();
    assert_eq!(ticks(&engine), [0, 0], "what lies before that was never due");
    let taken = engine.take(T + HOUR + EVERY_MS, Vec::new()).unwrap();
    assert_eq!(ticks(&engine), [1, 0]);
    engine.journal().wait(taken.seq).unwrap();
    // A stop of three days.
    drop(engine);
    let mut engine = place.engine(Arc::new(journal.clone()));
    assert!(engine.schedules_on());
    let now = T + 73 * HOUR + 1;
    let taken = engine.take(now, Vec::new()).unwrap();
    assert_eq!(ticks(&engine), [2, 1]);
    assert!(engine.next_tick().unwrap() > now);
    engine.take(now, Vec::new()).unwrap();
    assert_eq!(ticks(&engine), [2, 1], "once");
    engine.journal().wait(taken.seq).unwrap();
    let due = (now / EVERY_MS) * EVERY_MS;
    assert_eq!(runs_of(&journal, "audit")[1].args, [Value::Instant(due)], "the last of those that were missed");
    assert_eq!(runs_of(&journal, "nightly")[0].args, [Value::Instant(72 * HOUR + 17 * 60_000)]);
    // Switched off and on again, nothing was missed.
    engine.take(now + HOUR, vec![Given::Schedules(false)]).unwrap();
    let before = ticks(&engine);
    engine.take(now + 100 * HOUR, Vec::new()).unwrap();
    assert_eq!((ticks(&engine), engine.next_tick()), (before, None));
    engine.take(now + 100 * HOUR + 1, vec![Given::Schedules(true)]).unwrap();
    assert_eq!(ticks(&engine)[1], before[1]);
}

/// Leaves every call unanswered.
#[derive(Debug)]
struct Silent;

impl Connector for Silent {
    fn call_all(&self, _orders: Vec<Order>, _replies: &Replies) {}
}

#[test]
fn a_live_engine_goes_by_the_clock_and_makes_up_for_a_stop() {
    bounded(|| {
        let place = place(&[]);
        let journal = MemoryJournal::new();
        let open = |now: i64| {
            let engine = place.engine(Arc::new(journal.clone()));
            let clock = Arc::new(ManualClock::new(now));
            let live = Live::start(engine, Arc::new(Silent), Arc::clone(&clock) as _, LiveOptions::default()).unwrap();
            (live, clock)
        };
        let look = |live: &Live| live.handle().inspect(|engine| (ticks(engine), engine.next_tick())).unwrap();
        let first = (T / EVERY_MS + 1) * EVERY_MS;
        let (live, clock) = open(T);
        assert_eq!(look(&live), ([0, 0], Some(first)), "on from the first start on the folder");
        clock.advance(first - T - 1);
        assert_eq!(look(&live).0, [0, 0]);
        clock.advance(1);
        assert_eq!(look(&live), ([1, 0], Some(first + EVERY_MS)));
        live.stop(0).unwrap();
        // An hour later.
        let (live, _) = open(first + 3_600_000);
        assert_eq!(look(&live).0, [2, 1], "each once, for all that it missed");
        live.stop(0).unwrap();
    });
}

#[test]
fn a_line_that_is_full_refuses_events_and_says_so() {
    let place = place(&[]);
    let mut engine = place.engine(Arc::new(MemoryJournal::new()));
    let over = 2;
    let count = u32::try_from(LINE_MAX).unwrap() + 1 + over;
    let events = (0..count).map(|no| Given::Event(event_of(line(T, no, ORDER, 1, 0)))).collect();
    engine.take(T, events).unwrap();
    assert_eq!(engine.waiting_starts().count(), LINE_MAX);
    let totals = engine.totals();
    assert_eq!((totals.queued, totals.refused_starts), (LINE_MAX as u64, u64::from(over)));
    assert_eq!(totals.unmatched, u64::from(over), "nobody has taken them");
    assert!(totals.refused_first[0].ends_with("for serve"), "{:?}", totals.refused_first);
    // Another key has a line of its own.
    engine.take(T, vec![Given::Event(event_of(line(T, count, ORDER, 2, 0)))]).unwrap();
    assert_eq!(engine.totals().refused_starts, u64::from(over));
}

fn undisturbed() -> (MemoryJournal, End) {
    let (journal, life) = place(&day()).live(None);
    let end = life.end();
    assert!(end.clean && end.live == 0, "{end:?}");
    (journal, end)
}

fn life_until_death(
    place: &Place,
    journal: MemoryJournal,
    store: Option<MemoryStore>,
) -> Result<Life, flowline_engine::EngineError> {
    let (mut life, _) = place.open(journal, store)?;
    life.run_to_end()?;
    Ok(life)
}

/// Where a round was cut in two its events are read twice.
fn same(mut end: End) -> End {
    end.totals.duplicates = 0;
    end
}

/// Dies after each write in turn; with a checkpoint after so many rounds, 0 for none.
fn crash_at_writes(checkpoint_rounds: u64, writes_min: u64) {
    let (whole, expected) = undisturbed();
    let expected = same(expected);
    for death in [Death::Lost, Death::Unacknowledged] {
        for after in 0.. {
            let place = Place { checkpoint_rounds, ..place(&day()).in_groups_of(1) };
            let (journal, store) = (MemoryJournal::new(), (checkpoint_rounds > 0).then(MemoryStore::new));
            if let Ok(life) = life_until_death(&place, journal.clone().dying(after, death), store.clone()) {
                assert_eq!(same(life.end()), expected);
                assert!(after >= writes_min, "the day is long: {after}");
                break;
            }
            let store = store.map(|store| store.reopen());
            let life = life_until_death(&place, journal.clone(), store)
                .unwrap_or_else(|error| panic!("{death:?} after {after}: {error}"));
            assert_eq!(same(life.end()), expected, "{death:?} after {after}");
            assert_eq!(same_story(&journal, &whole), Ok(()), "{death:?} after {after}");
        }
    }
}

#[test]
fn a_crash_at_any_record_changes_nothing() {
    crash_at_writes(0, 130);
}

#[test]
fn a_crash_at_any_record_with_checkpoints_changes_nothing() {
    crash_at_writes(7, 140);
}

#[test]
fn lines_batches_and_schedules_are_in_the_snapshots() {
    let (_, expected) = undisturbed();
    let (mut lines, mut batches) = (0, 0);
    let look = |engine: &Engine| {
        let mut waiting: Vec<_> = engine.waiting_starts().collect();
        waiting.sort_unstable();
        (waiting, engine.gathering(), engine.next_tick(), engine.next_due(), engine.schedules_on())
    };
    for rounds in (0..240).step_by(2) {
        // A world of its own for each.
        let place = Place { checkpoint_rounds: 3, ..place(&day()) };
        let with_store = rounds % 4 == 0;
        let (journal, store) = (MemoryJournal::new(), MemoryStore::new());
        let (mut life, _) = place.open(journal.clone(), Some(store.clone())).unwrap();
        for _ in 0..rounds {
            life.advance().unwrap();
        }
        let seen = look(&life.engine);
        lines += seen.0.len();
        batches += seen.1;
        life.engine.close().unwrap();
        // From its last snapshots alone, or from the whole journal.
        let (mut again, recovered) = place.open(journal.clone(), with_store.then(|| store.reopen())).unwrap();
        assert_eq!(recovered.replayed == 0, with_store);
        assert_eq!(look(&again.engine), seen, "{rounds} rounds");
        again.run_to_end().unwrap();
        assert_eq!(again.end(), expected, "{rounds} rounds");
    }
    assert!(lines > 20 && batches > 20, "there were some: {lines}, {batches}");
}
