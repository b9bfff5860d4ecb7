//! The journal's twin in memory: the same promises, and it can be told when and how to die.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use crate::format::SEGMENT_HEADER_BYTES;
use crate::layout::{Layout, measure, ticket};
use crate::recover::Recovery;
use crate::scan::TornTail;
use crate::writer::{lock, wait_on};
use crate::{Journal, JournalError, NewRecord, Position, Record, Records, Stored, Ticket, Waker};

/// What a crash during the write of a group leaves on the "disk".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Death {
    /// Nothing of the group.
    Lost,
    /// A part, which the next start cuts and reports.
    Torn,
    /// All of it: durable, but never acknowledged.
    Unacknowledged,
}

/// A journal in memory. A clone shares what is stored, but lives its own life: after one has died (or was left), a clone
/// goes on from what is durable, as after a restart. The first submit of a clone takes the journal over, and what
/// another one submits from then on is refused. To share one life, put it into an `Arc`.
///
/// Each submitted group is one write, made within `submit`, unless the groups are held.
pub struct MemoryJournal {
    storage: Arc<Mutex<Storage>>,
    life: Mutex<Life>,
    changed: Condvar,
}

#[derive(Debug)]
struct Storage {
    stored: VecDeque<Stored>,
    next_seq: u64,
    torn: Option<TornTail>,
    layout: Layout,
    /// How many lives have begun; the last one may write.
    lives: u64,
}

#[derive(Default)]
struct Life {
    /// 0 until the first submit.
    number: u64,
    durable: u64,
    next_seq: u64,
    /// Where what is submitted will lie.
    layout: Option<Layout>,
    pending: VecDeque<Submitted>,
    held: bool,
    writes: u64,
    death: Option<(u64, Death)>,
    poison: Option<JournalError>,
    wakers: Vec<Waker>,
}

/// A group with its seqs and positions, and the end of the journal once it is written.
struct Submitted {
    group: Vec<Stored>,
    last_seq: u64,
    layout: Layout,
}

impl MemoryJournal {
    #[must_use]
    pub fn new() -> MemoryJournal {
        MemoryJournal::with_segment_bytes(16 * 1024 * 1024)
    }

    /// Segments of another size than 16 MiB; they are made and removed as those of a file are.
    #[must_use]
    pub fn with_segment_bytes(segment_bytes: u64) -> MemoryJournal {
        let layout = Layout::new(1, SEGMENT_HEADER_BYTES as u64, segment_bytes);
        let storage = Storage { stored: VecDeque::new(), next_seq: 1, torn: None, layout, lives: 0 };
        MemoryJournal::on(Arc::new(Mutex::new(storage)))
    }

    fn on(storage: Arc<Mutex<Storage>>) -> MemoryJournal {
        MemoryJournal { storage, life: Mutex::default(), changed: Condvar::new() }
    }

    /// Makes `writes` group writes, and dies at the next one, of which nothing is left.
    #[must_use]
    pub fn dying_after(self, writes: u64) -> MemoryJournal {
        self.dying(writes, Death::Lost)
    }

    /// Makes `writes` group writes, and dies at the next one as told.
    #[must_use]
    pub fn dying(self, writes: u64, death: Death) -> MemoryJournal {
        lock(&self.life).death = Some((writes, death));
        self
    }

    /// A restart: a new life that has begun already, and what it found.
    #[must_use]
    pub fn reopen(&self) -> (MemoryJournal, Recovery) {
        let journal = self.clone();
        let mut storage = lock(&self.storage);
        let recovery = Recovery {
            first_seq: storage.first_seq(),
            last_seq: storage.next_seq - 1,
            records: storage.stored.len() as u64,
            torn: storage.torn,
        };
        lock(&journal.life).begin(&mut storage);
        drop(storage);
        (journal, recovery)
    }

    /// From now on submitted groups wait, un-durable, until they are released.
    pub fn hold(&self) {
        lock(&self.life).held = true;
    }

    /// Writes the oldest held group; false if there is none.
    pub fn release_one(&self) -> bool {
        let mut life = lock(&self.life);
        let Some(submitted) = life.pending.pop_front() else { return false };
        life.write(&self.storage, submitted);
        self.tell(life);
        true
    }

    /// Writes all held groups and holds no more.
    pub fn release(&self) {
        lock(&self.life).held = false;
        while self.release_one() {}
    }

    /// Wakes everybody; the wakers run when nothing is locked, so that they may look at the journal.
    fn tell(&self, life: MutexGuard<'_, Life>) {
        let (wakers, durable) = (life.wakers.clone(), life.durable);
        drop(life);
        self.changed.notify_all();
        for waker in wakers {
            waker(durable);
        }
    }

    /// The highest seq that this life may read.
    fn readable(&self, life: &Life, storage: &Storage) -> u64 {
        if life.number == 0 { storage.next_seq - 1 } else { life.durable }
    }
}

impl Storage {
    fn first_seq(&self) -> u64 {
        self.stored.front().map_or(self.next_seq, |stored| stored.record.seq)
    }
}

impl Life {
    fn begin(&mut self, storage: &mut Storage) {
        storage.torn = None;
        storage.lives += 1;
        self.number = storage.lives;
        self.durable = storage.next_seq - 1;
        self.next_seq = storage.next_seq;
        self.layout = Some(storage.layout);
    }

    /// Writes one group, or dies of it.
    fn write(&mut self, storage: &Mutex<Storage>, submitted: Submitted) {
        let Submitted { group, last_seq, layout } = submitted;
        let mut storage = lock(storage);
        if storage.lives != self.number {
            return self.die("another journal has taken over");
        }
        let death = self.death.filter(|(writes, _)| *writes == self.writes).map(|(_, death)| death);
        match death {
            Some(Death::Lost) => {}
            Some(Death::Torn) => {
                let Layout { segment, end: offset, segment_bytes: _ } = storage.layout;
                storage.torn = Some(TornTail { segment, offset, bytes: 1 });
            }
            Some(Death::Unacknowledged) | None => {
                storage.stored.extend(group);
                storage.next_seq = last_seq + 1;
                storage.layout = layout;
            }
        }
        if death.is_some() {
            return self.die("the journal was told to die here");
        }
        self.writes += 1;
        self.durable = last_seq;
    }

    fn die(&mut self, cause: &'static str) {
        self.pending.clear();
        self.poison.get_or_insert(JournalError::poisoned("a write", io::Error::other(cause)));
    }
}

impl Journal for MemoryJournal {
    fn submit(&self, group: Vec<NewRecord>) -> Result<Ticket, JournalError> {
        let bytes = measure(&group)?;
        let mut life = lock(&self.life);
        if let Some(poison) = &life.poison {
            return Err(poison.clone());
        }
        if life.number == 0 {
            life.begin(&mut lock(&self.storage));
        }
        let mut layout = life.layout.expect("invariant: a life that has begun has a layout");
        let offset = layout.begin(bytes);
        let ticket = ticket(&group, life.next_seq, layout.segment, offset);
        let group = group
            .into_iter()
            .zip(ticket.first_seq..)
            .zip(&ticket.positions)
            .map(|((record, seq), position)| Stored { position: *position, record: record.into_record(seq) })
            .collect();
        let submitted = Submitted { group, last_seq: ticket.last_seq, layout };
        life.layout = Some(layout);
        life.next_seq = ticket.last_seq + 1;
        if life.held {
            life.pending.push_back(submitted);
        } else {
            life.write(&self.storage, submitted);
            self.tell(life);
        }
        Ok(ticket)
    }

    fn durable(&self) -> u64 {
        let life = lock(&self.life);
        self.readable(&life, &lock(&self.storage))
    }

    fn wait(&self, seq: u64) -> Result<(), JournalError> {
        let mut life = lock(&self.life);
        loop {
            let durable = self.readable(&life, &lock(&self.storage));
            if durable >= seq {
                return Ok(());
            }
            if let Some(poison) = &life.poison {
                return Err(poison.clone());
            }
            let last_seq = if life.number == 0 { durable } else { life.next_seq - 1 };
            if seq > last_seq {
                return Err(JournalError::NotSubmitted { seq, last_seq });
            }
            life = wait_on(&self.changed, life);
        }
    }

    fn on_durable(&self, waker: Waker) {
        lock(&self.life).wakers.push(waker);
    }

    fn poisoned(&self) -> Option<JournalError> {
        lock(&self.life).poison.clone()
    }

    fn read(&self, from_seq: u64) -> Result<Records, JournalError> {
        let life = lock(&self.life);
        let storage = lock(&self.storage);
        let first_seq = storage.first_seq();
        if from_seq != 0 && from_seq < first_seq {
            return Err(JournalError::Removed { from_seq, first_seq });
        }
        let readable = self.readable(&life, &storage);
        let wanted = |stored: &&Stored| (from_seq..=readable).contains(&stored.record.seq);
        let records = storage.stored.iter().filter(wanted).cloned().collect::<Vec<_>>();
        Ok(Box::new(records.into_iter().map(Ok)))
    }

    fn read_at(&self, position: Position) -> Result<Record, JournalError> {
        let life = lock(&self.life);
        let storage = lock(&self.storage);
        let readable = self.readable(&life, &storage);
        let found = storage.stored.binary_search_by_key(&position, |stored| stored.position).ok();
        found
            .and_then(|index| storage.stored.get(index))
            .filter(|stored| stored.record.seq <= readable)
            .map(|stored| stored.record.clone())
            .ok_or(JournalError::NoRecord { segment: position.segment, offset: position.offset })
    }

    fn remove_segments_below(&self, seq: u64) -> Result<u32, JournalError> {
        let mut storage = lock(&self.storage);
        let mut removed = 0;
        while let Some(oldest) = storage.stored.front().map(|stored| stored.position.segment) {
            // The segment being written stays, so a segment goes only when a later one has records.
            let later = storage.stored.iter().find(|stored| stored.position.segment > oldest);
            let Some(next_seq) = later.map(|stored| stored.record.seq).filter(|next_seq| *next_seq <= seq) else {
                break;
            };
            while storage.stored.front().is_some_and(|stored| stored.record.seq < next_seq) {
                storage.stored.pop_front();
            }
            removed += 1;
        }
        Ok(removed)
    }
}

impl Clone for MemoryJournal {
    fn clone(&self) -> MemoryJournal {
        MemoryJournal::on(self.storage.clone())
    }
}

impl Default for MemoryJournal {
    fn default() -> MemoryJournal {
        MemoryJournal::new()
    }
}

impl fmt::Debug for MemoryJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let storage = lock(&self.storage);
        f.debug_struct("MemoryJournal").field("last_seq", &(storage.next_seq - 1)).finish_non_exhaustive()
    }
}
