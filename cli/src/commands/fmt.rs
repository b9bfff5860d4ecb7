//! `flowline fmt`: the one layout.
use std::path::Path;

use flowline_driver::{DiskFiles, Files, FlowFile};
use flowline_syntax::FormatError;

use crate::{
    args::{Fmt, Global},
    commands::{plural, project},
    exit::{Exit, Failure},
    out,
    replace::replace,
};

/// Lays the files of projects out, or says which are not.
///
/// # Errors
/// When there is no project, or a file can't be written.
pub(crate) fn run(args: &Fmt, global: Global) -> Result<Exit, Failure> {
    let paths = if args.paths.is_empty() { vec![project::around()?] } else { args.paths.clone() };
    let mut files: Vec<FlowFile> = Vec::new();
    for path in &paths {
        files.extend(DiskFiles::open(path).and_then(|files| files.flows()).map_err(Failure::misuse)?);
    }
    let (mut changed, mut broken) = (0, 0);
    for file in &files {
        match flowline_syntax::format(&file.text) {
            Ok(laid_out) if laid_out == file.text => {}
            Ok(laid_out) => {
                changed += 1;
                if !args.check {
                    replace(Path::new(&file.path), &laid_out)?;
                }
                if !global.quiet {
                    out::print(&format!("{}\n", file.path))?;
                }
            }
            Err(error @ FormatError::Broken) => {
                broken += 1;
                out::tell(&format!("{}: {error}", file.path));
            }
            Err(error @ FormatError::Unsound(_)) => return Err(Failure::fault(format!("{}: {error}", file.path))),
        }
    }
    if !global.quiet {
        let total = plural(files.len(), "file");
        let said = match (changed, args.check) {
            (0, _) => format!("{total}: nothing to change"),
            (_, true) => format!("{total}, {changed} not in the one layout; `flowline fmt` lays them out"),
            (_, false) => format!("{total}, {changed} laid out anew"),
        };
        out::tell(&said);
    }
    Ok(if broken > 0 || args.check && changed > 0 { Exit::Findings } else { Exit::Fine })
}
