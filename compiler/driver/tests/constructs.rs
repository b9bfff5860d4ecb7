//! What this version of the language has, all of it, from text to a bundle: every kind of declaration, statement and
//! expression.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]
mod common;

use std::collections::BTreeSet;

use flowline_driver::{MemoryFiles, compile_files};
use flowline_plan::{
    Bundle, MeanwhileKind, NodeKind, Trigger, decode_bundle, encode_bundle,
    graph::{dot, svg},
};

fn bundle() -> Bundle {
    let flows = [
        ("contracts", include_str!("constructs/contracts.flow")),
        ("steps", include_str!("constructs/steps.flow")),
        ("values", include_str!("constructs/values.flow")),
    ];
    let flows = flows.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    let outcome = compile_files(&MemoryFiles { flows, ..MemoryFiles::default() }).unwrap();
    assert_eq!(common::for_logs(&outcome), "no findings");
    outcome.bundle.unwrap()
}

#[test]
fn every_construct_compiles() {
    let bundle = bundle();
    let (bytes, _) = encode_bundle(&bundle);
    assert_eq!(decode_bundle(&bytes).unwrap().0, bundle);
    for plan in &bundle.flows {
        assert!(svg(&bundle, plan).contains("</svg>") && dot(&bundle, plan).contains('}'), "{}", plan.name);
    }
}

/// The flows would show little if they left something out.
#[test]
fn every_kind_of_step_is_there() {
    let bundle = bundle();
    let nodes = bundle.flows.iter().flat_map(|plan| &plan.nodes);
    let found: BTreeSet<&str> = nodes.flat_map(|node| kinds(&node.kind)).collect();
    let missing: Vec<&&str> = KINDS.iter().filter(|kind| !found.contains(**kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let plan = bundle.flows.iter().find(|plan| plan.short_name() == "book_trip").unwrap();
    assert_eq!((plan.promises.len(), plan.track.len()), (2, 2));
    assert!(plan.key.is_some() && plan.start.is_some() && plan.status.is_some() && plan.owner.is_some());
}

const KINDS: [&str; 29] = [
    "let",
    "call",
    "undo of a step",
    "retry of a step",
    "await",
    "await if",
    "await first",
    "wait",
    "choose",
    "attempt",
    "on error",
    "on event",
    "too late",
    "after",
    "meanwhile every",
    "meanwhile on event",
    "parallel",
    "each",
    "at a time",
    "sharing",
    "repeat",
    "emit",
    "status",
    "run",
    "start",
    "point of no return",
    "fail",
    "stop",
    "give",
];

fn kinds(kind: &NodeKind) -> Vec<&'static str> {
    let when = |is: bool, name: &'static str| is.then_some(name);
    match kind {
        NodeKind::Let { .. } => vec!["let"],
        NodeKind::Call(call) => {
            let more = [when(call.undo.is_some(), "undo of a step"), when(call.retry.is_some(), "retry of a step")];
            ["call"].into_iter().chain(more.into_iter().flatten()).collect()
        }
        NodeKind::Await(wait) => {
            let has_condition = wait.events.iter().any(|arm| arm.condition.is_some());
            let more = [when(has_condition, "await if"), when(wait.events.len() > 1, "await first")];
            ["await"].into_iter().chain(more.into_iter().flatten()).collect()
        }
        NodeKind::Wait { .. } => vec!["wait"],
        NodeKind::Choose { .. } => vec!["choose"],
        NodeKind::Attempt { handlers, meanwhile, .. } => {
            let handlers = handlers.iter().flat_map(|handler| match &handler.trigger {
                Trigger::Errors(_) => vec!["on error"],
                Trigger::Event { too_late: None, .. } => vec!["on event"],
                Trigger::Event { too_late: Some(_), .. } => vec!["on event", "too late"],
                Trigger::After(_) => vec!["after"],
            });
            let meanwhile = meanwhile.iter().map(|meanwhile| match &meanwhile.kind {
                MeanwhileKind::Every(_) => "meanwhile every",
                MeanwhileKind::Event(_) => "meanwhile on event",
            });
            ["attempt"].into_iter().chain(handlers).chain(meanwhile).collect()
        }
        NodeKind::Parallel { .. } => vec!["parallel"],
        NodeKind::Each(each) => {
            let more = [when(each.width.is_some(), "at a time"), when(each.sharing.is_some(), "sharing")];
            ["each"].into_iter().chain(more.into_iter().flatten()).collect()
        }
        NodeKind::Repeat { .. } => vec!["repeat"],
        NodeKind::Emit { .. } => vec!["emit"],
        NodeKind::Status { .. } => vec!["status"],
        NodeKind::RunFlow(run) => vec![if run.detached { "start" } else { "run" }],
        NodeKind::Fail { .. } => vec!["fail"],
        NodeKind::Stop { .. } => vec!["stop"],
        NodeKind::Give { .. } => vec!["give"],
        NodeKind::PointOfNoReturn => vec!["point of no return"],
    }
}
