//! The one model of findings: codes, diagnostics, spans and the sources that they point into.
//!
//! Checks build plain values here; nothing in this crate knows of colours, JSON layouts or editors.

mod codes;
mod diagnostic;
mod sources;
mod suggest;

pub use codes::{Code, all as all_codes, find as find_code, groups};
pub use diagnostic::{Diagnostic, Edit, Fix, Label, Severity};
pub use sources::{FileId, LineCol, Sources, Span, Unit};
pub use suggest::{distance, nearest};

/// Every code by its name, grouped as the language's documentation groups them: `code::f01::UNKNOWN_NAME`.
pub mod code {
    pub use crate::codes::{f01, f02, f03, f04, f05, f06, f07, f08, f09, f10, f11, f12, f13, f14};
}
