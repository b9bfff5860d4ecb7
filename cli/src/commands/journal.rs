//! `flowline journal`: verify, export, rebuild.
use std::{
    io::{BufWriter, Write},
    path::Path,
    sync::Arc,
};

use flowline_core::Input;
use flowline_engine::{Cursor, InputBody, StartCause, bundle_in};
use flowline_journal::{Record, RecordKind, read, verify};
use flowline_plan::{Bundle, Type, calendar::instant_text, json::to_json};
use serde_json::{Value as Json, json};

use crate::{
    args::{Global, JournalCommand},
    exit::{Exit, Failure},
    folder::{self, Index, Opening},
    out,
    progress::Progress,
    table::number,
};

/// Does what is asked with a journal that nobody has open.
///
/// # Errors
/// When the folder can't be read or the journal is damaged.
pub(crate) fn run(command: &JournalCommand, global: Global) -> Result<Exit, Failure> {
    match command {
        JournalCommand::Verify { data } => check(data),
        JournalCommand::Export { data } => export(data),
        JournalCommand::Rebuild { data } => rebuild(data, global),
    }
}

fn check(data: &Path) -> Result<Exit, Failure> {
    let data = folder::existing(data)?;
    let report = verify(&data.path)?;
    if report.records == 0 {
        out::print("the journal is empty: either nothing was ever taken in, or its segments were removed\n")?;
        return Ok(Exit::Fine);
    }
    out::print(&format!(
        "{} records in {} groups and {} segments, {} bytes: all sound\n",
        number(report.records),
        number(report.groups),
        number(report.segments),
        number(report.bytes)
    ))?;
    if let Some(torn) = report.torn.filter(|torn| torn.bytes > 0) {
        out::print(&format!(
            "the last {} bytes of segment {:08} are a write that was not finished; the next start cuts them off\n",
            torn.bytes, torn.segment
        ))?;
    }
    Ok(Exit::Fine)
}

fn export(data: &Path) -> Result<Exit, Failure> {
    let data = folder::existing(data)?;
    let mut lines = BufWriter::new(std::io::stdout().lock());
    let mut bundle: Option<Bundle> = None;
    for stored in read(&data.path, 0)? {
        // What was sound up to here is printed before the error that ends it.
        let record = match stored {
            Ok(stored) => stored.record,
            Err(error) => {
                out::heard(lines.flush())?;
                return Err(error.into());
            }
        };
        if record.kind == RecordKind::Bundle {
            bundle = Some(bundle_in(&record)?);
        }
        if !out::heard(writeln!(lines, "{}", exported(&record, bundle.as_ref())))? {
            return Ok(Exit::Fine);
        }
    }
    out::heard(lines.flush())?;
    Ok(Exit::Fine)
}

fn exported(record: &Record, bundle: Option<&Bundle>) -> Json {
    let mut line = json!({
        "seq": record.seq,
        "kind": record.kind.name(),
        "shard": record.shard,
        "time": jiff::Timestamp::from_millisecond(record.now).map_or(Json::Null, |time| json!(time.to_string())),
    });
    if let Json::Object(fields) = &mut line {
        if record.run != 0 {
            fields.insert("run".to_owned(), json!(format!("{:032x}", record.run)));
            fields.insert("state".to_owned(), json!(format!("{:016x}", record.state_hash)));
        }
        if let Some(body) = body_of(record, bundle) {
            fields.insert("body".to_owned(), body);
        }
    }
    line
}

fn body_of(record: &Record, bundle: Option<&Bundle>) -> Option<Json> {
    match record.kind {
        RecordKind::Input => {
            let body: InputBody = postcard::from_bytes(&record.body).ok()?;
            input_of(&body, bundle)
        }
        RecordKind::Cursor => {
            let cursor: Cursor = postcard::from_bytes(&record.body).ok()?;
            Some(json!({ "offset": cursor.offset, "lines": cursor.lines, "rejected": cursor.rejected }))
        }
        RecordKind::Bundle => bundle.map(|bundle| json!({ "name": bundle.name, "flows": bundle.flows.iter().filter(|plan| plan.side.is_none()).count() })),
        RecordKind::Snapshot
        | RecordKind::HandOver
        | RecordKind::Checkpoint
        | RecordKind::Retention
        | RecordKind::Meta => Some(json!({ "bytes": record.body.len() })),
    }
}

fn input_of(body: &InputBody, bundle: Option<&Bundle>) -> Option<Json> {
    Some(match body {
        InputBody::Event(event) => {
            let bundle = bundle?;
            let data = to_json(bundle, &Type::Named(event.event), &event.value, &|_| None);
            let ty = bundle.event(event.event).map(flowline_plan::EventDef::full_type);
            json!({ "event": { "source": event.source, "id": event.id, "type": ty, "data": data } })
        }
        InputBody::Start { flow, generation, cause } => {
            let flow = bundle.and_then(|bundle| bundle.flow(*flow)).map(|plan| plan.name.clone());
            let cause = match cause {
                StartCause::Event { event, seq } => json!({ "event": event.to_string(), "record": seq }),
                StartCause::Child { parent, .. } => json!({ "parent": parent.to_string() }),
                StartCause::Tick { due } => json!({ "due": instant_text(*due) }),
                StartCause::Batch { batch, events } => json!({ "batch": format!("{batch:032x}"), "events": events }),
            };
            json!({ "start": { "flow": flow, "generation": generation, "by": cause } })
        }
        InputBody::Offered { wait, event, seq, .. } => {
            json!({ "offered": { "wait": wait, "event": event.to_string(), "record": seq } })
        }
        InputBody::Run(Input::TaskAnswered { task, by, value }) => {
            json!({ "answered": { "task": task.to_string(), "by": by, "value": serde_json::to_value(value).ok()? } })
        }
        InputBody::Run(input) => json!({ "input": serde_json::to_value(input).ok()? }),
        InputBody::Tick { flow, due } => {
            let flow = bundle.and_then(|bundle| bundle.flow(*flow)).map(|plan| plan.name.clone());
            json!({ "tick": { "flow": flow, "due": instant_text(*due) } })
        }
        InputBody::Close { key, batch } => {
            let flow = bundle.and_then(|bundle| bundle.flow(key.flow)).map(|plan| plan.name.clone());
            json!({ "close": { "flow": flow, "batch": format!("{batch:032x}") } })
        }
        InputBody::Schedules { on } => json!({ "schedules": on }),
    })
}

fn rebuild(data: &Path, global: Global) -> Result<Exit, Failure> {
    let (meta, bundle) = {
        let data = folder::existing(data)?;
        let Some(first) = read(&data.path, 0)?.next().transpose()? else {
            out::print("the journal is empty\n")?;
            return Ok(Exit::Fine);
        };
        (data.meta, bundle_in(&first.record)?)
    };
    let mut progress = Progress::spinner(global, "reading the journal");
    let opening = Opening { index: Index::Anew, ..Opening::of(meta) };
    let opened = folder::open(data, opening, Arc::new(bundle), &mut progress)?;
    drop(progress);
    for note in &opened.notes {
        out::tell(&format!("note: {note}"));
    }
    let runs = opened.engine.live().count();
    let records = opened.recovered.replayed;
    opened.engine.close()?;
    out::print(&format!("the index is new: {} records read, {} live runs\n", number(records), number(runs as u64)))?;
    Ok(Exit::Fine)
}
