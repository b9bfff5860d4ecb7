//! For code-scanning services: SARIF 2.1.0, <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use std::collections::BTreeMap;

use flowline_diag::{Code, Diagnostic, Label, Severity, Sources, Span, Unit, all_codes};
use serde_json::{Map, Value, json as object};

/// All findings as one SARIF log with one run. Columns count UTF-16 units from one; paths are relative to the project.
///
/// The path of a finding is its code flow, other places are its related locations, a fix that a tool may make unasked is its fix.
pub fn sarif(findings: &[Diagnostic], sources: &Sources, version: &str) -> Value {
    let mut used: BTreeMap<&'static str, &'static Code> = BTreeMap::new();
    for finding in findings {
        used.insert(finding.code.id, finding.code);
    }
    let rules: Vec<Value> = all_codes().filter(|code| used.contains_key(code.id)).map(rule).collect();
    let index: BTreeMap<&str, usize> =
        all_codes().filter(|code| used.contains_key(code.id)).enumerate().map(|(at, code)| (code.id, at)).collect();
    let results: Vec<Value> = findings.iter().map(|finding| result(finding, sources, &index)).collect();
    object!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "flowline", "semanticVersion": version, "rules": rules } },
            "columnKind": "utf16CodeUnits",
            "originalUriBaseIds": { "PROJECT": { "description": { "text": "the folder with the flow.toml" } } },
            "results": results,
        }],
    })
}

fn rule(code: &'static Code) -> Value {
    object!({
        "id": code.id,
        "shortDescription": { "text": code.title },
        "fullDescription": { "text": code.title },
        "help": { "text": code.explanation, "markdown": code.explanation },
        "defaultConfiguration": { "level": level(code.severity) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn result(finding: &Diagnostic, sources: &Sources, index: &BTreeMap<&str, usize>) -> Value {
    let mut text = finding.message.clone();
    if let Some(help) = &finding.help {
        text.push_str("; ");
        text.push_str(help);
    }
    let mut out = Map::new();
    out.insert("ruleId".to_owned(), finding.code.id.into());
    if let Some(at) = index.get(finding.code.id) {
        out.insert("ruleIndex".to_owned(), (*at).into());
    }
    out.insert("level".to_owned(), level(finding.severity).into());
    out.insert("message".to_owned(), object!({ "text": text }));
    out.insert("locations".to_owned(), object!([location(&finding.primary, sources, None)]));
    if !finding.secondary.is_empty() {
        let related: Vec<Value> =
            finding.secondary.iter().zip(1..).map(|(label, id)| location(label, sources, Some(id))).collect();
        out.insert("relatedLocations".to_owned(), related.into());
    }
    if !finding.path.is_empty() {
        let steps: Vec<Value> = finding
            .path
            .iter()
            .zip(1..)
            .map(|(label, order)| object!({ "location": location(label, sources, None), "executionOrder": order }))
            .collect();
        out.insert("codeFlows".to_owned(), object!([{ "threadFlows": [{ "locations": steps }] }]));
    }
    if let Some(fix) = finding.fix.as_ref().filter(|fix| fix.safe) {
        let mut changes: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for edit in &fix.edits {
            let change =
                object!({ "deletedRegion": region(edit.span, sources), "insertedContent": { "text": edit.text } });
            changes.entry(sources.path(edit.span.file)).or_default().push(change);
        }
        let changes: Vec<Value> = changes
            .into_iter()
            .map(|(path, replacements)| object!({ "artifactLocation": artifact(path), "replacements": replacements }))
            .collect();
        out.insert("fixes".to_owned(), object!([{ "description": { "text": fix.title }, "artifactChanges": changes }]));
    }
    Value::Object(out)
}

fn location(label: &Label, sources: &Sources, id: Option<u32>) -> Value {
    let physical = object!({
        "artifactLocation": artifact(sources.path(label.span.file)),
        "region": region(label.span, sources),
    });
    let mut out = Map::new();
    if let Some(id) = id {
        out.insert("id".to_owned(), id.into());
    }
    out.insert("physicalLocation".to_owned(), physical);
    if !label.text.is_empty() {
        out.insert("message".to_owned(), object!({ "text": label.text }));
    }
    Value::Object(out)
}

fn region(span: Span, sources: &Sources) -> Value {
    let (from, to) =
        (sources.line_col(span.file, span.start, Unit::Utf16), sources.line_col(span.file, span.end, Unit::Utf16));
    object!({ "startLine": from.line, "startColumn": from.column, "endLine": to.line, "endColumn": to.column })
}

/// A path as a URI: each byte that has no place in one is written in percent signs.
fn artifact(path: &str) -> Value {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let uri = path.bytes().fold(String::new(), |mut uri, byte| {
        if plain(byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
        uri
    });
    if path.starts_with('/') {
        object!({ "uri": format!("file://{uri}") })
    } else {
        object!({ "uri": uri, "uriBaseId": "PROJECT" })
    }
}
