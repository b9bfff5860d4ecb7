//! What the check finds, said by examples: each fixture is a small project, its findings are a snapshot.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is a finding")]

use flowline_check::{Beside, BesideFile, Checked, SourceModule, check_with};
use flowline_diag::{Diagnostic, Sources, Unit};
use std::path::{Path, PathBuf};

/// Checks the modules together; gives what the parser and the check found, in reading order.
fn checked(files: &[(String, String)]) -> (Sources, Checked, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let mut modules = Vec::new();
    let mut found = Vec::new();
    let mut beside = Beside::default();
    for (name, text) in files {
        if name.ends_with(".csv") || name.ends_with(".json") {
            let file = sources.add(name.as_str(), text.as_str());
            beside.add(name.as_str(), Ok(BesideFile { file, text: text.clone() }));
            continue;
        }
        let file = sources.add(format!("{}.flow", name.replace('.', "/")), text.as_str());
        let parsed = flowline_syntax::parse(file, text);
        let broken = parsed.diagnostics.iter().map(|found| found.primary.span).collect();
        found.extend(parsed.diagnostics);
        modules.push(SourceModule {
            name: name.clone(),
            ast: parsed.module,
            broken,
            library: name.starts_with("std."),
        });
    }
    let checked = check_with(&modules, &beside);
    found.extend(checked.diagnostics.iter().cloned());
    found.sort_by_key(Diagnostic::order);
    (sources, checked, found)
}

/// A line a finding, with its other places, its help and its fix indented below.
fn render(sources: &Sources, found: &[Diagnostic]) -> String {
    let mut out = String::new();
    let place = |span: flowline_diag::Span| {
        let at = sources.line_col(span.file, span.start, Unit::Chars);
        format!("{}:{}:{}", sources.path(span.file), at.line, at.column)
    };
    for each in found {
        let (code, severity) = (each.code.id, each.severity.as_str());
        let words = sources.slice(each.primary.span).lines().next().unwrap_or("");
        out += &format!("{} {severity} {code}: {} [{words}]\n", place(each.primary.span), each.message);
        for label in each.secondary.iter().chain(&each.path) {
            out += &format!("  {} {}\n", place(label.span), label.text);
        }
        if let Some(help) = &each.help {
            out += &format!("  help: {help}\n");
        }
        if let Some(fix) = &each.fix {
            out += &format!("  fix: {}\n", fix.title);
        }
    }
    out
}

/// The files of a fixture: each begins with `// file: NAME`; text before the first is module `main`. What ends in `.csv` or
/// `.json` stands beside the flows.
fn split(text: &str) -> Vec<(String, String)> {
    let mut files = vec![("main".to_owned(), String::new())];
    for line in text.lines() {
        match line.strip_prefix("// file: ") {
            Some(name) if files.len() == 1 && files[0].1.trim().is_empty() => files[0].0 = name.to_owned(),
            Some(name) => files.push((name.to_owned(), String::new())),
            None => {
                let text = &mut files.last_mut().unwrap().1;
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    files
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The modules of a folder, with a prefix before their names, sorted by name.
fn folder(path: &str, prefix: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = std::fs::read_dir(repository().join(path))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "flow"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap();
            (format!("{prefix}{name}"), std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn fixtures() {
    insta::glob!("fixtures/*.flow", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let (sources, _, found) = checked(&split(&text));
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(render(&sources, &found));
        });
    });
}

/// Fixtures come in pairs: `NAME.flow` has findings, its near miss `NAME_ok.flow` has none.
#[test]
fn near_misses_are_clean() {
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        if path.extension().is_none_or(|extension| extension != "flow") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let (sources, _, found) = checked(&split(&text));
        assert_eq!(name.ends_with("_ok"), found.is_empty(), "{name}\n{}", render(&sources, &found));
    }
}

#[test]
fn the_standard_library_and_the_workflows_are_clean() {
    let mut files = folder("stdlib", "std.");
    files.extend(folder("workflows", ""));
    assert!(files.len() > 8);
    let (sources, checked, found) = checked(&files);
    assert_eq!(render(&sources, &found), "");
    assert!(!checked.has_errors());
    assert!(checked.model.flows.iter().any(|flow| flow.name == "pickup_in_store.pickup_in_store"));
}

/// What an error page shows as right has no finding of the page's own code; what it shows as wrong has one, where the
/// example stands by itself.
#[test]
fn pages_show_what_they_say() {
    let library = folder("stdlib", "std.");
    for code in flowline_diag::all_codes().filter(|code| {
        ["F02", "F05", "F07", "F08", "F09", "F1201", "F1202"].iter().any(|group| code.id.starts_with(group))
    }) {
        let mut examples = code.explanation.split("```flow\n").skip(1).map(|part| part.split("```").next().unwrap());
        let (wrong, right) = (examples.next().unwrap(), examples.next().unwrap());
        // The file that the examples of a page name; where there are two, the first goes with the wrong one.
        let tables: Vec<&str> =
            code.explanation.split("```csv\n").skip(1).map(|part| part.split("```").next().unwrap()).collect();
        for (text, is_wrong) in [(wrong, true), (right, false)] {
            let mut files = library.clone();
            let table = if is_wrong { tables.first() } else { tables.last() };
            files.extend(table.map(|table| ("stores.csv".to_owned(), (*table).to_owned())));
            files.push(("page".to_owned(), with_uses(text, &library)));
            let (sources, _, found) = checked(&files);
            let codes: Vec<&str> = found.iter().map(|each| each.code.id).collect();
            let expected: &[&str] = if is_wrong { &[code.id] } else { &[] };
            assert_eq!(codes, expected, "{}\n{text}\n{}", code.id, render(&sources, &found));
        }
    }
}

/// An example with `use` lines for the names of the standard library that it mentions and does not declare.
fn with_uses(text: &str, library: &[(String, String)]) -> String {
    let mut uses = String::new();
    for (module, source) in library {
        for line in source.lines() {
            let mut words = line.split([' ', '(', '{']);
            let (kind, name) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            let declares = ["id", "enum", "record", "error", "event", "resource", "system", "domain", "fn"];
            let mentions = text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
            let own = text.lines().any(|line| line.starts_with(&format!("{kind} {name}")));
            if declares.contains(&kind) && mentions && !own && !name.is_empty() {
                uses += &format!("use {module}.{{{name}}}\n");
            }
        }
    }
    format!("{uses}\n{text}")
}

/// Whatever line is cut out of sound text, the check ends, and its findings are in reading order.
#[test]
fn torn_texts_are_checked_to_their_end() {
    let mut files = folder("stdlib", "std.");
    files.extend(folder("workflows", ""));
    for at in 0..files.len() {
        let text = files[at].1.clone();
        let lines: Vec<&str> = text.lines().collect();
        for cut in (0..lines.len()).step_by(23) {
            let mut torn = lines.clone();
            torn.remove(cut);
            files[at].1 = torn.join("\n");
            let (_, checked, _) = checked(&files);
            assert!(checked.diagnostics.is_sorted_by_key(Diagnostic::order));
        }
        files[at].1 = text;
    }
}
