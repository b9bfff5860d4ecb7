//! The main job without its files: the compiled workflows, the real engine and driver, journal and store in memory.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "in test support a panic is how a test fails"
)]

mod constructs;
mod crash_anywhere;
mod day;
mod negative_control;
mod place;
mod story;
mod stuck;
