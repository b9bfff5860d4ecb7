//! `flowline check`: everything that can be said about a project before it runs.
use flowline_diag::Severity;

use crate::{
    args::{Check, Deny, Format, Global},
    commands::{fix, plural, project},
    exit::{Exit, Failure},
    out,
};

/// Checks projects and prints what was found.
///
/// # Errors
/// When there is no project.
pub(crate) fn run(args: &Check, global: Global) -> Result<Exit, Failure> {
    if args.fix {
        let mended = if args.paths.is_empty() {
            fix::mend(None)?
        } else {
            args.paths.iter().map(|path| fix::mend(Some(path))).sum::<Result<usize, _>>()?
        };
        if !global.quiet {
            out::tell(&format!("{} made", plural(mended, "change")));
        }
    }
    let outcomes = if args.paths.is_empty() {
        vec![project::compile(None)?]
    } else {
        args.paths.iter().map(|path| project::compile(Some(path))).collect::<Result<Vec<_>, _>>()?
    };
    let found: Vec<_> = outcomes.iter().map(|outcome| (outcome.diagnostics.as_slice(), &outcome.sources)).collect();
    project::print_findings(&found, global, false)?;
    let count = |severity| {
        let findings = outcomes.iter().flat_map(|outcome| &outcome.diagnostics);
        findings.filter(|finding| finding.severity == severity).count()
    };
    let (errors, warnings, notes) = (count(Severity::Error), count(Severity::Warning), count(Severity::Note));
    let for_people = matches!(global.format, Format::Human | Format::Compact);
    if for_people && !global.quiet {
        let bundles = outcomes.iter().filter_map(|outcome| outcome.bundle.as_ref());
        let flows = bundles.flat_map(|bundle| &bundle.flows).filter(|plan| plan.side.is_none()).count();
        out::print(&format!("{}\n", verdict(flows, errors, warnings, notes)))?;
        let first = outcomes.iter().find_map(|outcome| outcome.diagnostics.first());
        if let Some(first) = first.filter(|_| global.format == Format::Human) {
            out::print(&format!("`flowline explain {}` says more, with a bad and a good example\n", first.code.id))?;
        }
    }
    if args.timings {
        for (part, took) in outcomes.iter().flat_map(|outcome| &outcome.timings) {
            out::tell(&format!("{part:>10}  {:.1} ms", took.as_secs_f64() * 1e3));
        }
    }
    let denied = args.deny == Some(Deny::Warnings) && warnings > 0;
    Ok(if errors > 0 || denied { Exit::Findings } else { Exit::Fine })
}

fn verdict(flows: usize, errors: usize, warnings: usize, notes: usize) -> String {
    match (errors, warnings, notes) {
        (0, 0, 0) => format!("{} checked: no findings", plural(flows, "flow")),
        (0, 0, _) => format!("{} checked: no errors, {}", plural(flows, "flow"), plural(notes, "note")),
        _ => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
    }
}
