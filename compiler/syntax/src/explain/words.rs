//! The vocabulary of findings: how readers call the grammar's rules, and the words that people bring along from other languages.

use super::keywords::KEYWORDS;
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

/// What stands for a foreign word here.
#[derive(Debug, Clone, Copy)]
enum Ours {
    /// It can simply take the other's place.
    Word(&'static str),
    /// Things are said another way.
    Advice(&'static str),
}
use Ours::{Advice, Word};

const FOREIGN: &[(&str, Place, Ours)] = &[
    ("function", Place::Declaration, Word("fn")),
    ("func", Place::Declaration, Word("fn")),
    ("def", Place::Declaration, Word("fn")),
    ("workflow", Place::Declaration, Word("flow")),
    ("process", Place::Declaration, Word("flow")),
    ("pipeline", Place::Declaration, Word("flow")),
    ("import", Place::Declaration, Advice("names are brought in by `use module.{Name}`")),
    ("from", Place::Declaration, Advice("names are brought in by `use module.{Name}`")),
    ("struct", Place::Declaration, Word("record")),
    ("class", Place::Declaration, Word("record")),
    ("type", Place::Declaration, Advice("a type is an `id`, an `enum` or a `record`")),
    ("interface", Place::Declaration, Word("system")),
    ("service", Place::Declaration, Word("system")),
    ("exception", Place::Declaration, Word("error")),
    ("message", Place::Declaration, Word("event")),
    ("signal", Place::Declaration, Word("event")),
    ("let", Place::Declaration, Word("const")),
    ("rule", Place::Declaration, Word("decision")),
    ("task", Place::Statement, Word("do")),
    ("call", Place::Statement, Word("do")),
    ("invoke", Place::Statement, Word("do")),
    ("step", Place::Statement, Word("do")),
    ("activity", Place::Statement, Word("do")),
    ("if", Place::Statement, Word("when")),
    ("switch", Place::Statement, Word("match")),
    ("case", Place::Statement, Advice("the cases of a `match` are written `name => statement`")),
    ("while", Place::Statement, Advice("a loop has a bound: `repeat up to n times { … } until condition`")),
    ("until", Place::Statement, Advice("a loop has a bound: `repeat up to n times { … } until condition`")),
    ("loop", Place::Statement, Advice("a loop has a bound: `repeat up to n times { … } until condition`")),
    ("foreach", Place::Statement, Word("for each")),
    ("try", Place::Statement, Word("attempt")),
    ("throw", Place::Statement, Word("fail")),
    ("raise", Place::Statement, Word("fail")),
    ("return", Place::Statement, Advice("`give value` ends a block with a value, `stop outcome` ends the run")),
    ("end", Place::Statement, Word("stop")),
    ("exit", Place::Statement, Word("stop")),
    ("sleep", Place::Statement, Word("wait")),
    ("delay", Place::Statement, Word("wait")),
    ("send", Place::Statement, Word("emit")),
    ("publish", Place::Statement, Word("emit")),
    ("set", Place::Statement, Word("let")),
    ("const", Place::Statement, Word("let")),
    ("spawn", Place::Statement, Word("start")),
    ("fork", Place::Statement, Word("parallel")),
    ("receive", Place::Statement, Word("await")),
    ("timer", Place::Statement, Word("wait")),
    ("throws", Place::Statement, Word("fail")),
    ("gateway", Place::Statement, Advice(GATEWAY)),
    ("exclusive", Place::Statement, Advice(GATEWAY)),
    ("inclusive", Place::Statement, Advice(GATEWAY)),
    ("decide", Place::Statement, Advice(GATEWAY)),
    ("lane", Place::Statement, Advice(LANE)),
    ("pool", Place::Statement, Advice(LANE)),
    ("swimlane", Place::Statement, Advice(LANE)),
    ("subprocess", Place::Statement, Advice("a part of a process is a flow of its own, used by `run other_flow(…)`")),
    ("goto", Place::Statement, Advice(JUMP)),
    ("jump", Place::Statement, Advice(JUMP)),
    ("break", Place::Statement, Advice("a `repeat` ends by its `until`, or by `give`")),
    ("continue", Place::Statement, Advice("what is left out stands in a `when`")),
    ("print", Place::Statement, Advice(LOG)),
    ("log", Place::Statement, Advice(LOG)),
    ("pass", Place::Statement, Advice("a block that does nothing may stay empty: `{ }`")),
    ("def", Place::Statement, Advice("functions stand outside of flows: `fn name(…) -> T = …`")),
    ("function", Place::Statement, Advice("functions stand outside of flows: `fn name(…) -> T = …`")),
    ("select", Place::Statement, Advice(SQL)),
    ("insert", Place::Statement, Advice(SQL)),
    ("update", Place::Statement, Advice(SQL)),
    ("delete", Place::Statement, Advice(SQL)),
    ("else", Place::Statement, Advice("`else` stands behind the `}` of a `when`")),
    ("elif", Place::Statement, Advice("`else when … { … }` stands behind the `}` of a `when`")),
    ("catch", Place::Handler, Word("on")),
    ("except", Place::Handler, Word("on")),
    (
        "finally",
        Place::Handler,
        Advice("what was opened is settled by its `abandon` rows, what was done by its `undo`"),
    ),
    (
        "depends_on",
        Place::Header,
        Advice("steps run in the order of their lines; what runs side by side stands in `parallel { … }`"),
    ),
    (
        "needs",
        Place::Header,
        Advice("steps run in the order of their lines; what runs side by side stands in `parallel { … }`"),
    ),
    ("trigger", Place::Header, Word("when")),
    ("triggers", Place::Header, Word("when")),
    ("throws", Place::Header, Word("raises")),
    ("returns", Place::Header, Word("->")),
    ("throws", Place::Inside, Word("raises")),
    (
        "depends_on",
        Place::Inside,
        Advice("steps run in the order of their lines; what runs side by side stands in `parallel { … }`"),
    ),
    ("catch", Place::Inside, Word("on")),
    ("except", Place::Inside, Word("on")),
    ("elif", Place::Inside, Word("else when")),
    ("elseif", Place::Inside, Word("else when")),
    ("null", Place::Inside, Word("none")),
    ("nil", Place::Inside, Word("none")),
    ("undefined", Place::Inside, Word("none")),
    ("===", Place::Inside, Word("==")),
    ("!==", Place::Inside, Word("!=")),
    ("<>", Place::Inside, Word("!=")),
    (":=", Place::Inside, Word("=")),
    ("&&", Place::Inside, Word("and")),
    ("||", Place::Inside, Word("or")),
    ("!", Place::Inside, Word("not")),
    ("is", Place::Inside, Word("==")),
    ("AND", Place::Inside, Word("and")),
    ("And", Place::Inside, Word("and")),
    ("OR", Place::Inside, Word("or")),
    ("Or", Place::Inside, Word("or")),
    ("NOT", Place::Inside, Word("not")),
    ("Not", Place::Inside, Word("not")),
    ("between", Place::Inside, Advice("from here to there is `x >= 5 and x <= 10`, in a table `5..10`")),
    ("like", Place::Inside, Advice("a part of a text is asked for by `text.contains(\"…\")`")),
    ("?", Place::Inside, Advice("a choice is written `if condition then a else b`")),
    ("–", Place::Inside, Word("-")),
    ("—", Place::Inside, Word("-")),
    ("×", Place::Inside, Word("*")),
    ("÷", Place::Inside, Word("/")),
    ("≥", Place::Inside, Word(">=")),
    ("≤", Place::Inside, Word("<=")),
    ("≠", Place::Inside, Word("!=")),
];

const GATEWAY: &str = "a choice is `when … { … } else { … }` or `match`; what runs side by side stands in `parallel { … }`; whichever of \
                       several events comes first is `await first { … }`";
const LANE: &str = "who does a step, the step says: a system by `do wms.pick(…)`, people by `ask`";
const JUMP: &str = "steps run from top to bottom: what comes again stands in a `repeat`, what is left out in a `when`";
const LOG: &str = "every step is written down by itself: leave this out";
const SQL: &str = "data belongs to a system, which is asked by `do`: `let free = do inventory.available(sku, store)`";

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
    if place == Place::Inside
        && let Some(finding) = mixed_equals(text, at, found)
    {
        return Some(finding);
    }
    let (theirs, _, ours) = FOREIGN.iter().find(|(theirs, where_, _)| *theirs == found && *where_ == place)?;
    let kind = if theirs.starts_with(|c: char| c.is_ascii_alphabetic()) { "word" } else { "sign" };
    let finding = Diagnostic::new(&f01::FOREIGN, format!("`{theirs}` is not a {kind} of this language"), at);
    let behind = text.get(at.end as usize..).unwrap_or("").split('\n').next().unwrap_or("").trim();
    Some(match ours {
        Advice(advice) if *theirs == "return" && !behind.is_empty() => {
            finding.help(*advice).maybe_fix("replace with `give`", at, "give")
        }
        Advice(advice) => finding.help(*advice),
        Word(ours) => {
            let title = format!("replace with `{ours}`");
            let edits = vec![Edit { span: at, text: (*ours).to_owned() }];
            // A declaration's body may be foreign too, so a person should look at it.
            finding.label(format!("write `{ours}`")).fix_with(Fix { title, edits, safe: place != Place::Declaration })
        }
    })
}

/// Whether another language begins a declaration so.
pub(super) fn is_foreign_declaration(word: &str) -> bool {
    FOREIGN.iter().any(|(theirs, place, _)| *theirs == word && *place == Place::Declaration)
}

/// A mark where another was due: `->` for `=>`, `=` for `:`.
pub(super) fn mixed_marks(expected: &[Rule], found: &str, at: Span) -> Option<Diagnostic> {
    let ours = match found {
        "->" | ":" if expected.contains(&Rule::fat_arrow) => "=>",
        "=>" | ":" if expected.contains(&Rule::arrow) => "->",
        "=" if expected.contains(&Rule::colon) => ":",
        _ => return None,
    };
    let finding = Diagnostic::new(&f01::FOREIGN, format!("`{found}` stands where `{ours}` is due"), at);
    Some(finding.label(format!("write `{ours}`")).fix(format!("replace with `{ours}`"), at, ours))
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

/// Whether a number stands right before.
pub(super) fn follows_number(text: &str, at: Span) -> bool {
    let before = text.get(..at.start as usize).unwrap_or("").trim_end_matches([' ', '\t']);
    before.ends_with(|c: char| c.is_ascii_digit())
}

/// The word before `at`, where another language would have it there: `select line`, `new Order`.
pub(super) fn before(text: &str, at: Span) -> Option<Diagnostic> {
    let line = text.get(..at.start as usize)?.rsplit('\n').next()?.trim_end();
    let word = line.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    let start =
        at.start as usize - (text.get(..at.start as usize)?.len() - text.get(..at.start as usize)?.trim_end().len());
    let span = crate::scan::span(at.file, start - word.len(), start);
    let lower = word.to_lowercase();
    let (_, advice) = BEFORE.iter().find(|(theirs, _)| *theirs == lower)?;
    Some(Diagnostic::new(&f01::FOREIGN, format!("`{word}` is not a word of this language"), span).help(*advice))
}

/// Words that stand before a value elsewhere.
const BEFORE: &[(&str, &str)] = &[
    ("select", "a list is narrowed by `lines.filter(line => …)`, and turned into others by `lines.map(line => …)`"),
    ("new", "a value is built by its name alone: `Gift { note: \"…\" }`"),
    ("async", "every step that takes time is waited for: leave the word out"),
    ("await", "`await` is a step of its own, for an event; a system is asked by `do`"),
    ("typeof", "what a value is, its declaration says; cases are told apart by `match`"),
];

/// A number followed by a word that is no unit.
pub(super) fn unit(text: &str, at: Span, found: &str) -> Option<Diagnostic> {
    let is_word = found.starts_with(|c: char| c.is_ascii_alphabetic());
    if !follows_number(text, at) || !is_word && symbol(found).is_none() {
        return None;
    }
    if let Some(ours) = currency(found) {
        let finding =
            Diagnostic::new(&f01::UNIT, format!("a currency is written as three letters, not as `{found}`"), at);
        return Some(finding.label(format!("write `{ours}`")).fix(format!("replace with `{ours}`"), at, ours));
    }
    let ours = UNITS.iter().find(|(theirs, _)| *theirs == found).map(|(_, ours)| *ours);
    let ours = ours.or_else(|| {
        let near = found.chars().all(|c| c.is_ascii_alphabetic()).then(|| nearest(found, KNOWN_UNITS.iter().copied()));
        // Of a unit of one or two letters any word of two is near.
        near.flatten().filter(|ours| ours.len() > 2 || found.starts_with(*ours))
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
    ("prozent", "%"),
    ("minuten", "min"),
    ("stunde", "h"),
    ("stunden", "h"),
    ("tag", "day"),
    ("tage", "days"),
    ("wochen", "weeks"),
    ("workdays", "business days"),
    ("working", "business"),
];

/// The currency that a sign of money or a word for it most likely is.
fn currency(found: &str) -> Option<&'static str> {
    let lower = found.to_lowercase();
    symbol(found).or_else(|| CURRENCIES.iter().find(|(theirs, _)| *theirs == lower).map(|(_, ours)| *ours))
}

/// The currency of a sign such as `€`.
pub(super) fn symbol(found: &str) -> Option<&'static str> {
    SYMBOLS.iter().find(|(theirs, _)| *theirs == found).map(|(_, ours)| *ours)
}

const SYMBOLS: &[(&str, &str)] = &[("€", "EUR"), ("$", "USD"), ("£", "GBP"), ("¥", "JPY")];
const CURRENCIES: &[(&str, &str)] = &[
    ("euro", "EUR"),
    ("euros", "EUR"),
    ("eur", "EUR"),
    ("dollar", "USD"),
    ("dollars", "USD"),
    ("usd", "USD"),
    ("pound", "GBP"),
    ("pounds", "GBP"),
    ("gbp", "GBP"),
];
const KNOWN_UNITS: &[&str] = &["hours", "days", "weeks", "min", "h", "s"];

/// Words that begin a clause.
pub(super) const CLAUSES: &[&str] =
    &["as", "for", "if", "within", "retry", "timeout", "undo", "until", "with", "kept", "keeping"];

/// The keyword that a mistyped word most likely is.
pub(super) fn keyword_typo(known: &[&'static str], found: &str) -> Option<&'static str> {
    nearest(found, known.iter().copied()).filter(|ours| ours.len() > 2)
}

/// The word that a line should begin with, where it begins with one that is nearly it.
pub(super) fn nearly(rule: Rule, found: &str) -> Option<&'static str> {
    let ours = nearest(found, starters(rule).iter().copied())?;
    // Of a word of two letters any other is near.
    (found.len() > 2 || found.eq_ignore_ascii_case(ours)).then_some(ours)
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
    (
        Rule::bad_system_line,
        &[
            "op",
            "owns",
            "cleared",
            "reads",
            "writes",
            "undo",
            "idempotent",
            "raises",
            "takes",
            "timeout",
            "retry",
            "retriable",
            "irreversible",
            "harmless",
            "settles",
            "later",
        ],
    ),
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

/// What may go on with a value; it is left out of a list that has more to say.
pub(super) const CONTINUATIONS: &[Rule] = &[
    Rule::dot,
    Rule::k_exists,
    Rule::k_with,
    Rule::paren_open,
    Rule::args,
    Rule::k_of,
    Rule::k_and,
    Rule::k_or,
    Rule::range,
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
