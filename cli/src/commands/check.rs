//! `flowline check`: everything that can be said about a project before it runs.
use flowline_diag::Severity;

use crate::{
    args::{Check, Deny, Format, Global},
    commands::project,
    exit::{Exit, Failure},
    out,
};

/// Checks a project and prints what was found.
///
/// # Errors
/// When there is no project.
pub(crate) fn run(args: &Check, global: Global) -> Result<Exit, Failure> {
    let outcome = project::compile(args.path.as_deref())?;
    project::print_findings(&outcome.diagnostics, &outcome.sources, global, false)?;
    let count = |severity| outcome.diagnostics.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if global.format != Format::Json && !global.quiet {
        out::print(&format!("{}\n", verdict(&outcome, errors, warnings)))?;
    }
    if args.timings {
        for (part, took) in &outcome.timings {
            out::tell(&format!("{part:>10}  {:.1} ms", took.as_secs_f64() * 1e3));
        }
    }
    let denied = args.deny == Some(Deny::Warnings) && warnings > 0;
    Ok(if errors > 0 || denied { Exit::Findings } else { Exit::Fine })
}

fn verdict(outcome: &flowline_driver::Outcome, errors: usize, warnings: usize) -> String {
    let flows = outcome.bundle.as_ref().map_or(0, |bundle| bundle.flows.len());
    match (errors, warnings) {
        (0, 0) => format!("{} checked: no findings", plural(flows, "flow")),
        _ => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
    }
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
