//! `keeping`: which resources a handler takes over, as the runtime sets them apart (`flowline_core::control`).
//!
//! Where the body stands says what is there: its own statements come one after the other, so what a statement before the
//! present one binds has been opened. The handler takes over what comes from that statement and from all after it that are
//! done; what the present one did is let go, unless that is a call which may have opened what the handler names.
use flowline_plan::{Handler, NodeId, NodeKind, ScopeId, Slot};

use super::{
    search::Search,
    token::{At, Back, Name, Owed, Token},
};
use crate::{cause::runs_beside, flowing::comes_after, shape::Shape};

/// Where a body stands when it is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// At one of its own statements, before it or inside of it.
    At(NodeId),
    /// Past its last one.
    End,
}

impl Search<'_, '_> {
    /// Whether the handler takes the resource over, where the body would else let go of it.
    pub(super) fn is_kept(&self, token: &Token, body: ScopeId, handler: &Handler) -> bool {
        if token.owed != Owed::By(body) {
            return false;
        }
        let born = self.origin.at.node().and_then(|node| own_statement(self.shape, node, body));
        let Some(born) = born else { return false };
        let standing = self.standing(token, body);
        let opened_by = |binder: NodeId| matches!(self.shape.node(binder).kind, NodeKind::Call(_)) && born == binder;
        let named = || handler.keeping.iter().filter_map(|kept| binder(self.shape, body, kept.from));
        let whole = is_done(self.shape, born, standing) || named().any(opened_by);
        let since = |binder: NodeId| {
            (opened_by(binder) || is_done(self.shape, binder, standing))
                && (born == binder || comes_after(self.shape, binder, born))
        };
        whole && named().any(since)
    }

    /// What names the resource in the handler; none where that is as for any other handler.
    pub(super) fn kept_name(&self, token: &Token, body: ScopeId, handler: &Handler) -> Option<Name> {
        let standing = self.standing(token, body);
        handler.keeping.iter().find_map(|kept| {
            let binder = binder(self.shape, body, kept.from)?;
            if token.name == Name::List(kept.from) && is_done(self.shape, binder, standing) {
                return Some(Name::List(kept.to));
            }
            // A call that gave no answer has bound no name, and yet may have opened it.
            let named = token.name == Name::Slot(kept.from) && is_done(self.shape, binder, standing);
            let doubtful = self.origin.at.node() == Some(binder)
                && standing == Standing::At(binder)
                && matches!(self.shape.node(binder).kind, NodeKind::Call(_));
            (token.state.is_some() && (named || doubtful)).then_some(Name::Slot(kept.to))
        })
    }

    fn standing(&self, token: &Token, body: ScopeId) -> Standing {
        let place = match token.at {
            At::Node(node) | At::Calling(node, _) | At::Refused(node, _) | At::Joining(node) | At::Running(node) => {
                Back::Node(node)
            }
            At::End(scope) => Back::End(scope),
        };
        let beside = self.shape.outward(self.scope_of(token.at)).find(|scope| {
            runs_beside(self.shape.scope(*scope).kind) && self.shape.outer(*scope).is_some_and(|outer| outer == body)
        });
        // What runs beside the body says nothing about it.
        let place = token.back.filter(|_| beside.is_some()).unwrap_or(place);
        let at = match place {
            Back::Node(node) => own_statement(self.shape, node, body),
            Back::End(scope) if scope == body => None,
            Back::End(scope) => self.shape.runner(scope).and_then(|node| own_statement(self.shape, node, body)),
        };
        at.map_or(Standing::End, Standing::At)
    }
}

/// The statement of the scope that is the node, or in which it lies.
fn own_statement(shape: &Shape<'_>, node: NodeId, scope: ScopeId) -> Option<NodeId> {
    let up = |node: &NodeId| shape.runner(shape.node(*node).scope);
    std::iter::successors(Some(node), up).find(|node| shape.node(*node).scope == scope)
}

/// The statement of the body that binds a slot.
fn binder(shape: &Shape<'_>, body: ScopeId, slot: Slot) -> Option<NodeId> {
    shape.nodes().find(|(_, node)| node.scope == body && node.kind.binds(slot)).map(|(at, _)| at)
}

/// Whether a statement of the body is done where that stands.
fn is_done(shape: &Shape<'_>, statement: NodeId, standing: Standing) -> bool {
    match standing {
        Standing::At(at) => at != statement && comes_after(shape, statement, at),
        Standing::End => true,
    }
}
