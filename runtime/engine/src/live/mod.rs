//! Running in real time: one thread owns the engine, takes what comes in rounds, and computes the next round while the
//! journal syncs the last one.
//!
//! Invariants: nothing is acknowledged and no order leaves before its record is durable. After an error of journal or
//! store the thread ends, and what wasn't acknowledged never is.

mod clock;
mod inbox;
mod worker;

use std::{
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

pub use clock::{Clock, ClockWaker, ManualClock, SystemClock};
pub use inbox::Ack;

use inbox::{Ending, Inbox, Question, Submission};
use worker::Worker;

use crate::{Engine, EngineError, Given, connector::Connector};

/// How a live engine is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveOptions {
    /// Inputs that wait for the next round; more have to wait outside.
    pub inputs_max: usize,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self { inputs_max: 8_192 }
    }
}

/// Why a live engine doesn't take something, or ended.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    #[error("the engine has stopped")]
    Stopped,
    #[error("{inputs_max} inputs are waiting; try again soon")]
    Full { inputs_max: usize },
    #[error("the engine's thread can't be started: {0}")]
    Thread(std::io::Error),
    #[error("internal fault: the engine's thread panicked; what was acknowledged is safe; please report it")]
    Panicked,
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// A state in which nothing happens by itself for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idle {
    /// Runs that haven't ended.
    pub live: usize,
    /// Steps that are parked until somebody looks.
    pub incidents: usize,
    /// When the next timer is due, ms UTC.
    pub next_due: Option<i64>,
}

/// A running engine. Dropping it ends it at once, as a kill would; [`Live::stop`] ends it well.
#[derive(Debug)]
pub struct Live {
    handle: LiveHandle,
    thread: Option<JoinHandle<Result<(), EngineError>>>,
}

/// A way to a running engine, for as many threads as want one.
#[derive(Debug, Clone)]
pub struct LiveHandle {
    inbox: Arc<Inbox>,
}

impl Live {
    /// Starts the thread. The calls that were out when the engine stopped last are made again first.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub fn start(
        engine: Engine,
        connector: Arc<dyn Connector>,
        clock: Arc<dyn Clock>,
        options: LiveOptions,
    ) -> Result<Self, LiveError> {
        let inbox = Arc::new(Inbox::new(options.inputs_max));
        let worker = Worker::new(engine, connector, clock, Arc::clone(&inbox));
        let run = move || worker.run();
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(run).map_err(LiveError::Thread)?;
        Ok(Self { handle: LiveHandle { inbox }, thread: Some(thread) })
    }

    /// A way to it.
    pub fn handle(&self) -> &LiveHandle {
        &self.handle
    }

    /// Ends well: takes what was submitted, waits at most so long for calls that are out, makes a last checkpoint. Calls
    /// that stay without an answer are made again at the next start.
    ///
    /// # Errors
    /// What ended the engine before, or kept it from ending well.
    pub fn stop(mut self, grace_ms: i64) -> Result<(), LiveError> {
        self.handle.inbox.end(Ending::Stop { grace_ms });
        self.join()
    }

    fn join(&mut self) -> Result<(), LiveError> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(ended)) => Ok(ended?),
            Some(Err(_)) => Err(LiveError::Panicked),
            None => Ok(()),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.handle.inbox.end(Ending::Abort);
        // An error was either asked for by `stop` or is nobody's any more.
        drop(self.join());
    }
}

impl LiveHandle {
    /// Hands in inputs that go into one round; waits while the inbox is full. `ack` is called once all of them are
    /// durable, on the engine's thread: it must be quick. It is dropped uncalled should that never come.
    ///
    /// # Errors
    /// [`LiveError::Stopped`]; the inputs were not taken then.
    pub fn submit(&self, given: Vec<Given>, ack: Option<Ack>) -> Result<(), LiveError> {
        self.inbox.submit(Submission { given, ack }, true)
    }

    /// Like [`LiveHandle::submit`], without waiting.
    ///
    /// # Errors
    /// [`LiveError::Full`] and [`LiveError::Stopped`]; the inputs were not taken then.
    pub fn try_submit(&self, given: Vec<Given>, ack: Option<Ack>) -> Result<(), LiveError> {
        self.inbox.submit(Submission { given, ack }, false)
    }

    /// Hands in inputs and waits until they are durable.
    ///
    /// # Errors
    /// [`LiveError::Stopped`] when the engine ended before; whether the inputs were taken is unknown then.
    pub fn submit_durably(&self, given: Vec<Given>) -> Result<(), LiveError> {
        let (done, acknowledged) = mpsc::channel();
        self.submit(given, Some(Box::new(move || _ = done.send(()))))?;
        acknowledged.recv().map_err(|_| LiveError::Stopped)
    }

    /// Looks at the engine between two rounds. What it shows may not be durable yet.
    ///
    /// # Errors
    /// [`LiveError::Stopped`].
    pub fn inspect<T: Send + 'static>(&self, look: impl FnOnce(&Engine) -> T + Send + 'static) -> Result<T, LiveError> {
        let (done, seen) = mpsc::channel();
        self.inbox.ask(Question::Inspect(Box::new(move |engine| _ = done.send(look(engine)))))?;
        seen.recv().map_err(|_| LiveError::Stopped)
    }

    /// Waits until everything submitted is durable, no call is out, and no timer is due within so many milliseconds:
    /// what is left are runs that wait for events, for people, or for long.
    ///
    /// # Errors
    /// [`LiveError::Stopped`] when the engine ended before.
    pub fn wait_idle(&self, horizon_ms: i64) -> Result<Idle, LiveError> {
        let (reply, idle) = mpsc::channel();
        self.inbox.ask(Question::WaitIdle { horizon_ms, reply })?;
        idle.recv().map_err(|_| LiveError::Stopped)
    }
}
