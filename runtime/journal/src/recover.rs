//! Looking over a journal that nobody has open: to verify it, and to recover at the start.

use std::io;
use std::path::{Path, PathBuf};

use crate::JournalError;
use crate::disk::Disk;
use crate::format::{SEGMENT_HEADER_BYTES, SegmentHeader, segment_name};
use crate::read::read_up_to;
use crate::scan::{Found, Scan, Tail, TornTail};

/// What was found at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovery {
    /// The oldest record kept; `last_seq + 1` if there is none.
    pub first_seq: u64,
    /// The last record; 0 if there never was one.
    pub last_seq: u64,
    pub records: u64,
    /// The unacknowledged end that was cut, for the operator to know of.
    pub torn: Option<TornTail>,
}

/// What [`verify`] has found sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyReport {
    pub segments: u64,
    /// Groups on disk: each is one write, which may hold several submitted groups.
    pub groups: u64,
    pub records: u64,
    /// Bytes of the files, without the torn tail.
    pub bytes: u64,
    pub first_seq: u64,
    pub last_seq: u64,
    /// An unfinished end that the next start will cut.
    pub torn: Option<TornTail>,
}

/// Reads every byte of a data folder that nobody has open, and changes nothing.
///
/// # Errors
/// The first place that is not sound: `Damaged`, `Unknown`, `Version`; `Io` if the folder cannot be read.
pub fn verify(data: &Path) -> Result<VerifyReport, JournalError> {
    let dir = segments_dir(data);
    let overview = look_over(&dir, 0)?;
    Ok(overview.report)
}

/// A segment and the seq it begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentInfo {
    pub(crate) number: u32,
    pub(crate) first_seq: u64,
}

#[derive(Debug)]
pub(crate) struct Overview {
    pub(crate) report: VerifyReport,
    pub(crate) segments: Vec<SegmentInfo>,
    /// Where the sound part of the last segment ends; 0 if its header is to be written again.
    pub(crate) end: u64,
}

pub(crate) fn segments_dir(data: &Path) -> PathBuf {
    data.join("journal")
}

/// The numbers of the segments, ascending; files of other names are none of ours.
pub(crate) fn list(dir: &Path) -> Result<Vec<u32>, JournalError> {
    let mut numbers = Vec::new();
    for entry in dir.read_dir().map_err(JournalError::io("list", dir))? {
        let name = entry.map_err(JournalError::io("list", dir))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".seg")).and_then(|stem| stem.parse::<u32>().ok());
        numbers.extend(number.filter(|number| name.to_str() == Some(segment_name(*number).as_str())));
    }
    numbers.sort_unstable();
    for pair in numbers.windows(2) {
        if let [before, after] = pair
            && before + 1 != *after
        {
            let what = format!("the segment is missing, {} exists", segment_name(*after));
            return Err(JournalError::Damaged { segment: before + 1, offset: 0, record: None, what });
        }
    }
    Ok(numbers)
}

/// Checks everything from `check_from_seq` on; of segments that lie wholly before it, only the headers.
pub(crate) fn look_over(dir: &Path, check_from_seq: u64) -> Result<Overview, JournalError> {
    let numbers = list(dir)?;
    let firsts = numbers.iter().map(|number| first_seq(dir, *number)).collect::<Result<Vec<_>, _>>()?;
    let report = VerifyReport { segments: 0, groups: 0, records: 0, bytes: 0, first_seq: 1, last_seq: 0, torn: None };
    let mut overview = Overview { report, segments: Vec::new(), end: 0 };
    let mut next_seq = None;
    for (index, number) in numbers.iter().copied().enumerate() {
        let following = firsts.get(index + 1).copied();
        let tail = if following.is_none() { Tail::MayBeTorn } else { Tail::Sound };
        let first_seq = match Scan::open(dir, number, next_seq, tail)? {
            Found::Sound(mut scan) => {
                let first_seq = scan.next_seq;
                let skipped = following.flatten().filter(|next| *next <= check_from_seq && *next > first_seq);
                match skipped {
                    Some(next) => scan.next_seq = next,
                    None => overview.check(&mut scan)?,
                }
                overview.end = scan.offset;
                next_seq = Some(scan.next_seq);
                first_seq
            }
            Found::Torn(torn) => {
                overview.report.torn = Some(torn);
                overview.end = 0;
                next_seq.unwrap_or(1)
            }
            Found::End => next_seq.unwrap_or(1),
        };
        overview.report.segments += 1;
        overview.report.bytes += file_bytes(dir, number)?;
        overview.segments.push(SegmentInfo { number, first_seq });
    }
    let report = &mut overview.report;
    report.first_seq = overview.segments.first().map_or(1, |segment| segment.first_seq);
    report.last_seq = next_seq.unwrap_or(1) - 1;
    report.records = report.last_seq + 1 - report.first_seq;
    report.bytes -= report.torn.map_or(0, |torn| torn.bytes);
    Ok(overview)
}

impl Overview {
    fn check(&mut self, scan: &mut Scan) -> Result<(), JournalError> {
        loop {
            match scan.next_group()? {
                Found::Sound(_) => self.report.groups += 1,
                Found::Torn(torn) => {
                    self.report.torn = Some(torn);
                    return Ok(());
                }
                Found::End => return Ok(()),
            }
        }
    }
}

/// What the header of a segment says; `None` if it is unsound, which the scan judges.
pub(crate) fn first_seq(dir: &Path, number: u32) -> Result<Option<u64>, JournalError> {
    let path = dir.join(segment_name(number));
    let start = std::fs::File::open(&path).and_then(|file| read_up_to(&file, 0, SEGMENT_HEADER_BYTES));
    let start = start.map_err(JournalError::io("read", &path))?;
    Ok(SegmentHeader::decode(&start).map(|header| header.first_seq))
}

fn file_bytes(dir: &Path, number: u32) -> Result<u64, JournalError> {
    let path = dir.join(segment_name(number));
    Ok(path.metadata().map_err(JournalError::io("read", &path))?.len())
}

/// Cuts what is torn, and leaves a last segment that is durable to its end, whoever wrote it: a process that was killed
/// may have left a group that is whole but that no `fdatasync` has seen.
pub(crate) fn repair(dir: &Path, disk: &dyn Disk, overview: &mut Overview) -> Result<(), JournalError> {
    let next_seq = overview.report.last_seq + 1;
    let Some(last) = overview.segments.last().copied() else {
        create_segment(dir, disk, 1, next_seq).map_err(JournalError::io("make a segment in", dir))?;
        overview.segments.push(SegmentInfo { number: 1, first_seq: next_seq });
        overview.end = SEGMENT_HEADER_BYTES as u64;
        return Ok(());
    };
    let path = dir.join(segment_name(last.number));
    let mend = || -> io::Result<()> {
        let mut file = disk.open(&path)?;
        if overview.report.torn.is_some() {
            file.truncate(overview.end)?;
        }
        if overview.end == 0 {
            file.append(&SegmentHeader::encode(last.number, next_seq))?;
        }
        file.sync()?;
        disk.sync_dir(dir)
    };
    mend().map_err(JournalError::io("write", &path))?;
    overview.end = overview.end.max(SEGMENT_HEADER_BYTES as u64);
    Ok(())
}

/// A new segment, durable with its name before anything is written to it.
pub(crate) fn create_segment(
    dir: &Path,
    disk: &dyn Disk,
    number: u32,
    first_seq: u64,
) -> io::Result<Box<dyn crate::disk::SegmentFile>> {
    let mut file = disk.create(&dir.join(segment_name(number)))?;
    file.append(&SegmentHeader::encode(number, first_seq))?;
    file.sync()?;
    disk.sync_dir(dir)?;
    Ok(file)
}
