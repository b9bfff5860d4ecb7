//! The store on disk: one sled tree, and beside it a file that says what must be in the tree.
//!
//! sled's `flush()` hands data to the kernel but does not make it durable, so each chunk of a checkpoint is flushed and
//! then synced by us with `fdatasync` of `<dir>/db`. sled also takes damage in its log for the end of the log, and
//! silently forgets what came after; `<dir>/marker` ([`Seal`]), written after the marker in the tree, makes that visible.

mod files;

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::checkpoint::{Change, Chunk};
use crate::quiet::{caught, caught_quietly};
use crate::{Checkpoint, FORMAT_VERSION, KeyRange, RebuildReason, Row, Scan, Store, StoreError, Table};
use files::{FolderLock, Seal};

/// Rows of the store itself lie under prefix 0, which is no [`Table`].
const VERSION_KEY: &[u8] = b"\0version";
const MARKER_KEY: &[u8] = b"\0marker";

/// A database that was just closed may hold its file for a moment longer, on a thread of sled's pool.
const SLED_LOCK_TRIES_MAX: u32 = 300;
const SLED_LOCK_PAUSE_MS: u64 = 10;

/// How the store uses the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// sled's cache; resident memory passes it by two to three times.
    pub cache_bytes: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options { cache_bytes: 48 * 1024 * 1024 }
    }
}

/// What a start finds.
#[derive(Debug)]
pub enum OpenOutcome {
    /// The store is sound as far as can be told without reading all of it.
    Ready(SledStore),
    /// Say so to the operator, call [`SledStore::recreate`] and fill it from the journal.
    Rebuild { reason: RebuildReason },
}

/// The store in a folder of its own, locked while it is open.
#[derive(Debug)]
pub struct SledStore {
    /// `Some` until dropped.
    db: Option<sled::Db>,
    writer: Mutex<Writer>,
    marker: AtomicU64,
    dir: PathBuf,
    _lock: FolderLock,
}

#[derive(Debug)]
struct Writer {
    /// Our own handle on `<dir>/db`, to sync it.
    data: File,
    seal: Seal,
    /// Why an earlier checkpoint failed.
    poisoned: Option<String>,
    #[cfg(test)]
    syncs_left: Option<u32>,
}

impl SledStore {
    /// Opens the store in `dir`, or says why it must be rebuilt. Creates nothing.
    ///
    /// # Errors
    /// `Locked`, and `Io` where the disk itself refuses: a rebuild would not help.
    pub fn open_or_reason(dir: &Path, options: Options) -> Result<OpenOutcome, StoreError> {
        match SledStore::open(dir, options) {
            Ok(store) => Ok(OpenOutcome::Ready(store)),
            Err(error) => match error.rebuild_reason() {
                Some(reason) => Ok(OpenOutcome::Rebuild { reason }),
                None => Err(error),
            },
        }
    }

    /// Opens the store that [`SledStore::recreate`] made in `dir`.
    ///
    /// # Errors
    /// `Missing`, `Damaged`, `Version` (see [`StoreError::rebuild_reason`]); `Locked`; `Io`.
    pub fn open(dir: &Path, options: Options) -> Result<SledStore, StoreError> {
        if !dir.is_dir() {
            return Err(StoreError::Missing { dir: dir.to_path_buf() });
        }
        let lock = FolderLock::acquire(dir)?;
        let (seal, sealed) = Seal::open(dir)?;
        if !dir.join("db").is_file() {
            return Err(StoreError::damaged("its file `db` is missing"));
        }
        files::remove_snapshots(dir, "generating")?;
        let db = match open_db(dir, options) {
            // The snapshot only speeds opening up; sled can read its whole log instead.
            Err(StoreError::Damaged { what }) if files::remove_snapshots(dir, "")? > 0 => {
                open_db(dir, options).map_err(|_| StoreError::Damaged { what })?
            }
            first => first?,
        };
        let store = SledStore::assemble(db, dir, lock, seal)?;
        store.verify(sealed)?;
        Ok(store)
    }

    /// Makes an empty store in `dir` with marker 0. What was there is removed, not kept aside: all of it can be
    /// rebuilt from the journal, and the rebuild may need the room. A crash in between leaves a store that is `Missing`.
    ///
    /// # Errors
    /// `Locked`; `Io`.
    pub fn recreate(dir: &Path, options: Options) -> Result<SledStore, StoreError> {
        std::fs::create_dir_all(dir).map_err(StoreError::io("create the folder", dir))?;
        let lock = FolderLock::acquire(dir)?;
        files::clear(dir)?;
        let db = open_db(dir, options)?;
        caught(|| {
            db.insert(VERSION_KEY, FORMAT_VERSION.to_be_bytes().as_slice())?;
            db.insert(MARKER_KEY, 0_u64.to_be_bytes().as_slice())?;
            db.flush()
        })
        .map_err(StoreError::damaged)?
        .map_err(|error| StoreError::sled("create", dir, error))?;
        files::sync(&dir.join("db"))?;
        files::sync(&dir.join("conf"))?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            files::sync(parent)?;
        }
        let seal = Seal::create(dir)?;
        SledStore::assemble(db, dir, lock, seal)
    }

    fn assemble(db: sled::Db, dir: &Path, lock: FolderLock, seal: Seal) -> Result<SledStore, StoreError> {
        let path = dir.join("db");
        let data = File::options().read(true).write(true).open(&path).map_err(StoreError::io("open", &path))?;
        let writer = Writer {
            data,
            seal,
            poisoned: None,
            #[cfg(test)]
            syncs_left: None,
        };
        Ok(SledStore {
            db: Some(db),
            writer: Mutex::new(writer),
            marker: AtomicU64::new(0),
            dir: dir.to_path_buf(),
            _lock: lock,
        })
    }

    /// Version and marker of the tree, against what the seal says must be there.
    fn verify(&self, sealed: u64) -> Result<(), StoreError> {
        let version =
            self.number(VERSION_KEY)?.and_then(|bytes| bytes.as_ref().try_into().ok().map(u32::from_be_bytes));
        match version {
            Some(FORMAT_VERSION) => {}
            Some(found) => return Err(StoreError::Version { found, ours: FORMAT_VERSION }),
            None => return Err(StoreError::damaged("its version is missing")),
        }
        let marker = self.number(MARKER_KEY)?.and_then(|bytes| bytes.as_ref().try_into().ok().map(u64::from_be_bytes));
        match marker {
            Some(marker) if marker >= sealed => {
                self.marker.store(marker, Ordering::Release);
                Ok(())
            }
            Some(marker) => Err(StoreError::damaged(format!(
                "it reached seq {sealed} and now only holds what was there at seq {marker}"
            ))),
            None => Err(StoreError::damaged("its marker is missing")),
        }
    }

    fn number(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        caught_quietly(|| self.db().get(key))
            .map_err(StoreError::damaged)?
            .map_err(|error| StoreError::sled("read", &self.dir, error))
    }

    fn db(&self) -> &sled::Db {
        self.db.as_ref().expect("invariant: the database is only taken by drop")
    }

    fn write(&self, writer: &mut Writer, chunks: Vec<Chunk>, marker: u64) -> Result<(), StoreError> {
        for chunk in chunks {
            self.write_chunk(writer, |db| fill(db, chunk))?;
        }
        self.write_chunk(writer, |_| {
            let mut batch = sled::Batch::default();
            batch.insert(MARKER_KEY, marker.to_be_bytes().as_slice());
            Ok(batch)
        })?;
        writer.about_to_sync()?;
        writer.seal.write(marker)
    }

    fn write_chunk(
        &self,
        writer: &mut Writer,
        fill: impl FnOnce(&sled::Db) -> sled::Result<sled::Batch>,
    ) -> Result<(), StoreError> {
        let db = self.db();
        let path = self.dir.join("db");
        caught(|| db.apply_batch(fill(db)?))
            .map_err(StoreError::damaged)?
            .map_err(|error| StoreError::sled("write", &self.dir, error))?;
        writer.about_to_sync()?;
        caught(|| db.flush())
            .map_err(StoreError::damaged)?
            .map_err(|error| StoreError::sled("flush", &self.dir, error))?;
        writer.data.sync_data().map_err(StoreError::io("sync", &path))
    }
}

/// The batch for a chunk, without puts that a later row has overtaken.
fn fill(db: &sled::Db, chunk: Chunk) -> sled::Result<sled::Batch> {
    let mut batch = sled::Batch::default();
    for (key, change) in chunk {
        match change {
            Change::Delete => batch.remove(key),
            Change::Replace(row) => batch.insert(key, row.encode()),
            Change::Put(row) => {
                let stored = db.get(&key)?.and_then(|stored| Row::decode(&stored));
                if stored.is_none_or(|stored| stored.seq <= row.seq) {
                    batch.insert(key, row.encode());
                }
            }
        }
    }
    Ok(batch)
}

impl Writer {
    #[cfg(not(test))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "in tests the store can die here")]
    fn about_to_sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    #[cfg(test)]
    fn about_to_sync(&mut self) -> Result<(), StoreError> {
        match self.syncs_left.as_mut() {
            None => Ok(()),
            Some(0) => Err(StoreError::Poisoned { cause: "the store died, as it was told to".to_owned() }),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
impl SledStore {
    /// Fails once `syncs` more chunks are synced; the marker is one, the seal another.
    pub(crate) fn dying_after(self, syncs: u32) -> SledStore {
        self.writer.lock().unwrap().syncs_left = Some(syncs);
        self
    }

    /// Writes a row of the store itself.
    pub(crate) fn overwrite_version(&self, version: u32) {
        self.db().insert(VERSION_KEY, version.to_be_bytes().as_slice()).unwrap();
        self.db().flush().unwrap();
    }
}

impl Store for SledStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Row>, StoreError> {
        let stored = caught(|| self.db().get(table.prefixed(key)))
            .map_err(StoreError::damaged)?
            .map_err(|error| StoreError::sled("read", &self.dir, error))?;
        stored.map(|stored| Row::decode(&stored).ok_or_else(short_row)).transpose()
    }

    fn scan(&self, table: Table, range: KeyRange) -> Scan<'_> {
        let Some(range) = range.within(table) else { return Box::new(std::iter::empty()) };
        Box::new(Rows { iter: Some(self.db().range(range)), dir: &self.dir })
    }

    fn checkpoint(&self, batch: Checkpoint) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cause) = &writer.poisoned {
            return Err(StoreError::Poisoned { cause: cause.clone() });
        }
        let marker = batch.marker;
        let chunks = batch.into_chunks(self.marker())?;
        // After a failed sync the kernel may report the next one as good: no second try.
        self.write(&mut writer, chunks, marker).inspect_err(|error| writer.poisoned = Some(error.to_string()))?;
        self.marker.store(marker, Ordering::Release);
        Ok(())
    }

    fn marker(&self) -> u64 {
        self.marker.load(Ordering::Acquire)
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        // sled flushes when dropped, which on a damaged file may panic; nothing is owed, checkpoints are on disk.
        let db = self.db.take();
        let _closed = caught_quietly(move || drop(db));
    }
}

fn short_row() -> StoreError {
    StoreError::damaged("a row is shorter than its seq")
}

struct Rows<'a> {
    /// `None` after an error.
    iter: Option<sled::Iter>,
    dir: &'a Path,
}

impl Rows<'_> {
    fn step(
        &mut self,
        step: impl FnOnce(&mut sled::Iter) -> Option<sled::Result<(sled::IVec, sled::IVec)>>,
    ) -> Option<Result<(Vec<u8>, Row), StoreError>> {
        let iter = self.iter.as_mut()?;
        let found = match caught(|| step(iter)) {
            Ok(found) => found?.map_err(|error| StoreError::sled("read", self.dir, error)),
            Err(panic) => Err(StoreError::damaged(panic)),
        };
        let row = found.and_then(|(key, stored)| {
            let row = Row::decode(&stored).ok_or_else(short_row)?;
            Ok((key.iter().skip(1).copied().collect(), row))
        });
        if row.is_err() {
            self.iter = None;
        }
        Some(row)
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<(Vec<u8>, Row), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step(Iterator::next)
    }
}

impl DoubleEndedIterator for Rows<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(DoubleEndedIterator::next_back)
    }
}

fn open_db(dir: &Path, options: Options) -> Result<sled::Db, StoreError> {
    let opened = (0..SLED_LOCK_TRIES_MAX).try_for_each(|_| {
        let config = sled::Config::new().path(dir).cache_capacity(options.cache_bytes).flush_every_ms(None);
        match caught_quietly(|| config.open()) {
            // We hold the folder's lock, so this is a predecessor in this process that sled has not let go yet.
            Ok(Err(sled::Error::Io(cause))) if cause.to_string().contains("could not acquire lock") => {
                std::thread::sleep(Duration::from_millis(SLED_LOCK_PAUSE_MS));
                ControlFlow::Continue(())
            }
            opened => ControlFlow::Break(opened),
        }
    });
    match opened {
        ControlFlow::Break(Ok(Ok(db))) => Ok(db),
        ControlFlow::Break(Ok(Err(error))) => Err(StoreError::sled("open", dir, error)),
        ControlFlow::Break(Err(panic)) => Err(StoreError::damaged(panic)),
        ControlFlow::Continue(()) => Err(StoreError::Locked { dir: dir.to_path_buf() }),
    }
}
