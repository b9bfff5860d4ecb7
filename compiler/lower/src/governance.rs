//! Roles and models as they are declared, questions to people, and what decides on advice.

use flowline_check::model::{self, Expr, GovernValue, LocalId, Silence, Ty};
use flowline_diag::{Diagnostic, code::f02};
use flowline_plan::{
    AwaitNode, Bundle, ChooseArm, Code, Instr, ModelDef, NodeId, NodeKind, RoleDef, Shown, Slot, TaskArm, TimerArm,
    TimerEnd, Type, Value, misfit,
};

use crate::{
    Cx, constant,
    flow::{At, Flow},
};

pub(crate) fn role(def: &model::Role) -> RoleDef {
    RoleDef {
        name: def.name.clone(),
        label: def.label.clone(),
        doc: def.doc.clone(),
        sees_pii: def.sees_pii,
        limit: def.limit,
    }
}

pub(crate) fn model(cx: &Cx<'_>, def: &model::ModelDecl) -> ModelDef {
    let fallback = def.fallback.as_ref().map(|fallback| {
        constant::known(cx, fallback).unwrap_or_else(|why| {
            let message = format!("this fallback has no value: {why}");
            cx.report(Diagnostic::new(&f02::NOT_CONSTANT, message, fallback.span));
            Value::None
        })
    });
    ModelDef {
        name: def.name.clone(),
        label: def.label.clone(),
        doc: def.doc.clone(),
        system: def.system,
        version: def.version.clone(),
        input: def.input.to_plan(),
        output: def.output.to_plan(),
        approval: def.approval.clone(),
        fallback,
        sees_pii: def.sees_pii,
    }
}

/// What counts when a model is down is held to what `where` demands of its answers.
pub(crate) fn fallbacks_fit(cx: &Cx<'_>, bundle: &Bundle) {
    for (def, model) in cx.model.models.iter().zip(&bundle.models) {
        let (Some(text), Some(value)) = (&def.fallback, &model.fallback) else { continue };
        // A type with a mistake in it has its finding.
        if def.output == Ty::Unknown || text.ty == Ty::Unknown {
            continue;
        }
        if let Some(why) = misfit(bundle, &model.output, value, 0) {
            let message = format!("this fallback is nothing that the model may answer: {why}");
            cx.report(Diagnostic::new(&f02::CONTRACT, message, text.span));
        }
    }
}

impl Flow<'_> {
    pub(crate) fn ask_stmt(&mut self, at: At, ask: &model::Ask, next: Option<NodeId>) -> NodeId {
        let bind = self.result(ask.result);
        let silence = match (&ask.silence, bind) {
            (Silence::Fail(error), _) => Some(self.failure(At { span: error.span, ..at }, error)),
            (Silence::Value(value), Some(slot)) => {
                let code = self.silent_answer(value);
                let kind = NodeKind::Let { slot, code };
                Some(self.push(At { span: value.span, ..at }, "nobody answers".to_owned(), kind, next))
            }
            (Silence::Value(_), None) => next,
        };
        self.ask(at, ask, bind, ask.result, next, silence)
    }

    /// The answer that counts when nobody answers: by nobody, at that time.
    fn silent_answer(&self, value: &Expr) -> Code {
        let mut coder = self.coder();
        coder.expr(value);
        coder.constant(Value::None);
        coder.emit(Instr::Now);
        coder.emit(Instr::Record(3));
        coder.finish(value.span)
    }

    /// A question; control goes on at `next` when it is answered and at `silence` when nobody answers in time.
    fn ask(
        &mut self,
        at: At,
        ask: &model::Ask,
        bind: Option<Slot>,
        known_by: Option<LocalId>,
        next: Option<NodeId>,
        silence: Option<NodeId>,
    ) -> NodeId {
        let show = ask.show.iter().map(|shown| Shown {
            label: shown.label.clone(),
            ty: shown.value.ty.to_plan(),
            advice: matches!(shown.value.ty, Ty::Advice(_)),
            value: self.code(&shown.value),
        });
        let task = TaskArm {
            role: ask.role,
            question: self.code(&ask.question),
            show: show.collect(),
            answer: ask.answer.to_plan(),
            not_by: self.codes(&ask.not_by),
            bind,
            target: next,
        };
        let timer = TimerArm { due: self.code(&ask.within), end: TimerEnd::Goto(silence) };
        let label = format!("ask {}", self.cx.role_name(ask.role));
        let kind = NodeKind::Await(AwaitNode { events: Vec::new(), timers: vec![timer], task: Some(Box::new(task)) });
        self.push_for(at, &label, known_by, kind, next)
    }

    /// `govern`: the advice is bound as a plain value, and the first arm that holds says what comes of it.
    pub(crate) fn govern(&mut self, at: At, govern: &model::Govern, next: Option<NodeId>) -> NodeId {
        let mut choices = Vec::with_capacity(govern.arms.len());
        let mut otherwise = None;
        for arm in govern.arms.iter().rev() {
            let place = At { span: arm.span, ..at };
            let target = match &arm.value {
                GovernValue::Expr(value) => Some(self.governed(place, govern, value, next)),
                GovernValue::Fail(error) => Some(self.failure(place, error)),
                GovernValue::Ask(ask) => Some(self.governed_by_person(place, govern, ask, next)),
            };
            match &arm.condition {
                Some(condition) => choices.push(ChooseArm {
                    label: self.cx.words(condition.span),
                    condition: self.code(condition),
                    target,
                }),
                None => otherwise = target,
            }
        }
        choices.reverse();
        let label = format!("govern {}", self.cx.words(govern.advice.span));
        let kind = NodeKind::Choose { arms: choices, otherwise, told: true };
        let choice = self.push_for(at, &label, govern.result, kind, None);
        // Without a name for it no arm can look at it.
        if self.local(govern.bind).is_none_or(|local| local.name.is_empty()) {
            return choice;
        }
        self.binding(at, govern.bind, &govern.advice, Some(choice))
    }

    fn governed(&mut self, at: At, govern: &model::Govern, value: &Expr, next: Option<NodeId>) -> NodeId {
        let slot = self.govern_slot(at, govern);
        let code = self.code(value);
        let label = self.govern_label(govern);
        self.push(at, label, NodeKind::Let { slot, code }, next)
    }

    /// An `ask` as an arm gives its `.value`.
    fn governed_by_person(&mut self, at: At, govern: &model::Govern, ask: &model::Ask, next: Option<NodeId>) -> NodeId {
        let slot = self.govern_slot(at, govern);
        let silence = match &ask.silence {
            Silence::Fail(error) => self.failure(At { span: error.span, ..at }, error),
            Silence::Value(value) => {
                let kind = NodeKind::Let { slot, code: self.code(value) };
                self.push(At { span: value.span, ..at }, "nobody answers".to_owned(), kind, next)
            }
        };
        let answer = self.hidden(at.scope, Type::Answer(Box::new(ask.answer.to_plan())));
        let code = Code { ops: vec![Instr::Slot(answer), Instr::Field(0)], ..Code::default() };
        let label = self.govern_label(govern);
        let taken = self.push(at, label, NodeKind::Let { slot, code }, next);
        self.ask(at, ask, Some(answer), govern.result, Some(taken), Some(silence))
    }

    /// Where the decision goes; what nobody asks for is worked out all the same.
    fn govern_slot(&mut self, at: At, govern: &model::Govern) -> Slot {
        self.result(govern.result).unwrap_or_else(|| self.hidden(at.scope, govern.ty.to_plan()))
    }

    fn govern_label(&self, govern: &model::Govern) -> String {
        let name = govern.result.and_then(|local| self.local(local)).map(|local| local.name.as_str());
        name.map_or("decided".to_owned(), |name| format!("{name} = …"))
    }
}
