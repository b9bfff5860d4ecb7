//! Reading records: in order over all segments, or one by its position.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::format::{RECORD_BYTES_MIN, RawRecord, segment_name};
use crate::recover::{SegmentInfo, first_seq, list, segments_dir};
use crate::scan::{Found, Scan, Tail};
use crate::{JournalError, Position, Record, Records, Stored};

/// The records of a data folder that nobody has open, from `from_seq` on; 0 means from the oldest kept.
///
/// Holds one group in memory at a time. Ends before a torn tail; changes nothing on disk.
///
/// # Errors
/// `Removed` if the oldest record is later than `from_seq`, `Io`, `Damaged`; items may also be `Unknown`.
pub fn read(data: &Path, from_seq: u64) -> Result<Records, JournalError> {
    let dir = segments_dir(data);
    let mut segments = Vec::new();
    for number in list(&dir)? {
        // An unsound header is for the scan to judge, which reads the segments in order.
        let first_seq = first_seq(&dir, number)?.unwrap_or(u64::MAX);
        segments.push(SegmentInfo { number, first_seq });
    }
    Ok(Box::new(FileRecords::new(dir, segments, from_seq, None)?))
}

/// One record of a data folder by its position.
///
/// # Errors
/// `NoRecord` if nothing lies there, `Damaged` if its checksum fails, `Unknown` for what a later build wrote, `Io`.
pub fn read_at(data: &Path, position: Position) -> Result<Record, JournalError> {
    let path = segments_dir(data).join(segment_name(position.segment));
    let file = File::open(&path).map_err(|cause| missing(position, &path, cause))?;
    record_at(&file, &path, position)
}

pub(crate) fn missing(position: Position, path: &Path, cause: io::Error) -> JournalError {
    if cause.kind() == io::ErrorKind::NotFound {
        return no_record(position);
    }
    JournalError::io("open", path)(cause)
}

/// Most records come with one read.
const FIRST_READ_BYTES: usize = 1024;

pub(crate) fn record_at(file: &File, path: &Path, position: Position) -> Result<Record, JournalError> {
    let Position { segment, offset } = position;
    let read = |bytes| read_up_to(file, offset.into(), bytes).map_err(JournalError::io("read", path));
    let mut bytes = read(FIRST_READ_BYTES)?;
    let length = RawRecord::bytes(&bytes).ok_or_else(|| no_record(position))? as usize;
    if length < RECORD_BYTES_MIN || length as u64 > crate::GROUP_BYTES_MAX {
        return Err(no_record(position));
    }
    if length > bytes.len() {
        bytes = read(length)?;
    }
    let raw = bytes.get(..length).and_then(RawRecord::decode).ok_or_else(|| JournalError::Damaged {
        segment,
        offset: offset.into(),
        record: None,
        what: "the record at this position fails its checksum, or none begins there".to_owned(),
    })?;
    raw.to_record().map_err(|what| JournalError::Unknown { what, seq: raw.seq, segment, offset: offset.into() })
}

fn no_record(position: Position) -> JournalError {
    JournalError::NoRecord { segment: position.segment, offset: position.offset }
}

/// At most `bytes` from `offset` on, fewer at the end of the file.
pub(crate) fn read_up_to(file: &File, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; bytes];
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

/// Streams over segments.
#[derive(Debug)]
pub(crate) struct FileRecords {
    dir: PathBuf,
    from_seq: u64,
    /// The highest seq to read, if the journal is open: what lies beyond is on its way and not to be looked at.
    durable: Option<u64>,
    segments: std::vec::IntoIter<SegmentInfo>,
    scan: Option<Scan>,
    next_seq: Option<u64>,
    group: std::vec::IntoIter<Stored>,
    ended: bool,
}

impl FileRecords {
    pub(crate) fn new(
        dir: PathBuf,
        segments: Vec<SegmentInfo>,
        from_seq: u64,
        durable: Option<u64>,
    ) -> Result<FileRecords, JournalError> {
        if let Some(first) = segments.first()
            && from_seq != 0
            && from_seq < first.first_seq
            && first.first_seq != u64::MAX
        {
            return Err(JournalError::Removed { from_seq, first_seq: first.first_seq });
        }
        // The segment with `from_seq` is the last one that does not begin after it.
        let skip = segments.iter().skip(1).take_while(|segment| segment.first_seq <= from_seq).count();
        let segments = segments.into_iter().skip(skip).collect::<Vec<_>>().into_iter();
        let group = Vec::new().into_iter();
        Ok(FileRecords { dir, from_seq, durable, segments, scan: None, next_seq: None, group, ended: false })
    }

    /// Reads the next group with a record that is wanted; false at the end.
    fn advance(&mut self) -> Result<bool, JournalError> {
        loop {
            if self.next_seq.is_some_and(|next| self.durable.is_some_and(|durable| next > durable)) {
                return Ok(false);
            }
            let Some(scan) = &mut self.scan else {
                let Some(segment) = self.segments.next() else { return Ok(false) };
                let last = self.segments.as_slice().is_empty() && self.durable.is_none();
                let tail = if last { Tail::MayBeTorn } else { Tail::Sound };
                match Scan::open(&self.dir, segment.number, self.next_seq, tail)? {
                    Found::Sound(scan) => {
                        self.next_seq = Some(scan.next_seq);
                        self.scan = Some(scan);
                    }
                    Found::Torn(_) | Found::End => return Ok(false),
                }
                continue;
            };
            match scan.next_group()? {
                Found::Sound(_) => {
                    self.next_seq = Some(scan.next_seq);
                    if scan.next_seq > self.from_seq {
                        self.group = scan.records(self.from_seq)?.into_iter();
                        return Ok(true);
                    }
                }
                Found::Torn(_) => return Ok(false),
                Found::End => self.scan = None,
            }
        }
    }
}

impl Iterator for FileRecords {
    type Item = Result<Stored, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(stored) = self.group.next() {
                return Some(Ok(stored));
            }
            if self.ended {
                return None;
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
    }
}
