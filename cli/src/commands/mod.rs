//! One file a command.
pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod fix;
pub(crate) mod fmt;
pub(crate) mod graph;
pub(crate) mod journal;
pub(crate) mod live;
pub(crate) mod new;
pub(crate) mod project;
pub(crate) mod replay;
pub(crate) mod run;

/// `1 flow`, `2 flows`
fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
