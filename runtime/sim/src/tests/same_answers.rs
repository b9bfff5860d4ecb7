//! An answer follows from seed, key and attempt: never from the order of arrival, and it outlives a kill.
use std::collections::BTreeMap;

use flowline_core::{Answer, Call, RunId};
use proptest::prelude::*;

use super::{Scene, at, errors};
use crate::{
    Accounts, Held, MemoryLog, Scheduled, SystemRates, WorldConfig, WorldEvent,
    fixture::{Shop, card_view, eur, order_lines, text},
};

fn rough() -> WorldConfig {
    let technical = SystemRates { lost_answer: 0.2, lost_call: 0.1, down: 0.1, slow: 0.1, ..Default::default() };
    let systems = ["payments", "inventory", "store_ops", "erp", "notify"].map(|name| {
        let errors = errors(match name {
            "payments" => &[("Declined", 0.2), ("CaptureFailed", 0.2)],
            "inventory" => &[("OutOfStock", 0.3)],
            _ => &[],
        });
        (name.to_owned(), SystemRates { errors: errors.errors, ..technical.clone() })
    });
    WorldConfig { seed: 11, systems: systems.into(), ..WorldConfig::default() }
}

/// Calls that don't depend on each other, two attempts each.
fn calls(shop: &Shop) -> Vec<Call> {
    let mut calls = Vec::new();
    for n in 0..12_i64 {
        let id = format!("id-{n}");
        let lines = order_lines(&[("tent", 1), ("stove", 2), ("rope", n + 1)]);
        let part = card_view(&format!("never seen {n}"), "5.00");
        for call in [
            shop.authorise(&id, "50.00"),
            shop.hold(&id, &[("tent", 1), ("stove", 2)]),
            shop.call("inventory.check", &id, vec![text("tent"), flowline_plan::Value::Int(n)]),
            shop.call("store_ops.assign_pick", &id, vec![text(&id), text("node-1"), lines]),
            shop.call("erp.post_invoice", &id, vec![text(&id), eur("9.99")]),
            shop.call("notify.send", &id, vec![text("hello")]),
            shop.call_with("payments.void", &id, part, vec![]),
        ] {
            calls.push(Call { at: n * 137, ..call.clone() });
            calls.push(Call { at: n * 137 + 20_000, attempt: 2, ..call });
        }
    }
    calls
}

type Outcome = (BTreeMap<(u128, u32), Scheduled>, Accounts, Vec<WorldEvent>);

fn play(scene: &mut Scene, calls: &[Call]) -> BTreeMap<(u128, u32), Scheduled> {
    calls.iter().map(|call| ((call.key.0, call.attempt), scene.send(call))).collect()
}

fn outcome(mut scene: Scene, answers: BTreeMap<(u128, u32), Scheduled>) -> Outcome {
    let accounts = scene.world.accounts(1_000_000);
    (answers, accounts, scene.world.take_due(i64::MAX))
}

fn in_order(calls: &[Call]) -> Outcome {
    let mut scene = Scene::of(rough());
    let answers = play(&mut scene, calls);
    outcome(scene, answers)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_order_of_arrival_has_no_say(order in Just((0..84).collect::<Vec<usize>>()).prop_shuffle()) {
        let calls = calls(&Shop::default());
        let mut scene = Scene::of(rough());
        let mut answers = BTreeMap::new();
        // Attempts of one call come in their order: the second one is only made when the first one was answered.
        for attempt in [1, 2] {
            let mixed: Vec<Call> =
                order.iter().map(|at| calls[at * 2 + attempt - 1].clone()).collect();
            answers.extend(play(&mut scene, &mixed));
        }
        prop_assert_eq!(outcome(scene, answers), in_order(&calls));
    }

    #[test]
    fn a_kill_after_any_call_changes_nothing(kills in proptest::collection::btree_set(0..168_usize, 1..6)) {
        let calls = calls(&Shop::default());
        let mut scene = Scene::of(rough());
        let mut answers = BTreeMap::new();
        for (n, call) in calls.iter().enumerate() {
            answers.insert((call.key.0, call.attempt), scene.send(call));
            if kills.contains(&n) {
                scene = scene.reopened();
                // The runtime never heard: it makes its last calls again.
                let from = n.saturating_sub(6);
                for again in &calls[from..=n] {
                    let is_last = calls[again_at(&calls, again)..=n].iter().filter(|c| c.key == again.key).count() == 1;
                    if is_last {
                        prop_assert_eq!(&scene.send(again), &answers[&(again.key.0, again.attempt)]);
                    }
                }
            }
        }
        prop_assert_eq!(outcome(scene, answers), in_order(&calls));
    }
}

fn again_at(calls: &[Call], call: &Call) -> usize {
    calls.iter().position(|other| other.key == call.key && other.attempt == call.attempt).unwrap()
}

#[test]
fn the_same_attempt_is_one_record() {
    let mut scene = Scene::calm();
    let call = scene.shop.call("notify.send", "n", vec![text("hello")]);
    let first = scene.send(&call);
    let len = scene.log.bytes().len();
    assert_eq!(scene.send(&call), first);
    assert_eq!(scene.log.bytes().len(), len);
    assert_eq!(scene.accounts().op("notify.send").unwrap().calls, 1);
}

#[test]
fn another_seed_is_another_world() {
    let calls = calls(&Shop::default());
    let mut scene = Scene::of(WorldConfig { seed: 12, ..rough() });
    assert_ne!(play(&mut scene, &calls), in_order(&calls).0);
}

#[test]
fn answers_fall_on_the_grain_and_in_the_time_that_the_contract_states() {
    let mut scene = Scene::calm();
    for n in 0..200_i64 {
        let call = at(scene.shop.authorise(&format!("card-{n}"), "1.00"), n * 50);
        let took = scene.send(&call).at - call.at;
        assert!((100..=400).contains(&took) && took % 50 == 0, "{took}");
    }
    let slow = SystemRates { slow: 1.0, ..Default::default() };
    let mut scene = Scene::of(super::rates("payments", slow));
    let call = scene.shop.authorise("card", "1.00");
    assert!((400..=call.timeout_ms).contains(&scene.send(&call).at));
}

#[test]
fn the_business_outcome_belongs_to_the_declared_key() {
    // Two steps of two runs, one order and one shop: for the system it is one thing.
    let mut scene = Scene::over(rough(), Held::default(), MemoryLog::default());
    for order in ["order-1", "order-2", "order-3"] {
        let answer = |scene: &mut Scene, key: &str, run: u128| {
            let call = scene.shop.call("erp.post_invoice", key, vec![text(order), eur("5.00")]);
            for attempt in 1..50 {
                let sent = scene.world.call(RunId(run), &Call { attempt, ..call.clone() });
                if let Answer::Done(invoice) = sent.unwrap().answer {
                    return invoice;
                }
            }
            panic!("no answer");
        };
        assert_eq!(answer(&mut scene, "a", 1), answer(&mut scene, "b", 2));
    }
    assert_eq!(scene.accounts().op("erp.post_invoice").unwrap().effects, 3);
}
