//! Expressions as instructions. Each leaves one value.

use flowline_check::model::{BinaryOp, Expr, ExprKind, MatchArm, Pattern, Ty, TypeKind, UnaryOp};
use flowline_plan::{Instr, ListMethod, TypeId, Value};
use rust_decimal::Decimal;

use crate::{code::Coder, constant, undo::same};

impl Coder<'_> {
    pub(crate) fn expr(&mut self, expr: &Expr) {
        if let Some(at) = self.instead.iter().position(|given| same(given, expr)) {
            let at = self.narrow(at);
            self.emit(Instr::Local(at));
            return;
        }
        match &expr.kind {
            ExprKind::Value(value) => self.constant(value.clone()),
            ExprKind::Const(id) => {
                let value = constant::value(self.cx, *id);
                self.constant(value);
            }
            ExprKind::Local(local) => self.read(*local),
            ExprKind::Now => self.emit(Instr::Now),
            ExprKind::Field { base, field, optional } => {
                self.expr(base);
                self.emit(if *optional { Instr::OptField(*field) } else { Instr::Field(*field) });
            }
            ExprKind::ErrorCode(error) => self.then(error, Instr::ErrorCode),
            ExprKind::ErrorText(error) => self.then(error, Instr::ErrorText),
            ExprKind::Record { fields, .. } => {
                let len = self.all(fields);
                self.emit(Instr::Record(len));
            }
            ExprKind::Error { ty, fields } => {
                let fields = self.all(fields);
                self.emit(Instr::Error { error: *ty, fields });
            }
            ExprKind::Variant { case, fields, .. } => {
                let fields = self.all(fields);
                self.emit(Instr::Variant { case: *case, fields });
            }
            ExprKind::With { base, fields } => {
                self.expr(base);
                for (_, value) in fields {
                    self.expr(value);
                }
                self.emit(Instr::With(fields.iter().map(|(field, _)| *field).collect()));
            }
            ExprKind::List(items) => {
                let len = self.all(items);
                self.emit(Instr::List(len));
            }
            ExprKind::Map(pairs) => {
                for (key, value) in pairs {
                    self.expr(key);
                    self.expr(value);
                }
                // The machine counts the pairs, and twice as many values have to fit.
                self.narrow(pairs.len() * 2);
                let len = self.narrow(pairs.len());
                self.emit(Instr::Map(len));
            }
            ExprKind::Call { function, args } => {
                self.all(args);
                self.emit(Instr::Call(*function));
            }
            ExprKind::Decide { decision, args } => {
                self.all(args);
                self.emit(Instr::Decide(*decision));
            }
            ExprKind::Each { method, list, item, body, empty } => {
                self.expr(list);
                let item = self.place(*item);
                let each = self.here();
                self.emit(Instr::Each { method: *method, item, body: 0 });
                self.expr(body);
                self.close(each);
                self.or_constant(empty.as_ref());
            }
            ExprKind::Method { method, args, empty } => {
                self.all(args);
                self.emit(Instr::Method(*method));
                self.or_constant(empty.as_ref());
            }
            ExprKind::IfPresent { value, local, then } => {
                self.expr(value);
                self.bind(*local);
                let at = self.place(*local);
                self.if_present(at, |coder| coder.expr(then));
            }
            ExprKind::Text(parts) => {
                for part in parts {
                    self.expr(part);
                    self.readable(&part.ty);
                }
                let len = self.narrow(parts.len());
                self.emit(Instr::Concat(len));
            }
            ExprKind::Unary(UnaryOp::Not, operand) => self.then(operand, Instr::Not),
            ExprKind::Unary(UnaryOp::Negate, operand) => self.then(operand, Instr::Neg),
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right),
            ExprKind::Exists(value) => {
                self.then(value, Instr::IsNone);
                self.emit(Instr::Not);
            }
            ExprKind::ToDecimal(value) => self.decimal(value),
            ExprKind::BusinessDue { duration, calendar } => {
                self.expr(duration);
                self.then(calendar, Instr::BusinessDue);
            }
            ExprKind::CalendarOf { table, key } => {
                let name = self.cx.model.calendars.get(table.index()).map_or("", |table| table.name.as_str());
                self.constant(Value::text(name));
                self.expr(key);
                self.readable(&key.ty);
                self.emit(Instr::CalendarOf);
            }
            ExprKind::Round { value, rounding } => self.then(value, Instr::Round(*rounding)),
            ExprKind::If { condition, then, otherwise } => {
                self.expr(condition);
                let to_otherwise = self.jump(Instr::JumpIfFalse);
                self.expr(then);
                let to_end = self.jump(Instr::Jump);
                self.land(to_otherwise);
                self.expr(otherwise);
                self.land(to_end);
            }
            ExprKind::Match { value, arms } => self.choose(value, arms),
            // Only where the check found errors; what is lowered then is not run.
            ExprKind::Unknown => self.constant(Value::None),
        }
    }

    /// Each of them, in order; says how many.
    fn all(&mut self, exprs: &[Expr]) -> u16 {
        for expr in exprs {
            self.expr(expr);
        }
        self.narrow(exprs.len())
    }

    fn then(&mut self, operand: &Expr, instr: Instr) {
        self.expr(operand);
        self.emit(instr);
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr) {
        self.expr(left);
        let shortcut = match op {
            BinaryOp::Or => Instr::OrJump,
            BinaryOp::And => Instr::AndJump,
            BinaryOp::Default => Instr::ElseJump,
            BinaryOp::Equal => return self.then(right, Instr::Eq),
            BinaryOp::NotEqual => return self.then(right, Instr::Ne),
            BinaryOp::Less => return self.then(right, Instr::Lt),
            BinaryOp::LessOrEqual => return self.then(right, Instr::Le),
            BinaryOp::Greater => return self.then(right, Instr::Gt),
            BinaryOp::GreaterOrEqual => return self.then(right, Instr::Ge),
            BinaryOp::Add => return self.then(right, Instr::Add),
            BinaryOp::Subtract => return self.then(right, Instr::Sub),
            BinaryOp::Multiply => return self.then(right, Instr::Mul),
            BinaryOp::Divide => return self.then(right, Instr::Div),
        };
        let to_end = self.jump(shortcut);
        self.expr(right);
        self.land(to_end);
    }

    /// Puts a constant in the place of an absent value.
    fn or_constant(&mut self, value: Option<&Value>) {
        if let Some(value) = value {
            let to_end = self.jump(Instr::ElseJump);
            self.constant(value.clone());
            self.land(to_end);
        }
    }

    /// Gives what `then` makes, or nothing where the local is absent.
    fn if_present(&mut self, local: u16, then: impl FnOnce(&mut Self)) {
        self.emit(Instr::Local(local));
        self.emit(Instr::IsNone);
        let to_then = self.jump(Instr::JumpIfFalse);
        self.constant(Value::None);
        let to_end = self.jump(Instr::Jump);
        self.land(to_then);
        then(self);
        self.land(to_end);
    }

    /// An Int as a Decimal: the sum with the Decimal 0.
    fn decimal(&mut self, value: &Expr) {
        let add = |coder: &mut Self| {
            coder.constant(Value::Decimal(Decimal::ZERO));
            coder.emit(Instr::Add);
        };
        if let ExprKind::Value(Value::Int(number)) = &value.kind {
            return self.constant(Value::Decimal((*number).into()));
        }
        self.expr(value);
        if let Ty::Optional(_) | Ty::Absent = value.ty {
            let at = self.fresh();
            self.emit(Instr::SetLocal(at));
            self.if_present(at, |coder| {
                coder.emit(Instr::Local(at));
                add(coder);
            });
        } else {
            add(self);
        }
    }

    /// Turns a value of that type into what people read: a case doesn't know its own name.
    fn readable(&mut self, ty: &Ty) {
        if !self.holds_enum(ty) {
            return;
        }
        if let Ty::Named(id) = ty {
            self.emit(Instr::CaseName(*id));
        } else if let Ty::Optional(inner) = ty {
            let at = self.fresh();
            self.emit(Instr::SetLocal(at));
            self.if_present(at, |coder| {
                coder.emit(Instr::Local(at));
                coder.readable(inner);
            });
        } else if let Ty::List(inner, _) = ty {
            let item = self.fresh();
            let each = self.here();
            self.emit(Instr::Each { method: ListMethod::Map, item, body: 0 });
            self.emit(Instr::Local(item));
            self.readable(inner);
            self.close(each);
        }
    }

    fn holds_enum(&self, ty: &Ty) -> bool {
        if let Ty::Optional(inner) | Ty::List(inner, _) = ty {
            return self.holds_enum(inner);
        }
        matches!(ty, Ty::Named(id) if self.is_enum(*id))
    }

    fn is_enum(&self, id: TypeId) -> bool {
        self.cx.model.ty(id).is_some_and(|def| matches!(def.kind, TypeKind::Enum(_)))
    }

    fn choose(&mut self, value: &Expr, arms: &[MatchArm]) {
        self.expr(value);
        let at = self.fresh();
        self.emit(Instr::SetLocal(at));
        let Some((last, others)) = arms.split_last() else {
            self.constant(Value::None);
            return;
        };
        let mut ends = Vec::with_capacity(others.len());
        for arm in others {
            self.fits(&arm.patterns, |coder| coder.emit(Instr::Local(at)));
            let to_next = self.jump(Instr::JumpIfFalse);
            self.arm(arm, at);
            ends.push(self.jump(Instr::Jump));
            self.land(to_next);
        }
        // The arms cover every value: what comes this far fits the last one.
        self.arm(last, at);
        for end in ends {
            self.land(end);
        }
    }

    fn arm(&mut self, arm: &MatchArm, value: u16) {
        for (field, local) in arm.patterns.iter().flat_map(bindings) {
            self.emit(Instr::Local(value));
            self.emit(Instr::Field(*field));
            self.bind(*local);
        }
        self.expr(&arm.value);
    }

    /// Whether a value fits one of the patterns; `read` pushes the value.
    pub(crate) fn fits(&mut self, patterns: &[Pattern], read: impl Fn(&mut Self)) {
        let mut found = Vec::new();
        for (at, pattern) in patterns.iter().enumerate() {
            match pattern {
                Pattern::Case { case, .. } => {
                    read(self);
                    self.emit(Instr::IsCase(*case));
                }
                Pattern::Literal(value) => {
                    read(self);
                    self.constant(value.clone());
                    self.emit(Instr::Eq);
                }
                Pattern::None => {
                    read(self);
                    self.emit(Instr::IsNone);
                }
                Pattern::Otherwise => self.constant(Value::Bool(true)),
            }
            if at + 1 < patterns.len() {
                found.push(self.jump(Instr::OrJump));
            }
        }
        for jump in found {
            self.land(jump);
        }
    }
}

/// What a pattern binds: a field of the case, and the name for it.
pub(crate) fn bindings(pattern: &Pattern) -> &[(u16, flowline_check::model::LocalId)] {
    match pattern {
        Pattern::Case { bindings, .. } => bindings,
        Pattern::Literal(_) | Pattern::None | Pattern::Otherwise => &[],
    }
}
