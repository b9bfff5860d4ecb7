//! Sub-flows: what they are given, what comes back, and how one that has ended is undone.
//!
//! A resource that a sub-flow is given is lent: as long as that runs, the state here stands still, no timer of it runs
//! here, and nobody here may use it. The end of the sub-flow says where each one is, whatever that end was. A flow that
//! is only started keeps what it is given.
use flowline_plan::{Node, NodeId, NodeKind, RunFlowNode, StateId, StateKind, TypeId, Value};

use super::{At, Away, Cause, Control, Effect, Machine, Oracle, Resource, Stop, machine::internal};
use crate::{CallKey, Ending, Goods, Handed, Incident, Output, Returned, RunId, ids::hash128};

/// The number of no frame: what is past its point of no return is undone by nobody.
const NO_FRAME: u32 = u32::MAX;

impl Control {
    /// What an ended run hands back: each resource that it was given, and the one that it ends with.
    pub fn returned(&self, ending: &Ending, goods: impl Fn(u32) -> Goods) -> Vec<Returned> {
        let result = match ending {
            Ending::Stopped { value: Value::Resource(number), .. }
            | Ending::Completed { value: Value::Resource(number) } => Some(*number),
            Ending::Stopped { .. } | Ending::Completed { .. } | Ending::Failed(_) | Ending::Settled => None,
        };
        let all = (0u32..).zip(&self.resources);
        let owed = all.filter(|(number, resource)| resource.given.is_some() || Some(*number) == result);
        let returned = owed.filter_map(|(number, resource)| {
            let (ty, is_last, goods) = (resource.ty, resource.last.is_some(), goods(number));
            Some(Returned { number, handed: Handed { ty, state: resource.state?, is_last, goods } })
        });
        returned.collect()
    }
}

impl<O: Oracle> Machine<'_, O> {
    /// `run`, `start`.
    pub(super) fn start_flow(&mut self, no: u32, node: &Node, run: &RunFlowNode) -> Result<(), Incident> {
        let child = RunId::of_parent(self.control.run, self.step_key(no, node));
        let mut args = self.oracle.prepare(no, &run.args)?;
        let lent = self.lendable(no, run, &args)?;
        let mut resources = Vec::with_capacity(lent.len());
        for (number, (at, resource)) in (0u32..).zip(lent) {
            let away = if run.detached { Away::Gone } else { Away::Lent { child, number } };
            resources.push(self.lend(no, resource, away)?);
            if let Some(arg) = args.get_mut(at) {
                *arg = Value::Resource(number);
            }
        }
        self.emit(Output::StartChild { child, flow: run.flow, args, joined: !run.detached, resources });
        if run.detached {
            self.oracle.call_over(no);
            self.go(no, node.next);
        } else {
            self.set_at(no, At::Child(child));
        }
        Ok(())
    }

    /// The resources among the arguments, by their place; each must be in a state that the flow takes.
    fn lendable(&self, no: u32, run: &RunFlowNode, args: &[Value]) -> Result<Vec<(usize, u32)>, Incident> {
        let plan = self.bundle.flow(run.flow).ok_or_else(|| internal("a flow that the bundle doesn't have"))?;
        let name = || format!("run {}", plan.short_name());
        let mut lent: Vec<(usize, u32)> = Vec::new();
        for (at, arg) in args.iter().enumerate() {
            let Value::Resource(resource) = arg else { continue };
            let take = plan.signature.take(at).ok_or_else(|| internal("a resource for a flow that takes none"))?;
            self.taken_in(*resource, &take.from, name)?;
            if lent.iter().any(|(_, other)| other == resource) {
                return Err(internal(&format!("one resource for two parameters, in frame {no}")));
            }
            lent.push((at, *resource));
        }
        Ok(lent)
    }

    /// Another run has the resource from now on.
    fn lend(&mut self, no: u32, at: u32, away: Away) -> Result<Handed, Incident> {
        let known = self.control.resources.get(at as usize).ok_or_else(|| internal("a resource that isn't there"))?;
        let (ty, is_last) = (known.ty, !self.is_owed(no, at, known));
        let state = known.state.ok_or_else(|| internal("a resource without a state"))?;
        let goods = self.oracle.goods(at);
        let expiry = self.control.resources.get_mut(at as usize).and_then(|resource| {
            resource.away = Some(away);
            resource.expiry.take()
        });
        if let Some((timer, _)) = expiry {
            self.emit(Output::Disarm { timer });
        }
        Ok(Handed { ty, state, is_last, goods })
    }

    /// Whether a frame around would let go of a resource if it were left.
    fn is_owed(&self, no: u32, at: u32, resource: &Resource) -> bool {
        self.control.outward(no).any(|frame| holds(&frame.effects, at) && self.control.may_undo(frame.no, resource))
    }

    /// The run begins: its root frame owes what it was given.
    pub(super) fn take_in(&mut self, root: u32, args: &[Value], resources: &[Handed]) {
        for (number, handed) in (0u32..).zip(resources) {
            let param = args.iter().position(|arg| *arg == Value::Resource(number));
            let given = param.and_then(|param| u16::try_from(param).ok());
            self.adopt(root, number, handed);
            if let Some(resource) = self.control.resources.get_mut(number as usize) {
                resource.given = given;
            }
            if let Some(frame) = self.control.frame_mut(root) {
                frame.effects.push(Effect::Resource(number));
            }
        }
    }

    /// Puts a resource of another run into the table.
    fn adopt(&mut self, no: u32, at: u32, handed: &Handed) {
        let last = self.is_past_undoing(handed).then_some(NO_FRAME);
        self.control.resources.push(Resource { state: Some(handed.state), last, ..Resource::new(handed.ty, no) });
        self.oracle.adopt(at, handed.ty, &handed.goods);
        self.arm_expiry(at, handed.state);
    }

    /// What is open is always let go by whoever holds it; what is closed may be so for good.
    fn is_past_undoing(&self, handed: &Handed) -> bool {
        handed.is_last && self.is_closed(handed.ty, handed.state)
    }

    fn is_closed(&self, ty: TypeId, state: StateId) -> bool {
        let def = self.bundle.resource(ty).and_then(|def| def.states.get(state.index()));
        def.is_some_and(|state| state.kind == StateKind::Closed)
    }

    /// Whether the flow says that it doesn't settle the resource when it ends by the error that it is being left with.
    pub(super) fn is_kept(&self, no: u32, resource: &Resource) -> bool {
        let Some(frame) = self.control.frame(no).filter(|frame| frame.parent.is_none()) else { return false };
        let (Some(Stop::Leave(Cause::Error(error))), Some(param)) = (&frame.stop, resource.given) else { return false };
        resource.state.is_some() && self.plan.signature.kept(param, error.error) == resource.state
    }

    /// A sub-flow has ended.
    pub(super) fn child_ended(&mut self, child: RunId, ending: &Ending, resources: &[Returned]) {
        let waits = |frame: &&super::Frame| {
            [At::Child(child), At::ChildSettling(child), At::ChildUndoing(child)].contains(&frame.at)
        };
        let Some(frame) = self.control.frames.iter().find(waits) else { return };
        let (no, at) = (frame.no, frame.at.clone());
        self.lent_back(no, child, resources);
        let done = if at == At::ChildUndoing(child) {
            self.child_undone(no, ending)
        } else {
            self.child_over(no, child, ending, resources, at == At::ChildSettling(child))
        };
        if let Err(incident) = done {
            self.park(no, incident);
        }
    }

    fn child_over(
        &mut self,
        no: u32,
        child: RunId,
        ending: &Ending,
        resources: &[Returned],
        settling: bool,
    ) -> Result<(), Incident> {
        let value = match ending {
            Ending::Stopped { value, .. } | Ending::Completed { value } => {
                let value = self.take_result(no, child, value, resources);
                self.arm_undo_of_child(no, child, &value)?;
                Some(value)
            }
            Ending::Failed(_) | Ending::Settled => None,
        };
        self.oracle.call_over(no);
        if settling {
            // It had ended, or was past its point of no return: what it gave is let go with the rest.
            self.wake(no);
            return Ok(());
        }
        match (value, ending) {
            (Some(value), _) => {
                let node = self.node_at(no)?;
                let next = node.next;
                if let NodeKind::RunFlow(RunFlowNode { result: Some(slot), .. }) = &node.kind {
                    self.oracle.bind(no, *slot, value)?;
                }
                self.go(no, next);
                Ok(())
            }
            (None, Ending::Failed(error)) => {
                self.wake(no);
                self.raise(no, Cause::Error(error.clone()))
            }
            (None, Ending::Settled | Ending::Stopped { .. } | Ending::Completed { .. }) => Err(Incident::Contract {
                op: "run".to_owned(),
                how: "the sub-flow was settled from outside and gives no result".to_owned(),
            }),
        }
    }

    /// What a sub-flow was lent comes back as it left it.
    fn lent_back(&mut self, no: u32, child: RunId, resources: &[Returned]) {
        for at in 0..self.control.resources.len() {
            let Some(resource) = self.control.resources.get_mut(at) else { continue };
            let Some(Away::Lent { child: with, number }) = resource.away else { continue };
            if with != child {
                continue;
            }
            resource.away = None;
            let (before, at) = (resource.state, u32::try_from(at).unwrap_or(u32::MAX));
            let Some(Returned { handed, .. }) = resources.iter().find(|returned| returned.number == number) else {
                // The sub-flow never began.
                if let Some(state) = before {
                    self.arm_expiry(at, state);
                }
                continue;
            };
            self.oracle.take_back(at, &handed.goods);
            self.set_state(no, at, handed.state);
            if before == Some(handed.state) {
                self.arm_expiry(at, handed.state);
            }
            let for_good = self.is_past_undoing(handed);
            if let Some(resource) = self.control.resources.get_mut(at as usize)
                && for_good
            {
                resource.last = Some(NO_FRAME);
            }
        }
    }

    /// The value that a sub-flow ends with; a resource is this frame's from now on.
    fn take_result(&mut self, no: u32, child: RunId, value: &Value, resources: &[Returned]) -> Value {
        let Value::Resource(number) = value else { return value.clone() };
        let lent = Some(Away::Lent { child, number: *number });
        debug_assert!(self.control.resources.iter().all(|resource| resource.away != lent), "what was lent is back");
        let (Some(returned), Ok(at)) =
            (resources.iter().find(|r| r.number == *number), u32::try_from(self.control.resources.len()))
        else {
            return Value::None;
        };
        self.adopt(no, at, &returned.handed);
        self.hold(no, at);
        Value::Resource(at)
    }

    /// The frame owes the undo of the sub-flow from now on, where its header names one.
    fn arm_undo_of_child(&mut self, no: u32, child: RunId, result: &Value) -> Result<(), Incident> {
        let Some(frame) = self.control.frame(no).filter(|frame| !frame.ponr) else { return Ok(()) };
        let node = frame.pc.ok_or_else(|| internal("a sub-flow of no node"))?;
        if self.undo_of(node)?.is_none() {
            return Ok(());
        }
        let effect = self.control.next_effect;
        self.control.next_effect += 1;
        self.oracle.keep_step(no, effect);
        self.oracle.keep_result(effect, result);
        if let Some(frame) = self.control.frame_mut(no) {
            frame.effects.push(Effect::Child { effect, node, child });
        }
        Ok(())
    }

    fn undo_of(&self, node: NodeId) -> Result<Option<&flowline_plan::FlowUndo>, Incident> {
        let NodeKind::RunFlow(run) = &self.node(node)?.kind else { return Err(internal("a sub-flow of no `run`")) };
        Ok(self.bundle.flow(run.flow).and_then(|plan| plan.signature.undo.as_ref()))
    }

    /// Runs the flow that undoes a sub-flow.
    pub(super) fn undo_child(&mut self, no: u32, effect: u32, node: NodeId, child: RunId) -> Result<bool, Incident> {
        let undo = self.undo_of(node)?.ok_or_else(|| internal("an undo of a flow that has none"))?;
        let (flow, codes) = (undo.flow, undo.args.clone());
        let args = self.oracle.undo_args(no, effect, &codes)?;
        self.oracle.call_over(no);
        let key = CallKey(hash128("undo", &[&child.0.to_le_bytes()]));
        let undoing = RunId::of_parent(self.control.run, key);
        self.emit(Output::StartChild { child: undoing, flow, args, joined: true, resources: Vec::new() });
        self.set_at(no, At::ChildUndoing(undoing));
        Ok(true)
    }

    fn child_undone(&mut self, no: u32, ending: &Ending) -> Result<(), Incident> {
        self.set_at(no, At::Settling);
        let how = match ending {
            Ending::Stopped { .. } | Ending::Completed { .. } => {
                if let Some(Effect::Child { effect, .. }) = self.control.frame(no).and_then(|f| f.effects.last()) {
                    let effect = *effect;
                    self.undone(no, effect);
                }
                return Ok(());
            }
            Ending::Failed(error) => {
                let name = self.bundle.ty(error.error).map_or("an error", |ty| ty.short_name());
                format!("the flow that undoes a sub-flow failed: {name}")
            }
            Ending::Settled => "the flow that undoes a sub-flow was settled from outside".to_owned(),
        };
        Err(Incident::Contract { op: "undo".to_owned(), how })
    }
}

/// Whether a resource is among these effects.
fn holds(effects: &[Effect], at: u32) -> bool {
    effects.iter().any(|effect| match effect {
        Effect::Resource(resource) => *resource == at,
        Effect::Lanes(lanes) => lanes.iter().any(|lane| holds(lane, at)),
        Effect::Step { .. } | Effect::Child { .. } => false,
    })
}
