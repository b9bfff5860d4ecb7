//! Flows, statement by statement: where labels go, and where they may not go.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use super::label::{Labels, Locals, Origin, bind};
use super::{looked_up, not_cleared, not_cleared_role, unmarked};
use crate::model::{
    Ask, Await, Block, Body, Call, EventWait, Expr, ExprKind, Flow, Govern, GovernValue, LocalId, MeanwhileKind,
    Silence, Stmt, StmtKind, Timer, Trigger, TypeKind,
};
use flowline_diag::Diagnostic;
use flowline_plan::{FlowId, TypeId};

/// What is known of each flow's names, and of what it gives.
#[derive(Debug, Default, Clone, PartialEq)]
struct Known {
    locals: Locals,
    result: Option<Origin>,
}

/// Follows labels through all flows until nothing new comes up, then tells where they may not be.
pub(super) fn flows(labels: &mut Labels<'_>) -> Vec<Diagnostic> {
    let model = labels.model;
    let mut known = vec![Known::default(); model.flows.len()];
    // Labels only grow, and there is one for each name at most; the bound is for broken plans.
    let names: usize = model.flows.iter().map(|flow| flow.locals.len()).sum();
    for _ in 0..=names {
        let before = known.clone();
        for at in 0..model.flows.len() {
            walked(labels, &mut known, FlowId::from(at));
        }
        if before == known {
            break;
        }
    }
    let mut found = Vec::new();
    for at in 0..model.flows.len() {
        found.extend(walked(labels, &mut known, FlowId::from(at)));
    }
    found
}

fn walked(labels: &mut Labels<'_>, known: &mut [Known], id: FlowId) -> Vec<Diagnostic> {
    let model = labels.model;
    let Some(flow) = model.flow(id) else { return Vec::new() };
    let own = known.get_mut(id.index()).map(std::mem::take).unwrap_or_default();
    let mut walk = Walk { labels, flow, own, flows: known, gives: Vec::new(), found: Vec::new() };
    walk.head();
    walk.block(&flow.body);
    let Walk { own, flows, found, .. } = walk;
    if let Some(place) = flows.get_mut(id.index()) {
        // A flow that runs itself would have left something there; it can't.
        *place = own;
    }
    found
}

struct Walk<'w, 'm> {
    labels: &'w mut Labels<'m>,
    flow: &'m Flow,
    own: Known,
    flows: &'w mut [Known],
    /// What the constructs around give, the innermost last.
    gives: Vec<Option<Origin>>,
    found: Vec<Diagnostic>,
}

impl<'m> Walk<'_, 'm> {
    fn personal(&mut self, expr: &Expr) -> Option<Origin> {
        self.labels.personal(expr, &mut self.own.locals)
    }

    fn made_of(&mut self, expr: &Expr) -> Option<Origin> {
        self.labels.made_of(expr, &mut self.own.locals)
    }

    fn bind(&mut self, local: Option<LocalId>, origin: Option<Origin>) {
        if let Some(local) = local {
            bind(&mut self.own.locals, local, origin);
        }
    }

    fn head(&mut self) {
        let flow = self.flow;
        for part in flow.key.iter().flat_map(|key| &key.parts) {
            self.must_be_open("the flow's key", part);
        }
        for track in &flow.track {
            self.must_be_open("a tracked value", &track.value);
        }
    }

    /// A value that people see and search by.
    fn must_be_open(&mut self, what: &str, value: &Expr) {
        if let Some(origin) = self.personal(value) {
            self.found.push(looked_up(self.labels.model, what, origin, value.span));
        }
    }

    fn block(&mut self, block: &'m Block) {
        for stmt in &block.stmts {
            self.stmt(stmt);
        }
    }

    /// A body that may give a value.
    fn giving(&mut self, bodies: &[&'m Body]) -> Option<Origin> {
        self.gives.push(None);
        for body in bodies {
            self.block(&body.block);
        }
        self.gives.pop().flatten()
    }

    fn stmt(&mut self, stmt: &'m Stmt) {
        match &stmt.kind {
            StmtKind::Let { local, value } => {
                let origin = self.made_of(value);
                self.bind(Some(*local), origin);
            }
            StmtKind::Call(call) => self.call(call),
            StmtKind::Await(wait) => self.wait(wait),
            StmtKind::When { then, otherwise, .. } => {
                self.block(then);
                if let Some(otherwise) = otherwise {
                    self.block(otherwise);
                }
            }
            StmtKind::Match { value, arms } => {
                for arm in arms {
                    self.labels.bindings(value, &arm.patterns, &mut self.own.locals);
                    self.block(&arm.body);
                }
            }
            StmtKind::Parallel(branches) => {
                for branch in branches {
                    let given = self.giving(&[&branch.body]);
                    self.bind(branch.result, given);
                }
            }
            StmtKind::Each(each) => {
                let of_list = self.made_of(&each.list);
                self.bind(Some(each.item), of_list);
                let given = self.giving(&[&each.body]);
                self.bind(each.result, given);
            }
            StmtKind::Repeat(repeat) => {
                let given = self.giving(&[&repeat.body]);
                self.bind(repeat.result, given);
            }
            StmtKind::Give(value) => {
                let origin = self.made_of(value);
                if let Some(place) = self.gives.last_mut() {
                    *place = place.or(origin);
                }
            }
            StmtKind::Attempt(attempt) => {
                let mut bodies = vec![&attempt.body];
                for handler in &attempt.handlers {
                    match &handler.trigger {
                        Trigger::Event(event) => self.event(event),
                        Trigger::Errors(_) | Trigger::After(_) => {}
                    }
                    bodies.push(&handler.body);
                }
                bodies.extend(&attempt.too_late);
                for beside in &attempt.meanwhile {
                    match &beside.kind {
                        MeanwhileKind::Event(event) => self.event(event),
                        MeanwhileKind::Every(_) => {}
                    }
                    bodies.push(&beside.body);
                }
                let given = self.giving(&bodies);
                self.bind(attempt.result, given);
            }
            StmtKind::Ask(ask) => self.ask(ask),
            StmtKind::Govern(govern) => self.govern(govern),
            StmtKind::Emit { event, value } => self.built(*event, value),
            StmtKind::Fail(value) => {
                self.failed(value);
            }
            StmtKind::Status { value, part } => {
                self.must_be_open("a status", value);
                if let Some(part) = part {
                    self.must_be_open("the key of a part", part);
                }
            }
            StmtKind::Flow { flow, args, result, .. } => {
                for (at, arg) in (0_u32..).zip(args) {
                    let origin = self.made_of(arg);
                    if let Some(place) = self.flows.get_mut(flow.index()) {
                        bind(&mut place.locals, LocalId(at), origin);
                    }
                }
                let given = self.flows.get(flow.index()).and_then(|flow| flow.result);
                self.bind(*result, given);
            }
            StmtKind::Stop { status, with, .. } => {
                if let Some(status) = status {
                    self.must_be_open("a status", status);
                }
                if let Some(with) = with {
                    let origin = self.made_of(with);
                    self.own.result = self.own.result.or(origin);
                }
            }
            StmtKind::Wait(_) | StmtKind::PointOfNoReturn => {}
        }
    }

    fn failed(&mut self, error: &'m Expr) {
        if let ExprKind::Error { ty, .. } = &error.kind {
            self.built(*ty, error);
        }
    }

    fn call(&mut self, call: &'m Call) {
        let model = self.labels.model;
        let undo = call.undo.iter().map(|undo| (undo.op, &undo.args));
        for (op, args) in std::iter::once((call.op, &call.args)).chain(undo) {
            let Some(system) = model.system(op.system) else { continue };
            for arg in args {
                if let Some(origin) = self.personal(arg) {
                    self.found.extend(not_cleared(model, system, origin, arg.span));
                }
            }
        }
    }

    /// What people of a role read.
    fn ask(&mut self, ask: &'m Ask) {
        let model = self.labels.model;
        for read in ask.show.iter().map(|shown| &shown.value).chain([&ask.question]) {
            if let (Some(origin), Some(role)) = (self.personal(read), model.roles.get(ask.role.index())) {
                self.found.extend(not_cleared_role(model, role, origin, read.span));
            }
        }
        if let Silence::Fail(error) = &ask.silence {
            self.failed(error);
        }
    }

    fn govern(&mut self, govern: &'m Govern) {
        let advice = self.made_of(&govern.advice);
        self.bind(Some(govern.bind), advice);
        let mut given = None;
        for arm in &govern.arms {
            match &arm.value {
                GovernValue::Expr(value) => given = given.or(self.made_of(value)),
                GovernValue::Ask(ask) => self.ask(ask),
                GovernValue::Fail(error) => self.failed(error),
            }
        }
        self.bind(govern.result, given);
    }

    fn wait(&mut self, wait: &'m Await) {
        for arm in &wait.arms {
            self.event(&arm.event);
            if let Some(body) = &arm.body {
                self.block(body);
            }
        }
        for timer in &wait.timers {
            match timer {
                Timer::After { body, .. } => self.block(body),
                Timer::Deadline { .. } => {}
            }
        }
    }

    fn event(&mut self, event: &'m EventWait) {
        for part in &event.value {
            self.must_be_open("what an event is waited for by", part);
        }
    }

    /// An event or an error that leaves the run.
    fn built(&mut self, ty: TypeId, value: &'m Expr) {
        let model = self.labels.model;
        let Some(def) = model.ty(ty) else { return };
        let fields = match &def.kind {
            TypeKind::Event(event) => &event.fields,
            TypeKind::Error(fields) | TypeKind::Record(fields) => fields,
            TypeKind::Id | TypeKind::Enum(_) | TypeKind::Resource(_) => return,
        };
        match &value.kind {
            ExprKind::Record { fields: values, .. } | ExprKind::Error { fields: values, .. } => {
                if let Some((at, origin)) = self.labels.unmarked(ty, values, &mut self.own.locals) {
                    let at = usize::from(at);
                    let span = values.get(at).map_or(value.span, |value| value.span);
                    self.found.push(unmarked(model, def.short_name(), fields.get(at), origin, span));
                }
            }
            _ => {
                if let Some(origin) = self.made_of(value) {
                    self.found.push(unmarked(model, def.short_name(), None, origin, value.span));
                }
            }
        }
    }
}
