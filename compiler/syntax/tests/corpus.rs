//! The project's own flows are sound.

use flowline_diag::{Sources, Unit};
use std::path::Path;

#[test]
fn the_shipped_flows_have_no_findings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut report = String::new();
    for folder in ["stdlib", "workflows"] {
        let mut paths: Vec<_> =
            std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "flow")) {
            let mut sources = Sources::default();
            let text = std::fs::read_to_string(path).unwrap();
            let file = sources.add(path.to_str().unwrap(), text.as_str());
            for finding in flowline_syntax::parse(file, &text).diagnostics {
                let at = sources.line_col(file, finding.primary.span.start, Unit::Chars);
                report += &format!("{}:{}:{}: {}\n", sources.path(file), at.line, at.column, finding.message);
            }
        }
    }
    assert_eq!(report, "");
}
