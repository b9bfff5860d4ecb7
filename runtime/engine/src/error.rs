//! What can stop the engine. Nothing that was acknowledged is lost by any of these.
use flowline_journal::JournalError;
use flowline_store::StoreError;

/// Why the engine stopped or didn't start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "record {seq} of the journal doesn't follow from the records before it: {what}; stop, keep the folder, and report it"
    )]
    Replay { seq: u64, what: String },
    #[error(
        "record {seq} of the journal: replaying it gives state {ours:016x}, it was written with {theirs:016x}; this version \
         of flowline runs the flow differently: use the version that wrote the folder"
    )]
    StateHash { seq: u64, ours: u64, theirs: u64 },
    #[error(
        "the data folder belongs to version {theirs} of the flows, these are {ours}; runs stay on the version they started \
         in: finish with that version, or use a new folder"
    )]
    OtherBundle { ours: String, theirs: String },
    #[error("{0}")]
    Bundle(#[from] flowline_plan::DecodeError),
    #[error("the data folder has format {found}, this version of flowline reads {ours}: use the version that wrote it")]
    Folder { found: String, ours: u32 },
    #[error("{doing} `{path}`: {cause}")]
    Io { doing: &'static str, path: String, cause: std::io::Error },
}
