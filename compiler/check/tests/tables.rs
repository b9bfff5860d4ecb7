//! What is said of a decision table, held against a table of all cases: random tables over small columns.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is a finding")]

use flowline_check::{SourceModule, check};
use flowline_diag::{Diagnostic, Sources};
use proptest::prelude::*;

const CASES: [&str; 3] = ["web", "app", "store"];
/// Beyond the constants of the cells, which are 0 to 4, on both sides.
const COUNTS: std::ops::RangeInclusive<i64> = -1..=5;

/// One case: a channel, a count, and a switch that may be absent.
type Case = (usize, i64, Option<bool>);

#[derive(Debug, Clone)]
enum Count {
    Any,
    Is(Vec<i64>),
    Below(i64),
    AtLeast(i64),
    Between(i64, i64),
}

#[derive(Debug, Clone)]
struct Row {
    /// Empty for `-`.
    channels: Vec<usize>,
    count: Count,
    /// None for `-`.
    fast: Option<Option<bool>>,
    result: u8,
}

impl Row {
    fn holds(&self, (channel, count, fast): Case) -> bool {
        let counts = match &self.count {
            Count::Any => true,
            Count::Is(values) => values.contains(&count),
            Count::Below(value) => count < *value,
            Count::AtLeast(value) => count >= *value,
            Count::Between(least, most) => (*least..=*most).contains(&count),
        };
        counts
            && (self.channels.is_empty() || self.channels.contains(&channel))
            && self.fast.is_none_or(|wanted| wanted == fast)
    }

    fn text(&self) -> String {
        let channels: Vec<&str> = self.channels.iter().map(|case| CASES[*case]).collect();
        let channels = if channels.is_empty() { "-".to_owned() } else { channels.join(", ") };
        let count = match &self.count {
            Count::Any => "-".to_owned(),
            Count::Is(values) => values.iter().map(i64::to_string).collect::<Vec<_>>().join(", "),
            Count::Below(value) => format!("< {value}"),
            Count::AtLeast(value) => format!(">= {value}"),
            Count::Between(least, most) => format!("{least}..{most}"),
        };
        let fast = match self.fast {
            None => "-",
            Some(None) => "none",
            Some(Some(true)) => "true",
            Some(Some(false)) => "false",
        };
        format!("  | {channels} | {count} | {fast} || {} |\n", self.result)
    }
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let count = prop_oneof![
        2 => Just(Count::Any),
        1 => prop::collection::vec(0..=4_i64, 1..3).prop_map(Count::Is),
        2 => (0..=4_i64).prop_map(Count::Below),
        2 => (0..=4_i64).prop_map(Count::AtLeast),
        1 => (0..=4_i64, 0..=4_i64).prop_map(|(least, most)| Count::Between(least, most)),
    ];
    let fast = prop_oneof![
        3 => Just(None),
        1 => Just(Some(None)),
        2 => any::<bool>().prop_map(|fast| Some(Some(fast))),
    ];
    let row = (prop::sample::subsequence(vec![0, 1, 2], 0..3), count, fast, 0..2_u8)
        .prop_map(|(channels, count, fast, result)| Row { channels, count, fast, result });
    prop::collection::vec(row, 1..6)
}

fn found(rows: &[Row], policy: &str) -> Vec<Diagnostic> {
    let body: String = rows.iter().map(Row::text).collect();
    let text = format!(
        "enum Channel {{ web, app, store }}\n\
         decision d(channel: Channel, count: Int, fast: Bool?) -> Int, {policy} {{\n  | channel | count | fast || result |\n{body}}}\n"
    );
    let mut sources = Sources::default();
    let file = sources.add("d.flow", text.as_str());
    let parsed = flowline_syntax::parse(file, &text);
    assert!(parsed.diagnostics.is_empty(), "{text}");
    let module = SourceModule { name: "d".to_owned(), ast: parsed.module, broken: Vec::new(), library: false };
    check(&[module]).diagnostics
}

/// The case that a finding names; columns that no row looks at stand for any value.
fn named(finding: &Diagnostic) -> Case {
    let (_, case) = finding.message.split_once(" for ").unwrap();
    let case = case.split(" and say").next().unwrap();
    let value = |name: &str| case.split(", ").find_map(|part| part.strip_prefix(name)?.strip_prefix(" = "));
    let fast = match value("fast") {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    };
    let channel = value("channel").map_or(0, |name| CASES.iter().position(|case| *case == name).unwrap());
    (channel, value("count").map_or(0, |count| count.parse().unwrap()), fast)
}

fn all_cases() -> impl Iterator<Item = Case> {
    let fasts = [None, Some(false), Some(true)];
    (0..3).flat_map(move |channel| COUNTS.flat_map(move |count| fasts.map(move |fast| (channel, count, fast))))
}

proptest! {
    #[test]
    fn what_is_said_is_so(rows in rows(), policy in prop::sample::select(vec!["first", "unique", "any"])) {
        let found = found(&rows, policy);
        let of = |code: &str| found.iter().filter(|finding| finding.code.id == code).collect::<Vec<_>>();
        let table: String = rows.iter().map(Row::text).collect();

        let open = all_cases().any(|case| !rows.iter().any(|row| row.holds(case)));
        let gaps = of("F0901");
        prop_assert_eq!(gaps.len(), usize::from(open), "{}", table);
        for gap in gaps {
            let case = named(gap);
            prop_assert!(!rows.iter().any(|row| row.holds(case)), "{} {}", gap.message, table);
        }

        let clashes = |at: usize| {
            let differ = |other: &Row| policy == "unique" || other.result != rows[at].result;
            let both = |other: &Row| all_cases().any(|case| other.holds(case) && rows[at].holds(case));
            policy != "first" && rows[..at].iter().any(|other| differ(other) && both(other))
        };
        let overlaps = of("F0902");
        prop_assert_eq!(overlaps.len(), (0..rows.len()).filter(|at| clashes(*at)).count(), "{}", table);
        for overlap in overlaps {
            let case = named(overlap);
            prop_assert!(rows.iter().filter(|row| row.holds(case)).count() > 1, "{} {}", overlap.message, table);
        }

        let in_vain = |at: usize| {
            let above = if policy == "first" { &rows[..at] } else { &[] };
            !all_cases().any(|case| rows[at].holds(case) && !above.iter().any(|row| row.holds(case)))
        };
        prop_assert_eq!(of("F0903").len(), (0..rows.len()).filter(|at| in_vain(*at)).count(), "{}", table);
    }
}
