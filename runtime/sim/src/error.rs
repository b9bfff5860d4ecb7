//! What can go wrong with a world, told so that it is clear what to do.
use std::{io, path::PathBuf, sync::Arc};

use crate::ConfigError;

/// An error of the simulated world. None of them is an answer of a system: those are [`flowline_core::Answer`]s.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WorldError {
    #[error(transparent)]
    Config(#[from] ConfigError),

    /// The operating system refused something.
    #[error("cannot {doing} the simulated world's log `{path}`: {cause}")]
    Io { doing: &'static str, path: PathBuf, cause: Arc<io::Error> },

    /// A write failed; nothing is answered any more, so that no effect goes unrecorded.
    #[error("the simulated world has stopped, because its log could not be written; make room and start again")]
    Stopped,

    #[error(
        "the simulated world's log is damaged at byte {offset}: {what}; the accounts can't be trusted, start with a fresh data folder"
    )]
    Damaged { offset: u64, what: &'static str },

    #[error(
        "record {record} of the simulated world's log can't be read though it is whole; use the version of flowline that wrote it"
    )]
    Unreadable { record: u64 },

    #[error(
        "the simulated world's log has format {found}, this version of flowline reads {ours}; use the version that wrote it"
    )]
    Format { found: u16, ours: u16 },

    #[error(
        "the simulated world's log was begun with seed {found}, not {asked}; use the same seed, or a fresh data folder"
    )]
    Seed { found: u64, asked: u64 },

    #[error(
        "the simulated world's log was begun with other types or system contracts; use the same project, or a fresh data folder"
    )]
    Contracts,
}
