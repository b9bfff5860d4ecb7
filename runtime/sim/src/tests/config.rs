//! The `[simulate.…]` tables.
use crate::{EventRate, SystemRates, WorldConfig, fixture::shop};

fn read(text: &str) -> Result<WorldConfig, Vec<String>> {
    let table: toml::Table = text.parse().unwrap();
    WorldConfig::from_tables(&shop(), 7, table).map_err(|error| error.problems)
}

#[test]
fn tables_are_read() {
    let config = read(
        r#"
        [payments]
        Declined = 0.04
        lost_answer = 0.03
        down = 0
        [events]
        PickConfirmed = { after = "20 min", rate = 0.92 }
        PickedUp = { after = "1 day 2 h" }
        "#,
    )
    .unwrap();
    let errors = [("Declined".to_owned(), 0.04)].into();
    let payments = SystemRates { lost_answer: 0.03, errors, ..SystemRates::default() };
    assert_eq!(config.seed, 7);
    assert_eq!(config.systems["payments"], payments);
    assert_eq!(config.events["PickConfirmed"], EventRate { after_ms: 20 * 60_000, rate: 0.92 });
    assert_eq!(config.events["PickedUp"], EventRate { after_ms: 26 * 3_600_000, rate: 1.0 });
}

#[test]
fn what_is_wrong_is_told_in_plain_words() {
    for (text, problem) in [
        ("[paiments]", "simulate.paiments: there is no system called `paiments`; did you mean `payments`?"),
        (
            "[payments]\nDeclind = 0.1",
            "simulate.payments.Declind: there is no error of `payments` called `Declind`; did you mean `Declined`?",
        ),
        (
            "[payments]\nOutOfStock = 0.1",
            "simulate.payments.OutOfStock: there is no error of `payments` called `OutOfStock`",
        ),
        ("[payments]\ndown = 1.5", "simulate.payments.down: a rate lies between 0 and 1, not at 1.5"),
        (
            "[payments]\nlost_answer = 0.5\ndown = 0.6",
            "simulate.payments: lost_answer, lost_call and down add up to 1.10; at most 1",
        ),
        ("[payments]\ndown = \"often\"", "simulate.payments.down: expected a rate from 0 to 1, such as 0.03"),
        ("payments = 3", "simulate.payments: expected a table such as [simulate.payments]"),
        (
            "[events]\nPickConfirm = { rate = 1.0 }",
            "simulate.events.PickConfirm: there is no event called `PickConfirm`; did you mean `PickConfirmed`?",
        ),
        (
            "[events]\nStaged = { after = \"20 minutes\" }",
            "simulate.events.Staged.after: `20 minutes` is no duration; write \"20 min\" or \"2 days 3 h\"",
        ),
        (
            "[events]\nStaged = { after = 20 }",
            "simulate.events.Staged.after: expected a duration with its unit, such as \"20 min\"",
        ),
        ("[events]\nStaged = { often = 1 }", "simulate.events.Staged.often: only `after` and `rate` stand here"),
        (
            "[events]\nPickConfirmed = { rate = 0.9 }\nPickRejected = { rate = 0.2 }",
            "simulate.events: PickConfirmed or PickRejected follow `store_ops.assign_pick` one at a time, but their rates add up to 1.10; at most 1",
        ),
    ] {
        let problems = read(text).unwrap_err();
        assert!(problems.contains(&problem.to_owned()), "{text}: {problems:?}");
    }
}
