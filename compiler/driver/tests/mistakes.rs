//! Mistakes of people who design processes, one in each file: what the compiler says of them, and what its fixes make of them.
//!
//! A file in `mistakes/` begins with a remark that says what its author had in mind. The snapshot beside it shows the findings as
//! a log has them, and whether the file is sound once every fix that is offered has been made.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is a finding")]
mod common;

use std::{fs, path::Path};

use flowline_diag::{Edit, Severity};
use flowline_driver::{DriverError, Files, FlowFile, MemoryFiles, Outcome, compile_files};

/// Files that hold more than one mistake, and how many findings they have.
const SEVERAL: &[(&str, usize)] = &[("switch_case", 3)];

/// Those that are also shown as people see them.
const FOR_PEOPLE: &[&str] = &[
    "crlf",
    "decimal_comma_argument",
    "emoji",
    "error_not_imported",
    "excel_if",
    "hold_forgotten",
    "missing_brace",
    "missing_within",
    "non_breaking_space",
    "optional_used",
    "swapped_ids",
    "switch_case",
    "table_short_row",
    "table_without_bars",
    "tabs_before",
];

/// Rounds of mending: a mended place may show the next mistake.
const ROUNDS_MAX: usize = 10;

#[test]
fn each_mistake_is_told_once_and_says_what_to_do() {
    let mut wrong = Vec::new();
    insta::glob!("mistakes/*.flow", |path| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(path).unwrap();
        let outcome = compile(&text);
        let expected = SEVERAL.iter().find(|(several, _)| *several == name).map_or(1, |(_, count)| *count);
        let problems = outcome.diagnostics.iter().filter(|finding| finding.severity != Severity::Note).count();
        if problems != expected {
            wrong.push(format!("{name}: {problems} findings for {expected} mistake"));
        }
        for finding in &outcome.diagnostics {
            if finding.help.is_none() && finding.fix.is_none() && finding.primary.text.is_empty() {
                wrong.push(format!("{name}: {} doesn't say what to do", finding.message));
            }
        }
        let mut shown = common::for_logs(&outcome);
        let offers = |unsure: bool| {
            let fixes = outcome.diagnostics.iter().filter_map(|finding| finding.fix.as_ref());
            fixes.filter(|fix| fix.safe || unsure).count()
        };
        if FOR_PEOPLE.contains(&name) {
            shown += &format!("\n{}", common::for_people(&outcome));
        }
        let sure = if offers(false) > 0 { mended(&text, false) } else { text.clone() };
        if sure != text {
            shown += &format!("\nafter `check --fix`: {}", what_is_left(&sure));
        }
        if offers(true) > offers(false) {
            shown += &format!("\nafter every fix that is offered: {}", what_is_left(&mended(&text, true)));
        }
        insta::with_settings!({
            snapshot_path => path.parent().unwrap(),
            snapshot_suffix => "",
            prepend_module_to_snapshot => false,
            omit_expression => true,
            description => text.lines().next().unwrap_or_default(),
        }, {
            insta::assert_snapshot!(name, shown);
        });
    });
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn there_are_sixty_of_them_at_least() {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes")).unwrap();
    let flows = files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|ext| ext == "flow"));
    assert!(flows.count() >= 60);
}

/// A file with the modules of the library that it uses: where those are enough, the others needn't be read.
struct Lone<'t> {
    text: &'t str,
    whole: bool,
}

impl Files for Lone<'_> {
    fn manifest(&self) -> Result<Option<String>, DriverError> {
        Ok(None)
    }

    fn manifest_path(&self) -> String {
        "flow.toml".to_owned()
    }

    fn flows(&self) -> Result<Vec<FlowFile>, DriverError> {
        MemoryFiles::single("mistake", self.text).flows()
    }

    fn library(&self) -> Vec<FlowFile> {
        let all = MemoryFiles::default().library();
        let used = |text: &str| all.iter().filter(|file| text.contains(&file.module)).cloned().collect::<Vec<_>>();
        let mut found = used(self.text);
        for at in 0..all.len() {
            let Some(file) = found.get(at).cloned() else { break };
            let more: Vec<FlowFile> = used(&file.text).into_iter().filter(|more| !found.contains(more)).collect();
            found.extend(more);
        }
        if self.whole { all } else { found }
    }
}

fn compile(text: &str) -> Outcome {
    let outcome = compile_files(&Lone { text, whole: false }).unwrap();
    let misses_names = outcome.diagnostics.iter().any(|finding| finding.code.id.starts_with("F011"));
    if misses_names { compile_files(&Lone { text, whole: true }).unwrap() } else { outcome }
}

/// The text once its fixes are made, round after round.
fn mended(text: &str, unsure: bool) -> String {
    let mut now = text.to_owned();
    for _ in 0..ROUNDS_MAX {
        let outcome = compile(&now);
        let edits = edits(&outcome, unsure);
        if edits.is_empty() {
            break;
        }
        now = edited(&now, edits);
    }
    now
}

/// The edits of all fixes, none over another.
fn edits(outcome: &Outcome, unsure: bool) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for fix in outcome.diagnostics.iter().filter_map(|finding| finding.fix.as_ref()).filter(|fix| fix.safe || unsure) {
        let is_free = |edit: &Edit| {
            edits.iter().all(|other| edit.span.end < other.span.start || other.span.end < edit.span.start)
        };
        if fix.edits.iter().all(is_free) {
            edits.extend(fix.edits.iter().cloned());
        }
    }
    edits
}

fn edited(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| edit.span);
    let mut out = text.to_owned();
    for edit in edits.iter().rev() {
        out.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.text);
    }
    out
}

fn what_is_left(text: &str) -> String {
    let outcome = compile(text);
    let left: Vec<String> = outcome
        .diagnostics
        .iter()
        .filter(|finding| finding.severity != Severity::Note)
        .map(|finding| format!("\n  {} {}", finding.code.id, finding.message))
        .collect();
    if left.is_empty() { "sound".to_owned() } else { left.concat() }
}
