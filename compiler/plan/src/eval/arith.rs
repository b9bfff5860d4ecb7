//! Arithmetic and comparison.
use rust_decimal::{Decimal, RoundingStrategy};
use std::cmp::Ordering;

use super::EvalError;
use crate::{Currency, Money, Rounding, Value};

use Value::{Date, Duration, Instant, Int, Money as Amount, Text};

pub(super) const DAY_MS: i64 = 86_400_000;

pub(super) fn add(left: &Value, right: &Value) -> Result<Value, EvalError> {
    match (left, right) {
        (Int(a), Int(b)) => checked(a.checked_add(*b)).map(Int),
        (Amount(a), Amount(b)) => Ok(money(same_currency(a, b)?, checked(a.amount.checked_add(b.amount))?)),
        (Instant(a), Duration(b)) | (Duration(b), Instant(a)) => checked(a.checked_add(*b)).map(Instant),
        (Duration(a), Duration(b)) => checked(a.checked_add(*b)).map(Duration),
        (Date(a), Duration(b)) | (Duration(b), Date(a)) => checked(a.checked_add(whole_days(*b)?)).map(Date),
        (Value::BusinessDuration { days: a_days, ms: a_ms }, Value::BusinessDuration { days: b_days, ms: b_ms }) => {
            Ok(Value::BusinessDuration {
                days: checked(a_days.checked_add(*b_days))?,
                ms: checked(a_ms.checked_add(*b_ms))?,
            })
        }
        (Text(a), Text(b)) => {
            if a.len() + b.len() > super::TEXT_BYTES_MAX {
                return Err(EvalError::TextTooLong);
            }
            Ok(Value::text(format!("{a}{b}")))
        }
        _ => decimals(left, right, "+", Decimal::checked_add),
    }
}

pub(super) fn sub(left: &Value, right: &Value) -> Result<Value, EvalError> {
    match (left, right) {
        (Int(a), Int(b)) => checked(a.checked_sub(*b)).map(Int),
        (Amount(a), Amount(b)) => Ok(money(same_currency(a, b)?, checked(a.amount.checked_sub(b.amount))?)),
        (Instant(a), Instant(b)) => checked(a.checked_sub(*b)).map(Duration),
        (Instant(a), Duration(b)) => checked(a.checked_sub(*b)).map(Instant),
        (Duration(a), Duration(b)) => checked(a.checked_sub(*b)).map(Duration),
        (Date(a), Date(b)) => Ok(Duration((i64::from(*a) - i64::from(*b)) * DAY_MS)),
        (Date(a), Duration(b)) => checked(a.checked_sub(whole_days(*b)?)).map(Date),
        _ => decimals(left, right, "-", Decimal::checked_sub),
    }
}

pub(super) fn mul(left: &Value, right: &Value) -> Result<Value, EvalError> {
    match (left, right) {
        (Int(a), Int(b)) => checked(a.checked_mul(*b)).map(Int),
        (Duration(a), Int(b)) | (Int(b), Duration(a)) => checked(a.checked_mul(*b)).map(Duration),
        (Amount(a), by) | (by, Amount(a)) => {
            let by = decimal(by).ok_or_else(|| mismatch(left, "*", right))?;
            Ok(money(a.currency, checked(a.amount.checked_mul(by))?))
        }
        _ => decimals(left, right, "*", Decimal::checked_mul),
    }
}

pub(super) fn div(left: &Value, right: &Value) -> Result<Value, EvalError> {
    match (left, right) {
        (Amount(a), Amount(b)) => {
            same_currency(a, b)?;
            quotient(a.amount, b.amount).map(Value::Decimal)
        }
        (Amount(a), by) => {
            let by = decimal(by).ok_or_else(|| mismatch(left, "/", right))?;
            Ok(money(a.currency, quotient(a.amount, by)?))
        }
        (Duration(_), Int(0)) => Err(EvalError::DivisionByZero),
        (Duration(a), Int(b)) => checked(a.checked_div(*b)).map(Duration),
        (Duration(a), Duration(b)) => quotient(Decimal::from(*a), Decimal::from(*b)).map(Value::Decimal),
        _ => match (decimal(left), decimal(right)) {
            (Some(a), Some(b)) => quotient(a, b).map(Value::Decimal),
            _ => Err(mismatch(left, "/", right)),
        },
    }
}

pub(super) fn neg(value: &Value) -> Result<Value, EvalError> {
    match value {
        Int(a) => checked(a.checked_neg()).map(Int),
        Value::Decimal(a) => Ok(Value::Decimal(-*a)),
        Amount(a) => Ok(money(a.currency, -a.amount)),
        Duration(a) => checked(a.checked_neg()).map(Duration),
        _ => Err(EvalError::mismatch(format!("{} has no sign", value.kind()))),
    }
}

pub(super) fn abs(value: &Value) -> Result<Value, EvalError> {
    match value {
        Int(a) => checked(a.checked_abs()).map(Int),
        Value::Decimal(a) => Ok(Value::Decimal(a.abs())),
        Amount(a) => Ok(money(a.currency, a.amount.abs())),
        Duration(a) => checked(a.checked_abs()).map(Duration),
        _ => Err(EvalError::mismatch(format!("{} has no sign", value.kind()))),
    }
}

pub(super) fn round(value: &Value, rounding: Rounding) -> Result<Value, EvalError> {
    let Amount(a) = value else {
        return Err(EvalError::mismatch(format!("{} can't be rounded to a currency's unit", value.kind())));
    };
    Ok(money(a.currency, a.amount.round_dp_with_strategy(a.currency.digits(), strategy(rounding))))
}

fn strategy(rounding: Rounding) -> RoundingStrategy {
    match rounding {
        Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
        Rounding::HalfEven => RoundingStrategy::MidpointNearestEven,
        Rounding::Down => RoundingStrategy::ToZero,
        Rounding::Up => RoundingStrategy::AwayFromZero,
    }
}

/// Splits a rounded amount by weights so that the parts add up to it: each part is rounded down to the minor unit,
/// and what is left goes, unit by unit, to the parts that lost most, of equals to the first.
pub(super) fn allocate(total: &Value, weights: &[Value]) -> Result<Vec<Value>, EvalError> {
    let Amount(total) = total else {
        return Err(EvalError::mismatch(format!("{} can't be shared out", total.kind())));
    };
    let weights = weights.iter().map(decimal).collect::<Option<Vec<_>>>().ok_or(EvalError::BadWeights)?;
    let mut sum = Decimal::ZERO;
    for weight in &weights {
        if weight.is_sign_negative() && !weight.is_zero() {
            return Err(EvalError::BadWeights);
        }
        sum = checked(sum.checked_add(*weight))?;
    }
    if sum.is_zero() {
        return Err(EvalError::BadWeights);
    }
    let (digits, unit) = (total.currency.digits(), Decimal::new(1, total.currency.digits()));
    let mut parts = Vec::with_capacity(weights.len());
    let mut rest = total.amount;
    for (at, weight) in weights.iter().enumerate() {
        let exact = match total.amount.checked_mul(*weight) {
            Some(product) => quotient(product, sum)?,
            // Too large on the way, not in the end.
            None => checked(total.amount.checked_mul(quotient(*weight, sum)?))?,
        };
        let part = exact.round_dp_with_strategy(digits, RoundingStrategy::ToZero);
        rest = checked(rest.checked_sub(part))?;
        parts.push((at, part, (exact - part).abs()));
    }
    parts.sort_by(|a, b| b.2.cmp(&a.2).then(a.0.cmp(&b.0)));
    let step = if rest.is_sign_negative() { -unit } else { unit };
    for (_, part, _) in &mut parts {
        if rest.abs() < unit {
            break;
        }
        *part += step;
        rest -= step;
    }
    // An amount finer than the minor unit, or digits lost at the 28th place: the first part takes the crumbs.
    if let Some((_, part, _)) = parts.first_mut() {
        *part = checked(part.checked_add(rest))?;
    }
    parts.sort_by_key(|part| part.0);
    Ok(parts.into_iter().map(|(_, part, _)| money(total.currency, part)).collect())
}

/// The four comparisons.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    Lt,
    Le,
    Gt,
    Ge,
}

pub(super) fn compare(left: &Value, right: &Value, wanted: Order) -> Result<Value, EvalError> {
    if matches!(left, Value::None) || matches!(right, Value::None) {
        return Ok(Value::Bool(false));
    }
    let order = order(left, right)?;
    Ok(Value::Bool(match wanted {
        Order::Lt => order.is_lt(),
        Order::Le => order.is_le(),
        Order::Gt => order.is_gt(),
        Order::Ge => order.is_ge(),
    }))
}

/// Which of two present values comes first.
pub(super) fn order(left: &Value, right: &Value) -> Result<Ordering, EvalError> {
    match (left, right) {
        (Int(a), Int(b)) => Ok(a.cmp(b)),
        (Amount(a), Amount(b)) => {
            same_currency(a, b)?;
            Ok(a.amount.cmp(&b.amount))
        }
        (Instant(a), Instant(b)) | (Duration(a), Duration(b)) => Ok(a.cmp(b)),
        (Date(a), Date(b)) => Ok(a.cmp(b)),
        (Text(a), Text(b)) => Ok(a.cmp(b)),
        (Value::Case(a), Value::Case(b)) => Ok(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Ok(a.cmp(b)),
        (Value::Currency(a), Value::Currency(b)) => Ok(a.cmp(b)),
        _ => match (decimal(left), decimal(right)) {
            (Some(a), Some(b)) => Ok(a.cmp(&b)),
            _ => Err(mismatch(left, "<", right)),
        },
    }
}

/// Whether two values are equal; none when the fuel runs out.
pub(super) fn same(left: &Value, right: &Value, fuel: &mut u32) -> Option<bool> {
    *fuel = fuel.checked_sub(1)?;
    match (left, right) {
        (Int(a), Value::Decimal(b)) | (Value::Decimal(b), Int(a)) => Some(Decimal::from(*a) == *b),
        (Value::Record(a), Value::Record(b)) | (Value::List(a), Value::List(b)) => all_same(a, b, fuel),
        (Value::Variant(a), Value::Variant(b)) => {
            if a.case == b.case {
                all_same(&a.fields, &b.fields, fuel)
            } else {
                Some(false)
            }
        }
        (Value::Error(a), Value::Error(b)) => {
            if a.error == b.error {
                all_same(&a.fields, &b.fields, fuel)
            } else {
                Some(false)
            }
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.len() != b.len() {
                return Some(false);
            }
            for ((a_key, a_value), (b_key, b_value)) in a.iter().zip(b.iter()) {
                if !(same(a_key, b_key, fuel)? && same(a_value, b_value, fuel)?) {
                    return Some(false);
                }
            }
            Some(true)
        }
        _ => Some(left == right),
    }
}

fn all_same(left: &[Value], right: &[Value], fuel: &mut u32) -> Option<bool> {
    if left.len() != right.len() {
        return Some(false);
    }
    for (a, b) in left.iter().zip(right) {
        if !same(a, b, fuel)? {
            return Some(false);
        }
    }
    Some(true)
}

/// Pays for each part of a value; none when the fuel runs out.
pub(super) fn weigh(value: &Value, fuel: &mut u32) -> Option<()> {
    *fuel = fuel.checked_sub(1)?;
    match value {
        Value::Record(parts) | Value::List(parts) => parts.iter().try_for_each(|part| weigh(part, fuel)),
        Value::Variant(variant) => variant.fields.iter().try_for_each(|part| weigh(part, fuel)),
        Value::Error(error) => error.fields.iter().try_for_each(|part| weigh(part, fuel)),
        Value::Map(pairs) => pairs.iter().try_for_each(|(key, value)| {
            weigh(key, fuel)?;
            weigh(value, fuel)
        }),
        _ => Some(()),
    }
}

fn decimals(
    left: &Value,
    right: &Value,
    sign: &str,
    op: impl FnOnce(Decimal, Decimal) -> Option<Decimal>,
) -> Result<Value, EvalError> {
    match (decimal(left), decimal(right)) {
        (Some(a), Some(b)) => checked(op(a, b)).map(Value::Decimal),
        _ => Err(mismatch(left, sign, right)),
    }
}

/// A number as a Decimal.
fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Int(a) => Some(Decimal::from(*a)),
        Value::Decimal(a) => Some(*a),
        _ => None,
    }
}

fn quotient(left: Decimal, right: Decimal) -> Result<Decimal, EvalError> {
    if right.is_zero() { Err(EvalError::DivisionByZero) } else { checked(left.checked_div(right)) }
}

fn checked<T>(result: Option<T>) -> Result<T, EvalError> {
    result.ok_or(EvalError::Overflow)
}

fn same_currency(left: &Money, right: &Money) -> Result<Currency, EvalError> {
    if left.currency == right.currency {
        Ok(left.currency)
    } else {
        Err(EvalError::CurrencyMismatch { left: left.currency, right: right.currency })
    }
}

fn money(currency: Currency, amount: Decimal) -> Value {
    Amount(Money { currency, amount })
}

fn whole_days(ms: i64) -> Result<i32, EvalError> {
    if ms % DAY_MS != 0 {
        return Err(EvalError::NotWholeDays { ms });
    }
    checked(i32::try_from(ms / DAY_MS).ok())
}

fn mismatch(left: &Value, sign: &str, right: &Value) -> EvalError {
    EvalError::mismatch(format!("{} {sign} {}", left.kind(), right.kind()))
}
