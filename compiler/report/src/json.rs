//! For programs: `{"findings":[…],"summary":{"errors":1,"warnings":0}}`.

use flowline_diag::{Diagnostic, Label, LineCol, Severity, Sources, Span, Unit};
use serde_json::{Map, Value, json as object};

/// How many findings of each severity there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub errors: usize,
    pub warnings: usize,
    pub notes: usize,
}

pub fn counts(findings: &[Diagnostic]) -> Counts {
    findings.iter().fold(Counts::default(), |mut counts, finding| {
        match finding.severity {
            Severity::Error => counts.errors += 1,
            Severity::Warning => counts.warnings += 1,
            Severity::Note => counts.notes += 1,
        }
        counts
    })
}

/// All findings as one JSON document. Lines and columns count from one, columns in characters; offsets are bytes from zero.
/// `related`, `path`, `help` and `fix` are left out where a finding has none.
pub fn json(findings: &[Diagnostic], sources: &Sources) -> Value {
    let counts = counts(findings);
    let findings: Vec<Value> = findings.iter().map(|finding| one(finding, sources)).collect();
    object!({
        "findings": findings,
        "summary": { "errors": counts.errors, "warnings": counts.warnings, "notes": counts.notes },
    })
}

fn one(finding: &Diagnostic, sources: &Sources) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("code", finding.code.id.into());
    put("severity", finding.severity.as_str().into());
    put("message", finding.message.as_str().into());
    put("file", sources.path(finding.primary.span.file).into());
    put("span", span(finding.primary.span, sources));
    if !finding.primary.text.is_empty() {
        put("label", finding.primary.text.as_str().into());
    }
    if !finding.secondary.is_empty() {
        put("related", places(&finding.secondary, sources));
    }
    if !finding.path.is_empty() {
        put("path", places(&finding.path, sources));
    }
    if let Some(help) = &finding.help {
        put("help", help.as_str().into());
    }
    if let Some(fix) = &finding.fix {
        let edits: Vec<Value> = fix
            .edits
            .iter()
            .map(|edit| object!({ "file": sources.path(edit.span.file), "span": span(edit.span, sources), "text": edit.text }))
            .collect();
        put("fix", object!({ "title": fix.title, "safe": fix.safe, "edits": edits }));
    }
    Value::Object(out)
}

fn places(labels: &[Label], sources: &Sources) -> Value {
    labels
        .iter()
        .map(|label| object!({ "message": label.text, "file": sources.path(label.span.file), "span": span(label.span, sources) }))
        .collect()
}

fn span(span: Span, sources: &Sources) -> Value {
    object!({ "start": place(span, span.start, sources), "end": place(span, span.end, sources) })
}

fn place(span: Span, offset: u32, sources: &Sources) -> Value {
    let LineCol { line, column } = sources.line_col(span.file, offset, Unit::Chars);
    object!({ "line": line, "column": column, "offset": offset })
}
