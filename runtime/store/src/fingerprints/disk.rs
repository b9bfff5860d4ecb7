//! How fingerprints lie on disk.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::{FORMAT_VERSION, StoreError};

const DAY_MAGIC: &[u8; 8] = b"FLOWFPD1";
const INDEX_MAGIC: &[u8; 8] = b"FLOWFPIX";
const INDEX: &str = "index";
const INDEX_NEW: &str = "index.new";

/// Which days are there, and the length of each file in bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) marker: u64,
    pub(super) days: BTreeMap<u32, u64>,
}

/// An index that is missing is an empty one.
pub(super) fn read_index(dir: &Path) -> Result<Index, StoreError> {
    let path = dir.join(INDEX);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Index::default()),
        Err(cause) => return Err(StoreError::io("read", &path)(cause)),
    };
    let unreadable = || StoreError::damaged("the index of the dedupe keys is unreadable");
    let (body, sum) = bytes.split_last_chunk().ok_or_else(unreadable)?;
    if crc32c::crc32c(body) != u32::from_be_bytes(*sum) {
        return Err(unreadable());
    }
    let body = body.strip_prefix(INDEX_MAGIC).ok_or_else(unreadable)?;
    let (version, body) = body.split_first_chunk().ok_or_else(unreadable)?;
    let version = u32::from_be_bytes(*version);
    if version != FORMAT_VERSION {
        return Err(StoreError::Version { found: version, ours: FORMAT_VERSION });
    }
    let (marker, mut body) = body.split_first_chunk().ok_or_else(unreadable)?;
    let mut index = Index { marker: u64::from_be_bytes(*marker), days: BTreeMap::new() };
    while let Some((day, rest)) = body.split_first_chunk() {
        let (bytes, rest) = rest.split_first_chunk().ok_or_else(unreadable)?;
        index.days.insert(u32::from_be_bytes(*day), u64::from_be_bytes(*bytes));
        body = rest;
    }
    Ok(index)
}

/// Magic, version, marker, then day and length of each; CRC-32C at the end. Written aside, synced, renamed.
pub(super) fn write_index(dir: &Path, index: &Index) -> Result<(), StoreError> {
    let mut bytes = INDEX_MAGIC.to_vec();
    bytes.extend_from_slice(&FORMAT_VERSION.to_be_bytes());
    bytes.extend_from_slice(&index.marker.to_be_bytes());
    for (day, length) in &index.days {
        bytes.extend_from_slice(&day.to_be_bytes());
        bytes.extend_from_slice(&length.to_be_bytes());
    }
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
    let new = dir.join(INDEX_NEW);
    File::create(&new)
        .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&new, dir.join(INDEX)))
        // The folder's sync also makes the day files' names durable, which were created before.
        .and_then(|()| File::open(dir)?.sync_all())
        .map_err(StoreError::io("write", &new))
}

/// Removes day files that the index does not name.
pub(super) fn remove_strangers(dir: &Path, index: &Index) -> Result<(), StoreError> {
    for entry in fs::read_dir(dir).map_err(StoreError::io("list", dir))? {
        let path = entry.map_err(StoreError::io("list", dir))?.path();
        let is_day = path.extension().is_some_and(|extension| extension == "fp");
        let named = path
            .file_stem()
            .and_then(|stem| stem.to_str()?.parse().ok())
            .is_some_and(|day: u32| index.days.contains_key(&day));
        if is_day && !named {
            fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
        }
    }
    Ok(())
}

/// The runs of a day up to `length`, or in words what is wrong with them.
pub(super) fn read_day(dir: &Path, day: u32, length: u64) -> Result<Result<Vec<Vec<u128>>, String>, StoreError> {
    let path = day_path(dir, day);
    let mut bytes = Vec::new();
    match File::open(&path).and_then(|file| file.take(length).read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Err("its file is missing".to_owned())),
        Err(cause) => return Err(StoreError::io("read", &path)(cause)),
    }
    if bytes.len() as u64 != length {
        return Ok(Err(format!("its file has {} bytes, {length} were written", bytes.len())));
    }
    Ok(decode_day(&bytes))
}

fn decode_day(bytes: &[u8]) -> Result<Vec<Vec<u128>>, String> {
    let mut rest = bytes.strip_prefix(DAY_MAGIC).ok_or("its file does not begin as one")?;
    let mut runs = Vec::new();
    while !rest.is_empty() {
        let offset = bytes.len() - rest.len();
        let (run, after) =
            decode_run(rest).ok_or_else(|| format!("the run at byte {offset} is not what was written"))?;
        runs.push(run);
        rest = after;
    }
    Ok(runs)
}

fn decode_run(bytes: &[u8]) -> Option<(Vec<u128>, &[u8])> {
    let (count, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk()?;
    let body_bytes = usize::try_from(u32::from_be_bytes(*count)).ok()?.checked_mul(16)?;
    let (body, rest) = rest.split_at_checked(body_bytes)?;
    if crc32c::crc32c_append(crc32c::crc32c(count), body) != u32::from_be_bytes(*sum) {
        return None;
    }
    let (fingerprints, _) = body.as_chunks();
    let run: Vec<u128> = fingerprints.iter().map(|bytes| u128::from_be_bytes(*bytes)).collect();
    run.is_sorted().then_some((run, rest))
}

/// Writes a sorted run at `length`, cutting what lies beyond, and syncs; returns the new length. 0 begins the file anew.
pub(super) fn append(dir: &Path, day: u32, length: u64, run: &[u128]) -> Result<u64, StoreError> {
    let mut bytes = Vec::with_capacity(16 + run.len() * 16);
    if length == 0 {
        bytes.extend_from_slice(DAY_MAGIC);
    }
    let count =
        u32::try_from(run.len()).expect("invariant: a checkpoint has far fewer than 2^32 fingerprints").to_be_bytes();
    let body: Vec<u8> = run.iter().flat_map(|fingerprint| fingerprint.to_be_bytes()).collect();
    bytes.extend_from_slice(&count);
    bytes.extend_from_slice(&crc32c::crc32c_append(crc32c::crc32c(&count), &body).to_be_bytes());
    bytes.extend_from_slice(&body);
    let path = day_path(dir, day);
    let written = || -> io::Result<()> {
        let mut file = File::options().create(true).truncate(false).write(true).open(&path)?;
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        file.write_all(&bytes)?;
        file.sync_data()
    };
    written().map_err(StoreError::io("write", &path))?;
    Ok(length + bytes.len() as u64)
}

fn day_path(dir: &Path, day: u32) -> PathBuf {
    dir.join(format!("{day}.fp"))
}
