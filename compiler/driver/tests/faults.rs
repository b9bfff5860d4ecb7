//! Sixteen faults as their authors see them: each file of `faults/` through the whole compiler, once for people and once
//! for logs. One mistake gives one message, in the author's words, at the author's words.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is a finding")]
mod common;

use std::path::Path;

use flowline_driver::Outcome;
use flowline_report::json;

/// Each file with the codes of all that is wrong in it, in reading order.
const FAULTS: [(&str, &[&str]); 9] = [
    ("eight_syntax_errors", &["F0101", "F0101", "F0103", "F0103", "F0106", "F0101", "F0103", "F0101"]),
    ("eur_and_usd", &["F0204"]),
    ("hold_forgotten_when_declined", &["F0401"]),
    ("hold_used_after_release", &["F0403"]),
    ("match_with_a_gap", &["F0206"]),
    ("optional_unchecked", &["F0203"]),
    ("order_id_for_sku", &["F0202"]),
    ("unhandled_out_of_stock", &["F0301"]),
    ("unknown_name", &["F0110"]),
];

fn text(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults");
    std::fs::read_to_string(folder.join(name).with_extension("flow")).unwrap()
}

fn codes(outcome: &Outcome) -> Vec<&'static str> {
    outcome.diagnostics.iter().map(|finding| finding.code.id).collect()
}

#[test]
fn each_mistake_gives_one_finding() {
    for (name, expected) in FAULTS {
        let outcome = common::compile(name, &text(name));
        assert_eq!(codes(&outcome), expected, "{name}");
        assert!(outcome.bundle.is_none(), "{name}: what has a fault can't be run");
    }
    assert_eq!(FAULTS.iter().map(|(_, codes)| codes.len()).sum::<usize>(), 16);
}

#[test]
fn for_people_and_logs() {
    for (name, _) in FAULTS {
        let outcome = common::compile(name, &text(name));
        let shown = format!("{}\n\n{}", common::for_people(&outcome), common::for_logs(&outcome));
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, shown) });
    }
}

#[test]
fn for_programs() {
    for name in ["unknown_name", "hold_forgotten_when_declined", "hold_used_after_release"] {
        let outcome = common::compile(name, &text(name));
        let shown = serde_json::to_string_pretty(&json(&outcome.diagnostics, &outcome.sources)).unwrap();
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(format!("{name}_json"), shown) });
    }
}

/// Between eight broken lines the sound ones are still read: a name that is wrong there is one more finding.
#[test]
fn sound_lines_between_broken_ones_are_checked() {
    let whole = text("eight_syntax_errors");
    let changes = [
        ("order:  OrderId", "order:  OrdrId", "F0110"),
        ("node:   NodeId", "node:   NodId", "F0110"),
        ("enum PackStatus { packing, packed, short }", "enum PackStatus { packing, packed }", "F0208"),
        ("key    box.order once", "key    bx.order once", "F0110"),
        ("status PackStatus speaks", "status PakStatus speaks", "F0110"),
        ("  status packing\n", "  status paking\n", "F0208"),
        ("inventory.hold(box.order, lines", "inventory.hold(box.order, lnes", "F0110"),
        ("      status packed\n", "      status paked\n", "F0208"),
        ("await PickConfirmed for", "await PickConfrmed for", "F0110"),
        ("store_ops.stage(box.order, box.node, lines)", "store_ops.stage(box.order, box.order, lines)", "F0202"),
        ("on OutOfStock {", "on OutOfStok {", "F0110"),
        ("  stop short\n  } on", "  stop shrt\n  } on", "F0208"),
        ("  stop packed\n", "  stop paked\n", "F0208"),
    ];
    let before = codes(&common::compile("eight_syntax_errors", &whole));
    for (sound, wrong, expected) in changes {
        assert_eq!(whole.matches(sound).count(), 1, "{sound}");
        let outcome = common::compile("eight_syntax_errors", &whole.replace(sound, wrong));
        let mut more = codes(&outcome);
        for code in &before {
            let at = more.iter().position(|other| other == code).unwrap_or_else(|| panic!("{wrong}: {code} is gone"));
            more.remove(at);
        }
        assert!(!more.is_empty() && more.iter().all(|code| *code == expected), "{wrong}: {more:?}");
    }
}

/// What to do is said with each finding, and its page goes further.
#[test]
fn each_fault_is_explained() {
    for (name, _) in FAULTS {
        for finding in common::compile(name, &text(name)).diagnostics {
            let said = finding.help.is_some() || finding.fix.is_some() || finding.message.contains("expected");
            assert!(said, "{name}: {} says nothing of what to do", finding.message);
            let page = finding.code.explanation;
            assert!(page.contains("Wrong:") && page.contains("Right:"), "{}", finding.code.id);
        }
    }
}
