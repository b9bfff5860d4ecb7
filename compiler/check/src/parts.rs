//! The words of a flow that sentences about it may use: how its runs end, and what its steps are called.

use flowline_syntax::ast::{Block, Flow, GovernValue, Handler, HandlerKind, Ident, Stmt, StmtKind, Value};

/// What a flow's body names.
#[derive(Debug, Default)]
pub(crate) struct Parts<'a> {
    /// The words behind `stop`.
    pub(crate) outcomes: Vec<&'a Ident>,
    /// Steps that have a name: by `as`, by the `let` or `var` that keeps their value, or as a branch.
    pub(crate) steps: Vec<&'a Ident>,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(flow: &'a Flow) -> Self {
        let mut parts = Self::default();
        parts.block(&flow.body);
        for late in &flow.late {
            parts.steps.extend(&late.event.binding);
            parts.block(&late.body);
        }
        for promise in &flow.promises {
            promise.at.iter().map(|at| &at.body).chain(&promise.missed).for_each(|body| parts.block(body));
        }
        parts
    }

    fn block(&mut self, block: &'a Block) {
        for stmt in &block.stmts {
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &'a Stmt) {
        match &stmt.kind {
            StmtKind::Let { name, value, .. } | StmtKind::Var { name, value, .. } => {
                if let Value::Stmt(inner) = value {
                    self.steps.push(name);
                    self.stmt(inner);
                }
            }
            StmtKind::Assign { value: Value::Stmt(inner), .. } => self.stmt(inner),
            StmtKind::Do(call) => self.steps.extend(&call.step),
            StmtKind::Await(wait) => self.steps.extend(&wait.binding),
            StmtKind::AwaitFirst { arms } => {
                for arm in arms {
                    if let flowline_syntax::ast::ArmTrigger::Event(wait) = &arm.trigger {
                        self.steps.extend(&wait.binding);
                    }
                    self.block(&arm.body);
                }
            }
            StmtKind::When(when) => {
                self.block(&when.then);
                when.otherwise.iter().for_each(|block| self.block(block));
            }
            StmtKind::Match { arms, .. } => arms.iter().for_each(|arm| self.block(&arm.body)),
            StmtKind::Parallel { branches } => {
                for branch in branches {
                    self.steps.push(&branch.name);
                    self.block(&branch.body);
                }
            }
            StmtKind::ForEach(each) => self.block(&each.body),
            StmtKind::Repeat(repeat) => self.block(&repeat.body),
            StmtKind::Attempt(attempt) => {
                self.block(&attempt.body);
                attempt.handlers.iter().for_each(|handler| self.handler(handler));
            }
            StmtKind::Govern(govern) => {
                let asked = govern.arms.iter().filter_map(|arm| match &arm.value {
                    GovernValue::Ask(ask) => Some(&ask.otherwise),
                    GovernValue::Expr(_) | GovernValue::Fail(_) | GovernValue::Bad => None,
                });
                asked.for_each(|otherwise| self.otherwise(otherwise.as_ref()));
            }
            StmtKind::Ask(ask) => self.otherwise(ask.otherwise.as_ref()),
            StmtKind::Stop { outcome, .. } => self.outcomes.push(outcome),
            StmtKind::Bad { inside, .. } => inside.iter().for_each(|block| self.block(block)),
            StmtKind::Assign { value: Value::Expr(_), .. }
            | StmtKind::WaitFor(_)
            | StmtKind::WaitUntil(_)
            | StmtKind::Give(_)
            | StmtKind::Predict(_)
            | StmtKind::Emit(_)
            | StmtKind::Status { .. }
            | StmtKind::Run(_)
            | StmtKind::Start(_)
            | StmtKind::Fail(_)
            | StmtKind::PointOfNoReturn => {}
        }
    }

    fn otherwise(&mut self, otherwise: Option<&'a Value>) {
        if let Some(Value::Stmt(inner)) = otherwise {
            self.stmt(inner);
        }
    }

    fn handler(&mut self, handler: &'a Handler) {
        match &handler.kind {
            HandlerKind::Event(wait) | HandlerKind::MeanwhileEvent(wait) => self.steps.extend(&wait.binding),
            HandlerKind::Error { .. }
            | HandlerKind::TooLate
            | HandlerKind::After(_)
            | HandlerKind::MeanwhileEvery(_)
            | HandlerKind::Bad => {}
        }
        self.block(&handler.body);
    }
}
