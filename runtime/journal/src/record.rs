//! Records, and where they lie.

use std::fmt;

/// What a record is about. The number is part of the format: it is never reused for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum RecordKind {
    /// Something happened to a run.
    Input = 1,
    /// The state of a run, so that its older records can go.
    Snapshot = 2,
    /// A message of one shard to another.
    HandOver = 3,
    /// How far an input file or a source was read.
    Cursor = 4,
    /// A bundle of plans.
    Bundle = 5,
    /// The store reflects everything up to here.
    Checkpoint = 6,
    /// What must be remembered of removed segments.
    Retention = 7,
    /// A fact about the data folder itself.
    Meta = 8,
}

impl RecordKind {
    pub const ALL: [RecordKind; 8] = [
        RecordKind::Input,
        RecordKind::Snapshot,
        RecordKind::HandOver,
        RecordKind::Cursor,
        RecordKind::Bundle,
        RecordKind::Checkpoint,
        RecordKind::Retention,
        RecordKind::Meta,
    ];

    /// The highest version of a body of this kind that this build reads and may write; versions begin at 1.
    #[must_use]
    pub const fn version_max(self) -> u8 {
        match self {
            RecordKind::Input
            | RecordKind::Snapshot
            | RecordKind::HandOver
            | RecordKind::Cursor
            | RecordKind::Bundle
            | RecordKind::Checkpoint
            | RecordKind::Retention
            | RecordKind::Meta => 1,
        }
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            RecordKind::Input => "input",
            RecordKind::Snapshot => "snapshot",
            RecordKind::HandOver => "hand-over",
            RecordKind::Cursor => "cursor",
            RecordKind::Bundle => "bundle",
            RecordKind::Checkpoint => "checkpoint",
            RecordKind::Retention => "retention",
            RecordKind::Meta => "meta",
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<RecordKind> {
        RecordKind::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A record on its way in: all but the seq, which the journal gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    pub kind: RecordKind,
    /// Version of the body, 1 to [`RecordKind::version_max`].
    pub version: u8,
    pub shard: u16,
    /// The run it belongs to; 0 where there is none.
    pub run: u128,
    /// The shard's time, milliseconds UTC.
    pub now: i64,
    pub body: Vec<u8>,
    /// Hash of the run's state after this record; 0 where there is none.
    pub state_hash: u64,
}

/// A record as it was journaled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub kind: RecordKind,
    pub version: u8,
    pub shard: u16,
    pub run: u128,
    /// Global and dense, from 1.
    pub seq: u64,
    pub now: i64,
    pub body: Vec<u8>,
    pub state_hash: u64,
}

/// Where a record begins: eight bytes that an index can keep. Positions are ordered as seqs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    pub segment: u32,
    /// Bytes from the beginning of the segment.
    pub offset: u32,
}

/// A record and its position, as a reading yields them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub position: Position,
    pub record: Record,
}

/// What a submitted group has become. It is durable when `last_seq` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    pub first_seq: u64,
    pub last_seq: u64,
    /// One for each record, in the order of the group; they can be read once the group is durable.
    pub positions: Vec<Position>,
}

impl NewRecord {
    pub(crate) fn into_record(self, seq: u64) -> Record {
        let NewRecord { kind, version, shard, run, now, body, state_hash } = self;
        Record { kind, version, shard, run, seq, now, body, state_hash }
    }
}
