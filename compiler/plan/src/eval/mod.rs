//! The machine that runs [`Code`]: pure, total, and the same for the runtime, for constant folding and for proofs.
//!
//! Invariant: no code makes it panic or run for ever. Jumps go ahead only, calls nest at most [`DEPTH_MAX`] deep, and
//! every instruction and every element touched costs fuel. Damaged code gives [`EvalError::BadCode`].
//!
//! What the operators mean:
//! - Int counts in 64 bits, checked. Int with Decimal gives Decimal; `Int / Int` gives Decimal as well.
//! - Money adds up in one currency. `Money * Decimal` and `Money / number` give money that isn't rounded yet, which
//!   [`Instr::Round`] rounds. `Money / Money` is a Decimal.
//! - `==` compares structure, numbers by what they are worth (`1.0 == 1.00 == 1`); an absent value equals only an
//!   absent one, money of two currencies is never equal.
//! - `< <= > >=` compare numbers, money of one currency, instants, dates, durations and texts; with an absent value
//!   none of them holds.
//! - The sum, the least and the greatest of an empty list are absent: the compiler, which knows the type, adds the 0.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "an operator takes a few kinds of values; every other kind, also a future one, is the same mismatch"
)]

mod arith;
mod error;
mod list;
mod machine;
mod method;
mod share;

#[cfg(test)]
mod tests;

use crate::{Bundle, Code, DecisionId, Instr, Slot, Value};

pub use error::EvalError;
use machine::Machine;

/// Instructions and elements of one evaluation.
pub const FUEL_MAX: u32 = 1_000_000;
/// Elements of a list or a map that an expression makes.
pub const LIST_LEN_MAX: usize = 100_000;
/// Bytes of a text that an expression makes.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// Values on the stack, locals included.
pub const STACK_LEN_MAX: usize = 100_000;
/// Functions, decisions and closures inside each other.
pub const DEPTH_MAX: u32 = 64;

/// What an expression can see besides its locals.
pub trait Env {
    /// Where functions, decisions and calendars are.
    fn bundle(&self) -> &Bundle;

    /// What a slot holds; [`Value::None`] when it is unset.
    fn slot(&self, slot: Slot) -> Value;

    /// The time of the current step, ms UTC.
    fn now(&self) -> i64;

    /// A field of a resource, by its position in the run's table; [`Value::None`] when there is no such thing.
    fn resource_field(&self, resource: u32, field: u16) -> Value;

    /// A decision was used and answered by that row, from 0. Called once a use, inner decisions first.
    fn decided(&self, _decision: DecisionId, _row: usize) {}
}

/// An environment of constants: no slots, no resources, one fixed time.
#[derive(Debug, Clone, Copy)]
pub struct ConstEnv<'a> {
    /// Where functions, decisions and calendars are.
    pub bundle: &'a Bundle,
    /// What `now` gives, ms UTC.
    pub now: i64,
}

impl Env for ConstEnv<'_> {
    fn bundle(&self) -> &Bundle {
        self.bundle
    }

    fn slot(&self, _slot: Slot) -> Value {
        Value::None
    }

    fn now(&self) -> i64 {
        self.now
    }

    fn resource_field(&self, _resource: u32, _field: u16) -> Value {
        Value::None
    }
}

/// The value of `code`; `locals` are its first locals.
///
/// # Errors
/// An incident of the data (division by zero, overflow, two currencies, no row of a decision, a limit), or
/// a fault where the code is damaged or wasn't checked.
pub fn eval(env: &dyn Env, code: &Code, locals: &[Value]) -> Result<Value, EvalError> {
    match path(env, code, locals) {
        Some(value) => Ok(value),
        None => Machine::new(env).start(code, locals),
    }
}

/// Whether `code` holds, for guards and conditions.
///
/// # Errors
/// As [`eval`]; also a fault when the value isn't a Bool.
pub fn eval_bool(env: &dyn Env, code: &Code, locals: &[Value]) -> Result<bool, EvalError> {
    match eval(env, code, locals)? {
        Value::Bool(holds) => Ok(holds),
        other => Err(EvalError::mismatch(format!("a condition gave {}", other.kind()))),
    }
}

/// The short way for a constant, a slot, a local, and fields of them: most of a flow's code is just that.
fn path(env: &dyn Env, code: &Code, locals: &[Value]) -> Option<Value> {
    let (first, fields) = code.ops.split_first()?;
    if fields.len() > 4 || fields.iter().any(|op| !matches!(op, Instr::Field(_))) {
        return None;
    }
    let mut value = if let Instr::Slot(slot) = first {
        env.slot(*slot)
    } else if let Instr::Const(at) = first {
        code.consts.get(usize::from(*at))?.clone()
    } else if let Instr::Local(at) = first {
        locals.get(usize::from(*at))?.clone()
    } else {
        return None;
    };
    for op in fields {
        let (Instr::Field(at), Value::Record(record)) = (op, &value) else { return None };
        value = record.get(usize::from(*at))?.clone();
    }
    Some(value)
}
