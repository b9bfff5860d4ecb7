//! For GitHub: workflow commands that put each finding beside the changed line.

use crate::human::{help, numbered};
use flowline_diag::{Diagnostic, LineCol, Severity, Sources, Unit};

/// `::error file=…,line=…,col=…,title=F0101::message`; one line, with the path and the help behind the message.
///
/// Columns count UTF-16 units from one, as GitHub counts them.
pub fn github(finding: &Diagnostic, sources: &Sources) -> String {
    let command = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let span = finding.primary.span;
    let (from, to) = (place(finding, sources, span.start), place(finding, sources, span.end));
    let file = property(sources.path(span.file));
    let mut place = format!("file={file},line={},endLine={}", from.line, to.line);
    if from.line == to.line {
        place.push_str(&format!(",col={},endColumn={}", from.column, to.column));
    }
    let path = numbered(&finding.path).map(|step| {
        let at = sources.line_col(step.span.file, step.span.start, Unit::Utf16);
        format!("{} ({}:{})", step.text, sources.path(step.span.file), at.line)
    });
    let label = (!finding.primary.text.is_empty()).then(|| finding.primary.text.clone());
    let lines = std::iter::once(finding.message.clone()).chain(label).chain(path);
    let lines: Vec<String> = lines.chain(help(finding).map(|help| format!("help: {help}"))).collect();
    format!("::{command} {place},title={}::{}\n", finding.code.id, message(&lines.join("\n")))
}

fn place(finding: &Diagnostic, sources: &Sources, offset: u32) -> LineCol {
    sources.line_col(finding.primary.span.file, offset, Unit::Utf16)
}

/// A command is one line: what would end it is written in percent signs.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// In a property, colons and commas have a meaning too.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
