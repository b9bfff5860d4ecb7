//! Values for people: consoles, histories, messages.
use super::{answer_fields, fields_of, write::plain};
use crate::{Bundle, FieldDef, Type, TypeKind, Value, text};

/// Longer texts end in `…`.
const SHOW_BYTES_MAX: usize = 4_000;

/// A value as the language writes it: `Order { id: "O-1", lines: [] }`, `restock(node: "DC1")`, `12.30 EUR`.
///
/// Without a type, fields and cases are shown by position. Personal data is shown; masking is up to who shows it.
pub fn show(bundle: &Bundle, ty: Option<&Type>, value: &Value) -> String {
    let mut out = String::new();
    write(bundle, ty, value, &mut out);
    if out.len() > SHOW_BYTES_MAX {
        let end = (0..=SHOW_BYTES_MAX).rev().find(|at| out.is_char_boundary(*at)).unwrap_or(0);
        out.truncate(end);
        out.push('…');
    }
    out
}

fn write(bundle: &Bundle, ty: Option<&Type>, value: &Value, out: &mut String) {
    if out.len() > SHOW_BYTES_MAX {
        return;
    }
    let ty = plain(ty);
    let def = if let Some(Type::Named(id) | Type::Resource(id)) = ty { bundle.ty(*id) } else { None };
    match value {
        Value::None => out.push_str("none"),
        Value::Text(text) => out.push_str(&format!("{:?}", text.as_ref())),
        Value::Record(fields) => {
            if let Some(Type::Answer(value)) = ty {
                out.push_str("Answer { ");
                write_fields(bundle, &answer_fields(value), fields, out);
                out.push_str(" }");
                return;
            }
            out.push_str(def.map_or("", |def| def.short_name()));
            out.push_str(if def.is_some() { " { " } else { "{ " });
            write_fields(bundle, def.and_then(|def| fields_of(&def.kind)).unwrap_or_default(), fields, out);
            out.push_str(" }");
        }
        Value::Case(case) => write_case(bundle, ty, *case, out),
        Value::Variant(variant) => {
            write_case(bundle, ty, variant.case, out);
            let cases = if let Some(TypeKind::Enum(cases)) = def.map(|def| &def.kind) { cases.as_slice() } else { &[] };
            let fields = cases.get(usize::from(variant.case)).map_or(&[][..], |case| &case.fields);
            out.push('(');
            write_fields(bundle, fields, &variant.fields, out);
            out.push(')');
        }
        Value::Error(error) => {
            let def = bundle.ty(error.error);
            out.push_str(text::error_name(bundle, error.error));
            out.push_str(" { ");
            write_fields(bundle, def.and_then(|def| fields_of(&def.kind)).unwrap_or_default(), &error.fields, out);
            out.push_str(" }");
        }
        Value::List(list) => {
            let element = if let Some(Type::List(element, _)) = ty { Some(element.as_ref()) } else { None };
            out.push('[');
            for (at, value) in list.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                write(bundle, element, value, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            let types = if let Some(Type::Map(key, value)) = ty { Some((key.as_ref(), value.as_ref())) } else { None };
            out.push('[');
            for (at, (key, value)) in map.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                write(bundle, types.map(|types| types.0), key, out);
                out.push_str(": ");
                write(bundle, types.map(|types| types.1), value, out);
            }
            out.push(']');
        }
        Value::Resource(at) => out.push_str(&format!("{} #{at}", def.map_or("resource", |def| def.short_name()))),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Instant(_)
        | Value::Date(_)
        | Value::Duration(_)
        | Value::BusinessDuration { .. }
        | Value::Money(_)
        | Value::Currency(_) => text::write_scalar(value, out),
    }
}

fn write_fields(bundle: &Bundle, names: &[FieldDef], fields: &[Value], out: &mut String) {
    for (at, value) in fields.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { ", " });
        let def = names.get(at);
        if let Some(def) = def {
            out.push_str(&def.name);
            out.push_str(": ");
        }
        write(bundle, def.map(|def| &def.ty), value, out);
    }
}

fn write_case(bundle: &Bundle, ty: Option<&Type>, case: u16, out: &mut String) {
    let name = if let Some(Type::Named(id)) = ty { text::case_name(bundle, *id, case) } else { None };
    match name {
        Some(name) => out.push_str(name),
        None => text::write_scalar(&Value::Case(case), out),
    }
}
