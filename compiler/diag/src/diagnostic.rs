//! The one diagnostic model: every message a person or a program reads starts as a [`Diagnostic`].

use crate::{Code, Span};
use serde::Serialize;

/// One finding: what is wrong, where, how it comes about, and what to do.
///
/// Messages are one line in lower case without a full stop, with the author's words in backticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static Code,
    /// Usually the code's own; a check lowers or raises it where one finding is less or more certain.
    pub severity: Severity,
    pub message: String,
    /// The words that are wrong.
    pub primary: Label,
    /// Other places that matter, in any order.
    pub secondary: Vec<Label>,
    /// The story that leads to the fault: numbered steps in the order in which they would happen. Empty where a place says it all.
    pub path: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
    pub fix: Option<Fix>,
}

/// A place and what is to be said about it; the text may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// A change that makes the finding go away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    pub title: String,
    /// Edits that do not overlap, all to be made together.
    pub edits: Vec<Edit>,
    /// Whether the change keeps the meaning that the author certainly had, so that a tool may make it unasked.
    pub safe: bool,
}

/// Replaces the text under `span` by `text`; an empty span inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

/// How bad a finding is. Ordered from bad to mild.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A proven fault.
    Error,
    /// It may happen.
    Warning,
    /// Not proven, or merely worth knowing.
    Note,
}

impl Severity {
    /// The word that renderers print.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

impl Label {
    pub fn new(span: Span, text: impl Into<String>) -> Self {
        Self { span, text: text.into() }
    }
}

impl Diagnostic {
    /// A finding with the code's severity and nothing but its message and place.
    pub fn new(code: &'static Code, message: impl Into<String>, span: Span) -> Self {
        Self {
            code,
            severity: code.severity,
            message: message.into(),
            primary: Label::new(span, ""),
            secondary: Vec::new(),
            path: Vec::new(),
            help: None,
            fix: None,
        }
    }

    /// What is said at the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Points at another place too.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label::new(span, text));
        self
    }

    /// Adds the next step of the path that leads to the fault.
    #[must_use]
    pub fn step(mut self, span: Span, text: impl Into<String>) -> Self {
        self.path.push(Label::new(span, text));
        self
    }

    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// A fix of one edit that a tool may make unasked.
    #[must_use]
    pub fn fix(self, title: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        self.fix_with(Fix { title: title.into(), edits: vec![Edit { span, text: text.into() }], safe: true })
    }

    /// A fix of one edit that is likely right, but that a person should look at.
    #[must_use]
    pub fn maybe_fix(self, title: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        self.fix_with(Fix { title: title.into(), edits: vec![Edit { span, text: text.into() }], safe: false })
    }

    #[must_use]
    pub fn fix_with(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Sort key that puts findings in reading order: file, place, code.
    pub fn order(&self) -> (Span, &'static str) {
        (self.primary.span, self.code.id)
    }
}
