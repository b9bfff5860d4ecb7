//! A small shop by hand: contracts, events, and flows that use what the engine has to carry.
use std::sync::Arc;

use flowline_plan::*;

pub(crate) const ORDER: TypeId = TypeId(4);
pub(crate) const PICKED: TypeId = TypeId(5);
pub(crate) const CANCEL: TypeId = TypeId(6);
pub(crate) const SHIPPED: TypeId = TypeId(7);
pub(crate) const ASK: TypeId = TypeId(8);
pub(crate) const NUDGE: TypeId = TypeId(9);
pub(crate) const STRAY: TypeId = TypeId(10);
pub(crate) const BOTH: TypeId = TypeId(11);
/// What events with a short life are kept for, ms.
pub(crate) const KEPT_MS: i64 = 60_000;

const HOLD: TypeId = TypeId(0);
const CARD: TypeId = TypeId(1);
const OUT_OF_STOCK: TypeId = TypeId(2);
const DECLINED: TypeId = TypeId(3);

const OPS: [&str; 7] = ["hold", "commit", "release", "authorise", "capture", "void", "notify"];

fn op(name: &str) -> OpRef {
    let at = OPS.iter().position(|known| *known == name).expect("a known operation");
    OpRef { system: SystemId(0), op: OpId::from(at) }
}

fn field(name: &str, ty: Type) -> FieldDef {
    FieldDef { name: name.to_owned(), ty, pii: false, check: None }
}

pub(crate) fn local_field(at: u16) -> Code {
    Code { ops: vec![Instr::Local(0), Instr::Field(at)], consts: Vec::new(), locals: 1 }
}

/// Field of the flow's parameter.
pub(crate) fn of_param(at: u16) -> Code {
    Code { ops: vec![Instr::Slot(Slot { scope: ScopeId(0), at: 0 }), Instr::Field(at)], ..Code::default() }
}

fn this() -> Code {
    Code { ops: vec![Instr::Local(0)], consts: Vec::new(), locals: 1 }
}

fn types() -> Vec<TypeDef> {
    let states = |open: &str, doubts: [&str; 2], closed: [&str; 2], row: &str, forward: &str| {
        let state = |name: &str, kind, row: Option<&str>| StateDef {
            name: name.to_owned(),
            kind,
            abandon: row.map(|row| Abandon { op: op(row), args: vec![this()] }),
            expires: None,
        };
        vec![
            state(open, StateKind::Open, Some(row)),
            state(doubts[0], StateKind::Doubt, Some(row)),
            state(doubts[1], StateKind::Doubt, Some(forward)),
            state(closed[0], StateKind::Closed, None),
            state(closed[1], StateKind::Closed, None),
        ]
    };
    let resource =
        |states| TypeKind::Resource(ResourceDef { fields: vec![field("id", Type::Text)], states, splits_by: None });
    let event = |kept_ms| {
        let key = |name: &str, at| EventKey { name: name.to_owned(), ty: Type::Int, code: local_field(at) };
        TypeKind::Event(EventDef {
            version: 1,
            ce_type: "shop".to_owned(),
            from: None,
            fields: vec![field("order", Type::Int), field("code", Type::Int)],
            keys: vec![key("order", 0), key("code", 1)],
            kept_ms,
        })
    };
    let long = 1_000_000;
    let kinds = [
        (
            "Hold",
            resource(states("held", ["maybe_held", "maybe_done"], ["committed", "released"], "release", "commit")),
        ),
        ("Card", resource(states("open", ["maybe_open", "maybe_done"], ["captured", "voided"], "void", "capture"))),
        ("OutOfStock", TypeKind::Error(Vec::new())),
        ("Declined", TypeKind::Error(Vec::new())),
        ("Order", event(long)),
        ("Picked", event(long)),
        ("Cancel", event(long)),
        ("Shipped", event(long)),
        ("Ask", event(long)),
        ("Nudge", event(KEPT_MS)),
        ("Stray", event(long)),
        ("Both", event(KEPT_MS)),
    ];
    kinds.map(|(name, kind)| TypeDef { name: format!("shop.{name}"), doc: String::new(), kind }).into()
}

fn ops() -> Vec<OpDef> {
    let def = |name: &&str| {
        let of = match *name {
            "commit" | "release" => Some(HOLD),
            "capture" | "void" => Some(CARD),
            _ => None,
        };
        let moved = |to, from: &[u32], doubt: Option<u32>| ResourceUse {
            from: from.iter().copied().map(StateId).collect(),
            to: Some(StateId(to)),
            doubt: doubt.map(StateId),
        };
        let uses = match *name {
            "commit" | "capture" => Some(moved(3, &[0, 2], Some(2))),
            "release" | "void" => Some(moved(4, &[0, 1], None)),
            _ => None,
        };
        let opens = match *name {
            "hold" => Some(HOLD),
            "authorise" => Some(CARD),
            _ => None,
        };
        let raises = match *name {
            "hold" => vec![OUT_OF_STOCK],
            "authorise" => vec![DECLINED],
            _ => Vec::new(),
        };
        let minted = Code { ops: vec![Instr::Local(1), Instr::Field(0)], consts: Vec::new(), locals: 2 };
        let own = Code { ops: vec![Instr::Local(0), Instr::Field(0)], consts: Vec::new(), locals: 1 };
        let key = match (opens, of) {
            (Some(_), _) => Some(("result.id", minted)),
            (None, Some(_)) => Some(("it.id", own)),
            (None, None) => None,
        };
        OpDef {
            name: (*name).to_owned(),
            doc: String::new(),
            params: vec![OpParam { name: "it".to_owned(), ty: of.map_or(Type::Int, Type::Resource), resource: uses }],
            result: opens.map_or(Type::Unit, Type::Resource),
            opens: opens.map(|resource| Opens { resource, state: StateId(0), doubt: Some(StateId(1)) }),
            class: if of.is_none() && opens.is_none() { OpClass::Harmless } else { OpClass::Transition },
            retriable: of.is_some(),
            idempotency: key.map(|(name, code)| Idempotency { name: name.to_owned(), key: vec![code], kept_ms: None }),
            raises: raises.into_iter().map(|error| Raise { error, outcome_unknown: false, states: vec![] }).collect(),
            takes_ms: (50, 400),
            timeout_ms: 2_000,
            retry: RetryPolicy { retries_max: None, first_ms: 100, longest_ms: 1_000 },
            later: Vec::new(),
            writes: Vec::new(),
        }
    };
    OPS.iter().map(def).collect()
}

/// Lays nodes and scopes of one flow.
pub(crate) struct Lay {
    name: &'static str,
    nodes: Vec<Node>,
    scopes: Vec<Scope>,
}

impl Lay {
    pub(crate) fn new(name: &'static str) -> Self {
        let mut lay = Self { name, nodes: Vec::new(), scopes: Vec::new() };
        lay.scope(ScopeKind::Flow, None, 1);
        lay
    }

    pub(crate) fn scope(&mut self, kind: ScopeKind, parent: Option<u32>, slots: usize) -> u32 {
        let slot = SlotDef { name: "x".to_owned(), ty: Type::Int };
        self.scopes.push(Scope {
            kind,
            parent: parent.map(ScopeId),
            entry: None,
            slots: vec![slot; slots],
            label: String::new(),
            span: SpanId(0),
        });
        self.scopes.len() as u32 - 1
    }

    /// A chain of nodes in a scope, one after the other.
    pub(crate) fn chain(&mut self, scope: u32, kinds: Vec<NodeKind>) {
        let first = self.nodes.len();
        let last = first + kinds.len() - 1;
        self.scopes[scope as usize].entry = Some(NodeId::from(first));
        for (at, mut kind) in (first..).zip(kinds) {
            let next = (at < last).then(|| NodeId::from(at + 1));
            if let NodeKind::Await(wait) = &mut kind {
                wait.events.iter_mut().for_each(|arm| arm.target = next);
                for timer in &mut wait.timers {
                    if let TimerEnd::Goto(target) = &mut timer.end {
                        *target = next;
                    }
                }
            }
            self.nodes.push(Node {
                id: StableId(at as u64 + 1),
                label: String::new(),
                scope: ScopeId(scope),
                span: SpanId(0),
                kind,
                next,
            });
        }
    }

    fn plan(self, start: Option<(TypeId, Option<Code>)>, key: Option<(Code, bool)>) -> Arc<Plan> {
        let start = start.map(|(event, condition)| StartRule::Event { event, condition });
        let mode = |once| if once { KeyMode::Once } else { KeyMode::OneAlive };
        self.starting(start, key.map(|(code, once)| (code, mode(once))))
    }

    pub(crate) fn starting(self, start: Option<StartRule>, key: Option<(Code, KeyMode)>) -> Arc<Plan> {
        Arc::new(Plan {
            name: format!("shop.{}", self.name),
            doc: String::new(),
            semantics: SEMANTICS,
            params: 1,
            start,
            key: key.map(|(code, mode)| KeyRule { name: "order".to_owned(), ty: Type::Int, code, mode }),
            status: None,
            track: Vec::new(),
            owner: None,
            promises: Vec::new(),
            late: Late::default(),
            side: None,
            raises: Vec::new(),
            result: Type::Unit,
            signature: Signature::default(),
            nodes: self.nodes,
            scopes: self.scopes,
            span: SpanId(0),
        })
    }
}

pub(crate) fn call(name: &str, arg: Code, result: Option<Slot>) -> NodeKind {
    NodeKind::Call(CallNode { op: op(name), args: vec![arg], result, retry: None, timeout_ms: None, undo: None })
}

pub(crate) fn ms(ms: i64) -> Code {
    Code::constant(Value::Duration(ms))
}

pub(crate) fn arm(event: TypeId, key: u16, value: Code, fresh: bool) -> EventArm {
    EventArm { event, key, value, bind: None, condition: None, fresh, target: None }
}

fn wait(arms: Vec<EventArm>, due: i64, end: TimerEnd) -> NodeKind {
    NodeKind::Await(AwaitNode { events: arms, timers: vec![TimerArm { due: ms(due), end }], task: None })
}

pub(crate) fn stop(outcome: &str) -> NodeKind {
    NodeKind::Stop { outcome: outcome.to_owned(), status: None, value: None }
}

pub(crate) fn run_flow(flow: u32, detached: bool) -> NodeKind {
    NodeKind::RunFlow(RunFlowNode { flow: FlowId(flow), args: vec![of_param(0)], detached, result: None })
}

/// From the order to its shipping; `contest` takes orders with code 9 as well.
fn fulfil() -> Arc<Plan> {
    let mut lay = Lay::new("fulfil");
    let body = lay.scope(ScopeKind::Attempt, Some(0), 2);
    let refused = lay.scope(ScopeKind::Handler, Some(0), 0);
    let expired = lay.scope(ScopeKind::Handler, Some(0), 0);
    let cancelled = lay.scope(ScopeKind::Handler, Some(0), 0);
    let slot = |at| Slot { scope: ScopeId(body), at };
    let errors = [OUT_OF_STOCK, DECLINED].map(Catch::Error).into();
    let handler = |trigger, scope| Handler { trigger, scope: ScopeId(scope), bind: None, keeping: Vec::new() };
    let interrupt = Trigger::Event { arm: arm(CANCEL, 0, of_param(0), false), too_late: None };
    let handlers = vec![
        handler(Trigger::Errors(errors), refused),
        handler(Trigger::Errors(vec![Catch::Deadline(None)]), expired),
        handler(interrupt, cancelled),
    ];
    let shipped = Code { ops: [of_param(0).ops, of_param(1).ops, vec![Instr::Record(2)]].concat(), ..Code::default() };
    lay.chain(
        0,
        vec![NodeKind::Attempt { body: ScopeId(body), handlers, meanwhile: vec![], result: None }, stop("shipped")],
    );
    lay.chain(
        body,
        vec![
            call("hold", of_param(0), Some(slot(0))),
            call("authorise", of_param(0), Some(slot(1))),
            wait(vec![arm(PICKED, 0, of_param(0), false)], 20_000, TimerEnd::Deadline(None)),
            run_flow(1, false),
            NodeKind::PointOfNoReturn,
            call("commit", Code::slot(slot(0)), None),
            call("capture", Code::slot(slot(1)), None),
            NodeKind::Emit { event: SHIPPED, value: shipped },
            run_flow(1, true),
        ],
    );
    lay.chain(refused, vec![stop("refused")]);
    lay.chain(expired, vec![call("notify", of_param(0), None), stop("expired")]);
    lay.chain(cancelled, vec![run_flow(1, true), stop("cancelled")]);
    let even = Code {
        ops: vec![Instr::Local(0), Instr::Field(1), Instr::Const(0), Instr::Ne],
        consts: vec![Value::Int(-1)],
        locals: 1,
    };
    lay.plan(Some((ORDER, Some(even))), Some((local_field(0), true)))
}

/// Flow 1: only by `run` and `start`.
fn tell() -> Arc<Plan> {
    let mut lay = Lay::new("tell");
    let number = Code::slot(Slot { scope: ScopeId(0), at: 0 });
    lay.chain(0, vec![call("notify", number, None), NodeKind::Wait { due: ms(150) }]);
    lay.plan(None, None)
}

/// Each question once more: a new run when the last one has ended; waits for what is new.
fn ask() -> Arc<Plan> {
    let mut lay = Lay::new("ask");
    lay.chain(
        0,
        vec![
            wait(vec![arm(NUDGE, 0, of_param(0), true)], 5_000, TimerEnd::Goto(None)),
            call("notify", of_param(0), None),
            stop("answered"),
        ],
    );
    lay.plan(Some((ASK, None)), Some((local_field(0), false)))
}

/// One run per shipping event, which a flow emits; looks at old events by their code.
fn after_sale() -> Arc<Plan> {
    let mut lay = Lay::new("after_sale");
    lay.chain(
        0,
        vec![
            wait(
                vec![arm(PICKED, 1, of_param(1), false), arm(BOTH, 0, of_param(0), false)],
                3_000,
                TimerEnd::Goto(None),
            ),
            stop("looked"),
        ],
    );
    lay.plan(Some((SHIPPED, None)), None)
}

/// Takes orders of code 9, which `fulfil` takes as well.
fn contest() -> Arc<Plan> {
    let mut lay = Lay::new("contest");
    lay.chain(0, vec![stop("never")]);
    let nine = Code {
        ops: vec![Instr::Local(0), Instr::Field(1), Instr::Const(0), Instr::Eq],
        consts: vec![Value::Int(9)],
        locals: 1,
    };
    lay.plan(Some((ORDER, Some(nine))), Some((local_field(0), true)))
}

/// Waits for one event by both of its keys, for ever long.
fn pair() -> Arc<Plan> {
    let mut lay = Lay::new("pair");
    lay.chain(
        0,
        vec![
            wait(
                vec![arm(BOTH, 0, of_param(0), false), arm(BOTH, 1, of_param(1), false)],
                10_000,
                TimerEnd::Goto(None),
            ),
            wait(
                vec![arm(BOTH, 0, of_param(0), false), arm(BOTH, 1, of_param(1), false)],
                10_000,
                TimerEnd::Goto(None),
            ),
            stop("paired"),
        ],
    );
    lay.plan(Some((NUDGE, None)), None)
}

pub(crate) fn bundle() -> Arc<Bundle> {
    bundle_of(vec![fulfil(), tell(), ask(), after_sale(), contest(), pair()])
}

/// The shop's contracts and events with flows of one's own.
pub(crate) fn bundle_of(flows: Vec<Arc<Plan>>) -> Arc<Bundle> {
    let system = SystemDef { name: "shop".to_owned(), label: "Shop".to_owned(), owns: vec![], ops: ops() };
    Arc::new(Bundle { name: "shop".to_owned(), types: types(), systems: vec![system], flows, ..Bundle::default() })
}
