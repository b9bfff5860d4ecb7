//! The home of a business key: who waits for it, and which events are kept for it.
//!
//! A home offers an event to one wait of each interested run at a time; the run answers taken or not. Every interested
//! run sees an event once: all that comes after its start, and of what came before only what no run has taken.
use std::sync::Arc;

use flowline_core::{EventId, RunId};
use flowline_plan::{TypeId, Value};
use serde::{Deserialize, Serialize};

/// Which home: an event type, one of its keys, and the key's value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HomeKey {
    pub event: TypeId,
    pub key: u16,
    pub value: Value,
}

/// A home with its key, as it is written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HomeSnapshot {
    pub key: HomeKey,
    pub home: Home,
}

/// The state of one home.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Home {
    waits: Vec<Wait>,
    kept: Vec<Kept>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wait {
    run: RunId,
    wait: u32,
    after: After,
}

/// Which earlier events a wait may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum After {
    /// What came before the run's start only if no run has taken it. The seq of the start.
    Start(u64),
    /// Nothing that came before the wait.
    Armed,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    event: EventId,
    seq: u64,
    acknowledged_at: i64,
    expires_at: i64,
    value: Arc<Value>,
    taken_by: Vec<RunId>,
    /// Waits that have seen it.
    offered: Vec<(RunId, u32)>,
    /// The runs whose answers are awaited.
    pending: Vec<RunId>,
    /// The event's homes by its other keys.
    siblings: Vec<HomeKey>,
    /// Of all its homes, this one counts it when nobody has taken it.
    counted: bool,
}

/// An offer to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    pub run: RunId,
    pub wait: u32,
    pub event: EventId,
    pub seq: u64,
    pub acknowledged_at: i64,
    pub value: Arc<Value>,
}

/// An event that arrives at a home.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub event: EventId,
    pub seq: u64,
    pub at: i64,
    pub expires_at: i64,
    pub value: Arc<Value>,
    /// The run that it started, which counts as its taker.
    pub taken_by: Option<RunId>,
    /// The event's homes by its other keys.
    pub siblings: Vec<HomeKey>,
    /// Of all its homes, this one counts it when nobody has taken it.
    pub counted: bool,
}

impl Home {
    /// Nothing waits here and nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.waits.is_empty() && self.kept.is_empty()
    }

    /// An event arrives.
    pub fn arrive(&mut self, arrival: Arrival) -> Vec<Offer> {
        if self.kept.iter().any(|kept| kept.event == arrival.event) {
            return Vec::new();
        }
        self.kept.push(Kept {
            event: arrival.event,
            seq: arrival.seq,
            acknowledged_at: arrival.at,
            expires_at: arrival.expires_at,
            value: arrival.value,
            taken_by: arrival.taken_by.into_iter().collect(),
            offered: Vec::new(),
            pending: Vec::new(),
            siblings: arrival.siblings,
            counted: arrival.counted,
        });
        let mut runs: Vec<RunId> = Vec::new();
        for wait in &self.waits {
            if !runs.contains(&wait.run) {
                runs.push(wait.run);
            }
        }
        runs.into_iter().filter_map(|run| self.offer_to(run)).collect()
    }

    /// A run waits.
    pub fn register(&mut self, run: RunId, wait: u32, after: After) -> Option<Offer> {
        if self.waits.iter().any(|known| known.run == run && known.wait == wait) {
            return None;
        }
        if after == After::Armed {
            for kept in &mut self.kept {
                kept.offered.push((run, wait));
            }
        }
        self.waits.push(Wait { run, wait, after });
        self.offer_to(run)
    }

    /// A wait is over.
    pub fn withdraw(&mut self, run: RunId, wait: u32) {
        self.waits.retain(|known| known.run != run || known.wait != wait);
        for kept in &mut self.kept {
            kept.offered.retain(|offered| *offered != (run, wait));
        }
    }

    /// A run answers an offer: the next one to make, and the other homes to tell that the event is taken.
    pub fn reply(&mut self, run: RunId, event: EventId, taken: bool) -> (Option<Offer>, Vec<HomeKey>) {
        let mut siblings = Vec::new();
        if let Some(kept) = self.kept.iter_mut().find(|kept| kept.event == event) {
            kept.pending.retain(|pending| *pending != run);
            if taken && !kept.taken_by.contains(&run) {
                kept.taken_by.push(run);
                siblings.clone_from(&kept.siblings);
            }
        }
        (self.offer_to(run), siblings)
    }

    /// A run has taken an event at another of its homes.
    pub fn taken_elsewhere(&mut self, run: RunId, event: EventId) {
        if let Some(kept) = self.kept.iter_mut().find(|kept| kept.event == event)
            && !kept.taken_by.contains(&run)
        {
            kept.taken_by.push(run);
        }
    }

    /// Drops what has been kept long enough; says how many of these nobody took.
    pub fn expire(&mut self, now: i64) -> u64 {
        let mut untaken = 0;
        self.kept.retain(|kept| {
            let over = kept.expires_at <= now;
            untaken += u64::from(over && kept.counted && kept.taken_by.is_empty());
            !over
        });
        untaken
    }

    /// Kept events that nobody has taken so far; one with several homes is named by one of them.
    pub fn untaken(&self) -> impl Iterator<Item = EventId> + '_ {
        self.kept.iter().filter(|kept| kept.counted && kept.taken_by.is_empty()).map(|kept| kept.event)
    }

    /// When each kept event ends.
    pub fn expiries(&self) -> impl Iterator<Item = i64> + '_ {
        self.kept.iter().map(|kept| kept.expires_at)
    }

    /// Who waits here.
    pub fn registered(&self) -> impl Iterator<Item = (RunId, u32)> + '_ {
        self.waits.iter().map(|wait| (wait.run, wait.wait))
    }

    /// The oldest event that a wait of the run may take and hasn't seen; one offer to a run at a time.
    fn offer_to(&mut self, run: RunId) -> Option<Offer> {
        if self.kept.iter().any(|kept| kept.pending.contains(&run)) {
            return None;
        }
        for kept in &mut self.kept {
            if kept.taken_by.contains(&run) {
                continue;
            }
            let fits = |wait: &&Wait| {
                wait.run == run
                    && !kept.offered.contains(&(run, wait.wait))
                    && match wait.after {
                        After::Start(begun) => kept.seq > begun || kept.taken_by.is_empty(),
                        After::Armed => true,
                    }
            };
            let Some(wait) = self.waits.iter().find(fits) else { continue };
            kept.offered.push((run, wait.wait));
            kept.pending.push(run);
            return Some(Offer {
                run,
                wait: wait.wait,
                event: kept.event,
                seq: kept.seq,
                acknowledged_at: kept.acknowledged_at,
                value: Arc::clone(&kept.value),
            });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Record `seq` brings the event of the same number.
    fn arrival(seq: u64) -> Arrival {
        let at = i64::try_from(seq).unwrap();
        Arrival {
            event: EventId(seq.into()),
            seq,
            at,
            expires_at: at + 100,
            value: Arc::new(Value::Int(at)),
            taken_by: None,
            siblings: Vec::new(),
            counted: true,
        }
    }

    const RUN: RunId = RunId(1);
    const OTHER: RunId = RunId(2);

    fn next(reply: (Option<Offer>, Vec<HomeKey>)) -> Option<(EventId, u32)> {
        reply.0.map(|offer| (offer.event, offer.wait))
    }

    #[test]
    fn an_early_event_waits_for_its_taker_and_is_seen_once() {
        let mut home = Home::default();
        assert!(home.arrive(arrival(10)).is_empty());
        let offer = home.register(RUN, 0, After::Start(20)).unwrap();
        assert_eq!((offer.event, offer.wait), (EventId(10), 0));
        assert_eq!(next(home.reply(RUN, EventId(10), true)), None);
        home.withdraw(RUN, 0);
        assert_eq!(home.register(RUN, 1, After::Start(20)), None, "the run has seen it");
        assert_eq!(home.register(OTHER, 0, After::Start(20)), None, "taken before the other run's start");
        assert!(home.register(RunId(3), 0, After::Start(5)).is_some(), "it came after this one's start");
    }

    #[test]
    fn what_a_run_does_not_take_goes_to_its_next_wait_and_is_kept() {
        let mut home = Home::default();
        assert_eq!(home.register(RUN, 0, After::Start(0)), None);
        assert_eq!(home.register(RUN, 1, After::Start(0)), None);
        let offers = home.arrive(arrival(10));
        assert_eq!(offers.iter().map(|offer| offer.wait).collect::<Vec<_>>(), [0], "one offer to a run at a time");
        assert_eq!(next(home.reply(RUN, EventId(10), false)), Some((EventId(10), 1)));
        assert_eq!(next(home.reply(RUN, EventId(10), false)), None);
        assert!(home.register(RUN, 2, After::Start(0)).is_some(), "offered again to a new wait");
        assert_eq!(next(home.reply(RUN, EventId(10), false)), None);
        assert_eq!(home.register(RUN, 3, After::Armed), None, "a fresh wait takes nothing old");
        assert_eq!(home.expire(109), 0);
        assert_eq!(home.expire(110), 1);
        assert!(home.untaken().next().is_none());
    }

    #[test]
    fn the_oldest_event_comes_first_and_a_duplicate_does_not_count() {
        let mut home = Home::default();
        home.arrive(arrival(10));
        home.arrive(arrival(11));
        assert!(home.arrive(arrival(10)).is_empty());
        assert_eq!(home.register(RUN, 0, After::Start(0)).map(|offer| offer.event), Some(EventId(10)));
        assert_eq!(next(home.reply(RUN, EventId(10), true)), Some((EventId(11), 0)));
        assert_eq!(next(home.reply(RUN, EventId(11), true)), None);
    }

    #[test]
    fn an_event_with_two_homes_is_taken_at_both_and_counted_at_one() {
        let key = |value| HomeKey { event: TypeId(0), key: 0, value: Value::Int(value) };
        let (mut first, mut second) = (Home::default(), Home::default());
        for (home, sibling, counted) in [(&mut first, 2, true), (&mut second, 1, false)] {
            for seq in [10, 11] {
                home.arrive(Arrival { siblings: vec![key(sibling)], counted, ..arrival(seq) });
            }
        }
        assert!(second.register(RUN, 0, After::Start(20)).is_some());
        assert_eq!(second.reply(RUN, EventId(10), true).1, [key(1)]);
        first.taken_elsewhere(RUN, EventId(10));
        let offer = first.register(OTHER, 0, After::Start(20)).unwrap();
        assert_eq!(offer.event, EventId(11), "the other one was taken before this run's start");
        assert_eq!((first.expire(200), second.expire(200)), (1, 0), "event 11 counts once");
    }
}
