//! What reaches a live engine's thread. Submissions are bounded; replies are not, as there are never more of them than
//! orders that are out.
use std::{
    collections::VecDeque,
    fmt,
    sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};

use super::{Idle, LiveError};
use crate::{Engine, Given, connector::Reply};

/// Called once what it stands for is durable; dropped uncalled when that never comes.
pub type Ack = Box<dyn FnOnce() + Send>;

/// Inputs that belong together: they go into one round, and one call tells that all of them are durable.
pub(super) struct Submission {
    pub(super) given: Vec<Given>,
    pub(super) ack: Option<Ack>,
}

/// What callers want to know.
pub(super) enum Question {
    /// Runs on the engine's thread, between two rounds.
    Inspect(Box<dyn FnOnce(&Engine) + Send>),
    /// Answered once nothing is due within so many milliseconds.
    WaitIdle { horizon_ms: i64, reply: mpsc::Sender<Idle> },
}

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Ending {
    #[default]
    NotYet,
    /// Take what is there, wait at most so long for calls that are out, and close.
    Stop {
        grace_ms: i64,
    },
    /// At once, as if killed.
    Abort,
    Closed,
}

/// Everything that came since the last look.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) submissions: VecDeque<Submission>,
    pub(super) replies: Vec<Reply>,
    pub(super) questions: Vec<Question>,
    pub(super) ending: Ending,
}

#[derive(Default)]
struct State {
    batch: Batch,
    /// Inputs among the submissions.
    inputs: usize,
    /// The journal or the clock has moved.
    nudged: bool,
}

/// The inbox of one engine.
pub(super) struct Inbox {
    state: Mutex<State>,
    work: Condvar,
    room: Condvar,
    inputs_max: usize,
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("inputs_max", &self.inputs_max).finish_non_exhaustive()
    }
}

impl Inbox {
    pub(super) fn new(inputs_max: usize) -> Self {
        Self { state: Mutex::default(), work: Condvar::new(), room: Condvar::new(), inputs_max: inputs_max.max(1) }
    }

    /// Hands in a submission; with `wait`, waits for room. One that is larger than the inbox is taken when it is empty.
    pub(super) fn submit(&self, submission: Submission, wait: bool) -> Result<(), LiveError> {
        let count = submission.given.len();
        let mut state = self.lock();
        loop {
            if state.batch.ending != Ending::NotYet {
                return Err(LiveError::Stopped);
            }
            if state.inputs == 0 || state.inputs + count <= self.inputs_max {
                break;
            }
            if !wait {
                return Err(LiveError::Full { inputs_max: self.inputs_max });
            }
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.inputs += count;
        state.batch.submissions.push_back(submission);
        self.work.notify_one();
        Ok(())
    }

    /// Hands in replies; after the end they go nowhere.
    pub(super) fn reply(&self, mut replies: Vec<Reply>) {
        let mut state = self.lock();
        if matches!(state.batch.ending, Ending::Abort | Ending::Closed) {
            return;
        }
        if state.batch.replies.is_empty() {
            state.batch.replies = replies;
        } else {
            state.batch.replies.append(&mut replies);
        }
        self.work.notify_one();
    }

    pub(super) fn ask(&self, question: Question) -> Result<(), LiveError> {
        let mut state = self.lock();
        if matches!(state.batch.ending, Ending::Abort | Ending::Closed) {
            return Err(LiveError::Stopped);
        }
        state.batch.questions.push(question);
        self.work.notify_one();
        Ok(())
    }

    /// The journal or the clock has moved.
    pub(super) fn nudge(&self) {
        self.lock().nudged = true;
        self.work.notify_one();
    }

    /// Sets how it ends; nothing softens an end.
    pub(super) fn end(&self, ending: Ending) {
        let mut state = self.lock();
        if state.batch.ending < ending {
            state.batch.ending = ending;
        }
        let dropped = if ending == Ending::Closed {
            // Whoever waits for one of these learns that it never comes.
            std::mem::replace(&mut state.batch, Batch { ending, ..Batch::default() })
        } else {
            Batch::default()
        };
        state.nudged = true;
        drop(state);
        drop(dropped);
        self.work.notify_one();
        self.room.notify_all();
    }

    /// Waits for something, at most so long (without an end where there is none), and takes all of it.
    pub(super) fn take(&self, wait_max: Option<Duration>) -> Batch {
        let nothing = |state: &mut State| {
            let batch = &state.batch;
            !state.nudged && batch.submissions.is_empty() && batch.replies.is_empty() && batch.questions.is_empty()
        };
        let state = self.lock();
        let mut state = match wait_max {
            Some(wait_max) => {
                let waited = self.work.wait_timeout_while(state, wait_max, nothing);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.work.wait_while(state, nothing).unwrap_or_else(PoisonError::into_inner),
        };
        state.nudged = false;
        state.inputs = 0;
        let ending = state.batch.ending;
        let batch = std::mem::replace(&mut state.batch, Batch { ending, ..Batch::default() });
        self.room.notify_all();
        batch
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
