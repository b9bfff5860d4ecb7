//! Settling: a frame that stopped lets go of what it opened and undoes what it did, newest first, by state and not by a
//! stack: nothing is released twice.
use flowline_plan::{Abandon, NodeKind, OpClass, StateId, TypeId, Undo};

use super::{At, CallFor, Effect, Frame, Machine, Oracle, Stop, machine::internal};
use crate::Incident;

impl<O: Oracle> Machine<'_, O> {
    /// Goes on settling a frame: the next call, or its end.
    pub(super) fn settle_next(&mut self, no: u32) {
        loop {
            let Some(frame) = self.control.frame_mut(no) else { return };
            let Some(effect) = frame.effects.last().cloned() else { return self.gone(no) };
            let going = match effect {
                Effect::Resource(resource) => self.abandon(no, resource),
                Effect::Step { effect, node, key, known, .. } => self.undo(no, effect, node, key, known),
                Effect::Child { effect, node, child } => self.undo_child(no, effect, node, child),
                Effect::Lanes(lanes) => {
                    frame.effects.pop();
                    Ok(self.settle_lanes(no, lanes))
                }
            };
            match going {
                Ok(true) => return,
                Ok(false) => {}
                Err(incident) => return self.park(no, incident),
            }
        }
    }

    /// Follows the abandon row of the resource's state; without one the entry is done. Says whether a call went out.
    fn abandon(&mut self, no: u32, at: u32) -> Result<bool, Incident> {
        let resource =
            self.control.resources.get(at as usize).ok_or_else(|| internal("a resource that isn't there"))?;
        let undoable = self.control.may_undo(no, resource) && resource.away.is_none() && !self.is_kept(no, resource);
        let row = if undoable { self.abandon_row(resource.ty, resource.state) } else { None };
        let Some(row) = row.cloned() else {
            if let Some(frame) = self.control.frame_mut(no) {
                frame.effects.pop();
            }
            return Ok(false);
        };
        let nth = resource.abandons;
        let key = self.abandon_key(at, nth);
        let args = self.oracle.abandon_args(no, at, &row.args)?;
        self.start_call(no, CallFor::Abandon { resource: at }, row.op, key, args)?;
        if let Some(resource) = self.control.resources.get_mut(at as usize) {
            resource.abandons += 1;
        }
        Ok(true)
    }

    fn abandon_row(&self, ty: TypeId, state: Option<StateId>) -> Option<&'_ Abandon> {
        self.bundle.resource(ty)?.states.get(state?.index())?.abandon.as_ref()
    }

    /// Undoes a step that took place, or may have.
    fn undo(
        &mut self,
        no: u32,
        effect: u32,
        node: flowline_plan::NodeId,
        key: crate::CallKey,
        known: bool,
    ) -> Result<bool, Incident> {
        let NodeKind::Call(call) = &self.node(node)?.kind else { return Err(internal("an undo of no call")) };
        let class = &self.op(call.op)?.class;
        let undo: &Undo = match (&call.undo, class) {
            (Some(undo), _) | (None, OpClass::Compensatable(undo)) => undo,
            (
                None,
                OpClass::Read | OpClass::Transition | OpClass::Irreversible | OpClass::Harmless | OpClass::Settles,
            ) => {
                return Err(internal("an undo of a step that has none"));
            }
        };
        let (undo, op) = (undo.clone(), call.op);
        if undo.needs_result && !known {
            let args = self.oracle.step_args(no, effect)?;
            self.start_call(no, CallFor::Repeat { effect }, op, key, args)?;
        } else {
            let args = self.oracle.undo_args(no, effect, &undo.args)?;
            let key = crate::CallKey(crate::ids::hash128("undo", &[&key.0.to_le_bytes()]));
            self.start_call(no, CallFor::Undo { effect }, undo.op, key, args)?;
        }
        Ok(true)
    }

    /// The undo of the newest step is done.
    pub(super) fn undone(&mut self, no: u32, effect: u32) {
        if let Some(frame) = self.control.frame_mut(no) {
            frame.effects.pop();
        }
        self.oracle.forget_step(effect);
        self.settle_next(no);
    }

    /// Settles what parallel branches did, side by side: one frame a lane. Says whether there was anything.
    fn settle_lanes(&mut self, no: u32, lanes: Vec<Vec<Effect>>) -> bool {
        let lanes: Vec<_> = lanes.into_iter().filter(|lane| !lane.is_empty()).collect();
        let Some(scope) = self.control.scope_of(no) else { return false };
        if lanes.is_empty() {
            return false;
        }
        self.set_at(no, At::Lanes);
        let mut started = Vec::with_capacity(lanes.len());
        for (iteration, effects) in (0u32..).zip(lanes) {
            let lane = self.control.next_frame;
            self.control.next_frame += 1;
            self.control.frames.push(Frame {
                no: lane,
                scope,
                parent: Some(no),
                iteration,
                pc: None,
                at: At::Settling,
                stop: Some(Stop::Outer),
                ponr: false,
                effects,
                call: None,
                waits: Vec::new(),
                timers: Vec::new(),
                closing: Vec::new(),
                guard: None,
            });
            self.oracle.enter(lane, scope, Some(no));
            started.push(lane);
        }
        for lane in started {
            self.settle_next(lane);
        }
        true
    }
}
