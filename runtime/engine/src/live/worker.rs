//! The thread that owns the engine.
use std::{
    collections::VecDeque,
    sync::{Arc, mpsc},
    time::Duration,
};

use flowline_core::{Answer, RunId};
use flowline_plan::{OpClass, OpDef};
use rustc_hash::FxHashMap;

use super::{
    Clock, Idle,
    inbox::{Ack, Batch, Ending, Inbox, Question},
};
use crate::{
    Engine, EngineError, Given, Order,
    connector::{Connector, Replies, Reply},
};

/// One attempt of a call: run, call, attempt.
type AttemptId = (RunId, u32, u32);

/// How an order went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Once,
    /// It may have gone out before a stop already.
    Again,
}

/// A round that isn't durable yet.
struct Held {
    seq: u64,
    orders: Vec<Order>,
    acks: Vec<Ack>,
}

pub(super) struct Worker {
    engine: Engine,
    connector: Arc<dyn Connector>,
    clock: Arc<dyn Clock>,
    inbox: Arc<Inbox>,
    replies: Replies,
    /// Oldest first.
    held: VecDeque<Held>,
    out: FxHashMap<AttemptId, Sent>,
    waiting: Vec<(i64, mpsc::Sender<Idle>)>,
    /// Until when calls that are out are waited for, once it is to stop.
    stop_at: Option<i64>,
}

/// Tells everybody who waits that the thread is gone, however it went.
struct CloseAtEnd(Arc<Inbox>);

impl Drop for CloseAtEnd {
    fn drop(&mut self) {
        self.0.end(Ending::Closed);
    }
}

impl Worker {
    pub(super) fn new(engine: Engine, connector: Arc<dyn Connector>, clock: Arc<dyn Clock>, inbox: Arc<Inbox>) -> Self {
        let taker = Arc::clone(&inbox);
        let replies = Replies::new(move |replies| taker.reply(replies));
        // Wakers can't be taken off: they must not keep the inbox alive.
        let nudged = Arc::downgrade(&inbox);
        let nudge = move || {
            if let Some(inbox) = nudged.upgrade() {
                inbox.nudge();
            }
        };
        clock.on_move(Arc::new(nudge.clone()));
        engine.journal().on_durable(Arc::new(move |_| nudge()));
        Self {
            engine,
            connector,
            clock,
            inbox,
            replies,
            held: VecDeque::new(),
            out: FxHashMap::default(),
            waiting: Vec::new(),
            stop_at: None,
        }
    }

    pub(super) fn run(mut self) -> Result<(), EngineError> {
        let _close = CloseAtEnd(Arc::clone(&self.inbox));
        self.send_again();
        self.switch_schedules_on()?;
        loop {
            let batch = self.inbox.take(self.wait_max());
            match batch.ending {
                Ending::Abort | Ending::Closed => return Ok(()),
                Ending::Stop { grace_ms } if self.stop_at.is_none() => {
                    self.stop_at = Some(self.clock.now_ms().saturating_add(grace_ms));
                }
                Ending::Stop { .. } | Ending::NotYet => {}
            }
            let quiet = batch.submissions.is_empty() && batch.replies.is_empty();
            self.round(batch)?;
            self.release()?;
            self.tell_idle();
            let over = self.stop_at.is_some_and(|at| self.out.is_empty() || at <= self.clock.now_ms());
            if over && quiet {
                return self.close();
            }
        }
    }

    /// How long nothing has to be done by itself; none for "until something comes".
    fn wait_max(&self) -> Option<Duration> {
        if self.stop_at.is_some() && self.out.is_empty() {
            return Some(Duration::ZERO);
        }
        let due = [self.engine.next_due(), self.engine.next_tick(), self.stop_at].into_iter().flatten().min()?;
        self.clock.until(due)
    }

    /// One round of the engine, if there is anything for it to do.
    fn round(&mut self, batch: Batch) -> Result<(), EngineError> {
        let Batch { submissions, replies, questions, ending: _ } = batch;
        let now = self.clock.now_ms();
        let mut given = Vec::with_capacity(replies.len() + submissions.len());
        for reply in replies {
            // What nobody waits for any more, or what comes twice, doesn't count.
            if let Some(sent) = self.out.remove(&(reply.run, reply.call, reply.attempt)) {
                given.push(Given::from(judged(reply, sent)));
            }
        }
        let mut acks = Vec::new();
        for submission in submissions {
            given.extend(submission.given);
            acks.extend(submission.ack);
        }
        let due = [self.engine.next_due(), self.engine.next_tick()].into_iter().flatten().any(|due| due <= now);
        if !given.is_empty() || !acks.is_empty() || due {
            let taken = self.engine.take(now, given)?;
            self.held.push_back(Held { seq: taken.seq, orders: taken.orders, acks });
        }
        for question in questions {
            match question {
                Question::Inspect(look) => look(&self.engine),
                Question::WaitIdle { horizon_ms, reply } => self.waiting.push((horizon_ms, reply)),
            }
        }
        Ok(())
    }

    /// Acknowledges what is durable, and lets its orders go.
    fn release(&mut self) -> Result<(), EngineError> {
        if let Some(error) = self.engine.journal().poisoned() {
            return Err(error.into());
        }
        let durable = self.engine.journal().durable();
        let mut orders = Vec::new();
        while let Some(held) = self.held.pop_front_if(|held| held.seq <= durable) {
            for ack in held.acks {
                ack();
            }
            if orders.is_empty() {
                orders = held.orders;
            } else {
                orders.extend(held.orders);
            }
        }
        // While it stops nothing new goes out: the runs remember, and the next start sends it.
        if !orders.is_empty() && self.stop_at.is_none() {
            for order in &orders {
                self.out.insert(id_of(order), Sent::Once);
            }
            self.connector.call_all(orders, &self.replies);
        }
        Ok(())
    }

    /// The first start on a folder is when flows begin to start by the clock.
    fn switch_schedules_on(&mut self) -> Result<(), EngineError> {
        if self.engine.has_schedules() && !self.engine.schedules_on() {
            let taken = self.engine.take(self.clock.now_ms(), vec![Given::Schedules(true)])?;
            self.held.push_back(Held { seq: taken.seq, orders: taken.orders, acks: Vec::new() });
        }
        Ok(())
    }

    /// The calls that were out when the engine stopped: most are simply made again under their keys.
    fn send_again(&mut self) {
        let now = self.clock.now_ms();
        let (mut orders, mut unknown) = (Vec::new(), Vec::new());
        for order in self.engine.pending_orders() {
            self.out.insert(id_of(&order), Sent::Again);
            let op = self.engine.bundle().op(order.call.op);
            if op.is_some_and(|op| may_go_again(op, now.saturating_sub(self.first_sent_at(&order)))) {
                orders.push(order);
            } else {
                let said = "flowline stopped while the call was out, and the system may take a second one for new";
                unknown.push(Reply::to(&order, Answer::Unknown(said.to_owned())));
            }
        }
        self.replies.send(unknown);
        if !orders.is_empty() {
            self.connector.call_all(orders, &self.replies);
        }
    }

    /// When a call's first attempt went out: since then its system has known the key.
    fn first_sent_at(&self, order: &Order) -> i64 {
        let run = self.engine.run(order.run);
        let calls = run.into_iter().flat_map(|run| &run.control.frames).filter_map(|frame| frame.call.as_ref());
        calls.filter(|call| call.no == order.call.call).map(|call| call.since).next().unwrap_or(order.call.at)
    }

    fn tell_idle(&mut self) {
        if self.waiting.is_empty() || !self.held.is_empty() || !self.out.is_empty() {
            return;
        }
        let (now, next_due) = (self.clock.now_ms(), self.engine.next_due());
        let idle = Idle { live: self.engine.live().count(), incidents: self.engine.incidents().count(), next_due };
        self.waiting.retain(|(horizon_ms, reply)| {
            let busy = next_due.is_some_and(|due| due <= now.saturating_add(*horizon_ms));
            if !busy {
                // Nobody may be waiting any more.
                _ = reply.send(idle);
            }
            busy
        });
    }

    /// Makes everything durable, acknowledges it, and closes the engine.
    fn close(mut self) -> Result<(), EngineError> {
        if let Some(last) = self.held.back() {
            self.engine.journal().wait(last.seq)?;
        }
        self.release()?;
        self.engine.close()
    }
}

fn id_of(order: &Order) -> AttemptId {
    (order.run, order.call.call, order.call.attempt)
}

/// What an answer says. Of a call that may have gone out twice, "nothing happened" is true of the second time only.
fn judged(reply: Reply, sent: Sent) -> Reply {
    let answer = match (sent, reply.answer) {
        (Sent::Again, Answer::Refused(said) | Answer::Rejected(said)) => {
            Answer::Unknown(format!("{said}; before flowline was stopped the call may have got through"))
        }
        (Sent::Once | Sent::Again, answer) => answer,
    };
    Reply { answer, ..reply }
}

/// Whether a second call does no harm: it has no effect that counts, or the system still knows its key.
fn may_go_again(op: &OpDef, age_ms: i64) -> bool {
    match (&op.class, &op.idempotency) {
        (OpClass::Read | OpClass::Harmless, _) => true,
        (_, Some(key)) => key.kept_ms.is_none_or(|kept_ms| age_ms < kept_ms),
        (OpClass::Transition | OpClass::Compensatable(_) | OpClass::Irreversible | OpClass::Settles, None) => false,
    }
}
