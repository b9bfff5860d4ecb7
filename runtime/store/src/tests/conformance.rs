//! What both doors promise.

use super::{Door, OnDisk};
use crate::{Checkpoint, KEY_BYTES_MAX, KeyRange, MemoryStore, ROW_BYTES_MAX, Row, Store, StoreError, Table, key_u64};

/// Runs each test over both doors.
macro_rules! over_both {
    ($($test:ident),* $(,)?) => {
        mod memory { $(#[test] fn $test() { super::$test::<super::MemoryStore>(); })* }
        mod disk { $(#[test] fn $test() { super::$test::<super::OnDisk>(); })* }
    };
}

over_both!(
    a_fresh_store_is_empty_at_marker_0,
    scans_are_in_the_order_of_keys_and_keep_to_their_table,
    a_row_never_goes_back,
    a_key_may_come_twice_in_a_batch,
    what_cannot_be_written_changes_nothing,
    a_kill_after_a_checkpoint_loses_nothing,
    a_crash_after_every_chunk_keeps_the_old_marker_and_replay_heals,
    readers_and_a_writer_share_the_store,
);

fn put(store: &dyn Store, marker: u64, rows: &[(Table, &[u8], u64, &str)]) {
    let mut batch = Checkpoint::new(marker);
    for (table, key, seq, text) in rows {
        batch.put(*table, *key, Row::new(*seq, *text));
    }
    store.checkpoint(batch).unwrap();
}

fn keys(store: &dyn Store, table: Table, range: KeyRange) -> Vec<Vec<u8>> {
    store.scan(table, range).map(|row| row.unwrap().0).collect()
}

fn text(store: &dyn Store, table: Table, key: &[u8]) -> Option<String> {
    store.get(table, key).unwrap().map(|row| String::from_utf8(row.bytes).unwrap())
}

fn a_fresh_store_is_empty_at_marker_0<D: Door>() {
    let door = D::fresh();
    let store = door.store();
    assert_eq!(store.marker(), 0);
    for table in Table::ALL {
        assert_eq!(store.get(table, b"").unwrap(), None);
        assert!(keys(store, table, KeyRange::all()).is_empty());
    }
}

fn scans_are_in_the_order_of_keys_and_keep_to_their_table<D: Door>() {
    let door = D::fresh();
    let store = door.store();
    let sorted: [&[u8]; 7] = [b"", b"a", b"a\0", b"ab", b"b", &[0xff], &[0xff, 0xff]];
    let mut batch = Checkpoint::new(1);
    for table in Table::ALL {
        for key in sorted.iter().rev() {
            batch.put(table, *key, Row::new(1, *key));
        }
    }
    store.checkpoint(batch).unwrap();

    let cases: [(&str, KeyRange, &[&[u8]]); 10] = [
        ("all", KeyRange::all(), &sorted),
        ("prefix a", KeyRange::prefix(b"a"), &[b"a", b"a\0", b"ab"]),
        ("prefix ff", KeyRange::prefix(&[0xff]), &[&[0xff], &[0xff, 0xff]]),
        ("empty prefix", KeyRange::prefix(b""), &sorted),
        ("between", KeyRange::between(*b"a\0", *b"b"), &[b"a\0", b"ab"]),
        ("between equal", KeyRange::between(*b"a", *b"a"), &[]),
        ("between turned", KeyRange::between(*b"b", *b"a"), &[]),
        ("after", KeyRange::all().after(b"b"), &[&[0xff], &[0xff, 0xff]]),
        ("after in prefix", KeyRange::prefix(b"a").after(b"a"), &[b"a\0", b"ab"]),
        ("after the end", KeyRange::prefix(b"a").after(b"z"), &[]),
    ];
    for table in Table::ALL {
        for (name, range, expected) in &cases {
            assert_eq!(&keys(store, table, range.clone()), expected, "{name} of {table:?}");
            let mut back: Vec<_> = store.scan(table, range.clone()).rev().map(|row| row.unwrap().0).collect();
            back.reverse();
            assert_eq!(&back, expected, "{name} of {table:?} from the back");
        }
    }
    for number in [0_u64, 255, 256, u64::MAX] {
        put(store, 1, &[(Table::Meta, &key_u64(number), 1, "")]);
    }
    let numbers: Vec<_> = keys(store, Table::Meta, KeyRange::between(key_u64(1), key_u64(u64::MAX)))
        .iter()
        .filter_map(|key| crate::split_u64(key))
        .map(|(number, _)| number)
        .collect();
    assert_eq!(numbers, [255, 256]);
}

fn a_row_never_goes_back<D: Door>() {
    let door = D::fresh();
    let store = door.store();
    put(store, 5, &[(Table::Run, b"k", 5, "five")]);
    put(store, 6, &[(Table::Run, b"k", 4, "four")]);
    assert_eq!(text(store, Table::Run, b"k").as_deref(), Some("five"));
    put(store, 6, &[(Table::Run, b"k", 5, "five again")]);
    assert_eq!(text(store, Table::Run, b"k").as_deref(), Some("five again"));

    let mut batch = Checkpoint::new(7);
    batch.delete(Table::Run, *b"k");
    store.checkpoint(batch).unwrap();
    assert_eq!(text(store, Table::Run, b"k"), None);
    put(store, 7, &[(Table::Run, b"k", 1, "one")]);
    assert_eq!(text(store, Table::Run, b"k").as_deref(), Some("one"));
}

fn a_key_may_come_twice_in_a_batch<D: Door>() {
    let door = D::fresh();
    let store = door.store();
    put(store, 9, &[(Table::Task, b"k", 9, "nine")]);
    let mut batch = Checkpoint::new(9);
    batch.put(Table::Task, *b"k", Row::new(2, "two")).put(Table::Task, *b"k", Row::new(3, "three"));
    batch.put(Table::Task, *b"k", Row::new(1, "one")).delete(Table::Task, *b"k");
    batch.delete(Table::Timer, *b"k");
    store.checkpoint(batch).unwrap();
    assert_eq!(text(store, Table::Task, b"k").as_deref(), Some("three"), "the deleted row's seq does not count");
}

fn what_cannot_be_written_changes_nothing<D: Door>() {
    let door = D::fresh();
    let store = door.store();
    put(store, 5, &[]);
    let mut long_key = Checkpoint::new(6);
    long_key.put(Table::Run, *b"a", Row::new(6, "")).put(Table::Run, vec![0; KEY_BYTES_MAX + 1], Row::new(6, ""));
    let mut long_row = Checkpoint::new(6);
    long_row.put(Table::Run, *b"a", Row::new(6, "")).put(Table::Run, *b"b", Row::new(6, vec![0; ROW_BYTES_MAX + 1]));
    let mut behind = Checkpoint::new(4);
    behind.put(Table::Run, *b"a", Row::new(4, ""));
    assert!(matches!(store.checkpoint(long_key), Err(StoreError::KeyTooLong { .. })));
    assert!(matches!(store.checkpoint(long_row), Err(StoreError::RowTooLong { .. })));
    assert!(matches!(store.checkpoint(behind), Err(StoreError::MarkerBehind { marker: 5, given: 4 })));
    assert!(keys(store, Table::Run, KeyRange::all()).is_empty());
    assert_eq!(store.marker(), 5);

    let mut largest = Checkpoint::new(6);
    for first in 0..40 {
        let mut key = vec![0; KEY_BYTES_MAX];
        key[0] = first;
        largest.put(Table::Run, key, Row::new(6, vec![first; ROW_BYTES_MAX]));
    }
    store.checkpoint(largest).unwrap();
    let door = door.killed();
    assert_eq!(keys(door.store(), Table::Run, KeyRange::all()).len(), 40);
}

/// `keys` rows that reflect `seq`, and every third key of before deleted.
fn generation(seq: u64, keys: u64) -> Checkpoint {
    let mut batch = Checkpoint::new(seq);
    for key in 0..keys {
        if (key + seq).is_multiple_of(3) {
            batch.delete(Table::Waiting, key_u64(key));
        } else {
            batch.put(Table::Waiting, key_u64(key), Row::new(seq, format!("{key} at {seq}")));
        }
    }
    batch
}

fn content(store: &dyn Store) -> Vec<(Vec<u8>, Row)> {
    store.scan(Table::Waiting, KeyRange::all()).map(Result::unwrap).collect()
}

fn a_kill_after_a_checkpoint_loses_nothing<D: Door>() {
    let mut door = D::fresh();
    for seq in 1..=6 {
        door.store().checkpoint(generation(seq, 700)).unwrap();
        let before = content(door.store());
        door = door.killed();
        assert_eq!(door.store().marker(), seq);
        assert_eq!(content(door.store()), before);
    }
}

fn a_crash_after_every_chunk_keeps_the_old_marker_and_replay_heals<D: Door>() {
    const KEYS: u64 = 1_000;
    const DATA_CHUNKS: u32 = 4;
    let sound = D::fresh();
    for seq in 1..=3 {
        sound.store().checkpoint(generation(seq, KEYS)).unwrap();
    }
    for chunks in 0.. {
        let door = D::fresh();
        door.store().checkpoint(generation(1, KEYS)).unwrap();
        let door = door.dying_after(chunks);
        if door.store().checkpoint(generation(2, KEYS)).is_ok() {
            assert!(chunks > DATA_CHUNKS);
            break;
        }
        assert_eq!(door.store().marker(), 1, "a failed checkpoint does not count, after {chunks} chunks");
        assert!(matches!(door.store().checkpoint(generation(3, KEYS)), Err(StoreError::Poisoned { .. })));
        let door = door.killed();
        let marker = door.store().marker();
        assert!(marker == 1 || (marker == 2 && chunks > DATA_CHUNKS), "marker {marker} after {chunks} chunks");
        for row in content(door.store()) {
            assert!((1..=2).contains(&row.1.seq));
        }
        for seq in marker + 1..=3 {
            door.store().checkpoint(generation(seq, KEYS)).unwrap();
        }
        assert_eq!(content(door.store()), content(sound.store()), "after {chunks} chunks and a replay");
    }
}

fn readers_and_a_writer_share_the_store<D: Door + Sync>() {
    let door = D::fresh();
    door.store().checkpoint(generation(1, 300)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for key in 0..300 {
                    door.store().get(Table::Waiting, &key_u64(key)).unwrap();
                }
                for row in door.store().scan(Table::Waiting, KeyRange::all()) {
                    row.unwrap();
                }
            });
        }
        door.store().checkpoint(generation(2, 300)).unwrap();
    });
    assert_eq!(door.store().marker(), 2);
}
