//! Sound flows give no finding: a false alarm teaches people to pass over true ones.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]
mod common;

use std::path::Path;

#[test]
fn sound_flows_are_clean() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sound");
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let outcome = common::compile(name, &std::fs::read_to_string(&path).unwrap());
        if !outcome.diagnostics.is_empty() || outcome.bundle.is_none() {
            wrong.push(common::for_logs(&outcome));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 10, "the folder was moved");
}
