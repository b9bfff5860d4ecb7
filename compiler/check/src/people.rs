//! Statements by which a flow is told what to do: what a model advises, how that is governed, what people answer.

use crate::cx::unknown;
use crate::flow::FlowCx;
use crate::hints::suggest_member;
use crate::model::{
    Ask, Call, Expr, Govern, GovernArm, GovernValue, LocalKind, Shown, Silence, Stmt, StmtKind, Ty, TypeKind,
};
use crate::names::{Symbol, suggest};
use crate::stmt::Target;
use crate::{ty, words};
use flowline_diag::code::{f01, f02, f06};
use flowline_diag::{Diagnostic, Span};
use flowline_plan::{OpId, OpRef, RoleId, SystemId};
use flowline_syntax::ast::{self, Ident};

impl FlowCx<'_> {
    /// `predict model(input)`: a call like any other, whose result is believed only through a `govern`.
    pub(crate) fn predict(&mut self, text: &ast::Predict, target: Target<'_>, span: Span, out: &mut Vec<Stmt>) {
        let found = self.model_named(&text.model);
        let system = found.and_then(|id| self.cx.globals.model.system(id));
        let op = system.and_then(|system| system.ops.first());
        let (args, ty) = match op {
            Some(op) if !self.cx.globals.is_damaged(Symbol::Model(found.unwrap_or(SystemId(0)))) => {
                let params: Vec<(String, Ty)> =
                    op.params.iter().map(|param| (param.name.clone(), param.ty.clone())).collect();
                let args = self.cx.arguments(&format!("`{}`", text.model), &params, &text.args, span);
                (args, Ty::Advice(Box::new(op.result.clone())))
            }
            Some(_) | None => {
                self.cx.pass_over_args(&text.args);
                (Vec::new(), Ty::Unknown)
            }
        };
        let result = self.taken(target, ty, span, "this model gives no value");
        let Some(system) = found else { return };
        let op = OpRef { system, op: OpId(0) };
        let call = Call { op, args, result, retry: None, timeout_ms: None, undo: None, undo_result: None, step: None };
        out.push(Stmt { span, kind: StmtKind::Call(call) });
    }

    fn model_named(&mut self, name: &Ident) -> Option<SystemId> {
        let wanted = |symbol: Symbol| if let Symbol::Model(id) = symbol { Some(id) } else { None };
        let help = "declare it outside of the flows: `model … { version … input … output … }`";
        self.declared(name, "model", "a model", wanted, help)
    }

    fn role_named(&mut self, name: &Ident) -> Option<RoleId> {
        let wanted = |symbol: Symbol| if let Symbol::Role(id) = symbol { Some(id) } else { None };
        let help = format!("declare it outside of the flows: `role {name} \"…\"`");
        self.declared(name, "role", "a role", wanted, &help)
    }

    /// What a name is declared as; a finding where it is something else or nothing.
    fn declared<T>(
        &mut self,
        name: &Ident,
        what: &str,
        with_article: &str,
        wanted: impl Fn(Symbol) -> Option<T>,
        help: &str,
    ) -> Option<T> {
        let globals = self.cx.globals;
        let diagnostic = match globals.find(self.cx.module, name.as_str()).map(|entry| entry.symbol) {
            Some(Symbol::Unusable) => return None,
            Some(symbol) => {
                if let Some(found) = wanted(symbol) {
                    return Some(found);
                }
                let is = globals.describe(symbol);
                Diagnostic::new(&f02::WRONG_KIND, format!("`{name}` is {is}, not {with_article}"), name.span)
                    .label(format!("{with_article} is expected here"))
            }
            None => {
                let diagnostic = Diagnostic::new(&f01::UNKNOWN_NAME, format!("there is no {what} `{name}`"), name.span)
                    .label("not known here");
                let seen = globals.visible(self.cx.module, |symbol| wanted(symbol).is_some());
                let diagnostic = suggest(ty::from_elsewhere(globals, diagnostic, name), name, seen);
                if diagnostic.help.is_some() { diagnostic } else { diagnostic.help(help) }
            }
        };
        self.cx.push(diagnostic);
        None
    }

    /// `ask role "question" { … }` as a statement or a value.
    pub(crate) fn ask_stmt(&mut self, text: &ast::Ask, target: Target<'_>, span: Span, out: &mut Vec<Stmt>) {
        let (ask, sure) = self.ask(text, span);
        let answer = ask.as_ref().map_or(Ty::Unknown, |ask| ask.answer.clone());
        let ty = if answer == Ty::Unknown { Ty::Unknown } else { Ty::Answer(Box::new(answer), sure) };
        let result = self.taken(target, ty, span, "this question has no answer");
        if let Some(ask) = ask {
            out.push(Stmt { span, kind: StmtKind::Ask(Box::new(Ask { result, ..ask })) });
        }
    }

    /// A question; also says whether somebody has answered wherever it goes on.
    fn ask(&mut self, text: &ast::Ask, span: Span) -> (Option<Ask>, bool) {
        let role = self.role_named(&text.role);
        let question = self.cx.text(&text.question);
        let mut show = Vec::with_capacity(text.show.len());
        for shown in &text.show {
            let value = self.cx.advice(shown);
            if let Ty::Unrounded(_) = value.ty {
                self.cx.push(crate::cx::unrounded(value.span));
            }
            show.push(Shown { label: words::expr(shown), value });
        }
        let answer = self.answer(text, span);
        let not_by = text.not_by.iter().map(|person| self.excluded(person)).collect();
        let within = text.within.as_ref().map(|within| self.due(within));
        let silence = text.otherwise.as_ref().map(|otherwise| self.silence(otherwise, &answer));
        let sure = !matches!(silence, Some(Some(Silence::Value(_))));
        if text.answer.is_some() && (within.is_none() || silence.is_none()) {
            let (message, label) = match (&within, &silence) {
                (None, None) => {
                    ("nobody may ever answer this question, and nothing says what counts then", "no `within … else …`")
                }
                (None, Some(_)) => ("this question does not say how long it waits for its answer", "no `within`"),
                (Some(_), _) => ("this question does not say what counts when nobody answers in time", "no `else`"),
            };
            let help = "write `answer T within 4 h else fail …`; or behind `else` the value that counts then, which approves nothing";
            self.cx.push(Diagnostic::new(&f06::UNANSWERED, message, text.question.span).label(label).help(help));
        }
        let ask = || {
            Some(Ask { role: role?, question, show, answer, within: within?, silence: silence??, not_by, result: None })
        };
        (ask(), sure)
    }

    /// The type that is asked for.
    fn answer(&mut self, text: &ast::Ask, span: Span) -> Ty {
        let Some(answer) = &text.answer else {
            self.cx.push(
                Diagnostic::new(&f02::MISSING_FIELD, "this question asks for no answer", span)
                    .label("no `answer`")
                    .help("say of which type the answer is, and how long it may take: `answer Bool within 4 h else fail …`"),
            );
            return Ty::Unknown;
        };
        let found = ty::resolve(self.cx.globals, self.cx.module, answer, false, &mut self.cx.diagnostics);
        let kind = if let Ty::Named(id) = &found { self.cx.kind(*id) } else { None };
        if let Some(TypeKind::Event(_) | TypeKind::Error(_)) = kind {
            let what = self.cx.show(&found);
            self.cx.push(
                Diagnostic::new(&f02::WRONG_KIND, format!("{what} is nothing that a person answers"), answer.span)
                    .label("an enum, a record or a plain type is expected here"),
            );
            return Ty::Unknown;
        }
        found
    }

    fn silence(&mut self, text: &ast::Value, answer: &Ty) -> Option<Silence> {
        match text {
            ast::Value::Expr(value) => Some(Silence::Value(self.cx.expect(value, answer))),
            ast::Value::Stmt(stmt) => {
                let ast::StmtKind::Fail(record) = &stmt.kind else { return None };
                self.failure(record).map(Silence::Fail)
            }
        }
    }

    /// Who may not answer.
    fn excluded(&mut self, person: &ast::Expr) -> Expr {
        let checked = self.cx.expr(person, Some(&Ty::Person));
        let of = if let Ty::Optional(inner) | Ty::List(inner, _) = &checked.ty { inner } else { &checked.ty };
        let is_person = *of == Ty::Person;
        if is_person { checked } else { self.cx.coerce(checked, &Ty::Person) }
    }

    /// `govern advice as x { … }`; also says whether control can go on behind it.
    pub(crate) fn govern(&mut self, text: &ast::Govern, target: Target<'_>, span: Span, out: &mut Vec<Stmt>) -> bool {
        let advice = self.governed(&text.advice);
        let mark = self.cx.mark();
        let kind = LocalKind::Slot(self.scope);
        let bind = match &text.binding {
            Some(name) => self.cx.bind(name, advice.ty.clone(), kind),
            None => self.cx.hidden("", text.advice.span, advice.ty.clone(), kind),
        };
        let (mut arms, mut ty, mut goes_on) = (Vec::with_capacity(text.arms.len()), None, false);
        let mut otherwise: Option<Span> = None;
        for arm in &text.arms {
            if let Some(first) = otherwise {
                let never = Diagnostic::new(&f02::NEVER_FITS, "this arm is never looked at", arm.span);
                self.cx.push(never.label("behind `otherwise`").also(first, "this takes all that is left"));
            }
            let condition = arm.condition.as_ref().map(|condition| self.cx.expect(condition, &Ty::Bool));
            let known = self.cx.mark();
            match &condition {
                Some(condition) => self.cx.assume(condition, true),
                None => otherwise = Some(arm.span),
            }
            let value = self.governed_value(&arm.value, arm.span, &mut ty);
            self.cx.forget(known);
            if let Some(condition) = &condition {
                self.cx.assume(condition, false);
            }
            goes_on |= !matches!(value, Some(GovernValue::Fail(_)));
            arms.extend(value.map(|value| GovernArm { span: arm.span, condition, value }));
        }
        self.cx.reset(mark);
        let can_be_read = !text.arms.iter().any(|arm| matches!(arm.value, ast::GovernValue::Bad));
        if otherwise.is_none() && can_be_read {
            self.cx.push(
                Diagnostic::new(&f02::NOT_EXHAUSTIVE, "this `govern` does not say what counts otherwise", span)
                    .label("no `otherwise`")
                    .help("end it with `otherwise => …`: a value, `ask …`, or `fail …`"),
            );
        }
        let ty = ty.unwrap_or(if goes_on { Ty::Unknown } else { Ty::Unit });
        let result = self.taken(target, ty.clone(), span, "every arm of this `govern` fails");
        let govern = Govern { advice, bind, arms, ty, result };
        out.push(Stmt { span, kind: StmtKind::Govern(Box::new(govern)) });
        goes_on || text.arms.is_empty()
    }

    /// The plain value behind an advice; a finding where there is no advice.
    fn governed(&mut self, text: &ast::Expr) -> Expr {
        let advice = self.cx.advice(text);
        if let Ty::Advice(plain) = &advice.ty {
            return Expr { ty: plain.as_ref().clone(), ..advice };
        }
        if advice.ty != Ty::Unknown {
            let found = self.cx.show(&advice.ty);
            self.cx.push(
                Diagnostic::new(&f02::MISMATCH, "`govern` takes what a model advises", text.span)
                    .label(format!("this is {found}"))
                    .help("what is plain already is decided on with `when`, `match` or a decision"),
            );
        }
        unknown(text.span)
    }

    /// What an arm gives, of the type that the arms before it gave.
    fn governed_value(&mut self, text: &ast::GovernValue, span: Span, ty: &mut Option<Ty>) -> Option<GovernValue> {
        let value = match text {
            ast::GovernValue::Expr(expr) => {
                let value = self.cx.expr(expr, ty.as_ref());
                GovernValue::Expr(if *ty == Some(Ty::Decimal) { self.cx.coerce(value, &Ty::Decimal) } else { value })
            }
            ast::GovernValue::Ask(ask) => GovernValue::Ask(Box::new(self.ask(ask, span).0?)),
            ast::GovernValue::Fail(record) => return self.failure(record).map(GovernValue::Fail),
            ast::GovernValue::Bad => return None,
        };
        let given = match &value {
            GovernValue::Expr(value) => value.clone(),
            GovernValue::Ask(ask) => Expr { ty: ask.answer.clone(), ..unknown(span) },
            GovernValue::Fail(_) => return Some(value),
        };
        *ty = Some(match ty.take() {
            Some(before) => self.cx.join(&before, &given),
            None => given.ty,
        });
        Some(value)
    }

    fn failure(&mut self, record: &ast::RecordLit) -> Option<Expr> {
        self.built(record, "an error", |kind| matches!(kind, TypeKind::Error(_))).map(|(_, value)| value)
    }
}

impl crate::cx::Cx<'_> {
    /// The finding for what a model advises where a plain value is expected.
    pub(crate) fn refuse_advice(&mut self, span: Span, words: &str) -> Expr {
        let name = if words == "…" { "this".to_owned() } else { format!("`{words}`") };
        self.push(
            Diagnostic::new(&f06::UNGOVERNED, format!("{name} is what a model advises, and nothing has decided on it yet"), span)
                .label("advice used as if it were a decision")
                .help("decide first: `let … = govern … as x { when … => …  otherwise => … }`; only an `ask` may `show` it as it is"),
        );
        unknown(span)
    }

    /// A field of what a person answered.
    pub(crate) fn answer_field(&mut self, base: Expr, value: &Ty, sure: bool, name: &Ident, span: Span) -> Expr {
        let by = if sure { Ty::Person } else { Ty::Optional(Box::new(Ty::Person)) };
        let (field, ty) = match name.as_str() {
            "value" => (0, value.clone()),
            "by" => (1, by),
            "at" => (2, Ty::Instant),
            _ => {
                let message = format!("an answer has no field `{name}`");
                let diagnostic = Diagnostic::new(&f02::UNKNOWN_MEMBER, message, name.span).label("no such field");
                self.push(suggest_member(diagnostic, name, ["value", "by", "at"]));
                return unknown(span);
            }
        };
        let kind = crate::model::ExprKind::Field { base: Box::new(base), field, optional: false };
        self.narrowed(Expr { span, ty, kind })
    }
}
