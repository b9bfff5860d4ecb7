//! List methods that take a closure.
use std::{cmp::Ordering, collections::BTreeMap, ops::Range};

use super::{
    EvalError, arith,
    machine::{Frame, Machine},
};
use crate::{ListMethod, Value};

impl Machine<'_> {
    /// Runs the closure in `body` for each element; its local `item` is the element.
    pub(super) fn each(
        &mut self,
        frame: Frame<'_>,
        method: ListMethod,
        item: u16,
        list: &[Value],
        body: Range<usize>,
    ) -> Result<Value, EvalError> {
        let call = |machine: &mut Self, element: &Value| {
            machine.set_local(frame, item, element.clone())?;
            machine.spend(1)?;
            machine.run(frame, body.start, body.end)
        };
        match method {
            ListMethod::Map => {
                let mut out = Vec::with_capacity(list.len());
                for element in list {
                    out.push(call(self, element)?);
                }
                Ok(Value::List(out.into()))
            }
            ListMethod::Filter => {
                let mut out = Vec::new();
                for element in list {
                    if holds(call(self, element)?)? {
                        out.push(element.clone());
                    }
                }
                Ok(Value::List(out.into()))
            }
            ListMethod::Count => {
                let mut count = 0;
                for element in list {
                    count += i64::from(holds(call(self, element)?)?);
                }
                Ok(Value::Int(count))
            }
            ListMethod::Any | ListMethod::All => {
                let stop = method == ListMethod::Any;
                for element in list {
                    if holds(call(self, element)?)? == stop {
                        return Ok(Value::Bool(stop));
                    }
                }
                Ok(Value::Bool(!stop))
            }
            ListMethod::First => {
                for element in list {
                    if holds(call(self, element)?)? {
                        return Ok(element.clone());
                    }
                }
                Ok(Value::None)
            }
            ListMethod::Sum => {
                let mut sum = Value::None;
                for element in list {
                    let value = call(self, element)?;
                    sum = plus(sum, value)?;
                }
                Ok(sum)
            }
            ListMethod::Min | ListMethod::Max => {
                let mut best = Value::None;
                for element in list {
                    let value = call(self, element)?;
                    best = better(best, value, method == ListMethod::Max)?;
                }
                Ok(best)
            }
            ListMethod::SortBy => {
                let mut keyed = Vec::with_capacity(list.len());
                for element in list {
                    keyed.push((call(self, element)?, element.clone()));
                }
                sort(&mut keyed)?;
                Ok(Value::List(keyed.into_iter().map(|(_, element)| element).collect()))
            }
            ListMethod::GroupBy => {
                let mut groups: BTreeMap<Value, Vec<Value>> = BTreeMap::new();
                for element in list {
                    let key = call(self, element)?;
                    self.weigh(&key)?;
                    groups.entry(key).or_default().push(element.clone());
                }
                Ok(Value::Map(groups.into_iter().map(|(key, group)| (key, Value::List(group.into()))).collect()))
            }
            ListMethod::FlatMap => {
                let mut out = Vec::new();
                for element in list {
                    let Value::List(inner) = call(self, element)? else {
                        return Err(EvalError::mismatch("the closure of `flat_map` gives a list"));
                    };
                    self.limit(out.len() + inner.len())?;
                    self.spend(inner.len())?;
                    out.extend_from_slice(&inner);
                }
                Ok(Value::List(out.into()))
            }
        }
    }
}

/// The sum so far and one more; absent before the first.
pub(super) fn plus(sum: Value, value: Value) -> Result<Value, EvalError> {
    if sum == Value::None { Ok(value) } else { arith::add(&sum, &value) }
}

/// The better of two; an absent value is never better.
pub(super) fn better(best: Value, value: Value, greatest: bool) -> Result<Value, EvalError> {
    if best == Value::None {
        return Ok(value);
    }
    if value == Value::None {
        return Ok(best);
    }
    let order = arith::order(&value, &best)?;
    Ok(if (greatest && order.is_gt()) || (!greatest && order.is_lt()) { value } else { best })
}

/// Sorts by the keys, equals in their old order, absent keys last.
fn sort(keyed: &mut [(Value, Value)]) -> Result<(), EvalError> {
    let mut fault = None;
    keyed.sort_by(|(a, _), (b, _)| match (a, b) {
        (Value::None, Value::None) => Ordering::Equal,
        (Value::None, _) => Ordering::Greater,
        (_, Value::None) => Ordering::Less,
        _ => arith::order(a, b).unwrap_or_else(|error| {
            fault = Some(error);
            Ordering::Equal
        }),
    });
    fault.map_or(Ok(()), Err)
}

fn holds(value: Value) -> Result<bool, EvalError> {
    match value {
        Value::Bool(holds) => Ok(holds),
        other => Err(EvalError::mismatch(format!("a closure's condition gave {}", other.kind()))),
    }
}
