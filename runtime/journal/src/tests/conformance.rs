//! What every journal promises, checked on each kind of it.

use std::sync::{Arc, Mutex};

use super::faulty::{Fault, FaultyDisk};
use super::{all, expected, groups, record, write_all};
use crate::{
    Death, FileJournal, Journal, JournalError, MemoryJournal, NewRecord, Options, Position, RecordKind, Recovery,
};

/// A journal that can be started again and again on what the life before has left.
trait Rig {
    fn new(segment_bytes: u64) -> Self;
    /// Starts it; it dies at a write if told so. What was opened before must have been dropped.
    fn open(&self, death: Option<(u64, Death)>) -> (Arc<dyn Journal>, Recovery);
}

struct Memory(MemoryJournal);

impl Rig for Memory {
    fn new(segment_bytes: u64) -> Memory {
        Memory(MemoryJournal::with_segment_bytes(segment_bytes))
    }

    fn open(&self, death: Option<(u64, Death)>) -> (Arc<dyn Journal>, Recovery) {
        let (journal, recovery) = self.0.reopen();
        let journal = match death {
            Some((writes, Death::Lost)) => journal.dying_after(writes),
            Some((writes, death)) => journal.dying(writes, death),
            None => journal,
        };
        (Arc::new(journal), recovery)
    }
}

struct Files {
    data: tempfile::TempDir,
    options: Options,
}

impl Rig for Files {
    fn new(segment_bytes: u64) -> Files {
        let data = tempfile::tempdir().unwrap();
        Files { data, options: Options { segment_bytes, ..Options::default() } }
    }

    fn open(&self, death: Option<(u64, Death)>) -> (Arc<dyn Journal>, Recovery) {
        let (writes, death) = death.unwrap_or((u64::MAX, Death::Lost));
        let disk = Arc::new(FaultyDisk::new(Fault::Dies(writes, death)));
        let (journal, recovery) = FileJournal::open_on(disk, self.data.path(), self.options).unwrap();
        (Arc::new(journal), recovery)
    }
}

const SEGMENT_BYTES: u64 = 700;

/// What is written is read, in order, from anywhere, in the same life and in the next.
fn order<R: Rig>() {
    let rig = R::new(SEGMENT_BYTES);
    let groups = groups(20);
    let expected = expected(&groups);
    let mut positions: Vec<Position> = Vec::new();
    let (journal, recovery) = rig.open(None);
    assert_eq!(recovery, Recovery { first_seq: 1, last_seq: 0, records: 0, torn: None });
    assert_eq!((journal.durable(), all(journal.read(0).unwrap()).unwrap()), (0, vec![]));
    for group in &groups {
        let ticket = journal.submit(group.clone()).unwrap();
        assert_eq!(ticket.first_seq, positions.len() as u64 + 1);
        assert_eq!(ticket.last_seq - ticket.first_seq + 1, group.len() as u64);
        positions.extend(ticket.positions);
        journal.wait(ticket.last_seq).unwrap();
        assert_eq!(journal.durable(), ticket.last_seq);
    }
    assert!(positions.is_sorted() && positions.last().unwrap().segment > 3);
    let check = |journal: &dyn Journal| {
        for from in 0..=expected.len() + 2 {
            let from_index = from.saturating_sub(1).min(expected.len());
            assert_eq!(all(journal.read(from as u64).unwrap()).unwrap(), expected[from_index..], "from {from}");
        }
        let read = journal.read(0).unwrap().map(|item| item.unwrap().position).collect::<Vec<_>>();
        assert_eq!(read, positions);
        for (position, record) in positions.iter().zip(&expected) {
            assert_eq!(journal.read_at(*position).unwrap(), *record);
        }
        for missing in [Position { segment: 1, offset: 1 << 30 }, Position { segment: 1 << 20, offset: 56 }] {
            assert!(matches!(journal.read_at(missing), Err(JournalError::NoRecord { .. })));
        }
    };
    check(journal.as_ref());
    drop(journal);
    let (journal, recovery) = rig.open(None);
    let last_seq = expected.len() as u64;
    assert_eq!(recovery, Recovery { first_seq: 1, last_seq, records: last_seq, torn: None });
    check(journal.as_ref());
}

/// A crash at any write leaves whole groups: all that were acknowledged, at most the one on its way more.
fn crash_at_every_write<R: Rig>() {
    let groups = groups(9);
    for death in [Death::Lost, Death::Torn, Death::Unacknowledged] {
        for writes in 0..groups.len() {
            let rig = R::new(SEGMENT_BYTES);
            let (journal, _) = rig.open(Some((writes as u64, death)));
            let error = write_all(journal.as_ref(), &groups).unwrap_err();
            assert!(matches!(error, JournalError::Poisoned { .. }), "{error}");
            let acknowledged = expected(&groups[..writes]);
            assert_eq!(journal.durable(), acknowledged.len() as u64);
            assert!(matches!(journal.submit(groups[0].clone()), Err(JournalError::Poisoned { .. })));
            assert!(matches!(journal.wait(journal.durable() + 1), Err(JournalError::Poisoned { .. })));
            assert!(journal.wait(journal.durable()).is_ok() && journal.poisoned().is_some());
            assert_eq!(all(journal.read(0).unwrap()).unwrap(), acknowledged);
            drop(journal);

            let kept = writes + usize::from(death == Death::Unacknowledged);
            let (journal, recovery) = rig.open(None);
            assert_eq!(recovery.last_seq, expected(&groups[..kept]).len() as u64, "{death:?} at {writes}");
            assert_eq!(recovery.torn.is_some(), death == Death::Torn, "{death:?} at {writes}");
            write_all(journal.as_ref(), &groups[kept..]).unwrap();
            drop(journal);
            let (journal, recovery) = rig.open(None);
            assert_eq!(recovery.torn, None);
            assert_eq!(all(journal.read(0).unwrap()).unwrap(), expected(&groups), "{death:?} at {writes}");
        }
    }
}

/// Whole segments go, the oldest first; what is left is read as before, now and after a restart.
fn removal<R: Rig>() {
    let groups = groups(20);
    let expected = expected(&groups);
    let rig = R::new(SEGMENT_BYTES);
    let (journal, _) = rig.open(None);
    write_all(journal.as_ref(), &groups).unwrap();
    let segments = journal.read(0).unwrap().map(|item| item.unwrap().position.segment).collect::<Vec<_>>();
    let mut removed = 0;
    for seq in 0..=expected.len() as u64 + 1 {
        removed += journal.remove_segments_below(seq).unwrap();
        let first = segments.iter().position(|segment| *segment > removed).unwrap();
        let left = all(journal.read(0).unwrap()).unwrap();
        assert_eq!(left, expected[first..], "below {seq}");
        assert!(seq > expected.len() as u64 || left.iter().any(|record| record.seq == seq.max(1)), "below {seq}");
        assert_eq!(journal.read(1).is_err(), removed > 0);
        if removed > 0 {
            let first_seq = first as u64 + 1;
            let error = journal.read(first_seq - 1).err().unwrap();
            assert!(matches!(error, JournalError::Removed { first_seq: told, .. } if told == first_seq));
        }
    }
    let last = *segments.last().unwrap();
    assert_eq!(removed, last - 1, "the segment being written stays");
    write_all(journal.as_ref(), &groups[..1]).unwrap();
    drop(journal);
    let (journal, recovery) = rig.open(None);
    let first_seq = segments.iter().position(|segment| *segment == last).unwrap() as u64 + 1;
    assert_eq!((recovery.first_seq, recovery.last_seq), (first_seq, expected.len() as u64 + 1));
    assert_eq!(journal.read(0).unwrap().count() as u64, recovery.records);
}

/// Groups of several submitters never mix, whoever is first.
fn concurrent_groups_stay_whole<R: Rig>() {
    let rig = R::new(10_000);
    let (journal, _) = rig.open(None);
    std::thread::scope(|scope| {
        for shard in 0..4_u16 {
            let journal = journal.clone();
            scope.spawn(move || {
                for _ in 0..50 {
                    let group = vec![NewRecord { shard, ..record(0, b"x") }; usize::from(shard) + 1];
                    journal.submit(group).unwrap();
                }
            });
        }
    });
    journal.wait(500).unwrap();
    let records = all(journal.read(0).unwrap()).unwrap();
    assert!(records.iter().map(|record| record.seq).eq(1..=500));
    let mut rest = records.as_slice();
    while let Some(first) = rest.first() {
        let (group, after) = rest.split_at(usize::from(first.shard) + 1);
        assert!(group.iter().all(|record| record.shard == first.shard));
        rest = after;
    }
}

/// The event loop hears of each durable seq, and of the end.
fn wakers<R: Rig>() {
    let rig = R::new(SEGMENT_BYTES);
    let (journal, _) = rig.open(Some((2, Death::Lost)));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = heard.clone();
    journal.on_durable(Arc::new(move |seq| hearing.lock().unwrap().push(seq)));
    assert!(write_all(journal.as_ref(), &groups(3)).is_err());
    drop(journal);
    assert_eq!(*heard.lock().unwrap(), [1, 3, 3]);
}

/// What cannot be kept is refused before it gets a seq.
fn refusals<R: Rig>() {
    let rig = R::new(SEGMENT_BYTES);
    let (journal, _) = rig.open(None);
    assert!(matches!(journal.wait(1), Err(JournalError::NotSubmitted { seq: 1, last_seq: 0 })));
    assert!(matches!(journal.submit(vec![]), Err(JournalError::EmptyGroup)));
    for version in [0, 2] {
        let group = vec![record(1, b""), NewRecord { version, kind: RecordKind::Cursor, ..record(2, b"") }];
        assert!(matches!(journal.submit(group), Err(JournalError::RecordVersion { version_max: 1, .. })));
    }
    let huge = vec![record(1, &vec![0; crate::GROUP_BYTES_MAX as usize])];
    assert!(matches!(journal.submit(huge), Err(JournalError::GroupTooLarge { .. })));
    assert_eq!(journal.submit(vec![record(1, b"")]).unwrap().last_seq, 1);
    assert!(journal.wait(1).is_ok() && journal.wait(0).is_ok());
    // Larger than a segment: it gets one of its own.
    let large = vec![record(2, &vec![7; 3 * SEGMENT_BYTES as usize])];
    write_all(journal.as_ref(), &[large.clone(), groups(1).remove(0)]).unwrap();
    assert_eq!(all(journal.read(2).unwrap()).unwrap()[0].body, large[0].body);
    let segments = journal.read(0).unwrap().map(|item| item.unwrap().position.segment).collect::<Vec<_>>();
    assert_eq!(segments, [1, 2, 3]);
}

macro_rules! conformance {
    ($($name:ident),*) => {
        mod memory { $(#[test] fn $name() { super::$name::<super::Memory>(); })* }
        mod files { $(#[test] fn $name() { super::$name::<super::Files>(); })* }
    };
}
conformance!(order, crash_at_every_write, removal, concurrent_groups_stay_whole, wakers, refusals);

/// Only memory can hold groups; a restart loses them, as a crash before the write does.
#[test]
fn held_groups_are_not_durable() {
    let journal = MemoryJournal::new();
    journal.hold();
    for group in groups(3) {
        journal.submit(group).unwrap();
    }
    assert_eq!(journal.durable(), 0);
    assert!(journal.release_one());
    assert_eq!((journal.durable(), journal.clone().durable()), (1, 1));
    let (restarted, recovery) = journal.reopen();
    assert_eq!(recovery.last_seq, 1);
    assert_eq!(restarted.submit(groups(1).remove(0)).unwrap().first_seq, 2);
    journal.release();
    assert!(matches!(journal.wait(3), Err(JournalError::Poisoned { .. })), "the older life must not write any more");
    assert_eq!(all(restarted.read(0).unwrap()).unwrap().len(), 2);
}
