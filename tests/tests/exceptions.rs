//! The exceptions of the two flows, one order each: what the customer is told, what the systems are asked to do, and
//! what becomes of money and stock. `workflows/README.md` describes them.
mod single;

use single::{
    Case, Fate, HOUR, MINUTE, Told,
    cases::{COLLECTED, Expected, PARTLY, PICK, PICKED, PICKED_UP, SHIP, SHIPPED},
};

fn check(cases: &[Expected]) {
    for Expected { name, case, story, money, stock } in cases {
        let told = case.play();
        let expected: Vec<String> =
            story.split(';').map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(told.story, expected, "{name}");
        assert_eq!((told.money.as_str(), told.stock.as_str()), (*money, *stock), "{name}");
    }
}

#[test]
fn each_exception_of_order_to_fulfilment_runs_as_described() {
    check(SHIPPED);
}

#[test]
fn each_exception_of_pickup_in_store_runs_as_described() {
    check(PICKED_UP);
}

/// Plays the case cancelled during each operation, in worlds of several seeds.
fn cancelled_anywhere(case: &Case, ops: &[&'static str], mut judge: impl FnMut(&Told)) {
    for op in ops {
        for seed in 0..3 {
            let told = Case { seed, rough: true, cancelled_during: Some(op), ..case.clone() }.play();
            assert_eq!(told.count("mail return_instead"), told.count("emit CancelRejected"), "{told:?}");
            judge(&told);
        }
    }
}

#[test]
fn a_cancellation_at_any_step_leaves_charged_what_was_sent() {
    let ops = [
        "inventory.check",
        "inventory.commit",
        "inventory.hold",
        "inventory.request_count",
        "notify.send",
        "oms.create_parcel",
        "oms.route",
        "erp.post_invoice",
        "payments.authorise",
        "payments.capture",
        "payments.void",
        "wms.cancel_order",
        "wms.release_order",
    ];
    let fates: [&[Fate]; 3] = [
        &[Fate::Leaves(6 * HOUR), Fate::Leaves(9 * HOUR)],
        &[Fate::ShortPicked(2 * HOUR), Fate::Leaves(4 * HOUR), Fate::Leaves(4 * HOUR)],
        &[Fate::Silence, Fate::ShortPicked(3 * HOUR), Fate::Silence, Fate::Leaves(HOUR)],
    ];
    let (mut cancelled, mut partly, mut too_late) = (0, 0, 0);
    for parcels in fates {
        let case = Case { lines: &["standard", "bulky"], parcels, ..SHIP };
        cancelled_anywhere(&case, &ops, |told| {
            let sent = told.count("inventory.commit");
            for step in ["payments.capture", "erp.post_invoice", "mail parcel_sent", "status dispatched of a parcel"] {
                assert_eq!(told.count(step), sent, "{step}, {told:?}");
            }
            assert_eq!(told.money.contains(&format!("captured {sent}0.00 EUR")), sent > 0, "{told:?}");
            assert_eq!(told.stock.contains(&format!("committed {sent}")), sent > 0, "{told:?}");
            let stopped = told.count("ended cancelled");
            assert_eq!(stopped, told.count("mail rest_cancelled"), "{told:?}");
            assert!(stopped + told.count("mail return_instead") <= 1, "{told:?}");
            cancelled += stopped;
            partly += stopped * sent.min(1);
            too_late += told.count("mail return_instead");
        });
    }
    assert!(cancelled > partly && partly > 0 && too_late > 0, "{cancelled} {partly} {too_late}");
}

#[test]
fn a_cancelled_pickup_is_charged_only_when_it_was_collected() {
    let ops = [
        "inventory.commit",
        "inventory.hold",
        "inventory.release",
        "inventory.release_lines",
        "notify.send",
        "erp.post_invoice",
        "payments.authorise",
        "payments.capture",
        "store_ops.assign_pick",
        "store_ops.cancel_pick",
        "store_ops.stage",
        "wms.release_order",
    ];
    let picked = Case { events: &[(20 * MINUTE, PICKED, ""), (3 * HOUR, COLLECTED, "")], ..PICK };
    let partly = Case { events: &[(20 * MINUTE, PARTLY, r#""missing":["A"]"#), (3 * HOUR, COLLECTED, "")], ..PICK };
    let silent = Case { parcels: &[Fate::Leaves(3 * HOUR)], ..PICK };
    let (mut cancelled, mut too_late) = (0, 0);
    for (case, captured) in
        [(picked, "captured 20.00 EUR"), (partly, "captured 10.00 EUR"), (silent, "captured 20.00 EUR")]
    {
        cancelled_anywhere(&case, &ops, |told| {
            let stopped = told.count("ended cancelled") + told.count("send_home: ended cancelled");
            assert_eq!(stopped, told.count("mail order_cancelled") + told.count("send_home: mail order_cancelled"));
            assert_eq!(told.money.contains(captured), stopped == 0, "{told:?}");
            assert_eq!(told.stock.contains("committed 1"), stopped == 0, "{told:?}");
            cancelled += stopped;
            too_late += told.count("mail return_instead");
        });
    }
    assert!(cancelled > 0 && too_late > 0, "{cancelled} {too_late}");
}

/// Exception 5. How long the bank's promise lives differs from bank to bank; where it would not last for a second try,
/// it is renewed, and where the bank declines that, its lines are dropped. It is charged once in any case.
#[test]
fn card_money_that_would_not_outlive_the_second_try_is_renewed() {
    let late = Case { parcels: &[Fate::Silence, Fate::Leaves(6 * HOUR)], ..SHIP };
    let (renewed, kept): (Vec<u64>, Vec<u64>) =
        (0..40).partition(|seed| Case { seed: *seed, ..late.clone() }.play().count("payments.authorise") == 2);
    assert!(!renewed.is_empty() && !kept.is_empty(), "banks differ");
    for seed in renewed {
        let told = Case { seed, ..late.clone() }.play();
        assert_eq!(told.money, "captured 10.00 EUR, voided 10.00 EUR");
        let declined = Case { seed, refused: &[("payments.authorise", 2, "Declined")], ..late.clone() }.play();
        assert_eq!(declined.money, "voided 10.00 EUR");
        assert_eq!(declined.stock, "released 1");
        assert!(declined.story.contains(&"mail order_unavailable".to_owned()));
        assert_eq!(declined.story.last().map(String::as_str), Some("ended unavailable"));
    }
    for seed in kept {
        assert_eq!(Case { seed, ..late.clone() }.play().money, "captured 10.00 EUR");
    }
}
