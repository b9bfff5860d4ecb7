//! F0303: a statement that control never comes to.
use flowline_diag::{Diagnostic, code::f03};
use flowline_plan::{Node, NodeId, NodeKind};
use rustc_hash::FxHashSet;

use crate::{
    flowing::{Flowing, targets},
    shape::Shape,
};

pub(super) fn check(shape: &Shape<'_>, flowing: &Flowing) -> Vec<Diagnostic> {
    // Of statements that follow one another the first one stands for all.
    let dead = |at: NodeId, node: &Node| !flowing.reached.contains(&at) && flowing.entered.contains(&node.scope);
    let mut followers = FxHashSet::default();
    for (at, node) in shape.nodes().filter(|(at, node)| dead(*at, node)) {
        followers.extend(node.next.into_iter().chain(targets(&node.kind).into_iter().flatten()).filter(|to| *to != at));
    }
    let mut found = Vec::new();
    for (at, node) in shape.nodes().filter(|(at, node)| dead(*at, node) && !followers.contains(at)) {
        let message = format!("`{}` can never run", node.label);
        let mut finding = Diagnostic::new(&f03::UNREACHABLE, message, shape.node_span(at)).label("nothing leads here");
        if let Some((before, why)) = blocker(shape, flowing, at) {
            finding = finding.also(shape.node_span(before), why);
        }
        found.push(finding.help("remove it, or move it to where the flow still comes by"));
    }
    found
}

/// The node before it, in the text, behind which nothing goes on.
fn blocker(shape: &Shape<'_>, flowing: &Flowing, at: NodeId) -> Option<(NodeId, &'static str)> {
    let scope = shape.node(at).scope;
    let place = shape.node_span(at);
    let earlier = shape.nodes().filter(|(other, node)| {
        node.scope == scope && flowing.reached.contains(other) && shape.node_span(*other).start < place.start
    });
    earlier
        .filter_map(|(other, node)| Some((other, dead_end(flowing, other, node)?)))
        .max_by_key(|(other, _)| shape.node_span(*other).start)
}

/// Why nothing goes on behind a node.
fn dead_end(flowing: &Flowing, at: NodeId, node: &Node) -> Option<&'static str> {
    let through = flowing.falls_through.contains(&at);
    match &node.kind {
        NodeKind::Stop { .. } => Some("the run ends here"),
        NodeKind::Fail { .. } => Some("the flow fails here"),
        NodeKind::Give { .. } => Some("this block ends here"),
        NodeKind::Attempt { .. } if !through => Some("neither the attempt nor one of its handlers comes to its end"),
        NodeKind::Parallel { .. } if !through => Some("one of these branches never comes to its end"),
        NodeKind::Repeat { .. } if !through => Some("no round comes to its end"),
        NodeKind::Choose { .. } => Some("every way through this choice leads elsewhere"),
        NodeKind::Await(_) => Some("every way through this wait leads elsewhere"),
        NodeKind::Attempt { .. }
        | NodeKind::Parallel { .. }
        | NodeKind::Repeat { .. }
        | NodeKind::Let { .. }
        | NodeKind::Call(_)
        | NodeKind::Wait { .. }
        | NodeKind::Each(_)
        | NodeKind::Emit { .. }
        | NodeKind::Status { .. }
        | NodeKind::RunFlow(_)
        | NodeKind::PointOfNoReturn => None,
    }
}
