//! What tests of several crates share: a small shop as a bundle, and a real system to call over HTTP.

pub mod http_system;
pub mod shop;
