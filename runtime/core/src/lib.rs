//! The run state machine: pure, total, deterministic. No clock, no disk, no network, no randomness, no `async`; time
//! arrives as an argument.
//!
//! A [`Run`] takes one [`Input`] at a time and answers with [`Output`]s. Inputs are journaled by the shell; state and
//! outputs follow from program and inputs, so a restart can repeat them.

pub mod control;
pub mod data;
mod digest;
mod handed;
mod ids;
mod incident;
mod input;
mod output;
mod run;
mod task;

pub use data::PromiseState;
pub use digest::Digest;
pub use handed::{Goods, Handed, Returned};
pub use ids::{CallKey, EventId, RunId, TaskId, hash128};
pub use incident::Incident;
pub use input::{Answer, Ending, Input, Parent};
pub use output::{Call, Output, ResourceView};
pub use run::{Program, Run};
pub use task::{Asked, ClosedTask, Task, TaskFate};
