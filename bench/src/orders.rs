//! Makes a file of order events: seeded, so that the same numbers give the same file.
//!
//! The shares follow a mid-market retailer with shops: channels, baskets, currencies, cancellations, early and late
//! events, duplicates, lines out of order. `workflows/examples/orders.ndjson` was made with the defaults.
use serde_json::{Value as Json, json};

use crate::random::Random;

/// What to make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) seed: u64,
    /// Orders placed; a quarter as many other events come with them.
    pub(crate) count: u64,
    /// The days over which they are spread.
    pub(crate) days: u64,
}

/// What `workflows/examples/orders.ndjson` was made with, and the defaults of the command.
pub(crate) const EXAMPLE: Order = Order { seed: 1, count: 2_000, days: 4 };

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Thursday, 4 June 2026, 00:00 UTC.
const BEGIN_MS: u64 = 1_780_531_200_000;

/// Currency, digits, units for one euro, country, share in percent.
const MARKETS: [(&str, u32, f64, &str, u64); 7] = [
    ("EUR", 2, 1.0, "DE", 70),
    ("GBP", 2, 0.85, "GB", 8),
    ("CHF", 2, 0.95, "CH", 7),
    ("PLN", 2, 4.3, "PL", 6),
    ("SEK", 2, 11.2, "SE", 4),
    ("USD", 2, 1.1, "US", 3),
    ("JPY", 0, 170.0, "JP", 2),
];

struct Made {
    at: u64,
    line: Json,
}

/// The lines of the file, in order.
pub(crate) fn lines(order: Order) -> Vec<String> {
    let mut random = Random::new(order.seed);
    let mut made = Vec::new();
    for number in 1..=order.count {
        one_order(&mut random, order, number, &mut made);
    }
    repeat_some(&mut random, &mut made);
    made.sort_by_key(|made| made.at);
    disorder(&mut random, &mut made);
    made.into_iter().map(|made| made.line.to_string()).collect()
}

fn one_order(random: &mut Random, order: Order, number: u64, made: &mut Vec<Made>) {
    let id = format!("O-{number:06}");
    let placed = BEGIN_MS + moment(random, order.days);
    let pickup = random.percent(40);
    let channel = match (pickup, random.below(100)) {
        (true, 0..55) => "web",
        (true, 55..88) => "app",
        (true, _) => "store",
        (false, 0..39) => "web",
        (false, 39..60) => "app",
        (false, 60..67) => "store",
        (false, _) => "marketplace",
    };
    let store = format!("store-{:03}", random.below(180) + 1);
    let (lines, country) = basket(random);
    let skus: Vec<String> = lines.iter().filter_map(|line| line.get("sku")?.as_str().map(str::to_owned)).collect();
    let customer = format!("C-{:05}", random.below(90_000));
    let data = json!({ "order": {
        "id": id, "channel": channel, "delivery": if pickup { "pickup" } else { "ship" },
        "customer": customer, "store": store,
        "ship_to": address(random, country),
        "payment": format!("tok_{:016x}", random.next()),
        "lines": lines, "placed_at": time(placed),
    } });
    let source = format!("/commerce/{channel}");
    add(made, random, placed, &source, "retail.order.placed.v1", &id, data.clone());
    if random.percent(1) {
        // The shop sends the same order again under a new event id.
        let again = placed + random.below(HOUR_MS);
        add(made, random, again, &source, "retail.order.placed.v1", &id, data);
    }
    if random.percent(8) {
        let after = cancel_after(random, pickup);
        let early = random.percent(10);
        let at = if early { placed.saturating_sub(random.below(20 * MINUTE_MS) + 1_000) } else { placed + after };
        let reason = ["changed my mind", "found it cheaper", "ordered twice", "too slow"];
        let reason = random.pick(&reason);
        let data = json!({ "order": id, "reason": reason });
        add(made, random, at, &source, "retail.order.cancel_requested.v1", &id, data);
    }
    if pickup {
        pickup_events(random, placed, &id, &store, &skus, made);
    }
}

fn pickup_events(random: &mut Random, placed: u64, id: &str, store: &str, skus: &[String], made: &mut Vec<Made>) {
    let source = format!("/store_ops/{store}");
    if skus.len() >= 2 && random.percent(5) {
        let missing = if random.percent(10) { skus } else { skus.get(..1).unwrap_or(skus) };
        let at = placed + 3 * MINUTE_MS + random.below(7 * MINUTE_MS);
        add(
            made,
            random,
            at,
            &source,
            "retail.pickup.partly_picked.v1",
            id,
            json!({ "order": id, "missing": missing }),
        );
    }
    if random.percent(30) {
        let early = random.percent(7);
        let after =
            if early { MINUTE_MS + random.below(9 * MINUTE_MS) } else { 2 * HOUR_MS + random.below(78 * HOUR_MS) };
        let collected = placed + after;
        add(made, random, collected, &source, "retail.pickup.collected.v1", id, json!({ "order": id }));
        if !early && random.percent(6) {
            // At the counter, the goods in hand: too late.
            let at = collected + 1_000 + random.below(6) * 1_000;
            let data = json!({ "order": id, "reason": "ordered twice" });
            add(made, random, at, "/commerce/app", "retail.order.cancel_requested.v1", id, data);
        }
    }
    if random.percent(3) {
        // The shop was quicker than the message of the order.
        let at = placed.saturating_sub(random.below(5 * MINUTE_MS) + 1_000);
        add(made, random, at, &source, "retail.fulfilment.picked.v1", id, json!({ "order": id }));
    }
}

fn cancel_after(random: &mut Random, pickup: bool) -> u64 {
    let quarter = random.below(4);
    match (pickup, quarter) {
        (false, 0 | 1) => MINUTE_MS + random.below(5 * HOUR_MS),
        (false, 2) => 5 * HOUR_MS + 54 * MINUTE_MS + random.below(12 * MINUTE_MS),
        (false, _) => 7 * HOUR_MS + random.below(20 * HOUR_MS),
        (true, 0 | 1) => MINUTE_MS + random.below(14 * MINUTE_MS),
        (true, _) => HOUR_MS + random.below(17 * HOUR_MS),
    }
}

/// A moment within the days: quiet at night, busy in the evening.
fn moment(random: &mut Random, days: u64) -> u64 {
    let day = random.below(days.max(1)) * DAY_MS;
    let hour = match random.below(100) {
        0..6 => random.below(6),
        6..30 => 6 + random.below(6),
        30..60 => 12 + random.below(5),
        _ => 17 + random.below(7),
    };
    day + hour * HOUR_MS + random.below(3_600) * 1_000
}

fn basket(random: &mut Random) -> (Vec<Json>, &'static str) {
    let mut share = random.below(100);
    let market = MARKETS.iter().find(|(.., percent)| {
        let here = share < *percent;
        share = share.saturating_sub(*percent);
        here
    });
    let (currency, digits, rate, country, _) = market.copied().unwrap_or(("EUR", 2, 1.0, "DE", 70));
    let count = match random.below(100) {
        0..45 => 1,
        45..75 => 2,
        75..90 => 3,
        _ => 4 + random.below(3),
    };
    let first = random.below(60_000);
    let lines = (0..count).map(|at| {
        let cents = 300 + random.below(100) * random.below(100) * 4;
        let price = (cents as f64 * rate).round() as u64;
        let amount =
            if digits == 0 { (price / 100).max(1).to_string() } else { format!("{}.{:02}", price / 100, price % 100) };
        let handling = match random.below(100) {
            0..80 => "standard",
            80..92 => "bulky",
            _ => "store_only",
        };
        json!({
            "sku": format!("SKU-{:05}", (first + at * 7_919) % 60_000),
            "quantity": 1 + random.below(100) / 60 + random.below(100) / 85,
            "unit_price": { "amount": amount, "currency": currency },
            "handling": handling,
        })
    });
    (lines.collect(), country)
}

fn address(random: &mut Random, country: &str) -> Json {
    let given = random.pick(&["Alva", "Bruno", "Carla", "Deniz", "Edda", "Farid", "Greta", "Hanno", "Ines", "Jonas"]);
    let family =
        random.pick(&["Amsel", "Brandt", "Conti", "Dreyer", "Ekman", "Falk", "Gruber", "Holm", "Ivers", "Jung"]);
    let street = random.pick(&["Gartenweg", "High Street", "Rue des Lilas", "Storgatan", "Bahnhofstr.", "Mill Lane"]);
    let city = random.pick(&["Altdorf", "Brookfield", "Lindau", "Nyhamn", "Westerode", "Harrow"]);
    json!({
        "name": format!("{given} {family}"), "street": format!("{street} {}", random.below(180) + 1),
        "postcode": format!("{:05}", random.below(90_000) + 10_000), "city": city, "country": country,
    })
}

/// Three lines in a hundred come twice, a little later: the same source and id. One copy in ten has other content, as
/// when a shop writes an order anew under an id that it has used.
fn repeat_some(random: &mut Random, made: &mut Vec<Made>) {
    let again: Vec<Made> = made
        .iter()
        .filter_map(|made| {
            let comes = random.percent(3);
            let later = random.below(2 * HOUR_MS);
            let changed = random.percent(10);
            let mut line = made.line.clone();
            if changed && let Some(quantity) = line.pointer_mut("/data/order/lines/0/quantity") {
                *quantity = json!(7);
            }
            comes.then_some(Made { at: made.at + later, line })
        })
        .collect();
    made.extend(again);
}

/// Two lines in a hundred change places with the next one.
fn disorder(random: &mut Random, made: &mut [Made]) {
    let mut at = 0;
    while at + 1 < made.len() {
        if random.percent(2) {
            made.swap(at, at + 1);
            at += 1;
        }
        at += 1;
    }
}

fn add(made: &mut Vec<Made>, random: &mut Random, at: u64, source: &str, ty: &str, order: &str, data: Json) {
    let line = json!({
        "specversion": "1.0", "id": format!("{:016x}", random.next()), "source": source, "type": ty,
        "subject": order, "time": time(at), "datacontenttype": "application/json", "data": data,
    });
    made.push(Made { at, line });
}

/// RFC 3339 in UTC, to the second.
fn time(ms: u64) -> String {
    let (days, seconds) = (ms / DAY_MS, ms % DAY_MS / 1_000);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a number of days since 1970-01-01 (Gregorian: 400 years have 146,097 days, counted from
/// 1 March).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn parsed() -> Vec<Json> {
        lines(EXAMPLE).iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn text<'j>(event: &'j Json, pointer: &str) -> &'j str {
        event.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
    }

    /// The different texts at a place in the events.
    fn all<'j>(events: &'j [Json], pointer: &str) -> BTreeSet<&'j str> {
        events.iter().map(|event| text(event, pointer)).filter(|text| !text.is_empty()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_lines_and_times_are_right() {
        let order = Order { seed: 7, count: 50, days: 2 };
        assert_eq!(lines(order), lines(order));
        assert_ne!(lines(order), lines(Order { seed: 8, ..order }));
        assert_eq!(time(BEGIN_MS), "2026-06-04T00:00:00Z");
        assert_eq!(time(951_782_400_000), "2000-02-29T00:00:00Z");
    }

    #[test]
    fn the_example_is_what_the_defaults_give() {
        let example = include_str!("../../workflows/examples/orders.ndjson");
        let made = lines(EXAMPLE);
        let differs = example.lines().zip(&made).position(|(example, made)| example != made.as_str());
        assert_eq!(differs, None, "make the file anew: flowline-bench orders > workflows/examples/orders.ndjson");
        assert_eq!(example.lines().count(), made.len());
    }

    #[test]
    fn the_example_has_every_kind_of_order() {
        let events = parsed();
        assert!(events.len() >= 2_000);
        assert_eq!(all(&events, "/data/order/channel"), ["app", "marketplace", "store", "web"].into());
        assert_eq!(all(&events, "/data/order/delivery"), ["pickup", "ship"].into());
        assert!(all(&events, "/data/order/lines/0/unit_price/currency").len() >= 3);
        assert!(all(&events, "/data/order/store").len() >= 100);
        let kinds = |event: &&Json| {
            let lines = event.pointer("/data/order/lines").and_then(Json::as_array);
            let kinds = lines.into_iter().flatten().map(|line| text(line, "/handling")).collect::<BTreeSet<_>>();
            text(event, "/data/order/delivery") == "ship" && kinds.len() >= 2
        };
        assert!(events.iter().filter(kinds).count() >= 200, "orders of several parcels");
        let partly = |event: &&Json| text(event, "/type") == "retail.pickup.partly_picked.v1";
        assert!(events.iter().filter(partly).count() >= 10, "partial stock");
    }

    #[test]
    fn the_example_has_every_kind_of_disorder() {
        let events = parsed();
        let mut seen: BTreeMap<(&str, &str), &Json> = BTreeMap::new();
        let (mut same, mut other) = (0, 0);
        for event in &events {
            match seen.insert((text(event, "/source"), text(event, "/id")), event) {
                Some(before) if before == event => same += 1,
                Some(_) => other += 1,
                None => {}
            }
        }
        assert!(same >= 20 && other >= 3, "{same} come twice, {other} with other content");
        let swapped = events.iter().zip(events.iter().skip(1)).filter(|(a, b)| text(a, "/time") > text(b, "/time"));
        assert!(swapped.count() >= 20, "lines out of order");

        let placed: BTreeMap<&str, &str> = events
            .iter()
            .rev()
            .filter(|event| text(event, "/type") == "retail.order.placed.v1")
            .map(|event| (text(event, "/subject"), text(event, "/time")))
            .collect();
        let before = |ty: &str| {
            let is = |event: &&Json| {
                let placed = placed.get(text(event, "/subject"));
                text(event, "/type") == ty && placed.is_some_and(|placed| text(event, "/time") < *placed)
            };
            events.iter().filter(is).count()
        };
        assert!(before("retail.order.cancel_requested.v1") >= 5, "cancelled before the order came");
        assert!(before("retail.fulfilment.picked.v1") >= 5, "picked before the order came");
        let cancels = events.iter().filter(|event| text(event, "/type") == "retail.order.cancel_requested.v1");
        assert!(cancels.count() * 100 >= placed.len() * 5, "one order in twenty is cancelled");
    }
}
