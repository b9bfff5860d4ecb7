//! Turns text that could not be read into a finding.
//!
//! The strict rule is run again on the bad words alone; where it gave up is where the author looks.

mod habits;
mod keywords;
mod numbers;
mod words;

use crate::build::BadText;
use crate::grammar::{FlowParser, Rule};
use crate::scan;
use flowline_diag::{Diagnostic, FileId, Span, code::f01};
use pest::Parser;
use pest::error::{Error, ErrorVariant, InputLocation};

/// Why `bad` could not be read; none where another finding says it all.
pub(crate) fn explain(file: FileId, text: &str, bad: &BadText) -> Option<Diagnostic> {
    // A tail is what stands behind something sound: the strict rule has to see the whole line.
    let is_tail = matches!(bad.rule, Rule::bad_tail | Rule::bad_tail_item);
    let head_end = head_end(text, bad);
    let head = text.get(bad.start..head_end)?;
    if is_tail {
        let found = word_at(head, 0);
        let at = scan::span(file, bad.start, bad.start + found.len());
        return Some(
            words::before(text, at)
                .or_else(|| words::foreign(text, at, found, words::Place::Inside))
                .or_else(|| numbers::number(text, at))
                .or_else(|| numbers::time_of_day(text, found, at))
                .or_else(|| habits::tail(text, found, at))
                .unwrap_or_else(|| tail(found, at, text, bad.rule)),
        );
    }
    let first = word_at(head, 0);
    let first_at = scan::span(file, bad.start, bad.start + first.len());
    if bad.rule == Rule::bad_item
        && let Some(finding) = habits::import(first, first_at, head)
    {
        return Some(finding);
    }
    if let Some(finding) = habits::arm(bad.rule, head, first, first_at) {
        return Some(finding);
    }
    if let Some(place) = words::place_of(bad.rule)
        && let Some(finding) = words::foreign(text, first_at, first, place)
    {
        return Some(finding);
    }
    if bad.rule == Rule::bad_item
        && let Some(finding) = habits::outside(first, first_at)
    {
        return Some(finding);
    }
    let opens = text.get(head_end..).is_some_and(|rest| rest.starts_with('{')) && head_end < bad.end;
    let probe = if opens { format!("{head}{{}}") } else { head.to_owned() };
    let error =
        strict_rules(bad.rule).iter().filter_map(|rule| FlowParser::parse(*rule, &probe).err()).max_by_key(stopped)?;
    let stopped = stopped(&error).min(head.len());
    // `:=` is one sign to the author, though the grammar could read its colon.
    let stopped = if head.get(..stopped).is_some_and(|read| read.ends_with(':')) && word_at(head, stopped) == "=" {
        stopped - 1
    } else {
        stopped
    };
    let found = word_at(head, stopped);
    let start = bad.start + stopped;
    let at = scan::span(file, start, start + found.len());
    let read = head.get(..stopped).unwrap_or("");
    let rule = bad.rule;
    let stop = habits::Stop { text, rule, line: head, read, first, first_at, found, at, expected: positives(&error) };
    if let Some(finding) = habits::habit(&stop) {
        return Some(finding);
    }
    let begins = head.get(..stopped).is_some_and(|read| read.trim() == first || read.trim().is_empty());
    if begins
        && !words::starters(bad.rule).contains(&first)
        && let Some(finding) = near_keyword(bad.rule, first, first_at)
    {
        return Some(finding);
    }
    if let Some(finding) = words::mixed_marks(positives(&error), found, at) {
        return Some(finding);
    }
    if let Some(finding) = words::foreign(text, at, found, words::Place::Inside) {
        return Some(finding);
    }
    if let Some(finding) = words::unit(text, at, found) {
        return Some(finding);
    }
    let expected = expected(&error, bad.rule, stopped == 0);
    if found.is_empty() {
        let wants_block = positives(&error).iter().any(|rule| matches!(rule, Rule::brace_open | Rule::block));
        let message = if opens {
            format!("expected {expected} before `{{`")
        } else {
            format!("the line ends too early, expected {expected}")
        };
        let end = scan::span(file, bad.start + head.trim_end().len(), bad.start + head.trim_end().len());
        let finding = Diagnostic::new(&f01::UNEXPECTED, message, end);
        return Some(if first == "use" {
            finding.help("say what is brought in: `use std.notify.{Template, notify}`")
        } else if let Some(missing) = open_bracket(head) {
            let title = format!("put a `{missing}` at its end");
            finding.label(format!("a bracket is still open: `{missing}` is missing")).maybe_fix(title, end, missing)
        } else if wants_block && !opens {
            finding.help("what is done stands in a block: `{ … }`")
        } else {
            finding
        });
    }
    let finding = Diagnostic::new(&f01::UNEXPECTED, format!("expected {expected}, found `{found}`"), at);
    Some(match words::keyword_typo(&error_keywords(&error), found) {
        Some(ours) => {
            finding.help(format!("did you mean `{ours}`?")).maybe_fix(format!("replace with `{ours}`"), at, ours)
        }
        None if found == "=>" && expected.contains("`{`") => finding.help("what is done stands in a block: `{ … }`"),
        None => finding,
    })
}

/// The bracket that closes the last one which is open at the end of a line.
fn open_bracket(line: &str) -> Option<char> {
    let mut open = Vec::new();
    let mut in_text = false;
    for letter in line.chars() {
        match letter {
            '"' => in_text = !in_text,
            '(' if !in_text => open.push(')'),
            '[' if !in_text => open.push(']'),
            ')' | ']' if !in_text => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}

/// Whether a declaration begins at an offset: by its word, by one that is nearly ours, or by that of another language.
pub(crate) fn begins_item(text: &str, at: usize) -> bool {
    let word = word_at(text, at);
    words::starters(Rule::bad_item).contains(&word)
        || words::nearly(Rule::bad_item, word).is_some()
        || words::is_foreign_declaration(word)
}

/// The finding for sound text with something behind it.
fn tail(found: &str, at: Span, text: &str, bad: Rule) -> Diagnostic {
    words::unit(text, at, found).unwrap_or_else(|| {
        let finding = Diagnostic::new(&f01::UNEXPECTED, format!("expected the end of the line, found `{found}`"), at);
        match words::keyword_typo(words::CLAUSES, found) {
            Some(ours) => {
                finding.help(format!("did you mean `{ours}`?")).maybe_fix(format!("replace with `{ours}`"), at, ours)
            }
            None if bad == Rule::bad_tail_item => {
                finding.help("put a comma between them, or each on a line of its own")
            }
            None if words::follows_number(text, at) && found.starts_with(|c: char| c.is_alphabetic()) => {
                let finding = Diagnostic::new(&f01::UNIT, format!("`{found}` is not a unit"), at);
                finding.help("a time has `ms`, `s`, `min`, `h`, `days` or `weeks`; an amount its currency: `20 EUR`")
            }
            None if found.starts_with(|c: char| c.is_alphabetic()) => {
                finding.help("each statement stands on a line of its own")
            }
            None => finding,
        }
    })
}

/// A line that begins with a word that is nearly one of ours.
fn near_keyword(rule: Rule, found: &str, at: Span) -> Option<Diagnostic> {
    let ours = words::nearly(rule, found)?;
    let message = format!("no line can begin with `{found}` here");
    Some(Diagnostic::new(&f01::UNEXPECTED, message, at).help(format!("did you mean `{ours}`?")).maybe_fix(
        format!("replace with `{ours}`"),
        at,
        ours,
    ))
}

/// The bad words without the block that they open.
fn head_end(text: &str, bad: &BadText) -> usize {
    let words = text.get(bad.start..bad.end).unwrap_or("");
    let mut in_text = false;
    for (at, letter) in words.char_indices() {
        match letter {
            '"' => in_text = !in_text,
            '\n' => return bad.start + at,
            '{' if !in_text
                && words.get(at + 1..).is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with('\n')) =>
            {
                return bad.start + at;
            }
            _ => {}
        }
    }
    bad.end
}

fn strict_rules(bad: Rule) -> &'static [Rule] {
    STRICT.iter().find(|(rule, _)| *rule == bad).map_or(&[Rule::strict_item], |(_, strict)| strict)
}

/// Which strict rule explains which bad node.
const STRICT: &[(Rule, &[Rule])] = &[
    (Rule::bad_stmt, &[Rule::only_stmt]),
    (Rule::bad_arm, &[Rule::only_arm]),
    (Rule::bad_stmt_arm, &[Rule::only_stmt_arm]),
    (Rule::bad_match_arm, &[Rule::only_match_arm]),
    (Rule::bad_branch, &[Rule::only_branch]),
    (Rule::bad_row, &[Rule::only_head_row, Rule::only_row]),
    (Rule::bad_system_line, &[Rule::only_system_line]),
    (Rule::bad_test_line, &[Rule::only_test_line]),
    (Rule::bad_property, &[Rule::only_property]),
    (Rule::bad_promise_line, &[Rule::only_promise_line]),
    (Rule::bad_calendar_line, &[Rule::only_calendar_line]),
    (Rule::bad_role_line, &[Rule::only_role_line]),
    (Rule::bad_model_line, &[Rule::only_model_line]),
    (Rule::bad_ask_line, &[Rule::only_ask_line]),
    (Rule::bad_govern_line, &[Rule::only_govern_line]),
    (Rule::bad_handler, &[Rule::only_handler]),
    (Rule::bad_late, &[Rule::only_late]),
    (Rule::bad_params, &[Rule::only_params]),
    (Rule::bad_clause, &[Rule::only_clause]),
    (Rule::bad_field, &[Rule::only_field]),
    (Rule::bad_case, &[Rule::only_case]),
    (Rule::bad_event_line, &[Rule::only_event_line]),
    (Rule::bad_resource_line, &[Rule::only_resource_line]),
    (Rule::bad_abandon, &[Rule::only_abandon]),
    (Rule::bad_migrate, &[Rule::only_migrate]),
    (Rule::bad_init, &[Rule::only_init]),
    (Rule::only_expr, &[Rule::only_expr]),
];

fn stopped(error: &Error<Rule>) -> usize {
    match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    }
}

/// The rules that would have fitted, in the reader's words.
fn expected(error: &Error<Rule>, bad: Rule, at_start: bool) -> String {
    if at_start && let Some(what) = words::what_stands_here(bad) {
        return what.to_owned();
    }
    let names_of = |wanted: &dyn Fn(&&Rule) -> bool| -> Vec<String> {
        positives(error).iter().filter(wanted).filter_map(|rule| words::name(*rule)).collect()
    };
    let mut names = names_of(&|rule| !words::CONTINUATIONS.contains(rule));
    if names.is_empty() {
        names = names_of(&|_| true);
    }
    names.sort_by_key(|name| (name.starts_with('`'), name.clone()));
    names.dedup();
    // A value explains more than the signs that might go on with the one before.
    if names.iter().any(|name| name == "a value") {
        names.retain(|name| name == "a value" || name.starts_with("a name"));
        names.truncate(1);
    }
    let many = names.len() > 5;
    names.truncate(5);
    match names.as_slice() {
        [] => "the end of the line".to_owned(),
        [one] => one.clone(),
        [..] if many => format!("one of {}, …", names.join(", ")),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn positives(error: &Error<Rule>) -> &[Rule] {
    match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives,
        ErrorVariant::CustomError { .. } => &[],
    }
}

fn error_keywords(error: &Error<Rule>) -> Vec<&'static str> {
    positives(error).iter().filter_map(|rule| words::keyword(*rule)).collect()
}

/// The word at an offset, or the one sign that stands there; empty at the end.
fn word_at(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or("");
    let word = rest.len() - rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').len();
    let len = if word > 0 {
        word
    } else {
        SIGNS
            .iter()
            .find(|sign| rest.starts_with(**sign))
            .map_or_else(|| rest.chars().next().map_or(0, char::len_utf8), |sign| sign.len())
    };
    rest.get(..len).unwrap_or("").trim()
}

const SIGNS: &[&str] = &[
    "===", "!==", "=>", "->", "==", "!=", "<=", ">=", "??", "?.", "..", "||", "&&", ":=", "<>", "++", "--", "+=", "-=",
];
