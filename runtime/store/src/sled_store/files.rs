//! The files beside sled's: the lock, the seal, and what of sled's own files is removed.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::{FORMAT_VERSION, StoreError};

const LOCK: &str = "lock";
const SEAL: &str = "marker";
const MAGIC: &[u8; 8] = b"FLOWSTOR";

/// Held until dropped or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
}

impl FolderLock {
    pub(super) fn acquire(dir: &Path) -> Result<FolderLock, StoreError> {
        let path = dir.join(LOCK);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(StoreError::io("open the lock", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(FolderLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { dir: dir.to_path_buf() }),
            Err(TryLockError::Error(cause)) => Err(StoreError::io("lock", &path)(cause)),
        }
    }
}

/// `<dir>/marker`: a marker that the tree holds durably, at least. Its presence says that the store was made to the end.
///
/// Magic (8 bytes), version (u32), marker (u64), CRC-32C of these (u32), all big-endian: 24 bytes, written in place,
/// within one sector of the disk. Should a write tear all the same, the checksum tells, and the store is rebuilt.
#[derive(Debug)]
pub(super) struct Seal {
    file: File,
}

impl Seal {
    pub(super) fn create(dir: &Path) -> Result<Seal, StoreError> {
        let path = dir.join(SEAL);
        let file = File::options().create_new(true).write(true).open(&path).map_err(StoreError::io("create", &path))?;
        let mut seal = Seal { file };
        seal.write(0)?;
        sync(dir)?;
        Ok(seal)
    }

    /// The seal and its marker; `Missing`, `Damaged` or `Version`.
    pub(super) fn open(dir: &Path) -> Result<(Seal, u64), StoreError> {
        let path = dir.join(SEAL);
        let mut file = File::options().read(true).write(true).open(&path).map_err(|cause| {
            if cause.kind() == io::ErrorKind::NotFound {
                return StoreError::Missing { dir: dir.to_path_buf() };
            }
            StoreError::io("open", &path)(cause)
        })?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(StoreError::io("read", &path))?;
        let (version, marker) = decode(&bytes).ok_or_else(|| StoreError::damaged("its file `marker` is unreadable"))?;
        if version != FORMAT_VERSION {
            return Err(StoreError::Version { found: version, ours: FORMAT_VERSION });
        }
        Ok((Seal { file }, marker))
    }

    pub(super) fn write(&mut self, marker: u64) -> Result<(), StoreError> {
        let bytes = encode(FORMAT_VERSION, marker);
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.write_all(&bytes))
            .and_then(|()| self.file.sync_data())
            .map_err(StoreError::io("write", Path::new(SEAL)))
    }
}

fn encode(version: u32, marker: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&version.to_be_bytes());
    bytes.extend_from_slice(&marker.to_be_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<(u32, u64)> {
    let (body, sum) = bytes.split_last_chunk()?;
    if crc32c::crc32c(body) != u32::from_be_bytes(*sum) {
        return None;
    }
    let (version, marker) = body.strip_prefix(MAGIC)?.split_first_chunk()?;
    Some((u32::from_be_bytes(*version), u64::from_be_bytes(marker.try_into().ok()?)))
}

/// Removes `snap.*` whose name ends in `ending`; returns how many there were.
pub(super) fn remove_snapshots(dir: &Path, ending: &str) -> Result<usize, StoreError> {
    let mut removed = 0;
    for entry in fs::read_dir(dir).map_err(StoreError::io("list", dir))? {
        let entry = entry.map_err(StoreError::io("list", dir))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(ending) {
            fs::remove_file(entry.path()).map_err(StoreError::io("remove", &entry.path()))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Empties the folder but for the lock. The seal goes first: from then on the store is `Missing`.
pub(super) fn clear(dir: &Path) -> Result<(), StoreError> {
    let seal = dir.join(SEAL);
    match fs::remove_file(&seal) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(StoreError::io("remove", &seal)(cause)),
        Ok(()) | Err(_) => sync(dir)?,
    }
    for entry in fs::read_dir(dir).map_err(StoreError::io("list", dir))? {
        let entry = entry.map_err(StoreError::io("list", dir))?;
        if entry.file_name() == LOCK {
            continue;
        }
        let path = entry.path();
        let kind = entry.file_type().map_err(StoreError::io("read", &path))?;
        let removed = if kind.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(StoreError::io("remove", &path))?;
    }
    sync(dir)
}

/// Makes a file's content, or a folder's entries, durable.
pub(super) fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(StoreError::io("sync", path))
}
