//! What is read and checked, but not acted on: it is said once for each kind, and fails nothing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is a finding")]
mod common;

use flowline_diag::Severity;

const FLOW: &str = "\
use std.orders.{OrderId, OrderPlaced}

flow pack(placed: OrderPlaced) key placed.order.id once { wait 1 h }
";

fn said(sentences: &str) -> Vec<String> {
    let outcome = common::compile("page", &format!("{FLOW}{sentences}"));
    let notes = outcome.diagnostics.iter().filter(|finding| finding.severity == Severity::Note);
    let notes: Vec<String> = notes.map(|finding| format!("{} {}", finding.code.id, finding.message)).collect();
    let sound = outcome.diagnostics.len() == notes.len();
    assert_eq!(outcome.bundle.is_some(), sound, "{}", common::for_logs(&outcome));
    notes
}

#[test]
fn one_note_for_each_kind_however_many_there_are() {
    assert!(said("").is_empty());
    let policies: String = (0..50).map(|at| format!("policy p{at} = always settled\n")).collect();
    assert_eq!(said(&policies), ["F0191 50 policies are read and checked, but not proven"]);
    let each = "\
policy p = always settled
invariant pack: always settled
explore pack faults 1 { always settled }
test \"it packs\" { after 1 h }
metric m = time from start to end of pack
migrate wrapped { a => first }
flow wrapped() { parallel { branch first { wait 1 s } branch second { wait 1 s } } }
";
    let expected = [
        "F0191 this policy is read and checked, but not proven",
        "F0191 this invariant is read and checked, but not proven",
        "F0191 this exploration is read and checked, but not run",
        "F0191 this test is read and checked, but not run",
        "F0191 this metric is read and checked, but not measured",
        "F0191 this migration is read and checked, but not used",
    ];
    assert_eq!(said(each), expected);
}

/// A note is for those who might believe that a rule holds; who has a mistake to mend has other worries.
#[test]
fn mistakes_come_first() {
    assert!(said("policy p = always settled\ninvariant pck: always settled\n").is_empty());
}
