//! What people bring along who have never programmed: steps without their word, lists as in YAML, amounts as on a receipt, and braces
//! one too many or too few. Each is told in the words of what was meant.

use super::{numbers, words};
use crate::grammar::Rule;
use crate::scan::STATEMENT_STARTERS;
use flowline_diag::{Diagnostic, Edit, Fix, Span, code::f01};

/// Where the strict rule gave up in a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop<'t> {
    pub(super) text: &'t str,
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
    if let Some(finding) = beside(stop) {
        return Some(finding);
    }
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

/// What belongs beside a flow, in another place: `late` among the steps or in the head, parts of a promise among the steps.
fn beside(stop: &Stop<'_>) -> Option<Diagnostic> {
    let Stop { rule, first, first_at, found, at, .. } = *stop;
    let unexpected = |message: &str, at| Diagnostic::new(&f01::UNEXPECTED, message, at);
    let in_words = found.starts_with(|c: char| c.is_ascii_alphabetic());
    match (rule, first) {
        (Rule::bad_stmt | Rule::bad_clause, "late") if in_words || rule == Rule::bad_clause => Some(
            unexpected("`late` stands behind a flow's body", first_at)
                .help("put it behind the last `}` of the flow: it says what is done when the run has ended"),
        ),
        (Rule::bad_late, "late") if found == "on" || stop.read.trim_end().ends_with(" on") => Some(
            unexpected("`late` is followed by its event", at)
                .help("write `late PickedUp for … within 90 days { … }`, without a word between"),
        ),
        (Rule::bad_stmt, "missed") if found == "{" => {
            Some(unexpected("`missed` belongs into a promise", first_at).help(IN_PROMISE))
        }
        (Rule::bad_stmt, "at") if found.starts_with(|c: char| c.is_ascii_digit()) => {
            Some(unexpected("`at` belongs into a promise", first_at).help(IN_PROMISE))
        }
        (Rule::bad_promise_line, "at" | "missed") if STATEMENT_STARTERS.contains(&found) => {
            Some(unexpected("what is done stands in a block", at).help("write `at 75% { … }`, and `missed { … }`"))
        }
        (Rule::bad_promise_line, _) if !matches!(first, "at" | "missed") => Some(
            unexpected("a promise has `at` and `missed` in its braces", first_at)
                .help("write `at 75% { … }` for a part of its time, `missed { … }` for its end"),
        ),
        (_, _) => None,
    }
}

const IN_PROMISE: &str =
    "put it into the braces of a promise, in the flow's head: `promise \"…\": from start to ready within 2 h { … }`";

/// `case web: wait 1 h`, `default: wait 2 h`, where the head of the `match` is foreign too.
pub(super) fn arm(rule: Rule, line: &str, first: &str, first_at: Span) -> Option<Diagnostic> {
    let rest = match first {
        "case" | "default" => line.trim_start().strip_prefix(first)?,
        _ => return None,
    };
    let colon = rest.find(':').filter(|_| rule == Rule::bad_stmt)?;
    let case = rest.get(..colon)?.trim();
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let ours = match (first, case) {
        ("default", "") => "otherwise".to_owned(),
        ("case", case) if case.split('.').all(is_name) => case.rsplit('.').next()?.to_owned(),
        _ => return None,
    };
    let whole = Span { end: first_at.end + narrow(colon) + 1, ..first_at };
    let finding = Diagnostic::new(&f01::FOREIGN, format!("`{first}` is not a word of this language"), whole);
    let title = format!("write `{ours} =>`");
    Some(finding.label(title.clone()).fix(title, whole, format!("{ours} =>")))
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
    if !last.ends_with(|c: char| c.is_ascii_digit())
        && let Some(finding) = numbers::amount_behind(stop.text, found, at)
    {
        return Some(finding);
    }
    if (is_number || matches!(found, "," | "."))
        && !wants(Rule::comma)
        && let Some(finding) = numbers::number(stop.text, at)
    {
        return Some(finding);
    }
    if let Some(finding) = bad_letter(stop) {
        return Some(finding);
    }
    if let ("+=" | "-=" | "++" | "--", true) = (found, stop.read.trim() == first) {
        let op = found.get(..1).unwrap_or("+");
        let behind = if matches!(found, "++" | "--") { format!("= {first} {op} 1") } else { format!("= {first} {op}") };
        let finding = Diagnostic::new(&f01::FOREIGN, format!("`{found}` is not a sign of this language"), at);
        return Some(finding.label(format!("write `{behind}`")).fix(format!("replace with `{behind}`"), at, behind));
    }
    if first == "use" && found == "*" {
        let message = "names are brought in one by one, never all of a module";
        return Some(
            Diagnostic::new(&f01::UNEXPECTED, message, at)
                .help("say which: `use std.orders.{Order, OrderId}`; a name that is missing is told with its `use`"),
        );
    }
    if found == "," && last.chars().all(|c| c.is_ascii_digit()) && !last.is_empty() && !wants(Rule::comma) {
        return Some(finding().help("conditions are joined by `and` or `or`"));
    }
    if found == ":" && first == "when" && wants(Rule::brace_open) {
        return Some(finding().help("what is done stands in a block: `when … { … }`"));
    }
    if found == "{" && wants(Rule::expr) {
        return Some(finding().help("a value with fields begins with its type: `Gift { note: \"…\" }`"));
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
        let finding = Diagnostic::new(&f01::FOREIGN, "a step for each element of a list begins with `for each`", at);
        return Some(finding.label("write `each` before it").fix("write `each` before it", before, "each "));
    }
    if found == ":" && wants(Rule::paren_close) {
        return Some(
            finding().help("values stand in the order of the contract, without their names: `send(customer, message)`"),
        );
    }
    if found == "\"" && matches!(first, "status" | "stop") {
        let finding = finding().help(format!("`{first}` is followed by a name without quotes: `{first} ready`"));
        let quoted = stop.line.get(stop.read.len() + 1..).and_then(|rest| Some(rest.split_once('"')?.0)).unwrap_or("");
        let is_name = !quoted.is_empty() && quoted.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let whole = Span { end: at.end + narrow(quoted.len()) + 1, ..at };
        return Some(if is_name { finding.fix("leave the quotes out", whole, quoted) } else { finding });
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

/// A letter that names don't have, in what was meant as a name.
fn bad_letter(stop: &Stop<'_>) -> Option<Diagnostic> {
    let letter = stop.found.chars().next().filter(|letter| !letter.is_ascii())?;
    let before = stop.text.get(..stop.at.start as usize).unwrap_or("");
    let word = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or("");
    let goes_on = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let wants_name = [Rule::ident, Rule::word, Rule::upper].iter().any(|rule| stop.expected.contains(rule));
    if !(goes_on || wants_name && letter.is_alphabetic()) {
        return None;
    }
    let message = format!("a name has the letters a to z, digits and `_`, but no `{letter}`");
    let at = Span { end: stop.at.start + narrow(letter.len_utf8()), ..stop.at };
    let finding = Diagnostic::new(&f01::UNEXPECTED, message, at);
    let spelt = UMLAUTS.iter().find(|(umlaut, _)| *umlaut == letter).map(|(_, spelt)| *spelt);
    Some(match spelt {
        Some(spelt) => finding.label(format!("write `{spelt}`")).maybe_fix(format!("write `{spelt}`"), at, spelt),
        None => finding.help("leave it out; texts in quotes and remarks may hold any letter"),
    })
}

const UMLAUTS: &[(char, &str)] = &[
    ('ä', "ae"),
    ('ö', "oe"),
    ('ü', "ue"),
    ('Ä', "Ae"),
    ('Ö', "Oe"),
    ('Ü', "Ue"),
    ('ß', "ss"),
    ('é', "e"),
    ('è', "e"),
    ('à', "a"),
    ('ç', "c"),
    ('ñ', "n"),
];

/// What stands behind a sound step and can't go on with it.
pub(super) fn tail(text: &str, found: &str, at: Span) -> Option<Diagnostic> {
    let unexpected = || Diagnostic::new(&f01::UNEXPECTED, format!("`{found}` can't stand here"), at);
    let behind = text.get(at.end as usize..).unwrap_or("").trim_start();
    if found == "else" && behind.starts_with("=>") {
        let finding = Diagnostic::new(&f01::FOREIGN, "all other cases of a `match` are `otherwise`, not `else`", at);
        return Some(finding.label("write `otherwise`").fix("replace with `otherwise`", at, "otherwise"));
    }
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
    waited_event(text, found, at).or_else(|| awaited_call(text, found, at))
}

/// `wait PickedUp for order.id`: the word for time, with an event.
fn waited_event(text: &str, found: &str, at: Span) -> Option<Diagnostic> {
    let before = text.get(..at.start as usize)?;
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.get(line_start..)?;
    let event = line.trim().strip_prefix("wait ")?;
    if !matches!(found, "for" | "as" | "within") || !event.starts_with(|c: char| c.is_ascii_uppercase()) {
        return None;
    }
    let start = line_start + (line.len() - line.trim_start().len());
    let word = crate::scan::span(at.file, start, start + "wait".len());
    let whole = Span { end: at.start, ..word };
    let finding = Diagnostic::new(&f01::UNEXPECTED, "`wait` lets time pass; an event is waited for by `await`", whole);
    Some(finding.label("write `await`").fix("replace with `await`", word, "await"))
}

/// `await payments.capture(card)`: what other languages wait for is asked by `do` here.
fn awaited_call(text: &str, found: &str, at: Span) -> Option<Diagnostic> {
    let before = text.get(..at.start as usize)?;
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.get(line_start..)?;
    let (_, system) = line.rsplit_once("await ")?;
    let is_name =
        !system.is_empty() && system.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if found != "." || !is_name {
        return None;
    }
    let start = at.start as usize - system.len() - "await ".len();
    let word = crate::scan::span(at.file, start, start + "await".len());
    let whole = Span { end: at.start, ..word };
    let finding = Diagnostic::new(&f01::FOREIGN, "`await` waits for an event; a system is asked by `do`", whole);
    Some(finding.label("write `do`").fix("replace with `do`", word, "do"))
}

/// A step or the like outside of every flow, where a declaration was due.
pub(super) fn outside(first: &str, at: Span) -> Option<Diagnostic> {
    STATEMENT_STARTERS.contains(&first).then(|| {
        Diagnostic::new(&f01::UNEXPECTED, format!("this `{first}` stands outside of every flow"), at)
            .help("a `}` above may be one too many: it has closed the flow")
    })
}

/// `import { A, B } from "std/orders"`, `from std.orders import A, B`
pub(super) fn import(first: &str, at: Span, line: &str) -> Option<Diagnostic> {
    let line = line.trim();
    let (names, module) = match first {
        "import" => {
            line.strip_prefix("import")?.split_once(" from ").map_or(("", ""), |(names, module)| (names, module))
        }
        "from" => line.strip_prefix("from")?.split_once(" import ").map_or(("", ""), |(module, names)| (names, module)),
        _ => return None,
    };
    let is_name = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let names: Vec<&str> = names.trim().trim_matches(['{', '}']).split(',').map(str::trim).collect();
    let module = module.trim().trim_matches(['"', '\'']).trim_start_matches(['.', '/', '@']).replace('/', ".");
    let finding = Diagnostic::new(&f01::FOREIGN, format!("`{first}` is not a word of this language"), at);
    if !names.iter().all(is_name) || !module.split('.').all(|part| is_name(&part)) {
        return Some(finding.help("names are brought in by `use module.{Name}`"));
    }
    let ours = format!("use {module}.{{{}}}", names.join(", "));
    let whole = Span { end: at.start + narrow(line.len()), ..at };
    Some(finding.help(format!("names are brought in by `{ours}`")).maybe_fix(
        format!("replace with `{ours}`"),
        whole,
        ours,
    ))
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
