//! Proofs over plans: what may not happen on any path of a flow, with the path on which it would.
//!
//! This is the structural pass: one walk over the regions of a plan for errors and reachability (F03), and one small
//! exploration per resource for obligations (F04). It follows the runtime's control (`flowline_core::control`) and
//! looks at no value, so a guard may go either way. Each rule has its own file; each finding tells its shortest story
//! with the fewest mishaps.

mod cause;
mod errors;
mod flowing;
mod keys;
mod obligations;
mod shape;
mod undoing;
mod words;

use flowline_diag::{Diagnostic, FileId, Span};
use flowline_plan::{Bundle, Plan, SpanId};

/// Where the spans of a plan lie in the sources.
pub trait Places {
    /// The place of a span; an empty one at the start of a file where the span isn't known.
    fn span(&self, id: SpanId) -> Span;
}

impl<F: Fn(SpanId) -> Span> Places for F {
    fn span(&self, id: SpanId) -> Span {
        self(id)
    }
}

/// The bundle's own table, for sources that were read in the order of [`Bundle::files`].
impl Places for Bundle {
    fn span(&self, id: SpanId) -> Span {
        self.spans.get(id.index()).map_or(Span::new(FileId::from_index(0), 0, 0), |span| {
            Span::new(FileId::from_index(span.file), span.start, span.end)
        })
    }
}

/// Everything that the structural pass finds in one flow, in reading order.
///
/// Sub-flows are believed by their headers: prove each flow of a bundle.
///
/// # Panics
/// When the plan's tables don't fit together; the compiler's own lowering never makes such a plan.
pub fn prove(bundle: &Bundle, plan: &Plan, places: &dyn Places) -> Vec<Diagnostic> {
    let shape = shape::Shape::new(bundle, plan, places);
    let mut flowing = flowing::Flowing::of(&shape, obligations::unfollowed(&shape));
    let mut explored = obligations::explore(&shape, &flowing);
    // Some errors come up only in one state of a resource: what the exploration meets is believed, and looked at again.
    while !explored.told.is_subset(&flowing.told) {
        let told = flowing.told.union(&explored.told).copied().collect();
        flowing = flowing::Flowing::of(&shape, told);
        explored = obligations::explore(&shape, &flowing);
    }
    let mut found = errors::check(&shape, &flowing);
    found.extend(obligations::check(&shape, &explored));
    found.extend(keys::check(&shape, &flowing));
    found.extend(undoing::check(&shape));
    found.sort_by(|a, b| a.order().cmp(&b.order()));
    found
}
