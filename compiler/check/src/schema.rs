//! Frozen shapes of events, as JSON Schema: `schemas/retail.order.placed.v1.json`.
//!
//! | schema | type |
//! | --- | --- |
//! | `"type": "boolean"`, `"integer"`, `"number"`, `"string"` | `Bool`, `Int`, `Decimal`, `Text` |
//! | a string with `"format": "date-time"`, `"date"`, `"duration"` | `Instant`, `Date`, `Duration` |
//! | `"x-flow-type": "Money in EUR"` and other names of built-in types | that type, whatever else is said |
//! | `"x-flow-type": "id"` in `$defs` | an id of that name |
//! | `"enum": ["web", "app"]`, or `oneOf` with data, in `$defs` | an enum |
//! | `"type": "object"` with `properties` and `required` | a record; what isn't required may be absent |
//! | `"type": "array"` with `items`, `maxItems` | a list |
//! | `"type": "object"` with `additionalProperties` | a table by `Text` |
//! | `"$ref": "#/$defs/Order"` | the type of that name |
//! | `"x-flow-pii": true` beside a property's schema | personal data |
//!
//! A type that is the same as today's type of its name is today's; any other is hidden, under its name and version.

use crate::BesideFile;
use crate::carry::base_name;
use crate::model::{Case, Field, Money, Ty, TypeDef, TypeKind};
use crate::names::Globals;
use crate::ty;
use flowline_diag::code::f13;
use flowline_diag::{Diagnostic, Span, nearest};
use flowline_plan::TypeId;
use rustc_hash::FxHashMap;
use serde_json::{Map, Value as Json};

/// Schemas inside each other.
const DEPTH_MAX: usize = 32;
/// Definitions, properties and cases of one schema.
const NAMES_MAX: usize = 2_000;

/// Reads the shape of an older version of an event; gives the hidden record.
pub(crate) fn read(
    globals: &mut Globals,
    event: TypeId,
    version: u32,
    file: &BesideFile,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<TypeId> {
    let whole = Span::new(file.file, 0, 0);
    let json: Json = match serde_json::from_str(&file.text) {
        Ok(json) => json,
        Err(cause) => {
            let text = cause.to_string();
            let what = text.split(" at line ").next().unwrap_or_default();
            let at = offset(&file.text, cause.line(), cause.column());
            let finding = Diagnostic::new(&f13::SCHEMA, format!("not JSON: {what}"), Span::new(file.file, at, at));
            diagnostics.push(finding);
            return None;
        }
    };
    let full = globals.model.ty(event)?.name.clone();
    let ce_type = format!("{}.v{version}", globals.model.event(event)?.ce_type);
    let none = Map::new();
    let defs = ["$defs", "definitions"].iter().find_map(|key| json.get(key)?.as_object()).unwrap_or(&none);
    let mut current = FxHashMap::default();
    reachable(globals, &Ty::Named(event), &mut current);
    let module = full.rsplit_once('.').map_or("", |(module, _)| module).to_owned();
    let mut reader = Reader {
        globals,
        file,
        defs,
        module,
        version,
        current,
        done: FxHashMap::default(),
        open: Vec::new(),
        names: 0,
    };
    let read = reader.root(&json, base_name(&full), &ce_type);
    match read {
        Ok(id) => Some(id),
        Err(Problem { name, what }) => {
            let span = name.and_then(|name| place_of(file, &name)).unwrap_or(whole);
            diagnostics.push(
                Diagnostic::new(&f13::SCHEMA, what, span)
                    .label("can't be read")
                    .help("see `flowline explain F1301` for what a frozen schema may say"),
            );
            None
        }
    }
}

/// Why a schema can't be read, and a name in it to point at.
struct Problem {
    name: Option<String>,
    what: String,
}

type Read<T> = Result<T, Problem>;

fn problem<T>(name: &str, what: impl Into<String>) -> Read<T> {
    Err(Problem { name: Some(name.to_owned()).filter(|name| !name.is_empty()), what: what.into() })
}

struct Reader<'a> {
    globals: &'a mut Globals,
    file: &'a BesideFile,
    defs: &'a Map<String, Json>,
    /// The module of the event: hidden types are called after it.
    module: String,
    version: u32,
    /// Today's types that the event is made of, by their short names.
    current: FxHashMap<String, TypeId>,
    done: FxHashMap<String, Ty>,
    /// Definitions that are being read.
    open: Vec<String>,
    names: usize,
}

impl Reader<'_> {
    fn root(&mut self, json: &Json, event: &str, ce_type: &str) -> Read<TypeId> {
        if let Some(id) = json.get("$id").and_then(Json::as_str).filter(|id| *id != ce_type) {
            return problem("$id", format!("this is the schema of `{id}`, not of `{ce_type}`"));
        }
        let Some(Json::Object(properties)) = json.get("properties") else {
            return problem("", "the schema of an event has `properties`: its fields");
        };
        let fields = self.fields(json, properties, 0)?;
        Ok(self.hide(event, TypeKind::Record(fields)))
    }

    /// Makes a type that no flow can name.
    fn hide(&mut self, name: &str, kind: TypeKind) -> TypeId {
        let name = format!("{}.{name} v{}", self.module, self.version);
        let span = Span::new(self.file.file, 0, 0);
        let types = &mut self.globals.model.types;
        types.push(TypeDef { name, doc: String::new(), span, kind });
        TypeId::from(types.len() - 1)
    }

    fn fields(&mut self, schema: &Json, properties: &Map<String, Json>, depth: usize) -> Read<Vec<Field>> {
        let required: Vec<&str> =
            schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        if let Some(missing) = required.iter().find(|name| !properties.contains_key(**name)) {
            return problem(missing, format!("`{missing}` is required, and no property"));
        }
        let mut fields = Vec::with_capacity(properties.len());
        for (name, schema) in properties {
            self.count(name)?;
            let ty = self.ty(name, schema, depth + 1)?;
            let is_whole = required.contains(&name.as_str()) || matches!(ty, Ty::Optional(_));
            let ty = if is_whole { ty } else { Ty::Optional(Box::new(ty)) };
            let pii = schema.get("x-flow-pii") == Some(&Json::Bool(true));
            let span = Span::new(self.file.file, 0, 0);
            fields.push(Field { name: name.clone(), span, ty, pii, check: None });
        }
        Ok(fields)
    }

    fn count(&mut self, name: &str) -> Read<()> {
        self.names += 1;
        if self.names > NAMES_MAX {
            return problem(name, format!("a schema has at most {NAMES_MAX} properties and cases"));
        }
        Ok(())
    }

    /// The type of a schema; `name` is what it is the schema of.
    fn ty(&mut self, name: &str, schema: &Json, depth: usize) -> Read<Ty> {
        if depth > DEPTH_MAX {
            return problem(name, format!("schemas are nested more than {DEPTH_MAX} deep"));
        }
        if let Some(built_in) = schema.get("x-flow-type").and_then(Json::as_str) {
            return match built_in_named(built_in) {
                Some(ty) => Ok(ty),
                None => problem(name, format!("`{name}`: there is no built-in type `{built_in}`")),
            };
        }
        if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
            let target = ["#/$defs/", "#/definitions/"].iter().find_map(|prefix| reference.strip_prefix(prefix));
            return match target {
                Some(target) => self.definition(target, depth),
                None => problem(name, format!("`{name}`: `{reference}` lies outside of this file; copy it to `$defs`")),
            };
        }
        let (word, may_be_null) = match schema.get("type") {
            Some(Json::String(word)) => (word.as_str(), false),
            Some(Json::Array(words)) => {
                let mut others = words.iter().filter_map(Json::as_str).filter(|word| *word != "null");
                let word = others.next().filter(|_| others.next().is_none());
                (word.unwrap_or("several types"), words.iter().any(|word| word.as_str() == Some("null")))
            }
            Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_)) | None => ("", false),
        };
        let format = schema.get("format").and_then(Json::as_str);
        let ty = match (word, format) {
            ("boolean", _) => Ty::Bool,
            ("integer", _) => Ty::Int,
            ("number", _) => Ty::Decimal,
            ("string", Some("date-time")) => Ty::Instant,
            ("string", Some("date")) => Ty::Date,
            ("string", Some("duration")) => Ty::Duration,
            ("string", _) if schema.get("enum").is_none() => Ty::Text,
            ("array", _) => {
                let Some(items) = schema.get("items") else {
                    return problem(name, format!("`{name}`: an array says by `items` what it is a list of"));
                };
                let most = schema.get("maxItems").and_then(Json::as_u64).and_then(|most| u32::try_from(most).ok());
                Ty::List(Box::new(self.ty(name, items, depth + 1)?), most)
            }
            ("object", _) => match (schema.get("properties"), schema.get("additionalProperties")) {
                (Some(Json::Object(properties)), _) => {
                    let fields = self.fields(schema, properties, depth)?;
                    Ty::Named(self.hide(&upper_camel(name), TypeKind::Record(fields)))
                }
                (_, Some(values @ Json::Object(_))) => {
                    Ty::Map(Box::new(Ty::Text), Box::new(self.ty(name, values, depth + 1)?))
                }
                (_, _) => {
                    return problem(name, format!("`{name}`: an object has `properties` or `additionalProperties`"));
                }
            },
            (_, _) if schema.get("enum").is_some() || schema.get("oneOf").is_some() => {
                return problem(name, format!("`{name}`: an enum has a name; put it into `$defs` and refer to it"));
            }
            (_, _) => {
                let known = ["boolean", "integer", "number", "string", "array", "object"];
                let meant = nearest(word, known).map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
                return problem(name, format!("`{name}` is of no type that events have{meant}"));
            }
        };
        Ok(if may_be_null { Ty::Optional(Box::new(ty)) } else { ty })
    }

    fn definition(&mut self, name: &str, depth: usize) -> Read<Ty> {
        if let Some(done) = self.done.get(name) {
            return Ok(done.clone());
        }
        if self.open.iter().any(|open| open == name) {
            return problem(name, format!("`{name}` is made of itself"));
        }
        let defs = self.defs;
        let Some(schema) = defs.get(name) else {
            let meant = nearest(name, defs.keys().map(String::as_str));
            let meant = meant.map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
            return problem(name, format!("`$defs` has no `{name}`{meant}"));
        };
        self.open.push(name.to_owned());
        let ty = self.defined(name, schema, depth)?;
        self.open.pop();
        self.done.insert(name.to_owned(), ty.clone());
        Ok(ty)
    }

    fn defined(&mut self, name: &str, schema: &Json, depth: usize) -> Read<Ty> {
        let kind = if schema.get("x-flow-type").and_then(Json::as_str) == Some("id") {
            TypeKind::Id
        } else if let Some(Json::Array(names)) = schema.get("enum") {
            let cases: Option<Vec<Case>> =
                names.iter().map(|name| Some(self.case(name.as_str()?, Vec::new()))).collect();
            match cases {
                Some(cases) => TypeKind::Enum(cases),
                None => return problem(name, format!("`{name}`: the cases of an enum are texts")),
            }
        } else if let Some(Json::Array(options)) = schema.get("oneOf") {
            TypeKind::Enum(self.options(name, options, depth)?)
        } else if let (Some(Json::Object(properties)), None) = (schema.get("properties"), schema.get("x-flow-type")) {
            TypeKind::Record(self.fields(schema, properties, depth)?)
        } else {
            return self.ty(name, schema, depth + 1);
        };
        let today = self.current.get(name).copied();
        let same = today.filter(|id| self.globals.model.ty(*id).is_some_and(|today| same_kind(&kind, &today.kind)));
        Ok(Ty::Named(same.unwrap_or_else(|| self.hide(name, kind))))
    }

    fn case(&self, name: &str, fields: Vec<Field>) -> Case {
        Case { name: name.to_owned(), span: Span::new(self.file.file, 0, 0), fields }
    }

    /// Cases with data: each a `const`, or an object with one property, which holds the data.
    fn options(&mut self, name: &str, options: &[Json], depth: usize) -> Read<Vec<Case>> {
        let mut cases = Vec::with_capacity(options.len());
        for option in options {
            self.count(name)?;
            if let Some(case) = option.get("const").and_then(Json::as_str) {
                cases.push(self.case(case, Vec::new()));
                continue;
            }
            let only = option.get("properties").and_then(Json::as_object).filter(|properties| properties.len() == 1);
            let Some((case, data)) = only.and_then(|properties| properties.iter().next()) else {
                return problem(
                    name,
                    format!("`{name}`: a case is a `const`, or an object with one property: its data"),
                );
            };
            let none = Map::new();
            let properties = data.get("properties").and_then(Json::as_object).unwrap_or(&none);
            let fields = self.fields(data, properties, depth + 1)?;
            cases.push(self.case(case, fields));
        }
        Ok(cases)
    }
}

/// Whether two types hold the same values, whatever the order of their fields.
fn same_kind(old: &TypeKind, today: &TypeKind) -> bool {
    match (old, today) {
        (TypeKind::Id, TypeKind::Id) => true,
        (TypeKind::Record(old), TypeKind::Record(today)) => same_fields(old, today),
        (TypeKind::Enum(old), TypeKind::Enum(today)) => {
            old.len() == today.len()
                && old
                    .iter()
                    .zip(today)
                    .all(|(old, today)| old.name == today.name && same_fields(&old.fields, &today.fields))
        }
        (
            TypeKind::Id
            | TypeKind::Record(_)
            | TypeKind::Enum(_)
            | TypeKind::Error(_)
            | TypeKind::Event(_)
            | TypeKind::Resource(_),
            _,
        ) => false,
    }
}

fn same_fields(old: &[Field], today: &[Field]) -> bool {
    let same = |old: &Field| today.iter().any(|today| today.name == old.name && today.ty == old.ty);
    old.len() == today.len() && old.iter().all(same)
}

/// The named types that a type is made of, by their short names; of two of one name the first.
fn reachable(globals: &Globals, ty: &Ty, found: &mut FxHashMap<String, TypeId>) {
    let mut open = vec![ty.clone()];
    while let Some(ty) = open.pop() {
        if let Ty::Optional(inner) | Ty::List(inner, _) = ty {
            open.push(*inner);
        } else if let Ty::Map(key, value) = ty {
            open.extend([*key, *value]);
        } else if let Ty::Named(id) = ty {
            let Some(def) = globals.model.ty(id) else { continue };
            if found.contains_key(def.short_name()) {
                continue;
            }
            found.insert(def.short_name().to_owned(), id);
            let types = |fields: &[Field]| fields.iter().map(|field| field.ty.clone()).collect::<Vec<_>>();
            match &def.kind {
                TypeKind::Record(fields) | TypeKind::Error(fields) => open.extend(types(fields)),
                TypeKind::Event(event) => open.extend(types(&event.fields)),
                TypeKind::Enum(cases) => open.extend(cases.iter().flat_map(|case| types(&case.fields))),
                TypeKind::Id | TypeKind::Resource(_) => {}
            }
        }
    }
}

/// `Money in EUR`, `Decimal`
fn built_in_named(name: &str) -> Option<Ty> {
    let (name, currency) = match name.split_once(" in ") {
        Some((name, currency)) => (name, Some(currency.parse().ok()?)),
        None => (name, None),
    };
    let ty = ty::built_in(name)?;
    match (ty.money(), currency) {
        (Some(money), currency) => Some(Ty::of_money(Money { currency, ..money })),
        (None, None) => Some(ty),
        (None, Some(_)) => None,
    }
}

/// `ShipTo` for `ship_to`
fn upper_camel(name: &str) -> String {
    let mut out = String::new();
    for part in name.split(['_', '-', ' ']) {
        let mut letters = part.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

/// Where a name stands in the file.
fn place_of(file: &BesideFile, name: &str) -> Option<Span> {
    let quoted = format!("\"{name}\"");
    let at = file.text.find(&quoted).or_else(|| file.text.find(&format!("/{name}\"")))?;
    let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Some(Span::new(file.file, narrow(at), narrow(at + name.len() + 2)))
}

/// The byte at a line and a column, both from 1.
fn offset(text: &str, line: usize, column: usize) -> u32 {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let at = (before + column.saturating_sub(1)).min(text.len());
    u32::try_from((0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)).unwrap_or(u32::MAX)
}
