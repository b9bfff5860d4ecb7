//! Sub-flows: what their headers promise of the resources that they are given, and of the one that they give.
use flowline_plan::{NodeId, Plan, RunFlowNode, Signature, StateId, StateKind, Take};

use super::{
    origin::{Made, plain},
    search::{Search, What},
    token::{At, Name, Owed, Step, Token},
};
use crate::shape::Shape;

impl Search<'_, '_> {
    /// A sub-flow is about to be run, or started.
    pub(super) fn run_flow(&mut self, at: usize, token: Token, no: NodeId, run: &RunFlowNode, next: Token) {
        let shape: &Shape<'_> = self.shape;
        let flow = shape.bundle.flow(run.flow).map(|plan| &**plan);
        match flow.and_then(|flow| Some((flow, given(&token, run, &flow.signature)?))) {
            // A `meanwhile` has ended, and the sub-flow still has the resource.
            Some(_) if token.owed == Owed::Lent => {}
            Some((flow, take)) => match token.state.filter(|state| take.from.contains(state)) {
                Some(_) if run.detached => {
                    self.beside(at, &token);
                    self.push(at, Token { state: None, owed: Owed::Gone, ..next }, Step::Handed(no), 0);
                }
                Some(state) => {
                    self.beside(at, &token);
                    self.lend(at, token, no, (flow, take), state, next);
                }
                None => self.fault(at, What::WrongState(no), 0),
            },
            None => {
                if self.origin.at == Made::Run(no)
                    && token.state.is_none()
                    && let Some(gives) = flow.and_then(|flow| flow.signature.gives.as_ref())
                {
                    let name = run.result.map_or(Name::Nothing, Name::Slot);
                    for state in &gives.states {
                        let ended = Token { at: next.at, name, ..self.owing(token, *state) };
                        self.push_owed(at, ended, Step::Done(no), 0);
                    }
                }
                let mut next = next;
                if self.origin.at == Made::Run(no) && run.result.is_some_and(|slot| token.name == Name::Slot(slot)) {
                    // Another one takes the name.
                    next.name = Name::Nothing;
                }
                self.beside(at, &token);
                self.push(at, next, Step::Silent, 0);
                self.raise_own(at, &token, no);
            }
        }
    }

    /// The sub-flow has the resource until it ends: well, by an error, or because the scope around it is left.
    fn lend(&mut self, at: usize, token: Token, no: NodeId, (flow, take): (&Plan, &Take), state: StateId, next: Token) {
        let same = [state];
        let ends = if take.to.is_empty() { same.as_slice() } else { take.to.as_slice() };
        for to in ends {
            let mut ended = Token { at: next.at, ..token };
            self.set_state(&mut ended, *to);
            self.push_owed(at, ended, if *to == state { Step::Silent } else { Step::Done(no) }, 0);
        }
        let closed = self.closed_states();
        for (nth, error) in flow.raises.iter().enumerate() {
            let kept = flow.signature.kept(take.param, *error);
            // Where the header doesn't say that it is kept, it has been let go.
            for to in kept.map_or(closed.clone(), |kept| vec![kept]) {
                let mut failed = token;
                self.set_state(&mut failed, to);
                failed.at = At::Refused(no, nth);
                self.push_owed(at, failed, Step::Refused(no, nth), 1);
            }
        }
        for to in closed {
            let stopped = Token { at: At::Running(no), state: Some(to), owed: Owed::Nobody, ..token };
            self.push(at, stopped, Step::Within(no), 1);
        }
        // What runs beside an attempt doesn't wait for the sub-flow.
        self.beside(at, &Token { state: None, owed: Owed::Lent, ..token });
    }

    /// A closed state that has an abandon row may be past undoing: it was reached past a point of no return.
    fn push_owed(&mut self, at: usize, token: Token, step: Step, mishaps: u32) {
        let def = self.shape.bundle.resource(self.origin.ty);
        let state = token.state.and_then(|state| def?.states.get(state.index()));
        if state.is_some_and(|state| state.kind == StateKind::Closed && state.abandon.is_some()) {
            self.push(at, Token { owed: Owed::Nobody, ..token }, step.clone(), mishaps);
        }
        self.push(at, token, step, mishaps);
    }

    /// The states in which a sub-flow may leave what it settles.
    pub(super) fn closed_states(&self) -> Vec<StateId> {
        let states = self.shape.bundle.resource(self.origin.ty).map_or(&[][..], |def| def.states.as_slice());
        let closed = states.iter().enumerate().filter(|(_, state)| state.kind == StateKind::Closed);
        closed.map(|(at, _)| StateId::from(at)).collect()
    }
}

/// What the flow does to the resource, where it is given it.
fn given<'p>(token: &Token, run: &RunFlowNode, signature: &'p Signature) -> Option<&'p Take> {
    let Name::Slot(name) = token.name else { return None };
    let mut args = run.args.iter().enumerate().filter(|(_, arg)| plain(arg) == Some(name));
    args.find_map(|(param, _)| signature.take(param))
}
