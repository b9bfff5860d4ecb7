//! What is made up from types.
use std::collections::BTreeSet;

use flowline_core::Answer;
use flowline_plan::Value;

use super::{Scene, errors, rates};
use crate::fixture::{eur, order_lines, text};

#[test]
fn missing_lines_are_some_of_the_lines_that_were_asked_for() {
    let mut scene = Scene::of(rates("inventory", errors(&[("OutOfStock", 1.0)])));
    let asked = [("tent", 1), ("stove", 2), ("rope", 3)];
    let Value::List(lines) = order_lines(&asked) else { panic!("lines") };
    let mut lengths = BTreeSet::new();
    for n in 0..40 {
        let call = scene.shop.hold(&format!("hold-{n}"), &asked);
        let Answer::Error(error) = scene.answer(&call) else { panic!("out of stock") };
        let [Value::List(missing)] = &*error.fields else { panic!("a list is missing") };
        assert!(!missing.is_empty() && missing.iter().all(|line| lines.contains(line)), "{missing:?}");
        assert_eq!(&*error.text, "Inventory service says: OutOfStock");
        lengths.insert(missing.len());
    }
    assert!(lengths.len() > 1, "not always the same part: {lengths:?}");
}

#[test]
fn a_record_is_made_of_what_the_call_names() {
    let mut scene = Scene::of(rates("inventory", errors(&[("OutOfStock", 1.0)])));
    let call = scene.shop.call("inventory.check", "c", vec![text("tent"), Value::Int(3)]);
    let Answer::Error(error) = scene.answer(&call) else { panic!("out of stock") };
    let [Value::List(missing)] = &*error.fields else { panic!("a list is missing") };
    let [Value::Record(line)] = &**missing else { panic!("one line") };
    assert_eq!(line[..2], [text("tent"), Value::Int(3)]);
    assert!(matches!(line[2], Value::Money(_)));
}

#[test]
fn what_the_call_says_yields_to_what_a_field_demands() {
    let mut scene = Scene::of(rates("inventory", errors(&[("OutOfStock", 1.0)])));
    let call = scene.shop.call("inventory.check", "c", vec![text("tent"), Value::Int(0)]);
    let Answer::Error(error) = scene.answer(&call) else { panic!("out of stock") };
    let [Value::List(missing)] = &*error.fields else { panic!("a list is missing") };
    let Value::Record(line) = &missing[0] else { panic!("a line") };
    assert!(matches!(line[1], Value::Int(quantity) if quantity >= 1), "quantity: Int where it >= 1");
}

#[test]
fn minted_ids_differ() {
    let mut scene = Scene::calm();
    let mut invoices = BTreeSet::new();
    for n in 0..500 {
        let order = format!("order-{n}");
        let call = scene.shop.call("erp.post_invoice", &order, vec![text(&order), eur("1.00")]);
        let Answer::Done(Value::Text(invoice)) = scene.answer(&call) else { panic!("an invoice") };
        assert!(invoice.starts_with("invoiceno-"), "{invoice}");
        invoices.insert(invoice);
    }
    assert_eq!(invoices.len(), 500);
}
