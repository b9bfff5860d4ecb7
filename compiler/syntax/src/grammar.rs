//! The parser that pest derives from `flow.pest`.
#![allow(missing_debug_implementations, unreachable_pub, reason = "the code is generated from the grammar")]

#[derive(pest_derive::Parser)]
#[grammar = "flow.pest"]
pub struct FlowParser;

impl Rule {
    /// Whether the rule is a keyword or mark that the builder passes over; they stand together in the grammar.
    pub(crate) fn is_mark(self) -> bool {
        (Rule::dot..=Rule::k_zone).contains(&self) && self != Rule::cut_short
    }
}
