//! Reads a segment group by group, and decides what a group is that cannot be read.
//!
//! The writer has at most one write on its way, which is one group, and begins the next only after an `fdatasync`. So a
//! crash leaves at most one unsound group: at the very end of the last segment, with nothing behind it. Everything
//! behind an unsound group proves that it was acknowledged once; then it is *damaged*, and the start must stop.
//!
//! An unsound group at the very end is a *torn tail*, which may be cut because it was never acknowledged, if it bears
//! the mark of a crash:
//!
//! - it is shorter than its (sound) header says, or shorter than a header: the write did not get that far; or
//! - one of its 512-byte sectors, as far as it lies in the group, is all zeros: the length of the file became durable
//!   before the contents, and file systems give zeros for what was never written.
//!
//! Otherwise all of it was written and something has changed since: that is damage too, since the group may have been
//! acknowledged. Two cases stay that nobody can tell from a torn tail: the last group cut short from outside, and a bit
//! flipped in a last group that holds a whole sector of zeros of its own. Both are reported as cuts, never silent.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::format::{
    FORMAT_VERSION, GROUP_HEADER_BYTES, GROUP_MAGIC, GROUP_VERSION, GroupHeader, RECORD_BYTES_MIN, RawRecord,
    SEGMENT_HEADER_BYTES, SegmentHeader, group_is_sound, segment_name,
};
use crate::{JournalError, Position, Stored};

const SECTOR_BYTES: u64 = 512;

/// An unacknowledged group at the end of the journal that a crash has left unfinished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TornTail {
    pub segment: u32,
    /// Where the sound part ends; 0 if even the header of the segment was unfinished.
    pub offset: u64,
    /// From there to the end of the file.
    pub bytes: u64,
}

/// What may end unfinished: only the last segment of a journal that nobody has open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    Sound,
    MayBeTorn,
}

#[derive(Debug)]
pub(crate) enum Found<T> {
    Sound(T),
    Torn(TornTail),
    End,
}

/// A segment that is being read, from its first group on.
#[derive(Debug)]
pub(crate) struct Scan {
    file: File,
    path: std::path::PathBuf,
    segment: u32,
    bytes: u64,
    tail: Tail,
    pub(crate) offset: u64,
    pub(crate) next_seq: u64,
    /// The group that was read last.
    group: Vec<u8>,
}

impl Scan {
    /// Opens a segment and checks its header. `next_seq` is what it must begin with, if that is known.
    pub(crate) fn open(
        dir: &Path,
        segment: u32,
        next_seq: Option<u64>,
        tail: Tail,
    ) -> Result<Found<Scan>, JournalError> {
        let path = dir.join(segment_name(segment));
        let file = File::open(&path).map_err(JournalError::io("open", &path))?;
        let bytes = file.metadata().map_err(JournalError::io("read", &path))?.len();
        let mut scan =
            Scan { file, path, segment, bytes, tail, offset: 0, next_seq: next_seq.unwrap_or(1), group: Vec::new() };
        let header_bytes = SEGMENT_HEADER_BYTES as u64;
        let start = scan.bytes_at(0, bytes.min(header_bytes))?;
        let Some(header) = SegmentHeader::decode(&start) else {
            let unfinished = bytes < header_bytes || (bytes == header_bytes && all_zero(&start));
            // Without the segment before it nobody can tell where the seqs go on.
            if unfinished && tail == Tail::MayBeTorn && (next_seq.is_some() || segment == 1) {
                return Ok(Found::Torn(TornTail { segment, offset: 0, bytes }));
            }
            return Err(scan.damaged("the header of the segment fails its checksum"));
        };
        if header.format != FORMAT_VERSION {
            return Err(JournalError::Version { segment, found: header.format, ours: FORMAT_VERSION });
        }
        if header.number != segment {
            return Err(scan.damaged(format!("the file holds segment {}", segment_name(header.number))));
        }
        if next_seq.is_some_and(|expected| header.first_seq != expected) || header.first_seq == 0 {
            return Err(
                scan.damaged(format!("record {} is missing, it begins with {}", scan.next_seq, header.first_seq))
            );
        }
        scan.next_seq = header.first_seq;
        scan.offset = header_bytes;
        Ok(Found::Sound(scan))
    }

    /// The next group; its records are then to be had from [`Scan::records`].
    pub(crate) fn next_group(&mut self) -> Result<Found<GroupHeader>, JournalError> {
        let rest = self.bytes - self.offset;
        if rest == 0 {
            return Ok(Found::End);
        }
        if rest < GROUP_HEADER_BYTES as u64 {
            return self.torn("the segment ends within the header of a group");
        }
        let start = self.bytes_at(self.offset, GROUP_HEADER_BYTES as u64)?;
        let Some(header) = GroupHeader::decode(&start) else { return self.unsound_header() };
        if header.version != GROUP_VERSION {
            let (seq, segment, offset) = (header.first_seq, self.segment, self.offset);
            return Err(JournalError::Unknown {
                what: format!("version {} of groups", header.version),
                seq,
                segment,
                offset,
            });
        }
        if header.first_seq != self.next_seq {
            let what = format!("record {} should follow, but {} does", self.next_seq, header.first_seq);
            return Err(self.damaged(what));
        }
        if header.group_bytes() > rest {
            return self.torn("the segment ends within a group");
        }
        let mut group = std::mem::take(&mut self.group);
        group.resize(header.group_bytes() as usize, 0);
        self.file.read_exact_at(&mut group, self.offset).map_err(JournalError::io("read", &self.path))?;
        self.group = group;
        if !group_is_sound(&self.group) {
            if header.group_bytes() < rest {
                return Err(self.damaged("a group fails its checksum, and more follows it"));
            }
            if sectors(&self.group, self.offset).any(all_zero) {
                return self.torn("a group has a sector that was never written");
            }
            return Err(self.damaged("the last group fails its checksum, although all of it was written"));
        }
        self.check_records(header)?;
        self.offset += header.group_bytes();
        self.next_seq += u64::from(header.count);
        Ok(Found::Sound(header))
    }

    /// The records of the group that was read last, from `from_seq` on.
    pub(crate) fn records(&self, from_seq: u64) -> Result<Vec<Stored>, JournalError> {
        let mut records = Vec::new();
        let mut offset = self.offset - self.group.len() as u64 + GROUP_HEADER_BYTES as u64;
        for bytes in RecordSlices(self.record_bytes()) {
            if let Some(raw) = RawRecord::decode(bytes)
                && raw.seq >= from_seq
            {
                let position = Position { segment: self.segment, offset: offset_u32(offset) };
                let record = raw.to_record().map_err(|what| self.unknown(what, raw.seq, offset))?;
                records.push(Stored { position, record });
            }
            offset += bytes.len() as u64;
        }
        Ok(records)
    }

    /// The records add up to the group, have the right seqs, and are of kinds and versions that this build knows.
    fn check_records(&self, header: GroupHeader) -> Result<(), JournalError> {
        let mut offset = self.offset + GROUP_HEADER_BYTES as u64;
        let (mut count, mut bytes_seen) = (0_u64, 0_u64);
        for bytes in RecordSlices(self.record_bytes()) {
            let seq = header.first_seq + count;
            let raw = RawRecord::decode(bytes)
                .filter(|raw| raw.seq == seq)
                .ok_or_else(|| self.damaged_at(offset, seq, "the record is not what its group says"))?;
            raw.kind().map_err(|what| self.unknown(what, seq, offset))?;
            count += 1;
            bytes_seen += bytes.len() as u64;
            offset += bytes.len() as u64;
        }
        if count == 0 || count != u64::from(header.count) || bytes_seen != u64::from(header.records_bytes) {
            return Err(self.damaged("the records of a group do not add up"));
        }
        Ok(())
    }

    fn record_bytes(&self) -> &[u8] {
        let end = self.group.len().saturating_sub(crate::format::GROUP_CHECKSUM_BYTES);
        self.group.get(GROUP_HEADER_BYTES..end).unwrap_or_default()
    }

    /// A header that fails its checksum says nothing about the length, so the rest of the segment is searched.
    fn unsound_header<T>(&self) -> Result<Found<T>, JournalError> {
        let rest = self.bytes_at(self.offset, self.bytes - self.offset)?;
        if let Some(at) = later_group(&rest, self.next_seq) {
            let what = format!(
                "the header of a group fails its checksum, and a sound one follows at byte {}",
                self.offset + at
            );
            return Err(self.damaged(what));
        }
        let mut header_left = GROUP_HEADER_BYTES;
        let unwritten = sectors(&rest, self.offset)
            .take_while(|sector| {
                let within = header_left > 0;
                header_left = header_left.saturating_sub(sector.len());
                within
            })
            .any(all_zero);
        if unwritten {
            return self.torn("the header of a group was never written");
        }
        Err(self.damaged("the header of a group fails its checksum, although all of it was written"))
    }

    fn torn<T>(&self, what: &str) -> Result<Found<T>, JournalError> {
        match self.tail {
            Tail::MayBeTorn => Ok(Found::Torn(TornTail {
                segment: self.segment,
                offset: self.offset,
                bytes: self.bytes - self.offset,
            })),
            Tail::Sound => Err(self.damaged(what)),
        }
    }

    fn damaged(&self, what: impl Into<String>) -> JournalError {
        self.damaged_at(self.offset, self.next_seq, what)
    }

    fn damaged_at(&self, offset: u64, record: u64, what: impl Into<String>) -> JournalError {
        JournalError::Damaged { segment: self.segment, offset, record: Some(record), what: what.into() }
    }

    fn unknown(&self, what: String, seq: u64, offset: u64) -> JournalError {
        JournalError::Unknown { what, seq, segment: self.segment, offset }
    }

    fn bytes_at(&self, offset: u64, bytes: u64) -> Result<Vec<u8>, JournalError> {
        let mut buffer = vec![0; bytes as usize];
        self.file.read_exact_at(&mut buffer, offset).map_err(JournalError::io("read", &self.path))?;
        Ok(buffer)
    }
}

/// Splits the records of a sound group; what cannot be a record ends it.
struct RecordSlices<'a>(&'a [u8]);

impl<'a> Iterator for RecordSlices<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let bytes = RawRecord::bytes(self.0)? as usize;
        if bytes < RECORD_BYTES_MIN {
            return None;
        }
        let (record, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(record)
    }
}

/// Where in `rest` a later group begins. A header with a seq that cannot be (a body may hold anything) does not count.
fn later_group(rest: &[u8], next_seq: u64) -> Option<u64> {
    let seq_max = next_seq + (rest.len() / RECORD_BYTES_MIN) as u64;
    let later = |bytes: &[u8]| {
        GroupHeader::decode(bytes).is_some_and(|header| (next_seq + 1..=seq_max).contains(&header.first_seq))
    };
    let at = rest.windows(GROUP_HEADER_BYTES).position(|bytes| bytes.starts_with(&GROUP_MAGIC) && later(bytes))?;
    Some(at as u64)
}

/// `bytes`, which lie at `offset` of a file, cut where sectors end.
fn sectors(bytes: &[u8], offset: u64) -> impl Iterator<Item = &[u8]> {
    let to_boundary = (SECTOR_BYTES - offset % SECTOR_BYTES) as usize;
    let (first, rest) = bytes.split_at_checked(to_boundary).unwrap_or((bytes, &[]));
    std::iter::once(first).chain(rest.chunks(SECTOR_BYTES as usize))
}

fn all_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

pub(crate) fn offset_u32(offset: u64) -> u32 {
    u32::try_from(offset).expect("invariant: a segment is smaller than 4 GiB")
}
