//! The linear pass before the grammar: it decides which newlines count, cuts the file into declarations, and keeps the grammar out of
//! trouble (nesting, size, brackets and quotes without a partner).
//!
//! Its result is a text of the *same length*: comments and newlines that do not count have become blanks, so that every offset in it is
//! an offset in the file. Whatever newline is left ends a statement.

pub(crate) mod lexer;
mod lines;
pub(crate) mod repair;

use crate::ast::Doc;
use flowline_diag::{Diagnostic, FileId, Sources, Span, code::f01};
use lexer::{Token, TokenKind};
use lines::{Frame, FrameKind, Previous};

/// Blocks and brackets nest at most this deep.
pub(crate) const NESTING_MAX: usize = 64;
/// One expression has at most this many operators, fields and calls in a row.
pub(crate) const CHAIN_MAX: usize = 256;
/// A declaration has at most this many bytes.
pub(crate) const ITEM_BYTES_MAX: usize = 1024 * 1024;

/// What the pass found.
#[derive(Debug)]
pub(crate) struct Scan {
    /// As long as the file, see above.
    pub(crate) text: String,
    pub(crate) items: Vec<ItemRange>,
    /// Documentation by the offset of what it stands before, ascending.
    pub(crate) docs: Vec<(u32, Doc)>,
    pub(crate) module_doc: Option<Doc>,
    pub(crate) findings: Vec<Diagnostic>,
    /// Closing braces without a partner; where steps stand outside of a flow, they are a part of the same mistake.
    pub(crate) stray: Vec<Diagnostic>,
}

/// The bytes of one declaration or `use`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ItemRange {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Too large or too deep to be read; the finding is made.
    pub(crate) refused: bool,
}

/// Words that begin a statement and are reserved.
pub(crate) const STATEMENT_STARTERS: &[&str] = &[
    "let", "var", "do", "await", "wait", "when", "match", "attempt", "parallel", "for", "repeat", "give", "emit",
    "status", "run", "start", "fail", "stop", "ask", "predict", "govern", "point",
];

/// Words that begin a declaration.
pub(crate) const ITEM_STARTERS: &[&str] = &[
    "use",
    "id",
    "enum",
    "record",
    "error",
    "event",
    "upcast",
    "domain",
    "resource",
    "system",
    "decision",
    "fn",
    "const",
    "role",
    "calendar",
    "model",
    "metric",
    "policy",
    "invariant",
    "flow",
    "test",
    "explore",
    "migrate",
];

pub(crate) fn scan(file: FileId, text: &str) -> Scan {
    let mut scanner = Scanner::new(file, text);
    if text.len() > Sources::FILE_BYTES_MAX {
        let span = Span::new(file, 0, 0);
        let message =
            format!("this file has more than {} MiB and was not read", Sources::FILE_BYTES_MAX / (1024 * 1024));
        scanner.findings.push(Diagnostic::new(&f01::LIMIT, message, span).help("split the file into modules"));
        return scanner.finish();
    }
    while let Some(token) = lexer::next(text, scanner.at) {
        scanner.at = token.end;
        scanner.take(token);
    }
    scanner.end_of_file();
    scanner.finish()
}

#[derive(Debug)]
struct Scanner<'t> {
    file: FileId,
    text: &'t str,
    out: Vec<u8>,
    at: usize,
    /// Open brackets; the first frame is the file itself and is never closed.
    frames: Vec<Frame>,
    previous: Previous,
    /// Where newlines before the next token lie.
    gap: Option<usize>,
    /// Offset of the line being read.
    line_start: usize,
    /// Its first sign behind blanks: a line may be long, and is asked for that often.
    line_words: usize,
    item: Option<ItemState>,
    items: Vec<ItemRange>,
    docs: Vec<(u32, Doc)>,
    pending_doc: Option<DocLines>,
    module_doc: Option<DocLines>,
    findings: Vec<Diagnostic>,
    stray: Vec<Diagnostic>,
    /// Habits that were told of: which finding speaks for all of a kind, and how often it was seen.
    told: Vec<(Habit, usize, usize)>,
}

/// What people do throughout a file once they do it: told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    Semicolon,
    Invisible,
    Quotes,
    Remark,
}

#[derive(Debug, Clone, Copy)]
struct ItemState {
    start: usize,
    refused: bool,
    /// The brace whose partner is missing, judged by indentation.
    suspect: Option<usize>,
}

#[derive(Debug)]
struct DocLines {
    start: usize,
    end: usize,
    text: String,
}

impl DocLines {
    fn into_doc(self, file: FileId) -> Doc {
        Doc { span: span(file, self.start, self.end), text: self.text.into() }
    }
}

impl<'t> Scanner<'t> {
    fn new(file: FileId, text: &'t str) -> Self {
        Self {
            file,
            text,
            out: text.as_bytes().to_vec(),
            at: 0,
            frames: vec![Frame::new(FrameKind::File, 0, 0)],
            previous: Previous::Start,
            gap: None,
            line_start: 0,
            line_words: words_of_line(text, 0),
            item: None,
            items: Vec::new(),
            docs: Vec::new(),
            pending_doc: None,
            module_doc: None,
            findings: Vec::new(),
            stray: Vec::new(),
            told: Vec::new(),
        }
    }

    fn take(&mut self, token: Token) {
        match token.kind {
            TokenKind::Newline => {
                self.gap.get_or_insert(token.start);
                self.line_start = token.end;
                self.line_words = words_of_line(self.text, token.end);
            }
            TokenKind::Comment => self.comment(token),
            TokenKind::Foreign if repair::is_remark(self.slice(token)) => self.repair_remark(token),
            TokenKind::Word
            | TokenKind::Number
            | TokenKind::Text { .. }
            | TokenKind::Open(_)
            | TokenKind::Close(_)
            | TokenKind::Sign
            | TokenKind::Foreign => self.significant(token),
        }
    }

    fn comment(&mut self, token: Token) {
        let Some(comment) = self.text.get(token.start..token.end) else { return };
        self.blank(token.start, token.end);
        let (doc, words) = if let Some(words) = comment.strip_prefix("//!") {
            (&mut self.module_doc, words)
        } else if let Some(words) = comment.strip_prefix("///").filter(|rest| !rest.starts_with('/')) {
            (&mut self.pending_doc, words)
        } else {
            return;
        };
        let words = words.strip_prefix(' ').unwrap_or(words).trim_end();
        match doc {
            Some(doc) => {
                doc.text.push('\n');
                doc.text.push_str(words);
                doc.end = token.end;
            }
            None => *doc = Some(DocLines { start: token.start, end: token.end, text: words.to_owned() }),
        }
    }

    fn significant(&mut self, token: Token) {
        if self.breaks_out(token) {
            self.end_item(self.gap.unwrap_or(token.start));
        }
        if let Some(gap) = self.gap {
            self.repair_braces(token, gap);
        }
        if let Some(gap) = self.gap.take() {
            if self.continues(token) {
                self.blank_newlines(gap, token.start);
            } else {
                self.frame().end_statement();
                self.previous = Previous::Start;
                if self.frames.len() == 1 {
                    self.end_item(gap);
                }
            }
        }
        if self.item.is_none() {
            self.item = Some(ItemState { start: token.start, refused: false, suspect: None });
        }
        if let Some(doc) = self.pending_doc.take() {
            self.docs.push((narrow(token.start), doc.into_doc(self.file)));
        }
        match token.kind {
            TokenKind::Open(bracket) => self.open(token, bracket),
            TokenKind::Close(bracket) => self.close(token, bracket),
            TokenKind::Text { closed } => {
                if !closed {
                    self.repair_text(token);
                }
                self.previous = Previous::Other;
            }
            TokenKind::Foreign => self.repair_foreign(token),
            TokenKind::Word => self.word(token),
            TokenKind::Sign => self.sign(token),
            TokenKind::Number | TokenKind::Newline | TokenKind::Comment => self.previous = Previous::Other,
        }
    }

    /// A declaration that begins at the left edge while a block is open: that block was never closed.
    fn breaks_out(&self, token: Token) -> bool {
        self.frames.len() > 1
            && self.gap.is_some()
            && token.kind == TokenKind::Word
            && token.start == self.line_start
            && ITEM_STARTERS.contains(&self.slice(token))
            && self.text.get(token.end..).is_some_and(|rest| {
                let next = rest.trim_start_matches([' ', '\t']);
                next.len() < rest.len() && next.starts_with(|c: char| c.is_ascii_alphabetic() || c == '"')
            })
    }

    fn open(&mut self, token: Token, bracket: u8) {
        let kind = if bracket == b'{' { self.brace_kind() } else { FrameKind::Bracket };
        if self.frames.len() > NESTING_MAX {
            let message = format!("blocks and brackets are nested more than {NESTING_MAX} deep");
            self.refuse(token, message, "give a part a name of its own: a `fn`, a `decision` or a sub-flow");
        }
        let mut frame = Frame::new(kind, token.start, self.indent());
        frame.in_table = false;
        self.frames.push(frame);
        self.previous = Previous::Open;
    }

    fn close(&mut self, token: Token, bracket: u8) {
        if bracket == b'}' {
            while self.frames.len() > 1 && self.frame().kind == FrameKind::Bracket {
                self.frames.pop();
            }
        }
        let matches = self.frames.len() > 1 && ((bracket == b'}') != (self.frame().kind == FrameKind::Bracket));
        if !matches {
            if bracket == b'}' {
                let span = span(self.file, token.start, token.end);
                self.stray.push(Diagnostic::new(&f01::UNEXPECTED, "this `}` closes nothing", span).maybe_fix(
                    "remove it",
                    span,
                    "",
                ));
                self.blank(token.start, token.end);
                if self.item.is_some_and(|item| item.start == token.start) {
                    self.item = None;
                }
            }
            self.previous = Previous::Other;
            return;
        }
        let first_on_line = token.start <= self.line_words;
        let indent = self.indent();
        if let Some(frame) = self.frames.pop() {
            if first_on_line
                && bracket == b'}'
                && indent < frame.indent
                && let Some(item) = &mut self.item
            {
                item.suspect.get_or_insert(frame.start);
            }
            self.frame().closed(frame.kind);
        }
        self.previous = Previous::Close;
    }

    fn end_of_file(&mut self) {
        let end = self.gap.take().unwrap_or(self.text.len());
        self.end_item(end);
    }

    /// Closes the declaration that is being read; blocks that are still open in it are reported once.
    fn end_item(&mut self, end: usize) {
        let open = self
            .frames
            .iter()
            .rev()
            .find(|frame| frame.kind != FrameKind::Bracket && frame.kind != FrameKind::File)
            .map(|f| f.start);
        self.frames.truncate(1);
        self.frame().end_statement();
        self.previous = Previous::Start;
        let Some(item) = self.item.take() else { return };
        if let Some(open) = open {
            let at = item.suspect.unwrap_or(open);
            let span = span(self.file, at, at + 1);
            let finding = Diagnostic::new(&f01::UNCLOSED, "this block is never closed", span)
                .label("no `}` belongs to this")
                .help("put a `}` where its steps end");
            self.findings.push(finding);
        }
        let too_long = end.saturating_sub(item.start) > ITEM_BYTES_MAX;
        if too_long {
            let span = span(self.file, item.start, item.start);
            let message = format!("this declaration has more than {} KiB and was not read", ITEM_BYTES_MAX / 1024);
            self.findings.push(Diagnostic::new(&f01::LIMIT, message, span).help("split it into several"));
        }
        self.items.push(ItemRange { start: item.start, end, refused: item.refused || too_long });
    }

    /// Gives the declaration up with a finding, once.
    fn refuse(&mut self, token: Token, message: String, help: &str) {
        let Some(item) = &mut self.item else { return };
        if !item.refused {
            item.refused = true;
            let span = span(self.file, token.start, token.end);
            self.findings.push(Diagnostic::new(&f01::LIMIT, message, span).help(help));
        }
    }

    fn finish(self) -> Scan {
        let file = self.file;
        Scan {
            // INVARIANT: only whole characters are replaced, and only by ASCII.
            text: String::from_utf8(self.out).expect("whole characters are replaced by ASCII"),
            items: self.items,
            docs: self.docs,
            module_doc: self.module_doc.map(|doc| doc.into_doc(file)),
            findings: self.findings,
            stray: self.stray,
        }
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the file's own frame is never closed")
    }

    fn slice(&self, token: Token) -> &'t str {
        self.text.get(token.start..token.end).unwrap_or("")
    }

    /// Blanks in front of the line's first sign.
    fn indent(&self) -> usize {
        self.line_words - self.line_start
    }

    fn blank(&mut self, start: usize, end: usize) {
        if let Some(bytes) = self.out.get_mut(start..end) {
            bytes.fill(b' ');
        }
    }

    fn blank_newlines(&mut self, start: usize, end: usize) {
        if let Some(bytes) = self.out.get_mut(start..end) {
            bytes.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
        }
    }
}

/// Where the blanks end that a line begins with.
fn words_of_line(text: &str, start: usize) -> usize {
    let blanks = text.bytes().skip(start).take_while(|byte| matches!(byte, b' ' | b'\t'));
    start + blanks.count()
}

pub(crate) fn span(file: FileId, start: usize, end: usize) -> Span {
    Span::new(file, narrow(start), narrow(end))
}

/// Offsets fit: larger files are refused.
fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
