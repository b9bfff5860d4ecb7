//! The plan as nested sequences: what a picture and a reader follow.
//!
//! Inside a scope control only goes forward, so arms that part come together again at the first node that two of them
//! reach, or never.
use std::collections::BTreeSet;

use super::{branches, meanwhile_text, scope_label, trigger_text};
use crate::{Bundle, NodeId, NodeKind, Plan, ScopeId, Trigger};

/// Scopes and choices inside each other; deeper ones are left out.
pub(super) const DEPTH_MAX: usize = 40;

/// One step of a sequence.
#[derive(Debug)]
pub(super) enum Item {
    Step(NodeId),
    /// A choice or a wait with several ways on.
    Split {
        node: NodeId,
        arms: Vec<Part>,
    },
    /// A scope: what runs in it side by side, and what stands beside it.
    Region {
        node: NodeId,
        body: Vec<Part>,
        beside: Vec<Part>,
    },
}

/// A titled sequence.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) title: String,
    pub(super) items: Vec<Item>,
}

/// The flow's own scope.
pub(super) fn outline(bundle: &Bundle, plan: &Plan) -> Vec<Item> {
    Outline { bundle, plan, seen: BTreeSet::new() }.scope(ScopeId(0), 0)
}

/// Whether nothing follows the sequence: it ends in a `stop`, `fail` or `give`, or all its arms do.
pub(super) fn ends(plan: &Plan, items: &[Item]) -> bool {
    match items.last() {
        Some(Item::Step(node)) => plan.nodes.get(node.index()).is_some_and(|node| is_end(&node.kind)),
        Some(Item::Split { arms, .. }) => arms.iter().all(|arm| ends(plan, &arm.items)),
        Some(Item::Region { .. }) | None => false,
    }
}

fn is_end(kind: &NodeKind) -> bool {
    matches!(kind, NodeKind::Stop { .. } | NodeKind::Fail { .. } | NodeKind::Give { .. })
}

struct Outline<'a> {
    bundle: &'a Bundle,
    plan: &'a Plan,
    /// Each node is drawn once, also in a damaged plan.
    seen: BTreeSet<NodeId>,
}

impl Outline<'_> {
    fn scope(&mut self, scope: ScopeId, depth: usize) -> Vec<Item> {
        let entry = self.plan.scopes.get(scope.index()).and_then(|scope| scope.entry);
        self.sequence(entry, None, depth)
    }

    /// From `from` to before `until`.
    fn sequence(&mut self, from: Option<NodeId>, until: Option<NodeId>, depth: usize) -> Vec<Item> {
        let mut items = Vec::new();
        let mut at = from;
        while let Some(id) = at.filter(|id| Some(*id) != until && depth <= DEPTH_MAX) {
            let Some(node) = self.plan.nodes.get(id.index()) else { break };
            if !self.seen.insert(id) {
                break;
            }
            at = node.next;
            let ways = self.ways(id);
            if !ways.is_empty() {
                let join = self.join(&ways.iter().map(|(to, _)| *to).collect::<Vec<_>>()).or(until);
                let arms = ways
                    .into_iter()
                    .map(|(to, title)| Part { title, items: self.sequence(to, join, depth + 1) })
                    .collect();
                items.push(Item::Split { node: id, arms });
                at = join;
                continue;
            }
            items.push(match self.region(id, depth) {
                Some((body, beside)) => Item::Region { node: id, body, beside },
                None => Item::Step(id),
            });
        }
        items
    }

    /// The ways on from a choice, or from a wait that has several.
    fn ways(&self, id: NodeId) -> Vec<(Option<NodeId>, String)> {
        let Some(node) = self.plan.nodes.get(id.index()) else { return Vec::new() };
        let is_split = matches!(node.kind, NodeKind::Choose { .. } | NodeKind::Await(_));
        let mut ways: Vec<_> = if is_split { branches(self.bundle, self.plan, node) } else { Vec::new() }
            .into_iter()
            .map(|(to, edge)| (to, edge.to_string()))
            .collect();
        if matches!(node.kind, NodeKind::Await(_)) && !ways.is_empty() && node.next.is_some() {
            ways.push((node.next, String::new()));
        }
        ways
    }

    /// Where the ways come together: the first node that two of them reach; else, where one of them is the way on and the
    /// others soon end (a `when … { fail … }`, the silence of a wait), that one.
    fn join(&self, ways: &[Option<NodeId>]) -> Option<NodeId> {
        let reached: Vec<BTreeSet<NodeId>> = ways.iter().map(|way| self.reach(*way)).collect();
        let shared = |id: &NodeId| reached.iter().filter(|nodes| nodes.contains(id)).count() >= 2;
        // The first shared node is the one from which all other shared ones are reached.
        let all: BTreeSet<NodeId> = reached.iter().flatten().copied().filter(shared).collect();
        let first = all.iter().copied().max_by_key(|id| self.reach(Some(*id)).len());
        first.or_else(|| {
            let falls_out = |(way, nodes): &(&Option<NodeId>, &BTreeSet<NodeId>)| {
                way.is_none() || nodes.iter().any(|id| self.falls_out(*id))
            };
            let ways = || ways.iter().zip(&reached);
            let mut going = ways().filter(falls_out);
            match (going.next(), going.next()) {
                (Some((way, _)), None) => *way,
                (Some(_), Some(_)) => None,
                (None, _) => {
                    let longest = reached.iter().map(BTreeSet::len).max().filter(|nodes| *nodes > 1)?;
                    let mut longest = ways().filter(|(_, nodes)| nodes.len() == longest);
                    let (way, _) = longest.next()?;
                    way.filter(|_| longest.next().is_none())
                }
            }
        })
    }

    /// Control leaves the scope behind this node.
    fn falls_out(&self, id: NodeId) -> bool {
        let Some(node) = self.plan.nodes.get(id.index()) else { return false };
        let ways = self.ways(id);
        if ways.is_empty() {
            node.next.is_none() && !is_end(&node.kind)
        } else {
            ways.iter().any(|(to, _)| to.is_none())
        }
    }

    /// The nodes of the scope that can follow, `from` included.
    fn reach(&self, from: Option<NodeId>) -> BTreeSet<NodeId> {
        let mut found = BTreeSet::new();
        let mut open: Vec<NodeId> = from.into_iter().collect();
        while let Some(id) = open.pop() {
            let Some(node) = self.plan.nodes.get(id.index()) else { continue };
            if !found.insert(id) {
                continue;
            }
            open.extend(node.next);
            open.extend(self.ways(id).into_iter().filter_map(|(to, _)| to));
        }
        found
    }

    /// What a scope node holds: its bodies, and its handlers.
    fn region(&mut self, id: NodeId, depth: usize) -> Option<(Vec<Part>, Vec<Part>)> {
        let (bundle, plan) = (self.bundle, self.plan);
        let mut part = |title: String, scope: ScopeId| Part { title, items: self.scope(scope, depth + 1) };
        match &plan.nodes.get(id.index())?.kind {
            NodeKind::Attempt { body, handlers, meanwhile, .. } => {
                let bodies = vec![part(String::new(), *body)];
                let mut beside = Vec::new();
                for handler in handlers {
                    let derived = trigger_text(bundle, &handler.trigger);
                    beside.push(part(label_or(plan, handler.scope, derived), handler.scope));
                    if let Trigger::Event { too_late: Some(late), .. } = &handler.trigger {
                        beside.push(part("too late".to_owned(), *late));
                    }
                }
                for other in meanwhile {
                    let derived = meanwhile_text(bundle, &other.kind);
                    beside.push(part(label_or(plan, other.scope, derived), other.scope));
                }
                Some((bodies, beside))
            }
            NodeKind::Parallel { branches, .. } => {
                let titled = |scope: &ScopeId| part(scope_label(plan, *scope).to_owned(), *scope);
                Some((branches.iter().map(titled).collect(), Vec::new()))
            }
            NodeKind::Each(each) => Some((vec![part(String::new(), each.body)], Vec::new())),
            NodeKind::Repeat { body, .. } => Some((vec![part(String::new(), *body)], Vec::new())),
            NodeKind::Let { .. }
            | NodeKind::Call(_)
            | NodeKind::Await(_)
            | NodeKind::Wait { .. }
            | NodeKind::Choose { .. }
            | NodeKind::Emit { .. }
            | NodeKind::Status { .. }
            | NodeKind::RunFlow(_)
            | NodeKind::Fail { .. }
            | NodeKind::Stop { .. }
            | NodeKind::Give { .. }
            | NodeKind::PointOfNoReturn => None,
        }
    }
}

fn label_or(plan: &Plan, scope: ScopeId, derived: String) -> String {
    let label = scope_label(plan, scope);
    if label.is_empty() { derived } else { label.to_owned() }
}
