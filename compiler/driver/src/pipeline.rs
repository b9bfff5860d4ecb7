//! Parse, check, lower, prove.
use std::time::{Duration, Instant};

use flowline_check::{Beside, BesideFile, SourceModule, check_with, wanted, without_effect};
use flowline_diag::{Diagnostic, FileId, Severity, Sources, code::f04};
use flowline_lower::lower;
use flowline_plan::Bundle;
use flowline_syntax::{ast, parse};

use crate::{DriverError, Files, Outcome, Project, manifest};

/// Flows that are proven on a thread of its own, at least.
const FLOWS_PER_THREAD: usize = 16;

/// Compiles the files of a project.
pub(crate) fn compile(files: &dyn Files) -> Result<Outcome, DriverError> {
    let mut watch = Stopwatch::start();
    let flows = files.all()?;
    let project = match files.manifest()? {
        Some(text) => manifest::read(&files.manifest_path(), &text)?,
        None => Project {
            name: flows.iter().flatten().next().map_or_else(|| "flow".to_owned(), |file| file.module.clone()),
            ..Project::default()
        },
    };
    let mut sources = Sources::default();
    let library = files.library().into_iter().map(|file| (file, true));
    let (mut texts, mut unread): (Vec<_>, Vec<_>) = (library.collect(), Vec::new());
    for flow in flows {
        match flow {
            Ok(file) => texts.push((file, false)),
            Err(file) => unread.push(file),
        }
    }
    let all: Vec<Module> = texts
        .into_iter()
        .map(|(file, library)| Module { file: sources.add(file.path, file.text), name: file.module, library })
        .collect();
    watch.lap("read");
    let (mut modules, mut findings) = parse_all(&sources, &all);
    for mut file in unread {
        let id = sources.add(std::mem::take(&mut file.path), std::mem::take(&mut file.text));
        let finding = file.finding(id, &sources);
        modules.push(unread_module(id, file.module, &finding));
        findings.push(finding);
    }
    watch.lap("parse");
    let beside = beside(files, &modules, &mut sources);
    let checked = check_with(&modules, &beside);
    drop(modules);
    findings.extend(checked.diagnostics);
    watch.lap("check");
    let mut bundle = None;
    if !has_errors(&findings) {
        let lowered = lower(&checked.model, &sources, &project.name);
        watch.lap("lower");
        findings.extend(lowered.diagnostics);
        if !has_errors(&findings) {
            findings.extend(prove_all(&lowered.bundle));
            if !has_errors(&findings) {
                findings.extend(without_effect(&checked.model));
            }
            bundle = Some(lowered.bundle);
        }
        watch.lap("prove");
    }
    findings.sort_by(|a, b| a.order().cmp(&b.order()));
    findings.dedup();
    let findings = contracts_once(findings);
    let bundle = bundle.filter(|_| !has_errors(&findings));
    Ok(Outcome { project, sources, diagnostics: findings, bundle, timings: watch.laps })
}

/// The files that the flows name, each a source too: findings point into them.
fn beside(files: &dyn Files, modules: &[SourceModule], sources: &mut Sources) -> Beside {
    let mut beside = Beside::default();
    for path in wanted(modules) {
        let read =
            files.beside(&path).map(|(shown, text)| BesideFile { file: sources.add(shown, text.as_str()), text });
        beside.add(path, read);
    }
    beside
}

/// A module of which nothing is known: whatever is brought in from it may be there.
fn unread_module(file: FileId, name: String, finding: &Diagnostic) -> SourceModule {
    let ast = ast::Module { file, doc: None, uses: Vec::new(), items: Vec::new() };
    SourceModule { name, ast, broken: vec![finding.primary.span], library: false }
}

fn has_errors(findings: &[Diagnostic]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

/// What a contract lacks is one mistake, however many flows rely on it: the first of them tells the story.
fn contracts_once(findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut told: Vec<(Diagnostic, usize)> = Vec::with_capacity(findings.len());
    for finding in findings {
        let same =
            |(known, _): &&mut (Diagnostic, usize)| known.code == finding.code && known.message == finding.message;
        let is_contract = finding.code == &f04::NO_WAY_BACK;
        match if is_contract { told.iter_mut().find(same) } else { None } {
            Some((_, more)) => *more += 1,
            None => told.push((finding, 0)),
        }
    }
    let counted = told.into_iter().map(|(finding, more)| match (more, &finding.help) {
        (0, _) | (_, None) => finding,
        (1, Some(help)) => Diagnostic { help: Some(format!("{help} (another place needs it too)")), ..finding },
        (_, Some(help)) => Diagnostic { help: Some(format!("{help} ({more} other places need it too)")), ..finding },
    });
    counted.collect()
}

/// Parses on two threads: files don't know of each other.
fn parse_all(sources: &Sources, files: &[Module]) -> (Vec<SourceModule>, Vec<Diagnostic>) {
    let parse_some = |files: &[Module]| {
        let (mut modules, mut findings) = (Vec::with_capacity(files.len()), Vec::new());
        for Module { file, name, library } in files {
            let parsed = parse(*file, sources.text(*file));
            let broken = parsed.diagnostics.iter().map(|finding| finding.primary.span).collect();
            modules.push(SourceModule { name: name.clone(), ast: parsed.module, broken, library: *library });
            findings.extend(parsed.diagnostics);
        }
        (modules, findings)
    };
    let (left, right) = files.split_at(files.len() / 2);
    std::thread::scope(|scope| {
        let right = scope.spawn(|| parse_some(right));
        let (mut modules, mut findings) = parse_some(left);
        let (more, also) = right.join().expect("the parser takes any text without a panic");
        modules.extend(more);
        findings.extend(also);
        (modules, findings)
    })
}

/// Proves each flow; on two threads when there are many.
fn prove_all(bundle: &Bundle) -> Vec<Diagnostic> {
    let prove_some = |flows: &[std::sync::Arc<flowline_plan::Plan>]| -> Vec<Diagnostic> {
        flows.iter().flat_map(|plan| flowline_prove::prove(bundle, plan, bundle)).collect()
    };
    if bundle.flows.len() < 2 * FLOWS_PER_THREAD {
        return prove_some(&bundle.flows);
    }
    let (left, right) = bundle.flows.split_at(bundle.flows.len() / 2);
    std::thread::scope(|scope| {
        let right = scope.spawn(|| prove_some(right));
        let mut findings = prove_some(left);
        findings.extend(right.join().expect("lowering makes only plans whose tables fit together"));
        findings
    })
}

/// A file to be parsed.
struct Module {
    file: FileId,
    name: String,
    library: bool,
}

struct Stopwatch {
    last: Instant,
    laps: Vec<(&'static str, Duration)>,
}

impl Stopwatch {
    fn start() -> Self {
        Self { last: Instant::now(), laps: Vec::new() }
    }

    fn lap(&mut self, part: &'static str) {
        let now = Instant::now();
        self.laps.push((part, now.duration_since(self.last)));
        self.last = now;
    }
}
