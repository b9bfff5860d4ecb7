//! The world's own log: what it did, written before it answers.
//!
//! A record is handed to the operating system by `write`, not synced to disk: it survives the death of any process, as
//! a system in another building would, and that is all it is for. Power loss is the journal's business.
use std::{
    fs::{File, OpenOptions},
    io::{BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::WorldError;

/// Length, checksum of the length, checksum of the content: 4 bytes each, little-endian.
const HEAD_LEN: usize = 12;
/// No record comes near this; a longer one is damage.
const RECORD_BYTES_MAX: u32 = 16 << 20;

/// Takes one record at a time.
pub type Visit<'a> = dyn FnMut(&[u8]) -> Result<(), WorldError> + 'a;

/// Where a world writes what it did. A file, or memory.
pub trait WorldLog: std::fmt::Debug + Send {
    /// Shows every record in order, cuts a torn tail, and stands at the end. Says how many bytes were cut.
    ///
    /// # Errors
    /// When the log can't be read, is damaged before its end, or when `visit` refuses a record.
    fn replay(&mut self, visit: &mut Visit<'_>) -> Result<u64, WorldError>;

    /// Adds a record. When this returns, it survives the death of the process.
    ///
    /// # Errors
    /// When it could not be written. No further record is taken then.
    fn append(&mut self, record: &[u8]) -> Result<(), WorldError>;
}

/// A log in a file.
#[derive(Debug)]
pub struct FileLog {
    path: PathBuf,
    file: File,
    frame: Vec<u8>,
    stopped: bool,
}

impl FileLog {
    /// Opens a log, or begins one.
    ///
    /// # Errors
    /// When the file can't be opened.
    pub fn open(path: &Path) -> Result<Self, WorldError> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(io("open", path))?;
        Ok(Self { path: path.to_path_buf(), file, frame: Vec::new(), stopped: false })
    }
}

impl WorldLog for FileLog {
    fn replay(&mut self, visit: &mut Visit<'_>) -> Result<u64, WorldError> {
        let len = self.file.metadata().map_err(io("read", &self.path))?.len();
        self.file.seek(SeekFrom::Start(0)).map_err(io("read", &self.path))?;
        let sound = read_frames(BufReader::with_capacity(1 << 16, &self.file), len, &self.path, visit)?;
        self.file.set_len(sound).map_err(io("cut the torn end of", &self.path))?;
        self.file.seek(SeekFrom::Start(sound)).map_err(io("read", &self.path))?;
        Ok(len - sound)
    }

    fn append(&mut self, record: &[u8]) -> Result<(), WorldError> {
        if self.stopped {
            return Err(WorldError::Stopped);
        }
        write_frame(&mut self.frame, record);
        // A part of a record may be in the file now: what came behind it could not be told from damage.
        self.file.write_all(&self.frame).map_err(|cause| {
            self.stopped = true;
            io("write to", &self.path)(cause)
        })
    }
}

/// A log in memory. Clones share it, so that a test can let a world die and open another one over what it left.
#[derive(Debug, Clone, Default)]
pub struct MemoryLog {
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl MemoryLog {
    /// The bytes as a file would hold them.
    pub fn bytes(&self) -> Vec<u8> {
        self.lock().clone()
    }

    /// A log that holds these bytes: a copy of another one, cut or damaged.
    pub fn of_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes: Arc::new(Mutex::new(bytes)) }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WorldLog for MemoryLog {
    fn replay(&mut self, visit: &mut Visit<'_>) -> Result<u64, WorldError> {
        let mut bytes = self.lock();
        let len = bytes.len() as u64;
        let sound = read_frames(bytes.as_slice(), len, Path::new("(memory)"), visit)?;
        bytes.truncate(usize::try_from(sound).unwrap_or(usize::MAX));
        Ok(len - sound)
    }

    fn append(&mut self, record: &[u8]) -> Result<(), WorldError> {
        let mut frame = Vec::new();
        write_frame(&mut frame, record);
        self.lock().extend_from_slice(&frame);
        Ok(())
    }
}

fn write_frame(frame: &mut Vec<u8>, record: &[u8]) {
    let len = u32::try_from(record.len()).expect("invariant: a record is far shorter than 4 GiB").to_le_bytes();
    frame.clear();
    frame.extend_from_slice(&len);
    frame.extend_from_slice(&crc32c::crc32c(&len).to_le_bytes());
    frame.extend_from_slice(&crc32c::crc32c(record).to_le_bytes());
    frame.extend_from_slice(record);
}

/// Shows every whole record and gives the length of them all. A killed writer leaves the beginning of a record at
/// most: what is whole and wrong is damage.
fn read_frames(mut from: impl Read, len: u64, path: &Path, visit: &mut Visit<'_>) -> Result<u64, WorldError> {
    let mut at = 0_u64;
    let mut record = Vec::new();
    loop {
        let rest = len - at;
        if rest < HEAD_LEN as u64 {
            return Ok(at);
        }
        let mut words = [[0_u8; 4]; 3];
        for word in &mut words {
            from.read_exact(word).map_err(io("read", path))?;
        }
        let [size, of_size, of_record] = words;
        let record_len = u32::from_le_bytes(size);
        if crc32c::crc32c(&size) != u32::from_le_bytes(of_size) || record_len > RECORD_BYTES_MAX {
            return Err(WorldError::Damaged { offset: at, what: "a record's length doesn't match its checksum" });
        }
        let whole = HEAD_LEN as u64 + u64::from(record_len);
        if rest < whole {
            return Ok(at);
        }
        record.resize(record_len as usize, 0);
        from.read_exact(&mut record).map_err(io("read", path))?;
        if crc32c::crc32c(&record) != u32::from_le_bytes(of_record) {
            return Err(WorldError::Damaged { offset: at, what: "a record doesn't match its checksum" });
        }
        visit(&record)?;
        at += whole;
    }
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> WorldError {
    move |cause| WorldError::Io { doing, path: path.to_path_buf(), cause: Arc::new(cause) }
}
