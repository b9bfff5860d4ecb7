//! Tables, keys and rows: how they are told apart and sorted.

use std::ops::Bound;

/// A table is a one-byte prefix of the one tree. Numbers are never reused; 0 is the store's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Table {
    /// What the engine keeps about the store's content as a whole: cursors, counters.
    Meta = 1,
    /// Where each live run's records lie, and its last snapshot.
    Run = 2,
    /// Waiting keys of parked runs.
    Waiting = 3,
    /// Timers by due time.
    Timer = 4,
    /// Open tasks of people.
    Task = 5,
    /// Search attributes.
    Attribute = 6,
    /// One row per finished run.
    Summary = 7,
    /// Kept events at the home of their key.
    Home = 8,
    /// Hand-overs that are not acknowledged yet.
    Handover = 9,
    /// Bundles by name: where in the journal they lie.
    Bundle = 10,
}

impl Table {
    /// All tables, in the order of their prefixes.
    pub const ALL: [Table; 10] = [
        Table::Meta,
        Table::Run,
        Table::Waiting,
        Table::Timer,
        Table::Task,
        Table::Attribute,
        Table::Summary,
        Table::Home,
        Table::Handover,
        Table::Bundle,
    ];

    pub(crate) fn prefixed(self, key: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + key.len());
        bytes.push(self as u8);
        bytes.extend_from_slice(key);
        bytes
    }
}

/// A row and the journal seq it reflects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub seq: u64,
    pub bytes: Vec<u8>,
}

impl Row {
    pub fn new(seq: u64, bytes: impl Into<Vec<u8>>) -> Row {
        Row { seq, bytes: bytes.into() }
    }

    /// As stored: seq (8 bytes, big-endian), then the bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut stored = Vec::with_capacity(8 + self.bytes.len());
        stored.extend_from_slice(&self.seq.to_be_bytes());
        stored.extend_from_slice(&self.bytes);
        stored
    }

    pub(crate) fn decode(stored: &[u8]) -> Option<Row> {
        let (seq, bytes) = stored.split_first_chunk()?;
        Some(Row { seq: u64::from_be_bytes(*seq), bytes: bytes.to_vec() })
    }
}

/// Start and end over prefixed keys.
pub(crate) type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// A range of keys within a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
}

impl KeyRange {
    /// Every key of the table.
    #[must_use]
    pub fn all() -> KeyRange {
        KeyRange { start: Bound::Unbounded, end: Bound::Unbounded }
    }

    /// The keys that begin with `prefix`.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> KeyRange {
        KeyRange { start: Bound::Included(prefix.to_vec()), end: after_prefix(prefix) }
    }

    /// From `start` (included) to `end` (excluded); empty if `end` is not greater.
    #[must_use]
    pub fn between(start: impl Into<Vec<u8>>, end: impl Into<Vec<u8>>) -> KeyRange {
        KeyRange { start: Bound::Included(start.into()), end: Bound::Excluded(end.into()) }
    }

    /// The same range without the keys up to and with `key`: how a page of a list continues the one before.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> KeyRange {
        let further = match &self.start {
            Bound::Unbounded => true,
            Bound::Included(start) | Bound::Excluded(start) => start.as_slice() <= key,
        };
        if further {
            self.start = Bound::Excluded(key.to_vec());
        }
        self
    }

    /// Bounds over prefixed keys, or `None` if no key can lie between them.
    pub(crate) fn within(self, table: Table) -> Option<Bounds> {
        let start = match self.start {
            Bound::Unbounded => Bound::Included(table.prefixed(&[])),
            Bound::Included(key) => Bound::Included(table.prefixed(&key)),
            Bound::Excluded(key) => Bound::Excluded(table.prefixed(&key)),
        };
        let end = match self.end {
            Bound::Unbounded => after_prefix(&table.prefixed(&[])),
            Bound::Included(key) => Bound::Included(table.prefixed(&key)),
            Bound::Excluded(key) => Bound::Excluded(table.prefixed(&key)),
        };
        // BTreeMap panics on such ranges, and sled must not be asked either.
        let empty = match (&start, &end) {
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to))
            | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        };
        (!empty).then_some((start, end))
    }
}

/// The end of the keys that begin with `prefix`: the prefix with its last byte below 255 raised by one.
fn after_prefix(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

/// A number as key bytes, big-endian: byte order is number order.
#[must_use]
pub fn key_u64(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

/// A number as key bytes, big-endian: byte order is number order.
#[must_use]
pub fn key_u128(number: u128) -> [u8; 16] {
    number.to_be_bytes()
}

/// Takes a [`key_u64`] off the front of a key; `None` if the key is too short.
#[must_use]
pub fn split_u64(key: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = key.split_first_chunk()?;
    Some((u64::from_be_bytes(*number), rest))
}

/// Takes a [`key_u128`] off the front of a key; `None` if the key is too short.
#[must_use]
pub fn split_u128(key: &[u8]) -> Option<(u128, &[u8])> {
    let (number, rest) = key.split_first_chunk()?;
    Some((u128::from_be_bytes(*number), rest))
}
