//! A trail in the author's words.
use flowline_diag::{Diagnostic, Label};
use flowline_plan::{NodeId, NodeKind, OpRef, ScopeKind, StateId, StateKind, Trigger};

use super::{
    Resource,
    origin::Made,
    search::Fault,
    token::{Name, Owed, Step, Token, Why},
};
use crate::shape::Shape;

impl Resource {
    /// The steps that lead to a fault, each where it happens.
    pub(super) fn story(&self, shape: &Shape<'_>, fault: &Fault) -> Vec<Label> {
        let mut way = Vec::new();
        let mut at = Some(fault.trail);
        while let Some(trail) = at.and_then(|at| self.trail.get(at)) {
            way.push(trail);
            at = trail.from;
        }
        way.reverse();
        let mut story = Vec::new();
        for (before, after) in way.iter().zip(way.iter().skip(1)) {
            story.extend(self.tell(shape, &before.token, &after.token, &after.step));
        }
        story
    }

    /// One step; silent ones tell nothing.
    pub(super) fn tell(&self, shape: &Shape<'_>, before: &Token, after: &Token, step: &Step) -> Vec<Label> {
        let name = &self.origin.name;
        let is = self.is(shape, after);
        let moved = before.state != after.state;
        match step {
            Step::Silent => Vec::new(),
            Step::Done(node) => {
                let text = format!("after `{}`, {name} is {is}", shape.node(*node).label);
                vec![Label::new(shape.node_span(*node), text)]
            }
            Step::Unknown(node) => {
                let label = &shape.node(*node).label;
                vec![Label::new(shape.node_span(*node), format!("`{label}` gives no answer: {name} is {is}"))]
            }
            Step::Refused(node, nth) => {
                let label = &shape.node(*node).label;
                let call = if let NodeKind::Call(call) = &shape.node(*node).kind { Some(call) } else { None };
                let raise = call.and_then(|call| shape.op(call).raises.get(*nth));
                let error = shape.refusal(*node, *nth).map_or("an error", |error| shape.type_name(error));
                let mut text = if call.is_none() {
                    format!("`{label}` fails: {error}")
                } else if raise.is_some_and(|raise| raise.outcome_unknown) {
                    format!("`{label}` answers {error}, and may have taken effect")
                } else {
                    format!("`{label}` is refused: {error}")
                };
                if moved && after.state.is_some() {
                    text.push_str(&format!("; {name} is {is}"));
                }
                vec![Label::new(shape.node_span(*node), text)]
            }
            Step::Shared(node) => vec![Label::new(shape.node_span(*node), format!("{name} is handed out; it is {is}"))],
            Step::Given => {
                let at = self.origin.span(shape);
                vec![Label::new(at, format!("the flow is given {name}, which is {is}"))]
            }
            Step::Handed(node) => {
                let label = &shape.node(*node).label;
                vec![Label::new(shape.node_span(*node), format!("`{label}` has {name} from now on"))]
            }
            Step::Within(node) => {
                let label = &shape.node(*node).label;
                let text = format!("`{label}` is stopped while it runs, and lets go of {name}: {is}");
                vec![Label::new(shape.node_span(*node), text)]
            }
            Step::Returnless(node) => {
                let text = format!("the point of no return: from here on nobody lets go of {name}");
                vec![Label::new(shape.node_span(*node), text)]
            }
            Step::Ended(scope) => {
                let what = self.block(shape, *scope);
                let text = format!("{what} ends, and nothing has a name for {name} any more; it is still {is}");
                vec![Label::new(shape.scope_span(*scope), text)]
            }
            Step::Left(why, target) => {
                let mut labels: Vec<Label> = self.why(shape, why).into_iter().collect();
                if moved && after.state.is_some() {
                    let by = before.state.and_then(|state| self.row(shape, state));
                    let by = by.map_or("leaving".to_owned(), |op| format!("`{}`", shape.bundle.op_name(op)));
                    let what = self.block(shape, *target);
                    let text = format!("{what} is left, and {by} lets go of {name}: {is}");
                    labels.push(Label::new(shape.scope_span(*target), text));
                }
                labels
            }
            Step::Kept(why, handler) => {
                let mut labels: Vec<Label> = self.why(shape, why).into_iter().collect();
                let text = match after.name {
                    Name::Nothing | Name::Given => format!(
                        "the handler takes over what was done since, {name} with it, and has no name for it; it is {is}"
                    ),
                    Name::Slot(_) | Name::List(_) => format!("the handler keeps {name}; it is {is}"),
                };
                labels.push(Label::new(shape.scope_span(*handler), text));
                labels
            }
        }
    }

    /// Why a scope is left, where no step before has told.
    pub(super) fn why(&self, shape: &Shape<'_>, why: &Why) -> Option<Label> {
        match why {
            Why::Told => None,
            Why::Raised(escape) => Some(Label::new(shape.node_span(escape.site), shape.happens(escape))),
            Why::Sibling(escape) => {
                let text = format!("meanwhile, in another branch, {}", shape.happens(escape));
                Some(Label::new(shape.node_span(escape.site), text))
            }
            Why::Interrupted(handler) => {
                let text = match shape.trigger_of(*handler) {
                    Some(Trigger::Event { arm, .. }) => format!("`{}` arrives", shape.type_name(arm.event)),
                    Some(Trigger::After(_) | Trigger::Errors(_)) | None => "the time of the attempt is up".to_owned(),
                };
                Some(Label::new(shape.scope_span(*handler), text))
            }
            Why::Terminated => Some(Label::new(shape.span(shape.plan.span), "somebody ends the run here".to_owned())),
        }
    }

    /// Puts a fault's story and its last step into a finding.
    pub(super) fn told(&self, shape: &Shape<'_>, fault: &Fault, mut finding: Diagnostic, last: Label) -> Diagnostic {
        finding.path = self.story(shape, fault);
        finding.path.push(last);
        finding
    }

    pub(super) fn state_name<'s>(&self, shape: &'s Shape<'_>, state: StateId) -> &'s str {
        shape.state_name(self.origin.ty, state)
    }

    /// The sub-flow that had the resource when it failed or was stopped, where the header says nothing else.
    pub(super) fn let_go_in(&self, shape: &Shape<'_>, fault: &Fault) -> Option<NodeId> {
        let way = std::iter::successors(self.trail.get(fault.trail), |trail| self.trail.get(trail.from?));
        way.into_iter().find_map(|trail| {
            let (Step::Within(node) | Step::Refused(node, _)) = &trail.step else { return None };
            let before = trail.from.and_then(|from| self.trail.get(from))?;
            let moved = before.token.state != trail.token.state;
            (moved && matches!(shape.node(*node).kind, NodeKind::RunFlow(_))).then_some(*node)
        })
    }

    /// Its state in words.
    fn is<'s>(&self, shape: &'s Shape<'_>, token: &Token) -> &'s str {
        match (token.owed, token.state) {
            (Owed::Lent, None) => "lent to a sub-flow",
            (Owed::Gone, None) => "handed over",
            (_, Some(state)) => self.state_name(shape, state),
            (Owed::By(_) | Owed::Before(_) | Owed::Nobody, None) => "not open",
        }
    }

    /// The state of the resource in words, where the fault comes up.
    pub(super) fn is_at<'s>(&self, shape: &'s Shape<'_>, fault: &Fault) -> &'s str {
        self.trail.get(fault.trail).map_or("not open", |trail| self.is(shape, &trail.token))
    }

    pub(super) fn is_open(&self, shape: &Shape<'_>, state: StateId) -> bool {
        let def = shape.bundle.resource(self.origin.ty).and_then(|def| def.states.get(state.index()));
        def.is_some_and(|state| state.kind != StateKind::Closed)
    }

    /// The states in which the header says that the resource is at the flow's end.
    pub(super) fn promised(&self, shape: &Shape<'_>, fault: &Fault) -> Vec<StateId> {
        let signature = &shape.plan.signature;
        let Made::Param(take) = self.origin.at else {
            return signature.gives.as_ref().map_or(Vec::new(), |gives| gives.states.clone());
        };
        match signature.takes.get(take) {
            Some(take) if take.to.is_empty() => {
                self.trail.get(fault.trail).and_then(|trail| trail.token.began).into_iter().collect()
            }
            Some(take) => take.to.clone(),
            None => Vec::new(),
        }
    }

    /// The state of the resource where the fault comes up.
    pub(super) fn state_at(&self, fault: &Fault) -> Option<StateId> {
        self.trail.get(fault.trail)?.token.state
    }

    /// What names the resource where the fault comes up.
    pub(super) fn name_at(&self, fault: &Fault) -> Name {
        self.trail.get(fault.trail).map_or(Name::Nothing, |trail| trail.token.name)
    }

    /// Whether a scope would let go of the resource if an error left it where the fault comes up.
    pub(super) fn is_owed(&self, fault: &Fault) -> bool {
        self.trail.get(fault.trail).is_some_and(|trail| matches!(trail.token.owed, Owed::By(_)))
    }

    /// Whether an error, an event or a deadline ended an attempt since the resource was opened.
    pub(super) fn was_left(&self, fault: &Fault) -> bool {
        let way = std::iter::successors(self.trail.get(fault.trail), |trail| self.trail.get(trail.from?));
        let open = way.take_while(|trail| trail.token.state.is_some());
        open.into_iter().any(|trail| matches!(trail.step, Step::Left(..) | Step::Refused(..)))
    }

    /// Whether a handler took the resource over; then whether it has a name for it.
    pub(super) fn kept_by_handler(&self, fault: &Fault) -> Option<bool> {
        let way = std::iter::successors(self.trail.get(fault.trail), |trail| self.trail.get(trail.from?));
        let mut kept = way.filter(|trail| matches!(trail.step, Step::Kept(..)));
        kept.next().map(|trail| !matches!(trail.token.name, Name::Nothing | Name::Given))
    }

    /// The operation of a state's abandon row.
    pub(super) fn row(&self, shape: &Shape<'_>, state: StateId) -> Option<OpRef> {
        let def = shape.bundle.resource(self.origin.ty)?;
        def.states.get(state.index())?.abandon.as_ref().map(|row| row.op)
    }

    /// The calls that close the resource from a state: `inventory.release(hold)`.
    pub(super) fn closers(&self, shape: &Shape<'_>, state: StateId) -> Vec<String> {
        let Some(def) = shape.bundle.resource(self.origin.ty) else { return Vec::new() };
        let closed = |state: StateId| def.states.get(state.index()).is_some_and(|s| s.kind == StateKind::Closed);
        let mut closers = Vec::new();
        for system in &shape.bundle.systems {
            for op in &system.ops {
                let closes = op.params.iter().any(|param| {
                    param.ty == flowline_plan::Type::Resource(self.origin.ty)
                        && param
                            .resource
                            .as_ref()
                            .is_some_and(|change| change.from.contains(&state) && change.to.is_some_and(closed))
                });
                if closes {
                    closers.push(format!("`{}.{}`", system.name, op.name));
                }
            }
        }
        closers
    }

    /// What a scope is to its author.
    pub(super) fn block(&self, shape: &Shape<'_>, scope: flowline_plan::ScopeId) -> &'static str {
        match shape.scope(scope).kind {
            ScopeKind::Flow => "the flow",
            ScopeKind::Attempt => "the attempt",
            ScopeKind::Handler => "the handler",
            ScopeKind::TooLate => "the `too late`",
            ScopeKind::Meanwhile => "the `meanwhile`",
            ScopeKind::Branch => "the branch",
            ScopeKind::Element => "the element",
            ScopeKind::Round => "the round",
        }
    }
}
