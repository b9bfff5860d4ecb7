//! One edit that leaves stock or money open, in flows that are sound: the compiler has to see it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is a finding")]
mod common;

#[test]
fn the_unchanged_flows_are_clean() {
    let outcome = common::Repository::read().compile();
    assert_eq!(common::for_logs(&outcome), "no findings");
    assert!(outcome.bundle.is_some());
}

/// One edit of a file.
#[derive(serde::Deserialize)]
struct Mutation {
    what: String,
    file: String,
    cut: String,
    put: String,
    /// The finding that has to come.
    code: String,
    /// The words that it points at.
    at: String,
}

#[derive(serde::Deserialize)]
struct Mutations {
    mutation: Vec<Mutation>,
}

#[test]
fn what_leaves_stock_or_money_open_is_rejected() {
    let all: Mutations = toml::from_str(include_str!("mutations/mutations.toml")).unwrap();
    let wrong: Vec<String> = all.mutation.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with the compiler's answer to an edit.
fn wrong(mutation: &Mutation) -> Option<String> {
    let mut changed = common::Repository::read();
    let text = changed.text(&mutation.file);
    assert!(text.contains(&mutation.cut), "{}: {} holds no such text", mutation.what, mutation.file);
    *text = text.replacen(&mutation.cut, &mutation.put, 1);
    let outcome = changed.compile();
    let hit = outcome.diagnostics.iter().any(|finding| {
        finding.code.id == mutation.code && outcome.sources.slice(finding.primary.span).starts_with(&mutation.at)
    });
    (!hit || outcome.bundle.is_some()).then(|| format!("{}:\n{}", mutation.what, common::for_logs(&outcome)))
}

/// A row that is missing is missing once, though four places rely on it.
#[test]
fn a_fault_of_a_contract_is_told_once() {
    let mut changed = common::Repository::read();
    let text = changed.text("std/inventory.flow");
    *text = text.replacen("    maybe_held      => inventory.release(self)\n", "", 1);
    let outcome = changed.compile();
    let [finding] = outcome.diagnostics.as_slice() else { panic!("{}", common::for_logs(&outcome)) };
    assert!(finding.help.as_ref().unwrap().contains("other places"), "{finding:?}");
}
