//! Values made up from types: what a system answers, raises and tells, as the contract alone allows.
//!
//! What the call already said is said again: a field with the name and type of an argument takes that argument's value,
//! a list of the kind that was sent is a part of it. The rest is drawn, and holds what `where` demands.
use flowline_core::ResourceView;
use flowline_plan::{
    Bundle, ConstEnv, Currency, FieldDef, Money, OpDef, Type, TypeDef, TypeId, TypeKind, Value, VariantValue, eval_bool,
};
use rust_decimal::Decimal;
use std::sync::Arc;

use crate::{chaos::Chaos, contract::fields_of};

/// Records inside each other are made up so deep.
const DEPTH_MAX: u32 = 6;
/// So often a value is drawn until it holds what `where` demands.
const TRIES_MAX: u32 = 24;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Something that the call says, under the name that it has there.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    name: String,
    ty: Type,
    value: Value,
    /// 0 for the arguments, 1 for their fields.
    level: u8,
}

impl Said {
    /// Something that a question shows.
    pub(crate) fn shown(name: &str, ty: &Type, value: &Value) -> Self {
        Self { name: name.to_owned(), ty: plain(ty).clone(), value: value.clone(), level: 0 }
    }
}

/// What ids are made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// New ones: what a system answers with is its own.
    Minted,
    /// Those that the call named, where it named one of the type: events and errors speak of the call.
    OfTheCall,
}

/// Makes values up for one call.
pub(crate) struct Generator<'a> {
    pub(crate) bundle: &'a Bundle,
    pub(crate) chaos: Chaos,
    pub(crate) said: &'a [Said],
    pub(crate) ids: Ids,
    /// Instants lie ahead of this, ms.
    pub(crate) now: i64,
    /// Unless something is told that happened then, ms.
    pub(crate) happened: Option<i64>,
}

/// What a call says: its arguments, its result where that is known, and the fields of both.
pub(crate) fn said(
    bundle: &Bundle,
    op: &OpDef,
    args: &[Value],
    views: &[ResourceView],
    result: Option<&Value>,
) -> Vec<Said> {
    let mut said = Vec::new();
    let result = result.map(|value| ("result", &op.result, value));
    let args = op.params.iter().zip(args).map(|(param, value)| (param.name.as_str(), &param.ty, value));
    for (name, ty, value) in args.chain(result) {
        if *value != Value::None {
            said.push(Said { name: name.to_owned(), ty: plain(ty).clone(), value: value.clone(), level: 0 });
        }
    }
    let mut inner = Vec::new();
    for outer in &said {
        let (Type::Named(id) | Type::Resource(id), value) = (&outer.ty, &outer.value) else { continue };
        let fields = if let Value::Record(fields) = value {
            fields
        } else if let Value::Resource(no) = value
            && let Some(view) = views.iter().find(|view| view.resource == *no)
        {
            view.fields.as_slice()
        } else {
            continue;
        };
        for (def, value) in fields_of(bundle, *id).iter().zip(fields.iter()) {
            if *value != Value::None {
                let ty = plain(&def.ty).clone();
                inner.push(Said { name: def.name.clone(), ty, value: value.clone(), level: 1 });
            }
        }
    }
    said.extend(inner);
    said
}

impl Generator<'_> {
    /// A value for something of that name; `name` is empty for a result.
    pub(crate) fn value(&mut self, name: &str, ty: &Type) -> Value {
        self.make(name, ty, 0, 0)
    }

    /// The fields of a record, an error or an event.
    pub(crate) fn fields(&mut self, fields: &[FieldDef]) -> Vec<Value> {
        fields.iter().map(|field| self.field(field, 0)).collect()
    }

    /// The fields of a resource that a call opens.
    pub(crate) fn resource(&mut self, ty: TypeId, id: &Value, timeout_ms: i64) -> Vec<Value> {
        let Some(def) = self.bundle.resource(ty) else { return vec![id.clone()] };
        let mut values = Vec::with_capacity(def.fields.len());
        for (at, field) in (0_u16..).zip(&def.fields) {
            let expiry = def.states.iter().filter_map(|state| state.expires.as_ref()).find(|expiry| expiry.field == at);
            let value = if at == 0 {
                id.clone()
            } else if let Some(expiry) = expiry {
                // The caller may hear of it only at the end of its patience: the promised time begins there.
                let least = expiry.at_least_ms.unwrap_or(7 * DAY_MS);
                let end = self.now.saturating_add(timeout_ms).saturating_add(least);
                Value::Instant(whole_seconds(end.saturating_add(self.chaos.between(0, least / 2))))
            } else if def.splits_by == Some(at) {
                self.named(&field.name, &field.ty)
                    .or_else(|| self.of_type(&field.ty))
                    .unwrap_or_else(|| self.field(field, 0))
            } else {
                self.field(field, 0)
            };
            values.push(value);
        }
        values
    }

    fn field(&mut self, field: &FieldDef, depth: u32) -> Value {
        let mut value = Value::None;
        for attempt in 0..TRIES_MAX {
            value = self.make(&field.name, &field.ty, depth, attempt);
            if self.holds(field, &value) {
                break;
            }
        }
        value
    }

    fn holds(&self, field: &FieldDef, value: &Value) -> bool {
        let Some(check) = &field.check else { return true };
        let env = ConstEnv { bundle: self.bundle, now: self.now };
        eval_bool(&env, check, std::slice::from_ref(value)).unwrap_or(false)
    }

    /// What the call says under that name, where it fits.
    fn named(&self, name: &str, ty: &Type) -> Option<Value> {
        let fits = |said: &&Said| said.name == name && fits(&said.ty, plain(ty), &said.value);
        self.said.iter().find(fits).map(|said| said.value.clone())
    }

    /// The first thing of that type that the call says.
    fn of_type(&self, ty: &Type) -> Option<Value> {
        self.said.iter().find(|said| fits(&said.ty, plain(ty), &said.value)).map(|said| said.value.clone())
    }

    /// From the second attempt on, nothing is taken from the call and draws go wider.
    fn make(&mut self, name: &str, ty: &Type, depth: u32, attempt: u32) -> Value {
        if attempt == 0
            && let Some(value) = self.said_in_call(name, ty)
        {
            return value;
        }
        match ty {
            Type::Bool => Value::Bool(self.chaos.bits() & 1 == 0),
            Type::Int => Value::Int(self.number(attempt)),
            Type::Decimal => Value::Decimal(Decimal::new(self.number(attempt.max(3)), 2)),
            Type::Text => Value::text(self.text(name)),
            Type::Instant => Value::Instant(self.instant()),
            Type::Date => {
                let day = self.now.div_euclid(DAY_MS).saturating_add(self.chaos.between(1, 7));
                Value::Date(i32::try_from(day).unwrap_or(0))
            }
            Type::Duration => Value::Duration(self.chaos.between(1, 24) * HOUR_MS / 2),
            Type::BusinessDuration => Value::BusinessDuration { days: 1, ms: 0 },
            Type::Calendar => self.calendar(),
            Type::Money(currency) => Value::Money(self.money(*currency)),
            Type::Currency => Value::Currency(self.currency(None)),
            Type::Country => Value::text("DE"),
            Type::Person => Value::text("simulated person"),
            Type::Named(id) => self.declared(name, *id, depth),
            Type::List(element, most) => self.list(name, element, *most, depth, attempt),
            Type::Map(key, value) => {
                let key = self.make(name, key, depth + 1, 1);
                let value = self.make(name, value, depth + 1, 1);
                Value::Map([(key, value)].into())
            }
            Type::Optional(inner) if depth < DEPTH_MAX && self.chaos.bits() & 1 == 0 => {
                self.make(name, inner, depth + 1, attempt)
            }
            Type::Answer(value) => {
                let answered = self.make(name, value, depth + 1, attempt);
                Value::Record([answered, Value::text("simulated person"), Value::Instant(self.now)].into())
            }
            Type::Optional(_) | Type::Resource(_) | Type::AnyError | Type::Unit => Value::None,
        }
    }

    /// Some calendar of the flows; a text that is none where they have none.
    fn calendar(&mut self) -> Value {
        let at = self.chaos.below(self.bundle.calendars.len());
        Value::text(self.bundle.calendars.get(at).map_or("none", |calendar| calendar.name.as_str()))
    }

    /// What the call says, or a part of it.
    fn said_in_call(&mut self, name: &str, ty: &Type) -> Option<Value> {
        if let Some(value) = self.named(name, ty) {
            return Some(value);
        }
        if let Type::List(element, most) = plain(ty) {
            let list = match self.of_type(ty) {
                Some(Value::List(list)) => list.to_vec(),
                Some(_) | None if self.ids == Ids::OfTheCall && self.is_id(element) => self.all_of(element),
                Some(_) | None => return None,
            };
            let kept = self.some_of(&list, *most);
            return (!kept.is_empty()).then(|| Value::List(kept.into()));
        }
        let id = plain(ty);
        let named = self.ids == Ids::OfTheCall && self.is_id(id);
        named.then(|| self.of_type(id).or_else(|| self.all_of(id).into_iter().next())).flatten()
    }

    fn is_id(&self, ty: &Type) -> bool {
        let Type::Named(id) = ty else { return false };
        self.bundle.ty(*id).is_some_and(|def| def.kind == TypeKind::Id)
    }

    /// A part of a list, at least one element where it has any, in its order.
    fn some_of(&mut self, list: &[Value], most: Option<u32>) -> Vec<Value> {
        let sure = self.chaos.below(list.len());
        let kept = list.iter().enumerate().filter(|(at, _)| *at == sure || self.chaos.bits() & 3 == 0);
        kept.map(|(_, value)| value.clone()).take(most.map_or(usize::MAX, |most| most as usize)).collect()
    }

    /// Every value of that type in what the call says, however deep, each once.
    fn all_of(&self, wanted: &Type) -> Vec<Value> {
        let mut found = Vec::new();
        for said in self.said.iter().filter(|said| said.level == 0) {
            collect(self.bundle, wanted, &said.ty, &said.value, 0, &mut found);
        }
        found
    }

    fn number(&mut self, attempt: u32) -> i64 {
        match attempt % 6 {
            0 => self.chaos.between(1, 5),
            1 => 1,
            2 => 0,
            3 => self.chaos.between(1, 99),
            4 => self.chaos.between(1, 10_000),
            _ => self.chaos.between(-100, -1),
        }
    }

    fn text(&mut self, name: &str) -> String {
        let number = self.chaos.bits() & 0xffff;
        if name.is_empty() { format!("simulated {number:04x}") } else { format!("simulated {name} {number:04x}") }
    }

    fn instant(&mut self) -> i64 {
        self.happened.unwrap_or_else(|| whole_seconds(self.now.saturating_add(self.chaos.between(HOUR_MS, 2 * DAY_MS))))
    }

    fn money(&mut self, currency: Option<Currency>) -> Money {
        let currency = self.currency(currency);
        let unit = 10_i64.pow(currency.digits());
        Money { currency, amount: Decimal::new(self.chaos.between(unit, 200 * unit), currency.digits()) }
    }

    /// The currency that is asked for, else the one that the call speaks of.
    fn currency(&self, asked: Option<Currency>) -> Currency {
        let spoken = || match self.all_of(&Type::Money(None)).first() {
            Some(Value::Money(money)) => Some(money.currency),
            Some(_) | None => None,
        };
        asked.or_else(spoken).unwrap_or_else(|| "EUR".parse().expect("invariant: EUR is three capital letters"))
    }

    fn declared(&mut self, name: &str, id: TypeId, depth: u32) -> Value {
        let bundle = self.bundle;
        let Some(def) = bundle.ty(id) else { return Value::None };
        match &def.kind {
            TypeKind::Id => Value::text(self.mint(def)),
            TypeKind::Enum(cases) => {
                let at = self.chaos.below(cases.len());
                let fields = cases.get(at).map_or(&[][..], |case| &case.fields);
                let case = u16::try_from(at).unwrap_or(0);
                if fields.is_empty() || depth >= DEPTH_MAX {
                    return Value::Case(case);
                }
                let fields = fields.iter().map(|field| self.field(field, depth + 1)).collect();
                Value::Variant(Arc::new(VariantValue { case, fields }))
            }
            TypeKind::Record(fields) if depth < DEPTH_MAX => {
                Value::Record(fields.iter().map(|field| self.field(field, depth + 1)).collect())
            }
            TypeKind::Event(event) if depth < DEPTH_MAX => {
                Value::Record(event.fields.iter().map(|field| self.field(field, depth + 1)).collect())
            }
            TypeKind::Error(fields) if depth < DEPTH_MAX => {
                let fields = fields.iter().map(|field| self.field(field, depth + 1)).collect();
                let text = format!("simulated {name}").into();
                Value::Error(Arc::new(flowline_plan::ErrorValue { error: id, fields, text }))
            }
            TypeKind::Record(_) | TypeKind::Event(_) | TypeKind::Error(_) | TypeKind::Resource(_) => Value::None,
        }
    }

    /// `parcel-3f2a91c04b12ab34` for a `ParcelId`.
    fn mint(&mut self, def: &TypeDef) -> String {
        let name = def.short_name().trim_end_matches("Id").to_lowercase();
        format!("{name}-{:016x}", self.chaos.bits())
    }

    fn list(&mut self, name: &str, element: &Type, most: Option<u32>, depth: u32, attempt: u32) -> Value {
        let least = i64::from(attempt / 6);
        // What is told of a call without a list is told of the one thing it names.
        let most_drawn = if self.ids == Ids::OfTheCall { 1 } else { 3 };
        let len = self.chaos.between(1 + least, most_drawn + least);
        let len = usize::try_from(len).unwrap_or(1).min(most.map_or(usize::MAX, |most| most as usize));
        let len = if depth < DEPTH_MAX { len } else { 0 };
        Value::List((0..len).map(|_| self.make(name, element, depth + 1, 1)).collect())
    }
}

fn collect(bundle: &Bundle, wanted: &Type, ty: &Type, value: &Value, depth: u32, found: &mut Vec<Value>) {
    let ty = plain(ty);
    if fits(ty, wanted, value) {
        if !found.contains(value) {
            found.push(value.clone());
        }
        return;
    }
    if depth >= DEPTH_MAX {
        return;
    }
    match (ty, value) {
        (Type::List(element, _), Value::List(list)) => {
            for value in list.iter() {
                collect(bundle, wanted, element, value, depth + 1, found);
            }
        }
        (Type::Named(id), Value::Record(fields)) => {
            for (def, value) in fields_of(bundle, *id).iter().zip(fields.iter()) {
                collect(bundle, wanted, &def.ty, value, depth + 1, found);
            }
        }
        _ => {}
    }
}

/// The type without `?`.
fn plain(ty: &Type) -> &Type {
    if let Type::Optional(inner) = ty { plain(inner) } else { ty }
}

/// Whether a value of the one type can stand where the other is wanted.
fn fits(have: &Type, want: &Type, value: &Value) -> bool {
    match (have, want) {
        (_, _) if *value == Value::None => false,
        (Type::Money(_), Type::Money(currency)) => match (currency, value) {
            (Some(currency), Value::Money(money)) => money.currency == *currency,
            (_, _) => true,
        },
        (Type::List(have, _), Type::List(want, most)) => {
            let len = if let Value::List(list) = value { list.len() } else { 0 };
            have == want && most.is_none_or(|most| len <= most as usize)
        }
        (_, _) => have == want,
    }
}

fn whole_seconds(ms: i64) -> i64 {
    ms.div_euclid(1_000).saturating_add(1).saturating_mul(1_000)
}
