//! From the text of a `.flow` file to its tree. Reading never fails: whatever the text, there is a tree and a list of findings.

pub mod ast;

mod build;
mod explain;
mod format;
mod grammar;
mod parse;
mod scan;

pub use format::{FormatError, format};
pub use parse::{Parsed, parse};
