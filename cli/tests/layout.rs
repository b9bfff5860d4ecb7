//! `fmt` and `check --fix`: what they change in an author's files, and what they leave alone.
#![allow(clippy::unwrap_used, reason = "in tests a panic is how a test fails")]
mod support;

use std::fs;

use support::{Place, flowline};

const MESSY: &str = "id  A\nrecord R {\n  a : A\n    b_and_more:Int\n}\n";
const LAID_OUT: &str = "id A\n\nrecord R {\n  a:          A\n  b_and_more: Int\n}\n";

fn place(files: &[(&str, &str)]) -> Place {
    let place = Place::with_events(&[]);
    fs::write(place.path().join("flow.toml"), "name = \"shop\"\nedition = \"2026\"\n").unwrap();
    for (name, text) in files {
        fs::write(place.path().join(name), text).unwrap();
    }
    place
}

#[test]
fn files_get_the_one_layout_and_checking_changes_nothing() {
    let place = place(&[("messy.flow", MESSY), ("good.flow", LAID_OUT)]);
    let text = |name: &str| fs::read_to_string(place.path().join(name)).unwrap();
    flowline(place.path(), ["fmt", "--check", "."]).ends(1, "2 files, 1 not in the one layout");
    assert_eq!(text("messy.flow"), MESSY);
    let ran = flowline(place.path(), ["fmt"]);
    ran.ends(0, "2 files, 1 laid out anew");
    assert_eq!(ran.stdout.lines().count(), 1);
    assert!(ran.stdout.trim_end().ends_with("messy.flow"), "{}", ran.stdout);
    assert_eq!((text("messy.flow"), text("good.flow")), (LAID_OUT.to_owned(), LAID_OUT.to_owned()));
    flowline(place.path(), ["fmt", "--check", "messy.flow"]).ends(0, "1 file: nothing to change");
    let left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".new")), "{left:?}");
}

#[test]
fn a_file_with_mistakes_is_left_alone() {
    let broken = "record R {\n  a : }\n";
    let place = place(&[("broken.flow", broken), ("messy.flow", MESSY)]);
    let ran = flowline(place.path(), ["fmt", "."]);
    ran.ends(1, "broken.flow: it has mistakes that `check` tells; nothing was changed");
    assert_eq!(fs::read_to_string(place.path().join("broken.flow")).unwrap(), broken);
    assert_eq!(fs::read_to_string(place.path().join("messy.flow")).unwrap(), LAID_OUT);
    flowline(place.path(), ["fmt", "nowhere.flow"]).ends(2, "`nowhere.flow` doesn't exist");
}

#[test]
fn what_a_finding_is_sure_of_is_mended() {
    let place = place(&[("a.flow", "const limit = 5;\nfn more(n: Intt) -> Int = n && 3\n")]);
    let ran = flowline(place.path(), ["check", "--fix", "."]);
    assert!(ran.stderr.contains("changes made"), "{}", ran.stderr);
    let text = fs::read_to_string(place.path().join("a.flow")).unwrap();
    assert!(!text.contains(';') && text.contains("n: Int)"), "{text}");
}
