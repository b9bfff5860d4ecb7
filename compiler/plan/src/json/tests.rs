use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};
use std::sync::Arc;

use super::*;
use crate::{
    Code, ConstEnv, Currency, ErrorValue, EventDef, Instr, Money, ResourceDef, TypeDef, TypeId, Value, VariantDef,
    VariantValue, calendar::Calendar, eval_bool,
};

const ORDER_ID: TypeId = TypeId(0);
const CHANNEL: TypeId = TypeId(1);
const DISPOSITION: TypeId = TypeId(2);
const LINE: TypeId = TypeId(3);
const ORDER: TypeId = TypeId(4);
const OUT_OF_STOCK: TypeId = TypeId(5);
const PLACED: TypeId = TypeId(6);
const HOLD: TypeId = TypeId(7);

fn field(name: &str, ty: Type) -> FieldDef {
    FieldDef { name: name.to_owned(), ty, pii: false, check: None }
}

fn list(of: Type, up_to: Option<u32>) -> Type {
    Type::List(Box::new(of), up_to)
}

fn optional(of: Type) -> Type {
    Type::Optional(Box::new(of))
}

fn map(key: Type, value: Type) -> Type {
    Type::Map(Box::new(key), Box::new(value))
}

fn bundle() -> Bundle {
    let case = |name: &str, fields| VariantDef { name: name.to_owned(), fields };
    let at_least_one =
        Code { ops: vec![Instr::Local(0), Instr::Const(0), Instr::Ge], consts: vec![Value::Int(1)], locals: 1 };
    let quantity = FieldDef { check: Some(at_least_one), ..field("quantity", Type::Int) };
    let customer = FieldDef { pii: true, ..field("customer", Type::Country) };
    let named = Type::Named;
    let kinds = [
        ("OrderId", TypeKind::Id),
        ("Channel", TypeKind::Enum(vec![case("web", vec![]), case("store", vec![])])),
        (
            "Disposition",
            TypeKind::Enum(vec![case("restock", vec![field("node", Type::Text)]), case("refurbish", vec![])]),
        ),
        (
            "OrderLine",
            TypeKind::Record(vec![field("sku", Type::Text), quantity, field("unit_price", Type::Money(None))]),
        ),
        (
            "Order",
            TypeKind::Record(vec![
                field("id", named(ORDER_ID)),
                field("channel", named(CHANNEL)),
                field("lines", list(named(LINE), Some(3))),
                field("note", optional(Type::Text)),
                customer,
            ]),
        ),
        ("OutOfStock", TypeKind::Error(vec![field("missing", list(Type::Text, None))])),
        (
            "OrderPlaced",
            TypeKind::Event(EventDef {
                version: 2,
                ce_type: "retail.order.placed".to_owned(),
                from: None,
                fields: vec![field("order", named(ORDER))],
                keys: vec![],
                kept_ms: 0,
            }),
        ),
        (
            "StockHold",
            TypeKind::Resource(ResourceDef {
                fields: vec![field("id", Type::Text), field("until", Type::Instant)],
                states: vec![],
                splits_by: None,
            }),
        ),
    ];
    let types = kinds.map(|(name, kind)| TypeDef { name: format!("std.orders.{name}"), doc: String::new(), kind });
    let calendar = |name: &str| Calendar {
        name: name.to_owned(),
        zone: "UTC".to_owned(),
        week: std::array::from_fn(|_| vec![(0, 1_440)]),
        closed: Vec::new(),
    };
    let calendars = ["dock.hours", "shop.hours", "shop.till(A.1)"].map(calendar).into();
    Bundle { types: types.into(), calendars, ..Bundle::default() }
}

fn read(ty: &Type, json: &Json) -> Result<Value, String> {
    let bundle = bundle();
    let env = ConstEnv { bundle: &bundle, now: 0 };
    let mut check = |code: &Code, value: &Value| eval_bool(&env, code, std::slice::from_ref(value));
    from_json(&bundle, ty, json, &mut check).map_err(|error| error.to_string())
}

fn write(ty: &Type, value: &Value) -> Json {
    to_json(&bundle(), ty, value, &|at| (at == 4).then(|| (HOLD, vec![Value::text("H-4"), Value::Instant(0)])))
}

fn placed() -> Json {
    json!({ "order": {
        "id": "O-1", "channel": "web", "customer": "DE",
        "lines": [{ "sku": "A", "quantity": 2, "unit_price": { "amount": "12.30", "currency": "EUR" } }],
    }})
}

#[test]
fn a_message_becomes_values_by_position_and_goes_back() {
    let price = Value::Money(Money { currency: "EUR".parse().unwrap(), amount: "12.30".parse().unwrap() });
    let line = Value::Record([Value::text("A"), Value::Int(2), price].into());
    let order = [Value::text("O-1"), Value::Case(0), Value::List([line].into()), Value::None, Value::text("DE")];
    let event = Value::Record([Value::Record(order.into())].into());
    assert_eq!(read(&Type::Named(PLACED), &placed()), Ok(event.clone()));
    assert_eq!(write(&Type::Named(PLACED), &event), placed());
    assert_eq!(
        show(&bundle(), Some(&Type::Named(PLACED)), &event),
        "OrderPlaced { order: Order { id: \"O-1\", channel: web, lines: [OrderLine { sku: \"A\", quantity: 2, \
         unit_price: 12.30 EUR }], note: none, customer: \"DE\" } }"
    );
    assert_eq!(show(&bundle(), None, &Value::Case(1)), "case 1");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let cases = [
        (
            "/order/lines/0/quantity",
            json!("two"),
            "`order.lines[0].quantity`: expected a whole number of at most 64 bits, found \"two\"",
        ),
        (
            "/order/lines/0/quantity",
            json!(0),
            "`order.lines[0].quantity`: 0 breaks the rule that its type states with `where`",
        ),
        (
            "/order/lines/0/quantity",
            json!(1.5),
            "`order.lines[0].quantity`: expected a whole number of at most 64 bits, found 1.5",
        ),
        ("/order/channel", json!("fax"), "`order.channel`: expected a Channel: web, store, found \"fax\""),
        ("/order/id", json!(""), "`order.id`: expected an OrderId as a text that isn't empty, found \"\""),
        ("/order/lines", json!([0, 0, 0, 0]), "`order.lines`: has 4 elements, at most 3 are allowed"),
        ("/order/note", json!("x".repeat(70_000)), "`order.note`: has 70000 bytes, at most 65536 are allowed"),
        ("/order", json!([]), "`order`: expected an object with id, channel, lines, note, customer, found a list of 0"),
        // Personal data is never repeated.
        (
            "/order/customer",
            json!("Erika"),
            "`order.customer`: expected a country of two capital letters such as DE, found another text",
        ),
    ];
    for (at, bad, wanted) in cases {
        let mut message = placed();
        match message.pointer_mut(at) {
            Some(place) => *place = bad,
            None => drop(message["order"].as_object_mut().unwrap().insert("note".to_owned(), bad)),
        }
        assert_eq!(read(&Type::Named(PLACED), &message), Err(wanted.to_owned()));
    }
    let mut message = placed();
    message["order"].as_object_mut().unwrap().remove("id");
    assert_eq!(read(&Type::Named(PLACED), &message), Err("`order.id`: is missing; expected an OrderId".to_owned()));
    assert!(read(&Type::Money("USD".parse().ok()), &json!({ "amount": 1, "currency": "EUR" })).is_err());
    let unknown = read(&Type::Money(None), &json!({ "amount": 1, "currency": "EUX" })).unwrap_err();
    assert_eq!(unknown.to_string(), "`currency`: expected a currency of ISO 4217 such as EUR, found \"EUX\"");
}

#[test]
fn unknown_fields_are_listed_and_ignored() {
    let mut message = placed();
    message["order"]["lines"][0]["colour"] = json!("red");
    let (bundle, mut check) = (bundle(), |_: &Code, _: &Value| Ok(true));
    let mut reader = JsonReader::new(&bundle, &mut check);
    assert_eq!(
        reader.read(&Type::Named(PLACED), &message).map_err(|error| error.to_string()),
        read(&Type::Named(PLACED), &placed())
    );
    assert_eq!(reader.unknown(), ["order.lines[0].colour"]);
}

#[test]
fn forms() {
    let number = |text: &str| Value::Decimal(text.parse::<Decimal>().unwrap());
    let error = Value::Error(Arc::new(ErrorValue {
        error: OUT_OF_STOCK,
        fields: [Value::List([Value::text("A")].into())].into(),
        text: "gone".into(),
    }));
    let error_json = json!({ "error": "OutOfStock", "text": "gone", "missing": ["A"] });
    let restock = Value::Variant(Arc::new(VariantValue { case: 0, fields: [Value::text("DC1")].into() }));
    let both_ways = [
        (Type::Decimal, json!("12.30"), number("12.30")),
        (Type::Instant, json!("2026-05-02T10:00:00.250Z"), Value::Instant(1_777_716_000_250)),
        (Type::Date, json!("2026-05-02"), Value::Date(20_575)),
        (Type::Duration, json!("PT1H30M"), Value::Duration(5_400_000)),
        (Type::BusinessDuration, json!({ "days": 2, "time": "PT0S" }), Value::BusinessDuration { days: 2, ms: 0 }),
        (Type::Named(DISPOSITION), json!({ "restock": { "node": "DC1" } }), restock),
        (Type::Named(DISPOSITION), json!("refurbish"), Value::Case(1)),
        (Type::Calendar, json!("shop.till(A.1)"), Value::text("shop.till(A.1)")),
        (Type::Named(OUT_OF_STOCK), error_json.clone(), error.clone()),
        (Type::AnyError, error_json, error),
        (
            map(Type::Named(CHANNEL), Type::Int),
            json!({ "store": 1 }),
            Value::Map([(Value::Case(1), Value::Int(1))].into()),
        ),
        (map(Type::Int, Type::Bool), json!([[1, true]]), Value::Map([(Value::Int(1), Value::Bool(true))].into())),
        (optional(Type::Int), json!(null), Value::None),
    ];
    for (ty, json, value) in both_ways {
        assert_eq!(read(&ty, &json), Ok(value.clone()), "{json}");
        assert_eq!(write(&ty, &value), json);
    }
    let read_only = [
        (Type::Decimal, json!(12.3), Some(number("12.3"))),
        (Type::Decimal, json!(0.123_456_789_012_345_68), None),
        (Type::Decimal, json!("1_000"), None),
        (Type::Decimal, json!("1193766631065489259935027230.00"), Some(number("1193766631065489259935027230"))),
        (Type::Decimal, json!("."), None),
        (Type::Decimal, json!("1e3"), None),
        (Type::Int, json!(3.0), Some(Value::Int(3))),
        (Type::Int, json!("3"), None),
        (Type::Int, json!(u64::MAX), None),
        (Type::Instant, json!("2026-05-02T12:00:00+02:00"), Some(Value::Instant(1_777_716_000_000))),
        (Type::Instant, json!("2026-05-02"), None),
        (Type::Date, json!("2026-02-30"), None),
        (Type::Duration, json!("90 min"), Some(Value::Duration(5_400_000))),
        (Type::Named(OUT_OF_STOCK), json!({ "error": "Declined", "missing": [] }), None),
        (map(Type::Int, Type::Int), json!([[1, 1], [1, 2]]), None),
        // The caller minted the id; the system needn't repeat it.
        (
            Type::Resource(HOLD),
            json!({ "until": "1970-01-01T00:00:00Z" }),
            Some(Value::Record([Value::None, Value::Instant(0)].into())),
        ),
    ];
    for (ty, json, value) in read_only {
        assert_eq!(read(&ty, &json).ok(), value, "{json}");
    }
    let hold = json!({ "id": "H-4", "until": "1970-01-01T00:00:00.000Z" });
    assert_eq!(write(&Type::Resource(HOLD), &Value::Resource(4)), hold);
}

#[test]
fn stored_values_are_compact() {
    let line = json!({ "sku": "4006381333931", "quantity": 2, "unit_price": { "amount": "12.30", "currency": "EUR" } });
    let mut message = placed();
    message["order"]["lines"] = json!([line, line, line]);
    message["order"]["note"] = json!("Please ring at the second door and leave it with the neighbour".repeat(4));
    let text = message.to_string();
    assert!((550..700).contains(&text.len()), "{}", text.len());
    let value = read(&Type::Named(PLACED), &message).unwrap();
    let bytes = encode_value(&value);
    assert!(bytes.len() < 360, "{} bytes for {} of JSON", bytes.len(), text.len());
    assert_eq!(decode_value(&bytes), Ok(value));
    assert_eq!(decode_value(&bytes[..20]), Err(ValueDecodeError));
    assert_eq!(decode_value(&[bytes, vec![0]].concat()), Err(ValueDecodeError));
}

#[test]
fn money_from_outside_is_whole_in_its_currency() {
    for (amount, currency, fits) in [
        ("12.34", "EUR", true),
        ("12.3400", "EUR", true),
        ("12.345", "EUR", false),
        ("100.00", "JPY", true),
        ("100.5", "JPY", false),
        ("1.234", "KWD", true),
        ("1.2345", "KWD", false),
    ] {
        let found = read(&Type::Money(None), &json!({ "amount": amount, "currency": currency }));
        assert_eq!(found.is_ok(), fits, "{amount} {currency}: {found:?}");
    }
    let error = read(&Type::Money(None), &json!({ "amount": 0.125, "currency": "EUR" })).unwrap_err();
    assert_eq!(error, "`amount`: expected at most 2 digits behind the point in EUR, found 0.125");
}

#[test]
fn a_calendar_is_known_by_its_name_and_by_its_short_name_where_that_is_clear() {
    for (said, meant) in [
        ("shop.hours", Some("shop.hours")),
        // Two modules have a calendar of this name.
        ("hours", None),
        ("till(A.1)", Some("shop.till(A.1)")),
        ("shop.till", None),
        ("till(B)", None),
    ] {
        let found = read(&Type::Calendar, &json!(said)).ok();
        assert_eq!(found, meant.map(Value::text), "{said}");
    }
    let error = read(&Type::Calendar, &json!("hours")).unwrap_err();
    assert_eq!(error, "expected the name of a calendar of these flows, found \"hours\"");
}

fn any_type() -> impl Strategy<Value = Type> {
    let leaf = proptest::sample::select(vec![
        Type::Bool,
        Type::Int,
        Type::Decimal,
        Type::Text,
        Type::Instant,
        Type::Date,
        Type::Duration,
        Type::BusinessDuration,
        Type::Calendar,
        Type::Money(None),
        Type::Currency,
        Type::Country,
        Type::Named(ORDER_ID),
        Type::Named(CHANNEL),
        Type::Named(DISPOSITION),
        Type::Named(ORDER),
        Type::Named(OUT_OF_STOCK),
        Type::Named(PLACED),
        Type::AnyError,
    ]);
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|of| list(of, None)),
            inner.clone().prop_map(optional),
            inner.clone().prop_map(|of| Type::Answer(Box::new(of))),
            (inner.clone(), inner).prop_map(|(key, value)| map(key, value)),
        ]
    })
}

fn any_value(ty: &Type) -> BoxedStrategy<Value> {
    let fields = |defs: &[FieldDef]| defs.iter().map(|def| any_value(&def.ty)).collect::<Vec<_>>();
    match ty {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        // From 1, so that the check of a quantity holds.
        Type::Int => (1..i64::MAX).prop_map(Value::Int).boxed(),
        Type::Decimal => any_decimal().prop_map(Value::Decimal).boxed(),
        Type::Text | Type::Person => ".{0,8}".prop_map(Value::text).boxed(),
        Type::Instant => (-60_000_000_000_000..200_000_000_000_000_i64).prop_map(Value::Instant).boxed(),
        Type::Date => (-700_000..2_000_000).prop_map(Value::Date).boxed(),
        Type::Duration => any::<i64>().prop_map(Value::Duration).boxed(),
        Type::BusinessDuration => {
            (any::<i32>(), any::<i64>()).prop_map(|(days, ms)| Value::BusinessDuration { days, ms }).boxed()
        }
        Type::Calendar => Just(Value::text("shop.hours")).boxed(),
        Type::Money(_) => (-(1_i64 << 60)..1_i64 << 60, any_currency())
            .prop_map(|(units, currency)| {
                let amount = Decimal::from_i128_with_scale(i128::from(units), currency.digits());
                Value::Money(Money { currency, amount })
            })
            .boxed(),
        Type::Currency => any_currency().prop_map(Value::Currency).boxed(),
        Type::Country => "[A-Z]{2}".prop_map(Value::text).boxed(),
        Type::Named(CHANNEL) => (0u16..2).prop_map(Value::Case).boxed(),
        Type::Named(DISPOSITION) => prop_oneof![
            Just(Value::Case(1)),
            ".{0,3}".prop_map(|node| {
                Value::Variant(Arc::new(VariantValue { case: 0, fields: [Value::text(node)].into() }))
            }),
        ]
        .boxed(),
        Type::Named(ORDER_ID) => ".{1,8}".prop_map(Value::text).boxed(),
        Type::Named(OUT_OF_STOCK) | Type::AnyError => (any_value(&list(Type::Text, None)), ".{0,5}")
            .prop_map(|(missing, text)| {
                let fields = [missing].into();
                Value::Error(Arc::new(ErrorValue { error: OUT_OF_STOCK, fields, text: text.into() }))
            })
            .boxed(),
        Type::Named(id) | Type::Resource(id) => {
            let bundle = bundle();
            let defs = fields_of(&bundle.ty(*id).unwrap().kind).unwrap();
            fields(defs).prop_map(|fields| Value::Record(fields.into())).boxed()
        }
        Type::List(of, _) => {
            proptest::collection::vec(any_value(of), 0..3).prop_map(|list| Value::List(list.into())).boxed()
        }
        Type::Map(key, value) => proptest::collection::btree_map(any_value(key), any_value(value), 0..3)
            .prop_map(|map| Value::Map(map.into_iter().collect()))
            .boxed(),
        Type::Optional(of) => prop_oneof![Just(Value::None), any_value(of)].boxed(),
        Type::Unit => Just(Value::None).boxed(),
        Type::Answer(inner) => (any_value(inner), ".{1,8}".prop_map(Value::text), any_value(&Type::Instant))
            .prop_map(|(value, by, at)| Value::Record([value, by, at].into()))
            .boxed(),
    }
}

fn any_decimal() -> impl Strategy<Value = Decimal> {
    (-(1_i128 << 90)..1_i128 << 90, 0u32..28).prop_map(|(digits, scale)| Decimal::from_i128_with_scale(digits, scale))
}

fn any_currency() -> impl Strategy<Value = Currency> {
    proptest::sample::select(vec!["EUR", "USD", "JPY", "KWD", "PLN"]).prop_map(|code| code.parse().unwrap())
}

proptest! {
    #[test]
    fn json_and_bytes_come_back_as_they_were(
        (ty, value) in any_type().prop_flat_map(|ty| { let value = any_value(&ty); (Just(ty), value) })
    ) {
        let json = write(&ty, &value);
        prop_assert_eq!(read(&ty, &json), Ok(value.clone()), "{}", json);
        prop_assert_eq!(decode_value(&encode_value(&value)), Ok(value.clone()));
        show(&bundle(), Some(&ty), &value);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = decode_value(&bytes);
    }
}
