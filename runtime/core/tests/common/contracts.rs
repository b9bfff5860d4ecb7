//! The contracts that hand-built plans speak to: stock, cards, picks, invoices.
use flowline_plan::*;

const TYPES: [&str; 11] = [
    "StockHold",
    "CardMoney",
    "OutOfStock",
    "Declined",
    "CaptureFailed",
    "AlreadyCaptured",
    "Boom",
    "Foggy",
    "Go",
    "Cancel",
    "Nudge",
];
const OPS: [&str; 15] = [
    "hold",
    "commit",
    "release",
    "authorise",
    "capture",
    "void",
    "refund",
    "assign_pick",
    "cancel_pick",
    "post_invoice",
    "post_credit_note",
    "notify",
    "ship",
    "check",
    "pack",
];
pub(crate) const HOLD_STATES: [&str; 5] = ["held", "maybe_held", "maybe_committed", "committed", "released"];
pub(crate) const CARD_STATES: [&str; 7] =
    ["authorised", "maybe_authorised", "maybe_captured", "captured", "voided", "refunded", "lapsed"];

pub(crate) fn ty(name: &str) -> TypeId {
    TypeId::from(TYPES.iter().position(|known| *known == name).unwrap_or_else(|| panic!("no type {name}")))
}
pub(crate) fn ev(name: &str) -> TypeId {
    ty(name)
}
pub(crate) fn type_name(id: TypeId) -> &'static str {
    TYPES[id.index()]
}
/// A system that is a model: when it is down, 7 counts.
const MODEL: SystemId = SystemId(1);

pub(crate) fn op(name: &str) -> OpRef {
    if name == "predict" {
        return OpRef { system: MODEL, op: OpId(0) };
    }
    let at = OPS.iter().position(|known| *known == name).unwrap_or_else(|| panic!("no operation {name}"));
    OpRef { system: SystemId(0), op: OpId::from(at) }
}
pub(crate) fn op_name(op: OpRef) -> &'static str {
    if op.system == MODEL { "predict" } else { OPS[op.op.index()] }
}
pub(crate) fn state_name(of: TypeId, state: StateId) -> &'static str {
    if of == ty("StockHold") { HOLD_STATES[state.index()] } else { CARD_STATES[state.index()] }
}
pub(crate) fn euro(units: i64) -> Money {
    Money { currency: "EUR".parse().unwrap(), amount: units.into() }
}

fn hold_state(name: &str) -> StateId {
    StateId::from(HOLD_STATES.iter().position(|known| *known == name).expect("a known state"))
}
fn card_state(name: &str) -> StateId {
    StateId::from(CARD_STATES.iter().position(|known| *known == name).expect("a known state"))
}
fn field(name: &str, ty: Type) -> FieldDef {
    FieldDef { name: name.to_owned(), ty, pii: false, check: None }
}
fn this() -> Code {
    Code { ops: vec![Instr::Local(0)], consts: Vec::new(), locals: 1 }
}
fn amount_of_this() -> Code {
    Code { ops: vec![Instr::Local(0), Instr::Field(1)], consts: Vec::new(), locals: 1 }
}

fn states(names: &[&str], rows: &[(&str, &str)]) -> Vec<StateDef> {
    let state = |name: &&str| {
        let row = rows.iter().find(|(state, _)| state == name).map(|(_, row)| *row);
        let args = if row == Some("refund") { vec![this(), amount_of_this()] } else { vec![this()] };
        StateDef {
            name: (*name).to_owned(),
            kind: match *name {
                "held" | "authorised" => StateKind::Open,
                name if name.starts_with("maybe") => StateKind::Doubt,
                _ => StateKind::Closed,
            },
            abandon: row.map(|row| Abandon { op: op(row), args }),
            expires: (*name == "authorised").then(|| Expiry {
                field: 2,
                at_least_ms: None,
                into: card_state("lapsed"),
            }),
        }
    };
    names.iter().map(state).collect()
}

pub(crate) fn bundle() -> Bundle {
    let kind = |name: &str| match name {
        "StockHold" => TypeKind::Resource(ResourceDef {
            fields: vec![field("id", Type::Text)],
            states: states(
                &HOLD_STATES,
                &[("held", "release"), ("maybe_held", "release"), ("maybe_committed", "commit")],
            ),
            splits_by: None,
        }),
        "CardMoney" => TypeKind::Resource(ResourceDef {
            fields: vec![
                field("id", Type::Text),
                field("amount", Type::Money(None)),
                field("capture_before", Type::Instant),
            ],
            states: states(
                &CARD_STATES,
                &[
                    ("authorised", "void"),
                    ("maybe_authorised", "void"),
                    ("maybe_captured", "void"),
                    ("captured", "refund"),
                ],
            ),
            splits_by: Some(1),
        }),
        "Go" | "Cancel" | "Nudge" => TypeKind::Event(EventDef {
            version: 1,
            ce_type: name.to_lowercase(),
            from: None,
            fields: vec![field("key", Type::Int)],
            keys: Vec::new(),
            kept_ms: 1_000_000,
        }),
        _ => TypeKind::Error(Vec::new()),
    };
    let types = TYPES.iter().map(|name| TypeDef { name: (*name).to_owned(), doc: String::new(), kind: kind(name) });
    let system = SystemDef {
        name: "sys".to_owned(),
        label: "Everything".to_owned(),
        owns: Vec::new(),
        ops: OPS.iter().map(|name| op_def(name)).collect(),
    };
    let asked = OpDef { name: "predict".to_owned(), class: OpClass::Read, result: Type::Int, ..op_def("check") };
    let named = |name: &str, ops| SystemDef { name: name.to_owned(), label: name.to_owned(), owns: Vec::new(), ops };
    let model = ModelDef {
        name: "model".to_owned(),
        label: "Model".to_owned(),
        doc: String::new(),
        system: MODEL,
        version: "1".to_owned(),
        input: Type::Int,
        output: Type::Int,
        approval: None,
        fallback: Some(Value::Int(7)),
        sees_pii: false,
    };
    Bundle {
        name: "test".to_owned(),
        types: types.collect(),
        systems: vec![system, named("model", vec![asked])],
        models: vec![model],
        ..Bundle::default()
    }
}

fn resource_param(of: &str, from: &[&str], to: &str, doubt: Option<&str>) -> OpParam {
    let state = if of == "StockHold" { hold_state } else { card_state };
    OpParam {
        name: "it".to_owned(),
        ty: Type::Resource(ty(of)),
        resource: Some(ResourceUse {
            from: from.iter().map(|name| state(name)).collect(),
            to: Some(state(to)),
            doubt: doubt.map(state),
        }),
    }
}

fn raise(error: &str) -> Raise {
    Raise { error: ty(error), outcome_unknown: false, states: Vec::new() }
}

fn op_def(name: &str) -> OpDef {
    let number = OpParam { name: "number".to_owned(), ty: Type::Int, resource: None };
    let mut def = OpDef {
        name: name.to_owned(),
        doc: String::new(),
        params: vec![number.clone()],
        result: Type::Unit,
        opens: None,
        class: OpClass::Transition,
        retriable: false,
        idempotency: None,
        raises: Vec::new(),
        takes_ms: (5, 5),
        timeout_ms: 30_000,
        retry: RetryPolicy { retries_max: Some(2), first_ms: 100, longest_ms: 1000 },
        later: Vec::new(),
        writes: Vec::new(),
    };
    match name {
        "hold" => {
            let state = hold_state("held");
            def.opens = Some(Opens { resource: ty("StockHold"), state, doubt: Some(hold_state("maybe_held")) });
            def.raises = vec![raise("OutOfStock")];
            def.idempotency = Some(Idempotency { name: "id".to_owned(), key: Vec::new(), kept_ms: Some(3_600_000) });
        }
        "commit" => {
            let from = ["held", "maybe_committed"];
            def.params = vec![resource_param("StockHold", &from, "committed", Some("maybe_committed"))];
            def.retriable = true;
        }
        "release" => {
            def.params = vec![resource_param("StockHold", &["held", "maybe_held"], "released", None)];
            def.retriable = true;
        }
        "authorise" => {
            let state = card_state("authorised");
            def.opens = Some(Opens { resource: ty("CardMoney"), state, doubt: Some(card_state("maybe_authorised")) });
            def.raises = vec![raise("Declined")];
        }
        "capture" => {
            let from = ["authorised", "maybe_captured"];
            def.params = vec![resource_param("CardMoney", &from, "captured", Some("maybe_captured"))];
            def.raises = vec![Raise { states: vec![(0, None, card_state("lapsed"))], ..raise("CaptureFailed") }];
        }
        "void" => {
            let from = ["authorised", "maybe_authorised", "maybe_captured"];
            def.params = vec![resource_param("CardMoney", &from, "voided", None)];
            let told = vec![(0, Some(card_state("maybe_captured")), card_state("captured"))];
            def.raises = vec![Raise { states: told, ..raise("AlreadyCaptured") }];
            def.retriable = true;
        }
        "refund" => {
            def.params = vec![resource_param("CardMoney", &["captured"], "refunded", None), number];
            def.retriable = true;
        }
        "assign_pick" => {
            let args = vec![this()];
            def.class = OpClass::Compensatable(Undo { op: op("cancel_pick"), args, needs_result: false });
            def.raises = vec![raise("Boom")];
        }
        "post_invoice" => {
            def.idempotency = Some(Idempotency { name: "id".to_owned(), key: Vec::new(), kept_ms: Some(3_600_000) });
            let result = Code { ops: vec![Instr::Local(1)], consts: Vec::new(), locals: 2 };
            let args = vec![result];
            def.class = OpClass::Compensatable(Undo { op: op("post_credit_note"), args, needs_result: true });
            def.raises = vec![raise("Boom"), Raise { outcome_unknown: true, ..raise("Foggy") }];
        }
        "cancel_pick" | "post_credit_note" => {
            def.class = OpClass::Settles;
            def.retriable = true;
        }
        "notify" => def.class = OpClass::Harmless,
        "ship" => {
            def.class = OpClass::Irreversible;
            def.raises = vec![raise("Boom")];
        }
        "check" => {
            def.class = OpClass::Read;
            def.raises = vec![raise("Boom"), raise("OutOfStock")];
        }
        // Compensatable and in doubt after its own error.
        "pack" => {
            let args = vec![this()];
            def.class = OpClass::Compensatable(Undo { op: op("cancel_pick"), args, needs_result: false });
            def.raises = vec![Raise { outcome_unknown: true, ..raise("Foggy") }];
        }
        _ => panic!("no operation {name}"),
    }
    def
}
