//! Renderers: one per reader, all from the one diagnostic model; none of them decides what is wrong.
//!
//! Columns are counted as each reader counts them, which is the only thing that the renderers disagree about.

mod compact;
mod github;
mod human;
mod json;
mod sarif;

pub use compact::{compact, summary_line};
pub use github::github;
pub use human::{Colour, human};
pub use json::{Counts, counts, json};
pub use sarif::sarif;
