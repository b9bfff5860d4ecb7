//! Calls of functions and decisions, and the functions that need no declaration.
//!
//! | built in | gives |
//! | --- | --- |
//! | `round(money, half_up)`, also `half_even`, `down`, `up` | the amount rounded to its currency's unit |
//! | `allocate(money, weights)` | amounts that add up to the money, one for each weight |
//! | `mask(text)`, `token(text)` | its first character; a pseudonym: personal data that is none any more |

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::cx::{Cx, unknown};
use crate::model::{Expr, ExprKind, Money, Ty, TypeKind};
use crate::money;
use crate::names::{Symbol, suggest};
use crate::ty::{fits, from_elsewhere, holds_resource};
use flowline_diag::code::{f01, f02};
use flowline_diag::{Diagnostic, Edit, Fix, Span, nearest};
use flowline_plan::{Method, Rounding};
use flowline_syntax::ast::{self, Arg, Ident};

const ROUNDINGS: [(&str, Rounding); 4] =
    [("half_up", Rounding::HalfUp), ("half_even", Rounding::HalfEven), ("down", Rounding::Down), ("up", Rounding::Up)];

impl Cx<'_> {
    pub(crate) fn call(&mut self, callee: &Ident, args: &[Arg], span: Span) -> Expr {
        let symbol = self.globals.find(self.module, callee.as_str()).map(|entry| entry.symbol);
        let signature = |locals: &[crate::model::Local], params: u16| -> Vec<(String, Ty)> {
            locals.iter().take(usize::from(params)).map(|local| (local.name.clone(), local.ty.clone())).collect()
        };
        match symbol {
            Some(Symbol::Function(id)) => {
                self.refuse_in_constant(span, "the result of a call");
                let Some(function) = self.globals.model.function(id) else { return unknown(span) };
                let params = signature(&function.locals, function.params);
                let args = self.arguments(&format!("`{callee}`"), &params, args, span);
                self.calls.push((Symbol::Function(id), span));
                Expr { span, ty: function.result.clone(), kind: ExprKind::Call { function: id, args } }
            }
            Some(Symbol::Decision(id)) => {
                self.refuse_in_constant(span, "the result of a call");
                let Some(decision) = self.globals.model.decision(id) else { return unknown(span) };
                let params = signature(&decision.locals, decision.params);
                let args = self.arguments(&format!("`{callee}`"), &params, args, span);
                self.calls.push((Symbol::Decision(id), span));
                Expr { span, ty: decision.result.clone(), kind: ExprKind::Decide { decision: id, args } }
            }
            Some(Symbol::Unusable) => {
                self.pass_over_args(args);
                unknown(span)
            }
            Some(Symbol::Calendar(id)) => self.calendar_of(id, callee, args, span),
            Some(symbol) => {
                let what = self.globals.describe(symbol);
                self.push(
                    Diagnostic::new(
                        &f02::WRONG_KIND,
                        format!("`{callee}` is {what} and can't be called here"),
                        callee.span,
                    )
                    .label("a function or a decision is expected here"),
                );
                self.pass_over_args(args);
                unknown(span)
            }
            None if callee.as_str() == "round" => self.round(args, span),
            None if callee.as_str() == "allocate" => self.allocate(args, span),
            None if let Some(kind) = money::kind_named(callee.as_str()) => self.money_of_kind(kind, callee, args, span),
            None if let Some(method) = unlabelling(callee) => {
                let params = [("text".to_owned(), Ty::Unknown)];
                let mut args = self.arguments(&format!("`{callee}`"), &params, args, span);
                for arg in &mut args {
                    *arg = self.as_text(arg.clone());
                }
                Expr { span, ty: Ty::Text, kind: ExprKind::Method { method, args, empty: None } }
            }
            None => {
                let diagnostic =
                    Diagnostic::new(&f01::UNKNOWN_NAME, format!("there is no function `{callee}`"), callee.span)
                        .label("not known here");
                let declared = self
                    .globals
                    .visible(self.module, |symbol| matches!(symbol, Symbol::Function(_) | Symbol::Decision(_)));
                let candidates: Vec<&str> = declared.chain(["round", "allocate", "mask", "token"]).collect();
                let diagnostic = if nearest(callee.as_str(), candidates.iter().copied()).is_some() {
                    suggest(diagnostic, callee, candidates)
                } else {
                    from_elsewhere(self.globals, diagnostic, callee)
                };
                let diagnostic = crate::habits::function(callee).unwrap_or(diagnostic);
                self.push(diagnostic);
                self.pass_over_args(args);
                unknown(span)
            }
        }
    }

    /// Texts and ids as they are; a finding for what is no text.
    fn as_text(&mut self, value: Expr) -> Expr {
        let is_id = matches!(value.ty, Ty::Named(id) if matches!(self.kind(id), Some(TypeKind::Id)));
        match value.ty {
            _ if is_id => value,
            Ty::Text | Ty::Person | Ty::Unknown => value,
            _ => self.coerce(value, &Ty::Text),
        }
    }

    pub(crate) fn pass_over_args(&mut self, args: &[Arg]) {
        for arg in args {
            if let Arg::Expr(arg) = arg {
                self.resource(arg, None);
            }
        }
    }

    /// Arguments by position, each of its parameter's type. What is missing is [`ExprKind::Unknown`].
    pub(crate) fn arguments(&mut self, callee: &str, params: &[(String, Ty)], args: &[Arg], span: Span) -> Vec<Expr> {
        if args.len() != params.len() {
            let diagnostic = wrong_count(callee, params, args, span);
            self.push(diagnostic);
            if crate::habits::decimal_comma(args).is_some() {
                // One number is two here, so none behind it stands where it was meant.
                return vec![unknown(span); params.len()];
            }
        }
        let mut checked = Vec::with_capacity(params.len());
        // The arguments that don't fit: where they stand, their types, and which finding says so.
        let mut misfits: Vec<(usize, Ty, usize)> = Vec::new();
        for (at, arg) in args.iter().enumerate() {
            let ty = params.get(at).map(|(_, ty)| ty);
            let before = self.diagnostics.len();
            let expr = match (arg, ty) {
                (Arg::Expr(expr), Some(ty)) if holds_resource(ty) => {
                    let found = self.resource(expr, Some(ty));
                    self.coerce(found, ty)
                }
                (Arg::Expr(expr), Some(ty)) => {
                    let found = self.expr(expr, Some(ty));
                    let found_ty = found.ty.clone();
                    let inside = self.diagnostics.len();
                    let fitted = self.coerce(found, ty);
                    if self.diagnostics.len() > inside {
                        misfits.push((at, found_ty, inside));
                    }
                    fitted
                }
                (Arg::Expr(expr), None) => self.resource(expr, None),
                (Arg::Closure { span, .. }, _) => {
                    self.push(
                        Diagnostic::new(&f02::ARGUMENTS, format!("{callee} takes values, not a closure"), *span)
                            .label("a value is expected here"),
                    );
                    unknown(*span)
                }
            };
            if let (Some((name, _)), Some(finding)) =
                (params.get(at), self.diagnostics.get_mut(before..).and_then(<[_]>::last_mut))
                && finding.primary.span == expr.span
                && [&f02::ID_MIXED, &f02::MISMATCH].contains(&finding.code)
            {
                finding.primary.text.push_str(&format!("; {callee} expects its `{name}` here"));
            }
            if at < params.len() {
                checked.push(expr);
            }
        }
        if let [(one, one_ty, first), (other, other_ty, second)] = misfits.as_slice()
            && let (Some((_, one_wanted)), Some((_, other_wanted))) = (params.get(*one), params.get(*other))
            && fits(one_ty, other_wanted)
            && fits(other_ty, one_wanted)
            && let (Some(Arg::Expr(a)), Some(Arg::Expr(b))) = (args.get(*one), args.get(*other))
        {
            self.diagnostics.remove(*second);
            if let Some(finding) = self.diagnostics.get_mut(*first) {
                *finding = swapped(callee, params, (a, *one), (b, *other), finding.code);
            }
        }
        checked.resize_with(params.len(), || unknown(span));
        checked
    }

    /// Parts of the total's own kind. They are whole cents, so the total has to be.
    fn allocate(&mut self, args: &[Arg], span: Span) -> Expr {
        let params = [("total".to_owned(), Ty::Unknown), ("weights".to_owned(), Ty::List(Box::new(Ty::Unknown), None))];
        let mut args = self.arguments("`allocate`", &params, args, span);
        let mut part = Ty::Money(None);
        if let Some(total) = args.first_mut() {
            match total.ty.money() {
                Some(money) => {
                    part = Ty::of_money(Money { rounded: true, ..money });
                    if !money.rounded {
                        let finding = crate::cx::unrounded(total.span);
                        self.push(finding.help("round the total first: `allocate(round(…, half_up), …)`"));
                    }
                }
                None => {
                    *total = self.coerce(total.clone(), &part);
                    part = Ty::Unknown;
                }
            }
        }
        if let Some(Expr { span, ty: Ty::List(item, _), .. }) = args.get(1)
            && !matches!(**item, Ty::Int | Ty::Decimal | Ty::Unknown)
        {
            let found = self.show(item);
            self.push(
                Diagnostic::new(&f02::MISMATCH, format!("weights are numbers, these are {found}"), *span)
                    .label("numbers are expected here"),
            );
        }
        let kind = ExprKind::Method { method: Method::Allocate, args, empty: None };
        Expr { span, ty: Ty::List(Box::new(part), None), kind }
    }

    fn round(&mut self, args: &[Arg], span: Span) -> Expr {
        let [Arg::Expr(value), Arg::Expr(how)] = args else {
            self.push(
                Diagnostic::new(&f02::ARGUMENTS, "`round` takes money and how halves go", span)
                    .help("for example `round(total * 19%, half_up)`"),
            );
            self.pass_over_args(args);
            return Expr { ty: Ty::Money(None), ..unknown(span) };
        };
        let value = self.expr(value, None);
        let rounded = match value.ty.money() {
            Some(money) => Ty::of_money(Money { rounded: true, ..money }),
            None => {
                let _ = self.coerce(value.clone(), &Ty::Money(None));
                Ty::Money(None)
            }
        };
        let rounding = match &how.kind {
            ast::ExprKind::Name(name) => ROUNDINGS.iter().find(|(word, _)| *word == name.as_str()).map(|(_, how)| *how),
            _ => None,
        };
        let Some(rounding) = rounding else {
            let diagnostic = Diagnostic::new(&f02::ARGUMENTS, "`round` does not know this way of rounding", how.span)
                .label("`half_up`, `half_even`, `down` or `up` is expected here");
            let diagnostic = match &how.kind {
                ast::ExprKind::Name(name) => suggest(diagnostic, name, ROUNDINGS.iter().map(|(word, _)| *word)),
                _ => diagnostic,
            };
            self.push(diagnostic);
            return Expr { ty: rounded, ..unknown(span) };
        };
        Expr { span, ty: rounded, kind: ExprKind::Round { value: Box::new(value), rounding } }
    }
}

/// What takes the label of personal data off a text.
fn unlabelling(callee: &Ident) -> Option<Method> {
    match callee.as_str() {
        "mask" => Some(Method::Mask),
        "token" => Some(Method::Token),
        _ => None,
    }
}

/// The finding for two arguments of which each stands in the other's place.
fn swapped(
    callee: &str,
    params: &[(String, Ty)],
    (a, at): (&ast::Expr, usize),
    (b, behind): (&ast::Expr, usize),
    code: &'static flowline_diag::Code,
) -> Diagnostic {
    let name = |at: usize| params.get(at).map_or("", |(name, _)| name.as_str());
    let message = format!("`{}` and `{}` stand in each other's place", name(at), name(behind));
    let names: Vec<&str> = params.iter().map(|(name, _)| name.as_str()).collect();
    let diagnostic = Diagnostic::new(code, message, a.span)
        .label(format!("{callee} expects its `{}` here", name(at)))
        .also(b.span, format!("and its `{}` here", name(behind)))
        .help(format!("values stand in the order of the contract: `{}`", names.join("`, `")));
    let (a_words, b_words) = (crate::words::expr(a), crate::words::expr(b));
    if a_words.contains('…') || b_words.contains('…') {
        return diagnostic;
    }
    let edits = vec![Edit { span: a.span, text: b_words }, Edit { span: b.span, text: a_words }];
    diagnostic.fix_with(Fix { title: "swap them".to_owned(), edits, safe: false })
}

/// The finding for too few or too many arguments.
fn wrong_count(callee: &str, params: &[(String, Ty)], args: &[Arg], span: Span) -> Diagnostic {
    let (wanted, given) = (params.len(), args.len());
    let plural = if wanted == 1 { "" } else { "s" };
    let message = format!("{callee} takes {wanted} argument{plural}, not {given}");
    if let Some(extra) = args.get(wanted) {
        let diagnostic = Diagnostic::new(&f02::ARGUMENTS, message, extra.span()).label("one too many");
        return match crate::habits::decimal_comma(args) {
            Some(fix) => {
                let comma = fix.edits.first().map_or(extra.span(), |edit| edit.span);
                Diagnostic { primary: flowline_diag::Label::new(comma, "this parts two values"), ..diagnostic }
                    .help("decimals stand behind a point: `19.99 EUR`")
                    .fix_with(fix)
            }
            None => diagnostic,
        };
    }
    let missing: Vec<&str> = params.iter().skip(given).map(|(name, _)| name.as_str()).collect();
    Diagnostic::new(&f02::ARGUMENTS, message, span).label(format!("`{}` is missing", missing.join("`, `")))
}
