//! The twin in memory: the same promises, and a death on request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::checkpoint::{Change, Chunk};
use crate::{Checkpoint, KeyRange, Row, Scan, Store, StoreError, Table};

/// A store whose disk is a map. Clones share it, as two handles to one folder would.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Debug, Clone, Default)]
struct Disk {
    /// What reads see.
    rows: BTreeMap<Vec<u8>, Row>,
    marker: u64,
    /// What survives a death: all chunks that were synced.
    synced: BTreeMap<Vec<u8>, Row>,
    /// How many more chunks (the marker counts as one) are synced before the store dies.
    chunks_left: Option<u32>,
    dead: bool,
}

impl MemoryStore {
    #[must_use]
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// Dies once `chunks` more chunks are synced: the next one is applied, lost, and the checkpoint fails.
    /// Each checkpoint has one chunk per 256 keys, and one for the marker.
    #[must_use]
    pub fn dying_after(self, chunks: u32) -> MemoryStore {
        self.disk().chunks_left = Some(chunks);
        self
    }

    /// What a new process finds: the chunks that were synced, and the last marker.
    #[must_use]
    pub fn reopen(&self) -> MemoryStore {
        let disk = self.disk();
        let rows = disk.synced.clone();
        let after = Disk { synced: rows.clone(), rows, marker: disk.marker, chunks_left: None, dead: false };
        MemoryStore { disk: Arc::new(Mutex::new(after)) }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    fn sync(&mut self) -> Result<(), StoreError> {
        match self.chunks_left.as_mut() {
            None => Ok(()),
            Some(0) => {
                self.dead = true;
                Err(dead())
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    fn apply(&mut self, chunk: Chunk) -> Result<(), StoreError> {
        let keys: Vec<Vec<u8>> = chunk.iter().map(|(key, _)| key.clone()).collect();
        for (key, change) in chunk {
            match change {
                Change::Delete => {
                    self.rows.remove(&key);
                }
                Change::Put(row) if self.rows.get(&key).is_some_and(|stored| stored.seq > row.seq) => {}
                Change::Put(row) | Change::Replace(row) => {
                    self.rows.insert(key, row);
                }
            }
        }
        self.sync()?;
        for key in keys {
            match self.rows.get(&key) {
                Some(row) => self.synced.insert(key, row.clone()),
                None => self.synced.remove(&key),
            };
        }
        Ok(())
    }
}

impl Store for MemoryStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Row>, StoreError> {
        Ok(self.disk().rows.get(&table.prefixed(key)).cloned())
    }

    fn scan(&self, table: Table, range: KeyRange) -> Scan<'_> {
        let Some(range) = range.within(table) else { return Box::new(std::iter::empty()) };
        let disk = self.disk();
        let found: Vec<_> =
            disk.rows.range(range).map(|(key, row)| Ok((key.iter().skip(1).copied().collect(), row.clone()))).collect();
        Box::new(found.into_iter())
    }

    fn checkpoint(&self, batch: Checkpoint) -> Result<(), StoreError> {
        let mut disk = self.disk();
        if disk.dead {
            return Err(dead());
        }
        let marker = batch.marker;
        for chunk in batch.into_chunks(disk.marker)? {
            disk.apply(chunk)?;
        }
        disk.sync()?;
        disk.marker = marker;
        Ok(())
    }

    fn marker(&self) -> u64 {
        self.disk().marker
    }
}

fn dead() -> StoreError {
    StoreError::Poisoned { cause: "the store died, as it was told to".to_owned() }
}
