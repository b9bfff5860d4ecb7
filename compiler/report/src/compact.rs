//! For logs: one line per finding and one per step of its path, drawn by codespan-reporting.

use crate::human::numbered;
use crate::json::counts;
use codespan_reporting::diagnostic::{Diagnostic as Drawn, Label as DrawnLabel, LabelStyle, Severity as DrawnSeverity};
use codespan_reporting::files::{Error, Files};
use codespan_reporting::term::{self, Config, DisplayStyle};
use flowline_diag::{Diagnostic, FileId, Severity, Sources};
use std::ops::Range;

/// `path:line:column: error[F0101]: message`, then the path and the help, each on a line of its own.
pub fn compact(finding: &Diagnostic, sources: &Sources) -> String {
    let severity = match finding.severity {
        Severity::Error => DrawnSeverity::Error,
        Severity::Warning => DrawnSeverity::Warning,
        Severity::Note => DrawnSeverity::Note,
    };
    let primary = DrawnLabel::new(LabelStyle::Primary, finding.primary.span.file, range(finding));
    let notes = numbered(&finding.path)
        .map(|label| {
            let at = sources.line_col(label.span.file, label.span.start, flowline_diag::Unit::Chars);
            format!("{}:{}:{}: {}", sources.path(label.span.file), at.line, at.column, label.text)
        })
        .chain(help(finding).map(|help| format!("help: {help}")))
        .collect();
    let drawn = Drawn::new(severity)
        .with_code(finding.code.id)
        .with_message(&finding.message)
        .with_labels(vec![primary])
        .with_notes(notes);
    let config = Config { display_style: DisplayStyle::Medium, ..Config::default() };
    term::emit_into_string(&config, &Known(sources), &drawn).expect("the primary place lies in its file")
}

/// The help; where there is none, what a fix would do: the words at the primary place aren't shown here.
fn help(finding: &Diagnostic) -> Option<&str> {
    finding.help.as_deref().or(finding.fix.as_ref().map(|fix| fix.title.as_str()))
}

/// `2 errors, 1 warning`; `no findings` where there are none.
pub fn summary_line(findings: &[Diagnostic]) -> String {
    let counts = counts(findings);
    let said = [(counts.errors, "error"), (counts.warnings, "warning"), (counts.notes, "note")];
    let parts: Vec<String> = said
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}{}", if *n == 1 { "" } else { "s" }))
        .collect();
    if parts.is_empty() { "no findings".to_owned() } else { parts.join(", ") }
}

fn range(finding: &Diagnostic) -> Range<usize> {
    finding.primary.span.start as usize..finding.primary.span.end as usize
}

/// The sources as codespan asks for them: their lines are known, so a finding costs as much in a large file as in a small one.
#[derive(Debug)]
struct Known<'s>(&'s Sources);

impl<'f> Files<'f> for Known<'_> {
    type FileId = FileId;
    type Name = &'f str;
    type Source = &'f str;

    fn name(&'f self, id: FileId) -> Result<&'f str, Error> {
        Ok(self.0.path(id))
    }

    fn source(&'f self, id: FileId) -> Result<&'f str, Error> {
        Ok(self.0.text(id))
    }

    fn line_index(&'f self, id: FileId, byte: usize) -> Result<usize, Error> {
        let offset = u32::try_from(byte).unwrap_or(u32::MAX);
        Ok((self.0.line_col(id, offset, flowline_diag::Unit::Bytes).line as usize).saturating_sub(1))
    }

    fn line_range(&'f self, id: FileId, line: usize) -> Result<Range<usize>, Error> {
        self.0.line_range(id, line).ok_or(Error::FileMissing)
    }
}
