//! Checkpoints: the state of what changed goes to the journal as snapshot records, where it lies goes to the store.
//!
//! The store is written behind, by a thread of its own. A row names the last two snapshots of its run or home, so that
//! a crash in the middle of a checkpoint still finds those of the one before; and what has ended is taken off the store
//! one checkpoint late, for the same reason.
use std::{collections::HashSet, sync::Arc, thread::JoinHandle};

use flowline_core::{RunId, hash128};
use flowline_journal::{NewRecord, Position, RecordKind};
use flowline_store::{Checkpoint, Row, Store, StoreError, Table, key_u128};
use serde::{Deserialize, Serialize};

use crate::{
    EngineError,
    body::{SnapshotBody, encode},
    engine::Engine,
    home::{HomeKey, HomeSnapshot},
    shard::shard_of,
};

/// Records after the last checkpoint before new work has to wait for it.
const TAIL_RECORDS_MAX: u64 = 256_000;
/// Bytes after the last checkpoint before new work has to wait for it.
const TAIL_BYTES_MAX: u64 = 64 << 20;
/// Snapshot records of one group.
const GROUP_RECORDS: usize = 1_024;

/// Where the last two snapshots of a run or home lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotRow {
    current: (u64, u32, u32),
    previous: Option<(u64, u32, u32)>,
}

impl SnapshotRow {
    fn new(current: (u64, Position), previous: Option<(u64, Position)>) -> Self {
        let flat = |(seq, at): (u64, Position)| (seq, at.segment, at.offset);
        Self { current: flat(current), previous: previous.map(flat) }
    }

    /// The newer of the two that the marker covers.
    pub(crate) fn covered_by(&self, marker: u64) -> Option<(u64, Position)> {
        let newest = [Some(self.current), self.previous].into_iter().flatten().find(|(seq, ..)| *seq <= marker);
        newest.map(|(seq, segment, offset)| (seq, Position { segment, offset }))
    }
}

/// What the next checkpoint needs to know, and the one under way.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    store: Option<Arc<dyn Store>>,
    records: u64,
    bytes: u64,
    /// Rows of what ended: since the last checkpoint, and before it.
    gone: Vec<(Table, u128)>,
    gone_before: Vec<(Table, u128)>,
    saving: HashSet<RunId>,
    worker: Option<JoinHandle<Result<(), StoreError>>>,
}

impl Checkpoints {
    pub(crate) fn new(store: Option<Arc<dyn Store>>) -> Self {
        Self {
            store,
            records: 0,
            bytes: 0,
            gone: Vec::new(),
            gone_before: Vec::new(),
            saving: HashSet::new(),
            worker: None,
        }
    }

    pub(crate) fn written(&mut self, records: u64, bytes: u64) {
        self.records += records;
        self.bytes += bytes;
    }

    pub(crate) fn gone_run(&mut self, run: RunId) {
        self.gone.push((Table::Run, run.0));
    }

    pub(crate) fn gone_home(&mut self, key: &HomeKey) {
        self.gone.push((Table::Home, home_id(key)));
    }

    pub(crate) fn is_being_saved(&self, run: RunId) -> bool {
        self.saving.contains(&run)
    }

    /// Waits for the checkpoint under way.
    fn finish(&mut self) -> Result<(), EngineError> {
        if let Some(worker) = self.worker.take() {
            let done =
                worker.join().unwrap_or_else(|_| Err(StoreError::Damaged { what: "its writer died".to_owned() }));
            self.saving.clear();
            done?;
        }
        Ok(())
    }
}

/// The store's key for a home.
pub(crate) fn home_id(key: &HomeKey) -> u128 {
    hash128("home", &[&postcard::to_stdvec(key).unwrap_or_default()])
}

/// The store's key for the engine's own snapshot.
pub(crate) const ENGINE_ROW: &[u8] = b"engine";

impl Engine {
    /// Makes a checkpoint when enough has been written since the last one.
    pub(crate) fn checkpoint_if_due(&mut self) -> Result<(), EngineError> {
        let at = &self.checkpoints;
        let due = at.records >= self.options.checkpoint_records || at.bytes >= self.options.checkpoint_bytes;
        if at.store.is_none() || !due {
            return Ok(());
        }
        let busy = at.worker.as_ref().is_some_and(|worker| !worker.is_finished());
        if busy && at.records < TAIL_RECORDS_MAX && at.bytes < TAIL_BYTES_MAX {
            return Ok(());
        }
        self.checkpoint()
    }

    /// Writes down the state of everything that changed since the last checkpoint.
    ///
    /// # Errors
    /// When the journal or the store fails.
    pub fn checkpoint(&mut self) -> Result<(), EngineError> {
        self.checkpoints.finish()?;
        let Some(store) = self.checkpoints.store.clone() else { return Ok(()) };
        let mut batch = Checkpoint::default();
        self.snapshot_runs(&mut batch)?;
        self.snapshot_homes(&mut batch)?;
        let own = encode(&self.own_snapshot());
        let own = self.write(vec![(0, 0, own)], RecordKind::Snapshot)?;
        let marker = self.write(vec![(0, 0, Vec::new())], RecordKind::Checkpoint)?;
        if let (Some(own), Some((marker, _))) = (own.first(), marker.first()) {
            batch.marker = *marker;
            let before = self.own_saved.replace(*own);
            batch.put(Table::Meta, ENGINE_ROW, Row::new(*marker, encode(&SnapshotRow::new(*own, before))));
        }
        let marker = batch.marker;
        let finished = std::mem::take(&mut self.finished);
        for (run, finished) in &finished {
            batch.put(Table::Summary, key_u128(run.0), Row::new(marker, encode(finished)));
        }
        let at = &mut self.checkpoints;
        for (table, key) in at.gone_before.drain(..) {
            batch.delete(table, key_u128(key));
        }
        at.gone_before = std::mem::take(&mut at.gone);
        at.saving = finished.into_keys().collect();
        (at.records, at.bytes) = (0, 0);
        self.journal.wait(marker)?;
        self.dedupe.checkpoint(marker, self.now)?;
        self.checkpoints.worker = Some(std::thread::spawn(move || store.checkpoint(batch)));
        Ok(())
    }

    /// A last checkpoint, and everything on disk.
    ///
    /// # Errors
    /// When the journal or the store fails.
    pub fn close(mut self) -> Result<(), EngineError> {
        self.checkpoint()?;
        self.checkpoints.finish()
    }

    fn snapshot_runs(&mut self, batch: &mut Checkpoint) -> Result<(), EngineError> {
        let mut dirty: Vec<RunId> = self.runs.iter().filter(|(_, cell)| cell.dirty).map(|(id, _)| *id).collect();
        dirty.sort_unstable();
        for chunk in dirty.chunks(GROUP_RECORDS) {
            let bodies = chunk.iter().filter_map(|id| {
                let cell = self.runs.get(id)?;
                let run = Box::new(cell.run.clone());
                let body =
                    SnapshotBody::Run { run, joined: cell.joined, generation: cell.generation, shard: cell.shard };
                Some((cell.shard, id.0, encode(&body)))
            });
            let saved = self.write(bodies.collect(), RecordKind::Snapshot)?;
            for (id, saved) in chunk.iter().zip(saved) {
                let Some(cell) = self.runs.get_mut(id) else { continue };
                cell.dirty = false;
                let before = cell.saved.replace(saved);
                batch.put(Table::Run, key_u128(id.0), Row::new(saved.0, encode(&SnapshotRow::new(saved, before))));
            }
        }
        Ok(())
    }

    fn snapshot_homes(&mut self, batch: &mut Checkpoint) -> Result<(), EngineError> {
        let now = self.now;
        for cell in self.homes.values_mut() {
            let untaken = cell.home.expire(now);
            cell.dirty |= untaken > 0;
            self.totals.unmatched += untaken;
        }
        let empty: Vec<HomeKey> =
            self.homes.iter().filter(|(_, cell)| cell.home.is_empty()).map(|(key, _)| key.clone()).collect();
        for key in empty {
            if self.homes.remove(&key).is_some_and(|cell| cell.saved.is_some()) {
                self.checkpoints.gone_home(&key);
            }
        }
        let mut dirty: Vec<HomeKey> =
            self.homes.iter().filter(|(_, cell)| cell.dirty).map(|(key, _)| key.clone()).collect();
        dirty.sort_unstable();
        for chunk in dirty.chunks(GROUP_RECORDS) {
            let bodies = chunk.iter().filter_map(|key| {
                let home = self.homes.get(key)?.home.clone();
                let body = SnapshotBody::Home(HomeSnapshot { key: key.clone(), home });
                Some((shard_of(home_id(key)), 0, encode(&body)))
            });
            let saved = self.write(bodies.collect(), RecordKind::Snapshot)?;
            for (key, saved) in chunk.iter().zip(saved) {
                let Some(cell) = self.homes.get_mut(key) else { continue };
                cell.dirty = false;
                let before = cell.saved.replace(saved);
                let row = Row::new(saved.0, encode(&SnapshotRow::new(saved, before)));
                batch.put(Table::Home, key_u128(home_id(key)), row);
            }
        }
        Ok(())
    }

    /// Writes records of a kind: seq and place of each.
    fn write(
        &mut self,
        bodies: Vec<(u16, u128, Vec<u8>)>,
        kind: RecordKind,
    ) -> Result<Vec<(u64, Position)>, EngineError> {
        if bodies.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.now;
        let record = |(shard, run, body)| NewRecord { kind, version: 1, shard, run, now, body, state_hash: 0 };
        let ticket = self.journal.submit(bodies.into_iter().map(record).collect())?;
        self.next_seq = ticket.last_seq + 1;
        Ok((ticket.first_seq..).zip(ticket.positions).collect())
    }
}
