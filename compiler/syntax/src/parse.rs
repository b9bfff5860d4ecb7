//! The way in: text to tree.

use crate::ast::{Item, ItemKind, Module};
use crate::build::{BadText, Builder, Top};
use crate::explain::{begins_item, explain};
use crate::grammar::{FlowParser, Rule};
use crate::scan::{self, ItemRange, Scan};
use flowline_diag::{Diagnostic, FileId};
use pest::Parser;
use std::{collections::HashSet, ops::Range};

/// A tree and what is wrong with its text. The tree is whole even where the text is not.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    pub module: Module,
    /// In the order of the text; one mistake has one finding.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a file. Never fails and never panics; takes time linear in the length of the text.
pub fn parse(file: FileId, text: &str) -> Parsed {
    let Scan { text: normal, items: ranges, docs, module_doc, findings, stray } = scan::scan(file, text);
    let mut module = Module { file, doc: module_doc, uses: Vec::new(), items: Vec::with_capacity(ranges.len()) };
    let lines = Lines::of(text);
    let mut spoken_for: HashSet<usize> =
        findings.iter().map(|finding| lines.of_offset(finding.primary.span.start as usize)).collect();
    let mut diagnostics = findings;
    // Where no declaration could be read, until the next one that can: one mistake, told once.
    let mut outside: Vec<Range<usize>> = Vec::new();
    let mut was_outside = false;
    for range in ranges {
        let goes_on = was_outside && !begins_item(&normal, range.start);
        let mut builder = Builder::new(file, range.start, &docs);
        let top = read(&mut builder, &normal, range);
        let is_read = match &top {
            Some(Top::Item(item)) => !matches!(item.kind, ItemKind::Bad { .. }),
            Some(Top::Use(_)) => true,
            None => false,
        };
        let is_outside = goes_on || !is_read;
        match outside.last_mut() {
            Some(last) if was_outside && !is_outside => last.end = range.start,
            _ if is_outside && !was_outside => outside.push(range.start..text.len()),
            _ => {}
        }
        was_outside = is_outside;
        match top {
            Some(Top::Use(one)) => module.uses.push(one),
            Some(Top::Item(item)) => module.items.push(*item),
            None => {
                let span = scan::span(file, range.start, range.end);
                module.items.push(Item { span, doc: None, kind: ItemKind::Bad { name: None } });
            }
        }
        for finding in builder.findings.drain(..) {
            spoken_for.insert(lines.of_offset(finding.primary.span.start as usize));
            diagnostics.push(finding);
        }
        for bad in builder.bad {
            // A line that the scan or another node has already spoken about is not explained twice.
            if spoken_for.insert(lines.of_offset(bad.start)) && !goes_on {
                diagnostics.extend(explain(file, &normal, &bad));
            }
        }
    }
    // One run begins behind the end of the one before.
    let is_told = |at: usize| {
        let before = outside.partition_point(|run| run.start <= at);
        before.checked_sub(1).and_then(|last| outside.get(last)).is_some_and(|run| run.contains(&at))
    };
    diagnostics.extend(stray.into_iter().filter(|brace| !is_told(brace.primary.span.start as usize)));
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

/// The newlines of a text: looking for one from each finding would take long where a line is long.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The number of the line that an offset lies in.
    fn of_offset(&self, offset: usize) -> usize {
        self.0.partition_point(|newline| *newline < offset)
    }
}
