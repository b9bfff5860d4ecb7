//! One process at a time has a data folder open.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::JournalError;

/// The lock on a data folder (`DATA/lock`), held until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

impl DataLock {
    /// Takes the lock without waiting; the folder must exist.
    ///
    /// # Errors
    /// `Locked` if somebody else has it, `Io` if the file cannot be made.
    pub fn acquire(data: &Path) -> Result<DataLock, JournalError> {
        let path = data.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(JournalError::io("open the lock", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(DataLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(JournalError::Locked { path }),
            Err(TryLockError::Error(cause)) => Err(JournalError::io("lock", &path)(cause)),
        }
    }
}
