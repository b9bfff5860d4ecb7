//! Names that people wrote, and the one they may have meant.

/// The name among `known` that is closest to `written`, where one is close enough to be meant.
pub(crate) fn closest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = written.chars().count().div_ceil(3).max(1);
    let near = known.map(|name| (distance(&written.to_lowercase(), &name.to_lowercase()), name));
    near.filter(|(far, _)| *far <= limit).min().map(|(_, name)| name)
}

/// How many letters have to be changed, added or left out.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut next = vec![line + 1];
        for (other, pair) in to.iter().zip(row.windows(2)) {
            let (Some(diagonal), Some(above), Some(left)) = (pair.first(), pair.last(), next.last()) else { break };
            next.push((diagonal + usize::from(letter != *other)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
