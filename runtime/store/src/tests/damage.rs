//! What the disk door does with folders that are not as it left them: an answer, never a panic.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::{SMALL, copy};
use crate::{Checkpoint, KeyRange, OpenOutcome, RebuildReason, Row, SledStore, Store, StoreError, Table, key_u64};

const KEYS: u64 = 600;

/// A closed store with marker 3, opened twice so that it has a snapshot.
fn closed() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().join("store");
    let store = SledStore::recreate(&dir, SMALL).unwrap();
    fill(&store, 1);
    fill(&store, 2);
    drop(store);
    let store = SledStore::open(&dir, SMALL).unwrap();
    fill(&store, 3);
    drop(store);
    (folder, dir)
}

fn fill(store: &SledStore, seq: u64) {
    let mut batch = Checkpoint::new(seq);
    for key in 0..KEYS {
        batch.put(Table::Run, key_u64(key), Row::new(seq, vec![seq as u8; 100]));
    }
    store.checkpoint(batch).unwrap();
}

fn reason(dir: &Path) -> Option<RebuildReason> {
    match SledStore::open_or_reason(dir, SMALL).unwrap() {
        OpenOutcome::Ready(_) => None,
        OpenOutcome::Rebuild { reason } => Some(reason),
    }
}

fn check_sound(store: &SledStore, seq: u64) {
    assert_eq!(store.marker(), seq);
    let rows: Vec<_> = store.scan(Table::Run, KeyRange::all()).map(Result::unwrap).collect();
    assert_eq!(rows.len() as u64, KEYS);
    assert!(rows.iter().all(|(_, row)| row.seq == seq));
}

/// After whatever happened, the store can be made anew and works.
fn check_recreate(dir: &Path) {
    let store = SledStore::recreate(dir, SMALL).unwrap();
    assert_eq!(store.marker(), 0);
    assert!(store.scan(Table::Run, KeyRange::all()).next().is_none());
    fill(&store, 7);
    drop(store);
    check_sound(&SledStore::open(dir, SMALL).unwrap(), 7);
}

fn set_len(path: &Path, length: u64) {
    File::options().write(true).open(path).unwrap().set_len(length).unwrap();
}

/// Each folder that asks for a rebuild: what was done to it, and whether the reason is the right one.
#[test]
fn what_cannot_be_opened_is_rebuilt_for_a_reason() {
    type Case = (&'static str, fn(&Path), fn(&RebuildReason) -> bool);
    let missing: fn(&RebuildReason) -> bool = |reason| *reason == RebuildReason::Missing;
    let damaged: fn(&RebuildReason) -> bool = |reason| matches!(reason, RebuildReason::Damaged { .. });
    let cases: [Case; 9] = [
        ("the folder is gone", |dir| fs::remove_dir_all(dir).unwrap(), missing),
        ("the folder is empty", empty, missing),
        ("the seal is gone", |dir| fs::remove_file(dir.join("marker")).unwrap(), missing),
        ("the seal is short", |dir| set_len(&dir.join("marker"), 10), damaged),
        ("the seal is empty", |dir| set_len(&dir.join("marker"), 0), damaged),
        ("db is gone", |dir| fs::remove_file(dir.join("db")).unwrap(), damaged),
        ("db is empty", |dir| set_len(&dir.join("db"), 0), damaged),
        ("db is short", |dir| set_len(&dir.join("db"), 5_000), damaged),
        ("db is another file", |dir| fs::write(dir.join("db"), [0x5a; 600_000]).unwrap(), damaged),
    ];
    let (_folder, sound) = closed();
    for (name, harm, expected) in cases {
        let folder = TempDir::new().unwrap();
        let dir = folder.path().join("store");
        copy(&sound, &dir);
        harm(&dir);
        let reason = reason(&dir).unwrap_or_else(|| panic!("{name}: opened"));
        assert!(expected(&reason), "{name}: {reason}");
        check_recreate(&dir);
    }
}

fn empty(dir: &Path) {
    fs::remove_dir_all(dir).unwrap();
    fs::create_dir(dir).unwrap();
}

#[test]
fn another_version_is_named() {
    let (_folder, dir) = closed();
    SledStore::open(&dir, SMALL).unwrap().overwrite_version(99);
    assert_eq!(reason(&dir), Some(RebuildReason::Version { found: 99, ours: crate::FORMAT_VERSION }));
    check_recreate(&dir);
}

#[test]
fn a_snapshot_that_was_being_written_is_no_hindrance() {
    for name in ["snap.00000000000FFFFF.generating", "snap.generating"] {
        let (_folder, dir) = closed();
        fs::write(dir.join(name), b"half a snap").unwrap();
        check_sound(&SledStore::open(&dir, SMALL).unwrap(), 3);
        assert!(!dir.join(name).exists());
    }
}

#[test]
fn a_damaged_snapshot_is_done_without() {
    let (_folder, dir) = closed();
    let mut snapshots = 0;
    for entry in fs::read_dir(&dir).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("snap.") {
            let mut bytes = fs::read(entry.path()).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(entry.path(), bytes).unwrap();
            snapshots += 1;
        }
    }
    assert!(snapshots > 0);
    check_sound(&SledStore::open(&dir, SMALL).unwrap(), 3);
}

#[test]
fn a_folder_is_open_once() {
    let (_folder, dir) = closed();
    let first = SledStore::open(&dir, SMALL).unwrap();
    assert!(matches!(SledStore::open(&dir, SMALL), Err(StoreError::Locked { .. })));
    assert!(matches!(SledStore::open_or_reason(&dir, SMALL), Err(StoreError::Locked { .. })));
    assert!(matches!(SledStore::recreate(&dir, SMALL), Err(StoreError::Locked { .. })));
    check_sound(&first, 3);
    drop(first);
    check_sound(&SledStore::open(&dir, SMALL).unwrap(), 3);
}

/// sled does not sync blobs, so no row may become one, however rows lie together on a page.
#[test]
fn the_largest_rows_make_no_blobs() {
    let (_folder, dir) = closed();
    let store = SledStore::open(&dir, SMALL).unwrap();
    for seq in 4..8 {
        let mut batch = Checkpoint::new(seq);
        for key in 0..600 {
            let mut long = key_u64(key * seq % 601).to_vec();
            long.resize(crate::KEY_BYTES_MAX, 0);
            batch.put(Table::Summary, long, Row::new(seq, vec![7; crate::ROW_BYTES_MAX]));
        }
        store.checkpoint(batch).unwrap();
        assert_eq!(fs::read_dir(dir.join("blobs")).unwrap().count(), 0);
    }
}

/// Either the store opens at the marker it had, and each read gives what was written or says `Damaged`; or it is
/// rebuilt.
fn check_harmed(dir: &Path) {
    if let OpenOutcome::Ready(store) = SledStore::open_or_reason(dir, SMALL).unwrap() {
        assert_eq!(store.marker(), 3);
        for key in 0..KEYS {
            match store.get(Table::Run, &key_u64(key)) {
                Ok(row) => assert_eq!(row.expect("no row goes without a word").seq, 3),
                Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "{error}"),
            }
        }
        let rows: Vec<_> = store.scan(Table::Run, KeyRange::all()).collect();
        assert!(rows.len() as u64 == KEYS || rows.iter().any(Result::is_err));
    }
    check_recreate(dir);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_truncated_db_is_no_surprise(part in 0.0..1.0_f64) {
        let (_folder, dir) = closed();
        let length = fs::metadata(dir.join("db")).unwrap().len();
        set_len(&dir.join("db"), (length as f64 * part) as u64);
        check_harmed(&dir);
    }

    #[test]
    fn flipped_bits_are_no_surprise(flips in prop::collection::vec((0.0..1.0_f64, 0_u8..8), 1..6), file in 0..8) {
        let (_folder, dir) = closed();
        let name = match file { 0 => "conf", 1 => "marker", _ => "db" };
        let mut bytes = fs::read(dir.join(name)).unwrap();
        // The rest of sled's last segment is filler: most flips should hit what counts.
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
        for (part, bit) in flips {
            bytes[(used as f64 * part) as usize] ^= 1 << bit;
        }
        fs::write(dir.join(name), bytes).unwrap();
        check_harmed(&dir);
    }
}
