//! From trees to the checked model: what every name means, and what type everything has.
//!
//! The check goes on past mistakes: what can't be understood is of the type [`model::Ty::Unknown`], which goes with
//! everything, so that one mistake makes one finding. Trees with `Bad` nodes are welcome; their findings are the parser's.

pub mod model;

mod attempt;
mod beside;
mod bodies;
mod branches;
mod calendar;
mod calendar_file;
mod call;
mod carry;
mod contract;
mod cx;
mod decision;
mod expr;
mod flow;
mod fold;
mod governance;
mod habits;
mod hand_over;
mod hints;
mod keeping;
mod laws;
mod loops;
mod method;
mod money;
mod names;
mod operator;
mod outcome;
mod parts;
mod pattern;
mod people;
mod personal;
mod property;
mod record;
mod schema;
mod sentences;
mod side;
mod signature;
mod starts;
mod stmt;
mod tables;
mod trial;
mod ty;
mod upcast;
mod uses;
mod wait;
mod words;

use flowline_diag::{Diagnostic, Severity, Span};
use flowline_syntax::ast;
use model::Model;

pub use beside::{Beside, BesideFile, BesideProblem, wanted};
pub use sentences::without_effect;

/// A module to be checked.
#[derive(Debug, Clone)]
pub struct SourceModule {
    /// Its full name, by its path: `orders.fulfil`, `std.orders`.
    pub name: String,
    pub ast: ast::Module,
    /// Where the parser found mistakes. A declaration that holds one may lack parts that its text has: that such a part is
    /// unknown is then no finding of its own.
    pub broken: Vec<Span>,
    /// Of a library: it belongs to the project only when a module of it uses it.
    pub library: bool,
}

/// What a check comes to.
#[derive(Debug, Clone)]
pub struct Checked {
    /// To be lowered only where there are no errors, here or from the parser.
    pub model: Model,
    /// In reading order: by file, place and code.
    pub diagnostics: Vec<Diagnostic>,
}

impl Checked {
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Checks a project: its own modules and those of the standard library that it may use, in any order. What nobody uses of a
/// library is not in the model, so its names are free. The same modules in the same order give the same model, ids included.
pub fn check(modules: &[SourceModule]) -> Checked {
    check_with(modules, &Beside::default())
}

/// Checks a project whose flows name other files: those that [`wanted`] says.
pub fn check_with(modules: &[SourceModule], beside: &Beside) -> Checked {
    let mut diagnostics = Vec::new();
    let (mut globals, declared) = names::collect(modules, &mut diagnostics);
    signature::fill(&mut globals, &declared, beside, &mut diagnostics);
    bodies::fill(&mut globals, &declared, &mut diagnostics);
    upcast::fill(&mut globals, modules, beside, &mut diagnostics);
    sentences::fill(&mut globals, modules, &declared, beside, &mut diagnostics);
    // What a mistake leaves out of a contract would only seem to be missing.
    let is_whole = modules.iter().all(|module| module.broken.is_empty());
    if is_whole && diagnostics.iter().all(|finding| finding.severity != Severity::Error) {
        diagnostics.extend(laws::check(&globals.model));
        diagnostics.extend(personal::check(&globals.model));
    }
    diagnostics.retain(|finding| !globals.is_told(finding));
    diagnostics.sort_by_key(Diagnostic::order);
    Checked { model: globals.model, diagnostics }
}
