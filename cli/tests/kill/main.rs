//! `kill -9` in whatever moment, and the same command again: it goes on, says how many runs it recovered, and ends with
//! the same tables as if nothing had happened.
//!
//! It stands beside the binary's crate because only there Cargo says where the binary is.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout,
    reason = "a panic is how a test fails, and it says which moments it met"
)]
mod events;
mod life;
mod look;
#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use life::{Life, Part};
use look::Left;
use support::{flowline, write_lines};

/// Segments and checkpoints so small that there are dozens of each.
const SMALL: [&str; 4] = ["--segment-bytes", "16384", "--checkpoint-records", "60"];
/// A segment that is shorter has had one write, or a few small ones.
const BEGUN_BYTES: u64 = 4_096;

/// What the process is doing when it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    /// Whatever it does.
    Anything,
    /// Runs let go of what they hold.
    Settling,
    /// A checkpoint is written.
    Checkpoint,
    /// A new segment has just begun.
    SegmentRoll,
    /// The journal is read.
    Starting,
    /// The index is gone and made anew.
    Rebuilding,
}

/// How many kills of each kind: thirty.
const KILLS: [(Moment, u64); 6] = [
    (Moment::Anything, 3),
    (Moment::Settling, 8),
    (Moment::Checkpoint, 7),
    (Moment::SegmentRoll, 6),
    (Moment::Starting, 4),
    (Moment::Rebuilding, 2),
];
/// So often a moment that was missed by a hair is tried again.
const TRIES: u32 = 5;

#[test]
fn killed_thirty_times_it_ends_as_if_nothing_had_happened() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write_lines(&here.join("events.ndjson"), &events::day());
    let whole = Life::start(here, "whole", &[]).finish();
    whole.ends(0, "");

    let mut chain = Chain::new(here);
    for (moment, at) in moments(&here.join("whole")) {
        chain.kill_in(moment, at);
    }
    let last = Life::start(here, "data", &SMALL).finish();
    chain.check_start(&last.stderr);
    println!("{} kills: {:?}", chain.kills, chain.hits);
    for (moment, count) in KILLS {
        let hits = chain.hits.get(&moment).copied().unwrap_or(0);
        assert!(hits * 2 >= count, "{moment:?} was hit {hits} times: {:?}", chain.hits);
    }
    last.ends(0, "");
    assert_eq!(last.tables(), whole.tables());
    let done = |data: &str| {
        let mut frames = look::frames(&here.join(data));
        frames.sort();
        frames
    };
    assert!(done("data") == done("whole"), "the world did the same, to the byte");
    nothing_is_done_twice(here, &whole.tables());
}

#[cfg(unix)]
#[test]
fn asked_to_end_it_ends_at_once_and_goes_on_the_next_time() {
    use std::os::unix::process::ExitStatusExt;
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    write_lines(&here.join("events.ndjson"), &events::day());
    let whole = Life::start(here, "whole", &[]).finish();
    let end = fs::metadata(here.join("whole/world.log")).unwrap().len();
    for (signal, number, at) in [("TERM", 15, end / 4), ("INT", 2, end / 2), ("HUP", 1, end / 4 * 3)] {
        let mut life = Life::start(here, "data", &SMALL);
        assert!(life.until(|life| life.progress() >= at), "{}", life.said());
        let (status, said) = life.signal(signal);
        assert_eq!((status.signal(), status.code()), (Some(number), None), "{said}");
    }
    let last = Life::start(here, "data", &SMALL).finish();
    last.ends(0, "recovered ");
    assert_eq!(last.tables(), whole.tables());
    nothing_is_done_twice(here, &whole.tables());
}

/// The same command on a finished folder tells the same, and does nothing.
fn nothing_is_done_twice(here: &Path, tables: &str) {
    let world = fs::read(here.join("data/world.log")).unwrap();
    let again = Life::start(here, "data", &[]).finish();
    again.ends(0, "recovered 0 live runs");
    assert_eq!(again.tables(), tables);
    assert!(again.stdout.contains("\n0 steps in "), "{}", again.stdout);
    assert!(fs::read(here.join("data/world.log")).unwrap() == world);
    for args in [["journal", "verify", "data"].as_slice(), &["replay", "data"]] {
        flowline(here, args).ends(0, "");
    }
}

/// When each moment comes, as bytes of the world's log, in their order.
fn moments(whole: &Path) -> Vec<(Moment, u64)> {
    // The last fifth is left to moments that come later than drawn, and to the last life.
    let end = fs::metadata(whole.join("world.log")).unwrap().len() * 4 / 5;
    let settling: Vec<u64> = look::settling_begins(whole).into_iter().filter(|at| *at < end).collect();
    assert!(settling.len() > 50, "much is let go of: {}", settling.len());
    let mut lot = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = move |below: u64| {
        lot = lot.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (lot >> 33) % below.max(1)
    };
    let mut moments = Vec::new();
    for (moment, count) in KILLS {
        for no in 0..count {
            // One in each part of the day, or of what is let go of on it.
            let mut in_part = |whole: u64| whole * no / count + draw(whole / count);
            let at = match moment {
                Moment::Settling => settling[in_part(settling.len() as u64) as usize],
                // There has to be something to read.
                Moment::Starting | Moment::Rebuilding => end / 8 + in_part(end * 7 / 8),
                _ => in_part(end),
            };
            moments.push((moment, at));
        }
    }
    moments.sort_by_key(|(_, at)| *at);
    moments
}

/// One data folder and all that befalls it.
struct Chain {
    here: PathBuf,
    data: PathBuf,
    /// When runs begin to let go of something.
    settling: Vec<u64>,
    kills: u64,
    hits: BTreeMap<Moment, u64>,
    /// What the last kill has left.
    left: Option<Left>,
    /// The index may have been gone at the last start.
    index_gone: bool,
}

impl Chain {
    fn new(here: &Path) -> Self {
        let settling = look::settling_begins(&here.join("whole"));
        let (here, data) = (here.to_owned(), here.join("data"));
        Self { here, data, settling, kills: 0, hits: BTreeMap::new(), left: None, index_gone: false }
    }

    fn kill_in(&mut self, moment: Moment, at: u64) {
        for tried in 0..TRIES {
            let said = match moment {
                Moment::Starting | Moment::Rebuilding => self.kill_a_start(moment, tried),
                _ => self.kill_at(moment, at),
            };
            self.check_start(&said);
            let left = Left::by(&self.data);
            let hit = match moment {
                Moment::Anything => true,
                Moment::Settling => left.settling > 0,
                Moment::Checkpoint => left.checkpoint,
                Moment::SegmentRoll => left.newest_segment < BEGUN_BYTES,
                Moment::Starting | Moment::Rebuilding => !said.contains("recovered "),
            };
            self.kills += 1;
            println!("{:2} {moment:?} at {at}: {}, {left:?}", self.kills, if hit { "hit" } else { "missed" });
            self.left = Some(left);
            if hit {
                *self.hits.entry(moment).or_default() += 1;
                return;
            }
        }
    }

    /// Starts the same command again, and kills it when the moment has come.
    fn kill_at(&self, moment: Moment, at: u64) -> String {
        let mut life = Life::start(&self.here, "data", &SMALL);
        let begin = life.progress();
        let at = match moment {
            Moment::Settling => {
                self.settling.iter().copied().find(|settles| *settles >= at.max(begin + 1)).unwrap_or(at)
            }
            _ => at,
        };
        let goes_on = |life: &Life| life.has_recovered() || life.progress() > begin;
        let mut came = life.until(|life| goes_on(life) && life.progress() >= at);
        match moment {
            Moment::Checkpoint => {
                // One time its dedupe keys are there and its rows aren't, the other time some of these are.
                let part = if self.kills.is_multiple_of(2) { Part::DedupeKeys } else { Part::Rows };
                let before = life.checkpoint(part);
                came &= life.until(|life| life.checkpoint(part) != before);
            }
            Moment::SegmentRoll => {
                let before = life.segments();
                came &= life.until(|life| life.segments() > before);
            }
            _ => {}
        }
        assert!(came, "it ended before {moment:?} after {at}: {}", life.said());
        life.kill()
    }

    /// Kills it before it has read the journal.
    fn kill_a_start(&mut self, moment: Moment, tried: u32) -> String {
        self.index_gone = true;
        if moment == Moment::Rebuilding && self.data.join("store").exists() {
            fs::remove_dir_all(self.data.join("store")).unwrap();
        }
        let mut life = Life::start(&self.here, "data", &SMALL);
        assert!(life.until(|life| life.said().contains("opening the data folder")), "{}", life.said());
        // Later and later from kill to kill, sooner when it was too late.
        thread::sleep(Duration::from_millis((self.kills / 4) >> (2 * tried)));
        life.kill()
    }

    /// It says how many runs it recovered: those that were live after the kill before. And the index is only made anew
    /// where it was taken away.
    fn check_start(&mut self, said: &str) {
        let Some(left) = &self.left else { return };
        assert!(self.index_gone || !said.contains("rebuilt"), "the index can be used after any kill: {said}");
        if said.contains("recovered ") {
            let recovered = format!("recovered {} live runs ", left.live);
            assert!(said.contains(&recovered), "`{recovered}` isn't in: {said}");
            let cut = format!("cut {} bytes off the end of journal segment", left.torn_bytes);
            assert!(said.contains(&cut) == (left.torn_bytes > 0), "{cut}: {said}");
            assert!(!said.contains("cut 0 bytes"), "{said}");
            self.index_gone = false;
        }
    }
}
