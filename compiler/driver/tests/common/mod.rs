//! Projects in memory, and what the compiler says of them.
#![allow(dead_code, reason = "each suite uses its part")]
use std::{fs, path::Path};

use flowline_driver::{DriverError, Files, FlowFile, MemoryFiles, Outcome, compile_files};
use flowline_report::{Colour, compact, human, summary_line};

/// Compiles a project of one module.
pub(crate) fn compile(module: &str, text: &str) -> Outcome {
    compile_files(&MemoryFiles::single(module, text)).expect("files in memory can be read")
}

/// The flows of `workflows/` and the standard library, as texts that a test may change.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    library: Vec<FlowFile>,
    flows: Vec<FlowFile>,
}

impl Repository {
    pub(crate) fn read() -> Self {
        let library = MemoryFiles::default().library();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workflows");
        let files = fs::read_dir(folder).expect("the folder is part of the repository");
        let flows = files.map(|file| file.expect("the folder can be listed").path()).filter_map(|path| {
            let module = path.file_name()?.to_str()?.strip_suffix(".flow")?.to_owned();
            let text = fs::read_to_string(&path).expect("a flow is text");
            Some(FlowFile { path: format!("{module}.flow"), module, text })
        });
        let mut flows: Vec<FlowFile> = flows.collect();
        flows.sort_by(|a, b| a.module.cmp(&b.module));
        Self { library, flows }
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.library.iter().chain(&self.flows).map(|file| file.path.as_str())
    }

    /// The text of a file: `std/payments.flow`, `routing.flow`.
    pub(crate) fn text(&mut self, path: &str) -> &mut String {
        let mut files = self.library.iter_mut().chain(&mut self.flows);
        &mut files.find(|file| file.path == path).unwrap_or_else(|| panic!("there is no {path}")).text
    }

    pub(crate) fn compile(&self) -> Outcome {
        compile_files(self).expect("files in memory can be read")
    }
}

impl Files for Repository {
    fn manifest(&self) -> Result<Option<String>, DriverError> {
        Ok(None)
    }

    fn manifest_path(&self) -> String {
        "flow.toml".to_owned()
    }

    fn flows(&self) -> Result<Vec<FlowFile>, DriverError> {
        Ok(self.flows.clone())
    }

    fn library(&self) -> Vec<FlowFile> {
        self.library.clone()
    }
}

/// Every finding as a log shows it, and how many there are.
pub(crate) fn for_logs(outcome: &Outcome) -> String {
    let findings = outcome.diagnostics.iter().map(|finding| compact(finding, &outcome.sources));
    findings.chain([summary_line(&outcome.diagnostics)]).collect()
}

/// Every finding as people see it.
pub(crate) fn for_people(outcome: &Outcome) -> String {
    outcome.diagnostics.iter().map(|finding| human(finding, &outcome.sources, Colour::Off)).collect()
}
