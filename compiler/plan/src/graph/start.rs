//! How a flow starts, in words.

use crate::{Bundle, Plan, Schedule, StartRule, TypeId, text};

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// What begins a run: `begins every day at 05:00 of warehouse`.
pub(super) fn words(bundle: &Bundle, plan: &Plan) -> String {
    let name = |event: TypeId| bundle.ty(event).map_or("an event", |ty| ty.short_name());
    match &plan.start {
        Some(StartRule::Event { event, condition }) => {
            let condition = if condition.is_some() { ", where its condition holds" } else { "" };
            format!("begins with {}{condition}", name(*event))
        }
        Some(StartRule::Every(schedule)) => format!("begins {}", schedule_words(schedule)),
        Some(StartRule::Gather(gather)) => {
            let within = text::duration_text(gather.within_ms);
            format!("begins with up to {} {} gathered within {within}", gather.count_max, name(gather.event))
        }
        None => match plan.side.as_ref().and_then(|side| bundle.flow(side.of)) {
            Some(flow) => format!("begun by a clause of {}", flow.short_name()),
            None => "begun by other flows".to_owned(),
        },
    }
}

/// When: `every Monday at 05:00 of warehouse`.
fn schedule_words(schedule: &Schedule) -> String {
    let short = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
    match schedule {
        Schedule::Daily { weekday, minute, calendar } => {
            let day = weekday.and_then(|day| WEEKDAYS.get(usize::from(day))).copied().unwrap_or("day");
            format!("every {day} at {:02}:{:02} of {}", minute / 60, minute % 60, short(calendar))
        }
        Schedule::Interval { every_ms, calendar } => {
            let of = calendar.as_ref().map(|name| format!(" of {}", short(name))).unwrap_or_default();
            format!("every {}{of}", text::duration_text(*every_ms))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_read_like_the_language() {
        let of = || "shop.warehouse".to_owned();
        for (schedule, words) in [
            (Schedule::Daily { weekday: None, minute: 300, calendar: of() }, "every day at 05:00 of warehouse"),
            (Schedule::Daily { weekday: Some(6), minute: 1_439, calendar: of() }, "every Sunday at 23:59 of warehouse"),
            (Schedule::Interval { every_ms: 900_000, calendar: None }, "every 15 min"),
            (Schedule::Interval { every_ms: 5_400_000, calendar: Some(of()) }, "every 1 h 30 min of warehouse"),
        ] {
            assert_eq!(schedule_words(&schedule), words);
        }
    }
}
