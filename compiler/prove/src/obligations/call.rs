//! Calls: what answers, refusals and silence make true of the resource.
use flowline_plan::{CallNode, NodeId, NodeKind, OpDef, Raise, ResourceUse, StateId};

use super::{
    origin::{Made, plain},
    search::{Search, What},
    settle::on_param,
    token::{At, Name, Owed, Step, Token},
};
use crate::{cause::is_conditional, shape::Shape};

impl Search<'_, '_> {
    /// A call is about to be made.
    pub(super) fn call(&mut self, at: usize, token: Token, no: NodeId, next: Token) {
        let shape: &Shape<'_> = self.shape;
        let NodeKind::Call(call) = &shape.node(no).kind else { return };
        let def = shape.op(call);
        if let Some((param, change)) = self.given(&token, call, def) {
            if token.state.is_some_and(|state| change.from.contains(&state)) {
                self.outcomes(at, token, no, param, change, token.state);
            } else {
                self.fault(at, What::WrongState(no), 0);
            }
            return;
        }
        if self.origin.at == Made::Call(no) && token.state.is_none() {
            self.opening(at, token, no, call, def);
        }
        let mut next = next;
        if self.origin.at == Made::Call(no) && call.result.is_some_and(|slot| token.name == Name::Slot(slot)) {
            // Another one takes the name.
            next.name = Name::Nothing;
        }
        self.push(at, next, Step::Silent, 0);
        for (raise, contract) in def.raises.iter().enumerate() {
            if !is_conditional(contract) || self.flowing.told.contains(&(no, contract.error)) {
                self.push(at, Token { at: At::Refused(no, raise), ..token }, Step::Refused(no, raise), 1);
            }
        }
    }

    /// The answers that a call may still give after silence.
    pub(super) fn answers(&mut self, at: usize, token: Token, no: NodeId, before: Option<StateId>) {
        let shape: &Shape<'_> = self.shape;
        let NodeKind::Call(call) = &shape.node(no).kind else { return };
        let def = shape.op(call);
        let Some(before) = before else {
            self.opened(at, token, no, call, def);
            return;
        };
        if let Some((param, change)) = self.given(&token, call, def) {
            self.outcomes(at, token, no, param, change, Some(before));
        }
    }

    /// The parameter that the resource is given to, and what the call does to it.
    fn given<'d>(&self, token: &Token, call: &CallNode, def: &'d OpDef) -> Option<(u16, &'d ResourceUse)> {
        let Name::Slot(name) = token.name else { return None };
        let args = (0u16..).zip(&call.args).filter(|(_, arg)| plain(arg) == Some(name));
        args.filter_map(|(param, _)| Some((param, on_param(def, usize::from(param))?))).next()
    }

    fn outcomes(
        &mut self,
        at: usize,
        token: Token,
        no: NodeId,
        param: u16,
        change: &ResourceUse,
        before: Option<StateId>,
    ) {
        let shape: &Shape<'_> = self.shape;
        let node = shape.node(no);
        let NodeKind::Call(call) = &node.kind else { return };
        let (Some(now), Some(before)) = (token.state, before) else { return };

        let mut done = token;
        self.set_state(&mut done, change.to.unwrap_or(now));
        done.at = self.to(node.next, node.scope);
        self.push(at, done, if change.to.is_some() { Step::Done(no) } else { Step::Silent }, 0);

        for (nth, raise) in shape.op(call).raises.iter().enumerate() {
            let Some(state) = after_refusal(raise, param, change, before, now) else { continue };
            if is_conditional(raise) {
                self.told.insert((no, raise.error));
            }
            let mut refused = token;
            self.set_state(&mut refused, state);
            refused.at = At::Refused(no, nth);
            self.push(at, refused, Step::Refused(no, nth), 1);
        }

        if let Some(doubt) = change.doubt.filter(|doubt| *doubt != now) {
            let mut unknown = token;
            self.set_state(&mut unknown, doubt);
            unknown.at = At::Calling(no, Some(before));
            self.push(at, unknown, Step::Unknown(no), 1);
        }
    }

    /// The call that makes the resource.
    fn opening(&mut self, at: usize, token: Token, no: NodeId, call: &CallNode, def: &OpDef) {
        self.opened(at, token, no, call, def);
        if let Some(doubt) = def.opens.as_ref().and_then(|opens| opens.doubt) {
            let unknown = Token { at: At::Calling(no, None), ..self.owing(token, doubt) };
            self.push(at, unknown, Step::Unknown(no), 1);
        }
    }

    /// The answers to an opening call; a plain refusal means that there never was a resource.
    fn opened(&mut self, at: usize, token: Token, no: NodeId, call: &CallNode, def: &OpDef) {
        let Some(opens) = &def.opens else { return };
        let node = self.shape.node(no);
        let name = call.result.map_or(Name::Nothing, Name::Slot);
        let done = Token { at: self.to(node.next, node.scope), name, ..self.owing(token, opens.state) };
        self.push(at, done, Step::Done(no), 0);
        for (nth, raise) in def.raises.iter().enumerate() {
            if let (true, Some(doubt)) = (raise.outcome_unknown, opens.doubt) {
                let refused = Token { at: At::Refused(no, nth), ..self.owing(token, doubt) };
                self.push(at, refused, Step::Refused(no, nth), 1);
            }
        }
    }

    /// The scope in which control stands owes the resource from now on.
    pub(super) fn owing(&self, token: Token, state: StateId) -> Token {
        let scope = self.scope_of(token.at);
        let owed = if self.is_past(&token, scope) { Owed::Before(scope) } else { Owed::By(scope) };
        Token { state: Some(state), owed, ..token }
    }
}

/// The state of the resource after a business error; none where the contract says that it can't come in this state.
fn after_refusal(raise: &Raise, param: u16, change: &ResourceUse, before: StateId, now: StateId) -> Option<StateId> {
    let mut told = raise.states.iter().filter(|(at, _, _)| *at == param).peekable();
    let by_state = told.peek().is_some() && told.clone().all(|(_, from, _)| from.is_some());
    let settled = if raise.outcome_unknown {
        change.doubt.unwrap_or(now)
    } else if told.clone().any(|(_, from, _)| *from == Some(now)) {
        now
    } else {
        before
    };
    let fits = told.find(|(_, from, _)| from.is_none_or(|from| from == settled));
    match fits {
        Some((_, _, to)) => Some(*to),
        None if by_state => None,
        None => Some(settled),
    }
}
