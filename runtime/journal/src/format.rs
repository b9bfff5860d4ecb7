//! The bytes on disk, format 1. All numbers are little-endian, all checksums CRC-32C.
//!
//! ```text
//! segment  magic "FLOWJRNL" | format u32 | number u32 | first seq u64 | checksum of these 24 bytes u32 | groups
//! group    magic F1 "GRP" | version u8 | 3 zero bytes | bytes of records u32 | count u32 | first seq u64
//!          | checksum of these 24 bytes u32 | records | checksum of everything before it in the group u32
//! record   checksum of the rest u32 | bytes of the whole record u32 | kind u8 | version u8 | shard u16 | run u128
//!          | seq u64 | now i64 | state hash u64 | body
//! ```
//!
//! The header of a group has a checksum of its own, so that its length can be trusted when the records cannot. The
//! group's checksum comes last, so that a group whose end was never written does not end in zeros by chance. A record
//! has one as well, so that one record can be read alone.

use crate::{NewRecord, Record, RecordKind};

/// The format this build writes and reads. The segment header keeps its shape in every format.
pub const FORMAT_VERSION: u32 = 1;
pub(crate) const GROUP_VERSION: u8 = 1;

const SEGMENT_MAGIC: [u8; 8] = *b"FLOWJRNL";
pub(crate) const GROUP_MAGIC: [u8; 4] = *b"\xF1GRP";

pub(crate) const SEGMENT_HEADER_BYTES: usize = 28;
pub(crate) const GROUP_HEADER_BYTES: usize = 28;
pub(crate) const GROUP_CHECKSUM_BYTES: usize = 4;
/// What a record takes beside its body.
pub(crate) const RECORD_BYTES_MIN: usize = 52;

/// `00000001.seg`
pub(crate) fn segment_name(number: u32) -> String {
    format!("{number:08}.seg")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) format: u32,
    pub(crate) number: u32,
    pub(crate) first_seq: u64,
}

impl SegmentHeader {
    pub(crate) fn encode(number: u32, first_seq: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        bytes.extend_from_slice(&SEGMENT_MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&number.to_le_bytes());
        bytes.extend_from_slice(&first_seq.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// `None` if magic or checksum are not right; the format is for the caller to judge.
    pub(crate) fn decode(bytes: &[u8]) -> Option<SegmentHeader> {
        let (header, checksum) = checked(bytes, SEGMENT_HEADER_BYTES)?;
        let mut fields = Fields(header);
        let magic = fields.take::<8>()?;
        let header = SegmentHeader {
            format: u32::from_le_bytes(fields.take()?),
            number: u32::from_le_bytes(fields.take()?),
            first_seq: u64::from_le_bytes(fields.take()?),
        };
        (magic == SEGMENT_MAGIC && checksum).then_some(header)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupHeader {
    pub(crate) version: u8,
    pub(crate) records_bytes: u32,
    pub(crate) count: u32,
    pub(crate) first_seq: u64,
}

impl GroupHeader {
    pub(crate) fn encode(self, into: &mut Vec<u8>) {
        let start = into.len();
        into.extend_from_slice(&GROUP_MAGIC);
        into.extend_from_slice(&[self.version, 0, 0, 0]);
        into.extend_from_slice(&self.records_bytes.to_le_bytes());
        into.extend_from_slice(&self.count.to_le_bytes());
        into.extend_from_slice(&self.first_seq.to_le_bytes());
        let checksum = crc32c::crc32c(into.get(start..).expect("invariant: a buffer only grows here"));
        into.extend_from_slice(&checksum.to_le_bytes());
    }

    /// `None` if magic or checksum are not right; the version is for the caller to judge.
    pub(crate) fn decode(bytes: &[u8]) -> Option<GroupHeader> {
        if !bytes.starts_with(&GROUP_MAGIC) {
            return None;
        }
        let (header, checksum) = checked(bytes, GROUP_HEADER_BYTES)?;
        let mut fields = Fields(header);
        let _magic = fields.take::<4>()?;
        let [version, _, _, _] = fields.take()?;
        let header = GroupHeader {
            version,
            records_bytes: u32::from_le_bytes(fields.take()?),
            count: u32::from_le_bytes(fields.take()?),
            first_seq: u64::from_le_bytes(fields.take()?),
        };
        checksum.then_some(header)
    }

    /// Bytes of the whole group, header and checksum included.
    pub(crate) fn group_bytes(self) -> u64 {
        u64::from(self.records_bytes) + (GROUP_HEADER_BYTES + GROUP_CHECKSUM_BYTES) as u64
    }
}

/// The last four bytes of a group against the rest of it.
pub(crate) fn group_is_sound(group: &[u8]) -> bool {
    group.split_last_chunk().is_some_and(|(rest, checksum)| crc32c::crc32c(rest) == u32::from_le_bytes(*checksum))
}

pub(crate) fn finish_group(group: &mut Vec<u8>) {
    let checksum = crc32c::crc32c(group);
    group.extend_from_slice(&checksum.to_le_bytes());
}

pub(crate) fn record_bytes(record: &NewRecord) -> u64 {
    (RECORD_BYTES_MIN as u64).saturating_add(record.body.len() as u64)
}

/// Appends one record. Its size was checked against [`crate::GROUP_BYTES_MAX`] at submit.
pub(crate) fn encode_record(record: &NewRecord, seq: u64, into: &mut Vec<u8>) {
    let bytes = u32::try_from(record_bytes(record)).expect("invariant: a group is smaller than 4 GiB");
    let start = into.len();
    into.extend_from_slice(&[0; 4]);
    into.extend_from_slice(&bytes.to_le_bytes());
    into.extend_from_slice(&[record.kind as u8, record.version]);
    into.extend_from_slice(&record.shard.to_le_bytes());
    into.extend_from_slice(&record.run.to_le_bytes());
    into.extend_from_slice(&seq.to_le_bytes());
    into.extend_from_slice(&record.now.to_le_bytes());
    into.extend_from_slice(&record.state_hash.to_le_bytes());
    into.extend_from_slice(&record.body);
    let (checksum, rest) = into
        .get_mut(start..)
        .and_then(|record| record.split_first_chunk_mut::<4>())
        .expect("invariant: four bytes were put in for the checksum");
    *checksum = crc32c::crc32c(rest).to_le_bytes();
}

/// A record whose bytes are sound, its body still in the buffer, its kind and version not judged yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawRecord<'a> {
    kind: u8,
    version: u8,
    shard: u16,
    run: u128,
    pub(crate) seq: u64,
    now: i64,
    state_hash: u64,
    body: &'a [u8],
}

impl<'a> RawRecord<'a> {
    /// How many bytes the record at the beginning of `bytes` has, by its own word.
    pub(crate) fn bytes(bytes: &[u8]) -> Option<u32> {
        let mut fields = Fields(bytes);
        let _checksum = fields.take::<4>()?;
        fields.take().map(u32::from_le_bytes)
    }

    /// `bytes` are exactly one record; `None` if their length or checksum is not right.
    pub(crate) fn decode(bytes: &'a [u8]) -> Option<RawRecord<'a>> {
        let (checksum, rest) = bytes.split_first_chunk::<4>()?;
        let sound = u32::from_le_bytes(*checksum) == crc32c::crc32c(rest);
        let mut fields = Fields(rest);
        let length = u32::from_le_bytes(fields.take()?);
        let [kind, version] = fields.take()?;
        let record = RawRecord {
            kind,
            version,
            shard: u16::from_le_bytes(fields.take()?),
            run: u128::from_le_bytes(fields.take()?),
            seq: u64::from_le_bytes(fields.take()?),
            now: i64::from_le_bytes(fields.take()?),
            state_hash: u64::from_le_bytes(fields.take()?),
            body: fields.0,
        };
        (sound && length as usize == bytes.len()).then_some(record)
    }

    /// What this build does not know about the record, by name.
    pub(crate) fn kind(&self) -> Result<RecordKind, String> {
        let kind = RecordKind::from_byte(self.kind).ok_or_else(|| format!("record kind {}", self.kind))?;
        if self.version == 0 || self.version > kind.version_max() {
            return Err(format!("version {} of `{kind}` records", self.version));
        }
        Ok(kind)
    }

    pub(crate) fn to_record(self) -> Result<Record, String> {
        let kind = self.kind()?;
        let RawRecord { kind: _, version, shard, run, seq, now, state_hash, body } = self;
        Ok(Record { kind, version, shard, run, seq, now, body: body.to_vec(), state_hash })
    }
}

/// The header without its checksum, and whether the checksum is right.
fn checked(bytes: &[u8], header_bytes: usize) -> Option<(&[u8], bool)> {
    let (header, checksum) = bytes.get(..header_bytes)?.split_last_chunk::<4>()?;
    Some((header, crc32c::crc32c(header) == u32::from_le_bytes(*checksum)))
}

/// Takes fixed-size fields from the front of a slice.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }
}
