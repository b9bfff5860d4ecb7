//! Leaving scopes: by an error, an interrupting event, a deadline, a failing sibling, or because somebody ends the run.
use flowline_plan::{Handler, NodeKind, OpClass, ScopeId, ScopeKind, StateId, Trigger};

use super::{
    origin::{Made, outside},
    search::{Search, What},
    settle::{Settled, settle},
    token::{At, Owed, Step, Token, Why},
};
use crate::{
    cause::{Cause, Escape, catcher, runs_beside},
    shape::Shape,
};

/// Ending a run by hand counts as two mishaps: a story that happens by itself is told first.
const TERMINATE_MISHAPS: u32 = 2;

impl Search<'_, '_> {
    /// Everything that may make control leave from a step boundary.
    pub(super) fn boundary(&mut self, at: usize, token: &Token) {
        if self.must_know(token) {
            return;
        }
        let shape: &Shape<'_> = self.shape;
        if let At::Joining(node) = token.at {
            for branch in shape.node(node).kind.scopes() {
                self.siblings(at, token, branch, shape.node(node).scope);
            }
        }
        for scope in shape.outward(self.scope_of(token.at)) {
            if self.is_past(token, scope) {
                return;
            }
            for handler in shape.handlers(scope) {
                match &handler.trigger {
                    Trigger::Errors(_) => {}
                    Trigger::Event { .. } | Trigger::After(_) => {
                        let why = Why::Interrupted(handler.scope);
                        self.leave(at, token, scope, Some(handler), why, 1);
                    }
                }
            }
            let Some(node) = shape.runner(scope) else { break };
            let kind = &shape.node(node).kind;
            if let NodeKind::Parallel { branches, .. } = kind {
                for branch in branches.iter().filter(|branch| **branch != scope) {
                    self.siblings(at, token, *branch, shape.node(node).scope);
                }
            } else if let NodeKind::Each(_) = kind {
                self.siblings(at, token, scope, shape.node(node).scope);
            }
        }
        self.terminate(at, token);
    }

    /// A call of class `irreversible` isn't left before its outcome is known.
    fn must_know(&self, token: &Token) -> bool {
        let At::Calling(node, _) = token.at else { return false };
        matches!(&self.shape.node(node).kind, NodeKind::Call(call) if self.shape.op(call).class == OpClass::Irreversible)
    }

    /// What a branch beside this one may raise.
    fn siblings(&mut self, at: usize, token: &Token, branch: ScopeId, around: ScopeId) {
        let flowing = self.flowing;
        for escape in flowing.scope_escapes.get(&branch).map_or(&[][..], Vec::as_slice) {
            self.raise(at, token, around, &escape.cause, Why::Sibling(escape.clone()), 1);
        }
    }

    /// Somebody ends the run here: rows have to let go of whatever is held.
    fn terminate(&mut self, at: usize, token: &Token) {
        if let (Owed::By(_), Some(state)) = (token.owed, token.state) {
            for end in self.settle(state) {
                let Some(stuck) = end.stuck else { continue };
                let step = Step::Left(Why::Terminated, ScopeId(0));
                let what = What::NotLetGo { step, state: end.state, stuck };
                self.fault(at, what, TERMINATE_MISHAPS + end.mishaps);
            }
        }
    }

    /// Raises an escape in a scope.
    pub(super) fn raise_escape(&mut self, at: usize, token: &Token, from: ScopeId, escape: Escape) {
        let cause = escape.cause.clone();
        self.raise(at, token, from, &cause, Why::Raised(escape), 1);
    }

    /// Raises a cause in a scope: the nearest attempt outward that takes it is left, else the flow.
    pub(super) fn raise(&mut self, at: usize, token: &Token, from: ScopeId, cause: &Cause, why: Why, mishaps: u32) {
        let shape: &Shape<'_> = self.shape;
        let mut beside = false;
        let mut is_kept = None;
        if let (Made::Param(take), Cause::Error(error)) = (self.origin.at, cause) {
            let signature = &shape.plan.signature;
            is_kept = signature.takes.get(take).and_then(|take| Some((signature.kept(take.param, *error)?, *error)));
        }
        for scope in shape.outward(from) {
            if !beside {
                if self.is_past(token, scope) {
                    // A fault of its own: an error after the point of no return.
                    return;
                }
                if let Some((_, handler)) = catcher(shape.handlers(scope), cause) {
                    self.leave(at, token, scope, Some(handler), why, mishaps);
                    return;
                }
            }
            beside = runs_beside(shape.scope(scope).kind);
        }
        match (is_kept, token.state) {
            // It goes back to the one who runs the flow as it is.
            (Some((kept, _)), Some(state)) if kept == state => {}
            (Some((_, error)), Some(_)) => self.fault(at, What::NotKept(error, why), mishaps),
            (Some(_), None) | (None, _) => self.leave(at, token, ScopeId(0), None, why, mishaps),
        }
    }

    /// Leaves a scope: what it holds is let go, then the handler runs, or the run ends.
    fn leave(&mut self, at: usize, token: &Token, target: ScopeId, handler: Option<&Handler>, why: Why, mishaps: u32) {
        let shape: &Shape<'_> = self.shape;
        if token.owed == Owed::Lent {
            // The sub-flow that has it is stopped first, and lets go of it.
            for state in self.closed_states() {
                let stopped = Token { state: Some(state), owed: Owed::Nobody, ..*token };
                self.leave(at, &stopped, target, handler, why.clone(), mishaps);
            }
            return;
        }
        let held = match token.owed {
            Owed::By(owner) => shape.contains(target, owner),
            Owed::Before(_) | Owed::Nobody | Owed::Lent | Owed::Gone => false,
        };
        let mut after = *token;
        after.outside(shape.depth(target));
        let kept_name = handler.and_then(|handler| self.kept_name(token, target, handler));
        after.name = kept_name.unwrap_or_else(|| outside(shape, after.name, target));
        let beside = shape.outward(self.scope_of(token.at)).find(|scope| runs_beside(shape.scope(*scope).kind));
        if beside.is_some_and(|beside| shape.contains(target, beside)) {
            after.back = None;
        }
        if let Some(keeper) = handler.filter(|handler| self.is_kept(token, target, handler)) {
            after.owed = Owed::By(keeper.scope);
            self.handled(at, after, handler, Step::Kept(why, keeper.scope), mishaps);
            return;
        }
        let step = Step::Left(why, target);
        let ends = match (held, token.state) {
            (true, Some(state)) => self.settle(state),
            (false, _) | (true, None) => {
                self.handled(at, after, handler, step, mishaps);
                return;
            }
        };
        for end in ends {
            if let Some(stuck) = end.stuck {
                let what = What::NotLetGo { step: step.clone(), state: end.state, stuck };
                self.fault(at, what, mishaps + end.mishaps);
            } else {
                let after = Token { state: Some(end.state), owed: Owed::Nobody, ..after };
                self.handled(at, after, handler, step.clone(), mishaps + end.mishaps);
            }
        }
    }

    fn handled(&mut self, at: usize, mut token: Token, handler: Option<&Handler>, step: Step, mishaps: u32) {
        if let Some(handler) = handler {
            token.at = self.entry(handler.scope);
            self.push(at, token, step, mishaps);
        } else {
            token.at = At::End(ScopeId(0));
            if self.is_open(token.state) {
                self.fault(at, What::OpenAtEnd(None), mishaps);
            }
        }
    }

    fn settle(&self, state: StateId) -> Vec<Settled> {
        settle(self.shape.bundle, self.origin.ty, state)
    }

    /// `meanwhile` and `too late` bodies that matter to the resource and may run while control stands here.
    pub(super) fn beside(&mut self, at: usize, token: &Token) {
        let shape: &Shape<'_> = self.shape;
        let back = match token.at {
            At::Node(node) => super::token::Back::Node(node),
            At::End(scope) => super::token::Back::End(scope),
            At::Calling(..) | At::Refused(..) | At::Joining(_) | At::Running(_) => return,
        };
        // What runs beside a body runs alone there; what then runs beside it, in an attempt of its own or of one further out, isn't
        // followed, and so not proven.
        let mut alone = false;
        for body in shape.outward(self.scope_of(token.at)) {
            let is_alone = std::mem::replace(&mut alone, runs_beside(shape.scope(body).kind));
            if shape.scope(body).kind != ScopeKind::Attempt || is_alone {
                continue;
            }
            let Some(NodeKind::Attempt { handlers, meanwhile, .. }) = shape.runner(body).map(|n| &shape.node(n).kind)
            else {
                continue;
            };
            let late = handlers.iter().filter_map(|handler| match &handler.trigger {
                Trigger::Event { too_late, .. } => too_late.filter(|_| self.is_past(token, body)),
                Trigger::Errors(_) | Trigger::After(_) => None,
            });
            let scopes: Vec<ScopeId> = meanwhile.iter().map(|meanwhile| meanwhile.scope).chain(late).collect();
            for scope in scopes {
                if self.matters_in(scope) && token.back.is_some() {
                    self.cut = true;
                } else if self.matters_in(scope) {
                    let inside = Token { at: self.entry(scope), back: Some(back), ..*token };
                    self.push(at, inside, Step::Silent, 0);
                }
            }
        }
    }

    /// Whether a node that matters lies in the scope.
    pub(super) fn matters_in(&self, scope: ScopeId) -> bool {
        self.origin.scopes.contains(&scope)
    }
}
