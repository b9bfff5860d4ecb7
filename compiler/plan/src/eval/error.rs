//! Why an expression has no value.
use serde::{Deserialize, Serialize};

use crate::{Currency, calendar::CalendarError};

/// A typed incident: the run parks with it and an operator decides. [`EvalError::is_fault`] tells the ones that no
/// checked program can reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum EvalError {
    #[error("division by zero")]
    DivisionByZero,
    #[error("a number grew too large: an Int holds 64 bits, a Decimal 28 digits")]
    Overflow,
    #[error("{left} and {right} can't be calculated with each other; convert one of them first")]
    CurrencyMismatch { left: Currency, right: Currency },
    #[error("no row of decision `{decision}` fits; give it a last row of `-`")]
    NoDecisionRow {
        /// Its full name.
        decision: String,
    },
    #[error("a date moves by whole days only, not by {ms} ms")]
    NotWholeDays { ms: i64 },
    #[error("an amount can't be shared out by these weights: they must be numbers from 0 up, not all of them 0")]
    BadWeights,
    #[error("no due time in calendar `{calendar}`: {why}")]
    NoCalendarTime { calendar: String, why: CalendarError },
    #[error("calendar `{calendar}` has no row for `{entry}`")]
    NoCalendarEntry { calendar: String, entry: String },
    #[error("time zone `{zone}` is unknown")]
    UnknownZone { zone: String },
    #[error("the instant lies outside the years that a calendar has")]
    InstantOutOfRange,
    #[error("the expression takes more than {max} steps", max = super::FUEL_MAX)]
    Fuel,
    #[error("a list has at most {max} elements here", max = super::LIST_LEN_MAX)]
    ListTooLong,
    #[error("a text has at most {max} bytes here", max = super::TEXT_BYTES_MAX)]
    TextTooLong,
    #[error("internal fault: {what}")]
    TypeMismatch {
        /// What was tried on what.
        what: String,
    },
    #[error("internal fault: the code is damaged: {what}")]
    BadCode {
        /// Which rule it breaks.
        what: String,
    },
    #[error("rows {} and {} of decision `{decision}` both hold; make one of them narrower, or write `first`", rows.0, rows.1)]
    SeveralDecisionRows {
        /// Its full name.
        decision: String,
        /// From 1.
        rows: (usize, usize),
    },
    #[error("rows {} and {} of decision `{decision}` both hold and answer differently; with `any` they must agree", rows.0, rows.1)]
    DecisionRowsDiffer {
        /// Its full name.
        decision: String,
        /// From 1.
        rows: (usize, usize),
    },
}

impl EvalError {
    /// Whether this is a fault of the compiler or of the bundle's bytes, not of the data.
    pub fn is_fault(&self) -> bool {
        matches!(self, Self::TypeMismatch { .. } | Self::BadCode { .. })
    }

    pub(super) fn bad(what: impl Into<String>) -> Self {
        Self::BadCode { what: what.into() }
    }

    pub(super) fn mismatch(what: impl Into<String>) -> Self {
        Self::TypeMismatch { what: what.into() }
    }
}
