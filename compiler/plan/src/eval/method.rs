//! Methods without a closure.
use super::{EvalError, TEXT_BYTES_MAX, arith, list, machine::Machine};
use crate::{Method, Value, calendar, text};

impl Machine<'_> {
    /// Pops what the method needs; gives its value.
    pub(super) fn method(&mut self, floor: usize, method: Method) -> Result<Value, EvalError> {
        match method {
            Method::Count => match self.pop(floor)? {
                Value::Map(map) => Ok(int(map.len())),
                Value::List(list) => Ok(int(list.len())),
                other => Err(no_method(&other, "elements")),
            },
            Method::Sum => {
                let list = self.pop_list(floor)?;
                self.spend(list.len())?;
                list.iter().cloned().try_fold(Value::None, list::plus)
            }
            Method::Min | Method::Max => {
                let list = self.pop_list(floor)?;
                self.spend(list.len())?;
                let greatest = method == Method::Max;
                list.iter().cloned().try_fold(Value::None, |best, value| list::better(best, value, greatest))
            }
            Method::First => Ok(self.pop_list(floor)?.first().cloned().unwrap_or(Value::None)),
            Method::Distinct => {
                let list = self.pop_list(floor)?;
                let mut seen = std::collections::BTreeSet::new();
                let mut out = Vec::new();
                for value in list.iter() {
                    self.weigh(value)?;
                    if seen.insert(value) {
                        out.push(value.clone());
                    }
                }
                Ok(Value::List(out.into()))
            }
            Method::Take => {
                let Value::Int(count) = self.pop(floor)? else {
                    return Err(EvalError::mismatch("`take` counts with an Int"));
                };
                let list = self.pop_list(floor)?;
                let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
                if count >= list.len() {
                    return Ok(Value::List(list));
                }
                self.spend(count)?;
                Ok(Value::List(list.iter().take(count).cloned().collect()))
            }
            Method::Contains => {
                let wanted = self.pop(floor)?;
                let list = self.pop_list(floor)?;
                for value in list.iter() {
                    if self.same(value, &wanted)? {
                        return Ok(Value::Bool(true));
                    }
                }
                Ok(Value::Bool(false))
            }
            Method::Get => {
                let key = self.pop(floor)?;
                let Value::Map(map) = self.pop(floor)? else {
                    return Err(EvalError::mismatch("`get` looks into a map"));
                };
                self.weigh(&key)?;
                let at = map.binary_search_by(|(other, _)| other.cmp(&key));
                Ok(at.ok().and_then(|at| map.get(at)).map_or(Value::None, |(_, value)| value.clone()))
            }
            Method::ToText => {
                let value = self.pop(floor)?;
                if let Value::Text(_) = value {
                    return Ok(value);
                }
                let (mut out, mut cost) = (String::new(), 0);
                text::write_text(self.env, &value, TEXT_BYTES_MAX, &mut out, &mut cost)
                    .map_err(|_| EvalError::TextTooLong)?;
                self.spend(cost)?;
                Ok(Value::text(out))
            }
            Method::Length => {
                let text = self.pop_text(floor)?;
                self.spend(text.len() / 64)?;
                Ok(int(text.chars().count()))
            }
            Method::Currency => match self.pop(floor)? {
                Value::Money(money) => Ok(Value::Currency(money.currency)),
                other => Err(no_method(&other, "currency")),
            },
            Method::Amount => match self.pop(floor)? {
                Value::Money(money) => Ok(Value::Decimal(money.amount)),
                other => Err(no_method(&other, "amount")),
            },
            Method::Abs => arith::abs(&self.pop(floor)?),
            Method::DateIn => {
                let zone = self.pop_text(floor)?;
                let Value::Instant(ms) = self.pop(floor)? else {
                    return Err(EvalError::mismatch("only an Instant has a date in a zone"));
                };
                let zone = jiff::tz::TimeZone::get(&zone)
                    .map_err(|_| EvalError::UnknownZone { zone: zone.as_ref().to_owned() })?;
                let at = jiff::Timestamp::from_millisecond(ms).map_err(|_| EvalError::InstantOutOfRange)?;
                Ok(Value::Date(calendar::date_to_day(zone.to_datetime(at).date())))
            }
            Method::Allocate => {
                let weights = self.pop_list(floor)?;
                self.spend(weights.len().saturating_mul(4))?;
                let total = self.pop(floor)?;
                Ok(Value::List(arith::allocate(&total, &weights)?.into()))
            }
            Method::Mask => Ok(Value::text(text::mask(&self.pop_text(floor)?))),
            Method::Token => {
                let text = self.pop_text(floor)?;
                self.spend(text.len() / 64)?;
                Ok(Value::text(text::token(&text)))
            }
        }
    }
}

fn int(len: usize) -> Value {
    Value::Int(i64::try_from(len).unwrap_or(i64::MAX))
}

fn no_method(value: &Value, what: &str) -> EvalError {
    EvalError::mismatch(format!("{} has no {what}", value.kind()))
}
