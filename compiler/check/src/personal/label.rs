//! Which values are personal: what lies in a field marked `@pii`, and what is made of it.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::model::{BinaryOp, Expr, ExprKind, Field, LocalId, Model, Pattern, Ty, TypeKind};
use flowline_plan::{DecisionId, FunctionId, ListMethod, Method, TypeId};
use rustc_hash::FxHashMap;

/// The field that makes a value personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    ty: TypeId,
    field: u16,
}

impl Origin {
    /// In the author's words: `` `name` of `Address` ``.
    pub(super) fn words(self, model: &Model) -> String {
        let Some(def) = model.ty(self.ty) else { return "a field marked `@pii`".to_owned() };
        let name = fields(&def.kind).get(usize::from(self.field)).map_or("it", |field| field.name.as_str());
        format!("`{name}` of `{}`", def.short_name())
    }
}

/// The fields of a type that may be marked; those of an enum's cases can't.
fn fields(kind: &TypeKind) -> &[Field] {
    match kind {
        TypeKind::Record(fields) | TypeKind::Error(fields) => fields,
        TypeKind::Event(event) => &event.fields,
        TypeKind::Resource(resource) => &resource.fields,
        TypeKind::Enum(_) | TypeKind::Id => &[],
    }
}

/// What makes locals personal beyond their types.
pub(super) type Locals = FxHashMap<LocalId, Origin>;

/// A function or decision with what makes its arguments personal.
type Asked = (Callee, Vec<Option<Origin>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Callee {
    Function(FunctionId),
    Decision(DecisionId),
}

/// Knows the labels of a project's values.
#[derive(Debug)]
pub(super) struct Labels<'m> {
    pub(super) model: &'m Model,
    /// By type: the first personal field that a value of it holds, at any depth.
    held: Vec<Option<Origin>>,
    answers: FxHashMap<Asked, Option<Origin>>,
}

impl<'m> Labels<'m> {
    /// None where nothing in the project is personal.
    pub(super) fn of(model: &'m Model) -> Option<Self> {
        let mut labels = Self { model, held: vec![None; model.types.len()], answers: FxHashMap::default() };
        loop {
            let mut grown = false;
            for (at, def) in model.types.iter().enumerate() {
                let id = TypeId::from(at);
                if labels.held.get(at).is_some_and(Option::is_none)
                    && let Some(origin) = labels.held_by(id, &def.kind)
                {
                    if let Some(place) = labels.held.get_mut(at) {
                        *place = Some(origin);
                    }
                    grown = true;
                }
            }
            if !grown {
                break;
            }
        }
        labels.held.iter().any(Option::is_some).then_some(labels)
    }

    fn held_by(&self, ty: TypeId, kind: &TypeKind) -> Option<Origin> {
        if let TypeKind::Enum(cases) = kind {
            return cases.iter().flat_map(|case| &case.fields).find_map(|field| self.holds(&field.ty));
        }
        (0_u16..).zip(fields(kind)).find_map(
            |(field, def)| {
                if def.pii { Some(Origin { ty, field }) } else { self.holds(&def.ty) }
            },
        )
    }

    /// Whether values of a type hold a personal field.
    pub(super) fn holds(&self, ty: &Ty) -> Option<Origin> {
        match ty {
            Ty::Named(id) | Ty::Resource(id) => self.held.get(id.index()).copied().flatten(),
            Ty::List(inner, _) | Ty::Optional(inner) | Ty::Advice(inner) | Ty::Answer(inner, _) => self.holds(inner),
            Ty::Map(key, value) => self.holds(key).or_else(|| self.holds(value)),
            _ => None,
        }
    }

    /// Why a value is personal: its type holds a personal field, or it was made of one.
    pub(super) fn personal(&mut self, expr: &Expr, locals: &mut Locals) -> Option<Origin> {
        self.made_of(expr, locals).or_else(|| self.holds(&expr.ty))
    }

    /// The personal field that a value was made of, beyond what its type says.
    pub(super) fn made_of(&mut self, expr: &Expr, locals: &mut Locals) -> Option<Origin> {
        match &expr.kind {
            ExprKind::Local(local) => locals.get(local).copied(),
            ExprKind::Field { base, field, .. } => {
                let base_ty = match &base.ty {
                    Ty::Optional(inner) => inner.as_ref(),
                    ty => ty,
                };
                let marked = match base_ty {
                    Ty::Named(id) | Ty::Resource(id) => self.marked(*id, *field),
                    _ => None,
                };
                marked.or_else(|| self.made_of(base, locals))
            }
            ExprKind::Record { ty, fields } | ExprKind::Error { ty, fields } => {
                self.unmarked(*ty, fields, locals).map(|(_, origin)| origin)
            }
            ExprKind::Variant { fields, .. } => self.any(fields, locals, Self::made_of),
            ExprKind::With { base, fields } => {
                let ty = match &base.ty {
                    Ty::Named(id) => Some(*id),
                    _ => None,
                };
                let mut found = self.made_of(base, locals);
                for (at, value) in fields {
                    let marked = ty.and_then(|ty| self.marked(ty, *at)).is_some();
                    let origin = self.made_of(value, locals);
                    found = found.or(origin.filter(|_| !marked));
                }
                found
            }
            ExprKind::Text(parts) => self.any(parts, locals, Self::personal),
            ExprKind::Method { method, args, .. } => match method {
                Method::Mask | Method::Token | Method::Count | Method::Contains | Method::Length => None,
                Method::ToText => self.any(args, locals, Self::personal),
                _ => self.any(args, locals, Self::made_of),
            },
            ExprKind::Each { method, list, item, body, .. } => {
                let of_list = self.made_of(list, locals);
                bind(locals, *item, of_list);
                let of_body = self.made_of(body, locals);
                match method {
                    ListMethod::Any | ListMethod::All | ListMethod::Count => None,
                    ListMethod::Map | ListMethod::FlatMap | ListMethod::Sum | ListMethod::Min | ListMethod::Max => {
                        of_body
                    }
                    ListMethod::Filter | ListMethod::First | ListMethod::SortBy => of_list,
                    ListMethod::GroupBy => of_list.or(of_body),
                }
            }
            ExprKind::IfPresent { value, local, then } => {
                let of_value = self.made_of(value, locals);
                bind(locals, *local, of_value);
                self.made_of(then, locals)
            }
            ExprKind::Binary(
                BinaryOp::Default | BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide,
                left,
                right,
            ) => self.made_of(left, locals).or_else(|| self.made_of(right, locals)),
            ExprKind::Unary(_, inner) | ExprKind::ToDecimal(inner) => self.made_of(inner, locals),
            ExprKind::Round { value, .. } => self.made_of(value, locals),
            ExprKind::If { then, otherwise, .. } => {
                self.made_of(then, locals).or_else(|| self.made_of(otherwise, locals))
            }
            ExprKind::Match { value, arms } => {
                let mut found = None;
                for arm in arms {
                    self.bindings(value, &arm.patterns, locals);
                    let of_arm = self.made_of(&arm.value, locals);
                    found = found.or(of_arm);
                }
                found
            }
            ExprKind::List(items) => self.any(items, locals, Self::made_of),
            ExprKind::Map(pairs) => {
                let mut found = None;
                for (key, value) in pairs {
                    found = found.or_else(|| self.made_of(key, locals)).or_else(|| self.made_of(value, locals));
                }
                found
            }
            ExprKind::Call { function, args } => self.answer(Callee::Function(*function), args, locals),
            ExprKind::Decide { decision, args } => self.answer(Callee::Decision(*decision), args, locals),
            ExprKind::ErrorText(inner) => self.made_of(inner, locals),
            _ => None,
        }
    }

    fn any(
        &mut self,
        exprs: &[Expr],
        locals: &mut Locals,
        look: fn(&mut Self, &Expr, &mut Locals) -> Option<Origin>,
    ) -> Option<Origin> {
        exprs.iter().find_map(|expr| look(self, expr, locals))
    }

    /// A field that is marked `@pii`.
    fn marked(&self, ty: TypeId, field: u16) -> Option<Origin> {
        let found = fields(&self.model.ty(ty)?.kind).get(usize::from(field))?;
        found.pii.then_some(Origin { ty, field })
    }

    /// The first value made of personal data that goes into a field which isn't marked.
    pub(super) fn unmarked(&mut self, ty: TypeId, values: &[Expr], locals: &mut Locals) -> Option<(u16, Origin)> {
        (0_u16..).zip(values).find_map(|(at, value)| {
            if self.marked(ty, at).is_some() {
                return None;
            }
            Some((at, self.made_of(value, locals)?))
        })
    }

    /// What the patterns of an arm bind.
    pub(super) fn bindings(&mut self, value: &Expr, patterns: &[Pattern], locals: &mut Locals) {
        let of_value = self.made_of(value, locals);
        for pattern in patterns {
            let Pattern::Case { bindings, .. } = pattern else { continue };
            for (_, local) in bindings {
                bind(locals, *local, of_value);
            }
        }
    }

    /// What a function or a decision answers. They don't use themselves, so this ends.
    fn answer(&mut self, callee: Callee, args: &[Expr], locals: &mut Locals) -> Option<Origin> {
        let given: Vec<Option<Origin>> = args.iter().map(|arg| self.made_of(arg, locals)).collect();
        let asked = (callee, given);
        if let Some(known) = self.answers.get(&asked) {
            return *known;
        }
        let mut inside = Locals::default();
        for (at, origin) in (0_u32..).zip(&asked.1) {
            bind(&mut inside, LocalId(at), *origin);
        }
        let model = self.model;
        let found = match callee {
            Callee::Function(id) => model.function(id).and_then(|function| self.made_of(&function.body, &mut inside)),
            Callee::Decision(id) => model
                .decision(id)
                .and_then(|table| table.rows.iter().find_map(|row| self.made_of(&row.result, &mut inside))),
        };
        self.answers.insert(asked, found);
        found
    }
}

/// Labels a local, if there is a reason to.
pub(super) fn bind(locals: &mut Locals, local: LocalId, origin: Option<Origin>) {
    if let Some(origin) = origin {
        locals.entry(local).or_insert(origin);
    }
}
