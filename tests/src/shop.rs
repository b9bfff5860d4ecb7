//! A small shop as a hand-built bundle: hold stock, take the money, ship. Every way out leaves nothing held.
use std::sync::Arc;

use flowline_core::{Call, CallKey, ResourceView};
use flowline_engine::{EventIn, Origin};
use flowline_plan::{
    Abandon, Bundle, CallNode, Catch, Code, EventDef, EventKey, FieldDef, FlowId, Handler, Idempotency, Instr, KeyMode,
    KeyRule, Late, Money, Node, NodeId, NodeKind, OpClass, OpDef, OpId, OpParam, OpRef, Opens, Plan, Raise,
    ResourceDef, ResourceUse, RetryPolicy, SEMANTICS, Scope, ScopeId, ScopeKind, Signature, Slot, SlotDef, SpanId,
    StableId, StartRule, StateDef, StateId, StateKind, SystemDef, SystemId, Trigger, Type, TypeDef, TypeId, TypeKind,
    Value,
};

pub const ORDER_ID: TypeId = TypeId(0);
pub const HOLD: TypeId = TypeId(1);
pub const OUT_OF_STOCK: TypeId = TypeId(2);
pub const DECLINED: TypeId = TypeId(3);
pub const ORDER_PLACED: TypeId = TypeId(4);
/// Declared, but raised by no operation.
pub const UNRAISED: TypeId = TypeId(5);

pub const INVENTORY: SystemId = SystemId(0);
pub const PAYMENTS: SystemId = SystemId(1);

/// `inventory.hold(order, quantity) -> Hold raises OutOfStock`
pub const HOLD_STOCK: OpRef = OpRef { system: INVENTORY, op: OpId(0) };
/// `inventory.release(hold)`
pub const RELEASE: OpRef = OpRef { system: INVENTORY, op: OpId(1) };
/// `inventory.ship(hold) -> Text`
pub const SHIP: OpRef = OpRef { system: INVENTORY, op: OpId(2) };
/// `payments.charge(order, amount) -> Text raises Declined`
pub const CHARGE: OpRef = OpRef { system: PAYMENTS, op: OpId(0) };

const HELD: StateId = StateId(0);
const MAYBE_HELD: StateId = StateId(1);
const RELEASED: StateId = StateId(2);
const SHIPPED: StateId = StateId(3);

/// How patient the shop is.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Of every operation, ms.
    pub timeout_ms: i64,
    /// The order is given up after so long, ms.
    pub give_up_ms: i64,
    /// Retries of an operation; none means without end.
    pub retries_max: Option<u32>,
    /// Pauses between retries: the first and the longest, ms.
    pub pause_ms: (i64, i64),
}

impl Default for Patience {
    fn default() -> Self {
        Self { timeout_ms: 5_000, give_up_ms: 60_000, retries_max: Some(50), pause_ms: (2, 20) }
    }
}

/// The shop.
pub fn bundle(patience: Patience) -> Arc<Bundle> {
    Arc::new(Bundle {
        name: "shop".to_owned(),
        types: types(),
        systems: vec![
            system("inventory", vec![hold(patience), release(patience), ship(patience)]),
            system("payments", vec![charge(patience)]),
        ],
        flows: vec![Arc::new(flow(patience))],
        ..Bundle::default()
    })
}

/// An order event.
pub fn order(id: &str, quantity: i64) -> EventIn {
    EventIn {
        source: "web".to_owned(),
        id: format!("placed-{id}"),
        event: ORDER_PLACED,
        value: Value::Record([Value::text(id), Value::Int(quantity)].into()),
        origin: Origin::Outside,
    }
}

/// One call, as the flow would make it.
pub fn call(op: OpRef, timeout_ms: i64) -> Call {
    let id = Value::text("hold-1");
    let hold = ResourceView { resource: 0, ty: HOLD, fields: vec![id.clone(), Value::Int(2)], whole: None };
    let amount = Value::Money(Money { currency: "EUR".parse().expect("EUR is a currency"), amount: 12.into() });
    let (args, opens, resources) = match (op.system, op.op) {
        (INVENTORY, OpId(0)) => (vec![Value::text("A-1"), Value::Int(2)], Some(id), Vec::new()),
        (INVENTORY, _) => (vec![Value::Resource(0)], None, vec![hold]),
        _ => (vec![Value::text("A-1"), amount], None, Vec::new()),
    };
    Call { call: 1, attempt: 1, op, key: CallKey(7), args, opens, resources, timeout_ms, at: 0 }
}

fn types() -> Vec<TypeDef> {
    let state = |name: &str, kind: StateKind, release: bool| StateDef {
        name: name.to_owned(),
        kind,
        abandon: release.then(|| Abandon { op: RELEASE, args: vec![local(0)] }),
        expires: None,
    };
    let hold = ResourceDef {
        fields: vec![field("id", Type::Text), field("quantity", Type::Int)],
        states: vec![
            state("held", StateKind::Open, true),
            state("maybe_held", StateKind::Doubt, true),
            state("released", StateKind::Closed, false),
            state("shipped", StateKind::Closed, false),
        ],
        splits_by: None,
    };
    let placed = EventDef {
        version: 1,
        ce_type: "shop.order.placed".to_owned(),
        from: None,
        fields: vec![field("order", Type::Named(ORDER_ID)), field("quantity", Type::Int)],
        keys: vec![EventKey { name: "order".to_owned(), ty: Type::Named(ORDER_ID), code: field_of(local(0), 0) }],
        kept_ms: 60_000,
    };
    let ty = |name: &str, kind: TypeKind| TypeDef { name: format!("shop.{name}"), doc: String::new(), kind };
    vec![
        ty("OrderId", TypeKind::Id),
        ty("Hold", TypeKind::Resource(hold)),
        ty("OutOfStock", TypeKind::Error(vec![field("left", Type::Int)])),
        ty("Declined", TypeKind::Error(Vec::new())),
        ty("OrderPlaced", TypeKind::Event(placed)),
        ty("Unraised", TypeKind::Error(Vec::new())),
    ]
}

fn system(name: &str, ops: Vec<OpDef>) -> SystemDef {
    SystemDef { name: name.to_owned(), label: name.to_owned(), owns: Vec::new(), ops }
}

fn op(patience: Patience, name: &str, params: Vec<OpParam>, result: Type, class: OpClass) -> OpDef {
    let (first_ms, longest_ms) = patience.pause_ms;
    OpDef {
        name: name.to_owned(),
        doc: String::new(),
        params,
        result,
        opens: None,
        class,
        retriable: false,
        idempotency: Some(Idempotency { name: "order".to_owned(), key: vec![local(0)], kept_ms: None }),
        raises: Vec::new(),
        takes_ms: (1, 10),
        timeout_ms: patience.timeout_ms,
        retry: RetryPolicy { retries_max: patience.retries_max, first_ms, longest_ms },
        later: Vec::new(),
        writes: Vec::new(),
    }
}

fn hold(patience: Patience) -> OpDef {
    let params = vec![param("order", Type::Named(ORDER_ID)), param("quantity", Type::Int)];
    OpDef {
        opens: Some(Opens { resource: HOLD, state: HELD, doubt: Some(MAYBE_HELD) }),
        raises: vec![raise(OUT_OF_STOCK)],
        ..op(patience, "hold", params, Type::Resource(HOLD), OpClass::Transition)
    }
}

fn release(patience: Patience) -> OpDef {
    let params = vec![taking(vec![HELD, MAYBE_HELD], RELEASED)];
    OpDef { retriable: true, ..op(patience, "release", params, Type::Unit, OpClass::Settles) }
}

fn ship(patience: Patience) -> OpDef {
    OpDef {
        retriable: true,
        ..op(patience, "ship", vec![taking(vec![HELD], SHIPPED)], Type::Text, OpClass::Transition)
    }
}

fn charge(patience: Patience) -> OpDef {
    let params = vec![param("order", Type::Named(ORDER_ID)), param("amount", Type::Money(None))];
    OpDef { raises: vec![raise(DECLINED)], ..op(patience, "charge", params, Type::Text, OpClass::Irreversible) }
}

fn flow(patience: Patience) -> Plan {
    let order = || field_of(Code::slot(slot(0, 0)), 0);
    let amount = Money { currency: "EUR".parse().expect("EUR is a currency"), amount: 12.into() };
    let stop = |outcome: &str| NodeKind::Stop { outcome: outcome.to_owned(), status: None, value: None };
    let on = |trigger, scope| Handler { trigger, scope: ScopeId(scope), bind: None, keeping: Vec::new() };
    let attempt = NodeKind::Attempt {
        body: ScopeId(1),
        handlers: vec![
            on(Trigger::Errors(vec![Catch::Error(OUT_OF_STOCK)]), 2),
            on(Trigger::Errors(vec![Catch::Error(DECLINED)]), 3),
            on(Trigger::After(Code::constant(Value::Duration(patience.give_up_ms))), 4),
        ],
        meanwhile: Vec::new(),
        result: None,
    };
    let hold = calling(HOLD_STOCK, vec![order(), field_of(Code::slot(slot(0, 0)), 1)], Some(slot(1, 0)));
    let charge = calling(CHARGE, vec![order(), Code::constant(Value::Money(amount))], None);
    let ship = calling(SHIP, vec![Code::slot(slot(1, 0))], None);
    let nodes = [
        (0, attempt, Some(1)),
        (0, stop("shipped"), None),
        (1, hold, Some(3)),
        (1, charge, Some(4)),
        (1, ship, None),
        (2, stop("sold_out"), None),
        (3, stop("declined"), None),
        (4, stop("given_up"), None),
    ];
    let node = |(at, (scope, kind, next)): (u64, (u32, NodeKind, Option<u32>))| Node {
        id: StableId(at + 1),
        label: format!("node {at}"),
        scope: ScopeId(scope),
        span: SpanId(0),
        kind,
        next: next.map(NodeId),
    };
    let named = |name: &str, ty: Type| SlotDef { name: name.to_owned(), ty };
    let scope = |kind, parent: Option<u32>, entry, slots| Scope {
        kind,
        parent: parent.map(ScopeId),
        entry: Some(NodeId(entry)),
        slots,
        label: String::new(),
        span: SpanId(0),
    };
    Plan {
        name: "shop.order".to_owned(),
        doc: String::new(),
        semantics: SEMANTICS,
        params: 1,
        start: Some(StartRule::Event { event: ORDER_PLACED, condition: None }),
        key: Some(KeyRule {
            name: "order".to_owned(),
            ty: Type::Named(ORDER_ID),
            code: field_of(local(0), 0),
            mode: KeyMode::Once,
        }),
        status: None,
        track: Vec::new(),
        owner: None,
        promises: Vec::new(),
        late: Late::default(),
        side: None,
        raises: Vec::new(),
        result: Type::Unit,
        signature: Signature::default(),
        nodes: (0u64..).zip(nodes).map(node).collect(),
        scopes: vec![
            scope(ScopeKind::Flow, None, 0, vec![named("e", Type::Named(ORDER_PLACED))]),
            scope(ScopeKind::Attempt, Some(0), 2, vec![named("hold", Type::Resource(HOLD))]),
            scope(ScopeKind::Handler, Some(0), 5, Vec::new()),
            scope(ScopeKind::Handler, Some(0), 6, Vec::new()),
            scope(ScopeKind::Handler, Some(0), 7, Vec::new()),
        ],
        span: SpanId(0),
    }
}

/// The shop's one flow.
pub const FLOW: FlowId = FlowId(0);

fn calling(op: OpRef, args: Vec<Code>, result: Option<Slot>) -> NodeKind {
    NodeKind::Call(CallNode { op, args, result, retry: None, timeout_ms: None, undo: None })
}

fn field(name: &str, ty: Type) -> FieldDef {
    FieldDef { name: name.to_owned(), ty, pii: false, check: None }
}

fn param(name: &str, ty: Type) -> OpParam {
    OpParam { name: name.to_owned(), ty, resource: None }
}

fn taking(from: Vec<StateId>, to: StateId) -> OpParam {
    let resource = ResourceUse { from, to: Some(to), doubt: None };
    OpParam { name: "hold".to_owned(), ty: Type::Resource(HOLD), resource: Some(resource) }
}

fn raise(error: TypeId) -> Raise {
    Raise { error, outcome_unknown: false, states: Vec::new() }
}

fn slot(scope: u32, at: u16) -> Slot {
    Slot { scope: ScopeId(scope), at }
}

fn local(at: u16) -> Code {
    Code { ops: vec![Instr::Local(at)], consts: Vec::new(), locals: at + 1 }
}

fn field_of(mut code: Code, field: u16) -> Code {
    code.ops.push(Instr::Field(field));
    code
}
