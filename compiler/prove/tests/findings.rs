//! Every rule fires, with its path; sound flows give nothing. The cases are sketches under `tests/cases/`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a sketch that is written wrongly should stop the test where it is wrong"
)]
mod sketch;

use std::fmt::Write;

use flowline_diag::{Diagnostic, FileId, Span};
use flowline_plan::SpanId;

/// What the pass finds in a sketch, by lines of it.
fn check(text: &str) -> Vec<Diagnostic> {
    let (bundle, plan) = sketch::plan(text);
    let places = |id: SpanId| Span::new(FileId::from_index(0), id.0, id.0);
    let flows = bundle.flows.iter().map(|flow| &**flow).chain([&plan]);
    flows.flat_map(|flow| flowline_prove::prove(&bundle, flow, &places)).collect()
}

/// Findings with their paths, each place as the line of the sketch.
fn render(text: &str, findings: &[Diagnostic]) -> String {
    let place = |span: Span| match text.lines().nth((span.start as usize).wrapping_sub(1)) {
        Some(line) => format!("{:2} {}", span.start, line.trim()),
        None => " 0 flow".to_owned(),
    };
    let mut out = String::new();
    for finding in findings {
        writeln!(out, "{} {}", finding.code.id, finding.message).unwrap();
        writeln!(out, "  at   {:<32} {}", place(finding.primary.span), finding.primary.text).unwrap();
        for also in &finding.secondary {
            writeln!(out, "  also {:<32} {}", place(also.span), also.text).unwrap();
        }
        for (no, step) in finding.path.iter().enumerate() {
            writeln!(out, "  {:>3}. {:<32} {}", no + 1, place(step.span), step.text).unwrap();
        }
        writeln!(out, "  help: {}", finding.help.as_deref().unwrap_or("")).unwrap();
    }
    out
}

fn snapshots(group: &str, text: &str) {
    for case in sketch::cases(text) {
        let name = format!("{group}__{}", case.name.replace(' ', "_"));
        let found = render(&case.text, &check(&case.text));
        insta::with_settings!({ description => case.text.as_str(), omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, found);
        });
    }
}

#[test]
fn errors_and_reachability() {
    snapshots("f03", include_str!("cases/f03.case"));
}

#[test]
fn obligations() {
    snapshots("f04", include_str!("cases/f04.case"));
}

#[test]
fn sound_flows_give_no_findings() {
    for case in sketch::cases(include_str!("cases/sound.case")) {
        let found = check(&case.text);
        assert!(found.is_empty(), "{}:\n{}\n{}", case.name, case.text, render(&case.text, &found));
    }
}

/// Each code has a case that fires, so that no rule lives untested.
#[test]
fn every_code_of_both_groups_fires() {
    let cases = sketch::cases(include_str!("cases/f03.case"));
    let cases = cases.into_iter().chain(sketch::cases(include_str!("cases/f04.case")));
    let fired: Vec<&str> = cases.flat_map(|case| check(&case.text)).map(|finding| finding.code.id).collect();
    for code in flowline_diag::all_codes().filter(|code| code.id.starts_with("F03") || code.id.starts_with("F04")) {
        assert!(fired.contains(&code.id), "{} never fires", code.id);
    }
}
