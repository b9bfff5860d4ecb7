//! What the language has and this version doesn't run yet: said plainly, never passed over.

use flowline_diag::code::f01;
use flowline_diag::{Diagnostic, Span};
use flowline_syntax::ast::{Item, ItemKind};

/// The finding for a construct; `what` is its name with an article or in the plural: `a role`, `parts of a resource`.
pub(crate) fn finding(what: &str, span: Span) -> Diagnostic {
    let verb = if what.starts_with("a ") || what.starts_with("an ") || what.starts_with('`') { "is" } else { "are" };
    Diagnostic::new(&f01::NOT_SUPPORTED, format!("{what} {verb} not supported yet by this version"), span)
        .label("leave this out for now")
}

/// Reports a declaration of a kind that isn't supported.
pub(crate) fn item(item: &Item, diagnostics: &mut Vec<Diagnostic>) {
    let what = match &item.kind {
        ItemKind::Role(_) => "a role",
        ItemKind::Model(_) => "a model",
        ItemKind::Id(_)
        | ItemKind::Enum(_)
        | ItemKind::Record(_)
        | ItemKind::Error(_)
        | ItemKind::Event(_)
        | ItemKind::Domain(_)
        | ItemKind::Resource(_)
        | ItemKind::System(_)
        | ItemKind::Decision(_)
        | ItemKind::Fn(_)
        | ItemKind::Const(_)
        | ItemKind::Calendar(_)
        | ItemKind::Metric(_)
        | ItemKind::Policy(_)
        | ItemKind::Invariant(_)
        | ItemKind::Flow(_)
        | ItemKind::Upcast(_)
        | ItemKind::Test(_)
        | ItemKind::Explore(_)
        | ItemKind::Migrate(_)
        | ItemKind::Bad { .. } => return,
    };
    let span = item.kind.name().map_or(item.span, |name| name.span);
    diagnostics.push(finding(what, span));
}
