//! The context in which expressions are checked: what is bound, what is known to be there, what was found.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::model::{Expr, ExprKind, Field, Local, LocalId, LocalKind, Ty, TypeKind};
use crate::names::{Globals, Symbol, twice};
use crate::ty::{fits, join};
use flowline_diag::code::f02;
use flowline_diag::{Code, Diagnostic, Span};
use flowline_plan::TypeId;
use flowline_syntax::ast::Ident;
use std::sync::Arc;

/// One declaration's expressions.
#[derive(Debug)]
pub(crate) struct Cx<'g> {
    pub(crate) globals: &'g Globals,
    pub(crate) module: usize,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// All names ever bound, by their ids.
    pub(crate) locals: Vec<Local>,
    /// Those that can be seen here, the innermost last.
    pub(crate) visible: Vec<LocalId>,
    /// A record whose fields are seen by their bare names: an event in its keys, a resource in its rows.
    pub(crate) implicit: Option<LocalId>,
    /// What `let both = parallel …` has bound: a name that is no value, and the value of each branch.
    pub(crate) joined: Vec<(LocalId, Vec<(String, LocalId)>)>,
    /// Places that were tested and are there.
    pub(crate) present: Vec<Place>,
    /// The functions, decisions and flows called, for finding circles.
    pub(crate) calls: Vec<(Symbol, Span)>,
    /// Whether this is the value of a constant, which has to be known before anything runs.
    pub(crate) is_constant: bool,
    /// Whether this is a value that a test makes up: ids, persons and countries, which else come from outside, are written as
    /// texts.
    pub(crate) made_up: bool,
    /// Whether this is an upcast, where values of older types carry over to newer ones.
    pub(crate) upcasting: bool,
    /// What the closures of the methods around give, where an upcast says so; the innermost last.
    pub(crate) closure_gives: Vec<Option<Ty>>,
    /// The words of the steps around that could not be read: a name among them may be one that is bound there.
    pub(crate) unread: Vec<Arc<str>>,
    /// Names of the flow around that can't be seen here, and why.
    pub(crate) beyond: Vec<(String, &'static str)>,
}

/// A value that stays what it is: a bound name, or a field of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    local: LocalId,
    fields: Vec<u16>,
}

/// How far the context was filled, to go back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    visible: usize,
    present: usize,
}

impl<'g> Cx<'g> {
    pub(crate) fn new(globals: &'g Globals, module: usize) -> Self {
        Self {
            globals,
            module,
            diagnostics: Vec::new(),
            locals: Vec::new(),
            visible: Vec::new(),
            implicit: None,
            joined: Vec::new(),
            present: Vec::new(),
            calls: Vec::new(),
            is_constant: false,
            made_up: false,
            upcasting: false,
            closure_gives: Vec::new(),
            unread: Vec::new(),
            beyond: Vec::new(),
        }
    }

    /// A finding at a place, to be refined before it is given to [`Cx::push`].
    pub(crate) fn found(&self, code: &'static Code, message: impl Into<String>, span: Span) -> Diagnostic {
        Diagnostic::new(code, message, span)
    }

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Binds a name that is then seen. A name that is seen already is a finding, and the inner one counts.
    pub(crate) fn bind(&mut self, name: &Ident, ty: Ty, kind: LocalKind) -> LocalId {
        if let Some(first) = self.lookup(name.as_str()).and_then(|id| self.locals.get(id.index())) {
            let diagnostic = twice(name, first.span).help("an inner name may not hide an outer one");
            self.push(diagnostic);
        } else if let Some(entry) = self.globals.find(self.module, name.as_str())
            && matches!(entry.symbol, Symbol::Const(_))
        {
            self.push(twice(name, entry.span).help("a name may not hide a constant"));
        }
        let id = self.hidden(name.as_str(), name.span, ty, kind);
        self.visible.push(id);
        id
    }

    /// A local that no text can name.
    pub(crate) fn hidden(&mut self, name: &str, span: Span, ty: Ty, kind: LocalKind) -> LocalId {
        self.locals.push(Local { name: name.to_owned(), span, ty, kind });
        LocalId(u32::try_from(self.locals.len() - 1).unwrap_or(u32::MAX))
    }

    pub(crate) fn lookup(&self, name: &str) -> Option<LocalId> {
        let seen = self.visible.iter().rev().copied();
        seen.into_iter().find(|id| self.locals.get(id.index()).is_some_and(|local| local.name == name))
    }

    pub(crate) fn local_ty(&self, id: LocalId) -> Ty {
        self.locals.get(id.index()).map_or(Ty::Unknown, |local| local.ty.clone())
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { visible: self.visible.len(), present: self.present.len() }
    }

    /// Forgets what was bound and tested since the mark.
    pub(crate) fn reset(&mut self, mark: Mark) {
        self.visible.truncate(mark.visible);
        self.present.truncate(mark.present);
    }

    /// Forgets what was tested since the mark.
    pub(crate) fn forget(&mut self, mark: Mark) {
        self.present.truncate(mark.present);
    }

    /// The expression as a place, if it can't change between a test and its use. What a `var` holds can.
    pub(crate) fn place(&self, expr: &Expr) -> Option<Place> {
        if let ExprKind::Local(local) = &expr.kind {
            let is_var = matches!(self.locals.get(local.index())?.kind, LocalKind::Var(_));
            (!is_var).then(|| Place { local: *local, fields: Vec::new() })
        } else if let ExprKind::Field { base, field, optional: false } = &expr.kind {
            let mut place = self.place(base)?;
            place.fields.push(*field);
            Some(place)
        } else {
            None
        }
    }

    /// Takes note of what is there once `condition` has turned out as `outcome`.
    pub(crate) fn assume(&mut self, condition: &Expr, outcome: bool) {
        use crate::model::{BinaryOp, UnaryOp};
        match (&condition.kind, outcome) {
            (ExprKind::Exists(value), true) => self.present.extend(self.place(value)),
            (ExprKind::Unary(UnaryOp::Not, inner), _) => self.assume(inner, !outcome),
            (ExprKind::Binary(BinaryOp::And, left, right), true)
            | (ExprKind::Binary(BinaryOp::Or, left, right), false) => {
                self.assume(left, outcome);
                self.assume(right, outcome);
            }
            (ExprKind::Binary(BinaryOp::Equal, value, none), false)
            | (ExprKind::Binary(BinaryOp::NotEqual, value, none), true)
                if none.ty == Ty::Absent =>
            {
                self.present.extend(self.place(value));
            }
            _ => {}
        }
    }

    /// The expression with the type that is known of its place.
    pub(crate) fn narrowed(&self, mut expr: Expr) -> Expr {
        if let Ty::Optional(inner) = &expr.ty
            && !self.present.is_empty()
            && self.place(&expr).is_some_and(|place| self.present.contains(&place))
        {
            expr.ty = inner.as_ref().clone();
        }
        expr
    }

    /// The value as one of type `wanted`, or a finding that says why it isn't.
    pub(crate) fn coerce(&mut self, expr: Expr, wanted: &Ty) -> Expr {
        let is_decimal = |ty: &Ty| match ty {
            Ty::Optional(inner) => **inner == Ty::Decimal,
            _ => *ty == Ty::Decimal,
        };
        if expr.ty == Ty::Int && is_decimal(wanted) {
            return to_decimal(expr);
        }
        if fits(&expr.ty, wanted) {
            return expr;
        }
        if self.made_up && matches!(expr.kind, ExprKind::Value(flowline_plan::Value::Text(_))) {
            let inner = if let Ty::Optional(inner) = wanted { inner } else { wanted };
            if self.is_id(inner) || matches!(inner, Ty::Person | Ty::Country) {
                return Expr { ty: inner.clone(), ..expr };
            }
        }
        if self.upcasting && self.obstacle(&expr.ty, wanted).is_none() {
            return self.carry(expr, wanted);
        }
        let mut diagnostic = self.mismatch(&expr, wanted);
        let is_named = matches!(core(&expr.ty), Ty::Named(_)) && matches!(core(wanted), Ty::Named(_));
        if let (true, Some(why)) =
            (self.upcasting && is_named && diagnostic.help.is_none(), self.obstacle(&expr.ty, wanted))
        {
            diagnostic = diagnostic.help(format!("{why}; say by `with {{ … }}` what it becomes"));
        }
        self.push(diagnostic);
        Expr { ty: wanted.clone(), ..expr }
    }

    /// Why a value does not fit, in the most telling terms.
    pub(crate) fn mismatch(&self, expr: &Expr, wanted: &Ty) -> Diagnostic {
        let (found, want) = (self.show(&expr.ty), self.show(wanted));
        let (found_core, wanted_core) = (core(&expr.ty).clone(), core(wanted).clone());
        let label = format!("this is {found}");
        if let (Some(found), Some(wanted)) = (expr.ty.money(), wanted_core.money())
            && found.rounded
        {
            match (found.currency, wanted.currency) {
                (Some(a), Some(b)) if a != b => {
                    return self
                        .found(&f02::CURRENCY, format!("{a} where {b} is expected"), expr.span)
                        .label(label)
                        .help("money is never converted by itself; use one currency");
                }
                _ if wanted.kind.is_some() && wanted.kind != found.kind => {
                    return self.wrong_kind(expr, found, wanted);
                }
                _ => {}
            }
        }
        match (&expr.ty, &wanted_core) {
            (Ty::Optional(inner), _) if fits(inner, wanted) => self.absent(expr.span, &expr.ty),
            (Ty::Absent, _) => self
                .found(&f02::OPTIONAL, format!("`none` where {want} is expected"), expr.span)
                .label("this must have a value"),
            (ty, _) if is_unrounded(ty) => unrounded(expr.span),
            _ if self.is_id(&found_core) && self.is_id(&wanted_core) => self
                .found(&f02::ID_MIXED, format!("{found} where {want} is expected"), expr.span)
                .label(label)
                .help("ids of different things never stand for each other; look for the value that has the right one"),
            _ => {
                let message = format!("{want} is expected, but this is {found}");
                let diagnostic = self.found(&f02::MISMATCH, message, expr.span).label(label);
                self.suggest_literal(diagnostic, expr, &wanted_core)
            }
        }
    }

    /// The finding for a value that may be absent and is used as if it were there.
    pub(crate) fn absent(&self, span: Span, ty: &Ty) -> Diagnostic {
        self.found(&f02::OPTIONAL, format!("this may be absent ({}), and it is used unchecked", self.show(ty)), span)
            .label("may be absent")
            .help(if crate::ty::holds_resource(ty) {
                "use it inside `when … exists { … }`"
            } else {
                "give a value for its absence with `??`, or use it inside `when … exists { … }`"
            })
    }

    pub(crate) fn is_id(&self, ty: &Ty) -> bool {
        matches!(ty, Ty::Named(id) if matches!(self.kind(*id), Some(TypeKind::Id)))
    }

    pub(crate) fn kind(&self, id: TypeId) -> Option<&'g TypeKind> {
        self.globals.model.ty(id).map(|def| &def.kind)
    }

    /// The fields of a record, an error, an event or a resource.
    pub(crate) fn fields_of(&self, id: TypeId) -> Option<&'g [Field]> {
        match self.kind(id)? {
            TypeKind::Record(fields) | TypeKind::Error(fields) => Some(fields),
            TypeKind::Event(event) => Some(&event.fields),
            TypeKind::Resource(resource) => Some(&resource.fields),
            TypeKind::Id | TypeKind::Enum(_) => None,
        }
    }

    /// The type of two values that stand for each other; a finding at the second where they don't go together.
    pub(crate) fn join(&mut self, first: &Ty, second: &Expr) -> Ty {
        match join(first, &second.ty) {
            Some(ty) => ty,
            None if matches!((first, &second.ty), (Ty::Int, Ty::Decimal) | (Ty::Decimal, Ty::Int)) => Ty::Decimal,
            None => {
                let diagnostic = self.mismatch(second, first);
                self.push(diagnostic);
                first.clone()
            }
        }
    }
}

/// An Int as a Decimal; a literal right away.
pub(crate) fn to_decimal(expr: Expr) -> Expr {
    let kind = match expr.kind {
        ExprKind::Value(flowline_plan::Value::Int(n)) => ExprKind::Value(flowline_plan::Value::Decimal(n.into())),
        kind => ExprKind::ToDecimal(Box::new(Expr { span: expr.span, ty: Ty::Int, kind })),
    };
    Expr { span: expr.span, ty: Ty::Decimal, kind }
}

/// The type inside `T?` and `[T]`.
fn core(ty: &Ty) -> &Ty {
    match ty {
        Ty::Optional(inner) | Ty::List(inner, _) => core(inner),
        _ => ty,
    }
}

fn is_unrounded(ty: &Ty) -> bool {
    ty.money().is_some_and(|money| !money.rounded)
}

pub(crate) fn unrounded(span: Span) -> Diagnostic {
    Diagnostic::new(&f02::UNROUNDED, "money with more digits than its currency has", span)
        .label("not rounded")
        .help("say how halves go: `round(…, half_up)`; or share it out with `allocate`")
}

/// An expression that could not be understood.
pub(crate) fn unknown(span: Span) -> Expr {
    Expr { span, ty: Ty::Unknown, kind: ExprKind::Unknown }
}
