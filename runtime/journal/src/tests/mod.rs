//! Tests that look inside; `conformance` runs over both kinds of journal.

mod conformance;
mod damage;
mod faulty;
mod files;
mod fixture;

use std::path::Path;

use crate::{Journal, JournalError, NewRecord, Record, RecordKind, Records, Stored};

/// A record that is told from all others by `number`.
fn record(number: u64, body: &[u8]) -> NewRecord {
    let kinds = RecordKind::ALL;
    NewRecord {
        kind: kinds[number as usize % kinds.len()],
        version: 1,
        shard: (number % 64) as u16,
        run: u128::from(number) << 64 | 7,
        now: -1 + 1000 * number as i64,
        body: body.to_vec(),
        state_hash: number.wrapping_mul(0x9E37_79B9_7F4A_7C15),
    }
}

/// Groups of 1, 2, 3, 1, 2, 3… records.
fn groups(count: u64) -> Vec<Vec<NewRecord>> {
    let mut number = 0;
    let mut next = || {
        number += 1;
        record(number, format!("body of record {number}").repeat(number as usize % 4).as_bytes())
    };
    (0..count).map(|group| (0..=group % 3).map(|_| next()).collect()).collect()
}

/// What is read back when `groups` were the first ones journaled.
fn expected(groups: &[Vec<NewRecord>]) -> Vec<Record> {
    groups.iter().flatten().cloned().zip(1..).map(|(record, seq)| record.into_record(seq)).collect()
}

fn all(records: Records) -> Result<Vec<Record>, JournalError> {
    records.map(|item| item.map(|stored: Stored| stored.record)).collect()
}

/// Each group is durable before the next one is submitted, so each is one write.
fn write_all(journal: &dyn Journal, groups: &[Vec<NewRecord>]) -> Result<(), JournalError> {
    for group in groups {
        journal.wait(journal.submit(group.clone())?.last_seq)?;
    }
    Ok(())
}

fn segment_path(data: &Path, number: u32) -> std::path::PathBuf {
    data.join("journal").join(crate::format::segment_name(number))
}
