//! Statements, one by one.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::cx::unknown;
use crate::flow::FlowCx;
use crate::model::{Block, Call, Expr, LocalId, LocalKind, OpClass, Stmt, StmtKind, StmtMatchArm, Ty, TypeKind, Undo};
use crate::names::Symbol;
use crate::pattern::Covered;
use crate::{contract, ty};
use flowline_diag::code::{f01, f02};
use flowline_diag::{Diagnostic, Span};
use flowline_plan::{RetryPolicy, ScopeId, ScopeKind};
use flowline_syntax::ast::{self, Ident};

/// Where the value of a statement goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// Nobody asks for it.
    Nowhere,
    Bind {
        name: &'a Ident,
        ty: Option<&'a ast::Type>,
        is_var: bool,
    },
    Assign(&'a Ident),
}

impl FlowCx<'_> {
    /// Checks statements in order; also says whether control can go on behind them.
    pub(crate) fn block(&mut self, block: &ast::Block) -> (Block, bool) {
        let mut goes_on = true;
        let mut stmts = Vec::with_capacity(block.stmts.len());
        let mark = self.cx.mark();
        for stmt in &block.stmts {
            goes_on &= self.stmt(stmt, &mut stmts);
        }
        if self.scope == ScopeId(0) {
            self.bound.clone_from(&self.cx.visible);
        }
        self.cx.reset(mark);
        (Block { span: block.span, stmts }, goes_on)
    }

    /// Checks a statement; says whether control can go on behind it.
    pub(crate) fn stmt(&mut self, stmt: &ast::Stmt, out: &mut Vec<Stmt>) -> bool {
        use ast::StmtKind as S;
        let span = stmt.span;
        let (kind, goes_on) = match &stmt.kind {
            S::Let { name, ty, value } => {
                return self.bound(value, Target::Bind { name, ty: ty.as_ref(), is_var: false }, span, out);
            }
            S::Var { name, ty, value } => {
                return self.bound(value, Target::Bind { name, ty: ty.as_ref(), is_var: true }, span, out);
            }
            S::Assign { name, value } => return self.bound(value, Target::Assign(name), span, out),
            S::Do(_)
            | S::Await(_)
            | S::AwaitFirst { .. }
            | S::Parallel { .. }
            | S::ForEach(_)
            | S::Repeat(_)
            | S::Attempt(_)
            | S::Run(_)
            | S::Ask(_)
            | S::Predict(_)
            | S::Govern(_) => return self.valued(stmt, Target::Nowhere, out),
            S::WaitFor(due) => (StmtKind::Wait(self.due(due)), true),
            S::WaitUntil(at) => (StmtKind::Wait(self.cx.expect(at, &Ty::Instant)), true),
            S::When(when) => self.when(when),
            S::Match { value, arms } => self.match_stmt(value, arms, span),
            S::Give(value) => (self.give(value, span), false),
            S::Emit(record) => match self.built(record, "an event", |kind| matches!(kind, TypeKind::Event(_))) {
                Some((event, value)) => (StmtKind::Emit { event, value }, true),
                None => return true,
            },
            S::Fail(record) => match self.built(record, "an error", |kind| matches!(kind, TypeKind::Error(_))) {
                Some((_, value)) => (StmtKind::Fail(value), false),
                None => return false,
            },
            S::Status { .. }
                if self.not_beside("status", "the flow itself says its status; `emit` an event instead", span) =>
            {
                return true;
            }
            S::Stop { .. } if self.not_beside("stop", "it has no outcome: it ends with its last step", span) => {
                return true;
            }
            S::Status { value, args, part } => {
                let part = part.as_ref().map(|part| self.cx.key_part(part));
                let Some(status) = self.status else {
                    self.no_status(span);
                    return true;
                };
                (StmtKind::Status { value: self.cx.variant(status.values, value, args, value.span), part }, true)
            }
            S::Stop { outcome, args, with } => (self.stop(outcome, args, with.as_ref(), span), false),
            S::Start(call) => match self.flow_call(call) {
                Some((flow, args)) => {
                    self.started_alone(flow, &call.flow);
                    (StmtKind::Flow { flow, args, detached: true, result: None }, true)
                }
                None => return true,
            },
            S::PointOfNoReturn => {
                self.point_of_no_return(span);
                (StmtKind::PointOfNoReturn, true)
            }
            S::Bad { inside, words } => {
                let around = self.cx.unread.len();
                self.cx.unread.extend(words.iter().cloned());
                for block in inside {
                    self.block(block);
                }
                self.cx.unread.truncate(around);
                return true;
            }
        };
        out.push(Stmt { span, kind });
        goes_on
    }

    /// `let`, `var` and assignment.
    fn bound(&mut self, value: &ast::Value, target: Target<'_>, span: Span, out: &mut Vec<Stmt>) -> bool {
        match value {
            ast::Value::Stmt(stmt) => self.valued(stmt, target, out),
            ast::Value::Expr(expr) => {
                let wanted = self.wanted(target);
                let value = match &wanted {
                    Some(wanted) => self.cx.expect(expr, wanted),
                    // What a branch gave may get a name of its own; a resource goes over to that.
                    None if self.is_of_branch(expr) => self.cx.resource(expr, None),
                    None => self.cx.expr(expr, None),
                };
                if wanted.is_none() && matches!(value.ty, Ty::Absent) {
                    self.cx.push(
                        Diagnostic::new(&f02::MISMATCH, "the type of `none` is not known here", expr.span)
                            .help("say it: `var x: Text? = none`"),
                    );
                } else if let Ty::Unrounded(_) | Ty::MoneyOf(_, _, false) = value.ty
                    && matches!(target, Target::Bind { is_var: true, .. })
                {
                    self.cx.push(crate::cx::unrounded(expr.span));
                }
                let ty = wanted.unwrap_or_else(|| value.ty.clone());
                if let Some(local) = self.target(target, ty) {
                    out.push(Stmt { span, kind: StmtKind::Let { local, value } });
                }
                true
            }
        }
    }

    /// The type that a target asks for.
    pub(crate) fn wanted(&mut self, target: Target<'_>) -> Option<Ty> {
        match target {
            Target::Nowhere | Target::Bind { ty: None, .. } => None,
            Target::Bind { ty: Some(text), .. } => {
                Some(ty::resolve_bound(self.cx.globals, self.cx.module, text, &mut self.cx.diagnostics))
            }
            Target::Assign(name) => self.cx.lookup(name.as_str()).map(|local| self.cx.local_ty(local)),
        }
    }

    /// The slot that takes a value of that type; none where nobody asks for it, or it can't be assigned.
    pub(crate) fn target(&mut self, target: Target<'_>, ty: Ty) -> Option<LocalId> {
        match target {
            Target::Nowhere => None,
            Target::Bind { name, is_var, .. } => {
                if is_var && ty::holds_resource(&ty) {
                    self.cx.push(
                        Diagnostic::new(&f02::RESOURCE, "a resource never sits in a `var`", name.span)
                            .label("it could be lost by an assignment")
                            .help("bind it with `let`"),
                    );
                }
                let kind = if is_var { LocalKind::Var(self.scope) } else { LocalKind::Slot(self.scope) };
                Some(self.cx.bind(name, ty, kind))
            }
            Target::Assign(name) => self.assigned(name),
        }
    }

    fn assigned(&mut self, name: &Ident) -> Option<LocalId> {
        let Some(id) = self.cx.lookup(name.as_str()) else {
            let message = format!("there is no `{name}` to assign");
            let diagnostic = Diagnostic::new(&f01::UNKNOWN_NAME, message, name.span)
                .label("not known here")
                .help(format!("a new name is bound by `let {name} = …`, or `var` if it is to change"));
            let diagnostic = self.cx.suggest_bound(diagnostic, name);
            self.cx.push(diagnostic);
            return None;
        };
        let local = self.cx.locals.get(id.index())?;
        let (bound_at, kind) = (local.span, local.kind);
        let LocalKind::Var(owner) = kind else {
            self.cx.push(
                Diagnostic::new(&f02::ASSIGNMENT, format!("`{name}` can't be assigned"), name.span)
                    .also(bound_at, "bound once, here")
                    .help("only what is declared by `var` changes"),
            );
            return None;
        };
        let crossed = self
            .enclosing()
            .take_while(|(scope, _)| *scope != owner)
            .find(|(_, kind)| matches!(kind, ScopeKind::Branch | ScopeKind::Element));
        if crossed.is_some() {
            self.cx.push(
                Diagnostic::new(
                    &f02::ASSIGNMENT,
                    format!("a branch can't assign `{name}` of the flow around it"),
                    name.span,
                )
                .label("branches run side by side; the last one would win")
                .also(bound_at, "declared outside")
                .help("let the branch give its value, and use the list of what they give"),
            );
            return None;
        }
        Some(id)
    }

    /// A statement that may have a value.
    fn valued(&mut self, stmt: &ast::Stmt, target: Target<'_>, out: &mut Vec<Stmt>) -> bool {
        use ast::StmtKind as S;
        let span = stmt.span;
        let (kind, goes_on) = match &stmt.kind {
            S::Do(call) => match self.call(call, target, span) {
                Some(call) => (StmtKind::Call(call), true),
                None => return true,
            },
            S::Await(wait) => match self.wait_one(wait, target) {
                Some(wait) => (StmtKind::Await(wait), true),
                None => return true,
            },
            S::AwaitFirst { arms } => {
                self.no_value(target, span, "`await first` gives no value; its arms may assign a `var`");
                let (wait, goes_on) = self.wait_first(arms);
                (StmtKind::Await(wait), goes_on)
            }
            S::Parallel { branches } => (self.parallel(branches, target, span), true),
            S::ForEach(each) => (StmtKind::Each(Box::new(self.each(each, target))), true),
            S::Repeat(repeat) => (StmtKind::Repeat(self.repeat(repeat, target, span)), true),
            S::Attempt(attempt) => {
                let (attempt, goes_on) = self.attempt(attempt, target, span);
                (StmtKind::Attempt(attempt), goes_on)
            }
            S::Run(call) => {
                let found = self.flow_call(call);
                let ty = match &found {
                    Some((id, _)) => self.cx.globals.model.flow(*id).map_or(Ty::Unknown, |flow| flow.result.clone()),
                    None => Ty::Unknown,
                };
                let result = self.taken(target, ty, span, "this flow gives no value");
                let Some((flow, args)) = found else { return true };
                (StmtKind::Flow { flow, args, detached: false, result }, true)
            }
            S::Ask(ask) => {
                self.ask_stmt(ask, target, span, out);
                return true;
            }
            S::Predict(predict) => {
                self.predict(predict, target, span, out);
                return true;
            }
            S::Govern(govern) => return self.govern(govern, target, span, out),
            S::Let { .. }
            | S::Var { .. }
            | S::Assign { .. }
            | S::WaitFor(_)
            | S::WaitUntil(_)
            | S::When(_)
            | S::Match { .. }
            | S::Give(_)
            | S::Emit(_)
            | S::Status { .. }
            | S::Start(_)
            | S::Fail(_)
            | S::Stop { .. }
            | S::PointOfNoReturn
            | S::Bad { .. } => {
                if !matches!(stmt.kind, S::Bad { .. }) {
                    self.no_value(target, span, "this statement gives no value");
                } else {
                    self.target(target, Ty::Unknown);
                }
                return self.stmt(stmt, out);
            }
        };
        out.push(Stmt { span, kind });
        goes_on
    }

    /// It belongs to the attempt around it. What runs beside an attempt lies outside of that one and inside of none.
    fn point_of_no_return(&mut self, span: Span) {
        let around = std::iter::successors(Some(self.scope), |scope| self.scopes.get(scope.index())?.parent);
        let kinds = around.filter_map(|scope| self.scopes.get(scope.index()).map(|scope| scope.kind));
        let owner = kinds.into_iter().find(|kind| {
            matches!(
                kind,
                ScopeKind::Attempt | ScopeKind::Element | ScopeKind::Flow | ScopeKind::Meanwhile | ScopeKind::TooLate
            )
        });
        if matches!(owner, Some(ScopeKind::Meanwhile | ScopeKind::TooLate)) {
            self.cx.push(
                Diagnostic::new(&f02::PLACE, "no attempt passes this point of no return", span)
                    .label("this runs beside an attempt")
                    .help("say it in the attempt itself; or give these steps an attempt of their own"),
            );
        }
    }

    fn no_value(&mut self, target: Target<'_>, span: Span, message: &str) {
        if !matches!(target, Target::Nowhere) {
            if !self.cx.globals.is_broken(span) {
                self.cx.push(Diagnostic::new(&f02::NO_VALUE, message, span).label("a value is expected here"));
            }
            self.target(target, Ty::Unknown);
        }
    }

    /// Binds or assigns the value of a statement, if it has one and somebody asks for it.
    pub(crate) fn taken(&mut self, target: Target<'_>, ty: Ty, span: Span, nothing: &str) -> Option<LocalId> {
        if matches!(target, Target::Nowhere) {
            return None;
        }
        if ty == Ty::Unit {
            self.no_value(target, span, nothing);
            return None;
        }
        let wanted = self.wanted(target);
        if let Some(wanted) = &wanted {
            self.cx.coerce(Expr { ty: ty.clone(), ..unknown(span) }, wanted);
        }
        self.target(target, wanted.unwrap_or(ty))
    }

    fn call(&mut self, text: &ast::DoCall, target: Target<'_>, span: Span) -> Option<Call> {
        let found = self.cx.op_call(&text.call, None);
        let op = found.as_ref().and_then(|(op, _)| self.cx.globals.model.op(*op));
        let result_ty = op.map_or(Ty::Unknown, |op| op.result.clone());
        let before = op.map_or(RetryPolicy { retries_max: None, first_ms: 0, longest_ms: 0 }, |op| op.retry);
        let retry = text.retry.as_ref().map(|retry| self.cx.retry(retry, before));
        let timeout_ms = text.timeout.as_ref().and_then(|timeout| self.cx.millis(timeout));
        let (undo, undo_result) = match &text.undo {
            Some(call) => self.undo(call, &result_ty, op.map(|op| (&op.class, op.name.as_str()))),
            None => (None, None),
        };
        let step = text.step.as_ref().map(ToString::to_string);
        let result = self.taken(target, result_ty, span, "this operation gives no value");
        let (op, args) = found?;
        Some(Call { op, args, result, retry, timeout_ms, undo, undo_result, step })
    }

    fn undo(
        &mut self,
        call: &ast::OpCall,
        result: &Ty,
        undone: Option<(&OpClass, &str)>,
    ) -> (Option<Undo>, Option<LocalId>) {
        if let Some((OpClass::Read | OpClass::Transition | OpClass::Irreversible | OpClass::Settles, name)) = undone {
            self.cx.push(
                Diagnostic::new(&f02::CONTRACT, format!("`{name}` is not of a class that a step can undo"), call.span)
                    .label("leave this out"),
            );
        }
        let mark = self.cx.mark();
        let local = (*result != Ty::Unit && self.cx.lookup("result").is_none()).then(|| {
            let local = self.cx.hidden("result", call.span, result.clone(), LocalKind::Code);
            self.cx.visible.push(local);
            local
        });
        let found = self.cx.op_call(call, None);
        self.cx.reset(mark);
        let undo = found.map(|(op, args)| {
            let needs_result = crate::uses::needs_result(&args, local);
            Undo { span: call.span, op, args, needs_result }
        });
        (undo, local)
    }

    fn when(&mut self, when: &ast::When) -> (StmtKind, bool) {
        let condition = self.cx.expect(&when.condition, &Ty::Bool);
        let mark = self.cx.mark();
        self.cx.assume(&condition, true);
        let (then, then_goes_on) = self.block(&when.then);
        self.cx.forget(mark);
        self.cx.assume(&condition, false);
        let (otherwise, goes_on) = match &when.otherwise {
            Some(block) => {
                let (block, goes_on) = self.block(block);
                (Some(block), goes_on)
            }
            None => (None, true),
        };
        self.cx.forget(mark);
        // Behind a `when` that always leaves, the opposite is known.
        if !then_goes_on {
            self.cx.assume(&condition, false);
        }
        (StmtKind::When { condition, then, otherwise }, then_goes_on || goes_on)
    }

    fn match_stmt(&mut self, value: &ast::Expr, arms: &[ast::StmtMatchArm], span: Span) -> (StmtKind, bool) {
        let value = self.cx.expr(value, None);
        let mut covered = Covered::default();
        let mut goes_on = arms.is_empty();
        let mut checked = Vec::with_capacity(arms.len());
        for arm in arms {
            let mark = self.cx.mark();
            let kind = LocalKind::Slot(self.scope);
            let patterns = self.cx.patterns(&value, &arm.patterns, &mut covered, kind);
            let (body, arm_goes_on) = self.block(&arm.body);
            self.cx.reset(mark);
            goes_on |= arm_goes_on;
            checked.push(StmtMatchArm { span: arm.span, patterns, body });
        }
        if !self.cx.globals.is_broken(span) {
            self.cx.exhaustive(&value, &covered, value.span);
        }
        (StmtKind::Match { value, arms: checked }, goes_on)
    }

    /// `emit E { … }`, `fail E { … }`
    pub(crate) fn built(
        &mut self,
        record: &ast::RecordLit,
        what: &str,
        is_wanted: fn(&TypeKind) -> bool,
    ) -> Option<(flowline_plan::TypeId, Expr)> {
        let (globals, module) = (self.cx.globals, self.cx.module);
        match contract::named(globals, module, &record.name, what, is_wanted, &mut self.cx.diagnostics) {
            Some(id) => Some((id, self.cx.build(id, record))),
            None => {
                self.cx.pass_over(&record.fields);
                None
            }
        }
    }

    fn stop(&mut self, outcome: &Ident, args: &[ast::Arg], with: Option<&ast::Expr>, span: Span) -> StmtKind {
        let status = match self.status {
            Some(status) => Some(self.cx.variant(status.values, outcome, args, outcome.span)),
            None => {
                self.cx.pass_over_args(args);
                None
            }
        };
        let result = self.result.clone();
        let with = match (with, &result) {
            (Some(value), Ty::Unit) => {
                self.cx.push(
                    Diagnostic::new(&f02::MISMATCH, "this flow gives no value", value.span)
                        .help("say in its header what it gives: `flow f(…) -> T`"),
                );
                Some(self.cx.expr(value, None))
            }
            (Some(value), _) if ty::holds_resource(&result) => {
                let found = self.cx.resource(value, Some(&result));
                Some(self.cx.coerce(found, &result))
            }
            (Some(value), _) => Some(self.cx.expect(value, &result)),
            (None, Ty::Unit | Ty::Unknown) => None,
            (None, _) => {
                let wanted = self.cx.show(&result);
                self.cx.push(
                    Diagnostic::new(&f02::NO_VALUE, format!("the flow gives {wanted}"), span)
                        .help("add `with` and the value"),
                );
                None
            }
        };
        StmtKind::Stop { outcome: outcome.to_string(), status, with }
    }

    pub(crate) fn flow_call(&mut self, call: &ast::FlowCall) -> Option<(flowline_plan::FlowId, Vec<Expr>)> {
        let name = &call.flow;
        match self.cx.globals.find(self.cx.module, name.as_str()).map(|entry| entry.symbol) {
            Some(Symbol::Flow(id)) => {
                self.cx.calls.push((Symbol::Flow(id), name.span));
                if self.refuse_start_of(id, name) {
                    self.cx.pass_over_args(&call.args);
                    return None;
                }
                let flow = self.cx.globals.model.flow(id)?;
                let params: Vec<(String, Ty)> = flow
                    .locals
                    .iter()
                    .take(usize::from(flow.params))
                    .map(|local| (local.name.clone(), local.ty.clone()))
                    .collect();
                return Some((id, self.cx.arguments(&format!("`{name}`"), &params, &call.args, call.span)));
            }
            Some(Symbol::Unusable) => {}
            Some(symbol) => {
                let what = self.cx.globals.describe(symbol);
                self.cx.push(
                    Diagnostic::new(&f02::WRONG_KIND, format!("`{name}` is {what}, not a flow"), name.span)
                        .label("a flow is expected here"),
                );
            }
            None => {
                let diagnostic = Diagnostic::new(&f01::UNKNOWN_NAME, format!("there is no flow `{name}`"), name.span)
                    .label("not known here");
                let flows = self.cx.globals.visible(self.cx.module, |symbol| matches!(symbol, Symbol::Flow(_)));
                let diagnostic = ty::from_elsewhere(self.cx.globals, diagnostic, name);
                let diagnostic = crate::names::suggest(diagnostic, name, flows);
                self.cx.push(diagnostic);
            }
        }
        self.cx.pass_over_args(&call.args);
        None
    }
}
