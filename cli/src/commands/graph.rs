//! `flowline graph`: a picture of a flow.
use flowline_diag::nearest;
use flowline_plan::graph;

use crate::{
    args::{Global, Graph, Picture},
    commands::project,
    exit::{Exit, Failure},
    out,
};

/// Draws a flow to the terminal or a file.
///
/// # Errors
/// When there is no such flow, or the file can't be written.
pub(crate) fn run(args: &Graph, global: Global) -> Result<Exit, Failure> {
    let outcome = project::compile(args.path.as_deref())?;
    let Some(bundle) = &outcome.bundle else {
        project::print_findings(&[(&outcome.diagnostics, &outcome.sources)], global, true)?;
        return Ok(Exit::Findings);
    };
    let plan = bundle.flow_named(&args.flow).and_then(|flow| bundle.flow(flow));
    let Some(plan) = plan else {
        let names: Vec<&str> =
            bundle.flows.iter().filter(|plan| plan.side.is_none()).map(|plan| plan.short_name()).collect();
        let help = match nearest(&args.flow, names.iter().copied()) {
            Some(meant) => format!("is `{meant}` meant?"),
            None if names.is_empty() => "there are none".to_owned(),
            None => format!("there are: {}", names.join(", ")),
        };
        return Err(Failure::misuse(format!("no flow is called `{}`; {help}", args.flow)));
    };
    let picture = match args.picture {
        Picture::Svg => graph::svg(bundle, plan),
        Picture::Dot => graph::dot(bundle, plan),
    };
    match &args.output {
        Some(path) => std::fs::write(path, picture)
            .map_err(|cause| Failure::misuse(format!("can't write `{}`: {cause}", path.display())))?,
        None => out::print(&picture)?,
    }
    Ok(Exit::Fine)
}
