//! Files that stand beside the flows and that flows name: tables of opening hours, frozen schemas of events.
//!
//! The check reads no disk. [`wanted`] says which files it will ask for; who calls it brings their texts.

use crate::SourceModule;
use crate::signature::ce_type;
use flowline_diag::FileId;
use flowline_syntax::ast::{self, ItemKind};
use std::collections::{BTreeMap, BTreeSet};

/// The files that flows name, by their paths in the project: `stores.csv`, `schemas/retail.order.placed.v1.json`.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    files: BTreeMap<String, Result<BesideFile, BesideProblem>>,
}

#[derive(Debug, Clone)]
pub struct BesideFile {
    /// Its place among the sources that findings point into.
    pub file: FileId,
    pub text: String,
}

/// Why a file that flows name can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BesideProblem {
    #[error("there is no such file in the project")]
    Missing,
    #[error("it lies outside of the project; a path goes from the project's folder down, as `data/stores.csv`")]
    Outside,
    #[error("it has {found} bytes, at most {max} are read")]
    TooLarge { found: u64, max: u64 },
    #[error("line {line} has a letter that isn't UTF-8; save the file as UTF-8")]
    NotUtf8 { line: usize },
    #[error("it can't be read: {cause}")]
    Unreadable { cause: String },
}

impl Beside {
    /// Takes in what came of reading a file.
    pub fn add(&mut self, path: impl Into<String>, read: Result<BesideFile, BesideProblem>) {
        self.files.insert(path.into(), read);
    }

    pub(crate) fn get(&self, path: &str) -> Result<&BesideFile, BesideProblem> {
        match self.files.get(path) {
            Some(Ok(file)) => Ok(file),
            Some(Err(problem)) => Err(problem.clone()),
            None => Err(BesideProblem::Missing),
        }
    }
}

/// Where the shape of an older version of an event is kept.
pub(crate) fn schema_path(ce_type: &str, version: u32) -> String {
    format!("schemas/{ce_type}.v{version}.json")
}

/// The paths of the files that the check of these modules will ask for, each once, sorted.
pub fn wanted(modules: &[SourceModule]) -> Vec<String> {
    let items = || modules.iter().flat_map(|module| &module.ast.items);
    let mut paths = BTreeSet::new();
    for item in items() {
        if let ItemKind::Calendar(ast::Calendar { hours: ast::CalendarHours::File(path), .. }) = &item.kind {
            paths.extend(path.plain().map(str::to_owned));
        } else if let ItemKind::Test(test) = &item.kind {
            let files = test.steps.iter().filter_map(|step| match &step.kind {
                ast::TestStepKind::Start { file, .. } => file.as_ref()?.plain().map(str::to_owned),
                ast::TestStepKind::Given { .. }
                | ast::TestStepKind::After(_)
                | ast::TestStepKind::Send(_)
                | ast::TestStepKind::Expect(_)
                | ast::TestStepKind::Bad => None,
            });
            paths.extend(files);
        }
    }
    for item in items() {
        let ItemKind::Upcast(upcast) = &item.kind else { continue };
        for event in items().filter_map(|item| if let ItemKind::Event(event) = &item.kind { Some(event) } else { None })
        {
            if event.name.text == upcast.event.text {
                let path = |version| schema_path(&ce_type(event), version);
                paths.extend([upcast.from, upcast.to].into_iter().filter(|version| *version < event.version).map(path));
            }
        }
    }
    paths.into_iter().collect()
}
