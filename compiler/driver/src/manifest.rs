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
    let wrong_at = |(line, column): (usize, usize), problem: String| DriverError::Manifest {
        path: format!("{path}:{line}:{column}"),
        problem,
    };
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or((1, 1), |span| place(text, span.start));
        wrong_at(at, format!("this is not TOML: {}", error.message().trim_end().replace('\n', ", ")))
    })?;
    for key in table.keys() {
        if !KEYS.contains(&key.as_str()) {
            let near = nearest(key, KEYS).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let problem = format!("`{key}` is not a setting of a project{near}");
            return Err(wrong_at(place_of(text, key), problem));
        }
    }
    let text_of = |key: &str| match table.get(key) {
        Some(toml::Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(_) => Err(wrong_at(place_of(text, key), format!("`{key}` must be a text that isn't empty"))),
        None => Err(wrong(format!(
            "`{key}` is missing; write {}",
            if key == "name" { "name = \"…\"" } else { "edition = \"2026\"" }
        ))),
    };
    let table_of = |key: &str| match table.get(key) {
        Some(toml::Value::Table(table)) => Ok(table.clone()),
        Some(_) => Err(wrong_at(place_of(text, key), format!("`{key}` must be tables: write [{key}.NAME]"))),
        None => Ok(Table::new()),
    };
    let edition = text_of("edition")?;
    if edition != EDITION {
        let problem = format!("edition `{edition}` is not known; this version of flowline speaks `{EDITION}`");
        return Err(wrong_at(place_of(text, "edition"), problem));
    }
    Ok(Project { name: text_of("name")?, simulate: table_of("simulate")?, bind: table_of("bind")? })
}

/// Line and column of an offset, from one.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or("");
    (1 + before.matches('\n').count(), 1 + line.chars().count())
}

/// Where a setting or its table stands.
fn place_of(text: &str, key: &str) -> (usize, usize) {
    let begins = |line: &str| {
        let line = line.trim_start().trim_start_matches('[').trim_start();
        let rest = line.strip_prefix(key).or_else(|| line.strip_prefix(&format!("\"{key}\"")));
        rest.is_some_and(|rest| rest.trim_start().starts_with(['=', '.', ']']))
    };
    let found = text.lines().enumerate().find(|(_, line)| begins(line));
    let column = |line: &str| 1 + line.find(key).map_or(0, |at| line.get(..at).unwrap_or("").chars().count());
    found.map_or((1, 1), |(at, line)| (at + 1, column(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_in_the_manifest_says_what_to_write() {
        let cases = [
            ("", "flow.toml: `edition` is missing; write edition = \"2026\""),
            ("edition = \"2026\"", "flow.toml: `name` is missing; write name = \"…\""),
            ("name = 3\nedition = \"2026\"", "flow.toml:1:1: `name` must be a text that isn't empty"),
            (
                "name = \"a\"\nedition = \"2027\"",
                "flow.toml:2:1: edition `2027` is not known; this version of flowline speaks `2026`",
            ),
            ("# ours\n nmae = \"a\"", "flow.toml:2:2: `nmae` is not a setting of a project; did you mean `name`?"),
            ("name = \"a\"\nedition = \"2026\"\nbind = 1", "flow.toml:3:1: `bind` must be tables: write [bind.NAME]"),
            (
                "name = \"a\"\n[simulat.wms]",
                "flow.toml:2:2: `simulat` is not a setting of a project; did you mean `simulate`?",
            ),
            ("name = \"a\"\nedition 2026", "flow.toml:2:9: this is not TOML: key with no value, expected `=`"),
        ];
        for (text, expected) in cases {
            let error = read("flow.toml", text).unwrap_err().to_string();
            assert_eq!(error.replacen('`', "", 2), expected, "{text}");
        }
        let good = read("flow.toml", "name = \"a\"\nedition = \"2026\"\n[simulate.wms]\ndown = 0.1\n").unwrap();
        assert_eq!((good.name.as_str(), good.simulate.len()), ("a", 1));
    }
}
