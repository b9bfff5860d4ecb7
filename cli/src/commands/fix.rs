//! `flowline check --fix`: the changes that findings are sure of, made in the author's files.
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use flowline_diag::{Edit, FileId};
use flowline_driver::{DiskFiles, Files, Outcome};

use crate::{commands::project, exit::Failure, replace::replace};

/// Rounds of checking and mending: a mended place may show the next mistake.
const ROUNDS_MAX: usize = 10;

/// Makes every sure change in a project; how many there were.
///
/// # Errors
/// When there is no project, or a file can't be written.
pub(crate) fn mend(path: Option<&Path>) -> Result<usize, Failure> {
    let path: PathBuf = path.map_or_else(project::around, |path| Ok(path.to_owned()))?;
    let mut mended = 0;
    for _ in 0..ROUNDS_MAX {
        let outcome = project::compile(Some(&path))?;
        let own: BTreeSet<String> = DiskFiles::open(&path)
            .and_then(|files| files.flows())
            .map_err(Failure::misuse)?
            .into_iter()
            .map(|file| file.path)
            .collect();
        let edits = sure_edits(&outcome, &own);
        if edits.is_empty() {
            break;
        }
        for (file, edits) in edits {
            mended += edits.len();
            let text = outcome.sources.text(file);
            replace(Path::new(outcome.sources.path(file)), &edited(text, &edits))?;
        }
    }
    Ok(mended)
}

/// The edits of findings that a tool may make unasked, in files of the project, none over another.
fn sure_edits(outcome: &Outcome, own: &BTreeSet<String>) -> BTreeMap<FileId, Vec<Edit>> {
    let mut edits: BTreeMap<FileId, Vec<Edit>> = BTreeMap::new();
    let fixes = outcome.diagnostics.iter().filter_map(|finding| finding.fix.as_ref()).filter(|fix| fix.safe);
    for fix in fixes {
        let free = |edit: &Edit| {
            let taken = edits.get(&edit.span.file).map_or(&[][..], Vec::as_slice);
            own.contains(outcome.sources.path(edit.span.file))
                && taken.iter().all(|other| edit.span.end < other.span.start || other.span.end < edit.span.start)
        };
        if fix.edits.iter().all(free) {
            for edit in &fix.edits {
                edits.entry(edit.span.file).or_default().push(edit.clone());
            }
        }
    }
    edits
}

/// A text with its edits made.
fn edited(text: &str, edits: &[Edit]) -> String {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.span);
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for edit in edits {
        out.push_str(text.get(at..edit.span.start as usize).unwrap_or_default());
        out.push_str(&edit.text);
        at = edit.span.end as usize;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
