//! Whatever stands in the files, the compiler comes to an end with findings: no panic, no hang, and no bundle where a
//! finding is an error. The texts are those of the repository, torn.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "in tests a panic is a finding")]
mod common;

use common::Repository;
use flowline_driver::Outcome;
use flowline_report::{Colour, compact, human, json};

/// A seeded source of choices.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

/// Words, signs and blanks, each for itself.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let len = if is_word(first) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (token, more) = rest.split_at(len);
        tokens.push(token);
        rest = more;
    }
    tokens
}

/// The text with a few changes.
fn torn(text: &str, dice: &mut Dice) -> String {
    let mut tokens: Vec<String> = tokens(text).into_iter().map(str::to_owned).collect();
    for _ in 0..=dice.below(3) {
        let (at, other) = (dice.below(tokens.len()), dice.below(tokens.len()));
        match dice.below(6) {
            0 => drop(tokens.remove(at)),
            1 => tokens.insert(at, tokens[other].clone()),
            2 => tokens.swap(at, other),
            3 => tokens[at] = tokens[other].clone(),
            4 => drop(tokens.drain(at..(at + dice.below(40)).min(tokens.len()))),
            _ => tokens.insert(at, ODD[dice.below(ODD.len())].to_owned()),
        }
        if tokens.is_empty() {
            break;
        }
    }
    tokens.concat()
}

const ODD: [&str; 14] = [
    "{",
    "}",
    "(",
    "\"",
    "é😀",
    "\u{0}",
    "\r\n",
    "\t",
    "999999999999999999999",
    "=>",
    "\u{feff}",
    "//",
    "| ||",
    "9 weeks",
];

/// Every renderer takes what the compiler says.
fn looked_at(outcome: &Outcome, what: &str) {
    let errors = outcome.has_errors();
    assert_eq!(outcome.bundle.is_none(), errors, "{what}");
    for finding in &outcome.diagnostics {
        assert!(!finding.message.is_empty() && !finding.message.contains('\n'), "{what}: {}", finding.message);
        assert!(!human(finding, &outcome.sources, Colour::Off).is_empty());
        assert!(!compact(finding, &outcome.sources).is_empty());
        for label in [&finding.primary].into_iter().chain(&finding.secondary).chain(&finding.path) {
            let text = outcome.sources.text(label.span.file);
            let is_inside = text.get(label.span.start as usize..label.span.end as usize).is_some();
            assert!(is_inside, "{what}: {} points out of the text", finding.message);
        }
    }
    assert!(json(&outcome.diagnostics, &outcome.sources).is_object());
}

/// Tears files of the repository, one at a time.
fn tear(seeds: std::ops::Range<u64>) {
    let whole = Repository::read();
    let paths: Vec<String> = whole.paths().map(str::to_owned).collect();
    for seed in seeds {
        let mut dice = Dice(seed);
        let path = &paths[dice.below(paths.len())];
        let mut changed = whole.clone();
        let text = torn(changed.text(path), &mut dice);
        changed.text(path).clone_from(&text);
        looked_at(&changed.compile(), &format!("seed {seed} in {path}:\n{text}"));
    }
}

#[test]
fn torn_files_give_findings() {
    tear(0..60);
}

#[test]
fn files_that_end_too_early_give_findings() {
    let whole = Repository::read();
    let paths: Vec<String> = whole.paths().map(str::to_owned).collect();
    for (no, path) in paths.iter().enumerate() {
        let mut changed = whole.clone();
        let text = changed.text(path).clone();
        // Each file at other places, so that all together they end at every kind of place.
        for at in (no * 50..text.len()).step_by(2_500) {
            let end = (at..text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
            text[..end].clone_into(changed.text(path));
            looked_at(&changed.compile(), &format!("{path} up to {end}"));
        }
    }
}
