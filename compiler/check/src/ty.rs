//! Types: what their text means, which fits where, and how they read in messages.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::cx::Cx;
use crate::model::{Money, MoneyKind, Ty, TypeKind};
use crate::money;
use crate::names::{Globals, Symbol, suggest};
use flowline_diag::code::{f01, f02, f06};
use flowline_diag::{Diagnostic, Span, nearest};
use flowline_plan::{Currency, TypeId};
use flowline_syntax::ast::{Ident, Type, TypeKind as Text};

/// The types that need no declaration.
const BUILT_IN: [(&str, Ty); 16] = [
    ("Bool", Ty::Bool),
    ("Int", Ty::Int),
    ("Decimal", Ty::Decimal),
    ("Text", Ty::Text),
    ("Instant", Ty::Instant),
    ("Date", Ty::Date),
    ("Duration", Ty::Duration),
    ("BusinessDuration", Ty::BusinessDuration),
    ("Money", Ty::Money(None)),
    ("Net", Ty::MoneyOf(MoneyKind::Net, None, true)),
    ("Tax", Ty::MoneyOf(MoneyKind::Tax, None, true)),
    ("Gross", Ty::MoneyOf(MoneyKind::Gross, None, true)),
    ("Currency", Ty::Currency),
    ("Country", Ty::Country),
    ("Person", Ty::Person),
    ("Calendar", Ty::Calendar),
];

/// The built-in type of that name.
pub(crate) fn built_in(name: &str) -> Option<Ty> {
    BUILT_IN.iter().find(|(built_in, _)| *built_in == name).map(|(_, ty)| ty.clone())
}

/// Whether the name is that of a built-in type.
pub(crate) fn is_built_in(name: &str) -> bool {
    BUILT_IN.iter().any(|(built_in, _)| *built_in == name)
}

/// The type that a text names. Resources are refused unless `resources` says that they may stand there.
pub(crate) fn resolve(
    globals: &Globals,
    module: usize,
    ty: &Type,
    resources: bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> Ty {
    let mut inner = |ty: &Type| Box::new(resolve(globals, module, ty, false, diagnostics));
    match &ty.kind {
        Text::Named(name) => named(globals, module, name, resources, diagnostics),
        Text::MoneyIn { name, currency } => {
            let currency = currency_of(currency, diagnostics);
            match named(globals, module, name, false, diagnostics) {
                Ty::Unknown => Ty::Unknown,
                found => match found.money() {
                    Some(money) => Ty::of_money(Money { currency, ..money }),
                    None => {
                        let message = format!("`{}` has no currency", show(globals, &found));
                        diagnostics.push(
                            Diagnostic::new(&f02::WRONG_KIND, message, name.span)
                                .label("`Money`, `Net`, `Tax` or `Gross` is expected before `in`"),
                        );
                        Ty::Unknown
                    }
                },
            }
        }
        Text::List { item, count_max } => {
            Ty::List(inner(item), count_max.map(|count| u32::try_from(count).unwrap_or(u32::MAX)))
        }
        Text::Map { key, value } => Ty::Map(inner(key), inner(value)),
        Text::Optional(item) => match *inner(item) {
            Ty::Optional(item) => Ty::Optional(item),
            item => Ty::Optional(Box::new(item)),
        },
        Text::Generic { name, .. } => {
            if ["Advice", "Answer"].contains(&name.as_str()) {
                diagnostics.push(not_kept(name.as_str(), ty.span));
            } else {
                diagnostics.push(unknown_type(globals, module, name));
            }
            Ty::Unknown
        }
        Text::Resource { name, .. } => match named(globals, module, name, resources, diagnostics) {
            found @ (Ty::Resource(_) | Ty::Unknown) => found,
            found => {
                diagnostics.push(
                    Diagnostic::new(&f02::WRONG_KIND, format!("`{}` has no states", show(globals, &found)), name.span)
                        .label("only resources have states in brackets"),
                );
                Ty::Unknown
            }
        },
        Text::Bad => Ty::Unknown,
    }
}

fn named(globals: &Globals, module: usize, name: &Ident, resources: bool, diagnostics: &mut Vec<Diagnostic>) -> Ty {
    if let Some((_, ty)) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name.as_str()) {
        return ty.clone();
    }
    match globals.find(module, &name.text).map(|entry| entry.symbol) {
        Some(Symbol::Type(id)) => match globals.model.ty(id).map(|def| &def.kind) {
            Some(TypeKind::Resource(_)) if !resources => {
                diagnostics.push(
                    Diagnostic::new(
                        &f02::RESOURCE,
                        format!("`{name}` is a resource and can't be kept here"),
                        name.span,
                    )
                    .label("only operations and flows take and give resources, each by itself")
                    .help("a flow holds a resource under the name that `let` gives it; keep its `id` instead"),
                );
                Ty::Unknown
            }
            Some(TypeKind::Resource(_)) => Ty::Resource(id),
            Some(TypeKind::Id | TypeKind::Enum(_) | TypeKind::Record(_) | TypeKind::Error(_) | TypeKind::Event(_))
            | None => Ty::Named(id),
        },
        Some(Symbol::Unusable) => Ty::Unknown,
        Some(symbol) => {
            let what = globals.describe(symbol);
            diagnostics.push(
                Diagnostic::new(&f02::WRONG_KIND, format!("`{name}` is {what}, not a type"), name.span)
                    .label("a type is expected here"),
            );
            Ty::Unknown
        }
        None => {
            diagnostics.push(unknown_type(globals, module, name));
            Ty::Unknown
        }
    }
}

/// The finding for an advice or an answer that is to be kept whole.
fn not_kept(name: &str, span: Span) -> Diagnostic {
    if name == "Advice" {
        return Diagnostic::new(&f06::UNGOVERNED, "advice can't be kept or handed on", span)
            .label("only `let` binds what a model says")
            .help("keep what was decided on it: `let … = govern …`");
    }
    Diagnostic::new(&f02::WRONG_KIND, "an answer can't be kept whole", span)
        .label("only `let` binds it")
        .help("keep its `value`, `by` and `at`")
}

/// The type behind a `let`, where advice and answers may stand, too.
pub(crate) fn resolve_bound(globals: &Globals, module: usize, ty: &Type, diagnostics: &mut Vec<Diagnostic>) -> Ty {
    match &ty.kind {
        Text::Generic { name, args } if ["Advice", "Answer"].contains(&name.as_str()) => {
            let [plain] = args.as_slice() else {
                diagnostics.push(
                    Diagnostic::new(&f02::MISMATCH, format!("`{name}` is of one type"), ty.span)
                        .help(format!("write `{name}<T>` with the type of what is said")),
                );
                return Ty::Unknown;
            };
            let plain = Box::new(resolve(globals, module, plain, false, diagnostics));
            if name.as_str() == "Advice" { Ty::Advice(plain) } else { Ty::Answer(plain, false) }
        }
        _ => resolve(globals, module, ty, false, diagnostics),
    }
}

fn unknown_type(globals: &Globals, module: usize, name: &Ident) -> Diagnostic {
    if let Some(foreign) = crate::habits::ty(name) {
        return foreign;
    }
    let diagnostic =
        Diagnostic::new(&f01::UNKNOWN_NAME, format!("there is no type `{name}`"), name.span).label("not known here");
    let built_in = BUILT_IN.iter().map(|(name, _)| *name);
    let declared = globals.visible(module, |symbol| matches!(symbol, Symbol::Type(_)));
    let candidates: Vec<&str> = built_in.chain(declared).collect();
    if nearest(&name.text, candidates.iter().copied()).is_none() {
        return from_elsewhere(globals, diagnostic, name);
    }
    suggest(diagnostic, name, candidates)
}

/// Says where a name is declared that only misses its `use`.
pub(crate) fn from_elsewhere(globals: &Globals, diagnostic: Diagnostic, name: &Ident) -> Diagnostic {
    match globals.declared_in(name.as_str()) {
        Some(module) => {
            let fix = globals.bring_in(name.span, module, name.as_str());
            let diagnostic = diagnostic.help(format!("bring it in: `use {module}.{{{name}}}`"));
            match fix {
                Some(fix) => diagnostic.fix_with(fix),
                None => diagnostic,
            }
        }
        None => diagnostic,
    }
}

/// The currency of a code such as `EUR`.
pub(crate) fn currency_of(name: &Ident, diagnostics: &mut Vec<Diagnostic>) -> Option<Currency> {
    match name.as_str().parse() {
        Ok(currency) => Some(currency),
        Err(error) => {
            diagnostics.push(Diagnostic::new(&f02::MISMATCH, format!("{error}"), name.span).label("no currency"));
            None
        }
    }
}

/// Whether a value of the type is a resource, or has some inside.
pub(crate) fn holds_resource(ty: &Ty) -> bool {
    match ty {
        Ty::Resource(_) => true,
        Ty::Optional(inner) | Ty::List(inner, _) | Ty::Map(_, inner) => holds_resource(inner),
        _ => false,
    }
}

/// Whether a value of type `found` may stand where `wanted` is expected, as it is.
pub(crate) fn fits(found: &Ty, wanted: &Ty) -> bool {
    match (found, wanted) {
        (Ty::Unknown, _) | (_, Ty::Unknown) => true,
        (Ty::Absent, Ty::Optional(_)) => true,
        (Ty::Advice(found), Ty::Advice(wanted)) => fits(found, wanted),
        (Ty::Answer(found, sure), Ty::Answer(wanted, must)) => fits(found, wanted) && (*sure || !must),
        (Ty::Optional(found), Ty::Optional(wanted)) => fits(found, wanted),
        (_, Ty::Optional(wanted)) => fits(found, wanted),
        (Ty::List(found, count), Ty::List(wanted, count_max)) => {
            fits(found, wanted) && count_max.is_none_or(|max| count.is_some_and(|count| count <= max))
        }
        (Ty::Map(key, value), Ty::Map(wanted_key, wanted_value)) => fits(key, wanted_key) && fits(value, wanted_value),
        _ => match (found.money(), wanted.money()) {
            (Some(found), Some(wanted)) => money::fits(found, wanted),
            _ => found == wanted,
        },
    }
}

/// The type of a value that is one or the other; none where they don't go together.
pub(crate) fn join(a: &Ty, b: &Ty) -> Option<Ty> {
    match (a, b) {
        (Ty::Unknown, other) | (other, Ty::Unknown) => Some(other.clone()),
        (Ty::Absent, Ty::Optional(_)) => Some(b.clone()),
        (Ty::Absent, other) | (other, Ty::Absent) if !matches!(other, Ty::Absent | Ty::Optional(_)) => {
            Some(Ty::Optional(Box::new(other.clone())))
        }
        _ if a.money().is_some() && b.money().is_some() => {
            let (a, b) = a.money().zip(b.money())?;
            money::join(a, b).map(Ty::of_money)
        }
        _ if fits(a, b) => Some(b.clone()),
        _ if fits(b, a) => Some(a.clone()),
        _ => None,
    }
}

/// The type as authors write it.
pub(crate) fn show(globals: &Globals, ty: &Ty) -> String {
    let name = |id: TypeId| globals.model.ty(id).map_or("?", |def| def.short_name()).to_owned();
    match ty {
        Ty::Money(_) | Ty::Unrounded(_) | Ty::MoneyOf(..) => ty.money().map_or_else(String::new, money::show),
        Ty::Named(id) | Ty::Resource(id) => name(*id),
        Ty::List(item, None) => format!("[{}]", show(globals, item)),
        Ty::List(item, Some(count_max)) => format!("[{}] up to {count_max}", show(globals, item)),
        Ty::Map(key, value) => format!("[{}: {}]", show(globals, key), show(globals, value)),
        Ty::Optional(inner) => format!("{}?", show(globals, inner)),
        Ty::Advice(plain) => format!("Advice<{}>", show(globals, plain)),
        Ty::Answer(value, _) => format!("Answer<{}>", show(globals, value)),
        Ty::AnyError => "an error".to_owned(),
        Ty::Unit => "nothing".to_owned(),
        Ty::Absent => "none".to_owned(),
        Ty::Unknown => "?".to_owned(),
        Ty::Bool
        | Ty::Int
        | Ty::Decimal
        | Ty::Text
        | Ty::Instant
        | Ty::Date
        | Ty::Duration
        | Ty::BusinessDuration
        | Ty::Currency
        | Ty::Country
        | Ty::Person
        | Ty::Calendar => BUILT_IN.iter().find(|(_, built_in)| built_in == ty).map_or("?", |(name, _)| name).to_owned(),
    }
}

impl Cx<'_> {
    /// The type in the words of the author, in backticks where it is a name.
    pub(crate) fn show(&self, ty: &Ty) -> String {
        match ty {
            Ty::AnyError | Ty::Unit => show(self.globals, ty),
            _ => format!("`{}`", show(self.globals, ty)),
        }
    }
}
