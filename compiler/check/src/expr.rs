//! Expressions: literals, names, fields, and the choice between values.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::bodies::days_since_epoch;
use crate::cx::{Cx, unknown};
use crate::hints::suggest_member;
use crate::model::{Expr, ExprKind, LocalKind, Ty, TypeKind};
use crate::names::Symbol;
use crate::ty::{currency_of, holds_resource};
use flowline_diag::code::{f01, f02};
use flowline_diag::{Diagnostic, Span};
use flowline_plan::{Money, Value};
use flowline_syntax::ast;
use rust_decimal::Decimal;

impl Cx<'_> {
    /// Checks an expression that must be of a type.
    pub(crate) fn expect(&mut self, expr: &ast::Expr, wanted: &Ty) -> Expr {
        let checked = self.expr(expr, Some(wanted));
        self.coerce(checked, wanted)
    }

    /// Checks an expression. `wanted` helps to understand it (`none`, `[]`) and is not enforced. A resource is refused: see
    /// [`Cx::resource`].
    pub(crate) fn expr(&mut self, expr: &ast::Expr, wanted: Option<&Ty>) -> Expr {
        let checked = self.plain(expr, wanted);
        if holds_resource(&checked.ty) { self.refuse_copy(expr, &checked.ty) } else { checked }
    }

    /// Checks an expression where what a model advises may stand: before a `govern`, or shown to a person.
    pub(crate) fn advice(&mut self, expr: &ast::Expr) -> Expr {
        let checked = self.any_expr(expr, None);
        if holds_resource(&checked.ty) { self.refuse_copy(expr, &checked.ty) } else { checked }
    }

    /// An expression of any type but advice, of which nothing is known yet.
    fn plain(&mut self, expr: &ast::Expr, wanted: Option<&Ty>) -> Expr {
        let checked = self.any_expr(expr, wanted);
        match checked.ty {
            Ty::Advice(_) => self.refuse_advice(expr.span, &crate::words::expr(expr)),
            _ => checked,
        }
    }

    /// Checks an expression where a resource may stand: as an argument of an operation, before a field or a method, handed
    /// out, or gone through. A list of resources can't be made from another one: each of them has one place.
    pub(crate) fn resource(&mut self, expr: &ast::Expr, wanted: Option<&Ty>) -> Expr {
        let checked = self.plain(expr, wanted);
        let is_name = matches!(checked.kind, ExprKind::Local(_));
        if holds_resource(&checked.ty) && !is_name { self.refuse_copy(expr, &checked.ty) } else { checked }
    }

    fn refuse_copy(&mut self, expr: &ast::Expr, ty: &Ty) -> Expr {
        let words = crate::words::expr(expr);
        let (is, help) = match ty {
            Ty::Resource(_) | Ty::Optional(_) if matches!(expr.kind, ast::ExprKind::Method { .. }) => (
                "is a resource of a list",
                "go through the list with `for each`: in there each of them has its own name",
            ),
            Ty::Resource(_) => ("is a resource", "hand it to an operation, or use one of its fields"),
            Ty::Optional(_) => ("is a resource", "hand it to an operation inside of `when … exists { … }`"),
            _ => ("holds resources", "go through it with `for each`, or hand it out with `give`, under its own name"),
        };
        self.push(
            Diagnostic::new(&f02::RESOURCE, format!("`{words}` {is} and can't be copied"), expr.span)
                .label("a second name for it would let it be used twice")
                .help(help),
        );
        unknown(expr.span)
    }

    fn any_expr(&mut self, expr: &ast::Expr, wanted: Option<&Ty>) -> Expr {
        use ast::ExprKind as E;
        let span = expr.span;
        let value = |ty, value| Expr { span, ty, kind: ExprKind::Value(value) };
        match &expr.kind {
            E::Int(n) => value(Ty::Int, Value::Int(*n)),
            E::Decimal(digits) => self.decimal(digits, span, false),
            E::Percent(digits) => self.decimal(digits, span, true),
            E::Duration(literal) => self.duration(literal, span),
            E::Date(date) => match days_since_epoch(*date) {
                Some(day) => value(Ty::Date, Value::Date(day)),
                // The parser has spoken.
                None => unknown(span),
            },
            E::Money { amount, currency } => {
                let Some(currency) = currency_of(currency, &mut self.diagnostics) else { return unknown(span) };
                match Decimal::from_str_exact(&amount.replace('_', "")) {
                    Ok(written) => {
                        let amount = written;
                        if written.scale() > currency.digits() && written.normalize().scale() <= currency.digits() {
                            self.thousand(written, currency, span);
                        }
                        let ty = if amount.normalize().scale() > currency.digits() {
                            Ty::Unrounded(Some(currency))
                        } else {
                            Ty::Money(Some(currency))
                        };
                        value(ty, Value::Money(Money { currency, amount }))
                    }
                    Err(_) => self.too_long(span),
                }
            }
            E::Text(text) => self.text(text),
            E::Bool(b) => value(Ty::Bool, Value::Bool(*b)),
            E::None => value(Ty::Absent, Value::None),
            E::Now => {
                self.refuse_in_constant(span, "the time of a step");
                Expr { span, ty: Ty::Instant, kind: ExprKind::Now }
            }
            E::Name(name) => self.name(name),
            E::Field { base, name, optional } => self.field(base, name, *optional, span),
            E::Call { callee, args } => self.call(callee, args, span),
            E::Method { base, name, args, optional } => {
                let gives = match wanted {
                    Some(Ty::List(item, _)) if self.upcasting && name.as_str() == "map" => Some(item.as_ref().clone()),
                    _ => None,
                };
                self.closure_gives.push(gives);
                let method = self.method(base, name, args, *optional, span);
                self.closure_gives.pop();
                method
            }
            E::List(items) => self.list(items, wanted, span),
            E::Map(pairs) => self.map(pairs, wanted, span),
            E::Record(record) => self.record(record),
            E::With { base, fields } => self.with(base, fields, wanted, span),
            E::Unary { op, operand } => self.unary(*op, operand, span),
            E::Binary { op, op_span, left, right } => self.binary(*op, *op_span, left, right, wanted, span),
            E::Exists(inner) => {
                let inner = self.resource(inner, None);
                self.note_if_never_absent(&inner);
                Expr { span, ty: Ty::Bool, kind: ExprKind::Exists(Box::new(inner)) }
            }
            E::Of { duration, calendar } => self.of(duration, calendar, span),
            E::If { condition, then, otherwise } => self.choice(condition, then, otherwise, wanted, span),
            E::Match { value, arms } => self.match_expr(value, arms, wanted, span),
            E::Bad => unknown(span),
        }
    }

    fn decimal(&mut self, digits: &str, span: Span, is_percent: bool) -> Expr {
        let Ok(mut number) = Decimal::from_str_exact(&digits.replace('_', "")) else { return self.too_long(span) };
        if is_percent {
            match number.checked_div(Decimal::ONE_HUNDRED) {
                Some(hundredth) => number = hundredth,
                None => return self.too_long(span),
            }
        }
        Expr { span, ty: Ty::Decimal, kind: ExprKind::Value(Value::Decimal(number)) }
    }

    /// `1.000 EUR`: one euro to a computer, a thousand to many a reader.
    fn thousand(&mut self, written: Decimal, currency: flowline_plan::Currency, span: Span) {
        let digits = written.to_string().replace('.', "");
        let whole = written.normalize();
        let message = format!("is this {whole} {currency}, or {digits} {currency}?");
        let diagnostic = Diagnostic::new(&f02::UNROUNDED, message, span)
            .label(format!("{currency} has {} decimals", currency.digits()))
            .help(format!("nothing parts the thousands: write `{digits} {currency}`, or `{whole} {currency}`"));
        self.push(diagnostic);
    }

    fn too_long(&mut self, span: Span) -> Expr {
        self.push(Diagnostic::new(&f02::MISMATCH, "a number has at most 28 digits", span).label("this has more"));
        unknown(span)
    }

    fn duration(&mut self, literal: &ast::DurationLit, span: Span) -> Expr {
        use ast::DurationUnit as Unit;
        let too_long = Diagnostic::new(&f02::MISMATCH, "a duration this long can't be counted", span).label("too long");
        if !literal.is_business() {
            let Some(ms) = literal.millis() else {
                self.push(too_long);
                return unknown(span);
            };
            return Expr { span, ty: Ty::Duration, kind: ExprKind::Value(Value::Duration(ms)) };
        }
        let (mut days, mut ms) = (Some(0_i32), Some(0_i64));
        for part in &literal.parts {
            match part.unit {
                Unit::BusinessDays => {
                    days = i32::try_from(part.count).ok().and_then(|count| days?.checked_add(count));
                }
                Unit::BusinessHours => {
                    ms = part.count.checked_mul(3_600_000).and_then(|more| ms?.checked_add(more));
                }
                Unit::Milliseconds | Unit::Seconds | Unit::Minutes | Unit::Hours | Unit::Days | Unit::Weeks => {
                    self.push(
                        Diagnostic::new(
                            &f02::MISMATCH,
                            "a duration counts business time or plain time, not both",
                            span,
                        )
                        .label("mixed here"),
                    );
                    return unknown(span);
                }
            }
        }
        let (Some(days), Some(ms)) = (days, ms) else {
            self.push(too_long);
            return unknown(span);
        };
        let value = Value::BusinessDuration { days, ms };
        Expr { span, ty: Ty::BusinessDuration, kind: ExprKind::Value(value) }
    }

    pub(crate) fn text(&mut self, text: &ast::TextLit) -> Expr {
        let span = text.span;
        let kind = match text.plain() {
            Some(plain) => ExprKind::Value(Value::text(plain)),
            None => ExprKind::Text(text.parts.iter().map(|part| self.text_part(part, span)).collect()),
        };
        Expr { span, ty: Ty::Text, kind }
    }

    fn text_part(&mut self, part: &ast::TextPart, span: Span) -> Expr {
        let expr = match part {
            ast::TextPart::Plain(plain) => {
                return Expr { span, ty: Ty::Text, kind: ExprKind::Value(Value::text(plain.clone())) };
            }
            ast::TextPart::Value(expr) => expr,
        };
        let checked = self.expr(expr, None);
        if let Ty::Optional(_) | Ty::Absent = checked.ty {
            let diagnostic = self.absent(checked.span, &checked.ty);
            self.push(diagnostic);
        } else if let Ty::Unrounded(_) | Ty::MoneyOf(_, _, false) = checked.ty {
            self.push(crate::cx::unrounded(checked.span));
        } else if !self.has_text(&checked.ty) {
            let found = self.show(&checked.ty);
            self.push(
                Diagnostic::new(&f02::MISMATCH, format!("{found} has no text of its own"), checked.span)
                    .label("can't be shown in a text")
                    .help("name the field that is to be shown"),
            );
        }
        checked
    }

    fn has_text(&self, ty: &Ty) -> bool {
        match ty {
            Ty::Named(id) => matches!(self.kind(*id), Some(TypeKind::Id | TypeKind::Enum(_)) | None),
            Ty::List(item, _) => self.has_text(item),
            Ty::Advice(_)
            | Ty::Answer(..)
            | Ty::Map(_, _)
            | Ty::Optional(_)
            | Ty::Resource(_)
            | Ty::Calendar
            | Ty::Unit
            | Ty::Absent
            | Ty::Unrounded(_)
            | Ty::MoneyOf(_, _, false) => false,
            Ty::Bool
            | Ty::Int
            | Ty::Decimal
            | Ty::Text
            | Ty::Instant
            | Ty::Date
            | Ty::Duration
            | Ty::BusinessDuration
            | Ty::Money(_)
            | Ty::MoneyOf(_, _, true)
            | Ty::Currency
            | Ty::Country
            | Ty::Person
            | Ty::AnyError
            | Ty::Unknown => true,
        }
    }

    fn name(&mut self, name: &ast::Ident) -> Expr {
        let span = name.span;
        if let Some(local) = self.lookup(name.as_str()) {
            if let Some(parts) = self.parts_of(local) {
                let finding = crate::branches::which(name, parts);
                self.push(finding);
                return unknown(span);
            }
            let expr = Expr { span, ty: self.local_ty(local), kind: ExprKind::Local(local) };
            return self.narrowed(expr);
        }
        if let Some(field) = self.implicit_field(name) {
            return field;
        }
        let implicit = self.implicit.map(|local| self.local_ty(local));
        if let Some(Ty::Named(id) | Ty::Resource(id)) = implicit
            && self.globals.is_damaged(Symbol::Type(id))
        {
            return unknown(span);
        }
        match self.globals.find(self.module, name.as_str()).map(|entry| entry.symbol) {
            Some(Symbol::Const(id)) => {
                let ty = self.globals.model.constant(id).map_or(Ty::Unknown, |found| found.ty.clone());
                Expr { span, ty, kind: ExprKind::Const(id) }
            }
            Some(Symbol::Unusable) => unknown(span),
            Some(Symbol::Calendar(id)) => self.calendar_named(id, name),
            Some(symbol) => {
                let what = self.globals.describe(symbol);
                let help = match symbol {
                    Symbol::Function(_) | Symbol::Decision(_) => "call it with its arguments in parentheses",
                    Symbol::Type(_) => "name a case of it, or build a value of it",
                    Symbol::System(_) => "an operation is called by `do`",
                    Symbol::Flow(_) => "a flow is called by `run` or `start`",
                    Symbol::Metric | Symbol::Policy => "it says something about runs, which can't be used in them",
                    Symbol::Role(_) => "a role is asked by `ask`",
                    Symbol::Model(_) => "a model is asked by `predict`",
                    Symbol::Domain(_) | Symbol::Const(_) | Symbol::Calendar(_) | Symbol::Unusable => {
                        "a value is expected here"
                    }
                };
                self.push(
                    Diagnostic::new(&f02::WRONG_KIND, format!("`{name}` is {what}, not a value"), span)
                        .label("a value is expected here")
                        .help(help),
                );
                unknown(span)
            }
            None if self.unread.contains(&name.text) => unknown(span),
            None => {
                let diagnostic = Diagnostic::new(&f01::UNKNOWN_NAME, format!("there is no `{name}` here"), span)
                    .label("not known here");
                let beyond = self.beyond.iter().find(|(known, _)| known == name.as_str());
                let diagnostic = match (beyond, crate::habits::value(name)) {
                    (Some((_, why)), _) => diagnostic.help(*why),
                    (None, Some(foreign)) => foreign,
                    (None, None) => self.suggest_value(diagnostic, name),
                };
                self.push(diagnostic);
                unknown(span)
            }
        }
    }

    pub(crate) fn fields_of_local(&self, id: crate::model::LocalId) -> Option<&[crate::model::Field]> {
        match self.local_ty(id) {
            Ty::Named(ty) | Ty::Resource(ty) => self.fields_of(ty),
            _ => None,
        }
    }

    fn implicit_field(&self, name: &ast::Ident) -> Option<Expr> {
        let local = self.implicit?;
        let fields = self.fields_of_local(local)?;
        let (at, field) = fields.iter().enumerate().find(|(_, field)| field.name == name.as_str())?;
        let base = Expr { span: name.span, ty: self.local_ty(local), kind: ExprKind::Local(local) };
        let kind = ExprKind::Field { base: Box::new(base), field: narrow(at), optional: false };
        Some(Expr { span: name.span, ty: field.ty.clone(), kind })
    }

    /// The enum (or other type) that a base names, where it is no value.
    pub(crate) fn type_named(&self, base: &ast::Expr) -> Option<Symbol> {
        let ast::ExprKind::Name(name) = &base.kind else { return None };
        if self.lookup(name.as_str()).is_some() {
            return None;
        }
        self.globals.find(self.module, name.as_str()).map(|entry| entry.symbol)
    }

    fn field(&mut self, base: &ast::Expr, name: &ast::Ident, optional: bool, span: Span) -> Expr {
        match self.type_named(base) {
            Some(Symbol::Type(id)) if matches!(self.kind(id), Some(TypeKind::Enum(_))) => {
                return self.variant(id, name, &[], span);
            }
            Some(Symbol::Unusable) => return unknown(span),
            _ => {}
        }
        if let Some(value) = self.value_of_branch(base, name, span) {
            return value;
        }
        let base = self.resource(base, None);
        self.field_of(base, name, optional, span)
    }

    /// A field of a checked value.
    pub(crate) fn field_of(&mut self, base: Expr, name: &ast::Ident, optional: bool, span: Span) -> Expr {
        let base_ty = match (&base.ty, optional) {
            (Ty::Optional(inner), true) => inner.as_ref().clone(),
            (Ty::Optional(_), false) => {
                let at = Span { start: base.span.end, end: name.span.start, ..name.span };
                let diagnostic = self
                    .absent(base.span, &base.ty)
                    .help("reach into it with `?.`, or inside `when … exists { … }`")
                    .maybe_fix("use `?.`", at, "?.");
                self.push(diagnostic);
                return unknown(span);
            }
            (Ty::Absent, _) => {
                let diagnostic = self.absent(base.span, &base.ty);
                self.push(diagnostic);
                return unknown(span);
            }
            (_, true) => {
                self.note_if_never_absent(&base);
                base.ty.clone()
            }
            (_, false) => base.ty.clone(),
        };
        let is_optional = optional && matches!(base.ty, Ty::Optional(_));
        let is_error = match &base_ty {
            Ty::AnyError => true,
            Ty::Named(id) => matches!(self.kind(*id), Some(TypeKind::Error(_))),
            _ => false,
        };
        if is_error && !is_optional && (name.as_str() == "code" || name.as_str() == "text") {
            let base = Box::new(base);
            let kind = if name.as_str() == "code" { ExprKind::ErrorCode(base) } else { ExprKind::ErrorText(base) };
            return Expr { span, ty: Ty::Text, kind };
        }
        if let (Ty::Answer(value, sure), false) = (&base_ty, is_optional) {
            return self.answer_field(base, value, *sure, name, span);
        }
        let fields = match &base_ty {
            Ty::Unknown => return unknown(span),
            Ty::Named(id) | Ty::Resource(id) => self.fields_of(*id).unwrap_or_default(),
            _ => &[],
        };
        let Some((at, field)) = fields.iter().enumerate().find(|(_, field)| field.name == name.as_str()) else {
            if matches!(&base_ty, Ty::Named(id) | Ty::Resource(id) if self.globals.is_damaged(Symbol::Type(*id))) {
                return unknown(span);
            }
            let shown = self.show(&base_ty);
            let message = format!("{shown} has no field `{name}`");
            let diagnostic = Diagnostic::new(&f02::UNKNOWN_MEMBER, message, name.span).label("no such field");
            let names = fields.iter().map(|field| field.name.as_str());
            let names = names.chain(is_error.then_some(["code", "text"]).into_iter().flatten());
            let mut diagnostic = suggest_member(diagnostic, name, names);
            if self.is_id(&base_ty) {
                diagnostic =
                    diagnostic.help("an id says only which one it is; what is known of it, a system has to tell");
            }
            if base_ty == Ty::AnyError {
                diagnostic = diagnostic
                    .help("of several errors only `.code` and `.text` are known; give this one a handler of its own");
            }
            self.push(diagnostic);
            return unknown(span);
        };
        let ty = match &field.ty {
            ty @ Ty::Optional(_) => ty.clone(),
            ty if is_optional => Ty::Optional(Box::new(ty.clone())),
            ty => ty.clone(),
        };
        let kind = ExprKind::Field { base: Box::new(base), field: narrow(at), optional: is_optional };
        self.narrowed(Expr { span, ty, kind })
    }

    fn list(&mut self, items: &[ast::Expr], wanted: Option<&Ty>, span: Span) -> Expr {
        let wanted_item = match wanted {
            Some(Ty::List(item, _)) => Some(item.as_ref()),
            Some(Ty::Optional(inner)) => match inner.as_ref() {
                Ty::List(item, _) => Some(item.as_ref()),
                _ => None,
            },
            _ => None,
        };
        let mut checked = Vec::with_capacity(items.len());
        let mut item_ty = wanted_item.cloned();
        for item in items {
            let item = self.expr(item, item_ty.as_ref());
            match (&item_ty, wanted_item) {
                (_, Some(wanted)) => checked.push(self.coerce(item, wanted)),
                (Some(so_far), None) => {
                    item_ty = Some(self.join(so_far, &item));
                    checked.push(item);
                }
                (None, None) => {
                    item_ty = Some(item.ty.clone());
                    checked.push(item);
                }
            }
        }
        let count = u32::try_from(items.len()).ok();
        let bounded = matches!(wanted, Some(Ty::List(_, Some(_))));
        let ty = Ty::List(Box::new(item_ty.unwrap_or(Ty::Unknown)), count.filter(|_| bounded));
        Expr { span, ty, kind: ExprKind::List(checked) }
    }

    fn map(&mut self, pairs: &[(ast::Expr, ast::Expr)], wanted: Option<&Ty>, span: Span) -> Expr {
        let (mut key_ty, mut value_ty) = match wanted {
            Some(Ty::Map(key, value)) => (Some(key.as_ref().clone()), Some(value.as_ref().clone())),
            _ => (None, None),
        };
        let mut checked = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let mut side = |expr: &ast::Expr, ty: &mut Option<Ty>| match ty {
                Some(ty) => self.expect(expr, ty),
                None => {
                    let first = self.expr(expr, None);
                    *ty = Some(first.ty.clone());
                    first
                }
            };
            checked.push((side(key, &mut key_ty), side(value, &mut value_ty)));
        }
        let ty = Ty::Map(Box::new(key_ty.unwrap_or(Ty::Unknown)), Box::new(value_ty.unwrap_or(Ty::Unknown)));
        Expr { span, ty, kind: ExprKind::Map(checked) }
    }

    fn choice(
        &mut self,
        condition: &ast::Expr,
        then: &ast::Expr,
        otherwise: &ast::Expr,
        wanted: Option<&Ty>,
        span: Span,
    ) -> Expr {
        let condition = self.expect(condition, &Ty::Bool);
        let mark = self.mark();
        self.assume(&condition, true);
        let then = self.expr(then, wanted);
        self.forget(mark);
        self.assume(&condition, false);
        let otherwise = self.expr(otherwise, wanted.or(Some(&then.ty)));
        self.forget(mark);
        let ty = self.join(&then.ty, &otherwise);
        let mut as_joined =
            |expr: Expr| if ty == Ty::Decimal { Box::new(self.coerce(expr, &ty)) } else { Box::new(expr) };
        let (then, otherwise) = (as_joined(then), as_joined(otherwise));
        Expr { span, ty, kind: ExprKind::If { condition: Box::new(condition), then, otherwise } }
    }

    /// Notes a test for absence of something that is always there.
    pub(crate) fn note_if_never_absent(&mut self, expr: &Expr) {
        if !matches!(expr.ty, Ty::Optional(_) | Ty::Absent | Ty::Unknown) {
            let found = self.show(&expr.ty);
            self.push(
                Diagnostic::new(&f02::NEVER_ABSENT, "this is always there", expr.span)
                    .label(format!("its type is {found}, without a `?`")),
            );
        }
    }

    pub(crate) fn refuse_in_constant(&mut self, span: Span, what: &str) {
        if self.is_constant {
            self.push(
                Diagnostic::new(&f02::NOT_CONSTANT, format!("a constant can't hold {what}"), span)
                    .label("not known before a flow runs")
                    .help("make it a `fn`"),
            );
        }
    }

    /// Binds the parameter of a closure.
    pub(crate) fn bind_code(&mut self, name: &ast::Ident, ty: Ty) -> crate::model::LocalId {
        self.bind(name, ty, LocalKind::Code)
    }
}

/// Positions of fields and cases: the limits of the parser keep them small.
pub(crate) fn narrow(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}
