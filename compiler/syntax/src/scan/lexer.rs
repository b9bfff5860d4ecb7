//! Cuts text into tokens, coarse ones: enough to see lines, words and brackets.

/// Bytes `start..end`, never empty, on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Newline,
    /// `//` to the end of the line.
    Comment,
    Word,
    /// Digits, with a fraction.
    Number,
    /// `"…"`; not closed where the line ends first.
    Text {
        closed: bool,
    },
    /// `(`, `[` or `{`
    Open(u8),
    Close(u8),
    /// An operator or mark.
    Sign,
    /// A character that no sound text has outside of texts and comments.
    Foreign,
}

/// Signs of more than one byte, the longest first.
const SIGNS: &[&str] = &["===", "!==", "=>", "->", "==", "!=", "<=", ">=", "??", "?.", "..", "||", "&&", ":=", "<>"];

/// The token at or behind `at`; blanks are skipped.
pub(crate) fn next(text: &str, at: usize) -> Option<Token> {
    let rest = text.get(at..)?;
    let trimmed = rest.trim_start_matches([' ', '\t', '\r']);
    let start = at + (rest.len() - trimmed.len());
    let first = trimmed.chars().next()?;
    let (kind, len) = match first {
        '\n' => (TokenKind::Newline, 1),
        '"' => text_token(trimmed),
        '(' | '[' | '{' => (TokenKind::Open(byte(first)), 1),
        ')' | ']' | '}' => (TokenKind::Close(byte(first)), 1),
        '/' if trimmed.starts_with("//") => (TokenKind::Comment, line_len(trimmed)),
        'a'..='z' | 'A'..='Z' | '_' => {
            (TokenKind::Word, prefix_len(trimmed, |b| b.is_ascii_alphanumeric() || b == b'_'))
        }
        '0'..='9' => (TokenKind::Number, number_len(trimmed)),
        ';' | '\'' | '“' | '”' | '„' | '‘' | '’' => (TokenKind::Foreign, first.len_utf8()),
        _ if is_invisible(first) => (TokenKind::Foreign, first.len_utf8()),
        '#' => (TokenKind::Foreign, line_len(trimmed)),
        '-' if is_foreign_remark(text, start) => (TokenKind::Foreign, line_len(trimmed)),
        // One that never ends takes all the rest, so that it is looked for once.
        '/' if trimmed.starts_with("/*") => {
            (TokenKind::Foreign, trimmed.find("*/").map_or(trimmed.len(), |end| end + 2))
        }
        _ => match SIGNS.iter().find(|sign| trimmed.starts_with(**sign)) {
            Some(sign) => (TokenKind::Sign, sign.len()),
            None => (TokenKind::Sign, first.len_utf8()),
        },
    };
    Some(Token { kind, start, end: start + len })
}

/// A mark of byte order, a blank that does not break, or another sign that nobody sees.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{feff}' | '\u{a0}' | '\u{ad}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}' | '\u{3000}')
}

/// `--` as a remark begins in SQL: with blanks around it.
fn is_foreign_remark(text: &str, at: usize) -> bool {
    let is_blank = |c: char| c.is_ascii_whitespace();
    text.get(at..)
        .and_then(|rest| rest.strip_prefix("--"))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(is_blank))
        && text.get(..at).is_some_and(|before| before.is_empty() || before.ends_with(is_blank))
}

/// Up to the closing quote, or to the end of the line.
fn text_token(rest: &str) -> (TokenKind, usize) {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            b'\n' => return (TokenKind::Text { closed: false }, at),
            b'"' if !escaped => return (TokenKind::Text { closed: true }, at + 1),
            _ => escaped = byte == b'\\' && !escaped,
        }
    }
    (TokenKind::Text { closed: false }, rest.len())
}

fn number_len(rest: &str) -> usize {
    let digits = |text: &str| prefix_len(text, |b| b.is_ascii_digit());
    let whole = digits(rest);
    match rest.get(whole..).and_then(|behind| behind.strip_prefix('.')) {
        Some(fraction) if fraction.starts_with(|c: char| c.is_ascii_digit()) => whole + 1 + digits(fraction),
        Some(_) | None => whole,
    }
}

fn line_len(rest: &str) -> usize {
    prefix_len(rest, |b| b != b'\n')
}

fn prefix_len(text: &str, belongs: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| belongs(*byte)).count()
}

/// Brackets are ASCII.
fn byte(c: char) -> u8 {
    u8::try_from(c).unwrap_or(b' ')
}
