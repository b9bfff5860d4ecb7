//! A file of CloudEvents, read line by line: what is sound goes on, what isn't is set aside with the reason.
use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use flowline_core::hash128;
use flowline_engine::{Cursor, EventIn, Origin};
use flowline_plan::{Bundle, ConstEnv, EventDef, TypeId, TypeKind, Value, eval_bool, json::JsonReader};
use serde_json::{Value as Json, json};

use crate::exit::Failure;

/// The longest line.
pub(crate) const LINE_BYTES_MAX: usize = 1 << 20;
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

/// A line set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reject {
    /// From 1.
    pub(crate) line: u64,
    pub(crate) reason: String,
    pub(crate) text: String,
}

/// The file and how far it was read.
#[derive(Debug)]
pub(crate) struct EventFile {
    path: PathBuf,
    reader: BufReader<File>,
    /// After the last line that was read.
    pub(crate) cursor: Cursor,
}

impl EventFile {
    /// Opens the file where a cursor says, if the cursor is of this file.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(crate) fn open(path: &Path, from: Option<&Cursor>) -> Result<Self, Failure> {
        let unreadable = |cause| Failure::misuse(format!("can't read the events in `{}`: {cause}", path.display()));
        let mut file = File::open(path).map_err(unreadable)?;
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(4_096).read_to_end(&mut head).map_err(unreadable)?;
        let id = hash128("events", &[&head]);
        let cursor = match from {
            Some(cursor) if cursor.file == id => cursor.clone(),
            Some(_) | None => Cursor { file: id, ..Cursor::default() },
        };
        file.seek(SeekFrom::Start(cursor.offset)).map_err(unreadable)?;
        Ok(Self { path: path.to_owned(), reader: BufReader::with_capacity(1 << 18, file), cursor })
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
        let unreadable =
            |cause| Failure::fault(format!("reading the events in `{}` failed: {cause}", self.path.display()));
        let mut bytes = Vec::new();
        let limit = LINE_BYTES_MAX as u64 + 1;
        let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut bytes).map_err(unreadable)?;
        if read == 0 {
            return Ok(None);
        }
        self.cursor.offset += read as u64;
        self.cursor.lines += 1;
        let line = self.cursor.lines;
        let whole = bytes.last() == Some(&b'\n');
        if !whole && read as u64 == limit {
            self.cursor.offset += skip_line(&mut self.reader).map_err(unreadable)?;
            let reason = format!("the line is longer than {LINE_BYTES_MAX} bytes");
            return Ok(Some(Line::Bad(self.reject(line, reason, &bytes))));
        }
        let text = bytes.trim_ascii();
        if text.is_empty() {
            return Ok(Some(Line::Blank));
        }
        Ok(Some(match event_of(bundle, text) {
            Ok((event, time)) => Line::Event { event, time },
            Err(reason) => Line::Bad(self.reject(line, reason, text)),
        }))
    }

    fn reject(&mut self, line: u64, reason: String, text: &[u8]) -> Reject {
        self.cursor.rejected += 1;
        let kept = text.get(..KEPT_BYTES_MAX).unwrap_or(text);
        Reject { line, reason, text: String::from_utf8_lossy(kept).into_owned() }
    }
}

/// Reads on to the end of a line without keeping it; how many bytes that were.
fn skip_line(reader: &mut impl BufRead) -> std::io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(skipped);
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |at| at + 1);
        skipped += used as u64;
        reader.consume(used);
        if end.is_some() {
            return Ok(skipped);
        }
    }
}

/// A CloudEvent in structured JSON, checked against its schema.
fn event_of(bundle: &Bundle, text: &[u8]) -> Result<(EventIn, i64), String> {
    let json: Json = serde_json::from_slice(text).map_err(|cause| format!("not JSON: {cause}"))?;
    let Json::Object(fields) = &json else { return Err("not a JSON object".to_owned()) };
    let field = |name: &str| match fields.get(name) {
        Some(Json::String(text)) if !text.is_empty() => Ok(text.as_str()),
        Some(_) => Err(format!("`{name}` must be a text that isn't empty")),
        None => Err(format!("`{name}` is missing")),
    };
    let version = field("specversion")?;
    if version != "1.0" {
        return Err(format!("`specversion` is `{version}`, this version of flowline reads CloudEvents 1.0"));
    }
    let (source, id, name) = (field("source")?, field("id")?, field("type")?);
    let time = field("time")?;
    let time: jiff::Timestamp =
        time.parse().map_err(|_| format!("`time` is `{time}`, not an RFC 3339 time such as 2026-06-01T09:12:00Z"))?;
    let (event, def) = event_named(bundle, name)?;
    let data = fields.get("data").ok_or("`data` is missing")?;
    let mut check = |code: &flowline_plan::Code, value: &Value| {
        let env = ConstEnv { bundle, now: time.as_millisecond() };
        eval_bool(&env, code, std::slice::from_ref(value))
    };
    let value = JsonReader::new(bundle, &mut check)
        .read_fields(&def.fields, data)
        .map_err(|error| format!("`data` doesn't fit `{name}`: {error}"))?;
    let event = EventIn { source: source.to_owned(), id: id.to_owned(), event, value, origin: Origin::Outside };
    Ok((event, time.as_millisecond()))
}

fn event_named<'b>(bundle: &'b Bundle, name: &str) -> Result<(TypeId, &'b EventDef), String> {
    let mut near = None;
    for (at, ty) in bundle.types.iter().enumerate() {
        let TypeKind::Event(event) = &ty.kind else { continue };
        if event.full_type() == name {
            return Ok((TypeId::from(at), event));
        }
        if name.strip_prefix(&event.ce_type).is_some_and(|rest| rest.is_empty() || rest.starts_with(".v")) {
            near = Some(event.full_type());
        }
    }
    Err(match near {
        Some(ours) => format!("no schema for `{name}`; the flows speak `{ours}`"),
        None => format!("no event has the type `{name}`"),
    })
}

/// The lines set aside: `DATA/rejected.ndjson`.
#[derive(Debug)]
pub(crate) struct Rejected {
    path: PathBuf,
    file: Option<File>,
}

impl Rejected {
    /// Opens the file and keeps its first `kept` lines, or all: what a crash left behind the journal is set aside again.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) fn open(data: &Path, kept: Option<u64>) -> Result<Self, Failure> {
        let path = data.join("rejected.ndjson");
        let unwritable = |cause| Failure::fault(format!("can't write `{}`: {cause}", path.display()));
        if let Some(kept) = kept
            && let Ok(file) = File::options().read(true).write(true).open(&path)
        {
            let mut reader = BufReader::new(&file);
            let mut length = 0;
            for _ in 0..kept {
                length += skip_line(&mut reader).map_err(unwritable)?;
            }
            file.set_len(length).map_err(unwritable)?;
        }
        Ok(Self { path, file: None })
    }

    /// Sets lines aside.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) fn add(&mut self, rejects: &[Reject]) -> Result<(), Failure> {
        let unwritable = |cause| Failure::fault(format!("can't write `{}`: {cause}", self.path.display()));
        if rejects.is_empty() {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = File::options().create(true).append(true).open(&self.path).map_err(unwritable)?;
                self.file.insert(file)
            }
        };
        let mut text = String::new();
        for reject in rejects {
            let Reject { line, reason, text: kept } = reject;
            text.push_str(&json!({ "line": line, "reason": reason, "text": kept }).to_string());
            text.push('\n');
        }
        file.write_all(text.as_bytes()).and_then(|()| file.sync_data()).map_err(unwritable)
    }
}
