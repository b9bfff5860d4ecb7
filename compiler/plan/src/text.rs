//! Values as people read them.
use std::fmt::Write as _;

use crate::{Bundle, Env, TypeId, TypeKind, Value, calendar};

/// Lists in lists are written out this deep.
const DEPTH_MAX: u32 = 8;

/// The text would be longer than allowed.
#[derive(Debug)]
pub(crate) struct TooLong;

/// Writes a value as `"{value}"` shows it: `12.30 EUR`, `4 days`, `2026-05-02T10:00:00Z`; absent values are empty, lists
/// are separated by commas, errors give their text, resources their id. `cost` grows by one a value.
pub(crate) fn write_text(
    env: &dyn Env,
    value: &Value,
    bytes_max: usize,
    out: &mut String,
    cost: &mut usize,
) -> Result<(), TooLong> {
    write(env, value, bytes_max, out, cost, 0)
}

fn write(
    env: &dyn Env,
    value: &Value,
    bytes_max: usize,
    out: &mut String,
    cost: &mut usize,
    depth: u32,
) -> Result<(), TooLong> {
    *cost += 1;
    match value {
        Value::Text(text) => out.push_str(text),
        Value::Error(error) => out.push_str(&error.text),
        Value::Resource(resource) => {
            let id = env.resource_field(*resource, 0);
            if let Value::Text(id) = id {
                out.push_str(&id);
            }
        }
        Value::List(list) | Value::Record(list) if depth < DEPTH_MAX => {
            for (at, element) in list.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                write(env, element, bytes_max, out, cost, depth + 1)?;
            }
        }
        Value::Variant(variant) => write_scalar(&Value::Case(variant.case), out),
        Value::Map(map) if depth < DEPTH_MAX => {
            for (at, (key, element)) in map.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                write(env, key, bytes_max, out, cost, depth + 1)?;
                out.push_str(": ");
                write(env, element, bytes_max, out, cost, depth + 1)?;
            }
        }
        Value::List(_) | Value::Record(_) | Value::Map(_) => out.push('…'),
        Value::None
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Instant(_)
        | Value::Date(_)
        | Value::Duration(_)
        | Value::BusinessDuration { .. }
        | Value::Money(_)
        | Value::Currency(_)
        | Value::Case(_) => write_scalar(value, out),
    }
    if out.len() > bytes_max { Err(TooLong) } else { Ok(()) }
}

/// What is left of personal data to be recognised by: its first character.
pub(crate) fn mask(text: &str) -> String {
    text.chars().next().map_or_else(String::new, |first| format!("{first}…"))
}

/// A pseudonym: the same for the same text in every run, and not to be read back. Whoever guesses a text can still tell that it
/// was this one.
pub(crate) fn token(text: &str) -> String {
    let hash = blake3::derive_key("flowline 2026 token of personal data", text.as_bytes());
    let half = hash.first_chunk::<16>().copied().unwrap_or_default();
    format!("tok_{:032x}", u128::from_be_bytes(half))
}

/// A value that needs no type to be read, as people read it; of others nothing.
pub fn scalar_text(value: &Value) -> String {
    let mut out = String::new();
    write_scalar(value, &mut out);
    out
}

/// Writes a value that needs no type to be read; of others nothing.
pub(crate) fn write_scalar(value: &Value, out: &mut String) {
    let written = match value {
        Value::Bool(holds) => write!(out, "{holds}"),
        Value::Int(number) => write!(out, "{number}"),
        Value::Decimal(number) => write!(out, "{number}"),
        Value::Text(text) => write!(out, "{text}"),
        Value::Instant(ms) => write!(out, "{}", calendar::instant_text(*ms)),
        Value::Date(day) => write!(out, "{}", calendar::date_text(*day)),
        Value::Duration(ms) => write!(out, "{}", duration_text(*ms)),
        Value::BusinessDuration { days, ms } => write!(out, "{}", business_text(*days, *ms)),
        Value::Money(money) => write!(out, "{money}"),
        Value::Currency(currency) => write!(out, "{currency}"),
        Value::Case(case) => write!(out, "case {case}"),
        Value::None
        | Value::Variant(_)
        | Value::Record(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Error(_)
        | Value::Resource(_) => Ok(()),
    };
    written.expect("writing to a String never fails");
}

/// `1 day 2 h 30 min`, in the language's units.
pub fn duration_text(ms: i64) -> String {
    let mut rest = ms.unsigned_abs();
    let mut parts = Vec::new();
    for (unit_ms, one, many) in
        [(86_400_000, "day", "days"), (3_600_000, "h", "h"), (60_000, "min", "min"), (1_000, "s", "s"), (1, "ms", "ms")]
    {
        let count = rest / unit_ms;
        rest %= unit_ms;
        if count > 0 {
            parts.push(format!("{count} {}", if count == 1 { one } else { many }));
        }
    }
    if parts.is_empty() {
        return "0 s".to_owned();
    }
    format!("{}{}", if ms < 0 { "-" } else { "" }, parts.join(" "))
}

/// `2 business days`, `4 business hours`.
pub(crate) fn business_text(days: i32, ms: i64) -> String {
    let day = if days == 1 { "day" } else { "days" };
    let time = match (ms % 3_600_000 == 0, ms / 3_600_000) {
        (true, 1) => "1 business hour".to_owned(),
        (true, hours) => format!("{hours} business hours"),
        (false, _) => format!("{} of business time", duration_text(ms)),
    };
    match (days, ms) {
        (_, 0) => format!("{days} business {day}"),
        (0, _) => time,
        (_, _) => format!("{days} business {day} {time}"),
    }
}

/// The name of a case.
pub(crate) fn case_name(bundle: &Bundle, ty: TypeId, case: u16) -> Option<&str> {
    match &bundle.ty(ty)?.kind {
        TypeKind::Enum(cases) => cases.get(usize::from(case)).map(|case| case.name.as_str()),
        TypeKind::Id | TypeKind::Record(_) | TypeKind::Error(_) | TypeKind::Event(_) | TypeKind::Resource(_) => None,
    }
}

/// The name of an error as authors write it.
pub(crate) fn error_name(bundle: &Bundle, error: TypeId) -> &str {
    bundle.ty(error).map_or("UnknownError", |ty| ty.short_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_the_language() {
        for (ms, text) in [
            (0, "0 s"),
            (90 * 60_000, "1 h 30 min"),
            (4 * 86_400_000, "4 days"),
            (86_400_001, "1 day 1 ms"),
            (-1_500, "-1 s 500 ms"),
        ] {
            assert_eq!(duration_text(ms), text);
        }
        assert_eq!(business_text(2, 0), "2 business days");
        assert_eq!(business_text(0, 4 * 3_600_000), "4 business hours");
        assert_eq!(business_text(1, 90 * 60_000), "1 business day 1 h 30 min of business time");
    }
}
