//! The texts that a compilation has read, and places in them.

use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// Names a source file: its position in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct FileId(u32);

/// A half-open range of bytes in one file. Twelve bytes, so it is passed by value everywhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Span {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

/// A line and a column, both counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct LineCol {
    pub line: u32,
    pub column: u32,
}

/// What a column counts: readers differ, and this is the only thing they differ about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Unicode scalar values, as people count.
    Chars,
    /// UTF-16 code units, as editors count.
    Utf16,
    /// Bytes of UTF-8.
    Bytes,
}

/// Owns every file that was read, so that a diagnostic needs only spans.
#[derive(Debug, Default, Clone)]
pub struct Sources {
    files: Vec<Source>,
}

#[derive(Debug, Clone)]
struct Source {
    path: Arc<str>,
    text: Arc<str>,
    /// Byte offsets at which lines begin, the first of them 0.
    line_starts: Arc<[u32]>,
}

impl FileId {
    /// The id of the file at this position; a position that [`Sources`] does not have reads as an empty file.
    pub const fn from_index(index: u32) -> Self {
        Self(index)
    }

    pub const fn index(self) -> u32 {
        self.0
    }
}

/// Short, because trees are full of spans: the bytes alone.
impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

impl Span {
    pub const fn new(file: FileId, start: u32, end: u32) -> Self {
        Self { file, start, end }
    }

    /// The empty span at the start of this one.
    #[must_use]
    pub const fn at_start(self) -> Self {
        Self { end: self.start, ..self }
    }

    /// The empty span at the end of this one.
    #[must_use]
    pub const fn at_end(self) -> Self {
        Self { start: self.end, ..self }
    }

    /// The smallest span that covers both. Both must lie in one file; otherwise it is the first.
    #[must_use]
    pub fn to(self, other: Span) -> Self {
        if self.file != other.file {
            return self;
        }
        Self { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Whether the byte at `offset` (or the cursor behind the last byte) belongs to this span.
    pub const fn touches(self, offset: u32) -> bool {
        self.start <= offset && offset <= self.end
    }
}

impl Sources {
    /// Files of more bytes than this are refused by the parser; spans could not address them.
    pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

    /// Takes a file in and names it. The path is what readers will see.
    pub fn add(&mut self, path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> FileId {
        let text: Arc<str> = text.into();
        let line_starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| narrow(at + 1)))
            .collect();
        let id = FileId(narrow(self.files.len()));
        self.files.push(Source { path: path.into(), text, line_starts });
        id
    }

    pub fn path(&self, file: FileId) -> &str {
        self.get(file).map_or("", |source| &source.path)
    }

    pub fn text(&self, file: FileId) -> &str {
        self.get(file).map_or("", |source| &source.text)
    }

    /// All files in the order in which they were added.
    pub fn files(&self) -> impl Iterator<Item = FileId> {
        (0..narrow(self.files.len())).map(FileId)
    }

    /// The text under a span; empty where the span does not fit the file.
    pub fn slice(&self, span: Span) -> &str {
        self.text(span.file).get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// Where an offset lies, its column counted in `unit`. Offsets behind the end count as the end.
    pub fn line_col(&self, file: FileId, offset: u32, unit: Unit) -> LineCol {
        let Some(source) = self.get(file) else { return LineCol { line: 1, column: 1 } };
        let offset = offset.min(narrow(source.text.len()));
        let line = source.line_starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|at| source.line_starts.get(at)).copied().unwrap_or(0);
        let before = floor_slice(&source.text, start as usize, offset as usize);
        let column = match unit {
            Unit::Chars => before.chars().count(),
            Unit::Utf16 => before.encode_utf16().count(),
            Unit::Bytes => before.len(),
        };
        LineCol { line: narrow(line), column: narrow(column + 1) }
    }

    /// The bytes of a line, counted from zero, with its end; none where the file has no such line.
    pub fn line_range(&self, file: FileId, line: usize) -> Option<std::ops::Range<usize>> {
        let source = self.get(file)?;
        let start = *source.line_starts.get(line)?;
        let end = source.line_starts.get(line + 1).map_or(source.text.len(), |next| *next as usize);
        Some(start as usize..end)
    }

    fn get(&self, file: FileId) -> Option<&Source> {
        self.files.get(file.0 as usize)
    }
}

/// The text between two offsets, the end moved back to a character boundary where it lies inside a character.
fn floor_slice(text: &str, start: usize, end: usize) -> &str {
    (start..=end).rev().find_map(|end| text.get(start..end)).unwrap_or("")
}

/// Offsets and counts stay below [`Sources::FILE_BYTES_MAX`]; what does not is cut to the largest that fits.
fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_as_each_reader_counts() {
        let mut sources = Sources::default();
        let file = sources.add("a.flow", "one\n// é😀 x\nlast");
        let at = sources.text(file).find('x').unwrap() as u32;
        for (unit, column) in [(Unit::Chars, 7), (Unit::Utf16, 8), (Unit::Bytes, 11)] {
            assert_eq!(sources.line_col(file, at, unit), LineCol { line: 2, column });
        }
        assert_eq!(sources.line_col(file, 9999, Unit::Chars), LineCol { line: 3, column: 5 });
        assert_eq!(sources.line_col(file, 0, Unit::Chars), LineCol { line: 1, column: 1 });
        assert_eq!(sources.line_col(file, 4, Unit::Chars), LineCol { line: 2, column: 1 });
    }

    #[test]
    fn an_offset_inside_a_character_counts_as_its_start() {
        let mut sources = Sources::default();
        let file = sources.add("a.flow", "é!");
        assert_eq!(sources.line_col(file, 1, Unit::Chars), LineCol { line: 1, column: 1 });
    }

    #[test]
    fn an_unknown_file_reads_as_empty() {
        let sources = Sources::default();
        let span = Span::new(FileId::from_index(7), 3, 9);
        assert_eq!((sources.path(span.file), sources.slice(span)), ("", ""));
    }

    #[test]
    fn spans_join_within_one_file() {
        let (a, b) = (FileId::from_index(0), FileId::from_index(1));
        assert_eq!(Span::new(a, 4, 6).to(Span::new(a, 1, 2)), Span::new(a, 1, 6));
        assert_eq!(Span::new(a, 4, 6).to(Span::new(b, 1, 2)), Span::new(a, 4, 6));
    }
}
