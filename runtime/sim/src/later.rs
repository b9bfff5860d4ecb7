//! The events that a call leads to.
use flowline_core::{Call, hash128};
use flowline_plan::{LaterMode, TypeId, Value, eval};

use crate::{
    WorldEvent,
    chaos::Chaos,
    config::AFTER_MS,
    decide::{ArgEnv, Case, Decider, encoded},
    generate::{Ids, said},
};

impl Decider<'_> {
    /// The events that follow an effect.
    pub(crate) fn events(&self, case: &Case<'_>, result: &Value, nth: u32) -> Vec<WorldEvent> {
        let call = case.call;
        if case.op.later.is_empty() {
            return Vec::new();
        }
        let said = said(self.bundle, case.op, &call.args, &call.resources, Some(result));
        let nth = if case.key.is_some() { nth.to_le_bytes().to_vec() } else { encoded(&[Value::Instant(call.at)]) };
        let mut events = Vec::new();
        for (group, later) in (0_u16..).zip(&case.op.later) {
            let lot = [case.name.as_bytes(), &case.lot, &nth, &group.to_le_bytes()];
            let id = hash128("event of", &lot);
            let mut drafts = Vec::with_capacity(later.events.len());
            for (at, event) in later.events.iter().enumerate() {
                let Some(def) = self.bundle.event(*event) else { continue };
                let mut generator = self.generator(case, "event", &said, Ids::OfTheCall);
                let lot = [case.name.as_bytes(), &case.lot, &nth, &group.to_le_bytes(), &at.to_le_bytes()];
                generator.chaos = Chaos::new(self.config.seed, "event", &lot);
                let value = Value::Record(generator.fields(&def.fields).into());
                let held = self.is_held(call, *event, &value);
                let id = format!("{id:032x}-{at}");
                let source = format!("sim/{}", case.system.name);
                drafts.push((WorldEvent { at: call.at, source, id, event: *event, value }, held));
            }
            let mut chaos = Chaos::new(self.config.seed, "later", &lot);
            events.extend(self.drawn_events(&mut chaos, later.mode, drafts));
        }
        events
    }

    /// Which events come, and when. One of several: where one of them is held, it is the one. In turn: each counts from
    /// the one before; after a silence nothing follows; one that is held counts, but comes from elsewhere.
    fn drawn_events(&self, chaos: &mut Chaos, mode: LaterMode, drafts: Vec<(WorldEvent, bool)>) -> Vec<WorldEvent> {
        let rates: Vec<_> = drafts.iter().map(|(event, _)| self.config.event(self.bundle, event.event)).collect();
        let shared = match mode {
            LaterMode::OneOf if rates.iter().all(Option::is_none) => {
                1.0 / f64::from(u32::try_from(drafts.len().max(1)).unwrap_or(u32::MAX))
            }
            LaterMode::OneOf => 0.0,
            LaterMode::InTurn => 1.0,
        };
        let rates = rates.into_iter().map(|rate| rate.map_or((AFTER_MS, shared), |rate| (rate.after_ms, rate.rate)));
        let mut due: Vec<WorldEvent> = Vec::new();
        match mode {
            LaterMode::OneOf => {
                if drafts.iter().any(|(_, held)| *held) {
                    return due;
                }
                let mut share = chaos.share();
                for ((mut event, _), (after_ms, rate)) in drafts.into_iter().zip(rates) {
                    if share < rate {
                        event.at = self.spread(chaos, event.at, after_ms);
                        due.push(event);
                        break;
                    }
                    share -= rate;
                }
            }
            LaterMode::InTurn => {
                let mut from = None;
                for ((mut event, held), (after_ms, rate)) in drafts.into_iter().zip(rates) {
                    if chaos.share() >= rate {
                        break;
                    }
                    event.at = self.spread(chaos, from.unwrap_or(event.at), after_ms);
                    from = Some(event.at);
                    if !held {
                        due.push(event);
                    }
                }
            }
        }
        due
    }

    /// So long after an instant, give or take the spread.
    pub(crate) fn spread(&self, chaos: &mut Chaos, from: i64, after_ms: i64) -> i64 {
        let permille = (self.config.event_spread * 1_000.0) as i64;
        let most = after_ms / 1_000 * permille + after_ms % 1_000 * permille / 1_000;
        self.on_grain(from.saturating_add(after_ms).saturating_add(chaos.between(-most, most)))
    }

    fn is_held(&self, call: &Call, event: TypeId, value: &Value) -> bool {
        let Some(def) = self.bundle.event(event) else { return false };
        let env = ArgEnv { bundle: self.bundle, call };
        (0_u16..).zip(&def.keys).any(|(at, key)| {
            let key = eval(&env, &key.code, std::slice::from_ref(value));
            key.is_ok_and(|key| self.held.contains(event, at, key))
        })
    }
}
