//! What the world knows: the sum of its records. Only [`Ledger::apply`] changes it, in life and when a log is read back.
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use flowline_core::{Answer, CallKey, RunId, hash128};
use flowline_plan::{Bundle, Money, OpRef, StateId, StateKind, TypeId, Value};
use rust_decimal::Decimal;
use rustc_hash::FxHashMap;

use crate::{
    contract::{kind_of, state_name, type_name},
    entry::{Change, Course, Entry, Outcome, ResourceChange},
    schedule::{Place, Schedule},
};

/// An attempt can be repeated after a kill until its answer is durable, and the clock only goes on then. What was
/// answered so long before the newest call, ms, is never asked for again.
const REPEATS_WITHIN_MS: i64 = 3_600_000;
/// More messages about misuse than this help nobody.
const MISUSES_LEN_MAX: usize = 100;

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// When the newest call was made, ms.
    pub(crate) newest: i64,
    seen: FxHashMap<CallKey, Seen>,
    forget: BinaryHeap<Reverse<(i64, CallKey)>>,
    deeds: FxHashMap<u128, DeedKept>,
    pub(crate) resources: FxHashMap<u128, Resource>,
    undoable: FxHashMap<u128, Vec<Undoable>>,
    pub(crate) schedule: Schedule,
    pub(crate) ops: BTreeMap<OpRef, OpCount>,
    /// Keys that took effect more than once.
    pub(crate) doubled: BTreeMap<u128, Repeated>,
    pub(crate) misuses: Vec<String>,
}

/// The last attempt under a call's key.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    attempt: u32,
    at: i64,
    pub(crate) answer_at: i64,
    pub(crate) answer: Answer,
}

/// What was done under a key of an operation.
#[derive(Debug, Clone)]
pub(crate) struct DeedKept {
    /// When it was last done or refused, ms.
    pub(crate) at: i64,
    pub(crate) effects: u32,
    pub(crate) answer: Option<Answer>,
}

/// A key that took effect more than once.
#[derive(Debug, Clone)]
pub(crate) struct Repeated {
    pub(crate) op: OpRef,
    pub(crate) key: String,
    pub(crate) effects: u32,
    pub(crate) run: RunId,
}

#[derive(Debug)]
struct Undoable {
    op: OpRef,
    undone: bool,
    events: Vec<Place>,
}

/// Counts of an operation.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpCount {
    pub(crate) calls: u64,
    pub(crate) effects: u64,
    pub(crate) doubled: u64,
    pub(crate) remembered: u64,
    pub(crate) refused: u64,
    pub(crate) lost_calls: u64,
    pub(crate) lost_answers: u64,
    pub(crate) misuses: u64,
    pub(crate) undone: u64,
    pub(crate) errors: BTreeMap<TypeId, u64>,
}

/// A resource as it really is.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) ty: TypeId,
    pub(crate) id: Value,
    /// The run that opened it, or let it go first.
    pub(crate) run: RunId,
    state: StateId,
    /// Since when it is in that state, ms.
    pub(crate) since: i64,
    pub(crate) fields: Vec<Value>,
    /// How often it was opened.
    pub(crate) opened: u32,
    pub(crate) tombstone: bool,
    /// The last open state it was in: what a part of it begins with.
    last_open: Option<StateId>,
    pub(crate) whole: Option<u128>,
    /// The amount it was opened with, where it splits.
    pub(crate) total: Option<Money>,
    /// The sum of the parts that were split off.
    pub(crate) parts: Decimal,
    /// The amount that the last call stood for.
    pub(crate) told: Option<Money>,
}

impl Resource {
    /// The state at `now`: time may have ended the one that a call reached.
    pub(crate) fn state(&self, bundle: &Bundle, now: i64) -> StateId {
        self.expired(bundle, self.state, now)
    }

    /// The state that a part of it begins with.
    pub(crate) fn state_of_part(&self, bundle: &Bundle, now: i64) -> StateId {
        self.expired(bundle, self.last_open.unwrap_or(self.state), now)
    }

    /// Whether time has ended the open state it was in last.
    pub(crate) fn has_lapsed(&self, bundle: &Bundle, now: i64) -> bool {
        self.last_open.is_some_and(|open| self.expired(bundle, open, now) != open)
    }

    /// Whether time ended its state.
    pub(crate) fn has_expired(&self, bundle: &Bundle, now: i64) -> bool {
        self.state(bundle, now) != self.state
    }

    fn expired(&self, bundle: &Bundle, state: StateId, now: i64) -> StateId {
        let def = bundle.resource(self.ty).and_then(|def| def.states.get(state.index()));
        let Some(expiry) = def.and_then(|def| def.expires.as_ref()) else { return state };
        match self.fields.get(usize::from(expiry.field)) {
            Some(Value::Instant(end)) if *end <= now => expiry.into,
            Some(_) | None => state,
        }
    }

    /// What no part has taken, and no call has closed.
    pub(crate) fn left(&self, bundle: &Bundle) -> Option<Decimal> {
        let total = self.total?.amount.checked_sub(self.parts)?;
        let closed = kind_of(bundle, self.ty, self.state) == Some(StateKind::Closed);
        match self.told {
            Some(told) if closed => total.checked_sub(told.amount),
            Some(_) | None => Some(total),
        }
    }
}

/// The name of a resource in the ledger.
pub(crate) fn resource_key(ty: TypeId, id: &Value) -> u128 {
    hash128("resource", &[&ty.0.to_le_bytes(), &flowline_plan::json::encode_value(id)])
}

impl Ledger {
    /// The answer of exactly this attempt, where it was here before.
    pub(crate) fn seen(&self, key: CallKey, attempt: u32, at: i64) -> Option<&Seen> {
        self.seen.get(&key).filter(|seen| seen.attempt == attempt && seen.at == at)
    }

    pub(crate) fn deed(&self, hash: u128) -> Option<&DeedKept> {
        self.deeds.get(&hash)
    }

    pub(crate) fn resource(&self, ty: TypeId, id: &Value) -> Option<&Resource> {
        self.resources.get(&resource_key(ty, id))
    }

    /// Makes a record true.
    pub(crate) fn apply(&mut self, bundle: &Bundle, entry: Entry) {
        self.count(bundle, &entry);
        let Entry { run, key, attempt, at, op, answer_at, answer, course: _, outcome } = entry;
        let Outcome { acted, deed, resources, events, undo, undoes, .. } = outcome;
        for change in resources {
            self.change(bundle, run, at, change);
        }
        let places: Vec<Place> = events.into_iter().map(|event| self.schedule.add(event)).collect();
        if let Some(undoes) = undoes.filter(|_| acted) {
            self.undo(undoes, at);
        }
        if let Some(undo) = undo {
            self.undoable.entry(undo).or_default().push(Undoable { op, undone: false, events: places });
        }
        if let Some(deed) = deed {
            let kept = self.deeds.entry(deed.hash).or_insert(DeedKept { at, effects: 0, answer: None });
            kept.at = at;
            kept.effects += u32::from(acted);
            kept.answer = deed.answer;
            if acted && kept.effects > 1 {
                let (effects, key) = (kept.effects, deed.label.unwrap_or_default());
                self.ops.entry(op).or_default().doubled += 1;
                self.doubled.insert(deed.hash, Repeated { op, key, effects, run });
            }
        }
        self.seen.insert(key, Seen { attempt, at, answer_at, answer });
        self.forget.push(Reverse((answer_at, key)));
        self.newest = self.newest.max(at);
        self.forget_old();
    }

    fn forget_old(&mut self) {
        let oldest = self.newest.saturating_sub(REPEATS_WITHIN_MS);
        while let Some(Reverse((answer_at, key))) = self.forget.peek().copied().filter(|Reverse((at, _))| *at < oldest)
        {
            self.forget.pop();
            if self.seen.get(&key).is_some_and(|seen| seen.answer_at == answer_at) {
                self.seen.remove(&key);
            }
        }
    }

    fn count(&mut self, bundle: &Bundle, entry: &Entry) {
        let count = self.ops.entry(entry.op).or_default();
        let outcome = &entry.outcome;
        count.calls += 1;
        count.effects += u64::from(outcome.acted);
        count.remembered += u64::from(outcome.remembered);
        match entry.course {
            Course::Answered => {}
            Course::Refused => count.refused += 1,
            Course::LostCall => count.lost_calls += 1,
            Course::LostAnswer => count.lost_answers += 1,
        }
        if let Some(error) = outcome.error {
            *count.errors.entry(error).or_default() += 1;
        }
        if let Some(misuse) = &outcome.misuse {
            count.misuses += 1;
            if self.misuses.len() < MISUSES_LEN_MAX {
                self.misuses.push(format!("{}, run {}: {misuse}", bundle.op_name(entry.op), entry.run));
            }
        }
    }

    fn undo(&mut self, undoes: u128, now: i64) {
        for done in self.undoable.get_mut(&undoes).into_iter().flatten().filter(|done| !done.undone) {
            done.undone = true;
            self.ops.entry(done.op).or_default().undone += 1;
            for place in done.events.drain(..) {
                self.schedule.stop(&place, now);
            }
        }
    }

    fn change(&mut self, bundle: &Bundle, run: RunId, at: i64, change: ResourceChange) {
        let ResourceChange { ty, id, how, state } = change;
        let key = resource_key(ty, &id);
        let is_open = kind_of(bundle, ty, state) == Some(StateKind::Open);
        let fresh = |fields: Vec<Value>, id: Value| Resource {
            ty,
            id,
            run,
            state,
            since: at,
            total: split_amount(bundle, ty, &fields),
            fields,
            opened: 0,
            tombstone: false,
            last_open: is_open.then_some(state),
            whole: None,
            parts: Decimal::ZERO,
            told: None,
        };
        match how {
            Change::Opened { fields } => {
                let opened = self.resources.get(&key).map_or(0, |resource| resource.opened) + 1;
                self.resources.insert(key, Resource { opened, ..fresh(fields, id) });
            }
            Change::Split { whole, fields } => {
                let whole = resource_key(ty, &whole);
                let mut part = Resource { whole: Some(whole), ..fresh(fields, id) };
                part.told = part.total;
                if let Some(whole) = self.resources.get_mut(&whole) {
                    part.last_open = part.last_open.or(whole.last_open);
                    let amount = part.total.map_or(Decimal::ZERO, |total| total.amount);
                    whole.parts = whole.parts.saturating_add(amount);
                }
                self.resources.insert(key, part);
            }
            Change::Tombstone => {
                self.resources.insert(key, Resource { tombstone: true, ..fresh(Vec::new(), id) });
            }
            Change::Moved { amount } => {
                let Some(resource) = self.resources.get_mut(&key) else { return };
                resource.state = state;
                resource.since = at;
                resource.told = amount;
                if is_open {
                    resource.last_open = Some(state);
                }
            }
        }
    }
}

/// The amount of a resource that splits.
pub(crate) fn split_amount(bundle: &Bundle, ty: TypeId, fields: &[Value]) -> Option<Money> {
    let at = bundle.resource(ty)?.splits_by?;
    match fields.get(usize::from(at)) {
        Some(Value::Money(money)) => Some(*money),
        Some(_) | None => None,
    }
}

/// A resource, for messages: `CardMoney 3fa… (captured)`.
pub(crate) fn describe(bundle: &Bundle, ty: TypeId, id: &Value, state: Option<StateId>) -> String {
    let state = state.map_or_else(|| "never opened".to_owned(), |state| state_name(bundle, ty, state));
    format!("{} `{}` is {state}", type_name(bundle, ty), shown(id))
}

/// An id or a key as people read it.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::None => "none".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Case(case) => format!("case {case}"),
        Value::Money(money) => money.to_string(),
        Value::List(list) | Value::Record(list) => list.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Bool(_)
        | Value::Decimal(_)
        | Value::Instant(_)
        | Value::Date(_)
        | Value::Duration(_)
        | Value::BusinessDuration { .. }
        | Value::Currency(_)
        | Value::Variant(_)
        | Value::Map(_)
        | Value::Error(_)
        | Value::Resource(_) => format!("{value:?}"),
    }
}
