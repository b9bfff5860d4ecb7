//! Orders carried to their end over real HTTP: answers get lost, systems die, Flowline is killed, and each effect
//! happens once.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "in test support a panic is how a test fails"
)]
mod common;

use std::{collections::BTreeSet, path::Path, sync::Arc};

use common::{System, answers, bounded, connector, engine, live, outcomes, replay, until};
use flowline_core::{Answer, Input};
use flowline_engine::{Given, Totals, connector::Connector};
use flowline_plan::Bundle;
use flowline_tests::shop::{self, Patience};
use serde_json::{Value as Json, json};

/// A horizon behind all retries, and before an order is given up, ms.
const HORIZON_MS: i64 = 1_000;

struct Shop {
    bundle: Arc<Bundle>,
    system_dir: tempfile::TempDir,
    data: tempfile::TempDir,
}

impl Shop {
    fn new(patience: Patience) -> Self {
        let dir = || tempfile::tempdir().unwrap();
        Self { bundle: shop::bundle(patience), system_dir: dir(), data: dir() }
    }

    fn system(&self, mishaps: Json) -> System {
        System::start(self.system_dir.path(), json!({ "answers": answers(), "mishaps": mishaps }))
    }

    fn connector(&self, system: &System) -> Arc<dyn Connector> {
        connector(&self.bundle, &system.address, json!({}))
    }

    /// Takes one order, and runs until nothing more happens.
    fn take(&self, system: &System) -> Totals {
        let live = live(engine(&self.bundle, self.data.path()).0, self.connector(system));
        live.handle().submit_durably(vec![Given::Event(shop::order("A-1", 2))]).unwrap();
        finish(live)
    }

    fn inputs(&self) -> Vec<Input> {
        replay(&self.bundle, self.data.path()).inputs
    }
}

fn finish(live: flowline_engine::live::Live) -> Totals {
    live.handle().wait_idle(HORIZON_MS).unwrap();
    let totals = live.handle().inspect(|engine| engine.totals().clone()).unwrap();
    live.stop(0).unwrap();
    totals
}

fn ops(log: Vec<(String, String)>) -> Vec<String> {
    log.into_iter().map(|(op, _)| op).collect()
}

#[test]
fn mishaps_change_the_way_but_neither_the_end_nor_the_effects() {
    bounded(|| {
        let refuse = |status: u16| json!({ "refuse": { "status": status, "body": "" } });
        let shipped: &[&str] = &["hold", "charge", "ship"];
        let undone: &[&str] = &["hold", "release"];
        for (name, mishaps, outcome, effects) in [
            ("all goes well", json!({}), "shipped", shipped),
            (
                "lost answers",
                json!({ "hold": ["lose_answer"], "charge": ["lose_answer"], "ship": ["lose_answer"] }),
                "shipped",
                shipped,
            ),
            ("lost requests", json!({ "charge": ["lose_request", "lose_request"] }), "shipped", shipped),
            ("overload", json!({ "hold": [refuse(429), refuse(503), refuse(409)] }), "shipped", shipped),
            (
                "cut short",
                json!({ "hold": ["cut_short"], "charge": [{ "garble": { "status": 502, "body": "" } }] }),
                "shipped",
                shipped,
            ),
            (
                "sold out",
                json!({ "hold": [{ "refuse": { "status": 422, "body": r#"{"error":"OutOfStock","left":0}"# } }] }),
                "sold_out",
                &[],
            ),
            (
                "declined",
                json!({
                    "hold": ["lose_answer"],
                    "charge": [{ "refuse": { "status": 422, "body": r#"{"error":"Declined"}"# } }],
                    "release": ["lose_answer", refuse(503)],
                }),
                "declined",
                undone,
            ),
        ] {
            let shop = Shop::new(Patience::default());
            let system = shop.system(mishaps);
            let totals = shop.take(&system);
            assert_eq!(outcomes(&totals), [(outcome, 1)], "{name}");
            assert_eq!(ops(system.effects()), effects, "{name}");
            let keys: BTreeSet<_> = system.requests().into_iter().collect();
            assert_eq!(
                keys.len(),
                ops(system.requests()).into_iter().collect::<BTreeSet<_>>().len(),
                "{name}: one key a call"
            );
            assert_eq!(totals.incidents, 0, "{name}");
        }
    });
}

#[test]
fn a_system_that_dies_in_the_middle_acts_once() {
    bounded(|| {
        let shop = Shop::new(Patience { retries_max: None, ..Patience::default() });
        let system = shop.system(json!({ "charge": ["die"] }));
        let live = live(engine(&shop.bundle, shop.data.path()).0, shop.connector(&system));
        live.handle().submit_durably(vec![Given::Event(shop::order("A-1", 2))]).unwrap();
        // Until it is back, attempts find nobody there.
        let system = system.again();
        assert_eq!(outcomes(&finish(live)), [("shipped", 1)]);
        assert_eq!(ops(system.effects()), ["hold", "charge", "ship"]);
        assert!(system.requests().len() > 3, "the charge was asked for again");
    });
}

#[test]
fn flowline_killed_while_a_call_is_out_asks_again_under_the_same_key() {
    bounded(|| {
        let shop = Shop::new(Patience::default());
        // Answers for longer than anybody waits; then, as if it had been upgraded, refuses what it has done before.
        let system = shop.system(json!({
            "charge": [{ "slow": 60_000 }, { "refuse": { "status": 429, "body": "" } }],
        }));
        let first = live(engine(&shop.bundle, shop.data.path()).0, shop.connector(&system));
        first.handle().submit_durably(vec![Given::Event(shop::order("A-1", 2))]).unwrap();
        until("the charge", || ops(system.effects()).contains(&"charge".to_owned()));
        drop(first);

        let (again, found) = engine(&shop.bundle, shop.data.path());
        assert_eq!((found.existed, found.runs), (true, 1));
        let second = live(again, shop.connector(&system));
        assert_eq!(outcomes(&finish(second)), [("shipped", 1)]);
        assert_eq!(ops(system.effects()), ["hold", "charge", "ship"]);
        let charges: BTreeSet<_> = system.requests().into_iter().filter(|(op, _)| op == "charge").collect();
        assert_eq!(charges.len(), 1, "one key");
        let doubted = shop.inputs().into_iter().any(|input| {
            matches!(input, Input::Answered { answer: Answer::Unknown(said), .. } if said.starts_with("answered 429"))
        });
        assert!(doubted, "a refusal says nothing about the call before the kill");
    });
}

#[test]
fn a_call_without_answer_leaves_a_doubt_that_is_settled() {
    bounded(|| {
        let patience = Patience { timeout_ms: 30, give_up_ms: 100, ..Patience::default() };
        let shop = Shop::new(patience);
        let slow: Vec<Json> = vec![json!({ "slow": 60_000 }); 60];
        let system = shop.system(json!({ "hold": slow }));
        assert_eq!(outcomes(&shop.take(&system)), [("given_up", 1)]);
        assert_eq!(ops(system.effects()), ["hold", "release"], "held once, released once");
        let unknown = |input: &Input| matches!(input, Input::Answered { answer: Answer::Unknown(said), .. } if said == "no answer within 30 ms");
        assert!(shop.inputs().iter().any(unknown));
    });
}

#[test]
fn a_broken_contract_parks_the_run_and_keeps_the_doubt() {
    bounded(|| {
        let shop = Shop::new(Patience::default());
        let system = shop.system(json!({ "hold": [{ "garble": { "status": 200, "body": "<html>" } }] }));
        let live = live(engine(&shop.bundle, shop.data.path()).0, shop.connector(&system));
        live.handle().submit_durably(vec![Given::Event(shop::order("A-1", 2))]).unwrap();
        let idle = live.handle().wait_idle(HORIZON_MS).unwrap();
        assert_eq!((idle.live, idle.incidents), (1, 1));
        let run = live.handle().inspect(|engine| engine.live().next().unwrap().id()).unwrap();
        live.handle().submit_durably(vec![Given::Settle(run)]).unwrap();
        assert_eq!(outcomes(&finish(live)), [("settled", 1)]);
        assert_eq!(ops(system.effects()), ["hold", "release"], "what may be held is released");
    });
}

#[test]
fn a_secret_goes_to_the_system_and_nowhere_else() {
    bounded(|| {
        const TOKEN: &str = "tok_0123456789_secret";
        let shop = Shop::new(Patience::default());
        let secret = shop.system_dir.path().join("token");
        std::fs::write(&secret, format!("{TOKEN}\n")).unwrap();
        // The system says the token back, in an error and in a result.
        let script = json!({
            "answers": { "hold": { "quantity": 2 }, "ship": format!("parcel of {TOKEN}"), "charge": "payment-1" },
            "mishaps": { "hold": [{ "refuse": { "status": 503, "body": format!("bad token {TOKEN}") } }] },
            "bearer": TOKEN,
        });
        let system = System::start(shop.system_dir.path(), script);
        let auth = json!({ "auth": { "bearer": format!("file:{}", secret.display()) } });
        let connector = connector(&shop.bundle, &system.address, auth);
        let shown = format!("{connector:?}");
        let live = live(engine(&shop.bundle, shop.data.path()).0, connector);
        live.handle().submit_durably(vec![Given::Event(shop::order("A-1", 2))]).unwrap();
        assert_eq!(outcomes(&finish(live)), [("shipped", 1)]);
        assert!(!shown.contains(TOKEN));
        let journaled = bytes_below(shop.data.path());
        let holds = |needle: &[u8]| journaled.windows(needle.len()).any(|window| window == needle);
        assert!(holds(b"bad token "), "what the system said is there");
        assert!(holds(b"parcel of "));
        assert!(!holds(TOKEN.as_bytes()), "but not the token");
    });
}

/// All files below a folder.
fn bytes_below(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(if path.is_dir() { bytes_below(&path) } else { std::fs::read(&path).unwrap() });
    }
    bytes
}
