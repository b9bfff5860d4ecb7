//! The journal in segment files: `DATA/journal/00000001.seg` and so on, with `DATA/lock` beside them.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::disk::{Disk, RealDisk};
use crate::format::segment_name;
use crate::layout::{Layout, measure, ticket};
use crate::read::{FileRecords, missing, record_at};
use crate::recover::{Recovery, SegmentInfo, look_over, repair, segments_dir};
use crate::writer::{Batch, Shared, Writer, lock, wait_on};
use crate::{DataLock, Journal, JournalError, NewRecord, Position, Record, Records, Ticket, Waker};

/// How a [`FileJournal`] is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// A segment that would grow beyond this is left for a new one; at most 2 GiB. A larger group has one of its own.
    pub segment_bytes: u64,
    /// Groups that wait are put into one write up to this size; at most [`crate::GROUP_BYTES_MAX`].
    pub write_bytes_max: u64,
    /// `submit` waits while more than this is on its way to the disk.
    pub queue_bytes_max: u64,
    /// Segments wholly before this seq are not read at the start, only their headers; 0 reads everything. What is not
    /// read is still checked whenever it is read later.
    pub check_from_seq: u64,
}

impl Default for Options {
    fn default() -> Options {
        const MIB: u64 = 1024 * 1024;
        Options { segment_bytes: 16 * MIB, write_bytes_max: 4 * MIB, queue_bytes_max: 64 * MIB, check_from_seq: 0 }
    }
}

/// The journal in files. One thread writes; dropping the journal writes what was submitted and gives the lock back.
pub struct FileJournal {
    dir: PathBuf,
    shared: Arc<Shared>,
    /// Open segments for [`Journal::read_at`], the one used last at the back.
    files: Mutex<VecDeque<(u32, Arc<File>)>>,
    writer: Option<JoinHandle<()>>,
    queue_bytes_max: u64,
    write_bytes_max: u64,
    _lock: DataLock,
}

const OPEN_FILES_MAX: usize = 64;

impl FileJournal {
    /// Opens the journal of a data folder, which is made if it does not exist: takes the lock, checks what is there,
    /// cuts a torn tail.
    ///
    /// # Errors
    /// `Locked`, `Damaged`, `Unknown`, `Version`, `Io`; no segment was changed then, except that `Io` may stop a cut.
    pub fn open(data: &Path, options: Options) -> Result<(FileJournal, Recovery), JournalError> {
        FileJournal::open_on(Arc::new(RealDisk), data, options)
    }

    pub(crate) fn open_on(
        disk: Arc<dyn Disk>,
        data: &Path,
        options: Options,
    ) -> Result<(FileJournal, Recovery), JournalError> {
        let dir = segments_dir(data);
        let made = !data.exists();
        std::fs::create_dir_all(&dir).map_err(JournalError::io("make", &dir))?;
        let data_lock = DataLock::acquire(data)?;
        disk.sync_dir(data).map_err(JournalError::io("sync", data))?;
        if let Some(parent) = made.then(|| data.parent()).flatten() {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            disk.sync_dir(parent).map_err(JournalError::io("sync", parent))?;
        }
        let mut overview = look_over(&dir, options.check_from_seq)?;
        repair(&dir, disk.as_ref(), &mut overview)?;

        let report = overview.report;
        let last = overview.segments.last().expect("invariant: a repaired journal has a segment");
        let layout = Layout::new(last.number, overview.end, options.segment_bytes);
        let path = dir.join(segment_name(last.number));
        let file = disk.open(&path).map_err(JournalError::io("open", &path))?;
        let shared = Arc::new(Shared::new(report.last_seq, layout, overview.segments.clone()));
        let writer = Writer::new(shared.clone(), disk, dir.clone(), file, layout);
        let writer = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run())
            .map_err(JournalError::io("start the writer of", &dir))?;
        let journal = FileJournal {
            dir,
            shared,
            files: Mutex::new(VecDeque::new()),
            writer: Some(writer),
            queue_bytes_max: options.queue_bytes_max,
            write_bytes_max: options.write_bytes_max.min(crate::GROUP_BYTES_MAX),
            _lock: data_lock,
        };
        let recovery = Recovery {
            first_seq: report.first_seq,
            last_seq: report.last_seq,
            records: report.records,
            torn: report.torn,
        };
        Ok((journal, recovery))
    }

    /// Writes what was submitted, ends the writer and gives the lock back.
    ///
    /// # Errors
    /// `Poisoned` if something submitted did not become durable.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.stop();
        self.poisoned().map_or(Ok(()), Err)
    }

    fn stop(&mut self) {
        lock(&self.shared.state).closed = true;
        self.shared.work.notify_all();
        if let Some(writer) = self.writer.take() {
            // The writer turns its own panics into a poisoned journal.
            drop(writer.join());
        }
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    fn segment_file(&self, position: Position) -> Result<(Arc<File>, PathBuf), JournalError> {
        let path = self.dir.join(segment_name(position.segment));
        let mut files = lock(&self.files);
        let found = files.iter().position(|(number, _)| *number == position.segment);
        let (number, file) = match found.and_then(|index| files.remove(index)) {
            Some(open) => open,
            None => {
                let file = File::open(&path).map_err(|cause| missing(position, &path, cause))?;
                (position.segment, Arc::new(file))
            }
        };
        files.push_back((number, file.clone()));
        if files.len() > OPEN_FILES_MAX {
            files.pop_front();
        }
        Ok((file, path))
    }
}

impl Journal for FileJournal {
    fn submit(&self, group: Vec<NewRecord>) -> Result<Ticket, JournalError> {
        let bytes = measure(&group)?;
        let mut state = lock(&self.shared.state);
        // A group larger than the whole queue goes in when the queue is empty.
        while state.poison.is_none() && state.queued_bytes > 0 && state.queued_bytes + bytes > self.queue_bytes_max {
            state = wait_on(&self.shared.room, state);
        }
        if let Some(poison) = &state.poison {
            return Err(poison.clone());
        }
        let first_seq = state.next_seq;
        let joins = state.layout.fits(bytes)
            && state.queue.back().is_some_and(|batch| batch.records_bytes + bytes <= self.write_bytes_max);
        let offset = if joins { state.layout.extend(bytes) } else { state.layout.begin(bytes) };
        let segment = state.layout.segment;
        let ticket = ticket(&group, first_seq, segment, offset);
        state.next_seq = ticket.last_seq + 1;
        state.queued_bytes += bytes;
        match state.queue.back_mut().filter(|_| joins) {
            Some(batch) => batch.add(group, bytes),
            None => state.queue.push_back(Batch::new(segment, first_seq, group, bytes)),
        }
        drop(state);
        self.shared.work.notify_one();
        Ok(ticket)
    }

    fn durable(&self) -> u64 {
        self.shared.durable.load(Ordering::Acquire)
    }

    fn wait(&self, seq: u64) -> Result<(), JournalError> {
        if self.durable() >= seq {
            return Ok(());
        }
        let mut state = lock(&self.shared.state);
        loop {
            if self.durable() >= seq {
                return Ok(());
            }
            if let Some(poison) = &state.poison {
                return Err(poison.clone());
            }
            if seq >= state.next_seq {
                return Err(JournalError::NotSubmitted { seq, last_seq: state.next_seq - 1 });
            }
            state = wait_on(&self.shared.done, state);
        }
    }

    fn on_durable(&self, waker: Waker) {
        self.shared.wakers.write().unwrap_or_else(PoisonError::into_inner).push(waker);
    }

    fn poisoned(&self) -> Option<JournalError> {
        lock(&self.shared.state).poison.clone()
    }

    fn read(&self, from_seq: u64) -> Result<Records, JournalError> {
        // First the seq, then the segments: each durable record then lies in a segment that is in the list.
        let durable = self.durable();
        let segments = lock(&self.shared.segments).iter().copied().collect::<Vec<_>>();
        Ok(Box::new(FileRecords::new(self.dir.clone(), segments, from_seq, Some(durable))?))
    }

    fn read_at(&self, position: Position) -> Result<Record, JournalError> {
        let (file, path) = self.segment_file(position)?;
        record_at(&file, &path, position)
    }

    fn remove_segments_below(&self, seq: u64) -> Result<u32, JournalError> {
        let mut removed = 0;
        let mut segments = lock(&self.shared.segments);
        while let (Some(oldest), Some(next)) = (segments.front().copied(), segments.get(1)) {
            // What is on its way to the disk is not in a segment that could go, since `next` is written already.
            if next.first_seq > seq {
                break;
            }
            let path = self.dir.join(segment_name(oldest.number));
            std::fs::remove_file(&path).map_err(JournalError::io("remove", &path))?;
            segments.pop_front();
            lock(&self.files).retain(|(number, _)| *number != oldest.number);
            removed += 1;
        }
        drop(segments);
        if removed > 0 {
            RealDisk.sync_dir(&self.dir).map_err(JournalError::io("sync", &self.dir))?;
        }
        Ok(removed)
    }
}

impl Drop for FileJournal {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for FileJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileJournal").field("dir", &self.dir).field("durable", &self.durable()).finish_non_exhaustive()
    }
}

/// The segments that hold durable records, oldest first.
pub(crate) type Segments = Mutex<VecDeque<SegmentInfo>>;
