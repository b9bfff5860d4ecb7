//! The main job as a process, and what can be seen of it from outside while it runs.
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant, SystemTime},
};

use crate::support::{Ran, command, workflows};

/// Nothing here takes nearly as long; a process that hangs is ended, and the test with it.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// A running `flowline run`; it dies with its test.
pub(crate) struct Life {
    child: Child,
    data: PathBuf,
    said: PathBuf,
    printed: PathBuf,
    began: Instant,
}

impl Life {
    /// Starts the main job over `events.ndjson` and a data folder, with segments and checkpoints as small as told.
    pub(crate) fn start(here: &Path, data: &str, small: &[&str]) -> Self {
        let (said, printed) = (here.join(format!("{data}.err")), here.join(format!("{data}.out")));
        let project = workflows();
        let args = ["run", project.to_str().unwrap(), "--events", "events.ndjson", "--simulate", "-v", "--data", data];
        let child = command(here, args.iter().chain(small))
            .stdout(Stdio::from(File::create(&printed).unwrap()))
            .stderr(Stdio::from(File::create(&said).unwrap()))
            .spawn()
            .unwrap();
        Self { child, data: here.join(data), said, printed, began: Instant::now() }
    }

    /// Waits until this can be seen; false if the process came to its end before.
    pub(crate) fn until(&mut self, mut seen: impl FnMut(&Self) -> bool) -> bool {
        loop {
            if seen(self) {
                return true;
            }
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(self.began.elapsed() < PATIENCE, "it hangs, and said:\n{}", self.said());
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.said()
    }

    /// Asks it to end as `kill` or Ctrl-C would.
    #[cfg(unix)]
    pub(crate) fn signal(mut self, signal: &str) -> (std::process::ExitStatus, String) {
        let ask = format!("kill -{signal} {}", self.child.id());
        assert!(std::process::Command::new("sh").args(["-c", &ask]).status().unwrap().success());
        (self.child.wait().unwrap(), self.said())
    }

    /// Lets it come to its end.
    pub(crate) fn finish(mut self) -> Ran {
        assert!(!self.until(|_| false));
        let code = self.child.wait().unwrap().code();
        Ran { code, stdout: fs::read_to_string(&self.printed).unwrap(), stderr: self.said() }
    }

    /// What it said on stderr so far.
    pub(crate) fn said(&self) -> String {
        let said = fs::read_to_string(&self.said).unwrap();
        assert!(!said.contains("panicked"), "{said}");
        said
    }

    /// It has read the journal and goes on.
    pub(crate) fn has_recovered(&self) -> bool {
        self.said().contains("recovered ")
    }

    /// Bytes of the world's log: how far the day has gone. It grows by the same records in whatever lives.
    pub(crate) fn progress(&self) -> u64 {
        fs::metadata(self.data.join("world.log")).map_or(0, |meta| meta.len())
    }

    /// How many segments the journal has.
    pub(crate) fn segments(&self) -> usize {
        fs::read_dir(self.data.join("journal")).map_or(0, Iterator::count)
    }

    /// Changes when a checkpoint gets so far.
    pub(crate) fn checkpoint(&self, part: Part) -> Option<SystemTime> {
        let name = match part {
            Part::DedupeKeys => "dedupe/index",
            Part::Rows => "store/db",
        };
        fs::metadata(self.data.join(name)).and_then(|meta| meta.modified()).ok()
    }
}

/// Parts of a checkpoint that follow its records in the journal: first the dedupe keys, then the rows, then their marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    DedupeKeys,
    Rows,
}

impl Drop for Life {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
