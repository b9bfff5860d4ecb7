//! The world: calls in, answers and events out, everything written down first.
use std::sync::Arc;

use flowline_core::{Answer, Call, RunId};
use flowline_plan::Bundle;

use crate::{
    Accounts, Held, WorldConfig, WorldError, WorldEvent, WorldLog,
    contract::Contracts,
    decide::Decider,
    entry::{Entry, FORMAT, Header},
    ledger::Ledger,
};

/// Simulated systems, answering from the contracts of a bundle.
#[derive(Debug)]
pub struct World {
    bundle: Arc<Bundle>,
    config: WorldConfig,
    contracts: Contracts,
    held: Held,
    ledger: Ledger,
    log: Box<dyn WorldLog>,
    reopened: Reopened,
    stopped: bool,
}

/// The answer of one attempt, and when it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// ms UTC, never before the call.
    pub at: i64,
    pub answer: Answer,
}

/// What a world found in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reopened {
    /// Attempts of earlier lives.
    pub calls: u64,
    /// Bytes of a record that a dying process left unfinished; its caller never got an answer.
    pub cut_bytes: u64,
}

impl World {
    /// Opens a world over its log: begins a new one, or goes on where an earlier life ended. Events that earlier lives
    /// scheduled are due again, see [`World::delivered_before`]. `held` are the events that somebody else brings.
    ///
    /// # Errors
    /// When the config names what the bundle doesn't have, or the log is damaged, or of another seed or other contracts.
    pub fn open(
        bundle: Arc<Bundle>,
        config: WorldConfig,
        held: Held,
        mut log: Box<dyn WorldLog>,
    ) -> Result<Self, WorldError> {
        config.check(&bundle)?;
        let contracts = Contracts::of(&bundle);
        let ours = Header { format: FORMAT, seed: config.seed, contracts: contracts.hash };
        let (mut ledger, mut reopened, mut is_new) = (Ledger::default(), Reopened::default(), true);
        reopened.cut_bytes = log.replay(&mut |record| {
            if is_new {
                is_new = false;
                return check_header(record, &ours);
            }
            reopened.calls += 1;
            let unreadable = WorldError::Unreadable { record: reopened.calls };
            let entry: Entry = postcard::from_bytes(record).map_err(|_| unreadable)?;
            ledger.apply(&bundle, entry);
            Ok(())
        })?;
        if is_new {
            log.append(&encoded(&ours))?;
        }
        Ok(Self { bundle, config, contracts, held, ledger, log, reopened, stopped: false })
    }

    /// What one attempt of a call is answered, and when. The effect is written down before this returns. The very same
    /// attempt (key, attempt, instant) gets the same answer at the same instant, and acts only once.
    ///
    /// # Errors
    /// When the effect can't be written down; no call is answered after that.
    pub fn call(&mut self, run: RunId, call: &Call) -> Result<Scheduled, WorldError> {
        if self.stopped {
            return Err(WorldError::Stopped);
        }
        if let Some(seen) = self.ledger.seen(call.key, call.attempt, call.at) {
            return Ok(Scheduled { at: seen.answer_at, answer: seen.answer.clone() });
        }
        let entry = self.decider().decide(run, call);
        let scheduled = Scheduled { at: entry.answer_at, answer: entry.answer.clone() };
        if let Err(error) = self.log.append(&encoded(&entry)) {
            self.stopped = true;
            return Err(error);
        }
        self.ledger.apply(&self.bundle, entry);
        Ok(scheduled)
    }

    pub(crate) fn decider(&self) -> Decider<'_> {
        let Self { bundle, config, contracts, held, ledger, .. } = self;
        Decider { bundle, config, contracts, held, ledger }
    }

    /// When the next event is due, ms.
    pub fn next_due(&self) -> Option<i64> {
        self.ledger.schedule.next_due()
    }

    /// Takes the events due up to and including `until` (ms), by time, source and id. They are due again after
    /// reopening: whoever receives them counts each (source, id) once.
    pub fn take_due(&mut self, until: i64) -> Vec<WorldEvent> {
        self.ledger.schedule.take_due(until)
    }

    /// After reopening: every event due before this instant is known to have been received, so it isn't sent again.
    pub fn delivered_before(&mut self, instant: i64) {
        if let Some(until) = instant.checked_sub(1) {
            self.ledger.schedule.take_due(until);
        }
    }

    /// What an earlier life left.
    pub fn reopened(&self) -> Reopened {
        self.reopened
    }

    /// When the newest call was made, ms; none before the first one.
    pub fn newest_call_at(&self) -> Option<i64> {
        (!self.ledger.ops.is_empty()).then_some(self.ledger.newest)
    }

    /// The accounts as they stand at `now` (ms): what expires by then has expired.
    pub fn accounts(&self, now: i64) -> Accounts {
        Accounts::of(&self.bundle, &self.ledger, now)
    }
}

fn check_header(record: &[u8], ours: &Header) -> Result<(), WorldError> {
    // The format number comes first, so that it can be read whatever follows in other versions.
    let (found, _) = postcard::take_from_bytes::<u16>(record).map_err(|_| WorldError::Unreadable { record: 0 })?;
    if found != ours.format {
        return Err(WorldError::Format { found, ours: ours.format });
    }
    let header: Header = postcard::from_bytes(record).map_err(|_| WorldError::Unreadable { record: 0 })?;
    if header.seed != ours.seed {
        return Err(WorldError::Seed { found: header.seed, asked: ours.seed });
    }
    if header.contracts != ours.contracts {
        return Err(WorldError::Contracts);
    }
    Ok(())
}

fn encoded(record: &impl serde::Serialize) -> Vec<u8> {
    postcard::to_stdvec(record).expect("invariant: a record is plain data, which postcard always encodes")
}
