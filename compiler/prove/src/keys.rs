//! F1203, F1204: calls that a system would take for one, because they carry one idempotency key.
//!
//! A key is made of the call's arguments. In a loop it has to differ from element to element; and two steps of one run
//! may not call one operation with the same key, or the second does nothing.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule looks at the few instructions and nodes that it knows; any other says nothing to it"
)]

use flowline_diag::{Diagnostic, code::f12};
use flowline_plan::{CallNode, Code, Instr, Node, NodeId, NodeKind, OpClass, OpDef, ScopeId, ScopeKind, Slot};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    flowing::{Flowing, targets},
    shape::Shape,
};

pub(crate) fn check(shape: &Shape<'_>, flowing: &Flowing) -> Vec<Diagnostic> {
    let calls: Vec<(NodeId, &CallNode)> = shape
        .nodes()
        .filter(|(at, _)| flowing.reached.contains(at))
        .filter_map(|(at, node)| match &node.kind {
            NodeKind::Call(call) if is_keyed(shape.op(call)) => Some((at, call)),
            _ => None,
        })
        .collect();
    let mut found: Vec<Diagnostic> = calls.iter().filter_map(|(at, call)| in_loop(shape, *at, call)).collect();
    found.extend(twice(shape, &calls));
    found
}

/// Whether the system recognises a call by plain values. A resource that is used twice is a matter of obligations.
fn is_keyed(op: &OpDef) -> bool {
    let takes_resources = op.params.iter().any(|param| param.resource.is_some());
    let by_result = |instr: &Instr| matches!(instr, Instr::Local(at) if usize::from(*at) >= op.params.len());
    let key = op.idempotency.iter().flat_map(|key| &key.key).flat_map(|part| &part.ops);
    op.class != OpClass::Read
        && op.idempotency.is_some()
        && op.opens.is_none()
        && !takes_resources
        && !key.into_iter().any(by_result)
}

/// The arguments that make the key.
fn key_arguments<'a>(op: &OpDef, call: &'a CallNode) -> impl Iterator<Item = &'a Code> {
    let keys = op.idempotency.iter().flat_map(|key| &key.key);
    let mut used: Vec<usize> = keys
        .flat_map(|key| &key.ops)
        .filter_map(|instr| match instr {
            Instr::Local(at) => Some(usize::from(*at)),
            _ => None,
        })
        .collect();
    used.sort_unstable();
    used.dedup();
    used.into_iter().filter_map(|at| call.args.get(at))
}

fn in_loop(shape: &Shape<'_>, at: NodeId, call: &CallNode) -> Option<Diagnostic> {
    let node = shape.node(at);
    let op = shape.op(call);
    let loops = shape
        .outward(node.scope)
        .filter(|scope| matches!(shape.scope(*scope).kind, ScopeKind::Element | ScopeKind::Round));
    // From the inside out: what differs in a loop may still be the same in the next round of one around it.
    let same = loops.into_iter().find(|scope| !key_arguments(op, call).any(|arg| varies(shape, *scope, arg)))?;
    let what = match shape.scope(same).kind {
        ScopeKind::Round => "round",
        _ => "element",
    };
    let key = op.idempotency.as_ref().map_or("", |key| key.name.as_str());
    let message = format!("`{}` carries one key for every {what}, so only the first call takes effect", node.label);
    Some(
        Diagnostic::new(&f12::SAME_FOR_ALL, message, shape.span(node.span))
            .label(format!("`{key}` is the same each time"))
            .also(shape.scope_span(same), format!("in each {what} of this"))
            .help(format!("pass something that differs from {what} to {what}; or make the call once, outside")),
    )
}

/// Whether an argument may differ from one round of a loop to the next.
fn varies(shape: &Shape<'_>, around: ScopeId, arg: &Code) -> bool {
    arg.ops.iter().any(|instr| match instr {
        Instr::Now => true,
        Instr::Slot(slot) => shape.contains(around, slot.scope) || is_assigned_in(shape, around, *slot),
        _ => false,
    })
}

/// Whether a name from outside is assigned inside.
fn is_assigned_in(shape: &Shape<'_>, around: ScopeId, wanted: Slot) -> bool {
    shape.nodes().any(|(_, node)| shape.contains(around, node.scope) && takes(node).contains(&wanted))
}

/// The slots that a node sets in its own scope or one around it.
fn takes(node: &Node) -> Vec<Slot> {
    match &node.kind {
        NodeKind::Let { slot, .. } => vec![*slot],
        NodeKind::Call(call) => call.result.into_iter().collect(),
        NodeKind::Await(wait) => wait.events.iter().filter_map(|arm| arm.bind).collect(),
        NodeKind::Attempt { result, .. } | NodeKind::Repeat { result, .. } => result.iter().copied().collect(),
        NodeKind::Each(each) => each.result.into_iter().collect(),
        NodeKind::RunFlow(run) => run.result.into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Two steps that come one after the other, or side by side.
fn twice(shape: &Shape<'_>, calls: &[(NodeId, &CallNode)]) -> Vec<Diagnostic> {
    let mut by_op: FxHashMap<_, Vec<(NodeId, &CallNode)>> = FxHashMap::default();
    for (at, call) in calls {
        by_op.entry((call.op.system, call.op.op)).or_default().push((*at, call));
    }
    let mut found = Vec::new();
    for calls in by_op.values().filter(|calls| calls.len() > 1) {
        for (index, (second, call)) in calls.iter().enumerate() {
            let op = shape.op(call);
            let same = |other: &CallNode| key_arguments(op, other).eq(key_arguments(op, call));
            let first = calls.iter().take(index).find(|(first, other)| same(other) && both_run(shape, *first, *second));
            let Some((first, _)) = first else { continue };
            let label = &shape.node(*second).label;
            let message = format!("`{label}` may come twice with one key, so the second call takes no effect");
            found.push(
                Diagnostic::new(&f12::SAME_TWICE, message, shape.node_span(*second))
                    .label("the system takes this for a repetition")
                    .also(shape.node_span(*first), "of this call")
                    .help("pass something that tells the two apart; or leave one of them out"),
            );
        }
    }
    found.sort_by(|a, b| a.order().cmp(&b.order()));
    found
}

/// Whether two nodes may both run to their end in one run, neither because the other one failed.
fn both_run(shape: &Shape<'_>, one: NodeId, other: NodeId) -> bool {
    let up = |at: NodeId| std::iter::successors(Some(at), |at| shape.runner(shape.node(*at).scope));
    let of_one: Vec<NodeId> = up(one).collect();
    // The innermost place that both lie in: one node, or two of one scope.
    for second in up(other) {
        let beside = of_one.iter().find(|first| shape.node(**first).scope == shape.node(second).scope);
        let Some(first) = beside else { continue };
        if *first == second {
            return matches!(shape.node(second).kind, NodeKind::Parallel { .. });
        }
        return follows(shape, *first, second) || follows(shape, second, *first);
    }
    false
}

/// Whether control may come from one node of a scope to another one.
fn follows(shape: &Shape<'_>, from: NodeId, to: NodeId) -> bool {
    let next = |at: NodeId| {
        let node = shape.node(at);
        targets(&node.kind).into_iter().chain([node.next]).flatten()
    };
    let mut seen = FxHashSet::default();
    let mut todo: Vec<NodeId> = next(from).collect();
    while let Some(at) = todo.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            todo.extend(next(at));
        }
    }
    false
}
