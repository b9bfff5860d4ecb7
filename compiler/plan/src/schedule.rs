//! Schedules: at which instants a flow starts by the clock.
use serde::{Deserialize, Serialize};

use crate::calendar::{Calendar, CalendarError, DUE_DAYS_MAX, at_minute, day_of, day_to_date};

/// `starts every …`. Its instants are called ticks. Calendars go by their full names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Schedule {
    /// Once a day, or once on each such day of the week (0 is Monday), at a minute of the local day.
    Daily { weekday: Option<u8>, minute: u16, calendar: String },
    /// Again and again after so many milliseconds, counted from 1970-01-01 00:00 UTC; with a calendar, only while it is
    /// open.
    Interval { every_ms: i64, calendar: Option<String> },
}

impl Schedule {
    /// The first tick after an instant.
    ///
    /// - A day on which the calendar is closed has no tick. Nor has one that the zone leaves out of its calendar.
    /// - A local time that the clock skips is the instant of the change; one that comes twice is the first.
    ///
    /// # Errors
    /// [`CalendarError`]; it may lie at most [`DUE_DAYS_MAX`] days ahead.
    pub fn next_after(&self, calendars: &[Calendar], after_ms: i64) -> Result<i64, CalendarError> {
        match self {
            Self::Daily { weekday, minute, calendar } => {
                let days = Days::of(calendars, calendar, *weekday, *minute)?;
                let first = day_of(&days.zone, after_ms)?;
                // One that fell into a gap at the end of a day may lie on the next one.
                for day in first.saturating_sub(1)..=first.saturating_add(DUE_DAYS_MAX) {
                    if let Some(tick) = days.tick(day)?
                        && tick > after_ms
                    {
                        return Ok(tick);
                    }
                }
                Err(CalendarError::NeverOpen)
            }
            Self::Interval { every_ms, calendar } => {
                let every_ms = (*every_ms).max(1);
                let next = |at: i64| at.div_euclid(every_ms).checked_add(1)?.checked_mul(every_ms);
                let Some(calendar) = calendar else { return next(after_ms).ok_or(CalendarError::OutOfRange) };
                let calendar = named(calendars, calendar)?;
                let zone = calendar.time_zone()?;
                let first = day_of(&zone, after_ms)?;
                for day in first..=first.saturating_add(DUE_DAYS_MAX) {
                    for (from, to) in calendar.spans(&zone, day)? {
                        // What lies at the opening itself counts, what lies at the closing doesn't.
                        let tick = next(after_ms.max(from - 1)).ok_or(CalendarError::OutOfRange)?;
                        if tick < to {
                            return Ok(tick);
                        }
                    }
                }
                Err(CalendarError::NeverOpen)
            }
        }
    }

    /// The last tick after one instant and not after another: what is left of ticks that were missed.
    ///
    /// # Errors
    /// [`CalendarError`]; it looks back [`DUE_DAYS_MAX`] days at most.
    pub fn last_between(
        &self,
        calendars: &[Calendar],
        after_ms: i64,
        up_to_ms: i64,
    ) -> Result<Option<i64>, CalendarError> {
        let found = match self {
            Self::Daily { weekday, minute, calendar } => {
                let days = Days::of(calendars, calendar, *weekday, *minute)?;
                let (first, last) = (day_of(&days.zone, after_ms)?, day_of(&days.zone, up_to_ms)?);
                let mut found = None;
                for day in (first.saturating_sub(1).max(last.saturating_sub(DUE_DAYS_MAX))..=last).rev() {
                    found = days.tick(day)?.filter(|tick| *tick <= up_to_ms);
                    if found.is_some() {
                        break;
                    }
                }
                found
            }
            Self::Interval { every_ms, calendar } => {
                let every_ms = (*every_ms).max(1);
                let last_in = |at: i64| at.div_euclid(every_ms) * every_ms;
                match calendar {
                    None => Some(last_in(up_to_ms)),
                    Some(calendar) => last_open(named(calendars, calendar)?, after_ms, up_to_ms, last_in)?,
                }
            }
        };
        Ok(found.filter(|tick| *tick > after_ms))
    }
}

/// The last tick not after an instant that lies in an opening span; `last_in` gives the last one not after an instant.
fn last_open(
    calendar: &Calendar,
    after_ms: i64,
    up_to_ms: i64,
    last_in: impl Fn(i64) -> i64,
) -> Result<Option<i64>, CalendarError> {
    let zone = calendar.time_zone()?;
    let (first, last) = (day_of(&zone, after_ms)?, day_of(&zone, up_to_ms)?);
    for day in (first.max(last.saturating_sub(DUE_DAYS_MAX))..=last).rev() {
        for (from, to) in calendar.spans(&zone, day)?.into_iter().rev() {
            let tick = last_in((to - 1).min(up_to_ms));
            if tick >= from {
                return Ok(Some(tick));
            }
        }
    }
    Ok(None)
}

/// The days of a daily schedule.
struct Days<'a> {
    calendar: &'a Calendar,
    zone: jiff::tz::TimeZone,
    weekday: Option<u8>,
    minute: u16,
}

impl<'a> Days<'a> {
    fn of(calendars: &'a [Calendar], calendar: &str, weekday: Option<u8>, minute: u16) -> Result<Self, CalendarError> {
        let calendar = named(calendars, calendar)?;
        Ok(Self { calendar, zone: calendar.time_zone()?, weekday, minute })
    }

    /// The tick of a day, if it has one.
    fn tick(&self, day: i32) -> Result<Option<i64>, CalendarError> {
        let date = day_to_date(day)?;
        let weekday = date.weekday().to_monday_zero_offset().unsigned_abs();
        if self.weekday.is_some_and(|wanted| wanted != weekday) || self.calendar.spans(&self.zone, day)?.is_empty() {
            return Ok(None);
        }
        at_minute(&self.zone, date, self.minute).map(Some)
    }
}

fn named<'a>(calendars: &'a [Calendar], name: &str) -> Result<&'a Calendar, CalendarError> {
    calendars.iter().find(|calendar| calendar.name == name).ok_or(CalendarError::NeverOpen)
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
    use proptest::prelude::*;

    use super::*;

    const MIN: i64 = 60_000;
    const DAY: i64 = 1_440 * MIN;
    const HOURS: &str = "hours";

    /// Open around the clock, but for some days of the week.
    fn calendar(zone: &str, closed_weekdays: &[usize]) -> Calendar {
        let mut week = std::array::from_fn(|_| vec![(0, 1_440)]);
        for day in closed_weekdays {
            week[*day] = Vec::new();
        }
        Calendar { name: HOURS.to_owned(), zone: zone.to_owned(), week, closed: Vec::new() }
    }

    fn daily(weekday: Option<u8>, minute: u16) -> Schedule {
        Schedule::Daily { weekday, minute, calendar: HOURS.to_owned() }
    }

    fn at(zone: &str, text: &str) -> i64 {
        if let Ok(at) = text.parse::<Timestamp>() {
            return at.as_millisecond();
        }
        let local: DateTime = text.parse().unwrap();
        TimeZone::get(zone).unwrap().to_ambiguous_timestamp(local).compatible().unwrap().as_millisecond()
    }

    #[test]
    fn days_on_which_the_clock_changes() {
        let berlin = [calendar("Europe/Berlin", &[])];
        for (minute, after, next) in [
            // 2026-03-29: 02:00 becomes 03:00. A time in between comes at the change.
            (150, "2026-03-28T02:30", "2026-03-29T03:00"),
            (150, "2026-03-29T03:00", "2026-03-30T02:30"),
            (120, "2026-03-28T02:00", "2026-03-29T03:00"),
            (180, "2026-03-28T03:00", "2026-03-29T03:00"),
            // 2026-10-25: 03:00 becomes 02:00. The first of two.
            (150, "2026-10-24T02:30", "2026-10-25T00:30:00Z"),
            (150, "2026-10-25T00:30:00Z", "2026-10-26T02:30"),
        ] {
            let found = daily(None, minute).next_after(&berlin, at("Europe/Berlin", after));
            assert_eq!(found, Ok(at("Europe/Berlin", next)), "{minute} after {after}");
        }
        // Samoa had no 30 December 2011.
        let samoa = [calendar("Pacific/Apia", &[])];
        let after = at("Pacific/Apia", "2011-12-29T05:00");
        assert_eq!(daily(None, 300).next_after(&samoa, after), Ok(at("Pacific/Apia", "2011-12-31T05:00")));
    }

    #[test]
    fn closed_days_have_no_tick() {
        let mut shop = calendar("Europe/Berlin", &[6]);
        // 2026-12-25 is a Friday.
        shop.closed = vec![crate::calendar::date_to_day(jiff::civil::date(2026, 12, 25))];
        let berlin = |text: &str| at("Europe/Berlin", text);
        let next = |schedule: Schedule, after: &str| schedule.next_after(&[shop.clone()], berlin(after));
        assert_eq!(next(daily(None, 300), "2026-12-24T05:00"), Ok(berlin("2026-12-26T05:00")));
        assert_eq!(next(daily(None, 300), "2026-12-26T05:00"), Ok(berlin("2026-12-28T05:00")));
        assert_eq!(next(daily(Some(4), 300), "2026-12-24T05:00"), Ok(berlin("2027-01-01T05:00")));
        assert_eq!(next(daily(Some(6), 300), "2026-12-24T05:00"), Err(CalendarError::NeverOpen));
    }

    #[test]
    fn intervals_with_and_without_a_calendar() {
        let mut shop = calendar("Europe/Berlin", &[5, 6]);
        shop.week[0] = vec![(480, 720), (780, 1_020)];
        let calendars = [shop];
        let berlin = |text: &str| at("Europe/Berlin", text);
        let every = |minutes: i64, calendar| Schedule::Interval { every_ms: minutes * MIN, calendar };
        assert_eq!(every(15, None).next_after(&[], 0), Ok(15 * MIN));
        assert_eq!(every(15, None).next_after(&[], 15 * MIN - 1), Ok(15 * MIN));
        // 2026-05-04 is a Monday: open from eight to twelve and from one to five.
        for (after, next) in [
            ("2026-05-02T10:00", "2026-05-04T08:00"),
            ("2026-05-04T08:00", "2026-05-04T08:15"),
            ("2026-05-04T11:45", "2026-05-04T13:00"),
            ("2026-05-04T16:50", "2026-05-05T00:00"),
        ] {
            assert_eq!(
                every(15, Some(HOURS.to_owned())).next_after(&calendars, berlin(after)),
                Ok(berlin(next)),
                "{after}"
            );
        }
        let last = |after: &str, up_to: &str| {
            every(15, Some(HOURS.to_owned())).last_between(&calendars, berlin(after), berlin(up_to)).unwrap()
        };
        assert_eq!(last("2026-05-01T10:00", "2026-05-04T12:40"), Some(berlin("2026-05-04T11:45")));
        assert_eq!(last("2026-05-01T23:45", "2026-05-04T07:00"), None);
        assert_eq!(last("2026-05-01T23:30", "2026-05-04T07:00"), Some(berlin("2026-05-01T23:45")));
    }

    #[test]
    fn what_lies_outside_of_all_years_is_an_error() {
        let berlin = [calendar("Europe/Berlin", &[])];
        assert!(daily(None, 0).next_after(&berlin, i64::MAX).is_err());
        assert!(daily(None, 0).last_between(&berlin, 0, i64::MAX).is_err());
        assert!(daily(None, 0).next_after(&[], 0).is_err(), "no such calendar");
        let every = Schedule::Interval { every_ms: i64::MAX, calendar: None };
        assert!(every.next_after(&[], i64::MAX).is_err());
        assert_eq!(every.last_between(&[], 1, 2), Ok(None));
    }

    /// Zones with all that clocks do: changes by an hour, by half an hour, at midnight, and days left out.
    const ZONES: [&str; 12] = [
        "Europe/Berlin",
        "Europe/Dublin",
        "America/New_York",
        "America/St_Johns",
        "America/Sao_Paulo",
        "America/Nuuk",
        "Africa/Cairo",
        "Asia/Beirut",
        "Asia/Tehran",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Asia/Kathmandu",
    ];

    /// The first minute at which the clock on the wall has come to a day's time, for each day that the zone has: by looking
    /// at the clock minute by minute.
    fn by_looking(zone: &TimeZone, minute: u16, from_ms: i64, days: i64) -> Vec<i64> {
        let local = |ms: i64| zone.to_datetime(Timestamp::from_millisecond(ms).unwrap());
        let mut ticks = Vec::new();
        let mut ms = from_ms;
        let mut wanted: Option<DateTime> = None;
        let mut latest = local(from_ms).date();
        while ms < from_ms + days * DAY {
            let clock = local(ms);
            if clock.date() > latest {
                // Days that the clock never shows are passed over.
                latest = clock.date();
                if let Some(missed) = wanted.take() {
                    assert!(missed <= clock);
                    ticks.push(ms);
                }
                wanted = Some(latest.at(0, 0, 0, 0) + jiff::Span::new().minutes(i64::from(minute)));
            }
            if wanted.is_some_and(|wanted| wanted <= clock) {
                ticks.push(ms);
                wanted = None;
            }
            ms += MIN;
        }
        ticks
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn daily_ticks_are_those_that_a_look_at_the_clock_finds(
            zone in proptest::sample::select(&ZONES[..]),
            year in 2005i16..2037,
            month in 1i8..=12,
            minute in 0u16..1_440,
        ) {
            let calendars = [calendar(zone, &[])];
            let tz = TimeZone::get(zone).unwrap();
            let from = tz.to_timestamp(jiff::civil::date(year, month, 1).at(0, 0, 0, 0)).unwrap().as_millisecond();
            let looked = by_looking(&tz, minute, from, 45);
            let mut after = looked[0] - 1;
            let mut found = Vec::new();
            while found.len() < looked.len() {
                let next = daily(None, minute).next_after(&calendars, after).unwrap();
                prop_assert!(next > after, "never backwards");
                // Whoever was away from one tick to another finds the last one, whichever it is.
                prop_assert_eq!(daily(None, minute).last_between(&calendars, after, next), Ok(Some(next)));
                prop_assert_eq!(daily(None, minute).last_between(&calendars, after, next - 1), Ok(None));
                prop_assert_eq!(daily(None, minute).last_between(&calendars, looked[0] - 1, next + MIN), Ok(Some(next)));
                found.push(next);
                after = next;
            }
            prop_assert_eq!(found, looked);
        }

        #[test]
        fn ticks_of_an_interval_lie_in_opening_hours_and_leave_none_out(
            zone in proptest::sample::select(&ZONES[..]),
            start in 0i64..5_000,
            every in 1i64..200,
            opens in 0u16..1_000,
            open in 1u16..440,
        ) {
            let mut shop = calendar(zone, &[5, 6]);
            for day in &mut shop.week[0..5] {
                *day = vec![(opens, opens + open)];
            }
            let calendars = [shop];
            let schedule = Schedule::Interval { every_ms: every * MIN, calendar: Some(HOURS.to_owned()) };
            let from = start * 5 * 1_440 * MIN + 7 * MIN;
            let is_open = |at: i64| calendars[0].opening_ms_between(at, at + 1).unwrap() == 1;
            let looked: Vec<i64> =
                (from / MIN + 1..from / MIN + 5 * 1_440).filter(|at| at % every == 0).map(|at| at * MIN).filter(|at| is_open(*at)).collect();
            let (mut after, mut found) = (from, Vec::new());
            while found.len() < looked.len() {
                let next = schedule.next_after(&calendars, after).unwrap();
                prop_assert_eq!(schedule.last_between(&calendars, from, next), Ok(Some(next)));
                prop_assert_eq!(schedule.last_between(&calendars, after, next - 1), Ok(None));
                found.push(next);
                after = next;
            }
            prop_assert_eq!(found, looked);
        }
    }
}
