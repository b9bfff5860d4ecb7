//! `new`: what it makes checks, is laid out and runs at once, and it never touches what is there.
#![allow(clippy::unwrap_used, reason = "in tests a panic is how a test fails")]
mod support;

use std::fs;

use support::{Place, flowline};

#[test]
fn a_new_project_checks_and_runs_at_once() {
    let place = Place::with_events(&[]);
    let made = flowline(place.path(), ["new", "my_shop"]);
    made.ends(0, "");
    assert!(fs::read_to_string(place.path().join("my_shop/flow.toml")).unwrap().starts_with("name = \"my_shop\"\n"));
    // The commands that it names, word for word.
    let next: Vec<&str> = made.stdout.lines().filter_map(|line| line.trim().strip_prefix("flowline ")).collect();
    assert_eq!(next.len(), 3, "{}", made.stdout);
    for command in next {
        flowline(place.path(), command.split(' ')).ends(0, "");
    }
    flowline(place.path(), ["fmt", "--check", "my_shop"]).ends(0, "");
    let again =
        flowline(place.path(), "run my_shop --events my_shop/events.ndjson --simulate --data my_shop/data".split(' '));
    again.ends(0, "");
    assert!(again.stdout.contains("  shipped  ") && again.stdout.contains("  cancelled  "), "{}", again.stdout);
}

#[test]
fn what_is_there_stays_as_it_is() {
    let place = Place::with_events(&[]);
    fs::create_dir(place.path().join("taken")).unwrap();
    flowline(place.path(), ["new", "taken"]).ends(2, "`taken` is there already");
    assert_eq!(fs::read_dir(place.path().join("taken")).unwrap().count(), 0);
    flowline(place.path(), ["new", "no/such/folder"]).ends(2, "there is no folder `no/such`; make it first");
    for name in ["..", "1st", "a b", "-x/../y z"] {
        flowline(place.path(), ["new", "--", name]).ends(2, "a project's name has letters");
    }
}
