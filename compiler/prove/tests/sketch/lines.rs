//! Indented lines as a tree.

#[derive(Debug, Clone)]
pub(super) struct Line {
    /// From 1.
    pub(super) no: u32,
    pub(super) text: String,
    pub(super) inside: Vec<Line>,
}

pub(super) fn parse(text: &str) -> Vec<Line> {
    let lines: Vec<(u32, usize, &str)> = (1u32..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(no, line)| (no, line.len() - line.trim_start().len(), line.trim()))
        .collect();
    block(&lines)
}

fn block(lines: &[(u32, usize, &str)]) -> Vec<Line> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let (no, indent, text) = lines[at];
        let inside = lines[at + 1..].iter().take_while(|(_, deeper, _)| *deeper > indent).count();
        found.push(Line { no, text: text.to_owned(), inside: block(&lines[at + 1..at + 1 + inside]) });
        at += 1 + inside;
    }
    found
}
