//! What has to come of each exception.
use super::{Case, DAY, Fate, HOUR, MINUTE};

pub(crate) const PLACED: &str = "retail.order.placed.v1";
pub(crate) const CANCEL: &str = "retail.order.cancel_requested.v1";
pub(crate) const PICKED: &str = "retail.fulfilment.picked.v1";
pub(crate) const PARTLY: &str = "retail.pickup.partly_picked.v1";
pub(crate) const REJECTED: &str = "retail.fulfilment.rejected.v1";
pub(crate) const COLLECTED: &str = "retail.pickup.collected.v1";

/// A case and what has to come of it.
pub(crate) struct Expected {
    pub(crate) name: &'static str,
    pub(crate) case: Case,
    /// Separated by `;`.
    pub(crate) story: &'static str,
    pub(crate) money: &'static str,
    pub(crate) stock: &'static str,
}

/// One line to be sent.
pub(crate) const SHIP: Case = Case { lines: &["standard"], ..Case::NOTHING };

/// Two lines to be picked up.
pub(crate) const PICK: Case = Case { lines: &["standard", "standard"], pickup: true, ..Case::NOTHING };

/// `ship_order`.
pub(crate) const SHIPPED: &[Expected] = &[
    Expected {
        name: "in stock, sent and charged",
        case: Case { parcels: &[Fate::Leaves(6 * HOUR)], ..SHIP },
        story: "
            status received; payments.authorise; status accepted; emit OrderAccepted; mail order_accepted;
            inventory.commit; payments.capture; erp.post_invoice; mail parcel_sent; status dispatched of a parcel;
            payments.void; status shipped; ended shipped
        ",
        money: "captured 10.00 EUR",
        stock: "committed 1",
    },
    Expected {
        name: "1: a line is missing, the rest is sent",
        case: Case {
            lines: &["standard", "standard"],
            refused: &[("inventory.check", 2, "OutOfStock")],
            parcels: &[Fate::Leaves(6 * HOUR)],
            ..SHIP
        },
        story: "
            status received; payments.authorise; status accepted; emit OrderAccepted; mail order_accepted; mail
            lines_cancelled; emit OrderCancelled B, out_of_stock; inventory.commit; payments.capture; erp.post_invoice;
            mail parcel_sent; status dispatched of a parcel; payments.void; status shipped; ended shipped
        ",
        money: "captured 10.00 EUR, voided 10.00 EUR",
        stock: "committed 1",
    },
    Expected {
        name: "1: nothing is there",
        case: Case { refused: &[("inventory.check", 1, "OutOfStock")], ..SHIP },
        story: "
            status received; payments.authorise; payments.void; mail order_unavailable; emit OrderCancelled A,
            out_of_stock, nothing is left; status unavailable; ended unavailable
        ",
        money: "voided 10.00 EUR",
        stock: "",
    },
    Expected {
        name: "2: two places, each parcel is charged when it has left",
        case: Case {
            lines: &["standard", "bulky"],
            parcels: &[Fate::Leaves(6 * HOUR), Fate::Leaves(9 * HOUR)],
            ..SHIP
        },
        story: "
            status received; payments.authorise; status accepted; emit OrderAccepted; mail order_accepted;
            inventory.commit; payments.capture; erp.post_invoice; mail parcel_sent; status dispatched of a parcel;
            inventory.commit; payments.capture; erp.post_invoice; mail parcel_sent; status dispatched of a parcel;
            payments.void; status shipped; ended shipped
        ",
        money: "captured 20.00 EUR",
        stock: "committed 2",
    },
    Expected {
        name: "the bank says no",
        case: Case { refused: &[("payments.authorise", 1, "Declined")], ..SHIP },
        story: "
            status received; payments.authorise; mail order_refused; emit OrderCancelled A, payment_declined, nothing
            is left; status refused; ended refused
        ",
        money: "",
        stock: "",
    },
    Expected {
        name: "6: goods gone, charge failed, nobody pays",
        case: Case { parcels: &[Fate::Leaves(6 * HOUR)], capture_fails: true, ..SHIP },
        story: "
            status received; payments.authorise; status accepted; emit OrderAccepted; mail order_accepted;
            inventory.commit; payments.capture; erp.open_receivable; erp.post_invoice; collect_debt: status asking;
            collect_debt: payments.send_pay_link; mail parcel_sent; status dispatched of a parcel; payments.void;
            status shipped; ended shipped; collect_debt: payments.send_pay_link; collect_debt: payments.send_pay_link;
            collect_debt: erp.hand_to_collection; collect_debt: status handed_over; collect_debt: ended handed_over
        ",
        money: "lapsed 10.00 EUR",
        stock: "committed 1",
    },
    Expected {
        name: "6: goods gone, charge failed, paid by link",
        case: Case { parcels: &[Fate::Leaves(6 * HOUR)], capture_fails: true, pays_debts: true, ..SHIP },
        story: "
            status received; payments.authorise; status accepted; emit OrderAccepted; mail order_accepted;
            inventory.commit; payments.capture; erp.open_receivable; erp.post_invoice; collect_debt: status asking;
            collect_debt: payments.send_pay_link; mail parcel_sent; status dispatched of a parcel; payments.void;
            status shipped; ended shipped; collect_debt: erp.close_receivable; collect_debt: status settled;
            collect_debt: ended settled
        ",
        money: "lapsed 10.00 EUR",
        stock: "committed 1",
    },
    Expected {
        name: "10: short pick, another place sends it",
        case: Case { parcels: &[Fate::ShortPicked(3 * HOUR), Fate::Leaves(6 * HOUR)], ..SHIP },
        story: "
            status received; payments.authorise; status accepted; emit OrderAccepted; mail order_accepted;
            inventory.request_count; wms.cancel_order; oms.cancel_parcel; inventory.release; inventory.commit;
            payments.capture; erp.post_invoice; mail parcel_sent; status dispatched of a parcel; payments.void; status
            shipped; ended shipped
        ",
        money: "captured 10.00 EUR",
        stock: "committed 1, released 1",
    },
    Expected {
        name: "10: no stock at the place after all, another one sends it",
        case: Case { refused: &[("inventory.hold", 1, "OutOfStock")], parcels: &[Fate::Leaves(6 * HOUR)], ..SHIP },
        story: "
            status received; payments.authorise; status accepted; emit OrderAccepted; mail order_accepted;
            inventory.commit; payments.capture; erp.post_invoice; mail parcel_sent; status dispatched of a parcel;
            payments.void; status shipped; ended shipped
        ",
        money: "captured 10.00 EUR",
        stock: "committed 1",
    },
    Expected {
        name: "10: one of two parcels fails twice and is dropped",
        case: Case {
            lines: &["standard", "bulky"],
            parcels: &[Fate::ShortPicked(3 * HOUR), Fate::Leaves(4 * HOUR), Fate::ShortPicked(3 * HOUR)],
            ..SHIP
        },
        story: "
            status received; payments.authorise; status accepted; emit OrderAccepted; mail order_accepted;
            inventory.request_count; wms.cancel_order; oms.cancel_parcel; inventory.release; inventory.commit;
            payments.capture; erp.post_invoice; mail parcel_sent; status dispatched of a parcel;
            inventory.request_count; wms.cancel_order; oms.cancel_parcel; inventory.release; payments.void; mail
            lines_cancelled; emit OrderCancelled B, out_of_stock; payments.void; status shipped; ended shipped
        ",
        money: "captured 10.00 EUR, voided 10.00 EUR",
        stock: "committed 1, released 2",
    },
    Expected {
        name: "10: the only parcel fails twice",
        case: Case { parcels: &[Fate::ShortPicked(3 * HOUR), Fate::Silence], ..SHIP },
        story: "
            status received; payments.authorise; status accepted; emit OrderAccepted; mail order_accepted;
            inventory.request_count; wms.cancel_order; oms.cancel_parcel; inventory.release; wms.cancel_order;
            oms.cancel_parcel; inventory.release; payments.void; payments.void; mail order_unavailable; emit
            OrderCancelled A, out_of_stock, nothing is left; status unavailable; ended unavailable
        ",
        money: "voided 10.00 EUR",
        stock: "released 2",
    },
    Expected {
        name: "11: cancelled while both parcels are packed",
        case: Case {
            lines: &["standard", "bulky"],
            parcels: &[Fate::Leaves(6 * HOUR), Fate::Leaves(9 * HOUR)],
            events: &[(2 * HOUR, CANCEL, r#""reason":"late""#)],
            ..SHIP
        },
        story: "
            status received; payments.authorise; status accepted; emit OrderAccepted; mail order_accepted;
            wms.cancel_order; wms.cancel_order; oms.cancel_parcel; inventory.release; oms.cancel_parcel; payments.void;
            inventory.release; payments.void; payments.void; mail rest_cancelled; emit OrderRestCancelled, customer;
            status cancelled; ended cancelled
        ",
        money: "voided 20.00 EUR",
        stock: "released 2",
    },
    Expected {
        name: "11: cancelled when one parcel has left",
        case: Case {
            lines: &["standard", "bulky"],
            parcels: &[Fate::Leaves(3 * HOUR), Fate::Leaves(9 * HOUR)],
            events: &[(5 * HOUR, CANCEL, r#""reason":"late""#)],
            ..SHIP
        },
        story: "
            status received; payments.authorise; status accepted; emit OrderAccepted; mail order_accepted;
            inventory.commit; payments.capture; erp.post_invoice; mail parcel_sent; status dispatched of a parcel;
            wms.cancel_order; oms.cancel_parcel; inventory.release; payments.void; payments.void; mail rest_cancelled;
            emit OrderRestCancelled, customer; status cancelled; ended cancelled
        ",
        money: "captured 10.00 EUR, voided 10.00 EUR",
        stock: "committed 1, released 1",
    },
    Expected {
        name: "11: cancelled while the only parcel is booked: it is finished first",
        case: Case { parcels: &[Fate::Leaves(3 * HOUR)], cancelled_during: Some("erp.post_invoice"), ..SHIP },
        story: "
            status received; payments.authorise; status accepted; emit OrderAccepted; mail order_accepted;
            inventory.commit; payments.capture; erp.post_invoice; mail parcel_sent; status dispatched of a parcel;
            payments.void; mail rest_cancelled; emit OrderRestCancelled, customer; status cancelled; ended cancelled
        ",
        money: "captured 10.00 EUR",
        stock: "committed 1",
    },
    Expected {
        name: "11: too late, everything has left",
        case: Case { parcels: &[Fate::Leaves(3 * HOUR)], cancelled_during: Some("payments.void"), ..SHIP },
        story: "
            status received; payments.authorise; status accepted; emit OrderAccepted; mail order_accepted;
            inventory.commit; payments.capture; erp.post_invoice; mail parcel_sent; status dispatched of a parcel;
            payments.void; mail return_instead; emit CancelRejected; status shipped; ended shipped
        ",
        money: "captured 10.00 EUR",
        stock: "committed 1",
    },
    Expected {
        name: "11: a week after all has left, twice, and when nobody answers any more",
        case: Case {
            parcels: &[Fate::Leaves(3 * HOUR)],
            events: &[
                (7 * DAY, CANCEL, r#""reason":"late""#),
                (8 * DAY, CANCEL, r#""reason":"later""#),
                (8 * DAY, CANCEL, r#"="reason":"later""#),
                (91 * DAY, CANCEL, r#""reason":"too late""#),
            ],
            ..SHIP
        },
        story: "
            status received; payments.authorise; status accepted; emit OrderAccepted; mail order_accepted;
            inventory.commit; payments.capture; erp.post_invoice; mail parcel_sent; status dispatched of a parcel;
            payments.void; status shipped; ended shipped;
            ship_order#late CancelRequested: mail return_instead; ship_order#late CancelRequested: emit CancelRejected;
            ship_order#late CancelRequested: ended completed;
            ship_order#late CancelRequested: mail return_instead; ship_order#late CancelRequested: emit CancelRejected;
            ship_order#late CancelRequested: ended completed
        ",
        money: "captured 10.00 EUR",
        stock: "committed 1",
    },
    Expected {
        name: "11: after the bank has said no there is nothing to send back",
        case: Case {
            refused: &[("payments.authorise", 1, "Declined")],
            events: &[(7 * DAY, CANCEL, r#""reason":"late""#)],
            ..SHIP
        },
        story: "
            status received; payments.authorise; mail order_refused; emit OrderCancelled A, payment_declined, nothing
            is left; status refused; ended refused
        ",
        money: "",
        stock: "",
    },
    Expected {
        name: "16: the cancellation came before its order",
        case: Case { events: &[(-MINUTE, CANCEL, r#""reason":"late""#)], ..SHIP },
        story: "
            status received; payments.authorise; payments.void; mail rest_cancelled; emit OrderRestCancelled, customer;
            status cancelled; ended cancelled
        ",
        money: "voided 10.00 EUR",
        stock: "",
    },
    Expected {
        name: "16: cancelled twice, ordered twice",
        case: Case {
            parcels: &[Fate::Leaves(3 * HOUR)],
            events: &[
                (HOUR, CANCEL, r#""reason":"late""#),
                (2 * HOUR, CANCEL, r#"="reason":"late""#),
                (DAY, PLACED, ""),
            ],
            ..SHIP
        },
        story: "
            status received; payments.authorise; status accepted; emit OrderAccepted; mail order_accepted;
            wms.cancel_order; oms.cancel_parcel; inventory.release; payments.void; payments.void; mail rest_cancelled;
            emit OrderRestCancelled, customer; status cancelled; ended cancelled
        ",
        money: "voided 10.00 EUR",
        stock: "released 1",
    },
];

/// `pickup_in_store` and `send_home`.
pub(crate) const PICKED_UP: &[Expected] = &[
    Expected {
        name: "picked, collected, charged",
        case: Case { events: &[(20 * MINUTE, PICKED, ""), (3 * HOUR, COLLECTED, "")], ..PICK },
        story: "
            status received; status picking; payments.authorise; store_ops.stage; status ready; emit OrderAccepted;
            emit PickupReady; mail ready_for_pickup; inventory.commit; payments.capture; erp.post_invoice; status
            collected; ended collected
        ",
        money: "captured 20.00 EUR",
        stock: "committed 1",
    },
    Expected {
        name: "1: the shop refuses, sent home",
        case: Case {
            events: &[(20 * MINUTE, REJECTED, r#""reason":"damaged""#)],
            parcels: &[Fate::Leaves(5 * HOUR)],
            ..PICK
        },
        story: "
            status received; status picking; inventory.request_count; store_ops.cancel_pick; inventory.release;
            send_home: status packing; send_home: payments.authorise; send_home: emit OrderAccepted; send_home: mail
            sent_instead; send_home: inventory.commit; send_home: payments.capture; send_home: erp.post_invoice;
            send_home: mail parcel_sent; send_home: status sent; send_home: ended sent; status rerouted; ended rerouted
        ",
        money: "captured 20.00 EUR",
        stock: "committed 1, released 1",
    },
    Expected {
        name: "1: the shop is silent, and nobody else has it",
        case: Case { parcels: &[Fate::ShortPicked(5 * HOUR)], ..PICK },
        story: "
            status received; status picking; store_ops.cancel_pick; inventory.release; send_home: status packing;
            send_home: payments.authorise; send_home: emit OrderAccepted; send_home: mail sent_instead; send_home:
            inventory.request_count; send_home: wms.cancel_order; send_home: oms.cancel_parcel; send_home:
            payments.void; send_home: inventory.release; send_home: mail order_unavailable; send_home: emit
            OrderCancelled A B, out_of_stock, nothing is left; send_home: status unavailable; send_home: ended
            unavailable; status rerouted; ended rerouted
        ",
        money: "voided 20.00 EUR",
        stock: "released 2",
    },
    Expected {
        name: "1: the shop finds nothing",
        case: Case {
            events: &[(20 * MINUTE, PARTLY, r#""missing":["A","B"]"#)],
            parcels: &[Fate::Leaves(5 * HOUR)],
            ..PICK
        },
        story: "
            status received; status picking; inventory.request_count; store_ops.cancel_pick; inventory.release;
            send_home: status packing; send_home: payments.authorise; send_home: emit OrderAccepted; send_home: mail
            sent_instead; send_home: inventory.commit; send_home: payments.capture; send_home: erp.post_invoice;
            send_home: mail parcel_sent; send_home: status sent; send_home: ended sent; status rerouted; ended rerouted
        ",
        money: "captured 20.00 EUR",
        stock: "committed 1, released 1",
    },
    Expected {
        name: "1: not in the shop's stock, refused by the bank",
        case: Case { refused: &[("inventory.hold", 1, "OutOfStock"), ("payments.authorise", 1, "Declined")], ..PICK },
        story: "
            status received; send_home: status packing; send_home: payments.authorise; send_home: inventory.release;
            send_home: mail order_refused; send_home: emit OrderCancelled A B, payment_declined, nothing is left;
            send_home: status refused; send_home: ended refused; status rerouted; ended rerouted
        ",
        money: "",
        stock: "released 1",
    },
    Expected {
        name: "1: sent home, cancelled on the way",
        case: Case {
            events: &[(20 * MINUTE, REJECTED, r#""reason":"closed""#), (2 * HOUR, CANCEL, r#""reason":"late""#)],
            parcels: &[Fate::Leaves(5 * HOUR)],
            ..PICK
        },
        story: "
            status received; status picking; inventory.request_count; store_ops.cancel_pick; inventory.release;
            send_home: status packing; send_home: payments.authorise; send_home: emit OrderAccepted; send_home: mail
            sent_instead; send_home: wms.cancel_order; send_home: oms.cancel_parcel; send_home: payments.void;
            send_home: inventory.release; send_home: mail order_cancelled; send_home: emit OrderCancelled A B,
            customer, nothing is left; send_home: status cancelled; send_home: ended cancelled; status rerouted; ended
            rerouted
        ",
        money: "voided 20.00 EUR",
        stock: "released 2",
    },
    Expected {
        name: "2: a part is picked, the rest is cancelled",
        case: Case { events: &[(20 * MINUTE, PARTLY, r#""missing":["A"]"#), (3 * HOUR, COLLECTED, "")], ..PICK },
        story: "
            status received; status picking; inventory.request_count; inventory.release_lines; mail lines_cancelled;
            emit OrderCancelled A, out_of_stock; payments.authorise; store_ops.stage; status ready; emit OrderAccepted;
            emit PickupReady; mail ready_for_pickup; inventory.commit; payments.capture; erp.post_invoice; status
            collected; ended collected
        ",
        money: "captured 10.00 EUR",
        stock: "committed 1",
    },
    Expected {
        name: "2: a part is picked, then the bank says no",
        case: Case {
            events: &[(20 * MINUTE, PARTLY, r#""missing":["A"]"#)],
            refused: &[("payments.authorise", 1, "Declined")],
            ..PICK
        },
        story: "
            status received; status picking; inventory.request_count; inventory.release_lines; mail lines_cancelled;
            emit OrderCancelled A, out_of_stock; payments.authorise; store_ops.cancel_pick; inventory.release; mail
            order_refused; emit OrderCancelled B, payment_declined, nothing is left; status refused; ended refused
        ",
        money: "",
        stock: "released 1",
    },
    Expected {
        name: "4: reminded twice, then collected",
        case: Case { events: &[(20 * MINUTE, PICKED, ""), (3 * DAY, COLLECTED, "")], ..PICK },
        story: "
            status received; status picking; payments.authorise; store_ops.stage; status ready; emit OrderAccepted;
            emit PickupReady; mail ready_for_pickup; mail pickup_reminder; mail pickup_reminder; inventory.commit;
            payments.capture; erp.post_invoice; status collected; ended collected
        ",
        money: "captured 20.00 EUR",
        stock: "committed 1",
    },
    Expected {
        name: "4 and 5: reminded three times, nobody comes",
        case: Case { events: &[(20 * MINUTE, PICKED, "")], ..PICK },
        story: "
            status received; status picking; payments.authorise; store_ops.stage; status ready; emit OrderAccepted;
            emit PickupReady; mail ready_for_pickup; mail pickup_reminder; mail pickup_reminder; mail pickup_reminder;
            payments.void; store_ops.cancel_pick; inventory.release; mail pickup_expired; emit PickupExpired; emit
            OrderCancelled A B, not_collected, nothing is left; status expired; ended expired
        ",
        money: "voided 20.00 EUR",
        stock: "released 1",
    },
    Expected {
        name: "the charge fails at the counter",
        case: Case {
            events: &[(20 * MINUTE, PICKED, ""), (3 * HOUR, COLLECTED, "")],
            capture_fails: true,
            pays_debts: true,
            ..PICK
        },
        story: "
            status received; status picking; payments.authorise; store_ops.stage; status ready; emit OrderAccepted;
            emit PickupReady; mail ready_for_pickup; inventory.commit; payments.capture; erp.open_receivable;
            erp.post_invoice; collect_debt: status asking; collect_debt: payments.send_pay_link; status collected;
            ended collected; collect_debt: erp.close_receivable; collect_debt: status settled; collect_debt: ended
            settled
        ",
        money: "lapsed 20.00 EUR",
        stock: "committed 1",
    },
    Expected {
        name: "cancelled before the pick",
        case: Case { cancelled_during: Some("store_ops.assign_pick"), ..PICK },
        story: "
            status received; status picking; store_ops.cancel_pick; inventory.release; mail order_cancelled; emit
            OrderCancelled A B, customer, nothing is left; status cancelled; ended cancelled
        ",
        money: "",
        stock: "released 1",
    },
    Expected {
        name: "cancelled when it lies in the shelf",
        case: Case {
            events: &[(20 * MINUTE, PICKED, ""), (HOUR, CANCEL, r#""reason":"late""#), (3 * HOUR, COLLECTED, "")],
            ..PICK
        },
        story: "
            status received; status picking; payments.authorise; store_ops.stage; status ready; emit OrderAccepted;
            emit PickupReady; mail ready_for_pickup; payments.void; store_ops.cancel_pick; inventory.release; mail
            order_cancelled; emit OrderCancelled A B, customer, nothing is left; status cancelled; ended cancelled
        ",
        money: "voided 20.00 EUR",
        stock: "released 1",
    },
    Expected {
        name: "cancelled at the counter: too late",
        case: Case {
            events: &[(20 * MINUTE, PICKED, ""), (3 * HOUR, COLLECTED, "")],
            cancelled_during: Some("inventory.commit"),
            ..PICK
        },
        story: "
            status received; status picking; payments.authorise; store_ops.stage; status ready; emit OrderAccepted;
            emit PickupReady; mail ready_for_pickup; inventory.commit; mail return_instead; emit CancelRejected;
            payments.capture; erp.post_invoice; status collected; ended collected
        ",
        money: "captured 20.00 EUR",
        stock: "committed 1",
    },
    Expected {
        name: "events early, twice and out of order",
        case: Case {
            events: &[
                (-MINUTE, PICKED, ""),
                (-MINUTE, PICKED, "="),
                (0, COLLECTED, ""),
                (2 * HOUR, COLLECTED, "="),
                (3 * HOUR, PICKED, ""),
                (4 * HOUR, CANCEL, r#""reason":"late""#),
            ],
            ..PICK
        },
        story: "
            status received; status picking; payments.authorise; store_ops.stage; status ready; emit OrderAccepted;
            emit PickupReady; mail ready_for_pickup; inventory.commit; payments.capture; erp.post_invoice; status
            collected; ended collected; pickup_in_store#late CancelRequested: mail return_instead;
            pickup_in_store#late CancelRequested: emit CancelRejected;
            pickup_in_store#late CancelRequested: ended completed
        ",
        money: "captured 20.00 EUR",
        stock: "committed 1",
    },
    Expected {
        name: "nothing to send back: cancelled when nobody had come for it",
        case: Case { events: &[(20 * MINUTE, PICKED, ""), (6 * DAY, CANCEL, r#""reason":"late""#)], ..PICK },
        story: "
            status received; status picking; payments.authorise; store_ops.stage; status ready; emit OrderAccepted;
            emit PickupReady; mail ready_for_pickup; mail pickup_reminder; mail pickup_reminder; mail pickup_reminder;
            payments.void; store_ops.cancel_pick; inventory.release; mail pickup_expired; emit PickupExpired; emit
            OrderCancelled A B, not_collected, nothing is left; status expired; ended expired
        ",
        money: "voided 20.00 EUR",
        stock: "released 1",
    },
    Expected {
        name: "sent home, and cancelled a week later: send_home answers, and nobody else",
        case: Case {
            parcels: &[Fate::Leaves(3 * HOUR)],
            events: &[(20 * MINUTE, REJECTED, r#""reason":"closed""#), (7 * DAY, CANCEL, r#""reason":"late""#)],
            ..PICK
        },
        story: "
            status received; status picking; inventory.request_count; store_ops.cancel_pick; inventory.release;
            send_home: status packing; send_home: payments.authorise; send_home: emit OrderAccepted;
            send_home: mail sent_instead; send_home: inventory.commit; send_home: payments.capture;
            send_home: erp.post_invoice; send_home: mail parcel_sent; send_home: status sent; send_home: ended sent;
            status rerouted; ended rerouted; send_home#late CancelRequested: mail return_instead;
            send_home#late CancelRequested: emit CancelRejected; send_home#late CancelRequested: ended completed
        ",
        money: "captured 20.00 EUR",
        stock: "committed 1, released 1",
    },
];
