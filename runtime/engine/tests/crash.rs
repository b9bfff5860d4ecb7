//! Whatever dies whenever: what becomes of the runs is what becomes of them undisturbed.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "in test support a panic is how a test fails"
)]
mod common;

use common::{
    busy_day,
    drive::{End, Life, Place, same_story},
};
use flowline_engine::EngineError;
use flowline_journal::{Death, Journal, MemoryJournal};
use flowline_store::{MemoryStore, Store};

fn undisturbed() -> (MemoryJournal, End) {
    let (journal, life) = Place::new(&busy_day()).live(None);
    (journal, life.end())
}

/// Runs until something dies, or to the end.
fn life_until_death(place: &Place, journal: MemoryJournal, store: Option<MemoryStore>) -> Result<Life, EngineError> {
    let (mut life, _) = place.open(journal, store)?;
    life.run_to_end()?;
    Ok(life)
}

#[test]
fn an_undisturbed_day_has_everything_in_it() {
    let (_, end) = undisturbed();
    insta::assert_debug_snapshot!((&end.totals, end.untaken));
    assert_eq!(end.live, 0);
    assert!(end.clean, "{end:?}");
}

/// A crash at the writes of a day in turn; `store` says whether there are checkpoints. With a step of two the journal
/// still ends at each of its groups once: the first one lost, or the last one not acknowledged.
fn crash_at_writes(place: impl Fn() -> Place, store: bool, step: usize, writes_min: u64) {
    let (whole, expected) = undisturbed();
    // Where a round was cut in two its events are read twice.
    let same = |mut end: End| {
        end.totals.duplicates = 0;
        end
    };
    let expected = same(expected);
    // A torn group is as lost as one of which nothing is left; what tells them apart is tested in the journal.
    for death in [Death::Lost, Death::Unacknowledged] {
        for after in (0..).step_by(step) {
            let (place, journal, store) = (place(), MemoryJournal::new(), store.then(MemoryStore::new));
            if let Ok(life) = life_until_death(&place, journal.clone().dying(after, death), store.clone()) {
                assert_eq!(same(life.end()), expected);
                assert!(after >= writes_min, "the day is long: {after}");
                break;
            }
            // A new process finds what was synced.
            let store = store.map(|store| store.reopen());
            let life = life_until_death(&place, journal.clone(), store)
                .unwrap_or_else(|error| panic!("{death:?} after {after}: {error}"));
            assert_eq!(same(life.end()), expected, "{death:?} after {after}");
            assert_eq!(same_story(&journal, &whole), Ok(()), "{death:?} after {after}");
        }
    }
}

#[test]
fn a_crash_at_any_write_changes_nothing() {
    crash_at_writes(|| Place::new(&busy_day()), false, 1, 120);
}

#[test]
fn a_crash_at_any_write_with_checkpoints_changes_nothing() {
    crash_at_writes(|| Place { checkpoint_rounds: 15, ..Place::new(&busy_day()) }, true, 1, 140);
}

/// Each record is a group of its own here, so that no two are safe together.
#[test]
fn a_crash_at_any_record_changes_nothing() {
    crash_at_writes(|| Place::new(&busy_day()).in_groups_of(1), false, 2, 220);
}

#[test]
fn a_crash_at_any_record_with_checkpoints_changes_nothing() {
    crash_at_writes(|| Place { checkpoint_rounds: 40, ..Place::new(&busy_day()).in_groups_of(1) }, true, 2, 260);
}

#[test]
fn a_crash_at_every_tenth_write_again_and_again_changes_nothing() {
    let (whole, expected) = undisturbed();
    for store in [None, Some(MemoryStore::new())] {
        let place = Place { checkpoint_rounds: u64::from(store.is_some()) * 2, ..Place::new(&busy_day()) };
        let (journal, mut store) = (MemoryJournal::new(), store);
        let mut lives = 0;
        let life = loop {
            lives += 1;
            assert!(lives < 1_000, "it gets on");
            let death = [Death::Lost, Death::Torn, Death::Unacknowledged][lives % 3];
            let dying = journal.clone().dying(10, death);
            if let Ok(life) = life_until_death(&place, dying, store.clone()) {
                break life;
            }
            // A new process finds what was synced.
            store = store.map(|store| store.reopen());
        };
        assert!(lives > 10);
        assert_eq!(life.end(), expected);
        assert_eq!(same_story(&journal, &whole), Ok(()));
    }
}

/// Lives with a store that dies after each number of chunks in turn, until one outlives the day; how many chunks that took.
fn a_store_dies_at_each_chunk(place: impl Fn(u32) -> Place) -> u32 {
    let (whole, expected) = undisturbed();
    for chunks in 0.. {
        let place = place(chunks);
        let (journal, store) = (MemoryJournal::new(), MemoryStore::new().dying_after(chunks));
        if let Ok(life) = life_until_death(&place, journal.clone(), Some(store.clone())) {
            let end = life.end();
            if life.engine.close().is_ok() {
                assert_eq!(end, expected);
                return chunks;
            }
        }
        let store = store.reopen();
        let life = life_until_death(&place, journal.clone(), Some(store))
            .unwrap_or_else(|error| panic!("after {chunks} chunks: {error}"));
        assert_eq!(life.end(), expected, "after {chunks} chunks");
        assert_eq!(same_story(&journal, &whole), Ok(()), "after {chunks} chunks");
    }
    unreachable!("numbers go on for ever")
}

#[test]
fn a_store_that_dies_at_any_chunk_changes_nothing() {
    let chunks = a_store_dies_at_each_chunk(|_| Place { checkpoint_rounds: 4, ..Place::new(&busy_day()) });
    assert!(chunks > 20, "there are many checkpoints: {chunks}");
}

/// Dedupe keys are written before the store: after its death they know what the tail of the journal brings in again.
#[test]
fn dedupe_keys_that_are_ahead_of_the_store_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let chunks = a_store_dies_at_each_chunk(|chunks| {
        let dedupe = Some(dir.path().join(format!("dedupe-{chunks}")));
        Place { checkpoint_rounds: 30, dedupe, ..Place::new(&busy_day()) }
    });
    assert!(chunks > 5, "there are some checkpoints: {chunks}");
}

#[test]
fn snapshots_and_tail_are_the_same_as_a_whole_replay() {
    let (_, expected) = undisturbed();
    for rounds in (0..200).step_by(3) {
        let place = Place { checkpoint_rounds: 4, ..Place::new(&busy_day()) };
        let (journal, store) = (MemoryJournal::new(), MemoryStore::new());
        let (mut life, _) = place.open(journal.clone(), Some(store.clone())).unwrap();
        for _ in 0..rounds {
            life.advance().unwrap();
        }
        let mut states: Vec<_> = life.engine.live().cloned().collect();
        let (totals, due, now) = (life.engine.totals().clone(), life.engine.next_due(), life.engine.now());
        states.sort_by_key(flowline_core::Run::id);
        drop(life);
        for store in [Some(store.reopen()), None, Some(MemoryStore::new())] {
            let snapshots = store.as_ref().is_some_and(|store| store.marker() > 0);
            let (again, recovered) = place.open(journal.clone(), store).unwrap();
            let mut found: Vec<_> = again.engine.live().cloned().collect();
            found.sort_by_key(flowline_core::Run::id);
            assert_eq!(found, states, "{rounds} rounds, {recovered:?}");
            assert_eq!(again.engine.next_due(), due);
            assert_eq!(again.engine.now(), now);
            // Duplicates since the last cursor are told by nobody.
            assert_eq!(again.engine.totals(), &totals, "{rounds} rounds, {snapshots}");
        }
        let mut again = place.open(journal.clone(), Some(MemoryStore::new())).unwrap().0;
        again.run_to_end().unwrap();
        assert_eq!(again.end(), expected);
        again.engine.close().unwrap();
    }
}

#[test]
fn a_closed_engine_opens_from_its_snapshots_alone() {
    let (_, expected) = undisturbed();
    let place = Place::new(&busy_day());
    let store = MemoryStore::new();
    let (journal, life) = place.live(Some(store.clone()));
    assert_eq!(life.end(), expected);
    life.engine.close().unwrap();
    assert_eq!(store.marker(), journal.durable());
    let (life, recovered) = place.open(journal.clone(), Some(store)).unwrap();
    assert_eq!((recovered.replayed, recovered.existed), (0, true));
    assert_eq!(life.end(), expected);
}
