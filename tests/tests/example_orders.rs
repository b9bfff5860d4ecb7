//! The orders of the example, all of them: each exception of the flows happens to some, the world is as rough as
//! promised, and nothing is left unsettled or done twice.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "in test support a panic is how a test fails"
)]
mod single;

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use flowline_core::RunId;
use flowline_engine::{Engine, EventIn, Given, NoWatch, Order, Origin};
use flowline_journal::MemoryJournal;
use flowline_plan::{ConstEnv, eval};
use flowline_sim::{Held, MemoryLog, World, WorldConfig};
use serde_json::Value as Json;
use single::{BUNDLE, PROJECT, Story, event, open};

/// The events of the file, each at its time but never before those above it.
fn events() -> Vec<(i64, EventIn)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows/examples/orders.ndjson");
    let mut newest = 0;
    let text = std::fs::read_to_string(path).unwrap();
    let read = |line: &str| {
        let json: Json = serde_json::from_str(line).unwrap();
        let text = |name: &str| json[name].as_str().unwrap();
        let event = EventIn { source: text("source").to_owned(), ..event(text("type"), text("id"), &json["data"]) };
        let data =
            flowline_plan::json::from_json(&BUNDLE, &flowline_plan::Type::Instant, &json["time"], &mut |_, _| Ok(true));
        let flowline_plan::Value::Instant(at) = data.unwrap() else { panic!("`time` is an instant") };
        newest = at.max(newest);
        (newest, event)
    };
    text.lines().map(read).collect()
}

/// What the systems leave to the file.
fn held(events: &[(i64, EventIn)]) -> Held {
    let mut held = Held::default();
    for (now, event) in events {
        let env = ConstEnv { bundle: &BUNDLE, now: *now };
        for (at, key) in (0_u16..).zip(&BUNDLE.event(event.event).unwrap().keys) {
            held.insert(event.event, at, eval(&env, &key.code, std::slice::from_ref(&event.value)).unwrap());
        }
    }
    held
}

/// Runs every event to its end; stories of runs are in the journal.
fn play() -> (Engine, World, MemoryJournal) {
    let journal = MemoryJournal::new();
    let mut engine = open(Arc::new(journal.clone()), &mut NoWatch);
    let events = events();
    let config = WorldConfig::from_tables(&BUNDLE, 1, PROJECT.project.simulate.clone()).unwrap();
    let log = Box::new(MemoryLog::default());
    let mut world = World::open(Arc::clone(&BUNDLE), config, held(&events), log).unwrap();
    let mut given: BTreeMap<i64, Vec<Given>> = BTreeMap::new();
    for (at, event) in events {
        given.entry(at).or_default().push(Given::Event(event));
    }
    loop {
        let due = [engine.next_due(), given.keys().next().copied(), world.next_due()];
        let Some(now) = due.into_iter().flatten().min() else { break };
        let now = now.max(engine.now());
        let later = given.split_off(&(now + 1));
        let mut round: Vec<Given> = std::mem::replace(&mut given, later).into_values().flatten().collect();
        for flowline_sim::WorldEvent { source, id, event, value, .. } in world.take_due(now) {
            round.push(Given::Event(EventIn { source, id, event, value, origin: Origin::World }));
        }
        let taken = engine.take(now, round).unwrap();
        engine.journal().wait(taken.seq).unwrap();
        for Order { run, call } in taken.orders {
            let scheduled = world.call(run, &call).unwrap();
            let answer = Given::Answer { run, call: call.call, attempt: call.attempt, answer: scheduled.answer };
            given.entry(scheduled.at).or_default().push(answer);
        }
    }
    (engine, world, journal)
}

/// Lines of one run.
struct Run {
    flow: String,
    lines: Vec<String>,
}

impl Run {
    fn count(&self, line: &str) -> usize {
        self.lines.iter().filter(|told| *told == line).count()
    }

    fn has(&self, line: &str) -> bool {
        self.count(line) > 0
    }
}

/// An exception and how a run shows that it took it.
type Exception = (&'static str, &'static str, fn(&Run) -> bool);

const EXCEPTIONS: [Exception; 16] = [
    ("ship_order", "partial stock", |run| run.has("mail lines_cancelled") && run.has("ended shipped")),
    ("ship_order", "nothing in stock", |run| run.has("ended unavailable") && !run.has("status accepted")),
    ("ship_order", "two parcels, each charged", |run| run.count("payments.capture") >= 2),
    ("ship_order", "card money renewed", |run| run.count("payments.authorise") == 2 && run.has("ended shipped")),
    ("ship_order", "charge failed", |run| run.has("erp.open_receivable")),
    ("ship_order", "short pick, another place", |run| run.has("inventory.request_count") && run.has("ended shipped")),
    ("ship_order", "cancelled before anything left", |run| {
        run.has("ended cancelled") && run.has("wms.cancel_order") && !run.has("inventory.commit")
    }),
    ("ship_order", "cancelled when a part had left", |run| run.has("ended cancelled") && run.has("inventory.commit")),
    ("pickup_in_store", "refused or not found, sent home", |run| run.has("ended rerouted")),
    ("pickup_in_store", "a part picked", |run| run.has("inventory.release_lines") && run.has("ended collected")),
    ("pickup_in_store", "reminded", |run| run.has("mail pickup_reminder") && run.has("ended collected")),
    ("pickup_in_store", "nobody came", |run| run.count("mail pickup_reminder") == 3 && run.has("ended expired")),
    ("pickup_in_store", "cancelled in the shelf", |run| run.has("ended cancelled") && run.has("status ready")),
    ("pickup_in_store", "cancelled at the counter", |run| run.has("mail return_instead") && run.has("ended collected")),
    ("collect_debt", "paid by link", |run| run.has("ended settled")),
    ("collect_debt", "never paid", |run| run.count("payments.send_pay_link") == 3 && run.has("ended handed_over")),
];

#[test]
fn the_example_meets_every_exception_in_a_rough_world_and_settles_it_all() {
    let (engine, world, journal) = play();
    assert_eq!((engine.live().count(), engine.totals().incidents), (0, 0), "every run has ended by itself");
    let accounts = world.accounts(engine.now());
    assert!(accounts.is_clean() && accounts.misuses.is_empty(), "{:?} {:?}", accounts.unsettled, accounts.doubled);

    let mut story = Story::default();
    open(Arc::new(journal), &mut story);
    let mut runs: HashMap<RunId, Run> = HashMap::new();
    for line in story.lines {
        let run = runs.entry(line.run).or_insert_with(|| Run { flow: line.flow, lines: Vec::new() });
        run.lines.push(line.line);
    }
    for (flow, exception, took) in EXCEPTIONS {
        assert!(runs.values().any(|run| run.flow == flow && took(run)), "{flow}: {exception}");
    }
    for run in runs.values().filter(|run| run.flow == "ship_order") {
        let sent = run.count("inventory.commit");
        for step in ["payments.capture", "erp.post_invoice", "mail parcel_sent", "status dispatched of a parcel"] {
            assert_eq!(run.count(step), sent, "{step}: {:?}", run.lines);
        }
    }

    let totals = engine.totals();
    let authorised = accounts.op("payments.authorise").unwrap();
    assert!(totals.errors["Declined"] * 100 >= 3 * (authorised.effects + totals.errors["Declined"]), "declined");
    assert!(totals.lost * 100 >= 2 * totals.calls, "answers lost");
    let cancelled: u64 = totals.ended.values().filter_map(|ends| ends.get("cancelled")).sum();
    let orders: u64 = ["ship_order", "pickup_in_store"]
        .iter()
        .map(|flow| totals.started.get(*flow).copied().unwrap_or_default())
        .sum();
    assert!(orders >= 2_000 && cancelled * 100 >= 5 * orders, "{cancelled} of {orders} cancelled");
    assert!(totals.duplicates > 0 && totals.conflicts > 0 && totals.repeated_starts > 0 && totals.unmatched > 0);
}
