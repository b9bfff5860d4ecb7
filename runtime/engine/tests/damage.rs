//! What must stop the engine, and how it says so.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "in test support a panic is how a test fails"
)]
mod common;

use common::{
    busy_day,
    drive::{Place, event_of, line},
    shop::{ORDER, STRAY},
};
use flowline_engine::{EngineError, Given};
use flowline_journal::{Death, Journal, JournalError, MemoryJournal, NewRecord, Record, RecordKind};
use flowline_store::{MemoryStore, StoreError};

fn records(journal: &MemoryJournal) -> Vec<Record> {
    journal.clone().read(0).unwrap().map(|stored| stored.unwrap().record).collect()
}

/// A journal of the same records, one of them changed.
fn tampered(records: &[Record], at: usize, change: impl Fn(&mut NewRecord)) -> MemoryJournal {
    let journal = MemoryJournal::new();
    let group = records.iter().enumerate().map(|(index, record)| {
        let Record { kind, version, shard, run, now, body, state_hash, .. } = record.clone();
        let mut record = NewRecord { kind, version, shard, run, now, body, state_hash };
        if index == at {
            change(&mut record);
        }
        record
    });
    journal.submit(group.collect()).unwrap();
    journal.clone()
}

#[test]
fn a_changed_record_is_named() {
    let place = Place::new(&busy_day());
    let (journal, _) = place.live(None);
    let records = records(&journal);
    let inputs = records.iter().enumerate().filter(|(_, record)| record.kind == RecordKind::Input);
    let changes: [fn(&mut NewRecord); 4] = [
        |record| record.state_hash ^= 1,
        |record| record.run ^= 1,
        |record| record.shard ^= 1,
        |record| record.body.truncate(1),
    ];
    // One after the other is enough: the day has dozens of records of each sort.
    for ((at, record), change) in inputs.zip(changes.iter().cycle()) {
        match place.open(tampered(&records, at, change), None).unwrap_err() {
            EngineError::StateHash { seq, .. } | EngineError::Replay { seq, .. } => assert_eq!(seq, record.seq),
            other => panic!("{at}: {other}"),
        }
    }
}

#[test]
fn a_dead_journal_stops_the_engine_for_good() {
    let event = |no| vec![Given::Event(event_of(line(1_000, no, ORDER, no.into(), 1)))];
    for death in [Death::Lost, Death::Torn, Death::Unacknowledged] {
        let place = Place::new(&[]);
        let journal = MemoryJournal::new();
        let (mut life, _) = place.open(journal.clone().dying(2, death), None).unwrap();
        life.take(1_000, event(1)).unwrap();
        let poisoned = |error| matches!(error, EngineError::Journal(JournalError::Poisoned { .. }));
        // The memory journal dies within the submit; whoever waits is told.
        let taken = life.engine.take(1_000, event(2)).unwrap();
        assert!(!taken.orders.is_empty());
        assert!(life.engine.journal().wait(taken.seq).is_err(), "nothing is acknowledged");
        for _ in 0..3 {
            assert!(poisoned(life.engine.take(1_000, Vec::new()).unwrap_err()));
            assert!(poisoned(life.engine.take(1_000, event(3)).unwrap_err()));
            assert!(poisoned(life.engine.checkpoint().unwrap_err()));
        }
        assert!(poisoned(life.engine.close().unwrap_err()));
    }
}

#[test]
fn a_dead_store_stops_the_engine_but_loses_nothing() {
    // Each checkpoint waits for the one before, and so learns of its death.
    let place = Place { checkpoint_rounds: 4, ..Place::new(&busy_day()) };
    let journal = MemoryJournal::new();
    let store = MemoryStore::new().dying_after(3);
    let (mut life, _) = place.open(journal.clone(), Some(store)).unwrap();
    let error = life.run_to_end().unwrap_err();
    assert!(matches!(error, EngineError::Store(StoreError::Poisoned { .. })), "{error}");
    let again = life.engine.take(2_000_000, Vec::new()).unwrap_err();
    assert!(matches!(again, EngineError::Store(StoreError::Poisoned { .. })), "{again}");
    let (mut life, _) = place.open(journal, None).unwrap();
    life.run_to_end().unwrap();
    let (_, undisturbed) = Place::new(&busy_day()).live(None);
    assert_eq!(life.end(), undisturbed.end());
}

#[test]
fn a_store_of_another_journal_is_refused() {
    let place = Place::new(&busy_day()).checkpoints_every(10);
    let store = MemoryStore::new();
    let (journal, life) = place.live(Some(store.clone()));
    life.engine.close().unwrap();
    let records = records(&journal);
    let refused = |journal: MemoryJournal| {
        let error = place.open(journal, Some(store.reopen())).unwrap_err();
        assert!(matches!(error, EngineError::Store(StoreError::Damaged { .. })), "{error}");
    };
    refused(MemoryJournal::new());
    let short = MemoryJournal::new();
    let (mut life, _) = place.open(short.clone(), None).unwrap();
    life.take(1_000, vec![Given::Event(event_of(line(1_000, 1, STRAY, 1, 1)))]).unwrap();
    refused(short);
    // As long, but other records lie at those places.
    let other = MemoryJournal::new();
    let first = &records[0];
    let bundle =
        NewRecord { kind: first.kind, version: 1, shard: 0, run: 0, now: 0, body: first.body.clone(), state_hash: 0 };
    let filler = NewRecord { kind: RecordKind::Meta, body: Vec::new(), ..bundle.clone() };
    other.submit(std::iter::once(bundle).chain(vec![filler; records.len()]).collect()).unwrap();
    refused(other.clone());
}

#[test]
fn other_flows_are_refused() {
    let mut place = Place::new(&[]);
    let journal = MemoryJournal::new();
    place.open(journal.clone(), None).unwrap();
    let mut other = (*place.bundle).clone();
    other.name = "another shop".to_owned();
    place.bundle = other.into();
    let error = place.open(journal, None).unwrap_err();
    assert!(matches!(error, EngineError::OtherBundle { .. }), "{error}");
}
