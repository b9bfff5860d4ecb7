//! The systems that sketches call: stock, money, mail and books, as the standard library has them.
use flowline_plan::*;

const ERRORS: [&str; 6] = ["OutOfStock", "Declined", "CaptureFailed", "AlreadyCaptured", "GatewayDown", "Refused"];
const EVENTS: [&str; 4] = ["PickedUp", "PickRejected", "OrderCancelled", "Dispatched"];

/// The bundle of all sketches.
pub(super) fn contracts() -> Bundle {
    let mut bundle = Bundle { name: "sketches".to_owned(), ..Bundle::default() };
    for name in ERRORS {
        declare(&mut bundle, name, TypeKind::Error(Vec::new()));
    }
    for name in EVENTS {
        let event = EventDef {
            version: 1,
            ce_type: name.to_owned(),
            from: None,
            fields: Vec::new(),
            keys: Vec::new(),
            kept_ms: 0,
        };
        declare(&mut bundle, name, TypeKind::Event(event));
    }
    let hold = resource("held maybe_held? maybe_committed? committed! released!");
    declare(&mut bundle, "StockHold", TypeKind::Resource(hold));
    let card = resource("authorised maybe_authorised? maybe_captured? captured! voided! refunded! lapsed!");
    declare(&mut bundle, "CardMoney", TypeKind::Resource(card));
    bundle.systems = vec![
        system(
            &bundle,
            "inventory",
            &[
                "hold -> StockHold held ?maybe_held raises OutOfStock",
                "commit StockHold held,maybe_committed>committed ?maybe_committed",
                "release StockHold held,maybe_held>released",
                "check raises OutOfStock",
                "recount StockHold held,maybe_held>held",
                "return StockHold held,maybe_held>released raises Refused",
            ],
        ),
        system(
            &bundle,
            "payments",
            &[
                "authorise -> CardMoney authorised ?maybe_authorised raises Declined",
                "capture CardMoney authorised,maybe_captured>captured ?maybe_captured raises CaptureFailed(>lapsed)",
                "charge CardMoney authorised>captured ?maybe_captured raises GatewayDown??",
                "void CardMoney authorised,maybe_authorised,maybe_captured>voided raises AlreadyCaptured(maybe_captured>captured)",
                "refund CardMoney captured>refunded",
                "look CardMoney authorised>",
            ],
        ),
        system(&bundle, "notify", &["send"]),
        system(&bundle, "erp", &["post raises Refused"]),
    ];
    for (ty, state, call) in [
        ("StockHold", "held", "inventory.release"),
        ("StockHold", "maybe_held", "inventory.release"),
        ("StockHold", "maybe_committed", "inventory.commit"),
        ("CardMoney", "authorised", "payments.void"),
        ("CardMoney", "maybe_authorised", "payments.void"),
        ("CardMoney", "maybe_captured", "payments.void"),
        ("CardMoney", "captured", "payments.refund"),
    ] {
        set_row(&mut bundle, ty, state, call);
    }
    let mut child = super::header::bare("child", vec![ty(&bundle, "Refused")]);
    let label = "Flow".to_owned();
    child.scopes.push(Scope {
        kind: ScopeKind::Flow,
        parent: None,
        entry: None,
        slots: Vec::new(),
        label,
        span: SpanId(0),
    });
    bundle.flows.push(child.into());
    bundle
}

pub(super) fn ty(bundle: &Bundle, name: &str) -> TypeId {
    let at = bundle.types.iter().position(|ty| ty.name == name);
    TypeId::from(at.unwrap_or_else(|| panic!("no type {name}")))
}

pub(super) fn op(bundle: &Bundle, name: &str) -> OpRef {
    let (system, op) = name.split_once('.').unwrap();
    let at = bundle.systems.iter().position(|known| known.name == system).unwrap();
    let op = bundle.systems[at].ops.iter().position(|known| known.name == op);
    OpRef { system: SystemId::from(at), op: OpId::from(op.unwrap_or_else(|| panic!("no operation {name}"))) }
}

/// Takes away the abandon row of `Type.state`.
pub(super) fn drop_row(bundle: &mut Bundle, state: &str) {
    let (ty, state) = state.split_once('.').unwrap();
    state_mut(bundle, ty, state).abandon = None;
}

/// Puts another operation into a row: `Type.state system.op`.
pub(super) fn change_row(bundle: &mut Bundle, row: &str) {
    let (place, call) = row.split_once(' ').unwrap();
    let (ty, state) = place.split_once('.').unwrap();
    set_row(bundle, ty, state, call);
}

fn set_row(bundle: &mut Bundle, ty: &str, state: &str, call: &str) {
    let this = Code { ops: vec![Instr::Local(0)], locals: 1, ..Code::default() };
    let row = Abandon { op: op(bundle, call), args: vec![this] };
    state_mut(bundle, ty, state).abandon = Some(row);
}

fn declare(bundle: &mut Bundle, name: &str, kind: TypeKind) {
    bundle.types.push(TypeDef { name: name.to_owned(), doc: String::new(), kind });
}

fn state_mut<'b>(bundle: &'b mut Bundle, name: &str, state: &str) -> &'b mut StateDef {
    let at = ty(bundle, name);
    let TypeKind::Resource(def) = &mut bundle.types[at.index()].kind else { panic!("{name} is no resource") };
    def.states.iter_mut().find(|known| known.name == state).unwrap()
}

/// `held maybe_held? released!`: open, doubt, closed.
fn resource(states: &str) -> ResourceDef {
    let state = |text: &str| {
        let (name, kind) = match (text.strip_suffix('?'), text.strip_suffix('!')) {
            (Some(name), _) => (name, StateKind::Doubt),
            (None, Some(name)) => (name, StateKind::Closed),
            (None, None) => (text, StateKind::Open),
        };
        StateDef { name: name.to_owned(), kind, abandon: None, expires: None }
    };
    ResourceDef { fields: Vec::new(), states: states.split(' ').map(state).collect(), splits_by: Some(0) }
}

/// `capture CardMoney from,from>to ?doubt raises E(from>to)`, `hold -> StockHold state ?doubt raises E`; `E??` leaves
/// the outcome unknown.
fn system(bundle: &Bundle, name: &str, ops: &[&str]) -> SystemDef {
    let ops = ops.iter().map(|text| operation(bundle, text)).collect();
    SystemDef { name: name.to_owned(), label: name.to_owned(), owns: Vec::new(), ops }
}

fn operation(bundle: &Bundle, text: &str) -> OpDef {
    let (text, raises) = text.split_once(" raises ").unwrap_or((text, ""));
    let words: Vec<&str> = text.trim_end_matches(" raises").split(' ').collect();
    let doubt = words.iter().find_map(|word| word.strip_prefix('?'));
    let (mut opens, mut params, mut of) = (None, Vec::new(), None);
    let state = |of: TypeId, name: &str| bundle.resource(of).unwrap().state(name).unwrap();
    match words.as_slice() {
        [_, "->", resource, now, ..] => {
            let of = ty(bundle, resource);
            opens = Some(Opens { resource: of, state: state(of, now), doubt: doubt.map(|doubt| state(of, doubt)) });
        }
        [_, resource, change, ..] => {
            let own = ty(bundle, resource);
            of = Some(own);
            let (from, to) = change.split_once('>').unwrap();
            params.push(OpParam {
                name: "it".to_owned(),
                ty: Type::Resource(own),
                resource: Some(ResourceUse {
                    from: from.split(',').map(|name| state(own, name)).collect(),
                    to: (!to.is_empty()).then(|| state(own, to)),
                    doubt: doubt.map(|doubt| state(own, doubt)),
                }),
            });
        }
        _ => {}
    }
    let raise = |text: &str| {
        let (name, told) = text.split_once('(').unwrap_or((text, ""));
        let told = told.trim_end_matches(')').split_once('>');
        Raise {
            error: ty(bundle, name.trim_end_matches('?')),
            outcome_unknown: name.ends_with('?'),
            states: told
                .map(|(from, to)| {
                    let of = of.unwrap();
                    (0, (!from.is_empty()).then(|| state(of, from)), state(of, to))
                })
                .into_iter()
                .collect(),
        }
    };
    OpDef {
        name: words[0].to_owned(),
        doc: String::new(),
        params,
        result: Type::Unit,
        opens,
        class: OpClass::Transition,
        retriable: false,
        idempotency: None,
        raises: raises.split(", ").filter(|text| !text.is_empty()).map(raise).collect(),
        takes_ms: (0, 0),
        timeout_ms: 0,
        retry: RetryPolicy { retries_max: None, first_ms: 0, longest_ms: 0 },
        later: Vec::new(),
        writes: Vec::new(),
    }
}
