//! The time it takes to check a project of generated flows.
use std::{fmt::Write, fs, path::Path, time::Instant};

use serde_json::json;

use crate::machine;

/// Lines of one generated flow, about.
const FLOW: &str = r#"
//! Generated for measurements.

use std.orders.{Delivery, OrderId, OrderPlaced, order_total}
use std.inventory.{OutOfStock, inventory}
use std.payments.{CaptureFailed, Declined, payments}
"#;

/// Generates so many flows, checks them, and prints the times.
///
/// # Errors
/// A message when the folder can't be written or the flows don't check.
pub(crate) fn run(flows: usize, as_json: bool) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|cause| cause.to_string())?;
    let lines = generate(folder.path(), flows)?;
    let began = Instant::now();
    let outcome = flowline_driver::compile(folder.path()).map_err(|error| error.to_string())?;
    let seconds = began.elapsed().as_secs_f64();
    if outcome.bundle.is_none() {
        let first = outcome.diagnostics.first().map_or("", |finding| finding.message.as_str());
        return Err(format!("{} findings, the first: {first}", outcome.diagnostics.len()));
    }
    let parts: serde_json::Map<_, _> = outcome
        .timings
        .iter()
        .map(|(part, took)| ((*part).to_owned(), json!((took.as_secs_f64() * 1e4).round() / 10.0)))
        .collect();
    let result = json!({
        "bench": "check", "flows": flows, "lines": lines, "seconds": (seconds * 1e3).round() / 1e3,
        "lines_per_second": (lines as f64 / seconds).round(), "parts_ms": parts, "resident_mib": machine::resident_mib(),
    });
    if as_json {
        println!("{result}");
    } else {
        println!("{flows} flows, {lines} lines: {seconds:.3} s\n{result:#}");
    }
    Ok(())
}

fn generate(dir: &Path, flows: usize) -> Result<usize, String> {
    let write = |name: &str, text: &str| fs::write(dir.join(name), text).map_err(|cause| cause.to_string());
    write("flow.toml", "name = \"generated\"\nedition = \"2026\"\n")?;
    let mut lines = 0;
    for number in 0..flows {
        let text = flow(number);
        lines += text.lines().count();
        write(&format!("flow_{number}.flow"), &text)?;
    }
    Ok(lines)
}

/// A flow of about a hundred lines: reservations, parcels, handlers, a decision.
pub(crate) fn flow(number: usize) -> String {
    let mut out = String::from(FLOW.trim_start());
    let _ = write!(
        out,
        "
enum Status{number} {{ received, accepted, refused, done }}
enum Lane{number} {{ fast, slow, none_of_these }}
const limit{number} = {}.00 EUR

decision lane{number}(lines: Int, express: Bool) -> Lane{number}, first {{
  | lines | express || result        |
  | <= 1  | true    || fast          |
  | <= 3  | -       || slow          |
  | -     | true    || slow          |
  | -     | -       || none_of_these |
}}

fn count{number}(a: Int, b: Int) -> Int = a * 2 + b

/// Generated.
flow generated{number}(placed: OrderPlaced) when placed.order.delivery == Delivery.ship and placed.order.lines.count() == {number}
  key    placed.order.id once
  status Status{number} speaks for OrderId
{{
  status received
  let order = placed.order
  let total = order_total(order.lines)
  let lane = lane{number}(order.lines.count(), total > limit{number})
",
        100 + number % 900
    );
    for part in 0..4 {
        let _ = write!(
            out,
            "
  attempt {{
    let hold = do inventory.hold(order.id, order.lines, order.store)
    let card = do payments.authorise(order.id, order.payment, total)
    status accepted
    when lane == Lane{number}.fast {{
      wait 10 min
    }} else {{
      wait {} min
    }}
    point of no return
    do inventory.commit(hold)
    attempt {{
      do payments.capture(card)
    }} on CaptureFailed {{
      status refused
    }}
  }} on OutOfStock, Declined {{
    let again = count{number}({part}, order.lines.count())
    when again > 3 {{
      stop refused
    }}
  }}
",
            15 + part
        );
    }
    out.push_str("  stop done\n}\n");
    out
}
