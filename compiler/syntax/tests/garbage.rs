//! Whatever the text, there is a tree, and every place named in a finding lies in the text.

use flowline_diag::Sources;
use flowline_syntax::parse;
use proptest::prelude::*;

/// Pieces of sound text, so that soups of them get deep into the grammar.
const PIECES: &[&str] = &[
    "flow ",
    "f",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "\n",
    "\n\n",
    " ",
    ",",
    ":",
    "=",
    "=>",
    "->",
    "==",
    ".",
    "?.",
    "??",
    "|",
    "||",
    "-",
    "+",
    "<",
    ">",
    "\"",
    "“",
    "”",
    "'",
    ";",
    "//",
    "/// doc\n",
    "//! doc\n",
    "let ",
    "do ",
    "await ",
    "first ",
    "when ",
    "match ",
    "attempt ",
    "on ",
    "event ",
    "too late ",
    "meanwhile ",
    "every ",
    "after ",
    "for each ",
    "in ",
    "repeat up to ",
    "times ",
    "until ",
    "emit ",
    "status ",
    "stop ",
    "fail ",
    "give ",
    "if ",
    "then ",
    "else ",
    "not ",
    "and ",
    "or ",
    "with ",
    "none",
    "X",
    "Order",
    "x.y(z)",
    "3",
    "30 min",
    "85%",
    "1.5 EUR",
    "2026-05-02",
    "06:00-22:00",
    "mon..fri ",
    "record ",
    "enum ",
    "system ",
    "op ",
    "writes ",
    "raises ",
    "resource ",
    "open ",
    "abandon ",
    "decision ",
    "calendar ",
    "key ",
    "promise ",
    "late ",
    "use ",
    "const ",
    "fn ",
    "é",
    "😀",
    "\t",
    "\r\n",
    "\u{feff}",
    "#",
    "\\",
];

fn soup() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..120).prop_map(|pieces| pieces.concat())
}

fn hold(text: &str) -> Result<(), TestCaseError> {
    let mut sources = Sources::default();
    let file = sources.add("garbage.flow", text);
    for finding in parse(file, text).diagnostics {
        let edits = finding.fix.iter().flat_map(|fix| fix.edits.iter().map(|edit| edit.span));
        for span in edits.chain([finding.primary.span]) {
            prop_assert!(text.get(span.start as usize..span.end as usize).is_some(), "{span:?} {}", finding.message);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn token_soup(text in soup()) {
        hold(&text)?;
    }

    #[test]
    fn any_text(text in "\\PC*") {
        hold(&text)?;
    }

    #[test]
    fn a_sound_file_with_a_piece_cut_out(from in 0usize..6000, len in 0usize..200) {
        let text = include_str!("sound/statements.flow");
        let to = (from + len).min(text.len());
        if let (Some(before), Some(behind)) = (text.get(..from.min(to)), text.get(to..)) {
            hold(&format!("{before}{behind}"))?;
        }
    }
}

#[test]
fn findings_begin_and_end_between_characters() {
    for text in ["\n“\"", "\n“a”", "flow f() {}\n„x“ y", "const a = ‘b’ c", "\n”\u{a0}\"😀"] {
        hold(text).unwrap();
    }
}

#[test]
fn what_is_nested_within_the_limit_is_read() {
    let depth = 60;
    for (open, close) in [("(", ")"), ("[", "]")] {
        let text = format!("const x = {}1{}", open.repeat(depth), close.repeat(depth));
        assert_eq!(parse(Sources::default().add("x", ""), &text).diagnostics, vec![], "{open}");
    }
    let text = format!("flow f() {{ {} stop a {} }}", "attempt { ".repeat(depth), "} on E { stop b }".repeat(depth));
    assert_eq!(parse(Sources::default().add("x", ""), &text).diagnostics, vec![]);
}

#[test]
fn deep_and_long_text_is_refused_not_crashed_on() {
    let n = 200_000;
    let long = |piece: &str| piece.repeat(n);
    for text in [
        format!("const x = {}", long("(")),
        format!("const x = {}", long("[")),
        format!("flow f() {}", long("{ ")),
        format!("flow f() {}", long("{\n")),
        format!("flow f() {{ {}", long("attempt {\n")),
        format!("const x = {}1", long("not ")),
        format!("const x = {}1", long("- ")),
        format!("const x = {}1", long("if a then b else ")),
        format!("const x = a{}", long(".b")),
        format!("const x = a{}", long(" + a")),
        format!("const x = a{}", long(" exists")),
        format!("const x = a{}", long(" of a")),
        format!("record R {{ a: T{} }}", long("?")),
        format!("record R {{ a: {} }}", long("A<")),
        format!("flow f() {{ {} }}", long("when a { stop b } else ")),
        format!("invariant x: {}", long("at end x: ")),
        format!("flow f() {{ let x = {} }}", long("match a { b => ")),
        long("}"),
        long("\""),
        long("x => "),
    ] {
        hold(&text).unwrap();
    }
}
