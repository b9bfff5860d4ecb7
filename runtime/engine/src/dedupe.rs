//! Dedupe keys of events: in plain files beside the store, or in memory where there is no folder.
use std::collections::BTreeSet;

use flowline_core::hash128;
use flowline_store::Fingerprints;

use crate::{EngineError, body::EventIn};

const DAY_MS: i64 = 86_400_000;

/// How long an event's identity is remembered, days.
pub const DEDUPE_DAYS: u32 = 35;

/// Fingerprints of the events that were taken in.
#[derive(Debug)]
pub enum Dedupe {
    Files(Box<Fingerprints>),
    Memory(BTreeSet<u128>),
}

/// What an event turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    New,
    Duplicate,
    /// The same source and id, with another body.
    Conflict,
}

impl Dedupe {
    /// Whether an event came before; if not, it counts as come from now on.
    pub(crate) fn admit(&mut self, event: &EventIn, now: i64) -> Seen {
        let id = event.event_id().0;
        let value = postcard::to_stdvec(&event.value).unwrap_or_default();
        let body = hash128("body", &[&id.to_le_bytes(), &event.event.0.to_le_bytes(), &value]);
        if self.contains(id, now) {
            return if self.contains(body, now) { Seen::Duplicate } else { Seen::Conflict };
        }
        self.insert(id, now);
        self.insert(body, now);
        Seen::New
    }

    /// Whether an event of this source and id came before.
    pub(crate) fn knows(&self, event: &EventIn, now: i64) -> bool {
        self.contains(event.event_id().0, now)
    }

    fn contains(&self, fingerprint: u128, now: i64) -> bool {
        match self {
            Self::Files(files) => {
                let today = day_of(now);
                files.contains(today.saturating_sub(DEDUPE_DAYS)..=u32::MAX, fingerprint)
            }
            Self::Memory(known) => known.contains(&fingerprint),
        }
    }

    fn insert(&mut self, fingerprint: u128, now: i64) {
        match self {
            Self::Files(files) => {
                files.insert(day_of(now), fingerprint);
            }
            Self::Memory(known) => {
                known.insert(fingerprint);
            }
        }
    }

    /// Writes down what came since the last checkpoint.
    pub(crate) fn checkpoint(&mut self, marker: u64, now: i64) -> Result<(), EngineError> {
        if let Self::Files(files) = self {
            files.checkpoint(marker)?;
            files.drop_before(day_of(now).saturating_sub(DEDUPE_DAYS))?;
        }
        Ok(())
    }

    /// The seq up to which it reflects the journal; everything in memory.
    pub(crate) fn marker(&self) -> u64 {
        match self {
            Self::Files(files) => files.marker(),
            Self::Memory(_) => 0,
        }
    }
}

fn day_of(now: i64) -> u32 {
    u32::try_from(now.div_euclid(DAY_MS)).unwrap_or(0)
}
