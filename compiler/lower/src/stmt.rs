//! Statements as nodes.

use flowline_check::model::{self, Block, Body, Expr, ExprKind, LocalId, Pattern, StmtKind};
use flowline_diag::Span;
use flowline_plan::{
    CallNode, ChooseArm, Code, EachNode, Instr, NodeId, NodeKind, RunFlowNode, ScopeId, Sharing, Slot,
};

use crate::{
    expr::bindings,
    flow::{At, Flow},
    undo,
};

impl Flow<'_> {
    /// Lowers statements of a scope; gives their first node, or what follows where there are none. Statements that nothing
    /// leads to are kept: proofs tell of them.
    pub(crate) fn block(&mut self, block: &Block, scope: ScopeId, next: Option<NodeId>) -> Option<NodeId> {
        let mut next = next;
        for stmt in block.stmts.iter().rev() {
            next = Some(self.stmt(stmt, scope, next));
        }
        next
    }

    /// Lowers a block that is a scope of its own.
    pub(crate) fn body(&mut self, body: &Body, label: &str, role: &str) -> ScopeId {
        let entry = self.block(&body.block, body.scope, None);
        self.name_scope(body.scope, label, role, entry);
        body.scope
    }

    fn stmt(&mut self, stmt: &model::Stmt, scope: ScopeId, next: Option<NodeId>) -> NodeId {
        let span = stmt.span;
        let at = At { scope, span };
        match &stmt.kind {
            StmtKind::Let { local, value } => self.binding(at, *local, value, next),
            StmtKind::Call(call) => self.call(at, call, next),
            StmtKind::Await(wait) => self.wait(at, wait, next),
            StmtKind::Wait(due) => {
                let kind = NodeKind::Wait { due: self.code(due) };
                let label = format!("wait {}", self.cx.words(due.span));
                // How long may be tuned without touching who waits there.
                self.push_named(at, label, "wait".to_owned(), kind, next)
            }
            StmtKind::When { condition, then, otherwise } => {
                let otherwise = match otherwise {
                    Some(block) => self.block(block, scope, next),
                    None => next,
                };
                let target = self.block(then, scope, next);
                let words = self.cx.words(condition.span);
                let label = format!("when {words}");
                let arms = vec![ChooseArm { label: words, condition: self.code(condition), target }];
                self.push(at, label, NodeKind::Choose { arms, otherwise, told: false }, None)
            }
            StmtKind::Match { value, arms } => self.choose(at, value, arms, next),
            StmtKind::Parallel(branches) => {
                let scopes: Vec<ScopeId> =
                    branches.iter().rev().map(|branch| self.body(&branch.body, &branch.name, &branch.name)).collect();
                let results = branches.iter().map(|branch| self.result(branch.result)).collect();
                let branches = scopes.into_iter().rev().collect();
                self.push(at, "parallel".to_owned(), NodeKind::Parallel { branches, results }, next)
            }
            StmtKind::Each(each) => self.each(at, each, next),
            StmtKind::Repeat(repeat) => {
                let body = self.body(&repeat.body, "repeat", "round");
                let (max, until) = (self.code(&repeat.max), self.code(&repeat.until));
                let result = self.result(repeat.result);
                let kind = NodeKind::Repeat { max, body, until, result };
                self.push_for(at, "repeat", repeat.result, kind, next)
            }
            StmtKind::Give(value) => {
                let kind = NodeKind::Give { value: self.code(value) };
                self.push(at, "give".to_owned(), kind, None)
            }
            StmtKind::Attempt(attempt) => self.attempt(at, attempt, next),
            StmtKind::Ask(ask) => self.ask_stmt(at, ask, next),
            StmtKind::Govern(govern) => self.govern(at, govern, next),
            StmtKind::Emit { event, value } => {
                let kind = NodeKind::Emit { event: *event, value: self.code(value) };
                self.push(at, format!("emit {}", self.cx.type_name(*event)), kind, next)
            }
            StmtKind::Status { value, part } => {
                let label = format!("status {}", self.status_name(value));
                let kind =
                    NodeKind::Status { value: self.code(value), part: part.as_ref().map(|part| self.code(part)) };
                self.push(at, label, kind, next)
            }
            StmtKind::Flow { flow, args, detached, result } => {
                let verb = if *detached { "start" } else { "run" };
                let label = format!("{verb} {}", self.cx.flow_name(*flow));
                let (args, result) = (self.codes(args), self.result(*result));
                let kind = NodeKind::RunFlow(RunFlowNode { flow: *flow, args, detached: *detached, result });
                self.push(at, label, kind, next)
            }
            StmtKind::Fail(value) => self.failure(at, value),
            StmtKind::Stop { outcome, status, with } => {
                let kind = NodeKind::Stop {
                    outcome: outcome.clone(),
                    status: status.as_ref().map(|status| self.code(status)),
                    value: with.as_ref().map(|value| self.code(value)),
                };
                self.push(at, format!("stop {outcome}"), kind, None)
            }
            StmtKind::PointOfNoReturn => {
                self.push(at, "point of no return".to_owned(), NodeKind::PointOfNoReturn, next)
            }
        }
    }

    pub(crate) fn failure(&mut self, at: At, value: &Expr) -> NodeId {
        let error = if let ExprKind::Error { ty, .. } = &value.kind { Some(*ty) } else { None };
        let label = error.map_or("fail".to_owned(), |error| format!("fail {}", self.cx.type_name(error)));
        let kind = NodeKind::Fail { value: self.code(value) };
        self.push(at, label, kind, None)
    }

    /// The slot of a local that takes a value.
    pub(crate) fn result(&self, local: Option<LocalId>) -> Option<Slot> {
        self.slot(local?)
    }

    /// Adds a node that is known by what its value is bound to, where it is bound: such a name is surer than its place.
    pub(crate) fn push_for(
        &mut self,
        at: At,
        label: &str,
        result: Option<LocalId>,
        kind: NodeKind,
        next: Option<NodeId>,
    ) -> NodeId {
        let bound = result.and_then(|local| self.local(local)).map(|local| format!("{label} for {}", local.name));
        self.push_named(at, label.to_owned(), bound.unwrap_or_else(|| label.to_owned()), kind, next)
    }

    pub(crate) fn binding(&mut self, at: At, local: LocalId, value: &Expr, next: Option<NodeId>) -> NodeId {
        let name = self.local(local).map_or("", |local| local.name.as_str());
        let is_here = self.local(local).is_some_and(|local| within(local.span, at.span));
        let label = if is_here { format!("let {name}") } else { format!("{name} = …") };
        let code = self.code(value);
        let Some(slot) = self.slot(local) else {
            // Only where the check found errors: a name that has no slot takes nothing.
            let slot = self.hidden(at.scope, value.ty.to_plan());
            return self.push(at, label, NodeKind::Let { slot, code }, next);
        };
        self.push(at, label, NodeKind::Let { slot, code }, next)
    }

    fn call(&mut self, at: At, call: &model::Call, next: Option<NodeId>) -> NodeId {
        let label = self.cx.called(call.op);
        let name = call.step.as_ref().map_or_else(|| label.clone(), |step| format!("as {step}"));
        let kind = NodeKind::Call(CallNode {
            op: call.op,
            args: self.codes(&call.args),
            result: self.result(call.result),
            retry: call.retry,
            timeout_ms: call.timeout_ms,
            undo: call.undo.as_ref().map(|with| undo::undo(self.cx, self.names(), call, with)),
        });
        self.push_named(at, label, name, kind, next)
    }

    fn each(&mut self, at: At, each: &model::Each, next: Option<NodeId>) -> NodeId {
        let item = self.local(each.item).map_or("", |local| local.name.as_str());
        let (label, role) = (format!("for each {item}"), format!("each {item}"));
        let body = self.body(&each.body, &role, "element");
        let anywhere = Slot { scope: body, at: 0 };
        let sharing = each.sharing.as_ref().map(|sharing| Sharing {
            resource: self.code(&sharing.whole),
            by: self.code_with(&[Some(each.item)], &sharing.amount),
            part: self.slot(sharing.part).unwrap_or(anywhere),
        });
        let kind = NodeKind::Each(EachNode {
            list: self.code(&each.list),
            item: self.slot(each.item).unwrap_or(anywhere),
            width: each.width.as_ref().map(|width| self.code(width)),
            sharing,
            body,
            result: self.result(each.result),
        });
        self.push_for(at, &label, each.result, kind, next)
    }

    /// `match`: the value is worked out once; its arms cover every value, so the last one needs no condition.
    fn choose(&mut self, at: At, value: &Expr, arms: &[model::StmtMatchArm], next: Option<NodeId>) -> NodeId {
        let label = format!("match {}", self.cx.words(value.span));
        // A path is read where it is needed; anything else has a slot of its own.
        let hidden = if is_path(value) { None } else { Some(self.hidden(at.scope, value.ty.to_plan())) };
        let read = match hidden {
            Some(slot) => Code::slot(slot),
            None => self.code(value),
        };
        let of = enum_of(&value.ty);
        let mut choices = Vec::with_capacity(arms.len());
        let mut otherwise = next;
        for (no, arm) in arms.iter().enumerate().rev() {
            let mut target = self.block(&arm.body, at.scope, next);
            for (field, local) in arm.patterns.iter().flat_map(bindings).rev() {
                let Some(slot) = self.slot(*local) else { continue };
                let mut code = read.clone();
                code.ops.push(Instr::Field(*field));
                let name = self.local(*local).map_or("", |local| local.name.as_str());
                let place = At { scope: at.scope, span: arm.span };
                target = Some(self.push(place, format!("let {name}"), NodeKind::Let { slot, code }, target));
            }
            let covers =
                no + 1 == arms.len() || arm.patterns.iter().any(|pattern| matches!(pattern, Pattern::Otherwise));
            if covers {
                otherwise = target;
                choices.clear();
            } else {
                let label = self.cx.patterns(&arm.patterns, of, arm.span);
                choices.push(ChooseArm { label, condition: self.fits(&arm.patterns, &read, arm.span), target });
            }
        }
        choices.reverse();
        let choice = self.push(at, label, NodeKind::Choose { arms: choices, otherwise, told: false }, None);
        match hidden {
            Some(slot) => {
                let label = format!("look at {}", self.cx.words(value.span));
                let code = self.code(value);
                self.push(At { scope: at.scope, span: value.span }, label, NodeKind::Let { slot, code }, Some(choice))
            }
            None => choice,
        }
    }

    fn fits(&self, patterns: &[Pattern], read: &Code, span: Span) -> Code {
        let mut coder = self.coder();
        coder.fits(patterns, |coder| coder.include(read));
        coder.finish(span)
    }

    /// The name of the case that a status is set to.
    fn status_name(&self, value: &Expr) -> String {
        let case = if let ExprKind::Variant { case, .. } = &value.kind {
            self.status_values().and_then(|of| self.cx.case_name(of, *case))
        } else {
            None
        };
        case.map_or_else(|| self.cx.words(value.span), ToOwned::to_owned)
    }
}

/// A name, or fields of one.
fn is_path(expr: &Expr) -> bool {
    if let ExprKind::Field { base, optional: false, .. } = &expr.kind {
        return is_path(base);
    }
    matches!(expr.kind, ExprKind::Local(_))
}

fn enum_of(ty: &model::Ty) -> Option<flowline_plan::TypeId> {
    if let model::Ty::Optional(inner) = ty {
        return enum_of(inner);
    }
    if let model::Ty::Named(id) = ty { Some(*id) } else { None }
}

fn within(inner: Span, outer: Span) -> bool {
    inner.file == outer.file && outer.start <= inner.start && inner.end <= outer.end
}
