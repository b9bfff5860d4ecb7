//! The data folder: `meta`, the journal, the index, the dedupe keys. Opens what is there, rebuilds what is broken, and
//! says so. What is no data folder, or one of another kind, is left as it is.
mod meta;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use flowline_engine::{Dedupe, Engine, EngineError, EngineOptions, EngineParts, Recovered, Watch};
use flowline_journal::{DataLock, FileJournal, Journal, JournalError, Options as JournalOptions, Recovery};
use flowline_plan::Bundle;
use flowline_store::{Fingerprints, OpenOutcome, Options as StoreOptions, SledStore, Store};

use crate::exit::Failure;

pub(crate) use meta::Meta;

/// What to do with the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Index {
    /// Use it, where it is sound.
    Keep,
    /// Make it anew from the journal.
    Anew,
}

/// How a folder is opened.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    pub(crate) meta: Meta,
    pub(crate) index: Index,
    pub(crate) engine: EngineOptions,
    pub(crate) journal: JournalOptions,
}

impl Opening {
    /// The usual way. A checkpoint every 16,384 records: a start reads no more than that, about a tenth of a second.
    pub(crate) fn of(meta: Meta) -> Self {
        let engine = EngineOptions { checkpoint_records: 16_384, ..EngineOptions::default() };
        Self { meta, index: Index::Keep, engine, journal: JournalOptions::default() }
    }
}

/// An open folder.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) engine: Engine,
    pub(crate) recovered: Recovered,
    /// What somebody should know: a tail that was cut, an index that was rebuilt.
    pub(crate) notes: Vec<String>,
}

/// Opens a data folder for a bundle; makes it when it isn't there.
///
/// # Errors
/// When the folder can't be used, belongs to something else, or is damaged where no rebuild helps.
pub(crate) fn open(
    data: &Path,
    opening: Opening,
    bundle: Arc<Bundle>,
    watch: &mut dyn Watch,
) -> Result<Opened, Failure> {
    if !data.exists() {
        fs::create_dir_all(data)
            .map_err(|cause| Failure::misuse(format!("can't make the data folder `{}`: {cause}", data.display())))?;
    }
    // Nothing is written into a folder that isn't ours, or of another version.
    let has_meta = opening.meta.look(data)?;
    let (journal, recovery) = FileJournal::open(data, opening.journal).map_err(|error| of_lock(data, error))?;
    if !has_meta {
        if recovery.last_seq > 0 {
            return Err(meta::missing(data, opening.meta));
        }
        opening.meta.write(data)?;
    }
    check_start(data, recovery.first_seq)?;
    let mut notes = Vec::new();
    if let Some(torn) = &recovery.torn {
        notes.push(match torn.bytes {
            0 => format!("journal segment {:08} was just begun when the last stop came, and holds nothing", torn.segment),
            bytes => format!(
                "cut {bytes} bytes off the end of journal segment {:08}: the last write before the stop was not finished, \
                 and nobody was told that it was",
                torn.segment
            ),
        });
    }
    let journal: Arc<dyn Journal> = Arc::new(journal);
    let mut rebuilt = None;
    let index = match opening.index {
        Index::Keep => found_index(data, &recovery, &mut rebuilt)?,
        Index::Anew => None,
    };
    let may_mislead = index.is_some();
    let index = index.map_or_else(|| new_index(data), Ok)?;
    let start = |(store, dedupe): (SledStore, Dedupe), watch: &mut dyn Watch| {
        let parts = EngineParts {
            bundle: Arc::clone(&bundle),
            store: Some(Arc::new(store)),
            dedupe,
            options: opening.engine.clone(),
        };
        Engine::open(parts, Arc::clone(&journal), watch)
    };
    let started = match start(index, watch) {
        // The journal is sound, so an index that doesn't go with it is at fault.
        Err(error) if may_mislead && !matches!(error, EngineError::OtherBundle { .. }) => {
            rebuilt = Some(error.to_string());
            start(new_index(data)?, watch)
        }
        started => started,
    };
    let (engine, recovered) = started?;
    if let Some(reason) = rebuilt.filter(|_| recovery.last_seq > 0) {
        notes.push(format!("the index is rebuilt from the journal, nothing is lost: {reason}"));
    }
    Ok(Opened { engine, recovered, notes })
}

/// The index as it lies there; none, and why, where it can't be used.
fn found_index(
    data: &Path,
    recovery: &Recovery,
    rebuilt: &mut Option<String>,
) -> Result<Option<(SledStore, Dedupe)>, Failure> {
    let fault = |error: flowline_store::StoreError| Failure::from(EngineError::from(error));
    let store = match SledStore::open_or_reason(&data.join("store"), StoreOptions::default()).map_err(fault)? {
        OpenOutcome::Ready(store) => store,
        OpenOutcome::Rebuild { reason } => {
            *rebuilt = Some(reason.to_string());
            return Ok(None);
        }
    };
    check_reach(data, store.marker(), recovery.last_seq)?;
    match Fingerprints::open(&data.join("dedupe")) {
        Ok((keys, damaged)) => match damaged.first() {
            None => {
                check_reach(data, keys.marker(), recovery.last_seq)?;
                return Ok(Some((store, Dedupe::Files(Box::new(keys)))));
            }
            Some(damage) => *rebuilt = Some(damage.to_string()),
        },
        Err(error) if error.rebuild_reason().is_some() => *rebuilt = Some(error.to_string()),
        Err(error) => return Err(fault(error)),
    }
    Ok(None)
}

/// The first record says which flows the runs are of.
fn check_start(data: &Path, first_seq: u64) -> Result<(), Failure> {
    if first_seq <= 1 {
        return Ok(());
    }
    Err(Failure::fault(format!(
        "record 1 is missing, the journal begins with record {first_seq}: its first segments were removed. Restore \
         `{}/journal` from a backup",
        data.display()
    )))
}

/// The index is written after the journal is durable. One that reaches beyond the journal's end shows that the end was
/// lost, and with it what was acknowledged: going on would be to forget it silently.
fn check_reach(data: &Path, marker: u64, last_seq: u64) -> Result<(), Failure> {
    if marker <= last_seq {
        return Ok(());
    }
    let journal = match last_seq {
        0 => "the journal is empty".to_owned(),
        _ => format!("the journal ends with record {last_seq}"),
    };
    let data = data.display();
    Err(Failure::fault(format!(
        "{journal}, but the index has seen record {marker}: segments were removed or cut off, and what they acknowledged \
         is gone. Restore `{data}/journal` from a backup. If the journal is right and the index is another folder's, \
         `flowline journal rebuild {data}` makes the index anew"
    )))
}

fn new_index(data: &Path) -> Result<(SledStore, Dedupe), Failure> {
    let fault = |error: flowline_store::StoreError| Failure::from(EngineError::from(error));
    let store = SledStore::recreate(&data.join("store"), StoreOptions::default()).map_err(fault)?;
    let keys = Fingerprints::recreate(&data.join("dedupe")).map_err(fault)?;
    Ok((store, Dedupe::Files(Box::new(keys))))
}

/// A folder of this version with a journal in it, locked, for commands that only read.
#[derive(Debug)]
pub(crate) struct Existing {
    pub(crate) path: PathBuf,
    pub(crate) meta: Meta,
    _lock: DataLock,
}

/// Takes a folder that is there.
///
/// # Errors
/// When it is none of ours, of another version, or open elsewhere.
pub(crate) fn existing(data: &Path) -> Result<Existing, Failure> {
    let meta = Meta::of(data)?;
    if !data.join("journal").is_dir() {
        return Err(Failure::fault(format!(
            "`{}` has no `journal`: it was removed; restore it from a backup",
            data.display()
        )));
    }
    let lock = DataLock::acquire(data).map_err(|error| of_lock(data, error))?;
    if let Some(first) = flowline_journal::read(data, 0)?.next() {
        check_start(data, first?.record.seq)?;
    }
    Ok(Existing { path: data.to_owned(), meta, _lock: lock })
}

fn of_lock(data: &Path, error: JournalError) -> Failure {
    if matches!(error, JournalError::Locked { .. }) {
        return Failure::misuse(format!(
            "another process has the data folder `{}` open; stop it, or use another folder",
            data.display()
        ));
    }
    error.into()
}

/// What else lies in a folder; for a message.
fn some_names(data: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(data)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
