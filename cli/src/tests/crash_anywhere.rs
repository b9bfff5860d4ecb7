//! Whatever dies whenever: the same command goes on, and the day ends as it would have without.
use flowline_journal::Death;
use flowline_sim::{MemoryLog, Visit, WorldError, WorldLog};

use super::{
    day,
    place::{Disks, End, Place, same_story},
};

const DEATHS: [Death; 3] = [Death::Lost, Death::Torn, Death::Unacknowledged];
/// A checkpoint every so many records: some of them in the day.
const CHECKPOINT_RECORDS: u64 = 30;
/// The day is long.
const WRITES_MIN: u64 = 150;

/// A day, and what it comes to when nothing dies.
pub(super) struct Day {
    pub(super) place: Place,
    pub(super) whole: Disks,
    pub(super) expected: End,
}

impl Day {
    fn undisturbed() -> Self {
        let mut place = Place::of_workflows(day::lines());
        place.checkpoint_records = CHECKPOINT_RECORDS;
        let day = Self::at(place);
        assert_eq!((day.expected.live, day.expected.accounts.is_clean()), (0, true), "{}", day.expected.report);
        day
    }

    /// The day at a place.
    pub(super) fn at(place: Place) -> Self {
        let whole = Disks::default();
        let expected = place.live(whole.clone()).unwrap_or_else(|failure| panic!("{}", failure.message));
        Self { place, whole, expected }
    }

    /// Goes on from what a death has left, to the end.
    fn ends_the_same(&self, left: Disks, death: &str) {
        // A new process finds what was synced.
        let left = Disks { store: left.store.reopen(), ..left };
        let journal = left.journal.clone();
        match self.place.live(left) {
            Ok(end) => assert_eq!(end, self.expected, "{death}"),
            Err(failure) => panic!("{death}: {}", failure.message),
        }
        assert_eq!(same_story(&journal, &self.whole.journal), Ok(()), "{death}");
    }

    /// A crash at each `step`th write of the journal, checkpoints included, and the rest of the day after it. Gives the
    /// number of writes.
    pub(super) fn survives(&self, death: Death, step: usize) -> u64 {
        for after in (0..).step_by(step) {
            let disks = Disks::default();
            let dying = Disks { journal: disks.journal.clone().dying(after, death), ..disks.clone() };
            match self.place.live(dying) {
                Ok(end) => {
                    assert_eq!(end, self.expected);
                    return after;
                }
                Err(failure) => assert!(failure.message.contains("told to die"), "{}", failure.message),
            }
            self.ends_the_same(disks, &format!("{death:?} after {after} writes"));
        }
        unreachable!("a day has an end")
    }
}

#[test]
fn a_write_that_is_lost_changes_nothing() {
    assert!(Day::undisturbed().survives(Death::Lost, 1) > WRITES_MIN);
}

#[test]
fn a_write_that_is_torn_changes_nothing() {
    // It leaves the records that a lost one leaves.
    assert!(Day::undisturbed().survives(Death::Torn, 3) > WRITES_MIN);
}

#[test]
fn a_write_that_nobody_was_told_of_changes_nothing() {
    assert!(Day::undisturbed().survives(Death::Unacknowledged, 1) > WRITES_MIN);
}

#[test]
fn a_death_every_few_writes_changes_nothing() {
    let day = Day::undisturbed();
    for writes in [6_usize, 11, 23] {
        let mut disks = Disks::default();
        let mut lives = 0;
        loop {
            lives += 1;
            assert!(lives < 2_000, "it gets on");
            let journal = disks.journal.clone().dying(writes as u64, DEATHS[lives % DEATHS.len()]);
            if let Ok(end) = day.place.live(Disks { journal, ..disks.clone() }) {
                assert_eq!(end, day.expected, "{writes} writes a life");
                break;
            }
            disks.store = disks.store.reopen();
        }
        assert!(lives > 200 / writes, "{lives} lives of {writes} writes");
        assert_eq!(same_story(&disks.journal, &day.whole.journal), Ok(()), "{writes} writes a life");
    }
}

#[test]
fn a_death_after_any_effect_in_the_world_changes_nothing() {
    let day = Day::undisturbed();
    for after in 0.. {
        let disks = Disks::default();
        let log = DyingLog { log: disks.world.clone(), left: after };
        match day.place.live_with(disks.journal.clone(), disks.store.clone(), Box::new(log)) {
            Ok(end) => {
                assert_eq!(end, day.expected);
                assert!(after > 100, "the world is busy: {after} records");
                return;
            }
            Err(failure) => assert!(failure.message.contains(DYING), "{}", failure.message),
        }
        day.ends_the_same(disks, &format!("after {after} records of the world"));
    }
}

#[test]
fn a_store_that_dies_at_any_chunk_changes_nothing() {
    let day = Day::undisturbed();
    for chunks in 0.. {
        let disks = Disks::default();
        let dying = Disks { store: disks.store.clone().dying_after(chunks), ..disks.clone() };
        if let Ok(end) = day.place.live(dying) {
            assert_eq!(end, day.expected);
            assert!(chunks > 10, "there are many checkpoints: {chunks} chunks");
            return;
        }
        day.ends_the_same(disks, &format!("after {chunks} chunks of the store"));
    }
}

const DYING: &str = "(the process was told to die)";

/// The world's log on the disk of a process that dies: the effect has happened, and nobody gets to know.
#[derive(Debug)]
struct DyingLog {
    log: MemoryLog,
    left: u32,
}

impl WorldLog for DyingLog {
    fn replay(&mut self, visit: &mut Visit<'_>) -> Result<u64, WorldError> {
        self.log.replay(visit)
    }

    fn append(&mut self, record: &[u8]) -> Result<(), WorldError> {
        self.log.append(record)?;
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                let cause = std::sync::Arc::new(std::io::Error::other(DYING));
                Err(WorldError::Io { doing: "write to", path: DYING.into(), cause })
            }
        }
    }
}
