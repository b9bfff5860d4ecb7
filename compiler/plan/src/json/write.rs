//! From values to JSON.
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::{answer_fields, fields_of, is_name, iso};
use crate::{Bundle, FieldDef, Type, TypeId, TypeKind, Value, calendar, text};

/// A value as JSON. `resources` gives a resource's type and fields by its position in the run's table.
///
/// Total: where a value doesn't fit its type (only a fault makes that) it is written by what it is.
pub fn to_json(
    bundle: &Bundle,
    ty: &Type,
    value: &Value,
    resources: &dyn Fn(u32) -> Option<(TypeId, Vec<Value>)>,
) -> Json {
    Writer { bundle, resources }.value(Some(ty), value)
}

struct Writer<'a> {
    bundle: &'a Bundle,
    resources: &'a dyn Fn(u32) -> Option<(TypeId, Vec<Value>)>,
}

impl Writer<'_> {
    fn value(&self, ty: Option<&Type>, value: &Value) -> Json {
        let ty = plain(ty);
        match value {
            Value::None => Json::Null,
            Value::Bool(holds) => Json::Bool(*holds),
            Value::Int(number) if matches!(ty, Some(Type::Decimal)) => Json::String(number.to_string()),
            Value::Int(number) => json!(number),
            Value::Decimal(number) => Json::String(number.to_string()),
            Value::Text(text) => Json::String(text.as_ref().to_owned()),
            Value::Instant(ms) => Json::String(instant(*ms)),
            Value::Date(day) => Json::String(calendar::date_text(*day)),
            Value::Duration(ms) => Json::String(iso::write_duration(*ms)),
            Value::BusinessDuration { days, ms } => json!({ "days": days, "time": iso::write_duration(*ms) }),
            Value::Money(money) => json!({ "amount": amount(money), "currency": money.currency.as_str() }),
            Value::Currency(currency) => Json::String(currency.as_str().to_owned()),
            Value::Case(case) => Json::String(self.case_name(ty, *case)),
            Value::Variant(variant) => {
                let fields = self.case_fields(ty, variant.case);
                let data = self.object(Map::new(), fields, &variant.fields);
                Json::Object([(self.case_name(ty, variant.case), data)].into_iter().collect())
            }
            Value::Record(fields) => match ty {
                Some(Type::Answer(value)) => self.object(Map::new(), &answer_fields(value), fields),
                _ => self.object(Map::new(), self.fields(ty), fields),
            },
            Value::List(list) => {
                let element = if let Some(Type::List(element, _)) = ty { Some(element.as_ref()) } else { None };
                Json::Array(list.iter().map(|value| self.value(element, value)).collect())
            }
            Value::Map(map) => self.map(ty, map),
            Value::Error(error) => {
                let mut object = Map::new();
                object.insert("error".to_owned(), json!(text::error_name(self.bundle, error.error)));
                object.insert("text".to_owned(), json!(error.text));
                self.object(object, self.fields(Some(&Type::Named(error.error))), &error.fields)
            }
            Value::Resource(at) => match (self.resources)(*at) {
                Some((id, fields)) => self.object(Map::new(), self.fields(Some(&Type::Named(id))), &fields),
                None => Json::Null,
            },
        }
    }

    fn map(&self, ty: Option<&Type>, map: &[(Value, Value)]) -> Json {
        let (key, value) = if let Some(Type::Map(key, value)) = ty {
            (Some(key.as_ref()), Some(value.as_ref()))
        } else {
            (None, None)
        };
        if key.is_some_and(|key| is_name(self.bundle, key)) {
            let name = |of: &Value| match self.value(key, of) {
                Json::String(name) => name,
                other @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => {
                    other.to_string()
                }
            };
            return Json::Object(map.iter().map(|(of, to)| (name(of), self.value(value, to))).collect());
        }
        Json::Array(map.iter().map(|(of, to)| json!([self.value(key, of), self.value(value, to)])).collect())
    }

    /// The fields by name; one without a name by its position.
    fn object(&self, mut object: Map<String, Json>, names: &[FieldDef], fields: &[Value]) -> Json {
        for (at, value) in fields.iter().enumerate() {
            let def = names.get(at);
            // Absent fields are left out, as messages of the world do.
            if *value == Value::None && def.is_some() {
                continue;
            }
            let name = def.map_or_else(|| at.to_string(), |def| def.name.clone());
            object.insert(name, self.value(def.map(|def| &def.ty), value));
        }
        Json::Object(object)
    }

    fn fields(&self, ty: Option<&Type>) -> &[FieldDef] {
        let Some(Type::Named(id) | Type::Resource(id)) = ty else { return &[] };
        self.bundle.ty(*id).and_then(|def| fields_of(&def.kind)).unwrap_or_default()
    }

    fn case_name(&self, ty: Option<&Type>, case: u16) -> String {
        let Some(Type::Named(id)) = ty else { return case.to_string() };
        text::case_name(self.bundle, *id, case).map_or_else(|| case.to_string(), str::to_owned)
    }

    fn case_fields(&self, ty: Option<&Type>, case: u16) -> &[FieldDef] {
        let Some(Type::Named(id)) = ty else { return &[] };
        match self.bundle.ty(*id).map(|def| &def.kind) {
            Some(TypeKind::Enum(cases)) => cases.get(usize::from(case)).map_or(&[], |case| &case.fields),
            Some(
                TypeKind::Id | TypeKind::Record(_) | TypeKind::Error(_) | TypeKind::Event(_) | TypeKind::Resource(_),
            )
            | None => &[],
        }
    }
}

/// The type of the present value.
pub(super) fn plain(ty: Option<&Type>) -> Option<&Type> {
    let mut ty = ty;
    while let Some(Type::Optional(inner)) = ty {
        ty = Some(inner);
    }
    ty
}

fn instant(ms: i64) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(at) => format!("{at:.3}"),
        Err(_) => calendar::instant_text(ms),
    }
}

/// The amount with at least the digits of the currency's minor unit: `12.30`.
fn amount(money: &crate::Money) -> String {
    let least = money.currency.digits();
    let exact = money.amount.normalize();
    if exact.scale() <= least { format!("{exact:.*}", least as usize) } else { exact.to_string() }
}
