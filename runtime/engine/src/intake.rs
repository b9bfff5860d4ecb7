//! Events on their way in: counted once, handed to the homes of their keys and to the flow they start.
use std::sync::Arc;

use flowline_core::{EventId, Input, Run, RunId};
use flowline_plan::{ConstEnv, FlowId, Value, eval, eval_bool};
use flowline_store::{Table, key_u128};

use crate::{
    Origin,
    body::{EventIn, StartCause},
    dedupe::Seen,
    engine::{Engine, Message},
    home::{After, Arrival, HomeKey, Offer},
    shard::shard_of,
};

/// A flow that an event starts.
#[derive(Debug)]
struct Starting {
    run: RunId,
    shard: u16,
    flow: FlowId,
    generation: u32,
}

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
    pub(crate) fn intake(&mut self, event: EventIn, seq: u64) {
        self.totals.events += 1;
        let id = event.event_id();
        let value = Arc::new(event.value);
        let candidates = self.candidates(event.event, &value);
        let started = match candidates.as_slice() {
            [flow] => self.start_by(*flow, id, seq, &value),
            [] => None,
            [_, _, ..] => {
                self.totals.contested += 1;
                None
            }
        };
        let bundle = Arc::clone(&self.bundle);
        let Some(def) = bundle.event(event.event) else { return };
        let mut awaited = false;
        for (at, key) in (0u16..).zip(&def.keys) {
            if !self.routes.is_awaited(event.event, at) {
                continue;
            }
            awaited = true;
            let env = ConstEnv { bundle: &bundle, now: self.now };
            let Ok(key_value) = eval(&env, &key.code, std::slice::from_ref(&*value)) else { continue };
            let home = HomeKey { event: event.event, key: at, value: key_value };
            let arrival = Arrival {
                event: id,
                seq,
                at: self.now,
                expires_at: self.now.saturating_add(def.kept_ms),
                value: Arc::clone(&value),
                taken_by: started,
            };
            let now = self.now;
            let cell = self.homes.entry(home.clone()).or_default();
            cell.dirty = true;
            self.totals.unmatched += cell.home.expire(now);
            let offers = cell.home.arrive(arrival);
            self.queue_offers(&home, offers);
        }
        let may_start = !self.routes.starts(event.event).is_empty();
        if may_start && candidates.is_empty() && !awaited {
            self.totals.unmatched += 1;
        }
    }

    /// The flows whose start condition holds.
    fn candidates(&self, event: flowline_plan::TypeId, value: &Value) -> Vec<FlowId> {
        let env = ConstEnv { bundle: &self.bundle, now: self.now };
        let holds = |flow: &&FlowId| {
            let start = self.plan_of(**flow).and_then(|plan| plan.start.as_ref());
            start.is_some_and(|start| {
                let condition = start.condition.as_ref();
                condition.is_none_or(|code| eval_bool(&env, code, std::slice::from_ref(value)).unwrap_or(false))
            })
        };
        self.routes.starts(event).iter().filter(holds).copied().collect()
    }

    /// Starts the run of a flow for an event; the run that takes the event, also where it has been there before.
    fn start_by(&mut self, flow: FlowId, event: EventId, seq: u64, value: &Arc<Value>) -> Option<RunId> {
        let starting = self.starting(flow, event, value)?;
        let Starting { run, shard, flow, generation } = starting;
        let pending =
            self.queue.iter().any(|message| matches!(message, Message::Start { run: known, .. } if *known == run));
        if pending || self.runs.contains_key(&run) || self.has_finished(run) {
            self.totals.repeated_starts += 1;
            return Some(run);
        }
        let cause = StartCause::Event { event, seq };
        let value = Some(Arc::clone(value));
        self.queue.push_back(Message::Start { run, shard, flow, generation, cause, value });
        Some(run)
    }

    fn starting(&self, flow: FlowId, event: EventId, value: &Value) -> Option<Starting> {
        let program = self.programs.get(flow.index())?;
        let name = &program.plan.name;
        let Some(rule) = &program.plan.key else {
            let run = RunId::of_key(name, &event.0.to_le_bytes(), 0);
            return Some(Starting { run, shard: shard_of(run.0), flow, generation: 0 });
        };
        let key = Run::key_of(program, std::slice::from_ref(value), self.now).ok().flatten()?;
        let key = postcard::to_stdvec(&key).ok()?;
        let shard = shard_of(flowline_core::hash128("key", &[&key]));
        let mut generation = 0;
        loop {
            let run = RunId::of_key(name, &key, generation);
            if rule.once || !self.has_finished(run) {
                return Some(Starting { run, shard, flow, generation });
            }
            generation += 1;
        }
    }

    /// Whether a run has ended.
    pub(crate) fn has_finished(&self, run: RunId) -> bool {
        self.finished.contains_key(&run)
            || self.checkpoints.is_being_saved(run)
            || self.store.as_ref().is_some_and(|store| {
                store
                    .get(Table::Summary, &key_u128(run.0))
                    .ok()
                    .flatten()
                    .is_some_and(|row| row.seq <= self.summaries_to)
            })
    }

    pub(crate) fn register(&mut self, run: RunId, wait: u32, key: HomeKey, fresh: bool, started_at: i64) {
        let now = self.now;
        self.waits.insert((run, wait), key.clone());
        let cell = self.homes.entry(key.clone()).or_default();
        cell.dirty = true;
        self.totals.unmatched += cell.home.expire(now);
        let after = if fresh { After::Armed } else { After::Start(started_at) };
        let offer = cell.home.register(run, wait, after);
        self.queue_offers(&key, offer);
    }

    pub(crate) fn withdraw(&mut self, run: RunId, wait: u32, reply: bool) {
        if let Some(key) = self.waits.remove(&(run, wait)) {
            if let Some(cell) = self.homes.get_mut(&key) {
                cell.dirty = true;
                cell.home.withdraw(run, wait);
            }
            self.drop_if_empty(&key);
        }
        if reply {
            self.queue.push_back(Message::Run { run, input: Input::Withdrawn { wait } });
        }
    }

    /// A run answers an offer.
    pub(crate) fn reply(&mut self, run: RunId, wait: u32, event: EventId, taken: bool) {
        let Some(key) = self.offered.remove(&(run, event, wait)) else { return };
        let Some(cell) = self.homes.get_mut(&key) else { return };
        cell.dirty = true;
        let offer = cell.home.reply(run, event, taken);
        self.queue_offers(&key, offer);
        self.drop_if_empty(&key);
    }

    fn queue_offers(&mut self, home: &HomeKey, offers: impl IntoIterator<Item = Offer>) {
        for offer in offers {
            self.offered.insert((offer.run, offer.event, offer.wait), home.clone());
            self.queue.push_back(Message::Offer(offer));
        }
    }

    fn drop_if_empty(&mut self, key: &HomeKey) {
        if let Some(cell) = self.homes.get(key)
            && cell.home.is_empty()
        {
            if let Some(cell) = self.homes.remove(key)
                && cell.saved.is_some()
            {
                self.checkpoints.gone_home(key);
            }
        }
    }
}
