//! The store: state and indexes over the journal. It is a rebuildable index, never the truth.
//!
//! It knows nothing of plans: keys and rows are bytes, sorted by table and key. What it promises:
//!
//! - everything up to [`Store::marker`] is reflected, however the process ended;
//! - rows *beyond* the marker may be there after a crash. They are harmless, because the journal after the marker is
//!   replayed: a row carries the seq it reflects ([`Row::seq`]), and a put with a lower seq than the stored row's is
//!   ignored, so replay never takes a row back;
//! - damage is an answer, not a panic: [`SledStore::open_or_reason`] says why the index must be rebuilt.
//!
//! What it does not promise: atomicity of a checkpoint's rows (only the marker is the commit), or scans that stand
//! still while a checkpoint is applied.
//!
//! Invariant: a checkpoint holds only what the journal has made durable. The caller compares the marker with the
//! journal's last seq at start: a marker beyond it means that the two do not belong together, and the index is rebuilt.
//!
//! [`SledStore`] keeps `DATA/store`, [`MemoryStore`] is its twin for tests, one suite of tests runs over both.
//! [`Fingerprints`] keeps the dedupe keys of each day beside it, in plain files.

mod checkpoint;
mod error;
mod fingerprints;
mod memory;
mod quiet;
mod sled_store;
mod table;

#[cfg(test)]
mod tests;

pub use checkpoint::{Checkpoint, KEY_BYTES_MAX, ROW_BYTES_MAX};
pub use error::{RebuildReason, StoreError};
pub use fingerprints::{DayDamage, Fingerprints};
pub use memory::MemoryStore;
pub use sled_store::{OpenOutcome, Options, SledStore};
pub use table::{KeyRange, Row, Table, key_u64, key_u128, split_u64, split_u128};

/// The version of tables, keys and the way they lie on disk; another one is rebuilt from the journal.
pub const FORMAT_VERSION: u32 = 1;

/// Rows in the order of their keys (ascending from the front, descending from the back); ends after the first error.
/// The key comes without its table.
pub type Scan<'a> = Box<dyn DoubleEndedIterator<Item = Result<(Vec<u8>, Row), StoreError>> + Send + 'a>;

/// The door to the store, wherever it is kept.
pub trait Store: Send + Sync + std::fmt::Debug {
    /// # Errors
    /// `Damaged` if the page that holds the row cannot be read: rebuild.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Row>, StoreError>;

    /// The rows of a table whose keys lie in the range. It does not stand still: a checkpoint that is applied
    /// meanwhile may or may not be seen.
    fn scan(&self, table: Table, range: KeyRange) -> Scan<'_>;

    /// Applies a batch: deletes first, then puts, then the marker. When this returns, all of it survives power loss.
    /// After a crash in between the old marker stands and any part of the rows may be there.
    ///
    /// A put with a lower seq than the stored row's is ignored; an equal one overwrites. Deletes count whatever the
    /// seq: what a crash leaves too early is put again by the replay.
    ///
    /// # Errors
    /// Before anything is written: `MarkerBehind`, `KeyTooLong`, `RowTooLong`. `Io` or `Damaged` from the write
    /// itself, after which every checkpoint is refused with `Poisoned` until the store is opened again.
    fn checkpoint(&self, batch: Checkpoint) -> Result<(), StoreError>;

    /// The journal seq up to which everything is reflected; 0 in a fresh store.
    fn marker(&self) -> u64;
}
