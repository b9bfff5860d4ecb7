//! The loop over the instructions.
use std::sync::Arc;

use super::{
    DEPTH_MAX, Env, EvalError, FUEL_MAX, LIST_LEN_MAX, STACK_LEN_MAX, TEXT_BYTES_MAX,
    arith::{self, Order},
};
use crate::{
    Code, DecisionId, DecisionRow, ErrorValue, FunctionId, HitPolicy, Instr, TypeId, Value, VariantValue, calendar,
    text,
};

/// One evaluation. Locals and intermediate values share one stack: a frame's locals lie at `base`, its
/// intermediate values above them.
pub(super) struct Machine<'e> {
    pub(super) env: &'e dyn Env,
    pub(super) stack: Vec<Value>,
    fuel: u32,
    depth: u32,
}

/// The code that runs and where its locals are.
#[derive(Clone, Copy)]
pub(super) struct Frame<'c> {
    code: &'c Code,
    base: usize,
    locals: usize,
}

impl<'e> Machine<'e> {
    pub(super) fn new(env: &'e dyn Env) -> Self {
        Self { env, stack: Vec::new(), fuel: FUEL_MAX, depth: 0 }
    }

    pub(super) fn start(mut self, code: &Code, locals: &[Value]) -> Result<Value, EvalError> {
        self.stack.reserve(usize::from(code.locals).max(locals.len()) + 8);
        self.stack.extend_from_slice(locals);
        self.enter(code, 0, locals.len())
    }

    /// Runs `code` with the `given` values at `base` as its first locals, and leaves them where they are.
    fn enter(&mut self, code: &Code, base: usize, given: usize) -> Result<Value, EvalError> {
        let locals = usize::from(code.locals).max(given);
        if base + locals > STACK_LEN_MAX {
            return Err(EvalError::Fuel);
        }
        self.stack.resize(base + locals, Value::None);
        let value = self.run(Frame { code, base, locals }, 0, code.ops.len())?;
        self.stack.truncate(base + given);
        Ok(value)
    }

    /// Runs the instructions `from..to`, which leave one value.
    pub(super) fn run(&mut self, frame: Frame<'_>, from: usize, to: usize) -> Result<Value, EvalError> {
        if self.depth == DEPTH_MAX {
            return Err(EvalError::bad("calls nest too deep"));
        }
        self.depth += 1;
        let floor = self.stack.len();
        let mut at = from;
        while at < to {
            self.spend(1)?;
            let op = frame.code.ops.get(at).ok_or_else(|| EvalError::bad("it ends too early"))?;
            at = self.step(frame, floor, op, at + 1, to)?;
        }
        self.depth -= 1;
        let value = self.pop(floor)?;
        if self.stack.len() == floor { Ok(value) } else { Err(EvalError::bad("it leaves more than one value")) }
    }

    /// Runs one instruction; gives the position of the next one.
    fn step(
        &mut self,
        frame: Frame<'_>,
        floor: usize,
        op: &Instr,
        next: usize,
        end: usize,
    ) -> Result<usize, EvalError> {
        let jump = |target: u32| match target as usize {
            target if target >= next && target <= end => Ok(target),
            _ => Err(EvalError::bad("a jump leaves its place")),
        };
        match op {
            Instr::Const(at) => {
                let value =
                    frame.code.consts.get(usize::from(*at)).ok_or_else(|| EvalError::bad("no such constant"))?;
                self.push(value.clone())?;
            }
            Instr::Local(at) => {
                let value = self.stack.get(local(frame, *at)?).ok_or_else(no_local)?.clone();
                self.push(value)?;
            }
            Instr::SetLocal(at) => {
                let value = self.pop(floor)?;
                self.set_local(frame, *at, value)?;
            }
            Instr::Slot(slot) => self.push(self.env.slot(*slot))?,
            Instr::Now => self.push(Value::Instant(self.env.now()))?,
            Instr::Field(at) => {
                let value = self.pop(floor)?;
                self.push(self.field(&value, *at)?)?;
            }
            Instr::OptField(at) => {
                let value = self.pop(floor)?;
                self.push(if value == Value::None { value } else { self.field(&value, *at)? })?;
            }
            Instr::Record(len) => {
                let fields = self.take(floor, *len)?.collect();
                self.push(Value::Record(fields))?;
            }
            Instr::Variant { case, fields: 0 } => self.push(Value::Case(*case))?,
            Instr::Variant { case, fields } => {
                let fields = self.take(floor, *fields)?.collect();
                self.push(Value::Variant(Arc::new(VariantValue { case: *case, fields })))?;
            }
            Instr::Error { error, fields } => {
                let fields = self.take(floor, *fields)?.collect();
                let text = text::error_name(self.env.bundle(), *error).into();
                self.push(Value::Error(Arc::new(ErrorValue { error: *error, fields, text })))?;
            }
            Instr::With(fields) => self.with(floor, fields)?,
            Instr::List(len) => {
                let list = self.take(floor, *len)?.collect();
                self.push(Value::List(list))?;
            }
            Instr::Map(len) => self.map(floor, *len)?,
            Instr::Add => self.binary(floor, arith::add)?,
            Instr::Sub => self.binary(floor, arith::sub)?,
            Instr::Mul => self.binary(floor, arith::mul)?,
            Instr::Div => self.binary(floor, arith::div)?,
            Instr::Eq => self.equal(floor, true)?,
            Instr::Ne => self.equal(floor, false)?,
            Instr::Lt => self.binary(floor, |a, b| arith::compare(a, b, Order::Lt))?,
            Instr::Le => self.binary(floor, |a, b| arith::compare(a, b, Order::Le))?,
            Instr::Gt => self.binary(floor, |a, b| arith::compare(a, b, Order::Gt))?,
            Instr::Ge => self.binary(floor, |a, b| arith::compare(a, b, Order::Ge))?,
            Instr::Neg => {
                let value = self.pop(floor)?;
                self.push(arith::neg(&value)?)?;
            }
            Instr::Not => {
                let holds = self.pop_bool(floor)?;
                self.push(Value::Bool(!holds))?;
            }
            Instr::IsNone => {
                let value = self.pop(floor)?;
                self.push(Value::Bool(value == Value::None))?;
            }
            Instr::Jump(target) => return jump(*target),
            Instr::JumpIfFalse(target) => {
                if !self.pop_bool(floor)? {
                    return jump(*target);
                }
            }
            Instr::AndJump(target) => {
                if !self.pop_bool(floor)? {
                    self.push(Value::Bool(false))?;
                    return jump(*target);
                }
            }
            Instr::OrJump(target) => {
                if self.pop_bool(floor)? {
                    self.push(Value::Bool(true))?;
                    return jump(*target);
                }
            }
            Instr::ElseJump(target) => {
                let value = self.pop(floor)?;
                if value != Value::None {
                    self.push(value)?;
                    return jump(*target);
                }
            }
            Instr::IsCase(case) => {
                let value = self.pop(floor)?;
                self.push(Value::Bool(case_of(&value) == Some(*case)))?;
            }
            Instr::IsError(error) => {
                let value = self.pop(floor)?;
                self.push(Value::Bool(matches!(&value, Value::Error(is) if is.error == *error)))?;
            }
            Instr::ErrorCode => {
                let error = self.pop_error(floor)?;
                self.push(Value::text(text::error_name(self.env.bundle(), error.error)))?;
            }
            Instr::ErrorText => {
                let error = self.pop_error(floor)?;
                self.push(Value::Text(Arc::clone(&error.text)))?;
            }
            Instr::CaseName(ty) => self.case_name(floor, *ty)?,
            Instr::Call(function) => self.call(floor, *function)?,
            Instr::Decide(decision) => self.decide(floor, *decision)?,
            Instr::Each { method, item, body } => {
                let (body_end, over) = (next.checked_add(*body as usize), EvalError::bad("a closure leaves its place"));
                let body_end = body_end.filter(|at| *at <= end).ok_or(over)?;
                let list = self.pop_list(floor)?;
                let value = self.each(frame, *method, *item, &list, next..body_end)?;
                self.push(value)?;
                return Ok(body_end);
            }
            Instr::Method(method) => {
                let value = self.method(floor, *method)?;
                self.push(value)?;
            }
            Instr::Concat(len) => {
                let env = self.env;
                let mut joined = String::new();
                let mut cost = 0;
                for value in self.take(floor, *len)? {
                    text::write_text(env, &value, TEXT_BYTES_MAX, &mut joined, &mut cost)
                        .map_err(|_| EvalError::TextTooLong)?;
                }
                self.spend(cost)?;
                self.push(Value::text(joined))?;
            }
            Instr::BusinessDue => self.business_due(floor)?,
            Instr::ShareOfTime { in_calendar } => self.share_of_time(floor, *in_calendar)?,
            Instr::CalendarOf => self.calendar_of(floor)?,
            Instr::Round(rounding) => {
                let value = self.pop(floor)?;
                self.push(arith::round(&value, *rounding)?)?;
            }
        }
        Ok(next)
    }

    // --- The stack ---

    pub(super) fn spend(&mut self, fuel: usize) -> Result<(), EvalError> {
        self.fuel = u32::try_from(fuel).ok().and_then(|fuel| self.fuel.checked_sub(fuel)).ok_or(EvalError::Fuel)?;
        Ok(())
    }

    pub(super) fn push(&mut self, value: Value) -> Result<(), EvalError> {
        if self.stack.len() >= STACK_LEN_MAX {
            return Err(EvalError::Fuel);
        }
        self.stack.push(value);
        Ok(())
    }

    pub(super) fn pop(&mut self, floor: usize) -> Result<Value, EvalError> {
        if self.stack.len() <= floor {
            return Err(underflow());
        }
        self.stack.pop().ok_or_else(underflow)
    }

    fn take(&mut self, floor: usize, len: u16) -> Result<std::vec::Drain<'_, Value>, EvalError> {
        let start = self.above(floor, len)?;
        self.spend(usize::from(len))?;
        Ok(self.stack.drain(start..))
    }

    /// Where the upper `len` values begin.
    fn above(&self, floor: usize, len: u16) -> Result<usize, EvalError> {
        self.stack.len().checked_sub(usize::from(len)).filter(|at| *at >= floor).ok_or_else(underflow)
    }

    fn pop_bool(&mut self, floor: usize) -> Result<bool, EvalError> {
        match self.pop(floor)? {
            Value::Bool(holds) => Ok(holds),
            other => Err(EvalError::mismatch(format!("{} stands where a Bool should", other.kind()))),
        }
    }

    pub(super) fn pop_list(&mut self, floor: usize) -> Result<Arc<[Value]>, EvalError> {
        match self.pop(floor)? {
            Value::List(list) => Ok(list),
            other => Err(EvalError::mismatch(format!("{} stands where a list should", other.kind()))),
        }
    }

    fn pop_error(&mut self, floor: usize) -> Result<Arc<ErrorValue>, EvalError> {
        match self.pop(floor)? {
            Value::Error(error) => Ok(error),
            other => Err(EvalError::mismatch(format!("{} stands where an error should", other.kind()))),
        }
    }

    pub(super) fn set_local(&mut self, frame: Frame<'_>, at: u16, value: Value) -> Result<(), EvalError> {
        *self.stack.get_mut(local(frame, at)?).ok_or_else(no_local)? = value;
        Ok(())
    }

    // --- Instructions with more to them ---

    fn field(&self, value: &Value, at: u16) -> Result<Value, EvalError> {
        let field = match value {
            Value::Record(fields) => fields.get(usize::from(at)).cloned(),
            Value::Variant(variant) => variant.fields.get(usize::from(at)).cloned(),
            Value::Error(error) => error.fields.get(usize::from(at)).cloned(),
            Value::Resource(resource) => Some(self.env.resource_field(*resource, at)),
            _ => None,
        };
        field.ok_or_else(|| EvalError::mismatch(format!("{} has no field {at}", value.kind())))
    }

    fn with(&mut self, floor: usize, fields: &[u16]) -> Result<(), EvalError> {
        let len = u16::try_from(fields.len()).map_err(|_| EvalError::bad("too many fields"))?;
        let changes: Vec<Value> = self.take(floor, len)?.collect();
        let Value::Record(record) = self.pop(floor)? else {
            return Err(EvalError::mismatch("`with` changes a record"));
        };
        self.spend(record.len())?;
        let mut record: Vec<Value> = record.to_vec();
        for (at, value) in fields.iter().zip(changes) {
            let no_field = || EvalError::mismatch(format!("the record has no field {at}"));
            *record.get_mut(usize::from(*at)).ok_or_else(no_field)? = value;
        }
        self.push(Value::Record(record.into()))
    }

    fn map(&mut self, floor: usize, len: u16) -> Result<(), EvalError> {
        let len = len.checked_mul(2).ok_or_else(|| EvalError::bad("too many pairs"))?;
        let mut pairs = Vec::with_capacity(usize::from(len / 2));
        let mut values = self.take(floor, len)?;
        while let (Some(key), Some(value)) = (values.next(), values.next()) {
            pairs.push((key, value));
        }
        drop(values);
        for (key, _) in &pairs {
            self.weigh(key)?;
        }
        // Of equal keys the last one counts, so it must come first for `dedup_by`.
        pairs.reverse();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, kept| later.0 == kept.0);
        self.push(Value::Map(pairs.into()))
    }

    fn binary(
        &mut self,
        floor: usize,
        op: impl FnOnce(&Value, &Value) -> Result<Value, EvalError>,
    ) -> Result<(), EvalError> {
        let right = self.pop(floor)?;
        let left = self.pop(floor)?;
        let value = op(&left, &right)?;
        self.push(value)
    }

    fn equal(&mut self, floor: usize, wanted: bool) -> Result<(), EvalError> {
        let right = self.pop(floor)?;
        let left = self.pop(floor)?;
        let same = self.same(&left, &right)?;
        self.push(Value::Bool(same == wanted))
    }

    /// Whether two values are equal, numbers by what they are worth.
    pub(super) fn same(&mut self, left: &Value, right: &Value) -> Result<bool, EvalError> {
        let mut fuel = self.fuel;
        let same = arith::same(left, right, &mut fuel);
        self.fuel = fuel;
        same.ok_or(EvalError::Fuel)
    }

    /// Pays for looking at a whole value, as sorting and keys do.
    pub(super) fn weigh(&mut self, value: &Value) -> Result<(), EvalError> {
        let mut fuel = self.fuel;
        let paid = arith::weigh(value, &mut fuel);
        self.fuel = fuel;
        paid.ok_or(EvalError::Fuel)
    }

    fn case_name(&mut self, floor: usize, ty: TypeId) -> Result<(), EvalError> {
        let value = self.pop(floor)?;
        let name = case_of(&value).and_then(|case| text::case_name(self.env.bundle(), ty, case));
        let name = name.ok_or_else(|| EvalError::mismatch(format!("{} is no case of that enum", value.kind())))?;
        let name = Value::text(name);
        self.push(name)
    }

    fn call(&mut self, floor: usize, id: FunctionId) -> Result<(), EvalError> {
        let env = self.env;
        let function = env.bundle().function(id).ok_or_else(|| EvalError::bad("no such function"))?;
        let base = self.above(floor, function.params)?;
        let value = self.enter(&function.code, base, usize::from(function.params))?;
        self.stack.truncate(base);
        self.push(value)
    }

    fn decide(&mut self, floor: usize, id: DecisionId) -> Result<(), EvalError> {
        let env = self.env;
        let decision = env.bundle().decision(id).ok_or_else(|| EvalError::bad("no such decision"))?;
        let given = decision.columns.len();
        let len = u16::try_from(given).map_err(|_| EvalError::bad("too many columns"))?;
        let base = self.above(floor, len)?;
        let mut collected = Vec::new();
        let mut hit: Option<(usize, Value)> = None;
        for (at, row) in decision.rows.iter().enumerate() {
            if !self.holds(row, base, given)? {
                continue;
            }
            let rows = |first: usize| (first + 1, at + 1);
            match (decision.policy, &hit) {
                (HitPolicy::Unique, Some((first, _))) => {
                    return Err(EvalError::SeveralDecisionRows { decision: decision.name.clone(), rows: rows(*first) });
                }
                (HitPolicy::Any, Some((first, value))) => {
                    if self.enter(&row.result, base, given)? != *value {
                        let decision = decision.name.clone();
                        return Err(EvalError::DecisionRowsDiffer { decision, rows: rows(*first) });
                    }
                }
                (HitPolicy::Collect, _) => {
                    self.limit(collected.len() + 1)?;
                    collected.push(self.enter(&row.result, base, given)?);
                    env.decided(id, at);
                }
                (HitPolicy::Unique | HitPolicy::First | HitPolicy::Any, None | Some(_)) => {
                    hit = Some((at, self.enter(&row.result, base, given)?));
                    if decision.policy == HitPolicy::First {
                        break;
                    }
                }
            }
        }
        self.stack.truncate(base);
        if decision.policy == HitPolicy::Collect {
            return self.push(Value::List(collected.into()));
        }
        let Some((at, value)) = hit else {
            return Err(EvalError::NoDecisionRow { decision: decision.name.clone() });
        };
        env.decided(id, at);
        self.push(value)
    }

    /// Whether all cells of a row hold.
    fn holds(&mut self, row: &DecisionRow, base: usize, given: usize) -> Result<bool, EvalError> {
        for cell in row.cells.iter().flatten() {
            self.spend(1)?;
            match self.enter(cell, base, given)? {
                Value::Bool(true) => {}
                Value::Bool(false) => return Ok(false),
                other => return Err(EvalError::mismatch(format!("a cell gave {}", other.kind()))),
            }
        }
        Ok(true)
    }

    fn business_due(&mut self, floor: usize) -> Result<(), EvalError> {
        let name = self.pop_text(floor)?;
        let Value::BusinessDuration { days, ms } = self.pop(floor)? else {
            return Err(EvalError::mismatch("a calendar counts business time"));
        };
        let calendar = self.env.bundle().calendar(&name).ok_or_else(|| EvalError::bad("no such calendar"))?;
        let due = calendar.due(self.env.now(), days, ms);
        let due = due.map_err(|why| EvalError::NoCalendarTime { calendar: calendar.name.clone(), why })?;
        self.push(Value::Instant(due))
    }

    fn calendar_of(&mut self, floor: usize) -> Result<(), EvalError> {
        let env = self.env;
        let key = self.pop(floor)?;
        let table = self.pop_text(floor)?;
        let mut entry = String::new();
        text::write_text(env, &key, TEXT_BYTES_MAX, &mut entry, &mut 0).map_err(|_| EvalError::TextTooLong)?;
        let name = calendar::entry_name(&table, &entry);
        if env.bundle().calendar(&name).is_none() {
            return Err(EvalError::NoCalendarEntry { calendar: table.as_ref().to_owned(), entry });
        }
        self.push(Value::text(name))
    }

    pub(super) fn pop_text(&mut self, floor: usize) -> Result<Arc<str>, EvalError> {
        match self.pop(floor)? {
            Value::Text(text) => Ok(text),
            other => Err(EvalError::mismatch(format!("{} stands where a Text should", other.kind()))),
        }
    }

    pub(super) fn limit(&self, len: usize) -> Result<(), EvalError> {
        if len > LIST_LEN_MAX { Err(EvalError::ListTooLong) } else { Ok(()) }
    }
}

fn case_of(value: &Value) -> Option<u16> {
    match value {
        Value::Case(case) => Some(*case),
        Value::Variant(variant) => Some(variant.case),
        _ => None,
    }
}

fn local(frame: Frame<'_>, at: u16) -> Result<usize, EvalError> {
    if usize::from(at) < frame.locals { Ok(frame.base + usize::from(at)) } else { Err(no_local()) }
}

fn no_local() -> EvalError {
    EvalError::bad("no such local")
}

fn underflow() -> EvalError {
    EvalError::bad("it takes more values than there are")
}
