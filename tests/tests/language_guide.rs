//! Every example in `docs/language/` is compiled, so that the guide can't say what the compiler doesn't.
//!
//! The words behind the three backticks say how:
//!
//! - `flow`: a file of its own. If it has no `use`, the names of the standard library that it mentions are brought in for it.
//! - `flow steps`: statements. They are put into a flow that takes a placed order: `order` is that order, `stop done` ends it,
//!   and the flow's status is one of `FRAME`.
//! - `error F0401 …`, or `note F0191 …`, behind either: exactly these findings come, each as often as it is named, and
//!   nothing else. Without it there are none at all.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is a finding")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use flowline_driver::{MemoryFiles, STDLIB, compile_files};

/// What stands around statements; `STEPS` is where they go.
const FRAME: &str = "
role packing_desk
record Delay { score: Decimal }
model delay_risk { version \"1\"  input OrderId  output Delay }
enum ExampleStatus { received, accepted, ready, done, refused, cancelled, expired }

flow example(placed: OrderPlaced) raises OutOfStock, Declined
  key    placed.order.id once
  status ExampleStatus speaks for OrderId
{
  let order = placed.order
STEPS
  stop done
}
";

/// A block of the guide.
struct Block {
    chapter: String,
    line: usize,
    steps: bool,
    codes: Vec<String>,
    text: String,
    /// Files that stand before it in its chapter: blocks of another kind whose words are a name, as in `csv stores.csv`.
    beside: BTreeMap<String, String>,
}

#[test]
fn every_example_of_the_guide_does_what_it_says() {
    let blocks: Vec<Block> = chapters().iter().flat_map(|(name, text)| blocks(name, text)).collect();
    assert!(blocks.len() >= 30, "{} blocks: this isn't the guide", blocks.len());
    let wrong: Vec<String> = blocks.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn an_example_that_does_something_else_is_seen() {
    let sound = "await PickedUp for order.id as pickup within 2 days\n";
    let forgotten = "let hold = do inventory.hold(order.id, order.lines, order.store)";
    assert!(wrong(&block("flow steps error F0302", sound)).is_none());
    assert!(wrong(&block("flow steps", sound)).is_some_and(|wrong| wrong.contains("F0302")));
    assert!(wrong(&block("flow steps error F0401", forgotten)).is_none());
    assert!(wrong(&block("flow steps error F0401 F0302", forgotten)).is_some());
    assert!(wrong(&block("flow steps error F0401 F0401", forgotten)).is_some());
    assert!(wrong(&block("flow error F0401", "id ShelfId")).is_some());
    assert!(wrong(&block("flow", "id ShelfId")).is_none());
}

/// Each chapter that the guide's table of contents names has to be there, and no other.
#[test]
fn the_table_of_contents_names_each_chapter() {
    let chapters = chapters();
    let contents = chapters["README.md"].lines().filter(|line| line.starts_with("| ["));
    let named: BTreeSet<&str> = contents.map(|line| line.split(['(', ')']).nth(1).unwrap()).collect();
    let there: BTreeSet<&str> = chapters.keys().map(String::as_str).filter(|name| *name != "README.md").collect();
    assert_eq!(named, there);
}

/// The chapters of the guide by their files' names.
fn chapters() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/language");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let chapter = |file: std::fs::DirEntry| {
        (file.file_name().into_string().unwrap(), std::fs::read_to_string(file.path()).unwrap())
    };
    files.map(chapter).collect()
}

fn block(info: &str, text: &str) -> Block {
    blocks("", &format!("```{info}\n{text}\n```\n")).remove(0)
}

/// What is wrong with a block, if anything is.
fn wrong(block: &Block) -> Option<String> {
    let outcome =
        compile_files(&MemoryFiles { beside: block.beside.clone(), ..MemoryFiles::single("example", &module(block)) })
            .unwrap();
    let mut found: Vec<String> = outcome.diagnostics.iter().map(|finding| finding.code.id.to_owned()).collect();
    found.sort();
    if found == block.codes {
        return None;
    }
    let said: Vec<String> = outcome
        .diagnostics
        .iter()
        .map(|finding| {
            let words = outcome.sources.slice(finding.primary.span).lines().next().unwrap_or_default().to_owned();
            format!("    {}: {} [{words}]", finding.code.id, finding.message)
        })
        .collect();
    let Block { chapter, line, codes, .. } = block;
    Some(format!("docs/language/{chapter}:{line}: expected {codes:?}, found\n{}", said.join("\n")))
}

/// The block as a file.
fn module(block: &Block) -> String {
    let text = if block.steps { FRAME.replace("STEPS", &block.text) } else { block.text.clone() };
    if text.lines().any(|line| line.starts_with("use ")) { text } else { format!("{}\n{text}", uses(&text)) }
}

/// Brings in each name of the standard library that the text mentions.
fn uses(text: &str) -> String {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words: BTreeSet<&str> = text.split(|letter| !is_word(letter)).collect();
    let mut out = String::new();
    for (module, _, source) in STDLIB {
        let declared = source.lines().filter_map(|line| {
            let (kind, rest) = line.split_once(' ')?;
            let declares = ["id", "enum", "record", "error", "event", "resource", "system", "decision", "fn", "const"];
            let name = rest.split(|letter| !is_word(letter)).next()?;
            (declares.contains(&kind) && words.contains(name)).then_some(name)
        });
        let names: Vec<&str> = declared.collect();
        if !names.is_empty() {
            out += &format!("use {module}.{{{}}}\n", names.join(", "));
        }
    }
    out
}

/// The blocks of a chapter that are marked as flows.
fn blocks(chapter: &str, text: &str) -> Vec<Block> {
    let (mut found, mut beside) = (Vec::new(), BTreeMap::new());
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let Some(info) = line.trim_start().strip_prefix("```") else { continue };
        let text: Vec<&str> = lines.by_ref().map(|(line, _)| line).take_while(|line| *line != "```").collect();
        let mut words = info.split_whitespace();
        let (chapter, text) = (chapter.to_owned(), text.join("\n"));
        if words.next() != Some("flow") {
            beside.extend(words.next().map(|name| (name.to_owned(), text)));
            continue;
        }
        let beside = beside.clone();
        let mut block = Block { chapter, line: number, steps: false, codes: Vec::new(), text, beside };
        let mut in_codes = false;
        for word in words {
            match word {
                "steps" => block.steps = true,
                "error" | "note" => in_codes = true,
                code if in_codes => block.codes.push(code.to_owned()),
                other => panic!("{}:{number}: `{other}` says nothing to this test", block.chapter),
            }
        }
        block.codes.sort();
        found.push(block);
    }
    found
}
