//! What contracts have to be like, so that what is proven by them can be believed: who may write what (F07), what takes
//! something back (F05), what is repeated (F12). One file per group.

mod ownership;
mod retries;
mod undoing;

use crate::model::Model;
use flowline_diag::Diagnostic;

/// Everything that is wrong with the contracts of a project, taken for themselves.
pub(crate) fn check(model: &Model) -> Vec<Diagnostic> {
    let mut found = ownership::check(model);
    found.extend(undoing::check(model));
    found.extend(retries::check(model));
    found
}
