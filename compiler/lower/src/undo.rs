//! The undo that a step names itself.
//!
//! It runs when the scopes inside have ended and their names are gone; what the step was given is kept. So each part of
//! an argument that the step was given too is read from there.

use flowline_check::model::{self, Expr, ExprKind};
use flowline_diag::{Diagnostic, code::f02};
use flowline_plan::{Code, Instr, ScopeId, Undo};

use crate::{
    Cx,
    code::{Coder, Names},
};

/// The undo of a call; its code's locals are the call's arguments, then its result.
pub(crate) fn undo(cx: &Cx<'_>, names: Names<'_>, call: &model::Call, undo: &model::Undo) -> Undo {
    let given: Vec<_> = call.args.iter().map(|_| None).chain([call.undo_result]).collect();
    let args = undo.args.iter().map(|arg| {
        let mut coder = Coder::new(cx, names, &given, &call.args);
        coder.expr(arg);
        let code = coder.finish(arg.span);
        if reads_inner(&code) {
            let message = "an undo runs when this value may be gone";
            let finding = Diagnostic::new(&f02::CONTRACT, message, arg.span)
                .label("bound in a block that can have ended by then")
                .help("use what the step itself was given, its `result`, or what is bound at the top of the flow");
            cx.report(finding);
        }
        code
    });
    Undo { op: undo.op, args: args.collect(), needs_result: undo.needs_result }
}

/// Whether code reads a slot of any scope but the flow's own.
fn reads_inner(code: &Code) -> bool {
    code.ops.iter().any(|op| matches!(op, Instr::Slot(slot) if slot.scope != ScopeId(0)))
}

/// Whether two expressions are the same path: a name, or fields of one.
pub(crate) fn same(a: &Expr, b: &Expr) -> bool {
    match (&a.kind, &b.kind) {
        (ExprKind::Local(a), ExprKind::Local(b)) => a == b,
        (
            ExprKind::Field { base: a, field: a_field, optional: a_optional },
            ExprKind::Field { base: b, field: b_field, optional: b_optional },
        ) => a_field == b_field && a_optional == b_optional && same(a, b),
        _ => false,
    }
}
