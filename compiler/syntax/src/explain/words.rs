//! The vocabulary of findings: how readers call the grammar's rules, and the words that people bring along from other languages.

use crate::grammar::Rule;
use crate::scan::{ITEM_STARTERS, STATEMENT_STARTERS};
use flowline_diag::{Diagnostic, Edit, Fix, Span, code::f01, nearest};

/// Where a word stands; the same foreign word means different things in different places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Declaration,
    Statement,
    Handler,
    Header,
    /// Behind the first word of a line.
    Inside,
}

/// Theirs, where, ours, and whether the one can simply take the place of the other.
const FOREIGN: &[(&str, Place, &str, bool)] = &[
    ("function", Place::Declaration, "fn", true),
    ("func", Place::Declaration, "fn", true),
    ("def", Place::Declaration, "fn", true),
    ("workflow", Place::Declaration, "flow", true),
    ("process", Place::Declaration, "flow", true),
    ("pipeline", Place::Declaration, "flow", true),
    ("import", Place::Declaration, "use", false),
    ("from", Place::Declaration, "use", false),
    ("struct", Place::Declaration, "record", true),
    ("class", Place::Declaration, "record", true),
    ("type", Place::Declaration, "record", false),
    ("interface", Place::Declaration, "system", true),
    ("service", Place::Declaration, "system", true),
    ("exception", Place::Declaration, "error", true),
    ("message", Place::Declaration, "event", true),
    ("signal", Place::Declaration, "event", true),
    ("let", Place::Declaration, "const", true),
    ("rule", Place::Declaration, "decision", true),
    ("task", Place::Statement, "do", true),
    ("call", Place::Statement, "do", true),
    ("invoke", Place::Statement, "do", true),
    ("step", Place::Statement, "do", true),
    ("activity", Place::Statement, "do", true),
    ("if", Place::Statement, "when", true),
    ("switch", Place::Statement, "match", true),
    ("case", Place::Statement, "match", false),
    ("while", Place::Statement, "repeat up to n times { … } until", false),
    ("loop", Place::Statement, "repeat up to n times { … } until", false),
    ("foreach", Place::Statement, "for each", true),
    ("try", Place::Statement, "attempt", true),
    ("throw", Place::Statement, "fail", true),
    ("raise", Place::Statement, "fail", true),
    ("return", Place::Statement, "give` or `stop", false),
    ("end", Place::Statement, "stop", true),
    ("exit", Place::Statement, "stop", true),
    ("sleep", Place::Statement, "wait", true),
    ("delay", Place::Statement, "wait", true),
    ("send", Place::Statement, "emit", true),
    ("publish", Place::Statement, "emit", true),
    ("set", Place::Statement, "let", true),
    ("const", Place::Statement, "let", true),
    ("spawn", Place::Statement, "start", true),
    ("fork", Place::Statement, "parallel", true),
    ("receive", Place::Statement, "await", true),
    ("catch", Place::Handler, "on", true),
    ("except", Place::Handler, "on", true),
    ("finally", Place::Handler, "abandon` rows or `undo", false),
    ("depends_on", Place::Header, "when", false),
    ("needs", Place::Header, "when", false),
    ("trigger", Place::Header, "when", true),
    ("triggers", Place::Header, "when", true),
    ("throws", Place::Header, "raises", true),
    ("returns", Place::Header, "->", true),
    ("throws", Place::Inside, "raises", true),
    ("depends_on", Place::Inside, "the order of the lines", false),
    ("catch", Place::Inside, "on", true),
    ("except", Place::Inside, "on", true),
    ("elif", Place::Inside, "else when", true),
    ("elseif", Place::Inside, "else when", true),
    ("null", Place::Inside, "none", true),
    ("nil", Place::Inside, "none", true),
    ("undefined", Place::Inside, "none", true),
    ("===", Place::Inside, "==", true),
    ("!==", Place::Inside, "!=", true),
    ("<>", Place::Inside, "!=", true),
    (":=", Place::Inside, "=", true),
    ("&&", Place::Inside, "and", true),
    ("||", Place::Inside, "or", true),
    ("!", Place::Inside, "not", true),
];

pub(super) fn place_of(rule: Rule) -> Option<Place> {
    PLACES.iter().find(|(bad, _)| *bad == rule).map(|(_, place)| *place)
}

const PLACES: &[(Rule, Place)] = &[
    (Rule::bad_item, Place::Declaration),
    (Rule::bad_stmt, Place::Statement),
    (Rule::bad_handler, Place::Handler),
    (Rule::bad_clause, Place::Header),
];

/// A finding for a word of another language, with ours as the fix.
pub(super) fn foreign(text: &str, at: Span, found: &str, place: Place) -> Option<Diagnostic> {
    if place == Place::Inside {
        if let Some(finding) = mixed_equals(text, at, found) {
            return Some(finding);
        }
    }
    let (theirs, _, ours, replaces) =
        FOREIGN.iter().find(|(theirs, where_, _, _)| *theirs == found && *where_ == place)?;
    let kind = if theirs.starts_with(|c: char| c.is_ascii_alphabetic()) { "word" } else { "sign" };
    let finding = Diagnostic::new(&f01::FOREIGN, format!("`{theirs}` is not a {kind} of this language"), at);
    let finding = finding.label(if *replaces { format!("write `{ours}`") } else { format!("here it is `{ours}`") });
    Some(if *replaces {
        let title = format!("replace with `{ours}`");
        finding.fix_with(Fix {
            title,
            edits: vec![Edit { span: at, text: (*ours).to_owned() }],
            safe: place != Place::Declaration,
        })
    } else {
        finding.help(format!("see `{ours}` in the language's reference"))
    })
}

/// `=` where `==` is meant, and the other way round.
fn mixed_equals(text: &str, at: Span, found: &str) -> Option<Diagnostic> {
    let line_start = text.get(..at.start as usize)?.rfind('\n').map_or(0, |newline| newline + 1);
    let before = text.get(line_start..at.start as usize)?.trim();
    let binds = before.starts_with("let ") || before.starts_with("var ") || !before.contains(' ');
    let (message, ours) = match found {
        "=" if !before.is_empty() && !binds => ("`=` gives a name to a value, it compares nothing", "=="),
        "==" if binds => ("`==` compares, it gives no name to a value", "="),
        _ => return None,
    };
    let finding = Diagnostic::new(&f01::FOREIGN, message, at).label(format!("write `{ours}`"));
    Some(finding.fix(format!("replace with `{ours}`"), at, ours))
}

/// A number followed by a word that is no unit.
pub(super) fn unit(text: &str, at: Span, found: &str) -> Option<Diagnostic> {
    let before = text.get(..at.start as usize)?;
    let number = before.trim_end_matches([' ', '\t']);
    let digits = number.len() - number.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    if digits == 0 || number.len() < digits || !found.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let ours = UNITS.iter().find(|(theirs, _)| *theirs == found).map(|(_, ours)| *ours);
    let ours = ours.or_else(|| {
        found.chars().all(|c| c.is_ascii_alphabetic()).then(|| nearest(found, KNOWN_UNITS.iter().copied())).flatten()
    })?;
    let finding = Diagnostic::new(&f01::UNIT, format!("`{found}` is not a unit"), at).label(format!("write `{ours}`"));
    Some(finding.fix(format!("replace with `{ours}`"), at, ours))
}

const UNITS: &[(&str, &str)] = &[
    ("minute", "min"),
    ("minutes", "min"),
    ("mins", "min"),
    ("m", "min"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("millis", "ms"),
    ("milliseconds", "ms"),
    ("hr", "h"),
    ("hrs", "h"),
    ("d", "days"),
    ("w", "weeks"),
    ("percent", "%"),
    ("euro", "EUR"),
    ("euros", "EUR"),
    ("eur", "EUR"),
    ("dollars", "USD"),
    ("usd", "USD"),
];
const KNOWN_UNITS: &[&str] = &["hours", "days", "weeks", "min"];

/// Words that begin a clause.
pub(super) const CLAUSES: &[&str] =
    &["as", "for", "if", "within", "retry", "timeout", "undo", "until", "with", "kept", "keeping"];

/// The keyword that a mistyped word most likely is.
pub(super) fn keyword_typo(known: &[&'static str], found: &str) -> Option<&'static str> {
    nearest(found, known.iter().copied()).filter(|ours| ours.len() > 2)
}

/// The words that may begin what the rule could not read.
pub(super) fn starters(rule: Rule) -> &'static [&'static str] {
    match place_of(rule) {
        Some(Place::Declaration) => ITEM_STARTERS,
        Some(Place::Statement) => STATEMENT_STARTERS,
        Some(Place::Header) => &["key", "status", "track", "owner", "promise", "raises", "when", "starts", "undo"],
        Some(Place::Handler | Place::Inside) => &["on", "after", "too", "meanwhile"],
        None => STARTERS.iter().find(|(bad, _)| *bad == rule).map_or(&[], |(_, known)| known),
    }
}

const STARTERS: &[(Rule, &[&str])] = &[
    (Rule::bad_system_line, &["op", "owns", "cleared"]),
    (Rule::bad_resource_line, &["open", "doubt", "closed", "abandon", "splits"]),
    (Rule::bad_event_line, &["key", "kept", "carries"]),
    (Rule::bad_promise_line, &["at", "missed"]),
    (Rule::bad_branch, &["branch"]),
    (Rule::bad_test_line, &["given", "start", "after", "send", "expect"]),
    (Rule::bad_property, &["never", "every", "always", "forbid", "at"]),
    (Rule::bad_calendar_line, &["zone", "closed"]),
    (Rule::bad_model_line, &["version", "input", "output", "approved", "fallback", "cleared"]),
    (Rule::bad_role_line, &["cleared", "limit"]),
    (Rule::bad_ask_line, &["show", "answer", "not"]),
    (Rule::bad_govern_line, &["when", "otherwise"]),
];

/// What can begin where the strict rule gave up at its very start.
pub(super) fn what_stands_here(rule: Rule) -> Option<&'static str> {
    HERE.iter().find(|(bad, _)| *bad == rule).map(|(_, what)| *what)
}

const HERE: &[(Rule, &str)] = &[
    (Rule::bad_item, "a declaration such as `flow`, `record` or `event`"),
    (Rule::bad_stmt, "a statement"),
    (Rule::bad_arm, "an event or `after`"),
    (Rule::bad_stmt_arm, "a case"),
    (Rule::bad_match_arm, "a case"),
    (Rule::bad_branch, "`branch NAME { … }`"),
    (Rule::bad_row, "a row such as `| web | - || dc |`"),
    (Rule::bad_system_line, "`op`, `owns` or `cleared for`"),
    (Rule::bad_test_line, "`given`, `start`, `after`, `send` or `expect`"),
    (Rule::bad_property, "a sentence such as `never A after B`"),
    (Rule::bad_promise_line, "`at` or `missed`"),
    (Rule::bad_calendar_line, "`zone`, `closed` or hours such as `mon..fri 06:00-22:00`"),
    (Rule::bad_role_line, "`cleared for` or `limit`"),
    (Rule::bad_ask_line, "`show`, `answer` or `not by`"),
    (Rule::bad_govern_line, "`when` or `otherwise`"),
    (Rule::bad_clause, "a clause such as `key`, `status` or `promise`"),
    (Rule::bad_field, "a field such as `name: Text`"),
    (Rule::bad_case, "a case"),
    (Rule::bad_event_line, "a field, `key`, `kept` or `carries`"),
    (Rule::bad_resource_line, "a field, `open`, `doubt`, `closed` or `abandon`"),
    (Rule::bad_abandon, "a row such as `held => inventory.release(self)`"),
    (Rule::bad_init, "a field such as `name: value`"),
];

/// How readers call a rule; none for those that help nobody.
pub(super) fn name(rule: Rule) -> Option<String> {
    if let Some(word) = keyword(rule) {
        return Some(format!("`{word}`"));
    }
    NAMES.iter().find(|(named, _)| *named == rule).map(|(_, name)| (*name).to_owned())
}

/// The keyword that a rule stands for.
pub(super) fn keyword(rule: Rule) -> Option<&'static str> {
    KEYWORDS.iter().find(|(named, _)| *named == rule).map(|(_, word)| *word)
}

const NAMES: &[(Rule, &str)] = &[
    (Rule::ident, "a name"),
    (Rule::word, "a name"),
    (Rule::upper, "a name"),
    (Rule::expr, "a value"),
    (Rule::key, "a value"),
    (Rule::arg, "a value"),
    (Rule::r#type, "a type"),
    (Rule::op_call, "a call such as `inventory.hold(order)`"),
    (Rule::flow_call, "a call such as `collect_debt(order)`"),
    (Rule::record_maybe, "a name with its fields"),
    (Rule::text, "a text in quotes"),
    (Rule::number, "a number"),
    (Rule::date, "a date such as `2026-12-25`"),
    (Rule::time, "a time such as `06:00`"),
    (Rule::time_range, "hours such as `06:00-22:00`"),
    (Rule::block, "`{`"),
    (Rule::brace_open, "`{`"),
    (Rule::brace_close, "`}`"),
    (Rule::paren_open, "`(`"),
    (Rule::paren_close, "`)`"),
    (Rule::params, "`(`"),
    (Rule::args, "`(`"),
    (Rule::bracket_open, "`[`"),
    (Rule::bracket_close, "`]`"),
    (Rule::comma, "`,`"),
    (Rule::colon, "`:`"),
    (Rule::dot, "`.`"),
    (Rule::equals, "`=`"),
    (Rule::arrow, "`->`"),
    (Rule::fat_arrow, "`=>`"),
    (Rule::bar, "`|`"),
    (Rule::bars, "`||`"),
    (Rule::event_wait, "an event"),
    (Rule::occurrence, "an operation, event or status"),
    (Rule::pattern, "a case"),
    (Rule::patterns, "a case"),
    (Rule::property, "a sentence such as `never A after B`"),
    (Rule::record_body, "`{`"),
];

/// The keywords of the grammar.
const KEYWORDS: &[(Rule, &str)] = &[
    (Rule::k_a, "a"),
    (Rule::k_abandon, "abandon"),
    (Rule::k_after, "after"),
    (Rule::k_always, "always"),
    (Rule::k_and, "and"),
    (Rule::k_answer, "answer"),
    (Rule::k_approved, "approved"),
    (Rule::k_as, "as"),
    (Rule::k_ask, "ask"),
    (Rule::k_at, "at"),
    (Rule::k_attempt, "attempt"),
    (Rule::k_await, "await"),
    (Rule::k_both, "both"),
    (Rule::k_branch, "branch"),
    (Rule::k_by, "by"),
    (Rule::k_calendar, "calendar"),
    (Rule::k_called, "called"),
    (Rule::k_carries, "carries"),
    (Rule::k_cleared, "cleared"),
    (Rule::k_closed, "closed"),
    (Rule::k_const, "const"),
    (Rule::k_day, "day"),
    (Rule::k_decision, "decision"),
    (Rule::k_do, "do"),
    (Rule::k_domain, "domain"),
    (Rule::k_doubt, "doubt"),
    (Rule::k_each, "each"),
    (Rule::k_else, "else"),
    (Rule::k_emit, "emit"),
    (Rule::k_emitted, "emitted"),
    (Rule::k_end, "end"),
    (Rule::k_enum, "enum"),
    (Rule::k_error, "error"),
    (Rule::k_event, "event"),
    (Rule::k_every, "every"),
    (Rule::k_exists, "exists"),
    (Rule::k_expect, "expect"),
    (Rule::k_expires, "expires"),
    (Rule::k_explore, "explore"),
    (Rule::k_fail, "fail"),
    (Rule::k_fallback, "fallback"),
    (Rule::k_faults, "faults"),
    (Rule::k_file, "file"),
    (Rule::k_first, "first"),
    (Rule::k_flow, "flow"),
    (Rule::k_fn, "fn"),
    (Rule::k_for, "for"),
    (Rule::k_forbid, "forbid"),
    (Rule::k_fresh, "fresh"),
    (Rule::k_from, "from"),
    (Rule::k_gather, "gather"),
    (Rule::k_give, "give"),
    (Rule::k_given, "given"),
    (Rule::k_goods, "goods"),
    (Rule::k_govern, "govern"),
    (Rule::k_harmless, "harmless"),
    (Rule::k_id, "id"),
    (Rule::k_idempotent, "idempotent"),
    (Rule::k_if, "if"),
    (Rule::k_implies, "implies"),
    (Rule::k_in, "in"),
    (Rule::k_input, "input"),
    (Rule::k_into, "into"),
    (Rule::k_invariant, "invariant"),
    (Rule::k_irreversible, "irreversible"),
    (Rule::k_is, "is"),
    (Rule::k_keeping, "keeping"),
    (Rule::k_kept, "kept"),
    (Rule::k_key, "key"),
    (Rule::k_late, "late"),
    (Rule::k_later, "later"),
    (Rule::k_leads, "leads"),
    (Rule::k_least, "least"),
    (Rule::k_let, "let"),
    (Rule::k_limit, "limit"),
    (Rule::k_match, "match"),
    (Rule::k_meanwhile, "meanwhile"),
    (Rule::k_metric, "metric"),
    (Rule::k_migrate, "migrate"),
    (Rule::k_missed, "missed"),
    (Rule::k_model, "model"),
    (Rule::k_money, "money"),
    (Rule::k_most, "most"),
    (Rule::k_never, "never"),
    (Rule::k_no, "no"),
    (Rule::k_none, "none"),
    (Rule::k_not, "not"),
    (Rule::k_nothing, "nothing"),
    (Rule::k_of, "of"),
    (Rule::k_on, "on"),
    (Rule::k_once, "once"),
    (Rule::k_one, "one"),
    (Rule::k_only, "only"),
    (Rule::k_op, "op"),
    (Rule::k_open, "open"),
    (Rule::k_or, "or"),
    (Rule::k_otherwise, "otherwise"),
    (Rule::k_out, "out"),
    (Rule::k_outcome, "outcome"),
    (Rule::k_output, "output"),
    (Rule::k_owner, "owner"),
    (Rule::k_owns, "owns"),
    (Rule::k_parallel, "parallel"),
    (Rule::k_per, "per"),
    (Rule::k_point, "point"),
    (Rule::k_policy, "policy"),
    (Rule::k_predict, "predict"),
    (Rule::k_promise, "promise"),
    (Rule::k_raises, "raises"),
    (Rule::k_reads, "reads"),
    (Rule::k_record, "record"),
    (Rule::k_repeat, "repeat"),
    (Rule::k_resource, "resource"),
    (Rule::k_retriable, "retriable"),
    (Rule::k_retry, "retry"),
    (Rule::k_return, "return"),
    (Rule::k_returns, "returns"),
    (Rule::k_role, "role"),
    (Rule::k_run, "run"),
    (Rule::k_send, "send"),
    (Rule::k_settled, "settled"),
    (Rule::k_settles, "settles"),
    (Rule::k_sharing, "sharing"),
    (Rule::k_show, "show"),
    (Rule::k_speaks, "speaks"),
    (Rule::k_splits, "splits"),
    (Rule::k_start, "start"),
    (Rule::k_starts, "starts"),
    (Rule::k_status, "status"),
    (Rule::k_stop, "stop"),
    (Rule::k_system, "system"),
    (Rule::k_takes, "takes"),
    (Rule::k_test, "test"),
    (Rule::k_then, "then"),
    (Rule::k_time, "time"),
    (Rule::k_timeout, "timeout"),
    (Rule::k_times, "times"),
    (Rule::k_to, "to"),
    (Rule::k_too, "too"),
    (Rule::k_track, "track"),
    (Rule::k_undo, "undo"),
    (Rule::k_unknown, "unknown"),
    (Rule::k_unless, "unless"),
    (Rule::k_until, "until"),
    (Rule::k_up, "up"),
    (Rule::k_upcast, "upcast"),
    (Rule::k_use, "use"),
    (Rule::k_var, "var"),
    (Rule::k_version, "version"),
    (Rule::k_wait, "wait"),
    (Rule::k_when, "when"),
    (Rule::k_where, "where"),
    (Rule::k_with, "with"),
    (Rule::k_within, "within"),
    (Rule::k_writes, "writes"),
    (Rule::k_zone, "zone"),
];
