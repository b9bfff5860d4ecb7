//! JSON at the border, driven by types, and the compact form for journals.
//!
//! How values look: ids, texts, countries, persons and currencies are strings; Int is a number; Decimal is a string, and
//! is read from a number too where that is exact; Money is `{"amount": "12.30", "currency": "EUR"}`; Instant is RFC
//! 3339 in UTC with milliseconds; Date is `2026-05-02`; Duration is ISO 8601 (`PT90M`), read from `90 min` as well;
//! BusinessDuration is `{"days": 2, "time": "PT0S"}`; a calendar is its
//! full name, and is read without the module too where that is clear; an enum's case is its name, with data `{"restock": {"node": "DC1"}}`;
//! maps are objects where the key is written as a string, else lists of pairs; a business error is `{"error":
//! "OutOfStock", "text": …, …its fields}`; a resource is an object of its fields; an absent value is `null`.

mod binary;
mod iso;
mod read;
mod show;
mod write;

#[cfg(test)]
mod tests;

pub use binary::{ValueDecodeError, decode_value, encode_value};
pub use read::{JsonError, JsonProblem, JsonReader, Limits, from_json};
pub use show::show;
pub use write::to_json;

use crate::{Bundle, FieldDef, Type, TypeKind};

/// The fields of a record, an event, an error or a resource.
fn fields_of(kind: &TypeKind) -> Option<&[FieldDef]> {
    match kind {
        TypeKind::Record(fields) | TypeKind::Error(fields) => Some(fields),
        TypeKind::Event(event) => Some(&event.fields),
        TypeKind::Resource(resource) => Some(&resource.fields),
        TypeKind::Id | TypeKind::Enum(_) => None,
    }
}

/// Whether values of this type are written as strings without losing anything, so that they can be names in an object.
fn is_name(bundle: &Bundle, ty: &Type) -> bool {
    match ty {
        Type::Text | Type::Currency | Type::Country | Type::Person => true,
        Type::Named(id) => match bundle.ty(*id).map(|def| &def.kind) {
            Some(TypeKind::Id) => true,
            Some(TypeKind::Enum(cases)) => cases.iter().all(|case| case.fields.is_empty()),
            Some(TypeKind::Record(_) | TypeKind::Error(_) | TypeKind::Event(_) | TypeKind::Resource(_)) | None => false,
        },
        Type::Bool
        | Type::Int
        | Type::Decimal
        | Type::Instant
        | Type::Date
        | Type::Duration
        | Type::BusinessDuration
        | Type::Calendar
        | Type::Money(_)
        | Type::Resource(_)
        | Type::List(..)
        | Type::Map(..)
        | Type::Optional(_)
        | Type::AnyError
        | Type::Answer(_)
        | Type::Unit => false,
    }
}

/// The fields of what a person answered.
fn answer_fields(value: &Type) -> [FieldDef; 3] {
    let field = |name: &str, ty: Type| FieldDef { name: name.to_owned(), ty, pii: false, check: None };
    let by = Type::Optional(Box::new(Type::Person));
    [field("value", value.clone()), field("by", by), field("at", Type::Instant)]
}
