//! Indentation, gaps and blank lines.
use std::collections::HashSet;

use flowline_diag::FileId;

use super::align;
use super::lines::{Comment, Line, Word, join_handlers, lines};
use super::marks::Marks;
use crate::scan::{self, Scan, lexer::TokenKind};

/// Blanks for each step inward.
const STEP: usize = 2;
/// Clauses of an op stand below its name.
const OP_STEP: usize = 3;

/// Lays a sound file out.
pub(super) fn lay_out(file: FileId, text: &str) -> String {
    let scan = scan::scan(file, text);
    let marks = Marks::of(&scan);
    let lines = join_handlers(lines(text, &scan, &marks));
    let pads = align::columns(&lines, &marks, |line, at| gap(&marks, line, at));
    let mut writer = Writer {
        marks: &marks,
        scan: &scan,
        frames: vec![Frame::new(0)],
        out: String::with_capacity(text.len() + text.len() / 8),
        waiting: Vec::new(),
        item_ended: None,
        after_open: true,
        after_comma: false,
    };
    for line in &lines {
        writer.line(line, |word| pads.get(&word.start).copied().unwrap_or(0));
    }
    writer.comments(0);
    writer.out
}

/// What is open.
#[derive(Debug)]
struct Frame {
    /// Indentation of the line that opened it.
    opened_at: usize,
    /// Indentation of what stands inside.
    inside: usize,
    kind: Inside,
    /// Indentation of the statement being read, and how far its further lines are set in.
    statement: usize,
    step: usize,
    /// The statement is a flow: between its head and its body stand clauses.
    is_flow: bool,
}

/// What a bracket holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Lines that each end something.
    Statements,
    /// Parts with commas between.
    List,
    /// A part of an expression: every line is as good as another.
    Expression,
}

impl Frame {
    fn new(inside: usize) -> Self {
        Self { opened_at: 0, inside, kind: Inside::Statements, statement: inside, step: STEP, is_flow: false }
    }
}

struct Writer<'m, 't> {
    marks: &'m Marks,
    scan: &'m Scan,
    frames: Vec<Frame>,
    out: String,
    /// Comments that stand on lines of their own: they are set in like the line behind them.
    waiting: Vec<(Comment<'t>, bool)>,
    /// The declaration before has ended; whether it has several lines, and whether it is a `use`.
    item_ended: Option<(bool, bool)>,
    /// No blank line stands at the start of a file or behind an opening brace.
    after_open: bool,
    /// The last line ended with a comma.
    after_comma: bool,
}

impl<'t> Writer<'_, 't> {
    fn line(&mut self, line: &Line<'t>, pad: impl Fn(&Word<'t>) -> usize) {
        let Some(first) = line.words.first() else {
            if let Some(comment) = line.comment {
                self.waiting.push((comment, line.after_blank));
            }
            return;
        };
        let closes = matches!(first.kind, TokenKind::Close(_));
        let indent = self.indent(line, first);
        let mut blank = line.after_blank;
        if self.frames.len() == 1 && !line.continues && !closes {
            blank = self.between_items(first, blank);
        }
        let inside = self.frame().inside;
        self.comments(if closes { inside } else { indent });
        if blank && !closes && !self.after_open {
            self.out.push('\n');
        }
        self.after_open = false;
        self.out.extend(std::iter::repeat_n(' ', indent));
        let mut width = indent;
        for (at, word) in line.words.iter().enumerate() {
            let blanks = gap(self.marks, line, at) + pad(word);
            self.out.extend(std::iter::repeat_n(' ', blanks));
            self.out.push_str(word.text);
            width += blanks + word.text.chars().count();
            self.bracket(word, indent);
        }
        if let Some(comment) = line.comment {
            let blanks = comment.column.checked_sub(width).filter(|blanks| *blanks > 0).unwrap_or(2);
            self.out.extend(std::iter::repeat_n(' ', blanks));
            self.out.push_str(comment.text);
        }
        self.out.push('\n');
        self.after_open = line.words.last().is_some_and(|last| matches!(last.kind, TokenKind::Open(_)));
        self.after_comma = line.words.last().is_some_and(|last| last.text == ",");
        if self.frames.len() == 1 {
            let item = self.item_of(first.start);
            self.item_ended = item.or(self.item_ended);
        }
    }

    /// How far a line is set in; notes where its statement begins.
    fn indent(&mut self, line: &Line<'_>, first: &Word<'_>) -> usize {
        if let TokenKind::Close(_) = first.kind {
            return self.frame().opened_at;
        }
        let is = |marked: &HashSet<usize>| marked.contains(&first.start);
        let (at_the_edge, is_clause) = (is(&self.marks.at_the_edge), is(&self.marks.clauses));
        let (is_op, is_flow) = (is(&self.marks.ops), is(&self.marks.flows));
        let after_comma = self.after_comma;
        let frame = self.frame();
        if frame.kind == Inside::Expression || frame.kind == Inside::List && after_comma {
            return frame.inside;
        }
        if !line.continues {
            (frame.statement, frame.step) = (frame.inside, if is_op { OP_STEP } else { STEP });
            frame.is_flow = is_flow;
            return frame.inside;
        }
        if at_the_edge {
            return frame.statement;
        }
        // What goes on with a clause is set in behind the clauses.
        let step = if frame.is_flow && !is_clause { 2 * frame.step } else { frame.step };
        frame.statement + step
    }

    fn bracket(&mut self, word: &Word<'_>, indent: usize) {
        match word.kind {
            TokenKind::Open(bracket) => {
                let opened_at =
                    if self.marks.at_the_edge.contains(&word.start) { self.frame().statement } else { indent };
                let kind = match bracket {
                    b'{' if self.marks.lists.contains(&word.start) => Inside::List,
                    b'{' => Inside::Statements,
                    _ => Inside::Expression,
                };
                self.frames.push(Frame { opened_at, kind, ..Frame::new(opened_at + STEP) });
            }
            TokenKind::Close(_) if self.frames.len() > 1 => _ = self.frames.pop(),
            TokenKind::Close(_)
            | TokenKind::Newline
            | TokenKind::Comment
            | TokenKind::Word
            | TokenKind::Number
            | TokenKind::Text { .. }
            | TokenKind::Sign
            | TokenKind::Foreign => {}
        }
    }

    /// Declarations of several lines have a blank line around them, and so has the block of `use`s.
    fn between_items(&mut self, first: &Word<'_>, blank: bool) -> bool {
        let Some((long_before, use_before)) = self.item_ended.take() else { return blank };
        let Some((long, is_use)) = self.item_of(first.start) else { return blank };
        let apart = if use_before && is_use { false } else { long_before || long || use_before };
        if !apart || blank || self.waiting.iter().any(|(_, after_blank)| *after_blank) {
            return blank;
        }
        match self.waiting.first_mut() {
            Some((_, after_blank)) => {
                *after_blank = true;
                false
            }
            None => true,
        }
    }

    /// Of the declaration that has this offset in it: whether it has several lines, whether it is a `use`.
    fn item_of(&self, offset: usize) -> Option<(bool, bool)> {
        let behind = self.scan.items.partition_point(|item| item.start <= offset);
        let item = self.scan.items.get(behind.checked_sub(1)?)?;
        let text = self.scan.text.get(item.start..item.end)?.trim_end();
        let is_use = text.strip_prefix("use").is_some_and(|rest| rest.starts_with([' ', '\t']));
        Some((text.contains('\n'), is_use))
    }

    /// Writes the comments that wait.
    fn comments(&mut self, indent: usize) {
        for (comment, blank) in std::mem::take(&mut self.waiting) {
            if blank && !self.after_open {
                self.out.push('\n');
            }
            self.after_open = false;
            self.out.extend(std::iter::repeat_n(' ', indent));
            self.out.push_str(comment.text);
            self.out.push('\n');
        }
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the file's own frame is never closed")
    }
}

/// Blanks between a word of a line and the one before it.
fn gap(marks: &Marks, line: &Line<'_>, at: usize) -> usize {
    let (Some(word), Some(before)) = (line.words.get(at), at.checked_sub(1).and_then(|at| line.words.get(at))) else {
        return 0;
    };
    let touches = marks.touching.contains(&word.start)
        || matches!(word.text, "," | ":" | "." | "?." | ".." | ")" | "]" | "%")
        || matches!(before.text, "." | "?." | ".." | "(" | "[" | "@");
    if !touches && marks.apart.contains(&word.start) && !matches!(before.text, "," | "{") {
        return 2;
    }
    usize::from(!touches)
}
