//! Where resources come from, the slots that may name them, and the nodes that matter to them.
use flowline_diag::Span;
use flowline_plan::{Code, Instr, NodeId, NodeKind, ScopeId, ScopeKind, Slot, Type, TypeId};
use rustc_hash::FxHashSet;

use super::token::Name;
use crate::shape::{Shape, owns_return};

/// One place that makes resources.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(super) at: Made,
    pub(super) ty: TypeId,
    /// What the author calls it.
    pub(super) name: String,
    /// Every slot that may hold it, or a list of it.
    pub(super) slots: FxHashSet<Slot>,
    /// The nodes that matter to it, and the nodes around these.
    pub(super) matters: FxHashSet<NodeId>,
    /// The scopes that such a node lies in.
    pub(super) scopes: FxHashSet<ScopeId>,
}

/// What makes a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// A call opens it.
    Call(NodeId),
    /// A `for each` hands out parts.
    Part(NodeId),
    /// A sub-flow ends with it.
    Run(NodeId),
    /// The flow is given it: the place in [`flowline_plan::Signature::takes`].
    Param(usize),
}

impl Made {
    pub(super) fn node(self) -> Option<NodeId> {
        match self {
            Self::Call(node) | Self::Part(node) | Self::Run(node) => Some(node),
            Self::Param(_) => None,
        }
    }
}

impl Origin {
    /// Where it comes from, in the text.
    pub(super) fn span(&self, shape: &Shape<'_>) -> Span {
        match self.at {
            Made::Call(node) | Made::Part(node) | Made::Run(node) => shape.node_span(node),
            Made::Param(take) => {
                let take = shape.plan.signature.takes.get(take);
                shape.span(take.map_or(shape.plan.span, |take| take.span))
            }
        }
    }
}

/// All origins of a plan: what it is given, calls and sub-flows, then parts, outer ones first, so that the whole is known before its parts.
pub(super) fn origins(shape: &Shape<'_>) -> Vec<Origin> {
    let always = always_matters(shape);
    let mut parts = Vec::new();
    let takes = shape.plan.signature.takes.iter().enumerate();
    let mut found: Vec<Origin> = takes
        .map(|(at, take)| {
            let slot = Slot { scope: ScopeId(0), at: take.param };
            origin(shape, Made::Param(at), take.resource, Some(slot), &always)
        })
        .collect();
    for (at, node) in shape.nodes() {
        match &node.kind {
            NodeKind::Call(call) => {
                if let Some(opens) = &shape.op(call).opens {
                    found.push(origin(shape, Made::Call(at), opens.resource, call.result, &always));
                }
            }
            NodeKind::RunFlow(run) if !run.detached => {
                let flow = shape.bundle.flow(run.flow);
                if let Some(gives) = flow.and_then(|flow| flow.signature.gives.as_ref()) {
                    found.push(origin(shape, Made::Run(at), gives.resource, run.result, &always));
                }
            }
            NodeKind::RunFlow(_) => {}
            NodeKind::Each(each) => {
                let part = each.sharing.as_ref().map(|sharing| sharing.part);
                let ty = part.and_then(|part| shape.scope(part.scope).slots.get(usize::from(part.at)));
                if let Some(Type::Resource(ty)) = ty.map(|def| &def.ty) {
                    parts.push((shape.depth(node.scope), origin(shape, Made::Part(at), *ty, part, &always)));
                }
            }
            NodeKind::Let { .. }
            | NodeKind::Await(_)
            | NodeKind::Wait { .. }
            | NodeKind::Choose { .. }
            | NodeKind::Attempt { .. }
            | NodeKind::Parallel { .. }
            | NodeKind::Repeat { .. }
            | NodeKind::Emit { .. }
            | NodeKind::Status { .. }
            | NodeKind::Fail { .. }
            | NodeKind::Stop { .. }
            | NodeKind::Give { .. }
            | NodeKind::PointOfNoReturn => {}
        }
    }
    parts.sort_by_key(|(depth, _)| *depth);
    found.extend(parts.into_iter().map(|(_, part)| part));
    found
}

fn origin(shape: &Shape<'_>, at: Made, ty: TypeId, slot: Option<Slot>, always: &FxHashSet<NodeId>) -> Origin {
    let mut slots: FxHashSet<Slot> = slot.into_iter().collect();
    loop {
        let before = slots.len();
        for (_, node) in shape.nodes() {
            if let NodeKind::Attempt { handlers, .. } = &node.kind {
                let kept = handlers.iter().flat_map(|handler| &handler.keeping);
                let kept: Vec<Slot> = kept.filter(|kept| slots.contains(&kept.from)).map(|kept| kept.to).collect();
                slots.extend(kept);
            }
            let (from, to) = match &node.kind {
                NodeKind::Let { slot, code } => (code, Some(*slot)),
                NodeKind::Give { value } => (value, given_to(shape, node.scope)),
                NodeKind::Each(each) => (&each.list, Some(each.item)),
                NodeKind::Call(_)
                | NodeKind::Await(_)
                | NodeKind::Wait { .. }
                | NodeKind::Choose { .. }
                | NodeKind::Attempt { .. }
                | NodeKind::Parallel { .. }
                | NodeKind::Repeat { .. }
                | NodeKind::Emit { .. }
                | NodeKind::Status { .. }
                | NodeKind::RunFlow(_)
                | NodeKind::Fail { .. }
                | NodeKind::Stop { .. }
                | NodeKind::PointOfNoReturn => continue,
            };
            if let (Some(from), Some(to)) = (plain(from), to)
                && slots.contains(&from)
            {
                slots.insert(to);
            }
        }
        if slots.len() == before {
            break;
        }
    }
    let mut matters = always.clone();
    for (node, _) in shape.nodes() {
        if Some(node) == at.node() || names(shape, node).iter().any(|slot| slots.contains(slot)) {
            mark(shape, node, &mut matters);
        }
    }
    let name = match slot {
        Some(slot) => format!("`{}`", shape.slot_name(slot)),
        None => format!("the `{}`", shape.type_name(ty)),
    };
    let scopes = matters.iter().flat_map(|node| shape.outward(shape.node(*node).scope)).collect();
    Origin { at, ty, name, slots, matters, scopes }
}

/// The slot that takes what a scope gives.
pub(super) fn given_to(shape: &Shape<'_>, scope: ScopeId) -> Option<Slot> {
    let kind = &shape.node(shape.runner(scope)?).kind;
    if let NodeKind::Parallel { branches, results } = kind {
        let branch = branches.iter().position(|branch| *branch == scope)?;
        return results.get(branch).copied().flatten();
    }
    if let NodeKind::Attempt { result, .. } | NodeKind::Repeat { result, .. } = kind {
        let takes = matches!(shape.scope(scope).kind, ScopeKind::Attempt | ScopeKind::Handler | ScopeKind::Round);
        return result.filter(|_| takes);
    }
    if let NodeKind::Each(each) = kind { each.result } else { None }
}

/// What names the resource when the scope is gone: a name from within is gone too, but an element still is in its list,
/// and what was renamed in there has its old name.
pub(super) fn outside(shape: &Shape<'_>, name: Name, scope: ScopeId) -> Name {
    match name {
        Name::Slot(slot) | Name::List(slot) if !shape.contains(scope, slot.scope) => name,
        Name::Slot(slot) => match (renamed_from(shape, slot), list_of(shape, slot)) {
            (Some(from), _) => outside(shape, Name::Slot(from), scope),
            (None, Some(list)) => outside(shape, Name::List(list), scope),
            (None, None) => Name::Nothing,
        },
        Name::List(slot) => match renamed_from(shape, slot) {
            Some(from) => outside(shape, Name::List(from), scope),
            None => Name::Nothing,
        },
        Name::Given | Name::Nothing => Name::Nothing,
    }
}

/// The name that a `let` has taken over.
fn renamed_from(shape: &Shape<'_>, to: Slot) -> Option<Slot> {
    shape.nodes().find_map(|(_, node)| {
        if let NodeKind::Let { slot, code } = &node.kind { plain(code).filter(|_| *slot == to) } else { None }
    })
}

/// The list that a `for each` goes through by that name.
fn list_of(shape: &Shape<'_>, item: Slot) -> Option<Slot> {
    shape.nodes().find_map(|(_, node)| {
        if let NodeKind::Each(each) = &node.kind { plain(&each.list).filter(|_| each.item == item) } else { None }
    })
}

pub(super) fn is_list(shape: &Shape<'_>, slot: Slot) -> bool {
    let ty = shape.scope(slot.scope).slots.get(usize::from(slot.at)).map(|def| &def.ty);
    match ty {
        Some(Type::Optional(inner)) => matches!(**inner, Type::List(..)),
        Some(ty) => matches!(ty, Type::List(..)),
        None => false,
    }
}

/// The slot, where code gives just what it holds.
pub(super) fn plain(code: &Code) -> Option<Slot> {
    match code.ops.as_slice() {
        [Instr::Slot(slot)] => Some(*slot),
        _ => None,
    }
}

/// The slots that a node names as a whole: arguments, what it gives, shares out or goes through.
pub(super) fn names(shape: &Shape<'_>, at: NodeId) -> Vec<Slot> {
    let codes: Vec<&Code> = match &shape.node(at).kind {
        NodeKind::Let { code, .. } => vec![code],
        NodeKind::Call(call) => call.args.iter().collect(),
        NodeKind::RunFlow(run) => run.args.iter().collect(),
        NodeKind::Give { value } | NodeKind::Stop { value: Some(value), .. } => vec![value],
        NodeKind::Each(each) => {
            std::iter::once(&each.list).chain(each.sharing.as_ref().map(|sharing| &sharing.resource)).collect()
        }
        NodeKind::Await(_)
        | NodeKind::Wait { .. }
        | NodeKind::Choose { .. }
        | NodeKind::Attempt { .. }
        | NodeKind::Parallel { .. }
        | NodeKind::Repeat { .. }
        | NodeKind::Emit { .. }
        | NodeKind::Status { .. }
        | NodeKind::Fail { .. }
        | NodeKind::Stop { .. }
        | NodeKind::PointOfNoReturn => Vec::new(),
    };
    codes.into_iter().filter_map(plain).collect()
}

/// Nodes that matter to every resource that is open when control comes by: ends of the run, and points of no return
/// of scopes around them.
fn always_matters(shape: &Shape<'_>) -> FxHashSet<NodeId> {
    let mut found = FxHashSet::default();
    for (at, node) in shape.nodes() {
        if let NodeKind::Stop { .. } = node.kind {
            mark(shape, at, &mut found);
        } else if let NodeKind::PointOfNoReturn = node.kind {
            let inside = shape.outward(node.scope).take_while(|scope| !owns_return(shape.scope(*scope).kind));
            found.extend(inside.filter_map(|scope| shape.runner(scope)));
        }
    }
    found
}

/// A node and all nodes around it.
fn mark(shape: &Shape<'_>, at: NodeId, into: &mut FxHashSet<NodeId>) {
    into.insert(at);
    into.extend(shape.outward(shape.node(at).scope).filter_map(|scope| shape.runner(scope)));
}
