//! `flowline replay`: the journal once more, from its first record, with every state hash compared.
mod stories;
pub(crate) mod words;

use std::{path::Path, sync::Arc};

use flowline_engine::{Dedupe, Engine, EngineOptions, EngineParts, bundle_of};
use flowline_journal::{Journal, JournalError, NewRecord, Position, Record, Records, Ticket, Waker};

use stories::Stories;

use crate::{
    args::{Global, Replay},
    exit::{Exit, Failure},
    folder, out,
    table::number,
};

/// Derives every run again; shows the steps of one.
///
/// # Errors
/// When the folder can't be read, or a record doesn't follow from those before it.
pub(crate) fn run(args: &Replay, global: Global) -> Result<Exit, Failure> {
    let data = folder::existing(&args.data)?;
    let torn = flowline_journal::verify(&data.path)?.torn;
    let journal: Arc<dyn Journal> = Arc::new(ReadOnly(data.path.clone()));
    let Some(bundle) = bundle_of(&*journal)? else {
        out::print("the journal is empty\n")?;
        return Ok(Exit::Fine);
    };
    let bundle = Arc::new(bundle);
    let mut watch = Stories::new(&bundle, args.run.as_deref(), global);
    let parts = EngineParts {
        bundle,
        store: None,
        dedupe: Dedupe::Memory(std::collections::BTreeSet::new()),
        options: EngineOptions::default(),
    };
    let (engine, recovered) = Engine::open(parts, journal, &mut watch)?;
    let text = watch.said()?;
    out::print(&format!(
        "{text}{} records replayed, {} runs begun, {} still live: every state is as it was written\n",
        number(recovered.replayed),
        number(engine.totals().started.values().sum()),
        number(recovered.runs as u64),
    ))?;
    if let Some(torn) = torn.filter(|torn| torn.bytes > 0) {
        out::tell(&format!(
            "note: the last {} bytes of segment {:08} are a write that was not finished, and aren't part of this",
            torn.bytes, torn.segment
        ));
    }
    Ok(Exit::Fine)
}

/// The journal of a folder that is only read.
struct ReadOnly(std::path::PathBuf);

impl ReadOnly {
    fn path(&self) -> &Path {
        &self.0
    }

    fn refuse(&self) -> JournalError {
        JournalError::Io {
            doing: "write (it is open for reading only)",
            path: self.0.clone(),
            cause: Arc::new(std::io::Error::other("open for reading only")),
        }
    }
}

impl Journal for ReadOnly {
    fn submit(&self, _group: Vec<NewRecord>) -> Result<Ticket, JournalError> {
        Err(self.refuse())
    }

    fn durable(&self) -> u64 {
        0
    }

    fn wait(&self, _seq: u64) -> Result<(), JournalError> {
        Err(self.refuse())
    }

    fn on_durable(&self, _waker: Waker) {}

    fn poisoned(&self) -> Option<JournalError> {
        None
    }

    fn read(&self, from_seq: u64) -> Result<Records, JournalError> {
        flowline_journal::read(self.path(), from_seq)
    }

    fn read_at(&self, position: Position) -> Result<Record, JournalError> {
        flowline_journal::read_at(self.path(), position)
    }

    fn remove_segments_below(&self, _seq: u64) -> Result<u32, JournalError> {
        Err(self.refuse())
    }
}
