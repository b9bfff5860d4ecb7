//! The lines set aside: `DATA/rejected.ndjson`, one JSON object a line.
use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use flowline_core::hash128;
use serde_json::json;

use crate::{args::Global, exit::Failure, progress::Progress};

/// So many lines are told one by one; with `-v` all.
const TOLD_MAX: usize = 20;

/// A line set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reject {
    /// From 1.
    pub(crate) line: u64,
    pub(crate) reason: String,
    pub(crate) text: String,
}

/// The file of lines set aside. The same line of the same file is set aside once, however often it is read: a kill may have
/// come between the line and the note of how far the events were read.
#[derive(Debug)]
pub(crate) struct Rejected {
    path: PathBuf,
    /// The events' own file, as it was given.
    events: String,
    known: BTreeSet<u128>,
    file: Option<File>,
    global: Global,
    told: usize,
}

impl Rejected {
    /// Looks at what was set aside before, and cuts what a kill left unfinished.
    ///
    /// # Errors
    /// When the file can't be read or cut.
    pub(crate) fn open(data: &Path, events: &Path, global: Global) -> Result<Self, Failure> {
        let path = data.join("rejected.ndjson");
        let failed = |cause: io::Error| Failure::of_io("read", format!("`{}`", path.display()), &cause);
        let mut known = BTreeSet::new();
        match File::options().read(true).write(true).open(&path) {
            Ok(file) => {
                let (mut reader, mut line, mut sound) = (BufReader::new(&file), Vec::new(), 0);
                while reader.read_until(b'\n', &mut line).map_err(failed)? > 0 {
                    if line.last() != Some(&b'\n') {
                        file.set_len(sound).map_err(failed)?;
                        break;
                    }
                    known.insert(identity(&line));
                    sound += line.len() as u64;
                    line.clear();
                }
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(failed(cause)),
        }
        let events = events.display().to_string();
        Ok(Self { path, events, known, file: None, global, told: 0 })
    }

    /// Sets lines aside, on disk when this returns, and tells of them.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) fn add(&mut self, rejects: &[Reject], progress: &Progress) -> Result<(), Failure> {
        let mut text = String::new();
        for Reject { line, reason, text: kept } in rejects {
            let entry = json!({ "file": self.events, "line": line, "reason": reason, "text": kept });
            let entry = format!("{entry}\n");
            if self.known.insert(identity(entry.as_bytes())) {
                text.push_str(&entry);
            }
            self.tell(*line, reason, progress);
        }
        if text.is_empty() {
            return Ok(());
        }
        let failed = |cause: io::Error| Failure::of_io("write", format!("`{}`", self.path.display()), &cause);
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = File::options().create(true).append(true).open(&self.path).map_err(failed)?;
                self.file.insert(file)
            }
        };
        file.write_all(text.as_bytes()).and_then(|()| file.sync_data()).map_err(failed)
    }

    fn tell(&mut self, line: u64, reason: &str, progress: &Progress) {
        if self.global.quiet {
            return;
        }
        self.told += 1;
        if self.global.verbose || self.told <= TOLD_MAX {
            progress.tell(&format!("{}:{line}: set aside: {reason}", self.events));
        } else if self.told == TOLD_MAX + 1 {
            progress.tell(&format!("more lines are set aside; `{}` has them all", self.path.display()));
        }
    }

    /// The last word, where lines of this file were set aside.
    pub(crate) fn summary(&self, count: u64) -> Option<String> {
        let lines = match count {
            0 => return None,
            1 => "1 line was set aside".to_owned(),
            _ => format!("{} lines were set aside", crate::table::number(count)),
        };
        Some(format!(
            "{lines}, with the reason, in `{}`; mend what is wrong in the events' file and run the same command again: \
             what was taken in before isn't taken twice",
            self.path.display()
        ))
    }
}

fn identity(entry: &[u8]) -> u128 {
    hash128("rejected", &[entry])
}
