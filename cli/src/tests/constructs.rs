//! Each construct of the language, from its text to its end in the simulated world, and again with a death after every
//! write of the journal.
//!
//! A construct is a folder in `constructs/`:
//!
//! - `passes.flow`: flows that use it, in the one layout, so that its good and its bad way are both taken at run time: each outcome of a `stop` and
//!   each `emit` has to come up;
//! - `events.ndjson`: the events that come in;
//! - `refused.flow`: flows that use it wrongly. It is compiled by itself, and must have errors. Where some of its mistakes
//!   hide others (what has the wrong type isn't looked at further), those stand in `refused_….flow`;
//! - what else the project needs: `flow.toml` with the rates of the world, files that the flows name, folders.
//!
//! The world is smooth where `flow.toml` says nothing, and takes its time in steps of `GRAIN_MS`, so that a story doesn't
//! hang on how a plan numbers its steps. Snapshots lie beside them: `story.snap` tells what became of every run,
//! `refused.snap` what the compiler says.
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use flowline_driver::Outcome;
use flowline_journal::Death;
use flowline_report::{Colour, human, summary_line};

use super::{
    crash_anywhere::Day,
    day::exits,
    place::Place,
    story::{Told, tell, without_minted_ids},
};

/// Answers take as long as this, or as the contract lets them take if that is more.
const GRAIN_MS: i64 = 5_000;
/// A checkpoint every so many records: a few in a day.
const CHECKPOINT_RECORDS: u64 = 25;
const MANIFEST: &str = "name = \"construct\"\nedition = \"2026\"\n";

/// How the day of a construct ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Every run has ended, and all is settled.
    Settled,
    /// Some runs wait for people: that is what the construct is about. What they hold is open.
    Parked,
}

/// Makes a test of each folder, and the list of them.
macro_rules! constructs {
    ($($name:ident: $end:ident,)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(#[test] fn $name() { holds(stringify!($name), End::$end); })*
    };
}

// In the order of the alphabet.
constructs! {
    allocate: Settled,
    ask: Settled,
    attempt_on_error: Settled,
    attempt_on_event: Settled,
    attempt_out_of_time: Settled,
    await_event: Settled,
    await_first: Settled,
    calendar_from_a_file: Settled,
    calendar_without_a_row: Parked,
    call_given_up: Parked,
    calls: Settled,
    composite_keys: Settled,
    decisions: Settled,
    emit_and_status: Settled,
    expressions: Settled,
    flow_gives_a_resource: Settled,
    flow_raises_with_a_state: Settled,
    flow_takes_a_resource: Settled,
    for_each_at_a_time: Settled,
    for_each_sharing: Settled,
    handle_return: Settled,
    holiday_and_daylight_saving: Settled,
    keeping: Settled,
    keeping_its_own_call: Settled,
    key_and_track: Settled,
    late_event: Settled,
    late_event_with_values: Settled,
    list_of_resources: Settled,
    match_and_when: Settled,
    meanwhile: Settled,
    net_tax_gross: Settled,
    one_at_a_time: Settled,
    parallel: Settled,
    pickup_in_store: Settled,
    point_of_no_return: Settled,
    predict_and_govern: Settled,
    promise_at_and_missed: Settled,
    repeat: Settled,
    role_and_model: Settled,
    run_and_start: Settled,
    ship_order: Settled,
    starts_every_15_min: Settled,
    starts_every_day: Settled,
    starts_on_gather: Settled,
    undo_of_a_flow: Settled,
    upcast_chain: Settled,
    values_of_branches: Settled,
    wait: Settled,
    where_it: Settled,
}

#[test]
fn every_folder_is_tested() {
    let folders = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let folders: BTreeSet<String> = folders.collect();
    assert_eq!(NAMES.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), folders);
    assert!(NAMES.is_sorted(), "{NAMES:?}");
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/constructs")
}

fn holds(name: &str, end: End) {
    let folder = folder().join(name);
    let text = fs::read_to_string(folder.join("passes.flow")).unwrap();
    assert_eq!(flowline_syntax::format(&text).unwrap(), text, "`flowline fmt` lays it out");
    are_refused(&folder);
    let day = day(&folder);
    let expected = &day.expected;
    if end == End::Settled {
        assert_eq!((expected.live, expected.accounts.is_clean()), (0, true), "{}", expected.report);
    } else {
        assert!(expected.live > 0 && expected.accounts.doubled.is_empty(), "{}", expected.report);
    }
    assert!(expected.accounts.misuses.is_empty(), "{}", expected.report);
    let Told { stories, seen } = tell(&day.place.bundle, &day.whole.journal);
    let missed: Vec<String> = exits(&day.place.bundle).difference(&seen).cloned().collect();
    assert!(missed.is_empty(), "nothing in `events.ndjson` comes to this: {missed:?}");
    let set_aside = day.place.set_aside();
    let report = without_steps(&expected.report);
    snapshot(&folder, "story", &without_minted_ids(&format!("{stories}{report}{set_aside}")));
    day.survives(Death::Lost, 1);
    day.survives(Death::Torn, 3);
    day.survives(Death::Unacknowledged, 1);
}

fn day(folder: &Path) -> Day {
    let project = project(folder, |name| !is_refusal(name));
    let outcome = flowline_driver::compile(project.path()).unwrap();
    let Some(bundle) = outcome.bundle.clone() else { panic!("{}", findings(&outcome, project.path())) };
    let events = fs::read_to_string(folder.join("events.ndjson")).unwrap();
    let mut place = Place::as_it_says(&outcome.project, bundle, &events);
    place.checkpoint_records = CHECKPOINT_RECORDS;
    (place.world.grain_ms, place.world.event_spread) = (GRAIN_MS, 0.0);
    Day::at(place)
}

fn is_refusal(name: &str) -> bool {
    name.starts_with("refused") && name.ends_with(".flow")
}

fn are_refused(folder: &Path) {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let refusals: Vec<String> = files.filter(|name| is_refusal(name)).collect();
    assert!(!refusals.is_empty(), "there is no `refused.flow`");
    for refusal in refusals {
        let of_passes = |name: &str| name == "flow.toml" || name.ends_with(".flow");
        let project = project(folder, |name| name == refusal || !of_passes(name));
        let outcome = flowline_driver::compile(project.path()).unwrap();
        assert!(outcome.has_errors(), "`{refusal}` is fine");
        snapshot(folder, refusal.trim_end_matches(".flow"), &findings(&outcome, project.path()));
    }
}

/// A folder with some of a construct's files, as a project.
fn project(folder: &Path, takes: impl Fn(&str) -> bool) -> tempfile::TempDir {
    let project = tempfile::tempdir().unwrap();
    fs::write(project.path().join("flow.toml"), MANIFEST).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if takes(name) {
            copy(&path, &project.path().join(name));
        }
    }
    project
}

fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

fn findings(outcome: &Outcome, project: &Path) -> String {
    let each = outcome.diagnostics.iter().map(|finding| human(finding, &outcome.sources, Colour::Off));
    let text: String = each.chain([summary_line(&outcome.diagnostics)]).collect();
    text.replace(&format!("{}/", project.display()), "")
}

/// The report without the number of inputs that runs took: no promise to anybody.
fn without_steps(report: &str) -> String {
    report.lines().filter(|line| !line.trim_start().starts_with("steps ")).map(|line| format!("{line}\n")).collect()
}

fn snapshot(folder: &Path, name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => folder,
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, text);
    });
}
