//! Names that the author may have meant.

/// The candidate nearest to `name`, if one is near enough to be meant: at most a third of the name differs.
///
/// Among equals the first in alphabetical order wins, so the answer does not depend on the order of the candidates.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name)
        .filter_map(|candidate| {
            let distance = distance(name, candidate);
            // One edit is always near; more must leave most of the candidate as it was typed.
            let near = distance <= allowed && (distance == 1 || distance * 2 < candidate.chars().count());
            near.then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits between two names: insertions, deletions, changes and swaps of neighbours, each one; a mere difference of case counts nothing,
/// but two names that differ only in case are one apart.
pub fn distance(a: &str, b: &str) -> usize {
    if a == b {
        return 0;
    }
    let (a, b): (Vec<char>, Vec<char>) = (folded(a), folded(b));
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut a_before = None;
    for (row, &x) in a.iter().enumerate() {
        let mut current = Vec::with_capacity(b.len() + 1);
        let mut left = row + 1;
        current.push(left);
        let mut b_before = None;
        for (column, &y) in b.iter().enumerate() {
            let diagonal = cell(&last, column) + usize::from(x != y);
            let mut best = diagonal.min(cell(&last, column + 1) + 1).min(left + 1);
            if a_before == Some(y) && b_before == Some(x) {
                best =
                    best.min(column.checked_sub(1).map_or(usize::MAX, |at| cell(&before_last, at)).saturating_add(1));
            }
            current.push(best);
            left = best;
            b_before = Some(y);
        }
        before_last = std::mem::replace(&mut last, current);
        a_before = Some(x);
    }
    last.last().copied().unwrap_or(0).max(1)
}

fn cell(row: &[usize], at: usize) -> usize {
    row.get(at).copied().unwrap_or(usize::MAX / 2)
}

fn folded(name: &str) -> Vec<char> {
    name.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (a, b, edits) in [
            ("hold", "hold", 0),
            ("hold", "Hold", 1),
            ("hold", "hodl", 1),
            ("hold", "holds", 1),
            ("relase", "release", 1),
            ("hold", "card", 3),
            ("", "abc", 3),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
            assert_eq!(distance(b, a), edits, "{b} {a}");
        }
    }

    #[test]
    fn only_near_names_are_suggested() {
        let names = ["order_total", "order_lines", "hold", "id", "x"];
        for (typed, meant) in [
            ("order_totl", Some("order_total")),
            ("orderlines", Some("order_lines")),
            ("hodl", Some("hold")),
            ("payment", None),
            ("y", Some("x")),
            ("hold", None),
        ] {
            assert_eq!(nearest(typed, names), meant, "{typed}");
        }
    }

    #[test]
    fn ties_do_not_depend_on_order() {
        assert_eq!(nearest("cart", ["card", "care"]), Some("card"));
        assert_eq!(nearest("cart", ["care", "card"]), Some("card"));
    }
}
