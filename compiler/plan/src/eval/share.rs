//! A part of the time until something is due.
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::{EvalError, machine::Machine};
use crate::Value;

impl Machine<'_> {
    /// The instant at which a share of the time until another one is over: of its opening time where a calendar counts.
    pub(super) fn share_of_time(&mut self, floor: usize, in_calendar: bool) -> Result<(), EvalError> {
        let name = if in_calendar { Some(self.pop_text(floor)?) } else { None };
        let (share, due) = (self.pop(floor)?, self.pop(floor)?);
        let (Value::Decimal(share), Value::Instant(due)) = (share, due) else {
            return Err(EvalError::mismatch("a share of the time until an instant"));
        };
        let now = self.env.now();
        let at = match name {
            None => now.saturating_add(share_of(due.saturating_sub(now), share)?),
            Some(name) => {
                let calendar = self.env.bundle().calendar(&name);
                let calendar = calendar.ok_or_else(|| EvalError::bad("no such calendar"))?;
                let failed = |why| EvalError::NoCalendarTime { calendar: calendar.name.clone(), why };
                let open_ms = calendar.opening_ms_between(now, due).map_err(failed)?;
                calendar.due(now, 0, share_of(open_ms, share)?).map_err(failed)?
            }
        };
        self.push(Value::Instant(at))
    }
}

/// A share of a time, to the millisecond.
fn share_of(ms: i64, share: Decimal) -> Result<i64, EvalError> {
    let part = Decimal::from(ms).checked_mul(share).ok_or(EvalError::Overflow)?;
    part.round().to_i64().ok_or(EvalError::Overflow)
}
