//! One CloudEvent in structured JSON, checked against its schema. What is wrong with it is said so that its sender can mend it.
use std::collections::BTreeSet;

use flowline_diag::nearest;
use flowline_engine::{EventIn, Origin};
use flowline_plan::{Bundle, EventDef, TypeId, TypeKind};
use serde_json::Value as Json;

/// Reads an event and its time, ms UTC.
///
/// # Errors
/// The reason why it isn't one.
pub(super) fn read(bundle: &Bundle, text: &[u8]) -> Result<(EventIn, i64), String> {
    let text = std::str::from_utf8(text)
        .map_err(|cause| format!("not UTF-8: byte {} of the line begins no character", cause.valid_up_to() + 1))?;
    let json: Json = serde_json::from_str(text).map_err(|cause| not_json(&cause))?;
    let Json::Object(fields) = &json else {
        return Err("not a CloudEvent: the line must be one JSON object, with `specversion`, `id`, `source`, `type`, `time` and `data`".to_owned());
    };
    let field = |name: &str| match fields.get(name) {
        Some(Json::String(text)) if !text.is_empty() => Ok(text.as_str()),
        Some(_) => Err(format!("`{name}` must be a text that isn't empty")),
        None => Err(format!("`{name}` is missing")),
    };
    let version = field("specversion")?;
    if version != "1.0" {
        return Err(format!("`specversion` is `{}`, this version of flowline reads CloudEvents 1.0", shown(version)));
    }
    let (source, id, name) = (field("source")?, field("id")?, field("type")?);
    let time = field("time")?;
    let time: jiff::Timestamp = time
        .parse()
        .map_err(|_| format!("`time` is `{}`, not an RFC 3339 time such as 2026-06-01T09:12:00Z", shown(time)))?;
    let (event, version) = event_named(bundle, name)?;
    let data = fields.get("data").ok_or("`data` is missing")?;
    let value = bundle.take_in(event, version, data, time.as_millisecond()).map_err(|error| error.to_string())?;
    let event = EventIn { source: source.to_owned(), id: id.to_owned(), event, value, origin: Origin::Outside };
    Ok((event, time.as_millisecond()))
}

/// The line is known already, so only the column is said.
fn not_json(cause: &serde_json::Error) -> String {
    let text = cause.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    if what == "recursion limit exceeded" {
        return format!("nested too deep, at column {}; no event needs more than 64 levels", cause.column());
    }
    format!("not JSON: {what}, at column {}", cause.column())
}

fn event_named(bundle: &Bundle, name: &str) -> Result<(TypeId, u32), String> {
    if let Some(found) = bundle.event_spoken(name) {
        return Ok(found);
    }
    let events = || {
        bundle.types.iter().enumerate().filter_map(|(at, ty)| match &ty.kind {
            TypeKind::Event(event) => Some((TypeId::from(at), event)),
            TypeKind::Id | TypeKind::Enum(_) | TypeKind::Record(_) | TypeKind::Error(_) | TypeKind::Resource(_) => None,
        })
    };
    let other_version = |event: &EventDef| {
        name.strip_prefix(&event.ce_type).is_some_and(|rest| rest.is_empty() || rest.starts_with(".v"))
    };
    if let Some((id, event)) = events().find(|(_, event)| other_version(event)) {
        let older: Vec<String> = bundle.older_versions(id).iter().map(|version| format!("v{version}")).collect();
        let older = if older.is_empty() { String::new() } else { format!(", and take {}", older.join(", ")) };
        return Err(format!("no schema for `{}`; the flows speak `{}`{older}", shown(name), event.full_type()));
    }
    let known: BTreeSet<String> = events().map(|(_, event)| event.full_type()).collect();
    let meant = nearest(name, known.iter().map(String::as_str));
    let help = meant.map_or(String::new(), |meant| format!("; is `{meant}` meant?"));
    Err(format!("no event has the type `{}`{help}", shown(name)))
}

/// As much of a foreign text as a message needs.
fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 80;
    if text.chars().count() <= CHARS_MAX {
        text.to_owned()
    } else {
        text.chars().take(CHARS_MAX).chain(['…']).collect()
    }
}
