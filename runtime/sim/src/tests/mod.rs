//! What a world must get right, by theme.
mod config;
mod events;
mod log;
mod money;
mod same_answers;
mod values;

use flowline_core::{Answer, Call, RunId};
use flowline_plan::TypeId;

use crate::{Accounts, Held, MemoryLog, Scheduled, SystemRates, World, WorldConfig, fixture::Shop};

/// A world over the shop, and what it writes to.
pub(crate) struct Scene {
    pub(crate) shop: Shop,
    pub(crate) world: World,
    pub(crate) config: WorldConfig,
    pub(crate) log: MemoryLog,
}

impl Scene {
    /// A world in which nothing goes wrong.
    pub(crate) fn calm() -> Self {
        Self::of(WorldConfig { seed: 7, ..WorldConfig::default() })
    }

    pub(crate) fn of(config: WorldConfig) -> Self {
        Self::over(config, Held::default(), MemoryLog::default())
    }

    pub(crate) fn over(config: WorldConfig, held: Held, log: MemoryLog) -> Self {
        let shop = Shop::default();
        let world = World::open(shop.bundle.clone(), config.clone(), held, Box::new(log.clone())).unwrap();
        Self { shop, world, config, log }
    }

    /// The runtime and the world die; another world opens over what was written.
    pub(crate) fn reopened(self) -> Self {
        Self::over(self.config, Held::default(), self.log)
    }

    pub(crate) fn send(&mut self, call: &Call) -> Scheduled {
        self.world.call(RunId(1), call).unwrap()
    }

    pub(crate) fn answer(&mut self, call: &Call) -> Answer {
        self.send(call).answer
    }

    pub(crate) fn accounts(&self) -> Accounts {
        self.world.accounts(self.world.newest_call_at().unwrap_or(0))
    }

    /// Attempts until the answer is neither lost nor refused; gives it and the attempts.
    pub(crate) fn insist(&mut self, call: &Call) -> (Answer, u32) {
        for attempt in 1..100 {
            let again = Call { attempt, at: call.at + i64::from(attempt - 1) * 10_000, ..call.clone() };
            match self.answer(&again) {
                Answer::Refused(_) | Answer::Unknown(_) => {}
                answer @ (Answer::Done(_) | Answer::Error(_) | Answer::Rejected(_)) => return (answer, attempt),
            }
        }
        panic!("no answer in a hundred attempts");
    }
}

pub(crate) fn rates(system: &str, rates: SystemRates) -> WorldConfig {
    WorldConfig { seed: 7, systems: [(system.to_owned(), rates)].into(), ..WorldConfig::default() }
}

pub(crate) fn errors(list: &[(&str, f64)]) -> SystemRates {
    let errors = list.iter().map(|(name, rate)| ((*name).to_owned(), *rate)).collect();
    SystemRates { errors, ..SystemRates::default() }
}

pub(crate) fn at(call: Call, at: i64) -> Call {
    Call { at, ..call }
}

pub(crate) fn is_error(answer: &Answer, error: TypeId) -> bool {
    matches!(answer, Answer::Error(raised) if raised.error == error)
}
