//! sled panics on some damaged files. Here a panic becomes an error, and while opening it makes no noise.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Mutex, PoisonError, RwLock};

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// Runs `work`; a panic in it is returned as its message. The process's panic hook sees it as usual.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| message(payload.as_ref()))
}

/// As [`caught`], but a panic of this thread prints nothing; those of other threads are reported as ever.
pub(crate) fn caught_quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let _scope = Scope::enter();
    caught(work)
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    text.lines().next().unwrap_or_default().to_owned()
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// How many scopes are open. The hook is ours only while there is one; nothing of it stays behind.
static SCOPES: Mutex<usize> = Mutex::new(0);
/// The hook that was there before; ours passes other threads' panics on to it.
static BEFORE: RwLock<Option<Hook>> = RwLock::new(None);

struct Scope {
    quiet_before: bool,
}

impl Scope {
    /// `None` on a thread that is panicking: the hook cannot be changed there, and noise is no worse.
    fn enter() -> Option<Scope> {
        if std::thread::panicking() {
            return None;
        }
        let mut scopes = SCOPES.lock().unwrap_or_else(PoisonError::into_inner);
        if *scopes == 0 {
            // BEFORE is never held while the hook is taken or set: a hook that runs holds that lock and wants BEFORE.
            let before = panic::take_hook();
            *BEFORE.write().unwrap_or_else(PoisonError::into_inner) = Some(before);
            panic::set_hook(Box::new(|info| {
                if !QUIET.get()
                    && let Some(before) = BEFORE.read().unwrap_or_else(PoisonError::into_inner).as_ref()
                {
                    before(info);
                }
            }));
        }
        *scopes += 1;
        Some(Scope { quiet_before: QUIET.replace(true) })
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        QUIET.set(self.quiet_before);
        let mut scopes = SCOPES.lock().unwrap_or_else(PoisonError::into_inner);
        *scopes -= 1;
        if *scopes == 0 && !std::thread::panicking() {
            drop(panic::take_hook());
            let before = BEFORE.write().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(before) = before {
                panic::set_hook(before);
            }
        }
    }
}
