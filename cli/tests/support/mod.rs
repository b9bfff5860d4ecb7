//! The real binary, small files of events, and data folders that were in use.
#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "in test support a panic is how a test fails"
)]
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use tempfile::TempDir;

/// Events of the small file: enough for both flows, refusals and retries.
pub(crate) const SMALL: usize = 16;
/// So small that the small file fills several.
pub(crate) const SEGMENT_BYTES: &str = "16384";

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let ran = Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) };
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        ran
    }

    /// Ended so, and said this on stderr.
    #[track_caller]
    pub(crate) fn ends(&self, code: i32, said: &str) -> &Self {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.contains(said), "`{said}` isn't in:\n{}", self.stderr);
        self
    }

    /// The tables without the line of how long it took.
    pub(crate) fn tables(&self) -> String {
        self.stdout.lines().filter(|line| !line.contains("steps/s")).map(|line| format!("{line}\n")).collect()
    }

    /// The count in a row of the tables.
    #[track_caller]
    pub(crate) fn count(&self, row: &str) -> u64 {
        let line = self.stdout.lines().find(|line| line.trim_start().starts_with(row)).unwrap();
        line.rsplit(' ').next().unwrap().replace(',', "").parse().unwrap()
    }
}

/// The binary with arguments, in a folder.
pub(crate) fn command<A: AsRef<std::ffi::OsStr>>(here: &Path, args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowline"));
    command.args(args).current_dir(here).stdin(Stdio::null()).env_remove("NO_COLOR").env("RUST_BACKTRACE", "0");
    command
}

/// Runs the binary to its end.
pub(crate) fn flowline<A: AsRef<std::ffi::OsStr>>(here: &Path, args: impl IntoIterator<Item = A>) -> Ran {
    Ran::of(&command(here, args).output().unwrap())
}

/// The project that comes with the repository.
pub(crate) fn workflows() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows")
}

/// The first events of the project's example.
pub(crate) fn example_lines(count: usize) -> Vec<String> {
    let text = fs::read_to_string(workflows().join("examples/orders.ndjson")).unwrap();
    text.lines().take(count).map(str::to_owned).collect()
}

pub(crate) fn write_lines(path: &Path, lines: &[String]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(path, text).unwrap();
}

/// The arguments of the main job over `events.ndjson` and `data`, in the current folder.
pub(crate) fn run_args() -> Vec<String> {
    let project = workflows();
    let project = project.to_str().unwrap();
    ["run", project, "--events", "events.ndjson", "--simulate", "--data", "data", "--segment-bytes", SEGMENT_BYTES]
        .map(str::to_owned)
        .to_vec()
}

/// The main job in a folder.
pub(crate) fn run(here: &Path) -> Ran {
    flowline(here, run_args())
}

/// A place of its own for a test: `events.ndjson`, and `data` as the main job left it.
#[derive(Debug)]
pub(crate) struct Place {
    folder: TempDir,
    /// What the main job ended with.
    pub(crate) tables: String,
}

impl Place {
    /// Events only.
    pub(crate) fn with_events(lines: &[String]) -> Self {
        let folder = new_folder();
        write_lines(&folder.path().join("events.ndjson"), lines);
        Self { folder, tables: String::new() }
    }

    /// A copy of a folder in which the main job has run to its end.
    pub(crate) fn used() -> Self {
        static USED: OnceLock<Place> = OnceLock::new();
        let used = USED.get_or_init(|| {
            let mut place = Self::with_events(&example_lines(SMALL));
            let ran = run(place.path());
            ran.ends(0, "");
            place.tables = ran.tables();
            assert!(place.segments().len() > 2, "the journal needs several segments");
            place
        });
        let place = Self { folder: new_folder(), tables: used.tables.clone() };
        copy(used.path(), place.path());
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The journal's files, oldest first.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        let mut segments: Vec<PathBuf> =
            self.data().join("journal").read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        segments.sort();
        segments
    }

    /// Every file of the journal with its content.
    pub(crate) fn journal(&self) -> Vec<(PathBuf, Vec<u8>)> {
        self.segments().into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }

    pub(crate) fn run(&self) -> Ran {
        run(self.path())
    }

    pub(crate) fn flowline(&self, args: &[&str]) -> Ran {
        flowline(self.path(), args)
    }

    pub(crate) fn rejected(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.data().join("rejected.ndjson")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// In memory where the machine has a folder for that: there, syncing costs nothing.
fn new_folder() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() { copy(&from, &to) } else { fs::copy(&from, &to).map(|_| ()).unwrap() }
    }
}

/// Turns one bit of a file.
pub(crate) fn flip(path: &Path, at: u64) {
    let mut bytes = fs::read(path).unwrap();
    bytes[usize::try_from(at).unwrap()] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

pub(crate) fn cut(path: &Path, bytes: u64) {
    let file = fs::File::options().write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(length.saturating_sub(bytes)).unwrap();
}

/// A file system of its own, gone with the test. None, with the reason printed, where the machine doesn't allow it.
#[derive(Debug)]
pub(crate) struct Mount(PathBuf);

impl Mount {
    pub(crate) fn tmpfs(at: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "flowline-test"]).arg(at).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(at.to_owned())),
            Ok(output) => {
                skipped(&format!("mount refused: {}", String::from_utf8_lossy(&output.stderr).trim()));
                None
            }
            Err(cause) => {
                skipped(&format!("there is no `mount`: {cause}"));
                None
            }
        }
    }

    /// Mounts it again with other options.
    pub(crate) fn change(&self, options: &str) {
        let output = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.0).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a child that hasn't quite ended must not keep it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[allow(clippy::print_stderr, reason = "a test that can't run here has to say so")]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}
