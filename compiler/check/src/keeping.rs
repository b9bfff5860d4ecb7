//! `keeping`: what a handler takes over of the body that is left for it.
//!
//! Only what a statement of the body itself binds can be kept: such statements come one after the other, so it is plain what
//! was done since.

use crate::flow::FlowCx;
use crate::model::{Body, Kept, LocalId, LocalKind, Stmt, StmtKind, Ty};
use crate::names::suggest;
use crate::ty::holds_resource;
use flowline_diag::Diagnostic;
use flowline_diag::code::{f01, f02};
use flowline_syntax::ast::Ident;

/// What the handlers of an attempt may keep of its body.
#[derive(Debug, Default)]
pub(crate) struct Keepable {
    /// What the body's own statements bind.
    own: Vec<LocalId>,
    /// The first local that the body has bound, and the first behind it.
    inside: (usize, usize),
}

impl Keepable {
    /// Of a body that was just checked, where there were so many locals before it.
    pub(crate) fn of(body: &Body, before: usize, now: usize) -> Self {
        Self { own: body.block.stmts.iter().flat_map(bound).collect(), inside: (before, now) }
    }
}

/// The names that take what a statement with a result of its own gives.
fn bound(stmt: &Stmt) -> Vec<LocalId> {
    match &stmt.kind {
        StmtKind::Call(call) => call.result.into_iter().collect(),
        StmtKind::Each(each) => each.result.into_iter().collect(),
        StmtKind::Repeat(repeat) => repeat.result.into_iter().collect(),
        StmtKind::Attempt(attempt) => attempt.result.into_iter().collect(),
        StmtKind::Flow { result, .. } => result.iter().copied().collect(),
        StmtKind::Await(wait) => wait.result.into_iter().collect(),
        StmtKind::Parallel(branches) => branches.iter().filter_map(|branch| branch.result).collect(),
        StmtKind::Ask(ask) => ask.result.into_iter().collect(),
        StmtKind::Govern(govern) => govern.result.into_iter().collect(),
        StmtKind::Let { local, .. } => vec![*local],
        StmtKind::Wait(_)
        | StmtKind::When { .. }
        | StmtKind::Match { .. }
        | StmtKind::Give(_)
        | StmtKind::Emit { .. }
        | StmtKind::Status { .. }
        | StmtKind::Fail(_)
        | StmtKind::Stop { .. }
        | StmtKind::PointOfNoReturn => Vec::new(),
    }
}

impl FlowCx<'_> {
    /// Binds what a handler keeps, in the handler's scope: each may never have been opened.
    pub(crate) fn keeping(&mut self, names: &[Ident], of: &Keepable) -> Vec<Kept> {
        crate::signature::unique(names, &mut self.cx.diagnostics);
        let mut kept = Vec::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            if !names.iter().take(at).any(|before| before.text == name.text) {
                self.keep(name, of, &mut kept);
            }
        }
        kept
    }

    fn keep(&mut self, name: &Ident, of: &Keepable, kept: &mut Vec<Kept>) {
        if let Some(local) = of.own.iter().copied().find(|local| self.is_called(*local, name)) {
            let ty = self.cx.local_ty(local);
            if is_resource_or_list(&ty) {
                kept.push(self.kept_as(name, local, ty));
            } else if ty != Ty::Unknown {
                self.nothing_to_keep(name, &ty);
            }
            return;
        }
        if let Some(parts) = self.branches_called(name, of) {
            let mut held = Vec::new();
            for (branch, local) in parts {
                let ty = self.cx.local_ty(local);
                if is_resource_or_list(&ty) {
                    let span = name.span;
                    let slot = LocalKind::Slot(self.scope);
                    let to = self.cx.hidden(&format!("{name}.{branch}"), span, Ty::Optional(Box::new(ty)), slot);
                    kept.push(Kept { span, from: local, to });
                    held.push((branch, to));
                }
            }
            if held.is_empty() {
                return self.nothing_to_keep(name, &Ty::Unknown);
            }
            let joined = self.cx.bind(name, Ty::Unknown, LocalKind::Code);
            self.cx.joined.push((joined, held));
            return;
        }
        let finding = self.not_keepable(name, of);
        self.cx.push(finding);
        // Bound all the same, so that one mistake has one message.
        if self.cx.lookup(name.as_str()).is_none() {
            self.cx.bind(name, Ty::Unknown, LocalKind::Slot(self.scope));
        }
    }

    fn kept_as(&mut self, name: &Ident, from: LocalId, ty: Ty) -> Kept {
        let slot = LocalKind::Slot(self.scope);
        Kept { span: name.span, from, to: self.cx.bind(name, Ty::Optional(Box::new(ty)), slot) }
    }

    fn is_called(&self, local: LocalId, name: &Ident) -> bool {
        self.cx.locals.get(local.index()).is_some_and(|local| local.name == name.as_str())
    }

    /// What `let name = parallel …` of the body has bound, by branch.
    fn branches_called(&self, name: &Ident, of: &Keepable) -> Option<Vec<(String, LocalId)>> {
        let joined = self.cx.joined.iter().filter(|(local, _)| self.is_called(*local, name));
        let mut own = joined.filter(|(_, parts)| parts.iter().any(|(_, part)| of.own.contains(part)));
        own.next().map(|(_, parts)| parts.clone())
    }

    fn nothing_to_keep(&mut self, name: &Ident, ty: &Ty) {
        let message = format!("`{name}` is no resource: there is nothing to keep");
        let mut finding = Diagnostic::new(&f02::RESOURCE, message, name.span)
            .help("`keeping` names what would else be let go when the attempt is left: a resource, or a list of some");
        if *ty != Ty::Unknown {
            finding = finding.label(format!("this is {}", self.cx.show(ty)));
        }
        self.cx.push(finding);
        self.cx.bind(name, Ty::Unknown, LocalKind::Slot(self.scope));
    }

    /// Why there is nothing by that name that the body's own statements have opened.
    fn not_keepable(&self, name: &Ident, of: &Keepable) -> Diagnostic {
        if let Some(outer) = self.cx.lookup(name.as_str()).and_then(|local| self.cx.locals.get(local.index())) {
            return found_outside(name, holds_resource(&outer.ty))
                .also(outer.span, "it comes from here, around the attempt");
        }
        let (from, to) = of.inside;
        let within = self.cx.locals.get(from..to).unwrap_or_default();
        if let Some(inner) = within.iter().rev().find(|local| local.name == name.as_str()) {
            return Diagnostic::new(
                &f02::RESOURCE,
                format!("`{name}` is opened in a block inside of the attempt, and can't be kept from there"),
                name.span,
            )
            .also(inner.span, "it is opened here")
            .help(format!(
                "open it in the attempt itself; or let the block hand it out: `let {name} = attempt {{ … give {name} }}`"
            ));
        }
        let own = of.own.iter().filter_map(|local| self.cx.locals.get(local.index()));
        let own = own.filter(|local| holds_resource(&local.ty)).map(|local| local.name.as_str());
        let message = format!("the attempt opens nothing that is called `{name}`");
        let finding = Diagnostic::new(&f01::UNKNOWN_NAME, message, name.span).label("not known there");
        suggest(finding, name, own)
    }
}

fn is_resource_or_list(ty: &Ty) -> bool {
    matches!(ty, Ty::Resource(_) | Ty::List(..)) && holds_resource(ty)
}

fn found_outside(name: &Ident, is_resource: bool) -> Diagnostic {
    if is_resource {
        Diagnostic::new(
            &f02::RESOURCE,
            format!("`{name}` lies outside of this attempt: leaving it doesn't let go of `{name}`"),
            name.span,
        )
        .label("not let go, so not to be kept")
        .help(format!("leave `{name}` out here; the handler sees it as it is"))
    } else {
        Diagnostic::new(&f02::RESOURCE, format!("`{name}` is no resource: there is nothing to keep"), name.span)
            .help("`keeping` names what would else be let go when the attempt is left")
    }
}
