//! Flows in virtual time. One order in a world that does exactly what a case says: which calls are refused, what each parcel meets, which
//! events come from outside.
#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "in test support a panic is how a test fails"
)]
pub(crate) mod cases;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, LazyLock},
};

use flowline_core::{Answer, Call, Output, RunId};
use flowline_driver::Outcome;
use flowline_engine::{
    Dedupe, Engine, EngineOptions, EngineParts, EventIn, Given, NoWatch, Order, Origin, Step, Watch, outcome_name,
};
use flowline_journal::{Journal, MemoryJournal, Record};
use flowline_plan::{Bundle, ErrorValue, Type, TypeId, TypeKind, Value, json::JsonReader, json::to_json};
use flowline_sim::{EventRate, Held, MemoryLog, SystemRates, World, WorldConfig};
use serde_json::{Value as Json, json};

pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;
/// Monday, 1 June 2026, 10:00 in Berlin: shops are open.
const PLACED_AT: i64 = 1_780_300_800_000;

/// What the story leaves out: steps that say nothing about an exception.
const QUIET: [&str; 6] = [
    "inventory.check",
    "inventory.hold",
    "oms.route",
    "oms.create_parcel",
    "wms.release_order",
    "store_ops.assign_pick",
];

/// The project of `workflows/`.
pub(crate) static PROJECT: LazyLock<Outcome> = LazyLock::new(|| {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows");
    let outcome = flowline_driver::compile(&project).unwrap();
    assert!(!outcome.has_errors(), "{:?}", outcome.diagnostics);
    outcome
});

pub(crate) static BUNDLE: LazyLock<Arc<Bundle>> = LazyLock::new(|| Arc::new(PROJECT.bundle.clone().unwrap()));

/// What a warehouse does with a parcel, so long after it was told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    Leaves(i64),
    ShortPicked(i64),
    Silence,
}

/// An order and all that happens around it. Whatever is not said goes well, except that nobody sends an event.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) pickup: bool,
    /// How each line's goods want to be handled; the sku follows: `A`, `B`, …, 10 EUR each.
    pub(crate) lines: &'static [&'static str],
    /// Operation, which of its calls (from 1), business error.
    pub(crate) refused: &'static [(&'static str, u32, &'static str)],
    /// In the order in which warehouses are asked.
    pub(crate) parcels: &'static [Fate],
    /// Banks don't stand by their promise.
    pub(crate) capture_fails: bool,
    pub(crate) pays_debts: bool,
    /// From outside: how long after the order, type, and what besides the order's id is in it.
    pub(crate) events: &'static [(i64, &'static str, &'static str)],
    /// One call in ten finds its system down, one answer in ten is lost.
    pub(crate) rough: bool,
    /// The customer cancels while this operation is under way, the first time that it is called.
    pub(crate) cancelled_during: Option<&'static str>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// Statuses, messages, events, endings, and the steps that matter, of all its runs in their order.
    pub(crate) story: Vec<String>,
    /// By state: amounts of money, numbers of holds.
    pub(crate) money: String,
    pub(crate) stock: String,
}

impl Told {
    /// How often a line is in the story.
    pub(crate) fn count(&self, line: &str) -> usize {
        self.story.iter().filter(|told| *told == line).count()
    }
}

impl Case {
    /// No lines, and nothing happens.
    pub(crate) const NOTHING: Self = Self {
        seed: 0,
        pickup: false,
        lines: &[],
        refused: &[],
        parcels: &[],
        capture_fails: false,
        pays_debts: false,
        events: &[],
        rough: false,
        cancelled_during: None,
    };

    /// Runs the order until nothing is due any more.
    pub(crate) fn play(&self) -> Told {
        let journal = MemoryJournal::new();
        let mut play = Play::new(self, journal.clone());
        while play.advance() {}
        assert_eq!(play.engine.live().count(), 0, "every run has ended");
        let accounts = play.world.accounts(play.engine.now());
        assert!(accounts.is_clean() && accounts.misuses.is_empty(), "{accounts:?}");
        let (mut money, mut stock) = (String::new(), String::new());
        for resource in &accounts.resources {
            if resource.resource == "CardMoney" {
                let amounts = resource.amounts.iter().map(|(state, sums)| format!("{state} {}", sums.join(" + ")));
                money = amounts.filter(|text| !text.ends_with(" 0.00 EUR")).collect::<Vec<_>>().join(", ");
            } else {
                let counts = resource.by_state.iter().map(|(state, count)| format!("{state} {count}"));
                stock = counts.collect::<Vec<_>>().join(", ");
            }
        }
        let first = if self.pickup { "pickup_in_store" } else { "ship_order" };
        let mut watch = Story::default();
        open(Arc::new(journal), &mut watch);
        let line = |told: Line| if told.flow == first { told.line } else { format!("{}: {}", told.flow, told.line) };
        Told { story: watch.lines.into_iter().map(line).collect(), money, stock }
    }

    fn world(&self) -> World {
        let share = if self.rough { 0.1 } else { 0.0 };
        let rates = SystemRates { lost_answer: share, down: share, ..SystemRates::default() };
        let mut systems: BTreeMap<String, SystemRates> =
            BUNDLE.systems.iter().map(|system| (system.name.clone(), rates.clone())).collect();
        if self.capture_fails {
            let payments = systems.entry("payments".to_owned()).or_default();
            payments.errors.insert("CaptureFailed".to_owned(), 1.0);
        }
        let silent = |ty: &flowline_plan::TypeDef| (ty.name.clone(), EventRate { after_ms: HOUR, rate: 0.0 });
        let mut events: BTreeMap<String, EventRate> =
            BUNDLE.types.iter().filter(|ty| matches!(ty.kind, TypeKind::Event(_))).map(silent).collect();
        let debt = events.iter_mut().find(|(name, _)| name.ends_with("DebtPaid")).unwrap();
        debt.1.rate = if self.pays_debts { 1.0 } else { 0.0 };
        let config = WorldConfig { seed: self.seed, systems, events, ..WorldConfig::default() };
        World::open(Arc::clone(&BUNDLE), config, Held::default(), Box::new(MemoryLog::default())).unwrap()
    }

    fn placed(&self) -> Json {
        let line = |(at, handling): (usize, &&str)| {
            let sku = char::from(b'A' + u8::try_from(at).unwrap()).to_string();
            json!({ "sku": sku, "quantity": 1, "unit_price": { "amount": "10.00", "currency": "EUR" }, "handling": handling })
        };
        json!({ "order": {
            "id": "O-1", "channel": "web", "delivery": if self.pickup { "pickup" } else { "ship" },
            "customer": "C-1", "store": "store-1",
            "ship_to": { "name": "Alva Holm", "street": "Gartenweg 1", "postcode": "10115", "city": "Lindau", "country": "DE" },
            "payment": "tok_1", "lines": self.lines.iter().enumerate().map(line).collect::<Vec<_>>(),
            "placed_at": "2026-06-01T08:00:00Z",
        } })
    }
}

/// The engine on a journal; whoever watches sees what is in it.
pub(crate) fn open(journal: Arc<dyn Journal>, watch: &mut dyn Watch) -> Engine {
    let parts = EngineParts {
        bundle: Arc::clone(&BUNDLE),
        store: None,
        dedupe: Dedupe::Memory(BTreeSet::new()),
        options: EngineOptions::default(),
    };
    Engine::open(parts, journal, watch).unwrap().0
}

struct Play<'a> {
    case: &'a Case,
    engine: Engine,
    world: World,
    given: BTreeMap<i64, Vec<Given>>,
    /// Events of parcels: when, of which parcel.
    parcels: Vec<(i64, Value, &'static str)>,
    /// Parcels that warehouses were told of.
    released: Vec<Value>,
    calls: BTreeMap<String, u32>,
}

impl<'a> Play<'a> {
    fn new(case: &'a Case, journal: MemoryJournal) -> Self {
        let (engine, world) = (open(Arc::new(journal), &mut NoWatch), case.world());
        let mut given: BTreeMap<i64, Vec<Given>> = BTreeMap::new();
        let placed = event("retail.order.placed.v1", "placed", &case.placed());
        given.entry(PLACED_AT).or_default().push(Given::Event(placed));
        for (no, (after, ty, more)) in case.events.iter().enumerate() {
            // `=` repeats the event before it: the same source and id.
            let (id, more) = more.strip_prefix('=').map_or((no, *more), |more| (no - 1, more));
            let mut data: Json = serde_json::from_str(&format!("{{{more}}}")).unwrap();
            let order = if ty.ends_with("placed.v1") { case.placed()["order"].clone() } else { json!("O-1") };
            data["order"] = order;
            given.entry(PLACED_AT + after).or_default().push(Given::Event(event(ty, &format!("e{id}"), &data)));
        }
        Self { case, engine, world, given, parcels: Vec::new(), released: Vec::new(), calls: BTreeMap::new() }
    }

    fn advance(&mut self) -> bool {
        let due = [
            self.engine.next_due(),
            self.given.keys().next().copied(),
            self.world.next_due(),
            self.parcels.iter().map(|(at, ..)| *at).min(),
        ];
        let Some(now) = due.into_iter().flatten().min() else { return false };
        let now = now.max(self.engine.now());
        let later = self.given.split_off(&(now + 1));
        let mut given: Vec<Given> = std::mem::replace(&mut self.given, later).into_values().flatten().collect();
        for flowline_sim::WorldEvent { source, id, event, value, .. } in self.world.take_due(now) {
            given.push(Given::Event(EventIn { source, id, event, value, origin: Origin::World }));
        }
        for (at, parcel, ty) in std::mem::take(&mut self.parcels) {
            if at > now {
                self.parcels.push((at, parcel, ty));
                continue;
            }
            let Value::Text(parcel) = &parcel else { panic!("a parcel's number is a text") };
            let data = json!({ "parcel": parcel.as_ref(), "tracking": "T-1", "reason": "not found" });
            given.push(Given::Event(event(ty, &format!("{parcel}-{ty}"), &data)));
        }
        let taken = self.engine.take(now, given).unwrap();
        self.engine.journal().wait(taken.seq).unwrap();
        for Order { run, call } in taken.orders {
            let op = BUNDLE.op_name(call.op);
            let nth = self.calls.entry(op.clone()).or_default();
            *nth += 1;
            let refused = self.case.refused.iter().find(|(name, at, _)| *name == op && at == nth);
            let (at, answer) = if let Some((_, _, error)) = refused {
                (call.at + 1_000, Answer::Error(business_error(error)))
            } else {
                let scheduled = self.world.call(run, &call).unwrap();
                (scheduled.at, scheduled.answer)
            };
            if *nth == 1 && self.case.cancelled_during == Some(op.as_str()) {
                let data = json!({ "order": "O-1", "reason": "changed my mind" });
                let cancel = event("retail.order.cancel_requested.v1", "during", &data);
                self.given.entry(call.at + 1).or_default().push(Given::Event(cancel));
            }
            if !matches!(answer, Answer::Refused(_)) {
                self.parcel_work(&op, &call);
            }
            let answer = Given::Answer { run, call: call.call, attempt: call.attempt, answer };
            self.given.entry(at).or_default().push(answer);
        }
        true
    }

    fn parcel_work(&mut self, op: &str, call: &Call) {
        match op {
            "wms.release_order" if !self.released.contains(&call.args[0]) => {
                let fate = self.case.parcels.get(self.released.len()).copied().unwrap_or(Fate::Silence);
                let parcel = call.args[0].clone();
                self.released.push(parcel.clone());
                match fate {
                    Fate::Leaves(after) => {
                        self.parcels.push((call.at + after, parcel, "retail.shipment.dispatched.v1"));
                    }
                    Fate::ShortPicked(after) => {
                        self.parcels.push((call.at + after, parcel, "retail.fulfilment.short_picked.v1"));
                    }
                    Fate::Silence => {}
                }
            }
            "wms.cancel_order" => self.parcels.retain(|(_, parcel, _)| *parcel != call.args[0]),
            _ => {}
        }
    }
}

/// An event of a type, read from its JSON.
pub(crate) fn event(ty: &str, id: &str, data: &Json) -> EventIn {
    let (at, def) = BUNDLE
        .types
        .iter()
        .enumerate()
        .find_map(|(at, def)| match &def.kind {
            TypeKind::Event(event) if event.full_type() == ty => Some((at, event)),
            _ => None,
        })
        .unwrap();
    let value = JsonReader::new(&BUNDLE, &mut |_, _| Ok(true)).read_fields(&def.fields, data).unwrap();
    EventIn { source: "/test".to_owned(), id: id.to_owned(), event: TypeId::from(at), value, origin: Origin::Outside }
}

fn business_error(name: &str) -> ErrorValue {
    let at = BUNDLE.types.iter().position(|ty| ty.short_name() == name).unwrap();
    let TypeKind::Error(fields) = &BUNDLE.types[at].kind else { panic!("{name} is no error") };
    let empty =
        |ty: &Type| if matches!(ty, Type::List(..)) { Value::List([].into()) } else { Value::Text("no".into()) };
    let fields = fields.iter().map(|field| empty(&field.ty)).collect();
    ErrorValue { error: TypeId::from(at), fields, text: name.into() }
}

/// Reads the stories of runs off a journal.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) lines: Vec<Line>,
}

/// What one run did or said.
pub(crate) struct Line {
    pub(crate) run: RunId,
    pub(crate) flow: String,
    pub(crate) line: String,
}

impl Story {
    fn tell(&self, step: &Step, output: &Output) -> Option<String> {
        let plan = BUNDLE.flow(step.flow).unwrap();
        let json = |ty: &Type, value: &Value| to_json(&BUNDLE, ty, value, &|_| None);
        Some(match output {
            Output::Status { value, part } => {
                let name = json(&Type::Named(plan.status.as_ref()?.values), value);
                format!("status {}{}", name.as_str()?, if part.is_some() { " of a parcel" } else { "" })
            }
            Output::Emit { event, value, .. } => {
                let data = json(&Type::Named(*event), value);
                let skus = data["skus"].as_array().map(|skus| skus.iter().filter_map(Json::as_str).collect::<Vec<_>>());
                let skus = skus.map_or(String::new(), |skus| format!(" {}", skus.join(" ")));
                let reason = data["reason"].as_str().map_or(String::new(), |reason| format!(", {reason}"));
                let all = if data["full"] == json!(true) { ", nothing is left" } else { "" };
                format!("emit {}{skus}{reason}{all}", BUNDLE.ty(*event)?.short_name())
            }
            Output::Call(call) if call.attempt == 1 => {
                let op = BUNDLE.op_name(call.op);
                if QUIET.contains(&op.as_str()) {
                    return None;
                }
                if op != "notify.send" {
                    return Some(op);
                }
                let template = json(&BUNDLE.op(call.op)?.params[1].ty, &call.args[1]);
                let name = template.as_object()?.keys().next()?.clone();
                format!("mail {name}")
            }
            Output::Ended(ending) => format!("ended {}", outcome_name(&BUNDLE, ending)),
            Output::Incident { incident, .. } => format!("INCIDENT {incident}"),
            _ => return None,
        })
    }
}

impl Watch for Story {
    fn wants_steps(&self) -> bool {
        true
    }

    fn step(&mut self, _record: &Record, step: &Step) {
        let flow = BUNDLE.flow(step.flow).unwrap().short_name();
        let lines = step.outputs.iter().filter_map(|output| self.tell(step, output)).collect::<Vec<_>>();
        self.lines.extend(lines.into_iter().map(|line| Line { run: step.run, flow: flow.to_owned(), line }));
    }
}
