//! F1201, F1202: what is repeated has to be noticed as a repetition, for as long as it is repeated.

use crate::model::{Model, Op, OpClass};
use flowline_diag::Diagnostic;
use flowline_diag::code::f12;
use flowline_plan::duration_text;

pub(super) fn check(model: &Model) -> Vec<Diagnostic> {
    let ops = model.systems.iter().flat_map(|system| &system.ops);
    ops.filter_map(|op| unnoticed(op).or_else(|| forgotten(op))).collect()
}

/// A call that changes something and may be repeated, of a system that isn't said to notice it.
fn unnoticed(op: &Op) -> Option<Diagnostic> {
    let changes = match op.class {
        OpClass::Transition | OpClass::Compensatable(_) | OpClass::Irreversible | OpClass::Settles => true,
        OpClass::Read | OpClass::Harmless => false,
    };
    if !changes || op.idempotency.is_some() || op.retry.retries_max == Some(0) || op.is_silent() {
        return None;
    }
    let message = format!("`{}` may be called twice for one step, and would take effect twice", op.name);
    let finding = Diagnostic::new(&f12::NOT_IDEMPOTENT, message, op.span).label("not `idempotent`, but repeated");
    Some(
        finding.help(
            "say by what the system recognises a repetition: `idempotent by …`; or don't repeat it: `retry 0 times`",
        ),
    )
}

/// A key that the system forgets while the call is still repeated.
fn forgotten(op: &Op) -> Option<Diagnostic> {
    let key = op.idempotency.as_ref()?;
    let (kept, span) = (key.kept_ms?, op.retry.span_ms(op.timeout_ms));
    if span <= kept {
        return None;
    }
    let message = format!(
        "`{}` is repeated for up to {}, but its key is kept for {} only",
        op.name,
        duration_text(span),
        duration_text(kept),
    );
    let finding = Diagnostic::new(&f12::KEY_FORGOTTEN, message, key.span).label("after this it takes effect once more");
    Some(finding.help("repeat it fewer times or for a shorter time; or have the key kept for longer"))
}
