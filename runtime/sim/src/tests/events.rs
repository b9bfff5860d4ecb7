//! The events that follow calls.
use std::collections::BTreeSet;

use flowline_plan::Value;

use super::{Scene, at};
use crate::{
    EventRate, Held, MemoryLog, WorldConfig,
    fixture::{order_lines, text, ty},
};

const MIN_MS: i64 = 60_000;

fn config(events: &[(&str, i64, f64)]) -> WorldConfig {
    let rate = |(name, after_min, rate): &(&str, i64, f64)| {
        ((*name).to_owned(), EventRate { after_ms: after_min * MIN_MS, rate: *rate })
    };
    WorldConfig { seed: 3, events: events.iter().map(rate).collect(), event_spread: 0.0, ..WorldConfig::default() }
}

fn assign(scene: &Scene, order: &str) -> flowline_core::Call {
    let args = vec![text(order), text("store-1"), order_lines(&[("tent", 1)])];
    scene.shop.call("store_ops.assign_pick", order, args)
}

fn stage(scene: &Scene, order: &str) -> flowline_core::Call {
    scene.shop.call("store_ops.stage", order, vec![text(order), text("store-1")])
}

#[test]
fn one_of_several_follows_as_often_as_its_rate_says() {
    let mut scene = Scene::of(config(&[("PickConfirmed", 20, 0.7), ("PickRejected", 12, 0.2)]));
    for n in 0..2_000 {
        let call = assign(&scene, &format!("order-{n}"));
        scene.send(&call);
    }
    assert_eq!(scene.world.next_due(), Some(12 * MIN_MS));
    let rejected = scene.world.take_due(19 * MIN_MS);
    let confirmed = scene.world.take_due(i64::MAX);
    assert!(rejected.iter().all(|event| event.event == ty::PICK_REJECTED && event.at == 12 * MIN_MS));
    assert!(confirmed.iter().all(|event| event.event == ty::PICK_CONFIRMED && event.at == 20 * MIN_MS));
    assert!((1_300..1_500).contains(&confirmed.len()), "{}", confirmed.len());
    assert!((330..470).contains(&rejected.len()), "{}", rejected.len());
    let orders: BTreeSet<Value> = rejected.iter().chain(&confirmed).map(|event| order_of(&event.value)).collect();
    assert_eq!(orders.len(), rejected.len() + confirmed.len(), "one event an order");
    let ids: BTreeSet<_> = rejected.iter().chain(&confirmed).map(|event| (&event.source, &event.id)).collect();
    assert_eq!(ids.len(), orders.len());
}

fn order_of(event: &Value) -> Value {
    let Value::Record(fields) = event else { panic!("an event is a record") };
    fields[0].clone()
}

#[test]
fn an_event_says_what_the_call_said() {
    let mut scene = Scene::of(config(&[("PickConfirmed", 20, 1.0)]));
    let call = assign(&scene, "order-1");
    scene.send(&call);
    let [event] = scene.world.take_due(i64::MAX).try_into().unwrap();
    assert_eq!((event.at, event.source.as_str()), (20 * MIN_MS, "sim/store_ops"));
    assert_eq!(event.value, Value::Record([text("order-1"), order_lines(&[("tent", 1)])].into()));
    assert_eq!(scene.world.next_due(), None);
}

#[test]
fn events_in_turn_follow_each_other_and_silence_ends_them() {
    for (rates, due) in [
        ([1.0, 1.0], vec![(ty::STAGED, 10), (ty::PICKED_UP, 70)]),
        ([1.0, 0.0], vec![(ty::STAGED, 10)]),
        ([0.0, 1.0], vec![]),
    ] {
        let mut scene = Scene::of(config(&[("Staged", 10, rates[0]), ("PickedUp", 60, rates[1])]));
        let call = stage(&scene, "order-1");
        scene.send(&call);
        let events = scene.world.take_due(i64::MAX);
        let found: Vec<_> = events.iter().map(|event| (event.event, event.at / MIN_MS)).collect();
        assert_eq!(found, due, "{rates:?}");
    }
}

#[test]
fn a_repeated_call_brings_no_second_event() {
    let mut scene = Scene::of(config(&[("PickConfirmed", 20, 1.0)]));
    for (attempt, at) in [(1, 0), (2, 5_000)] {
        let call = assign(&scene, "order-1");
        scene.send(&flowline_core::Call { attempt, at, ..call });
    }
    assert_eq!(scene.world.take_due(i64::MAX).len(), 1);
}

#[test]
fn what_the_input_file_holds_comes_from_nowhere_else() {
    let config = config(&[("PickConfirmed", 20, 1.0), ("Staged", 10, 1.0), ("PickedUp", 60, 1.0)]);
    let held: Held = [(ty::PICK_REJECTED, 0, text("order-1")), (ty::STAGED, 0, text("order-2"))].into_iter().collect();
    let mut scene = Scene::over(config, held, MemoryLog::default());
    for order in ["order-1", "order-2"] {
        for call in [assign(&scene, order), stage(&scene, order)] {
            scene.send(&call);
        }
    }
    let due: Vec<_> =
        scene.world.take_due(i64::MAX).into_iter().map(|event| (order_of(&event.value), event.event)).collect();
    // Of several one: the file says which. In turn: the file's one counts, the next one follows.
    let order = |n: u8| text(&format!("order-{n}"));
    assert_eq!(
        due.iter().filter(|(o, _)| *o == order(1)).map(|(_, e)| *e).collect::<Vec<_>>(),
        [ty::STAGED, ty::PICKED_UP]
    );
    assert_eq!(
        due.iter().filter(|(o, _)| *o == order(2)).map(|(_, e)| *e).collect::<Vec<_>>(),
        [ty::PICK_CONFIRMED, ty::PICKED_UP]
    );
}

#[test]
fn an_undone_call_leads_to_nothing_but_what_is_on_its_way() {
    for (undone_at_min, events) in [(5, 0), (19, 1), (25, 1)] {
        let mut scene = Scene::of(config(&[("PickConfirmed", 20, 1.0)]));
        let call = assign(&scene, "order-1");
        scene.send(&call);
        let cancel = scene.shop.call("store_ops.cancel_pick", "c", vec![text("order-1"), text("store-1")]);
        scene.send(&at(cancel, undone_at_min * MIN_MS));
        assert_eq!(scene.world.take_due(i64::MAX).len(), events, "undone at {undone_at_min} min");
        assert_eq!(scene.accounts().op("store_ops.assign_pick").unwrap().undone.unwrap().undone, 1);
    }
}

#[test]
fn without_rates_each_of_several_comes_as_often_and_those_in_turn_always() {
    let mut scene = Scene::of(config(&[]));
    for n in 0..1_000 {
        let (pick, staging) = (assign(&scene, &format!("order-{n}")), stage(&scene, &format!("order-{n}")));
        scene.send(&pick);
        scene.send(&staging);
    }
    let due = scene.world.take_due(i64::MAX);
    let count = |ty| due.iter().filter(|event| event.event == ty).count();
    assert_eq!((count(ty::STAGED), count(ty::PICKED_UP)), (1_000, 1_000));
    assert_eq!(count(ty::PICK_CONFIRMED) + count(ty::PICK_REJECTED), 1_000);
    assert!((400..600).contains(&count(ty::PICK_CONFIRMED)));
}

#[test]
fn events_spread_around_their_time() {
    let mut scene = Scene::of(WorldConfig { event_spread: 0.25, ..config(&[("PickConfirmed", 20, 1.0)]) });
    for n in 0..100 {
        let call = assign(&scene, &format!("order-{n}"));
        scene.send(&call);
    }
    let at: BTreeSet<i64> = scene.world.take_due(i64::MAX).iter().map(|event| event.at).collect();
    assert!(at.iter().all(|at| (15 * MIN_MS..=25 * MIN_MS).contains(at) && at % 50 == 0));
    assert!(at.len() > 90);
}

#[test]
fn reopening_brings_the_same_events_and_skips_what_was_received() {
    let mut scene = Scene::of(config(&[("PickConfirmed", 20, 1.0), ("Staged", 10, 1.0), ("PickedUp", 60, 1.0)]));
    let (pick, staging) = (assign(&scene, "order-1"), stage(&scene, "order-1"));
    scene.send(&pick);
    scene.send(&staging);
    let first = scene.world.take_due(i64::MAX);
    let mut scene = scene.reopened();
    assert_eq!(scene.world.take_due(i64::MAX), first, "nobody said that they were received");
    let mut scene = scene.reopened();
    scene.world.delivered_before(20 * MIN_MS);
    assert_eq!(scene.world.take_due(i64::MAX), first[1..]);
}
