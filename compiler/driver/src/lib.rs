//! The compiler's façade: a project in, an outcome out.
//!
//! A project is a folder with a `flow.toml`; every `.flow` file under it is a module named by its path. A single `.flow`
//! file is a project of one module. The standard library is part of the binary.

mod files;
mod manifest;
mod pipeline;
mod stdlib;
mod unreadable;

use std::{path::Path, time::Duration};

pub use flowline_check::BesideProblem;
use flowline_diag::{Diagnostic, Severity, Sources};
use flowline_plan::Bundle;

pub use files::{DiskFiles, FILES_MAX, Files, FlowFile, MemoryFiles};
pub use manifest::Project;
pub use stdlib::MODULES as STDLIB;
pub use unreadable::{Problem, Unreadable};

/// What a project came to.
#[derive(Debug)]
pub struct Outcome {
    /// What `flow.toml` says.
    pub project: Project,
    /// The texts that findings point into.
    pub sources: Sources,
    /// In reading order, each once.
    pub diagnostics: Vec<Diagnostic>,
    /// What can be run; none where a finding is an error.
    pub bundle: Option<Bundle>,
    /// How long each part took.
    pub timings: Vec<(&'static str, Duration)>,
}

impl Outcome {
    /// Whether a finding is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// Why there is no outcome: nothing that could be checked.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    #[error("`{path}` doesn't exist; give a project's folder or a .flow file")]
    Missing { path: String },
    #[error("`{path}` holds no flow.toml; make one with `name = \"…\"` and `edition = \"2026\"`, or give a .flow file")]
    NoManifest { path: String },
    #[error("`{path}` is neither a folder nor a .flow file")]
    NotFlow { path: String },
    #[error("`{path}`: {problem}")]
    Manifest { path: String, problem: String },
    #[error("can't read `{path}`: {cause}")]
    Io { path: String, cause: std::io::Error },
    #[error("`{path}` is not UTF-8 text: line {line} has a letter in another encoding; save the file as UTF-8")]
    NotUtf8 { path: String, line: usize },
    #[error("`{path}` has {found} bytes, a .flow file has at most {max}; split it")]
    TooLarge { path: String, found: u64, max: u64 },
    #[error("the project has more than {FILES_MAX} .flow files; give a smaller folder")]
    TooMany,
}

/// Compiles the project at a path on disk.
///
/// # Errors
/// When there is nothing to compile. What is wrong in the flows is no error but a finding.
pub fn compile(path: &Path) -> Result<Outcome, DriverError> {
    pipeline::compile(&DiskFiles::open(path)?)
}

/// Compiles a project from wherever its files are.
///
/// # Errors
/// As [`compile`].
pub fn compile_files(files: &dyn Files) -> Result<Outcome, DriverError> {
    pipeline::compile(files)
}
