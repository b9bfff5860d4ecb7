//! How rough the simulated world is: the `[simulate.…]` tables of `flow.toml`.
use std::{collections::BTreeMap, fmt};

use flowline_plan::{Bundle, LaterMode, SystemDef, TypeId, TypeKind};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use crate::{names::closest, people::ANSWERED_AFTER_MS};

/// Answers fall on multiples of this, so that many share an instant.
const GRAIN_MS: i64 = 50;
/// When an event follows its call, where nothing is said.
pub(crate) const AFTER_MS: i64 = 30 * 60_000;
/// How far around `after` events are spread.
const SPREAD: f64 = 0.25;

/// What the simulated world is made of besides the contracts.
#[derive(Debug, Clone, PartialEq)]
pub struct WorldConfig {
    pub seed: u64,
    /// Answers fall on multiples of so many ms, so that many share an instant; at least 1.
    pub grain_ms: i64,
    /// An event comes between `after * (1 - spread)` and `after * (1 + spread)`; 0 means exactly then.
    pub event_spread: f64,
    /// By the system's name; a system that isn't named never fails.
    pub systems: BTreeMap<String, SystemRates>,
    /// By the event's name, short or full.
    pub events: BTreeMap<String, EventRate>,
    /// How people answer, by the role's name, short or full.
    pub roles: BTreeMap<String, EventRate>,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            grain_ms: GRAIN_MS,
            event_spread: SPREAD,
            systems: BTreeMap::new(),
            events: BTreeMap::new(),
            roles: BTreeMap::new(),
        }
    }
}

/// How rough a system is: shares of its attempts, 0 to 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SystemRates {
    /// The call took effect, the answer never came.
    pub lost_answer: f64,
    /// The call itself was lost: nothing happened, and nobody knows.
    pub lost_call: f64,
    /// Refused at once, without effect.
    pub down: f64,
    /// Took longer than usual, up to the time-out.
    pub slow: f64,
    /// Business errors by name, as shares of the calls that would act.
    pub errors: BTreeMap<String, f64>,
}

/// How an event follows a call that names it under `later`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventRate {
    pub after_ms: i64,
    /// How often it comes; what is missing to 1 is silence.
    pub rate: f64,
}

/// What is wrong with the `[simulate.…]` tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// One sentence each, beginning with the place.
    pub problems: Vec<String>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

/// Whatever may stand in a table; what may not is told in plain words.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Number(f64),
    Text(String),
    Table(BTreeMap<String, Entry>),
    Other(IgnoredAny),
}

impl WorldConfig {
    /// Reads the tables under `simulate`: one a system or model, `events`, and `roles`.
    ///
    /// # Errors
    /// Every unknown name, rate outside 0 to 1 and bad duration.
    pub fn from_tables<'de, D: Deserializer<'de>>(bundle: &Bundle, seed: u64, tables: D) -> Result<Self, ConfigError> {
        let tables = BTreeMap::<String, Entry>::deserialize(tables)
            .map_err(|error| ConfigError { problems: vec![format!("[simulate]: {error}")] })?;
        let mut problems = Vec::new();
        let mut config = Self { seed, ..Self::default() };
        for (name, entry) in tables {
            let Entry::Table(table) = entry else {
                problems.push(format!("simulate.{name}: expected a table such as [simulate.{name}]"));
                continue;
            };
            if name == "events" {
                config.events = read_rates(&name, AFTER_MS, table, &mut problems);
            } else if name == "roles" {
                config.roles = read_rates(&name, ANSWERED_AFTER_MS, table, &mut problems);
            } else {
                let rates = read_system(&name, table, &mut problems);
                config.systems.insert(name, rates);
            }
        }
        problems.extend(config.problems(bundle));
        if problems.is_empty() { Ok(config) } else { Err(ConfigError { problems }) }
    }

    /// Whether everything named exists and every rate is one.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn check(&self, bundle: &Bundle) -> Result<(), ConfigError> {
        let problems = self.problems(bundle);
        if problems.is_empty() { Ok(()) } else { Err(ConfigError { problems }) }
    }

    /// The rate of an event, under its short or its full name.
    pub(crate) fn event(&self, bundle: &Bundle, event: TypeId) -> Option<EventRate> {
        let def = bundle.ty(event)?;
        self.events.get(&def.name).or_else(|| self.events.get(def.short_name())).copied()
    }

    fn problems(&self, bundle: &Bundle) -> Vec<String> {
        let mut problems = Vec::new();
        if self.grain_ms < 1 {
            problems.push("the grain of answers is at least 1 ms".to_owned());
        }
        rate(&mut problems, "the spread of events", self.event_spread);
        for (name, rates) in &self.systems {
            match bundle.systems.iter().find(|system| system.name == *name) {
                Some(system) => check_system(bundle, system, rates, &mut problems),
                None => {
                    let known = bundle.systems.iter().map(|system| system.name.as_str());
                    problems.push(unknown(&format!("simulate.{name}"), "system", name, known));
                }
            }
        }
        for (name, event) in &self.events {
            let place = format!("simulate.events.{name}");
            let events = bundle.types.iter().filter(|ty| matches!(ty.kind, TypeKind::Event(_)));
            if !events.clone().any(|ty| ty.name == *name || ty.short_name() == name) {
                problems.push(unknown(&place, "event", name, events.map(flowline_plan::TypeDef::short_name)));
            }
            rate(&mut problems, &format!("{place}.rate"), event.rate);
            if event.after_ms < 0 {
                problems.push(format!("{place}.after: an event can't come before its call"));
            }
        }
        for (name, role) in &self.roles {
            let place = format!("simulate.roles.{name}");
            if !bundle.roles.iter().any(|def| def.name == *name || def.short_name() == name) {
                problems.push(unknown(
                    &place,
                    "role",
                    name,
                    bundle.roles.iter().map(flowline_plan::RoleDef::short_name),
                ));
            }
            rate(&mut problems, &format!("{place}.rate"), role.rate);
            if role.after_ms < 0 {
                problems.push(format!("{place}.after: nobody answers before they are asked"));
            }
        }
        problems.extend(self.too_many(bundle));
        problems
    }

    /// Events of which one follows can't come more often than always.
    fn too_many(&self, bundle: &Bundle) -> Vec<String> {
        let mut problems = Vec::new();
        for (system, op) in bundle.systems.iter().flat_map(|system| system.ops.iter().map(move |op| (system, op))) {
            for later in op.later.iter().filter(|later| later.mode == LaterMode::OneOf) {
                let sum: f64 = later.events.iter().filter_map(|event| Some(self.event(bundle, *event)?.rate)).sum();
                if sum > 1.000_001 {
                    let names: Vec<_> = later.events.iter().filter_map(|e| Some(bundle.ty(*e)?.short_name())).collect();
                    problems.push(format!(
                        "simulate.events: {} follow `{}.{}` one at a time, but their rates add up to {sum:.2}; at most 1",
                        names.join(" or "),
                        system.name,
                        op.name
                    ));
                }
            }
        }
        problems
    }
}

fn read_system(name: &str, table: BTreeMap<String, Entry>, problems: &mut Vec<String>) -> SystemRates {
    let mut rates = SystemRates::default();
    for (key, entry) in table {
        let Entry::Number(number) = entry else {
            problems.push(format!("simulate.{name}.{key}: expected a rate from 0 to 1, such as 0.03"));
            continue;
        };
        match key.as_str() {
            "lost_answer" => rates.lost_answer = number,
            "lost_call" => rates.lost_call = number,
            "down" => rates.down = number,
            "slow" => rates.slow = number,
            _ => {
                rates.errors.insert(key, number);
            }
        }
    }
    rates
}

/// A table of what comes how soon and how often: events, answers of people.
fn read_rates(
    of: &str,
    after_ms: i64,
    table: BTreeMap<String, Entry>,
    problems: &mut Vec<String>,
) -> BTreeMap<String, EventRate> {
    let mut events = BTreeMap::new();
    for (name, entry) in table {
        let place = format!("simulate.{of}.{name}");
        let Entry::Table(fields) = entry else {
            problems.push(format!("{place}: expected {{ after = \"20 min\", rate = 0.9 }}"));
            continue;
        };
        let mut event = EventRate { after_ms, rate: 1.0 };
        for (key, entry) in fields {
            match (key.as_str(), entry) {
                ("rate", Entry::Number(number)) => event.rate = number,
                ("rate", Entry::Text(_) | Entry::Table(_) | Entry::Other(_)) => {
                    problems.push(format!("{place}.rate: expected a rate from 0 to 1, such as 0.9"));
                }
                ("after", Entry::Text(text)) => match duration_ms(&text) {
                    Some(ms) => event.after_ms = ms,
                    None => problems
                        .push(format!("{place}.after: `{text}` is no duration; write \"20 min\" or \"2 days 3 h\"")),
                },
                ("after", Entry::Number(_) | Entry::Table(_) | Entry::Other(_)) => {
                    problems.push(format!("{place}.after: expected a duration with its unit, such as \"20 min\""));
                }
                (_, Entry::Number(_) | Entry::Text(_) | Entry::Table(_) | Entry::Other(_)) => {
                    problems.push(format!("{place}.{key}: only `after` and `rate` stand here"));
                }
            }
        }
        events.insert(name, event);
    }
    events
}

fn check_system(bundle: &Bundle, system: &SystemDef, rates: &SystemRates, problems: &mut Vec<String>) {
    let raises = system.ops.iter().flat_map(|op| &op.raises).filter_map(|raise| bundle.ty(raise.error));
    let known: Vec<&str> = raises.map(flowline_plan::TypeDef::short_name).collect();
    let name = &system.name;
    for (key, share) in
        [("lost_answer", rates.lost_answer), ("lost_call", rates.lost_call), ("down", rates.down), ("slow", rates.slow)]
    {
        rate(problems, &format!("simulate.{name}.{key}"), share);
    }
    let technical = rates.lost_answer + rates.lost_call + rates.down;
    if technical > 1.000_001 {
        problems.push(format!("simulate.{name}: lost_answer, lost_call and down add up to {technical:.2}; at most 1"));
    }
    for (error, share) in &rates.errors {
        let place = format!("simulate.{name}.{error}");
        rate(problems, &place, *share);
        if !known.contains(&error.as_str()) {
            let fixed = ["lost_answer", "lost_call", "down", "slow"];
            let known = known.iter().copied().chain(fixed);
            problems.push(unknown(&place, &format!("error of `{name}`"), error, known));
        }
    }
}

fn rate(problems: &mut Vec<String>, place: &str, share: f64) {
    if !(0.0..=1.0).contains(&share) {
        problems.push(format!("{place}: a rate lies between 0 and 1, not at {share}"));
    }
}

fn unknown<'a>(place: &str, what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    match closest(name, known) {
        Some(near) => format!("{place}: there is no {what} called `{name}`; did you mean `{near}`?"),
        None => format!("{place}: there is no {what} called `{name}`"),
    }
}

/// `20 min`, `2 days 3 h`, `1.5 h`, in ms; none when it isn't a duration.
fn duration_ms(text: &str) -> Option<i64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(2) {
        return None;
    }
    let mut sum = 0_i64;
    for pair in words.chunks(2) {
        let (number, unit) = (pair.first()?, pair.last()?);
        let unit_ms = match *unit {
            "ms" => 1,
            "s" => 1_000,
            "min" => 60_000,
            "h" => 3_600_000,
            "day" | "days" => 86_400_000,
            "week" | "weeks" => 604_800_000,
            _ => return None,
        };
        let number: rust_decimal::Decimal = number.parse().ok()?;
        let ms = number.checked_mul(unit_ms.into())?;
        if number.is_sign_negative() || !ms.fract().is_zero() {
            return None;
        }
        sum = sum.checked_add(i64::try_from(ms.trunc()).ok()?)?;
    }
    Some(sum)
}
