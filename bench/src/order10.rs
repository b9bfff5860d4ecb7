//! Durable steps a second of an order in ten steps.
//!
//! The engine, the journal in files, the index with its checkpoints; a system that answers from a table in the same
//! thread, so that its work is counted. Runs are kept in flight; each answer is durable before the next call leaves.
use std::{
    collections::VecDeque,
    fs::File,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use flowline_core::Answer;
use flowline_engine::{Dedupe, Engine, EngineOptions, EngineParts, EventIn, Given, NoWatch, Order, Origin};
use flowline_journal::{FileJournal, Options as JournalOptions};
use flowline_plan::{Bundle, Currency, Money, TypeId, Value};
use flowline_store::{Fingerprints, Options as StoreOptions, SledStore};
use serde_json::{Value as Json, json};

use crate::machine;

/// What came out for one number of runs in flight.
#[derive(Debug, Clone, Copy)]
struct Measured {
    in_flight: usize,
    steps: u64,
    seconds: f64,
    groups: u64,
    records: u64,
    record_bytes: u64,
    cpu_seconds: f64,
    latency_us: f64,
}

/// Runs the measurement for each number of runs in flight and prints it.
///
/// # Errors
/// A message when the flows don't compile or the disk refuses.
pub(crate) fn run(seconds: u64, dir: Option<&Path>, as_json: bool) -> Result<(), String> {
    let bundle = Arc::new(compile()?);
    let mut rows = Vec::new();
    for in_flight in [1, 64, 256] {
        let folder = tempfile::tempdir_in(dir.unwrap_or(Path::new("."))).map_err(|cause| cause.to_string())?;
        let measured = measure(&bundle, folder.path(), in_flight, Duration::from_secs(seconds))?;
        let group_bytes = measured.record_bytes / measured.groups.max(1);
        let bare = bare_append(folder.path(), usize::try_from(group_bytes).unwrap_or(1), measured.groups.min(20_000))?;
        rows.push(row(measured, bare));
    }
    if as_json {
        println!("{}", json!({ "bench": "order10", "rows": rows, "resident_mib": machine::resident_mib() }));
    } else {
        for row in &rows {
            println!("{row}");
        }
        println!("resident {} MiB", machine::resident_mib());
    }
    Ok(())
}

fn row(measured: Measured, bare_groups_per_second: f64) -> Json {
    let per_second = measured.steps as f64 / measured.seconds;
    let group = measured.records as f64 / measured.groups.max(1) as f64;
    let bare_records = bare_groups_per_second * group;
    json!({
        "in_flight": measured.in_flight,
        "steps_per_second": per_second.round(),
        "group_records": (group * 10.0).round() / 10.0,
        "bytes_per_record": measured.record_bytes / measured.records.max(1),
        "bare_append_fdatasync_records_per_second": bare_records.round(),
        "ratio_to_bare": (per_second / bare_records * 1000.0).round() / 1000.0,
        "cpu_us_per_step": (measured.cpu_seconds * 1e6 / measured.steps.max(1) as f64 * 10.0).round() / 10.0,
        "latency_us": measured.latency_us.round(),
        "fdatasync_us": (1e6 / bare_groups_per_second).round(),
    })
}

fn compile() -> Result<Bundle, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("flows/order10");
    let outcome = flowline_driver::compile(&path).map_err(|error| error.to_string())?;
    let findings: Vec<&str> = outcome.diagnostics.iter().map(|finding| finding.message.as_str()).collect();
    outcome.bundle.ok_or_else(|| format!("the bench flow has findings: {}", findings.join("; ")))
}

fn measure(bundle: &Arc<Bundle>, dir: &Path, in_flight: usize, length: Duration) -> Result<Measured, String> {
    let fail = |error: &dyn std::fmt::Display| error.to_string();
    let (journal, _) = FileJournal::open(dir, JournalOptions::default()).map_err(|e| fail(&e))?;
    let store = SledStore::recreate(&dir.join("store"), StoreOptions::default()).map_err(|e| fail(&e))?;
    let keys = Fingerprints::recreate(&dir.join("dedupe")).map_err(|e| fail(&e))?;
    let journal = Arc::new(journal);
    let parts = EngineParts {
        bundle: Arc::clone(bundle),
        store: Some(Arc::new(store)),
        dedupe: Dedupe::Files(Box::new(keys)),
        options: EngineOptions::default(),
    };
    let (mut engine, _) = Engine::open(parts, journal, &mut NoWatch).map_err(|e| fail(&e))?;
    let event = order_event(bundle)?;
    let bytes_before = machine::folder_bytes(&dir.join("journal"));
    let seq_before = engine.journal().durable();
    let (began, cpu) = (Instant::now(), machine::cpu_seconds());
    let mut given: Vec<Given> = (0..in_flight as u64).map(|number| order(&event, number)).collect();
    let mut next = in_flight as u64;
    let mut waiting: VecDeque<(u64, Vec<Order>, usize)> = VecDeque::new();
    let mut groups = 0;
    // Two batches go round: while one is written, the other is computed.
    let half = given.len() / 2;
    let mut spare = if in_flight > 1 { given.split_off(half.max(1)) } else { Vec::new() };
    while began.elapsed() < length {
        let now = 1_780_531_200_000 + i64::try_from(began.elapsed().as_millis()).unwrap_or(0);
        let taken = engine.take(now, std::mem::take(&mut given)).map_err(|e| fail(&e))?;
        groups += 1;
        waiting.push_back((taken.seq, taken.orders, taken.ended.len()));
        if !spare.is_empty() {
            given = std::mem::take(&mut spare);
            continue;
        }
        let Some((seq, orders, ended)) = waiting.pop_front() else { break };
        engine.journal().wait(seq).map_err(|e| fail(&e))?;
        given.extend(orders.into_iter().map(answer));
        for _ in 0..ended {
            given.push(order(&event, next));
            next += 1;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let cpu_seconds = machine::cpu_seconds() - cpu;
    let steps = engine.totals().calls;
    let records = engine.journal().durable() - seq_before;
    engine.close().map_err(|e| fail(&e))?;
    let record_bytes = machine::folder_bytes(&dir.join("journal")).saturating_sub(bytes_before);
    let latency_us = seconds * 1e6 * in_flight as f64 / steps.max(1) as f64;
    Ok(Measured { in_flight, steps, seconds, groups, records, record_bytes, cpu_seconds, latency_us })
}

/// Answers from a table: a receipt of about 100 bytes.
fn answer(order: Order) -> Given {
    let receipt = Value::Record(
        [Value::text(order.call.key.to_string()), Value::text("posted to the ledger of the shop, thank you very much")]
            .into(),
    );
    let (call, attempt) = (order.call.call, order.call.attempt);
    Given::Answer { run: order.run, call, attempt, answer: Answer::Done(receipt) }
}

/// The event that starts the flow.
fn order_event(bundle: &Bundle) -> Result<TypeId, String> {
    let start = bundle.flows.iter().find_map(|flow| flow.start.as_ref()?.event());
    start.ok_or_else(|| "no event starts the bench flow".to_owned())
}

/// An order of about 600 bytes.
fn order(event: &TypeId, number: u64) -> Given {
    let currency: Currency = "EUR".parse().expect("EUR is a currency");
    let line = |at: i64| {
        let amount = 1990.into();
        Value::Record(
            [
                Value::text(format!("SKU-{:05}", at * 7919 % 60_000)),
                Value::Int(at + 1),
                Value::Money(Money { currency, amount }),
            ]
            .into(),
        )
    };
    let id = format!("O-{number:012}");
    let body = Value::Record(
        [
            Value::text(id.clone()),
            Value::text(format!("C-{:09}", number % 90_000)),
            Value::text("Bahnhofstrasse 17, back house, second floor, left"),
            Value::text("88131 Lindau"),
            Value::text("please ring twice, leave it with the neighbours on the right if nobody opens; ".repeat(4)),
            Value::List((0..4).map(line).collect()),
        ]
        .into(),
    );
    let value = Value::Record([body].into());
    Given::Event(EventIn { source: "/bench".to_owned(), id, event: *event, value, origin: Origin::Outside })
}

/// Groups of so many bytes, appended and synced one by one: what the disk can do at best.
fn bare_append(dir: &Path, bytes: usize, groups: u64) -> Result<f64, String> {
    let mut file = File::create(dir.join("bare")).map_err(|cause| cause.to_string())?;
    let group = vec![0x5a_u8; bytes];
    let began = Instant::now();
    let mut done = 0_u64;
    while done < groups.max(1) && began.elapsed() < Duration::from_secs(5) {
        file.write_all(&group).and_then(|()| file.sync_data()).map_err(|cause| cause.to_string())?;
        done += 1;
    }
    Ok(done as f64 / began.elapsed().as_secs_f64())
}
