//! Where the next group goes: decided at submit, so that positions are known before anything is written.

use crate::format::{GROUP_CHECKSUM_BYTES, GROUP_HEADER_BYTES, SEGMENT_HEADER_BYTES, record_bytes};
use crate::{JournalError, NewRecord, Position, Ticket};

/// The records of one submitted group take at most this many bytes on disk.
pub const GROUP_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Offsets are 32 bits; a segment beyond its size by one group still has to fit.
pub(crate) const SEGMENT_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

const AROUND_BYTES: u64 = (GROUP_HEADER_BYTES + GROUP_CHECKSUM_BYTES) as u64;

/// The end of the journal as it will be when everything submitted is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) segment: u32,
    /// Where the next group begins, unless it is put into a new segment.
    pub(crate) end: u64,
    pub(crate) segment_bytes: u64,
}

impl Layout {
    pub(crate) fn new(segment: u32, end: u64, segment_bytes: u64) -> Layout {
        let segment_bytes = segment_bytes.clamp(SEGMENT_HEADER_BYTES as u64, SEGMENT_BYTES_MAX);
        Layout { segment, end, segment_bytes }
    }

    /// Begins a new group of `bytes` of records: in a new segment unless it fits into this one. Returns where its first
    /// record lies.
    pub(crate) fn begin(&mut self, bytes: u64) -> u64 {
        let first = SEGMENT_HEADER_BYTES as u64;
        if self.end > first && self.end + AROUND_BYTES + bytes > self.segment_bytes {
            self.segment += 1;
            self.end = first;
        }
        let record = self.end + GROUP_HEADER_BYTES as u64;
        self.end += AROUND_BYTES + bytes;
        record
    }

    /// Whether `bytes` of records more fit into this segment.
    pub(crate) fn fits(&self, bytes: u64) -> bool {
        self.end + bytes <= self.segment_bytes
    }

    /// Puts records at the end of the last group. Returns where the first of them lies.
    pub(crate) fn extend(&mut self, bytes: u64) -> u64 {
        let record = self.end - GROUP_CHECKSUM_BYTES as u64;
        self.end += bytes;
        record
    }
}

/// The bytes of the records of a group, if the journal can take it.
pub(crate) fn measure(group: &[NewRecord]) -> Result<u64, JournalError> {
    if group.is_empty() {
        return Err(JournalError::EmptyGroup);
    }
    let mut bytes = 0_u64;
    for record in group {
        let (kind, version, version_max) = (record.kind, record.version, record.kind.version_max());
        if version == 0 || version > version_max {
            return Err(JournalError::RecordVersion { kind, version, version_max });
        }
        bytes = bytes.saturating_add(record_bytes(record));
    }
    if bytes > GROUP_BYTES_MAX {
        return Err(JournalError::GroupTooLarge { bytes, bytes_max: GROUP_BYTES_MAX });
    }
    Ok(bytes)
}

/// The ticket of a group whose first record has `first_seq` and lies at `offset`.
pub(crate) fn ticket(group: &[NewRecord], first_seq: u64, segment: u32, offset: u64) -> Ticket {
    let positions = group
        .iter()
        .scan(offset, |next, record| {
            let offset = u32::try_from(*next).expect("invariant: a segment is smaller than 4 GiB");
            *next += record_bytes(record);
            Some(Position { segment, offset })
        })
        .collect();
    Ticket { first_seq, last_seq: first_seq + group.len() as u64 - 1, positions }
}
