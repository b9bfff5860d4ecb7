//! From pest's pairs to the tree.
//!
//! Invariant: the builder only reads what the grammar promises, and where a piece is missing it makes an empty name or a `Bad` node; it
//! never panics. Nodes named `bad_…` are collected as [`BadText`] and explained later, see `explain.rs`.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "`Rule` has every rule of the grammar; each place reads the few that can stand there"
)]

mod contract;
mod decl;
mod expr;
mod flow;
mod property;
mod stmt;
mod table;
mod types;

use crate::ast::{Doc, Ident, Item, ItemKind, TextLit, Use};
use crate::grammar::Rule;
use flowline_diag::{Diagnostic, FileId, Span, code::f01};
use pest::iterators::{Pair, Pairs};
use std::sync::Arc;

pub(crate) type Node<'i> = Pair<'i, Rule>;

/// Text that the grammar could not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadText {
    /// Which error alternative took it.
    pub(crate) rule: Rule,
    /// Offsets in the file.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Builds the nodes of one declaration.
#[derive(Debug)]
pub(crate) struct Builder<'s> {
    file: FileId,
    /// Where the declaration begins in the file.
    base: usize,
    docs: &'s [(u32, Doc)],
    pub(crate) findings: Vec<Diagnostic>,
    pub(crate) bad: Vec<BadText>,
}

/// What a top-level node turned out to be.
#[derive(Debug)]
pub(crate) enum Top {
    Use(Use),
    Item(Box<Item>),
}

/// The children of a node without keywords and marks.
pub(crate) struct Kids<'i> {
    pairs: Pairs<'i, Rule>,
}

impl<'i> Kids<'i> {
    /// The next child if it is of this rule.
    fn opt(&mut self, rule: Rule) -> Option<Node<'i>> {
        self.opt_if(|found| found == rule)
    }

    fn opt_if(&mut self, wanted: impl Fn(Rule) -> bool) -> Option<Node<'i>> {
        while self.pairs.peek().is_some_and(|pair| pair.as_rule().is_mark()) {
            self.pairs.next();
        }
        if wanted(self.pairs.peek()?.as_rule()) { self.pairs.next() } else { None }
    }
}

impl<'i> Iterator for Kids<'i> {
    type Item = Node<'i>;

    fn next(&mut self) -> Option<Node<'i>> {
        self.pairs.by_ref().find(|pair| !pair.as_rule().is_mark())
    }
}

pub(crate) fn kids(node: Node<'_>) -> Kids<'_> {
    Kids { pairs: node.into_inner() }
}

fn is_name(rule: Rule) -> bool {
    matches!(rule, Rule::ident | Rule::word | Rule::upper)
}

impl<'s> Builder<'s> {
    pub(crate) fn new(file: FileId, base: usize, docs: &'s [(u32, Doc)]) -> Self {
        Self { file, base, docs, findings: Vec::new(), bad: Vec::new() }
    }

    /// The declaration under an `item` node.
    pub(crate) fn top(&mut self, item: Node<'_>) -> Option<Top> {
        let mut top = None;
        for node in kids(item) {
            match node.as_rule() {
                Rule::EOI => {}
                Rule::bad_tail => self.bad(&node),
                Rule::use_decl => top = Some(Top::Use(self.use_decl(node))),
                _ => {
                    let span = self.span(&node);
                    let kind = self.declaration(node);
                    self.check_case(&kind);
                    top = Some(Top::Item(Box::new(Item { span, doc: self.doc(span), kind })));
                }
            }
        }
        top
    }

    fn use_decl(&mut self, node: Node<'_>) -> Use {
        let span = self.span(&node);
        let mut kids = kids(node);
        let mut path = Vec::new();
        while let Some(word) = kids.opt(Rule::word) {
            path.push(self.ident(&word));
        }
        Use { span, path, names: kids.map(|name| self.ident(&name)).collect() }
    }

    fn declaration(&mut self, node: Node<'_>) -> ItemKind {
        match node.as_rule() {
            Rule::flow => ItemKind::Flow(Box::new(self.flow(node))),
            Rule::event => ItemKind::Event(self.event(node)),
            Rule::record => ItemKind::Record(self.record(node)),
            Rule::error => ItemKind::Error(self.record(node)),
            Rule::enum_decl => ItemKind::Enum(self.enum_decl(node)),
            Rule::id_decl => ItemKind::Id(crate::ast::IdDecl { name: self.name(&mut kids(node)) }),
            Rule::domain => ItemKind::Domain(crate::ast::DomainDecl { name: self.name(&mut kids(node)) }),
            Rule::const_decl => ItemKind::Const(self.const_decl(node)),
            Rule::fn_decl => ItemKind::Fn(self.fn_decl(node)),
            Rule::system => ItemKind::System(self.system(node)),
            Rule::resource => ItemKind::Resource(self.resource(node)),
            Rule::decision => ItemKind::Decision(self.decision(node)),
            Rule::calendar => ItemKind::Calendar(self.calendar(node)),
            Rule::role => ItemKind::Role(self.role(node)),
            Rule::model => ItemKind::Model(self.model(node)),
            Rule::metric => ItemKind::Metric(self.metric(node)),
            Rule::policy => ItemKind::Policy(self.policy(node)),
            Rule::invariant => ItemKind::Invariant(self.policy(node)),
            Rule::test => ItemKind::Test(self.test(node)),
            Rule::explore => ItemKind::Explore(self.explore(node)),
            Rule::upcast => ItemKind::Upcast(self.upcast(node)),
            Rule::migrate => ItemKind::Migrate(self.migrate(node)),
            _ => {
                self.bad(&node);
                ItemKind::Bad { name: self.bad_name(&node) }
            }
        }
    }

    /// The second word of a declaration that could not be read.
    fn bad_name(&self, node: &Node<'_>) -> Option<Ident> {
        let text = node.as_str();
        let behind = text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let name = behind.trim_start();
        let len = name.len() - name.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
        let start = self.base + node.as_span().start() + (text.len() - name.len());
        let name = name.get(..len).filter(|name| !name.is_empty() && behind.len() < text.len())?;
        Some(Ident { text: name.into(), span: crate::scan::span(self.file, start, start + len) })
    }

    /// Types begin with a capital, everything else does not.
    fn check_case(&mut self, kind: &ItemKind) {
        let Some(name) = kind.name() else { return };
        let is_type = match kind {
            ItemKind::Id(_)
            | ItemKind::Enum(_)
            | ItemKind::Record(_)
            | ItemKind::Error(_)
            | ItemKind::Event(_)
            | ItemKind::Resource(_) => true,
            ItemKind::Bad { .. } => return,
            _ => false,
        };
        if is_type {
            self.want_upper(name);
        } else {
            self.want_lower(name);
        }
    }

    fn want_upper(&mut self, name: &Ident) {
        if name.is_upper() && !name.text.contains('_') || name.text.is_empty() {
            return;
        }
        let better: String = name
            .text
            .split('_')
            .flat_map(|part| {
                let mut letters = part.chars();
                letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<Vec<_>>()
            })
            .collect();
        let message = format!("`{name}` names a type, an event or an error, so it is written `{better}`");
        self.findings.push(Diagnostic::new(&f01::NAME_CASE, message, name.span).maybe_fix(
            format!("write `{better}`"),
            name.span,
            better,
        ));
    }

    fn want_lower(&mut self, name: &Ident) {
        if !name.text.contains(|c: char| c.is_ascii_uppercase()) {
            return;
        }
        let mut better = String::new();
        for letter in name.text.chars() {
            if letter.is_ascii_uppercase() && !better.is_empty() && !better.ends_with('_') {
                better.push('_');
            }
            better.push(letter.to_ascii_lowercase());
        }
        let message = format!("only types, events and errors have capitals; `{name}` is written `{better}`");
        self.findings.push(Diagnostic::new(&f01::NAME_CASE, message, name.span).maybe_fix(
            format!("write `{better}`"),
            name.span,
            better,
        ));
    }

    /// A clause that stands twice: the first counts.
    fn once<T>(&mut self, slot: &mut Option<T>, value: T, what: &str, span: Span) {
        if slot.is_some() {
            let message = format!("{what} is said twice");
            self.findings.push(Diagnostic::new(&f01::UNEXPECTED, message, span).label("the first one counts"));
        } else {
            *slot = Some(value);
        }
    }

    fn bad(&mut self, node: &Node<'_>) {
        let span = node.as_span();
        let end = span.start() + node.as_str().trim_end().len();
        self.bad.push(BadText { rule: node.as_rule(), start: self.base + span.start(), end: self.base + end });
    }

    /// The node's place in the file; pest counts blanks behind a node to it, we do not.
    fn span(&self, node: &Node<'_>) -> Span {
        let start = self.base + node.as_span().start();
        crate::scan::span(self.file, start, start + node.as_str().trim_end().len())
    }

    fn ident(&self, node: &Node<'_>) -> Ident {
        Ident { text: node.as_str().into(), span: self.span(node) }
    }

    /// The next child's name; the grammar promises one.
    fn name(&self, kids: &mut Kids<'_>) -> Ident {
        match kids.opt_if(is_name) {
            Some(node) => self.ident(&node),
            None => Ident { text: "".into(), span: crate::scan::span(self.file, self.base, self.base) },
        }
    }

    /// All names that come next.
    fn names(&self, kids: &mut Kids<'_>) -> Vec<Ident> {
        std::iter::from_fn(|| kids.opt_if(is_name)).map(|node| self.ident(&node)).collect()
    }

    fn opt_text(&mut self, kids: &mut Kids<'_>) -> Option<TextLit> {
        kids.opt(Rule::text).map(|node| self.text(&node))
    }

    fn doc(&self, span: Span) -> Option<Doc> {
        let at = self.docs.binary_search_by_key(&span.start, |(at, _)| *at).ok()?;
        self.docs.get(at).map(|(_, doc)| doc.clone())
    }

    fn count(&mut self, node: &Node<'_>) -> u64 {
        node.as_str().trim().parse().unwrap_or_else(|_| {
            let span = self.span(node);
            self.findings.push(Diagnostic::new(&f01::UNEXPECTED, "a whole number is needed here", span));
            0
        })
    }
}

/// The words of a text that could not be read.
fn words(text: &str) -> impl Iterator<Item = Arc<str>> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty()).map(Into::into)
}
