//! What the tree says of tokens that look alike: which touch their neighbours, which stand in columns.
use std::collections::{BTreeMap, HashSet};

use pest::Parser;
use pest::iterators::Pair;

use crate::grammar::{FlowParser, Rule};
use crate::scan::Scan;

/// All offsets are those of the file.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Tokens that touch the one before them.
    pub(super) touching: HashSet<usize>,
    /// Spans that are copied as they stand, by their start.
    pub(super) atoms: BTreeMap<usize, usize>,
    /// Braces of flows' bodies, and the word `late`: they stand where the flow stands.
    pub(super) at_the_edge: HashSet<usize>,
    /// The word `op`: its clauses stand below the op's name.
    pub(super) ops: HashSet<usize>,
    /// The word `flow`, and the words that its clauses begin with.
    pub(super) flows: HashSet<usize>,
    pub(super) clauses: HashSet<usize>,
    /// Braces in which commas separate.
    pub(super) lists: HashSet<usize>,
    /// What stands behind another one of its kind on a line, with nothing but blanks between: two of them.
    pub(super) apart: HashSet<usize>,
    /// Rows that may stand in columns, in the order of the text.
    pub(super) rows: Vec<Row>,
}

/// One line of something that is set in columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Rows of one group belong together where they stand below each other.
    pub(super) group: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The token that each column begins with, where the row has that column.
    pub(super) cells: Vec<Option<usize>>,
}

impl Marks {
    pub(super) fn of(scan: &Scan) -> Self {
        let mut marks = Self::default();
        for item in &scan.items {
            let source = scan.text.get(item.start..item.end).unwrap_or_default();
            let Ok(pairs) = FlowParser::parse(Rule::item, source) else { continue };
            for pair in pairs {
                marks.walk(pair, item.start);
            }
        }
        marks.rows.sort_by_key(|row| row.start);
        marks
    }

    fn walk(&mut self, pair: Pair<'_, Rule>, base: usize) {
        let start = base + pair.as_span().start();
        let inner = |rule: Rule| {
            pair.clone().into_inner().find(|inner| inner.as_rule() == rule).map(|inner| base + inner.as_span().start())
        };
        // The rules that say something about layout; all others only hold others.
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "the grammar has hundreds of rules, and most say nothing here"
        )]
        match pair.as_rule() {
            Rule::args | Rule::params | Rule::pattern_bindings | Rule::type_states | Rule::optional => {
                self.touching.insert(start);
            }
            Rule::enum_case => self.touching.extend(inner(Rule::paren_open)),
            Rule::type_args => {
                let end = base + pair.as_span().end();
                self.touching.extend([start, end - 1]);
                self.touching.extend(pair.clone().into_inner().next().map(|first| base + first.as_span().start()));
            }
            Rule::annotation => self.touching.extend([start + 1]),
            Rule::prefix if matches!(pair.as_str().trim_end(), "-" | "!") => {
                let behind = pair.get_input().get(pair.as_span().end()..).unwrap_or_default();
                self.touching.insert(base + pair.as_span().end() + (behind.len() - behind.trim_start().len()));
            }
            Rule::pattern_literal => {
                if let Some(literal) = pair.clone().into_inner().nth(1) {
                    self.touching.insert(base + literal.as_span().start());
                }
            }
            Rule::use_decl => {
                self.lists.extend(inner(Rule::brace_open));
                self.touching.extend(inner(Rule::brace_close));
                let first = pair.clone().into_inner().skip_while(|inner| inner.as_rule() != Rule::brace_open).nth(1);
                self.touching.extend(first.map(|first| base + first.as_span().start()));
            }
            Rule::date | Rule::time => {
                self.atoms.insert(start, base + pair.as_span().end());
            }
            Rule::time_range => {
                self.touching.extend(inner(Rule::minus));
                self.touching.extend(pair.clone().into_inner().nth(2).map(|to| base + to.as_span().start()));
            }
            Rule::op => _ = self.ops.insert(start),
            Rule::late => _ = self.at_the_edge.insert(start),
            Rule::flow => {
                self.flows.insert(start);
                self.at_the_edge.extend(inner(Rule::block));
            }
            Rule::flow_when => _ = self.clauses.insert(start),
            Rule::enum_decl | Rule::record | Rule::error | Rule::event | Rule::record_body => {
                self.lists.extend(inner(Rule::brace_open));
            }
            Rule::zone
            | Rule::closed_days
            | Rule::opening
            | Rule::role_limit
            | Rule::cleared
            | Rule::arm
            | Rule::stmt_arm
            | Rule::match_arm
            | Rule::ask_show
            | Rule::ask_answer
            | Rule::ask_not_by
            | Rule::govern_when
            | Rule::govern_otherwise
            | Rule::promise_at
            | Rule::missed => _ = self.apart.insert(start),
            _ => {}
        }
        self.columns(&pair, base);
        for child in pair.into_inner() {
            self.walk(child, base);
        }
    }

    /// The rows directly inside a node.
    fn columns(&mut self, pair: &Pair<'_, Rule>, base: usize) {
        let group = base + pair.as_span().start();
        for row in pair.clone().into_inner() {
            let start = base + row.as_span().start();
            let at = |rule: Rule| {
                let found = row.clone().into_inner().find(|inner| inner.as_rule() == rule);
                found.map(|inner| base + inner.as_span().start())
            };
            let second = || row.clone().into_inner().nth(1).map(|inner| base + inner.as_span().start());
            // Fields and states may stand in one block, yet each kind has columns of its own.
            #[allow(
                clippy::wildcard_enum_match_arm,
                reason = "the grammar has hundreds of rules, and most say nothing here"
            )]
            let (kind, cells) = match row.as_rule() {
                Rule::arm => (0, vec![key_word(&row, base), at(Rule::fat_arrow)]),
                Rule::abandon_row | Rule::stmt_arm | Rule::match_arm | Rule::migrate_row => {
                    (0, vec![at(Rule::fat_arrow)])
                }
                Rule::field => {
                    let more =
                        row.clone().into_inner().find(|i| matches!(i.as_rule(), Rule::annotation | Rule::field_where));
                    (0, vec![at(Rule::r#type), more.map(|more| base + more.as_span().start())])
                }
                Rule::open_states | Rule::doubt_states | Rule::closed_states => (1, vec![second()]),
                Rule::raises
                | Rule::flow_key
                | Rule::flow_status
                | Rule::track
                | Rule::owner
                | Rule::promise
                | Rule::flow_starts
                | Rule::flow_undo
                    if pair.as_rule() == Rule::flow =>
                {
                    self.clauses.insert(start);
                    (0, vec![second()])
                }
                Rule::model_version | Rule::model_input | Rule::model_output => (0, vec![second()]),
                Rule::promise_at | Rule::missed => (0, vec![at(Rule::block)]),
                Rule::table_head | Rule::row => (0, bars(&row, base)),
                _ => continue,
            };
            let end = base + row.as_span().end();
            self.rows.push(Row { group: group * 2 + kind, start, end, cells });
        }
    }
}

/// The word `for` of an arm that waits for an event.
fn key_word(arm: &Pair<'_, Rule>, base: usize) -> Option<usize> {
    let wait = arm.clone().into_inner().find(|inner| inner.as_rule() == Rule::event_wait)?;
    let word = wait.into_inner().find(|inner| inner.as_rule() == Rule::k_for)?;
    Some(base + word.as_span().start())
}

/// The bars of a table's line behind the first one.
fn bars(row: &Pair<'_, Rule>, base: usize) -> Vec<Option<usize>> {
    let is_bar = |rule: Rule| matches!(rule, Rule::bar | Rule::bars);
    let parts = row.clone().into_inner().flat_map(|part| {
        if is_bar(part.as_rule()) {
            return vec![part];
        }
        part.into_inner().filter(|inner| is_bar(inner.as_rule())).collect()
    });
    parts.skip(1).map(|bar| Some(base + bar.as_span().start())).collect()
}
