//! A flow as a plan: its header, its scopes and slots, and its body.

use flowline_check::model::{self, LocalId, LocalKind};
use flowline_diag::Span;
use flowline_plan::{
    Code, FlowUndo, GatherRule, KeyRule, Late, Node, NodeId, NodeKind, Plan, Promise, PromiseEnd, SEMANTICS, Scope,
    ScopeId, ScopeKind, Signature, Slot, SlotDef, StableId, StartRule, StatusRule, Take, TimerEnd, Type,
};

use crate::{
    Cx, FIRST, code,
    code::{Coder, Names, given},
    ids, types,
};

/// Lowers a flow, without what its clauses begin: that comes with [`crate::side`].
pub(crate) fn plan(cx: &Cx<'_>, flow: &model::Flow) -> Plan {
    let mut lowering = Flow::new(cx, flow);
    let entry = lowering.block(&flow.body, ScopeId(0), None);
    lowering.name_scope(ScopeId(0), short_name(&flow.name), "", entry);
    let (nodes, scopes) = lowering.finish();
    let header = Names::default();
    let params = given(flow.params);
    let param_code = |expr: &model::Expr| code::code(cx, header, &params, expr);
    Plan {
        name: flow.name.clone(),
        doc: flow.doc.clone(),
        semantics: SEMANTICS,
        params: flow.params,
        start: flow.start.as_ref().map(|start| self::start(cx, flow, start)),
        key: flow.key.as_ref().map(|key| KeyRule {
            name: key.name.clone(),
            ty: types::key_type(key.parts.iter().map(|part| &part.ty)),
            code: code::key(cx, header, &params, &key.parts, key.span),
            mode: key.mode,
        }),
        status: flow.status.map(|status| StatusRule { values: status.values, speaks_for: status.speaks_for }),
        track: flow.track.iter().map(|track| (track.name.clone(), param_code(&track.value))).collect(),
        owner: flow.owner.clone(),
        promises: flow.promises.iter().map(|promise| self::promise(cx, flow, promise)).collect(),
        late: Late::default(),
        side: None,
        raises: flow.raises.iter().map(|(error, _)| *error).collect(),
        result: flow.result.to_plan(),
        signature: signature(cx, flow),
        nodes,
        scopes,
        span: cx.span(flow.head),
    }
}

fn start(cx: &Cx<'_>, flow: &model::Flow, start: &model::Start) -> StartRule {
    match start {
        model::Start::Event { event, condition } => {
            let params = given(flow.params);
            let condition = condition.as_ref().map(|condition| code::code(cx, Names::default(), &params, condition));
            StartRule::Event { event: *event, condition }
        }
        model::Start::Every(schedule) => StartRule::Every(schedule.clone()),
        model::Start::Gather(model::Gather { event, per, within_ms, count_max }) => StartRule::Gather(GatherRule {
            event: *event,
            per: per.as_ref().map(|(_, key)| code::code(cx, Names::default(), &FIRST, key)),
            within_ms: *within_ms,
            count_max: *count_max,
        }),
    }
}

fn signature(cx: &Cx<'_>, flow: &model::Flow) -> Signature {
    let model::Signature { takes, gives, keeps, undo } = &flow.signature;
    let take = |take: &model::Take| Take {
        param: take.param,
        resource: take.resource,
        from: take.from.clone(),
        to: take.to.clone(),
        span: cx.span(take.span),
    };
    let undo = undo.as_ref().map(|undo| {
        // What it was given, then its result: as the run that ran it has kept them.
        let kept: Vec<_> = given(flow.params).into_iter().chain([undo.result]).collect();
        let args = undo.args.iter().map(|arg| code::code(cx, Names::default(), &kept, arg)).collect();
        FlowUndo { flow: undo.flow, args }
    });
    Signature { takes: takes.iter().map(take).collect(), gives: gives.clone(), keeps: keeps.clone(), undo }
}

/// Evaluated inside the run, so parameters are slots.
fn promise(cx: &Cx<'_>, flow: &model::Flow, promise: &model::Promise) -> Promise {
    let (slots, _) = slots(flow);
    let end = |end: model::PromiseEnd| match end {
        model::PromiseEnd::Start => PromiseEnd::Start,
        model::PromiseEnd::Status(case) => PromiseEnd::Status(case),
    };
    Promise {
        text: promise.text.clone(),
        from: end(promise.from),
        to: end(promise.to),
        within: code::code(cx, Names { slots: &slots }, &[], &promise.within),
        steps: Vec::new(),
        span: cx.span(promise.span),
    }
}

fn short_name(name: &str) -> &str {
    let flow = name.split('#').next().unwrap_or(name);
    let from = flow.rfind('.').map_or(0, |dot| dot + 1);
    name.get(from..).unwrap_or(name)
}

/// The slot of each local that has one, and the slots of each scope.
pub(crate) fn slots(flow: &model::Flow) -> (Vec<Option<Slot>>, Vec<Vec<SlotDef>>) {
    let mut of_scopes: Vec<Vec<SlotDef>> = flow
        .scopes
        .iter()
        .map(|scope| match scope.kind {
            // The event that came too late stands where the handler has it: in front.
            ScopeKind::TooLate => vec![SlotDef { name: "event".to_owned(), ty: Type::Unit }],
            ScopeKind::Flow
            | ScopeKind::Attempt
            | ScopeKind::Handler
            | ScopeKind::Meanwhile
            | ScopeKind::Branch
            | ScopeKind::Element
            | ScopeKind::Round => Vec::new(),
        })
        .collect();
    let slots = flow.locals.iter().map(|local| {
        let (LocalKind::Slot(scope) | LocalKind::Var(scope)) = local.kind else { return None };
        let of_scope = of_scopes.get_mut(scope.index())?;
        let at = u16::try_from(of_scope.len()).ok()?;
        of_scope.push(SlotDef { name: local.name.clone(), ty: local.ty.to_plan() });
        Some(Slot { scope, at })
    });
    (slots.collect(), of_scopes)
}

/// A flow while it is lowered: from its end to its start, so that what follows a node is known.
#[derive(Debug)]
pub(crate) struct Flow<'a> {
    pub(crate) cx: &'a Cx<'a>,
    flow: &'a model::Flow,
    slots: Vec<Option<Slot>>,
    scopes: Vec<Scope>,
    /// What each scope is to the node that holds it.
    roles: Vec<String>,
    /// The last node of the text first.
    nodes: Vec<Node>,
    /// For each node what it is called by in its identity.
    names: Vec<String>,
}

impl<'a> Flow<'a> {
    fn new(cx: &'a Cx<'a>, flow: &'a model::Flow) -> Self {
        let (slots, of_scopes) = slots(flow);
        let scope = |(scope, slots): (&model::Scope, Vec<SlotDef>)| Scope {
            kind: scope.kind,
            parent: scope.parent,
            entry: None,
            slots,
            label: String::new(),
            span: cx.span(scope.span),
        };
        let scopes: Vec<Scope> = flow.scopes.iter().zip(of_scopes).map(scope).collect();
        let roles = vec![String::new(); scopes.len()];
        Self { cx, flow, slots, scopes, roles, nodes: Vec::new(), names: Vec::new() }
    }

    pub(crate) fn names(&self) -> Names<'_> {
        Names { slots: &self.slots }
    }

    /// Code that sees slots and nothing else.
    pub(crate) fn code(&self, expr: &model::Expr) -> Code {
        code::code(self.cx, self.names(), &[], expr)
    }

    /// Code whose caller gives it locals.
    pub(crate) fn code_with(&self, given: &[Option<LocalId>], expr: &model::Expr) -> Code {
        code::code(self.cx, self.names(), given, expr)
    }

    pub(crate) fn codes(&self, exprs: &[model::Expr]) -> Vec<Code> {
        exprs.iter().map(|expr| self.code(expr)).collect()
    }

    pub(crate) fn coder(&self) -> Coder<'_> {
        Coder::new(self.cx, self.names(), &[], &[])
    }

    pub(crate) fn slot(&self, local: LocalId) -> Option<Slot> {
        self.slots.get(local.index()).copied().flatten()
    }

    pub(crate) fn local(&self, local: LocalId) -> Option<&'a model::Local> {
        self.flow.locals.get(local.index())
    }

    /// The enum that the flow's status is of.
    pub(crate) fn status_values(&self) -> Option<flowline_plan::TypeId> {
        self.flow.status.map(|status| status.values)
    }

    /// A slot that no text names.
    pub(crate) fn hidden(&mut self, scope: ScopeId, ty: Type) -> Slot {
        let Some(of_scope) = self.scopes.get_mut(scope.index()) else { return Slot { scope, at: 0 } };
        let at = u16::try_from(of_scope.slots.len()).unwrap_or(u16::MAX);
        of_scope.slots.push(SlotDef { name: String::new(), ty });
        Slot { scope, at }
    }

    /// Says what stands in the slot that a `too late` has in front.
    pub(crate) fn type_event(&mut self, scope: ScopeId, ty: Type) {
        let slot = self.scopes.get_mut(scope.index()).and_then(|scope| scope.slots.first_mut());
        if let Some(slot) = slot {
            slot.ty = ty;
        }
    }

    /// Says what a scope is called, what it is to its node, and where it begins.
    pub(crate) fn name_scope(&mut self, id: ScopeId, label: &str, role: &str, entry: Option<NodeId>) {
        if let (Some(scope), Some(place)) = (self.scopes.get_mut(id.index()), self.roles.get_mut(id.index())) {
            label.clone_into(&mut scope.label);
            role.clone_into(place);
            scope.entry = entry;
        }
    }

    /// Adds a node in front of those that are there.
    pub(crate) fn push(&mut self, place: At, label: String, kind: NodeKind, next: Option<NodeId>) -> NodeId {
        self.push_named(place, label.clone(), label, kind, next)
    }

    /// Adds a node that its identity knows by another name than its label.
    pub(crate) fn push_named(
        &mut self,
        At { scope, span }: At,
        label: String,
        name: String,
        kind: NodeKind,
        next: Option<NodeId>,
    ) -> NodeId {
        let id = NodeId::from(self.nodes.len());
        let span = self.cx.span(span);
        self.nodes.push(Node { id: StableId(0), label, scope, span, kind, next });
        self.names.push(name);
        id
    }

    /// Puts the nodes into the order of the text and gives them their identities.
    fn finish(mut self) -> (Vec<Node>, Vec<Scope>) {
        let last = self.nodes.len().saturating_sub(1);
        let turn = |id: &mut NodeId| *id = NodeId::from(last.saturating_sub(id.index()));
        self.nodes.reverse();
        self.names.reverse();
        for node in &mut self.nodes {
            targets(node).flatten().for_each(turn);
        }
        self.scopes.iter_mut().filter_map(|scope| scope.entry.as_mut()).for_each(turn);
        ids::assign(&mut self.nodes, &self.names, &self.roles);
        (self.nodes, self.scopes)
    }
}

/// Where a node stands, in the plan and in the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) scope: ScopeId,
    pub(crate) span: Span,
}

/// Every place of a node that names another one.
fn targets(node: &mut Node) -> impl Iterator<Item = &mut Option<NodeId>> {
    let inside: Vec<&mut Option<NodeId>> = match &mut node.kind {
        NodeKind::Choose { arms, otherwise, .. } => {
            arms.iter_mut().map(|arm| &mut arm.target).chain([otherwise]).collect()
        }
        NodeKind::Await(wait) => {
            let timers = wait.timers.iter_mut().filter_map(|timer| match &mut timer.end {
                TimerEnd::Goto(target) => Some(target),
                TimerEnd::Deadline(_) => None,
            });
            let task = wait.task.iter_mut().map(|task| &mut task.target);
            wait.events.iter_mut().map(|arm| &mut arm.target).chain(timers).chain(task).collect()
        }
        NodeKind::Let { .. }
        | NodeKind::Call(_)
        | NodeKind::Wait { .. }
        | NodeKind::Attempt { .. }
        | NodeKind::Parallel { .. }
        | NodeKind::Each(_)
        | NodeKind::Repeat { .. }
        | NodeKind::Emit { .. }
        | NodeKind::Status { .. }
        | NodeKind::RunFlow(_)
        | NodeKind::Fail { .. }
        | NodeKind::Stop { .. }
        | NodeKind::Give { .. }
        | NodeKind::PointOfNoReturn => Vec::new(),
    };
    inside.into_iter().chain([&mut node.next])
}
