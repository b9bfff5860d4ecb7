//! F09xx: what a decision table leaves open, says twice, or says in vain, each with a case that shows it.
//!
//! Each column is cut into pieces between which no cell tells a difference, and the rows are laid over all combinations
//! of them (Calvanese et al., "Semantics and Analysis of DMN Decision Tables", BPM 2016, look at the same questions).

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

mod axis;
mod cover;

use crate::fold::fold;
use crate::model::{BinaryOp, DecisionRow, Expr, ExprKind, Local, Model, UnaryOp};
use axis::{Cell, Piece, Test};
use cover::Found;
use flowline_diag::code::f09;
use flowline_diag::{Diagnostic, Severity, Span};
use flowline_plan::HitPolicy;
use flowline_syntax::ast;

/// A row as sets of values, one a column.
#[derive(Debug)]
struct Row {
    cells: Vec<Cell>,
}

/// A table whose own text is without fault.
struct Table<'a> {
    model: &'a Model,
    text: &'a ast::Decision,
    params: &'a [Local],
    policy: HitPolicy,
    checked: &'a [DecisionRow],
    axes: Vec<Vec<Piece>>,
    rows: Vec<Row>,
}

/// Checks a table as a whole. Cells that can't be compared with each other before they run make it silent about their
/// columns, never wrong.
pub(crate) fn check(
    model: &Model,
    text: &ast::Decision,
    params: &[Local],
    policy: HitPolicy,
    checked: &[DecisionRow],
) -> Vec<Diagnostic> {
    let mut rows: Vec<Row> = checked
        .iter()
        .map(|row| Row { cells: row.cells.iter().map(|test| cell(model, test.as_ref())).collect() })
        .collect();
    let mut axes = Vec::with_capacity(params.len());
    for (column, param) in params.iter().enumerate() {
        let cells: Vec<&Cell> = rows.iter().filter_map(|row| row.cells.get(column)).collect();
        let mut pieces = axis::pieces(model, &param.ty, &cells);
        if pieces.is_empty() {
            let tests = rows.iter_mut().filter_map(|row| row.cells.get_mut(column));
            tests.filter(|cell| matches!(cell, Cell::Tests(_))).for_each(|cell| *cell = Cell::Unknown);
            pieces = vec![Piece::Other];
        }
        axes.push(pieces);
    }
    let table = Table { model, text, params, policy, checked, axes, rows };
    let mut found = table.twice();
    found.extend(table.in_vain());
    found.extend(table.open());
    found
}

fn cell(model: &Model, test: Option<&Expr>) -> Cell {
    match test.map(|test| &test.kind) {
        None => Cell::Any,
        Some(ExprKind::Unary(UnaryOp::Not, exists)) if matches!(exists.kind, ExprKind::Exists(_)) => Cell::Absent,
        Some(_) => test.and_then(|test| any_of(model, test)).map_or(Cell::Unknown, Cell::Tests),
    }
}

fn any_of(model: &Model, test: &Expr) -> Option<Vec<Vec<Test>>> {
    match &test.kind {
        ExprKind::Binary(BinaryOp::Or, left, right) => {
            let mut groups = any_of(model, left)?;
            groups.extend(any_of(model, right)?);
            Some(groups)
        }
        ExprKind::Binary(BinaryOp::And, left, right) => {
            Some(vec![vec![comparison(model, left)?, comparison(model, right)?]])
        }
        _ => Some(vec![vec![comparison(model, test)?]]),
    }
}

fn comparison(model: &Model, test: &Expr) -> Option<Test> {
    let ExprKind::Binary(op, _, value) = &test.kind else { return None };
    Some(Test { op: *op, value: fold(model, value)? })
}

impl Table<'_> {
    /// F0902: two rows hold for one case, where only one may, or both have to say the same.
    fn twice(&self) -> Vec<Diagnostic> {
        if !matches!(self.policy, HitPolicy::Unique | HitPolicy::Any) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let earlier = self.rows.iter().enumerate().take(at);
            let clash = earlier
                .filter(|(other, _)| self.differ(*other, at))
                .find_map(|(other, first)| Some((other, cover::both(&self.axes, first, row)?)));
            let Some((other, case)) = clash else { continue };
            let case = self.case(&case);
            let (message, help) = match self.policy {
                HitPolicy::Any => (
                    format!("two rows hold for {case} and say different things"),
                    "make one of them narrower, or let both say the same; with `, first` behind the result the upper row wins",
                ),
                _ => (
                    format!("two rows hold for {case}"),
                    "make one of them narrower; with `, first` behind the result the upper row wins",
                ),
            };
            found.push(
                Diagnostic::new(&f09::OVERLAP, message, self.row_span(at))
                    .label("this row")
                    .also(self.row_span(other), "and this one")
                    .help(help),
            );
        }
        found
    }

    /// Whether it matters that both rows hold.
    fn differ(&self, one: usize, other: usize) -> bool {
        if self.policy != HitPolicy::Any {
            return true;
        }
        let result = |at: usize| self.checked.get(at).and_then(|row| fold(self.model, &row.result));
        matches!((result(one), result(other)), (Some(one), Some(other)) if one != other)
    }

    /// F0903: a row that no case comes to.
    fn in_vain(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let never = cover::gap(&self.axes, &[], Some(row), false) == Found::Nowhere;
            let above = self.rows.get(..at).unwrap_or_default();
            let hidden = !never
                && self.policy == HitPolicy::First
                && cover::gap(&self.axes, above, Some(row), false) == Found::Nowhere;
            if !never && !hidden {
                continue;
            }
            let finding = Diagnostic::new(&f09::DEAD_ROW, "this row can never hold", self.row_span(at));
            found.push(if never {
                finding.label("no value passes its tests").help("correct its tests, or leave it out")
            } else {
                let hiding = (0..at).find(|other| {
                    self.rows.get(*other).is_some_and(|other| {
                        cover::gap(&self.axes, std::slice::from_ref(other), Some(row), false) == Found::Nowhere
                    })
                });
                let finding = match hiding {
                    Some(other) => finding
                        .label("each case of it is taken by a row above")
                        .also(self.row_span(other), "this row takes them all"),
                    None => finding.label("each case of it is taken by the rows above"),
                };
                finding.help("move it up, or leave it out: of several rows that hold the upper one counts")
            });
        }
        found
    }

    /// F0901: a case that no row holds for.
    fn open(&self) -> Option<Diagnostic> {
        if self.policy == HitPolicy::Collect {
            return None;
        }
        let place = self.text.name.span;
        let gap = |case: &[usize]| {
            let message = format!("no row of `{}` holds for {}", self.text.name, self.case(case));
            Diagnostic::new(&f09::GAP, message, place)
                .label("asked this, it has no answer")
                .help("add a row for it, or a last row of `-` for everything else")
        };
        match cover::gap(&self.axes, &self.rows, None, true) {
            Found::Gap(case) => return Some(gap(&case)),
            Found::GaveUp => {
                let message = format!("`{}` is too big to be looked through for cases without a row", self.text.name);
                return Some(
                    Diagnostic::new(&f09::GAP, message, place)
                        .severity(Severity::Note)
                        .label("not proven to be without a gap")
                        .help("split it into smaller tables, or end it with a row of `-`"),
                );
            }
            Found::Nowhere => {}
        }
        match cover::gap(&self.axes, &self.rows, None, false) {
            Found::Gap(case) => Some(
                Diagnostic { severity: Severity::Warning, ..gap(&case) }
                    .also(self.row_span(self.first_unknown()), "whether this row holds is only known when it runs"),
            ),
            Found::Nowhere | Found::GaveUp => None,
        }
    }

    fn first_unknown(&self) -> usize {
        let unknown = |row: &Row| row.cells.iter().any(|cell| matches!(cell, Cell::Unknown));
        self.rows.iter().position(unknown).unwrap_or_default()
    }

    fn row_span(&self, row: usize) -> Span {
        self.checked.get(row).map_or(self.text.name.span, |row| row.span)
    }

    /// The case in words: `channel = store, dc_load = 85%`. A column that no row looks at says nothing.
    fn case(&self, pieces: &[usize]) -> String {
        let columns = self.params.iter().zip(&self.axes).zip(pieces).enumerate();
        let parts = columns.filter_map(|(column, ((param, axis), piece))| {
            let looks = |row: &Row| !matches!(row.cells.get(column), Some(Cell::Any) | None);
            let piece = axis.get(*piece).filter(|_| self.rows.iter().any(looks))?;
            Some(format!("{} = {}", param.name, axis::words(self.model, &param.ty, piece, self.in_percent(param))))
        });
        let parts: Vec<String> = parts.collect();
        if parts.is_empty() { "any case".to_owned() } else { parts.join(", ") }
    }

    /// Whether the column's numbers are written in percent.
    fn in_percent(&self, param: &Local) -> bool {
        let is_percent = |value: &ast::Expr| matches!(value.kind, ast::ExprKind::Percent(_));
        let column = self.text.inputs.iter().position(|input| input.as_str() == param.name);
        let cells = column.map(|column| self.text.rows.iter().filter_map(move |row| row.cells.get(column)));
        cells.into_iter().flatten().any(|cell| match cell {
            ast::Cell::Tests(_, tests) => tests.iter().any(|test| match test {
                ast::CellTest::Equals(value) | ast::CellTest::Compare { value, .. } => is_percent(value),
                ast::CellTest::Between { least, most } => is_percent(least) || is_percent(most),
            }),
            ast::Cell::Any(_) | ast::Cell::None(_) | ast::Cell::Bad(_) => false,
        })
    }
}
