//! Contracts of systems.

use flowline_check::model;
use flowline_plan::{Idempotency, OpClass, OpDef, OpParam, Raise, SystemDef, Undo};

use crate::{
    Cx, code,
    code::{Names, given},
};

pub(crate) fn system(cx: &Cx<'_>, system: &model::System) -> SystemDef {
    SystemDef {
        name: system.name.clone(),
        label: system.label.clone(),
        owns: system.owns.iter().map(|owned| owned.short_name().to_owned()).collect(),
        ops: system.ops.iter().map(|op| self::op(cx, op)).collect(),
    }
}

fn op(cx: &Cx<'_>, op: &model::Op) -> OpDef {
    let names = Names::default();
    // The arguments, then the result; an operation without one has nothing to name there.
    let params = u16::try_from(op.params.len()).unwrap_or(u16::MAX);
    let args_and_result = given(params.saturating_add(1));
    let all = |exprs: &[model::Expr]| -> Vec<flowline_plan::Code> {
        exprs.iter().map(|expr| code::code(cx, names, &args_and_result, expr)).collect()
    };
    let undo = |undo: &model::Undo| Undo { op: undo.op, args: all(&undo.args), needs_result: undo.needs_result };
    OpDef {
        name: op.name.clone(),
        doc: op.doc.clone(),
        params: op
            .params
            .iter()
            .map(|param| OpParam { name: param.name.clone(), ty: param.ty.to_plan(), resource: param.resource.clone() })
            .collect(),
        result: op.result.to_plan(),
        opens: op.opens.clone(),
        class: match &op.class {
            model::OpClass::Read => OpClass::Read,
            model::OpClass::Transition => OpClass::Transition,
            model::OpClass::Compensatable(with) => OpClass::Compensatable(undo(with)),
            model::OpClass::Irreversible => OpClass::Irreversible,
            model::OpClass::Harmless => OpClass::Harmless,
            model::OpClass::Settles => OpClass::Settles,
        },
        retriable: op.retriable,
        idempotency: op.idempotency.as_ref().map(|key| Idempotency {
            name: key.name.clone(),
            key: all(&key.key),
            kept_ms: key.kept_ms,
        }),
        raises: op
            .raises
            .iter()
            .map(|raise| Raise {
                error: raise.error,
                outcome_unknown: raise.outcome_unknown,
                states: raise.states.clone(),
            })
            .collect(),
        takes_ms: op.takes_ms,
        timeout_ms: op.timeout_ms,
        retry: op.retry,
        later: op.later.clone(),
        writes: op.writes.iter().map(|written| written.short_name().to_owned()).collect(),
    }
}
