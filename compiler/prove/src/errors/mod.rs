//! F03: every error has a taker, every statement and every handler can run.
mod after_return;
mod idle;
mod stop;
mod unhandled;
mod unreachable;

use flowline_diag::Diagnostic;

use crate::{flowing::Flowing, shape::Shape};

/// All findings of the group.
pub(crate) fn check(shape: &Shape<'_>, flowing: &Flowing) -> Vec<Diagnostic> {
    let rules = [unhandled::check, unreachable::check, idle::check, stop::check, after_return::check];
    rules.into_iter().flat_map(|rule| rule(shape, flowing)).collect()
}
