//! What can go wrong with a journal, told so that an operator knows what to do.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::format::segment_name;

/// An error of the journal. It can be cloned, because everybody who waits gets the same one.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// A write or a sync failed. Nothing after the last durable record was acknowledged, and nothing will be.
    #[error("the journal has stopped: {doing} failed: {cause}; {advice}")]
    Poisoned { doing: &'static str, cause: Arc<io::Error>, advice: &'static str },

    /// Another process (or another journal in this one) has the data folder open.
    #[error("another process has the data folder open (`{path}` is locked); stop it first, or use another folder")]
    Locked { path: PathBuf },

    /// The segment was written by another version of the format.
    #[error(
        "segment {name} has journal format {found}, this build reads format {ours}; use the version of flowline that wrote it",
        name = segment_name(*segment)
    )]
    Version { segment: u32, found: u32, ours: u32 },

    /// What is on disk is not what was written, and cutting it could lose acknowledged records.
    #[error(
        "the journal is damaged in segment {name} at byte {offset}{at}: {what}; nothing was changed, restore the folder from a backup",
        name = segment_name(*segment),
        at = record.map_or(String::new(), |record| format!(" (record {record})"))
    )]
    Damaged {
        segment: u32,
        offset: u64,
        /// The first record that can't be read, where it is known: those before it are sound.
        record: Option<u64>,
        what: String,
    },

    /// A sound record that this build does not know how to read.
    #[error(
        "record {seq} in segment {name} at byte {offset} has {what}, which this build does not know; use the version of flowline that wrote it",
        name = segment_name(*segment)
    )]
    Unknown { what: String, seq: u64, segment: u32, offset: u64 },

    /// A reading wanted records that retention has removed.
    #[error("records from {from_seq} on were asked for, but the oldest that is kept is {first_seq}; read from there")]
    Removed { from_seq: u64, first_seq: u64 },

    /// Nothing lies at a position.
    #[error(
        "no record lies in segment {name} at byte {offset}; the position is not of this journal, or its segment was removed: rebuild the index",
        name = segment_name(*segment)
    )]
    NoRecord { segment: u32, offset: u32 },

    /// Somebody waits for what nobody submitted, and would wait for ever.
    #[error("record {seq} was never submitted, the last one is {last_seq}; wait for the seq of a ticket")]
    NotSubmitted { seq: u64, last_seq: u64 },

    #[error("a group needs at least one record")]
    EmptyGroup,

    #[error("a group takes at most {bytes_max} bytes, this one needs {bytes}; submit it in smaller groups")]
    GroupTooLarge { bytes: u64, bytes_max: u64 },

    /// A caller wants to write what it could not read again.
    #[error(
        "`{kind}` records have versions 1 to {version_max}, not {version}; raise `RecordKind::version_max` with the new version"
    )]
    RecordVersion { kind: crate::RecordKind, version: u8, version_max: u8 },

    /// The operating system refused something other than an append.
    #[error("cannot {doing} `{path}`: {cause}")]
    Io { doing: &'static str, path: PathBuf, cause: Arc<io::Error> },
}

impl JournalError {
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
        move |cause| JournalError::Io { doing, path: path.to_path_buf(), cause: Arc::new(cause) }
    }

    pub(crate) fn poisoned(doing: &'static str, cause: io::Error) -> JournalError {
        let kind = cause.kind();
        let advice = if matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            "the disk is full: free space and start again, nothing acknowledged is lost"
        } else if kind == io::ErrorKind::ReadOnlyFilesystem {
            "the file system is read-only: look at the disk, make it writable and start again"
        } else {
            "look at the disk and start again, nothing acknowledged is lost"
        };
        JournalError::Poisoned { doing, cause: Arc::new(cause), advice }
    }
}
