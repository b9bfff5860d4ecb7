//! The data folder: `meta`, the journal, the index, the dedupe keys. Opens what is there, rebuilds what is broken, and
//! says so.
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use flowline_engine::{Dedupe, Engine, EngineError, EngineOptions, EngineParts, Recovered, SHARDS, Watch};
use flowline_journal::{FileJournal, Journal, JournalError, Options as JournalOptions, Recovery};
use flowline_plan::Bundle;
use flowline_store::{Fingerprints, OpenOutcome, Options as StoreOptions, SledStore, Store};
use serde_json::{Value as Json, json};

use crate::exit::Failure;

/// The layout of a data folder.
const FOLDER_FORMAT: u32 = 1;

/// What is fixed when a data folder is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meta {
    /// The seed of the simulated world; none for real systems.
    pub(crate) seed: Option<u64>,
}

/// An open folder.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) engine: Engine,
    pub(crate) recovered: Recovered,
    /// What somebody should know: a tail that was cut, an index that was rebuilt.
    pub(crate) notes: Vec<String>,
}

/// A checkpoint every 16,384 records: a start reads no more than that, about a tenth of a second.
pub(crate) fn engine_options() -> EngineOptions {
    EngineOptions { checkpoint_records: 16_384, ..EngineOptions::default() }
}

/// Opens a data folder for a bundle; makes it when it isn't there.
///
/// # Errors
/// When the folder can't be used, belongs to something else, or is damaged where no rebuild helps.
pub(crate) fn open(
    data: &Path,
    meta: &Meta,
    bundle: Arc<Bundle>,
    options: EngineOptions,
    watch: &mut dyn Watch,
) -> Result<Opened, Failure> {
    make(data)?;
    // The journal takes the folder's lock; nothing is written before that.
    let (journal, recovery) = open_journal(data)?;
    check_meta(data, meta)?;
    let mut notes = Vec::new();
    if let Some(torn) = &recovery.torn {
        notes.push(format!(
            "cut {} bytes off the end of journal segment {:08}: the last write before the stop was not finished, and \
             nobody was told that it was",
            torn.bytes, torn.segment
        ));
    }
    let (store, dedupe) = open_index(data, recovery.last_seq, &mut notes)?;
    let journal: Arc<dyn Journal> = Arc::new(journal);
    let parts = EngineParts { bundle, store: Some(Arc::new(store)), dedupe, options };
    let (engine, recovered) = Engine::open(parts, journal, watch)?;
    Ok(Opened { engine, recovered, notes })
}

/// Takes away the index, so that the next start makes it anew.
///
/// # Errors
/// When the folder can't be written.
pub(crate) fn drop_index(data: &Path) -> Result<(), Failure> {
    for name in ["store", "dedupe"] {
        let path = data.join(name);
        match fs::remove_dir_all(&path) {
            Ok(()) => {}
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
            Err(cause) => return Err(Failure::fault(format!("can't remove `{}`: {cause}", path.display()))),
        }
    }
    Ok(())
}

fn make(data: &Path) -> Result<(), Failure> {
    fs::create_dir_all(data)
        .map_err(|cause| Failure::misuse(format!("can't use `{}` as the data folder: {cause}", data.display())))
}

fn open_journal(data: &Path) -> Result<(FileJournal, Recovery), Failure> {
    FileJournal::open(data, JournalOptions::default()).map_err(|error| {
        if matches!(error, JournalError::Locked { .. }) {
            return Failure::misuse(format!(
                "another process has the data folder `{}` open; stop it, or use another folder",
                data.display()
            ));
        }
        error.into()
    })
}

/// Checks `DATA/meta`, or writes it.
fn check_meta(data: &Path, meta: &Meta) -> Result<(), Failure> {
    let path = data.join("meta");
    let wanted = json!({ "format": FOLDER_FORMAT, "shards": SHARDS, "seed": meta.seed });
    match fs::read_to_string(&path) {
        Ok(text) => {
            let found: Json = serde_json::from_str(&text).unwrap_or(Json::Null);
            if found.get("format") != wanted.get("format") || found.get("shards") != wanted.get("shards") {
                let found = found.get("format").map_or("unknown".to_owned(), ToString::to_string);
                return Err(EngineError::Folder { found, ours: FOLDER_FORMAT }.into());
            }
            if found.get("seed") != wanted.get("seed") {
                let say = |seed: Option<&Json>| match seed {
                    None | Some(Json::Null) => "real systems".to_owned(),
                    Some(seed) => format!("a simulated world of seed {seed}"),
                };
                return Err(Failure::misuse(format!(
                    "`{}` was made with {}, not with {}; give the same options as then, or use another folder",
                    data.display(),
                    say(found.get("seed")),
                    say(wanted.get("seed"))
                )));
            }
            Ok(())
        }
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            let unwritable = |cause| Failure::fault(format!("can't write `{}`: {cause}", path.display()));
            let new = data.join("meta.new");
            fs::write(&new, wanted.to_string()).map_err(unwritable)?;
            fs::File::open(&new).and_then(|file| file.sync_all()).map_err(unwritable)?;
            fs::rename(&new, &path).map_err(unwritable)
        }
        Err(cause) => Err(Failure::fault(format!("can't read `{}`: {cause}", path.display()))),
    }
}

/// The store and the dedupe keys; both anew when one of them can't be used.
fn open_index(data: &Path, last_seq: u64, notes: &mut Vec<String>) -> Result<(SledStore, Dedupe), Failure> {
    let (dir, keys) = (data.join("store"), data.join("dedupe"));
    let fault = |error: flowline_store::StoreError| Failure::from(EngineError::from(error));
    let opened = SledStore::open_or_reason(&dir, StoreOptions::default()).map_err(fault)?;
    let reason = match opened {
        OpenOutcome::Ready(store) if store.marker() > last_seq => {
            "the index is ahead of the journal, they don't belong together".to_owned()
        }
        OpenOutcome::Ready(store) => match Fingerprints::open(&keys) {
            Ok((found, damaged)) if damaged.is_empty() && found.marker() <= last_seq => {
                return Ok((store, Dedupe::Files(Box::new(found))));
            }
            Ok((_, damaged)) => {
                damaged.first().map_or("the dedupe keys are ahead of the journal".to_owned(), ToString::to_string)
            }
            Err(error) => error.to_string(),
        },
        OpenOutcome::Rebuild { reason } => reason.to_string(),
    };
    if last_seq > 0 {
        notes.push(format!("the index is rebuilt from the journal: {reason}"));
    }
    let store = SledStore::recreate(&dir, StoreOptions::default()).map_err(fault)?;
    let found = Fingerprints::recreate(&keys).map_err(fault)?;
    Ok((store, Dedupe::Files(Box::new(found))))
}

/// The seed a folder was made with, for commands that only read.
pub(crate) fn seed_of(data: &Path) -> Option<u64> {
    let text = fs::read_to_string(data.join("meta")).ok()?;
    serde_json::from_str::<Json>(&text).ok()?.get("seed")?.as_u64()
}

/// A folder that has a journal.
///
/// # Errors
/// When there is none.
pub(crate) fn existing(data: &Path) -> Result<PathBuf, Failure> {
    if data.join("journal").is_dir() {
        Ok(data.to_owned())
    } else {
        Err(Failure::misuse(format!(
            "`{}` is no data folder: it has no `journal`; give the folder that `flowline run --data` was given",
            data.display()
        )))
    }
}
