//! One file a command.
pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod graph;
pub(crate) mod journal;
pub(crate) mod live;
pub(crate) mod project;
pub(crate) mod replay;
pub(crate) mod run;
