//! Whether the parser's time for a byte stays the same while files grow, whatever stands in them.
use std::hint::black_box;

use flowline_diag::Sources;
use flowline_syntax::parse;
use serde_json::json;

use crate::{check, machine};

/// From the smallest file of a case to the largest, its bytes grow so many times.
const GROWTH: usize = 8;
/// The time a byte may grow so many times from the smallest to the largest: caches are smaller than files.
const RATIO_MAX: f64 = 2.5;
/// The least CPU time that is measured, seconds.
const LEAST_SECONDS: f64 = 0.3;

/// What fills a file of about so many bytes.
type Fill = fn(usize) -> String;

const CASES: &[(&str, Fill)] = &[
    ("sound flows", sound),
    ("sound flows, CRLF", |bytes| sound(bytes).replace('\n', "\r\n")),
    ("ids", |bytes| numbered(bytes, |n| format!("id Number{n}\n"))),
    ("blocks 60 deep", |bytes| {
        numbered(bytes, |n| format!("flow f{n}() {{ {}wait 1 s{} }}\n", "attempt { ".repeat(60), " }".repeat(60)))
    }),
    ("brackets 60 deep", |bytes| numbered(bytes, |n| format!("const c{n} = {}1{}\n", "(".repeat(60), ")".repeat(60)))),
    ("fields in a chain", |bytes| again(bytes, "const x = a", ".b")),
    ("chains of 250 fields", |bytes| numbered(bytes, |n| format!("const x{n} = a{}\n", ".b".repeat(250)))),
    ("a sum", |bytes| again(bytes, "const x = a", " + a")),
    ("sums of 250", |bytes| numbered(bytes, |n| format!("const x{n} = a{}\n", " + a".repeat(250)))),
    ("sums over lines", |bytes| again(bytes, "const x = a", " +\n  a")),
    ("??", |bytes| again(bytes, "const x = a", " ?? a")),
    ("? ? ?", |bytes| again(bytes, "record R { a: T", "?")),
    ("not not", |bytes| again(bytes, "const x = ", "not ")),
    ("minus", |bytes| again(bytes, "const x = ", "- ")),
    ("if then else", |bytes| again(bytes, "const x = ", "if a then b else ")),
    ("a list", |bytes| again(bytes, "const x = [", "1, ")),
    ("lists of 10,000", |bytes| numbered(bytes, |n| format!("const x{n} = [{}1]\n", "1, ".repeat(10_000)))),
    ("records of 1,000 fields", |bytes| {
        numbered(bytes, |n| {
            format!("record R{n} {{\n{}}}\n", numbered(20_000, |field| format!("  field{field}: Int\n")))
        })
    }),
    ("a table of 5,000 rows", |bytes| {
        numbered(bytes, |n| {
            format!("decision d{n}(a: Int) -> Int, first {{\n  | a || result |\n{}}}\n", "  | 1 || 2 |\n".repeat(5_000))
        })
    }),
    ("open (", |bytes| "(".repeat(bytes)),
    ("open [", |bytes| "[ ".repeat(bytes / 2)),
    ("open {", |bytes| "{".repeat(bytes)),
    ("open { on lines", |bytes| "{\n".repeat(bytes / 2)),
    ("flows never closed", |bytes| numbered(bytes, |n| format!("flow f{n}() {{\n  wait 1 s\n"))),
    ("attempts never closed", |bytes| again(bytes, "flow f() {\n", "  attempt {\n")),
    ("matches never closed", |bytes| again(bytes, "flow f() { let x = ", "match a { b => ")),
    ("calls never closed", |bytes| again(bytes, "const x = ", "f(")),
    ("closed )", |bytes| ")".repeat(bytes)),
    ("closed }", |bytes| "}".repeat(bytes)),
    ("closed } on lines", |bytes| "}\n".repeat(bytes / 2)),
    ("steps outside, closed }", |bytes| "wait 1 s }\n".repeat(bytes / 11)),
    ("quotes", |bytes| "\"".repeat(bytes)),
    ("quotes on lines", |bytes| "const a = \"b\n".repeat(bytes / 13)),
    ("a text never closed", |bytes| format!("const x = \"{}", "a".repeat(bytes))),
    ("braces in a text", |bytes| format!("const x = \"{}\"", "{a}".repeat(bytes / 3))),
    ("texts with braces", |bytes| numbered(bytes, |n| format!("const x{n} = \"{}\"\n", "{a.b} ".repeat(20)))),
    ("a comment never closed", |bytes| format!("/*{}", " a".repeat(bytes / 2))),
    ("comments", |bytes| "// a remark\n".repeat(bytes / 12)),
    ("a long comment", |bytes| format!("//{}", " a".repeat(bytes / 2))),
    ("documentation", |bytes| format!("{}id A\n", "/// a remark\n".repeat(bytes / 13))),
    ("documented ids", |bytes| numbered(bytes, |n| format!("/// A number.\nid Number{n}\n"))),
    ("garbage", |bytes| "; ) ] , = ? @ x 3 \"a\" . | => ".repeat(bytes / 29)),
    ("garbage on lines", |bytes| ";\n)\n]\n,\n=\n?\n@\nx\n3\n.\n|\n=>\n".repeat(bytes / 25)),
    ("garbage in a flow", |bytes| again(bytes, "flow f() {\n", "; ) ] , = ? @ x 3 .\n")),
    ("garbage in flows", |bytes| numbered(bytes, |n| format!("flow f{n}() {{\n  ; ? = 3 )\n  let = \n  do do\n}}\n"))),
    ("words", |bytes| "flow do await let ".repeat(bytes / 18)),
    ("words on lines", |bytes| "flow\ndo\nawait\nlet\n".repeat(bytes / 18)),
    ("one long word", |bytes| "a".repeat(bytes)),
    ("one long number", |bytes| format!("const x = {}", "1".repeat(bytes))),
    ("blanks", |bytes| " ".repeat(bytes)),
    ("newlines", |bytes| "\n".repeat(bytes)),
    ("blanks, then braces", |bytes| format!("flow f(){}{}", " ".repeat(bytes / 2), "{}".repeat(bytes / 4))),
    ("blanks, then braces on a line", |bytes| {
        format!("flow f() {{\n{}{}", " ".repeat(bytes / 2), "{}".repeat(bytes / 4))
    }),
    ("blanks on a line, then quotes", |bytes| format!("{}{}", " ".repeat(bytes / 2), "\" ".repeat(bytes / 4))),
    ("flows on one line", |bytes| numbered(bytes, |n| format!("flow f{n}() {{ wait 1 s }} "))),
    ("bad steps on one line", |bytes| format!("flow f() {{ {} }}", "let = 3 } flow g() { ".repeat(bytes / 21))),
    ("curly quotes", |bytes| "const a = “b”\n".repeat(bytes / 19)),
    ("curly quotes on one line", |bytes| format!("const a = {}", "“b” ".repeat(bytes / 8))),
    ("single quotes on one line", |bytes| format!("const a = {}", "'b' ".repeat(bytes / 4))),
    ("foreign letters", |bytes| "é 😀 ".repeat(bytes / 8)),
    ("tabs", |bytes| numbered(bytes, |n| format!("flow f{n}() {{\n\twait\t1 s\n}}\n"))),
    ("=>", |bytes| "x => ".repeat(bytes / 5)),
    ("types in types", |bytes| again(bytes, "record R { a: ", "A<")),
];

fn sound(bytes: usize) -> String {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < bytes {
        let flow = check::flow(number);
        let lines = flow.lines().filter(|line| number == 0 || !line.starts_with("use ") && !line.starts_with("//!"));
        lines.for_each(|line| text.extend([line, "\n"]));
        number += 1;
    }
    text
}

fn numbered(bytes: usize, piece: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for number in 0.. {
        if text.len() >= bytes {
            break;
        }
        text.push_str(&piece(number));
    }
    text
}

fn again(bytes: usize, head: &str, piece: &str) -> String {
    format!("{head}{}", piece.repeat(bytes / piece.len()))
}

/// Measures each case and prints it.
///
/// # Errors
/// A message that names the cases whose time a byte grows.
pub(crate) fn run(only: &str, bytes: usize, as_json: bool) -> Result<(), String> {
    let mut grown = Vec::new();
    for (name, fill) in CASES.iter().filter(|(name, _)| name.contains(only)) {
        let (small, large) = (nanos_a_byte(&fill(bytes / GROWTH)), nanos_a_byte(&fill(bytes)));
        let ratio = large / small;
        if ratio > RATIO_MAX {
            grown.push(format!("{name} ({ratio:.1})"));
        }
        if as_json {
            let [small, large, ratio] = [small, large, ratio].map(|figure| (figure * 100.0).round() / 100.0);
            println!(
                "{}",
                json!({ "bench": "linear", "case": name, "small_ns": small, "large_ns": large, "ratio": ratio })
            );
        } else {
            println!("{name:30} {small:8.2} ns {large:8.2} ns  ratio {ratio:.2}");
        }
    }
    if grown.is_empty() { Ok(()) } else { Err(format!("the time a byte grows: {}", grown.join(", "))) }
}

/// CPU time to parse a text, by its bytes.
fn nanos_a_byte(text: &str) -> f64 {
    let (began, mut rounds) = (machine::cpu_seconds(), 0);
    loop {
        let file = Sources::default().add("bench.flow", "");
        black_box(parse(file, text));
        rounds += 1;
        let seconds = machine::cpu_seconds() - began;
        if seconds >= LEAST_SECONDS {
            return seconds * 1e9 / (text.len() as f64 * f64::from(rounds));
        }
    }
}
