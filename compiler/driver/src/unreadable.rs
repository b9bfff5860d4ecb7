//! Files that are no text: each is a finding at the place where it can't be read, and the rest of the project is checked.
use std::{fs, io, path::Path};

use flowline_diag::{Diagnostic, FileId, Sources, Span, code::f01};

/// A file of the project that can't be read as a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub path: String,
    pub module: String,
    /// What can be shown of it: as much as is sound, and the rest as it was probably meant. Empty where it is no text at all.
    pub text: String,
    pub problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The first letter that isn't UTF-8, as an offset in the text that is shown.
    NotUtf8 {
        at: usize,
    },
    /// Every letter has two bytes.
    Utf16,
    /// No text: a picture, a program, something packed.
    Binary,
    TooLarge {
        found: u64,
        max: u64,
    },
    /// Not a file: a folder, a pipe.
    NoFile,
    Cause(String),
}

/// Reads a flow's file; a byte-order mark of UTF-8 is no mistake.
pub(crate) fn read(path: &Path, max: u64) -> Result<String, (String, Problem)> {
    let cause = |cause: io::Error| (String::new(), Problem::Cause(cause.to_string()));
    let meta = fs::metadata(path).map_err(cause)?;
    // A pipe would be waited for, for ever.
    if !meta.is_file() {
        return Err((String::new(), Problem::NoFile));
    }
    if meta.len() > max {
        return Err((String::new(), Problem::TooLarge { found: meta.len(), max }));
    }
    decode(fs::read(path).map_err(cause)?)
}

fn decode(bytes: Vec<u8>) -> Result<String, (String, Problem)> {
    let error = match String::from_utf8(bytes) {
        // A sound flow holds no zero byte; a text of UTF-16 without its mark does.
        Ok(text) if text.contains('\0') => return Err((String::new(), Problem::Binary)),
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    let sound = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    if let Some(text) = utf16(bytes) {
        return Err((text, Problem::Utf16));
    }
    if bytes.contains(&0) {
        return Err((String::new(), Problem::Binary));
    }
    let (head, rest) = bytes.split_at(sound);
    // Each byte of Windows-1252 is nearly the letter of that number.
    let text =
        String::from_utf8_lossy(head).into_owned() + &rest.iter().map(|byte| char::from(*byte)).collect::<String>();
    Err((text, Problem::NotUtf8 { at: sound }))
}

/// The text behind a byte-order mark of UTF-16.
fn utf16(bytes: &[u8]) -> Option<String> {
    let (is_little, rest) = match bytes {
        [0xff, 0xfe, rest @ ..] => (true, rest),
        [0xfe, 0xff, rest @ ..] => (false, rest),
        _ => return None,
    };
    let unit = |pair: &[u8; 2]| if is_little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) };
    let units: Vec<u16> = rest.as_chunks::<2>().0.iter().map(unit).collect();
    Some(String::from_utf16_lossy(&units))
}

impl Unreadable {
    /// The finding, once the file is a source.
    pub(crate) fn finding(&self, file: FileId, sources: &Sources) -> Diagnostic {
        let at = |offset: usize| u32::try_from(offset).unwrap_or(0);
        let start = Span::new(file, 0, 0);
        let found = |message: String, span, help: &str| Diagnostic::new(&f01::NO_TEXT, message, span).help(help);
        let save = "save it as UTF-8: most editors ask for the encoding under \u{201c}Save as\u{201d}, and remember it";
        match &self.problem {
            Problem::NotUtf8 { at: offset } => {
                let letter = sources.text(file).get(*offset..).and_then(|rest| rest.chars().next()).unwrap_or('?');
                let span = Span::new(file, at(*offset), at(offset + letter.len_utf8()));
                let message = "this file isn't UTF-8: from here on its letters have another encoding".to_owned();
                let shown = if letter.is_control() { "not UTF-8".to_owned() } else { format!("probably `{letter}`") };
                found(message, span, save).label(shown)
            }
            Problem::Utf16 => found("this file is UTF-16, not UTF-8".to_owned(), start, save),
            Problem::Binary => {
                let help = "a .flow file holds text; take this one out of the project, or write it again";
                found("this file is no text".to_owned(), start, help)
            }
            Problem::TooLarge { found: size, max } => {
                let message = format!("this file has {size} bytes, a .flow file has at most {max}");
                Diagnostic::new(&f01::LIMIT, message, start).help("split it into modules")
            }
            Problem::NoFile => {
                let help = "only files with text end with `.flow`; give it another name";
                found("this is no file".to_owned(), start, help)
            }
            Problem::Cause(cause) => {
                let help = "make it readable for this account, or take it out of the project";
                found(format!("this file can't be read: {cause}"), start, help)
            }
        }
    }
}
