//! What each place of a flow does to a resource on its way.
use flowline_plan::{ChooseArm, EachNode, Instr, NodeId, NodeKind, ScopeId, ScopeKind, StateKind};

use super::{
    origin::{Made, given_to, is_list, outside, plain},
    search::{Search, What},
    token::{At, Back, Name, Owed, Step, Token, Why},
};
use crate::{
    cause::{Cause, Escape, raised_by},
    flowing::{no_stop_in, targets},
    shape::Shape,
};

impl Search<'_, '_> {
    /// Every way on from a token.
    pub(super) fn expand(&mut self, at: usize, token: Token) {
        if !matches!(token.at, At::End(ScopeId(0))) {
            self.boundary(at, &token);
        }
        match token.at {
            At::Node(node) => self.node(at, token, node),
            At::End(scope) => self.end(at, token, scope, false),
            At::Calling(node, before) => self.answers(at, token, node, before),
            At::Refused(node, raise) => self.refused(at, token, node, raise),
            At::Running(_) => {}
            At::Joining(node) => {
                let shape: &Shape<'_> = self.shape;
                let ended = shape.node(node);
                let next = Token { at: self.to(ended.next, ended.scope), ..token };
                for passed in shape.returns_in_branches(node) {
                    self.pass_return(at, next, passed);
                }
                self.push(at, next, Step::Silent, 0);
            }
        }
    }

    fn node(&mut self, at: usize, token: Token, no: NodeId) {
        let shape: &Shape<'_> = self.shape;
        let node = shape.node(no);
        let next = Token { at: self.to(node.next, node.scope), ..token };
        match &node.kind {
            NodeKind::Let { slot, code } => {
                let name = match (token.name, plain(code)) {
                    (Name::Slot(old), Some(from)) if old == from && self.is_used(*slot) => Name::Slot(*slot),
                    (Name::List(old), Some(from)) if old == from && self.is_used(*slot) => Name::List(*slot),
                    (name, _) => name,
                };
                self.push(at, Token { name, ..next }, Step::Silent, 0);
            }
            NodeKind::Call(_) => {
                self.beside(at, &token);
                self.call(at, token, no, next);
            }
            NodeKind::Await(_) => {
                self.beside(at, &token);
                for target in targets(&node.kind) {
                    self.push(at, Token { at: self.to(target, node.scope), ..token }, Step::Silent, 0);
                }
                self.raise_own(at, &token, no);
            }
            NodeKind::Wait { .. } => {
                self.beside(at, &token);
                self.push(at, next, Step::Silent, 0);
            }
            NodeKind::Choose { arms, otherwise, .. } => {
                for target in choices(&token, arms, *otherwise) {
                    self.push(at, Token { at: self.to(target, node.scope), ..token }, Step::Silent, 0);
                }
            }
            NodeKind::Attempt { body, .. } if self.origin.matters.contains(&no) => self.enter(at, token, *body),
            NodeKind::Parallel { branches, .. } if self.origin.matters.contains(&no) => {
                let inside: Vec<_> = branches.iter().copied().filter(|branch| self.matters_in(*branch)).collect();
                if inside.is_empty() {
                    self.skip(at, &token, no, Token { at: At::Joining(no), ..token });
                }
                for branch in inside {
                    self.enter(at, token, branch);
                }
            }
            NodeKind::Repeat { body, .. } if self.origin.matters.contains(&no) => self.enter(at, token, *body),
            NodeKind::Each(each) if self.origin.matters.contains(&no) => self.each(at, token, no, each, next),
            NodeKind::Attempt { .. } | NodeKind::Parallel { .. } | NodeKind::Repeat { .. } | NodeKind::Each(_) => {
                self.skip(at, &token, no, next);
            }
            NodeKind::Emit { .. } | NodeKind::Status { .. } => self.push(at, next, Step::Silent, 0),
            NodeKind::RunFlow(run) => self.run_flow(at, token, no, run, next),
            NodeKind::Fail { .. } => self.raise_own(at, &token, no),
            NodeKind::Stop { .. } => {
                // A `stop` in a branch is a fault of its own.
                if no_stop_in(shape, node.scope).is_none() {
                    self.check_end(at, &token, Some(no));
                }
            }
            NodeKind::Give { value } => {
                let given = plain(value).is_some_and(|slot| [Name::Slot(slot), Name::List(slot)].contains(&token.name));
                let name = if given { Name::Given } else { token.name };
                let ended = Token { at: At::End(node.scope), name, ..token };
                if shape.scope(node.scope).kind == ScopeKind::Round {
                    self.end(at, ended, node.scope, true);
                } else {
                    self.push(at, ended, Step::Silent, 0);
                }
            }
            NodeKind::PointOfNoReturn => self.pass_return(at, next, no),
        }
    }

    /// What the node itself may raise, where the resource has no part in it.
    pub(super) fn raise_own(&mut self, at: usize, token: &Token, no: NodeId) {
        for cause in raised_by(self.shape, no, &self.flowing.told) {
            self.raise_escape(at, token, self.shape.node(no).scope, Escape { site: no, cause });
        }
    }

    /// Goes past a node with scopes inside that don't matter to the resource.
    fn skip(&mut self, at: usize, token: &Token, no: NodeId, next: Token) {
        if self.flowing.falls_through.contains(&no) {
            self.push(at, next, Step::Silent, 0);
        }
        let flowing = self.flowing;
        for escape in flowing.node_escapes.get(&no).map_or(&[][..], Vec::as_slice) {
            self.raise_escape(at, token, self.shape.node(no).scope, escape.clone());
        }
    }

    fn enter(&mut self, at: usize, token: Token, scope: ScopeId) {
        self.push(at, Token { at: self.entry(scope), ..token }, Step::Silent, 0);
    }

    fn each(&mut self, at: usize, token: Token, no: NodeId, each: &EachNode, next: Token) {
        let shared = each.sharing.as_ref().and_then(|sharing| plain(&sharing.resource));
        if token.owed == Owed::Gone && shared.is_some_and(|slot| token.name == Name::Slot(slot)) {
            return self.fault(at, What::WrongState(no), 0);
        }
        if let (Some(slot), Some(state)) = (shared, token.state)
            && token.name == Name::Slot(slot)
        {
            let def = self.shape.bundle.resource(self.origin.ty);
            let kind = def.and_then(|def| def.states.get(state.index())).map(|state| state.kind);
            if kind != Some(StateKind::Open) {
                self.fault(at, What::WrongState(no), 0);
                return;
            }
            self.shared.entry(no).or_default().insert(state);
        }
        if self.origin.at == Made::Part(no) && token.state.is_none() {
            let part = each.sharing.as_ref().map_or(Name::Nothing, |sharing| Name::Slot(sharing.part));
            let states: Vec<_> = self.shared.get(&no).into_iter().flatten().copied().collect();
            for state in states {
                let part = Token {
                    at: self.entry(each.body),
                    state: Some(state),
                    name: part,
                    owed: Owed::By(each.body),
                    ..token
                };
                self.push(at, part, Step::Shared(no), 0);
            }
        }
        match (token.name, plain(&each.list)) {
            (Name::List(list), Some(through)) if list == through => {
                let name = Name::Slot(each.item);
                self.push(at, Token { at: self.entry(each.body), name, ..token }, Step::Silent, 0);
            }
            (Name::Slot(slot), _) if self.names_in(each.body, slot) => self.enter(at, token, each.body),
            (Name::Slot(_) | Name::List(_) | Name::Given | Name::Nothing, _) => {
                if self.matters_in(each.body) {
                    self.enter(at, token, each.body);
                }
                self.skip(at, &token, no, next);
            }
        }
    }

    fn pass_return(&mut self, at: usize, mut next: Token, no: NodeId) {
        let shape: &Shape<'_> = self.shape;
        let scope = shape.node(no).scope;
        let owner = shape.forward_owner(scope);
        next.pass(shape.depth(owner));
        let mut step = Step::Silent;
        if let Owed::By(held) = next.owed
            && shape.contains(owner, held)
        {
            next.owed = Owed::Before(owner);
            step = Step::Returnless(no);
        }
        self.push(at, next, step, 0);
    }

    /// The end of a scope: what it holds goes to the scope around it. A round that was `given` a value is the last.
    fn end(&mut self, at: usize, token: Token, scope: ScopeId, given: bool) {
        let shape: &Shape<'_> = self.shape;
        let kind = shape.scope(scope).kind;
        if matches!(kind, ScopeKind::Attempt) {
            self.beside(at, &token);
        }
        if token.owed == Owed::Before(scope) && scope != ScopeId(0) && self.is_open(token.state) {
            self.fault(at, What::OpenAfterReturn(scope), 0);
            return;
        }
        let Some(runner) = shape.runner(scope) else {
            self.check_end(at, &token, None);
            return;
        };
        let node = shape.node(runner);
        let around = if matches!(kind, ScopeKind::Meanwhile | ScopeKind::TooLate) {
            node.scope
        } else {
            shape.outer(scope).unwrap_or(ScopeId(0))
        };
        let mut after = token;
        after.outside(shape.depth(scope));
        after.owed = match token.owed {
            Owed::By(held) if held == scope && self.is_past(&after, around) => Owed::Before(around),
            Owed::By(held) if held == scope => Owed::By(around),
            Owed::Before(held) if held == scope => Owed::Nobody,
            owed @ (Owed::By(_) | Owed::Before(_) | Owed::Nobody | Owed::Lent | Owed::Gone) => owed,
        };
        after.name = match token.name {
            Name::Given => match given_to(shape, scope) {
                Some(slot) if is_list(shape, slot) => Name::List(slot),
                Some(slot) => Name::Slot(slot),
                None => Name::Nothing,
            },
            name @ (Name::Slot(_) | Name::List(_) | Name::Nothing) => outside(shape, name, scope),
        };
        let lost = after.name == Name::Nothing && token.name != Name::Nothing && self.is_open(token.state);
        let step = if lost { Step::Ended(scope) } else { Step::Silent };
        let next = Token { at: self.to(node.next, node.scope), ..after };
        match kind {
            ScopeKind::Attempt | ScopeKind::Handler | ScopeKind::Flow => self.push(at, next, step, 0),
            ScopeKind::Branch | ScopeKind::Element => {
                self.push(at, Token { at: At::Joining(runner), ..after }, step, 0);
            }
            ScopeKind::Meanwhile | ScopeKind::TooLate => {
                let back = match token.back {
                    Some(Back::Node(node)) => At::Node(node),
                    Some(Back::End(scope)) => At::End(scope),
                    None => next.at,
                };
                // The body stands where it stood, past its own point of no return or not.
                let mut back = Token { at: back, back: None, owed: after.owed, name: after.name, ..token };
                back.outside(shape.depth(scope));
                self.push(at, back, step, 0);
            }
            ScopeKind::Round => {
                self.push(at, next, step.clone(), 0);
                if given {
                    return;
                }
                self.push(at, Token { at: self.entry(scope), ..after }, step, 0);
                let escape = Escape { site: runner, cause: Cause::Exhausted };
                self.raise_escape(at, &Token { at: At::Node(runner), ..after }, node.scope, escape);
            }
        }
    }

    /// A refusal, told already: somebody takes it, or the flow ends.
    fn refused(&mut self, at: usize, token: Token, no: NodeId, raise: usize) {
        let shape: &Shape<'_> = self.shape;
        if let Some(error) = shape.refusal(no, raise) {
            self.raise(at, &token, shape.node(no).scope, &Cause::Error(error), Why::Told, 0);
        }
    }

    /// Whether some node names the slot as a whole.
    fn is_used(&self, slot: flowline_plan::Slot) -> bool {
        let mut nodes = self.shape.nodes();
        nodes.any(|(node, _)| super::origin::names(self.shape, node).contains(&slot))
    }

    /// Whether a node in the scope names the slot as a whole.
    fn names_in(&self, scope: ScopeId, slot: flowline_plan::Slot) -> bool {
        let mut nodes = self.shape.nodes().filter(|(_, node)| self.shape.contains(scope, node.scope));
        nodes.any(|(node, _)| super::origin::names(self.shape, node).contains(&slot))
    }
}

/// Where a choice may go on. Conditions aren't looked at, but for one: a name that stands for the resource `exists`.
fn choices(token: &Token, arms: &[ChooseArm], otherwise: Option<NodeId>) -> Vec<Option<NodeId>> {
    let mut ways = Vec::with_capacity(arms.len() + 1);
    for arm in arms {
        let known = match arm.condition.ops.as_slice() {
            [Instr::Slot(slot), Instr::IsNone, nots @ ..]
                if [Name::Slot(*slot), Name::List(*slot)].contains(&token.name) =>
            {
                nots.iter().all(|op| *op == Instr::Not).then_some(nots.len() % 2 == 1)
            }
            _ => None,
        };
        if known != Some(false) {
            ways.push(arm.target);
        }
        if known == Some(true) {
            return ways;
        }
    }
    ways.push(otherwise);
    ways
}
