//! Statements.

use super::{Builder, Kids, Node, kids, words};
use crate::ast::{
    Arm, ArmTrigger, Ask, Attempt, Block, Branch, DoCall, ErrorPattern, EventWait, Expr, ForEach, Govern, GovernArm,
    GovernValue, Handler, HandlerKind, Predict, RecordLit, Repeat, Share, Stmt, StmtKind, StmtMatchArm, Value, When,
};
use crate::grammar::Rule;
use flowline_diag::Span;

impl Builder<'_> {
    /// The next child's block.
    pub(super) fn block_of(&mut self, kids: &mut Kids<'_>) -> Block {
        match kids.opt(Rule::block) {
            Some(node) => self.block(node),
            None => Block { span: crate::scan::span(self.file, self.base, self.base), stmts: Vec::new() },
        }
    }

    pub(super) fn block(&mut self, node: Node<'_>) -> Block {
        let span = self.span(&node);
        let mut stmts = Vec::new();
        for part in kids(node) {
            match part.as_rule() {
                Rule::cut_short => {}
                // The tail of a statement: the statement before it stands, its rest is bad.
                Rule::bad_tail => {
                    self.bad(&part);
                    let kept = self.bad_stmt(part);
                    stmts.push(kept);
                }
                _ => stmts.push(self.stmt(part)),
            }
        }
        Block { span, stmts }
    }

    pub(super) fn stmt(&mut self, node: Node<'_>) -> Stmt {
        let span = self.span(&node);
        let rule = node.as_rule();
        if rule == Rule::bad_stmt {
            self.bad(&node);
            return self.bad_stmt(node);
        }
        Stmt { span, kind: self.stmt_kind(rule, node) }
    }

    /// Blocks inside of a bad statement are kept, and so are the names they bind.
    fn bad_stmt(&mut self, node: Node<'_>) -> Stmt {
        let span = self.span(&node);
        let head = node.as_str().split('{').next().unwrap_or("");
        let words = words(head).collect();
        let inside = kids(node).filter(|part| part.as_rule() == Rule::block).map(|block| self.block(block)).collect();
        Stmt { span, kind: StmtKind::Bad { inside, words } }
    }

    fn stmt_kind(&mut self, rule: Rule, node: Node<'_>) -> StmtKind {
        let mut kids = kids(node);
        match rule {
            Rule::let_stmt | Rule::var_stmt => {
                let name = self.name(&mut kids);
                self.want_lower(&name);
                let ty = self.opt_type(&mut kids);
                let value = self.value(&mut kids);
                if rule == Rule::let_stmt {
                    StmtKind::Let { name, ty, value }
                } else {
                    StmtKind::Var { name, ty, value }
                }
            }
            Rule::assign => StmtKind::Assign { name: self.name(&mut kids), value: self.value(&mut kids) },
            Rule::do_stmt => {
                self.do_stmt(&mut kids).map_or(StmtKind::Bad { inside: Vec::new(), words: Vec::new() }, StmtKind::Do)
            }
            Rule::await_stmt => StmtKind::Await(self.event_wait(&mut kids)),
            Rule::await_first => StmtKind::AwaitFirst { arms: self.arms(kids) },
            Rule::wait_for => StmtKind::WaitFor(self.expr_of(&mut kids)),
            Rule::wait_until => StmtKind::WaitUntil(self.expr_of(&mut kids)),
            Rule::when => StmtKind::When(self.when(&mut kids)),
            Rule::match_stmt => StmtKind::Match { value: self.expr_of(&mut kids), arms: self.stmt_arms(kids) },
            Rule::parallel => StmtKind::Parallel { branches: self.branches(kids) },
            Rule::for_each => StmtKind::ForEach(self.for_each(&mut kids)),
            Rule::repeat => StmtKind::Repeat(Repeat {
                times: self.expr_of(&mut kids),
                body: self.block_of(&mut kids),
                until: kids.opt(Rule::until).map(|until| self.expr_of(&mut super::kids(until))),
            }),
            Rule::give => StmtKind::Give(self.expr_of(&mut kids)),
            Rule::attempt => StmtKind::Attempt(self.attempt(&mut kids)),
            Rule::ask => StmtKind::Ask(self.ask(&mut kids)),
            Rule::predict => StmtKind::Predict(Predict { model: self.name(&mut kids), args: self.opt_args(&mut kids) }),
            Rule::govern => StmtKind::Govern(self.govern(&mut kids)),
            Rule::emit => StmtKind::Emit(self.record_of(&mut kids)),
            Rule::fail => StmtKind::Fail(self.record_of(&mut kids)),
            Rule::status => StmtKind::Status {
                value: self.name(&mut kids),
                args: self.opt_args(&mut kids),
                part: self.opt_expr(&mut kids),
            },
            Rule::stop => StmtKind::Stop {
                outcome: self.name(&mut kids),
                args: self.opt_args(&mut kids),
                with: kids.opt(Rule::stop_with).map(|with| self.expr_of(&mut super::kids(with))),
            },
            Rule::run | Rule::start => match kids.opt(Rule::flow_call).map(|call| self.flow_call(call)) {
                Some(call) if rule == Rule::run => StmtKind::Run(call),
                Some(call) => StmtKind::Start(call),
                None => StmtKind::Bad { inside: Vec::new(), words: Vec::new() },
            },
            Rule::ponr => StmtKind::PointOfNoReturn,
            _ => StmtKind::Bad { inside: Vec::new(), words: Vec::new() },
        }
    }

    /// What stands behind `=`: a statement that gives a value, or an expression.
    fn value(&mut self, kids: &mut Kids<'_>) -> Value {
        match kids.next() {
            Some(node) if node.as_rule() == Rule::expr => Value::Expr(self.expr(node)),
            Some(node) => Value::Stmt(Box::new(self.stmt(node))),
            None => Value::Expr(self.bad_expr(crate::scan::span(self.file, self.base, self.base))),
        }
    }

    fn record_of(&mut self, kids: &mut Kids<'_>) -> RecordLit {
        match kids.opt(Rule::record_maybe) {
            Some(node) => self.record_lit(node),
            None => RecordLit {
                span: crate::scan::span(self.file, self.base, self.base),
                name: self.name(kids),
                fields: Vec::new(),
            },
        }
    }

    fn do_stmt(&mut self, kids: &mut Kids<'_>) -> Option<DoCall> {
        let call = kids.opt(Rule::op_call).map(|call| self.op_call(call))?;
        let mut step = DoCall { call, retry: None, timeout: None, undo: None, step: None };
        for clause in kids {
            let span = self.span(&clause);
            match clause.as_rule() {
                Rule::retry => {
                    let retry = self.retry(clause);
                    self.once(&mut step.retry, retry, "`retry`", span);
                }
                Rule::timeout => {
                    let timeout = self.expr_of(&mut super::kids(clause));
                    self.once(&mut step.timeout, timeout, "`timeout`", span);
                }
                Rule::do_undo => {
                    if let Some(undo) = super::kids(clause).opt(Rule::op_call).map(|call| self.op_call(call)) {
                        self.once(&mut step.undo, undo, "`undo`", span);
                    }
                }
                _ => {
                    let name = self.name(&mut super::kids(clause));
                    self.once(&mut step.step, name, "`as`", span);
                }
            }
        }
        Some(step)
    }

    /// The next child's event wait.
    pub(super) fn event_wait(&mut self, kids: &mut Kids<'_>) -> EventWait {
        let nowhere = crate::scan::span(self.file, self.base, self.base);
        let node = kids.opt(Rule::event_wait);
        let span = node.as_ref().map_or(nowhere, |node| self.span(node));
        let Some(mut kids) = node.map(super::kids) else {
            return EventWait {
                span,
                fresh: false,
                event: self.name(kids),
                key: Vec::new(),
                binding: None,
                condition: None,
                within: None,
            };
        };
        let fresh = kids.opt(Rule::fresh).is_some();
        let event = self.name(&mut kids);
        let key = kids.opt(Rule::key).map(|key| self.key(key)).unwrap_or_default();
        let mut wait = EventWait { span, fresh, event, key, binding: None, condition: None, within: None };
        for clause in kids {
            let span = self.span(&clause);
            let rule = clause.as_rule();
            let mut kids = super::kids(clause);
            match rule {
                Rule::binding => {
                    let name = self.name(&mut kids);
                    self.once(&mut wait.binding, name, "`as`", span);
                }
                Rule::condition => {
                    let condition = self.expr_of(&mut kids);
                    self.once(&mut wait.condition, condition, "`if`", span);
                }
                _ => {
                    let within = self.expr_of(&mut kids);
                    self.once(&mut wait.within, within, "`within`", span);
                }
            }
        }
        wait
    }

    fn arms(&mut self, kids: Kids<'_>) -> Vec<Arm> {
        let mut arms = Vec::new();
        for part in kids {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::arm => {
                    let mut kids = super::kids(part);
                    let trigger = match kids.opt(Rule::arm_after) {
                        Some(after) => ArmTrigger::After(self.expr_of(&mut super::kids(after))),
                        None => ArmTrigger::Event(self.event_wait(&mut kids)),
                    };
                    arms.push(Arm { span, trigger, body: self.arm_body(&mut kids, span) });
                }
                Rule::cut_short => {}
                rule => {
                    self.bad(&part);
                    let bad = self.bad_stmt(part);
                    if rule == Rule::bad_arm {
                        arms.push(Arm { span, trigger: ArmTrigger::Bad, body: Block { span, stmts: vec![bad] } });
                    }
                }
            }
        }
        arms
    }

    fn arm_body(&mut self, kids: &mut Kids<'_>, arm: Span) -> Block {
        let Some(node) = kids.next() else { return Block { span: arm.at_end(), stmts: Vec::new() } };
        let span = self.span(&node);
        match node.as_rule() {
            Rule::nothing => Block { span, stmts: Vec::new() },
            Rule::block => self.block(node),
            _ => Block { span, stmts: vec![self.stmt(node)] },
        }
    }

    fn when(&mut self, kids: &mut Kids<'_>) -> When {
        let condition = self.expr_of(kids);
        let then = self.block_of(kids);
        let otherwise = match kids.next() {
            Some(node) if node.as_rule() == Rule::block => Some(self.block(node)),
            Some(node) => super::kids(node).next().map(|when| {
                let span = self.span(&when);
                Block { span, stmts: vec![self.stmt(when)] }
            }),
            None => None,
        };
        When { condition, then, otherwise }
    }

    fn stmt_arms(&mut self, kids: Kids<'_>) -> Vec<StmtMatchArm> {
        let mut arms = Vec::new();
        for part in kids {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::stmt_arm => {
                    let mut kids = super::kids(part);
                    let patterns = self.patterns(&mut kids);
                    arms.push(StmtMatchArm { span, patterns, body: self.arm_body(&mut kids, span) });
                }
                Rule::cut_short => {}
                rule => {
                    self.bad(&part);
                    let bad = self.bad_stmt(part);
                    if rule == Rule::bad_stmt_arm {
                        arms.push(StmtMatchArm { span, patterns: Vec::new(), body: Block { span, stmts: vec![bad] } });
                    }
                }
            }
        }
        arms
    }

    fn branches(&mut self, kids: Kids<'_>) -> Vec<Branch> {
        let mut branches = Vec::new();
        for part in kids {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::branch => {
                    let mut kids = super::kids(part);
                    branches.push(Branch { span, name: self.name(&mut kids), body: self.block_of(&mut kids) });
                }
                Rule::cut_short => {}
                _ => self.bad(&part),
            }
        }
        branches
    }

    fn for_each(&mut self, kids: &mut Kids<'_>) -> ForEach {
        let binding = self.name(kids);
        let list = self.expr_of(kids);
        let at_a_time = kids.opt(Rule::at_a_time).map(|count| self.expr_of(&mut super::kids(count)));
        let share = kids.opt(Rule::share).map(|share| {
            let span = self.span(&share);
            let mut kids = super::kids(share);
            Share { span, resource: self.name(&mut kids), amount: self.expr_of(&mut kids), part: self.name(&mut kids) }
        });
        ForEach { binding, list, at_a_time, share, body: self.block_of(kids) }
    }

    fn attempt(&mut self, kids: &mut Kids<'_>) -> Attempt {
        let body = self.block_of(kids);
        let mut handlers = Vec::new();
        for part in kids {
            let span = self.span(&part);
            if part.as_rule() != Rule::handler {
                self.bad(&part);
                let bad = self.bad_stmt(part);
                handlers.push(Handler {
                    span,
                    kind: HandlerKind::Bad,
                    keeping: Vec::new(),
                    body: Block { span, stmts: vec![bad] },
                });
                continue;
            }
            let mut kids = super::kids(part);
            let head = kids.opt(Rule::handler_head);
            let span = head.as_ref().map_or(span, |head| self.span(head));
            let head = head.and_then(|head| super::kids(head).next());
            let (kind, keeping) = head.map_or_else(|| (HandlerKind::Bad, Vec::new()), |head| self.handler_kind(head));
            handlers.push(Handler { span, kind, keeping, body: self.block_of(&mut kids) });
        }
        Attempt { body, handlers }
    }

    /// What sets a handler going, and what it keeps.
    fn handler_kind(&mut self, node: Node<'_>) -> (HandlerKind, Vec<crate::ast::Ident>) {
        let rule = node.as_rule();
        let mut kids = kids(node);
        let kind = match rule {
            Rule::too_late => HandlerKind::TooLate,
            Rule::on_after => HandlerKind::After(self.expr_of(&mut kids)),
            Rule::on_event => {
                let mut wait = self.event_wait(&mut kids);
                let keeping = self.keeping(&mut kids);
                if let Some(binding) = kids.opt(Rule::binding) {
                    let span = self.span(&binding);
                    let name = self.name(&mut super::kids(binding));
                    self.once(&mut wait.binding, name, "`as`", span);
                }
                return (HandlerKind::Event(wait), keeping);
            }
            Rule::meanwhile_event => HandlerKind::MeanwhileEvent(self.event_wait(&mut kids)),
            Rule::meanwhile_every => HandlerKind::MeanwhileEvery(self.expr_of(&mut kids)),
            _ => {
                let mut errors = Vec::new();
                while let Some(pattern) = kids.opt(Rule::error_pattern) {
                    let span = self.span(&pattern);
                    let mut kids = super::kids(pattern);
                    let name = self.name(&mut kids);
                    errors.push(ErrorPattern { span, name, of: self.names(&mut kids).into_iter().next() });
                }
                let keeping = self.keeping(&mut kids);
                let binding = kids.opt(Rule::binding).map(|binding| self.name(&mut super::kids(binding)));
                return (HandlerKind::Error { errors, binding }, keeping);
            }
        };
        (kind, self.keeping(&mut kids))
    }

    fn keeping(&mut self, kids: &mut Kids<'_>) -> Vec<crate::ast::Ident> {
        kids.opt(Rule::keeping).map(|keeping| self.names(&mut super::kids(keeping))).unwrap_or_default()
    }

    fn ask(&mut self, kids: &mut Kids<'_>) -> Ask {
        let role = self.name(kids);
        let nowhere = role.span.at_end();
        let question = self.opt_text(kids).unwrap_or(crate::ast::TextLit { span: nowhere, parts: Vec::new() });
        let mut ask =
            Ask { role, question, show: Vec::new(), answer: None, within: None, otherwise: None, not_by: Vec::new() };
        for part in kids {
            let span = self.span(&part);
            let rule = part.as_rule();
            match rule {
                Rule::ask_show => ask.show.extend(self.exprs(part)),
                Rule::ask_not_by => ask.not_by.extend(self.exprs(part)),
                Rule::ask_answer => {
                    let mut kids = super::kids(part);
                    let ty = self.type_of(&mut kids);
                    self.once(&mut ask.answer, ty, "`answer`", span);
                    ask.within = kids.opt(Rule::within).map(|within| self.expr_of(&mut super::kids(within)));
                    ask.otherwise = kids.opt(Rule::ask_else).map(|otherwise| self.value(&mut super::kids(otherwise)));
                }
                Rule::cut_short => {}
                _ => self.bad(&part),
            }
        }
        ask
    }

    fn exprs(&mut self, node: Node<'_>) -> Vec<Expr> {
        kids(node).map(|expr| self.expr(expr)).collect()
    }

    fn govern(&mut self, kids: &mut Kids<'_>) -> Govern {
        let advice = self.expr_of(kids);
        let binding = kids.opt(Rule::binding).map(|binding| self.name(&mut super::kids(binding)));
        let mut arms = Vec::new();
        for part in kids {
            let span = self.span(&part);
            let rule = part.as_rule();
            if !matches!(rule, Rule::govern_when | Rule::govern_otherwise) {
                if rule != Rule::cut_short {
                    self.bad(&part);
                }
                continue;
            }
            let mut kids = super::kids(part);
            let condition = if rule == Rule::govern_when { self.opt_expr(&mut kids) } else { None };
            let value = match kids.next() {
                Some(node) if node.as_rule() == Rule::ask => {
                    GovernValue::Ask(Box::new(self.ask(&mut super::kids(node))))
                }
                Some(node) if node.as_rule() == Rule::fail => GovernValue::Fail(self.record_of(&mut super::kids(node))),
                Some(node) => GovernValue::Expr(self.expr(node)),
                None => GovernValue::Bad,
            };
            arms.push(GovernArm { span, condition, value });
        }
        Govern { advice, binding, arms }
    }
}
