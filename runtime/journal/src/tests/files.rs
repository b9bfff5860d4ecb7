//! What only a journal in files can do: lock, fill the disk, fall behind.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::faulty::{Fault, FaultyDisk};
use super::{all, expected, groups, record, segment_path, write_all};
use crate::{DataLock, FileJournal, Journal, JournalError, NewRecord, Options, read, read_at, verify};

fn open_faulty(data: &tempfile::TempDir, fault: Fault, options: Options) -> (FileJournal, Arc<FaultyDisk>) {
    let disk = FaultyDisk::new(fault);
    let (journal, _) = FileJournal::open_on(Arc::new(disk.clone()), data.path(), options).unwrap();
    (journal, disk)
}

#[test]
fn a_second_opening_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let (journal, _) = FileJournal::open(data.path(), Options::default()).unwrap();
    let error = FileJournal::open(data.path(), Options::default()).unwrap_err();
    assert!(matches!(&error, JournalError::Locked { .. }) && error.to_string().contains("another process"), "{error}");
    assert!(DataLock::acquire(data.path()).is_err());
    journal.close().unwrap();
    drop(DataLock::acquire(data.path()).unwrap());
    FileJournal::open(data.path(), Options::default()).unwrap();
}

/// A full disk, or one that loses what it took, stops the journal; the next start has what was acknowledged, no more.
#[test]
fn a_failing_disk_poisons() {
    let groups = groups(9);
    let full = "the disk is full: free space and start again";
    for (fault, durable_groups, says) in [
        (Fault::FullAtWrite(0), 0, full),
        (Fault::FullAtWrite(4), 4, full),
        (Fault::FullAtRoll, 5, full),
        (Fault::SyncFails(4), 4, "a sync failed: the disk lost it"),
    ] {
        let data = tempfile::tempdir().unwrap();
        let options = Options { segment_bytes: 900, ..Options::default() };
        let (journal, _) = open_faulty(&data, fault, options);
        let error = write_all(&journal, &groups).unwrap_err();
        assert!(
            matches!(error, JournalError::Poisoned { .. }) && error.to_string().contains(says),
            "{fault:?}: {error}"
        );
        assert!(journal.close().is_err());
        let (journal, recovery) = FileJournal::open(data.path(), options).unwrap();
        let durable = expected(&groups[..durable_groups]);
        assert_eq!(recovery.last_seq, durable.len() as u64, "{fault:?}");
        assert_eq!(all(journal.read(0).unwrap()).unwrap(), durable);
        write_all(&journal, &groups[durable_groups..]).unwrap();
        assert_eq!(all(journal.read(0).unwrap()).unwrap(), expected(&groups), "{fault:?}");
    }
}

/// What waits is written together, with one sync; `submit` waits while the queue is full.
#[test]
fn groups_that_wait_become_one_write() {
    let data = tempfile::tempdir().unwrap();
    let options = Options { queue_bytes_max: 2_000, ..Options::default() };
    let (journal, disk) = open_faulty(&data, Fault::Gate, options);
    std::thread::scope(|scope| {
        let submitting =
            scope.spawn(|| (0..100).map(|n| journal.submit(vec![record(n, b"")]).unwrap()).last().unwrap());
        // 2,000 bytes take 38 records of 52: the 39th waits for the gate.
        while crate::writer::lock(&journal.shared().state).next_seq <= 38 {
            std::thread::yield_now();
        }
        assert!(!submitting.is_finished());
        assert_eq!(journal.durable(), 0);
        disk.open_gate();
        let last = submitting.join().unwrap();
        journal.wait(last.last_seq).unwrap();
        // 100 records came in over a queue of 38: they could not all get a write of their own.
        assert!(disk.group_syncs.load(Ordering::SeqCst) < 100);
        assert_eq!(journal.read_at(last.positions[0]).unwrap().seq, 100);
    });
    assert_eq!(journal.read(0).unwrap().count(), 100);
    drop(journal);
    assert_eq!(verify(data.path()).unwrap().groups, disk.group_syncs.load(Ordering::SeqCst));
}

/// A process killed in the middle of writing, again and again: all it acknowledged is there, and it goes on.
#[test]
fn killed_processes_lose_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for life in 1..=5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::files::write_until_killed", "--ignored", "--nocapture"])
            .env("KILLED_DATA", data.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let seqs = lines.filter_map(|line| line.strip_prefix("durable ").and_then(|seq| seq.parse::<u64>().ok()));
        acknowledged = seqs.take(20 * life).last().unwrap().max(acknowledged + 1);
        assert!(matches!(DataLock::acquire(data.path()), Err(JournalError::Locked { .. })), "locked between processes");
        child.kill().unwrap();
        child.wait().unwrap();
        let (journal, recovery) = FileJournal::open(data.path(), KILLED).unwrap();
        assert!(recovery.last_seq >= acknowledged, "{recovery:?} after {acknowledged} were acknowledged");
        assert_eq!(recovery.last_seq % 3, 0, "groups are whole");
        for (item, seq) in journal.read(0).unwrap().zip(1..) {
            assert_eq!(item.unwrap().record, record(seq, &[seq as u8; 200]).into_record(seq));
        }
    }
}

const KILLED: Options =
    Options { segment_bytes: 20_000, write_bytes_max: 4_000, queue_bytes_max: 50_000, check_from_seq: 0 };

#[test]
#[ignore = "the child of `killed_processes_lose_nothing`"]
fn write_until_killed() {
    let data = std::env::var("KILLED_DATA").expect("KILLED_DATA names a folder");
    let (journal, recovery) = FileJournal::open(data.as_ref(), KILLED).unwrap();
    journal.on_durable(Arc::new(|seq| println!("\ndurable {seq}")));
    // Bounded, so that it ends even if nobody kills it.
    for first in (recovery.last_seq + 1..recovery.last_seq + 300_000).step_by(3) {
        journal.submit((first..first + 3).map(|seq| record(seq, &[seq as u8; 200])).collect()).unwrap();
    }
}

/// A waker that panics ends the writer, and nobody waits for ever.
#[test]
fn a_panic_in_the_writer_poisons() {
    let data = tempfile::tempdir().unwrap();
    let (journal, _) = FileJournal::open(data.path(), Options::default()).unwrap();
    let panicked = std::sync::atomic::AtomicBool::new(false);
    journal.on_durable(Arc::new(move |_| assert!(panicked.swap(true, Ordering::SeqCst), "on purpose")));
    journal.submit(vec![record(1, b"")]).unwrap();
    let mut last = Ok(());
    while last.is_ok() {
        last = write_all(&journal, &groups(1));
    }
    assert!(matches!(last, Err(JournalError::Poisoned { .. })));
}

/// Reading without opening: records, one record, the report; and nothing on disk changes.
#[test]
fn a_closed_folder_is_read_and_verified_unchanged() {
    let data = tempfile::tempdir().unwrap();
    let groups = groups(12);
    let (journal, _) = FileJournal::open(data.path(), Options { segment_bytes: 900, ..Options::default() }).unwrap();
    write_all(&journal, &groups).unwrap();
    journal.close().unwrap();
    let segments = journal_bytes(data.path());
    let report = verify(data.path()).unwrap();
    assert_eq!((report.groups, report.records, report.first_seq, report.last_seq), (12, 24, 1, 24));
    assert_eq!((report.segments, report.torn), (segments.len() as u64, None));
    assert_eq!(report.bytes, segments.iter().map(|bytes| bytes.len() as u64).sum::<u64>());
    for stored in read(data.path(), 5).unwrap() {
        let stored = stored.unwrap();
        assert_eq!(read_at(data.path(), stored.position).unwrap(), stored.record);
    }
    // A torn tail is told of, and left where it is.
    let last = segment_path(data.path(), report.segments as u32);
    let mut torn = std::fs::read(&last).unwrap();
    torn.extend_from_slice(&[0; 100]);
    std::fs::write(&last, &torn).unwrap();
    let with_torn = verify(data.path()).unwrap();
    assert_eq!((with_torn.torn.unwrap().bytes, with_torn.bytes, with_torn.last_seq), (100, report.bytes, 24));
    assert_eq!(all(read(data.path(), 0).unwrap()).unwrap(), expected(&groups));
    assert_eq!(std::fs::read(&last).unwrap(), torn);
}

/// `check_from_seq` leaves older segments alone at the start; damage in them still shows when they are read.
#[test]
fn a_start_can_leave_old_segments_unread() {
    let data = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 900, ..Options::default() };
    let (journal, _) = FileJournal::open(data.path(), options).unwrap();
    let position = journal.submit(groups(1).remove(0)).unwrap().positions[0];
    write_all(&journal, &groups(12)).unwrap();
    journal.close().unwrap();
    let path = segment_path(data.path(), 1);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[position.offset as usize + 60] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(FileJournal::open(data.path(), options), Err(JournalError::Damaged { segment: 1, .. })));
    let (journal, recovery) = FileJournal::open(data.path(), Options { check_from_seq: 20, ..options }).unwrap();
    assert_eq!((recovery.first_seq, recovery.last_seq, recovery.records), (1, 25, 25));
    assert!(all(journal.read(20).unwrap()).is_ok());
    assert!(matches!(all(journal.read(0).unwrap()), Err(JournalError::Damaged { segment: 1, .. })));
    assert!(matches!(journal.read_at(position), Err(JournalError::Damaged { segment: 1, .. })));
}

/// A reading of an open journal is not disturbed by what is written meanwhile.
#[test]
fn reading_while_writing() {
    let data = tempfile::tempdir().unwrap();
    let (journal, _) = FileJournal::open(data.path(), Options { segment_bytes: 4_000, ..Options::default() }).unwrap();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for number in 0..300 {
                journal.submit(vec![NewRecord { shard: 3, ..record(number, &[9; 100]) }; 3]).unwrap();
            }
        });
        loop {
            let ended = writing.is_finished();
            let durable = journal.durable();
            let records = all(journal.read(0).unwrap()).unwrap();
            assert!(
                records.len() as u64 >= durable && records.iter().map(|record| record.seq).eq(1..=records.len() as u64)
            );
            if ended {
                break;
            }
        }
    });
}

fn journal_bytes(data: &std::path::Path) -> Vec<Vec<u8>> {
    (1..).map_while(|number| std::fs::read(segment_path(data, number)).ok()).collect()
}
