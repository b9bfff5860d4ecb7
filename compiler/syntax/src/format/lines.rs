//! The lines of a file as tokens.
use crate::scan::Scan;
use crate::scan::lexer::{self, TokenKind};

use super::marks::Marks;

/// A piece of text that is written as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'t> {
    pub(super) kind: TokenKind,
    pub(super) start: usize,
    pub(super) text: &'t str,
}

/// A line of the file; blank ones are told by the line behind them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Line<'t> {
    pub(super) words: Vec<Word<'t>>,
    pub(super) comment: Option<Comment<'t>>,
    /// A blank line stands before it.
    pub(super) after_blank: bool,
    /// It goes on with the statement of the line before.
    pub(super) continues: bool,
}

/// A comment, and the column at which it stands, in characters from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Comment<'t> {
    pub(super) text: &'t str,
    pub(super) column: usize,
}

impl Line<'_> {
    fn is_blank(&self) -> bool {
        self.words.is_empty() && self.comment.is_none()
    }
}

/// Cuts a file into lines.
pub(super) fn lines<'t>(text: &'t str, scan: &Scan, marks: &Marks) -> Vec<Line<'t>> {
    let mut lines = Vec::new();
    let mut line = Line::default();
    let (mut line_start, mut at) = (0, 0);
    while let Some(token) = lexer::next(text, at) {
        let end = marks.atoms.get(&token.start).copied().unwrap_or(token.end);
        at = end;
        let word = text.get(token.start..end).unwrap_or_default();
        match token.kind {
            TokenKind::Newline => {
                let ends = scan.text.get(token.start..token.end) == Some("\n");
                let next = Line { after_blank: line.is_blank(), continues: !ends, ..Line::default() };
                let done = std::mem::replace(&mut line, next);
                if done.is_blank() {
                    line.continues &= done.continues;
                } else {
                    lines.push(done);
                }
                line_start = token.end;
            }
            TokenKind::Comment => {
                let column = text.get(line_start..token.start).unwrap_or_default().chars().count();
                line.comment = Some(Comment { text: word.trim_end(), column });
            }
            TokenKind::Word
            | TokenKind::Number
            | TokenKind::Text { .. }
            | TokenKind::Open(_)
            | TokenKind::Close(_)
            | TokenKind::Sign
            | TokenKind::Foreign => line.words.push(Word { kind: token.kind, start: token.start, text: word }),
        }
    }
    if !line.is_blank() {
        lines.push(line);
    }
    lines
}

/// Words that go on behind the brace of a block.
const BEHIND_A_BLOCK: [&str; 5] = ["on", "after", "too", "meanwhile", "else"];

/// A handler or an `else` stands behind the brace of the block before it, if that has a line of its own.
pub(super) fn join_handlers(lines: Vec<Line<'_>>) -> Vec<Line<'_>> {
    let mut joined: Vec<Line<'_>> = Vec::with_capacity(lines.len());
    for line in lines {
        let goes_on = line.continues && line.words.first().is_some_and(|first| BEHIND_A_BLOCK.contains(&first.text));
        let block = joined.last_mut().filter(|last| {
            goes_on && last.comment.is_none() && matches!(last.words.as_slice(), [only] if only.text == "}")
        });
        match block {
            Some(block) => {
                block.words.extend(line.words);
                block.comment = line.comment;
            }
            None => joined.push(line),
        }
    }
    joined
}
