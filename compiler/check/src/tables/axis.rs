//! A column of a table, cut into pieces between which no cell of it tells a difference.

use crate::model::{BinaryOp, Model, Ty, TypeKind};
use flowline_plan::{Currency, Value, scalar_text};
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// A cell as a set of values.
#[derive(Debug)]
pub(super) enum Cell {
    /// `-`
    Any,
    /// `none`
    Absent,
    /// Holds where all tests of one of the groups hold.
    Tests(Vec<Vec<Test>>),
    /// It looks at what isn't known before it runs.
    Unknown,
}

/// A comparison with a constant.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) op: BinaryOp,
    pub(super) value: Value,
}

/// Values of a column that every cell treats alike.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    Absent,
    /// One value that stands for all of them.
    Like(Value),
    /// None of those that the cells name.
    Other,
}

/// How the numbers of a column lie.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// The distance of neighbours; none where there is always one in between.
    step: Option<Decimal>,
    make: fn(Decimal, Option<Currency>) -> Option<Value>,
    currency: Option<Currency>,
}

/// The pieces of a column. Empty where its cells can't be compared with each other.
pub(super) fn pieces(model: &Model, ty: &Ty, cells: &[&Cell]) -> Vec<Piece> {
    let (inner, optional) = match ty {
        Ty::Optional(inner) => (inner.as_ref(), true),
        ty => (ty, false),
    };
    let mut named: Vec<&Value> = Vec::new();
    for cell in cells {
        if let Cell::Tests(groups) = cell {
            named.extend(groups.iter().flatten().map(|test| &test.value));
        }
    }
    named.sort();
    named.dedup();
    let mut pieces = match inner {
        Ty::Bool => vec![Piece::Like(Value::Bool(false)), Piece::Like(Value::Bool(true))],
        Ty::Named(id) => match model.ty(*id).map(|def| &def.kind) {
            Some(TypeKind::Enum(cases)) => {
                (0..cases.len()).filter_map(|case| Some(Piece::Like(Value::Case(u16::try_from(case).ok()?)))).collect()
            }
            _ => one_by_one(&named),
        },
        _ => match scale(inner, &named) {
            Some(scale) => numbers(&named, scale),
            None if named.iter().any(|value| number(value).is_some()) => return Vec::new(),
            None => one_by_one(&named),
        },
    };
    if optional {
        pieces.push(Piece::Absent);
    }
    pieces
}

/// Whether a cell holds for the values of a piece; none where that isn't known.
pub(super) fn holds(cell: &Cell, piece: &Piece) -> Option<bool> {
    Some(match (cell, piece) {
        (Cell::Any, _) | (Cell::Absent, Piece::Absent) => true,
        (Cell::Unknown, _) => return None,
        (Cell::Absent, Piece::Like(_) | Piece::Other) | (Cell::Tests(_), Piece::Absent) => false,
        (Cell::Tests(groups), piece) => groups.iter().any(|tests| tests.iter().all(|test| passes(test, piece))),
    })
}

fn passes(test: &Test, piece: &Piece) -> bool {
    let Piece::Like(value) = piece else { return test.op == BinaryOp::NotEqual };
    let order = match (number(value), number(&test.value)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => value.cmp(&test.value),
    };
    match test.op {
        BinaryOp::Equal => order.is_eq(),
        BinaryOp::NotEqual => order.is_ne(),
        BinaryOp::Less => order.is_lt(),
        BinaryOp::LessOrEqual => order.is_le(),
        BinaryOp::Greater => order.is_gt(),
        BinaryOp::GreaterOrEqual => order.is_ge(),
        BinaryOp::Or
        | BinaryOp::And
        | BinaryOp::Default
        | BinaryOp::Add
        | BinaryOp::Subtract
        | BinaryOp::Multiply
        | BinaryOp::Divide => false,
    }
}

/// A piece in the author's words; `percent` where the column is written so.
pub(super) fn words(model: &Model, ty: &Ty, piece: &Piece, percent: bool) -> String {
    let inner = match ty {
        Ty::Optional(inner) => inner.as_ref(),
        ty => ty,
    };
    match (piece, inner) {
        (Piece::Absent, _) => "none".to_owned(),
        (Piece::Other, _) => "anything else".to_owned(),
        (Piece::Like(Value::Case(case)), Ty::Named(id)) => match model.ty(*id).map(|def| &def.kind) {
            Some(TypeKind::Enum(cases)) => {
                cases.get(usize::from(*case)).map_or_else(String::new, |case| case.name.clone())
            }
            _ => String::new(),
        },
        (Piece::Like(Value::Decimal(share)), _) if percent => {
            format!("{}%", (share * Decimal::ONE_HUNDRED).normalize())
        }
        (Piece::Like(Value::Decimal(number)), _) => number.normalize().to_string(),
        (Piece::Like(Value::Text(text)), _) => format!("\"{text}\""),
        (Piece::Like(value), _) => scalar_text(value),
    }
}

/// Each value that is named, and all others.
fn one_by_one(named: &[&Value]) -> Vec<Piece> {
    named.iter().map(|value| Piece::Like((*value).clone())).chain([Piece::Other]).collect()
}

/// A value as a place on a line of numbers.
fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Int(n) | Value::Instant(n) | Value::Duration(n) => Some((*n).into()),
        Value::Date(days) => Some((*days).into()),
        Value::Decimal(n) => Some(*n),
        Value::Money(money) => Some(money.amount),
        _ => None,
    }
}

fn scale(ty: &Ty, named: &[&Value]) -> Option<Scale> {
    let whole = Some(Decimal::ONE);
    let plain = |step, make| Some(Scale { step, make, currency: None });
    match ty {
        Ty::Int => plain(whole, |n, _| n.to_i64().map(Value::Int)),
        Ty::Instant => plain(whole, |n, _| n.to_i64().map(Value::Instant)),
        Ty::Duration => plain(whole, |n, _| n.to_i64().map(Value::Duration)),
        Ty::Date => plain(whole, |n, _| n.to_i32().map(Value::Date)),
        Ty::Decimal => plain(None, |n, _| Some(Value::Decimal(n))),
        Ty::Money(_) | Ty::MoneyOf(_, _, true) => {
            let mut currencies = named.iter().filter_map(|value| match value {
                Value::Money(money) => Some(money.currency),
                _ => None,
            });
            let currency = currencies.next()?;
            currencies.all(|other| other == currency).then_some(Scale {
                step: Some(Decimal::new(1, currency.digits())),
                make: |amount, currency| Some(Value::Money(flowline_plan::Money { amount, currency: currency? })),
                currency: Some(currency),
            })
        }
        _ => None,
    }
}

/// The constants, what lies between them and beyond.
fn numbers(named: &[&Value], scale: Scale) -> Vec<Piece> {
    let mut places: Vec<Decimal> = named.iter().filter_map(|value| number(value)).collect();
    places.sort();
    places.dedup();
    let step = scale.step.unwrap_or_else(|| places.iter().map(unit).min().unwrap_or(Decimal::ONE));
    let mut found: Vec<Option<Decimal>> = Vec::new();
    match places.first() {
        Some(first) => found.push(first.checked_sub(step)),
        None => found.push(Some(Decimal::ZERO)),
    }
    for (at, place) in places.iter().enumerate() {
        found.push(Some(*place));
        match places.get(at + 1) {
            Some(next) => found.push(between(*place, *next, scale.step)),
            None => found.push(place.checked_add(step)),
        }
    }
    found.into_iter().flatten().filter_map(|place| (scale.make)(place, scale.currency)).map(Piece::Like).collect()
}

/// One in the last digit of a number.
fn unit(number: &Decimal) -> Decimal {
    Decimal::new(1, number.normalize().scale())
}

/// A number between two others, the roundest that is near the lower one; none where there is nothing in between.
fn between(low: Decimal, high: Decimal, step: Option<Decimal>) -> Option<Decimal> {
    let small = step.unwrap_or_else(|| unit(&low).min(unit(&high)));
    let next = low.checked_add(small)?;
    match step {
        _ if next < high => Some(next),
        Some(_) => None,
        None => Some((low + high) / Decimal::TWO),
    }
}
