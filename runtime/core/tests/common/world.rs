//! A world of systems that keeps accounts: what really became of each resource and each step.
use std::collections::BTreeMap;

use flowline_core::{Call, CallKey, hash128};
use flowline_plan::{ErrorValue, Value};

use super::contracts::{euro, op_name, ty};

/// How a system answers one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It acts and says so.
    Ok,
    /// Like `Ok`, after so many ms.
    Slow(i64),
    /// A business error; nothing happened.
    Error(&'static str),
    /// Nothing happened; try again.
    Refused,
    /// Nothing happened; don't try again.
    Rejected,
    /// Nothing happened, but nobody knows.
    Unknown,
    /// It acted, but the answer is lost.
    Lost,
    /// It acted, and answers nonsense.
    Nonsense,
}

/// One step's effect.
#[derive(Debug, Clone, Default)]
pub(crate) struct StepEffect {
    pub(crate) op: &'static str,
    pub(crate) args: Vec<Value>,
    pub(crate) applied: bool,
    pub(crate) undone: bool,
}

/// A resource as its system knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Real {
    pub(crate) state: &'static str,
    expires: i64,
}

/// The systems.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) resources: BTreeMap<String, Real>,
    pub(crate) steps: BTreeMap<CallKey, StepEffect>,
    /// Undo key to step key.
    undo_of: BTreeMap<CallKey, CallKey>,
    /// Every key was sent with the same request.
    requests: BTreeMap<CallKey, String>,
    /// How long a card authorisation lives, ms.
    pub(crate) card_life_ms: i64,
    /// In whole currency units.
    pub(crate) card_amount: i64,
}

impl Default for World {
    fn default() -> Self {
        Self {
            resources: BTreeMap::new(),
            steps: BTreeMap::new(),
            undo_of: BTreeMap::new(),
            requests: BTreeMap::new(),
            card_life_ms: 1_000_000_000,
            card_amount: 100,
        }
    }
}

impl World {
    /// The call arrives: what the reply means for the world, and whether it really acted or refused.
    pub(crate) fn arrives(&mut self, call: &Call, reply: Reply, now: i64) -> (Reply, Value) {
        let request = format!("{:?} {:?} {:?}", call.op, call.args, call.opens);
        let known = self.requests.entry(call.key).or_insert_with(|| request.clone());
        assert_eq!(*known, request, "one key, one request");
        let undo = CallKey(hash128("undo", &[&call.key.0.to_le_bytes()]));
        self.undo_of.insert(undo, call.key);
        match reply {
            Reply::Refused | Reply::Rejected | Reply::Unknown => return (reply, Value::None),
            Reply::Error(_) if !self.acted(call) => return (reply, Value::None),
            Reply::Ok | Reply::Slow(_) | Reply::Lost | Reply::Nonsense | Reply::Error(_) => {}
        }
        match (self.act(call, now), reply) {
            (Ok(_), Reply::Nonsense) => (reply, Value::Bool(true)),
            (Ok(value), Reply::Error(_)) => (Reply::Ok, value),
            (Ok(value), reply) => (reply, value),
            (Err(_), Reply::Lost) => (Reply::Unknown, Value::None),
            (Err(error), _) => (Reply::Error(error), Value::None),
        }
    }

    /// Whether an earlier attempt under this key took effect: then no business error can follow.
    fn acted(&self, call: &Call) -> bool {
        self.steps.get(&call.key).is_some_and(|step| step.applied)
    }

    /// The operation takes place, once a key.
    fn act(&mut self, call: &Call, now: i64) -> Result<Value, &'static str> {
        let name = op_name(call.op);
        if let Some(id) = &call.opens {
            return self.opens(call, name, id, now);
        }
        if let Some(view) = call.resources.first() {
            let Some(Value::Text(id)) = view.fields.first() else { panic!("a resource without an id") };
            if let (None, Some(Value::Text(whole))) = (self.resources.get(id.as_ref()), &view.whole) {
                let whole = *self.resources.get(whole.as_ref()).expect("the whole exists before its parts");
                self.resources.insert(id.to_string(), Real { state: "authorised", ..whole });
            }
            self.moves(name, id, now)?;
            self.mark(call, name);
            return Ok(Value::None);
        }
        if let "cancel_pick" | "post_credit_note" = name {
            let of = self.undo_of.get(&call.key).copied().expect("an undo of a step");
            let again = self.acted(call);
            let step = self.steps.entry(of).or_default();
            assert!(!step.undone || again, "undone twice: {step:?}");
            step.undone = true;
            if name == "post_credit_note" {
                assert!(self.steps.get(&of).is_some_and(|step| step.applied), "a credit note for nothing");
                let number = Value::text(format!("invoice-{}", of.0 % 1000));
                assert_eq!(call.args, [number], "the credit note names the invoice");
            }
        } else {
            let undone = self.steps.get(&call.key).is_some_and(|step| step.undone);
            assert!(!undone || self.acted(call), "{name} after its undo");
        }
        self.mark(call, name);
        Ok(match name {
            "post_invoice" => Value::text(format!("invoice-{}", call.key.0 % 1000)),
            _ => Value::None,
        })
    }

    fn mark(&mut self, call: &Call, op: &'static str) {
        let step = self.steps.entry(call.key).or_default();
        (step.op, step.applied) = (op, true);
        step.args.clone_from(&call.args);
    }

    fn opens(&mut self, call: &Call, name: &str, id: &Value, now: i64) -> Result<Value, &'static str> {
        let Value::Text(text) = id else { panic!("an id is text") };
        let card = call.op == super::contracts::op("authorise");
        let expires = now + self.card_life_ms;
        let real = self.resources.entry(text.to_string()).or_insert(Real {
            state: if card { "authorised" } else { "held" },
            expires: if card { expires } else { i64::MAX },
        });
        assert!(
            matches!(real.state, "authorised" | "held"),
            "{name} arrives for a resource that is {} already",
            real.state
        );
        let amount = Value::Money(euro(self.card_amount));
        let fields = if card { vec![id.clone(), amount, Value::Instant(real.expires)] } else { vec![id.clone()] };
        self.mark(call, if card { "authorise" } else { "hold" });
        Ok(Value::Record(fields.into()))
    }

    fn moves(&mut self, name: &str, id: &str, now: i64) -> Result<(), &'static str> {
        let real = self.resources.get(id).copied();
        let state = match real {
            Some(real) if real.state == "authorised" && real.expires <= now => "lapsed",
            Some(real) => real.state,
            None => "nothing",
        };
        let next = match (name, state) {
            ("release", "held" | "nothing" | "released") => "released",
            ("commit", "held" | "committed") => "committed",
            ("capture", "authorised" | "captured") => "captured",
            ("capture", "lapsed") => return Err("CaptureFailed"),
            ("void", "captured") => return Err("AlreadyCaptured"),
            ("void", "authorised" | "nothing" | "voided" | "lapsed") => "voided",
            ("refund", "captured" | "refunded") => "refunded",
            _ => panic!("{name} of a resource that is {state}"),
        };
        let expires = real.map_or(i64::MAX, |real| real.expires);
        self.resources.insert(id.to_owned(), Real { state: next, expires });
        Ok(())
    }

    /// A business error as a system would send it.
    pub(crate) fn error(name: &str) -> ErrorValue {
        ErrorValue { error: ty(name), fields: Box::new([]), text: name.into() }
    }
}
