mod conformance;
mod damage;
mod fingerprints;
mod quiet;

use std::path::Path;

use tempfile::TempDir;

use crate::{MemoryStore, Options, SledStore, Store};

/// A door to the store, as the suite handles it.
pub(crate) trait Door: Sized {
    fn fresh() -> Self;
    fn store(&self) -> &dyn Store;
    /// Fails after `chunks` more chunks.
    fn dying_after(self, chunks: u32) -> Self;
    /// The process is killed as it stands, and another one opens what is left.
    fn killed(self) -> Self;
}

impl Door for MemoryStore {
    fn fresh() -> Self {
        MemoryStore::new()
    }

    fn store(&self) -> &dyn Store {
        self
    }

    fn dying_after(self, chunks: u32) -> Self {
        MemoryStore::dying_after(self, chunks)
    }

    fn killed(self) -> Self {
        self.reopen()
    }
}

/// Fields drop in order: the store closes before its folder goes.
pub(crate) struct OnDisk {
    store: SledStore,
    folder: TempDir,
}

/// Small, so that reads go to the disk and many stores fit beside each other.
pub(crate) const SMALL: Options = Options { cache_bytes: 1024 * 1024 };

impl Door for OnDisk {
    fn fresh() -> Self {
        let folder = TempDir::new().unwrap();
        let store = SledStore::recreate(&folder.path().join("store"), SMALL).unwrap();
        OnDisk { store, folder }
    }

    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn dying_after(self, chunks: u32) -> Self {
        OnDisk { store: self.store.dying_after(chunks), folder: self.folder }
    }

    fn killed(self) -> Self {
        // Closing would flush what a kill loses, so the folder is copied while the store is open.
        let folder = TempDir::new().unwrap();
        copy(&self.folder.path().join("store"), &folder.path().join("store"));
        let store = SledStore::open(&folder.path().join("store"), SMALL).unwrap();
        OnDisk { store, folder }
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
