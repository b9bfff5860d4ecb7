//! Writes what the fuzzers begin with into `corpus/`: the flows of the repository, and the bundles that they compile to.
use std::{fs, io, path::Path};

use flowline_driver::{MemoryFiles, compile, compile_files};
use flowline_plan::{Bundle, encode_bundle};

/// A larger file tells a fuzzer little that a smaller one doesn't.
const BYTES_MAX: usize = 24 << 10;

fn main() -> io::Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = fuzz.join("..");
    for target in ["parse", "format", "check", "bundle"] {
        fs::create_dir_all(fuzz.join("corpus").join(target))?;
    }
    let mut flows = Vec::new();
    for folder in ["stdlib", "workflows", "compiler", "cli", "bench"] {
        collect(&root.join(folder), &mut flows)?;
    }
    for (at, text) in flows.iter().enumerate() {
        for target in ["parse", "format", "check"] {
            fs::write(fuzz.join(format!("corpus/{target}/seed-{at:03}")), text)?;
        }
        if let Some(bundle) = compile_files(&MemoryFiles::single("fuzz", text)).ok().and_then(|outcome| outcome.bundle)
        {
            write_bundle(fuzz, &format!("seed-{at:03}"), &bundle)?;
        }
    }
    if let Some(bundle) = compile(&root.join("workflows")).ok().and_then(|outcome| outcome.bundle) {
        write_bundle(fuzz, "workflows", &bundle)?;
    }
    Ok(())
}

fn write_bundle(fuzz: &Path, name: &str, bundle: &Bundle) -> io::Result<()> {
    fs::write(fuzz.join("corpus/bundle").join(name), encode_bundle(bundle).0)
}

fn collect(folder: &Path, flows: &mut Vec<String>) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, flows)?;
        } else if path.extension().is_some_and(|extension| extension == "flow") {
            flows.extend(fs::read_to_string(&path).ok().filter(|text| text.len() <= BYTES_MAX));
        }
    }
    Ok(())
}
