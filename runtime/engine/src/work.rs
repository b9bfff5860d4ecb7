//! Working off: one message after another becomes a record, is made true, and calls for the next ones.
//!
//! An input from outside is worked off with all that follows from it before the next one is looked at. So a replay knows
//! of each record whether it was derived: it is, exactly when a message waits.
use std::sync::Arc;

use flowline_core::{Answer, Ending, Input, Output, Parent, Run, RunId, TaskFate, control::At, control::TimerFor};
use flowline_journal::{NewRecord, RecordKind};

use crate::{
    EngineError, Origin,
    body::{EventIn, InputBody, StartCause, encode},
    engine::{Cell, Engine, Finished, Message, Order, Step},
    home::{HomeKey, Offer},
    shard::{SHARDS, shard_of},
    starts::Start,
    tasks::TaskAnswer,
    totals::outcome_name,
};

/// Bytes of a record besides its body, about.
pub(crate) const RECORD_BYTES: usize = 64;

impl Engine {
    /// Puts a message at the end of the queue.
    pub(crate) fn push(&mut self, message: Message) {
        if let Message::Start(Start { run, .. }) = &message {
            self.starting.insert(*run);
        }
        self.queue.push_back(message);
    }

    pub(crate) fn send_to_run(&mut self, run: RunId, input: Input) {
        self.push(Message::Run { run, input });
    }

    /// Works off what waits, and what follows from it.
    pub(crate) fn work_off(&mut self) -> Result<(), EngineError> {
        while let Some(message) = self.queue.pop_front() {
            if self.is_void(&message) {
                self.discard(&message);
                continue;
            }
            if let Message::Event(event) = &message
                && !self.admit(event)
            {
                continue;
            }
            let (shard, run) = self.place_of(&message);
            let body = Self::body_of(&message);
            if self.record_bytes + body.len() > self.options.group_bytes {
                self.submit()?;
            }
            self.record(RecordKind::Input, shard, run, body);
            let hash = self.apply(message)?;
            if let Some(record) = self.records.last_mut() {
                record.state_hash = hash;
            }
        }
        Ok(())
    }

    /// Adds a record to the group.
    pub(crate) fn record(&mut self, kind: RecordKind, shard: u16, run: u128, body: Vec<u8>) {
        debug_assert!(shard < SHARDS, "a shard below {SHARDS}");
        self.record_bytes += body.len() + RECORD_BYTES;
        self.records.push(NewRecord { kind, version: 1, shard, run, now: self.now, body, state_hash: 0 });
    }

    /// Hands the records so far to the journal; the last seq submitted.
    pub(crate) fn submit(&mut self) -> Result<u64, EngineError> {
        let bytes = std::mem::take(&mut self.record_bytes);
        if self.records.is_empty() {
            return Ok(self.next_seq - 1);
        }
        let group = std::mem::take(&mut self.records);
        let ticket = self.journal.submit(group)?;
        self.checkpoints.written(ticket.last_seq + 1 - ticket.first_seq, bytes as u64);
        self.next_seq = ticket.last_seq + 1;
        Ok(ticket.last_seq)
    }

    /// Whether a message changes nothing: nobody is there to take it, or it is no longer waited for.
    pub(crate) fn is_void(&self, message: &Message) -> bool {
        match message {
            Message::Event(_) => false,
            // Each start has an identity of its own; a run that is there never begins again.
            Message::Start(Start { run, .. }) => self.runs.contains_key(run),
            Message::Tick { flow, due } => self.has_ticked(*flow, *due),
            Message::Close { key, batch } => self.batches.get(key).is_none_or(|cell| cell.batch.id != *batch),
            Message::Schedules { on } => self.schedules_on() == *on,
            Message::Offer(Offer { run, .. }) => !self.runs.contains_key(run),
            Message::Run { run, input: Input::Answered { call, attempt, answer } } => {
                !self.runs.get(run).is_some_and(|cell| is_awaited(&cell.run, *call, *attempt, answer))
            }
            Message::Run { run, input: Input::TaskAnswered { task, by, value } } => {
                let answer = TaskAnswer { task: *task, by: Arc::clone(by), value: value.clone() };
                !self.runs.contains_key(run) || self.judge(&answer) != TaskFate::Accepted
            }
            Message::Run { run, input } => self
                .runs
                .get(run)
                .is_none_or(|cell| cell.run.control.ended && !matches!(input, Input::Due { .. } | Input::Relieved)),
        }
    }

    /// A message is void: a home that made an offer is told.
    pub(crate) fn discard(&mut self, message: &Message) {
        match message {
            Message::Offer(offer) => self.reply(offer.run, offer.wait, offer.event, false),
            Message::Start(Start { run, .. }) => {
                self.starting.remove(run);
            }
            Message::Event(_)
            | Message::Run { .. }
            | Message::Tick { .. }
            | Message::Close { .. }
            | Message::Schedules { .. } => {}
        }
    }

    /// Where the record of a message belongs: shard and run.
    pub(crate) fn place_of(&self, message: &Message) -> (u16, u128) {
        match message {
            Message::Event(event) => (shard_of(event.event_id().0), 0),
            Message::Start(Start { run, shard, .. }) => (*shard, run.0),
            Message::Tick { .. } | Message::Schedules { .. } => (0, 0),
            Message::Close { batch, .. } => (shard_of(*batch), 0),
            Message::Offer(Offer { run, .. }) | Message::Run { run, .. } => {
                (self.runs.get(run).map_or(0, |cell| cell.shard), run.0)
            }
        }
    }

    /// The body of the record that a message becomes.
    pub(crate) fn body_of(message: &Message) -> Vec<u8> {
        match message {
            Message::Event(event) => encode(&InputBody::Event(event.clone())),
            Message::Start(Start { flow, generation, cause, .. }) => {
                encode(&InputBody::Start { flow: *flow, generation: *generation, cause: cause.clone() })
            }
            Message::Offer(Offer { wait, event, acknowledged_at, seq, .. }) => {
                let (wait, event, acknowledged_at, seq) = (*wait, *event, *acknowledged_at, *seq);
                encode(&InputBody::Offered { wait, event, acknowledged_at, seq })
            }
            Message::Run { input, .. } => encode(&InputBody::Run(input.clone())),
            Message::Tick { flow, due } => encode(&InputBody::Tick { flow: *flow, due: *due }),
            Message::Close { key, batch } => encode(&InputBody::Close { key: key.clone(), batch: *batch }),
            Message::Schedules { on } => encode(&InputBody::Schedules { on: *on }),
        }
    }

    /// Makes a message true. The state hash of the run it reached, 0 for an event.
    pub(crate) fn apply(&mut self, message: Message) -> Result<u64, EngineError> {
        let seq = self.next_seq + self.records.len() as u64 - 1;
        self.expire();
        match message {
            Message::Event(event) => {
                self.intake(event, seq)?;
                Ok(0)
            }
            Message::Tick { flow, due } => {
                self.tick(flow, due)?;
                Ok(0)
            }
            Message::Close { key, .. } => {
                self.close_batch(&key)?;
                Ok(0)
            }
            Message::Schedules { on } => {
                self.switch_schedules(on);
                Ok(0)
            }
            Message::Start(Start { run, shard, flow, generation, cause, value, saved }) => {
                self.starting.remove(&run);
                self.handed_over(&cause);
                let Some(program) = self.programs.get(flow.index()).cloned() else { return Ok(0) };
                let (args, parent, joined, resources) = match cause {
                    StartCause::Event { .. } | StartCause::Tick { .. } | StartCause::Batch { .. } => {
                        (value.iter().map(|v| (**v).clone()).collect(), None, None, Vec::new())
                    }
                    StartCause::Child { parent, joined, args, resources } => {
                        (args, Some(Parent { run: parent }), joined.then_some(parent), resources)
                    }
                };
                self.totals.start(program.plan.short_name());
                let run_state = Run::new(run, flow, parent);
                let cell = Cell { run: run_state, program, shard, joined, generation, begun: seq, dirty: false, saved };
                self.runs.insert(run, cell);
                Ok(self.step(run, &Input::Start { args, parent, resources }))
            }
            Message::Offer(Offer { run, wait, event, acknowledged_at, value, .. }) => {
                let value = (*value).clone();
                Ok(self.step(run, &Input::Offered { wait, event, acknowledged_at, value }))
            }
            Message::Run { run, input } => Ok(self.step(run, &input)),
        }
    }

    /// One input of a run, and where its outputs go.
    fn step(&mut self, id: RunId, input: &Input) -> u64 {
        let Some(cell) = self.runs.get_mut(&id) else { return 0 };
        self.totals.input(&self.bundle, &cell.run, input);
        let outputs = cell.run.handle(&cell.program, input, self.now);
        if !cell.dirty && self.store.is_some() {
            cell.dirty = true;
            self.dirty_runs.push(id);
        }
        // Of what came before its end, an ended run is offered only what nobody took.
        let since = if cell.run.control.ended { self.next_seq + self.records.len() as u64 - 1 } else { cell.begun };
        let hash = cell.run.state_hash();
        if let Some(trace) = &mut self.trace {
            let (outputs, after) = (outputs.clone(), cell.run.clone());
            trace.push(Step { run: id, flow: after.flow, input: input.clone(), outputs, after });
        }
        for output in outputs {
            self.totals.output(&output);
            self.route(id, since, output);
        }
        hash
    }

    fn route(&mut self, run: RunId, since: u64, output: Output) {
        match output {
            Output::Call(call) => self.orders.push(Order { run, call }),
            Output::Arm { timer, due } => self.arm(run, timer, due),
            Output::Disarm { timer } => {
                self.disarm(run, timer);
            }
            Output::Register { wait, event, key, value, fresh } => {
                self.register(run, wait, HomeKey { event, key, value }, fresh, since);
            }
            Output::Withdraw { wait, reply } => self.withdraw(run, wait, reply),
            Output::Reply { wait, event, taken } => self.reply(run, wait, event, taken),
            Output::Emit { id, event, value } => {
                let name = self.runs.get(&run).map_or("", |cell| cell.program.plan.author_name());
                let source = format!("flowline/{name}");
                let event = EventIn { source, id: id.to_string(), event, value, origin: Origin::Flow };
                self.push(Message::Event(event));
            }
            Output::StartChild { child, flow, args, joined, resources } => {
                self.start_child(child, flow, StartCause::Child { parent: run, joined, args, resources });
            }
            Output::SettleChild { child } => self.settle_child(child),
            Output::Incident { frame, incident } => {
                self.incidents.insert((run, frame), incident);
            }
            Output::IncidentGone { frame } => {
                self.incidents.remove(&(run, frame));
            }
            // The status stands in the run; alarms are for operators who watch.
            Output::Status { .. } | Output::Alarm { .. } | Output::Chosen { .. } | Output::Fallback { .. } => {}
            Output::Ask(task) => {
                self.tasks.ask(run, &task);
                self.asked.push(task.id);
            }
            Output::Ended(ending) => self.end(run, ending),
            Output::Closed => self.forget(run),
        }
    }

    fn end(&mut self, id: RunId, ending: Ending) {
        let Some(cell) = self.runs.get_mut(&id) else { return };
        self.totals.end(&self.bundle, &cell.run, &ending);
        self.tasks.forget(&cell.run);
        let finished = Finished {
            flow: cell.run.flow,
            generation: cell.generation,
            outcome: outcome_name(&self.bundle, &ending),
            started_at: cell.run.started_at,
            ended_at: self.now,
        };
        // Without a store nothing ever takes them off: what no later event can ask for isn't remembered then.
        if self.store.is_some() || cell.program.plan.key.is_some() && cell.run.control.parent.is_none() {
            self.finished.insert(id, finished);
        }
        let (joined, has_late) = (cell.joined, !cell.run.control.late.is_empty());
        let (line, resources) = (self.lines.key_of(id).cloned(), cell.run.returned());
        if cell.run.control.late.is_empty() {
            self.forget(id);
        } else {
            cell.run.retire();
        }
        if let Some(parent) = joined {
            self.send_to_run(parent, Input::ChildEnded { child: id, ending: ending.clone(), resources });
        }
        self.leave_line(id, line, !has_late);
        self.ended.push((id, ending));
    }

    /// Nothing is asked of a run any more.
    fn forget(&mut self, id: RunId) {
        self.lines.forget(id);
        if let Some(saved) = self.runs.remove(&id).and_then(|cell| cell.saved) {
            self.checkpoints.gone_run(id, saved);
        }
    }

    /// Fires what is due up to an instant, one after the other: what the first one does may disarm the next. Of one instant,
    /// timers of runs come first, then batches that are closed, then starts by the clock.
    pub(crate) fn fire_timers(&mut self, up_to: i64) -> Result<(), EngineError> {
        loop {
            let timer = self.timers.first().into_iter().chain(self.idle_timers.first()).min().copied();
            let timer = timer.filter(|(due, _, _)| *due <= up_to);
            let batch = self.closings.first().filter(|(due, _)| *due <= up_to);
            let tick = self.tick_due(up_to);
            let first =
                [timer.map(|(due, ..)| (due, 0)), batch.map(|(due, _)| (*due, 1)), tick.map(|(due, _)| (due, 2))];
            let message = match (first.into_iter().flatten().min(), timer, batch, tick) {
                (Some((_, 0)), Some((_, run, timer)), _, _) => {
                    self.disarm(run, timer);
                    Some(Message::Run { run, input: Input::Due { timer } })
                }
                (Some((_, 1)), _, Some((_, key)), _) => self.closing_of(key),
                (Some(_), _, _, Some((_, flow))) => self.tick_of(flow, up_to),
                (_, _, _, _) => None,
            };
            let Some(message) = message else { return Ok(()) };
            self.push(message);
            self.work_off()?;
        }
    }

    /// A timer is over; says whether it was armed.
    pub(crate) fn disarm(&mut self, run: RunId, timer: u32) -> bool {
        let due = self.due_of.remove(&(run, timer));
        due.is_some_and(|due| {
            let timer = (due, run, timer);
            self.timers.remove(&timer) || self.idle_timers.remove(&timer)
        })
    }

    /// Arms the timers of a run that comes from a snapshot.
    pub(crate) fn arm_all(&mut self, id: RunId) {
        let Some(cell) = self.runs.get(&id) else { return };
        let timers: Vec<(u32, i64)> = cell.run.control.timers().collect();
        for (timer, due) in timers {
            self.arm(id, timer, due);
        }
    }

    fn arm(&mut self, run: RunId, timer: u32, due: i64) {
        let ended = self.runs.get(&run).is_some_and(|cell| cell.run.control.ended);
        let timers = if ended { &mut self.idle_timers } else { &mut self.timers };
        timers.insert((due, run, timer));
        self.due_of.insert((run, timer), due);
    }

    /// The bodies of flows, shared.
    pub(crate) fn program_of(&self, flow: flowline_plan::FlowId) -> Option<&Arc<flowline_core::Program>> {
        self.programs.get(flow.index())
    }
}

/// Whether the run waits for the answer to this attempt. What comes twice or too late is not journaled.
fn is_awaited(run: &Run, call: u32, attempt: u32, answer: &Answer) -> bool {
    let by_hand = matches!(answer, Answer::Done(_) | Answer::Error(_));
    run.control.frames.iter().any(|frame| {
        frame.call.as_ref().is_some_and(|pending| pending.no == call && pending.attempt == attempt)
            && (by_hand || !matches!(frame.at, At::Incident(_)))
            && !frame.timers.iter().any(|timer| timer.what == TimerFor::Retry)
    })
}
