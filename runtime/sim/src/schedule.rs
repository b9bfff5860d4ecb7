//! Events that are on their way, and those that the world leaves to others.
use std::collections::BTreeMap;

use flowline_plan::{TypeId, Value};
use rustc_hash::FxHashSet;

use crate::WorldEvent;

/// A cause that is undone doesn't stop what was sent within so long, ms: messages that are on their way arrive.
pub(crate) const ON_ITS_WAY_MS: i64 = 60_000;

/// The events that somebody else brings, by type, position of the key and its value: what the input file holds. The
/// world sends none of them itself.
#[derive(Debug, Clone, Default)]
pub struct Held(FxHashSet<(TypeId, u16, Value)>);

impl Held {
    pub fn insert(&mut self, event: TypeId, key: u16, value: Value) {
        self.0.insert((event, key, value));
    }

    pub(crate) fn contains(&self, event: TypeId, key: u16, value: Value) -> bool {
        !self.0.is_empty() && self.0.contains(&(event, key, value))
    }
}

impl FromIterator<(TypeId, u16, Value)> for Held {
    fn from_iter<I: IntoIterator<Item = (TypeId, u16, Value)>>(held: I) -> Self {
        Self(held.into_iter().collect())
    }
}

/// When and by which name an event is scheduled; the order in which events are taken.
pub(crate) type Place = (i64, String, String);

/// Events that haven't been taken, by time, source and id.
#[derive(Debug, Default)]
pub(crate) struct Schedule(BTreeMap<Place, WorldEvent>);

impl Schedule {
    pub(crate) fn add(&mut self, event: WorldEvent) -> Place {
        let place = (event.at, event.source.clone(), event.id.clone());
        self.0.insert(place.clone(), event);
        place
    }

    /// The cause of an event is undone at `now`.
    pub(crate) fn stop(&mut self, place: &Place, now: i64) {
        if place.0 > now.saturating_add(ON_ITS_WAY_MS) {
            self.0.remove(place);
        }
    }

    pub(crate) fn next_due(&self) -> Option<i64> {
        self.0.first_key_value().map(|((at, _, _), _)| *at)
    }

    /// Takes what is due up to and including `until`, ms.
    pub(crate) fn take_due(&mut self, until: i64) -> Vec<WorldEvent> {
        let later = match until.checked_add(1) {
            Some(next) => self.0.split_off(&(next, String::new(), String::new())),
            None => BTreeMap::new(),
        };
        std::mem::replace(&mut self.0, later).into_values().collect()
    }
}
