//! The time that a live engine goes by. [`SystemClock`] is the only place of the runtime that reads the machine's clock.
use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Called when time has moved in a way that waiting doesn't show.
pub type ClockWaker = Arc<dyn Fn() + Send + Sync>;

/// Tells the time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Milliseconds UTC. It may go back; the engine's own time doesn't.
    fn now_ms(&self) -> i64;

    /// How long to wait until an instant; none where only a [waker](Clock::on_move) can tell.
    fn until(&self, due_ms: i64) -> Option<Duration>;

    /// Adds a waker for jumps in time.
    fn on_move(&self, _waker: ClockWaker) {}
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// Waits are at most so long, so that a clock that was set is noticed.
const WAIT_MAX: Duration = Duration::from_secs(10);

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn until(&self, due_ms: i64) -> Option<Duration> {
        let ms = due_ms.saturating_sub(self.now_ms());
        Some(Duration::from_millis(u64::try_from(ms).unwrap_or(0)).min(WAIT_MAX))
    }
}

/// A clock that moves by hand.
#[derive(Default)]
pub struct ManualClock {
    now_ms: AtomicI64,
    wakers: Mutex<Vec<ClockWaker>>,
}

impl ManualClock {
    pub fn new(now_ms: i64) -> Self {
        Self { now_ms: AtomicI64::new(now_ms), wakers: Mutex::default() }
    }

    /// Moves on by so many milliseconds.
    pub fn advance(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
        let wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for waker in wakers {
            waker();
        }
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock").field("now_ms", &self.now_ms()).finish_non_exhaustive()
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn until(&self, due_ms: i64) -> Option<Duration> {
        (due_ms <= self.now_ms()).then_some(Duration::ZERO)
    }

    fn on_move(&self, waker: ClockWaker) {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner).push(waker);
    }
}
