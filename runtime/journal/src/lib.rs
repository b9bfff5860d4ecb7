//! The journal: an append-only log of records that is the truth about every run.
//!
//! It knows nothing of plans or values: the body of a record is bytes. What it promises:
//!
//! - a submitted group is durable whole or not at all, and groups become durable in the order of submission;
//! - `seq` numbers are global and dense, given out at submit;
//! - nothing is acknowledged before the one `fdatasync` of the write that holds it;
//! - what was acknowledged is read back exactly, or the start stops and names the place that is damaged;
//! - once a write has failed, nothing is accepted any more (the journal is *poisoned*).
//!
//! [`FileJournal`] keeps segments in `DATA/journal`, [`MemoryJournal`] is its twin for tests, and one suite of tests
//! runs over both. The bytes on disk are described in `format.rs`, what counts as a torn tail in `scan.rs`.

mod disk;
mod error;
mod file;
mod format;
mod layout;
mod lock;
mod memory;
mod read;
mod record;
mod recover;
mod scan;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;

pub use error::JournalError;
pub use file::{FileJournal, Options};
pub use format::FORMAT_VERSION;
pub use layout::GROUP_BYTES_MAX;
pub use lock::DataLock;
pub use memory::{Death, MemoryJournal};
pub use read::{read, read_at};
pub use record::{NewRecord, Position, Record, RecordKind, Stored, Ticket};
pub use recover::{Recovery, VerifyReport, verify};
pub use scan::TornTail;

/// Called with the highest durable seq after each durable write, and once more when the journal is poisoned.
///
/// It runs on the writer's thread: it must be quick, and must not call [`Journal::submit`], which may wait for that
/// very thread.
pub type Waker = Arc<dyn Fn(u64) + Send + Sync>;

/// Records in the order of their seq; ends after the first error.
pub type Records = Box<dyn Iterator<Item = Result<Stored, JournalError>> + Send>;

/// The door to a journal, wherever it is kept.
pub trait Journal: Send + Sync {
    /// Queues a group and gives its records the next seqs. Does not wait for the disk, only for room in the queue.
    ///
    /// The group is not durable when this returns: see [`Journal::wait`] and [`Journal::on_durable`].
    ///
    /// # Errors
    /// `Poisoned` once a write has failed, `EmptyGroup`, `GroupTooLarge`, and `RecordVersion` for a record that this
    /// build could not read again.
    fn submit(&self, group: Vec<NewRecord>) -> Result<Ticket, JournalError>;

    /// The highest durable seq; 0 before the first. Everything up to it is durable.
    fn durable(&self) -> u64;

    /// Returns when `seq` is durable.
    ///
    /// # Errors
    /// `Poisoned` if `seq` was not durable when a write failed, `NotSubmitted` if no record has this seq yet.
    fn wait(&self, seq: u64) -> Result<(), JournalError>;

    /// Adds a waker for an event loop; wakers cannot be removed.
    fn on_durable(&self, waker: Waker);

    /// Why the journal takes nothing any more, or `None` while it works.
    fn poisoned(&self) -> Option<JournalError>;

    /// The durable records from `from_seq` on, as far as they were durable at this call; 0 means from the oldest kept.
    ///
    /// # Errors
    /// `Removed` if retention has removed the segment of `from_seq`; items may be `Damaged`, `Unknown` or `Io`.
    fn read(&self, from_seq: u64) -> Result<Records, JournalError>;

    /// One durable record by its position, as given by [`Ticket`] or [`Stored`].
    ///
    /// # Errors
    /// `NoRecord` if nothing lies there, `Damaged` if its checksum fails, `Unknown` for what a later build wrote.
    fn read_at(&self, position: Position) -> Result<Record, JournalError>;

    /// Removes whole segments, oldest first, all of whose records have a seq below `seq`. The segment that is being
    /// written always stays. Returns how many were removed.
    ///
    /// # Errors
    /// `Io`; segments removed until then stay removed.
    fn remove_segments_below(&self, seq: u64) -> Result<u32, JournalError>;
}
