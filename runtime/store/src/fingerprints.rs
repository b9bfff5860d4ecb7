//! Dedupe keys: 128-bit fingerprints, sorted, one plain file per day.
//!
//! `<dir>/<day>.fp` is a magic and then runs, one per checkpoint: count (u32), CRC-32C of count and fingerprints (u32),
//! fingerprints (16 bytes each, ascending), all big-endian. `<dir>/index` says which days there are, how long their
//! files are, and up to which journal seq they reflect; it is replaced whole and is the commit. What a file holds
//! beyond its length in the index is of a checkpoint that was not finished, and is cut; the replay brings it again.
//!
//! In memory a day is a few sorted vectors, 16 bytes a fingerprint.

mod disk;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::StoreError;

/// A day whose file is damaged. It starts empty: the caller inserts its fingerprints again from the journal, before the
/// next checkpoint, which replaces the file. Until then the damage is found again at each opening.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the dedupe keys of day {day} are damaged: {what}; they are rebuilt from the journal")]
pub struct DayDamage {
    /// Days since 1970-01-01.
    pub day: u32,
    pub what: String,
}

/// The fingerprints of all kept days. Days are days since 1970-01-01.
#[derive(Debug)]
pub struct Fingerprints {
    dir: PathBuf,
    days: BTreeMap<u32, Day>,
    marker: u64,
    poisoned: Option<String>,
}

#[derive(Debug, Default)]
struct Day {
    /// Each sorted; each more than twice as long as the next, so there are few.
    runs: Vec<Vec<u128>>,
    /// Inserted since the last checkpoint.
    fresh: BTreeSet<u128>,
    /// Length of the file as the index has it; 0 if there is none.
    file_bytes: u64,
}

impl Fingerprints {
    /// Loads the days of a folder, which is made if it is missing. A folder without an index is empty, at marker 0.
    ///
    /// Damaged days are reported and empty. Compare [`Fingerprints::marker`] with the store's: the replay must begin at
    /// the lower one.
    ///
    /// # Errors
    /// `Damaged` if the index is unreadable (call [`Fingerprints::recreate`] and rebuild all days), `Version`, `Io`.
    pub fn open(dir: &Path) -> Result<(Fingerprints, Vec<DayDamage>), StoreError> {
        std::fs::create_dir_all(dir).map_err(StoreError::io("create the folder", dir))?;
        let index = disk::read_index(dir)?;
        disk::remove_strangers(dir, &index)?;
        let mut days = BTreeMap::new();
        let mut damages = Vec::new();
        for (&day, &file_bytes) in &index.days {
            match disk::read_day(dir, day, file_bytes)? {
                Ok(runs) => {
                    let mut loaded = Day { file_bytes, ..Day::default() };
                    runs.into_iter().for_each(|run| loaded.add_run(run));
                    days.insert(day, loaded);
                }
                Err(what) => {
                    damages.push(DayDamage { day, what });
                    days.insert(day, Day::default());
                }
            }
        }
        Ok((Fingerprints { dir: dir.to_path_buf(), days, marker: index.marker, poisoned: None }, damages))
    }

    /// Forgets all days, on disk too, and begins at marker 0.
    ///
    /// # Errors
    /// `Io`.
    pub fn recreate(dir: &Path) -> Result<Fingerprints, StoreError> {
        std::fs::create_dir_all(dir).map_err(StoreError::io("create the folder", dir))?;
        let index = disk::Index::default();
        disk::write_index(dir, &index)?;
        disk::remove_strangers(dir, &index)?;
        Ok(Fingerprints { dir: dir.to_path_buf(), days: BTreeMap::new(), marker: 0, poisoned: None })
    }

    /// The journal seq up to which all fingerprints are on disk.
    #[must_use]
    pub fn marker(&self) -> u64 {
        self.marker
    }

    /// How many fingerprints are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.days.values().map(|day| day.fresh.len() + day.runs.iter().map(Vec::len).sum::<usize>()).sum()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if one of the days (both ends included) has the fingerprint.
    #[must_use]
    pub fn contains(&self, days: RangeInclusive<u32>, fingerprint: u128) -> bool {
        !days.is_empty() && self.days.range(days).any(|(_, day)| day.contains(fingerprint))
    }

    /// Adds to a day; false if the day has it already. On disk with the next checkpoint.
    pub fn insert(&mut self, day: u32, fingerprint: u128) -> bool {
        let day = self.days.entry(day).or_default();
        !day.contains(fingerprint) && day.fresh.insert(fingerprint)
    }

    /// Writes what is new. When this returns, it survives power loss. Do this *before* the store's checkpoint of the
    /// same marker.
    ///
    /// # Errors
    /// `MarkerBehind`; `Io`, after which every checkpoint is refused with `Poisoned` until they are opened again.
    pub fn checkpoint(&mut self, marker: u64) -> Result<(), StoreError> {
        if let Some(cause) = &self.poisoned {
            return Err(StoreError::Poisoned { cause: cause.clone() });
        }
        if marker < self.marker {
            return Err(StoreError::MarkerBehind { marker: self.marker, given: marker });
        }
        self.write(marker).inspect_err(|error| self.poisoned = Some(error.to_string()))
    }

    /// Drops the days before `day`, files included.
    ///
    /// # Errors
    /// As [`Fingerprints::checkpoint`]: the index is written anew.
    pub fn drop_before(&mut self, day: u32) -> Result<(), StoreError> {
        if self.days.range(..day).next().is_none() {
            return Ok(());
        }
        if let Some(cause) = &self.poisoned {
            return Err(StoreError::Poisoned { cause: cause.clone() });
        }
        self.days = self.days.split_off(&day);
        let index = self.index(self.marker);
        disk::write_index(&self.dir, &index)
            .and_then(|()| disk::remove_strangers(&self.dir, &index))
            .inspect_err(|error| self.poisoned = Some(error.to_string()))
    }

    fn write(&mut self, marker: u64) -> Result<(), StoreError> {
        for (&number, day) in &mut self.days {
            if day.fresh.is_empty() {
                continue;
            }
            let run: Vec<u128> = day.fresh.iter().copied().collect();
            day.file_bytes = disk::append(&self.dir, number, day.file_bytes, &run)?;
            day.fresh.clear();
            day.add_run(run);
        }
        disk::write_index(&self.dir, &self.index(marker))?;
        self.marker = marker;
        Ok(())
    }

    fn index(&self, marker: u64) -> disk::Index {
        let days = self.days.iter().filter(|(_, day)| day.file_bytes > 0);
        disk::Index { marker, days: days.map(|(&number, day)| (number, day.file_bytes)).collect() }
    }
}

impl Day {
    fn contains(&self, fingerprint: u128) -> bool {
        self.fresh.contains(&fingerprint) || self.runs.iter().any(|run| run.binary_search(&fingerprint).is_ok())
    }

    fn add_run(&mut self, run: Vec<u128>) {
        self.runs.push(run);
        while let [.., longer, shorter] = self.runs.as_slice()
            && longer.len() <= 2 * shorter.len()
        {
            let shorter = self.runs.pop().unwrap_or_default();
            let mut merged = self.runs.pop().unwrap_or_default();
            merged.extend(shorter);
            // The stable sort finds the two sorted runs and merges them.
            merged.sort();
            merged.dedup();
            self.runs.push(merged);
        }
    }
}
