//! The author's words for causes, errors, states and steps.
use flowline_diag::Label;
use flowline_plan::{Catch, NodeId, NodeKind, ScopeId, ScopeKind, StateId, Trigger, TypeId};

use crate::{
    cause::{Cause, Escape},
    shape::Shape,
};

impl Shape<'_> {
    /// The short name of an error, a resource, an event.
    pub(crate) fn type_name(&self, ty: TypeId) -> &str {
        self.bundle.ty(ty).map_or("an unknown type", |ty| ty.short_name())
    }

    pub(crate) fn state_name(&self, ty: TypeId, state: StateId) -> &str {
        let state = self.bundle.resource(ty).and_then(|def| def.states.get(state.index()));
        state.map_or("in an unknown state", |state| state.name.as_str())
    }

    /// The error of that place in what a call or a sub-flow may raise.
    pub(crate) fn refusal(&self, at: NodeId, nth: usize) -> Option<TypeId> {
        let kind = &self.node(at).kind;
        if let NodeKind::Call(call) = kind {
            return Some(self.op(call).raises.get(nth)?.error);
        }
        let NodeKind::RunFlow(run) = kind else { return None };
        self.bundle.flow(run.flow)?.raises.get(nth).copied()
    }

    /// What a handler would have to say to take the cause.
    pub(crate) fn wanted(&self, cause: &Cause) -> String {
        match cause {
            Cause::Error(error) => format!("on {}", self.type_name(*error)),
            Cause::Deadline(Some(name)) => format!("on Deadline of {name}"),
            Cause::Deadline(None) => "on Deadline".to_owned(),
            Cause::Exhausted => "on Exhausted".to_owned(),
        }
    }

    pub(crate) fn cause_name<'s>(&'s self, cause: &Cause) -> &'s str {
        match cause {
            Cause::Error(error) => self.type_name(*error),
            Cause::Deadline(_) => "Deadline",
            Cause::Exhausted => "Exhausted",
        }
    }

    pub(crate) fn catch_name(&self, catch: &Catch) -> String {
        match catch {
            Catch::Error(error) => self.type_name(*error).to_owned(),
            Catch::Deadline(None) => "Deadline".to_owned(),
            Catch::Deadline(Some(name)) => format!("Deadline of {name}"),
            Catch::Exhausted => "Exhausted".to_owned(),
        }
    }

    /// How the cause comes up at its node.
    pub(crate) fn happens(&self, escape: &Escape) -> String {
        let node = self.node(escape.site);
        let name = self.cause_name(&escape.cause);
        match (&escape.cause, &node.kind) {
            (Cause::Error(_), NodeKind::Fail { .. }) => format!("the flow fails: {name}"),
            (Cause::Error(_), NodeKind::RunFlow(_)) => format!("`{}` fails: {name}", node.label),
            (Cause::Error(_), _) => format!("`{}` is refused: {name}", node.label),
            (Cause::Deadline(_), _) => format!("the time of `{}` is up", node.label),
            (Cause::Exhausted, _) => "the last round ends and the condition still doesn't hold".to_owned(),
        }
    }

    /// How it comes up, and before it how the flow got into each handler around its node: outermost first.
    pub(crate) fn story(&self, escape: &Escape) -> Vec<Label> {
        let mut story = self.handlers_around(self.node(escape.site).scope);
        story.push(Label::new(self.node_span(escape.site), self.happens(escape)));
        story
    }

    /// How the flow gets into each handler around a scope: outermost first.
    pub(crate) fn handlers_around(&self, scope: ScopeId) -> Vec<Label> {
        let around = self.outward(scope).filter(|scope| self.scope(*scope).kind == ScopeKind::Handler);
        let mut labels: Vec<Label> =
            around.map(|scope| Label::new(self.scope_span(scope), self.handler_begins(scope))).collect();
        labels.reverse();
        labels
    }

    fn handler_begins(&self, scope: ScopeId) -> String {
        match self.trigger_of(scope) {
            Some(Trigger::Errors(catches)) => {
                let names: Vec<String> = catches.iter().map(|catch| self.catch_name(catch)).collect();
                format!("after `{}` this handler runs", names.join("` or `"))
            }
            Some(Trigger::Event { arm, .. }) => format!("`{}` arrives", self.type_name(arm.event)),
            Some(Trigger::After(_)) => "the time of the attempt is up".to_owned(),
            None => "this handler runs".to_owned(),
        }
    }

    /// What makes a handler's scope run.
    pub(crate) fn trigger_of(&self, scope: ScopeId) -> Option<&Trigger> {
        let NodeKind::Attempt { handlers, .. } = &self.node(self.runner(scope)?).kind else { return None };
        handlers.iter().find(|handler| handler.scope == scope).map(|handler| &handler.trigger)
    }

    /// The nearest attempt whose body the node lies in, so that a handler of it could take what the node raises.
    pub(crate) fn attempt_around(&self, at: NodeId) -> Option<NodeId> {
        let bodies = self.outward(self.node(at).scope).filter(|scope| self.scope(*scope).kind == ScopeKind::Attempt);
        bodies.filter_map(|body| self.runner(body)).next()
    }
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn any_of(words: &[String]) -> String {
    match words.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}
