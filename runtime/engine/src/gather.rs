//! Batches: events that are gathered for a flow until time is up or the batch is full.
//!
//! That an event is gathered follows from its record. That time is up is a record of its own, as with a timer; that a batch
//! is full follows from its last event.
use std::sync::Arc;

use flowline_core::{EventId, RunId, hash128};
use flowline_plan::{ConstEnv, FlowId, GatherRule, StartRule, Value, eval};
use serde::{Deserialize, Serialize};

use crate::{
    EngineError,
    body::{StartCause, encode},
    checkpoint::Saved,
    engine::{Engine, Message},
};

/// Events that all batches together may hold until their runs begin; more are refused.
pub const GATHERED_MAX: usize = 200_000;
/// A batch whose events are larger is closed: it has to fit into a record of the journal.
const BATCH_BYTES_MAX: usize = 8 << 20;

/// A flow that gathers, and the value of the key that it gathers by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BatchKey {
    pub flow: FlowId,
    pub key: Value,
}

/// A batch that is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Follows from the flow, the key and the first event.
    pub id: u128,
    /// When it is closed.
    pub due: i64,
    pub events: Vec<Arc<Value>>,
    pub bytes: usize,
}

/// A batch and where it was last written.
#[derive(Debug)]
pub(crate) struct BatchCell {
    pub(crate) batch: Batch,
    pub(crate) dirty: bool,
    pub(crate) saved: Option<Saved>,
}

/// The store's key for a batch.
pub(crate) fn batch_row(key: &BatchKey) -> u128 {
    hash128("batch row", &[&encode(key)])
}

impl Engine {
    fn gather_rule(&self, flow: FlowId) -> Option<&GatherRule> {
        match self.plan_of(flow)?.start.as_ref()? {
            StartRule::Gather(rule) => Some(rule),
            StartRule::Event { .. } | StartRule::Every(_) => None,
        }
    }

    /// An event joins its batch: the run that the batch will be of. None where its key has no value, or too much is gathered.
    pub(crate) fn gather(
        &mut self,
        flow: FlowId,
        event: EventId,
        value: &Arc<Value>,
    ) -> Result<Option<RunId>, EngineError> {
        let env = ConstEnv { bundle: &self.bundle, now: self.now };
        let Some(rule) = self.gather_rule(flow) else { return Ok(None) };
        let key = rule.per.as_ref().map_or(Ok(Value::None), |per| eval(&env, per, std::slice::from_ref(&**value)));
        let Ok(key) = key else { return Ok(None) };
        if self.gathered >= GATHERED_MAX {
            let bundle = Arc::clone(&self.bundle);
            self.totals.refuse_start(&bundle, flow, &StartCause::Event { event, seq: 0 });
            return Ok(None);
        }
        let (within_ms, count_max) = (rule.within_ms, rule.count_max as usize);
        let Some(name) = self.plan_of(flow).map(|plan| plan.name.clone()) else { return Ok(None) };
        let (due, kept) = (self.now.saturating_add(within_ms), self.store.is_some());
        let key = BatchKey { flow, key };
        let cell = self.batches.entry(key.clone()).or_insert_with(|| {
            let id = hash128("batch", &[name.as_bytes(), &encode(&key), &event.0.to_le_bytes()]);
            self.closings.insert((due, key.clone()));
            BatchCell { batch: Batch { id, due, events: Vec::new(), bytes: 0 }, dirty: false, saved: None }
        });
        if kept && !cell.dirty {
            cell.dirty = true;
            self.dirty_batches.push(key.clone());
        }
        cell.batch.bytes += encode(&**value).len();
        cell.batch.events.push(Arc::clone(value));
        self.gathered += 1;
        let run = RunId::of_cause(&name, "batch", &cell.batch.id.to_le_bytes());
        if cell.batch.events.len() >= count_max || cell.batch.bytes >= BATCH_BYTES_MAX {
            self.close_batch(&key)?;
        }
        Ok(Some(run))
    }

    /// A batch is closed: its run begins.
    pub(crate) fn close_batch(&mut self, key: &BatchKey) -> Result<(), EngineError> {
        let Some(BatchCell { batch, saved, .. }) = self.batches.remove(key) else { return Ok(()) };
        self.closings.remove(&(batch.due, key.clone()));
        if let Some(saved) = saved {
            self.checkpoints.gone_row(batch_row(key), saved);
        }
        let by_key = self.gather_rule(key.flow).is_some_and(|rule| rule.per.is_some());
        let count = u32::try_from(batch.events.len()).unwrap_or(u32::MAX);
        let events = Value::List(batch.events.iter().map(|event| (**event).clone()).collect());
        let mut fields = vec![Value::text(format!("{:032x}", batch.id))];
        fields.extend(by_key.then(|| key.key.clone()));
        fields.push(events);
        let cause = StartCause::Batch { batch: batch.id, events: count };
        if self.start_by(key.flow, cause, &Arc::new(Value::Record(fields.into())))?.is_none() {
            self.gathered = self.gathered.saturating_sub(batch.events.len());
        }
        Ok(())
    }

    /// The run of a batch begins: it holds the events now.
    pub(crate) fn handed_over(&mut self, cause: &StartCause) {
        if let StartCause::Batch { events, .. } = cause {
            self.gathered = self.gathered.saturating_sub(*events as usize);
        }
    }

    /// A batch from a snapshot.
    pub(crate) fn restore_batch(&mut self, key: BatchKey, batch: Batch, saved: Saved) {
        self.gathered += batch.events.len();
        self.closings.insert((batch.due, key.clone()));
        self.batches.insert(key, BatchCell { batch, dirty: false, saved: Some(saved) });
    }

    /// The message that closes a batch, if it is still that one.
    pub(crate) fn closing_of(&self, key: &BatchKey) -> Option<Message> {
        let batch = &self.batches.get(key)?.batch;
        Some(Message::Close { key: key.clone(), batch: batch.id })
    }

    /// Events in batches that are open.
    pub fn gathering(&self) -> usize {
        self.batches.values().map(|cell| cell.batch.events.len()).sum()
    }
}
