//! A journal of format 1, written once and kept: every later build must read it.
//!
//! A new format gets a folder of its own beside `v1`; this one is never written again.

use std::path::{Path, PathBuf};

use super::{all, segment_path, write_all};
use crate::{FORMAT_VERSION, FileJournal, Journal, NewRecord, Options, RecordKind, Stored, read, read_at, verify};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/v1")
}

const SEGMENT_BYTES: u64 = 400;

/// One record of each kind, extreme numbers, an empty body and one with all bytes; two segments and more.
fn contents() -> Vec<Vec<NewRecord>> {
    let record = |kind, shard, run, now, body: Vec<u8>, state_hash| NewRecord {
        kind,
        version: 1,
        shard,
        run,
        now,
        body,
        state_hash,
    };
    vec![
        vec![record(RecordKind::Meta, 0, 0, 0, b"64 shards".to_vec(), 0)],
        vec![
            record(RecordKind::Bundle, 0, 0, 1_764_000_000_000, b"a bundle".to_vec(), 0),
            record(RecordKind::Input, 63, 1, 1_764_000_000_001, b"a run begins".to_vec(), 0x0123_4567_89AB_CDEF),
            record(RecordKind::Input, u16::MAX, u128::MAX, i64::MAX, vec![], u64::MAX),
        ],
        vec![record(RecordKind::HandOver, 1, 2 << 100, i64::MIN, (0..=255).collect(), 1)],
        vec![
            record(RecordKind::Snapshot, 2, 3, -1, "état".as_bytes().to_vec(), 2),
            record(RecordKind::Cursor, 3, 0, 5, b"42".to_vec(), 0),
            record(RecordKind::Checkpoint, 0, 0, 6, vec![0; 16], 0),
            record(RecordKind::Retention, 0, 0, 7, vec![255; 16], 0),
        ],
    ]
}

#[test]
fn format_1_is_read_for_ever() {
    let expected = super::expected(&contents());
    assert_eq!(all(read(&fixture(), 0).unwrap()).unwrap(), expected);
    let report = verify(&fixture()).unwrap();
    assert_eq!((report.segments, report.groups, report.records, report.torn), (3, 4, 9, None));
    for stored in read(&fixture(), 3).unwrap() {
        let Stored { position, record } = stored.unwrap();
        assert_eq!(read_at(&fixture(), position).unwrap(), record);
    }
    // A copy can be opened and gone on with.
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir(data.path().join("journal")).unwrap();
    for number in 1..=3 {
        std::fs::copy(segment_path(&fixture(), number), segment_path(data.path(), number)).unwrap();
    }
    let (journal, recovery) = FileJournal::open(data.path(), Options::default()).unwrap();
    assert_eq!((recovery.last_seq, recovery.torn), (9, None));
    write_all(&journal, &contents()[..1]).unwrap();
    assert_eq!(all(journal.read(1).unwrap()).unwrap()[..9], expected);
}

/// As long as format 1 is the one that is written, its bytes do not change by accident.
#[test]
fn format_1_is_written_byte_for_byte() {
    assert_eq!(FORMAT_VERSION, 1, "a new format: keep the fixture of the old one, add one, and drop this test for v1");
    let data = tempfile::tempdir().unwrap();
    write_fixture(data.path());
    for number in 1..=3 {
        let written = std::fs::read(segment_path(data.path(), number)).unwrap();
        assert_eq!(written, std::fs::read(segment_path(&fixture(), number)).unwrap(), "segment {number}");
    }
}

fn write_fixture(data: &Path) {
    let options = Options { segment_bytes: SEGMENT_BYTES, ..Options::default() };
    let (journal, _) = FileJournal::open(data, options).unwrap();
    write_all(&journal, &contents()).unwrap();
    journal.close().unwrap();
}

/// For the fixture of a new format: `FIXTURE=<folder> cargo test -p flowline-journal make_fixture -- --ignored`.
#[test]
#[ignore = "writes a folder"]
fn make_fixture() {
    write_fixture(Path::new(&std::env::var("FIXTURE").expect("FIXTURE names a folder")));
}
