//! Support for tests of the run state machine: plans by hand, a small world that answers, a driver that crashes.
#![allow(dead_code, reason = "each test binary uses its own part of the support")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "in test support a panic is how a test fails"
)]

pub(crate) mod build;
pub(crate) mod case;
pub(crate) mod contracts;
pub(crate) mod drive;
pub(crate) mod world;
