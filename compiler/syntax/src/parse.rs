//! The way in: text to tree.

use crate::ast::{Item, ItemKind, Module};
use crate::build::{BadText, Builder, Top};
use crate::explain::explain;
use crate::grammar::{FlowParser, Rule};
use crate::scan::{self, ItemRange, Scan};
use flowline_diag::{Diagnostic, FileId};
use pest::Parser;

/// A tree and what is wrong with its text. The tree is whole even where the text is not.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    pub module: Module,
    /// In the order of the text; one mistake has one finding.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a file. Never fails and never panics; takes time linear in the length of the text.
pub fn parse(file: FileId, text: &str) -> Parsed {
    let Scan { text: normal, items: ranges, docs, module_doc, findings } = scan::scan(file, text);
    let mut module = Module { file, doc: module_doc, uses: Vec::new(), items: Vec::with_capacity(ranges.len()) };
    let mut diagnostics = findings;
    for range in ranges {
        let mut builder = Builder::new(file, range.start, &docs);
        match read(&mut builder, &normal, range) {
            Some(Top::Use(one)) => module.uses.push(one),
            Some(Top::Item(item)) => module.items.push(item),
            None => {
                let span = scan::span(file, range.start, range.end);
                module.items.push(Item { span, doc: None, kind: ItemKind::Bad { name: None } });
            }
        }
        diagnostics.append(&mut builder.findings);
        for bad in builder.bad {
            // What the scan or another node has already spoken about is not explained twice.
            if !is_spoken_for(&diagnostics, &bad, text) {
                diagnostics.extend(explain(file, &normal, &bad));
            }
        }
    }
    diagnostics.sort_by_key(Diagnostic::order);
    Parsed { module, diagnostics }
}

fn read(builder: &mut Builder<'_>, text: &str, range: ItemRange) -> Option<Top> {
    let source = text.get(range.start..range.end).filter(|_| !range.refused)?;
    match FlowParser::parse(Rule::item, source) {
        Ok(mut pairs) => builder.top(pairs.next()?),
        Err(_) => {
            builder.bad.push(BadText { rule: Rule::bad_item, start: range.start, end: range.end });
            None
        }
    }
}

/// Whether a finding already points into the bad text, or to the line on which it begins.
fn is_spoken_for(findings: &[Diagnostic], bad: &BadText, text: &str) -> bool {
    let line_start = text.get(..bad.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let first_line =
        text.get(bad.start..bad.end).and_then(|words| words.find('\n')).map_or(bad.end, |len| bad.start + len);
    findings.iter().rev().any(|finding| {
        let at = finding.primary.span.start as usize;
        line_start <= at && at <= first_line
    })
}
