//! Sharing an amount out: no cent is lost, none is made, and nobody gets one without a weight.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is a finding")]

use flowline_plan::{Bundle, Code, ConstEnv, EvalError, Instr, Method, Money, Value, eval};
use proptest::prelude::*;
use rust_decimal::Decimal;

fn allocate(total: Money, weights: &[Decimal]) -> Result<Vec<Money>, EvalError> {
    let bundle = Bundle::default();
    let weights: Vec<Value> = weights.iter().map(|weight| Value::Decimal(*weight)).collect();
    let code = Code {
        ops: vec![Instr::Const(0), Instr::Const(1), Instr::Method(Method::Allocate)],
        consts: vec![Value::Money(total), Value::List(weights.into())],
        locals: 0,
    };
    let Value::List(parts) = eval(&ConstEnv { bundle: &bundle, now: 0 }, &code, &[])? else { panic!("no list") };
    let part = |value: &Value| {
        let Value::Money(money) = value else { panic!("no money: {value:?}") };
        *money
    };
    Ok(parts.iter().map(part).collect())
}

/// An amount in the currency's smallest unit.
fn money(units: i64, currency: &str) -> Money {
    let currency: flowline_plan::Currency = currency.parse().unwrap();
    Money { currency, amount: Decimal::from_i128_with_scale(i128::from(units), currency.digits()) }
}

/// How many of the smallest unit; none where it isn't whole.
fn units(money: &Money) -> Option<i128> {
    let scaled = money.amount * Decimal::from(10_i64.pow(money.currency.digits()));
    scaled.is_integer().then(|| scaled.normalize().mantissa())
}

fn any_currency() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["EUR", "JPY", "KWD"])
}

proptest! {
    #[test]
    fn whole_weights(
        total in prop_oneof![-1_000i64..1_000, -1_000_000_000_000i64..1_000_000_000_000],
        weights in proptest::collection::vec(prop_oneof![Just(0i64), 1i64..5, 0i64..1_000_000], 1..60),
        currency in any_currency(),
    ) {
        let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
        let given: Vec<Decimal> = weights.iter().map(|weight| Decimal::from(*weight)).collect();
        let parts = allocate(money(total, currency), &given);
        if sum == 0 {
            prop_assert_eq!(parts, Err(EvalError::BadWeights));
            return Ok(());
        }
        let parts: Vec<i128> = parts.unwrap().iter().map(|part| units(part).expect("whole")).collect();
        let total = i128::from(total);
        prop_assert_eq!(parts.iter().sum::<i128>(), total);
        for (part, weight) in parts.iter().zip(&weights) {
            let weight = i128::from(*weight);
            // Less than one unit away from the exact share, and on the same side of nothing.
            prop_assert!((part * sum - total * weight).abs() < sum, "{} for {}", part, weight);
            prop_assert!(part * total >= 0 && (weight > 0 || *part == 0), "{} for {}", part, weight);
        }
        for (a, a_weight) in parts.iter().zip(&weights) {
            for (b, b_weight) in parts.iter().zip(&weights) {
                prop_assert!(a_weight <= b_weight || a.abs() >= b.abs(), "{} for {}, {} for {}", a, a_weight, b, b_weight);
            }
        }
    }

    #[test]
    fn weights_of_many_digits(
        total in -1_000_000_000_000i64..1_000_000_000_000,
        weights in proptest::collection::vec((0u64..=u64::MAX, 0u32..=18, any::<bool>()), 1..200),
        currency in any_currency(),
    ) {
        let weights: Vec<Decimal> = weights
            .into_iter()
            .map(|(digits, scale, zero)| Decimal::from_i128_with_scale(if zero { 0 } else { i128::from(digits) }, scale))
            .collect();
        let parts = match allocate(money(total, currency), &weights) {
            Ok(parts) => parts,
            Err(error) => {
                prop_assert!(weights.iter().all(Decimal::is_zero) && error == EvalError::BadWeights, "{error}");
                return Ok(());
            }
        };
        let units: Vec<i128> = parts.iter().map(|part| units(part).expect("whole")).collect();
        prop_assert_eq!(units.iter().sum::<i128>(), i128::from(total));
        for (part, weight) in units.iter().zip(&weights) {
            prop_assert!(!weight.is_zero() || *part == 0, "{} for nothing", part);
            prop_assert!(part * i128::from(total) >= 0, "{} of {}", part, total);
        }
    }
}

#[test]
fn what_can_not_be_shared_out() {
    let total = money(1_000, "EUR");
    for weights in [vec![], vec![Decimal::ZERO], vec![Decimal::ONE, -Decimal::ONE]] {
        assert_eq!(allocate(total, &weights), Err(EvalError::BadWeights), "{weights:?}");
    }
    let huge = Money { amount: Decimal::MAX, ..total };
    let parts = allocate(huge, &[Decimal::TWO, Decimal::ONE]).unwrap();
    assert_eq!(parts.iter().map(|part| part.amount).sum::<Decimal>(), Decimal::MAX);
    assert_eq!(allocate(total, &[Decimal::MAX, Decimal::MAX]), Err(EvalError::Overflow));
}

#[test]
fn many_weights_and_few_cents() {
    let weights = vec![Decimal::ONE; 20_000];
    let parts = allocate(money(3, "EUR"), &weights).unwrap();
    let with_one = parts.iter().filter(|part| !part.amount.is_zero()).count();
    assert_eq!(
        (parts.len(), with_one, parts[0].amount, parts[3].amount),
        (20_000, 3, Decimal::new(1, 2), Decimal::ZERO)
    );
}
