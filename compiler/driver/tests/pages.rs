//! The examples on the pages of what is proven: the bad one shows just that fault, the good one none.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is a finding")]
mod common;

use flowline_diag::all_codes;
use flowline_driver::STDLIB;

/// Pages whose examples leave out what stands around them.
const SHORTENED: [&str; 3] = ["F0402", "F0405", "F0406"];

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
    let proven = all_codes().filter(|code| code.id.starts_with("F03") || code.id.starts_with("F04"));
    for code in proven.filter(|code| !SHORTENED.contains(&code.id)) {
        let blocks: Vec<&str> =
            code.explanation.split("```flow\n").skip(1).filter_map(|block| block.split("```").next()).collect();
        assert_eq!(blocks.len(), 2, "{}", code.id);
        for (example, expected) in [(blocks[0], &[code.id][..]), (blocks[1], &[])] {
            let text = whole(example);
            let outcome = common::compile("page", &text);
            let found: Vec<&str> = outcome.diagnostics.iter().map(|finding| finding.code.id).collect();
            assert_eq!(found, expected, "{}:\n{}", code.id, common::for_logs(&outcome));
        }
    }
}

/// An example as a module: with `use` lines for the names of the standard library in it.
fn whole(example: &str) -> String {
    let body = if example.starts_with("flow ") { example.to_owned() } else { format!("{AROUND}{example}}}\n") };
    let words: Vec<&str> = body.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let mut uses = String::new();
    for (module, _, text) in STDLIB {
        for line in text.lines() {
            let mut declared = line.split([' ', '(', '{']);
            let (kind, name) = (declared.next().unwrap_or(""), declared.next().unwrap_or(""));
            let kinds = ["id", "enum", "record", "error", "event", "system", "fn"];
            if kinds.contains(&kind) && words.contains(&name) {
                uses += &format!("use {module}.{{{name}}}\n");
            }
        }
    }
    uses + &body
}
