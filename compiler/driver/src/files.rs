//! Where a project's files are: on disk, or in memory.
use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path, PathBuf},
};

use flowline_check::BesideProblem;

use crate::{
    DriverError,
    stdlib::MODULES,
    unreadable::{self, Unreadable},
};

/// Flow files of one project.
pub const FILES_MAX: usize = 20_000;
/// Bytes of one file: what the parser takes, 16 MiB.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// Bytes of another file that flows name: 4 MiB.
const BESIDE_BYTES_MAX: u64 = 4 << 20;
/// Folders inside each other.
const DEPTH_MAX: usize = 32;

/// The files of a project.
pub trait Files {
    /// The text of `flow.toml`; none for a single file.
    ///
    /// # Errors
    /// When it can't be read.
    fn manifest(&self) -> Result<Option<String>, DriverError>;

    /// What people call the place of `flow.toml`.
    fn manifest_path(&self) -> String;

    /// Every flow file that can be read: its path as people see it, its module's name, its text; sorted by name.
    ///
    /// # Errors
    /// When the folder can't be read.
    fn flows(&self) -> Result<Vec<FlowFile>, DriverError>;

    /// Every flow file, also those that can't be read.
    ///
    /// # Errors
    /// When the folder itself can't be read.
    fn all(&self) -> Result<Vec<Result<FlowFile, Unreadable>>, DriverError> {
        Ok(self.flows()?.into_iter().map(Ok).collect())
    }

    /// The path as people see it and the text of a file that flows name; their path goes from the project's folder.
    ///
    /// # Errors
    /// What a finding at the place that names the file says.
    fn beside(&self, _path: &str) -> Result<(String, String), BesideProblem> {
        Err(BesideProblem::Missing)
    }

    /// The standard library: the one in the binary, unless the library itself is what is tried out.
    fn library(&self) -> Vec<FlowFile> {
        let file = |(module, path, text): &(&str, &str, &str)| FlowFile {
            path: (*path).to_owned(),
            module: (*module).to_owned(),
            text: (*text).to_owned(),
        };
        MODULES.iter().map(file).collect()
    }
}

/// One `.flow` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowFile {
    pub path: String,
    pub module: String,
    pub text: String,
}

/// A project on disk.
#[derive(Debug, Clone)]
pub struct DiskFiles {
    root: PathBuf,
    single: bool,
}

impl DiskFiles {
    /// The project at a path.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(path: &Path) -> Result<Self, DriverError> {
        let shown = path.display().to_string();
        let meta = fs::metadata(path).map_err(|cause| {
            let path = shown.clone();
            if cause.kind() == std::io::ErrorKind::NotFound {
                DriverError::Missing { path }
            } else {
                DriverError::Io { path, cause }
            }
        })?;
        if meta.is_dir() {
            if !path.join("flow.toml").is_file() {
                return Err(DriverError::NoManifest { path: shown });
            }
            return Ok(Self { root: path.to_owned(), single: false });
        }
        if path.extension().is_some_and(|extension| extension == "flow") {
            return Ok(Self { root: path.to_owned(), single: true });
        }
        Err(DriverError::NotFlow { path: shown })
    }

    fn walk(&self, folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), DriverError> {
        let io = |cause| DriverError::Io { path: folder.display().to_string(), cause };
        for entry in fs::read_dir(folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if hidden {
                continue;
            }
            let is_flow = path.extension().is_some_and(|extension| extension == "flow");
            if path.is_dir() && is_flow {
                found.push(path);
            } else if path.is_dir() {
                // A folder with a flow.toml of its own is another project.
                if depth < DEPTH_MAX && !path.is_symlink() && !path.join("flow.toml").is_file() {
                    self.walk(&path, depth + 1, found)?;
                }
            } else if is_flow {
                found.push(path);
                if found.len() > FILES_MAX {
                    return Err(DriverError::TooMany);
                }
            }
        }
        Ok(())
    }
}

impl Files for DiskFiles {
    fn manifest(&self) -> Result<Option<String>, DriverError> {
        if self.single { Ok(None) } else { read(&self.root.join("flow.toml")).map(Some) }
    }

    fn manifest_path(&self) -> String {
        let path = self.root.join("flow.toml");
        path.strip_prefix(".").unwrap_or(&path).display().to_string()
    }

    fn flows(&self) -> Result<Vec<FlowFile>, DriverError> {
        Ok(self.all()?.into_iter().flatten().collect())
    }

    fn all(&self) -> Result<Vec<Result<FlowFile, Unreadable>>, DriverError> {
        let mut paths = Vec::new();
        if self.single {
            paths.push(self.root.clone());
        } else {
            self.walk(&self.root, 0, &mut paths)?;
        }
        let mut all = Vec::with_capacity(paths.len());
        for path in paths {
            let inside = path.strip_prefix(&self.root).ok().filter(|inside| inside.components().next().is_some());
            let inside = inside.or_else(|| path.file_name().map(Path::new)).unwrap_or(&path);
            let parts = inside.with_extension("");
            let parts: Vec<_> =
                parts.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
            // A place is looked for by its plain path: `./orders.flow` is `orders.flow`.
            let shown = path.strip_prefix(".").unwrap_or(&path).display().to_string();
            let module = parts.join(".");
            all.push(match unreadable::read(&path, FILE_BYTES_MAX) {
                Ok(text) => Ok(FlowFile { path: shown, module, text }),
                Err((text, problem)) => Err(Unreadable { path: shown, module, text, problem }),
            });
        }
        let module = |file: &Result<FlowFile, Unreadable>| match file {
            Ok(file) => file.module.clone(),
            Err(file) => file.module.clone(),
        };
        all.sort_by_cached_key(module);
        Ok(all)
    }

    fn beside(&self, path: &str) -> Result<(String, String), BesideProblem> {
        let folder = if self.single { self.root.parent() } else { Some(self.root.as_path()) };
        let folder = folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        read_beside(folder, path)
    }
}

/// Reads a file inside of a folder: no path and no link leads out of it.
fn read_beside(root: &Path, path: &str) -> Result<(String, String), BesideProblem> {
    let unreadable = |cause: std::io::Error| {
        if cause.kind() == std::io::ErrorKind::NotFound {
            BesideProblem::Missing
        } else {
            BesideProblem::Unreadable { cause: cause.to_string() }
        }
    };
    if path.is_empty() || !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(BesideProblem::Outside);
    }
    let at = root.join(path);
    let real = fs::canonicalize(&at).map_err(unreadable)?;
    if !real.starts_with(fs::canonicalize(root).map_err(unreadable)?) {
        return Err(BesideProblem::Outside);
    }
    let meta = fs::metadata(&real).map_err(unreadable)?;
    if !meta.is_file() {
        return Err(BesideProblem::Missing);
    }
    if meta.len() > BESIDE_BYTES_MAX {
        return Err(BesideProblem::TooLarge { found: meta.len(), max: BESIDE_BYTES_MAX });
    }
    let text = String::from_utf8(fs::read(&real).map_err(unreadable)?).map_err(|error| {
        let sound = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        BesideProblem::NotUtf8 { line: 1 + sound.filter(|byte| **byte == b'\n').count() }
    })?;
    Ok((at.display().to_string(), text))
}

fn read(path: &Path) -> Result<String, DriverError> {
    let shown = || path.display().to_string();
    let io = |cause| DriverError::Io { path: shown(), cause };
    let found = fs::metadata(path).map_err(io)?.len();
    if found > FILE_BYTES_MAX {
        return Err(DriverError::TooLarge { path: shown(), found, max: FILE_BYTES_MAX });
    }
    let bytes = fs::read(path).map_err(io)?;
    String::from_utf8(bytes).map_err(|error| {
        let sound = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        DriverError::NotUtf8 { path: shown(), line: 1 + sound.filter(|byte| **byte == b'\n').count() }
    })
}

/// A project in memory, for tests and tools.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles {
    pub manifest: Option<String>,
    /// Module name and text.
    pub flows: BTreeMap<String, String>,
    /// Other files that flows name, by their paths.
    pub beside: BTreeMap<String, String>,
}

impl MemoryFiles {
    /// A project of one module.
    pub fn single(module: &str, text: &str) -> Self {
        Self { flows: [(module.to_owned(), text.to_owned())].into(), ..Self::default() }
    }
}

impl Files for MemoryFiles {
    fn manifest(&self) -> Result<Option<String>, DriverError> {
        Ok(self.manifest.clone())
    }

    fn manifest_path(&self) -> String {
        "flow.toml".to_owned()
    }

    fn flows(&self) -> Result<Vec<FlowFile>, DriverError> {
        let file = |(module, text): (&String, &String)| FlowFile {
            path: format!("{}.flow", module.replace('.', "/")),
            module: module.clone(),
            text: text.clone(),
        };
        Ok(self.flows.iter().map(file).collect())
    }

    fn beside(&self, path: &str) -> Result<(String, String), BesideProblem> {
        let text = self.beside.get(path).ok_or(BesideProblem::Missing)?;
        Ok((path.to_owned(), text.clone()))
    }
}
