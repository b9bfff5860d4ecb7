//! The layout: what it looks like, that it is one, and that it keeps what a file says.
#![allow(clippy::unwrap_used, reason = "in test support a panic is how a test fails")]

use std::path::{Path, PathBuf};

use flowline_syntax::{FormatError, format, parse};
use proptest::prelude::*;

#[test]
fn a_messy_file_gets_the_one_layout() {
    insta::assert_snapshot!(format(include_str!("layout/messy.flow")).unwrap());
}

/// The files of the repository that can be read.
fn corpus() -> Vec<(PathBuf, String)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["tests/sound", "tests/layout", "../../stdlib", "../../workflows"];
    let mut files = Vec::new();
    for folder in folders {
        for entry in std::fs::read_dir(here.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "flow") {
                files.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    assert!(files.len() > 10, "the corpus is there");
    files
}

#[test]
fn laying_out_twice_changes_nothing_more() {
    for (path, text) in corpus() {
        let once = format(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(format(&once).as_ref(), Ok(&once), "{}", path.display());
    }
}

#[test]
fn the_library_and_the_flows_are_laid_out() {
    for (path, text) in corpus() {
        let own = path.components().any(|part| part.as_os_str() == "stdlib" || part.as_os_str() == "workflows");
        assert!(!own || format(&text).as_ref() == Ok(&text), "run `flowline fmt {}`", path.display());
    }
}

#[test]
fn what_can_not_be_read_is_left_alone() {
    for text in ["flow f(", "record R { a: }", "let x = 1", "flow f(x: E) {\n  stop “a”\n}"] {
        assert_eq!(format(text), Err(FormatError::Broken), "{text}");
    }
}

#[test]
fn lines_of_other_systems_and_empty_files() {
    assert_eq!(format("").unwrap(), "");
    assert_eq!(format("\n\n\n").unwrap(), "");
    assert_eq!(format("// only this  \n\n").unwrap(), "// only this\n");
    assert_eq!(format("id A\r\nid B\r\n").unwrap(), "id A\nid B\n");
    assert_eq!(format("\tid A").unwrap(), "id A\n");
}

/// A text with other blanks between its words, and the same lines.
fn shaken(text: &str, dice: &[u8]) -> String {
    let mut dice = dice.iter().cycle();
    let mut roll = move || dice.next().copied().unwrap_or(0);
    let mut out = String::new();
    for line in text.lines() {
        // Where a comment stands is the author's to say.
        if line.contains("//") || line.contains('"') {
            out.push_str(line);
        } else {
            out.push_str(&" ".repeat(usize::from(roll() % 5)));
            for word in line.split_inclusive(' ') {
                out.push_str(word);
                if word != " " && word.ends_with(' ') {
                    out.push_str(&" ".repeat(usize::from(roll() % 3)));
                }
            }
            out.push_str(&" ".repeat(usize::from(roll() % 2)));
        }
        out.push('\n');
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn blanks_have_no_say(dice in proptest::collection::vec(any::<u8>(), 1..200), nth in any::<prop::sample::Index>()) {
        let corpus = corpus();
        let (path, text) = &corpus[nth.index(corpus.len())];
        let laid_out = format(text).unwrap();
        let shaken = shaken(&laid_out, &dice);
        prop_assert_eq!(format(&shaken), Ok(laid_out), "{}", path.display());
    }

    #[test]
    fn whatever_can_be_read_can_be_laid_out(
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        nth in any::<prop::sample::Index>(),
    ) {
        // Lines taken out of sound files: some are still sound.
        let corpus = corpus();
        let (_, text) = &corpus[nth.index(corpus.len())];
        let mut lines: Vec<&str> = text.lines().collect();
        for cut in cuts {
            if !lines.is_empty() {
                lines.remove(cut.index(lines.len()));
            }
        }
        let text = lines.join("\n");
        let sound = parse(flowline_diag::Sources::default().add("", ""), &text).diagnostics.is_empty();
        match format(&text) {
            Ok(laid_out) => prop_assert_eq!(format(&laid_out), Ok(laid_out)),
            Err(FormatError::Broken) => prop_assert!(!sound),
            Err(error @ FormatError::Unsound(_)) => prop_assert!(false, "{error}:\n{text}"),
        }
    }
}
