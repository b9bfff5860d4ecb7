//! An event that two flows would take is taken by none, and that is told: an order must not vanish.
#![allow(clippy::unwrap_used, reason = "in tests a panic is how a test fails")]
mod support;

use std::fs;

use support::{Place, flowline};

#[test]
fn an_event_that_two_flows_would_take_is_told_and_fails_the_run() {
    let place = Place::with_events(&[]);
    flowline(place.path(), ["new", "shop"]).ends(0, "");
    let flow = fs::read_to_string(place.path().join("shop/orders.flow")).unwrap();
    let other = flow
        .replace(
            "flow sell(placed: OrderPlaced)",
            "flow sell_in_app(placed: OrderPlaced) when placed.order.channel == Channel.app",
        )
        .replace("use std.orders.{", "use std.orders.{Channel, ");
    fs::write(place.path().join("shop/app.flow"), other).unwrap();
    let ran = flowline(place.path(), "run shop --events shop/events.ndjson --simulate".split(' '));
    ran.ends(1, "");
    let orders = fs::read_to_string(place.path().join("shop/events.ndjson")).unwrap();
    let from_app = orders.lines().filter(|line| line.contains(r#""channel":"app""#)).count() as u64;
    assert_eq!(ran.count("events two flows would take"), from_app);
    assert!(from_app > 1);
    let told = ran.stdout.lines().filter(|line| line.contains("of /commerce/web, by sell_in_app and sell")).count();
    assert_eq!(told as u64, from_app, "{}", ran.stdout);
}
