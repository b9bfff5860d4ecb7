//! Declarations that say something about runs and do nothing in them: each is checked when all flows are.

use crate::beside::Beside;
use crate::cx::Cx;
use crate::model::Model;
use crate::names::{Declared, Globals, Symbol};
use crate::property::FlowTexts;
use crate::{SourceModule, property, trial};
use flowline_diag::code::f01;
use flowline_diag::{Diagnostic, Span};
use flowline_syntax::ast::{Item, ItemKind, Test};

/// Checks them and puts them into the model.
pub(crate) fn fill(
    globals: &mut Globals,
    modules: &[SourceModule],
    declared: &[Declared<'_>],
    beside: &Beside,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut texts = FlowTexts::default();
    for each in declared {
        if let (ItemKind::Flow(text), Symbol::Flow(id)) = (&each.item.kind, each.symbol) {
            texts.insert(id, text);
        }
    }
    for (at, module) in modules.iter().enumerate() {
        let tests = module.ast.items.iter().filter_map(|item| match_test(item));
        trial::same_titles(&tests.collect::<Vec<_>>(), diagnostics);
        for item in &module.ast.items {
            if let ItemKind::Test(test) = &item.kind {
                trial::files(test, beside, diagnostics);
            }
            one(globals, &texts, at, item, diagnostics);
        }
    }
}

fn match_test(item: &Item) -> Option<&Test> {
    if let ItemKind::Test(test) = &item.kind { Some(test) } else { None }
}

fn one(globals: &mut Globals, texts: &FlowTexts<'_>, module: usize, item: &Item, diagnostics: &mut Vec<Diagnostic>) {
    let doc = || item.doc.as_ref().map_or_else(String::new, |doc| doc.text.to_string());
    let mut cx = Cx::new(globals, module);
    /// Checks with the context, then puts what came of it into the model.
    macro_rules! checked {
        ($found:expr, $table:ident) => {{
            let found = $found;
            diagnostics.append(&mut cx.diagnostics);
            globals.model.$table.extend(found);
        }};
    }
    match &item.kind {
        ItemKind::Metric(text) => checked!(property::metric(&mut cx, texts, text, doc()), metrics),
        ItemKind::Policy(text) => checked!(property::policy(&mut cx, texts, text, doc()), policies),
        ItemKind::Invariant(text) => checked!(property::invariant(&mut cx, texts, text, doc()), invariants),
        ItemKind::Explore(text) => checked!(property::explore(&mut cx, texts, text, doc()), explorations),
        ItemKind::Test(text) => checked!(Some(trial::test(&mut cx, texts, text, doc())), tests),
        ItemKind::Migrate(text) => checked!(trial::migrate(&mut cx, texts, text, doc()), migrations),
        ItemKind::Id(_)
        | ItemKind::Enum(_)
        | ItemKind::Record(_)
        | ItemKind::Error(_)
        | ItemKind::Event(_)
        | ItemKind::Upcast(_)
        | ItemKind::Domain(_)
        | ItemKind::Resource(_)
        | ItemKind::System(_)
        | ItemKind::Decision(_)
        | ItemKind::Fn(_)
        | ItemKind::Const(_)
        | ItemKind::Role(_)
        | ItemKind::Calendar(_)
        | ItemKind::Model(_)
        | ItemKind::Flow(_)
        | ItemKind::Bad { .. } => {}
    }
}

/// What is read and checked, and has no effect yet: one note for each kind, at its first declaration. Nobody shall believe
/// that a policy is proven, or that a test has passed, because nothing was said.
pub fn without_effect(model: &Model) -> Vec<Diagnostic> {
    let spans = |spans: &mut dyn Iterator<Item = Span>| spans.collect::<Vec<_>>();
    let proven = "flows are not held to it yet: a run that breaks it is not refused";
    let kinds = [
        ("policy", "policies", "proven", proven, spans(&mut model.policies.iter().map(|each| each.span))),
        ("invariant", "invariants", "proven", proven, spans(&mut model.invariants.iter().map(|each| each.span))),
        (
            "exploration",
            "explorations",
            "run",
            "its names and types are right; whether it holds is not known",
            spans(&mut model.explorations.iter().map(|each| each.span)),
        ),
        (
            "test",
            "tests",
            "run",
            "its names and types are right; whether it passes is not known",
            spans(&mut model.tests.iter().map(|each| each.span)),
        ),
        (
            "metric",
            "metrics",
            "measured",
            "nothing shows it yet",
            spans(&mut model.metrics.iter().map(|each| each.span)),
        ),
        (
            "migration",
            "migrations",
            "used",
            "runs stay with the version that they began with",
            spans(&mut model.migrations.iter().map(|each| each.span)),
        ),
    ];
    let note = |(one, many, done, help, spans): (&str, &str, &str, &str, Vec<Span>)| {
        let first = spans.first()?;
        let subject = match spans.len() {
            1 => format!("this {one} is"),
            count => format!("{count} {many} are"),
        };
        let message = format!("{subject} read and checked, but not {done}");
        Some(
            Diagnostic::new(&f01::WITHOUT_EFFECT, message, *first)
                .label(if spans.len() > 1 { "the first" } else { "" })
                .help(help),
        )
    };
    kinds.into_iter().filter_map(note).collect()
}
