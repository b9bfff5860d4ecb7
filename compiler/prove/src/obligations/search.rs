//! The exploration of one resource: every way that control may go, fewest mishaps first.
use std::{cmp::Reverse, collections::BinaryHeap};

use flowline_plan::{NodeId, ScopeId, StateId, StateKind, TypeId};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    origin::Origin,
    settle::Stuck,
    token::{At, Owed, Step, Token},
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
    /// The limit was hit: what wasn't looked at isn't proven.
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
    /// Given to a call, or shared out, in a state that isn't taken.
    WrongState(NodeId),
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
            At::Node(node) | At::Calling(node, _) | At::Refused(node, _) | At::Joining(node) => {
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
            Owed::Nobody => false,
        };
        if !inside {
            token.owed = Owed::Before(past);
        }
    }

    /// The run ends here without settling.
    pub(super) fn check_end(&mut self, at: usize, token: &Token, stop: Option<NodeId>) {
        if self.is_open(token.state) {
            self.fault(at, What::OpenAtEnd(stop), 0);
        }
    }
}
