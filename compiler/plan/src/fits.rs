//! Whether a value is one of a type: for values that come in without having been read by their type.
use crate::{Bundle, Code, ConstEnv, FieldDef, Type, TypeId, TypeKind, Value, eval_bool};

/// Values inside each other are looked at this deep; deeper ones don't fit.
const DEPTH_MAX: u32 = 64;
/// Values are looked at up to so many; larger ones don't fit.
const PARTS_MAX: u32 = 100_000;

/// Where a value doesn't fit a type, and why: `lines[2].quantity is a text`; none where it fits. `where` is held to at
/// `now` (ms UTC). Resources fit nowhere: they come from no person and no message.
pub fn misfit(bundle: &Bundle, ty: &Type, value: &Value, now: i64) -> Option<String> {
    Fit { bundle, now, parts: 0, path: Vec::new() }.value(ty, value, 0).err()
}

struct Fit<'a> {
    bundle: &'a Bundle,
    now: i64,
    parts: u32,
    path: Vec<String>,
}

impl Fit<'_> {
    fn value(&mut self, ty: &Type, value: &Value, depth: u32) -> Result<(), String> {
        self.parts += 1;
        if depth > DEPTH_MAX || self.parts > PARTS_MAX {
            return self.wrong("is too large");
        }
        let fits = match (ty, value) {
            (Type::Optional(_), Value::None)
            | (Type::Unit, Value::None)
            | (Type::Bool, Value::Bool(_))
            | (Type::Int, Value::Int(_))
            | (Type::Decimal, Value::Decimal(_))
            | (Type::Text, Value::Text(_))
            | (Type::Instant, Value::Instant(_))
            | (Type::Date, Value::Date(_))
            | (Type::Duration, Value::Duration(_))
            | (Type::BusinessDuration, Value::BusinessDuration { .. })
            | (Type::Money(None), Value::Money(_))
            | (Type::Currency, Value::Currency(_))
            | (Type::AnyError, Value::Error(_)) => true,
            (Type::Optional(inner), _) => return self.value(inner, value, depth + 1),
            (Type::Calendar, Value::Text(name)) => self.bundle.calendar_named(name).is_some(),
            (Type::Money(Some(currency)), Value::Money(money)) => money.currency == *currency,
            (Type::Country, Value::Text(code)) => code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()),
            (Type::Person, Value::Text(name)) => !name.is_empty(),
            (Type::List(element, most), Value::List(list)) => {
                if most.is_some_and(|most| list.len() > most as usize) {
                    return self.wrong("has too many elements");
                }
                for (at, value) in list.iter().enumerate() {
                    self.inside(format!("[{at}]"), |fit| fit.value(element, value, depth + 1))?;
                }
                true
            }
            (Type::Map(of, to), Value::Map(map)) => {
                for (key, value) in map.iter() {
                    self.inside("[key]".to_owned(), |fit| fit.value(of, key, depth + 1))?;
                    self.inside("[value]".to_owned(), |fit| fit.value(to, value, depth + 1))?;
                }
                true
            }
            (Type::Named(id), _) => return self.named(*id, value, depth),
            _ => false,
        };
        if fits { Ok(()) } else { self.wrong(&format!("is {}", value.kind())) }
    }

    fn named(&mut self, id: TypeId, value: &Value, depth: u32) -> Result<(), String> {
        let bundle = self.bundle;
        match (bundle.ty(id).map(|def| &def.kind), value) {
            (Some(TypeKind::Id), Value::Text(text)) if !text.is_empty() => Ok(()),
            (Some(TypeKind::Enum(cases)), Value::Case(case)) => match cases.get(usize::from(*case)) {
                Some(known) if known.fields.is_empty() => Ok(()),
                Some(known) => self.wrong(&format!("is `{}` without its data", known.name)),
                None => self.wrong("is a case that there isn't"),
            },
            (Some(TypeKind::Enum(cases)), Value::Variant(variant)) => match cases.get(usize::from(variant.case)) {
                Some(known) if !known.fields.is_empty() => self.fields(&known.fields, &variant.fields, depth),
                Some(_) | None => self.wrong("is a case that there isn't"),
            },
            (Some(TypeKind::Record(fields)), Value::Record(values)) => self.fields(fields, values, depth),
            (Some(TypeKind::Event(event)), Value::Record(values)) => self.fields(&event.fields, values, depth),
            (Some(TypeKind::Error(fields)), Value::Error(error)) if error.error == id => {
                self.fields(fields, &error.fields, depth)
            }
            _ => self.wrong(&format!("is {}", value.kind())),
        }
    }

    fn fields(&mut self, fields: &[FieldDef], values: &[Value], depth: u32) -> Result<(), String> {
        if fields.len() != values.len() {
            return self.wrong("has not the fields that it should have");
        }
        for (field, value) in fields.iter().zip(values) {
            self.inside(field.name.clone(), |fit| {
                fit.value(&field.ty, value, depth + 1)?;
                let holds = |check: &Code| {
                    let env = ConstEnv { bundle: fit.bundle, now: fit.now };
                    eval_bool(&env, check, std::slice::from_ref(value)).unwrap_or(false)
                };
                let checked = field.check.as_ref().filter(|_| *value != Value::None);
                if checked.is_none_or(holds) { Ok(()) } else { fit.wrong("is not what `where` demands of it") }
            })?;
        }
        Ok(())
    }

    fn inside(&mut self, step: String, look: impl FnOnce(&mut Self) -> Result<(), String>) -> Result<(), String> {
        self.path.push(step);
        look(self)?;
        self.path.pop();
        Ok(())
    }

    fn wrong(&self, what: &str) -> Result<(), String> {
        let path = self.path.join(".").replace(".[", "[");
        Err(if path.is_empty() { format!("it {what}") } else { format!("`{path}` {what}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Instr, TypeDef, VariantDef, VariantValue};

    const ROUTE: Type = Type::Named(TypeId(0));
    const LINE: Type = Type::Named(TypeId(1));

    fn bundle() -> Bundle {
        let field = |name: &str, ty, check| FieldDef { name: name.to_owned(), ty, pii: false, check };
        let at_least_one =
            Code { ops: vec![Instr::Local(0), Instr::Const(0), Instr::Ge], consts: vec![Value::Int(1)], locals: 1 };
        let case = |name: &str, fields| VariantDef { name: name.to_owned(), fields };
        let kinds = [
            TypeKind::Enum(vec![case("accept", vec![]), case("refuse", vec![field("reason", Type::Text, None)])]),
            TypeKind::Record(vec![
                field("quantity", Type::Int, Some(at_least_one)),
                field("note", Type::Optional(Box::new(Type::Text)), None),
            ]),
        ];
        let types = kinds.map(|kind| TypeDef { name: "t".to_owned(), doc: String::new(), kind });
        Bundle { types: types.into(), ..Bundle::default() }
    }

    fn line(quantity: Value) -> Value {
        Value::Record([quantity, Value::None].into())
    }

    #[test]
    fn a_value_fits_its_type_or_the_place_is_named_where_it_does_not() {
        let reason = |fields: Vec<Value>| Value::Variant(VariantValue { case: 1, fields: fields.into() }.into());
        let cases: [(Type, Value, Option<&str>); 12] = [
            (Type::Bool, Value::Bool(true), None),
            (Type::Bool, Value::Int(1), Some("it is Int")),
            (Type::Person, Value::text(""), Some("it is Text")),
            (ROUTE, Value::Case(0), None),
            (ROUTE, Value::Case(1), Some("it is `refuse` without its data")),
            (ROUTE, Value::Case(7), Some("it is a case that there isn't")),
            (ROUTE, reason(vec![Value::text("worn")]), None),
            (ROUTE, reason(vec![Value::Int(1)]), Some("`reason` is Int")),
            (LINE, line(Value::Int(2)), None),
            (LINE, line(Value::Int(0)), Some("`quantity` is not what `where` demands of it")),
            (
                Type::List(Box::new(LINE), None),
                Value::List([line(Value::Int(1)), line(Value::text("two"))].into()),
                Some("`[1].quantity` is Text"),
            ),
            (Type::Text, Value::Resource(0), Some("it is a resource")),
        ];
        for (ty, value, wrong) in cases {
            assert_eq!(misfit(&bundle(), &ty, &value, 0).as_deref(), wrong, "{ty:?} {value:?}");
        }
    }
}
