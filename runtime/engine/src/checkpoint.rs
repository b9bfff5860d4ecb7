//! Checkpoints: the state of what changed goes to the journal as snapshot records, where it lies goes to the store.
//!
//! The store is written behind, by a thread of its own, and only its marker is a commit: a crash leaves the marker of
//! the checkpoint before with any part of the new rows. So whatever a row says of the present it also says of the
//! checkpoint before:
//! - a row names the last two snapshots of its run or home;
//! - what has ended leaves a row that says so, and which is deleted with the next checkpoint.
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
    thread::JoinHandle,
};

use flowline_core::{RunId, hash128};
use flowline_journal::{NewRecord, Position, RecordKind};
use flowline_store::{Checkpoint, Row, Store, StoreError, Table, key_u128};
use serde::{Deserialize, Serialize};

use crate::{
    EngineError,
    body::{SnapshotBody, encode},
    engine::Engine,
    gather::batch_row,
    home::{HomeKey, HomeSnapshot},
    shard::shard_of,
    starts::Start,
    work::RECORD_BYTES,
};

/// Records after the last checkpoint before new work has to wait for it.
const TAIL_RECORDS_MAX: u64 = 256_000;
/// Bytes after the last checkpoint before new work has to wait for it.
const TAIL_BYTES_MAX: u64 = 64 << 20;
/// Snapshot records of one group.
const GROUP_RECORDS: usize = 1_024;

/// A row of the store: of a run or of a home.
pub(crate) type RowId = (Table, u128);
/// Seq and place of a snapshot record.
pub(crate) type Saved = (u64, Position);

/// Where the last two snapshots of a run or home lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotRow {
    /// The newest; without a place, that there is none any more.
    current: (u64, Option<(u32, u32)>),
    /// The one of a checkpoint before.
    previous: Option<(u64, (u32, u32))>,
}

/// What a row says of the state at a marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Covered {
    At(Saved),
    /// It has ended by then, or hasn't begun.
    Absent,
}

impl SnapshotRow {
    fn new(current: Saved, previous: Option<Saved>) -> Self {
        let (seq, at) = current;
        Self { current: (seq, Some((at.segment, at.offset))), previous: previous.map(flat) }
    }

    fn gone(seq: u64, previous: Saved) -> Self {
        Self { current: (seq, None), previous: Some(flat(previous)) }
    }

    /// The newer of the two that the marker covers.
    pub(crate) fn covered_by(&self, marker: u64) -> Covered {
        let at = |(segment, offset)| Position { segment, offset };
        match (self.current, self.previous) {
            ((seq, Some(place)), _) if seq <= marker => Covered::At((seq, at(place))),
            ((seq, None), _) if seq <= marker => Covered::Absent,
            (_, Some((seq, place))) if seq <= marker => Covered::At((seq, at(place))),
            (_, Some(_) | None) => Covered::Absent,
        }
    }
}

fn flat((seq, at): Saved) -> (u64, (u32, u32)) {
    (seq, (at.segment, at.offset))
}

/// What the next checkpoint needs to know, and the one under way.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    store: Option<Arc<dyn Store>>,
    records: u64,
    bytes: u64,
    /// What ended since the last checkpoint, with its last snapshot.
    gone: BTreeMap<RowId, Saved>,
    /// Rows that say of the last checkpoint that nothing is there.
    absent: BTreeSet<RowId>,
    /// Ended runs on their way to the store.
    saving: HashSet<RunId>,
    worker: Option<JoinHandle<Result<(), StoreError>>>,
}

impl Checkpoints {
    pub(crate) fn new(store: Option<Arc<dyn Store>>) -> Self {
        Self {
            store,
            records: 0,
            bytes: 0,
            gone: BTreeMap::new(),
            absent: BTreeSet::new(),
            saving: HashSet::new(),
            worker: None,
        }
    }

    /// The journal behind the last checkpoint has grown.
    pub(crate) fn written(&mut self, records: u64, bytes: u64) {
        self.records += records;
        self.bytes += bytes;
    }

    pub(crate) fn gone_run(&mut self, run: RunId, saved: Saved) {
        self.gone.insert((Table::Run, run.0), saved);
    }

    pub(crate) fn gone_home(&mut self, key: &HomeKey, saved: Saved) {
        self.gone.insert((Table::Home, home_id(key)), saved);
    }

    pub(crate) fn gone_row(&mut self, row: u128, saved: Saved) {
        self.gone.insert((Table::Home, row), saved);
    }

    /// A row of the store says that at the marker nothing is there.
    pub(crate) fn found_absent(&mut self, row: RowId) {
        self.absent.insert(row);
    }

    pub(crate) fn is_being_saved(&self, run: RunId) -> bool {
        self.saving.contains(&run)
    }

    /// Waits for the checkpoint under way.
    fn finish(&mut self) -> Result<(), EngineError> {
        if let Some(worker) = self.worker.take() {
            let done =
                worker.join().unwrap_or_else(|_| Err(StoreError::Damaged { what: "its writer died".to_owned() }));
            done?;
            self.saving.clear();
        }
        Ok(())
    }
}

impl Drop for Checkpoints {
    /// Nobody writes to the store when the engine is gone.
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            // Whether it came to its end, the store's marker says.
            let _ = worker.join();
        }
    }
}

/// The store's key for a home.
pub(crate) fn home_id(key: &HomeKey) -> u128 {
    hash128("home", &[&encode(key)])
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
        self.write_checkpoint()
    }

    /// Writes down the state of everything that changed since the last checkpoint.
    ///
    /// # Errors
    /// When the journal or the store fails.
    pub fn checkpoint(&mut self) -> Result<(), EngineError> {
        self.guarded(|engine| {
            engine.resume()?;
            engine.submit()?;
            engine.write_checkpoint()
        })
    }

    /// A last checkpoint, and everything on disk.
    ///
    /// # Errors
    /// When the journal or the store fails.
    pub fn close(mut self) -> Result<(), EngineError> {
        self.checkpoint()?;
        self.journal.wait(self.next_seq - 1)?;
        self.checkpoints.finish()
    }

    fn write_checkpoint(&mut self) -> Result<(), EngineError> {
        self.checkpoints.finish()?;
        let Some(store) = self.checkpoints.store.clone() else { return Ok(()) };
        let mut batch = Checkpoint::default();
        self.snapshot_runs(&mut batch)?;
        self.snapshot_homes(&mut batch)?;
        self.snapshot_batches(&mut batch)?;
        let own = self.write_group(vec![self.bare(RecordKind::Snapshot, encode(&self.own_snapshot()))])?;
        let marker = self.write_group(vec![self.bare(RecordKind::Checkpoint, Vec::new())])?;
        let (Some(own), Some((marker, _))) = (own.first().copied(), marker.first().copied()) else { return Ok(()) };
        batch.marker = marker;
        let before = self.own_saved.replace(own);
        batch.put(Table::Meta, ENGINE_ROW, Row::new(marker, encode(&SnapshotRow::new(own, before))));
        let finished = std::mem::take(&mut self.finished);
        for (run, finished) in &finished {
            batch.put(Table::Summary, key_u128(run.0), Row::new(marker, encode(finished)));
        }
        let at = &mut self.checkpoints;
        for (table, key) in std::mem::take(&mut at.absent) {
            // Where something new stands in its place, the store puts that.
            batch.delete(table, key_u128(key));
        }
        for ((table, key), saved) in std::mem::take(&mut at.gone) {
            batch.put(table, key_u128(key), Row::new(marker, encode(&SnapshotRow::gone(marker, saved))));
            at.absent.insert((table, key));
        }
        at.saving = finished.into_keys().collect();
        (at.records, at.bytes) = (0, 0);
        self.journal.wait(marker)?;
        self.dedupe.checkpoint(marker, self.now)?;
        let worker = std::thread::Builder::new().name("checkpoint".to_owned()).spawn(move || store.checkpoint(batch));
        let worker = worker.map_err(|cause| EngineError::Io {
            doing: "can't start the thread that writes",
            path: "store".to_owned(),
            cause,
        })?;
        self.checkpoints.worker = Some(worker);
        Ok(())
    }

    fn snapshot_runs(&mut self, batch: &mut Checkpoint) -> Result<(), EngineError> {
        let mut dirty = std::mem::take(&mut self.dirty_runs);
        dirty.retain(|id| self.runs.contains_key(id) || self.lines.queued(*id).is_some());
        dirty.sort_unstable();
        // One that waited for its turn and has begun stands there twice.
        dirty.dedup();
        let saved = self.write_each(&dirty, |engine, id| {
            let line = engine.lines.key_of(*id).map(|line| line.key.clone());
            let Some(cell) = engine.runs.get(id) else { return engine.queued_record(*id) };
            let body = SnapshotBody::Run {
                run: Box::new(cell.run.clone()),
                joined: cell.joined,
                generation: cell.generation,
                shard: cell.shard,
                begun: cell.begun,
                line,
            };
            Some(NewRecord { shard: cell.shard, run: id.0, ..engine.bare(RecordKind::Snapshot, encode(&body)) })
        })?;
        for (id, saved) in dirty.iter().zip(saved) {
            let before = match self.runs.get_mut(id) {
                Some(cell) => {
                    cell.dirty = false;
                    cell.saved.replace(saved)
                }
                None => self.lines.saved(*id, saved),
            };
            batch.put(Table::Run, key_u128(id.0), Row::new(saved.0, encode(&SnapshotRow::new(saved, before))));
        }
        Ok(())
    }

    fn snapshot_homes(&mut self, batch: &mut Checkpoint) -> Result<(), EngineError> {
        let mut dirty = std::mem::take(&mut self.dirty_homes);
        dirty.retain(|key| self.homes.contains_key(key));
        dirty.sort_unstable();
        // One that was dropped and made anew stands there twice.
        dirty.dedup();
        let saved = self.write_each(&dirty, |engine, key| {
            let home = engine.homes.get(key)?.home.clone();
            let body = encode(&SnapshotBody::Home(HomeSnapshot { key: key.clone(), home }));
            Some(NewRecord { shard: shard_of(home_id(key)), ..engine.bare(RecordKind::Snapshot, body) })
        })?;
        for (key, saved) in dirty.iter().zip(saved) {
            let Some(cell) = self.homes.get_mut(key) else { continue };
            cell.dirty = false;
            let id = home_id(key);
            // One that was dropped and made anew has left its last snapshot behind.
            let left = self.checkpoints.gone.remove(&(Table::Home, id));
            let before = cell.saved.replace(saved).or(left);
            batch.put(Table::Home, key_u128(id), Row::new(saved.0, encode(&SnapshotRow::new(saved, before))));
        }
        Ok(())
    }

    /// A start that waits for its turn, as it is written down.
    fn queued_record(&self, run: RunId) -> Option<NewRecord> {
        let (queued, line) = (self.lines.queued(run)?, self.lines.key_of(run)?);
        let Start { run, shard, flow, generation, cause, value, saved: _ } = queued.start.clone();
        let (line, place, since) = (line.key.clone(), queued.place, queued.since);
        let body = SnapshotBody::Queued { run, shard, flow, generation, cause, value, line, place, since };
        Some(NewRecord { shard, run: run.0, ..self.bare(RecordKind::Snapshot, encode(&body)) })
    }

    fn snapshot_batches(&mut self, batch: &mut Checkpoint) -> Result<(), EngineError> {
        let mut dirty = std::mem::take(&mut self.dirty_batches);
        dirty.retain(|key| self.batches.contains_key(key));
        dirty.sort_unstable();
        // One that was closed and opened anew stands there twice.
        dirty.dedup();
        let saved = self.write_each(&dirty, |engine, key| {
            let body = SnapshotBody::Batch { key: key.clone(), batch: engine.batches.get(key)?.batch.clone() };
            let shard = shard_of(batch_row(key));
            Some(NewRecord { shard, ..engine.bare(RecordKind::Snapshot, encode(&body)) })
        })?;
        for (key, saved) in dirty.iter().zip(saved) {
            let Some(cell) = self.batches.get_mut(key) else { continue };
            cell.dirty = false;
            let id = batch_row(key);
            // One that was closed and opened anew has left its last snapshot behind.
            let left = self.checkpoints.gone.remove(&(Table::Home, id));
            let before = cell.saved.replace(saved).or(left);
            batch.put(Table::Home, key_u128(id), Row::new(saved.0, encode(&SnapshotRow::new(saved, before))));
        }
        Ok(())
    }

    /// A record that belongs to no run.
    fn bare(&self, kind: RecordKind, body: Vec<u8>) -> NewRecord {
        NewRecord { kind, version: 1, shard: 0, run: 0, now: self.now, body, state_hash: 0 }
    }

    /// Writes a record for each key, in groups that the journal takes: seq and place of each.
    fn write_each<K>(
        &mut self,
        keys: &[K],
        record_of: impl Fn(&Self, &K) -> Option<NewRecord>,
    ) -> Result<Vec<Saved>, EngineError> {
        let mut saved = Vec::with_capacity(keys.len());
        let (mut group, mut bytes) = (Vec::new(), 0);
        for key in keys {
            let Some(record) = record_of(self, key) else { continue };
            let size = record.body.len() + RECORD_BYTES;
            if group.len() >= GROUP_RECORDS || bytes + size > self.options.group_bytes {
                saved.extend(self.write_group(std::mem::take(&mut group))?);
                bytes = 0;
            }
            bytes += size;
            group.push(record);
        }
        saved.extend(self.write_group(group)?);
        Ok(saved)
    }

    fn write_group(&mut self, group: Vec<NewRecord>) -> Result<Vec<Saved>, EngineError> {
        if group.is_empty() {
            return Ok(Vec::new());
        }
        let ticket = self.journal.submit(group)?;
        self.next_seq = ticket.last_seq + 1;
        Ok((ticket.first_seq..).zip(ticket.positions).collect())
    }
}
