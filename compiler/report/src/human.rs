//! For people at a terminal: the source with the words underlined, drawn by miette.

use flowline_diag::{Diagnostic, Label, Severity, Sources, Span};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use std::fmt;

/// Whether to use colours. Boxes and underlines are drawn either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    On,
    Off,
}

/// Columns of a report; longer messages are wrapped.
const WIDTH_COLUMNS: usize = 120;

/// The finding with its source, its path as numbered places, and its help.
pub fn human(finding: &Diagnostic, sources: &Sources, colour: Colour) -> String {
    let theme = match colour {
        Colour::On => GraphicalTheme::unicode(),
        Colour::Off => GraphicalTheme::unicode_nocolor(),
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(WIDTH_COLUMNS);
    let mut out = String::new();
    handler.render_report(&mut out, &Report::new(finding, sources)).expect("a string takes every write");
    out
}

/// What miette draws. It shows one source per report, so places in other files become reports below the first.
#[derive(Debug)]
struct Report {
    code: Option<&'static str>,
    severity: Severity,
    message: String,
    help: Option<String>,
    source: NamedSource<String>,
    /// The first is the primary one.
    labels: Vec<Label>,
    elsewhere: Vec<Report>,
}

impl Report {
    fn new(finding: &Diagnostic, sources: &Sources) -> Self {
        let file = finding.primary.span.file;
        let places = finding.secondary.iter().cloned().chain(numbered(&finding.path));
        let (here, elsewhere): (Vec<Label>, Vec<Label>) = places.partition(|label| label.span.file == file);
        let mut primary = finding.primary.clone();
        if finding.path.iter().any(|step| step.span == primary.span) {
            // The story says it again, and better.
            primary.text.clear();
        }
        let labels = once_each(std::iter::once(primary).chain(here), sources);
        Self {
            code: Some(finding.code.id),
            severity: finding.severity,
            message: finding.message.clone(),
            help: help(finding),
            source: NamedSource::new(sources.path(file), sources.text(file).to_owned()),
            labels,
            elsewhere: elsewhere.into_iter().map(|label| Self::elsewhere(label, sources)).collect(),
        }
    }

    fn elsewhere(label: Label, sources: &Sources) -> Self {
        let file = label.span.file;
        Self {
            code: None,
            severity: Severity::Note,
            message: label.text.clone(),
            help: None,
            source: NamedSource::new(sources.path(file), sources.text(file).to_owned()),
            labels: once_each(std::iter::once(label), sources),
            elsewhere: Vec::new(),
        }
    }
}

/// Each place once, with all that is said of it. A place of many lines is shown by its first: a frame around a hundred
/// lines points at nothing.
fn once_each(labels: impl Iterator<Item = Label>, sources: &Sources) -> Vec<Label> {
    let mut shown: Vec<Label> = Vec::new();
    for label in labels {
        let span = first_line(label.span, sources);
        match shown.iter_mut().find(|known| known.span == span) {
            Some(known) if known.text.is_empty() => known.text = label.text,
            Some(known) => known.text = format!("{}\n{}", known.text, label.text),
            None => shown.push(Label::new(span, label.text)),
        }
    }
    shown
}

fn first_line(span: Span, sources: &Sources) -> Span {
    let line = sources.slice(span).lines().next().unwrap_or("").trim_end();
    u32::try_from(line.len()).map_or(span, |len| Span::new(span.file, span.start, span.start + len))
}

/// The path's places with their numbers, as the story is told.
pub(crate) fn numbered(path: &[Label]) -> impl Iterator<Item = Label> + '_ {
    path.iter().zip(1..).map(|(label, number)| Label::new(label.span, format!("{number}. {}", label.text)))
}

/// The help; where there is none and nothing stands at the primary place, what a fix would do.
pub(crate) fn help(finding: &Diagnostic) -> Option<String> {
    match (&finding.help, &finding.fix) {
        (Some(help), _) => Some(help.clone()),
        (None, Some(fix)) if finding.primary.text.is_empty() => Some(fix.title.clone()),
        (None, Some(_) | None) => None,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.map(|code| Box::new(code) as _)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().enumerate().map(|(at, label)| {
            let text = (!label.text.is_empty()).then(|| label.text.clone());
            let place = (label.span.start as usize, (label.span.end - label.span.start) as usize);
            if at == 0 {
                LabeledSpan::new_primary_with_span(text, place)
            } else {
                LabeledSpan::new_with_span(text, place)
            }
        })))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        if self.elsewhere.is_empty() {
            return None;
        }
        Some(Box::new(self.elsewhere.iter().map(|report| report as _)))
    }
}

/// Excerpts that count their own lines, and letters instead of bytes. miette's texts count from the start of the file, and so takes places that are far apart for
/// neighbours and prints all that lies between.
impl SourceCode for Report {
    fn read_span<'a>(
        &'a self,
        span: &miette::SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn miette::SpanContents<'a> + 'a>, miette::MietteError> {
        let found = self.source.read_span(span, lines_before, lines_after)?;
        let (path, data) = (self.source.name().to_owned(), found.data());
        let lines = data.split(|byte| *byte == b'\n').count();
        let (start, line) = (*found.span(), found.line());
        // miette counts bytes; people count letters, as every other renderer does.
        let before = self.source.inner().get(..start.offset()).unwrap_or("");
        let column = before.rsplit('\n').next().unwrap_or("").chars().count();
        Ok(Box::new(miette::MietteSpanContents::new_named(path, data, start, line, column, lines)))
    }
}
