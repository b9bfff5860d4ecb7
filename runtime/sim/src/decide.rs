//! What an attempt comes to. Decides and changes nothing: the world writes the record down, then applies it.
//!
//! The business outcome follows from the seed and the key that the contract declares (the call's own where it declares
//! none), the technical one from the seed, the call's key and the attempt.
use flowline_core::{Answer, Call, RunId, hash128};
use flowline_plan::{
    Bundle, Env, ErrorValue, EvalError, OpClass, OpDef, OpRef, Raise, Slot, SystemDef, TypeKind, Value, eval,
};

use crate::{
    Held, SystemRates, WorldConfig,
    chaos::Chaos,
    contract::Contracts,
    entry::{Change, Course, Deed, Entry, Outcome, ResourceChange},
    generate::{Generator, Ids, Said, said},
    ledger::{Ledger, describe, shown, split_amount},
    stand::{Given, Real, Stand, seen_parts, split},
};

/// Everything a decision may look at.
pub(crate) struct Decider<'a> {
    pub(crate) bundle: &'a Bundle,
    pub(crate) config: &'a WorldConfig,
    pub(crate) contracts: &'a Contracts,
    pub(crate) held: &'a Held,
    pub(crate) ledger: &'a Ledger,
}

/// A call and its contract.
pub(crate) struct Case<'a> {
    pub(crate) call: &'a Call,
    pub(crate) system: &'a SystemDef,
    pub(crate) op: &'a OpDef,
    /// `payments.capture`: what draws follow from, so that other contracts have no say.
    pub(crate) name: String,
    rates: &'a SystemRates,
    /// The parts of the declared key, where one is declared.
    pub(crate) key: Option<Vec<Value>>,
    /// What business draws follow from.
    pub(crate) lot: Vec<u8>,
}

/// Evaluates clauses of a contract over the arguments of a call.
pub(crate) struct ArgEnv<'a> {
    pub(crate) bundle: &'a Bundle,
    pub(crate) call: &'a Call,
}

impl Env for ArgEnv<'_> {
    fn bundle(&self) -> &Bundle {
        self.bundle
    }

    fn slot(&self, _slot: Slot) -> Value {
        Value::None
    }

    fn now(&self) -> i64 {
        self.call.at
    }

    fn resource_field(&self, resource: u32, field: u16) -> Value {
        let view = self.call.resources.iter().find(|view| view.resource == resource);
        view.and_then(|view| view.fields.get(usize::from(field))).cloned().unwrap_or(Value::None)
    }
}

impl<'a> Decider<'a> {
    /// The record of an attempt that wasn't here before.
    pub(crate) fn decide(&self, run: RunId, call: &'a Call) -> Entry {
        let Some((system, op)) = self.bundle.system(call.op.system).zip(self.bundle.op(call.op)) else {
            let outcome = misused("there is no such operation".to_owned());
            return entry(run, call, call.at, rejected(&outcome), Course::Answered, outcome);
        };
        let name = format!("{}.{}", system.name, op.name);
        let smooth = SystemRates::default();
        let rates = self.config.systems.get(&system.name).unwrap_or(&smooth);
        let mut chaos = Chaos::new(
            self.config.seed,
            "technical",
            &[name.as_bytes(), &call.key.0.to_le_bytes(), &call.attempt.to_le_bytes()],
        );
        let (fate, slow, short) = (chaos.share(), chaos.share(), chaos.between(10, 100));
        let (least, most) = op.takes_ms;
        let usual = chaos.between(least, most.max(least)).max(1);
        let latency = if slow < rates.slow { chaos.between(most, call.timeout_ms) } else { usual };
        let time_out = call.at.saturating_add(call.timeout_ms.max(1));

        if fate < rates.down {
            let at = self.on_grain(call.at.saturating_add(short)).min(time_out);
            let answer = Answer::Refused(format!("{} is down", system.label));
            return entry(run, call, at, answer, Course::Refused, Outcome::default());
        }
        let lost = fate - rates.down;
        if lost < rates.lost_call {
            let answer = Answer::Unknown(format!("no answer from {}", system.label));
            return entry(run, call, time_out, answer, Course::LostCall, Outcome::default());
        }
        let (answer, outcome) = match self.case(call, system, op, name, rates) {
            Ok(case) => self.business(&case),
            Err(outcome) => (rejected(&outcome), *outcome),
        };
        if lost < rates.lost_call + rates.lost_answer || latency >= call.timeout_ms {
            let answer = Answer::Unknown(format!("no answer from {}", system.label));
            return entry(run, call, time_out, answer, Course::LostAnswer, outcome);
        }
        let at = self.on_grain(call.at.saturating_add(latency)).min(time_out);
        entry(run, call, at, answer, Course::Answered, outcome)
    }

    fn case(
        &self,
        call: &'a Call,
        system: &'a SystemDef,
        op: &'a OpDef,
        name: String,
        rates: &'a SystemRates,
    ) -> Result<Case<'a>, Box<Outcome>> {
        let key = match &op.idempotency {
            Some(declared) => {
                let parts = self.key_of(call, op, &call.args, self.minted(call, op).as_ref());
                let bad =
                    |error: EvalError| Box::new(misused(format!("the key `{}` has no value: {error}", declared.name)));
                parts.transpose().map_err(bad)?
            }
            None => None,
        };
        let lot = match &key {
            Some(parts) => encoded(parts),
            None => call.key.0.to_le_bytes().to_vec(),
        };
        Ok(Case { call, system, op, name, rates, key, lot })
    }

    /// What the system answers, and what becomes true.
    fn business(&self, case: &Case<'_>) -> (Answer, Outcome) {
        let (call, op) = (case.call, case.op);
        let given = match self.given(call, op) {
            Ok(given) => given,
            Err(why) => return refused(why),
        };
        let hash = self.deed_hash(case, &given);
        let before = hash.and_then(|hash| self.ledger.deed(hash));
        let kept_ms = op.idempotency.as_ref().and_then(|declared| declared.kept_ms);
        let kept = before.filter(|deed| kept_ms.is_none_or(|kept_ms| call.at < deed.at.saturating_add(kept_ms)));
        if let Some(answer) = kept.and_then(|deed| deed.answer.clone()) {
            return (answer, Outcome { remembered: true, ..Outcome::default() });
        }
        let acted_before = before.is_some_and(|deed| deed.effects > 0);

        if let Some(outcome) = self.too_late_to_open(case, hash) {
            return outcome;
        }
        let stand = self.stand(op, &given, acted_before);
        match stand {
            Stand::Misused(why) => refused(why),
            Stand::Told(raise, since) => self.raise(case, raise, since, hash, seen_parts(&given)),
            Stand::Plain => match self.drawn_error(case) {
                Some(raise) if raise.outcome_unknown && raise.states.is_empty() => {
                    self.raise_in_doubt(case, raise, &given, hash, acted_before)
                }
                Some(raise) => {
                    let changes = self.told_changes(raise, &given);
                    self.raise(case, raise, None, hash, changes)
                }
                None => self.act(case, &given, hash, acted_before),
            },
            Stand::Hidden => self.act(case, &given, hash, acted_before),
        }
    }

    /// It takes effect.
    fn act(&self, case: &Case<'_>, given: &[Given<'_>], hash: Option<u128>, again: bool) -> (Answer, Outcome) {
        let (call, op) = (case.call, case.op);
        let result = self.result(case);
        if op.class == OpClass::Read {
            return (Answer::Done(result), Outcome::default());
        }
        let mut resources: Vec<ResourceChange> = given.iter().filter_map(|given| self.moved(given)).collect();
        if let (Some(opens), Some(id), Value::Record(fields)) = (&op.opens, &call.opens, &result) {
            let how = Change::Opened { fields: fields.to_vec() };
            resources.push(ResourceChange { ty: opens.resource, id: id.clone(), how, state: opens.state });
        }
        let answer = Answer::Done(result.clone());
        let label = |op: &OpDef| {
            let parts = case.key.as_ref().map(|parts| parts.iter().map(shown).collect::<Vec<_>>().join(", "));
            parts.unwrap_or_else(|| op.params.iter().map(|param| param.name.clone()).collect::<Vec<_>>().join(", "))
        };
        let deed = hash.map(|hash| Deed {
            hash,
            answer: case.key.is_some().then(|| answer.clone()),
            label: again.then(|| label(op)),
        });
        let nth = hash.and_then(|hash| self.ledger.deed(hash)).map_or(0, |deed| deed.effects);
        let events = self.events(case, &result, nth);
        let outcome = Outcome {
            acted: true,
            deed,
            resources,
            events,
            undo: self.undo_of(case, &result),
            undoes: self
                .contracts
                .undoes_another(call.op)
                .then(|| self.undo_hash(call, call.op, op, &call.args))
                .flatten(),
            ..Outcome::default()
        };
        (answer, outcome)
    }

    fn result(&self, case: &Case<'_>) -> Value {
        let (call, op) = (case.call, case.op);
        let said = said(self.bundle, op, &call.args, &call.resources, None);
        let mut generator = self.generator(case, "result", &said, Ids::Minted);
        match (&op.opens, &call.opens) {
            (Some(opens), Some(id)) => Value::Record(generator.resource(opens.resource, id, call.timeout_ms).into()),
            (_, _) => generator.value("", &op.result),
        }
    }

    pub(crate) fn generator<'b>(&'b self, case: &Case<'_>, what: &str, said: &'b [Said], ids: Ids) -> Generator<'b> {
        let chaos = Chaos::new(self.config.seed, what, &[case.name.as_bytes(), &case.lot]);
        Generator { bundle: self.bundle, chaos, said, ids, now: case.call.at, happened: None }
    }

    /// The resource moves on, is split off its whole, or leaves a tombstone.
    fn moved(&self, given: &Given<'_>) -> Option<ResourceChange> {
        let state = given.uses.to?;
        let (ty, id) = (given.view.ty, given.view.fields.first()?.clone());
        let how = match &given.real {
            Real::At(_, _) => Change::Moved { amount: split_amount(self.bundle, ty, &given.view.fields) },
            Real::Part { whole, .. } => split(whole, given.view),
            Real::Absent => Change::Tombstone,
        };
        Some(ResourceChange { ty, id, how, state })
    }

    /// A business error. It is remembered like an answer.
    fn raise(
        &self,
        case: &Case<'_>,
        raise: &Raise,
        since: Option<i64>,
        hash: Option<u128>,
        resources: Vec<ResourceChange>,
    ) -> (Answer, Outcome) {
        let answer = Answer::Error(self.error(case, raise, since));
        let deed =
            hash.filter(|_| case.key.is_some()).map(|hash| Deed { hash, answer: Some(answer.clone()), label: None });
        (answer, Outcome { error: Some(raise.error), deed, resources, ..Outcome::default() })
    }

    /// An error that leaves open whether the call took effect: one time in two it did, and a repetition tells.
    fn raise_in_doubt(
        &self,
        case: &Case<'_>,
        raise: &Raise,
        given: &[Given<'_>],
        hash: Option<u128>,
        again: bool,
    ) -> (Answer, Outcome) {
        if Chaos::new(self.config.seed, "in doubt", &[case.name.as_bytes(), &case.lot]).share() < 0.5 {
            return self.raise(case, raise, None, hash, Vec::new());
        }
        let (_, outcome) = self.act(case, given, hash, again);
        (Answer::Error(self.error(case, raise, None)), Outcome { error: Some(raise.error), ..outcome })
    }

    fn error(&self, case: &Case<'_>, raise: &Raise, since: Option<i64>) -> ErrorValue {
        let (call, op) = (case.call, case.op);
        let said = said(self.bundle, op, &call.args, &call.resources, None);
        let mut generator = self.generator(case, "error", &said, Ids::OfTheCall);
        generator.happened = Some(since.unwrap_or(call.at));
        let def = self.bundle.ty(raise.error);
        let fields = match def.map(|def| &def.kind) {
            Some(TypeKind::Error(fields)) => generator.fields(fields).into(),
            Some(
                TypeKind::Id | TypeKind::Enum(_) | TypeKind::Record(_) | TypeKind::Event(_) | TypeKind::Resource(_),
            )
            | None => Box::default(),
        };
        let text = format!("{} says: {}", case.system.label, def.map_or("no", |def| def.short_name()));
        ErrorValue { error: raise.error, fields, text: text.into() }
    }

    /// The error that chance brings, of those that leave it to chance.
    fn drawn_error<'b>(&self, case: &'b Case<'_>) -> Option<&'b Raise> {
        if case.op.class == OpClass::Settles || case.rates.errors.is_empty() {
            return None;
        }
        let mut share = Chaos::new(self.config.seed, "business", &[case.name.as_bytes(), &case.lot]).share();
        for raise in &case.op.raises {
            // What is told of one state alone is a matter of fact; so is all that a retriable operation refuses by.
            let of_one_state = raise.states.iter().any(|(_, from, _)| from.is_some());
            if of_one_state || (case.op.retriable && raise.states.is_empty()) {
                continue;
            }
            let rate = self.bundle.ty(raise.error).and_then(|def| case.rates.errors.get(def.short_name()));
            let rate = rate.copied().unwrap_or(0.0);
            if share < rate {
                return Some(raise);
            }
            share -= rate;
        }
        None
    }

    /// `raises CaptureFailed (card is lapsed)`: from now on it is.
    fn told_changes(&self, raise: &Raise, given: &[Given<'_>]) -> Vec<ResourceChange> {
        let told = |given: &Given<'_>| {
            let (_, _, state) = raise.states.iter().find(|(param, _, _)| *param == given.param)?;
            let (ty, id) = (given.view.ty, given.view.fields.first()?.clone());
            let how = match &given.real {
                Real::At(_, _) => Change::Moved { amount: split_amount(self.bundle, ty, &given.view.fields) },
                Real::Part { whole, .. } => split(whole, given.view),
                Real::Absent => return None,
            };
            Some(ResourceChange { ty, id, how, state: *state })
        };
        given.iter().filter_map(told).collect()
    }

    /// The call would open what was already let go.
    fn too_late_to_open(&self, case: &Case<'_>, hash: Option<u128>) -> Option<(Answer, Outcome)> {
        let opens = case.op.opens.as_ref()?;
        let Some(id) = &case.call.opens else {
            return Some(refused("it opens a resource, but no id was sent".to_owned()));
        };
        self.ledger.resource(opens.resource, id).filter(|resource| resource.tombstone)?;
        match case.op.raises.iter().find(|raise| !raise.outcome_unknown) {
            Some(raise) => Some(self.raise(case, raise, None, hash, Vec::new())),
            None => {
                let why = describe(self.bundle, opens.resource, id, Some(opens.state));
                let answer = Answer::Rejected(format!("too late: it was let go before {why}"));
                Some((answer, Outcome::default()))
            }
        }
    }

    /// Names what is done under the declared key; for an operation on a resource that declares none, what is done to
    /// the resource, so that doing it twice is seen.
    fn deed_hash(&self, case: &Case<'_>, given: &[Given<'_>]) -> Option<u128> {
        if case.op.class == OpClass::Read {
            return None;
        }
        if case.key.is_some() {
            return Some(hash128("deed", &[case.name.as_bytes(), &case.lot]));
        }
        let moved = given.iter().find(|given| given.uses.to.is_some()).and_then(|given| given.view.fields.first());
        let id = moved.or(case.call.opens.as_ref())?;
        Some(hash128("deed to", &[case.name.as_bytes(), &encoded(std::slice::from_ref(id))]))
    }

    /// The value of the declared key for these arguments.
    fn key_of(
        &self,
        call: &Call,
        op: &OpDef,
        args: &[Value],
        result: Option<&Value>,
    ) -> Option<Result<Vec<Value>, EvalError>> {
        let declared = op.idempotency.as_ref()?;
        let env = ArgEnv { bundle: self.bundle, call };
        let locals: Vec<Value> = args.iter().cloned().chain([result.cloned().unwrap_or(Value::None)]).collect();
        let part = |code| eval(&env, code, &locals).map(|value| self.nameable(call, value));
        Some(declared.key.iter().map(part).collect())
    }

    /// A resource is known by its id, not by its place in a run.
    fn nameable(&self, call: &Call, value: Value) -> Value {
        if let Value::Resource(no) = value { ArgEnv { bundle: self.bundle, call }.resource_field(no, 0) } else { value }
    }

    /// What is known of the result before the call: the id of what it opens.
    fn minted(&self, call: &Call, op: &OpDef) -> Option<Value> {
        let (opens, id) = (op.opens.as_ref()?, call.opens.as_ref()?);
        let len = self.bundle.resource(opens.resource).map_or(1, |def| def.fields.len()).max(1);
        Some(Value::Record(std::iter::once(id.clone()).chain(std::iter::repeat_n(Value::None, len - 1)).collect()))
    }

    /// Names the call that would undo this one.
    fn undo_of(&self, case: &Case<'_>, result: &Value) -> Option<u128> {
        let undo = match &case.op.class {
            OpClass::Compensatable(undo) => undo,
            OpClass::Read | OpClass::Transition | OpClass::Irreversible | OpClass::Harmless | OpClass::Settles => {
                return None;
            }
        };
        let env = ArgEnv { bundle: self.bundle, call: case.call };
        let locals: Vec<Value> = case.call.args.iter().cloned().chain([result.clone()]).collect();
        let args: Result<Vec<Value>, _> = undo.args.iter().map(|code| eval(&env, code, &locals)).collect();
        self.undo_hash(case.call, undo.op, self.bundle.op(undo.op)?, &args.ok()?)
    }

    fn undo_hash(&self, call: &Call, named: OpRef, op: &OpDef, args: &[Value]) -> Option<u128> {
        let parts = match self.key_of(call, op, args, None) {
            Some(parts) => parts.ok()?,
            None => args.iter().map(|arg| self.nameable(call, arg.clone())).collect(),
        };
        Some(hash128("undo of", &[self.bundle.op_name(named).as_bytes(), &encoded(&parts)]))
    }

    /// The next multiple of the grain.
    pub(crate) fn on_grain(&self, ms: i64) -> i64 {
        let grain = self.config.grain_ms.max(1);
        let over = ms.rem_euclid(grain);
        if over == 0 { ms } else { ms.saturating_add(grain - over) }
    }
}

fn entry(run: RunId, call: &Call, answer_at: i64, answer: Answer, course: Course, outcome: Outcome) -> Entry {
    let Call { attempt, op, key, at, .. } = call;
    Entry { run, key: *key, attempt: *attempt, at: *at, op: *op, answer_at, answer, course, outcome }
}

fn misused(why: String) -> Outcome {
    Outcome { misuse: Some(why), ..Outcome::default() }
}

fn rejected(outcome: &Outcome) -> Answer {
    Answer::Rejected(outcome.misuse.clone().unwrap_or_default())
}

fn refused(why: String) -> (Answer, Outcome) {
    let outcome = misused(why);
    (rejected(&outcome), outcome)
}

pub(crate) fn encoded(values: &[Value]) -> Vec<u8> {
    postcard::to_stdvec(values).expect("invariant: a value is plain data, which postcard always encodes")
}
