//! What people bring along who have never programmed: steps without their word, lists as in YAML, amounts as on a receipt, and braces
//! one too many or too few. Each is told in the words of what was meant.

use super::words;
use crate::grammar::Rule;
use crate::scan::STATEMENT_STARTERS;
use flowline_diag::{Diagnostic, Edit, Fix, Span, code::f01};

/// Where the strict rule gave up in a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop<'t> {
    pub(super) rule: Rule,
    /// The line, and what of it could be read.
    pub(super) line: &'t str,
    pub(super) read: &'t str,
    /// The first word of the line, and where it stands.
    pub(super) first: &'t str,
    pub(super) first_at: Span,
    /// The word or sign where reading ended, and where it stands.
    pub(super) found: &'t str,
    pub(super) at: Span,
    pub(super) expected: &'t [Rule],
}

const HANDLERS: &[&str] = &["on", "after", "too", "meanwhile"];
const CLAUSES: &[&str] = &["key", "track", "promise", "owner", "raises"];

/// The finding for a habit of other places; none where the line has another fault.
pub(super) fn habit(stop: &Stop<'_>) -> Option<Diagnostic> {
    line_start(stop).or_else(|| inside(stop))
}

/// Habits that show in the first word of a line.
fn line_start(stop: &Stop<'_>) -> Option<Diagnostic> {
    let Stop { rule, first, first_at, found, at, .. } = *stop;
    let unexpected = |message: String, at| Diagnostic::new(&f01::UNEXPECTED, message, at);
    let is_first = stop.read.trim() == first;
    if is_first && found == ":" {
        let finding = if words::starters(rule).contains(&first) {
            Diagnostic::new(&f01::FOREIGN, format!("`{first}` is written without `:`"), at).fix(
                "remove the `:`",
                at,
                "",
            )
        } else if rule == Rule::bad_stmt {
            unexpected(format!("no step begins with `{first}:`"), first_at).help(
                "a step begins with its word, such as `do` or `status`; what it needs stands in brackets behind it",
            )
        } else {
            return None;
        };
        return Some(finding);
    }
    if rule == Rule::bad_stmt && first == "-" {
        let finding = Diagnostic::new(&f01::FOREIGN, "a step stands on its line without `-`", first_at);
        return Some(finding.fix("remove the `-`", first_at, ""));
    }
    if first == "#" && matches!(rule, Rule::bad_stmt | Rule::bad_item) {
        let finding = Diagnostic::new(&f01::FOREIGN, "a remark begins with `//`, not with `#`", first_at);
        return Some(finding.label("write `//`").fix("replace with `//`", first_at, "//"));
    }
    if rule != Rule::bad_stmt {
        return None;
    }
    if is_call(stop.line) && !STATEMENT_STARTERS.contains(&first) {
        let asked = stop.line.split('(').next().unwrap_or(first).trim();
        let before = Span { end: first_at.start, ..first_at };
        let finding = unexpected(format!("`{asked}` is asked without `do`"), first_at).label("write `do` before it");
        return Some(finding.fix("write `do` before it", before, "do "));
    }
    if HANDLERS.contains(&first) {
        return Some(
            unexpected(format!("no attempt stands in front of this `{first}`"), first_at).help(BEHIND_ATTEMPT),
        );
    }
    if CLAUSES.contains(&first) {
        let message = format!("`{first}` belongs into the head of a flow");
        return Some(unexpected(message, first_at).help("put it above the `{` in which the steps stand"));
    }
    None
}

const BEHIND_ATTEMPT: &str =
    "what may go wrong stands in `attempt { … }`; what happens then stands behind its `}`, as in `on Declined { … }`";

/// Habits that show further in.
fn inside(stop: &Stop<'_>) -> Option<Diagnostic> {
    let Stop { rule, found, at, expected, first, .. } = *stop;
    let finding = || Diagnostic::new(&f01::UNEXPECTED, format!("`{found}` can't stand here"), at);
    let wants = |rule| expected.contains(&rule);
    let is_number = found.starts_with(|c: char| c.is_ascii_digit());
    let last = stop.read.trim_end().rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
    if is_number && is_currency(last) {
        let start = at.start.saturating_sub(narrow(stop.read.len() - stop.read.trim_end().len() + last.len()));
        let whole = Span { start, ..at };
        let ours = format!("{found} {last}");
        return Some(
            Diagnostic::new(&f01::UNIT, "the currency stands behind its amount", whole)
                .label(format!("write `{ours}`"))
                .fix(format!("replace with `{ours}`"), whole, ours),
        );
    }
    if words::symbol(found).is_some() && !last.ends_with(|c: char| c.is_ascii_digit()) {
        return Some(
            Diagnostic::new(&f01::UNIT, format!("`{found}` names no currency here"), at)
                .help("an amount is followed by the three letters of its currency: `500 EUR`"),
        );
    }
    if found == "," && last.chars().all(|c| c.is_ascii_digit()) && !last.is_empty() && !wants(Rule::comma) {
        let behind = stop.line.get(stop.read.len() + 1..).unwrap_or("");
        return Some(if behind.starts_with(|c: char| c.is_ascii_digit()) {
            let finding = Diagnostic::new(&f01::FOREIGN, "cents stand behind a point, not behind a comma", at);
            finding.label("write `.`").fix("replace with `.`", at, ".")
        } else {
            finding().help("conditions are joined by `and` or `or`")
        });
    }
    if found == "," && first == "when" {
        return Some(finding().help("conditions are joined by `and` or `or`"));
    }
    if found == "then" && (wants(Rule::brace_open) || wants(Rule::block)) {
        return Some(finding().help("what is done stands in a block: `when … { … }`"));
    }
    if found == "in" && first != "for" {
        return Some(finding().help("a list is asked whether it has a value: `[A.one, A.two].contains(x)`"));
    }
    if found == "do" && first != "do" {
        return Some(
            finding()
                .help("ask first, on a line of its own, and give the answer a name: `let answer = do system.op(…)`"),
        );
    }
    if first == "repeat" && wants(Rule::k_up) {
        let help =
            "rounds are always counted: `repeat up to 3 times { … }`, with `until …` behind the `}` to end them early";
        return Some(finding().help(help));
    }
    if first == "for" && wants(Rule::k_each) {
        let before = Span { end: at.start, ..at };
        return Some(finding().help("write `for each … in …`").fix("write `each`", before, "each "));
    }
    if found == ":" && wants(Rule::paren_close) {
        return Some(
            finding().help("values stand in the order of the contract, without their names: `send(customer, message)`"),
        );
    }
    if found == "\"" && matches!(first, "status" | "stop") {
        return Some(finding().help(format!("`{first}` is followed by a name without quotes: `{first} ready`")));
    }
    if rule == Rule::bad_arm && wants(Rule::fat_arrow) && found == "{" {
        return Some(finding().help("what is done stands behind `=>`: `after 2 days => { … }`"));
    }
    if rule == Rule::bad_params && found == "-" && stop.read.is_empty() {
        return Some(finding().help("a name has letters, digits and `_`: `my_flow`"));
    }
    if rule == Rule::bad_params && wants(Rule::colon) && last.starts_with(|c: char| c.is_ascii_uppercase()) {
        return Some(finding().help("the name stands first, then its type: `order: Order`"));
    }
    None
}

/// What stands behind a sound step and can't go on with it.
pub(super) fn tail(text: &str, found: &str, at: Span) -> Option<Diagnostic> {
    let unexpected = || Diagnostic::new(&f01::UNEXPECTED, format!("`{found}` can't stand here"), at);
    let behind = text.get(at.end as usize..).unwrap_or("").trim_start();
    if found == "else" {
        let Some(rest) = behind.strip_prefix("if ") else {
            return Some(
                unexpected()
                    .help("`else` stands behind the `}` of a `when`; in a `match` all other cases are `otherwise`"),
            );
        };
        let start = narrow(text.len() - rest.len()) - narrow("if ".len());
        let if_at = Span { start, end: start + 2, ..at };
        let edits = vec![Edit { span: if_at, text: "when".to_owned() }];
        let fix = Fix { title: "replace with `when`".to_owned(), edits, safe: true };
        let finding = Diagnostic::new(&f01::FOREIGN, "`else if` is written `else when`", if_at);
        return Some(finding.label("write `when`").fix_with(fix));
    }
    if HANDLERS.contains(&found) {
        return Some(unexpected().help(BEHIND_ATTEMPT));
    }
    None
}

/// A step or the like outside of every flow, where a declaration was due.
pub(super) fn outside(first: &str, at: Span) -> Option<Diagnostic> {
    STATEMENT_STARTERS.contains(&first).then(|| {
        Diagnostic::new(&f01::UNEXPECTED, format!("this `{first}` stands outside of every flow"), at)
            .help("a `}` above may be one too many: it has closed the flow")
    })
}

/// `system.op(`
fn is_call(line: &str) -> bool {
    let Some((called, _)) = line.split_once('(') else { return false };
    let Some((system, op)) = called.trim().split_once('.') else { return false };
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name(system) && is_name(op)
}

fn is_currency(word: &str) -> bool {
    word.len() == 3 && word.chars().all(|c| c.is_ascii_uppercase())
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
