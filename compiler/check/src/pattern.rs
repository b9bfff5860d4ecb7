//! `match`: patterns, and whether they cover every value.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::cx::{Cx, unknown};
use crate::expr::narrow;
use crate::hints::suggest_member;
use crate::model::{Case, Expr, ExprKind, LocalKind, MatchArm, Pattern, Ty, TypeKind};
use crate::names::Symbol;
use crate::operator::literal_fits;
use flowline_diag::code::f02;
use flowline_diag::{Diagnostic, Span};
use flowline_plan::{TypeId, Value};
use flowline_syntax::ast::{self, Ident, PatternKind};

/// What the arms so far have covered.
#[derive(Debug, Default)]
pub(crate) struct Covered {
    cases: Vec<(u16, Span)>,
    literals: Vec<(Value, Span)>,
    none: Option<Span>,
    rest: Option<Span>,
    /// A pattern was not understood, so that nothing can be said of what is missing.
    is_broken: bool,
}

impl<'g> Cx<'g> {
    pub(crate) fn match_expr(
        &mut self,
        value: &ast::Expr,
        arms: &[ast::MatchArm],
        wanted: Option<&Ty>,
        span: Span,
    ) -> Expr {
        let value = self.expr(value, None);
        let mut covered = Covered::default();
        let mut ty: Option<Ty> = None;
        let mut checked = Vec::with_capacity(arms.len());
        for arm in arms {
            let mark = self.mark();
            let patterns = self.patterns(&value, &arm.patterns, &mut covered, LocalKind::Code);
            let result = self.expr(&arm.value, wanted.or(ty.as_ref()));
            self.reset(mark);
            ty = Some(match &ty {
                Some(ty) => self.join(ty, &result),
                None => result.ty.clone(),
            });
            checked.push(MatchArm { span: arm.span, patterns, value: result });
        }
        self.exhaustive(&value, &covered, value.span);
        let Some(ty) = ty else { return unknown(span) };
        if ty == Ty::Decimal {
            for arm in &mut checked {
                let result = std::mem::replace(&mut arm.value, unknown(span));
                arm.value = self.coerce(result, &ty);
            }
        }
        Expr { span, ty, kind: ExprKind::Match { value: Box::new(value), arms: checked } }
    }

    /// The patterns of one arm. What they bind and what is then known to be there holds until the caller resets.
    pub(crate) fn patterns(
        &mut self,
        value: &Expr,
        patterns: &[ast::Pattern],
        covered: &mut Covered,
        kind: LocalKind,
    ) -> Vec<Pattern> {
        // An arm that can't be read has none; it may have named what is missing.
        covered.is_broken |= patterns.is_empty();
        let alone = patterns.len() == 1;
        let was_none = covered.none.is_some();
        let checked: Vec<Pattern> =
            patterns.iter().map(|pattern| self.pattern(value, pattern, covered, kind, alone)).collect();
        let present = checked.iter().all(|pattern| match pattern {
            Pattern::Case { .. } | Pattern::Literal(_) => true,
            Pattern::None => false,
            Pattern::Otherwise => was_none,
        });
        if present && matches!(value.ty, Ty::Optional(_)) {
            self.present.extend(self.place(value));
        }
        checked
    }

    fn pattern(
        &mut self,
        value: &Expr,
        pattern: &ast::Pattern,
        covered: &mut Covered,
        kind: LocalKind,
        alone: bool,
    ) -> Pattern {
        let span = pattern.span;
        if let Some(rest) = covered.rest {
            self.push(never(span).also(rest, "everything is taken here"));
        }
        match &pattern.kind {
            PatternKind::Otherwise => {
                covered.rest.get_or_insert(span);
                Pattern::Otherwise
            }
            PatternKind::None => {
                self.note_if_never_absent(value);
                if let Some(first) = covered.none {
                    self.push(never(span).also(first, "absence is taken here"));
                }
                covered.none.get_or_insert(span);
                Pattern::None
            }
            PatternKind::Literal(literal) => {
                let literal = self.expr(literal, Some(&value.ty));
                let ExprKind::Value(found) = &literal.kind else {
                    if literal.ty != Ty::Unknown {
                        self.push(Diagnostic::new(&f02::MISMATCH, "a pattern is a case or a literal", span));
                    }
                    return Pattern::Otherwise;
                };
                if value.ty != Ty::Unknown && !literal_fits(&literal, &value.ty) {
                    let diagnostic = self.mismatch(&literal, &value.ty);
                    self.push(diagnostic.also(value.span, "the value that is looked at"));
                }
                match covered.literals.iter().find(|(seen, _)| seen == found) {
                    Some((_, first)) => self.push(never(span).also(*first, "taken here")),
                    None => covered.literals.push((found.clone(), span)),
                }
                Pattern::Literal(found.clone())
            }
            PatternKind::Case { ty, name, bindings } => {
                self.case(value, ty.as_ref(), name, bindings, span, covered, kind, alone)
            }
        }
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one pattern with all that stands around it; split up it reads no better"
    )]
    fn case(
        &mut self,
        value: &Expr,
        ty: Option<&Ident>,
        name: &Ident,
        bindings: &[Ident],
        span: Span,
        covered: &mut Covered,
        kind: LocalKind,
        alone: bool,
    ) -> Pattern {
        let named = ty.map(|ty| self.declared_type(ty, "an enum"));
        let Some((id, cases)) = self.enum_of(&value.ty) else {
            if value.ty != Ty::Unknown && named != Some(None) {
                let found = self.show(&value.ty);
                self.push(
                    Diagnostic::new(&f02::MISMATCH, format!("{found} has no cases"), span)
                        .label("a literal or `otherwise` is expected here")
                        .also(value.span, "the value that is looked at"),
                );
            }
            return self.broken(bindings, kind);
        };
        if let Some(Some(named)) = named
            && named != id
        {
            let (found, wanted) = (self.show(&Ty::Named(named)), self.show(&Ty::Named(id)));
            self.push(
                Diagnostic::new(&f02::MISMATCH, format!("a case of {wanted} is expected, not of {found}"), span)
                    .also(value.span, format!("this is {wanted}")),
            );
            return self.broken(bindings, kind);
        }
        let Some((at, case)) = cases.iter().enumerate().find(|(_, case)| case.name == name.as_str()) else {
            // What was meant may be any case: no finding about missing ones on top.
            covered.is_broken = true;
            if self.globals.is_damaged(Symbol::Type(id)) {
                return self.broken(bindings, kind);
            }
            let shown = self.show(&Ty::Named(id));
            let diagnostic = Diagnostic::new(&f02::UNKNOWN_MEMBER, format!("{shown} has no case `{name}`"), name.span)
                .label("no such case");
            let diagnostic = suggest_member(diagnostic, name, cases.iter().map(|case| case.name.as_str()));
            self.push(if matches!(name.as_str(), "default" | "other" | "others" | "else" | "any") {
                diagnostic.help("all other cases are `otherwise`").maybe_fix(
                    "write `otherwise`",
                    name.span,
                    "otherwise",
                )
            } else {
                diagnostic
            });
            return self.broken(bindings, kind);
        };
        let at = narrow(at);
        match covered.cases.iter().find(|(seen, _)| *seen == at) {
            Some((_, first)) => self.push(never(span).also(*first, "taken here")),
            None => covered.cases.push((at, span)),
        }
        self.bindings(case, at, bindings, span, kind, alone)
    }

    fn bindings(&mut self, case: &Case, at: u16, names: &[Ident], span: Span, kind: LocalKind, alone: bool) -> Pattern {
        if !alone && !names.is_empty() {
            self.push(
                Diagnostic::new(&f02::MISMATCH, "one of several patterns can't bind names", span)
                    .label("which of the names holds is not known")
                    .help("give this case an arm of its own"),
            );
        }
        if !names.is_empty() && names.len() != case.fields.len() {
            let (wanted, given) = (case.fields.len(), names.len());
            self.push(
                Diagnostic::new(&f02::ARGUMENTS, format!("`{}` carries {wanted} values, not {given}", case.name), span)
                    .also(case.span, "declared here"),
            );
        }
        let mut bound = Vec::new();
        for (field_at, name) in names.iter().enumerate() {
            let ty = case.fields.get(field_at).map_or(Ty::Unknown, |field| field.ty.clone());
            if name.as_str() != "_" {
                bound.push((narrow(field_at), self.bind(name, ty, kind)));
            }
        }
        Pattern::Case { case: at, bindings: bound }
    }

    fn broken(&mut self, bindings: &[Ident], kind: LocalKind) -> Pattern {
        for name in bindings {
            self.bind(name, Ty::Unknown, kind);
        }
        Pattern::Otherwise
    }

    fn enum_of(&self, ty: &Ty) -> Option<(TypeId, &'g [Case])> {
        match ty {
            Ty::Named(id) => match self.kind(*id) {
                Some(TypeKind::Enum(cases)) => Some((*id, cases)),
                _ => None,
            },
            Ty::Optional(inner) => self.enum_of(inner),
            _ => None,
        }
    }

    /// Reports what no arm covers.
    pub(crate) fn exhaustive(&mut self, value: &Expr, covered: &Covered, span: Span) {
        if covered.rest.is_some() || covered.is_broken || value.ty == Ty::Unknown {
            return;
        }
        let mut missing: Vec<String> = Vec::new();
        let inner = match &value.ty {
            Ty::Optional(inner) => inner.as_ref(),
            ty => ty,
        };
        if let Some((_, cases)) = self.enum_of(inner) {
            let is_missing = |at: usize| !covered.cases.iter().any(|(seen, _)| usize::from(*seen) == at);
            missing
                .extend(cases.iter().enumerate().filter(|(at, _)| is_missing(*at)).map(|(_, case)| case.name.clone()));
        } else if *inner == Ty::Bool {
            for wanted in [true, false] {
                if !covered.literals.iter().any(|(seen, _)| *seen == Value::Bool(wanted)) {
                    missing.push(wanted.to_string());
                }
            }
        } else {
            missing.push("otherwise".to_owned());
        }
        if matches!(value.ty, Ty::Optional(_)) && covered.none.is_none() && missing != ["otherwise"] {
            missing.push("none".to_owned());
        }
        if !missing.is_empty() {
            let names = missing.join("`, `");
            let (verb, help) = match missing.as_slice() {
                [only] => ("is", format!("add an arm: `{only} => …`")),
                [..] => ("are", "add an arm for each, or `otherwise => …` for all the rest".to_owned()),
            };
            self.push(
                Diagnostic::new(&f02::NOT_EXHAUSTIVE, format!("`{names}` {verb} not covered"), span)
                    .label("every value needs an arm")
                    .help(help),
            );
        }
    }
}

fn never(span: Span) -> Diagnostic {
    Diagnostic::new(&f02::NEVER_FITS, "this pattern can never fit", span).label("already taken by an arm above")
}
