//! Events of older versions: read by their frozen shape, brought up step by step, and held to what today's types state.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is a finding")]

use flowline_driver::{MemoryFiles, compile_files};
use flowline_plan::{Bundle, Type, json::to_json};
use serde_json::{Value as Json, json};

const FLOWS: &str = r#"
id OrderId
enum Channel { web, till }
record Line { name: Text, quantity: Int where it >= 1, gift: Bool }
record Order { id: OrderId, channel: Channel, lines: [Line] up to 2, each: Decimal, at: Instant? }

event Placed v3 "shop.placed" {
  key order.id
  order: Order
}
upcast Placed v1 => v2 { count: old.lines.count() }
upcast Placed v2 => v3 {
  order: Order { id: old.id, channel: Channel.till, lines: lines(old.lines), each: old.total / old.count, at: now }
}
fn lines(names: [Text]) -> [Line] = names.map(name => Line { name: name, quantity: name.length(), gift: false })
"#;
const V1: &str = r##"{ "required": ["id", "lines", "total"], "properties": {
  "id": { "$ref": "#/$defs/OrderId" }, "lines": { "type": "array", "items": { "type": "string" } }, "total": { "type": "number" } },
  "$defs": { "OrderId": { "x-flow-type": "id" } } }"##;
const V2: &str = r##"{ "required": ["id", "lines", "total", "count"], "properties": {
  "count": { "type": "integer" },
  "id": { "$ref": "#/$defs/OrderId" }, "lines": { "type": "array", "items": { "type": "string" } }, "total": { "type": "number" } },
  "$defs": { "OrderId": { "x-flow-type": "id" } } }"##;

fn bundle() -> Bundle {
    let schema = |version: u32, text: &str| (format!("schemas/shop.placed.v{version}.json"), text.to_owned());
    let files = MemoryFiles { beside: [schema(1, V1), schema(2, V2)].into(), ..MemoryFiles::single("shop", FLOWS) };
    let outcome = compile_files(&files).unwrap();
    let found: Vec<String> = outcome.diagnostics.iter().map(|finding| finding.message.clone()).collect();
    assert_eq!(found, Vec::<String>::new());
    outcome.bundle.unwrap()
}

/// What an event of that type becomes, or why it is refused.
fn taken_in(bundle: &Bundle, name: &str, data: &Json) -> Result<Json, String> {
    let (event, version) = bundle.event_spoken(name).ok_or("nobody speaks it")?;
    let value = bundle.take_in(event, version, data, 86_400_000).map_err(|error| error.to_string())?;
    Ok(to_json(bundle, &Type::Named(event), &value, &|_| None))
}

#[test]
fn older_events_become_events_of_today() {
    let bundle = bundle();
    let today = json!({ "order": {
        "id": "O-1", "channel": "till", "each": "1.50", "at": "1970-01-02T00:00:00.000Z",
        "lines": [{ "name": "ab", "quantity": 2, "gift": false }, { "name": "c", "quantity": 1, "gift": false }],
    }});
    let v1 = json!({ "id": "O-1", "lines": ["ab", "c"], "total": 3, "unknown": true });
    let v2 = json!({ "id": "O-1", "lines": ["ab", "c"], "total": 3, "count": 2 });
    for (name, data) in [("shop.placed.v1", &v1), ("shop.placed.v2", &v2), ("shop.placed.v3", &today)] {
        assert_eq!(taken_in(&bundle, name, data), Ok(today.clone()), "{name}");
    }
    let event = bundle.event_spoken("shop.placed.v3").unwrap().0;
    assert_eq!(bundle.older_versions(event), [1, 2]);
}

#[test]
fn what_does_not_fit_is_said_by_its_version_and_place() {
    let bundle = bundle();
    let placed = |lines: Json| json!({ "id": "O-1", "lines": lines, "total": 3 });
    for (name, data, why) in [
        ("shop.placed.v4", json!({}), "nobody speaks it"),
        ("shop.placed.v0", json!({}), "nobody speaks it"),
        (
            "shop.placed.v1",
            json!({ "id": "O-1", "lines": [] }),
            "`data` doesn't fit `shop.placed.v1`: `total`: is missing; expected a number",
        ),
        (
            "shop.placed.v2",
            placed(json!(["ab"])),
            "`data` doesn't fit `shop.placed.v2`: `count`: is missing; expected a whole number",
        ),
        ("shop.placed.v1", placed(json!([])), "`shop.placed.v1` can't become v3: division by zero"),
        (
            "shop.placed.v1",
            placed(json!(["ab", ""])),
            "what `shop.placed.v1` becomes doesn't fit v3: `order.lines[1].quantity`: 0 breaks the rule that its type states with `where`",
        ),
        (
            "shop.placed.v1",
            placed(json!(["a", "b", "c"])),
            "what `shop.placed.v1` becomes doesn't fit v3: `order.lines`: has 3 elements, at most 2 are allowed",
        ),
    ] {
        assert_eq!(taken_in(&bundle, name, &data), Err(why.to_owned()), "{name} {data}");
    }
}
