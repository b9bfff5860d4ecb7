//! Where control can get to: which nodes run, which scopes end, which causes escape.
//!
//! One walk from the flow's entry; a scope is looked at at most twice, before and after a point of no return around it.
use flowline_plan::{Handler, NodeId, NodeKind, ScopeId, ScopeKind, TimerEnd, Trigger};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    cause::{Cause, Escape, Told, catcher, fits, raised_by},
    shape::{Shape, owns_return},
};

/// What the walk found.
#[derive(Debug, Default)]
pub(crate) struct Flowing {
    pub(crate) reached: FxHashSet<NodeId>,
    pub(crate) entered: FxHashSet<ScopeId>,
    /// Nodes with scopes inside after which control may go on.
    pub(crate) falls_through: FxHashSet<NodeId>,
    /// Scopes with a point of no return.
    pub(crate) forward: FxHashSet<ScopeId>,
    /// What leaves a node with scopes inside, its own causes among them.
    pub(crate) node_escapes: FxHashMap<NodeId, Vec<Escape>>,
    /// What leaves a scope.
    pub(crate) scope_escapes: FxHashMap<ScopeId, Vec<Escape>>,
    /// What leaves the flow.
    pub(crate) unhandled: Vec<Escape>,
    /// What leaves a scope after its point of no return, with that scope.
    pub(crate) after_return: Vec<(Escape, ScopeId)>,
    /// Words of handlers that nothing in the body raises: attempt, handler, word.
    pub(crate) idle: Vec<(NodeId, usize, usize)>,
    /// Errors that come up only in a certain state of a resource, and do.
    pub(crate) told: Told,
    memo: FxHashMap<(ScopeId, bool), Out>,
}

/// How a scope comes out.
#[derive(Debug, Clone, Default)]
struct Out {
    /// It may end before, or after, a point of no return around it.
    ends: [bool; 2],
    /// What leaves it, and whether after the point of no return of the scope that owns one.
    escapes: Vec<(Escape, bool)>,
}

impl Out {
    fn raise(&mut self, escape: Escape, past: bool) {
        if !self.escapes.iter().any(|known| known.0 == escape && known.1 == past) {
            self.escapes.push((escape, past));
        }
    }

    fn end(&mut self, past: bool) {
        let [before, after] = &mut self.ends;
        if past { *after = true } else { *before = true }
    }

    /// Whether some way in it leads past a point of no return around it.
    fn passes(&self) -> bool {
        self.ends().chain(self.escapes.iter().map(|(_, past)| *past)).any(|past| past)
    }

    fn ends(&self) -> impl Iterator<Item = bool> {
        let [before, after] = self.ends;
        [(before, false), (after, true)].into_iter().filter(|(may, _)| *may).map(|(_, past)| past)
    }
}

impl Flowing {
    pub(crate) fn of(shape: &Shape<'_>, told: Told) -> Self {
        let mut flowing = Self { told, ..Self::default() };
        let root = ScopeId(0);
        let out = flowing.scope(shape, root, false);
        flowing.unhandled = flowing.inside_return(root, &out);
        flowing.unhandled.sort();
        flowing.after_return.sort();
        flowing.after_return.dedup();
        flowing.idle.sort_unstable();
        flowing.idle.dedup();
        flowing
    }

    /// The escapes before the point of no return of the scope that owns it; the others are faults of their own.
    fn inside_return(&mut self, scope: ScopeId, out: &Out) -> Vec<Escape> {
        let (after, before): (Vec<_>, Vec<_>) = out.escapes.iter().cloned().partition(|(_, past)| *past);
        self.after_return.extend(after.into_iter().map(|(escape, _)| (escape, scope)));
        before.into_iter().map(|(escape, _)| escape).collect()
    }

    fn scope(&mut self, shape: &Shape<'_>, scope: ScopeId, past: bool) -> Out {
        if let Some(out) = self.memo.get(&(scope, past)) {
            return out.clone();
        }
        self.entered.insert(scope);
        let mut out = Out::default();
        let mut todo = vec![(shape.scope(scope).entry, past)];
        let mut seen = FxHashSet::default();
        while let Some((at, past)) = todo.pop() {
            let Some(at) = at else {
                out.end(past);
                continue;
            };
            if seen.insert((at, past)) {
                self.reached.insert(at);
                self.node(shape, at, past, &mut out, &mut todo);
            }
        }
        let known = self.scope_escapes.entry(scope).or_default();
        for (escape, past) in &out.escapes {
            if !(known.contains(escape) || *past && owns_return(shape.scope(scope).kind)) {
                known.push(escape.clone());
            }
        }
        self.memo.insert((scope, past), out.clone());
        out
    }

    fn node(
        &mut self,
        shape: &Shape<'_>,
        at: NodeId,
        past: bool,
        out: &mut Out,
        todo: &mut Vec<(Option<NodeId>, bool)>,
    ) {
        let node = shape.node(at);
        let own = raised_by(shape, at, &self.told).into_iter().map(|cause| Escape { site: at, cause });
        let mut inner = Out::default();
        own.for_each(|escape| inner.raise(escape, past));
        match &node.kind {
            NodeKind::Let { .. }
            | NodeKind::Call(_)
            | NodeKind::Wait { .. }
            | NodeKind::Emit { .. }
            | NodeKind::Status { .. }
            | NodeKind::RunFlow(_) => todo.push((node.next, past)),
            NodeKind::Await(_) | NodeKind::Choose { .. } => {
                todo.extend(targets(&node.kind).into_iter().map(|target| (target, past)));
            }
            NodeKind::Fail { .. } => {}
            NodeKind::Stop { .. } => {
                if no_stop_in(shape, node.scope).is_some() {
                    // A fault of its own; what follows the branch shouldn't be one more.
                    out.end(past);
                }
            }
            NodeKind::Give { .. } => out.end(past),
            NodeKind::PointOfNoReturn => {
                self.forward.insert(shape.forward_owner(node.scope));
                todo.push((node.next, true));
            }
            NodeKind::Attempt { body, handlers, meanwhile, .. } => {
                self.attempt(shape, at, past, *body, handlers, &mut inner);
                for meanwhile in meanwhile {
                    let beside = self.scope(shape, meanwhile.scope, false);
                    beside.escapes.into_iter().for_each(|(escape, _)| inner.raise(escape, past));
                }
            }
            NodeKind::Parallel { branches, .. } => {
                self.branches(shape, past, branches, &mut inner);
            }
            NodeKind::Each(each) => {
                let body = self.scope(shape, each.body, false);
                self.inside_return(each.body, &body).into_iter().for_each(|escape| inner.raise(escape, past));
                inner.end(past);
            }
            NodeKind::Repeat { body, .. } => self.rounds(shape, at, past, *body, &mut inner),
        }
        if !matches!(node.kind, NodeKind::Give { .. }) {
            todo.extend(inner.ends().map(|past| (node.next, past)));
        }
        if inner.ends != [false, false] {
            self.falls_through.insert(at);
        }
        let known = self.node_escapes.entry(at).or_default();
        for (escape, past) in inner.escapes {
            if !known.contains(&escape) {
                known.push(escape.clone());
            }
            out.raise(escape, past);
        }
    }

    fn attempt(
        &mut self,
        shape: &Shape<'_>,
        at: NodeId,
        past: bool,
        body: ScopeId,
        handlers: &[Handler],
        inner: &mut Out,
    ) {
        let out = self.scope(shape, body, false);
        let escapes = self.inside_return(body, &out);
        if out.ends != [false, false] {
            inner.end(past);
        }
        let raised: FxHashSet<&Cause> = out.escapes.iter().map(|(escape, _)| &escape.cause).collect();
        for escape in &escapes {
            if catcher(handlers, &escape.cause).is_none() {
                inner.raise(escape.clone(), past);
            }
        }
        for (no, handler) in handlers.iter().enumerate() {
            let runs = match &handler.trigger {
                Trigger::Errors(catches) => {
                    let mut any = false;
                    for (word, catch) in catches.iter().enumerate() {
                        let taken = |cause: &&&Cause| {
                            fits(catch, cause) && catcher(handlers, cause).is_some_and(|(first, _)| first == no)
                        };
                        if raised.iter().any(|cause| taken(&cause)) {
                            any = true
                        } else {
                            self.idle.push((at, no, word))
                        }
                    }
                    any
                }
                Trigger::Event { too_late, .. } => {
                    if let Some(scope) = too_late {
                        let late = self.scope(shape, *scope, false);
                        // It runs past the point of no return, so nothing around it may take its errors.
                        self.after_return.extend(late.escapes.into_iter().map(|(escape, _)| (escape, *scope)));
                    }
                    true
                }
                Trigger::After(_) => true,
            };
            if runs {
                let handled = self.scope(shape, handler.scope, past);
                handled.ends().for_each(|past| inner.end(past));
                handled.escapes.into_iter().for_each(|(escape, past)| inner.raise(escape, past));
            }
        }
    }

    fn branches(&mut self, shape: &Shape<'_>, past: bool, branches: &[ScopeId], inner: &mut Out) {
        let outs: Vec<Out> = branches.iter().map(|branch| self.scope(shape, *branch, past)).collect();
        let passing = outs.iter().filter(|out| out.passes()).count();
        if outs.iter().all(|out| out.ends != [false, false]) {
            inner.end(past || passing > 0);
        }
        for (branch, out) in branches.iter().zip(outs) {
            // One branch passes the point of no return for all, and the others may be anywhere then.
            if !past && passing > usize::from(out.passes()) {
                let late = self.scope(shape, *branch, true);
                late.escapes.into_iter().for_each(|(escape, past)| inner.raise(escape, past));
            }
            out.escapes.into_iter().for_each(|(escape, past)| inner.raise(escape, past));
        }
    }

    fn rounds(&mut self, shape: &Shape<'_>, at: NodeId, past: bool, body: ScopeId, inner: &mut Out) {
        let first = self.scope(shape, body, past);
        let mut outs = vec![first];
        if !past && outs.iter().any(|out| out.ends().any(|past| past)) {
            outs.push(self.scope(shape, body, true));
            inner.raise(Escape { site: at, cause: Cause::Exhausted }, true);
        }
        for out in outs {
            out.ends().for_each(|past| inner.end(past));
            out.escapes.into_iter().for_each(|(escape, past)| inner.raise(escape, past));
        }
    }
}

/// Where an `await` or a choice may go on; none is the end of the scope.
pub(crate) fn targets(kind: &NodeKind) -> Vec<Option<NodeId>> {
    let mut targets = match kind {
        NodeKind::Await(wait) => {
            let timers = wait.timers.iter().filter_map(|timer| match &timer.end {
                TimerEnd::Goto(target) => Some(*target),
                TimerEnd::Deadline(_) => None,
            });
            let answer = wait.task.iter().map(|task| task.target);
            wait.events.iter().map(|arm| arm.target).chain(timers).chain(answer).collect()
        }
        NodeKind::Choose { arms, otherwise, .. } => arms.iter().map(|arm| arm.target).chain([*otherwise]).collect(),
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
        | NodeKind::PointOfNoReturn => Vec::<Option<NodeId>>::new(),
    };
    targets.sort_unstable();
    targets.dedup();
    targets
}

/// Whether control may get from the end of one node to another, without leaving the scope that holds both or running it
/// again.
pub(crate) fn comes_after(shape: &Shape<'_>, first: NodeId, then: NodeId) -> bool {
    // A node, and the nodes whose scopes it lies in.
    let holders = |node: NodeId| {
        let scopes = shape.outward(shape.node(node).scope);
        std::iter::once(node).chain(scopes.filter_map(|scope| shape.runner(scope))).collect::<Vec<_>>()
    };
    let before = holders(first);
    for then in holders(then) {
        let scope = shape.node(then).scope;
        let Some(first) = before.iter().copied().find(|first| shape.node(*first).scope == scope) else { continue };
        let ways_on = |at: NodeId| {
            let node = shape.node(at);
            targets(&node.kind).into_iter().chain([node.next]).flatten()
        };
        let (mut seen, mut todo) = (FxHashSet::default(), ways_on(first).collect::<Vec<_>>());
        while let Some(at) = todo.pop() {
            if seen.insert(at) {
                todo.extend(ways_on(at));
            }
        }
        return seen.contains(&then);
    }
    false
}

/// The nearest scope outward, this one included, for which no `stop` can end the run.
pub(crate) fn no_stop_in(shape: &Shape<'_>, scope: ScopeId) -> Option<ScopeId> {
    shape.outward(scope).find(|scope| match shape.scope(*scope).kind {
        ScopeKind::Branch | ScopeKind::Element | ScopeKind::Meanwhile | ScopeKind::TooLate => true,
        ScopeKind::Flow | ScopeKind::Attempt | ScopeKind::Handler | ScopeKind::Round => false,
    })
}
