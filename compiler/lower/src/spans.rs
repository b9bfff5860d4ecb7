//! The bundle's table of places.

use flowline_diag::{Sources, Span, Unit};
use flowline_plan::{SourceSpan, SpanId};
use rustc_hash::FxHashMap;

/// Places, each of them once.
#[derive(Debug, Default)]
pub(crate) struct Spans {
    table: Vec<SourceSpan>,
    known: FxHashMap<Span, SpanId>,
}

impl Spans {
    pub(crate) fn id(&mut self, sources: &Sources, span: Span) -> SpanId {
        if let Some(id) = self.known.get(&span) {
            return *id;
        }
        let id = SpanId::from(self.table.len());
        let at = sources.line_col(span.file, span.start, Unit::Chars);
        let (file, start, end) = (span.file.index(), span.start, span.end);
        self.table.push(SourceSpan { file, start, end, line: at.line, column: at.column });
        self.known.insert(span, id);
        id
    }

    pub(crate) fn into_table(self) -> Vec<SourceSpan> {
        self.table
    }
}
