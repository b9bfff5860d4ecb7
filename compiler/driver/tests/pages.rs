//! The examples on the pages of what holds of whole flows and contracts (F03 and up): the bad one shows just that fault, the good one none.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is a finding")]
mod common;

use flowline_diag::all_codes;
use flowline_driver::STDLIB;

/// Pages whose examples leave out what stands around them.
const SHORTENED: [&str; 3] = ["F0402", "F0405", "F0406"];

/// How declarations begin that an example may hold, or take from the library.
const DECLARATIONS: [&str; 17] = [
    "use", "policy", "test", "id", "enum", "record", "error", "event", "domain", "resource", "system", "decision",
    "fn", "const", "role", "calendar", "flow",
];
/// What the examples about models and people take for granted.
const DECIDED: &str = "
enum CheckStatus { looked_at, sent }
enum ReleaseStatus { released, held }
record Damage { score: Decimal }
model damage { version \"1\"  input ParcelId  output Damage }
role inspector
role credit_desk
";

/// What an example takes for granted.
const AROUND: &str = "
flow collect_debt(order: OrderId, customer: CustomerId, amount: Money) { }
record Parcel { lines: [OrderLine], node: NodeId }
record Plan { parcels: [Parcel] }
flow page(order: Order, plan: Plan, paid_in_store: Bool) raises OutOfStock {
  let total = order_total(order.lines)
";

#[test]
fn examples_are_what_their_pages_say() {
    // F13 is about frozen schemas, files that stand beside the examples.
    let elsewhere = ["F01", "F02", "F13"];
    let proven = all_codes().filter(|code| !elsewhere.iter().any(|group| code.id.starts_with(group)));
    for code in proven.filter(|code| !SHORTENED.contains(&code.id)) {
        let blocks: Vec<&str> =
            code.explanation.split("```flow\n").skip(1).filter_map(|block| block.split("```").next()).collect();
        assert_eq!(blocks.len(), 2, "{}", code.id);
        for (example, expected) in [(blocks[0], &[code.id][..]), (blocks[1], &[])] {
            let around = if code.id.starts_with("F06") { DECIDED } else { "" };
            let text = whole(&format!("{example}{around}"));
            let outcome = common::compile("page", &text);
            let found: Vec<&str> = outcome.diagnostics.iter().map(|finding| finding.code.id).collect();
            assert_eq!(found, expected, "{}:\n{}", code.id, common::for_logs(&outcome));
        }
    }
}

/// Pages of names and files: what stands around their examples is left out, so other findings may come too.
#[test]
fn examples_of_names_show_their_code() {
    // Too large to be printed, a matter of bytes, and of several files.
    const NOT_COMPILED: [&str; 3] = ["F0104", "F0107", "F0112"];
    let names = all_codes().filter(|code| code.id.starts_with("F01") && !NOT_COMPILED.contains(&code.id));
    for code in names {
        let blocks: Vec<&str> =
            code.explanation.split("```flow\n").skip(1).filter_map(|block| block.split("```").next()).collect();
        for (example, is_wrong) in [(blocks[0], true), (blocks[blocks.len() - 1], false)] {
            let outcome = common::compile("page", &whole(example));
            let shows = outcome.diagnostics.iter().any(|finding| finding.code.id == code.id);
            assert_eq!(shows, is_wrong, "{}:\n{}", code.id, common::for_logs(&outcome));
        }
    }
}

/// An example as a module: with `use` lines for the names of the standard library in it.
fn whole(example: &str) -> String {
    let declares = |line: &str| {
        let word = line.split(' ').next().unwrap_or("");
        line.starts_with(|c: char| c.is_alphabetic()) && DECLARATIONS.contains(&word)
    };
    let is_whole = example.lines().any(declares);
    let body = if is_whole { example.to_owned() } else { format!("{AROUND}{example}}}\n") };
    let words: Vec<&str> = body.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let mut uses = String::new();
    if body.contains("use std.") {
        return body;
    }
    for (module, _, text) in STDLIB {
        for line in text.lines() {
            let mut declared = line.split([' ', '(', '{']);
            let (kind, name) = (declared.next().unwrap_or(""), declared.next().unwrap_or(""));
            let own = body.lines().any(|line| line.starts_with(&format!("{kind} {name}")));
            if DECLARATIONS.contains(&kind) && !own && words.contains(&name) {
                uses += &format!("use {module}.{{{name}}}\n");
            }
        }
    }
    uses + &body
}
