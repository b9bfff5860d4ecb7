//! A day on which much is let go of at once: three times the customers of a dozen parcels change their minds together.
use serde_json::{Value as Json, json};

use crate::support::example_lines;

/// Lines of the example that come as they are.
const LINES: usize = 70;
/// Orders of each storm.
const STORM: usize = 12;
const STORMS: usize = 3;
const HOUR_MS: i64 = 3_600_000;

pub(crate) fn day() -> Vec<String> {
    let example: Vec<Json> = example_lines(600).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut lines: Vec<Json> = example[..LINES].to_vec();
    let begin = time_of(&lines[0]);
    let parcels = example[LINES..].iter().filter(|line| line["data"]["order"]["delivery"] == "ship");
    for (at, placed) in parcels.take(STORM * STORMS).enumerate() {
        // Parcels leave the house some six hours after the order.
        let placed_at = begin + (2 + 8 * (at / STORM) as i64) * HOUR_MS;
        let (mut placed, order) = (placed.clone(), placed["subject"].clone());
        placed["time"] = time(placed_at);
        placed["data"]["order"]["placed_at"] = time(placed_at);
        lines.push(placed);
        lines.push(json!({
            "specversion": "1.0", "id": format!("storm-{at}"), "source": "/commerce/app",
            "type": "retail.order.cancel_requested.v1", "subject": order, "time": time(placed_at + HOUR_MS),
            "data": { "order": order, "reason": "too slow" },
        }));
    }
    lines.sort_by_key(time_of);
    lines.iter().map(Json::to_string).collect()
}

fn time(ms: i64) -> Json {
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string().into()
}

fn time_of(line: &Json) -> i64 {
    line["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
}
