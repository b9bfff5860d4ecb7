//! Code under construction: instructions, constants, jumps, locals.

use flowline_check::model::{Expr, LocalId};
use flowline_diag::{Diagnostic, Span, code::f01};
use flowline_plan::{Code, Instr, Slot, Value};
use rustc_hash::FxHashMap;

use crate::Cx;

/// What the names of a declaration stand for. By default each is a local of its code; a flow has slots.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Names<'a> {
    /// The slot of each local that has one.
    pub(crate) slots: &'a [Option<Slot>],
}

/// The first so many locals, as given by the caller.
pub(crate) fn given(count: u16) -> Vec<Option<LocalId>> {
    (0..u32::from(count)).map(|at| Some(LocalId(at))).collect()
}

/// The code of an expression. `given` are the locals that the caller gives, in its order; none where the expression has no
/// name for one.
pub(crate) fn code(cx: &Cx<'_>, names: Names<'_>, given: &[Option<LocalId>], expr: &Expr) -> Code {
    let mut coder = Coder::new(cx, names, given, &[]);
    coder.expr(expr);
    coder.finish(expr.span)
}

/// The code of a key: the value itself, or the list of its parts where it is composite.
pub(crate) fn key(cx: &Cx<'_>, names: Names<'_>, given: &[Option<LocalId>], parts: &[Expr], span: Span) -> Code {
    let mut coder = Coder::new(cx, names, given, &[]);
    for part in parts {
        coder.expr(part);
    }
    if parts.len() != 1 {
        let len = coder.narrow(parts.len());
        coder.emit(Instr::List(len));
    }
    coder.finish(span)
}

/// One expression's code while it is written.
#[derive(Debug)]
pub(crate) struct Coder<'a> {
    pub(crate) cx: &'a Cx<'a>,
    names: Names<'a>,
    code: Code,
    places: FxHashMap<LocalId, u16>,
    /// Expressions that are given too, as the first locals: a sub-expression equal to one of them is that local.
    pub(crate) instead: &'a [Expr],
    next_local: usize,
    too_large: bool,
}

impl<'a> Coder<'a> {
    pub(crate) fn new(cx: &'a Cx<'a>, names: Names<'a>, given: &[Option<LocalId>], instead: &'a [Expr]) -> Self {
        let places = (0u16..).zip(given).filter_map(|(at, local)| Some(((*local)?, at))).collect();
        Self { cx, names, code: Code::default(), places, instead, next_local: given.len(), too_large: false }
    }

    pub(crate) fn finish(mut self, span: Span) -> Code {
        self.code.locals = self.narrow(self.next_local);
        if self.too_large {
            let message = "this expression is too large to be compiled";
            let finding = Diagnostic::new(&f01::LIMIT, message, span);
            self.cx.report(
                finding.help("split it: a list of so many elements belongs into an event or a system's answer"),
            );
        }
        self.code
    }

    pub(crate) fn emit(&mut self, instr: Instr) {
        self.code.ops.push(instr);
    }

    pub(crate) fn constant(&mut self, value: Value) {
        let known = self.code.consts.iter().position(|other| *other == value);
        let at = known.unwrap_or_else(|| {
            self.code.consts.push(value);
            self.code.consts.len() - 1
        });
        let at = self.narrow(at);
        self.emit(Instr::Const(at));
    }

    /// Reads a name.
    pub(crate) fn read(&mut self, local: LocalId) {
        self.cx.reads.borrow_mut().insert(local);
        if let Some(at) = self.places.get(&local) {
            let at = *at;
            self.emit(Instr::Local(at));
        } else if let Some(slot) = self.names.slots.get(local.index()).copied().flatten() {
            self.emit(Instr::Slot(slot));
        } else {
            let at = self.place(local);
            self.emit(Instr::Local(at));
        }
    }

    /// Pops into the local that stands for a name.
    pub(crate) fn bind(&mut self, local: LocalId) {
        let at = self.place(local);
        self.emit(Instr::SetLocal(at));
    }

    /// The local that stands for a name.
    pub(crate) fn place(&mut self, local: LocalId) -> u16 {
        if let Some(at) = self.places.get(&local) {
            return *at;
        }
        let at = self.fresh();
        self.places.insert(local, at);
        at
    }

    /// A local without a name.
    pub(crate) fn fresh(&mut self) -> u16 {
        let at = self.narrow(self.next_local);
        self.next_local += 1;
        at
    }

    /// Where the next instruction will stand.
    pub(crate) fn here(&self) -> usize {
        self.code.ops.len()
    }

    /// Writes an instruction whose operand [`Coder::land`] fills in.
    pub(crate) fn jump(&mut self, instr: fn(u32) -> Instr) -> usize {
        self.emit(instr(0));
        self.here() - 1
    }

    /// Lets the jump at that place lead to the next instruction.
    pub(crate) fn land(&mut self, jump: usize) {
        let here = self.target();
        self.patch(jump, |op| {
            if let Instr::Jump(to)
            | Instr::JumpIfFalse(to)
            | Instr::AndJump(to)
            | Instr::OrJump(to)
            | Instr::ElseJump(to) = op
            {
                *to = here;
            }
        });
    }

    /// Lets the closure of the `Each` at that place end before the next instruction.
    pub(crate) fn close(&mut self, each: usize) {
        let len = self.target().saturating_sub(u32::try_from(each + 1).unwrap_or(u32::MAX));
        self.patch(each, |op| {
            if let Instr::Each { body, .. } = op {
                *body = len;
            }
        });
    }

    /// A count as an operand; too large a one is a finding.
    pub(crate) fn narrow(&mut self, count: usize) -> u16 {
        u16::try_from(count).unwrap_or_else(|_| {
            self.too_large = true;
            u16::MAX
        })
    }

    /// Copies code that needs no locals.
    pub(crate) fn include(&mut self, code: &Code) {
        for op in &code.ops {
            if let Instr::Const(at) = op {
                let value = code.consts.get(usize::from(*at)).cloned();
                self.constant(value.unwrap_or(Value::None));
            } else {
                self.emit(op.clone());
            }
        }
    }

    fn target(&mut self) -> u32 {
        u32::try_from(self.here()).unwrap_or_else(|_| {
            self.too_large = true;
            u32::MAX
        })
    }

    fn patch(&mut self, at: usize, change: impl FnOnce(&mut Instr)) {
        if let Some(op) = self.code.ops.get_mut(at) {
            change(op);
        }
    }
}
