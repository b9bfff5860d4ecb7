//! Calendars against the clock on the wall: every minute of a few days is looked at, one by one, around a change of the clock.
//!
//! The naive calendar knows one rule: a shop opens when the clock first shows the hour or a later one of that day, and closes
//! in the same way. It shares no code with the real one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is a finding")]

use flowline_plan::calendar::{Calendar, CalendarError};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use proptest::prelude::*;

const MIN: i64 = 60_000;
const WINDOW_DAYS: i64 = 12;

/// A zone, and a day some days before its clock changes.
const CHANGES: [(&str, &str); 14] = [
    // One hour forward, one hour back.
    ("Europe/Berlin", "2026-03-24"),
    ("Europe/Berlin", "2026-10-20"),
    ("America/New_York", "2026-03-03"),
    ("America/New_York", "2026-10-27"),
    // Midnight is skipped.
    ("Africa/Cairo", "2026-04-19"),
    ("Asia/Beirut", "2026-03-24"),
    // The last hour of a day comes twice.
    ("America/Santiago", "2026-03-31"),
    ("Africa/Cairo", "2026-10-25"),
    // Half an hour.
    ("Australia/Lord_Howe", "2026-03-31"),
    ("Australia/Lord_Howe", "2026-09-29"),
    // Odd minutes.
    ("Pacific/Chatham", "2026-04-01"),
    // A whole day is skipped.
    ("Pacific/Apia", "2011-12-25"),
    // Winter time is the one that is switched to.
    ("Europe/Dublin", "2026-10-20"),
    ("UTC", "2026-03-24"),
];

/// What the wall shows at each minute.
struct Wall {
    start_ms: i64,
    /// Days since 1970 and minutes of the day.
    shows: Vec<(i32, u16)>,
}

impl Wall {
    fn new(zone: &str, start: &str) -> Self {
        let zone = TimeZone::get(zone).unwrap();
        let start_ms = format!("{start}T00:00:00Z").parse::<Timestamp>().unwrap().as_millisecond();
        let shows = (0..WINDOW_DAYS * 1_440).map(|minute| {
            let local = zone.to_datetime(Timestamp::from_millisecond(start_ms + minute * MIN).unwrap());
            let minutes = i16::from(local.hour()) * 60 + i16::from(local.minute());
            (day_of(local.date()), u16::try_from(minutes).unwrap())
        });
        Self { start_ms, shows: shows.collect() }
    }

    /// The first minute at which the wall shows that time or a later one.
    fn first(&self, day: i32, minute: u16) -> usize {
        let wanted = if minute == 1_440 { (day + 1, 0) } else { (day, minute) };
        self.shows.iter().position(|shown| *shown >= wanted).unwrap_or(self.shows.len())
    }

    /// The spans of a day as minutes of the window.
    fn spans(&self, calendar: &Calendar, day: i32) -> Vec<(usize, usize)> {
        if calendar.closed.contains(&day) {
            return Vec::new();
        }
        // 1970-01-01 was a Thursday.
        let weekday = usize::try_from((day + 3).rem_euclid(7)).unwrap();
        let spans = calendar.week[weekday].iter().map(|(from, to)| (self.first(day, *from), self.first(day, *to)));
        spans.filter(|(from, to)| from < to).collect()
    }

    fn days(&self) -> std::ops::RangeInclusive<i32> {
        self.shows[0].0..=self.shows[self.shows.len() - 1].0
    }

    /// Whether it is open, minute by minute.
    fn open(&self, calendar: &Calendar) -> Vec<bool> {
        let mut open = vec![false; self.shows.len()];
        for day in self.days() {
            for (from, to) in self.spans(calendar, day) {
                open[from..to].fill(true);
            }
        }
        open
    }
}

fn day_of(date: Date) -> i32 {
    (date - Date::constant(1970, 1, 1)).get_days()
}

/// The minute at which so many minutes of opening time are over; none behind the window.
fn after_minutes(open: &[bool], now: usize, minutes: usize) -> Option<usize> {
    (now..open.len()).filter(|minute| open[*minute]).nth(minutes - 1).map(|minute| minute + 1)
}

/// The minute so many business days later; none behind the window.
fn after_days(wall: &Wall, calendar: &Calendar, open: &[bool], now: usize, days: usize) -> Option<usize> {
    let start = (now..open.len()).find(|minute| open[*minute])?;
    let (today, time) = wall.shows[start];
    // The last day of the window is not seen to its end.
    let day = (today + 1..*wall.days().end()).filter(|day| !wall.spans(calendar, *day).is_empty()).nth(days - 1)?;
    let wanted = wall.first(day, time);
    let spans = wall.spans(calendar, day);
    let opening = spans.iter().find(|(_, to)| *to > wanted).map(|(from, _)| wanted.max(*from));
    Some(opening.unwrap_or(spans[spans.len() - 1].1))
}

/// Hours of a day: cuts in order, every second piece is open.
fn any_hours() -> impl Strategy<Value = Hours> {
    let minute = prop_oneof![
        0u16..=1_440,
        // Around the hours at which clocks change.
        (0u16..=16).prop_map(|quarter| quarter * 15),
        proptest::sample::select(vec![0u16, 60, 120, 125, 150, 179, 180, 181, 1_380, 1_410, 1_440]),
    ];
    proptest::collection::btree_set(minute, 0..5).prop_map(|cuts| {
        let cuts: Vec<u16> = cuts.into_iter().collect();
        cuts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    })
}

/// Opening hours of a day, in minutes.
type Hours = Vec<(u16, u16)>;

fn any_case() -> impl Strategy<Value = (usize, Vec<Hours>, Vec<i32>)> {
    (
        0..CHANGES.len(),
        proptest::collection::vec(any_hours(), 7),
        proptest::collection::btree_set(0i32..12, 0..4).prop_map(|days| days.into_iter().collect()),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_calendar_says_what_the_wall_shows(
        (change, week, closed) in any_case(),
        nows in proptest::collection::vec(0usize..9_000, 6),
        counts in proptest::collection::vec((1usize..4, 1usize..2_000), 6),
    ) {
        let (zone, start) = CHANGES[change];
        let wall = Wall::new(zone, start);
        let first = *wall.days().start();
        let calendar = Calendar {
            name: "shop".to_owned(),
            zone: zone.to_owned(),
            week: week.try_into().unwrap(),
            closed: closed.into_iter().map(|day: i32| first + day).collect(),
        };
        let open = wall.open(&calendar);
        let instant = |minute: usize| wall.start_ms + i64::try_from(minute).unwrap() * MIN;
        // What began before the window isn't seen.
        for (now, (days, minutes)) in nows.into_iter().map(|now| now + 1_440).zip(counts) {
            let wanted_ms = i64::try_from(minutes).unwrap() * MIN;
            if let Some(due) = after_minutes(&open, now, minutes) {
                prop_assert_eq!(calendar.due(instant(now), 0, wanted_ms), Ok(instant(due)), "{} min", minutes);
            }
            if let Some(due) = after_days(&wall, &calendar, &open, now, days) {
                let days = i32::try_from(days).unwrap();
                prop_assert_eq!(calendar.due(instant(now), days, 0), Ok(instant(due)), "{} days", days);
            }
            let until = now + minutes;
            let counted = open[now..until].iter().filter(|open| **open).count();
            let between = calendar.opening_ms_between(instant(now), instant(until));
            prop_assert_eq!(between, Ok(i64::try_from(counted).unwrap() * MIN), "until {}", until);
        }
    }

    /// However long, however odd: an instant behind the moment it was asked at, or a reason, and soon.
    #[test]
    fn there_is_always_an_answer(
        (change, week, closed) in any_case(),
        now in prop_oneof![any::<i64>(), -100_000_000_000i64..5_000_000_000_000],
        days in any::<i32>(),
        ms in any::<i64>(),
    ) {
        let (zone, _) = CHANGES[change];
        let calendar =
            Calendar { name: "shop".to_owned(), zone: zone.to_owned(), week: week.try_into().unwrap(), closed };
        match calendar.due(now, days, ms) {
            Ok(due) => prop_assert!(due >= now && days >= 0 && ms >= 0),
            Err(CalendarError::Negative) => prop_assert!(days < 0 || ms < 0),
            Err(CalendarError::UnknownZone { .. }) => prop_assert!(false, "{} is known", zone),
            Err(CalendarError::NeverOpen | CalendarError::TooFar | CalendarError::OutOfRange) => {}
        }
    }
}

#[test]
fn the_windows_hold_a_change_of_the_clock() {
    for (zone, start) in CHANGES.into_iter().filter(|(zone, _)| *zone != "UTC") {
        let shows = Wall::new(zone, start).shows;
        let in_step = |pair: &[(i32, u16)]| {
            let minute = |(day, minute): (i32, u16)| day * 1_440 + i32::from(minute);
            minute(pair[1]) == minute(pair[0]) + 1
        };
        assert!(!shows.windows(2).all(in_step), "{zone} {start}");
    }
}
