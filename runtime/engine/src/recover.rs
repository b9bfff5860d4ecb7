//! Starting: the bundle, the snapshots, the tail of the journal. Whatever the store can't tell is told by the journal.
use std::sync::Arc;

use flowline_core::{Input, RunId};
use flowline_journal::{Journal, JournalError, NewRecord, Record, RecordKind};
use flowline_plan::{Bundle, decode_bundle, encode_bundle};
use flowline_store::{KeyRange, Row, Store, StoreError, Table, split_u128};

use crate::{
    EngineError,
    body::{Cursor, InputBody, Origin, SnapshotBody, decode},
    checkpoint::{Covered, ENGINE_ROW, Saved, SnapshotRow},
    dedupe::Dedupe,
    engine::{Cell, Engine, EngineOptions, HomeCell, Message, Step},
    starts::{LineKey, Queued, Start},
    work::RECORD_BYTES,
};

/// What an engine is made of.
#[derive(Debug)]
pub struct EngineParts {
    pub bundle: Arc<Bundle>,
    pub store: Option<Arc<dyn Store>>,
    pub dedupe: Dedupe,
    pub options: EngineOptions,
}

/// What a start found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// The folder was there before.
    pub existed: bool,
    /// Runs that go on.
    pub runs: usize,
    /// Of these, how many came from snapshots.
    pub snapshots: usize,
    /// Records read behind the last checkpoint.
    pub replayed: u64,
}

/// Sees each step of a replay.
pub trait Watch {
    /// Whether [`Watch::step`] wants to be called; it costs copies.
    fn wants_steps(&self) -> bool {
        false
    }
    /// A run took the input of a record.
    fn step(&mut self, _record: &Record, _step: &Step) {}
    /// So many records have been read.
    fn progress(&mut self, _records: u64) {}
}

/// Sees nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWatch;

impl Watch for NoWatch {}

/// Reads the bundle that a journal's runs are pinned to: its first record. None for an empty journal.
///
/// # Errors
/// When the journal can't be read or its first record is no bundle.
pub fn bundle_of(journal: &dyn Journal) -> Result<Option<Bundle>, EngineError> {
    let Some(first) = journal.read(0)?.next() else { return Ok(None) };
    bundle_in(&first?.record).map(Some)
}

/// The bundle in a journal's first record.
///
/// # Errors
/// When it is none.
pub fn bundle_in(record: &Record) -> Result<Bundle, EngineError> {
    if record.kind != RecordKind::Bundle {
        let what = format!("a journal begins with a bundle, this one with `{}`", record.kind);
        return Err(EngineError::Replay { seq: record.seq, what });
    }
    Ok(decode_bundle(&record.body)?.0)
}

impl Engine {
    /// Starts an engine on a journal. A new journal gets the bundle as its first record; an old one must hold the same.
    ///
    /// # Errors
    /// When the journal or the store fails, when the folder belongs to other flows, or when a record doesn't follow from
    /// those before it.
    pub fn open(
        parts: EngineParts,
        journal: Arc<dyn Journal>,
        watch: &mut dyn Watch,
    ) -> Result<(Self, Recovered), EngineError> {
        let (bytes, ours) = encode_bundle(&parts.bundle);
        let mut engine = Self::empty(parts.bundle, journal, parts.store, parts.dedupe, parts.options);
        let marker = engine.store.as_ref().map_or(0, |store| store.marker());
        let durable = engine.journal.durable();
        let reflected = marker.max(engine.dedupe.marker());
        if reflected > durable {
            return Err(foreign(format!("it reflects record {reflected}, but the journal ends with record {durable}")));
        }
        let Some(theirs) = bundle_of(&*engine.journal)? else {
            let body = bytes;
            let record =
                NewRecord { kind: RecordKind::Bundle, version: 1, shard: 0, run: 0, now: 0, body, state_hash: 0 };
            let ticket = engine.journal.submit(vec![record])?;
            engine.journal.wait(ticket.last_seq)?;
            engine.next_seq = ticket.last_seq + 1;
            return Ok((engine, Recovered::default()));
        };
        let (_, theirs) = encode_bundle(&theirs);
        if theirs != ours {
            return Err(EngineError::OtherBundle { ours: ours.to_string(), theirs: theirs.to_string() });
        }
        let mut found = Recovered { existed: true, ..Recovered::default() };
        if marker > 0 {
            found.snapshots = engine.load(marker)?;
        }
        // Dedupe keys may lag behind the store: their part of the tail is read for them alone.
        let dedupe_from = engine.dedupe.marker().min(marker);
        found.replayed = engine.replay(dedupe_from + 1, marker, watch)?;
        engine.drop_derived();
        found.runs = engine.live().count();
        Ok((engine, found))
    }

    /// Loads the snapshots that the marker covers.
    fn load(&mut self, marker: u64) -> Result<usize, EngineError> {
        let Some(store) = self.store.clone() else { return Ok(0) };
        let row = store.get(Table::Meta, ENGINE_ROW)?;
        let Some(Covered::At(saved)) = row.map(|row| covered(&row, marker)).transpose()? else {
            return Err(foreign("it doesn't know the engine's own state".to_owned()));
        };
        let (record, body) = self.snapshot(saved)?;
        let SnapshotBody::Engine { totals, cursor, schedules } = body else { return Err(misplaced(saved)) };
        (self.totals, self.cursor) = (*totals, cursor);
        self.schedules.restore(&self.bundle.calendars, schedules);
        self.now = record.now;
        self.own_saved = Some(saved);
        for row in store.scan(Table::Run, KeyRange::all()) {
            let (key, row) = row?;
            let Covered::At(saved) = covered(&row, marker)? else {
                self.row_is_absent(Table::Run, &key);
                continue;
            };
            let (run, joined, generation, shard, begun, line) = match self.snapshot(saved)?.1 {
                SnapshotBody::Run { run, joined, generation, shard, begun, line } => {
                    (run, joined, generation, shard, begun, line)
                }
                SnapshotBody::Queued { run, shard, flow, generation, cause, value, line, place, since } => {
                    let start = Start { run, shard, flow, generation, cause, value, saved: Some(saved) };
                    self.restore_queued(LineKey { flow, key: line }, Queued { start, place, since, dirty: false });
                    continue;
                }
                SnapshotBody::Home(_) | SnapshotBody::Engine { .. } | SnapshotBody::Batch { .. } => {
                    return Err(misplaced(saved));
                }
            };
            let Some(program) = self.program_of(run.flow).map(Arc::clone) else { return Err(misplaced(saved)) };
            let id = run.id();
            for frame in &run.control.frames {
                if let flowline_core::control::At::Incident(incident) = &frame.at {
                    self.incidents.insert((id, frame.no), (**incident).clone());
                }
            }
            if let Some(key) = line {
                self.lines.restore_running(id, LineKey { flow: run.flow, key }, run.control.ended);
            }
            let cell = Cell { run: *run, program, shard, joined, generation, begun, dirty: false, saved: Some(saved) };
            self.tasks.load(&cell.run);
            self.runs.insert(id, cell);
            self.arm_all(id);
        }
        for row in store.scan(Table::Home, KeyRange::all()) {
            let (key, row) = row?;
            let Covered::At(saved) = covered(&row, marker)? else {
                self.row_is_absent(Table::Home, &key);
                continue;
            };
            let snapshot = match self.snapshot(saved)?.1 {
                SnapshotBody::Home(snapshot) => snapshot,
                SnapshotBody::Batch { key, batch } => {
                    self.restore_batch(key, batch, saved);
                    continue;
                }
                SnapshotBody::Run { .. } | SnapshotBody::Queued { .. } | SnapshotBody::Engine { .. } => {
                    return Err(misplaced(saved));
                }
            };
            for (run, wait) in snapshot.home.registered() {
                self.waits.insert((run, wait), snapshot.key.clone());
            }
            for expires_at in snapshot.home.expiries() {
                self.expiries.entry(expires_at).or_default().push(snapshot.key.clone());
            }
            self.homes.insert(snapshot.key, HomeCell { home: snapshot.home, dirty: false, saved: Some(saved) });
        }
        Ok(self.live().count())
    }

    fn snapshot(&self, saved: Saved) -> Result<(Record, SnapshotBody), EngineError> {
        let (seq, at) = saved;
        let record = match self.journal.read_at(at) {
            Ok(record) => record,
            // Either the place is none of this journal, or its record is damaged: the rebuild reads all and tells which.
            Err(JournalError::NoRecord { .. } | JournalError::Damaged { .. } | JournalError::Unknown { .. }) => {
                return Err(misplaced(saved));
            }
            Err(error) => return Err(error.into()),
        };
        if record.kind != RecordKind::Snapshot || record.seq != seq {
            return Err(misplaced(saved));
        }
        let body = decode(&record.body, seq)?;
        Ok((record, body))
    }

    fn row_is_absent(&mut self, table: Table, key: &[u8]) {
        if let Some((id, _)) = split_u128(key) {
            self.checkpoints.found_absent((table, id));
        }
    }

    /// Reads the journal from a seq on; up to `loaded` only for the dedupe keys.
    fn replay(&mut self, from: u64, loaded: u64, watch: &mut dyn Watch) -> Result<u64, EngineError> {
        self.summaries_to = loaded;
        let (mut count, mut bytes, mut last) = (0, 0, loaded.max(from.saturating_sub(1)));
        self.trace = watch.wants_steps().then(Vec::new);
        for stored in self.journal.read(from)? {
            let record = stored?.record;
            last = record.seq;
            if record.seq <= loaded {
                self.remember(&record)?;
                continue;
            }
            self.replay_one(&record, watch)?;
            count += 1;
            bytes += record.body.len() + RECORD_BYTES;
            if count % 4_096 == 0 {
                watch.progress(count);
            }
        }
        self.next_seq = last + 1;
        self.summaries_to = u64::MAX;
        self.trace = None;
        self.checkpoints.written(count, bytes as u64);
        Ok(count)
    }

    /// Takes only the identity of an event.
    fn remember(&mut self, record: &Record) -> Result<(), EngineError> {
        if record.kind == RecordKind::Input
            && record.run == 0
            && let InputBody::Event(event) = decode(&record.body, record.seq)?
        {
            self.dedupe.admit(&event, record.now);
        }
        Ok(())
    }

    fn replay_one(&mut self, record: &Record, watch: &mut dyn Watch) -> Result<(), EngineError> {
        // `apply` takes the seq of the record being written: the last one of the records so far.
        self.next_seq = record.seq + 1;
        if record.kind != RecordKind::Bundle {
            self.now = self.now.max(record.now);
        }
        match record.kind {
            RecordKind::Input => {}
            RecordKind::Cursor => {
                let cursor: Cursor = decode(&record.body, record.seq)?;
                self.totals.duplicates = cursor.duplicates;
                self.totals.conflicts = cursor.conflicts;
                self.cursor = Some(cursor);
                return Ok(());
            }
            // A bundle stands once, at the beginning; the others tell nothing that the inputs don't.
            RecordKind::Bundle
            | RecordKind::Snapshot
            | RecordKind::HandOver
            | RecordKind::Checkpoint
            | RecordKind::Retention
            | RecordKind::Meta => return Ok(()),
        }
        let message = self.message_of(record)?;
        let hash = self.apply(message)?;
        if hash != record.state_hash {
            return Err(EngineError::StateHash { seq: record.seq, ours: hash, theirs: record.state_hash });
        }
        for step in self.trace.as_mut().map(std::mem::take).unwrap_or_default() {
            watch.step(record, &step);
        }
        Ok(())
    }

    /// The message that a record shows: the next one that the records before it derived, or, where none waits, one from
    /// outside.
    fn message_of(&mut self, record: &Record) -> Result<Message, EngineError> {
        while let Some(front) = self.queue.pop_front() {
            if self.is_void(&front) {
                self.discard(&front);
                continue;
            }
            let same = is_at(self.place_of(&front), record) && Self::body_of(&front) == record.body;
            if let Message::Event(event) = &front {
                // One that came before has no record. Where the dedupe keys are ahead, new ones are known as well.
                let known = self.dedupe.knows(event, record.now);
                self.dedupe.admit(event, record.now);
                if !same && known {
                    continue;
                }
            }
            return if same { Ok(front) } else { Err(unexplained(record, "it calls for something else")) };
        }
        let run = RunId(record.run);
        let message = match decode(&record.body, record.seq)? {
            InputBody::Event(event) if event.origin != Origin::Flow => {
                self.dedupe.admit(&event, record.now);
                Message::Event(event)
            }
            InputBody::Run(input) if comes_from_outside(&input) => Message::Run { run, input },
            InputBody::Tick { flow, due } => Message::Tick { flow, due },
            InputBody::Close { key, batch } => Message::Close { key, batch },
            InputBody::Schedules { on } => Message::Schedules { on },
            InputBody::Event(_) | InputBody::Start { .. } | InputBody::Offered { .. } | InputBody::Run(_) => {
                return Err(unexplained(record, "nothing calls for it"));
            }
        };
        if self.is_void(&message) {
            return Err(unexplained(record, "nobody waits for it"));
        }
        if !is_at(self.place_of(&message), record) {
            return Err(unexplained(record, "it is of another run or shard than it says"));
        }
        if let Message::Run { run, input: Input::Due { timer } } = &message
            && !self.disarm(*run, *timer)
        {
            return Err(unexplained(record, "it is of a timer that isn't armed"));
        }
        Ok(message)
    }
}

/// Whether a record lies where its message belongs.
fn is_at(place: (u16, u128), record: &Record) -> bool {
    place == (record.shard, record.run)
}

fn comes_from_outside(input: &Input) -> bool {
    match input {
        Input::Answered { .. }
        | Input::Due { .. }
        | Input::Settle
        | Input::Retry { .. }
        | Input::TaskAnswered { .. } => true,
        Input::Start { .. }
        | Input::Offered { .. }
        | Input::Withdrawn { .. }
        | Input::ChildEnded { .. }
        | Input::Relieved => false,
    }
}

fn covered(row: &Row, marker: u64) -> Result<Covered, EngineError> {
    let row: SnapshotRow =
        postcard::from_bytes(&row.bytes).map_err(|cause| foreign(format!("a row can't be read ({cause})")))?;
    Ok(row.covered_by(marker))
}

fn unexplained(record: &Record, what: &str) -> EngineError {
    EngineError::Replay { seq: record.seq, what: what.to_owned() }
}

/// The store and the journal don't belong together.
fn foreign(what: String) -> EngineError {
    StoreError::Damaged { what }.into()
}

fn misplaced((seq, at): Saved) -> EngineError {
    let (segment, offset) = (at.segment, at.offset);
    foreign(format!("record {seq} in segment {segment:08} at byte {offset} isn't the snapshot that it names"))
}
