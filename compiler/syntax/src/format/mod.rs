//! The one layout of a `.flow` file: indentation, gaps, columns, blank lines.
//!
//! Where lines break is the author's to say; everything else follows from the tree. Comments stay where they stand. A file that
//! can't be read is left alone, and what comes out is compared with what went in: the same words, the same comments, the same ends of
//! statements, or nothing is changed.

mod align;
mod layout;
mod lines;
mod marks;

use flowline_diag::{FileId, Sources};

use crate::parse;
use crate::scan::{self, lexer};
use lexer::TokenKind;

/// Why a file keeps its layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    #[error("it has mistakes that `check` tells; nothing was changed")]
    Broken,
    #[error("internal fault: its new layout would change {0}; nothing was changed; please report it")]
    Unsound(&'static str),
}

/// The text in its one layout. Laying out twice changes nothing more.
///
/// # Errors
/// [`FormatError::Broken`] when the text can't be read without findings.
pub fn format(text: &str) -> Result<String, FormatError> {
    let file = Sources::default().add("", "");
    if !parse(file, text).diagnostics.is_empty() {
        return Err(FormatError::Broken);
    }
    let before = Meaning::of(file, text);
    let laid_out = layout::lay_out(file, text);
    let after = Meaning::of(file, &laid_out);
    if before.words != after.words {
        return Err(FormatError::Unsound("its words"));
    }
    if before.comments != after.comments {
        return Err(FormatError::Unsound("its comments"));
    }
    Ok(laid_out)
}

/// What no layout may change.
#[derive(Debug, PartialEq, Eq)]
struct Meaning {
    /// Tokens, and where statements end.
    words: Vec<String>,
    comments: Vec<String>,
}

impl Meaning {
    fn of(file: FileId, text: &str) -> Self {
        let normal = scan::scan(file, text).text;
        let (mut words, mut comments) = (Vec::new(), Vec::new());
        let mut at = 0;
        while let Some(token) = lexer::next(text, at) {
            at = token.end;
            let word = text.get(token.start..token.end).unwrap_or_default();
            match token.kind {
                TokenKind::Comment => comments.push(word.trim_end().to_owned()),
                TokenKind::Newline => {
                    // What is left of it ends a statement; several are as good as one.
                    let ends = normal.get(token.start..token.end) == Some("\n");
                    if ends && words.last().is_some_and(|last| last != "\n") {
                        words.push("\n".to_owned());
                    }
                }
                TokenKind::Word
                | TokenKind::Number
                | TokenKind::Text { .. }
                | TokenKind::Open(_)
                | TokenKind::Close(_)
                | TokenKind::Sign
                | TokenKind::Foreign => words.push(word.to_owned()),
            }
        }
        if words.last().is_some_and(|last| last == "\n") {
            words.pop();
        }
        Self { words, comments }
    }
}
