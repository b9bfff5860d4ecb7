//! The exploration of one resource: every way that control may go, fewest mishaps first.
use std::{cmp::Reverse, collections::BinaryHeap};

use flowline_plan::{NodeId, NodeKind, ScopeId, Slot, StateId, StateKind, TypeId};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    origin::{Made, Origin, plain},
    settle::Stuck,
    token::{At, Name, Owed, Step, Token, Why},
};
use crate::{flowing::Flowing, shape::Shape};

/// Positions of one resource that are looked at; far beyond any flow that a person can read.
const TOKENS_MAX: usize = 200_000;

/// Mishaps, then steps.
pub(super) type Cost = (u32, u32);

/// The exploration of one origin.
pub(super) struct Search<'s, 'a> {
    pub(super) shape: &'s Shape<'a>,
    pub(super) flowing: &'s Flowing,
    pub(super) origin: &'s Origin,
    /// States in which a whole comes to the `for each` that shares it out.
    pub(super) shared: &'s mut FxHashMap<NodeId, FxHashSet<StateId>>,
    /// Errors that come up only in one state, and do: call, error.
    pub(super) told: FxHashSet<(NodeId, TypeId)>,
    pub(super) trail: Vec<Trail>,
    pub(super) faults: Vec<Fault>,
    /// The limit was hit, or something runs beside what runs beside: what wasn't looked at isn't proven.
    pub(super) cut: bool,
    seen: FxHashSet<Token>,
    queue: BinaryHeap<Reverse<(Cost, usize)>>,
}

/// How a token came about.
#[derive(Debug, Clone)]
pub(super) struct Trail {
    pub(super) token: Token,
    pub(super) from: Option<usize>,
    pub(super) step: Step,
    pub(super) cost: Cost,
}

/// Something wrong, and the end of the trail that leads there.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) what: What,
    pub(super) trail: usize,
    pub(super) cost: Cost,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// Open when the run ends, at that `stop` or behind the last statement of the flow.
    OpenAtEnd(Option<NodeId>),
    /// Open when an attempt past its point of no return ends.
    OpenAfterReturn(ScopeId),
    /// A scope is left for that reason, and settling gets stuck in that state.
    NotLetGo { step: Step, state: StateId, stuck: Stuck },
    /// Given to a call or a flow, or shared out, in a state that isn't taken.
    WrongState(NodeId),
    /// In another state at the flow's end than its header says, at that `stop`.
    NotPromised(Option<NodeId>),
    /// In another state than the header says when that error leaves the flow.
    NotKept(TypeId, Why),
    /// A resource that the flow was given would be its result, at that `stop`.
    GivenBack(NodeId),
}

impl<'s, 'a> Search<'s, 'a> {
    pub(super) fn new(
        shape: &'s Shape<'a>,
        flowing: &'s Flowing,
        origin: &'s Origin,
        shared: &'s mut FxHashMap<NodeId, FxHashSet<StateId>>,
    ) -> Self {
        Self {
            shape,
            flowing,
            origin,
            shared,
            told: FxHashSet::default(),
            trail: Vec::new(),
            faults: Vec::new(),
            cut: false,
            seen: FxHashSet::default(),
            queue: BinaryHeap::new(),
        }
    }

    pub(super) fn run(&mut self) {
        let entry = self.entry(ScopeId(0));
        self.trail.push(Trail { token: Token::start(entry), from: None, step: Step::Silent, cost: (0, 0) });
        self.queue.push(Reverse(((0, 0), 0)));
        self.begin();
        while let Some(Reverse((_, at))) = self.queue.pop() {
            let Some(token) = self.trail.get(at).map(|trail| trail.token) else { continue };
            if !self.seen.insert(token) {
                continue;
            }
            if self.seen.len() > TOKENS_MAX {
                self.cut = true;
                return;
            }
            self.expand(at, token);
        }
    }

    /// What the flow is given is there from the beginning.
    fn begin(&mut self) {
        let Made::Param(at) = self.origin.at else { return };
        let Some(take) = self.shape.plan.signature.takes.get(at) else { return };
        let start = Token::start(self.entry(ScopeId(0)));
        let name = Name::Slot(Slot { scope: ScopeId(0), at: take.param });
        for state in &take.from {
            let state = Some(*state);
            let given = Token { state, began: state, name, owed: Owed::By(ScopeId(0)), ..start };
            self.push(0, given, Step::Given, 0);
            if !self.is_open(state) {
                // It may have come to that past a point of no return of the one who runs the flow.
                self.push(0, Token { owed: Owed::Nobody, ..given }, Step::Given, 0);
            }
        }
    }

    /// A way on from a trail.
    pub(super) fn push(&mut self, from: usize, token: Token, step: Step, mishaps: u32) {
        if self.seen.contains(&token) {
            return;
        }
        let cost = self.cost(from, mishaps);
        self.queue.push(Reverse((cost, self.trail.len())));
        self.trail.push(Trail { token, from: Some(from), step, cost });
    }

    pub(super) fn fault(&mut self, trail: usize, what: What, mishaps: u32) {
        let cost = self.cost(trail, mishaps);
        self.faults.push(Fault { what, trail, cost });
    }

    fn cost(&self, from: usize, mishaps: u32) -> Cost {
        let (before, steps) = self.trail.get(from).map_or((0, 0), |trail| trail.cost);
        (before + mishaps, steps + 1)
    }

    /// Where a scope begins.
    pub(super) fn entry(&self, scope: ScopeId) -> At {
        self.to(self.shape.scope(scope).entry, scope)
    }

    /// A place in a scope; none is its end.
    pub(super) fn to(&self, next: Option<NodeId>, scope: ScopeId) -> At {
        next.map_or(At::End(scope), At::Node)
    }

    /// The scope in whose frame control stands.
    pub(super) fn scope_of(&self, at: At) -> ScopeId {
        match at {
            At::End(scope) => scope,
            At::Node(node) | At::Calling(node, _) | At::Refused(node, _) | At::Joining(node) | At::Running(node) => {
                self.shape.node(node).scope
            }
        }
    }

    pub(super) fn is_past(&self, token: &Token, scope: ScopeId) -> bool {
        token.past(self.shape.depth(scope))
    }

    /// The innermost scope around that is past its point of no return.
    pub(super) fn innermost_past(&self, token: &Token) -> Option<ScopeId> {
        let depth = token.past_depth()?;
        self.shape.outward(self.scope_of(token.at)).find(|scope| self.shape.depth(*scope) == depth)
    }

    pub(super) fn is_open(&self, state: Option<StateId>) -> bool {
        let def = self.shape.bundle.resource(self.origin.ty);
        let known = state.and_then(|state| def?.states.get(state.index()));
        known.is_some_and(|state| state.kind != StateKind::Closed)
    }

    /// Moves the resource; what is reached past a point of no return is undone by nobody but the scopes inside it.
    pub(super) fn set_state(&self, token: &mut Token, state: StateId) {
        if token.state == Some(state) {
            return;
        }
        token.state = Some(state);
        let Some(past) = self.innermost_past(token) else { return };
        let inside = match token.owed {
            Owed::By(owner) => owner != past && self.shape.contains(past, owner),
            Owed::Before(_) => true,
            Owed::Nobody | Owed::Lent | Owed::Gone => false,
        };
        if !inside {
            token.owed = Owed::Before(past);
        }
    }

    /// The run ends here without settling: what is open passes to the one who runs the flow, as the header says, or not
    /// at all.
    pub(super) fn check_end(&mut self, at: usize, token: &Token, stop: Option<NodeId>) {
        let signature = &self.shape.plan.signature;
        let value = stop.and_then(|stop| {
            let NodeKind::Stop { value, .. } = &self.shape.node(stop).kind else { return None };
            value.as_ref().and_then(plain)
        });
        let result = stop.filter(|_| value.is_some_and(|slot| token.name == Name::Slot(slot)));
        if let (Owed::Gone, Some(stop)) = (token.owed, result) {
            self.fault(at, What::WrongState(stop), 0);
        }
        let Some(state) = token.state else { return };
        let take = if let Made::Param(take) = self.origin.at { signature.takes.get(take) } else { None };
        let promised = match (take, result, &signature.gives) {
            (Some(_), Some(stop), _) => return self.fault(at, What::GivenBack(stop), 0),
            (Some(take), None, _) if take.to.is_empty() => token.state == token.began,
            (Some(take), None, _) => take.to.contains(&state),
            (None, Some(_), Some(gives)) => gives.states.contains(&state),
            (None, _, _) if self.is_open(token.state) => return self.fault(at, What::OpenAtEnd(stop), 0),
            (None, _, _) => true,
        };
        match token.owed {
            _ if !promised => self.fault(at, What::NotPromised(stop), 0),
            // No scope around lets go of it, neither here nor where the flow is run.
            Owed::Before(scope) if self.is_open(token.state) => self.fault(at, What::OpenAfterReturn(scope), 0),
            Owed::By(_) | Owed::Before(_) | Owed::Nobody | Owed::Lent | Owed::Gone => {}
        }
    }
}
