//! What an author probably meant: words to add to a finding that is already made.

use crate::cx::Cx;
use crate::model::{Expr, ExprKind, Ty, TypeKind};
use crate::names::{Symbol, suggest};
use crate::ty::{fits, from_elsewhere};
use flowline_diag::{Diagnostic, nearest};
use flowline_plan::{Currency, Value};
use flowline_syntax::ast::Ident;

/// So many names are listed; more help nobody.
const LISTED_MAX: usize = 12;

/// For a name that something doesn't have: the nearest one that it has, or all.
pub(crate) fn suggest_member<'a>(
    diagnostic: Diagnostic,
    name: &Ident,
    has: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    suggest_listed(diagnostic, name, "it has", has)
}

/// As [`suggest_member`], where the list begins with other words.
pub(crate) fn suggest_listed<'a>(
    diagnostic: Diagnostic,
    name: &Ident,
    lead: &str,
    has: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    let has: Vec<&str> = has.into_iter().collect();
    if has.is_empty() || nearest(&name.text, has.iter().copied()).is_some() {
        return suggest(diagnostic, name, has);
    }
    let listed: Vec<String> = has.iter().take(LISTED_MAX).map(|name| format!("`{name}`")).collect();
    let more = if has.len() > listed.len() { ", …" } else { "" };
    diagnostic.help(format!("{lead} {}{more}", listed.join(", ")))
}

/// For a declaration that isn't anywhere, and that authors make themselves: how it is made.
pub(crate) fn declare_it(diagnostic: Diagnostic, what: &str, name: &Ident) -> Diagnostic {
    match what {
        _ if diagnostic.help.is_some() => diagnostic,
        "an error" => diagnostic.help(format!("declare it outside of the flows: `error {name}`")),
        "an enum" => diagnostic.help(format!("declare it outside of the flows: `enum {name} {{ received, done }}`")),
        _ => diagnostic,
    }
}

impl Cx<'_> {
    /// For a value that nothing here is called: a case without its enum, a name nearby, one that has ended, one of another
    /// module.
    pub(crate) fn suggest_value(&self, diagnostic: Diagnostic, name: &Ident) -> Diagnostic {
        if let [case, others @ ..] = self.cases_called(name.as_str()).as_slice() {
            let all = others.iter().fold(format!("`{case}`"), |all, other| format!("{all} or `{other}`"));
            let diagnostic = diagnostic.help(format!("a case is written with its enum: {all}"));
            let fix = others.is_empty().then(|| format!("write `{case}`"));
            return match fix {
                Some(title) => diagnostic.maybe_fix(title, name.span, case.clone()),
                None => diagnostic,
            };
        }
        let bound = self.visible.iter().filter_map(|id| self.locals.get(id.index())).map(|local| local.name.as_str());
        let consts = self.globals.visible(self.module, |symbol| matches!(symbol, Symbol::Const(_)));
        let implicit = self.implicit.and_then(|id| self.fields_of_local(id)).into_iter().flatten();
        let candidates: Vec<&str> = bound.chain(consts).chain(implicit.map(|field| field.name.as_str())).collect();
        if let Some(ended) = self.locals.iter().rev().find(|local| local.name == name.as_str()) {
            let diagnostic = diagnostic.also(ended.span, "it is known only inside the block where it begins");
            return diagnostic.help(if let Ty::Resource(_) = ended.ty {
                format!(
                    "what an attempt opened is let go before its handler runs: there is nothing left to close here, unless the \
                     handler says `keeping {name}`"
                )
            } else {
                "begin it before the block, or hand it out of the block with `give`".to_owned()
            });
        }
        if nearest(name.as_str(), candidates.iter().copied()).is_some() {
            return suggest(diagnostic, name, candidates);
        }
        if name.as_str().parse::<Currency>().is_ok() {
            return diagnostic.help(format!(
                "a currency stands behind an amount: `500 {name}`; by itself it is `(1 {name}).currency()`"
            ));
        }
        from_elsewhere(self.globals, diagnostic, name)
    }

    /// `Channel.web` for `web`: the cases of that name in the enums which are seen here, in alphabetical order.
    fn cases_called(&self, name: &str) -> Vec<String> {
        let enums = self.globals.visible(self.module, |symbol| matches!(symbol, Symbol::Type(_)));
        let mut found: Vec<String> = enums
            .filter(|of| {
                let entry = self.globals.find(self.module, of);
                let Some(Symbol::Type(id)) = entry.map(|entry| entry.symbol) else { return false };
                matches!(self.kind(id), Some(TypeKind::Enum(cases)) if cases.iter().any(|case| case.name == name))
            })
            .map(|of| format!("{of}.{name}"))
            .collect();
        found.sort();
        found
    }

    /// For a value of the wrong type: how the right one is written.
    pub(crate) fn suggest_literal(&self, diagnostic: Diagnostic, expr: &Expr, wanted: &Ty) -> Diagnostic {
        if let Ty::Answer(value, _) = &expr.ty
            && fits(value, wanted)
        {
            return diagnostic
                .help("what was answered is its `.value`; who answered, and when, are its `.by` and `.at`");
        }
        let literal = if let ExprKind::Value(value) = &expr.kind { Some(value) } else { None };
        match (literal, &expr.ty, wanted) {
            (Some(Value::Int(number)), _, Ty::Money(currency)) => {
                let currency = currency.map_or_else(|| "EUR".to_owned(), |currency| currency.to_string());
                diagnostic.help(format!("an amount has a currency: `{number} {currency}`"))
            }
            (Some(Value::Int(number)), _, Ty::MoneyOf(kind, currency, _)) => {
                let currency = currency.map_or_else(|| "EUR".to_owned(), |currency| currency.to_string());
                let kind = crate::money::kind_name(*kind);
                diagnostic.help(format!("an amount has a currency: `{kind}({number} {currency})`"))
            }
            (Some(Value::Int(number)), _, Ty::Duration) => {
                diagnostic.help(format!("a time has a unit: `{number} h`, `{number} days`"))
            }
            (Some(Value::Text(text)), _, Ty::Named(id)) => {
                if self.is_id(wanted) {
                    return diagnostic.help("an id comes with an event or a system's answer; it can't be written down");
                }
                let Some(TypeKind::Enum(cases)) = self.kind(*id) else { return diagnostic };
                let name = self.globals.model.ty(*id).map_or("", |def| def.name.rsplit('.').next().unwrap_or(""));
                if cases.iter().any(|case| case.name == text.as_ref()) {
                    return diagnostic.help(format!("a case is no text: write `{name}.{text}`, in a table `{text}`"));
                }
                let names = cases.iter().take(LISTED_MAX).map(|case| format!("`{name}.{}`", case.name));
                let more = if cases.len() > LISTED_MAX { ", …" } else { "" };
                diagnostic.help(format!("one of {}{more}", names.collect::<Vec<_>>().join(", ")))
            }
            (_, Ty::Named(id), Ty::Bool) if matches!(self.kind(*id), Some(TypeKind::Enum(_))) => {
                diagnostic.help("each side of `and` and `or` is a whole question: `x == A.one or x == A.two`")
            }
            _ => diagnostic,
        }
    }
}
