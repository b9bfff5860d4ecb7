//! Texts past a limit are refused by name, at the place, without a second finding for what wasn't read.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]
mod common;

/// What a log shows; the last line counts.
fn said(text: &str) -> String {
    common::for_logs(&common::compile("large", text))
}

#[test]
fn limits_are_named() {
    let brackets = format!("const n = {}1{}\n", "(".repeat(70), ")".repeat(70));
    let blocks = format!("flow f() {{\n{}wait 1 s\n{}}}\n", "when true {\n".repeat(70), "}\n".repeat(70));
    let lists = format!("fn f() -> Int = {}1{}\n", "[".repeat(3_000), "]".repeat(3_000));
    let declaration = format!("fn f() -> Text = \"{}\"\n", "x".repeat(1 << 20));
    let file = "// a line of a comment that says nothing at all\n".repeat((16 << 20) / 40);
    let cases =
        [("brackets", brackets), ("blocks", blocks), ("lists", lists), ("declaration", declaration), ("file", file)];
    let shown: String = cases.iter().map(|(name, text)| format!("{name}:\n{}\n", said(text))).collect();
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(shown) });
}

/// As deep as the limit allows, and long: read, checked, proven and lowered.
#[test]
fn what_is_just_within_the_limits_compiles() {
    let depth = 60;
    let brackets = format!("const n = {}1{}\n", "(".repeat(depth), ")".repeat(depth));
    let blocks = format!("flow f() {{\n{}wait 1 s\n{}}}\n", "attempt {\n".repeat(depth), "}\n".repeat(depth));
    let waits = format!("flow g() {{\n{}}}\n", "  wait 1 s\n".repeat(3_000));
    let sum = format!("fn h(n: Int) -> Int = n{}\n", " + n".repeat(200));
    for text in [brackets, blocks, waits, sum] {
        assert_eq!(said(&text), "no findings");
    }
}

/// Chains that nest without a bracket: refused by name or taken, never a panic.
#[test]
fn long_chains_come_to_an_end() {
    let n = 10_000;
    let chains = [
        ("else when", format!("flow f() {{\n  when true {{ }}{}\n}}\n", " else when true { }".repeat(n))),
        ("methods", format!("fn f(n: Int) -> Int = n{}\n", ".abs()".repeat(n))),
        ("fields", format!("fn f(n: Int) -> Int = n{}\n", ".a".repeat(n))),
        ("not", format!("fn f(b: Bool) -> Bool = {}b\n", "not ".repeat(n))),
        ("minus", format!("fn f(n: Int) -> Int = {}n\n", "- ".repeat(n))),
        ("else if", format!("fn f(n: Int) -> Int = {}1\n", "if n > 1 then 2 else ".repeat(n))),
        ("then if", format!("fn f(n: Int) -> Int = {}1\n", "if true then ".repeat(n))),
        ("with", format!("fn f(n: Int) -> Int = n{}\n", " with { a: 1 }".repeat(n))),
        ("values", format!("fn f(n: Int) -> Bool = {}n\n", "A { a: 1 } == ".repeat(n))),
        ("default", format!("fn f(n: Int?) -> Int = n{} ?? 1\n", " ?? n".repeat(n))),
        ("of", format!("fn f(n: Int?) -> Int = n{}\n", " of n".repeat(n))),
        ("optional", format!("fn f(n: Int{}) -> Int = 1\n", "?".repeat(n))),
        ("closures", format!("fn f(n: [Int]) -> Int = {}1{}\n", "n.map(x => ".repeat(n), ")".repeat(n))),
        ("match", format!("fn f(n: Int) -> Int = {}1{}\n", "match n { 1 => ".repeat(n), " }".repeat(n))),
        ("texts", format!("fn f(n: Int) -> Text = {}1{}\n", "\"{".repeat(n), "}\"".repeat(n))),
    ];
    for (what, text) in chains {
        let shown = said(&text);
        assert!(shown.contains("error[F0104]") && shown.ends_with("1 error"), "{what}: {shown}");
    }
}
