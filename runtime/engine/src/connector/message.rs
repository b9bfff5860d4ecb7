//! What calls look like on the wire, and what answers mean.
use flowline_core::{Answer, Call, RunId, hash128};
use flowline_plan::{
    Bundle, Code, ConstEnv, EvalError, OpDef, Type, TypeId, TypeKind, Value, eval_bool,
    json::{from_json, to_json},
};
use serde_json::{Map, Value as Json};

use super::broken_contract;

/// What came back as a body.
#[derive(Debug)]
pub(super) enum Body {
    Text(String),
    TooLarge {
        bytes_max: usize,
    },
    NotUtf8,
    /// The connection broke before its end.
    Cut(String),
}

/// The arguments by parameter name. A resource is an object of its fields, a part of one has its whole's id as `whole`;
/// the minted id of a resource that the call opens stands under the name of that resource's first field.
pub(super) fn arguments(bundle: &Bundle, op: &OpDef, call: &Call) -> Json {
    let view = |number: u32| call.resources.iter().find(|view| view.resource == number);
    let resource = |number: u32| view(number).map(|view| (view.ty, view.fields.clone()));
    let mut object = Map::new();
    for (param, arg) in op.params.iter().zip(&call.args).filter(|(_, arg)| **arg != Value::None) {
        let mut json = to_json(bundle, &param.ty, arg, &resource);
        if let (Value::Resource(number), Some(fields)) = (arg, json.as_object_mut())
            && let Some(whole) = view(*number).and_then(|view| view.whole.as_ref())
        {
            fields.entry("whole").or_insert_with(|| to_json(bundle, &Type::Text, whole, &resource));
        }
        object.insert(param.name.clone(), json);
    }
    if let (Some(name), Some(id)) = (opened_id_name(bundle, op), &call.opens) {
        object.insert(name.to_owned(), to_json(bundle, &Type::Text, id, &resource));
    }
    Json::Object(object)
}

/// Under which name a call sends the id that it mints.
pub(super) fn opened_id_name<'a>(bundle: &'a Bundle, op: &OpDef) -> Option<&'a str> {
    let opened = bundle.resource(op.opens.as_ref()?.resource)?;
    opened.fields.first().map(|field| field.name.as_str())
}

/// The W3C trace context of an attempt: the trace is the run, the span is the attempt.
pub(super) fn trace_parent(run: RunId, call: &Call) -> String {
    let span = hash128("span", &[&call.key.0.to_le_bytes(), &call.attempt.to_le_bytes()]) >> 64;
    // All zeros would mean "none".
    format!("00-{:032x}-{:016x}-01", run.0.max(1), span.max(1))
}

/// What an answer means. `409` says that the same key is still at work; redirects are not followed.
pub(super) fn answer(bundle: &Bundle, op: &OpDef, call: &Call, status: u16, body: &Body) -> Answer {
    match status {
        200 | 201 | 204 => match body {
            Body::Text(text) => result(bundle, op, call, text),
            Body::TooLarge { bytes_max } => broken_contract(&format!("its result has more than {bytes_max} bytes")),
            Body::NotUtf8 => broken_contract("its result is not UTF-8"),
            Body::Cut(cause) => Answer::Unknown(format!("the connection broke within the result: {cause}")),
        },
        422 => match body {
            Body::Text(text) => business_error(bundle, op, call, text),
            Body::TooLarge { bytes_max } => broken_contract(&format!("its error has more than {bytes_max} bytes")),
            Body::NotUtf8 => broken_contract("its error is not UTF-8"),
            Body::Cut(cause) => Answer::Unknown(format!("the connection broke within the error: {cause}")),
        },
        408 | 409 => Answer::Unknown(said(status, body)),
        429 => Answer::Refused(said(status, body)),
        300..=399 => Answer::Rejected(format!("answered {status}: redirects are not followed; bind the final address")),
        400..=499 => Answer::Rejected(said(status, body)),
        _ => Answer::Unknown(said(status, body)),
    }
}

fn result(bundle: &Bundle, op: &OpDef, call: &Call, text: &str) -> Answer {
    let opened = op.opens.as_ref().map(|opens| Type::Resource(opens.resource));
    let ty = opened.as_ref().unwrap_or(&op.result);
    if *ty == Type::Unit {
        return Answer::Done(Value::None);
    }
    let json = if text.trim().is_empty() { Ok(Json::Null) } else { serde_json::from_str(text) };
    let json = match json {
        Ok(json) => json,
        Err(cause) => return broken_contract(&format!("its result is no JSON: {cause}")),
    };
    match from_json(bundle, ty, &json, &mut |code, value| holds(bundle, call, code, value)) {
        Ok(Value::Record(fields)) if opened.is_some() && fields.first() == Some(&Value::None) => {
            // A system need not say back the id it was given.
            let id = call.opens.clone().unwrap_or(Value::None);
            Answer::Done(Value::Record(std::iter::once(id).chain(fields.iter().skip(1).cloned()).collect()))
        }
        Ok(value) => Answer::Done(value),
        Err(cause) => broken_contract(&format!("its result doesn't fit: {cause}")),
    }
}

fn business_error(bundle: &Bundle, op: &OpDef, call: &Call, text: &str) -> Answer {
    let json: Json = match serde_json::from_str(text) {
        Ok(json) => json,
        Err(cause) => return broken_contract(&format!("its error is no JSON: {cause}")),
    };
    let Some(name) = json.get("error").and_then(Json::as_str) else {
        return broken_contract("its error has no name: `{\"error\": \"OutOfStock\"}` is expected");
    };
    let Some(id) = error_named(bundle, op, name) else {
        return broken_contract(&format!("its error `{}` is declared nowhere", excerpt(name)));
    };
    match from_json(bundle, &Type::Named(id), &json, &mut |code, value| holds(bundle, call, code, value)) {
        Ok(Value::Error(error)) => Answer::Error((*error).clone()),
        Ok(other) => broken_contract(&format!("its error is {}", other.kind())),
        Err(cause) => broken_contract(&format!("its error doesn't fit: {cause}")),
    }
}

/// The error of that name: one that the operation raises, else any; the run tells an undeclared one by itself.
fn error_named(bundle: &Bundle, op: &OpDef, name: &str) -> Option<TypeId> {
    let is_it = |id: &TypeId| {
        let def = bundle.ty(*id);
        def.is_some_and(|def| matches!(def.kind, TypeKind::Error(_)) && (def.short_name() == name || def.name == name))
    };
    let raised = op.raises.iter().map(|raise| raise.error).find(is_it);
    raised.or_else(|| (0..bundle.types.len()).map(TypeId::from).find(is_it))
}

fn holds(bundle: &Bundle, call: &Call, check: &Code, value: &Value) -> Result<bool, EvalError> {
    eval_bool(&ConstEnv { bundle, now: call.at }, check, std::slice::from_ref(value))
}

fn said(status: u16, body: &Body) -> String {
    match body {
        Body::Text(text) if !text.trim().is_empty() => format!("answered {status}: {}", excerpt(text)),
        Body::Text(_) | Body::TooLarge { .. } | Body::NotUtf8 | Body::Cut(_) => format!("answered {status}"),
    }
}

/// The beginning of what a system said, on one line.
fn excerpt(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    let mut short: String = text.trim().chars().take(CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().chars().nth(CHARS_MAX).is_some() {
        short.push('…');
    }
    short
}
