//! Graphviz.
use petgraph::visit::EdgeRef;
use std::fmt::Write as _;

use super::{Edge, sides, to_petgraph};
use crate::{Bundle, NodeKind, Plan, ScopeId};

/// The plan in Graphviz's language, scopes as clusters.
pub fn dot(bundle: &Bundle, plan: &Plan) -> String {
    let mut out = String::new();
    write(bundle, plan, &mut out).expect("writing to a String never fails");
    out
}

fn write(bundle: &Bundle, plan: &Plan, out: &mut String) -> std::fmt::Result {
    writeln!(out, "digraph {} {{", quoted(&plan.name))?;
    writeln!(
        out,
        "  node [shape=box style=rounded fontname=\"sans-serif\"]; edge [fontname=\"sans-serif\" fontsize=10];"
    )?;
    one(bundle, plan, "", out)?;
    for (at, (title, side)) in sides(bundle, plan).into_iter().enumerate() {
        writeln!(out, "  subgraph cluster_side{at} {{ label={} style=dashed;", quoted(&title))?;
        one(bundle, side, &format!("side{at}_"), out)?;
        writeln!(out, "  }}")?;
    }
    writeln!(out, "}}")
}

/// One plan; its names begin with `prefix`.
fn one(bundle: &Bundle, plan: &Plan, prefix: &str, out: &mut String) -> std::fmt::Result {
    scope(plan, prefix, ScopeId(0), 0, out)?;
    let graph = to_petgraph(bundle, plan);
    for edge in graph.edge_references() {
        let (from, to) = (edge.source().index(), edge.target().index());
        let style = match edge.weight() {
            Edge::Next | Edge::Branch(_) => "solid",
            Edge::Error(_) | Edge::Deadline(_) | Edge::Interrupt(_) => "dashed",
            Edge::Undo(_) => "dotted",
        };
        let label = quoted(&edge.weight().to_string());
        writeln!(out, "  {prefix}n{from} -> {prefix}n{to} [label={label} style={style}];")?;
    }
    Ok(())
}

fn scope(plan: &Plan, prefix: &str, id: ScopeId, depth: usize, out: &mut String) -> std::fmt::Result {
    // A damaged plan may have a ring of scopes.
    let Some(def) = plan.scopes.get(id.index()).filter(|_| depth <= super::outline::DEPTH_MAX) else { return Ok(()) };
    let indent = "  ".repeat(depth + 1);
    writeln!(out, "{indent}subgraph cluster_{prefix}{} {{", id.0)?;
    writeln!(out, "{indent}  label={} style=rounded;", quoted(&def.label))?;
    for (at, node) in plan.nodes.iter().enumerate().filter(|(_, node)| node.scope == id) {
        let shape = match &node.kind {
            NodeKind::Choose { .. } => " shape=diamond",
            NodeKind::Stop { .. } | NodeKind::Fail { .. } | NodeKind::Give { .. } => " shape=oval",
            NodeKind::Let { .. }
            | NodeKind::Call(_)
            | NodeKind::Await(_)
            | NodeKind::Wait { .. }
            | NodeKind::Attempt { .. }
            | NodeKind::Parallel { .. }
            | NodeKind::Each(_)
            | NodeKind::Repeat { .. }
            | NodeKind::Emit { .. }
            | NodeKind::Status { .. }
            | NodeKind::RunFlow(_)
            | NodeKind::PointOfNoReturn => "",
        };
        writeln!(out, "{indent}  {prefix}n{at} [label={}{shape}];", quoted(&node.label))?;
    }
    for (at, inner) in plan.scopes.iter().enumerate() {
        if inner.parent == Some(id) {
            scope(plan, prefix, ScopeId::from(at), depth + 1, out)?;
        }
    }
    writeln!(out, "{indent}}}")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
