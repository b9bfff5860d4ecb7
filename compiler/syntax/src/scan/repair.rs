//! Signs of other languages and quotes without a partner: reported by name, and mended so that the statement around them is still read.

use super::Habit;
use super::lexer::is_invisible;
use super::lexer::{Token, TokenKind};
use super::lines::{Frame, FrameKind, HANDLER_WORDS, Previous};
use super::{STATEMENT_STARTERS, Scanner, span};
use flowline_diag::{Diagnostic, Edit, Fix, code::f01};

impl Scanner<'_> {
    /// A handler's brace that was forgotten: the one before it, which closes the attempt, or the one that opens it. It is
    /// put in where the line ends, so that the rest is read as it was meant.
    pub(super) fn repair_braces(&mut self, token: Token, gap: usize) {
        if token.kind != TokenKind::Word {
            return;
        }
        let (word, indent) = (self.slice(token), self.indent());
        let starts_handler = HANDLER_WORDS.contains(&word) && self.is_before_operand(token);
        let head_indent = self.text.get(..gap).map_or(0, |before| {
            let line = before.rsplit('\n').next().unwrap_or("");
            line.len() - line.trim_start_matches([' ', '\t']).len()
        });
        let previous_may_end = matches!(self.previous, Previous::Other | Previous::UpperWord { .. });
        let frame = self.frame();
        let (kind, opened) = (frame.kind, frame.start);
        if matches!(kind, FrameKind::AttemptBody | FrameKind::HandlerBody) && starts_handler && indent <= frame.indent {
            let at = span(self.file, opened, opened + 1);
            let finding = Diagnostic::new(&f01::UNCLOSED, "this block is never closed", at)
                .label("no `}` belongs to this")
                .also(span(self.file, token.start, token.end), "a `}` is missing before this");
            let before = span(self.file, token.start, token.start);
            self.findings.push(finding.maybe_fix(format!("put a `}}` before `{word}`"), before, "} "));
            self.put(gap, b'}');
            self.frames.pop();
            self.frame().closed(kind);
            self.previous = Previous::Close;
        } else if frame.in_handler && previous_may_end && indent > head_indent && STATEMENT_STARTERS.contains(&word) {
            self.frame().in_handler = false;
            let at = span(self.file, gap, gap);
            let finding = Diagnostic::new(&f01::UNEXPECTED, "the line ends too early, expected `{`", at)
                .help("what is done stands in a block: `{ … }`");
            self.findings.push(finding.maybe_fix("put a `{` there", at, " {"));
            self.put(gap, b'{');
            self.frames.push(Frame::new(FrameKind::HandlerBody, gap, 0));
            self.previous = Previous::Open;
        }
    }

    /// Writes a brace over the newline at `gap`.
    fn put(&mut self, gap: usize, brace: u8) {
        if let Some(byte) = self.out.get_mut(gap) {
            *byte = brace;
        }
    }

    /// Closes a text that the line's end cuts off: before the brackets and commas at the end of the line, which the author meant as such.
    pub(super) fn repair_text(&mut self, token: Token) {
        let text = self.slice(token);
        let at = span(self.file, token.start, token.end);
        let kept = text.trim_end_matches(['\r', ' ', '\t', ')', ']', '}', ',']);
        let close = token.start + kept.len();
        let finding = Diagnostic::new(&f01::UNCLOSED, "this text is never closed", at)
            .label("expected `\"` before the end of the line");
        let insert = flowline_diag::Span::new(at.file, at.start + narrow(kept.len()), at.start + narrow(kept.len()));
        self.findings.push(finding.maybe_fix("close the text", insert, "\""));
        // The last character of the text gives its place to the quote.
        if let Some(last) = kept.chars().next_back().filter(|_| kept.len() > 1) {
            self.blank(close - last.len_utf8(), close);
            if let Some(byte) = self.out.get_mut(close - last.len_utf8()) {
                *byte = b'"';
            }
        } else {
            self.blank(token.start, close);
        }
        // What was cut off the text is read again.
        self.at = close;
    }

    /// Semicolons and the quotes of word processors.
    pub(super) fn repair_foreign(&mut self, token: Token) {
        let sign = self.slice(token);
        let at = span(self.file, token.start, token.end);
        let first = sign.chars().next().unwrap_or(' ');
        let finding = |message: &str| Diagnostic::new(&f01::FOREIGN, message.to_owned(), at);
        match first {
            ';' if self.is_in_spreadsheet_if() => self.put(token.start, b','),
            ';' if self.frame().kind == FrameKind::Bracket => {
                let finding = finding("values in brackets are parted by `,`, not by `;`");
                self.habit(Habit::Semicolon, finding.fix("replace with `,`", at, ","));
                self.put(token.start, b',');
            }
            ';' => {
                let finding = finding("a statement ends with its line, without `;`");
                self.habit(Habit::Semicolon, finding.fix("remove the `;`", at, ""));
                self.blank(token.start, token.end);
            }
            _ if is_invisible(first) => {
                // The mark of byte order at the start of a file is an encoding's, not the author's.
                if first != '\u{feff}' || token.start > 0 {
                    let finding = finding("an invisible sign stands here, where a plain blank is due");
                    self.habit(Habit::Invisible, finding.fix("write a plain blank", at, " "));
                }
                self.blank(token.start, token.end);
                if self.item.is_some_and(|item| item.start == token.start) {
                    self.item = None;
                }
            }
            _ => self.repair_quotes(token, first),
        }
    }

    /// A remark as it begins elsewhere: `#`, `--`, `/* … */`.
    pub(super) fn repair_remark(&mut self, token: Token) {
        let remark = self.slice(token);
        let signs = REMARKS.into_iter().find(|signs| remark.starts_with(signs)).unwrap_or("#");
        let at = span(self.file, token.start, token.start + signs.len());
        let finding = Diagnostic::new(&f01::FOREIGN, format!("a remark begins with `//`, not with `{signs}`"), at);
        let finding = finding.label("write `//`");
        let finding = if signs != "/*" {
            finding.fix("replace with `//`", at, "//")
        } else if remark.contains('\n') {
            finding.help("write `//` before each line of it")
        } else {
            let end = span(self.file, token.end - if remark.ends_with("*/") { 2 } else { 0 }, token.end);
            let ends =
                self.text.get(token.end..).is_some_and(|rest| rest.split('\n').next().unwrap_or("").trim().is_empty());
            let edits = [(at, "//"), (end, "")].map(|(span, text)| Edit { span, text: text.to_owned() });
            finding.fix_with(Fix { title: "replace with `//`".to_owned(), edits: edits.into(), safe: ends })
        };
        self.habit(Habit::Remark, finding);
        let mut at = token.start;
        for line in remark.split_inclusive('\n') {
            let words = line.trim_end_matches('\n');
            self.blank(at, at + words.len());
            at += line.len();
            if words.len() < line.len() {
                self.gap.get_or_insert(at - 1);
                self.line_start = at;
            }
        }
    }

    /// Whether the innermost bracket is that of `IF(`: in a spreadsheet its parts are parted by `;`. What is to be said of it,
    /// its name says.
    fn is_in_spreadsheet_if(&mut self) -> bool {
        let opened = self.frame().start;
        let before = self.text.get(..opened).unwrap_or("").trim_end();
        let word = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
        self.frame().kind == FrameKind::Bracket && is_spreadsheet_if(word)
    }

    /// Makes a finding of a habit; or, where it was made before in this file, lets that one speak for this place too.
    fn habit(&mut self, habit: Habit, finding: Diagnostic) {
        let known = self.told.iter_mut().find(|(known, _, _)| *known == habit);
        let Some((_, first, seen)) = known else {
            self.told.push((habit, self.findings.len(), 1));
            self.findings.push(finding);
            return;
        };
        // Where one place needs another treatment, it speaks for itself.
        let told = self.findings.get_mut(*first);
        let (Some(told), Some(fix)) = (told, finding.fix.clone()) else { return self.findings.push(finding) };
        match &mut told.fix {
            Some(whole) if whole.safe == fix.safe && told.message == finding.message => {
                whole.edits.extend(fix.edits);
                *seen += 1;
                let more = if *seen == 2 { "once more".to_owned() } else { format!("{} more times", *seen - 1) };
                told.help = Some(format!("it stands {more} in this file; `check --fix` mends all of them"));
            }
            _ => self.findings.push(finding),
        }
    }

    /// `“text”` and `'text'`: both quotes become ours, and one finding with one fix speaks for both.
    fn repair_quotes(&mut self, token: Token, first: char) {
        let rest = self.text.get(token.end..).unwrap_or("");
        // Not further than needed: a line may have many quotes.
        let mut line = rest.char_indices().take_while(|(_, c)| *c != '\n');
        let partner = line.find(|(_, c)| matches!(c, '"' | '“' | '”' | '„' | '‘' | '’' | '\''));
        let at = span(self.file, token.start, token.end);
        let mut edits = vec![Edit { span: at, text: "\"".to_owned() }];
        if let Some((offset, quote)) = partner {
            let start = token.end + offset;
            let end = start + quote.len_utf8();
            edits.push(Edit { span: span(self.file, start, end), text: "\"".to_owned() });
            for (from, to) in [(token.start, token.end), (start, end)] {
                self.blank(from, to);
            }
            // A quote of several bytes gives its first place to ours: whatever begins there begins at a character.
            for at in [start, token.start] {
                if let Some(byte) = self.out.get_mut(at) {
                    *byte = b'"';
                }
            }
            self.at = end;
        }
        let message = format!("`{first}` is not a quote of this language");
        let fix = Fix { title: "write `\"`".to_owned(), edits, safe: partner.is_some() };
        self.habit(Habit::Quotes, Diagnostic::new(&f01::FOREIGN, message, at).label("write `\"`").fix_with(fix));
        self.previous = Previous::Other;
        debug_assert!(token.kind == TokenKind::Foreign, "only foreign signs are repaired here");
    }
}

/// How remarks begin in other languages.
const REMARKS: [&str; 3] = ["/*", "--", "#"];

/// Whether a foreign sign begins a remark.
pub(super) fn is_remark(sign: &str) -> bool {
    REMARKS.iter().any(|signs| sign.starts_with(signs))
}

/// `IF`, and what it is called in a German spreadsheet.
pub(crate) fn is_spreadsheet_if(word: &str) -> bool {
    ["IF", "If", "WENN", "Wenn"].contains(&word)
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
