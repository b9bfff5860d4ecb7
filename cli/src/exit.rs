//! Exit codes, and the errors behind them.
use std::{fmt, process::ExitCode};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Fine.
    Fine,
    /// Findings, failed tests or failed runs.
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
}

impl From<flowline_engine::EngineError> for Failure {
    fn from(error: flowline_engine::EngineError) -> Self {
        use flowline_engine::EngineError as E;
        use flowline_journal::JournalError as J;
        let exit = match &error {
            E::OtherBundle { .. } | E::Folder { .. } | E::Journal(J::Locked { .. } | J::Version { .. }) => Exit::Misuse,
            E::Journal(_) | E::Store(_) | E::Replay { .. } | E::StateHash { .. } | E::Bundle(_) | E::Io { .. } => {
                Exit::Fault
            }
        };
        Self { exit, message: error.to_string() }
    }
}

impl From<flowline_journal::JournalError> for Failure {
    fn from(error: flowline_journal::JournalError) -> Self {
        flowline_engine::EngineError::from(error).into()
    }
}
