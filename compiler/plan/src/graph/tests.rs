use std::sync::Arc;

use super::*;
use crate::{
    AwaitNode, CallNode, ChooseArm, Code, FlowId, FlowUndo, Handler, Instr, LaterMode, Meanwhile, OpDef, OpId, OpRef,
    Raise, RetryPolicy, Scope, ScopeKind, Signature, SpanId, StableId, SystemDef, SystemId, Take, TimerArm, Type,
    TypeDef, TypeId, TypeKind, Undo,
};

/// Buy online, pick up in store, as lowering would lay it out.
fn pickup() -> (Bundle, Plan) {
    let error = |name: &str| TypeDef { name: format!("std.{name}"), doc: String::new(), kind: TypeKind::Error(vec![]) };
    let names = ["OutOfStock", "Declined", "StoreCannotFulfil", "PickConfirmed", "PickRejected", "OrderCancelled"];
    let op = |name: &str, class: OpClass, raises: &[u32]| OpDef {
        name: name.to_owned(),
        doc: String::new(),
        params: vec![],
        result: Type::Unit,
        opens: None,
        class,
        retriable: false,
        idempotency: None,
        raises: raises
            .iter()
            .map(|error| Raise { error: TypeId(*error), outcome_unknown: false, states: vec![] })
            .collect(),
        takes_ms: (50, 5_000),
        timeout_ms: 30_000,
        retry: RetryPolicy { retries_max: Some(10), first_ms: 500, longest_ms: 300_000 },
        later: vec![crate::Later { events: vec![TypeId(3), TypeId(4)], mode: LaterMode::OneOf }],
        writes: Vec::new(),
    };
    let op_ref = |op| OpRef { system: SystemId(0), op: OpId(op) };
    let undo = Undo { op: op_ref(3), args: vec![], needs_result: false };
    let system = SystemDef {
        name: "shop".to_owned(),
        label: "Shop".to_owned(),
        owns: vec![],
        ops: vec![
            op("hold", OpClass::Transition, &[0]),
            op("authorise", OpClass::Transition, &[1]),
            op("assign_pick", OpClass::Compensatable(undo), &[]),
            op("cancel_pick", OpClass::Settles, &[]),
            op("post_invoice", OpClass::Irreversible, &[]),
        ],
    };
    let bundle = Bundle { types: names.map(error).into(), systems: vec![system], ..Bundle::default() };

    let node = |label: &str, scope: u32, kind: NodeKind, next: Option<u32>| Node {
        id: StableId(0),
        label: label.to_owned(),
        scope: ScopeId(scope),
        span: SpanId(0),
        kind,
        next: next.map(NodeId),
    };
    let call = |op| {
        NodeKind::Call(CallNode {
            op: op_ref(op),
            args: vec![],
            result: None,
            retry: None,
            timeout_ms: None,
            undo: None,
        })
    };
    let status = || NodeKind::Status { value: Code::constant(Value::Case(0)), part: None };
    let stop = |outcome: &str| NodeKind::Stop { outcome: outcome.to_owned(), status: None, value: None };
    let fail = || NodeKind::Fail {
        value: Code { ops: vec![Instr::Error { error: TypeId(2), fields: 0 }], ..Code::default() },
    };
    let arm = |event, target: Option<u32>| EventArm {
        event: TypeId(event),
        key: 0,
        value: Code::default(),
        bind: None,
        condition: None,
        fresh: false,
        target: target.map(NodeId),
    };
    let minutes = |minutes: i64| Code::constant(Value::Duration(minutes * 60_000));
    let errors = |errors: &[u32]| Trigger::Errors(errors.iter().map(|error| Catch::Error(TypeId(*error))).collect());
    let handler = |trigger, scope| Handler { trigger, scope: ScopeId(scope), bind: None, keeping: Vec::new() };
    let nodes = vec![
        node(
            "attempt",
            0,
            NodeKind::Attempt {
                body: ScopeId(1),
                handlers: vec![
                    handler(errors(&[2]), 2),
                    handler(errors(&[0, 1]), 3),
                    handler(Trigger::Event { arm: arm(5, None), too_late: Some(ScopeId(5)) }, 4),
                ],
                meanwhile: vec![Meanwhile { kind: crate::MeanwhileKind::Every(minutes(1_440)), scope: ScopeId(6) }],
                result: None,
            },
            Some(1),
        ),
        node("stop collected", 0, stop("collected"), None),
        node("shop.hold", 1, call(0), Some(3)),
        node("shop.authorise", 1, call(1), Some(4)),
        node("shop.assign_pick", 1, call(2), Some(5)),
        node(
            "await first",
            1,
            NodeKind::Await(AwaitNode {
                events: vec![arm(3, Some(6)), arm(4, Some(7))],
                timers: vec![
                    TimerArm { due: minutes(90), end: TimerEnd::Goto(Some(NodeId(8))) },
                    TimerArm { due: minutes(900), end: TimerEnd::Deadline(None) },
                ],
                task: None,
            }),
            None,
        ),
        node("status ready", 1, status(), Some(9)),
        node("fail StoreCannotFulfil", 1, fail(), None),
        node("fail StoreCannotFulfil", 1, fail(), None),
        node(
            "when the order is worth more than 500 EUR & new <customer>",
            1,
            NodeKind::Choose {
                arms: vec![ChooseArm {
                    label: "order_total(order.lines) > 500 EUR".to_owned(),
                    condition: Code::constant(Value::Bool(true)),
                    target: Some(NodeId(10)),
                }],
                otherwise: Some(NodeId(11)),
                told: false,
            },
            None,
        ),
        node("status checked", 1, status(), Some(11)),
        node("point of no return", 1, NodeKind::PointOfNoReturn, Some(12)),
        node("shop.post_invoice", 1, call(4), None),
        node("run reroute", 2, status(), Some(14)),
        node("stop rerouted", 2, stop("rerouted"), None),
        node("stop refused", 3, stop("refused"), None),
        node("stop cancelled", 4, stop("cancelled"), None),
        node("notify.send", 5, status(), None),
        node("notify.send", 6, status(), None),
    ];
    let scope = |kind, parent: Option<u32>, entry, label: &str| Scope {
        kind,
        parent: parent.map(ScopeId),
        entry: Some(NodeId(entry)),
        slots: vec![],
        label: label.to_owned(),
        span: SpanId(0),
    };
    let scopes = vec![
        scope(ScopeKind::Flow, None, 0, "pickup_in_store"),
        scope(ScopeKind::Attempt, Some(0), 2, "attempt"),
        scope(ScopeKind::Handler, Some(0), 13, "on StoreCannotFulfil as why"),
        scope(ScopeKind::Handler, Some(0), 15, ""),
        scope(ScopeKind::Handler, Some(0), 16, ""),
        scope(ScopeKind::TooLate, Some(0), 17, "too late"),
        scope(ScopeKind::Meanwhile, Some(0), 18, ""),
    ];
    let plan = Plan {
        name: "orders.pickup_in_store".to_owned(),
        doc: String::new(),
        semantics: crate::SEMANTICS,
        params: 0,
        start: None,
        key: None,
        status: None,
        track: vec![],
        owner: None,
        promises: vec![],
        late: crate::Late::default(),
        side: None,
        raises: vec![],
        result: Type::Unit,
        signature: Signature::default(),
        nodes,
        scopes,
        span: SpanId(0),
    };
    (bundle, plan)
}

#[test]
fn edges_say_why_control_goes_there() {
    let (bundle, plan) = pickup();
    let graph = to_petgraph(&bundle, &plan);
    assert_eq!(graph.node_count(), plan.nodes.len());
    let edge = |from: usize, to: usize| {
        let found = graph.edges_connecting(NodeIndex::new(from), NodeIndex::new(to));
        found.map(|edge| edge.weight().to_string()).collect::<Vec<_>>()
    };
    for (from, to, label) in [
        (2, 3, ""),
        (2, 15, "on OutOfStock"),
        (3, 15, "on Declined"),
        (4, 4, "undo shop.cancel_pick"),
        (5, 6, "PickConfirmed"),
        (5, 8, "after 1 h 30 min"),
        (7, 13, "on StoreCannotFulfil"),
        (0, 16, "on event OrderCancelled"),
        (0, 17, "too late"),
        (0, 18, "meanwhile every 1 day"),
        (9, 11, "otherwise"),
    ] {
        assert_eq!(edge(from, to), [label], "{from} -> {to}");
    }
}

#[test]
fn pictures_hold_every_node_and_escape_words() {
    let (bundle, plan) = pickup();
    let (svg, dot) = (svg(&bundle, &plan), dot(&bundle, &plan));
    for words in ["shop.hold", "undo shop.cancel_pick", "can't be undone", "on OutOfStock, Declined", "too late"] {
        assert!(svg.contains(words), "{words}");
    }
    assert!(svg.contains("500 EUR &amp; new &lt;customer&gt;"));
    assert!(!svg.contains("<customer>"));
    assert_eq!(svg.matches("<g").count(), svg.matches("</g>").count());
    for at in 0..plan.nodes.len() {
        assert_eq!(dot.matches(&format!("  n{at} [label=")).count(), 1, "node {at}");
    }
    for at in 0..plan.scopes.len() {
        assert_eq!(dot.matches(&format!("subgraph cluster_{at} ")).count(), 1, "scope {at}");
    }
}

/// What the clauses of a flow begin is drawn beside it, each box once.
#[test]
fn a_picture_shows_what_the_clauses_of_a_flow_begin() {
    let (mut bundle, mut plan) = pickup();
    let mut side = plan.clone();
    side.name = "orders.pickup_in_store#late OrderCancelled".to_owned();
    side.side = Some(crate::Side { of: crate::FlowId(0), what: "what answers `OrderCancelled`".to_owned() });
    let arm = EventArm {
        event: TypeId(5),
        key: 0,
        value: crate::Code::constant(Value::None),
        bind: None,
        condition: None,
        fresh: false,
        target: None,
    };
    let within = crate::Code::constant(Value::Duration(7_776_000_000));
    plan.late.clauses = vec![crate::LateClause { arm, within, flow: crate::FlowId(1) }];
    bundle.flows = vec![plan.clone().into(), side.clone().into()];
    let alone = svg(&bundle, &side);
    assert!(alone.contains("begun by a clause of pickup_in_store"), "{alone}");
    let (svg, dot) = (svg(&bundle, &plan), dot(&bundle, &plan));
    assert!(svg.contains("late OrderCancelled within 90 days"));
    assert_eq!(svg.matches("500 EUR &amp; new").count(), 2);
    assert_eq!(svg.matches("<g").count(), svg.matches("</g>").count());
    for at in 0..plan.nodes.len() {
        for prefix in ["  n", "  side0_n"] {
            assert_eq!(dot.matches(&format!("{prefix}{at} [label=")).count(), 1, "{prefix} {at}");
        }
    }
}

#[test]
fn arms_come_together_where_two_of_them_meet() {
    let (bundle, plan) = pickup();
    let items = outline::outline(&bundle, &plan);
    let [outline::Item::Region { body, beside, .. }, outline::Item::Step(NodeId(1))] = items.as_slice() else {
        panic!("{items:?}")
    };
    assert_eq!(beside.len(), 5);
    let body = format!("{:?}", body[0].items.iter().map(first_node).collect::<Vec<_>>());
    // The wait's arm that goes on follows below it; the choice joins at the point of no return.
    assert_eq!(body, "[2, 3, 4, 5, 6, 9, 11, 12]");
}

#[test]
fn the_way_on_stays_in_one_column_where_everything_ends() {
    let (bundle, mut plan) = pickup();
    // What is guarded fails, and the way on ends in a `stop` as well.
    plan.nodes[10].kind = plan.nodes[7].kind.clone();
    plan.nodes[10].next = None;
    plan.nodes[12].kind = plan.nodes[1].kind.clone();
    let items = outline::outline(&bundle, &plan);
    let outline::Item::Region { body, .. } = &items[0] else { panic!("{items:?}") };
    let body = format!("{:?}", body[0].items.iter().map(first_node).collect::<Vec<_>>());
    assert_eq!(body, "[2, 3, 4, 5, 6, 9, 11, 12]");
}

fn first_node(item: &outline::Item) -> u32 {
    match item {
        outline::Item::Step(node) | outline::Item::Split { node, .. } | outline::Item::Region { node, .. } => node.0,
    }
}

#[test]
fn a_damaged_plan_is_drawn_too() {
    let (bundle, mut plan) = pickup();
    plan.nodes[6].next = Some(NodeId(2));
    plan.nodes[12].next = Some(NodeId(99));
    plan.scopes[1].parent = Some(ScopeId(1));
    plan.scopes[6].parent = Some(ScopeId(77));
    if let NodeKind::Attempt { body, .. } = &mut plan.nodes[0].kind {
        *body = ScopeId(0);
    }
    to_petgraph(&bundle, &plan);
    assert!(svg(&bundle, &plan).ends_with("</svg>\n"));
    assert!(dot(&bundle, &plan).ends_with("}\n"));
}

#[test]
fn a_sub_flow_shows_what_it_is_given_and_what_undoes_it() {
    let (mut bundle, mut plan) = pickup();
    let flow = |name: &str, signature| Arc::new(Plan { name: name.to_owned(), signature, ..plan.clone() });
    let take = Take { param: 0, resource: TypeId(0), from: Vec::new(), to: Vec::new(), span: SpanId(0) };
    let undo = Some(FlowUndo { flow: FlowId(1), args: Vec::new() });
    bundle.flows = vec![
        flow("std.prepare", Signature { takes: vec![take], undo, ..Signature::default() }),
        flow("std.clear", Signature::default()),
    ];
    let slot = crate::Slot { scope: ScopeId(0), at: u16::try_from(plan.scopes[0].slots.len()).unwrap() };
    plan.scopes[0].slots.push(crate::SlotDef { name: "hold".to_owned(), ty: Type::Unit });
    let run = |detached| {
        NodeKind::RunFlow(crate::RunFlowNode { flow: FlowId(0), args: vec![Code::slot(slot)], detached, result: None })
    };
    plan.nodes[2].kind = run(false);
    let picture = svg(&bundle, &plan);
    assert!(picture.contains("undo clear") && picture.contains("hands over hold"), "{picture}");
    // One that is started stands by itself.
    plan.nodes[2].kind = run(true);
    let picture = svg(&bundle, &plan);
    assert!(!picture.contains("undo clear") && picture.contains("hands over hold"), "{picture}");
}
