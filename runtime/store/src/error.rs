//! What can go wrong with the store, told so that an operator knows what to do.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the index must be made anew from the journal. No data is lost by any of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RebuildReason {
    #[error("there is no index yet, or its folder was removed")]
    Missing,
    #[error("the index is damaged: {what}")]
    Damaged { what: String },
    #[error("the index has format {found}, this build uses {ours}")]
    Version { found: u32, ours: u32 },
}

/// An error of the store. Those that [`StoreError::rebuild_reason`] knows are healed by a rebuild.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// There is no store in the folder, or its making was never finished.
    #[error("there is no index in `{dir}`; it is rebuilt from the journal")]
    Missing { dir: PathBuf },

    /// What is on disk is not what was written.
    #[error("the index is damaged: {what}; no data is lost, it is rebuilt from the journal at the next start")]
    Damaged { what: String },

    /// The store was written by another version of Flowline.
    #[error("the index has format {found}, this build uses {ours}; it is rebuilt from the journal")]
    Version { found: u32, ours: u32 },

    /// Another process (or another store in this one) has the folder open.
    #[error("the index in `{dir}` is open in another process; stop it first, or use another data folder")]
    Locked { dir: PathBuf },

    /// An earlier checkpoint failed; what the disk holds of it is not known.
    #[error("the index takes no more checkpoints since one failed: {cause}; look at the disk and start again")]
    Poisoned { cause: String },

    /// The marker may only go forward.
    #[error("everything up to seq {marker} is reflected, a checkpoint cannot go back to {given}")]
    MarkerBehind { marker: u64, given: u64 },

    #[error("a key has at most {bytes_max} bytes, this one has {bytes}; use its hash")]
    KeyTooLong { bytes: usize, bytes_max: usize },

    #[error("a row has at most {bytes_max} bytes, this one has {bytes}; keep the position of its record instead")]
    RowTooLong { bytes: usize, bytes_max: usize },

    /// The operating system refused something.
    #[error("cannot {doing} `{path}`: {cause}")]
    Io { doing: &'static str, path: PathBuf, cause: Arc<io::Error> },
}

impl StoreError {
    /// Why to rebuild, or `None` if a rebuild would not help.
    #[must_use]
    pub fn rebuild_reason(&self) -> Option<RebuildReason> {
        match self {
            StoreError::Missing { .. } => Some(RebuildReason::Missing),
            StoreError::Damaged { what } => Some(RebuildReason::Damaged { what: what.clone() }),
            StoreError::Version { found, ours } => Some(RebuildReason::Version { found: *found, ours: *ours }),
            StoreError::Locked { .. }
            | StoreError::Poisoned { .. }
            | StoreError::MarkerBehind { .. }
            | StoreError::KeyTooLong { .. }
            | StoreError::RowTooLong { .. }
            | StoreError::Io { .. } => None,
        }
    }

    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        move |cause| StoreError::Io { doing, path: path.to_path_buf(), cause: Arc::new(cause) }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> StoreError {
        StoreError::Damaged { what: what.into() }
    }

    /// sled reports what it cannot make sense of in several ways; only the disk's own refusals are `Io`.
    pub(crate) fn sled(doing: &'static str, dir: &Path, error: sled::Error) -> StoreError {
        match error {
            sled::Error::Io(cause) if is_of_the_disk(&cause) => StoreError::io(doing, dir)(cause),
            sled::Error::Io(cause) => StoreError::damaged(format!("sled could not {doing}: {cause}")),
            sled::Error::Corruption { at, .. } => StoreError::damaged(match at {
                Some(at) => format!("a page at {at} is not what was written"),
                None => "a page or the snapshot is not what was written".to_owned(),
            }),
            other @ (sled::Error::CollectionNotFound(_)
            | sled::Error::Unsupported(_)
            | sled::Error::ReportableBug(_)) => StoreError::damaged(format!("sled could not {doing}: {other}")),
        }
    }
}

/// True for what a damaged file cannot cause; there, a rebuild would meet the same disk.
fn is_of_the_disk(cause: &io::Error) -> bool {
    cause.raw_os_error().is_some() && !matches!(cause.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound)
        || matches!(
            cause.kind(),
            io::ErrorKind::PermissionDenied
                | io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::ReadOnlyFilesystem
        )
}
