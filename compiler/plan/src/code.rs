//! Expressions as postfix code. An expression always ends: jumps go forward only, calls don't recurse, and the machine
//! that runs it counts fuel.
use serde::{Deserialize, Serialize};

use crate::{DecisionId, FunctionId, ScopeId, TypeId, Value};

/// A slot: a name bound in a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// The scope that owns it.
    pub scope: ScopeId,
    /// Its place in [`Scope::slots`](crate::Scope::slots).
    pub at: u16,
}

/// One expression, ready to run. Leaves exactly one value.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Code {
    /// The instructions.
    pub ops: Vec<Instr>,
    /// What [`Instr::Const`] takes from.
    pub consts: Vec<Value>,
    /// How many locals it needs, those given by the caller included. Locals come first: parameters, then others.
    pub locals: u16,
}

impl Code {
    /// Code that gives one value.
    pub fn constant(value: Value) -> Self {
        Self { ops: vec![Instr::Const(0)], consts: vec![value], locals: 0 }
    }

    /// Code that gives what a slot holds.
    pub fn slot(slot: Slot) -> Self {
        Self { ops: vec![Instr::Slot(slot)], ..Self::default() }
    }

    /// The constant, where the code is just one.
    pub fn as_constant(&self) -> Option<&Value> {
        match self.ops.as_slice() {
            [Instr::Const(at)] => self.consts.get(usize::from(*at)),
            _ => None,
        }
    }
}

/// One instruction. "Pops" and "pushes" speak of the stack of values; jump targets are positions in [`Code::ops`],
/// always ahead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Instr {
    /// Pushes a constant.
    Const(u16),
    /// Pushes a local.
    Local(u16),
    /// Pops into a local.
    SetLocal(u16),
    /// Pushes what a slot holds; an unset slot gives [`Value::None`].
    Slot(Slot),
    /// Pushes the time of the current step.
    Now,
    /// Pops a record, an event, an error, a resource or an enum's case; pushes a field of it.
    Field(u16),
    /// Like `Field`, but absent stays absent.
    OptField(u16),
    /// Pops so many values; pushes a record or an event.
    Record(u16),
    /// Pops so many values; pushes an enum's case.
    Variant {
        case: u16,
        fields: u16,
    },
    /// Pops so many values; pushes an error.
    Error {
        error: TypeId,
        fields: u16,
    },
    /// Pops one value a field named, then a record; pushes the record with these fields changed.
    With(Vec<u16>),
    /// Pops so many values; pushes a list.
    List(u16),
    /// Pops so many pairs; pushes a map. Of equal keys the last one counts.
    Map(u16),
    /// Pops two values, pushes one.
    Add,
    Sub,
    Mul,
    Div,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// Pops one value, pushes one.
    Neg,
    Not,
    /// Pops a value; pushes whether it is absent.
    IsNone,
    /// Goes there.
    Jump(u32),
    /// Pops a Bool; goes there when it is false.
    JumpIfFalse(u32),
    /// Leaves false and goes there; pops true and goes on.
    AndJump(u32),
    /// Leaves true and goes there; pops false and goes on.
    OrJump(u32),
    /// Leaves a present value and goes there; pops an absent one and goes on.
    ElseJump(u32),
    /// Pops an enum's value; pushes whether it is that case.
    IsCase(u16),
    /// Pops an error; pushes whether it is that one.
    IsError(TypeId),
    /// Pops an error; pushes its name.
    ErrorCode,
    /// Pops an error; pushes its text.
    ErrorText,
    /// Pops the arguments, last one on top; pushes the result.
    Call(FunctionId),
    Decide(DecisionId),
    /// Pops a list; runs the following `body` instructions for each element, which stands in local `item`; pushes the
    /// result. The body leaves one value each time.
    Each {
        method: ListMethod,
        item: u16,
        body: u32,
    },
    /// Pops what the method needs; pushes one value.
    Method(Method),
    /// Pops so many values; pushes their texts joined.
    Concat(u16),
    /// Pops a calendar, then a business duration; pushes the instant that lies so much opening time after now.
    BusinessDue,
    /// Pops a key, then the name of a table of calendars; pushes the calendar that the table has for the key:
    /// `store_hours(DC1)`.
    CalendarOf,
    /// Pops a calendar where one counts, then a share, then an instant; pushes the instant at which that share of the time
    /// from now until then is over. In a calendar only its opening time counts.
    ShareOfTime {
        in_calendar: bool,
    },
    /// Pops money that isn't rounded yet; pushes it rounded to its currency's minor unit.
    Round(Rounding),
    /// Pops a case of that enum; pushes its name as Text. A case alone doesn't know its enum, so texts need this.
    CaseName(TypeId),
}

/// List methods that take a closure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ListMethod {
    Map,
    Filter,
    Sum,
    Min,
    Max,
    Count,
    Any,
    All,
    First,
    SortBy,
    GroupBy,
    FlatMap,
}

/// Methods without a closure. `list` is below the arguments on the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Method {
    /// list -> Int
    Count,
    /// list -> the sum of its numbers or moneys; absent where the list is empty
    Sum,
    /// list -> its least element or absent
    Min,
    /// list -> its greatest element or absent
    Max,
    /// list -> its first element or absent
    First,
    /// list -> each element once, first come first
    Distinct,
    /// list, Int -> at most so many from the front
    Take,
    /// list, value -> Bool
    Contains,
    /// map, key -> value or absent
    Get,
    /// any -> Text
    ToText,
    /// Text -> Int, its characters
    Length,
    /// Money -> Currency
    Currency,
    /// Money -> Decimal
    Amount,
    /// number -> number without its sign
    Abs,
    /// Instant, Text zone -> Date
    DateIn,
    /// Money, list of weights -> list of Money that adds up to it
    Allocate,
    /// Text -> Text, what is left of personal data to be recognised by: its first character
    Mask,
    /// Text -> Text, a pseudonym: the same for the same text, and not to be read back
    Token,
}

/// How halves are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rounding {
    HalfUp,
    HalfEven,
    Down,
    Up,
}
