//! Values that are built from fields: records, events, errors, cases of enums, and `with`.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::cx::{Cx, unknown};
use crate::expr::narrow;
use crate::hints::{declare_it, suggest_member};
use crate::model::{Expr, ExprKind, Field, Ty, TypeKind};
use crate::names::{Symbol, suggest, twice};
use crate::ty::from_elsewhere;
use flowline_diag::code::{f01, f02};
use flowline_diag::{Diagnostic, Span};
use flowline_plan::{TypeId, Value};
use flowline_syntax::ast::{self, Arg, FieldInit, Ident, RecordLit};

impl Cx<'_> {
    /// `Name { … }` as a value: a record, an event or an error.
    pub(crate) fn record(&mut self, record: &RecordLit) -> Expr {
        match self.declared_type(&record.name, "a record, an event or an error") {
            Some(id) => self.build(id, record),
            None => {
                self.pass_over(&record.fields);
                unknown(record.span)
            }
        }
    }

    /// The type of that name; a finding where there is none.
    pub(crate) fn declared_type(&mut self, name: &Ident, wanted: &str) -> Option<TypeId> {
        match self.globals.find(self.module, name.as_str()).map(|entry| entry.symbol) {
            Some(Symbol::Type(id)) => Some(id),
            Some(Symbol::Unusable) => None,
            Some(symbol) => {
                let what = self.globals.describe(symbol);
                self.push(
                    Diagnostic::new(&f02::WRONG_KIND, format!("`{name}` is {what}"), name.span)
                        .label(format!("{wanted} is expected here")),
                );
                None
            }
            None => {
                let diagnostic = Diagnostic::new(&f01::UNKNOWN_NAME, format!("there is no `{name}` here"), name.span)
                    .label("not known here");
                let types = self.globals.visible(self.module, |symbol| matches!(symbol, Symbol::Type(_)));
                let diagnostic = suggest(from_elsewhere(self.globals, diagnostic, name), name, types);
                let diagnostic = declare_it(diagnostic, wanted, name);
                self.push(diagnostic);
                None
            }
        }
    }

    /// Builds a value of a type from its fields; kinds that have none are a finding.
    pub(crate) fn build(&mut self, id: TypeId, record: &RecordLit) -> Expr {
        let span = record.span;
        let kind = self.kind(id);
        let (Some(fields), false) = (self.fields_of(id), matches!(kind, Some(TypeKind::Resource(_)))) else {
            let what = self.globals.describe(Symbol::Type(id));
            let help = match kind {
                Some(TypeKind::Resource(_)) => "only an operation opens a resource",
                Some(TypeKind::Enum(_)) => "name one of its cases",
                _ => "ids come from outside or from an operation",
            };
            self.push(
                Diagnostic::new(
                    &f02::WRONG_KIND,
                    format!("`{}` is {what} and has no fields to give", record.name),
                    span,
                )
                .label("can't be built")
                .help(help),
            );
            self.pass_over(&record.fields);
            return unknown(span);
        };
        if self.globals.is_damaged(Symbol::Type(id)) {
            self.pass_over(&record.fields);
            return Expr { ty: Ty::Named(id), ..unknown(span) };
        }
        let values = self.inits(&record.name, fields, &record.fields, span);
        let kind = match kind {
            Some(TypeKind::Error(_)) => ExprKind::Error { ty: id, fields: values },
            _ => ExprKind::Record { ty: id, fields: values },
        };
        Expr { span, ty: Ty::Named(id), kind }
    }

    /// Checks values of a type that isn't known, for the findings in them.
    pub(crate) fn pass_over(&mut self, inits: &[FieldInit]) {
        for init in inits {
            self.expr(&init.value, None);
        }
    }

    /// All fields in the order of their declaration.
    fn inits(&mut self, name: &Ident, fields: &[Field], inits: &[FieldInit], span: Span) -> Vec<Expr> {
        let mut values: Vec<Option<Expr>> = fields.iter().map(|_| None).collect();
        let mut given: Vec<&FieldInit> = Vec::new();
        let mut unknown_count = 0;
        for init in inits {
            let at = self.field_at(name, fields, init, &given);
            unknown_count += usize::from(at.is_none());
            let field = at.and_then(|at| fields.get(at));
            let value = match field {
                Some(field) => self.expect(&init.value, &field.ty),
                None => self.expr(&init.value, None),
            };
            given.push(init);
            if let Some(place) = at.and_then(|at| values.get_mut(at)) {
                *place = Some(value);
            }
        }
        let is_missing = |(field, value): &(&Field, &Option<Expr>)| {
            value.is_none() && !matches!(field.ty, Ty::Optional(_) | Ty::Unknown)
        };
        let missing: Vec<&str> =
            fields.iter().zip(&values).filter(is_missing).map(|(field, _)| field.name.as_str()).collect();
        // A field that is merely misspelt is not missing as well.
        if missing.len() > unknown_count && !self.globals.is_broken(span) {
            let names = missing.join("`, `");
            self.push(
                Diagnostic::new(&f02::MISSING_FIELD, format!("`{name}` also needs `{names}`"), span)
                    .label("not all fields are given")
                    .help(format!(
                        "add {}",
                        missing.iter().map(|name| format!("`{name}: …`")).collect::<Vec<_>>().join(", ")
                    )),
            );
        }
        let absent = Expr { span, ty: Ty::Absent, kind: ExprKind::Value(Value::None) };
        values.into_iter().map(|value| value.unwrap_or_else(|| absent.clone())).collect()
    }

    pub(crate) fn field_at(
        &mut self,
        name: &Ident,
        fields: &[Field],
        init: &FieldInit,
        given: &[&FieldInit],
    ) -> Option<usize> {
        let at = fields.iter().position(|field| field.name == init.name.as_str());
        if let Some(first) = given.iter().find(|first| first.name.text == init.name.text) {
            self.push(twice(&init.name, first.name.span).help("keep one of them"));
            return None;
        }
        if at.is_none() {
            let message = format!("`{name}` has no field `{}`", init.name);
            let diagnostic = Diagnostic::new(&f02::UNKNOWN_MEMBER, message, init.name.span).label("no such field");
            let open = fields.iter().map(|field| field.name.as_str());
            let open = open.filter(|field| !given.iter().any(|given| given.name.as_str() == *field));
            self.push(suggest_member(diagnostic, &init.name, open));
        }
        at
    }

    /// `order with { channel: Channel.web }`
    pub(crate) fn with(&mut self, base: &ast::Expr, inits: &[FieldInit], wanted: Option<&Ty>, span: Span) -> Expr {
        let base = self.expr(base, None);
        let newer = match wanted {
            Some(Ty::Optional(inner)) => Some(inner.as_ref()),
            wanted => wanted,
        };
        if let (true, Ty::Named(old), Some(Ty::Named(new))) = (self.upcasting, &base.ty, newer)
            && old != new
            && [*old, *new].iter().all(|id| matches!(self.kind(*id), Some(TypeKind::Record(_))))
        {
            return self.carry_with(base, *new, inits, span);
        }
        let found = match &base.ty {
            Ty::Named(id) => match self.kind(*id) {
                Some(TypeKind::Record(fields)) => Some((*id, fields)),
                Some(TypeKind::Event(event)) => Some((*id, &event.fields)),
                _ => None,
            },
            _ => None,
        };
        if matches!(found, Some((id, _)) if self.globals.is_damaged(Symbol::Type(id))) {
            self.pass_over(inits);
            return base;
        }
        let Some((id, fields)) = found else {
            if let Ty::Optional(_) = base.ty {
                let diagnostic = self.absent(base.span, &base.ty);
                self.push(diagnostic);
            } else if base.ty != Ty::Unknown {
                let shown = self.show(&base.ty);
                self.push(
                    Diagnostic::new(&f02::MISMATCH, format!("{shown} has no fields to change"), base.span)
                        .label("a record is expected before `with`"),
                );
            }
            self.pass_over(inits);
            return unknown(span);
        };
        let short = self.globals.model.ty(id).map_or("", |def| def.short_name());
        let name = Ident { text: short.into(), span: base.span };
        let mut given: Vec<&FieldInit> = Vec::new();
        let mut changed = Vec::new();
        for init in inits {
            let at = self.field_at(&name, fields, init, &given);
            given.push(init);
            match at.and_then(|at| Some((narrow(at), fields.get(at)?))) {
                Some((at, field)) => changed.push((at, self.expect(&init.value, &field.ty))),
                None => {
                    self.expr(&init.value, None);
                }
            }
        }
        Expr { span, ty: Ty::Named(id), kind: ExprKind::With { base: Box::new(base), fields: changed } }
    }

    /// A case of an enum, with its data by position.
    pub(crate) fn variant(&mut self, id: TypeId, name: &Ident, args: &[Arg], span: Span) -> Expr {
        let Some(TypeKind::Enum(cases)) = self.kind(id) else { return unknown(span) };
        let Some((at, case)) = cases.iter().enumerate().find(|(_, case)| case.name == name.as_str()) else {
            if self.globals.is_damaged(Symbol::Type(id)) {
                self.pass_over_args(args);
                return Expr { span, ty: Ty::Named(id), kind: ExprKind::Unknown };
            }
            let shown = self.show(&Ty::Named(id));
            let diagnostic = Diagnostic::new(&f02::UNKNOWN_MEMBER, format!("{shown} has no case `{name}`"), name.span)
                .label("no such case");
            self.push(suggest_member(diagnostic, name, cases.iter().map(|case| case.name.as_str())));
            for arg in args {
                if let Arg::Expr(arg) = arg {
                    self.expr(arg, None);
                }
            }
            return Expr { span, ty: Ty::Named(id), kind: ExprKind::Unknown };
        };
        let params: Vec<(String, Ty)> =
            case.fields.iter().map(|field| (field.name.clone(), field.ty.clone())).collect();
        let fields = self.arguments(&format!("`{name}`"), &params, args, span);
        Expr { span, ty: Ty::Named(id), kind: ExprKind::Variant { ty: id, case: narrow(at), fields } }
    }
}
