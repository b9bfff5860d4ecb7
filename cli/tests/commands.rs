//! The commands as somebody types them: help, formats, exit codes, near misses, pipes that close.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]
mod support;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value as Json;
use support::{Place, Ran, command, example_lines, flowline, workflows};

/// A flow that is a file of its own, with a name that nobody knows.
const UNKNOWN_NAME: &str = "\
flow one(order: Int) {
  let y = z
  stop done
}
";

fn place() -> Place {
    let place = Place::with_events(&example_lines(1));
    fs::write(place.path().join("bad.flow"), UNKNOWN_NAME).unwrap();
    place
}

/// The repository's project with a `stop` where stock and money are still open.
fn broken_project(place: &Place) -> PathBuf {
    let project = place.path().join("project");
    assert!(Command::new("cp").arg("-r").arg(workflows()).arg(&project).status().unwrap().success());
    let flow = project.join("pickup_in_store.flow");
    let text = fs::read_to_string(&flow).unwrap();
    let broken = text.replacen("    status ready\n", "    status ready\n    stop refused\n", 1);
    assert_ne!(text, broken);
    fs::write(flow, broken).unwrap();
    project
}

fn project() -> String {
    workflows().to_str().unwrap().to_owned()
}

#[test]
fn every_command_has_help_with_an_example() {
    let place = place();
    let commands: [&[&str]; 10] = [
        &[],
        &["check"],
        &["explain"],
        &["graph"],
        &["run"],
        &["replay"],
        &["journal"],
        &["journal", "verify"],
        &["journal", "export"],
        &["journal", "rebuild"],
    ];
    for words in commands {
        let ran = flowline(place.path(), words.iter().chain(&["--help"]));
        ran.ends(0, "");
        let example = ran.stdout.lines().skip_while(|line| !line.starts_with("Example:")).nth(1).unwrap();
        assert!(example.starts_with(&format!("  flowline {}", words.join(" "))), "{words:?}: {example}");
    }
    // What is for tests and small disks stands below the rest, and not in the short help.
    let help = flowline(place.path(), ["run", "--help"]).stdout;
    let (usual, special) = help.split_once("For tests and small disks:").unwrap();
    assert!(
        usual.contains("--seed") && !usual.contains("segment-bytes") && special.contains("segment-bytes"),
        "{help}"
    );
    assert!(help.contains("line set aside"), "{help}");
    let short = flowline(place.path(), ["run", "-h"]).stdout;
    assert!(short.contains("--seed") && !short.contains("segment-bytes"), "{short}");
}

#[test]
fn misuse_is_2_and_says_what_to_do() {
    let place = place();
    let project = project();
    let cases: [(&[&str], &str); 15] = [
        (&[], "Usage: flowline"),
        (&["chekc"], "a similar subcommand exists: 'check'"),
        (&["check", "nowhere"], "`nowhere` doesn't exist"),
        (&["check", "events.ndjson"], "neither a folder nor a .flow file"),
        (&["check"], "there is no flow.toml here or in a folder above"),
        (&["check", "."], "holds no flow.toml"),
        (&["check", &project, "--format", "xml"], "[possible values: human, compact, json, sarif, github]"),
        (&["explain", "F0410"], "no finding has the code `F0410`; is `F0401` meant?"),
        (&["explain", "F03"], "no finding has the code `F03`; there are F0301, F0302"),
        (&["explain", "banana"], "no finding has the code `banana`; a code looks like F0401"),
        (&["graph", "pickup_in_stor", &project], "no flow is called `pickup_in_stor`; is `pickup_in_store` meant?"),
        (&["graph", "banana", &project], "no flow is called `banana`; there are: "),
        (&["graph", "ship_order", &project, "-o", "no/such/folder.svg"], "can't write `no/such/folder.svg`"),
        (&["run", &project], "--events <EVENTS>"),
        (&["run", &project, "--events", "events.ndjson"], "or let simulated systems answer: add --simulate"),
    ];
    for (args, said) in cases {
        flowline(place.path(), args).ends(2, said);
    }
    assert!(!place.data().exists());
}

#[test]
fn check_tells_by_its_exit_code() {
    let place = place();
    let clean = flowline(place.path(), ["check", &project()]);
    clean.ends(0, "");
    assert!(clean.stdout.ends_with("flows checked: no findings\n"), "{}", clean.stdout);
    let bad = flowline(place.path(), ["check", "bad.flow"]);
    bad.ends(1, "");
    assert!(bad.stdout.contains("bad.flow:2:11"), "{}", bad.stdout);
    let both = flowline(place.path(), ["check", &project(), "bad.flow", "bad.flow", "--format", "json"]);
    both.ends(1, "");
    let both: Json = serde_json::from_str(&both.stdout).unwrap();
    assert_eq!((both["findings"].as_array().unwrap().len(), &both["summary"]["errors"]), (2, &Json::from(2)));
    let quiet = flowline(place.path(), ["check", &project(), "-q"]);
    quiet.ends(0, "");
    assert_eq!(quiet.stdout, "");
    let inside = workflows().join("examples");
    assert_eq!(flowline(&inside, ["check"]).stdout, clean.stdout, "the project around the current folder");
}

#[test]
fn no_more_findings_are_drawn_than_anybody_reads() {
    let place = place();
    let flows: String = (0..150).map(|at| format!("flow f{at}(order: Nothing{at}) {{ wait 1 s }}\n")).collect();
    std::fs::write(place.path().join("many.flow"), flows).unwrap();
    let drawn = flowline(place.path(), ["check", "many.flow"]);
    drawn.ends(1, "");
    assert_eq!(drawn.stdout.matches("there is no type").count(), 100, "{}", drawn.stdout);
    assert!(drawn.stdout.contains("… and 50 more; `--format compact` lists all of them"), "{}", drawn.stdout);
    assert!(drawn.stdout.contains("150 errors, 0 warnings"), "{}", drawn.stdout);
    let compact = flowline(place.path(), ["check", "many.flow", "--format", "compact"]);
    assert_eq!(compact.stdout.matches("there is no type").count(), 150);
}

#[test]
fn findings_come_as_compact_lines_and_as_json() {
    let place = place();
    broken_project(&place);
    let compact = flowline(place.path(), ["check", "project", "--format", "compact"]);
    compact.ends(1, "");
    assert!(compact.stdout.contains("project/pickup_in_store.flow:48:16: error[F0401]: "), "{}", compact.stdout);

    let ran = flowline(place.path(), ["check", "project", "--format", "json"]);
    ran.ends(1, "");
    let json: Json = serde_json::from_str(&ran.stdout).unwrap();
    let findings = json["findings"].as_array().unwrap();
    assert_eq!(json["summary"]["errors"], findings.len());
    assert_eq!(json["summary"]["warnings"], 0);
    let hold = findings.iter().find(|finding| finding["code"] == "F0401").unwrap();
    assert_eq!(hold["severity"], "error");
    assert_eq!(hold["file"], "project/pickup_in_store.flow");
    assert!(hold["message"].as_str().unwrap().contains("`hold` is still held"));
    assert!(hold["help"].is_string());
    let place_of = |span: &Json| ["line", "column", "offset"].map(|part| span["start"][part].as_u64().unwrap());
    assert_eq!(place_of(&hold["span"])[..2], [48, 16]);
    let path = hold["path"].as_array().unwrap();
    assert!(path.len() > 1);
    for step in path {
        assert!(step["message"].is_string() && step["file"].is_string());
        place_of(&step["span"]);
        assert!(step["span"]["end"]["offset"].is_u64());
    }
    let clean: Json =
        serde_json::from_str(&flowline(place.path(), ["check", &project(), "--format", "json"]).stdout).unwrap();
    assert_eq!(clean["findings"], Json::Array(vec![]));
}

#[test]
fn flows_with_findings_do_not_run() {
    let place = place();
    broken_project(&place);
    for args in [
        ["run", "project", "--events", "events.ndjson", "--simulate"].as_slice(),
        ["graph", "pickup_in_store", "project"].as_slice(),
    ] {
        let ran = flowline(place.path(), args);
        ran.ends(1, "F0401");
        assert_eq!(ran.stdout, "");
    }
    assert!(!place.data().exists());
}

#[test]
fn colours_only_where_asked_for() {
    let place = place();
    let escapes = |ran: &Ran| ran.stdout.contains('\u{1b}') || ran.stderr.contains('\u{1b}');
    let with = |color: &str| flowline(place.path(), ["check", "bad.flow", "--color", color]);
    assert!(!escapes(&flowline(place.path(), ["check", "bad.flow"])), "a pipe is no terminal");
    assert!(escapes(&with("always")));
    assert!(!escapes(&with("never")));
}

/// `script` runs a command on a terminal of its own.
#[test]
fn a_terminal_gets_colours_unless_it_wants_none() {
    let place = place();
    let on_terminal = |no_color: Option<&str>| {
        let mut script = Command::new("script");
        let line = format!("{} check bad.flow", env!("CARGO_BIN_EXE_flowline"));
        script.args(["-qec", &line, "/dev/null"]).current_dir(place.path()).stdin(Stdio::null()).env_remove("NO_COLOR");
        script.env("TERM", "xterm");
        no_color.map(|value| script.env("NO_COLOR", value));
        script.output()
    };
    let Ok(coloured) = on_terminal(None) else { return skipped() };
    let escapes = |bytes: &[u8]| bytes.contains(&0x1b);
    if !String::from_utf8_lossy(&coloured.stdout).contains("bad.flow") {
        return skipped();
    }
    assert!(escapes(&coloured.stdout));
    assert!(!escapes(&on_terminal(Some("1")).unwrap().stdout));
}

#[allow(clippy::print_stderr, reason = "a test that can't run here has to say so")]
fn skipped() {
    eprintln!("skipped: this machine has no `script` to make a terminal");
}

#[test]
fn explain_takes_codes_as_people_type_them() {
    let place = place();
    for code in ["F0401", "f0401"] {
        let ran = flowline(place.path(), ["explain", code]);
        ran.ends(0, "");
        assert!(ran.stdout.contains("F0401") && ran.stdout.contains("```"), "{}", ran.stdout);
    }
}

#[test]
fn pictures_are_whole() {
    let place = place();
    for (flow, words) in [
        (
            "pickup_in_store",
            ["inventory.hold", "on OutOfStock, StoreCannotFulfil", "stop collected", "begins with OrderPlaced"],
        ),
        ("ship_order", ["for each source", "on NothingAvailable", "stop shipped", "once per placed.order.id"]),
    ] {
        let svg = flowline(place.path(), ["graph", flow, &project()]);
        svg.ends(0, "");
        let svg = svg.stdout;
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
        for tag in ["g", "text", "style", "title"] {
            let (opened, closed) = (svg.matches(&format!("<{tag}")).count(), svg.matches(&format!("</{tag}>")).count());
            assert!(opened >= closed && closed > 0, "{tag}");
        }
        words.iter().for_each(|word| assert!(svg.contains(word), "{flow}: {word}"));
        let dot = flowline(place.path(), ["graph", flow, &project(), "--as", "dot", "-o", "flow.dot"]);
        dot.ends(0, "");
        let dot = fs::read_to_string(place.path().join("flow.dot")).unwrap();
        assert!(dot.starts_with("digraph") && dot.matches('{').count() == dot.matches('}').count());
    }
}

#[test]
fn a_replay_tells_the_story_of_a_run() {
    let place = Place::used();
    let list = place.flowline(&["replay", "data", "-v"]);
    list.ends(0, "");
    let collected = list.stdout.lines().find(|line| line.ends_with("collected")).unwrap();
    let id = collected.split_whitespace().next().unwrap();
    let ran = place.flowline(&["replay", "data", &id.to_uppercase().chars().take(12).collect::<String>()]);
    ran.ends(0, "");
    for word in [
        &format!("run {id} of "),
        "starts with OrderPlaced { order: Order { id: \"O-",
        "calls inventory.hold(\"O-",
        "(call 0, attempt 1): done: StockHold {",
        "status received",
        "ended: collected",
        "every state is as it was written",
    ] {
        assert!(ran.stdout.contains(word), "{word}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("case "), "cases have names: {}", ran.stdout);
    place
        .flowline(&["replay", "data", "zz"])
        .ends(2, "no run has the key `zz`, and no run's id begins with it; `flowline replay DATA -v` lists them");
    place.flowline(&["replay", "data", ""]).ends(2, "runs have ids that begin with ``: ");
}

/// Who is on call has an order number, not a run's id.
#[test]
fn a_run_is_found_by_the_key_of_its_business() {
    let place = Place::used();
    let list = place.flowline(&["replay", "data", "-v"]);
    list.ends(0, "");
    let row = list.stdout.lines().find(|line| line.ends_with("collected")).unwrap();
    let [id, key, flow, begun, outcome] = row.split_whitespace().collect::<Vec<_>>().try_into().unwrap();
    assert!(key.starts_with("O-") && flow == "pickup_in_store" && outcome == "collected", "{row}");
    assert!(begun.starts_with("20") && begun.ends_with('Z'), "{row}");
    let ran = place.flowline(&["replay", "data", key]);
    ran.ends(0, "");
    assert!(ran.stdout.starts_with(&format!("run {id} of pickup_in_store, key {key}\n")), "{}", ran.stdout);
    for end in
        ["  StockHold #0 { id: \"", "  CardMoney #1 { id: \"", "in the end, each resource that it opened or was given:"]
    {
        assert!(ran.stdout.contains(end), "{end}: {}", ran.stdout);
    }
    assert!(ran.stdout.contains("}: captured\n") && ran.stdout.contains("}: committed\n"), "{}", ran.stdout);
}

/// What one run begins belongs to the same business: it is told with it, each run once.
#[test]
fn the_runs_that_a_run_begins_are_told_with_it() {
    let place = Place::used();
    let all = place.flowline(&["replay", "data", "-v"]).stdout;
    let told = |key: &str| place.flowline(&["replay", "data", key]).ends(0, "").stdout.clone();
    let rows: Vec<Vec<&str>> = all.lines().map(|line| line.split_whitespace().collect()).collect();
    let child = rows.iter().find(|row| matches!(row.get(2), Some(&("send_home" | "collect_debt")))).unwrap();
    let parent = rows
        .iter()
        .filter(|row| matches!(row.get(2), Some(&("pickup_in_store" | "ship_order"))))
        .map(|row| told(row[1]))
        .find(|story| story.contains(child[0]))
        .unwrap();
    let head = format!("run {} of {}, key {}\n", child[0], child[2], child[1]);
    assert_eq!(parent.matches(&head).count(), 1, "{parent}");
}

/// As Windows' editors saved text for long.
#[test]
fn a_file_in_another_encoding_is_told_with_its_line() {
    let place = Place::with_events(&[]);
    fs::write(place.path().join("flows.flow"), b"id ShopId\n// ge\xf6ffnet\n").unwrap();
    let ran = place.flowline(&["check", "--format", "compact", "flows.flow"]);
    ran.ends(1, "");
    assert!(ran.stdout.starts_with("flows.flow:2:6: error[F0107]: this file isn't UTF-8"), "{}", ran.stdout);
}

/// All segments are gone: nothing is damaged, but nothing is left either.
#[test]
fn an_empty_journal_is_not_called_sound() {
    let place = Place::used();
    for segment in place.segments() {
        fs::remove_file(segment).unwrap();
    }
    let ran = place.flowline(&["journal", "verify", "data"]);
    ran.ends(0, "");
    assert!(ran.stdout.starts_with("the journal is empty: "), "{}", ran.stdout);
}

/// `flowline … | head -0`, for every command that prints.
#[test]
fn a_pipe_that_closes_ends_quietly() {
    let place = Place::used();
    broken_project(&place);
    let project = project();
    let mut run: Vec<String> = support::run_args();
    run.push("--quiet".to_owned());
    let run: Vec<&str> = run.iter().map(String::as_str).collect();
    let commands: [(&[&str], i32); 9] = [
        (&["check", &project], 0),
        (&["check", "project"], 1),
        (&["check", "project", "--format", "json"], 1),
        (&["explain", "F0401"], 0),
        (&["graph", "ship_order", &project], 0),
        (&["replay", "data", "-v"], 0),
        (&["journal", "verify", "data"], 0),
        (&["journal", "export", "data"], 0),
        (&run, 0),
    ];
    for (args, code) in commands {
        let mut child = command(place.path(), args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ran = Ran::of(&child.wait_with_output().unwrap());
        ran.ends(code, "");
        assert_eq!(ran.stderr, "", "{args:?}");
    }
}

#[test]
fn an_output_that_is_full_is_a_fault() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let place = Place::used();
    let project = project();
    let commands: [&[&str]; 4] =
        [&["check", &project], &["explain", "F0401"], &["replay", "data"], &["journal", "export", "data"]];
    for args in commands {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let child = command(place.path(), args).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        Ran::of(&child.wait_with_output().unwrap()).ends(3, "can't write the output: No space left on device");
    }
}
