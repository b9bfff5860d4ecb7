//! The simulated world: systems that answer calls from their contracts alone, and keep durable accounts of it.
//!
//! A [`World`] stands *outside* the runtime. It decides what a call does, writes that to its own log before it answers,
//! deduplicates as the contract says, and survives the runtime's death. Every answer is a function of the seed, the
//! call's idempotency key and its attempt, never of the order in which calls arrive. There is no clock here: time comes
//! with the calls.
//!
//! From what was done come the [`Accounts`]: for each resource how many were opened and how each was settled, for each
//! keyed operation whether it took effect more than once.
//!
//! What a contract leaves open is decided like this:
//! - A call takes effect when it is made, and is answered later; `lost_answer` took effect, `lost_call` did not.
//! - Business errors come by chance only where the call would plainly act: never from operations that settle, never
//!   where a doubt is resolved, never an error that tells of one state alone. Those come when they are true.
//! - Settling what was never opened leaves a tombstone; a call that opens it later is refused.
//! - A part of a resource is split off its whole when a call first touches it; whole, parts and rest have to add up.
//! - People answer from their question alone: a value of the type that is asked for, by somebody who may answer, some
//!   minutes later.
//! - Events of a call that is undone don't come any more, except those that are on their way: due within a minute.
//! - `A, B` under `later`: B counts from A, and after a silence nothing follows. `A or B`: where the input file holds one
//!   of them for the key, neither is made up.

mod accounts;
mod chaos;
mod config;
mod contract;
mod decide;
mod entry;
mod error;
#[cfg(any(test, feature = "fixture"))]
pub mod fixture;
mod generate;
mod later;
mod ledger;
mod log;
mod names;
mod people;
mod schedule;
mod stand;
mod world;

#[cfg(test)]
mod tests;

pub use accounts::{Accounts, Doubled, OpAccount, ResourceAccount, Undone, Unsettled, Why};
pub use config::{ConfigError, EventRate, SystemRates, WorldConfig};
pub use entry::WorldEvent;
pub use error::WorldError;
pub use log::{FileLog, MemoryLog, Visit, WorldLog};
pub use people::PersonAnswer;
pub use schedule::Held;
pub use world::{Reopened, Scheduled, World};
