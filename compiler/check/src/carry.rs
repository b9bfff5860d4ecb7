//! What an older version of a type carries over to a newer one: fields and cases of the same name.
//!
//! Only an `upcast` does this. A record of the old shape becomes one of the new shape where each field of the new one is there
//! in the old one, may be absent, or is given by `with`.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types that it takes; any other, also a future one, does not carry over"
)]

use crate::cx::{Cx, to_decimal, unknown};
use crate::expr::narrow;
use crate::model::{Expr, ExprKind, Field, LocalId, LocalKind, MatchArm, Pattern, Ty, TypeKind};
use crate::ty::fits;
use flowline_diag::code::f02;
use flowline_diag::{Diagnostic, Span};
use flowline_plan::{ListMethod, TypeId, Value};
use flowline_syntax::ast::{FieldInit, Ident};

/// Types inside each other; what nests deeper doesn't carry over.
const DEPTH_MAX: u32 = 32;

/// The name of a frozen type without its version: `Order` for `Order v1`.
pub(crate) fn base_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name).split(' ').next().unwrap_or(name)
}

impl Cx<'_> {
    /// What keeps a value of the one type from being carried over to the other, in the author's words; none where it is.
    pub(crate) fn obstacle(&self, from: &Ty, to: &Ty) -> Option<String> {
        self.obstacle_in(from, to, DEPTH_MAX)
    }

    fn obstacle_in(&self, from: &Ty, to: &Ty, depth: u32) -> Option<String> {
        if fits(from, to) || *from == Ty::Int && *to == Ty::Decimal {
            return None;
        }
        let deeper = depth.checked_sub(1);
        let differ = || Some(format!("{} was {} before", self.show(to), self.show(from)));
        let Some(depth) = deeper else { return differ() };
        match (from, to) {
            (Ty::Optional(from), Ty::Optional(to)) | (Ty::List(from, _), Ty::List(to, _)) => {
                self.obstacle_in(from, to, depth)
            }
            (from, Ty::Optional(to)) if !matches!(from, Ty::Absent) => self.obstacle_in(from, to, depth),
            (Ty::Named(old), Ty::Named(new)) => match (self.kind(*old), self.kind(*new)) {
                (Some(TypeKind::Id), Some(TypeKind::Id)) if self.same_name(*old, *new) => None,
                (Some(TypeKind::Enum(old_cases)), Some(TypeKind::Enum(cases))) => {
                    old_cases.iter().find_map(|old_case| {
                        let Some(case) = cases.iter().find(|case| case.name == old_case.name) else {
                            return Some(format!("{} has no case `{}` any more", self.show(to), old_case.name));
                        };
                        self.fields_obstacle(&old_case.fields, &case.fields, &[], to, depth)
                    })
                }
                (Some(TypeKind::Record(old_fields)), Some(TypeKind::Record(fields))) => {
                    self.fields_obstacle(old_fields, fields, &[], to, depth)
                }
                _ => differ(),
            },
            _ => differ(),
        }
    }

    fn same_name(&self, a: TypeId, b: TypeId) -> bool {
        let name = |id: TypeId| self.globals.model.ty(id).map(|def| base_name(&def.name));
        name(a) == name(b)
    }

    /// What keeps fields from being carried over; those that are given don't count.
    fn fields_obstacle(&self, old: &[Field], new: &[Field], given: &[&str], of: &Ty, depth: u32) -> Option<String> {
        new.iter().filter(|field| !given.contains(&field.name.as_str())).find_map(|field| {
            match old.iter().find(|old| old.name == field.name) {
                Some(old) => self
                    .obstacle_in(&old.ty, &field.ty, depth)
                    .map(|why| format!("`{}` of {} doesn't carry over: {why}", field.name, self.show(of))),
                None if matches!(field.ty, Ty::Optional(_) | Ty::Unknown) => None,
                None => Some(format!("{} had no `{}` before", self.show(of), field.name)),
            }
        })
    }

    /// The value as one of the newer type, to which nothing is an [obstacle](Cx::obstacle).
    pub(crate) fn carry(&mut self, value: Expr, to: &Ty) -> Expr {
        if value.ty == Ty::Int && *to == Ty::Decimal {
            return to_decimal(value);
        }
        if fits(&value.ty, to) {
            return value;
        }
        let span = value.span;
        match (value.ty.clone(), to) {
            (Ty::Optional(from), Ty::Optional(inner)) => {
                self.bound(value, *from, |cx, present| (to.clone(), cx.carry(present, inner)))
            }
            (_, Ty::Optional(inner)) => self.carry(value, inner),
            (Ty::List(from, _), Ty::List(item, _)) => {
                let local = self.hidden("", span, from.as_ref().clone(), LocalKind::Code);
                let element = Expr { span, ty: *from, kind: ExprKind::Local(local) };
                let body = Box::new(self.carry(element, item));
                let kind =
                    ExprKind::Each { method: ListMethod::Map, list: Box::new(value), item: local, body, empty: None };
                Expr { span, ty: to.clone(), kind }
            }
            (Ty::Named(old), Ty::Named(new)) => match (self.kind(old), self.kind(*new)) {
                (Some(TypeKind::Record(old_fields)), Some(TypeKind::Record(fields))) => {
                    self.bound(value, Ty::Named(old), |cx, base| {
                        let fields = fields.iter().map(|field| cx.carried(&base, old_fields, field)).collect();
                        (to.clone(), Expr { span, ty: to.clone(), kind: ExprKind::Record { ty: *new, fields } })
                    })
                }
                (Some(TypeKind::Enum(_)), Some(TypeKind::Enum(_))) => self.carry_case(value, old, *new),
                // An id is the same text under the new name.
                _ => Expr { ty: to.clone(), ..value },
            },
            _ => Expr { ty: to.clone(), ..value },
        }
    }

    /// Gives what `then` makes of the value, which it may use more than once; an absent value stays absent.
    fn bound(&mut self, value: Expr, present: Ty, then: impl FnOnce(&mut Self, Expr) -> (Ty, Expr)) -> Expr {
        let span = value.span;
        if let ExprKind::Local(_) = value.kind
            && value.ty == present
        {
            return then(self, value).1;
        }
        let local = self.hidden("", span, present.clone(), LocalKind::Code);
        let (ty, made) = then(self, Expr { span, ty: present, kind: ExprKind::Local(local) });
        Expr { span, ty, kind: ExprKind::IfPresent { value: Box::new(value), local, then: Box::new(made) } }
    }

    /// The value of a field, from the field of its name in the older shape.
    fn carried(&mut self, base: &Expr, old: &[Field], field: &Field) -> Expr {
        let span = base.span;
        match old.iter().enumerate().find(|(_, old)| old.name == field.name) {
            Some((at, old)) => {
                let kind = ExprKind::Field { base: Box::new(base.clone()), field: narrow(at), optional: false };
                self.carry(Expr { span, ty: old.ty.clone(), kind }, &field.ty)
            }
            None => Expr { span, ty: Ty::Absent, kind: ExprKind::Value(Value::None) },
        }
    }

    fn carry_case(&mut self, value: Expr, old: TypeId, new: TypeId) -> Expr {
        let (span, ty) = (value.span, Ty::Named(new));
        let (Some(TypeKind::Enum(old_cases)), Some(TypeKind::Enum(cases))) = (self.kind(old), self.kind(new)) else {
            return unknown(span);
        };
        let mut arms = Vec::with_capacity(old_cases.len());
        for (old_at, old_case) in old_cases.iter().enumerate() {
            let Some((at, case)) = cases.iter().enumerate().find(|(_, case)| case.name == old_case.name) else {
                continue;
            };
            let mut bindings: Vec<(u16, LocalId)> = Vec::new();
            let fields = case.fields.iter().map(|field| {
                let found = old_case.fields.iter().enumerate().find(|(_, old)| old.name == field.name);
                let Some((old_field, old)) = found else {
                    return Expr { span, ty: Ty::Absent, kind: ExprKind::Value(Value::None) };
                };
                let local = self.hidden("", span, old.ty.clone(), LocalKind::Code);
                bindings.push((narrow(old_field), local));
                self.carry(Expr { span, ty: old.ty.clone(), kind: ExprKind::Local(local) }, &field.ty)
            });
            let fields = fields.collect();
            let kind = ExprKind::Variant { ty: new, case: narrow(at), fields };
            let patterns = vec![Pattern::Case { case: narrow(old_at), bindings }];
            arms.push(MatchArm { span, patterns, value: Expr { span, ty: ty.clone(), kind } });
        }
        Expr { span, ty, kind: ExprKind::Match { value: Box::new(value), arms } }
    }

    /// A record of the newer type: what `inits` give, and the rest from the older value.
    pub(crate) fn carry_with(&mut self, base: Expr, new: TypeId, inits: &[FieldInit], span: Span) -> Expr {
        let to = Ty::Named(new);
        let fields = self.fields_of(new).unwrap_or_default();
        let old = base.ty.clone();
        self.bound(base, old, |cx, base| {
            let fields = cx.carried_fields(base, fields, inits, &to, span);
            (to.clone(), Expr { span, ty: to, kind: ExprKind::Record { ty: new, fields } })
        })
    }

    /// All fields of the newer shape, in its order.
    pub(crate) fn carried_fields(
        &mut self,
        base: Expr,
        fields: &[Field],
        inits: &[FieldInit],
        of: &Ty,
        span: Span,
    ) -> Vec<Expr> {
        let old = match &base.ty {
            Ty::Named(old) => self.fields_of(*old).unwrap_or_default(),
            _ => &[],
        };
        let shown = self.show(of);
        let name = Ident { text: shown.trim_matches('`').into(), span };
        let mut given: Vec<&FieldInit> = Vec::new();
        let mut values: Vec<Option<Expr>> = vec![None; fields.len()];
        let mut is_misspelt = false;
        for init in inits {
            let at = self.field_at(&name, fields, init, &given);
            given.push(init);
            is_misspelt |= at.is_none();
            let field = at.and_then(|at| fields.get(at));
            let value = match field {
                Some(field) => self.expect(&init.value, &field.ty),
                None => self.expr(&init.value, None),
            };
            if let Some(place) = at.and_then(|at| values.get_mut(at)) {
                *place = Some(value);
            }
        }
        let names: Vec<&str> = given.iter().map(|init| init.name.as_str()).collect();
        if let Some(why) = self.fields_obstacle(old, fields, &names, of, DEPTH_MAX) {
            // A field that is merely misspelt is not missing as well.
            if is_misspelt {
                return Vec::new();
            }
            self.push(
                Diagnostic::new(&f02::MISSING_FIELD, why, span)
                    .label("this doesn't give all of it")
                    .help("fields of the same name and type carry over; the others are given behind `with`"),
            );
            return Vec::new();
        }
        let mut made = Vec::with_capacity(fields.len());
        for (field, value) in fields.iter().zip(values) {
            made.push(match value {
                Some(value) => value,
                None => self.carried(&base, old, field),
            });
        }
        made
    }
}
