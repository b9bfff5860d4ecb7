//! A disk that fails when it is told to.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use crate::Death;
use crate::disk::{Disk, RealDisk, SegmentFile};
use crate::format::GROUP_MAGIC;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The process dies at this write; the disk is not touched any more.
    Dies(u64, Death),
    /// There is no room for this write: half of it is written.
    FullAtWrite(u64),
    /// There is no room for a new segment.
    FullAtRoll,
    /// The sync after this write fails, the contents are in the page cache.
    SyncFails(u64),
    /// Nothing is written before [`FaultyDisk::open_gate`].
    Gate,
}

#[derive(Debug)]
pub(super) struct FaultyDisk {
    fault: Fault,
    writes: AtomicU64,
    dead: AtomicBool,
    pub(super) group_syncs: AtomicU64,
    gate: Mutex<bool>,
    opened: Condvar,
}

impl FaultyDisk {
    pub(super) fn new(fault: Fault) -> Arc<FaultyDisk> {
        Arc::new(FaultyDisk {
            fault,
            writes: AtomicU64::new(0),
            dead: AtomicBool::new(false),
            group_syncs: AtomicU64::new(0),
            gate: Mutex::new(fault != Fault::Gate),
            opened: Condvar::new(),
        })
    }

    pub(super) fn open_gate(&self) {
        *self.gate.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn alive(&self) -> io::Result<()> {
        if self.dead.load(Ordering::SeqCst) { Err(io::Error::other("dead")) } else { Ok(()) }
    }
}

impl Disk for Arc<FaultyDisk> {
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        self.alive()?;
        if self.fault == Fault::FullAtRoll && !path.ends_with("00000001.seg") {
            RealDisk.create(path)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(Box::new(FaultyFile { file: RealDisk.create(path)?, disk: self.clone(), fail_sync: false, grouped: false }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        self.alive()?;
        Ok(Box::new(FaultyFile { file: RealDisk.open(path)?, disk: self.clone(), fail_sync: false, grouped: false }))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.alive()?;
        RealDisk.sync_dir(path)
    }
}

#[derive(Debug)]
struct FaultyFile {
    file: Box<dyn SegmentFile>,
    disk: Arc<FaultyDisk>,
    fail_sync: bool,
    grouped: bool,
}

impl SegmentFile for FaultyFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.alive()?;
        if !bytes.starts_with(&GROUP_MAGIC) {
            return self.file.append(bytes);
        }
        let mut gate = self.disk.gate.lock().unwrap();
        while !*gate {
            gate = self.disk.opened.wait(gate).unwrap();
        }
        self.grouped = true;
        let write = self.disk.writes.fetch_add(1, Ordering::SeqCst);
        let half = &bytes[..bytes.len() / 2];
        match self.disk.fault {
            Fault::Dies(at, death) if at == write => {
                self.disk.dead.store(true, Ordering::SeqCst);
                match death {
                    Death::Lost => {}
                    Death::Torn => self.file.append(half)?,
                    Death::Unacknowledged => self.file.append(bytes)?,
                }
                Err(io::Error::other("died"))
            }
            Fault::FullAtWrite(at) if at == write => {
                self.file.append(half)?;
                Err(io::ErrorKind::StorageFull.into())
            }
            fault @ (Fault::Dies(..)
            | Fault::FullAtWrite(_)
            | Fault::FullAtRoll
            | Fault::SyncFails(_)
            | Fault::Gate) => {
                self.fail_sync = fault == Fault::SyncFails(write);
                self.file.append(bytes)
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.alive()?;
        if std::mem::take(&mut self.grouped) {
            self.disk.group_syncs.fetch_add(1, Ordering::SeqCst);
        }
        if std::mem::take(&mut self.fail_sync) {
            return Err(io::Error::other("the disk lost it"));
        }
        self.file.sync()
    }

    fn truncate(&mut self, bytes: u64) -> io::Result<()> {
        self.disk.alive()?;
        self.file.truncate(bytes)
    }
}
