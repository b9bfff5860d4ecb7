//! Durations as text: ISO 8601 and the language's own units.

const UNITS: [(&str, i128); 12] = [
    ("weeks", 604_800_000),
    ("week", 604_800_000),
    ("days", 86_400_000),
    ("day", 86_400_000),
    ("d", 86_400_000),
    ("hours", 3_600_000),
    ("hour", 3_600_000),
    ("h", 3_600_000),
    ("min", 60_000),
    ("s", 1_000),
    ("ms", 1),
    ("minutes", 60_000),
];

/// `PT1H30M`, `P4D`, `PT0.250S`, `-PT5S`; a day is 24 hours.
pub(super) fn write_duration(ms: i64) -> String {
    let abs = ms.unsigned_abs();
    let (days, hours, minutes, rest) =
        (abs / 86_400_000, abs / 3_600_000 % 24, abs / 60_000 % 60, (abs / 1_000 % 60, abs % 1_000));
    let mut out = String::from(if ms < 0 { "-P" } else { "P" });
    let part = |count: u64, unit: &str| if count > 0 { format!("{count}{unit}") } else { String::new() };
    out.push_str(&part(days, "D"));
    let seconds = match rest {
        (seconds, 0) => part(seconds, "S"),
        (seconds, millis) => format!("{seconds}.{millis:03}S"),
    };
    let time = format!("{}{}{seconds}", part(hours, "H"), part(minutes, "M"));
    if !time.is_empty() {
        out.push('T');
        out.push_str(&time);
    } else if days == 0 {
        out.push_str("T0S");
    }
    out
}

/// Reads ISO 8601 (weeks to seconds; years and months have no fixed length) or `1 h 30 min`. Milliseconds.
pub(super) fn read_duration(text: &str) -> Option<i64> {
    let (sign, unsigned) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let ms = match unsigned.strip_prefix('P') {
        Some(iso) => read_iso(iso)?,
        None => read_units(unsigned)?,
    };
    i64::try_from(sign * ms).ok()
}

fn read_iso(text: &str) -> Option<i128> {
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    if (date.is_empty() && time.is_none()) || time == Some("") {
        return None;
    }
    let date = read_parts(date, &[('W', 604_800_000), ('D', 86_400_000)])?;
    Some(date + read_parts(time.unwrap_or(""), &[('H', 3_600_000), ('M', 60_000), ('S', 1_000)])?)
}

/// Numbers with their designators, in this order, each at most once.
fn read_parts(mut text: &str, designators: &[(char, i128)]) -> Option<i128> {
    let mut ms = 0;
    let mut designators = designators.iter();
    while !text.is_empty() {
        let at = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')?;
        let (number, rest) = text.split_at_checked(at)?;
        let mut rest = rest.chars();
        let designator = rest.next()?;
        let (_, unit_ms) = designators.find(|(letter, _)| *letter == designator)?;
        ms += scaled(&number.replace(',', "."), *unit_ms)?;
        text = rest.as_str();
    }
    Some(ms)
}

fn read_units(text: &str) -> Option<i128> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return None;
    }
    words.chunks(2).try_fold(0, |ms, pair| {
        let [number, unit] = pair else { return None };
        let (_, unit_ms) = UNITS.iter().find(|(name, _)| name == unit)?;
        Some(ms + scaled(number, *unit_ms)?)
    })
}

/// A number of units in milliseconds, when that is a whole number of them.
fn scaled(number: &str, unit_ms: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, part)| (whole, Some(part)));
    let digits = |text: &str| !text.is_empty() && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !fraction.is_none_or(digits) {
        // 15 digits of milliseconds are 30,000 years; a longer whole number is allowed only where it fits an i64.
        let whole: i128 = whole.bytes().all(|byte| byte.is_ascii_digit()).then(|| whole.parse::<i64>().ok())??.into();
        return fraction.is_none().then_some(whole * unit_ms);
    }
    let mut ms = whole.parse::<i128>().ok()? * unit_ms;
    if let Some(fraction) = fraction {
        let part = fraction.parse::<i128>().ok()? * unit_ms;
        let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
        if part % scale != 0 {
            return None;
        }
        ms += part / scale;
    }
    Some(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, ms) in [
            ("PT90M", Some(5_400_000)),
            ("P4D", Some(345_600_000)),
            ("P1DT2H3M4.5S", Some(93_784_500)),
            ("P1W", Some(604_800_000)),
            ("PT0.250S", Some(250)),
            ("-PT5S", Some(-5_000)),
            ("90 min", Some(5_400_000)),
            ("1 h 30 min", Some(5_400_000)),
            ("1.5 h", Some(5_400_000)),
            ("P1Y", None),
            ("P1M", None),
            ("PT", None),
            ("P", None),
            ("", None),
            ("90", None),
            ("PT5S3M", None),
            ("PT0.0001S", None),
            ("P99999999999999D", None),
        ] {
            assert_eq!(read_duration(text), ms, "{text}");
        }
        for ms in [0, 1, -1, 250, 5_400_000, 93_784_500, i64::MAX, i64::MIN] {
            assert_eq!(read_duration(&write_duration(ms)), Some(ms), "{}", write_duration(ms));
        }
        assert_eq!(write_duration(5_400_000), "PT1H30M");
    }
}
