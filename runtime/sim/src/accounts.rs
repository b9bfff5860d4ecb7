//! The accounts: what became of every resource, and how often everything was done.
use std::{collections::BTreeMap, fmt};

use flowline_plan::{Bundle, Currency, Money, OpClass, StateId, StateKind, TypeId};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    contract::{kind_of, ops, state_name, type_name},
    ledger::{Ledger, OpCount, Resource, shown},
};

/// What a simulated world came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Accounts {
    /// By the resource's name; types of which there is none are left out.
    pub resources: Vec<ResourceAccount>,
    /// By the operation's name; those never called are left out.
    pub ops: Vec<OpAccount>,
    /// Resources that are still open, or whose amounts don't add up; by resource and id.
    pub unsettled: Vec<Unsettled>,
    /// Keys that took effect more than once; by operation and key.
    pub doubled: Vec<Doubled>,
    /// The first hundred calls that made no sense, in the order in which they came.
    pub misuses: Vec<String>,
}

/// One type of resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceAccount {
    pub resource: String,
    pub opened: u64,
    /// Parts that were split off a whole; not among the opened.
    pub parts: u64,
    /// Let go before they were opened; never opened since.
    pub never_opened: u64,
    /// How many ended in each state, parts included.
    pub by_state: BTreeMap<String, u64>,
    /// How much money ended in each state, by currency, where the resource splits by an amount.
    pub amounts: BTreeMap<String, Vec<String>>,
    pub unsettled: u64,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpAccount {
    pub op: String,
    /// Its contract declares a key.
    pub keyed: bool,
    /// Attempts, those included that never arrived.
    pub calls: u64,
    pub effects: u64,
    /// Effects beyond the first one of a key; for an operation on a resource without a key, of the resource.
    pub doubled: u64,
    /// Attempts answered from what the system remembers of the key.
    pub remembered: u64,
    /// Refused at the door: the system was down.
    pub refused: u64,
    pub lost_calls: u64,
    pub lost_answers: u64,
    /// Calls that made no sense and were refused for good.
    pub misuses: u64,
    /// Business errors raised, by name.
    pub errors: BTreeMap<String, u64>,
    /// Where the operation has an `undo`.
    pub undone: Option<Undone>,
}

/// What became of the effects of an operation that can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Undone {
    pub effects: u64,
    pub undone: u64,
}

/// A resource that nobody settled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unsettled {
    pub resource: String,
    pub id: String,
    pub state: String,
    /// The run that opened it, in hex.
    pub run: String,
    pub why: Why,
}

/// What is wrong with an unsettled resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Why {
    /// It is in an open state.
    Open,
    /// The amount it was opened with isn't the sum of its parts and its rest.
    Amounts { opened: String, parts: String, rest: String },
}

/// A key that took effect more than once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Doubled {
    pub op: String,
    pub key: String,
    pub effects: u32,
    /// The run that did it last, in hex.
    pub run: String,
}

impl Accounts {
    pub(crate) fn of(bundle: &Bundle, ledger: &Ledger, now: i64) -> Self {
        let mut unsettled: Vec<Unsettled> =
            ledger.resources.values().filter_map(|resource| unsettled_of(bundle, resource, now)).collect();
        unsettled.sort();
        let mut doubled: Vec<Doubled> = ledger
            .doubled
            .values()
            .map(|repeated| {
                let op = bundle.op_name(repeated.op);
                Doubled { op, key: repeated.key.clone(), effects: repeated.effects, run: repeated.run.to_string() }
            })
            .collect();
        doubled.sort();
        let called = ops(bundle).filter_map(|(op, def)| Some((ledger.ops.get(&op)?, op, def)));
        let mut ops: Vec<OpAccount> = called
            .map(|(count, op, def)| OpAccount {
                op: bundle.op_name(op),
                keyed: def.idempotency.is_some(),
                undone: matches!(def.class, OpClass::Compensatable(_))
                    .then_some(Undone { effects: count.effects, undone: count.undone }),
                ..counts(bundle, count)
            })
            .collect();
        ops.sort_by(|a, b| a.op.cmp(&b.op));
        let resources = resource_accounts(bundle, ledger, now, &unsettled);
        Self { resources, ops, unsettled, doubled, misuses: ledger.misuses.clone() }
    }

    /// Nothing is unsettled and nothing was done twice under one key.
    pub fn is_clean(&self) -> bool {
        self.unsettled.is_empty() && self.doubled.is_empty()
    }

    /// An operation's account, where it was called.
    pub fn op(&self, name: &str) -> Option<&OpAccount> {
        self.ops.iter().find(|op| op.op == name)
    }

    /// A resource's account, where there is one of it.
    pub fn resource(&self, name: &str) -> Option<&ResourceAccount> {
        self.resources.iter().find(|resource| resource.resource == name)
    }
}

fn counts(bundle: &Bundle, count: &OpCount) -> OpAccount {
    OpAccount {
        op: String::new(),
        keyed: false,
        calls: count.calls,
        effects: count.effects,
        doubled: count.doubled,
        remembered: count.remembered,
        refused: count.refused,
        lost_calls: count.lost_calls,
        lost_answers: count.lost_answers,
        misuses: count.misuses,
        errors: count.errors.iter().map(|(error, times)| (type_name(bundle, *error), *times)).collect(),
        undone: None,
    }
}

fn resource_accounts(bundle: &Bundle, ledger: &Ledger, now: i64, unsettled: &[Unsettled]) -> Vec<ResourceAccount> {
    let mut accounts: BTreeMap<TypeId, ResourceAccount> = BTreeMap::new();
    let mut amounts: BTreeMap<(TypeId, String, Currency), Decimal> = BTreeMap::new();
    for resource in ledger.resources.values() {
        let account = accounts.entry(resource.ty).or_insert_with(|| ResourceAccount {
            resource: type_name(bundle, resource.ty),
            opened: 0,
            parts: 0,
            never_opened: 0,
            by_state: BTreeMap::new(),
            amounts: BTreeMap::new(),
            unsettled: 0,
        });
        if resource.tombstone {
            account.never_opened += 1;
            continue;
        }
        account.opened += u64::from(resource.opened);
        account.parts += u64::from(resource.whole.is_some());
        let state = state_name(bundle, resource.ty, resource.state(bundle, now));
        *account.by_state.entry(state.clone()).or_default() += 1;
        if let (Some(total), Some(rest)) = (resource.total, rest_of(bundle, resource, now)) {
            let mut add = |state: String, amount: Decimal| {
                let sum = amounts.entry((resource.ty, state, total.currency)).or_default();
                *sum = sum.saturating_add(amount);
            };
            add(state, rest);
            if let Some((state, lapsed)) = lapsed_unseen(bundle, resource, rest, now) {
                add(state_name(bundle, resource.ty, state), lapsed);
            }
        }
    }
    for ((ty, state, currency), amount) in amounts {
        if let Some(account) = accounts.get_mut(&ty) {
            account.amounts.entry(state).or_default().push(Money { currency, amount }.to_string());
        }
    }
    let mut accounts: Vec<ResourceAccount> = accounts.into_values().collect();
    for account in &mut accounts {
        account.unsettled = unsettled.iter().filter(|one| one.resource == account.resource).count() as u64;
    }
    accounts.sort_by(|a, b| a.resource.cmp(&b.resource));
    accounts
}

/// What a resource stands for beside its parts: what its last call said, where one closed it.
fn rest_of(bundle: &Bundle, resource: &Resource, now: i64) -> Option<Decimal> {
    let rest = resource.total?.amount.checked_sub(resource.parts)?;
    let closed = kind_of(bundle, resource.ty, resource.state(bundle, now)) == Some(StateKind::Closed);
    match resource.told {
        Some(told) if closed && !resource.has_expired(bundle, now) => Some(told.amount),
        Some(_) | None => Some(rest),
    }
}

/// What was closed by no call, neither with the whole nor as a part, but has ended by itself meanwhile: parts that
/// nobody touched until their time was up.
fn lapsed_unseen(bundle: &Bundle, resource: &Resource, rest: Decimal, now: i64) -> Option<(StateId, Decimal)> {
    let unseen = resource.total?.amount.checked_sub(resource.parts)?.checked_sub(rest)?;
    let state = resource.state_of_part(bundle, now);
    let lapsed = kind_of(bundle, resource.ty, state) == Some(StateKind::Closed) && resource.has_lapsed(bundle, now);
    (lapsed && unseen > Decimal::ZERO).then_some((state, unseen))
}

fn unsettled_of(bundle: &Bundle, resource: &Resource, now: i64) -> Option<Unsettled> {
    let state = resource.state(bundle, now);
    let rest = rest_of(bundle, resource, now);
    let open = kind_of(bundle, resource.ty, state) != Some(StateKind::Closed);
    let why = if open {
        // A whole of which everything was taken stands for nothing.
        let shared_out = resource.parts > Decimal::ZERO && rest == Some(Decimal::ZERO);
        (!shared_out).then_some(Why::Open)?
    } else {
        let (total, rest) = resource.total.zip(rest)?;
        let same = resource.told.is_none_or(|told| told.currency == total.currency);
        let adds_up = rest.checked_add(resource.parts) == Some(total.amount);
        if same && (adds_up || lapsed_unseen(bundle, resource, rest, now).is_some()) {
            return None;
        }
        let parts = Money { amount: resource.parts, ..total };
        let rest = resource.told.unwrap_or(Money { amount: rest, ..total });
        Why::Amounts { opened: total.to_string(), parts: parts.to_string(), rest: rest.to_string() }
    };
    Some(Unsettled {
        resource: type_name(bundle, resource.ty),
        id: shown(&resource.id),
        state: state_name(bundle, resource.ty, state),
        run: resource.run.to_string(),
        why,
    })
}

impl fmt::Display for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}` of run {}", self.resource, self.id, self.run)?;
        match &self.why {
            Why::Open => write!(f, " is still {}", self.state),
            Why::Amounts { opened, parts, rest } => {
                write!(f, " was opened with {opened}, but its parts are {parts} and {rest} were {}", self.state)
            }
        }
    }
}

impl fmt::Display for Doubled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} took effect {} times under key `{}`, last for run {}", self.op, self.effects, self.key, self.run)
    }
}
