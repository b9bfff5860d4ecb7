//! Columns: rows that stand below each other begin their parts at the same place.
use std::collections::HashMap;

use super::lines::Line;
use super::marks::{Marks, Row};

/// A part that would be pushed further than this leaves its whole column as it is.
const PUSH_MAX: usize = 24;

/// Blanks in front of tokens beyond what their gap has, by the token's offset.
pub(super) fn columns(
    lines: &[Line<'_>],
    marks: &Marks,
    gap: impl Fn(&Line<'_>, usize) -> usize,
) -> HashMap<usize, usize> {
    let starts: Vec<usize> = lines.iter().filter_map(|line| Some(line.words.first()?.start)).collect();
    // Where a line begins, and which line an offset lies on; lines of comments count too.
    let numbers: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| !line.words.is_empty()).map(|(at, _)| at).collect();
    let line_of = |offset: usize| {
        let behind = starts.partition_point(|start| *start <= offset);
        numbers.get(behind.checked_sub(1)?).copied()
    };
    let mut pads = HashMap::new();
    let mut run: Vec<(&Row, usize)> = Vec::new();
    for row in &marks.rows {
        let Some(line) = line_of(row.start).filter(|_| starts.binary_search(&row.start).is_ok()) else { continue };
        let follows = run.last().is_some_and(|(last, _)| {
            let ends = line_of(last.end.saturating_sub(1));
            last.group == row.group
                && ends.is_some_and(|ends| ends + 1 == line)
                && lines.get(line).is_some_and(|line| !line.after_blank)
        });
        if !follows {
            align(&run, lines, &gap, &mut pads);
            run.clear();
        }
        run.push((row, line));
    }
    align(&run, lines, &gap, &mut pads);
    pads
}

fn align(
    run: &[(&Row, usize)],
    lines: &[Line<'_>],
    gap: &impl Fn(&Line<'_>, usize) -> usize,
    pads: &mut HashMap<usize, usize>,
) {
    if run.len() < 2 {
        return;
    }
    let columns = run.iter().map(|(row, _)| row.cells.len()).max().unwrap_or(0);
    for column in 0..columns {
        let parts: Vec<(usize, usize)> = run
            .iter()
            .filter_map(|(row, line)| {
                let cell = row.cells.get(column).copied().flatten()?;
                Some((cell, width_before(lines.get(*line)?, cell, gap, pads)?))
            })
            .collect();
        let widest = parts.iter().map(|(_, width)| *width).max().unwrap_or(0);
        let narrowest = parts.iter().map(|(_, width)| *width).min().unwrap_or(0);
        if widest - narrowest <= PUSH_MAX {
            pads.extend(parts.into_iter().map(|(cell, width)| (cell, widest - width)));
        }
    }
}

/// Characters of a line before a token, without its indentation; none where the token stands on another line.
fn width_before(
    line: &Line<'_>,
    cell: usize,
    gap: &impl Fn(&Line<'_>, usize) -> usize,
    pads: &HashMap<usize, usize>,
) -> Option<usize> {
    let mut width = 0;
    for (at, word) in line.words.iter().enumerate() {
        if word.start == cell {
            return Some(width + gap(line, at));
        }
        width += gap(line, at) + pads.get(&word.start).copied().unwrap_or(0) + word.text.chars().count();
    }
    None
}
