use std::fs::{self, File};
use std::path::Path;

use tempfile::TempDir;

use crate::{Fingerprints, StoreError};

/// Spread over the whole range, so that runs interleave.
fn fingerprint(number: u64) -> u128 {
    u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
}

/// Days 10 to 12 in several checkpoints, 100 new ones a day each; marker 8.
fn filled(dir: &Path) -> Fingerprints {
    let (mut all, damages) = Fingerprints::open(dir).unwrap();
    assert!(damages.is_empty());
    for marker in 1..=8 {
        for day in 10..=12 {
            for number in 0..100 {
                assert!(all.insert(day, fingerprint(u64::from(day) * 10_000 + marker * 100 + number)));
            }
        }
        all.checkpoint(marker).unwrap();
    }
    all
}

fn check(all: &Fingerprints, days: &[u32]) {
    assert_eq!(all.len(), days.len() * 800);
    for day in 10..=12 {
        let kept = days.contains(&day);
        for number in 100..900 {
            let fingerprint = fingerprint(u64::from(day) * 10_000 + number);
            assert_eq!(all.contains(day..=day, fingerprint), kept);
            assert_eq!(all.contains(0..=u32::MAX, fingerprint), kept);
            assert!(!all.contains(day + 1..=u32::MAX, fingerprint) && !all.contains(0..=day - 1, fingerprint));
        }
    }
}

#[test]
fn they_are_there_after_reopening() {
    let folder = TempDir::new().unwrap();
    let mut all = filled(folder.path());
    check(&all, &[10, 11, 12]);
    assert!(!all.insert(10, fingerprint(100_100)), "it is on disk already");
    assert!(all.insert(10, 1) && !all.insert(10, 1));
    drop(all);
    let (all, damages) = Fingerprints::open(folder.path()).unwrap();
    assert!(damages.is_empty() && all.marker() == 8);
    check(&all, &[10, 11, 12]);
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "an empty range is a case")]
fn an_empty_range_has_nothing() {
    let folder = TempDir::new().unwrap();
    assert!(!filled(folder.path()).contains(12..=10, fingerprint(110_100)));
}

#[test]
fn old_days_are_dropped_with_their_files() {
    let folder = TempDir::new().unwrap();
    let mut all = filled(folder.path());
    all.drop_before(12).unwrap();
    check(&all, &[12]);
    assert!(!folder.path().join("10.fp").exists() && folder.path().join("12.fp").exists());
    let (all, damages) = Fingerprints::open(folder.path()).unwrap();
    assert!(damages.is_empty());
    check(&all, &[12]);
}

#[test]
fn what_an_unfinished_checkpoint_left_is_cut() {
    let folder = TempDir::new().unwrap();
    drop(filled(folder.path()));
    let path = folder.path().join("11.fp");
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"half a run");
    fs::write(&path, bytes).unwrap();
    fs::write(folder.path().join("13.fp"), b"a day that is not in the index").unwrap();
    fs::write(folder.path().join("index.new"), b"half an index").unwrap();
    let (mut all, damages) = Fingerprints::open(folder.path()).unwrap();
    assert!(damages.is_empty());
    check(&all, &[10, 11, 12]);
    assert!(all.insert(11, 5) && all.insert(13, 5));
    all.checkpoint(9).unwrap();
    let (all, damages) = Fingerprints::open(folder.path()).unwrap();
    assert!(damages.is_empty() && all.marker() == 9);
    assert!(all.contains(11..=11, 5) && all.contains(13..=13, 5));
}

#[test]
fn a_damaged_day_is_reported_and_can_be_filled_again() {
    type Harm = (&'static str, fn(&Path));
    let harms: [Harm; 4] = [
        ("gone", |path| fs::remove_file(path).unwrap()),
        ("short", |path| File::options().write(true).open(path).unwrap().set_len(5_000).unwrap()),
        ("empty", |path| fs::write(path, b"").unwrap()),
        ("flipped", |path| {
            let mut bytes = fs::read(path).unwrap();
            bytes[4_000] ^= 4;
            fs::write(path, bytes).unwrap();
        }),
    ];
    for (name, harm) in harms {
        let folder = TempDir::new().unwrap();
        drop(filled(folder.path()));
        harm(&folder.path().join("11.fp"));
        drop(Fingerprints::open(folder.path()).unwrap());
        let (mut all, damages) = Fingerprints::open(folder.path()).unwrap();
        assert_eq!(damages.iter().map(|damage| damage.day).collect::<Vec<_>>(), [11], "{name}");
        check(&all, &[10, 12]);
        for number in 100..900 {
            assert!(all.insert(11, fingerprint(110_000 + number)));
        }
        all.checkpoint(8).unwrap();
        let (all, damages) = Fingerprints::open(folder.path()).unwrap();
        assert!(damages.is_empty(), "{name}");
        check(&all, &[10, 11, 12]);
    }
}

#[test]
fn a_damaged_index_is_an_error_and_all_begins_anew() {
    let folder = TempDir::new().unwrap();
    drop(filled(folder.path()));
    let sound = fs::read(folder.path().join("index")).unwrap();
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        fs::write(folder.path().join("index"), bytes).unwrap();
        assert!(matches!(Fingerprints::open(folder.path()), Err(StoreError::Damaged { .. })));
    }
    assert_eq!(Fingerprints::recreate(folder.path()).unwrap().marker(), 0);
    check(&Fingerprints::open(folder.path()).unwrap().0, &[]);
}

#[test]
fn the_marker_only_goes_forward() {
    let folder = TempDir::new().unwrap();
    let mut all = filled(folder.path());
    assert!(matches!(all.checkpoint(7), Err(StoreError::MarkerBehind { marker: 8, given: 7 })));
    all.checkpoint(8).unwrap();
}
