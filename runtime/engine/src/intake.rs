//! Events on their way in: counted once, handed to the homes of their keys and to the flow they start.
use std::sync::Arc;

use flowline_core::{EventId, Input, RunId};
use flowline_plan::{ConstEnv, FlowId, StartRule, TypeId, Value, eval, eval_bool};

use crate::{
    EngineError, Origin,
    body::{EventIn, StartCause},
    dedupe::Seen,
    engine::{Engine, Message},
    home::{After, Arrival, Home, HomeKey, Offer},
};

impl Engine {
    /// Whether an event counts; duplicates and conflicts are counted and go no further.
    pub(crate) fn admit(&mut self, event: &EventIn) -> bool {
        let seen = self.dedupe.admit(event, self.now);
        let outside = event.origin == Origin::Outside;
        match seen {
            Seen::New => return true,
            Seen::Duplicate => self.totals.duplicates += u64::from(outside),
            Seen::Conflict => self.totals.conflicts += u64::from(outside),
        }
        false
    }

    /// An event is in: it starts the one flow that takes it, and goes to the home of each of its keys.
    pub(crate) fn intake(&mut self, event: EventIn, seq: u64) -> Result<(), EngineError> {
        self.totals.events += 1;
        let id = event.event_id();
        let value = Arc::new(event.value.clone());
        let candidates = self.candidates(event.event, &value);
        let (mut homeless, mut started) = (true, None);
        match candidates.as_slice() {
            [flow] => started = self.take_start(*flow, id, seq, &value)?,
            [] => {}
            [_, _, ..] => {
                let bundle = Arc::clone(&self.bundle);
                self.totals.contest(&bundle, &event, &candidates);
                homeless = false;
            }
        }
        let homes = self.homes_of(event.event, &value);
        homeless &= started.is_none() && homes.is_empty();
        let kept_ms = self.bundle.event(event.event).map_or(0, |def| def.kept_ms);
        let expires_at = self.now.saturating_add(kept_ms);
        for (at, home) in homes.iter().enumerate() {
            let arrival = Arrival {
                event: id,
                seq,
                at: self.now,
                expires_at,
                value: Arc::clone(&value),
                taken_by: started,
                siblings: homes.iter().filter(|other| *other != home).cloned().collect(),
                counted: at == 0,
            };
            let offers = self.home(home).arrive(arrival);
            self.expiries.entry(expires_at).or_default().push(home.clone());
            self.queue_offers(home, offers);
        }
        let may_start = !self.routes.starts(event.event).is_empty();
        if homeless && (may_start || event.origin == Origin::Outside) {
            self.totals.unmatched += 1;
        }
        Ok(())
    }

    /// The homes of an event: one for each of its keys that some flow waits by.
    fn homes_of(&self, event: TypeId, value: &Value) -> Vec<HomeKey> {
        let env = ConstEnv { bundle: &self.bundle, now: self.now };
        let keys = self.bundle.event(event).map(|def| def.keys.as_slice()).unwrap_or_default();
        let awaited = (0u16..).zip(keys).filter(|(at, _)| self.routes.is_awaited(event, *at));
        let home = |(at, key): (u16, &flowline_plan::EventKey)| {
            let value = eval(&env, &key.code, std::slice::from_ref(value)).ok()?;
            Some(HomeKey { event, key: at, value })
        };
        awaited.filter_map(home).collect()
    }

    /// The flows whose start condition holds.
    fn candidates(&self, event: TypeId, value: &Value) -> Vec<FlowId> {
        let env = ConstEnv { bundle: &self.bundle, now: self.now };
        let holds = |flow: &&FlowId| {
            let start = self.plan_of(**flow).and_then(|plan| plan.start.as_ref());
            start.is_some_and(|start| match start {
                StartRule::Event { condition: Some(code), .. } => {
                    eval_bool(&env, code, std::slice::from_ref(value)).unwrap_or(false)
                }
                StartRule::Event { condition: None, .. } | StartRule::Gather(_) => true,
                StartRule::Every(_) => false,
            })
        };
        self.routes.starts(event).iter().filter(holds).copied().collect()
    }

    /// The one flow that takes an event starts on it, or gathers it.
    fn take_start(
        &mut self,
        flow: FlowId,
        event: EventId,
        seq: u64,
        value: &Arc<Value>,
    ) -> Result<Option<RunId>, EngineError> {
        match self.plan_of(flow).and_then(|plan| plan.start.as_ref()) {
            Some(StartRule::Gather(_)) => self.gather(flow, event, value),
            Some(StartRule::Event { .. }) => self.start_by(flow, StartCause::Event { event, seq }, value),
            Some(StartRule::Every(_)) | None => Ok(None),
        }
    }

    /// A home, made where it isn't there, about to change.
    fn home(&mut self, key: &HomeKey) -> &mut Home {
        let cell = self.homes.entry(key.clone()).or_default();
        if !cell.dirty && self.store.is_some() {
            cell.dirty = true;
            self.dirty_homes.push(key.clone());
        }
        &mut cell.home
    }

    /// Drops the kept events whose time is over. Time moves on between rounds only, when no offer is on its way.
    pub(crate) fn expire(&mut self) {
        if self.now <= self.expired_to {
            return;
        }
        let now = self.now;
        self.expired_to = now;
        while let Some(first) = self.expiries.first_entry()
            && *first.key() <= now
        {
            for key in first.remove() {
                if self.homes.contains_key(&key) {
                    self.totals.unmatched += self.home(&key).expire(now);
                    self.drop_if_empty(&key);
                }
            }
        }
    }

    pub(crate) fn register(&mut self, run: RunId, wait: u32, key: HomeKey, fresh: bool, begun: u64) {
        self.waits.insert((run, wait), key.clone());
        let after = if fresh { After::Armed } else { After::Start(begun) };
        let offer = self.home(&key).register(run, wait, after);
        self.queue_offers(&key, offer);
    }

    pub(crate) fn withdraw(&mut self, run: RunId, wait: u32, reply: bool) {
        if self.tasks.withdraw(run, wait) {
            // Its home is here: from now on no answer counts.
        } else if let Some(key) = self.waits.remove(&(run, wait)) {
            self.home(&key).withdraw(run, wait);
            self.drop_if_empty(&key);
        }
        if reply {
            self.send_to_run(run, Input::Withdrawn { wait });
        }
    }

    /// A run answers an offer.
    pub(crate) fn reply(&mut self, run: RunId, wait: u32, event: EventId, taken: bool) {
        let Some(key) = self.offered.remove(&(run, event, wait)) else { return };
        if !self.homes.contains_key(&key) {
            return;
        }
        let (offer, siblings) = self.home(&key).reply(run, event, taken);
        self.queue_offers(&key, offer);
        self.drop_if_empty(&key);
        // Who takes an event by one of its keys has taken it by all of them.
        for sibling in siblings {
            if self.homes.contains_key(&sibling) {
                self.home(&sibling).taken_elsewhere(run, event);
            }
        }
    }

    fn queue_offers(&mut self, home: &HomeKey, offers: impl IntoIterator<Item = Offer>) {
        for offer in offers {
            self.offered.insert((offer.run, offer.event, offer.wait), home.clone());
            self.push(Message::Offer(offer));
        }
    }

    fn drop_if_empty(&mut self, key: &HomeKey) {
        if self.homes.get(key).is_some_and(|cell| cell.home.is_empty())
            && let Some(saved) = self.homes.remove(key).and_then(|cell| cell.saved)
        {
            self.checkpoints.gone_home(key, saved);
        }
    }
}
