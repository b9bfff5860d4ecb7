//! What is written in one go, and how it is cut into chunks that power loss cannot tear.

use std::collections::BTreeMap;

use crate::{Row, StoreError, Table};

/// The longest key, without its table.
///
/// A page of more than 128 KiB becomes a blob, a file of its own, which sled never syncs: power loss would take it.
/// sled splits pages by count alone (above 16 rows, or 256 keys of an inner page), so both limits together keep even
/// a page that waits for its split below that.
pub const KEY_BYTES_MAX: usize = 256;

/// The longest row; why, see [`KEY_BYTES_MAX`].
pub const ROW_BYTES_MAX: usize = 4 * 1024;

/// The size of chunk for which survival of power loss was measured.
const CHUNK_KEYS_MAX: usize = 256;
/// Below sled's segment of 512 KiB, so that large rows do not make a chunk of many segments.
const CHUNK_BYTES_MAX: usize = 256 * 1024;

/// A batch of changes and the seq up to which everything is reflected once they are in.
///
/// `marker` is a seq that the journal has made durable, at least the marker before. The order of puts does not
/// matter: of several for one key the highest seq wins, of equal seqs the last. A key that is both deleted and put is
/// put.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    pub marker: u64,
    pub puts: Vec<(Table, Vec<u8>, Row)>,
    pub deletes: Vec<(Table, Vec<u8>)>,
}

/// What happens to one prefixed key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Delete,
    Put(Row),
    /// The old row does not count, whatever its seq.
    Replace(Row),
}

pub(crate) type Chunk = Vec<(Vec<u8>, Change)>;

impl Checkpoint {
    #[must_use]
    pub fn new(marker: u64) -> Checkpoint {
        Checkpoint { marker, ..Checkpoint::default() }
    }

    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, row: Row) -> &mut Checkpoint {
        self.puts.push((table, key.into(), row));
        self
    }

    pub fn delete(&mut self, table: Table, key: impl Into<Vec<u8>>) -> &mut Checkpoint {
        self.deletes.push((table, key.into()));
        self
    }

    /// Refuses what must not be written, then cuts the changes into chunks in the order of keys.
    pub(crate) fn into_chunks(self, marker_now: u64) -> Result<Vec<Chunk>, StoreError> {
        if self.marker < marker_now {
            return Err(StoreError::MarkerBehind { marker: marker_now, given: self.marker });
        }
        let mut changes: BTreeMap<Vec<u8>, Change> = BTreeMap::new();
        for (table, key) in &self.deletes {
            check_key(key)?;
            changes.insert(table.prefixed(key), Change::Delete);
        }
        for (table, key, row) in self.puts {
            check_key(&key)?;
            if row.bytes.len() > ROW_BYTES_MAX {
                return Err(StoreError::RowTooLong { bytes: row.bytes.len(), bytes_max: ROW_BYTES_MAX });
            }
            let key = table.prefixed(&key);
            match changes.get_mut(&key) {
                None => {
                    changes.insert(key, Change::Put(row));
                }
                Some(delete @ Change::Delete) => *delete = Change::Replace(row),
                Some(Change::Put(before) | Change::Replace(before)) if row.seq >= before.seq => *before = row,
                Some(Change::Put(_) | Change::Replace(_)) => {}
            }
        }
        Ok(cut(changes))
    }
}

fn check_key(key: &[u8]) -> Result<(), StoreError> {
    if key.len() > KEY_BYTES_MAX {
        return Err(StoreError::KeyTooLong { bytes: key.len(), bytes_max: KEY_BYTES_MAX });
    }
    Ok(())
}

fn cut(changes: BTreeMap<Vec<u8>, Change>) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut chunk = Chunk::new();
    let mut bytes = 0;
    for (key, change) in changes {
        let size = key.len()
            + match &change {
                Change::Delete => 0,
                Change::Put(row) | Change::Replace(row) => row.bytes.len(),
            };
        if chunk.len() >= CHUNK_KEYS_MAX || (!chunk.is_empty() && bytes + size > CHUNK_BYTES_MAX) {
            chunks.push(std::mem::take(&mut chunk));
            bytes = 0;
        }
        bytes += size;
        chunk.push((key, change));
    }
    if !chunk.is_empty() {
        chunks.push(chunk);
    }
    chunks
}
