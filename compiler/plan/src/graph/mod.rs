//! The plan as a petgraph, and pictures of it.
//!
//! Edges are where control may go: on to the next node, into a branch, or to the handler that an error, a deadline or
//! an interrupting event leads to. What no handler of the flow takes has no edge.

mod dot;
mod outline;
mod start;
mod svg;

#[cfg(test)]
mod tests;

use petgraph::graph::{Graph, NodeIndex};
use std::fmt;

use crate::{
    Bundle, Catch, EventArm, MeanwhileKind, Node, NodeId, NodeKind, OpClass, Plan, ScopeId, TimerEnd, Trigger, TypeId,
    Value,
};

pub use dot::dot;
pub use svg::svg;

/// Why control goes along an edge. The text is what people read; it may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Edge {
    Next,
    /// An arm of a choice or a wait, a branch, the body of a scope, a `meanwhile`.
    Branch(String),
    /// The business errors that lead there.
    Error(String),
    Deadline(String),
    /// An event that interrupts.
    Interrupt(String),
    /// From a call or a sub-flow to itself: the operation, or the flow, that undoes it.
    Undo(String),
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Next => Ok(()),
            Self::Branch(text) => f.write_str(text),
            Self::Error(text) => write!(f, "on {text}"),
            Self::Deadline(text) => write!(f, "on {text}"),
            Self::Interrupt(text) => write!(f, "on event {text}"),
            Self::Undo(text) => write!(f, "undo {text}"),
        }
    }
}

/// The plan as a graph; node indices are those of [`Plan::nodes`].
pub fn to_petgraph(bundle: &Bundle, plan: &Plan) -> Graph<NodeId, Edge> {
    let mut graph = Graph::with_capacity(plan.nodes.len(), plan.nodes.len());
    for at in 0..plan.nodes.len() {
        graph.add_node(NodeId::from(at));
    }
    for (at, node) in plan.nodes.iter().enumerate() {
        let from = NodeIndex::new(at);
        // A damaged plan may name nodes that aren't there.
        let mut edge = |to: Option<NodeId>, edge: Edge| {
            if let Some(to) = to.filter(|to| to.index() < plan.nodes.len()) {
                graph.add_edge(from, NodeIndex::new(to.index()), edge);
            }
        };
        edge(node.next, Edge::Next);
        for (to, label) in branches(bundle, plan, node) {
            edge(to, label);
        }
        for raised in raised(bundle, node) {
            let (to, text) = (catcher(plan, node.scope, &raised), catch_text(bundle, &raised));
            edge(to, if matches!(raised, Catch::Deadline(_)) { Edge::Deadline(text) } else { Edge::Error(text) });
        }
        if let Some(undo) = undo_of(bundle, &node.kind) {
            edge(Some(NodeId::from(at)), Edge::Undo(undo));
        }
    }
    graph
}

/// Where a node leads inside the flow, besides `next` and what it raises.
fn branches(bundle: &Bundle, plan: &Plan, node: &Node) -> Vec<(Option<NodeId>, Edge)> {
    let entry = |scope: &ScopeId| plan.scopes.get(scope.index()).and_then(|scope| scope.entry);
    let body = |scope: &ScopeId, text: &str| vec![(entry(scope), Edge::Branch(text.to_owned()))];
    match &node.kind {
        NodeKind::Choose { arms, otherwise, .. } => {
            let mut edges: Vec<_> = arms.iter().map(|arm| (arm.target, Edge::Branch(arm.label.clone()))).collect();
            edges.push((*otherwise, Edge::Branch("otherwise".to_owned())));
            edges
        }
        NodeKind::Await(wait) => {
            let events = wait.events.iter().map(|arm| (arm.target, Edge::Branch(event_text(bundle, arm))));
            let timers = wait.timers.iter().filter_map(|timer| match &timer.end {
                TimerEnd::Goto(to) => Some((*to, Edge::Branch(after_text(&timer.due)))),
                TimerEnd::Deadline(_) => None,
            });
            let answer = wait.task.as_ref().map(|task| (task.target, Edge::Branch("answered".to_owned())));
            // A wait for one event goes on by `next`; its arm says the same.
            events.chain(answer).chain(timers).filter(|(to, _)| *to != node.next).collect()
        }
        NodeKind::Attempt { body: scope, handlers, meanwhile, .. } => {
            let mut edges = body(scope, "");
            for handler in handlers {
                match &handler.trigger {
                    // The nodes that raise them have the edges.
                    Trigger::Errors(_) => {}
                    Trigger::Event { arm, too_late } => {
                        edges.push((entry(&handler.scope), Edge::Interrupt(event_text(bundle, arm))));
                        if let Some(late) = too_late {
                            edges.push((entry(late), Edge::Branch("too late".to_owned())));
                        }
                    }
                    Trigger::After(due) => edges.push((entry(&handler.scope), Edge::Deadline(after_text(due)))),
                }
            }
            for beside in meanwhile {
                edges.push((entry(&beside.scope), Edge::Branch(meanwhile_text(bundle, &beside.kind))));
            }
            edges
        }
        NodeKind::Parallel { branches, .. } => {
            branches.iter().map(|scope| (entry(scope), Edge::Branch(scope_label(plan, *scope).to_owned()))).collect()
        }
        NodeKind::Each(each) => body(&each.body, "each"),
        NodeKind::Repeat { body: scope, .. } => body(scope, "repeat"),
        NodeKind::Let { .. }
        | NodeKind::Call(_)
        | NodeKind::Wait { .. }
        | NodeKind::Emit { .. }
        | NodeKind::Status { .. }
        | NodeKind::RunFlow(_)
        | NodeKind::Fail { .. }
        | NodeKind::Stop { .. }
        | NodeKind::Give { .. }
        | NodeKind::PointOfNoReturn => Vec::new(),
    }
}

/// What a node can raise.
fn raised(bundle: &Bundle, node: &Node) -> Vec<Catch> {
    match &node.kind {
        NodeKind::Call(call) => {
            let raises = bundle.op(call.op).map(|op| op.raises.as_slice()).unwrap_or_default();
            raises.iter().map(|raise| Catch::Error(raise.error)).collect()
        }
        NodeKind::RunFlow(run) if !run.detached => {
            let raises = bundle.flow(run.flow).map(|flow| flow.raises.as_slice()).unwrap_or_default();
            raises.iter().map(|error| Catch::Error(*error)).collect()
        }
        NodeKind::Await(wait) => wait
            .timers
            .iter()
            .filter_map(|timer| match &timer.end {
                TimerEnd::Deadline(name) => Some(Catch::Deadline(name.clone())),
                TimerEnd::Goto(_) => None,
            })
            .collect(),
        NodeKind::Repeat { .. } => vec![Catch::Exhausted],
        NodeKind::Fail { value } => value.ops.iter().filter_map(made_error).map(Catch::Error).collect(),
        NodeKind::RunFlow(_)
        | NodeKind::Let { .. }
        | NodeKind::Wait { .. }
        | NodeKind::Choose { .. }
        | NodeKind::Attempt { .. }
        | NodeKind::Parallel { .. }
        | NodeKind::Each(_)
        | NodeKind::Emit { .. }
        | NodeKind::Status { .. }
        | NodeKind::Stop { .. }
        | NodeKind::Give { .. }
        | NodeKind::PointOfNoReturn => Vec::new(),
    }
}

fn made_error(op: &crate::Instr) -> Option<TypeId> {
    if let crate::Instr::Error { error, .. } = op { Some(*error) } else { None }
}

/// The first node of the handler that takes what is raised in `scope`.
fn catcher(plan: &Plan, scope: ScopeId, raised: &Catch) -> Option<NodeId> {
    let mut scope = Some(scope);
    // As many steps as there are scopes: a damaged plan may have a ring of parents.
    for _ in 0..plan.scopes.len() {
        let inside = scope?;
        for node in &plan.nodes {
            let NodeKind::Attempt { body, handlers, .. } = &node.kind else { continue };
            if *body != inside {
                continue;
            }
            for handler in handlers {
                if let Trigger::Errors(catches) = &handler.trigger
                    && catches.iter().any(|catch| takes(catch, raised))
                {
                    return plan.scopes.get(handler.scope.index())?.entry;
                }
            }
        }
        scope = plan.scopes.get(inside.index())?.parent;
    }
    None
}

fn takes(catch: &Catch, raised: &Catch) -> bool {
    catch == raised || (*catch == Catch::Deadline(None) && matches!(raised, Catch::Deadline(Some(_))))
}

/// What undoes a step: the operation that the step itself names, or its contract; the flow that a sub-flow names.
fn undo_of(bundle: &Bundle, kind: &NodeKind) -> Option<String> {
    if let NodeKind::RunFlow(run) = kind {
        let undo = bundle.flow(run.flow).filter(|_| !run.detached)?.signature.undo.as_ref()?;
        return Some(bundle.flow(undo.flow)?.short_name().to_owned());
    }
    let NodeKind::Call(call) = kind else { return None };
    if let Some(undo) = &call.undo {
        return Some(bundle.op_name(undo.op));
    }
    match &bundle.op(call.op)?.class {
        OpClass::Compensatable(undo) => Some(bundle.op_name(undo.op)),
        OpClass::Read | OpClass::Transition | OpClass::Irreversible | OpClass::Harmless | OpClass::Settles => None,
    }
}

/// The side flows that the flow's clauses begin, in the order of the text, with their titles. Ids that a damaged plan makes
/// up are passed over.
fn sides<'a>(bundle: &'a Bundle, plan: &'a Plan) -> Vec<(String, &'a Plan)> {
    let of_promises = plan.promises.iter().flat_map(|promise| &promise.steps).map(|step| (step.flow, None));
    let of_late = plan.late.clauses.iter().map(|clause| (clause.flow, Some(&clause.within)));
    let known = of_promises.chain(of_late).filter_map(|(flow, within)| Some((bundle.flow(flow)?, within)));
    let titled = known.filter(|(side, _)| side.side.is_some()).map(|(side, within)| {
        let name = side.name.split_once('#').map_or(side.name.as_str(), |(_, name)| name);
        let title = match within.and_then(crate::Code::as_constant) {
            Some(Value::Duration(ms)) => format!("{name} within {}", crate::text::duration_text(*ms)),
            Some(_) | None => name.to_owned(),
        };
        (title, &**side)
    });
    titled.collect()
}

// --- The words of a picture ---

fn catch_text(bundle: &Bundle, catch: &Catch) -> String {
    match catch {
        Catch::Error(error) => crate::text::error_name(bundle, *error).to_owned(),
        Catch::Deadline(None) => "Deadline".to_owned(),
        Catch::Deadline(Some(name)) => format!("Deadline of {name}"),
        Catch::Exhausted => "Exhausted".to_owned(),
    }
}

fn event_text(bundle: &Bundle, arm: &EventArm) -> String {
    bundle.ty(arm.event).map_or("an event", |def| def.short_name()).to_owned()
}

fn after_text(due: &crate::Code) -> String {
    match due.as_constant() {
        Some(Value::Duration(ms)) => format!("after {}", crate::text::duration_text(*ms)),
        Some(_) | None => "after a time".to_owned(),
    }
}

fn meanwhile_text(bundle: &Bundle, kind: &MeanwhileKind) -> String {
    match kind {
        MeanwhileKind::Every(code) => format!("meanwhile {}", after_text(code).replacen("after", "every", 1)),
        MeanwhileKind::Event(arm) => format!("meanwhile on {}", event_text(bundle, arm)),
    }
}

fn trigger_text(bundle: &Bundle, trigger: &Trigger) -> String {
    match trigger {
        Trigger::Errors(catches) => {
            let names: Vec<String> = catches.iter().map(|catch| catch_text(bundle, catch)).collect();
            format!("on {}", names.join(", "))
        }
        Trigger::Event { arm, .. } => format!("on event {}", event_text(bundle, arm)),
        Trigger::After(due) => after_text(due),
    }
}

fn scope_label(plan: &Plan, scope: ScopeId) -> &str {
    plan.scopes.get(scope.index()).map_or("", |scope| scope.label.as_str())
}
