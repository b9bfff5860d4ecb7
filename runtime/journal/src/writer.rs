//! The one thread that writes: takes what was submitted, one write, one `fdatasync`, tells everybody.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

use crate::disk::{Disk, SegmentFile};
use crate::file::Segments;
use crate::format::{GROUP_VERSION, GroupHeader, encode_record, finish_group};
use crate::layout::Layout;
use crate::recover::{SegmentInfo, create_segment};
use crate::{JournalError, NewRecord, Waker};

/// What callers and the writer share.
pub(crate) struct Shared {
    pub(crate) state: Mutex<State>,
    /// The writer waits here for groups, or for the end.
    pub(crate) work: Condvar,
    /// `submit` waits here for room in the queue.
    pub(crate) room: Condvar,
    /// `wait` waits here for durability.
    pub(crate) done: Condvar,
    /// Changes only while `state` is locked, so that nobody who waits misses it.
    pub(crate) durable: AtomicU64,
    pub(crate) wakers: RwLock<Vec<Waker>>,
    pub(crate) segments: Segments,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) queue: VecDeque<Batch>,
    /// Bytes of records submitted and not durable yet.
    pub(crate) queued_bytes: u64,
    pub(crate) next_seq: u64,
    pub(crate) layout: Layout,
    pub(crate) closed: bool,
    pub(crate) poison: Option<JournalError>,
}

/// Submitted groups that become one group on disk, and so one write.
#[derive(Debug)]
pub(crate) struct Batch {
    segment: u32,
    first_seq: u64,
    count: u32,
    pub(crate) records_bytes: u64,
    groups: Vec<Vec<NewRecord>>,
}

impl Batch {
    pub(crate) fn new(segment: u32, first_seq: u64, group: Vec<NewRecord>, bytes: u64) -> Batch {
        let mut batch = Batch { segment, first_seq, count: 0, records_bytes: 0, groups: Vec::new() };
        batch.add(group, bytes);
        batch
    }

    pub(crate) fn add(&mut self, group: Vec<NewRecord>, bytes: u64) {
        self.count += u32::try_from(group.len()).expect("invariant: a group is smaller than 4 GiB");
        self.records_bytes += bytes;
        self.groups.push(group);
    }

    fn last_seq(&self) -> u64 {
        self.first_seq + u64::from(self.count) - 1
    }

    fn encode(&self, into: &mut Vec<u8>) {
        into.clear();
        let header = GroupHeader {
            version: GROUP_VERSION,
            records_bytes: u32::try_from(self.records_bytes).expect("invariant: a write is smaller than 4 GiB"),
            count: self.count,
            first_seq: self.first_seq,
        };
        header.encode(into);
        for (record, seq) in self.groups.iter().flatten().zip(self.first_seq..) {
            encode_record(record, seq, into);
        }
        finish_group(into);
    }
}

impl Shared {
    pub(crate) fn new(last_seq: u64, layout: Layout, segments: Vec<SegmentInfo>) -> Shared {
        let queue = VecDeque::new();
        let next_seq = last_seq + 1;
        Shared {
            state: Mutex::new(State { queue, queued_bytes: 0, next_seq, layout, closed: false, poison: None }),
            work: Condvar::new(),
            room: Condvar::new(),
            done: Condvar::new(),
            durable: AtomicU64::new(last_seq),
            wakers: RwLock::new(Vec::new()),
            segments: Mutex::new(segments.into()),
        }
    }

    /// The next batch, waiting for one; `None` at the end.
    fn take(&self) -> Option<Batch> {
        let mut state = lock(&self.state);
        loop {
            if state.poison.is_some() {
                return None;
            }
            if let Some(batch) = state.queue.pop_front() {
                return Some(batch);
            }
            if state.closed {
                return None;
            }
            state = wait_on(&self.work, state);
        }
    }

    fn publish(&self, batch: &Batch) {
        let mut state = lock(&self.state);
        state.queued_bytes -= batch.records_bytes;
        self.durable.store(batch.last_seq(), Ordering::Release);
        drop(state);
        self.done.notify_all();
        self.room.notify_all();
        self.wake();
    }

    fn poison(&self, error: JournalError) {
        let mut state = lock(&self.state);
        state.poison.get_or_insert(error);
        state.queue.clear();
        drop(state);
        self.done.notify_all();
        self.room.notify_all();
        self.wake();
    }

    fn wake(&self) {
        let durable = self.durable.load(Ordering::Acquire);
        let wakers = self.wakers.read().unwrap_or_else(PoisonError::into_inner).clone();
        for waker in wakers {
            waker(durable);
        }
    }
}

pub(crate) struct Writer {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    file: Box<dyn SegmentFile>,
    segment: u32,
    /// Where the durable part of the segment ends.
    durable_end: u64,
    buffer: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        file: Box<dyn SegmentFile>,
        layout: Layout,
    ) -> Writer {
        let Layout { segment, end: durable_end, segment_bytes: _ } = layout;
        Writer { shared, disk, dir, file, segment, durable_end, buffer: Vec::new() }
    }

    pub(crate) fn run(mut self) {
        // A panic (a waker's, say) must not leave others waiting for ever.
        let ended = catch_unwind(AssertUnwindSafe(|| {
            while let Some(batch) = self.shared.take() {
                if let Err(error) = self.write(&batch) {
                    self.shared.poison(error);
                    return;
                }
                self.shared.publish(&batch);
            }
        }));
        if ended.is_err() {
            self.shared.poison(JournalError::poisoned("the writer's thread", io::Error::other("it panicked")));
        }
    }

    fn write(&mut self, batch: &Batch) -> Result<(), JournalError> {
        if batch.segment != self.segment {
            self.file = create_segment(&self.dir, self.disk.as_ref(), batch.segment, batch.first_seq)
                .map_err(|cause| JournalError::poisoned("making a new segment", cause))?;
            self.segment = batch.segment;
            self.durable_end = crate::format::SEGMENT_HEADER_BYTES as u64;
            let info = SegmentInfo { number: batch.segment, first_seq: batch.first_seq };
            lock(&self.shared.segments).push_back(info);
        }
        batch.encode(&mut self.buffer);
        let written = match self.file.append(&self.buffer) {
            Ok(()) => self.file.sync().map_err(|cause| JournalError::poisoned("a sync", cause)),
            Err(cause) => Err(JournalError::poisoned("a write", cause)),
        };
        match &written {
            Ok(()) => self.durable_end += self.buffer.len() as u64,
            // After a failed sync the page cache may hold what the disk never got, and the next start would believe it.
            // Should the cut fail as well, the start finds a torn tail or a whole group; neither was acknowledged.
            Err(_) => drop(self.file.truncate(self.durable_end).and_then(|()| self.file.sync())),
        }
        written
    }
}

/// Nothing under these locks is left half done by a panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn wait_on<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
