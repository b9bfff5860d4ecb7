//! `DATA/meta`: what is fixed when a data folder is made.
use std::{fs, io, path::Path};

use flowline_engine::{EngineError, SHARDS};
use serde_json::{Value as Json, json};

use super::some_names;
use crate::exit::Failure;

/// The layout of a data folder.
const FOLDER_FORMAT: u32 = 1;
/// What may be there before `meta` is.
const BEFORE_META: [&str; 3] = ["journal", "lock", "meta.new"];
/// What is ours besides.
const BEHIND_META: [&str; 4] = ["store", "dedupe", "world.log", "rejected.ndjson"];

/// What is fixed when a data folder is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    /// The seed of the simulated world; none for real systems.
    pub(crate) seed: Option<u64>,
}

impl Meta {
    /// Reads what a folder was made with.
    ///
    /// # Errors
    /// When it is no data folder, or of another version.
    pub(crate) fn of(data: &Path) -> Result<Self, Failure> {
        match read(data)? {
            Some(found) => Ok(found),
            None => match fs::metadata(data) {
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err(Failure::misuse(format!(
                    "there is no folder `{}`; give the one that `flowline run --data` was given",
                    data.display()
                ))),
                Ok(_) if data.join("journal").is_dir() => Err(Failure::misuse(format!(
                    "`{}` has a `journal` but no `meta`: either its making was never finished, and `flowline run` finishes it, \
                     or `meta` was removed, and has to be restored from a backup",
                    data.display()
                ))),
                Ok(_) => Err(Failure::misuse(format!(
                    "`{}` is no data folder: it has no `meta`; give the folder that `flowline run --data` was given",
                    data.display()
                ))),
                Err(cause) => Err(unreadable(&data.join("meta"), &cause)),
            },
        }
    }

    /// Looks whether a folder may be used with this; whether it has a `meta` already. Writes nothing.
    ///
    /// # Errors
    /// When it holds other things, is of another version or was made with something else.
    pub(super) fn look(self, data: &Path) -> Result<bool, Failure> {
        if let Some(found) = read(data)? {
            if found != self {
                return Err(Failure::misuse(format!(
                    "`{}` was made with {found}, not with {self}; give the same options as then, or use another folder",
                    data.display()
                )));
            }
            return Ok(true);
        }
        let names = some_names(data)
            .map_err(|cause| Failure::misuse(format!("can't use `{}` as the data folder: {cause}", data.display())))?;
        let strange = |name: &&String| !BEFORE_META.contains(&name.as_str());
        if names.iter().any(|name| BEHIND_META.contains(&name.as_str())) && names.iter().any(|name| name == "journal") {
            return Err(missing(data, self));
        }
        if let Some(strange) = names.iter().find(strange) {
            return Err(Failure::misuse(format!(
                "`{}` is no data folder and not empty: it holds `{strange}`; give a new or an empty folder",
                data.display()
            )));
        }
        Ok(false)
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub(super) fn write(self, data: &Path) -> Result<(), Failure> {
        let (path, new) = (data.join("meta"), data.join("meta.new"));
        fs::write(&new, self.json().to_string())
            .and_then(|()| fs::File::open(&new)?.sync_all())
            .and_then(|()| fs::rename(&new, &path))
            .and_then(|()| fs::File::open(data)?.sync_all())
            .map_err(|cause| Failure::of_io("write", format!("`{}`", path.display()), &cause))
    }

    fn json(self) -> Json {
        json!({ "format": FOLDER_FORMAT, "shards": SHARDS, "seed": self.seed })
    }
}

impl std::fmt::Display for Meta {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.seed {
            None => f.write_str("real systems"),
            Some(seed) => write!(f, "a simulated world of seed {seed}"),
        }
    }
}

/// `meta` of a folder whose other files show that it had one.
pub(super) fn missing(data: &Path, asked: Meta) -> Failure {
    let path = data.join("meta");
    let path = path.display();
    Failure::misuse(format!(
        "`{path}` is missing, though `{}` was in use; restore it from a backup. If the folder was made with {asked}, \
         this is what stood there: {}",
        data.display(),
        asked.json()
    ))
}

fn read(data: &Path) -> Result<Option<Meta>, Failure> {
    let path = data.join("meta");
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound) => return Ok(None),
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotADirectory) => {
            return Err(Failure::misuse(format!("`{}` is a file; give a folder", data.display())));
        }
        Err(cause) => return Err(unreadable(&path, &cause)),
    };
    let found: Json = serde_json::from_slice(&text).unwrap_or(Json::Null);
    let Some(format) = found.get("format").and_then(Json::as_u64) else {
        return Err(Failure::misuse(format!(
            "`{}` isn't what flowline wrote there: it is damaged, or `{}` is no data folder; restore it from a backup, or use \
             another folder",
            path.display(),
            data.display()
        )));
    };
    if format != u64::from(FOLDER_FORMAT) {
        return Err(EngineError::Folder { found: format.to_string(), ours: FOLDER_FORMAT }.into());
    }
    let seed = match found.get("seed") {
        None | Some(Json::Null) => None,
        Some(seed) => Some(seed.as_u64().ok_or_else(|| damaged_field(&path, "seed"))?),
    };
    match found.get("shards").and_then(Json::as_u64) {
        Some(shards) if shards == u64::from(SHARDS) => Ok(Some(Meta { seed })),
        Some(shards) => Err(Failure::misuse(format!(
            "`{}` was made with {shards} shards, this version of flowline has {SHARDS}; use the version that wrote it",
            data.display()
        ))),
        None => Err(damaged_field(&path, "shards")),
    }
}

fn damaged_field(path: &Path, field: &str) -> Failure {
    Failure::misuse(format!("`{}` is damaged: `{field}` isn't a number; restore it from a backup", path.display()))
}

fn unreadable(path: &Path, cause: &io::Error) -> Failure {
    Failure::of_io("read", format!("`{}`", path.display()), cause)
}
