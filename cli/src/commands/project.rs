//! Compiling a project for a command, and printing what was found.
use std::path::{Path, PathBuf};

use flowline_diag::{Diagnostic, Sources};
use flowline_driver::Outcome;
use flowline_report::Colour;
use serde_json::{Value as Json, json};

use crate::{
    args::{Color, Format, Global},
    exit::Failure,
    out,
};

/// Compiles a project's folder or a single file; without a path, the project around the current folder.
///
/// # Errors
/// When there is no project.
pub(crate) fn compile(path: Option<&Path>) -> Result<Outcome, Failure> {
    let path = match path {
        Some(path) => path.to_owned(),
        None => around()?,
    };
    flowline_driver::compile(&path).map_err(Failure::misuse)
}

/// The nearest folder upward that holds a `flow.toml`.
///
/// # Errors
/// When there is none.
pub(crate) fn around() -> Result<PathBuf, Failure> {
    let here =
        std::env::current_dir().map_err(|cause| Failure::misuse(format!("can't see the current folder: {cause}")))?;
    // Relative: places in a log or beside a change are read from the current folder, not from the root of the disk.
    let found = here.ancestors().position(|folder| folder.join("flow.toml").is_file());
    let up = |levels: usize| std::iter::repeat_n("..", levels).collect::<PathBuf>();
    found.map(|levels| if levels == 0 { PathBuf::from(".") } else { up(levels) }).ok_or_else(|| {
        Failure::misuse("there is no flow.toml here or in a folder above; give the project's folder or a .flow file")
    })
}

/// Findings that are drawn with their source: more than anybody reads before mending the first ones.
const SHOWN_MAX: usize = 100;

/// Prints the findings of one project or several as asked for: on stderr where a command has output of its own.
///
/// # Errors
/// When stdout can't take them.
pub(crate) fn print_findings(
    found: &[(&[Diagnostic], &Sources)],
    global: Global,
    to_stderr: bool,
) -> Result<(), Failure> {
    let each = || found.iter().flat_map(|(findings, sources)| findings.iter().map(|finding| (finding, *sources)));
    let text = match global.format {
        Format::Human => {
            let colour = if wants_color(global.color, to_stderr) { Colour::On } else { Colour::Off };
            let shown = each().take(SHOWN_MAX);
            let mut shown: Vec<String> =
                shown.map(|(finding, sources)| flowline_report::human(finding, sources, colour)).collect();
            let more = each().count().saturating_sub(SHOWN_MAX);
            if more > 0 {
                shown.push(format!("… and {more} more; `--format compact` lists all of them\n"));
            }
            shown.join("\n")
        }
        Format::Compact => each().map(|(finding, sources)| flowline_report::compact(finding, sources)).collect(),
        Format::Json => format!("{}\n", in_one(found)),
        Format::Sarif => format!("{}\n", sarif(found)),
        Format::Github => each().map(|(finding, sources)| flowline_report::github(finding, sources)).collect(),
    };
    if !to_stderr {
        return out::print(&text);
    }
    if !text.is_empty() {
        out::tell(text.trim_end_matches('\n'));
    }
    Ok(())
}

/// One document for all projects: the findings in order, the counts added up.
fn in_one(found: &[(&[Diagnostic], &Sources)]) -> Json {
    let mut findings = Vec::new();
    let mut summary = serde_json::Map::new();
    for (of_one, sources) in found {
        let mut json = flowline_report::json(of_one, sources);
        if let Some(Json::Array(more)) = json.get_mut("findings").map(Json::take) {
            findings.extend(more);
        }
        for (what, count) in json.get("summary").and_then(Json::as_object).into_iter().flatten() {
            let so_far = summary.get(what).and_then(Json::as_u64).unwrap_or(0);
            summary.insert(what.clone(), json!(so_far + count.as_u64().unwrap_or(0)));
        }
    }
    json!({ "findings": findings, "summary": summary })
}

/// One log with a run for each project.
fn sarif(found: &[(&[Diagnostic], &Sources)]) -> Json {
    let logs =
        found.iter().map(|(findings, sources)| flowline_report::sarif(findings, sources, env!("CARGO_PKG_VERSION")));
    let mut whole: Option<Json> = None;
    for mut log in logs {
        let Some(first) = &mut whole else {
            whole = Some(log);
            continue;
        };
        if let (Some(Json::Array(runs)), Some(Json::Array(more))) =
            (first.get_mut("runs"), log.get_mut("runs").map(Json::take))
        {
            runs.extend(more);
        }
    }
    whole.unwrap_or(Json::Null)
}

fn wants_color(color: Color, to_stderr: bool) -> bool {
    use std::io::IsTerminal;
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) => false,
        Color::Auto if to_stderr => std::io::stderr().is_terminal(),
        Color::Auto => std::io::stdout().is_terminal(),
    }
}
