//! The bodies of journal records. The number of a variant is part of the format: new ones are added at the end.
use std::sync::Arc;

use flowline_core::{EventId, Handed, Input, Run, RunId};
use flowline_plan::{FlowId, TypeId, Value};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    EngineError, Totals,
    gather::{Batch, BatchKey},
    home::HomeSnapshot,
};

/// A record of kind `input`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum InputBody {
    /// An event came in, at the shard of its source and id.
    Event(EventIn),
    /// A run begins.
    Start { flow: FlowId, generation: u32, cause: StartCause },
    /// The home of a key offers an event; its body is in record `seq`.
    Offered { wait: u32, event: EventId, acknowledged_at: i64, seq: u64 },
    /// Any other input of a run.
    Run(Input),
    /// A flow starts by the clock: the instant at which it was due.
    Tick { flow: FlowId, due: i64 },
    /// Time is up for the batch of a key.
    Close { key: BatchKey, batch: u128 },
    /// From now on flows start by the clock, or no longer do.
    Schedules { on: bool },
}

/// An event on its way in, checked against its schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventIn {
    pub source: String,
    pub id: String,
    pub event: TypeId,
    pub value: Value,
    pub origin: Origin,
}

impl EventIn {
    /// Its identity.
    pub fn event_id(&self) -> EventId {
        EventId::of(&self.source, &self.id)
    }
}

/// Who brought an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Origin {
    /// Somebody outside; duplicates are counted.
    Outside,
    /// A simulated system; what a restart brings again is no duplicate.
    World,
    /// A flow's `emit`.
    Flow,
}

/// Why a run begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum StartCause {
    /// An event, whose body is in record `seq`.
    Event { event: EventId, seq: u64 },
    /// Another run's step.
    Child { parent: RunId, joined: bool, args: Vec<Value>, resources: Vec<Handed> },
    /// The clock, at the instant at which it was due.
    Tick { due: i64 },
    /// A batch of so many events.
    Batch { batch: u128, events: u32 },
}

/// A record of kind `snapshot`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SnapshotBody {
    Run {
        run: Box<Run>,
        joined: Option<RunId>,
        generation: u32,
        shard: u16,
        /// The seq of its start.
        begun: u64,
        /// The value of its key, where its flow runs one at a time.
        line: Option<Value>,
    },
    Home(HomeSnapshot),
    Engine {
        totals: Box<Totals>,
        cursor: Option<Cursor>,
        /// The last tick of each flow; none while schedules are off.
        schedules: Option<Vec<(FlowId, i64)>>,
    },
    /// A start that waits for its turn.
    Queued {
        run: RunId,
        shard: u16,
        flow: FlowId,
        generation: u32,
        cause: StartCause,
        value: Option<Arc<Value>>,
        /// The value of its key.
        line: Value,
        place: u64,
        since: i64,
    },
    /// A batch that is open.
    Batch {
        key: BatchKey,
        batch: Batch,
    },
}

/// A record of kind `cursor`: how far an input file was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cursor {
    /// What the file is: a hash of what was read of it.
    pub file: u128,
    /// Bytes read.
    pub offset: u64,
    pub lines: u64,
    /// Lines set aside.
    pub rejected: u64,
    /// Duplicates absorbed so far.
    pub duplicates: u64,
    /// Events whose id came before with another body.
    pub conflicts: u64,
}

/// Encodes a body.
pub(crate) fn encode<T: Serialize>(body: &T) -> Vec<u8> {
    postcard::to_stdvec(body).expect("bodies are plain data, which postcard always encodes")
}

/// Decodes a body.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8], seq: u64) -> Result<T, EngineError> {
    postcard::from_bytes(bytes)
        .map_err(|cause| EngineError::Replay { seq, what: format!("its body can't be read ({cause})") })
}
