//! How the scopes of a plan hang together, as the runtime nests their frames.
use flowline_diag::Span;
use flowline_plan::{
    Bundle, CallNode, Handler, Node, NodeId, NodeKind, OpDef, Plan, Scope, ScopeId, ScopeKind, Slot, SpanId,
};

use crate::Places;

/// A plan with what follows from its nesting.
pub(crate) struct Shape<'a> {
    pub(crate) bundle: &'a Bundle,
    pub(crate) plan: &'a Plan,
    places: &'a dyn Places,
    hung: Vec<Hung>,
}

/// Where a scope hangs.
#[derive(Debug, Clone, Copy, Default)]
struct Hung {
    /// The node that runs it; none for the flow itself.
    node: Option<NodeId>,
    /// The scope whose frame is the parent of its frame.
    outer: Option<ScopeId>,
    depth: u32,
}

impl<'a> Shape<'a> {
    pub(crate) fn new(bundle: &'a Bundle, plan: &'a Plan, places: &'a dyn Places) -> Self {
        let mut shape = Self { bundle, plan, places, hung: vec![Hung::default(); plan.scopes.len()] };
        for (at, node) in plan.nodes.iter().enumerate() {
            for scope in node.kind.scopes() {
                let beside = matches!(shape.scope(scope).kind, ScopeKind::Meanwhile | ScopeKind::TooLate);
                let outer =
                    if let (NodeKind::Attempt { body, .. }, true) = (&node.kind, beside) { *body } else { node.scope };
                if let Some(hung) = shape.hung.get_mut(scope.index()) {
                    *hung = Hung { node: Some(NodeId::from(at)), outer: Some(outer), depth: 0 };
                }
            }
        }
        for at in 0..plan.scopes.len() {
            let depth = shape.outward(ScopeId::from(at)).skip(1).count();
            if let Some(hung) = shape.hung.get_mut(at) {
                hung.depth = u32::try_from(depth).unwrap_or(u32::MAX);
            }
        }
        shape
    }

    pub(crate) fn node(&self, id: NodeId) -> &'a Node {
        self.plan.nodes.get(id.index()).expect("a plan's node ids lie inside it")
    }

    pub(crate) fn scope(&self, id: ScopeId) -> &'a Scope {
        self.plan.scopes.get(id.index()).expect("a plan's scope ids lie inside it")
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = (NodeId, &'a Node)> + use<'a> {
        self.plan.nodes.iter().enumerate().map(|(at, node)| (NodeId::from(at), node))
    }

    pub(crate) fn op(&self, call: &CallNode) -> &'a OpDef {
        self.bundle.op(call.op).expect("a plan's operations lie in its bundle")
    }

    pub(crate) fn span(&self, id: SpanId) -> Span {
        self.places.span(id)
    }

    pub(crate) fn node_span(&self, id: NodeId) -> Span {
        self.span(self.node(id).span)
    }

    pub(crate) fn scope_span(&self, id: ScopeId) -> Span {
        self.span(self.scope(id).span)
    }

    /// The node that runs a scope; none for the flow itself.
    pub(crate) fn runner(&self, scope: ScopeId) -> Option<NodeId> {
        self.hung.get(scope.index())?.node
    }

    /// The scope whose frame is the parent of this one's.
    pub(crate) fn outer(&self, scope: ScopeId) -> Option<ScopeId> {
        self.hung.get(scope.index())?.outer
    }

    /// The scope and all around it, innermost first.
    pub(crate) fn outward(&self, scope: ScopeId) -> impl Iterator<Item = ScopeId> + '_ {
        // A scope never hangs inside itself; the bound only keeps a broken plan from going round.
        std::iter::successors(Some(scope), |scope| self.outer(*scope)).take(self.hung.len() + 1)
    }

    /// How many scopes lie around it.
    pub(crate) fn depth(&self, scope: ScopeId) -> u32 {
        self.hung.get(scope.index()).map_or(0, |hung| hung.depth)
    }

    /// Whether `inner` is `outer` or lies in it.
    pub(crate) fn contains(&self, outer: ScopeId, inner: ScopeId) -> bool {
        self.outward(inner).any(|scope| scope == outer)
    }

    /// The scope that a `point of no return` in this scope belongs to.
    pub(crate) fn forward_owner(&self, scope: ScopeId) -> ScopeId {
        self.outward(scope).find(|scope| owns_return(self.scope(*scope).kind)).unwrap_or(ScopeId(0))
    }

    /// The points of no return that branches of a `parallel` pass for a scope around it.
    pub(crate) fn returns_in_branches(&self, parallel: NodeId) -> Vec<NodeId> {
        let NodeKind::Parallel { branches, .. } = &self.node(parallel).kind else { return Vec::new() };
        let passed_for_all = |scope: ScopeId| {
            let owner = self.forward_owner(scope);
            branches.iter().any(|branch| self.contains(*branch, scope) && !self.contains(*branch, owner))
        };
        let returns = self.nodes().filter(|(_, node)| node.kind == NodeKind::PointOfNoReturn);
        returns.filter(|(_, node)| passed_for_all(node.scope)).map(|(no, _)| no).collect()
    }

    /// The handlers of the attempt whose body this is.
    pub(crate) fn handlers(&self, body: ScopeId) -> &'a [Handler] {
        if self.scope(body).kind != ScopeKind::Attempt {
            return &[];
        }
        match self.runner(body).map(|node| &self.node(node).kind) {
            Some(NodeKind::Attempt { handlers, .. }) => handlers,
            Some(_) | None => &[],
        }
    }

    pub(crate) fn slot_name(&self, slot: Slot) -> &'a str {
        self.scope(slot.scope).slots.get(usize::from(slot.at)).map_or("it", |def| def.name.as_str())
    }
}

/// Whether a `point of no return` belongs to a scope of this kind.
pub(crate) fn owns_return(kind: ScopeKind) -> bool {
    match kind {
        ScopeKind::Attempt | ScopeKind::Element | ScopeKind::Flow => true,
        ScopeKind::Handler | ScopeKind::TooLate | ScopeKind::Meanwhile | ScopeKind::Branch | ScopeKind::Round => false,
    }
}
