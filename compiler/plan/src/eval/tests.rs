use proptest::prelude::*;
use rust_decimal::Decimal;
use std::{cell::RefCell, sync::Arc};

use super::*;
use crate::{
    Column, Currency, Decision, DecisionId, DecisionRow, FunctionId, HitPolicy, ListMethod, Method, Money, Rounding,
    ScopeId, SpanId, Type, TypeId, calendar::Calendar,
};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Slot (0, n) holds the n-th value; resource 7 has the id `R`.
struct World {
    bundle: Bundle,
    slots: Vec<Value>,
    hits: RefCell<Vec<(DecisionId, usize)>>,
}

impl Env for World {
    fn bundle(&self) -> &Bundle {
        &self.bundle
    }
    fn slot(&self, slot: Slot) -> Value {
        self.slots.get(usize::from(slot.at)).cloned().unwrap_or(Value::None)
    }
    fn now(&self) -> i64 {
        1_000
    }
    fn resource_field(&self, resource: u32, field: u16) -> Value {
        if (resource, field) == (7, 0) { Value::text("R") } else { Value::None }
    }
    fn decided(&self, decision: DecisionId, row: usize) {
        self.hits.borrow_mut().push((decision, row));
    }
}

fn world() -> World {
    World { bundle: Bundle::default(), slots: Vec::new(), hits: RefCell::default() }
}

fn dec(text: &str) -> Value {
    Value::Decimal(text.parse::<Decimal>().unwrap())
}

fn eur(text: &str) -> Value {
    money(text, "EUR")
}

fn money(text: &str, currency: &str) -> Value {
    Value::Money(Money { currency: currency.parse::<Currency>().unwrap(), amount: text.parse().unwrap() })
}

fn list(values: &[Value]) -> Value {
    Value::List(values.into())
}

/// Pushes the constants in order, then runs the instructions.
fn run_in(world: &World, consts: &[Value], ops: &[Instr]) -> Result<Value, EvalError> {
    let mut code = Code { consts: consts.to_vec(), locals: 4, ops: Vec::new() };
    code.ops.extend((0..consts.len()).map(|at| Instr::Const(at as u16)));
    code.ops.extend_from_slice(ops);
    eval(world, &code, &[])
}

fn run(consts: &[Value], ops: &[Instr]) -> Result<Value, EvalError> {
    run_in(&world(), consts, ops)
}

#[test]
fn operators() {
    use Instr::{Add, Div, Eq, Ge, Gt, Le, Lt, Mul, Ne, Sub};
    use Value::{Bool, Date, Duration, Instant, Int, None};
    let cases = [
        (Int(2), Add, Int(3), Int(5)),
        (Int(2), Add, dec("0.5"), dec("2.5")),
        (Int(7), Div, Int(2), dec("3.5")),
        (eur("1.10"), Add, eur("2.20"), eur("3.30")),
        (eur("1.10"), Mul, Int(3), eur("3.30")),
        (Int(3), Mul, eur("1.10"), eur("3.30")),
        (eur("1.10"), Mul, dec("0.333"), eur("0.36630")),
        (eur("3"), Div, eur("2"), dec("1.5")),
        (eur("3"), Div, Int(4), eur("0.75")),
        (Instant(10), Add, Duration(5), Instant(15)),
        (Instant(10), Sub, Instant(4), Duration(6)),
        (Duration(10), Mul, Int(3), Duration(30)),
        (Duration(90), Div, Duration(60), dec("1.5")),
        (Date(10), Add, Duration(2 * DAY), Date(12)),
        (Date(10), Sub, Date(7), Duration(3 * DAY)),
        (Value::text("a"), Add, Value::text("b"), Value::text("ab")),
        (dec("1.0"), Eq, dec("1.00"), Bool(true)),
        (Int(1), Eq, dec("1.00"), Bool(true)),
        (list(&[Int(1)]), Eq, list(&[dec("1.0")]), Bool(true)),
        (None, Eq, None, Bool(true)),
        (None, Ne, Int(1), Bool(true)),
        (eur("1"), Eq, money("1", "USD"), Bool(false)),
        (None, Lt, Int(1), Bool(false)),
        (Int(1), Ge, None, Bool(false)),
        (Int(1), Lt, dec("1.5"), Bool(true)),
        (eur("2"), Gt, eur("1.99"), Bool(true)),
        (Instant(3), Le, Instant(3), Bool(true)),
    ];
    for (left, op, right, wanted) in cases {
        assert_eq!(
            run(&[left.clone(), right.clone()], std::slice::from_ref(&op)),
            Ok(wanted),
            "{left:?} {op:?} {right:?}"
        );
    }
}

#[test]
fn incidents() {
    use Instr::{Add, Div, Lt, Mul, Neg, Sub};
    use Value::{Date, Duration, Int};
    let (eur_c, usd_c) = ("EUR".parse().unwrap(), "USD".parse().unwrap());
    let mixed = EvalError::CurrencyMismatch { left: eur_c, right: usd_c };
    let cases = [
        (Int(1), Div, Int(0), EvalError::DivisionByZero),
        (eur("1"), Div, eur("0"), EvalError::DivisionByZero),
        (Duration(1), Div, Int(0), EvalError::DivisionByZero),
        (Int(i64::MAX), Add, Int(1), EvalError::Overflow),
        (Int(i64::MIN), Sub, Int(1), EvalError::Overflow),
        (Int(i64::MAX), Mul, Int(2), EvalError::Overflow),
        (Value::Decimal(Decimal::MAX), Add, Value::Decimal(Decimal::MAX), EvalError::Overflow),
        (eur("1"), Add, money("1", "USD"), mixed.clone()),
        (eur("1"), Lt, money("1", "USD"), mixed),
        (Date(1), Add, Duration(5), EvalError::NotWholeDays { ms: 5 }),
    ];
    for (left, op, right, wanted) in cases {
        assert_eq!(
            run(&[left.clone(), right.clone()], std::slice::from_ref(&op)),
            Err(wanted),
            "{left:?} {op:?} {right:?}"
        );
    }
    assert_eq!(run(&[Int(i64::MIN)], &[Neg]), Err(EvalError::Overflow));
    assert!(run(&[Int(1), Value::text("a")], &[Add]).unwrap_err().is_fault());
}

#[test]
fn rounding_and_allocation() {
    for (amount, rounding, wanted) in [
        (eur("1.005"), Rounding::HalfUp, eur("1.01")),
        (eur("1.005"), Rounding::HalfEven, eur("1.00")),
        (eur("-1.005"), Rounding::HalfUp, eur("-1.01")),
        (eur("1.009"), Rounding::Down, eur("1.00")),
        (eur("1.001"), Rounding::Up, eur("1.01")),
        (money("1.5", "JPY"), Rounding::HalfEven, money("2", "JPY")),
    ] {
        assert_eq!(run(&[amount], &[Instr::Round(rounding)]), Ok(wanted));
    }
    let thirds = [eur("10.00"), list(&[Value::Int(1), Value::Int(1), Value::Int(1)])];
    let parts = list(&[eur("3.34"), eur("3.33"), eur("3.33")]);
    assert_eq!(run(&thirds, &[Instr::Method(Method::Allocate)]), Ok(parts));
    let none = [eur("10.00"), list(&[Value::Int(0)])];
    assert_eq!(run(&none, &[Instr::Method(Method::Allocate)]), Err(EvalError::BadWeights));
}

#[test]
fn personal_texts_lose_what_tells_who_it_is() {
    let of = |text: &str, method| run(&[Value::text(text)], &[Instr::Method(method)]).unwrap();
    assert_eq!(of("Änne Maier", Method::Mask), Value::text("Ä…"));
    assert_eq!(of("", Method::Mask), Value::text(""));
    let token = |text: &str| match of(text, Method::Token) {
        Value::Text(token) => token.to_string(),
        other => panic!("{other:?}"),
    };
    // What is kept under a pseudonym has to be found by later versions.
    assert_eq!(token("anne@example.com"), "tok_93913b5f638b018d33ecbaaf21be082e");
    assert_ne!(token("anne@example.com"), token("Anne@example.com"));
    assert!(run(&[Value::Int(1)], &[Instr::Method(Method::Mask)]).is_err());
}

#[test]
fn lists() {
    use ListMethod::{All, Any, Count, Filter, First, FlatMap, GroupBy, Map, Max, Min, SortBy, Sum};
    use Value::{Bool, Int, None};
    let numbers = || list(&[Int(3), Int(1), Int(2), Int(1)]);
    let big = [Instr::Local(0), Instr::Const(1), Instr::Gt];
    let itself = [Instr::Local(0)];
    let twice = [Instr::Local(0), Instr::Local(0), Instr::List(2)];
    let cases: [(ListMethod, &[Instr], Value); 12] = [
        (Map, &big, list(&[Bool(true), Bool(false), Bool(true), Bool(false)])),
        (Filter, &big, list(&[Int(3), Int(2)])),
        (Count, &big, Int(2)),
        (Any, &big, Bool(true)),
        (All, &big, Bool(false)),
        (First, &big, Int(3)),
        (Sum, &itself, Int(7)),
        (Min, &itself, Int(1)),
        (Max, &itself, Int(3)),
        (SortBy, &itself, list(&[Int(1), Int(1), Int(2), Int(3)])),
        (FlatMap, &twice, list(&[Int(3), Int(3), Int(1), Int(1), Int(2), Int(2), Int(1), Int(1)])),
        (
            GroupBy,
            &itself,
            Value::Map(
                [(Int(1), list(&[Int(1), Int(1)])), (Int(2), list(&[Int(2)])), (Int(3), list(&[Int(3)]))].into(),
            ),
        ),
    ];
    for (method, body, wanted) in cases {
        let mut ops = vec![Instr::Const(0), Instr::Each { method, item: 0, body: body.len() as u32 }];
        ops.extend_from_slice(body);
        let code = Code { ops, consts: vec![numbers(), Int(1)], locals: 1 };
        assert_eq!(eval(&world(), &code, &[]), Ok(wanted), "{method:?}");
    }
    let plain = [
        (vec![numbers()], Method::Count, Int(4)),
        (vec![numbers()], Method::Sum, Int(7)),
        (vec![list(&[])], Method::Sum, None),
        (vec![numbers()], Method::Distinct, list(&[Int(3), Int(1), Int(2)])),
        (vec![numbers(), Int(2)], Method::Take, list(&[Int(3), Int(1)])),
        (vec![numbers(), Int(-2)], Method::Take, list(&[])),
        (vec![numbers(), Int(2)], Method::Contains, Bool(true)),
        (vec![list(&[])], Method::First, None),
        (vec![list(&[None, Int(4)])], Method::Min, Int(4)),
        (vec![Value::text("Grün")], Method::Length, Int(4)),
        (vec![Value::Instant(23 * HOUR), Value::text("Europe/Berlin")], Method::DateIn, Value::Date(1)),
        (vec![Value::Duration(90 * 60_000)], Method::ToText, Value::text("1 h 30 min")),
        (vec![Value::Resource(7)], Method::ToText, Value::text("R")),
    ];
    for (values, method, wanted) in plain {
        assert_eq!(run(&values, &[Instr::Method(method)]), Ok(wanted), "{method:?}");
    }
}

#[test]
fn jumps_records_texts_and_maps() {
    use Value::{Bool, Int, None};
    let record = Value::Record([Int(1), Value::text("x")].into());
    assert_eq!(run(std::slice::from_ref(&record), &[Instr::Field(1)]), Ok(Value::text("x")));
    assert_eq!(run(&[None], &[Instr::OptField(1)]), Ok(None));
    assert!(run(&[None], &[Instr::Field(1)]).unwrap_err().is_fault());
    assert_eq!(run(&[record, Int(5)], &[Instr::With(vec![0])]), Ok(Value::Record([Int(5), Value::text("x")].into())));
    // a ?? b: constants 0 and 1 are on the stack already, so the code pushes its own.
    let or_else = |value: Value| {
        let code = Code {
            ops: vec![Instr::Const(0), Instr::ElseJump(3), Instr::Const(1)],
            consts: vec![value, Int(9)],
            locals: 0,
        };
        eval(&world(), &code, &[])
    };
    assert_eq!((or_else(None), or_else(Int(1))), (Ok(Int(9)), Ok(Int(1))));
    let and = Code {
        ops: vec![Instr::Const(0), Instr::AndJump(5), Instr::Const(1), Instr::Const(1), Instr::Div],
        consts: vec![Bool(false), Int(0)],
        locals: 0,
    };
    assert_eq!(eval(&world(), &and, &[]), Ok(Bool(false)));
    assert_eq!(
        run(
            &[Int(2), Int(20), Int(1), Int(10), Int(2), Int(21)],
            &[Instr::Map(3), Instr::Const(0), Instr::Method(Method::Get)]
        ),
        Ok(Int(21))
    );
    assert_eq!(
        run(&[Value::text("Order "), Int(7), eur("1.5")], &[Instr::Concat(3)]),
        Ok(Value::text("Order 71.50 EUR"))
    );
    let mut world = world();
    world.slots = vec![Value::Record([Value::Record([Int(3)].into())].into())];
    let slot = Slot { scope: ScopeId(0), at: 0 };
    let path = Code { ops: vec![Instr::Slot(slot), Instr::Field(0), Instr::Field(0)], ..Code::default() };
    assert_eq!(eval(&world, &path, &[]), Ok(Int(3)));
}

#[test]
fn functions_and_decisions() {
    use Value::Int;
    let mut world = world();
    world.bundle.functions.push(crate::Function {
        name: "half".to_owned(),
        params: 1,
        code: Code { ops: vec![Instr::Local(0), Instr::Const(0), Instr::Div], consts: vec![Int(2)], locals: 1 },
    });
    // Calls itself: only damaged code does.
    world.bundle.functions.push(crate::Function {
        name: "loop".to_owned(),
        params: 0,
        code: Code { ops: vec![Instr::Call(FunctionId(1))], ..Code::default() },
    });
    let cell = |limit: i64| {
        Some(Code { ops: vec![Instr::Local(0), Instr::Const(0), Instr::Lt], consts: vec![Int(limit)], locals: 1 })
    };
    let row =
        |cell, result: i64| DecisionRow { cells: vec![cell], result: Code::constant(Int(result)), span: SpanId(0) };
    world.bundle.decisions.push(Decision {
        name: "size".to_owned(),
        columns: vec![Column { name: "n".to_owned(), ty: Type::Int }],
        result: Type::Int,
        policy: HitPolicy::First,
        rows: vec![row(cell(10), 1), row(cell(100), 2)],
    });
    let call = [Instr::Call(FunctionId(0)), Instr::Decide(DecisionId(0))];
    assert_eq!(run_in(&world, &[Int(8)], &call), Ok(Int(1)));
    assert_eq!(run_in(&world, &[Int(80)], &call), Ok(Int(2)));
    assert_eq!(*world.hits.borrow(), [(DecisionId(0), 0), (DecisionId(0), 1)]);
    let no_row = EvalError::NoDecisionRow { decision: "size".to_owned() };
    assert_eq!(run_in(&world, &[Int(800)], &call), Err(no_row));
    assert!(matches!(run_in(&world, &[], &[Instr::Call(FunctionId(1))]), Err(EvalError::BadCode { .. })));
}

#[test]
fn rows_that_hold_together() {
    use Value::Int;
    let below = |limit: i64, result: i64| DecisionRow {
        cells: vec![Some(Code {
            ops: vec![Instr::Local(0), Instr::Const(0), Instr::Lt],
            consts: vec![Int(limit)],
            locals: 1,
        })],
        result: Code::constant(Int(result)),
        span: SpanId(0),
    };
    let decision = |policy| Decision {
        name: "size".to_owned(),
        columns: vec![Column { name: "n".to_owned(), ty: Type::Int }],
        result: Type::Int,
        policy,
        rows: vec![below(10, 1), below(100, 1), below(1_000, 3)],
    };
    let list = |items: &[i64]| Ok(Value::List(items.iter().map(|n| Int(*n)).collect()));
    let several = |rows| Err(EvalError::SeveralDecisionRows { decision: "size".to_owned(), rows });
    let differ = |rows| Err(EvalError::DecisionRowsDiffer { decision: "size".to_owned(), rows });
    let none = || Err(EvalError::NoDecisionRow { decision: "size".to_owned() });
    for (policy, n, wanted, hits) in [
        (HitPolicy::First, 5, Ok(Int(1)), vec![0]),
        (HitPolicy::First, 50, Ok(Int(1)), vec![1]),
        (HitPolicy::First, 5_000, none(), vec![]),
        (HitPolicy::Unique, 500, Ok(Int(3)), vec![2]),
        (HitPolicy::Unique, 50, several((2, 3)), vec![]),
        (HitPolicy::Unique, 5_000, none(), vec![]),
        (HitPolicy::Any, 500, Ok(Int(3)), vec![2]),
        (HitPolicy::Any, 5, differ((1, 3)), vec![]),
        (HitPolicy::Any, 5_000, none(), vec![]),
        (HitPolicy::Collect, 5, list(&[1, 1, 3]), vec![0, 1, 2]),
        (HitPolicy::Collect, 500, list(&[3]), vec![2]),
        (HitPolicy::Collect, 5_000, list(&[]), vec![]),
    ] {
        let mut world = world();
        world.bundle.decisions.push(decision(policy));
        assert_eq!(run_in(&world, &[Int(n)], &[Instr::Decide(DecisionId(0))]), wanted, "{policy:?} {n}");
        let hits: Vec<_> = hits.into_iter().map(|row| (DecisionId(0), row)).collect();
        assert_eq!(*world.hits.borrow(), hits, "{policy:?} {n}");
    }
    let mut world = world();
    world.bundle.decisions.push(Decision { rows: vec![below(10, 1), below(100, 1)], ..decision(HitPolicy::Any) });
    assert_eq!(run_in(&world, &[Int(5)], &[Instr::Decide(DecisionId(0))]), Ok(Int(1)), "they agree");
}

#[test]
fn business_time_of_one_store() {
    let mut world = world();
    let all_day = |name: &str, to: u16| Calendar {
        name: name.to_owned(),
        zone: "UTC".to_owned(),
        week: std::array::from_fn(|_| vec![(0, to)]),
        closed: vec![],
    };
    world.bundle.calendars = vec![all_day("hours", 1), all_day("hours(A)", 60), all_day("hours(B)", 1_440)];
    let due = |entry: &str| {
        let two_hours = Value::BusinessDuration { days: 0, ms: 2 * HOUR };
        run_in(&world, &[two_hours, Value::text("hours"), Value::text(entry)], &[Instr::CalendarOf, Instr::BusinessDue])
    };
    assert_eq!(due("B"), Ok(Value::Instant(1_000 + 2 * HOUR)));
    // An hour less one second today, the rest tomorrow, the last second the day after.
    assert_eq!(due("A"), Ok(Value::Instant(2 * DAY + 1_000)));
    assert_eq!(due("C"), Err(EvalError::NoCalendarEntry { calendar: "hours".to_owned(), entry: "C".to_owned() }));
}

#[test]
fn a_share_of_the_time_until_something_is_due() {
    let mut world = world();
    let hours = |name: &str, to: u16| Calendar {
        name: name.to_owned(),
        zone: "UTC".to_owned(),
        week: std::array::from_fn(|_| vec![(0, to)]),
        closed: vec![],
    };
    // Open for an hour a day, from midnight on; now it is one second past.
    world.bundle.calendars = vec![hours("desk", 60)];
    let at = |due: i64, percent: i64, calendar: Option<&str>| {
        let share = Value::Decimal(rust_decimal::Decimal::new(percent, 2));
        let given: Vec<Value> = [Value::Instant(due), share].into_iter().chain(calendar.map(Value::text)).collect();
        run_in(&world, &given, &[Instr::ShareOfTime { in_calendar: calendar.is_some() }])
    };
    let instant = |ms: i64| Ok(Value::Instant(ms));
    assert_eq!(at(1_000 + 4 * HOUR, 75, None), instant(1_000 + 3 * HOUR));
    // Two hours and a second less one: today's hour without its first second, tomorrow's, one second the day after.
    let due = 2 * DAY + 1_000;
    assert_eq!(at(due, 50, Some("desk")), instant(DAY + 1_000), "in opening hours");
    assert_eq!(at(due, 75, Some("desk")), instant(DAY + 1_000 + HOUR / 2));
    assert_eq!(at(1_000, 75, Some("desk")), instant(1_000), "what is due at once has no parts");
    assert!(at(due, 50, Some("till")).is_err());
}

#[test]
fn limits() {
    let many = list(&vec![Value::Int(1); 2_000]);
    let nested = Code {
        // 2,000 × 2,000 closures take more than a million steps.
        ops: vec![
            Instr::Const(0),
            Instr::Each { method: ListMethod::Map, item: 0, body: 3 },
            Instr::Const(0),
            Instr::Each { method: ListMethod::Sum, item: 1, body: 1 },
            Instr::Local(1),
        ],
        consts: vec![many],
        locals: 2,
    };
    assert_eq!(eval(&world(), &nested, &[]), Err(EvalError::Fuel));
    let long = Value::text("x".repeat(TEXT_BYTES_MAX));
    assert_eq!(run(&[long.clone(), long], &[Instr::Concat(2)]), Err(EvalError::TextTooLong));
}

#[test]
fn damaged_code_is_told_and_never_panics() {
    let damaged: [&[Instr]; 9] = [
        &[],
        &[Instr::Add],
        &[Instr::Const(9)],
        &[Instr::Local(900)],
        &[Instr::Jump(0)],
        &[Instr::Now, Instr::Now],
        &[Instr::Now, Instr::Jump(99)],
        &[Instr::List(0), Instr::Each { method: ListMethod::Map, item: 0, body: u32::MAX }],
        &[Instr::Decide(DecisionId(3))],
    ];
    for ops in damaged {
        let code = Code { ops: ops.to_vec(), ..Code::default() };
        assert!(matches!(eval(&world(), &code, &[]), Err(EvalError::BadCode { .. })), "{ops:?}");
    }
}

fn any_instr() -> impl Strategy<Value = Instr> {
    let small = 0u16..4;
    prop_oneof![
        small.clone().prop_map(Instr::Const),
        small.clone().prop_map(Instr::Local),
        small.clone().prop_map(Instr::SetLocal),
        small.clone().prop_map(Instr::Field),
        small.clone().prop_map(Instr::OptField),
        small.clone().prop_map(Instr::Record),
        small.clone().prop_map(Instr::List),
        small.clone().prop_map(Instr::Map),
        small.clone().prop_map(Instr::Concat),
        small.clone().prop_map(|at| Instr::With(vec![at])),
        small.clone().prop_map(|case| Instr::Variant { case, fields: case }),
        small.clone().prop_map(|fields| Instr::Error { error: TypeId(0), fields }),
        (0u32..20).prop_map(Instr::Jump),
        (0u32..20).prop_map(Instr::AndJump),
        (0u32..20).prop_map(Instr::ElseJump),
        (0u32..2).prop_map(|at| Instr::Call(FunctionId(at))),
        (0u32..6).prop_map(|body| Instr::Each { method: ListMethod::Map, item: 0, body }),
        (0u32..6).prop_map(|body| Instr::Each { method: ListMethod::FlatMap, item: 1, body }),
        proptest::sample::select(vec![
            Instr::Now,
            Instr::Add,
            Instr::Sub,
            Instr::Mul,
            Instr::Div,
            Instr::Eq,
            Instr::Lt,
            Instr::Neg,
            Instr::Not,
            Instr::IsNone,
            Instr::ErrorText,
            Instr::Method(Method::Sum),
            Instr::Method(Method::Distinct),
            Instr::Method(Method::Take),
            Instr::Method(Method::ToText),
            Instr::Method(Method::DateIn),
            Instr::Method(Method::Allocate),
            Instr::Method(Method::Mask),
            Instr::Method(Method::Token),
            Instr::Round(Rounding::HalfUp),
            Instr::BusinessDue,
            Instr::CalendarOf,
        ]),
    ]
}

proptest! {
    #[test]
    fn no_code_panics(ops in proptest::collection::vec(any_instr(), 0..20), body in proptest::collection::vec(any_instr(), 0..6)) {
        let mut world = world();
        let consts = vec![Value::Int(i64::MAX), eur("1.5"), list(&[Value::Int(1), Value::None]), Value::text("UTC")];
        let code = Code { ops: body, consts: consts.clone(), locals: 2 };
        world.bundle.functions = vec![crate::Function { name: "f".to_owned(), params: 1, code }];
        let code = Code { ops, consts: consts.clone(), locals: 3 };
        let locals: Arc<[Value]> = consts.into();
        let first = eval(&world, &code, &locals);
        prop_assert_eq!(first, eval(&world, &code, &locals));
    }
}
