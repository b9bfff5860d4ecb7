//! What answers over HTTP mean, against a real system with scripted mishaps.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "in test support a panic is how a test fails"
)]
mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpListener,
    sync::mpsc,
};

use common::{BOUND, System, bindings, bounded, connector};
use flowline_core::{Answer, CallKey, RunId};
use flowline_engine::{
    Order,
    connector::{Connector, ConnectorError, HttpConnector, Replies},
};
use flowline_plan::{ErrorValue, OpRef, Value};
use flowline_tests::{
    http_system::Entry,
    shop::{self, CHARGE, HOLD_STOCK, OUT_OF_STOCK, Patience, RELEASE, SHIP, UNRAISED},
};
use serde_json::{Value as Json, json};

const TIMEOUT_MS: i64 = 10_000;

fn order(op: OpRef, key: u128, timeout_ms: i64) -> Order {
    let mut call = Box::new(shop::call(op, timeout_ms));
    call.key = CallKey(key);
    Order { run: RunId(0xabc), call }
}

/// Carries out orders and waits for all replies.
fn carry_out(connector: &dyn Connector, orders: Vec<Order>) -> Vec<Answer> {
    let (sender, receiver) = mpsc::channel();
    let count = orders.len();
    connector.call_all(orders, &Replies::new(move |replies| sender.send(replies).unwrap()));
    let mut answers = Vec::new();
    while answers.len() < count {
        let replies = receiver.recv_timeout(BOUND);
        answers.extend(replies.expect("a reply to each order").into_iter().map(|reply| reply.answer));
    }
    answers
}

fn one(connector: &dyn Connector, order: Order) -> Answer {
    carry_out(connector, vec![order]).remove(0)
}

/// An answer in short: its kind and what a person would read.
fn short(answer: &Answer) -> String {
    match answer {
        Answer::Done(value) => format!("done {value:?}"),
        Answer::Error(ErrorValue { error, text, .. }) if error.0 == u32::MAX => format!("broken: {text}"),
        Answer::Error(error) => format!("error {} {:?} {}", error.error.0, error.fields, error.text),
        Answer::Refused(said) => format!("refused: {said}"),
        Answer::Rejected(said) => format!("rejected: {said}"),
        Answer::Unknown(said) => format!("unknown: {said}"),
    }
}

#[test]
fn every_answer_has_its_meaning() {
    bounded(|| {
        let refuse = |status: u16, body: &str| json!({ "refuse": { "status": status, "body": body } });
        let garble = |status: u16, body: &str| json!({ "garble": { "status": status, "body": body } });
        let (left, unraised) = (OUT_OF_STOCK.0, UNRAISED.0);
        // Operation, mishap, and how the meaning begins.
        let cases: Vec<(OpRef, Json, String)> = vec![
            (HOLD_STOCK, json!("none"), r#"done Record([Text("hold-1"), Int(2)])"#.into()),
            (HOLD_STOCK, garble(200, r#"{"quantity":3}"#), r#"done Record([Text("hold-1"), Int(3)])"#.into()),
            (
                HOLD_STOCK,
                garble(201, r#"{"id":"hold-1","quantity":4}"#),
                r#"done Record([Text("hold-1"), Int(4)])"#.into(),
            ),
            (HOLD_STOCK, garble(200, r#"{"id":"x","quantity":5}"#), r#"done Record([Text("x"), Int(5)])"#.into()),
            (RELEASE, garble(204, ""), "done None".into()),
            (SHIP, json!("none"), r#"done Text("parcel-1")"#.into()),
            (CHARGE, json!("none"), r#"done Text("payment-1")"#.into()),
            // A contract that is broken.
            (HOLD_STOCK, garble(200, "<html>"), "broken: its result is no JSON".into()),
            (HOLD_STOCK, garble(200, r#"{"quantity":"two"}"#), "broken: its result doesn't fit: `quantity`".into()),
            (HOLD_STOCK, garble(204, ""), "broken: its result doesn't fit: `quantity`".into()),
            (SHIP, json!({ "flood": 2 << 20 }), "broken: its result has more than 1048576 bytes".into()),
            (HOLD_STOCK, refuse(422, r#"{"error":"NoSuch"}"#), "broken: its error `NoSuch` is declared nowhere".into()),
            (HOLD_STOCK, refuse(422, r#"{"error":"OutOfStock"}"#), "broken: its error doesn't fit: `left`".into()),
            (HOLD_STOCK, refuse(422, "no"), "broken: its error is no JSON".into()),
            (HOLD_STOCK, refuse(422, "{}"), "broken: its error has no name".into()),
            // Business errors.
            (
                HOLD_STOCK,
                refuse(422, r#"{"error":"OutOfStock","left":1,"text":"one left"}"#),
                format!("error {left} [Int(1)] one left"),
            ),
            (HOLD_STOCK, refuse(422, r#"{"error":"Unraised"}"#), format!("error {unraised} [] Unraised")),
            // Nothing happened.
            (SHIP, refuse(429, ""), "refused: answered 429".into()),
            (SHIP, refuse(404, "{\"title\":\n\"gone\"}"), "rejected: answered 404: {\"title\": \"gone\"}".into()),
            (SHIP, refuse(400, ""), "rejected: answered 400".into()),
            (SHIP, refuse(302, ""), "rejected: answered 302: redirects are not followed".into()),
            // Nobody knows.
            (SHIP, refuse(409, ""), "unknown: answered 409".into()),
            (SHIP, refuse(408, ""), "unknown: answered 408".into()),
            (SHIP, garble(500, "oh"), "unknown: answered 500: oh".into()),
            (SHIP, refuse(503, ""), "unknown: answered 503".into()),
            (SHIP, garble(202, ""), "unknown: answered 202".into()),
            (SHIP, json!("lose_answer"), "unknown: the connection broke".into()),
            (SHIP, json!("lose_request"), "unknown: the connection broke".into()),
            (SHIP, json!("cut_short"), "unknown: the connection broke within the result".into()),
        ];
        let bundle = shop::bundle(Patience::default());
        let mut mishaps: BTreeMap<&str, Vec<Json>> = BTreeMap::new();
        for (op, mishap, _) in &cases {
            mishaps.entry(&bundle.op(*op).unwrap().name).or_default().push(mishap.clone());
        }
        let folder = tempfile::tempdir().unwrap();
        let system = System::start(folder.path(), json!({ "answers": common::answers(), "mishaps": mishaps }));
        let connector = connector(&bundle, &system.address, json!({}));
        for (key, (op, mishap, wanted)) in (100u128..).zip(&cases) {
            let found = short(&one(&*connector, order(*op, key, TIMEOUT_MS)));
            assert!(found.starts_with(wanted), "{} with {mishap}: {found}, not {wanted}", bundle.op_name(*op));
        }
    });
}

#[test]
fn a_request_says_what_is_wanted_and_who_wants_it() {
    bounded(|| {
        let folder = tempfile::tempdir().unwrap();
        let system = System::start(folder.path(), json!({ "answers": common::answers() }));
        let bundle = shop::bundle(Patience::default());
        let connector = connector(&bundle, &system.address, json!({}));
        let mut part = order(SHIP, 9, TIMEOUT_MS);
        part.call.resources[0].whole = Some(Value::text("whole-1"));
        for order in [order(HOLD_STOCK, 7, TIMEOUT_MS), order(CHARGE, 8, TIMEOUT_MS), part] {
            assert!(matches!(one(&*connector, order), Answer::Done(_)));
        }
        let log = system.log();
        let arguments = |wanted: &str| {
            let found = log.iter().find_map(|entry| match entry {
                Entry::Effect { op, arguments, .. } if op == wanted => Some(arguments.clone()),
                _ => None,
            });
            found.unwrap()
        };
        assert_eq!(arguments("hold"), json!({ "order": "A-1", "quantity": 2, "id": "hold-1" }));
        assert_eq!(arguments("charge"), json!({ "order": "A-1", "amount": { "amount": "12.00", "currency": "EUR" } }));
        assert_eq!(arguments("ship"), json!({ "hold": { "id": "hold-1", "quantity": 2, "whole": "whole-1" } }));
        let Entry::Request { key, run, traceparent, .. } = &log[0] else { panic!("a request comes first") };
        assert_eq!(key, "00000000000000000000000000000007");
        assert_eq!(run, "00000000000000000000000000000abc");
        let parts: Vec<&str> = traceparent.split('-').collect();
        assert_eq!((parts[0], parts[1], parts[2].len(), parts[3]), ("00", run.as_str(), 16, "01"));
    });
}

#[test]
fn nobody_there_means_nothing_happened() {
    bounded(|| {
        // The port was free a moment ago, and nobody else listens there now.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let connector = connector(&shop::bundle(Patience::default()), &address, json!({}));
        let said = short(&one(&*connector, order(SHIP, 1, TIMEOUT_MS)));
        assert!(said.starts_with("refused: can't connect: "), "{said}");
    });
}

#[test]
fn no_answer_in_time_is_unknown_and_no_place_in_time_is_refused() {
    bounded(|| {
        let folder = tempfile::tempdir().unwrap();
        let slow = json!({ "answers": common::answers(), "mishaps": { "ship": [{ "slow": 60_000 }] } });
        let system = System::start(folder.path(), slow);
        let bundle = shop::bundle(Patience::default());
        let connector = connector(&bundle, &system.address, json!({ "limit": { "at_once": 1 } }));
        // The first one takes the only place, and keeps it for as long as it waits.
        let answers = carry_out(&*connector, vec![order(SHIP, 1, 500), order(HOLD_STOCK, 2, 1)]);
        let said: BTreeSet<String> = answers.iter().map(short).collect();
        let wanted =
            ["refused: too many calls are out; there was no place in time", "unknown: no answer within 500 ms"];
        assert_eq!(said, wanted.map(str::to_owned).into());
        let said = short(&one(&*connector, order(HOLD_STOCK, 3, TIMEOUT_MS)));
        assert_eq!(said, r#"done Record([Text("hold-1"), Int(2)])"#, "the place is free again");
        let ship_and_hold = [("ship", 1), ("hold", 3)].map(|(op, key)| (op.to_owned(), CallKey(key).to_string()));
        assert_eq!(system.effects(), ship_and_hold, "the slow one took effect");
        assert_eq!(system.requests(), ship_and_hold, "the refused one was never sent");
    });
}

#[test]
fn a_breaker_leaves_a_broken_system_alone() {
    bounded(|| {
        let folder = tempfile::tempdir().unwrap();
        let down = json!({ "refuse": { "status": 503, "body": "" } });
        let script = json!({ "answers": common::answers(), "mishaps": { "ship": [down, down, down, down] } });
        let system = System::start(folder.path(), script);
        let rule = json!({ "breaker": { "open_after": 2, "for": "1 h" } });
        let connector = connector(&shop::bundle(Patience::default()), &system.address, rule);
        let said: Vec<String> = (0..4).map(|key| short(&one(&*connector, order(SHIP, key, TIMEOUT_MS)))).collect();
        let open = "refused: its circuit breaker is open";
        assert_eq!(said, ["unknown: answered 503", "unknown: answered 503", open, open]);
        assert_eq!(system.requests().len(), 2);
    });
}

#[test]
fn many_calls_each_get_one_reply() {
    bounded(|| {
        let folder = tempfile::tempdir().unwrap();
        let system = System::start(folder.path(), json!({ "answers": common::answers() }));
        let connector =
            connector(&shop::bundle(Patience::default()), &system.address, json!({ "limit": { "at_once": 3 } }));
        let answers = carry_out(&*connector, (0..60).map(|key| order(SHIP, key, TIMEOUT_MS)).collect());
        assert!(answers.iter().all(|answer| matches!(answer, Answer::Done(_))), "{answers:?}");
        assert_eq!(system.effects().len(), 60);
    });
}

#[test]
fn a_start_says_which_binding_is_wrong() {
    bounded(|| {
        let bundle = shop::bundle(Patience::default());
        let start = |bindings| HttpConnector::start(bundle.clone(), &bindings).unwrap_err();
        let mut unbound = bindings("127.0.0.1:1", json!({}));
        unbound.remove("payments");
        assert!(matches!(start(unbound), ConnectorError::Unbound(names) if names == "`payments`"));
        let mut misspelt = bindings("127.0.0.1:1", json!({}));
        let binding = misspelt.remove("payments").unwrap();
        misspelt.insert("payment".to_owned(), binding);
        assert!(matches!(start(misspelt), ConnectorError::UnknownSystem(name) if name == "payment"));
        let mut clash = shop::bundle(Patience::default());
        std::sync::Arc::make_mut(&mut clash).systems[0].ops[0].params[0].name = "id".to_owned();
        let clash = HttpConnector::start(clash, &bindings("127.0.0.1:1", json!({}))).unwrap_err();
        assert_eq!(
            clash.to_string(),
            "`inventory.hold` has a parameter named `id`, as the id of the resource that it opens; rename the parameter"
        );
    });
}
