//! Lines that are no events: told by their number, set aside with the reason, and the rest goes on.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]
mod support;

use std::{fs, process::Command};

use serde_json::{Value as Json, json};
use support::{Place, Ran, command, example_lines, flowline, run_args, write_lines};

/// The first event of the example, changed.
fn changed(change: impl FnOnce(&mut Json)) -> Vec<u8> {
    let mut event: Json = serde_json::from_str(&example_lines(1)[0]).unwrap();
    event["id"] = json!("changed");
    change(&mut event);
    serde_json::to_vec(&event).unwrap()
}

fn without(field: &str) -> Vec<u8> {
    changed(|event| {
        event.as_object_mut().unwrap().remove(field);
    })
}

/// Bad lines, and what is said of each.
fn bad_lines() -> Vec<(Vec<u8>, &'static str)> {
    let line = |change: fn(&mut Json)| changed(|event| change(&mut event["data"]["order"]["lines"][0]));
    let order = |change: fn(&mut Json)| changed(|event| change(&mut event["data"]["order"]));
    vec![
        (b"{\"specversion\":\"1.0\",".to_vec(), "not JSON: EOF while parsing a value, at column 21"),
        (b"order 17, two of them".to_vec(), "not JSON: expected value, at column 1"),
        (b"[]".to_vec(), "not a CloudEvent: the line must be one JSON object"),
        (b"{\"id\":\"\xff\xfe\"}".to_vec(), "not UTF-8: byte 8 of the line begins no character"),
        ([b"{\"a\":".repeat(100_000), b"1".to_vec()].concat(), "nested too deep, at column"),
        (without("specversion"), "`specversion` is missing"),
        (without("id"), "`id` is missing"),
        (without("source"), "`source` is missing"),
        (without("type"), "`type` is missing"),
        (without("time"), "`time` is missing"),
        (without("data"), "`data` is missing"),
        (changed(|event| event["id"] = json!(17)), "`id` must be a text that isn't empty"),
        (changed(|event| event["source"] = json!("")), "`source` must be a text that isn't empty"),
        (
            changed(|event| event["specversion"] = json!("0.3")),
            "`specversion` is `0.3`, this version of flowline reads",
        ),
        (changed(|event| event["time"] = json!("yesterday")), "`time` is `yesterday`, not an RFC 3339 time such as"),
        (changed(|event| event["time"] = json!("2026-06-31T10:00:00Z")), "`time` is `2026-06-31T10:00:00Z`"),
        (changed(|event| event["type"] = json!("weather.changed.v1")), "no event has the type `weather.changed.v1`"),
        (
            changed(|event| event["type"] = json!("retail.order.plcaed.v1")),
            "no event has the type `retail.order.plcaed.v1`; is `retail.order.placed.v1` meant?",
        ),
        (
            changed(|event| event["type"] = json!("retail.order.placed.v9")),
            "no schema for `retail.order.placed.v9`; the flows speak `retail.order.placed.v1`",
        ),
        (changed(|event| event["data"] = json!([])), "`data` doesn't fit `retail.order.placed.v1`: expected"),
        (
            order(|order| {
                order.as_object_mut().unwrap().remove("customer");
            }),
            "`order.customer`: is missing; expected",
        ),
        (order(|order| order["channel"] = json!("fax")), "`order.channel`: expected"),
        (line(|line| line["quantity"] = json!("two")), "`order.lines[0].quantity`: expected a whole number"),
        (line(|line| line["quantity"] = json!(1.5)), "`order.lines[0].quantity`: expected a whole number"),
        (line(|line| line["quantity"] = json!(0)), "`order.lines[0].quantity`: 0 breaks the rule"),
        (
            line(|line| line["unit_price"]["currency"] = json!("XBT")),
            "unit_price.currency`: expected a currency of ISO 4217 such as EUR, found \"XBT\"",
        ),
        (line(|line| line["unit_price"]["amount"] = json!("12,90")), "`order.lines[0].unit_price"),
        (changed(|event| event["data"]["note"] = json!("x".repeat(2 << 20))), "the line is longer than 1048576 bytes"),
    ]
}

/// Between two sound events each.
fn place_of(bad: &[(Vec<u8>, &str)]) -> Place {
    let sound = example_lines(2);
    let place = Place::with_events(&[]);
    let mut text = format!("{}\n", sound[0]).into_bytes();
    for (line, _) in bad {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    text.extend_from_slice(format!("\n  \n{}\n", sound[1]).as_bytes());
    fs::write(place.path().join("events.ndjson"), text).unwrap();
    place
}

fn verbose(place: &Place) -> Ran {
    flowline(place.path(), run_args().into_iter().chain(["-v".to_owned()]))
}

#[test]
fn every_bad_line_is_told_and_set_aside_and_the_rest_goes_on() {
    let bad = bad_lines();
    let place = place_of(&bad);
    let ran = verbose(&place);
    ran.ends(1, "lines were set aside, with the reason, in `data/rejected.ndjson`");
    let aside = place.rejected();
    let told: Vec<&Json> = aside.iter().map(|line| &line["line"]).collect();
    assert_eq!(told, (2..bad.len() + 2).map(|line| json!(line)).collect::<Vec<_>>().iter().collect::<Vec<_>>());
    for (at, (line, reason)) in bad.iter().enumerate() {
        let number = at + 2;
        ran.ends(1, &format!("events.ndjson:{number}: set aside: "));
        assert_eq!(aside[at]["line"], number);
        assert_eq!(aside[at]["file"], "events.ndjson");
        let said = aside[at]["reason"].as_str().unwrap();
        assert!(said.contains(reason), "line {number}: `{reason}` isn't in `{said}`");
        assert!(said.len() < 300, "line {number}: {said}");
        let kept = aside[at]["text"].as_str().unwrap();
        let line = String::from_utf8_lossy(line);
        assert!(!kept.is_empty() && line.starts_with(kept), "line {number}");
    }
    assert_eq!(ran.count("lines read"), bad.len() as u64 + 4, "with two empty lines, which are passed over");
    assert_eq!(ran.count("lines set aside"), bad.len() as u64);
    let sound = Place::with_events(&example_lines(2)).run();
    sound.ends(0, "");
    assert_eq!(ran.count("events taken in"), sound.count("events taken in"));
    assert_eq!(ran.count("steps"), sound.count("steps"));
}

#[test]
fn many_bad_lines_are_told_in_short_and_quietly_not_at_all() {
    let bad = vec![(b"garbage".to_vec(), ""); 30];
    let place = place_of(&bad);
    let ran = place.run();
    ran.ends(1, "more lines are set aside; `data/rejected.ndjson` has them all");
    assert_eq!(ran.stderr.matches(": set aside: ").count(), 20);
    assert_eq!(place.rejected().len(), 30);
    let place = place_of(&bad);
    let quiet = flowline(place.path(), run_args().into_iter().chain(["-q".to_owned()]));
    assert_eq!(quiet.code, Some(1));
    assert!(!quiet.stderr.contains(": set aside: "), "{}", quiet.stderr);
}

/// A kill may come after the lines were set aside and before the journal says how far the events were read.
#[test]
fn nothing_is_set_aside_twice() {
    let bad = bad_lines();
    let place = place_of(&bad);
    verbose(&place).ends(1, "");
    let file = place.data().join("rejected.ndjson");
    let first = fs::read(&file).unwrap();
    let again = verbose(&place);
    again.ends(1, "lines were set aside");
    assert_eq!(fs::read(&file).unwrap(), first, "after the end");
    for name in ["journal", "store", "dedupe", "world.log"] {
        let path = place.data().join(name);
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    let anew = verbose(&place);
    assert_eq!(fs::read(&file).unwrap(), first, "from the first line again");
    assert_eq!(anew.tables(), again.tables());
    // A write that a kill left unfinished.
    fs::remove_dir_all(place.data().join("journal")).unwrap();
    for name in ["store", "dedupe"] {
        fs::remove_dir_all(place.data().join(name)).unwrap();
    }
    fs::remove_file(place.data().join("world.log")).unwrap();
    support::cut(&file, 7);
    verbose(&place).ends(1, "");
    assert_eq!(fs::read(&file).unwrap(), first, "with its last line torn");
}

#[test]
fn another_file_adds_its_own_lines_and_takes_none_away() {
    let place = place_of(&[(b"first".to_vec(), "")]);
    place.run().ends(1, "events.ndjson:2: set aside");
    let mut args = run_args();
    let file = args.iter_mut().find(|arg| *arg == "events.ndjson").unwrap();
    *file = "more.ndjson".to_owned();
    write_lines(&place.path().join("more.ndjson"), &["second".to_owned(), example_lines(3)[2].clone()]);
    for _ in 0..2 {
        let ran = flowline(place.path(), &args);
        ran.ends(1, "1 line was set aside");
        let aside: Vec<Json> = place.rejected();
        let texts: Vec<&Json> = aside.iter().map(|line| &line["text"]).collect();
        assert_eq!(texts, ["first", "second"]);
    }
}

#[test]
fn a_file_that_was_mended_or_has_grown_is_read_on() {
    let lines = example_lines(4);
    let (sound, bad) = (lines[..3].to_vec(), "{\"oops".to_owned());
    let place = Place::with_events(&[sound[0].clone(), bad, sound[1].clone()]);
    let first = place.run();
    first.ends(1, "events.ndjson:2: set aside: not JSON");
    let events = place.path().join("events.ndjson");

    write_lines(&events, &[sound[0].clone(), sound[2].clone(), sound[1].clone()]);
    let mended = place.run();
    mended.ends(0, "");
    assert_eq!(mended.count("lines set aside"), 0);
    assert_eq!(mended.count("duplicates absorbed"), 2, "the sound lines, read once more");
    assert!(mended.count("events taken in") > first.count("events taken in"));

    write_lines(&events, &[sound[0].clone(), sound[2].clone(), sound[1].clone(), lines[3].clone()]);
    let grown = place.run();
    grown.ends(0, "");
    assert_eq!(grown.count("lines read"), 4);
    assert_eq!(grown.count("duplicates absorbed"), 2, "what was read isn't read again");
    assert!(grown.count("events taken in") > mended.count("events taken in"));

    let idle = place.run();
    assert_eq!(idle.tables(), grown.tables());
}

/// A quarter of a GiB without an end, in less memory than that.
#[test]
fn a_line_without_an_end_is_not_read_into_memory() {
    let place = Place::with_events(&[]);
    fs::File::create(place.path().join("events.ndjson")).unwrap().set_len(256 << 20).unwrap();
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v 200000 && exec \"$0\" \"$@\""]);
    let run = command(place.path(), run_args());
    limited.arg(run.get_program()).args(run.get_args()).current_dir(place.path()).env("MALLOC_ARENA_MAX", "1");
    let ran = Ran::of(&limited.output().unwrap());
    ran.ends(1, "events.ndjson:1: set aside: the line is longer than 1048576 bytes");
    assert!(fs::metadata(place.data().join("rejected.ndjson")).unwrap().len() < 64 << 10);
}

#[test]
fn events_that_cannot_be_read_make_no_data_folder() {
    let place = Place::with_events(&[]);
    for (file, said) in [("missing.ndjson", "can't read the events in `missing.ndjson`"), (".", "`.` is no plain file")]
    {
        let mut args = run_args();
        *args.iter_mut().find(|arg| *arg == "events.ndjson").unwrap() = file.to_owned();
        flowline(place.path(), &args).ends(2, said);
        assert!(!place.data().exists(), "{file}");
    }
}
