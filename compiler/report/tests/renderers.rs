//! Each renderer tells the same story.

use flowline_diag::{Diagnostic, Severity, Sources, Span, code::f01};
use flowline_report::{Colour, compact, github, human, json, sarif, summary_line};

/// A finding with everything, across two files, behind letters of more than one byte; and a plain one.
fn sample() -> (Vec<Diagnostic>, Sources) {
    let mut sources = Sources::default();
    let flow = sources.add(
        "orders/pack.flow",
        "/// é😀\nflow pack(order: Order) {\n  let hold = do inventory.hold(ordr)\n  let card = do payments.authorise(order)\n  stop packed\n}\n",
    );
    let contract = sources.add("std/inventory.flow", "system inventory {\n  op hold(order: OrderId)\n}\n");
    let at = |file, words: &str| {
        let start = sources.text(file).find(words).expect("the words stand in the file") as u32;
        Span::new(file, start, start + words.len() as u32)
    };
    let full = Diagnostic::new(&f01::UNKNOWN_NAME, "nothing is called `ordr` here", at(flow, "ordr"))
        .label("not found in this flow")
        .also(at(flow, "order: Order"), "a parameter with a similar name")
        .also(at(contract, "order: OrderId"), "this is what the operation takes")
        .step(at(flow, "do inventory"), "the stock is set aside")
        .step(at(contract, "op hold"), "by this operation")
        .step(at(flow, "stop packed"), "the run ends")
        .help("did you mean `order`?")
        .fix("replace with `order`", at(flow, "ordr"), "order");
    let plain = Diagnostic::new(&f01::UNEXPECTED, "the line ends too early", at(flow, "\n}").at_start())
        .severity(Severity::Warning);
    (vec![full, plain], sources)
}

#[test]
fn for_people() {
    let (findings, sources) = sample();
    let text: String = findings.iter().map(|finding| human(finding, &sources, Colour::Off)).collect();
    insta::assert_snapshot!(text);
}

#[test]
fn what_lies_between_two_places_is_not_shown() {
    let mut sources = Sources::default();
    let lines = "  do shelf.look(order)\n".repeat(40);
    let text = format!("flow pack() {{\n{lines}  let hold = do shelf.hold(order)\n{lines}  stop packed\n}}\n");
    let file = sources.add("pack.flow", text.as_str());
    let at = |words: &str| {
        let start = text.find(words).expect("the words stand in the file") as u32;
        Span::new(file, start, start + words.len() as u32)
    };
    let finding =
        Diagnostic::new(&f01::UNEXPECTED, "the hold is open", at("let hold")).step(at("stop packed"), "it ends");
    let shown = human(&finding, &sources, Colour::Off);
    for words in ["[pack.flow:42:3]", "let hold", "[pack.flow:83:3]", "stop packed", "1. it ends"] {
        assert!(shown.contains(words), "{words} is missing:\n{shown}");
    }
    assert!(shown.lines().count() < 20, "what lies between buries the story:\n{shown}");
}

#[test]
fn colours_change_nothing_but_colours() {
    let (findings, sources) = sample();
    for finding in &findings {
        let coloured = human(finding, &sources, Colour::On);
        assert!(coloured.contains("\u{1b}["));
        let mut plain = String::new();
        let mut in_escape = false;
        for letter in coloured.chars() {
            match letter {
                '\u{1b}' => in_escape = true,
                'm' if in_escape => in_escape = false,
                _ if in_escape => {}
                _ => plain.push(letter),
            }
        }
        assert_eq!(plain, human(finding, &sources, Colour::Off));
    }
}

#[test]
fn for_logs() {
    let (findings, sources) = sample();
    let text: String = findings.iter().map(|finding| compact(finding, &sources)).collect();
    insta::assert_snapshot!(format!("{text}{}\n", summary_line(&findings)));
}

#[test]
fn for_programs() {
    let (findings, sources) = sample();
    insta::assert_snapshot!(serde_json::to_string_pretty(&json(&findings, &sources)).unwrap());
}

/// A story that begins at the primary place tells it once; a block is shown by its first line.
#[test]
fn each_place_is_shown_once_and_by_its_first_line() {
    let mut sources = Sources::default();
    let text = "attempt {\n  do hold()\n  wait 1 h\n} on Declined {\n  stop refused\n}\n";
    let file = sources.add("pack.flow", text);
    let at = |words: &str| {
        let start = text.find(words).expect("the words stand in the file") as u32;
        Span::new(file, start, start + words.len() as u32)
    };
    let finding = Diagnostic::new(&f01::UNEXPECTED, "the hold is forgotten", at("do hold()"))
        .label("it comes from here")
        .step(at("do hold()"), "the hold is set up")
        .step(at("do hold()"), "its answer is lost")
        .step(Span::new(file, 0, text.len() as u32), "the attempt is left");
    insta::assert_snapshot!(human(&finding, &sources, Colour::Off));
}

/// A log shows no words at the primary place, so it says what the fix would do.
#[test]
fn logs_say_what_to_do() {
    let mut sources = Sources::default();
    let file = sources.add("pack.flow", "task hold()\n");
    let finding = Diagnostic::new(&f01::FOREIGN, "`task` is not a word of this language", Span::new(file, 0, 4))
        .label("write `do`")
        .fix("replace with `do`", Span::new(file, 0, 4), "do");
    insta::assert_snapshot!(compact(&finding, &sources));
}

#[test]
fn for_github() {
    let (findings, sources) = sample();
    let text: String = findings.iter().map(|finding| github(finding, &sources)).collect();
    assert_eq!(text.lines().count(), findings.len(), "a command is one line");
    insta::assert_snapshot!(text);
}

#[test]
fn for_code_scanning() {
    let (findings, sources) = sample();
    let mut log = sarif(&findings, &sources, "0.1.0");
    for rule in log["runs"][0]["tool"]["driver"]["rules"].as_array_mut().unwrap() {
        // The page of a code may change without a change here.
        assert!(rule["help"]["markdown"].as_str().unwrap().contains(rule["id"].as_str().unwrap()));
        rule["help"] = "the page".into();
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&log).unwrap());
}

#[test]
fn summaries_count() {
    let (findings, _) = sample();
    assert_eq!(summary_line(&findings), "1 error, 1 warning");
    assert_eq!(summary_line(&[]), "no findings");
}
