//! `parallel`, and the values that its branches give: `let both = parallel { … }` binds one for each branch by its name.

use crate::cx::{Cx, unknown};
use crate::flow::{FlowCx, Gives, Taker};
use crate::hints::suggest_member;
use crate::model::{Branch, Expr, ExprKind, LocalId, LocalKind, StmtKind, Ty};
use crate::stmt::Target;
use flowline_diag::code::f02;
use flowline_diag::{Diagnostic, Span};
use flowline_plan::ScopeKind;
use flowline_syntax::ast::{self, Ident};

impl FlowCx<'_> {
    pub(crate) fn parallel(&mut self, text: &[ast::Branch], target: Target<'_>, span: Span) -> StmtKind {
        crate::signature::unique(text.iter().map(|branch| &branch.name), &mut self.cx.diagnostics);
        let mut branches = Vec::with_capacity(text.len());
        let mut values: Vec<Option<Ty>> = Vec::with_capacity(text.len());
        for branch in text {
            self.gives.push(Gives { taker: Taker::Branch, ty: None, given: false });
            let mut goes_on = false;
            let body = self.scoped(ScopeKind::Branch, branch.body.span, |this| {
                let (block, body_goes_on) = this.block(&branch.body);
                goes_on = body_goes_on;
                block
            });
            let gives = self.gives.pop();
            let gave = gives.as_ref().is_some_and(|gives| gives.given);
            let ty = self.given(gives, target, goes_on, branch.body.span, "the branch can end without giving a value");
            values.push(gave.then_some(ty));
            branches.push(Branch { name: branch.name.to_string(), span: branch.span, body, result: None });
        }
        if let Some(name) = self.joined_name(target, values.iter().any(Option::is_some), span) {
            let joined = self.cx.bind(name, Ty::Unknown, LocalKind::Code);
            let mut parts = Vec::with_capacity(branches.len());
            for (branch, ty) in branches.iter_mut().zip(values) {
                let Some(ty) = ty else { continue };
                let called = format!("{name}.{}", branch.name);
                let local = self.cx.hidden(&called, name.span, ty, LocalKind::Slot(self.scope));
                branch.result = Some(local);
                parts.push((branch.name.clone(), local));
            }
            self.cx.joined.push((joined, parts));
        }
        StmtKind::Parallel(branches)
    }

    /// `both.a`, which a `let` may take over.
    pub(crate) fn is_of_branch(&self, expr: &ast::Expr) -> bool {
        matches!(&expr.kind, ast::ExprKind::Field { base, .. } if self.cx.joined_in(base).is_some())
    }

    /// The name that takes the values of all branches, where it can; a finding where it can't.
    fn joined_name<'t>(&mut self, target: Target<'t>, any: bool, span: Span) -> Option<&'t Ident> {
        let (name, finding) = match target {
            Target::Nowhere => return None,
            Target::Bind { name, .. } if !any => {
                let finding = Diagnostic::new(&f02::NO_VALUE, "no branch gives a value", span)
                    .label("a value is expected here")
                    .help("a branch ends with `give …`");
                (name, finding)
            }
            Target::Bind { name, ty: Some(ty), .. } => {
                let message = "what branches give has no type that can be written";
                (name, Diagnostic::new(&f02::MISMATCH, message, ty.span).label("leave this out"))
            }
            Target::Bind { name, ty: None, is_var: true } => {
                let message = "the values of branches are bound once";
                (
                    name,
                    Diagnostic::new(&f02::ASSIGNMENT, message, name.span)
                        .help(format!("write `let {name} = parallel …`")),
                )
            }
            Target::Assign(name) => {
                let message = "the values of branches can't be assigned";
                let help = "bind them by `let both = parallel …`, and assign `both.a` behind it";
                self.cx.push(Diagnostic::new(&f02::ASSIGNMENT, message, name.span).help(help));
                return None;
            }
            Target::Bind { name, ty: None, is_var: false } => return Some(name),
        };
        self.cx.push(finding);
        self.cx.bind(name, Ty::Unknown, LocalKind::Slot(self.scope));
        None
    }
}

impl<'g> Cx<'g> {
    /// The values behind a name that `let … = parallel` has bound.
    pub(crate) fn parts_of(&self, local: LocalId) -> Option<&[(String, LocalId)]> {
        let found = self.joined.iter().find(|(joined, _)| *joined == local);
        found.map(|(_, parts)| parts.as_slice())
    }

    /// `both.a`: what a branch gave.
    pub(crate) fn value_of_branch(&mut self, base: &ast::Expr, branch: &Ident, span: Span) -> Option<Expr> {
        let name = self.joined_in(base)?;
        let parts = self.lookup(name.as_str()).and_then(|local| self.parts_of(local))?;
        let Some((_, local)) = parts.iter().find(|(part, _)| part == branch.as_str()) else {
            let message = format!("no branch `{branch}` of `{name}` gives a value");
            let finding = Diagnostic::new(&f02::UNKNOWN_MEMBER, message, branch.span).label("no such value");
            let finding = suggest_member(finding, branch, parts.iter().map(|(part, _)| part.as_str()));
            self.push(finding);
            return Some(unknown(span));
        };
        let expr = Expr { span, ty: self.local_ty(*local), kind: ExprKind::Local(*local) };
        Some(self.narrowed(expr))
    }

    /// The name of the values of branches that the expression is.
    pub(crate) fn joined_in<'t>(&self, expr: &'t ast::Expr) -> Option<&'t Ident> {
        let ast::ExprKind::Name(name) = &expr.kind else { return None };
        self.lookup(name.as_str()).and_then(|local| self.parts_of(local)).map(|_| name)
    }
}

/// The finding for a name that stands for the values of several branches.
pub(crate) fn which(name: &Ident, parts: &[(String, LocalId)]) -> Diagnostic {
    let each: Vec<String> = parts.iter().map(|(part, _)| format!("`{name}.{part}`")).collect();
    Diagnostic::new(&f02::WRONG_KIND, format!("`{name}` is not one value: each branch gave its own"), name.span)
        .label("of which branch?")
        .help(format!("say whose: {}", each.join(" or ")))
}
