//! From JSON to values.
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value as Json;
use std::{fmt, sync::Arc};

use super::{answer_fields, fields_of, is_name, iso};
use crate::{
    Bundle, Code, Currency, ErrorValue, EvalError, FieldDef, Money, Type, TypeDef, TypeId, TypeKind, Value, VariantDef,
    VariantValue, calendar,
};

/// How much one message may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Elements of a list or a map; a type's own `up to` counts besides.
    pub list_len_max: usize,
    /// Bytes of one text.
    pub text_bytes_max: usize,
    /// Objects and lists inside each other.
    pub depth_max: usize,
    /// Unknown fields that are listed; more are ignored silently.
    pub unknown_len_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { list_len_max: 10_000, text_bytes_max: 1 << 16, depth_max: 64, unknown_len_max: 100 }
    }
}

const CURRENCY: &str = "a currency of ISO 4217 such as EUR";

/// Where a message doesn't fit its type, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", at(path))]
pub struct JsonError {
    /// `order.lines[2].quantity`; empty for the whole message.
    pub path: String,
    pub problem: JsonProblem,
}

/// What doesn't fit. Values of personal data are never part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonProblem {
    #[error("expected {expected}, found {found}")]
    Expected { expected: String, found: String },
    #[error("is missing; expected {expected}")]
    Missing { expected: String },
    #[error("{found} breaks the rule that its type states with `where`")]
    Check { found: String },
    #[error("has {found} elements, at most {max} are allowed")]
    TooManyElements { found: usize, max: usize },
    #[error("has {found} bytes, at most {max} are allowed")]
    TextTooLong { found: usize, max: usize },
    #[error("is nested more than {max} deep")]
    TooDeep { max: usize },
    #[error("the key stands there twice")]
    DoubleKey,
    #[error("its rule can't be checked: {0}")]
    Eval(EvalError),
}

fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("`{path}`: ") }
}

/// Reads one value with the usual [`Limits`]; unknown fields are ignored.
///
/// # Errors
/// [`JsonError`] names the place.
pub fn from_json(
    bundle: &Bundle,
    ty: &Type,
    json: &Json,
    check: &mut dyn FnMut(&Code, &Value) -> Result<bool, EvalError>,
) -> Result<Value, JsonError> {
    JsonReader::new(bundle, check).read(ty, json)
}

/// Reads values; remembers the fields that no type knows.
pub struct JsonReader<'a> {
    bundle: &'a Bundle,
    /// Runs a `where` check: the code, and the value as its local 0.
    check: &'a mut dyn FnMut(&Code, &Value) -> Result<bool, EvalError>,
    limits: Limits,
    path: Vec<Step>,
    /// How many steps of the path are personal data.
    pii: usize,
    unknown: Vec<String>,
}

impl fmt::Debug for JsonReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonReader").field("limits", &self.limits).field("path", &self.path).finish_non_exhaustive()
    }
}

#[derive(Debug)]
enum Step {
    Name(Arc<str>),
    At(usize),
}

type Read = Result<Value, JsonError>;

impl<'a> JsonReader<'a> {
    pub fn new(bundle: &'a Bundle, check: &'a mut dyn FnMut(&Code, &Value) -> Result<bool, EvalError>) -> Self {
        Self { bundle, check, limits: Limits::default(), path: Vec::new(), pii: 0, unknown: Vec::new() }
    }

    /// Other limits than the usual ones.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The paths of fields that no type knows, so far.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Reads a value of that type. A resource gives a record of its fields; its id may be missing, as the caller minted it.
    ///
    /// # Errors
    /// [`JsonError`] names the place.
    pub fn read(&mut self, ty: &Type, json: &Json) -> Read {
        self.path.clear();
        self.pii = 0;
        self.value(ty, json)
    }

    /// Reads an object of these fields, as a record: the data of an event or the arguments of a call.
    ///
    /// # Errors
    /// [`JsonError`] names the place.
    pub fn read_fields(&mut self, fields: &[FieldDef], json: &Json) -> Read {
        self.path.clear();
        self.pii = 0;
        Ok(Value::Record(self.fields(fields, json, &[], false)?.into()))
    }

    fn value(&mut self, ty: &Type, json: &Json) -> Read {
        if self.path.len() > self.limits.depth_max {
            return self.fail(JsonProblem::TooDeep { max: self.limits.depth_max });
        }
        match ty {
            Type::Bool => json.as_bool().map(Value::Bool).map_or_else(|| self.expected("true or false", json), Ok),
            Type::Int => match whole_number(json) {
                Some(number) => Ok(Value::Int(number)),
                None => self.expected("a whole number of at most 64 bits", json),
            },
            Type::Decimal => match exact_number(json) {
                Some(number) => Ok(Value::Decimal(number)),
                None => self.expected("an exact number such as \"12.30\"", json),
            },
            Type::Text => self.text(json, "a text"),
            Type::Person => self.name(json, "a person's name or id"),
            Type::Country => match json.as_str() {
                Some(code) if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) => {
                    Ok(Value::text(code))
                }
                Some(_) | None => self.expected("a country of two capital letters such as DE", json),
            },
            Type::Currency => match json.as_str().and_then(|code| code.parse().ok()) {
                Some(currency) => Ok(Value::Currency(currency)),
                None => self.expected(CURRENCY, json),
            },
            Type::Instant => match json.as_str().and_then(|text| text.parse::<Timestamp>().ok()) {
                Some(at) => Ok(Value::Instant(at.as_millisecond())),
                None => self.expected("a time such as \"2026-05-02T10:00:00Z\"", json),
            },
            Type::Date => match json.as_str().filter(|text| text.len() == 10).and_then(|text| text.parse().ok()) {
                Some(date) => Ok(Value::Date(calendar::date_to_day(date))),
                None => self.expected("a date such as \"2026-05-02\"", json),
            },
            Type::Duration => match json.as_str().and_then(iso::read_duration) {
                Some(ms) => Ok(Value::Duration(ms)),
                None => self.expected("a duration such as \"PT90M\" or \"90 min\"", json),
            },
            Type::BusinessDuration => self.business_duration(json),
            Type::Calendar => match json.as_str().and_then(|name| self.bundle.calendar_named(name)) {
                Some(calendar) => Ok(Value::text(calendar.name.as_str())),
                None => self.expected("the name of a calendar of these flows", json),
            },
            Type::Money(currency) => self.money(*currency, json),
            Type::Named(id) => self.named(*id, json),
            Type::Resource(id) => self.resource(*id, json),
            Type::List(element, up_to) => self.list(element, *up_to, json),
            Type::Map(key, value) => self.map(key, value, json),
            Type::Optional(inner) => {
                if json.is_null() {
                    Ok(Value::None)
                } else {
                    self.value(inner, json)
                }
            }
            Type::AnyError => self.any_error(json),
            Type::Answer(value) => self.read_answer(value, json),
            Type::Unit => Ok(Value::None),
        }
    }

    fn text(&mut self, json: &Json, expected: &str) -> Read {
        let Some(text) = json.as_str() else { return self.expected(expected, json) };
        if text.len() > self.limits.text_bytes_max {
            return self.fail(JsonProblem::TextTooLong { found: text.len(), max: self.limits.text_bytes_max });
        }
        Ok(Value::text(text))
    }

    /// A text that isn't empty.
    fn name(&mut self, json: &Json, expected: &str) -> Read {
        if json.as_str() == Some("") { self.expected(expected, json) } else { self.text(json, expected) }
    }

    fn read_answer(&mut self, value: &Type, json: &Json) -> Read {
        Ok(Value::Record(self.fields(&answer_fields(value), json, &[], false)?.into()))
    }

    fn business_duration(&mut self, json: &Json) -> Read {
        let days = json.get("days").map_or(Some(0), whole_number).and_then(|days| i32::try_from(days).ok());
        let ms = json.get("time").map_or(Some(0), |time| time.as_str().and_then(iso::read_duration));
        match (json.is_object(), days, ms) {
            (true, Some(days), Some(ms)) => Ok(Value::BusinessDuration { days, ms }),
            _ => self.expected("business time such as {\"days\": 2, \"time\": \"PT4H\"}", json),
        }
    }

    fn money(&mut self, wanted: Option<Currency>, json: &Json) -> Read {
        let amount = json.get("amount").and_then(exact_number);
        let code = json.get("currency").unwrap_or(&Json::Null);
        let currency = code.as_str().and_then(|code| code.parse::<Currency>().ok());
        if amount.is_some() && code.is_string() && currency.is_none() {
            return self.within(Step::Name("currency".into()), false, |reader| reader.expected(CURRENCY, code));
        }
        if let (Some(amount), Some(currency)) = (amount, currency)
            && amount.normalize().scale() > currency.digits()
        {
            // Finer money is `Unrounded`, which nothing takes; decisions rely on it.
            let expected = format!("at most {} digits behind the point in {currency}", currency.digits());
            let amount = json.get("amount").unwrap_or(&Json::Null);
            return self.within(Step::Name("amount".into()), false, |reader| reader.expected(&expected, amount));
        }
        match (amount, currency) {
            (Some(amount), Some(currency)) if wanted.is_none_or(|wanted| wanted == currency) => {
                Ok(Value::Money(Money { currency, amount }))
            }
            _ => {
                let code = wanted.map_or("EUR".to_owned(), |wanted| wanted.to_string());
                self.expected(&format!("money such as {{\"amount\": \"12.30\", \"currency\": \"{code}\"}}"), json)
            }
        }
    }

    fn named(&mut self, id: TypeId, json: &Json) -> Read {
        let bundle = self.bundle;
        let Some(def) = bundle.ty(id) else { return self.expected("a type of this bundle", json) };
        match &def.kind {
            TypeKind::Id => self.name(json, &format!("{} as a text that isn't empty", a(def.short_name()))),
            TypeKind::Enum(cases) => self.case(def, cases, json),
            TypeKind::Record(fields) => Ok(Value::Record(self.fields(fields, json, &[], false)?.into())),
            TypeKind::Event(event) => Ok(Value::Record(self.fields(&event.fields, json, &[], false)?.into())),
            TypeKind::Error(fields) => self.error(id, def, fields, json),
            TypeKind::Resource(_) => self.resource(id, json),
        }
    }

    fn resource(&mut self, id: TypeId, json: &Json) -> Read {
        let bundle = self.bundle;
        let fields = bundle.ty(id).and_then(|def| fields_of(&def.kind)).unwrap_or_default();
        let nothing = Json::Object(serde_json::Map::new());
        let json = if json.is_null() { &nothing } else { json };
        Ok(Value::Record(self.fields(fields, json, &[], true)?.into()))
    }

    fn case(&mut self, def: &TypeDef, cases: &[VariantDef], json: &Json) -> Read {
        let (name, data) = match json {
            Json::String(name) => (Some(name.as_str()), None),
            Json::Object(object) if object.len() == 1 => {
                object.iter().next().map_or((None, None), |(name, data)| (Some(name.as_str()), Some(data)))
            }
            Json::Object(_) | Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => (None, None),
        };
        let found = cases.iter().enumerate().find(|(_, case)| Some(case.name.as_str()) == name);
        let Some((at, case)) = found else {
            let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).take(12).collect();
            let more = if cases.len() > names.len() { ", …" } else { "" };
            return self.expected(&format!("{}: {}{more}", a(def.short_name()), names.join(", ")), json);
        };
        let number = u16::try_from(at).expect("an enum has at most as many cases as fit a u16");
        if case.fields.is_empty() {
            return Ok(Value::Case(number));
        }
        let nothing = Json::Object(serde_json::Map::new());
        let fields = self.within(Step::Name(case.name.as_str().into()), false, |reader| {
            reader.fields(&case.fields, data.unwrap_or(&nothing), &[], false)
        })?;
        Ok(Value::Variant(Arc::new(VariantValue { case: number, fields: fields.into() })))
    }

    fn error(&mut self, id: TypeId, def: &TypeDef, fields: &[FieldDef], json: &Json) -> Read {
        let name = json.get("error").and_then(Json::as_str);
        if name.is_some_and(|name| name != def.short_name() && name != def.name) {
            return self.expected(&format!("the error {}", def.short_name()), json);
        }
        let fields = self.fields(fields, json, &["error", "text"], false)?;
        let text = json.get("text").and_then(Json::as_str).unwrap_or(def.short_name());
        if text.len() > self.limits.text_bytes_max {
            return self.fail(JsonProblem::TextTooLong { found: text.len(), max: self.limits.text_bytes_max });
        }
        Ok(Value::Error(Arc::new(ErrorValue { error: id, fields: fields.into(), text: text.into() })))
    }

    fn any_error(&mut self, json: &Json) -> Read {
        let bundle = self.bundle;
        let name = json.get("error").and_then(Json::as_str).unwrap_or_default();
        for (at, def) in bundle.types.iter().enumerate() {
            if let TypeKind::Error(fields) = &def.kind
                && (def.short_name() == name || def.name == name)
            {
                return self.error(TypeId::from(at), def, fields, json);
            }
        }
        self.expected("a business error such as {\"error\": \"OutOfStock\"}", json)
    }

    /// An object of these fields. `besides` are names that aren't fields but known; `minted` lets the first one be absent.
    fn fields(
        &mut self,
        fields: &[FieldDef],
        json: &Json,
        besides: &[&str],
        minted: bool,
    ) -> Result<Vec<Value>, JsonError> {
        let Some(object) = json.as_object() else {
            let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).take(6).collect();
            return self.expected(&format!("an object with {}", names.join(", ")), json);
        };
        let mut values = Vec::with_capacity(fields.len());
        for (at, field) in fields.iter().enumerate() {
            let found = object.get(&field.name);
            let value = self.within(Step::Name(field.name.as_str().into()), field.pii, |reader| match found {
                Some(json) => reader.checked(field, json),
                None if matches!(field.ty, Type::Optional(_) | Type::Unit) || (minted && at == 0) => Ok(Value::None),
                None => {
                    let expected = reader.type_text(&field.ty);
                    reader.fail(JsonProblem::Missing { expected })
                }
            })?;
            values.push(value);
        }
        for name in object.keys() {
            let known = besides.contains(&name.as_str()) || fields.iter().any(|field| field.name == *name);
            if !known && self.unknown.len() < self.limits.unknown_len_max {
                self.path.push(Step::Name(name.as_str().into()));
                self.unknown.push(self.path_text());
                self.path.pop();
            }
        }
        Ok(values)
    }

    fn checked(&mut self, field: &FieldDef, json: &Json) -> Read {
        let value = self.value(&field.ty, json)?;
        if let (Some(code), false) = (&field.check, value == Value::None) {
            match (self.check)(code, &value) {
                Ok(true) => {}
                Ok(false) => {
                    let found = self.describe(json);
                    return self.fail(JsonProblem::Check { found });
                }
                Err(error) => return self.fail(JsonProblem::Eval(error)),
            }
        }
        Ok(value)
    }

    fn list(&mut self, element: &Type, up_to: Option<u32>, json: &Json) -> Read {
        let Some(list) = json.as_array() else { return self.expected("a list", json) };
        self.length(list.len(), up_to)?;
        let mut values = Vec::with_capacity(list.len());
        for (at, json) in list.iter().enumerate() {
            values.push(self.within(Step::At(at), false, |reader| reader.value(element, json))?);
        }
        Ok(Value::List(values.into()))
    }

    fn map(&mut self, key: &Type, value: &Type, json: &Json) -> Read {
        let mut pairs = Vec::new();
        if is_name(self.bundle, key) {
            let Some(object) = json.as_object() else { return self.expected("an object", json) };
            self.length(object.len(), None)?;
            for (name, json) in object {
                pairs.push(self.within(Step::Name(name.as_str().into()), false, |reader| {
                    Ok((reader.value(key, &Json::String(name.clone()))?, reader.value(value, json)?))
                })?);
            }
        } else {
            let Some(list) = json.as_array() else { return self.expected("a list of pairs", json) };
            self.length(list.len(), None)?;
            for (at, json) in list.iter().enumerate() {
                pairs.push(self.within(Step::At(at), false, |reader| match json.as_array().map(Vec::as_slice) {
                    Some([first, second]) => Ok((reader.value(key, first)?, reader.value(value, second)?)),
                    Some(_) | None => reader.expected("a pair [key, value]", json),
                })?);
            }
        }
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        if pairs.iter().zip(pairs.iter().skip(1)).any(|(a, b)| a.0 == b.0) {
            return self.fail(JsonProblem::DoubleKey);
        }
        Ok(Value::Map(pairs.into()))
    }

    fn length(&self, found: usize, up_to: Option<u32>) -> Result<(), JsonError> {
        let max = up_to.map_or(self.limits.list_len_max, |max| self.limits.list_len_max.min(max as usize));
        if found > max { self.fail(JsonProblem::TooManyElements { found, max }) } else { Ok(()) }
    }

    fn within<T>(
        &mut self,
        step: Step,
        pii: bool,
        read: impl FnOnce(&mut Self) -> Result<T, JsonError>,
    ) -> Result<T, JsonError> {
        self.path.push(step);
        self.pii += usize::from(pii);
        let result = read(self);
        self.path.pop();
        self.pii -= usize::from(pii);
        result
    }

    fn fail<T>(&self, problem: JsonProblem) -> Result<T, JsonError> {
        Err(JsonError { path: self.path_text(), problem })
    }

    fn expected<T>(&self, expected: &str, json: &Json) -> Result<T, JsonError> {
        self.fail(JsonProblem::Expected { expected: expected.to_owned(), found: self.describe(json) })
    }

    fn path_text(&self) -> String {
        let mut out = String::new();
        for step in &self.path {
            match step {
                Step::Name(name) => {
                    out.push_str(if out.is_empty() { "" } else { "." });
                    out.extend(name.chars().take(80));
                }
                Step::At(at) => out.push_str(&format!("[{at}]")),
            }
        }
        out
    }

    fn type_text(&self, ty: &Type) -> String {
        match ty {
            Type::Named(id) | Type::Resource(id) => {
                self.bundle.ty(*id).map_or("a value".to_owned(), |def| a(def.short_name()))
            }
            Type::Bool => "true or false".to_owned(),
            Type::Int => "a whole number".to_owned(),
            Type::Decimal => "a number".to_owned(),
            Type::Text | Type::Country | Type::Person | Type::Currency => "a text".to_owned(),
            Type::Instant => "a time".to_owned(),
            Type::Date => "a date".to_owned(),
            Type::Duration | Type::BusinessDuration => "a duration".to_owned(),
            Type::Calendar => "a calendar".to_owned(),
            Type::Money(_) => "money".to_owned(),
            Type::List(..) => "a list".to_owned(),
            Type::Map(..) => "a map".to_owned(),
            Type::AnyError => "an error".to_owned(),
            Type::Answer(_) => "an answer".to_owned(),
            Type::Optional(_) | Type::Unit => "a value".to_owned(),
        }
    }

    /// What stands there, in short; of personal data only its kind.
    fn describe(&self, json: &Json) -> String {
        match json {
            Json::Null => "nothing".to_owned(),
            Json::Array(list) => format!("a list of {}", list.len()),
            Json::Object(_) => "an object".to_owned(),
            Json::String(_) if self.pii > 0 => "another text".to_owned(),
            Json::Bool(_) | Json::Number(_) if self.pii > 0 => "another value".to_owned(),
            Json::Bool(holds) => holds.to_string(),
            Json::Number(number) => number.to_string(),
            Json::String(text) => {
                let cut: String = text.chars().take(40).collect();
                format!("\"{cut}{}\"", if cut.len() < text.len() { "…" } else { "" })
            }
        }
    }
}

/// `an Order`, `a Channel`.
fn a(name: &str) -> String {
    let vowel = name.starts_with(['A', 'E', 'I', 'O', 'U']);
    format!("{} {name}", if vowel { "an" } else { "a" })
}

fn whole_number(json: &Json) -> Option<i64> {
    if !json.is_number() {
        return None;
    }
    json.as_i64().or_else(|| {
        let number = exact_number(json)?;
        if number.fract().is_zero() { i64::try_from(number).ok() } else { None }
    })
}

/// A number written as text, or a JSON number of which no digit can be lost: integers, and up to 15 digits else.
fn exact_number(json: &Json) -> Option<Decimal> {
    match json {
        Json::String(text) => {
            let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
            let digits = text.ends_with(|c: char| c.is_ascii_digit());
            if !(plain && digits) {
                return None;
            }
            Decimal::from_str_exact(text).ok().or_else(|| {
                // More digits than fit may still be exact without the zeros at the end.
                let (whole, fraction) = text.split_once('.')?;
                Decimal::from_str_exact(&format!("{whole}.{}", fraction.trim_end_matches('0'))).ok()
            })
        }
        Json::Number(number) => {
            if let Some(whole) = number.as_i64() {
                return Some(Decimal::from(whole));
            }
            if let Some(whole) = number.as_u64() {
                return Some(Decimal::from(whole));
            }
            let text = number.to_string();
            let exact = Decimal::from_str_exact(&text).or_else(|_| Decimal::from_scientific(&text)).ok()?;
            let digits = exact.normalize().mantissa().unsigned_abs().checked_ilog10().unwrap_or(0) + 1;
            (digits <= 15).then_some(exact)
        }
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}
