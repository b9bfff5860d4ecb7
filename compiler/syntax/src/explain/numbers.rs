//! Numbers, dates and amounts as they are written elsewhere: `1.000,50`, `1,000.50`, `24.12.2026`, `€ 500`, `5 pm`.

use super::words;
use flowline_diag::{Diagnostic, Edit, Fix, Span, code::f01};

/// What a run of digits and marks was meant as.
#[derive(Debug, PartialEq)]
struct Meant {
    message: &'static str,
    ours: String,
    /// Whether it can't have been meant otherwise.
    sure: bool,
}

/// The finding for a number that is written with the marks of another country; none where the words at `at` belong to no such
/// number.
pub(super) fn number(text: &str, at: Span) -> Option<Diagnostic> {
    let (start, run) = run_at(text, at.start as usize)?;
    let meant = read(run)?;
    let span = crate::scan::span(at.file, start, start + run.len());
    let finding = Diagnostic::new(&f01::UNIT, meant.message, span).label(format!("write `{}`", meant.ours));
    let mut edits = vec![Edit { span, text: meant.ours.clone() }];
    // What stands in the rest of the line and is written in the same way is mended with it.
    let mut from = start + run.len();
    while let Some(rest) = text.get(from..).map(|rest| rest.split('\n').next().unwrap_or("")) {
        let Some(next) = rest.find(|c: char| c.is_ascii_digit()) else { break };
        let Some((start, run)) = run_at(text, from + next) else { break };
        if let Some(meant) = read(run) {
            edits.push(Edit { span: crate::scan::span(at.file, start, start + run.len()), text: meant.ours });
        }
        from = (start + run.len()).max(from + next + 1);
    }
    let title = format!("replace with `{}`", meant.ours);
    Some(finding.fix_with(Fix { title, edits, safe: meant.sure }))
}

/// The digits and marks around an offset, without those at their end.
fn run_at(text: &str, at: usize) -> Option<(usize, &str)> {
    let belongs = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '/');
    let before = text.get(..at)?;
    let start = before.trim_end_matches(belongs).len();
    let len = text.get(start..)?.chars().take_while(|c| belongs(*c)).count();
    let run = text.get(start..start + len)?;
    let kept = run.trim_start_matches(|c: char| !c.is_ascii_digit());
    let start = start + (run.len() - kept.len());
    let run = kept.trim_end_matches(|c: char| !c.is_ascii_digit());
    // `v2.1,5` and `a.1` are no numbers.
    let is_name = text.get(..start)?.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    (!run.is_empty() && !is_name).then_some((start, run))
}

fn read(run: &str) -> Option<Meant> {
    if let Some(date) = date(run) {
        return Some(date);
    }
    if run.contains('/') {
        return None;
    }
    const POINT: &str = "decimals stand behind a point, and nothing parts the thousands";
    let sure = |ours: String| Some(Meant { message: POINT, ours, sure: true });
    let (commas, points) = (run.matches(',').count(), run.matches('.').count());
    let without = |mark: char| run.replace(mark, "");
    match (commas, points) {
        (0, 0 | 1) => None,
        // 1.000.000 and 1,000,000
        (0, _) if in_thousands(run, '.') => sure(without('.')),
        (0, _) => None,
        (1, 0) => {
            let (whole, fraction) = run.split_once(',')?;
            let ours = format!("{whole}.{fraction}");
            // 1,000 is a thousand in London and one in Berlin.
            let sure = fraction.len() != 3 || whole.len() > 3;
            Some(Meant { message: POINT, ours, sure })
        }
        (_, 0) if in_thousands(run, ',') => sure(without(',')),
        (_, 0) => None,
        // 1.000,50
        (1, _) if run.rfind(',') > run.rfind('.') => {
            let (whole, fraction) = run.split_once(',')?;
            in_thousands(whole, '.').then(|| format!("{}.{fraction}", whole.replace('.', ""))).and_then(sure)
        }
        // 1,000.50
        (_, 1) if run.rfind('.') > run.rfind(',') => {
            let (whole, fraction) = run.split_once('.')?;
            in_thousands(whole, ',').then(|| format!("{}.{fraction}", whole.replace(',', ""))).and_then(sure)
        }
        _ => None,
    }
}

/// Groups of three behind one of up to three.
fn in_thousands(number: &str, mark: char) -> bool {
    let mut groups = number.split(mark);
    groups.next().is_some_and(|first| (1..=3).contains(&first.len())) && groups.all(|group| group.len() == 3)
}

/// `24.12.2026`, `12/24/2026`, `24/12/26`
fn date(run: &str) -> Option<Meant> {
    let mark = if run.contains('/') { '/' } else { '.' };
    let parts: Vec<&str> = run.split(mark).collect();
    let [first, second, year] = parts.as_slice() else { return None };
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| (1..=2).contains(&text.len()));
    let (first, second) = (number(first)?, number(second)?);
    let (year, full) = match year.len() {
        4 => (year.parse::<u32>().ok()?, true),
        2 => (2000 + number(year)?, false),
        _ => return None,
    };
    // With strokes the month may stand first.
    let (day, month) = if mark == '/' && second > 12 { (second, first) } else { (first, second) };
    if !(1..=31).contains(&day) || !(1..=12).contains(&month) {
        return None;
    }
    let sure = full && (mark == '.' || day > 12 || day == month);
    Some(Meant {
        message: "a date is written with its year first",
        ours: format!("{year:04}-{month:02}-{day:02}"),
        sure,
    })
}

/// `€ 500`: the sign stands in front of its amount.
pub(super) fn amount_behind(text: &str, found: &str, at: Span) -> Option<Diagnostic> {
    let currency = words::symbol(found)?;
    let finding = Diagnostic::new(&f01::UNIT, format!("a currency is written as three letters, not as `{found}`"), at);
    let behind = text.get(at.end as usize..).unwrap_or("");
    let blanks = behind.len() - behind.trim_start_matches([' ', '\t']).len();
    let is_amount = behind.get(blanks..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let Some((start, run)) = run_at(text, at.end as usize + blanks).filter(|_| is_amount) else {
        return Some(finding.help("an amount is followed by the three letters of its currency: `500 EUR`"));
    };
    let meant = read(run);
    let amount = meant.as_ref().map_or(run, |meant| &meant.ours);
    let whole = crate::scan::span(at.file, at.start as usize, start + run.len());
    let ours = format!("{amount} {currency}");
    let title = format!("replace with `{ours}`");
    let finding = Diagnostic { primary: flowline_diag::Label::new(whole, format!("write `{ours}`")), ..finding };
    let sure = currency == "EUR" && meant.is_none_or(|meant| meant.sure);
    let edits = vec![Edit { span: whole, text: ours }];
    Some(finding.fix_with(Fix { title, edits, safe: sure }))
}

/// `5 pm`, `17 Uhr`: a time of the day where a number with its unit was read.
pub(super) fn time_of_day(text: &str, found: &str, at: Span) -> Option<Diagnostic> {
    let is_clock = ["am", "pm", "a.m", "p.m", "oclock", "uhr"].contains(&found.to_lowercase().as_str());
    let before = text.get(..at.start as usize)?.trim_end_matches([' ', '\t']);
    if !is_clock || !before.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let digits = before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let hour: u32 = before.get(before.len() - digits..)?.parse().ok()?;
    let hour = if found.to_lowercase().starts_with('p') && hour < 12 { hour + 12 } else { hour };
    let finding = Diagnostic::new(&f01::UNIT, format!("`{found}` is not a unit"), at).label("a time of the day");
    Some(finding.help(format!(
        "times of the day stand in calendars and behind `starts every day at`, as `{hour:02}:00`; a wait takes a length of time or \
         a moment: `wait 2 h`, `wait until order.placed_at + 1 day`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_other_countries() {
        let cases = [
            ("1.000,50", Some(("1000.50", true))),
            ("1,000.50", Some(("1000.50", true))),
            ("1.000.000", Some(("1000000", true))),
            ("1,000,000.5", Some(("1000000.5", true))),
            ("19,99", Some(("19.99", true))),
            ("1,000", Some(("1.000", false))),
            ("1234,567", Some(("1234.567", true))),
            ("24.12.2026", Some(("2026-12-24", true))),
            ("12/24/2026", Some(("2026-12-24", true))),
            ("03/04/2026", Some(("2026-04-03", false))),
            ("3.4.26", Some(("2026-04-03", false))),
            ("19.99", None),
            ("40.13.2026", None),
            ("1,2,3", None),
            ("1/2", None),
        ];
        for (run, expected) in cases {
            let meant = read(run);
            assert_eq!(meant.as_ref().map(|meant| (meant.ours.as_str(), meant.sure)), expected, "{run}");
        }
    }
}
