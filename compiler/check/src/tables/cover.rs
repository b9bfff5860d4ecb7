//! Which combinations of pieces a table has no row for.

use super::{
    Row,
    axis::{Piece, holds},
};
use rustc_hash::FxHashSet;

/// Combinations that a search looks at before it gives up: far beyond any table that people read.
const LOOKS_MAX: u32 = 200_000;

/// What a search comes to.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// For each column the piece, by its number: here none of the rows holds.
    Gap(Vec<usize>),
    Nowhere,
    /// The table is too big.
    GaveUp,
}

/// Rows by their numbers.
type Rows = Vec<usize>;

/// A search over the columns, one after the other.
pub(super) struct Search<'t> {
    axes: &'t [Vec<Piece>],
    rows: &'t [Row],
    /// Only combinations that may satisfy this row.
    within: Option<&'t Row>,
    /// What a cell is taken for that isn't known.
    unknown_holds: bool,
    /// Columns and rows from which no gap was found.
    covered: FxHashSet<(usize, Rows)>,
    looks: u32,
}

/// Finds a combination for which none of the rows holds; with `within`, only among those for which that row may hold.
pub(super) fn gap(axes: &[Vec<Piece>], rows: &[Row], within: Option<&Row>, unknown_holds: bool) -> Found {
    let mut search = Search { axes, rows, within, unknown_holds, covered: FxHashSet::default(), looks: 0 };
    let mut path = Vec::with_capacity(axes.len());
    match search.from(0, (0..rows.len()).collect(), &mut path) {
        Some(true) => Found::Gap(path),
        Some(false) => Found::Nowhere,
        None => Found::GaveUp,
    }
}

impl Search<'_> {
    /// Whether there is a gap from this column on, where these rows still hold; none past the limit.
    fn from(&mut self, column: usize, left: Rows, path: &mut Vec<usize>) -> Option<bool> {
        self.looks += 1;
        if self.looks > LOOKS_MAX {
            return None;
        }
        let Some(axis) = self.axes.get(column) else { return Some(left.is_empty()) };
        if self.covered.contains(&(column, left.clone())) {
            return Some(false);
        }
        for (at, piece) in axis.iter().enumerate() {
            if let Some(cell) = self.within.and_then(|row| row.cells.get(column))
                && holds(cell, piece) == Some(false)
            {
                continue;
            }
            let stays = |row: &&usize| {
                let cell = self.rows.get(**row).and_then(|row| row.cells.get(column));
                cell.is_some_and(|cell| holds(cell, piece).unwrap_or(self.unknown_holds))
            };
            let still: Rows = left.iter().filter(stays).copied().collect();
            path.push(at);
            if self.from(column + 1, still, path)? {
                return Some(true);
            }
            path.pop();
        }
        self.covered.insert((column, left));
        Some(false)
    }
}

/// A combination for which both rows hold for certain.
pub(super) fn both(axes: &[Vec<Piece>], one: &Row, other: &Row) -> Option<Vec<usize>> {
    let columns = axes.iter().zip(one.cells.iter().zip(&other.cells));
    columns
        .map(|(axis, (one, other))| {
            axis.iter().position(|piece| holds(one, piece) == Some(true) && holds(other, piece) == Some(true))
        })
        .collect()
}
