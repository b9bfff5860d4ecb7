//! A small shop, built by hand: payments, stock, picking and books, with the contracts of the standard library.
//!
//! For tests of crates that drive a world. [`shop`] gives the bundle, [`Shop`] makes calls to it.
use std::sync::Arc;

use flowline_core::{Call, CallKey, ResourceView, hash128};
use flowline_plan::{
    Abandon, Bundle, Code, EventDef, EventKey, Expiry, FieldDef, Idempotency, Instr, Later, LaterMode, Money, OpClass,
    OpDef, OpId, OpParam, OpRef, Opens, Raise, ResourceDef, ResourceUse, RetryPolicy, StateDef, StateId, StateKind,
    SystemDef, SystemId, Type, TypeDef, TypeId, TypeKind, Undo, Value,
};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The types of the shop, in the order of its table.
pub mod ty {
    use flowline_plan::TypeId;

    pub const ORDER_ID: TypeId = TypeId(0);
    pub const SKU: TypeId = TypeId(1);
    pub const NODE_ID: TypeId = TypeId(2);
    pub const HOLD_ID: TypeId = TypeId(3);
    pub const CARD_ID: TypeId = TypeId(4);
    pub const INVOICE_NO: TypeId = TypeId(5);
    pub const ORDER_LINE: TypeId = TypeId(6);
    pub const OUT_OF_STOCK: TypeId = TypeId(7);
    pub const DECLINED: TypeId = TypeId(8);
    pub const CAPTURE_FAILED: TypeId = TypeId(9);
    pub const ALREADY_CAPTURED: TypeId = TypeId(10);
    pub const PICK_CONFIRMED: TypeId = TypeId(11);
    pub const PICK_REJECTED: TypeId = TypeId(12);
    pub const STAGED: TypeId = TypeId(13);
    pub const PICKED_UP: TypeId = TypeId(14);
    pub const STOCK_HOLD: TypeId = TypeId(15);
    pub const CARD_MONEY: TypeId = TypeId(16);
}

/// The states of a `StockHold`.
pub mod hold {
    use flowline_plan::StateId;

    pub const HELD: StateId = StateId(0);
    pub const MAYBE_HELD: StateId = StateId(1);
    pub const MAYBE_COMMITTED: StateId = StateId(2);
    pub const COMMITTED: StateId = StateId(3);
    pub const RELEASED: StateId = StateId(4);
}

/// The states of a `CardMoney`.
pub mod card {
    use flowline_plan::StateId;

    pub const AUTHORISED: StateId = StateId(0);
    pub const MAYBE_AUTHORISED: StateId = StateId(1);
    pub const MAYBE_CAPTURED: StateId = StateId(2);
    pub const CAPTURED: StateId = StateId(3);
    pub const VOIDED: StateId = StateId(4);
    pub const REFUNDED: StateId = StateId(5);
    pub const LAPSED: StateId = StateId(6);
}

/// The life of an authorisation that proofs may count on, ms: 4 days 18 hours.
pub const CARD_LIFE_MS: i64 = 4 * DAY_MS + 18 * HOUR_MS;
/// How long `payments.authorise` remembers its key, ms.
pub const AUTHORISE_KEPT_MS: i64 = DAY_MS;

/// The bundle.
pub fn shop() -> Bundle {
    Bundle {
        name: "shop".to_owned(),
        types: types(),
        systems: vec![inventory(), payments(), store_ops(), erp(), notify()],
        ..Bundle::default()
    }
}

/// Makes calls to the shop.
#[derive(Debug, Clone)]
pub struct Shop {
    pub bundle: Arc<Bundle>,
}

impl Default for Shop {
    fn default() -> Self {
        Self { bundle: Arc::new(shop()) }
    }
}

impl Shop {
    /// A call of `system.op`, attempt 1 at instant 0, under a key named by `key`. It opens a resource of that id where
    /// the operation opens one.
    ///
    /// # Panics
    /// When the shop has no such operation.
    pub fn call(&self, name: &str, key: &str, args: Vec<Value>) -> Call {
        let op = self.op(name).expect("the shop has that operation");
        let def = self.bundle.op(op).expect("the shop has that operation");
        Call {
            call: 0,
            attempt: 1,
            op,
            key: CallKey(hash128("fixture", &[name.as_bytes(), key.as_bytes()])),
            args,
            opens: def.opens.as_ref().map(|_| text(key)),
            resources: Vec::new(),
            timeout_ms: def.timeout_ms,
            at: 0,
        }
    }

    /// A call whose first argument is a resource.
    pub fn call_with(&self, name: &str, key: &str, resource: ResourceView, more: Vec<Value>) -> Call {
        let args = std::iter::once(Value::Resource(resource.resource)).chain(more).collect();
        Call { resources: vec![resource], ..self.call(name, key, args) }
    }

    /// Sets money aside under the id `card`.
    pub fn authorise(&self, card: &str, amount: &str) -> Call {
        self.call("payments.authorise", card, vec![text("order-1"), eur(amount)])
    }

    /// Sets stock aside under the id `hold`.
    pub fn hold(&self, hold: &str, lines: &[(&str, i64)]) -> Call {
        self.call("inventory.hold", hold, vec![text("order-1"), order_lines(lines), text("node-1")])
    }

    fn op(&self, name: &str) -> Option<OpRef> {
        let (system, op) = name.split_once('.')?;
        let at = self.bundle.systems.iter().position(|def| def.name == system)?;
        let op = self.bundle.systems.get(at)?.ops.iter().position(|def| def.name == op)?;
        Some(OpRef { system: SystemId::from(at), op: OpId::from(op) })
    }
}

/// Card money as a run sees it.
pub fn card_view(id: &str, amount: &str) -> ResourceView {
    let fields = vec![text(id), eur(amount), Value::None];
    ResourceView { resource: 0, ty: ty::CARD_MONEY, fields, whole: None }
}

/// A part of card money as a run sees it.
pub fn part_view(id: &str, amount: &str, whole: &str) -> ResourceView {
    ResourceView { whole: Some(text(whole)), ..card_view(id, amount) }
}

/// A stock hold as a run sees it.
pub fn hold_view(id: &str) -> ResourceView {
    ResourceView { resource: 0, ty: ty::STOCK_HOLD, fields: vec![text(id)], whole: None }
}

/// Text or an id.
pub fn text(text: &str) -> Value {
    Value::text(text)
}

/// An amount such as `12.30`, in euro.
///
/// # Panics
/// When it isn't an amount.
pub fn eur(amount: &str) -> Value {
    let currency = "EUR".parse().expect("EUR is three capital letters");
    Value::Money(Money { currency, amount: amount.parse().expect("an amount such as 12.30") })
}

/// Order lines of these goods, so many each, at 10 euro.
pub fn order_lines(lines: &[(&str, i64)]) -> Value {
    let line = |(sku, quantity): &(&str, i64)| Value::Record([text(sku), Value::Int(*quantity), eur("10.00")].into());
    Value::List(lines.iter().map(line).collect())
}

fn types() -> Vec<TypeDef> {
    let lines = Type::List(Box::new(Type::Named(ty::ORDER_LINE)), None);
    let at_least_one =
        Code { ops: vec![Instr::Local(0), Instr::Const(0), Instr::Ge], consts: vec![Value::Int(1)], locals: 1 };
    let quantity = FieldDef { check: Some(at_least_one), ..field("quantity", Type::Int) };
    let order = || field("order", Type::Named(ty::ORDER_ID));
    let reason = || field("reason", Type::Text);
    vec![
        def("OrderId", TypeKind::Id),
        def("Sku", TypeKind::Id),
        def("NodeId", TypeKind::Id),
        def("HoldId", TypeKind::Id),
        def("AuthorisationId", TypeKind::Id),
        def("InvoiceNo", TypeKind::Id),
        def(
            "OrderLine",
            TypeKind::Record(vec![
                field("sku", Type::Named(ty::SKU)),
                quantity,
                field("unit_price", Type::Money(None)),
            ]),
        ),
        def("OutOfStock", TypeKind::Error(vec![field("missing", lines.clone())])),
        def("Declined", TypeKind::Error(vec![reason()])),
        def("CaptureFailed", TypeKind::Error(vec![reason()])),
        def("AlreadyCaptured", TypeKind::Error(vec![field("captured_at", Type::Instant)])),
        event("PickConfirmed", vec![order(), field("lines", lines)]),
        event("PickRejected", vec![order(), reason()]),
        event("Staged", vec![order()]),
        event("PickedUp", vec![order()]),
        stock_hold(),
        card_money(),
    ]
}

fn stock_hold() -> TypeDef {
    let release = || Some(abandon(op_at(0, 3), 0));
    let resource = ResourceDef {
        fields: vec![field("id", Type::Named(ty::HOLD_ID))],
        states: vec![
            state("held", StateKind::Open, release()),
            state("maybe_held", StateKind::Doubt, release()),
            state("maybe_committed", StateKind::Doubt, Some(abandon(op_at(0, 2), 0))),
            state("committed", StateKind::Closed, None),
            state("released", StateKind::Closed, None),
        ],
        splits_by: None,
    };
    def("StockHold", TypeKind::Resource(resource))
}

fn card_money() -> TypeDef {
    let void = || Some(abandon(op_at(1, 2), 0));
    let expires = Some(Expiry { field: 2, at_least_ms: Some(CARD_LIFE_MS), into: card::LAPSED });
    let mut refund = abandon(op_at(1, 3), 0);
    refund.args.push(Code { ops: vec![Instr::Local(0), Instr::Field(1)], consts: Vec::new(), locals: 1 });
    let resource = ResourceDef {
        fields: vec![
            field("id", Type::Named(ty::CARD_ID)),
            field("amount", Type::Money(None)),
            field("capture_before", Type::Instant),
        ],
        states: vec![
            StateDef { expires, ..state("authorised", StateKind::Open, void()) },
            state("maybe_authorised", StateKind::Doubt, void()),
            state("maybe_captured", StateKind::Doubt, void()),
            state("captured", StateKind::Closed, Some(refund)),
            state("voided", StateKind::Closed, None),
            state("refunded", StateKind::Closed, None),
            state("lapsed", StateKind::Closed, None),
        ],
        splits_by: Some(1),
    };
    def("CardMoney", TypeKind::Resource(resource))
}

fn inventory() -> SystemDef {
    let lines = Type::List(Box::new(Type::Named(ty::ORDER_LINE)), None);
    let (order, node) = (Type::Named(ty::ORDER_ID), Type::Named(ty::NODE_ID));
    let stock = |from: &[StateId], to, doubt| uses("hold", ty::STOCK_HOLD, from, to, doubt);
    let check = OpDef {
        raises: vec![raises(ty::OUT_OF_STOCK)],
        ..op("check", vec![param("sku", Type::Named(ty::SKU)), param("quantity", Type::Int)], OpClass::Read)
    };
    let hold = OpDef {
        result: Type::Resource(ty::STOCK_HOLD),
        opens: Some(Opens { resource: ty::STOCK_HOLD, state: hold::HELD, doubt: Some(hold::MAYBE_HELD) }),
        idempotency: Some(keyed("result.id", vec![path(3, 0)], Some(2 * DAY_MS))),
        raises: vec![raises(ty::OUT_OF_STOCK)],
        ..op("hold", vec![param("order", order), param("lines", lines), param("node", node)], OpClass::Transition)
    };
    let commit_of = stock(&[hold::HELD, hold::MAYBE_COMMITTED], hold::COMMITTED, Some(hold::MAYBE_COMMITTED));
    let release_of = stock(&[hold::HELD, hold::MAYBE_HELD], hold::RELEASED, None);
    let by_hold = || Some(keyed("hold.id", vec![path(0, 0)], None));
    let commit =
        OpDef { retriable: true, idempotency: by_hold(), ..op("commit", vec![commit_of], OpClass::Transition) };
    let release =
        OpDef { retriable: true, idempotency: by_hold(), ..op("release", vec![release_of], OpClass::Transition) };
    system("inventory", "Inventory service", vec![check, hold, commit, release])
}

fn payments() -> SystemDef {
    let money = |from: &[StateId], to, doubt| uses("card", ty::CARD_MONEY, from, to, doubt);
    let by_card = || Some(keyed("card.id", vec![path(0, 0)], None));
    let authorise = OpDef {
        result: Type::Resource(ty::CARD_MONEY),
        opens: Some(Opens { resource: ty::CARD_MONEY, state: card::AUTHORISED, doubt: Some(card::MAYBE_AUTHORISED) }),
        idempotency: Some(keyed("result.id", vec![path(2, 0)], Some(AUTHORISE_KEPT_MS))),
        raises: vec![raises(ty::DECLINED)],
        ..op(
            "authorise",
            vec![param("order", Type::Named(ty::ORDER_ID)), param("amount", Type::Money(None))],
            OpClass::Transition,
        )
    };
    let captured = Raise { states: vec![(0, None, card::LAPSED)], ..raises(ty::CAPTURE_FAILED) };
    let capture_of = money(&[card::AUTHORISED, card::MAYBE_CAPTURED], card::CAPTURED, Some(card::MAYBE_CAPTURED));
    let capture = OpDef {
        idempotency: by_card(),
        raises: vec![captured],
        ..op("capture", vec![capture_of], OpClass::Transition)
    };
    let already =
        Raise { states: vec![(0, Some(card::MAYBE_CAPTURED), card::CAPTURED)], ..raises(ty::ALREADY_CAPTURED) };
    let void_of = money(&[card::AUTHORISED, card::MAYBE_AUTHORISED, card::MAYBE_CAPTURED], card::VOIDED, None);
    let void = OpDef {
        retriable: true,
        idempotency: by_card(),
        raises: vec![already],
        ..op("void", vec![void_of], OpClass::Transition)
    };
    let refund = OpDef {
        retriable: true,
        idempotency: by_card(),
        ..op(
            "refund",
            vec![money(&[card::CAPTURED], card::REFUNDED, None), param("amount", Type::Money(None))],
            OpClass::Transition,
        )
    };
    // An older terminal's way to take the money: it knows no keys.
    let take_of = money(&[card::AUTHORISED], card::CAPTURED, None);
    let take = op("take", vec![take_of], OpClass::Transition);
    system("payments", "Payment service", vec![authorise, capture, void, refund, take])
}

fn store_ops() -> SystemDef {
    let lines = Type::List(Box::new(Type::Named(ty::ORDER_LINE)), None);
    let order = || param("order", Type::Named(ty::ORDER_ID));
    let store = || param("store", Type::Named(ty::NODE_ID));
    let by_place = || Some(keyed("order, store", vec![local(0), local(1)], None));
    let undo = Undo { op: op_at(2, 1), args: vec![local(0), local(1)], needs_result: false };
    let assign_pick = OpDef {
        idempotency: by_place(),
        later: vec![Later { events: vec![ty::PICK_CONFIRMED, ty::PICK_REJECTED], mode: LaterMode::OneOf }],
        ..op("assign_pick", vec![order(), store(), param("lines", lines)], OpClass::Compensatable(undo))
    };
    let cancel_pick = OpDef {
        retriable: true,
        idempotency: by_place(),
        ..op("cancel_pick", vec![order(), store()], OpClass::Settles)
    };
    let stage = OpDef {
        idempotency: by_place(),
        later: vec![Later { events: vec![ty::STAGED, ty::PICKED_UP], mode: LaterMode::InTurn }],
        ..op("stage", vec![order(), store()], OpClass::Harmless)
    };
    system("store_ops", "Store tasks", vec![assign_pick, cancel_pick, stage])
}

fn erp() -> SystemDef {
    let order = || param("order", Type::Named(ty::ORDER_ID));
    let undo = Undo { op: op_at(3, 1), args: vec![local(0), local(2)], needs_result: true };
    let post_invoice = OpDef {
        result: Type::Named(ty::INVOICE_NO),
        idempotency: Some(keyed("order", vec![local(0)], None)),
        ..op("post_invoice", vec![order(), param("total", Type::Money(None))], OpClass::Compensatable(undo))
    };
    let post_credit_note = OpDef {
        retriable: true,
        idempotency: Some(keyed("invoice", vec![local(1)], None)),
        ..op("post_credit_note", vec![order(), param("invoice", Type::Named(ty::INVOICE_NO))], OpClass::Settles)
    };
    system("erp", "ERP", vec![post_invoice, post_credit_note])
}

fn notify() -> SystemDef {
    let send = op("send", vec![param("message", Type::Text)], OpClass::Harmless);
    system("notify", "Message service", vec![send])
}

fn system(name: &str, label: &str, ops: Vec<OpDef>) -> SystemDef {
    SystemDef { name: name.to_owned(), label: label.to_owned(), owns: Vec::new(), ops }
}

/// An operation that takes 100 to 400 ms, 5 s at most.
fn op(name: &str, params: Vec<OpParam>, class: OpClass) -> OpDef {
    OpDef {
        name: name.to_owned(),
        doc: String::new(),
        params,
        result: Type::Unit,
        opens: None,
        class,
        retriable: false,
        idempotency: None,
        raises: Vec::new(),
        takes_ms: (100, 400),
        timeout_ms: 5_000,
        retry: RetryPolicy { retries_max: Some(10), first_ms: 500, longest_ms: 300_000 },
        later: Vec::new(),
        writes: Vec::new(),
    }
}

fn param(name: &str, ty: Type) -> OpParam {
    OpParam { name: name.to_owned(), ty, resource: None }
}

fn uses(name: &str, ty: TypeId, from: &[StateId], to: StateId, doubt: Option<StateId>) -> OpParam {
    let uses = ResourceUse { from: from.to_vec(), to: Some(to), doubt };
    OpParam { name: name.to_owned(), ty: Type::Resource(ty), resource: Some(uses) }
}

fn keyed(name: &str, key: Vec<Code>, kept_ms: Option<i64>) -> Idempotency {
    Idempotency { name: name.to_owned(), key, kept_ms }
}

fn raises(error: TypeId) -> Raise {
    Raise { error, outcome_unknown: false, states: Vec::new() }
}

fn local(at: u16) -> Code {
    Code { ops: vec![Instr::Local(at)], consts: Vec::new(), locals: at + 1 }
}

fn path(at: u16, field: u16) -> Code {
    Code { ops: vec![Instr::Local(at), Instr::Field(field)], consts: Vec::new(), locals: at + 1 }
}

fn op_at(system: u32, op: u32) -> OpRef {
    OpRef { system: SystemId(system), op: OpId(op) }
}

fn abandon(op: OpRef, this: u16) -> Abandon {
    Abandon { op, args: vec![local(this)] }
}

fn state(name: &str, kind: StateKind, abandon: Option<Abandon>) -> StateDef {
    StateDef { name: name.to_owned(), kind, abandon, expires: None }
}

fn field(name: &str, ty: Type) -> FieldDef {
    FieldDef { name: name.to_owned(), ty, pii: false, check: None }
}

fn event(name: &str, fields: Vec<FieldDef>) -> TypeDef {
    let key = EventKey { name: "order".to_owned(), ty: Type::Named(ty::ORDER_ID), code: path(0, 0) };
    let event = EventDef {
        version: 1,
        ce_type: format!("shop.{}", name.to_lowercase()),
        from: Some("store_ops".to_owned()),
        fields,
        keys: vec![key],
        kept_ms: 7 * DAY_MS,
    };
    def(name, TypeKind::Event(event))
}

fn def(name: &str, kind: TypeKind) -> TypeDef {
    TypeDef { name: format!("shop.{name}"), doc: String::new(), kind }
}
