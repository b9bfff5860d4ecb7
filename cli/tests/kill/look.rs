//! What a kill has left, looked at in a copy: the folder itself is left to the next start.
use std::{fs, path::Path, sync::Arc};

use flowline_core::{Output, Run, control::CallFor};
use flowline_engine::{Dedupe, Engine, EngineOptions, EngineParts, NoWatch, Step, Watch, bundle_of};
use flowline_journal::{FileJournal, Journal, Options, Record, RecordKind};
use flowline_store::{OpenOutcome, SledStore, Store};

/// A data folder after a kill.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// Runs that haven't ended.
    pub(crate) live: usize,
    /// Of these, how many have the call out that lets go of something.
    pub(crate) settling: usize,
    /// Snapshots without their checkpoint, or a checkpoint that the index doesn't have yet.
    pub(crate) checkpoint: bool,
    /// Bytes of the newest segment.
    pub(crate) newest_segment: u64,
    /// Bytes of a last write that was cut in two.
    pub(crate) torn_bytes: u64,
}

impl Left {
    pub(crate) fn by(data: &Path) -> Self {
        if !data.join("journal").exists() {
            return Self::default();
        }
        let copy = tempfile::tempdir().unwrap();
        copy_folder(data, copy.path());
        let segments = fs::read_dir(data.join("journal")).unwrap().map(|entry| entry.unwrap().path());
        let newest_segment = segments.max().map_or(0, |path| fs::metadata(path).unwrap().len());
        let (journal, recovery) = FileJournal::open(copy.path(), Options::default()).unwrap();
        let journal: Arc<dyn Journal> = Arc::new(journal);
        let checkpoint = checkpoint_under_way(&*journal, &copy.path().join("store"));
        let torn_bytes = recovery.torn.map_or(0, |torn| torn.bytes);
        let mut left = Self { live: 0, settling: 0, checkpoint, newest_segment, torn_bytes };
        if recovery.last_seq > 0 {
            let engine = replay(journal, &mut NoWatch);
            left.live = engine.live().count();
            left.settling = engine.live().filter(|run| is_settling(run)).count();
        }
        left
    }
}

fn replay(journal: Arc<dyn Journal>, watch: &mut dyn Watch) -> Engine {
    let bundle = Arc::new(bundle_of(&*journal).unwrap().unwrap());
    let (dedupe, options) = (Dedupe::Memory(Default::default()), EngineOptions::default());
    Engine::open(EngineParts { bundle, store: None, dedupe, options }, journal, watch).unwrap().0
}

/// The call that lets go of something is out.
fn is_settling(run: &Run) -> bool {
    let calls = run.control.frames.iter().filter_map(|frame| frame.call.as_ref());
    calls.into_iter().any(|call| match call.what {
        CallFor::Abandon { .. } | CallFor::Undo { .. } | CallFor::Repeat { .. } => true,
        CallFor::Step => false,
    })
}

fn checkpoint_under_way(journal: &dyn Journal, store: &Path) -> bool {
    let (mut last, mut loose) = (0, false);
    for stored in journal.read(0).unwrap() {
        let record = stored.unwrap().record;
        match record.kind {
            RecordKind::Snapshot => loose = true,
            RecordKind::Checkpoint => (last, loose) = (record.seq, false),
            _ => {}
        }
    }
    // A store that was just being made can't be opened yet.
    let marker = match SledStore::open_or_reason(store, Default::default()).unwrap() {
        OpenOutcome::Ready(store) => store.marker(),
        OpenOutcome::Rebuild { .. } => 0,
    };
    loose || marker < last
}

/// The bytes of the world's log at which some run has just begun to let go of something, in an undisturbed folder.
pub(crate) fn settling_begins(data: &Path) -> Vec<u64> {
    let ends: Vec<u64> = frames(data)
        .iter()
        .scan(0, |end, frame| {
            *end += frame.len() as u64;
            Some(*end)
        })
        .collect();
    let copy = tempfile::tempdir().unwrap();
    copy_folder(data, copy.path());
    let mut calls = Calls::default();
    replay(Arc::new(FileJournal::open(copy.path(), Options::default()).unwrap().0), &mut calls);
    // The first frame is the log's header; each call of the replay has written one.
    calls.settling.iter().filter_map(|call| ends.get(call + 1).copied()).collect()
}

/// Which calls of a day let go of something, counted from 0.
#[derive(Default)]
struct Calls {
    count: usize,
    settling: Vec<usize>,
}

impl Watch for Calls {
    fn wants_steps(&self) -> bool {
        true
    }

    fn step(&mut self, _record: &Record, step: &Step) {
        for output in &step.outputs {
            if let Output::Call(_) = output {
                if is_settling(&step.after) {
                    self.settling.push(self.count);
                }
                self.count += 1;
            }
        }
    }
}

/// The records of the world's log: what was done, to the byte.
pub(crate) fn frames(data: &Path) -> Vec<Vec<u8>> {
    const HEAD: usize = 12;
    let bytes = fs::read(data.join("world.log")).unwrap();
    let mut rest = bytes.as_slice();
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
        let (frame, more) = rest.split_at(HEAD + length);
        frames.push(frame.to_vec());
        rest = more;
    }
    frames
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
