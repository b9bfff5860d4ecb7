//! Constants: each is worked out once, and its value stands wherever it is named.

use flowline_check::model::{ConstId, Expr};
use flowline_diag::{Diagnostic, code::f02};
use flowline_plan::{Bundle, ConstEnv, EvalError, Value, eval};

use crate::{Cx, code, code::Names, types};

/// The value of a constant. One without a value is a finding.
pub(crate) fn value(cx: &Cx<'_>, id: ConstId) -> Value {
    let Some(def) = cx.model.constant(id) else { return Value::None };
    if let Some(folded) = &def.folded {
        return folded.clone();
    }
    if let Some(known) = cx.constants.borrow().get(id.index()).cloned().flatten() {
        return known;
    }
    let value = known(cx, &def.value).unwrap_or_else(|why| {
        let message = format!("constant `{}` has no value: {why}", def.name.rsplit('.').next().unwrap_or(&def.name));
        cx.report(Diagnostic::new(&f02::NOT_CONSTANT, message, def.value.span));
        Value::None
    });
    if let Some(place) = cx.constants.borrow_mut().get_mut(id.index()) {
        *place = Some(value.clone());
    }
    value
}

/// The value of an expression that names constants at most.
pub(crate) fn known(cx: &Cx<'_>, expr: &Expr) -> Result<Value, EvalError> {
    let code = code::code(cx, Names::default(), &[], expr);
    // Texts name the cases of enums; a constant calls nothing.
    let bundle = Bundle { types: cx.model.types.iter().map(types::names).collect(), ..Bundle::default() };
    eval(&ConstEnv { bundle: &bundle, now: 0 }, &code, &[])
}
