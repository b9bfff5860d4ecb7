//! `flow.toml`: what a project is called, how its world is simulated, where its systems are.
use flowline_diag::nearest;
use toml::Table;

use crate::DriverError;

/// The syntax and standard library that this version speaks.
const EDITION: &str = "2026";
const KEYS: [&str; 5] = ["name", "edition", "simulate", "bind", "lints"];

/// What `flow.toml` says. Tables that others read are kept as they are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Project {
    pub name: String,
    /// `[simulate.SYSTEM]` and `[simulate.events]`.
    pub simulate: Table,
    /// `[bind.SYSTEM]`.
    pub bind: Table,
}

/// Reads a manifest.
pub(crate) fn read(path: &str, text: &str) -> Result<Project, DriverError> {
    let wrong = |problem: String| DriverError::Manifest { path: path.to_owned(), problem };
    let table: Table = text.parse().map_err(|error: toml::de::Error| wrong(format!("not TOML: {error}")))?;
    for key in table.keys() {
        if !KEYS.contains(&key.as_str()) {
            let near = nearest(key, KEYS).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(wrong(format!("`{key}` is not a setting of a project{near}")));
        }
    }
    let text_of = |key: &str| match table.get(key) {
        Some(toml::Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(_) => Err(wrong(format!("`{key}` must be a text that isn't empty"))),
        None => Err(wrong(format!(
            "`{key}` is missing; write {}",
            if key == "name" { "name = \"…\"" } else { "edition = \"2026\"" }
        ))),
    };
    let table_of = |key: &str| match table.get(key) {
        Some(toml::Value::Table(table)) => Ok(table.clone()),
        Some(_) => Err(wrong(format!("`{key}` must be tables: write [{key}.NAME]"))),
        None => Ok(Table::new()),
    };
    let edition = text_of("edition")?;
    if edition != EDITION {
        return Err(wrong(format!("edition `{edition}` is not known; this version of flowline speaks `{EDITION}`")));
    }
    Ok(Project { name: text_of("name")?, simulate: table_of("simulate")?, bind: table_of("bind")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_in_the_manifest_says_what_to_write() {
        let cases = [
            ("", "flow.toml: `edition` is missing; write edition = \"2026\""),
            ("edition = \"2026\"", "flow.toml: `name` is missing; write name = \"…\""),
            ("name = 3\nedition = \"2026\"", "flow.toml: `name` must be a text that isn't empty"),
            (
                "name = \"a\"\nedition = \"2027\"",
                "flow.toml: edition `2027` is not known; this version of flowline speaks `2026`",
            ),
            ("nmae = \"a\"", "flow.toml: `nmae` is not a setting of a project; did you mean `name`?"),
            ("name = \"a\"\nedition = \"2026\"\nbind = 1", "flow.toml: `bind` must be tables: write [bind.NAME]"),
        ];
        for (text, expected) in cases {
            let error = read("flow.toml", text).unwrap_err().to_string();
            assert_eq!(error.replace("`flow.toml`", "flow.toml"), expected, "{text}");
        }
        let good = read("flow.toml", "name = \"a\"\nedition = \"2026\"\n[simulate.wms]\ndown = 0.1\n").unwrap();
        assert_eq!((good.name.as_str(), good.simulate.len()), ("a", 1));
    }
}
