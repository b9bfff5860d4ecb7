//! A file of CloudEvents, read line by line: what is sound goes on, what isn't is set aside with the reason.
mod cloud_event;
mod rejected;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use flowline_core::hash128;
use flowline_engine::{Cursor, EventIn};
use flowline_plan::Bundle;

use crate::exit::Failure;

pub(crate) use rejected::{Reject, Rejected};

/// The longest line.
const LINE_BYTES_MAX: usize = 1 << 20;
/// What of a line is kept with the reason why it was set aside.
const KEPT_BYTES_MAX: usize = 4_096;

/// One line of the file.
#[derive(Debug)]
pub(crate) enum Line {
    /// An event and its time, ms UTC.
    Event { event: EventIn, time: i64 },
    /// A line that isn't one.
    Bad(Reject),
    /// Nothing on it.
    Blank,
}

/// The file and how far it was read.
#[derive(Debug)]
pub(crate) struct EventFile {
    path: PathBuf,
    reader: BufReader<File>,
    /// After the last line that was read. Its `file` is a hash of all lines up to there.
    pub(crate) cursor: Cursor,
}

impl EventFile {
    /// Opens the file where a cursor says, if the file up to there is what was read then. So a file that has grown goes on
    /// behind what was read, and one that was mended is read anew; events that came before are known by their ids.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(crate) fn open(path: &Path, from: Option<&Cursor>) -> Result<Self, Failure> {
        let unreadable = |cause| Failure::misuse(format!("can't read the events in `{}`: {cause}", path.display()));
        let file = File::open(path).map_err(unreadable)?;
        if !file.metadata().map_err(unreadable)?.is_file() {
            return Err(Failure::misuse(format!(
                "`{}` is no plain file: events are read more than once, and again after a kill; write them to a file first",
                path.display()
            )));
        }
        let mut events =
            Self { path: path.to_owned(), reader: BufReader::with_capacity(1 << 18, file), cursor: Cursor::default() };
        if let Some(from) = from {
            while events.cursor.offset < from.offset && events.line().map_err(unreadable)?.is_some() {}
            if events.cursor.offset == from.offset && events.cursor.file == from.file {
                events.cursor = from.clone();
            } else {
                events.cursor = Cursor::default();
                events.reader.seek(SeekFrom::Start(0)).map_err(unreadable)?;
            }
        }
        Ok(events)
    }

    /// Bytes of the whole file, for progress.
    pub(crate) fn len(&self) -> u64 {
        self.reader.get_ref().metadata().map_or(0, |meta| meta.len())
    }

    /// The next line; none at the end.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(crate) fn next(&mut self, bundle: &Bundle) -> Result<Option<Line>, Failure> {
        let found = self.line().map_err(|cause| Failure::of_io("read the events in", self.path.display(), &cause))?;
        let Some((bytes, whole)) = found else { return Ok(None) };
        let bytes = if self.cursor.lines == 1 { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes) } else { &bytes };
        let text = bytes.trim_ascii();
        if !whole {
            let reason = format!("the line is longer than {LINE_BYTES_MAX} bytes; send what is large by reference");
            return Ok(Some(Line::Bad(self.reject(reason, text))));
        }
        if text.is_empty() {
            return Ok(Some(Line::Blank));
        }
        Ok(Some(match cloud_event::read(bundle, text) {
            Ok((event, time)) => Line::Event { event, time },
            Err(reason) => Line::Bad(self.reject(reason, text)),
        }))
    }

    /// Moves over a line. Of one that is too long only the beginning is kept, and it is said not to be whole.
    fn line(&mut self) -> io::Result<Option<(Vec<u8>, bool)>> {
        let mut bytes = Vec::new();
        let limit = LINE_BYTES_MAX as u64 + 1;
        let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut bytes)? as u64;
        if read == 0 {
            return Ok(None);
        }
        let mut file = hash128("events", &[&self.cursor.file.to_be_bytes(), &bytes]);
        let whole = bytes.last() == Some(&b'\n') || read < limit;
        let mut rest = 0;
        if !whole {
            rest = skip_line(&mut self.reader, |part| file = hash128("events", &[&file.to_be_bytes(), part]))?;
        }
        self.cursor.file = file;
        self.cursor.offset += read + rest;
        self.cursor.lines += 1;
        Ok(Some((bytes, whole)))
    }

    fn reject(&mut self, reason: String, text: &[u8]) -> Reject {
        self.cursor.rejected += 1;
        let kept = text.get(..KEPT_BYTES_MAX).unwrap_or(text);
        Reject { line: self.cursor.lines, reason, text: String::from_utf8_lossy(kept).into_owned() }
    }
}

/// Reads on to the end of a line without keeping it; how many bytes that were.
fn skip_line(reader: &mut impl BufRead, mut seen: impl FnMut(&[u8])) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |at| at + 1);
        if used == 0 {
            return Ok(skipped);
        }
        seen(buffer.get(..used).unwrap_or_default());
        skipped += used as u64;
        reader.consume(used);
        if end.is_some() {
            return Ok(skipped);
        }
    }
}
