//! Support for tests of the run state machine: plans by hand, a small world that answers, a driver that crashes.
#![allow(dead_code, reason = "each test binary uses its own part of the support")]

pub(crate) mod build;
pub(crate) mod contracts;
pub(crate) mod drive;
pub(crate) mod world;
