//! Nobody is charged twice, nothing stays set aside, and the amounts add up.
use std::sync::Arc;

use flowline_core::{Answer, Call, RunId};
use flowline_plan::Value;

use super::{Scene, at, errors, is_error, rates};
use crate::{
    Held, MemoryLog, SystemRates, Why, World,
    fixture::{AUTHORISE_KEPT_MS, CARD_LIFE_MS, Shop, card_view, eur, hold_view, part_view, shop, text, ty},
};

fn done(answer: &Answer) -> bool {
    matches!(answer, Answer::Done(_))
}

#[test]
fn a_lost_answer_and_its_retry_are_one_effect() {
    let mut scene = Scene::of(rates("payments", SystemRates { lost_answer: 0.5, down: 0.2, ..Default::default() }));
    let mut attempts = 0;
    for n in 0..50 {
        let id = format!("card-{n}");
        let call = scene.shop.authorise(&id, "50.00");
        let (answer, took) = scene.insist(&call);
        assert!(done(&answer), "{answer:?}");
        let call = scene.shop.call_with("payments.capture", &id, card_view(&id, "50.00"), vec![]);
        let (answer, again) = scene.insist(&call);
        assert!(done(&answer), "{answer:?}");
        attempts += took + again;
    }
    let accounts = scene.accounts();
    assert!(attempts > 150, "the world is rough enough to show something: {attempts} attempts");
    assert!(accounts.is_clean(), "{accounts:?}");
    assert_eq!(accounts.op("payments.authorise").unwrap().effects, 50);
    assert_eq!(accounts.op("payments.capture").unwrap().effects, 50);
    assert_eq!(accounts.resource("CardMoney").unwrap().by_state, [("captured".to_owned(), 50)].into());
    assert_eq!(accounts.resource("CardMoney").unwrap().amounts["captured"], ["2500.00 EUR"]);
}

#[test]
fn a_lost_answer_comes_as_unknown_at_the_time_out_and_took_effect() {
    let mut scene = Scene::of(rates("payments", SystemRates { lost_answer: 1.0, ..Default::default() }));
    let call = at(scene.shop.authorise("card", "50.00"), 1_000);
    let scheduled = scene.send(&call);
    assert!(matches!(scheduled.answer, Answer::Unknown(_)));
    assert_eq!(scheduled.at, 1_000 + call.timeout_ms);
    assert_eq!(scene.accounts().resource("CardMoney").unwrap().opened, 1);
}

#[test]
fn what_is_down_or_never_arrives_has_no_effect() {
    for (sort, lost_call, down) in [("down", 0.0, 1.0), ("lost call", 1.0, 0.0)] {
        let mut scene = Scene::of(rates("payments", SystemRates { lost_call, down, ..Default::default() }));
        let call = scene.shop.authorise("card", "50.00");
        let scheduled = scene.send(&call);
        assert_eq!(matches!(scheduled.answer, Answer::Refused(_)), down > 0.0, "{sort}");
        assert_eq!(matches!(scheduled.answer, Answer::Unknown(_)), lost_call > 0.0, "{sort}");
        assert_eq!(scene.accounts().op("payments.authorise").unwrap().effects, 0, "{sort}");
        assert!(scene.accounts().resource("CardMoney").is_none(), "{sort}");
    }
}

#[test]
fn a_release_that_comes_before_the_hold_keeps_the_hold_out() {
    let mut scene = Scene::calm();
    let release = scene.shop.call_with("inventory.release", "r", hold_view("hold"), vec![]);
    assert!(done(&scene.answer(&release)));
    let late = at(scene.shop.hold("hold", &[("tent", 1)]), 60_000);
    assert!(is_error(&scene.answer(&late), ty::OUT_OF_STOCK));
    let accounts = scene.accounts();
    assert!(accounts.is_clean());
    let stock = accounts.resource("StockHold").unwrap();
    assert_eq!((stock.opened, stock.never_opened), (0, 1));
}

#[test]
fn capturing_again_is_answered_from_memory() {
    let mut scene = Scene::calm();
    let authorise = scene.shop.authorise("card", "50.00");
    scene.send(&authorise);
    for (n, key) in ["one step", "another step"].into_iter().enumerate() {
        let call = scene.shop.call_with("payments.capture", key, card_view("card", "50.00"), vec![]);
        assert!(done(&scene.answer(&at(call, n as i64))));
    }
    let accounts = scene.accounts();
    let capture = accounts.op("payments.capture").unwrap();
    assert_eq!((capture.effects, capture.remembered, capture.doubled), (1, 1, 0));
    assert!(accounts.is_clean());
}

#[test]
fn a_system_that_knows_no_keys_charges_twice_and_the_accounts_say_so() {
    let mut scene = Scene::calm();
    let authorise = scene.shop.authorise("card", "50.00");
    scene.send(&authorise);
    for attempt in [1, 2] {
        let call = scene.shop.call_with("payments.take", "t", card_view("card", "50.00"), vec![]);
        assert!(done(&scene.answer(&Call { attempt, at: attempt.into(), ..call })));
    }
    let accounts = scene.accounts();
    assert_eq!(accounts.doubled.len(), 1);
    assert_eq!((accounts.doubled[0].op.as_str(), accounts.doubled[0].effects), ("payments.take", 2));
    assert!(!accounts.is_clean());
}

#[test]
fn voiding_what_was_captured_tells_so() {
    // The capture's answer is lost: for the run the card is maybe_captured.
    let mut scene = Scene::calm();
    let authorise = scene.shop.authorise("card", "50.00");
    scene.send(&authorise);
    let capture = at(scene.shop.call_with("payments.capture", "c", card_view("card", "50.00"), vec![]), 1_000);
    scene.send(&capture);
    let void = at(scene.shop.call_with("payments.void", "v", card_view("card", "50.00"), vec![]), 9_000);
    let Answer::Error(error) = scene.answer(&void) else { panic!("the truth is told") };
    assert_eq!(error.error, ty::ALREADY_CAPTURED);
    assert_eq!(*error.fields, [Value::Instant(1_000)], "captured_at is when it was captured");
    let refund = scene.shop.call_with("payments.refund", "r", card_view("card", "50.00"), vec![eur("50.00")]);
    assert!(done(&scene.answer(&at(refund, 10_000))));
    let accounts = scene.accounts();
    assert!(accounts.is_clean() && accounts.misuses.is_empty(), "{accounts:?}");
    assert_eq!(accounts.resource("CardMoney").unwrap().by_state, [("refunded".to_owned(), 1)].into());
}

#[test]
fn a_void_in_doubt_reaches_its_target_from_wherever_the_money_is() {
    let lapsed = 30 * CARD_LIFE_MS;
    for (case, opened, void_at, end) in [
        ("never opened", false, 1_000, None),
        ("authorised", true, 1_000, Some("voided")),
        ("lapsed", true, lapsed, Some("voided")),
    ] {
        let mut scene = Scene::calm();
        if opened {
            let authorise = scene.shop.authorise("card", "50.00");
            scene.send(&authorise);
        }
        let unknown = flowline_core::ResourceView {
            fields: vec![text("card"), Value::None, Value::None],
            ..card_view("card", "0.00")
        };
        let void = at(scene.shop.call_with("payments.void", "v", unknown, vec![]), void_at);
        assert!(done(&scene.answer(&void)), "{case}");
        let accounts = scene.accounts();
        assert!(accounts.is_clean(), "{case}: {accounts:?}");
        let states = &accounts.resource("CardMoney").unwrap().by_state;
        assert_eq!(states.keys().next().map(String::as_str), end, "{case}");
    }
}

#[test]
fn a_capture_after_the_end_of_the_promise_fails_and_money_lapses_by_itself() {
    let mut scene = Scene::calm();
    let authorise = scene.shop.authorise("card", "50.00");
    let Answer::Done(Value::Record(fields)) = scene.answer(&authorise) else { panic!("money is set aside") };
    let Value::Instant(capture_before) = fields[2] else { panic!("it says until when") };
    assert!(capture_before >= authorise.timeout_ms + CARD_LIFE_MS);
    assert_eq!(fields[1], eur("50.00"), "an amount is the amount that was asked for");
    assert_eq!(scene.world.accounts(capture_before - 1).unsettled.len(), 1);
    assert!(scene.world.accounts(capture_before).is_clean());
    let late = scene.shop.call_with("payments.capture", "c", card_view("card", "50.00"), vec![]);
    assert!(is_error(&scene.answer(&at(late, capture_before)), ty::CAPTURE_FAILED));
}

#[test]
fn a_refused_capture_leaves_the_money_where_the_error_says() {
    let mut scene = Scene::of(rates("payments", errors(&[("CaptureFailed", 1.0)])));
    let authorise = scene.shop.authorise("card", "50.00");
    scene.send(&authorise);
    let capture = scene.shop.call_with("payments.capture", "c", card_view("card", "50.00"), vec![]);
    assert!(is_error(&scene.answer(&capture), ty::CAPTURE_FAILED));
    let accounts = scene.accounts();
    assert_eq!(accounts.resource("CardMoney").unwrap().by_state, [("lapsed".to_owned(), 1)].into());
    assert!(accounts.is_clean());
}

#[test]
fn parts_and_rest_add_up_to_the_whole() {
    // (what the parts take, what the run calls the rest, what the accounts say)
    let cases: [(&[&str], &str, bool); 4] = [
        (&["30.00", "20.00"], "50.00", true),
        (&["60.00", "40.00"], "0.00", true),
        (&["30.00"], "50.00", false),
        (&[], "100.00", true),
    ];
    for (parts, rest, clean) in cases {
        let mut scene = Scene::calm();
        let authorise = scene.shop.authorise("card", "100.00");
        scene.send(&authorise);
        for (n, amount) in parts.iter().enumerate() {
            let id = format!("card/{n}");
            let op = if n == 0 { "payments.capture" } else { "payments.void" };
            let call = scene.shop.call_with(op, &id, part_view(&id, amount, "card"), vec![]);
            assert!(done(&scene.answer(&call)), "{parts:?}");
        }
        let void = scene.shop.call_with("payments.void", "rest", card_view("card", rest), vec![]);
        assert!(done(&scene.answer(&void)), "{parts:?}");
        let accounts = scene.accounts();
        assert_eq!(accounts.is_clean(), clean, "{parts:?} {rest}: {accounts:?}");
        assert_eq!(accounts.resource("CardMoney").unwrap().parts, parts.len() as u64);
        if !clean {
            assert!(matches!(accounts.unsettled[0].why, Why::Amounts { .. }));
        }
    }
}

#[test]
fn parts_never_exceed_the_whole() {
    let mut scene = Scene::calm();
    let authorise = scene.shop.authorise("card", "100.00");
    scene.send(&authorise);
    for (id, amount, fits) in [("card/0", "70.00", true), ("card/1", "40.00", false), ("card/2", "30.00", true)] {
        let call = scene.shop.call_with("payments.capture", id, part_view(id, amount, "card"), vec![]);
        assert_eq!(done(&scene.answer(&call)), fits, "{id}");
    }
    let accounts = scene.accounts();
    assert_eq!(accounts.op("payments.capture").unwrap().misuses, 1);
    assert!(accounts.is_clean(), "a whole of which everything was taken needs no closing: {accounts:?}");
}

#[test]
fn a_part_that_is_closed_after_its_own_parts_or_its_whole_still_counts() {
    let mut scene = Scene::calm();
    let authorise = scene.shop.authorise("card", "100.00");
    scene.send(&authorise);
    // The whole's rest (40) goes first, then the rest (10) of part 0, then the part (50) taken from that.
    for (op, view) in [
        ("payments.void", card_view("card", "40.00")),
        ("payments.void", part_view("card/0", "10.00", "card")),
        ("payments.capture", part_view("card/0/0", "50.00", "card/0")),
    ] {
        let key = format!("{:?}", view.fields[0]);
        let call = scene.shop.call_with(op, &key, view, vec![]);
        assert!(done(&scene.answer(&call)), "{key}");
    }
    let accounts = scene.accounts();
    assert!(accounts.is_clean(), "{accounts:?}");
    assert_eq!(accounts.resource("CardMoney").unwrap().amounts["captured"], ["50.00 EUR"]);
    assert_eq!(accounts.resource("CardMoney").unwrap().amounts["voided"], ["50.00 EUR"]);
}

#[test]
fn what_is_left_open_is_named() {
    let mut scene = Scene::calm();
    let (authorise, hold) = (scene.shop.authorise("card", "50.00"), scene.shop.hold("hold", &[("tent", 1)]));
    scene.send(&authorise);
    scene.send(&hold);
    let named: Vec<_> = scene.accounts().unsettled.iter().map(|one| (one.id.clone(), one.why.clone())).collect();
    assert_eq!(named, [("card".to_owned(), Why::Open), ("hold".to_owned(), Why::Open)]);
}

#[test]
fn a_key_counts_as_long_as_it_is_kept() {
    for (later, effects) in [(AUTHORISE_KEPT_MS - 1, 1), (AUTHORISE_KEPT_MS, 2)] {
        let mut scene = Scene::calm();
        let first = scene.shop.authorise("card", "50.00");
        scene.send(&first);
        let again = scene.answer(&Call { attempt: 2, at: later, ..first });
        assert!(done(&again));
        let accounts = scene.accounts();
        assert_eq!(accounts.op("payments.authorise").unwrap().effects, effects);
        assert_eq!(accounts.doubled.len() as u64, effects - 1);
    }
}

#[test]
fn a_call_in_a_state_that_it_does_not_take_is_refused_for_good() {
    let mut scene = Scene::calm();
    let hold = scene.shop.hold("hold", &[("tent", 1)]);
    scene.send(&hold);
    let commit = scene.shop.call_with("inventory.commit", "c", hold_view("hold"), vec![]);
    assert!(done(&scene.answer(&commit)));
    let release = scene.shop.call_with("inventory.release", "r", hold_view("hold"), vec![]);
    assert!(matches!(scene.answer(&release), Answer::Rejected(_)));
    let never = scene.shop.call_with("inventory.commit", "n", hold_view("another"), vec![]);
    assert!(matches!(scene.answer(&never), Answer::Rejected(_)), "commit takes no maybe_held");
    let accounts = scene.accounts();
    assert_eq!(accounts.misuses.len(), 2, "{:?}", accounts.misuses);
    assert!(accounts.misuses[0].contains("StockHold `hold` is committed"), "{}", accounts.misuses[0]);
}

#[test]
fn settling_is_never_refused_by_chance() {
    let mut scene = Scene::of(rates("payments", errors(&[("AlreadyCaptured", 1.0)])));
    let authorise = scene.shop.authorise("card", "50.00");
    scene.send(&authorise);
    let void = scene.shop.call_with("payments.void", "v", card_view("card", "50.00"), vec![]);
    assert!(done(&scene.answer(&void)));
}

#[test]
fn what_was_undone_is_counted() {
    let mut scene = Scene::calm();
    for order in ["order-1", "order-2"] {
        let post = scene.shop.call("erp.post_invoice", order, vec![text(order), eur("9.99")]);
        let Answer::Done(invoice) = scene.answer(&post) else { panic!("an invoice") };
        if order == "order-1" {
            let note = scene.shop.call("erp.post_credit_note", order, vec![text(order), invoice]);
            assert!(done(&scene.answer(&note)));
        }
    }
    let undone = scene.accounts().op("erp.post_invoice").unwrap().undone.unwrap();
    assert_eq!((undone.effects, undone.undone), (2, 1));
}

#[test]
fn parts_that_nobody_touched_lapse_with_their_time() {
    let mut scene = Scene::calm();
    let authorise = scene.shop.authorise("card", "100.00");
    let Answer::Done(Value::Record(fields)) = scene.answer(&authorise) else { panic!("money is set aside") };
    let Value::Instant(end) = fields[2] else { panic!("it says until when") };
    let void = scene.shop.call_with("payments.void", "v", card_view("card", "40.00"), vec![]);
    assert!(done(&scene.answer(&void)));
    assert_eq!(scene.world.accounts(end - 1).unsettled.len(), 1, "60 are set aside for parts that nobody closed");
    let accounts = scene.world.accounts(end);
    assert!(accounts.is_clean(), "{accounts:?}");
    assert_eq!(accounts.resource("CardMoney").unwrap().amounts["lapsed"], ["60.00 EUR"]);

    // The other way round: a part is seen when its time is up, and the rest is let go after it.
    let mut scene = Scene::calm();
    scene.send(&authorise);
    let capture = at(scene.shop.call_with("payments.capture", "c", part_view("card/0", "60.00", "card"), vec![]), end);
    assert!(is_error(&scene.answer(&capture), ty::CAPTURE_FAILED));
    let void = at(scene.shop.call_with("payments.void", "v", card_view("card", "40.00"), vec![]), end);
    assert!(done(&scene.answer(&void)));
    let accounts = scene.accounts();
    assert!(accounts.is_clean(), "{accounts:?}");
    assert_eq!(accounts.resource("CardMoney").unwrap().amounts["lapsed"], ["60.00 EUR"]);
}

#[test]
fn an_error_of_unknown_outcome_may_hide_an_effect() {
    let mut bundle = shop();
    bundle.systems[1].ops[0].raises[0].outcome_unknown = true;
    let config = rates("payments", errors(&[("Declined", 1.0)]));
    let mut world = World::open(Arc::new(bundle), config, Held::default(), Box::new(MemoryLog::default())).unwrap();
    let (mut acted, mut not) = (0, 0);
    for n in 0..100 {
        let call = Shop::default().authorise(&format!("card-{n}"), "50.00");
        assert!(is_error(&world.call(RunId(1), &call).unwrap().answer, ty::DECLINED));
        // A repetition under the key tells what became of it, and does nothing again.
        let answer = world.call(RunId(1), &Call { attempt: 2, at: 9_000, ..call }).unwrap().answer;
        assert!(done(&answer) || is_error(&answer, ty::DECLINED));
        *if done(&answer) { &mut acted } else { &mut not } += 1;
    }
    assert!(acted > 25 && not > 25, "{acted} acted, {not} didn't");
    assert_eq!(world.accounts(0).op("payments.authorise").unwrap().effects, acted);
    assert_eq!(world.accounts(0).resource("CardMoney").unwrap().opened, acted);
}
