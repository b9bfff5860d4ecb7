//! Whatever happens to the files: an error with the place, or a reported cut of an unfinished end. Never wrong records.

use std::path::Path;

use proptest::prelude::*;

use super::{all, expected, groups, record, segment_path, write_all};
use crate::format::{
    GROUP_HEADER_BYTES, GROUP_VERSION, GroupHeader, SEGMENT_HEADER_BYTES, encode_record, finish_group,
};
use crate::{FileJournal, Journal, JournalError, NewRecord, Options, Record, TornTail, read, verify};

/// A journal in segments of 900 bytes, and what is in it.
fn journal_of(groups: &[Vec<NewRecord>]) -> (tempfile::TempDir, Vec<Record>) {
    let data = tempfile::tempdir().unwrap();
    let (journal, _) = FileJournal::open(data.path(), Options { segment_bytes: 900, ..Options::default() }).unwrap();
    write_all(&journal, groups).unwrap();
    journal.close().unwrap();
    (data, expected(groups))
}

fn last_segment(data: &Path) -> u32 {
    verify(data).unwrap().segments as u32
}

/// Where the groups of a sound segment begin, and where the last one ends.
fn group_offsets(bytes: &[u8]) -> Vec<usize> {
    let mut offsets = vec![SEGMENT_HEADER_BYTES];
    while let Some(header) = GroupHeader::decode(&bytes[*offsets.last().unwrap()..]) {
        offsets.push(offsets.last().unwrap() + header.group_bytes() as usize);
    }
    offsets
}

/// The promise, for whatever was done to the files: `verify`, `read` and the start agree, and no wrong record is read.
/// Returns the cut, or the error.
fn judge(data: &Path, expected: &[Record]) -> Result<Option<TornTail>, JournalError> {
    let verdict = verify(data);
    let read_back = read(data, 0).and_then(all);
    match &verdict {
        Ok(report) => {
            let kept = read_back.expect("what verifies can be read");
            assert_eq!(kept.len() as u64, report.records);
            assert_eq!(kept, expected[..kept.len()], "the records are what was written");
            assert_eq!(kept.len() < expected.len(), report.torn.is_some(), "nothing goes without being told");
        }
        Err(error) => {
            let error = error.to_string();
            assert_eq!(read_back.unwrap_err().to_string(), error, "reading finds what verify finds");
            let start = loop {
                // A process that another test starts holds this one's open files, locks included, until it is itself.
                let error = FileJournal::open(data, Options::default()).expect_err("the start is stopped");
                if !matches!(error, JournalError::Locked { .. }) {
                    break error;
                }
                std::thread::yield_now();
            };
            assert_eq!(start.to_string(), error);
        }
    }
    verdict.map(|report| report.torn)
}

/// Each bit of a journal of several segments, one after the other.
#[test]
fn every_flipped_bit_is_damage() {
    let (data, expected) = journal_of(&groups(7));
    assert!(last_segment(data.path()) > 1);
    for number in 1..=last_segment(data.path()) {
        let path = segment_path(data.path(), number);
        let sound = std::fs::read(&path).unwrap();
        let offsets = group_offsets(&sound);
        for bit in 0..sound.len() * 8 {
            let mut bytes = sound.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bytes).unwrap();
            // The place that is named is the segment's header or the group the bit is in.
            let place = offsets.iter().rev().find(|offset| **offset <= bit / 8).copied().unwrap_or(0);
            match judge(data.path(), &expected) {
                Err(JournalError::Damaged { segment, offset, .. }) => {
                    assert_eq!((segment, offset), (number, place as u64), "bit {bit}");
                }
                other => panic!("bit {bit} of segment {number}: {other:?}"),
            }
        }
        std::fs::write(&path, &sound).unwrap();
    }
    assert_eq!(judge(data.path(), &expected).unwrap(), None);
}

/// The last segment cut at each byte: cut back to the group before, told, and gone on from.
#[test]
fn every_shortened_end_is_cut() {
    let groups = groups(8);
    let (data, expected) = journal_of(&groups);
    let number = last_segment(data.path());
    assert!(number > 1);
    let path = segment_path(data.path(), number);
    let sound = std::fs::read(&path).unwrap();
    let offsets = group_offsets(&sound);
    for bytes in 0..sound.len() {
        std::fs::write(&path, &sound[..bytes]).unwrap();
        let offset = offsets.iter().rev().find(|offset| **offset <= bytes).copied().unwrap_or(0);
        let cut = TornTail { segment: number, offset: offset as u64, bytes: (bytes - offset) as u64 };
        if cut.bytes > 0 || offset == 0 {
            assert_eq!(judge(data.path(), &expected).unwrap(), Some(cut), "at {bytes}");
        }
        let (journal, recovery) = FileJournal::open(data.path(), Options::default()).unwrap();
        assert_eq!(recovery.torn, (cut.bytes > 0 || offset == 0).then_some(cut), "at {bytes}");
        let kept = recovery.last_seq as usize;
        write_all(&journal, &[vec![record(99, b"after")]]).unwrap();
        let records = all(journal.read(0).unwrap()).unwrap();
        assert_eq!(records[..kept], expected[..kept]);
        assert_eq!((records.len(), records[kept].body.as_slice()), (kept + 1, b"after".as_slice()));
    }
}

/// The length became durable and some sectors did not: a crash can do that, to the last group only.
#[test]
fn unwritten_sectors_are_cut_at_the_end_and_damage_elsewhere() {
    let groups = vec![vec![record(1, &[1; 300])], vec![record(2, &[2; 3000])]];
    let data = tempfile::tempdir().unwrap();
    let (journal, _) = FileJournal::open(data.path(), Options::default()).unwrap();
    write_all(&journal, &groups).unwrap();
    journal.close().unwrap();
    let expected = expected(&groups);
    let path = segment_path(data.path(), 1);
    let sound = std::fs::read(&path).unwrap();
    let [_, second, end] = group_offsets(&sound)[..] else { panic!("two groups") };
    for sector in 0..sound.len().div_ceil(512) {
        let mut bytes = sound.clone();
        let lost = (sector * 512).max(second)..((sector + 1) * 512).min(end).max(second);
        if lost.is_empty() {
            continue;
        }
        bytes[lost].fill(0);
        std::fs::write(&path, &bytes).unwrap();
        let cut = TornTail { segment: 1, offset: second as u64, bytes: (end - second) as u64 };
        assert_eq!(judge(data.path(), &expected).unwrap(), Some(cut), "sector {sector}");
        // The same with a sound group behind it cannot come from a crash.
        let mut followed = bytes.clone();
        let header = GroupHeader { version: GROUP_VERSION, records_bytes: 52, count: 1, first_seq: 3 };
        let mut group = Vec::new();
        header.encode(&mut group);
        encode_record(&record(3, b""), 3, &mut group);
        finish_group(&mut group);
        followed.extend_from_slice(&group);
        std::fs::write(&path, &followed).unwrap();
        let error = judge(data.path(), &expected).unwrap_err();
        assert!(matches!(error, JournalError::Damaged { offset, .. } if offset == second as u64), "{error}");
    }
    let mut zeros = sound.clone();
    zeros.extend_from_slice(&[0; 5000]);
    std::fs::write(&path, &zeros).unwrap();
    assert_eq!(verify(data.path()).unwrap().torn.unwrap().bytes, 5000);
}

/// A length that lies in the middle is damage, however it lies; nothing behind it is cut.
#[test]
fn a_wrong_length_in_the_middle_is_damage() {
    let (data, expected) = journal_of(&groups(3));
    let path = segment_path(data.path(), 1);
    let sound = std::fs::read(&path).unwrap();
    for byte in 8..12 {
        for value in [0, 1, 0x7F, 0xFF] {
            let mut bytes = sound.clone();
            bytes[SEGMENT_HEADER_BYTES + byte] = bytes[SEGMENT_HEADER_BYTES + byte].wrapping_add(1).max(value);
            std::fs::write(&path, &bytes).unwrap();
            let error = judge(data.path(), &expected).unwrap_err().to_string();
            assert!(
                error.contains("00000001.seg at byte 28 (record 1): ") && error.contains("a sound one follows"),
                "{error}"
            );
            assert!(error.contains("nothing was changed, restore"), "{error}");
        }
    }
}

/// Segments that are missing, swapped, doubled or cut short in the middle.
#[test]
fn segments_out_of_order_are_damage() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm, &str); 5] = [
        (
            "missing",
            |data| std::fs::remove_file(segment_path(data, 2)).unwrap(),
            "00000002.seg at byte 0: the segment is",
        ),
        (
            "copied over another",
            |data| {
                std::fs::copy(segment_path(data, 1), segment_path(data, 2)).unwrap();
            },
            "00000002.seg at byte 0 (record 10): the file holds segment 00000001.seg",
        ),
        (
            "emptied",
            |data| std::fs::write(segment_path(data, 1), []).unwrap(),
            "00000001.seg at byte 0 (record 1): the header",
        ),
        (
            "cut short",
            |data| {
                let bytes = std::fs::read(segment_path(data, 1)).unwrap();
                std::fs::write(segment_path(data, 1), &bytes[..bytes.len() - 5]).unwrap();
            },
            "00000001.seg at byte ",
        ),
        (
            "cut at a group",
            |data| {
                let bytes = std::fs::read(segment_path(data, 1)).unwrap();
                let offsets = group_offsets(&bytes);
                std::fs::write(segment_path(data, 1), &bytes[..offsets[offsets.len() - 2]]).unwrap();
            },
            "00000002.seg at byte 0 (record 8): record ",
        ),
    ];
    for (name, harm, says) in harms {
        let (data, expected) = journal_of(&groups(12));
        assert!(last_segment(data.path()) >= 3);
        harm(data.path());
        let error = judge(data.path(), &expected).unwrap_err().to_string();
        assert!(error.contains(says), "{name}: {error}");
    }
}

/// What a later build wrote is refused by name, not taken for damage.
#[test]
fn what_is_not_known_is_refused_by_name() {
    let group = |version: u8, kind: u8, record_version: u8| {
        let header = GroupHeader { version, records_bytes: 53, count: 1, first_seq: 1 };
        let mut bytes = Vec::new();
        header.encode(&mut bytes);
        encode_record(&record(0, b"x"), 1, &mut bytes);
        bytes[GROUP_HEADER_BYTES + 8] = kind;
        bytes[GROUP_HEADER_BYTES + 9] = record_version;
        let checksum = crc32c::crc32c(&bytes[GROUP_HEADER_BYTES + 4..]);
        bytes[GROUP_HEADER_BYTES..GROUP_HEADER_BYTES + 4].copy_from_slice(&checksum.to_le_bytes());
        finish_group(&mut bytes);
        bytes
    };
    for (bytes, says) in [
        (
            group(1, 42, 1),
            "record 1 in segment 00000001.seg at byte 56 has record kind 42, which this build does not know",
        ),
        (group(1, 0, 1), "record kind 0"),
        (group(1, 3, 9), "version 9 of `hand-over` records"),
        (group(1, 3, 0), "version 0 of `hand-over` records"),
        (group(2, 1, 1), "record 1 in segment 00000001.seg at byte 28 has version 2 of groups"),
    ] {
        let (data, _) = journal_of(&[]);
        let path = segment_path(data.path(), 1);
        let mut file = std::fs::read(&path).unwrap();
        file.extend_from_slice(&bytes);
        std::fs::write(&path, file).unwrap();
        let error = judge(data.path(), &[]).unwrap_err();
        assert!(matches!(error, JournalError::Unknown { seq: 1, segment: 1, .. }));
        assert!(error.to_string().contains(says), "{error}");
    }
    let (data, _) = journal_of(&[]);
    let path = segment_path(data.path(), 1);
    let mut header = std::fs::read(&path).unwrap();
    header[8] = 2;
    let checksum = crc32c::crc32c(&header[..24]);
    header[24..].copy_from_slice(&checksum.to_le_bytes());
    std::fs::write(&path, header).unwrap();
    let error = judge(data.path(), &[]).unwrap_err();
    assert!(matches!(error, JournalError::Version { segment: 1, found: 2, ours: 1 }), "{error}");
}

fn any_group() -> impl Strategy<Value = Vec<NewRecord>> {
    let body =
        prop_oneof![proptest::collection::vec(any::<u8>(), 0..200), (0..1500_usize).prop_map(|bytes| vec![0; bytes]),];
    let record = (any::<u64>(), body, any::<i64>(), any::<u128>(), any::<u16>())
        .prop_map(|(number, body, now, run, shard)| NewRecord { now, run, shard, ..record(number % 1_000, &body) });
    proptest::collection::vec(record, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any groups, any few bits flipped anywhere, the file shortened or not.
    #[test]
    fn no_wrong_record_is_ever_read(
        groups in proptest::collection::vec(any_group(), 1..12),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..8_u8), 0..4),
        shortened in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let (data, expected) = journal_of(&groups);
        let last = last_segment(data.path());
        for (segment, byte, bit) in &flips {
            let number = segment.index(last as usize) as u32 + 1;
            let path = segment_path(data.path(), number);
            let mut bytes = std::fs::read(&path).unwrap();
            let at = byte.index(bytes.len());
            bytes[at] ^= 1 << bit;
            std::fs::write(&path, bytes).unwrap();
        }
        let mut at_a_group = false;
        if let Some(shortened) = shortened {
            let path = segment_path(data.path(), last);
            let bytes = std::fs::read(&path).unwrap();
            let left = shortened.index(bytes.len());
            at_a_group = group_offsets(&bytes).contains(&left) || left == SEGMENT_HEADER_BYTES;
            std::fs::write(&path, &bytes[..left]).unwrap();
        }
        // Cut exactly between two groups there is nothing to see; everything else is seen.
        if !at_a_group && let Ok(torn) = judge(data.path(), &expected) {
            prop_assert!(torn.is_none_or(|torn| torn.segment == last));
        }
    }

    /// What goes in comes out, whatever the numbers and bodies.
    #[test]
    fn any_record_comes_back(groups in proptest::collection::vec(any_group(), 0..12)) {
        let (data, expected) = journal_of(&groups);
        prop_assert_eq!(judge(data.path(), &expected).unwrap(), None);
        prop_assert_eq!(read(data.path(), 0).and_then(all).unwrap(), expected);
    }
}
