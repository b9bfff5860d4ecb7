//! Exit codes, and the errors behind them.
use std::{fmt, io, process::ExitCode};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Fine.
    Fine,
    /// Findings, lines set aside, failed runs.
    Findings,
    /// Arguments, configuration, missing files.
    Misuse,
    /// A fault of ours or of the machine.
    Fault,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Findings => 1,
            Exit::Misuse => 2,
            Exit::Fault => 3,
        })
    }
}

/// Why a command could not do what it was asked to: one message that says what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Failure {
    /// The command was asked for something it can't do.
    pub(crate) fn misuse(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Misuse, message: message.to_string() }
    }

    /// Something broke.
    pub(crate) fn fault(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Fault, message: message.to_string() }
    }

    /// The operating system refused something that must be possible.
    pub(crate) fn of_io(doing: &str, what: impl fmt::Display, cause: &io::Error) -> Self {
        let advice = advice(cause.kind()).map_or(String::new(), |advice| format!("; {advice}"));
        Self::fault(format!("can't {doing} {what}: {cause}{advice}"))
    }
}

/// What an operator can do about a refusal of the operating system.
fn advice(kind: io::ErrorKind) -> Option<&'static str> {
    if matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        Some("the disk is full: make room and start the same command again, nothing acknowledged is lost")
    } else if kind == io::ErrorKind::ReadOnlyFilesystem {
        Some("the file system is read-only: make it writable, or use another folder")
    } else if kind == io::ErrorKind::PermissionDenied {
        Some("give this user the right to do so, or use another folder")
    } else {
        None
    }
}

impl From<flowline_engine::EngineError> for Failure {
    fn from(error: flowline_engine::EngineError) -> Self {
        use flowline_engine::EngineError as E;
        use flowline_journal::JournalError as J;
        use flowline_store::StoreError as S;
        let exit = match &error {
            E::OtherBundle { .. } | E::Folder { .. } | E::Journal(J::Locked { .. } | J::Version { .. }) => Exit::Misuse,
            E::Journal(_) | E::Store(_) | E::Replay { .. } | E::StateHash { .. } | E::Bundle(_) | E::Io { .. } => {
                Exit::Fault
            }
        };
        let mut message = error.to_string();
        if let E::Journal(J::Io { cause, .. }) | E::Store(S::Io { cause, .. }) = &error
            && let Some(advice) = advice(cause.kind())
        {
            message = format!("{message}; {advice}");
        }
        Self { exit, message }
    }
}

impl From<flowline_journal::JournalError> for Failure {
    fn from(error: flowline_journal::JournalError) -> Self {
        flowline_engine::EngineError::from(error).into()
    }
}

/// The simulated world can't be opened or written.
impl From<flowline_sim::WorldError> for Failure {
    fn from(error: flowline_sim::WorldError) -> Self {
        use flowline_sim::WorldError as W;
        match &error {
            W::Seed { .. } | W::Contracts | W::Format { .. } | W::Config(_) => Self::misuse(error),
            W::Stopped | W::Damaged { .. } | W::Unreadable { .. } => Self::fault(error),
            W::Io { cause, .. } => {
                let advice = advice(cause.kind()).map_or(String::new(), |advice| format!("; {advice}"));
                Self::fault(format!("{error}{advice}"))
            }
        }
    }
}
