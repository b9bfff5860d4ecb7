//! Rules about files that no compiler checks: how long they are, what may stand in them, and that what one says of another is so.
//! (That each code of a finding has its page is checked beside the codes, in `compiler/diag`.)
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

/// Lines of a source file. One job each keeps most of them under 500.
const LINES_MAX: usize = 700;
/// Characters of a line. Code is wrapped at 120 by rustfmt; what it can't wrap (texts, tables, rules of the grammar) may be longer.
const COLUMNS_MAX: usize = 200;
const TEXT_FILES: [&str; 10] = ["rs", "flow", "pest", "md", "toml", "case", "snap", "ndjson", "lock", "yml"];

/// A file of the repository.
struct File {
    /// Its path from the root, with `/`.
    name: String,
    text: String,
}

impl File {
    fn is(&self, endings: &[&str]) -> bool {
        let ending = self.name.rsplit('.').next().unwrap_or_default();
        endings.contains(&ending)
    }
}

#[test]
fn source_files_are_short_and_clean() {
    let mut wrong = Vec::new();
    // Mistakes are untidy on purpose.
    let is_mistake = |file: &File| file.name.contains("/mistakes/");
    for file in files().iter().filter(|file| file.is(&["rs", "flow", "pest"]) && !is_mistake(file)) {
        wrong.extend(untidy(file));
    }
    assert_none(&wrong);
}

#[test]
fn an_untidy_file_is_seen() {
    let found = |text: &str| untidy(&File { name: "a/b.rs".to_owned(), text: text.to_owned() }).join(" ");
    assert_eq!(found("fn fine() {}\n"), "");
    assert_eq!(found(&"let x = 1;\n".repeat(LINES_MAX)), "");
    assert!(found(&"let x = 1;\n".repeat(LINES_MAX + 1)).contains("701 lines"));
    assert!(found("\tlet x = 1;\n").contains("a/b.rs:1: a tab"));
    assert!(found("let x = 1;\nlet y = 2; \n").contains("a/b.rs:2: blanks at the end"));
    assert!(found(&format!("// {}\n", "x".repeat(COLUMNS_MAX))).contains("203 columns"));
    assert!(found("let x = 1;").contains("no newline"));
}

#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    // Put together here, so that this file doesn't name one either.
    let places = ["home", "root", "work", "Users"].map(|folder| format!("/{folder}/"));
    let wrong: Vec<String> = files()
        .iter()
        .flat_map(|file| {
            let named =
                file.text.lines().zip(1..).filter(|(line, _)| places.iter().any(|place| is_absolute(line, place)));
            named.map(|(line, at)| format!("{}:{at}: {}", file.name, line.trim())).collect::<Vec<_>>()
        })
        .collect();
    assert_none(&wrong);
}

#[test]
fn a_place_on_a_machine_is_told_from_a_part_of_a_path() {
    for (line, is_one) in [
        ("cd /disk/me/shop", true),
        ("\"/disk/me\"", true),
        ("file:///disk/me", true),
        ("shop/disk/page", false),
        ("https://example.org/disk/page", false),
        ("/disks/", false),
    ] {
        assert_eq!(is_absolute(line, "/disk/"), is_one, "{line}");
    }
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace_and_says_what_it_is_for() {
    let mut wrong = Vec::new();
    for member in members() {
        let manifest = manifest(&member);
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
        if lints != Some(true) {
            wrong.push(format!("{member}/Cargo.toml: `[lints] workspace = true` is missing"));
        }
        let roots = ["lib.rs", "main.rs"].map(|name| root().join(&member).join("src").join(name));
        let roots: Vec<&PathBuf> = roots.iter().filter(|path| path.is_file()).collect();
        if roots.is_empty() {
            wrong.push(format!("{member}: no src/lib.rs and no src/main.rs"));
        }
        for path in roots {
            if !fs::read_to_string(path).unwrap().starts_with("//! ") {
                wrong.push(format!("{member}/src: the crate doesn't begin with `//!` and what it is for"));
            }
        }
    }
    assert_none(&wrong);
}

/// A library is chosen once, for all crates, with a reason; and a reason that nobody needs any more goes.
#[test]
fn every_dependency_is_a_decision() {
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for member in members() {
        let manifest = manifest(&member);
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, dependency) in manifest.get(table).and_then(toml::Value::as_table).into_iter().flatten() {
                if dependency.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                    wrong.push(format!("{member}: `{name}` isn't taken from the workspace"));
                }
                used.insert(name.clone());
            }
        }
    }
    let offered = toml_of(&root().join("Cargo.toml"));
    let offered = offered.get("workspace").and_then(|workspace| workspace.get("dependencies")).unwrap();
    let offered: BTreeSet<String> = offered.as_table().unwrap().keys().cloned().collect();
    wrong.extend(offered.difference(&used).map(|name| format!("Cargo.toml: no crate uses `{name}`")));
    let decided = decided(&fs::read_to_string(root().join("docs/decisions/0001-dependencies.md")).unwrap());
    let from_outside = |name: &&String| !name.starts_with("flowline-");
    let used: BTreeSet<String> = used.iter().filter(from_outside).cloned().collect();
    wrong
        .extend(used.difference(&decided).map(|name| format!("decisions/0001: `{name}` is used and not in the table")));
    wrong
        .extend(decided.difference(&used).map(|name| format!("decisions/0001: `{name}` is in the table and not used")));
    assert_none(&wrong);
}

/// An exception lives as long as what it is for: its reason begins with the name of the crate.
#[test]
fn exceptions_for_advisories_are_still_needed() {
    let locked = toml_of(&root().join("Cargo.lock"));
    let locked = locked.get("package").and_then(toml::Value::as_array).unwrap();
    let locked: BTreeSet<&str> = locked.iter().filter_map(|package| package.get("name")?.as_str()).collect();
    let deny = toml_of(&root().join("deny.toml"));
    let ignored = deny.get("advisories").and_then(|advisories| advisories.get("ignore")).unwrap();
    let mut wrong = Vec::new();
    for exception in ignored.as_array().unwrap() {
        let said = |key| exception.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        let name = said("reason").split(' ').next().unwrap_or_default();
        if !locked.contains(name) || !said("id").starts_with("RUSTSEC-") {
            wrong.push(format!("deny.toml: `{}` is for `{name}`, which nothing brings in", said("id")));
        }
    }
    assert_none(&wrong);
}

/// What a crate names and doesn't use makes it wait for builds, and makes the walls look lower than they are.
#[test]
fn no_crate_names_what_it_does_not_use() {
    let mut wrong = Vec::new();
    let files = files();
    for member in members() {
        // What tests need may be used by those that lie in src as well.
        for (table, folder, hint) in [
            ("dependencies", "/src", "isn't used in src; is it for tests only?"),
            ("dev-dependencies", "", "isn't used"),
        ] {
            let below = format!("{member}{folder}/");
            let sources: Vec<&File> = files.iter().filter(|file| file.name.starts_with(&below)).collect();
            for (name, _) in manifest(&member).get(table).and_then(toml::Value::as_table).into_iter().flatten() {
                if !sources.iter().any(|file| uses(&file.text, name)) {
                    wrong.push(format!("{member}/Cargo.toml: `{name}` {hint}"));
                }
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn a_word_in_a_comment_is_no_use() {
    assert!(uses("use flowline_plan::Plan;", "flowline-plan"));
    assert!(uses("let a = flowline_plan::Plan::new(); // new", "flowline-plan"));
    assert!(!uses("//! Goes by `flowline_plan::Plan`.\nuse flowline_planner::Plan;", "flowline-plan"));
}

#[test]
fn the_table_of_dependencies_is_read_as_it_is_written() {
    let table =
        "# 1\n\n| crate | where |\n| --- | --- |\n| pest, pest_derive | syntax |\n| sled 0.34.7, pinned | store |\n";
    assert_eq!(decided(table), BTreeSet::from(["pest", "pest_derive", "sled"].map(str::to_owned)));
}

#[test]
fn what_documents_point_to_exists() {
    let mut wrong = Vec::new();
    for file in files().iter().filter(|file| file.is(&["md"])) {
        for (line, target) in pointers(&file.text) {
            if !resolves(&file.name, &target) {
                wrong.push(format!("{}:{line}: {target}", file.name));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn a_pointer_to_nothing_is_seen() {
    let text = "[a](ARCHITECTURE.md) `docs/decisions/`\n```\n[not](a.link)\n```\n[b](#some-heading) `cargo run` [c](https://x.org/y.md)";
    let found = |at: usize, target: &str| (at, target.to_owned());
    let expected = [found(1, "ARCHITECTURE.md"), found(5, "#some-heading"), found(1, "docs/decisions/")];
    assert_eq!(pointers(text).into_iter().collect::<BTreeSet<_>>(), BTreeSet::from(expected));
    for (target, there) in [
        ("ARCHITECTURE.md", true),
        ("docs/decisions/", true),
        ("decisions/", true),
        ("ARCHITECTURE.md#a-run", true),
        ("#a-run", true),
        ("ARCHITECTURE.md#a-walk", false),
        ("docs/nowhere/", false),
        ("nowhere.md", false),
    ] {
        assert_eq!(resolves("docs/ARCHITECTURE.md", target), there, "{target}");
    }
}

fn untidy(file: &File) -> Vec<String> {
    let mut wrong = Vec::new();
    let lines = file.text.lines().count();
    if lines > LINES_MAX {
        wrong.push(format!("{}: {lines} lines; split it by what it is about", file.name));
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        wrong.push(format!("{}: no newline at the end", file.name));
    }
    for (line, at) in file.text.lines().zip(1..) {
        if line.contains('\t') {
            wrong.push(format!("{}:{at}: a tab", file.name));
        }
        // What a broken file looks like is the very point of some fixtures.
        if line.ends_with(' ') && !file.name.contains("/fixtures/") {
            wrong.push(format!("{}:{at}: blanks at the end", file.name));
        }
        let columns = line.chars().count();
        if columns > COLUMNS_MAX {
            wrong.push(format!("{}:{at}: {columns} columns", file.name));
        }
    }
    wrong
}

/// Whether the line names the folder as a place from the root of a disk.
fn is_absolute(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).unwrap_or_default();
        before.ends_with("://")
            || !before.ends_with(|letter: char| letter.is_alphanumeric() || "_-.~*/}".contains(letter))
    })
}

/// Whether code names a crate.
fn uses(code: &str, package: &str) -> bool {
    let name = package.replace('-', "_");
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.into_iter().any(|line| line.split(|letter| !is_word(letter)).any(|word| word == name))
}

/// The crates that a table of dependencies is about: the first words of its first column.
fn decided(table: &str) -> BTreeSet<String> {
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let crates = rows.skip(2).flat_map(|cell| cell.split(", ")).filter_map(|one| one.split(' ').next());
    crates.filter(|name| *name != "pinned").map(str::to_owned).collect()
}

/// What a document points to: links, and folders and documents named in backticks; with their lines.
fn pointers(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (line, at) in text.lines().zip(1..) {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        found.extend(links.filter(|link| !link.contains("://")).map(|link| (at, link.to_owned())));
        let named = line.split('`').skip(1).step_by(2).filter(|word| !word.contains(' '));
        let named = named.filter(|word| word.ends_with('/') && word.len() > 1 || word.ends_with(".md"));
        found.extend(named.map(|word| (at, word.to_owned())));
    }
    found
}

/// Whether a pointer in a document leads somewhere: from its own folder, or from the root.
fn resolves(document: &str, target: &str) -> bool {
    let (path, heading) = target.split_once('#').map_or((target, None), |(path, heading)| (path, Some(heading)));
    let folder = Path::new(document).parent().unwrap_or(Path::new(""));
    let candidates = if path.is_empty() {
        vec![root().join(document)]
    } else {
        vec![root().join(folder).join(path), root().join(path)]
    };
    let Some(there) = candidates.into_iter().find(|candidate| candidate.exists()) else { return false };
    let Some(heading) = heading else { return true };
    let text = fs::read_to_string(there).unwrap_or_default();
    text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == heading)
}

/// What a heading is called in a link.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn root() -> PathBuf {
    let mut path = PathBuf::new();
    for part in Path::new(env!("CARGO_MANIFEST_DIR")).join("..").components() {
        if part == Component::ParentDir {
            path.pop();
        } else {
            path.push(part);
        }
    }
    path
}

/// The folders of the crates.
fn members() -> Vec<String> {
    let manifest = toml_of(&root().join("Cargo.toml"));
    let members = manifest.get("workspace").and_then(|workspace| workspace.get("members")).unwrap();
    members.as_array().unwrap().iter().map(|member| member.as_str().unwrap().to_owned()).collect()
}

fn manifest(member: &str) -> toml::Table {
    toml_of(&root().join(member).join("Cargo.toml"))
}

fn toml_of(path: &Path) -> toml::Table {
    fs::read_to_string(path).unwrap().parse().unwrap()
}

/// The text files of the repository: all but what `.gitignore` names and hidden folders of tools.
fn files() -> Vec<File> {
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap_or_default();
    let ignored: Vec<PathBuf> = ignored.lines().filter_map(|line| Some(root().join(line.strip_prefix('/')?))).collect();
    let mut found = Vec::new();
    let mut open = vec![root()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if is_hidden && !path.ends_with(".ci") || ignored.contains(&path) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_none_or(|ending| TEXT_FILES.iter().any(|known| ending == *known)) {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.push(File { name, text: fs::read_to_string(&path).unwrap_or_default() });
            }
        }
    }
    assert!(
        found.len() > 100 && found.iter().any(|file| file.name == "README.md"),
        "{} files: not the repository",
        found.len()
    );
    found
}
