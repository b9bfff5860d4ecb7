//! One process at a time has a data folder open.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use crate::JournalError;

/// The lock on a data folder (`DATA/lock`), held until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct DataLock {
    _file: Option<File>,
}

impl DataLock {
    /// Takes the lock without waiting; the folder must exist. On a file system that can't be written (a backup, say) the
    /// lock is taken as it lies there; where there is none, nobody can have the folder open.
    ///
    /// # Errors
    /// `Locked` if somebody else has it, `Io` if the file cannot be made.
    pub fn acquire(data: &Path) -> Result<DataLock, JournalError> {
        let path = data.join("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = match file {
            Err(cause) if cause.kind() == ErrorKind::ReadOnlyFilesystem => match File::open(&path) {
                Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(DataLock { _file: None }),
                opened => opened,
            },
            opened => opened,
        };
        let file = file.map_err(JournalError::io("open the lock", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(DataLock { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(JournalError::Locked { path }),
            Err(TryLockError::Error(cause)) => Err(JournalError::io("lock", &path)(cause)),
        }
    }
}
