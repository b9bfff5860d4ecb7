//! The walls between the crates, checked over what `cargo metadata` says; the table is the one in `docs/ARCHITECTURE.md`.
//!
//! What counts is what a crate names in `[dependencies]` and `[build-dependencies]`. Dev-dependencies are exempt: a test may
//! bring in whatever it needs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is a finding")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::Value as Json;

/// What each crate of the workspace names, without its own tests.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Of each crate: the crates of the workspace that it may name. It may also name what those may name.
const MAY_NAME: [(&str, &[&str]); 16] = [
    ("diag", &[]),
    ("syntax", &["diag"]),
    ("plan", &[]),
    ("check", &["syntax", "plan"]),
    ("lower", &["check", "plan"]),
    ("core", &["plan"]),
    ("prove", &["diag", "plan", "core"]),
    ("driver", &["lower", "prove"]),
    ("report", &["diag", "driver"]),
    ("journal", &[]),
    ("store", &[]),
    ("sim", &["core", "journal", "store"]),
    ("engine", &["core", "journal", "store"]),
    ("cli", &["driver", "report", "sim", "engine"]),
    ("tests", &["driver", "report", "sim", "engine"]),
    ("bench", &["driver", "report", "sim", "engine"]),
];

/// Crates from outside that have one home, and why they have.
const ONE_HOME: [(&str, &[&str], &str); 7] = [
    ("pest", &["syntax"], PARSER),
    ("pest_derive", &["syntax"], PARSER),
    ("miette", &["report"], RENDERER),
    ("codespan-reporting", &["report"], RENDERER),
    (
        "sled",
        &["store"],
        "the store is an index that another one can take the place of, so nothing else may rest on sled",
    ),
    ("tokio", &["engine", "server", "cli"], SOCKETS),
    ("reqwest", &["engine", "server", "cli"], SOCKETS),
];
const PARSER: &str = "everything behind the parser speaks of the tree, so that the grammar can change alone";
const RENDERER: &str = "findings are plain values and only their renderers know how they look";
const SOCKETS: &str =
    "tokio is for sockets only; the core, the journal, the store and the simulated world are synchronous";

/// The half that runs, and the half that it must not see.
const RUNTIME: [&str; 5] = ["core", "journal", "store", "sim", "engine"];
const COMPILER: [&str; 7] = ["diag", "syntax", "check", "lower", "prove", "driver", "report"];

#[test]
fn the_walls_stand() {
    let broken = broken_walls(&workspace());
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn a_broken_wall_is_seen_and_named() {
    // A crate, what it would name, and what has to be said about it.
    let cases = [
        ("core", "flowline-syntax", "the runtime never sees the compiler"),
        ("engine", "flowline-driver", "the runtime never sees the compiler"),
        ("engine", "flowline-sim", "`engine` may not name `sim`"),
        ("sim", "flowline-engine", "`sim` may not name `engine`"),
        ("diag", "flowline-plan", "`diag` may not name `plan`"),
        ("plan", "flowline-core", "`plan` may not name `core`"),
        ("check", "flowline-lower", "`check` may not name `lower`"),
        ("lower", "flowline-core", "`prove` is the one crate of the compiler that uses the runtime"),
        ("prove", "flowline-syntax", "`prove` may not name `syntax`"),
        ("report", "flowline-engine", "`prove` is the one crate of the compiler that uses the runtime"),
        ("driver", "flowline", "`driver` may not name `cli`"),
        ("check", "pest", "only `syntax` names `pest`"),
        ("driver", "pest_derive", "only `syntax` names `pest_derive`"),
        ("cli", "miette", "only `report` names `miette`"),
        ("diag", "codespan-reporting", "only `report` names `codespan-reporting`"),
        ("engine", "sled", "only `store` names `sled`"),
        ("core", "tokio", "only `engine`, `server`, `cli` name `tokio`"),
        ("sim", "reqwest", "only `engine`, `server`, `cli` name `reqwest`"),
        ("newcomer", "serde", "`newcomer` has no place"),
    ];
    for (from, to, said) in cases {
        let mut graph = whole();
        graph.entry(package(from)).or_default().insert(to.to_owned());
        let broken = broken_walls(&graph);
        assert!(broken.iter().any(|wall| wall.contains(said)), "{from} names {to}: said was {broken:#?}");
    }
}

#[test]
fn what_the_walls_allow_is_not_reported() {
    assert_eq!(broken_walls(&whole()), Vec::<String>::new());
    // Through a crate that may be named; from outside, by its home; from outside, without a home.
    for (from, to) in [("driver", "flowline-syntax"), ("cli", "flowline-plan"), ("store", "sled"), ("core", "serde")] {
        let mut graph = whole();
        graph.entry(package(from)).or_default().insert(to.to_owned());
        assert_eq!(broken_walls(&graph), Vec::<String>::new(), "{from} names {to}");
    }
}

/// The graph in which each crate names all that the table lists for it.
fn whole() -> Graph {
    MAY_NAME.iter().map(|(name, may)| (package(name), may.iter().map(|name| package(name)).collect())).collect()
}

/// A sentence for each wall that is broken: which, by whom, and why it stands.
fn broken_walls(graph: &Graph) -> Vec<String> {
    let mut broken = Vec::new();
    for (package_name, named) in graph {
        let from = short(package_name);
        let Some(may) = allowed(from) else {
            broken.push(format!("`{from}` has no place between the walls: give it a row in tests/tests/layers.rs and in docs/ARCHITECTURE.md"));
            continue;
        };
        for to in named {
            if graph.contains_key(to) {
                let to = short(to);
                if !may.contains(to) {
                    broken.push(format!("`{from}` may not name `{to}`: {}", why_inside(from, to)));
                }
            } else if let Some((_, homes, why)) = ONE_HOME.iter().find(|(name, ..)| name == to)
                && !homes.contains(&from)
            {
                let names = if homes.len() == 1 { "names" } else { "name" };
                broken.push(format!("only `{}` {names} `{to}`, and `{from}` does: {why}", homes.join("`, `")));
            }
        }
    }
    broken
}

fn why_inside(from: &str, to: &str) -> &'static str {
    if RUNTIME.contains(&from) && COMPILER.contains(&to) {
        "the runtime never sees the compiler; all that it knows of a flow is the plan"
    } else if COMPILER.contains(&from) && RUNTIME.contains(&to) {
        "`prove` is the one crate of the compiler that uses the runtime, and of the runtime only `core`"
    } else {
        "dependencies go one way, and this one isn't among those of docs/ARCHITECTURE.md"
    }
}

/// What a crate may name: its row, and what those may name.
fn allowed(name: &str) -> Option<BTreeSet<&'static str>> {
    let row = |name: &str| MAY_NAME.iter().find(|(row, _)| *row == name).map(|(_, may)| *may);
    let mut open: Vec<&'static str> = row(name)?.to_vec();
    let mut found = BTreeSet::new();
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(row(next).unwrap_or_default());
        }
    }
    Some(found)
}

/// `flowline-core` is `core`, and `flowline` itself is `cli`.
fn short(package: &str) -> &str {
    if package == "flowline" { "cli" } else { package.strip_prefix("flowline-").unwrap_or(package) }
}

fn package(short: &str) -> String {
    if short == "cli" { "flowline".to_owned() } else { format!("flowline-{short}") }
}

/// The crates of this workspace as cargo sees them.
fn workspace() -> Graph {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let answer = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(answer.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&answer.stderr));
    let metadata: Json = serde_json::from_slice(&answer.stdout).unwrap();
    let graph: Graph = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let named = package["dependencies"].as_array().unwrap().iter();
            let named = named.filter(|dependency| dependency["kind"].as_str() != Some("dev"));
            let named = named.map(|dependency| dependency["name"].as_str().unwrap().to_owned());
            (package["name"].as_str().unwrap().to_owned(), named.collect())
        })
        .collect();
    assert!(graph.len() >= 16 && graph.contains_key("flowline"), "this isn't the workspace: {:?}", graph.keys());
    graph
}
