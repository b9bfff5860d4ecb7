//! The shell around the runs: shards, group commit, event homes, recovery, checkpoints, connectors.
//!
//! [`Engine`] is synchronous and takes its time from a driver. What is threads and sockets lies in [`connector`] and
//! [`live`].

mod body;
mod checkpoint;
pub mod connector;
mod dedupe;
mod engine;
mod error;
mod gather;
mod home;
mod intake;
pub mod live;
mod recover;
mod routes;
mod shard;
mod starts;
mod tasks;
mod ticks;
mod totals;
mod work;

pub use body::{Cursor, EventIn, InputBody, Origin, SnapshotBody, StartCause};
pub use dedupe::{DEDUPE_DAYS, Dedupe};
pub use engine::{Engine, EngineOptions, Finished, Given, Order, Step, Taken};
pub use error::EngineError;
pub use gather::{Batch, BatchKey, GATHERED_MAX};
pub use home::{Home, HomeKey, HomeSnapshot};
pub use recover::{EngineParts, NoWatch, Recovered, Watch, bundle_in, bundle_of};
pub use shard::{SHARDS, shard_of};
pub use starts::LINE_MAX;
pub use tasks::{OpenTask, ShownAs, TaskAnswer};
pub use totals::{PromiseTotals, Totals, outcome_name};
