//! How fast the journal is on this disk: `cargo run --release -p flowline-journal --example throughput [FOLDER]`.
//!
//! Prints records per second for 150-byte bodies in groups of 1, 64, 256 and 1,024, from one and from two submitters, and beside
//! them what a bare append and `fdatasync` of the same bytes in one file reaches.
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use flowline_journal::{FileJournal, Journal, NewRecord, Options, RecordKind, read};

const BODY_BYTES: usize = 150;
const RUN_TIME: Duration = Duration::from_secs(3);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    for group_len in [1, 64, 256, 1024] {
        for submitters in [1, 2] {
            let data = folder.join("flowline-journal-throughput");
            let (journal, _) = FileJournal::open(&data, Options::default())?;
            let begin = Instant::now();
            std::thread::scope(|scope| {
                for shard in 0..submitters {
                    let journal = &journal;
                    scope.spawn(move || {
                        while begin.elapsed() < RUN_TIME {
                            let group = vec![record(shard); group_len];
                            journal.submit(group).expect("the disk takes it");
                        }
                    });
                }
            });
            journal.close()?;
            let seconds = begin.elapsed().as_secs_f64();
            let reading = Instant::now();
            let records = read(&data, 0)?.count();
            let read_seconds = reading.elapsed().as_secs_f64();
            std::fs::remove_dir_all(&data)?;
            println!(
                "groups of {group_len:4}, {submitters} submitting: {:9.0} records/s written, {:9.0} records/s read",
                records as f64 / seconds,
                records as f64 / read_seconds,
            );
        }
        println!("groups of {group_len:4}, bare append and fdatasync: {:9.0} records/s", bare(&folder, group_len)?);
    }
    Ok(())
}

fn record(shard: u16) -> NewRecord {
    let kind = RecordKind::Input;
    NewRecord { kind, version: 1, shard, run: 7, now: 1_764_000_000_000, body: vec![b'x'; BODY_BYTES], state_hash: 1 }
}

fn bare(folder: &std::path::Path, group_len: usize) -> std::io::Result<f64> {
    let path = folder.join("flowline-journal-throughput.bare");
    let mut file = File::create(&path)?;
    let bytes = vec![b'x'; (BODY_BYTES + 52) * group_len];
    let begin = Instant::now();
    let mut writes = 0;
    while begin.elapsed() < RUN_TIME {
        file.write_all(&bytes)?;
        file.sync_data()?;
        writes += 1;
    }
    let seconds = begin.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok((writes * group_len) as f64 / seconds)
}
