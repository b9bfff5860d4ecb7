//! `keeping`: what a handler takes over of the body that is left for it.
//!
//! A statement whose resource some handler would keep is marked with how much the body had done before it. When the body
//! is left for that handler, what was done since the first mark is set apart: only what is older is let go, and what the
//! statement did that wasn't done yet. What is set apart stays with the body until the handler begins, so if a scope around
//! is left meanwhile, it is let go of after all.
use flowline_plan::{Code, Kept, Node, NodeId, NodeKind, ScopeKind, Slot, Value};

use super::{Effect, Frame, Machine, Oracle, Stop};
use crate::Incident;

impl<O: Oracle> Machine<'_, O> {
    /// A statement is about to run: takes note of where its effects begin if a handler would keep what it binds.
    pub(super) fn mark(&mut self, no: u32, at: NodeId, node: &Node) {
        let Some(frame) = self.control.frame(no).filter(|frame| frame.guard.is_some()) else { return };
        let Some(NodeKind::Attempt { handlers, .. }) = self.attempt_of(frame).map(|attempt| &attempt.kind) else {
            return;
        };
        if handlers.iter().all(|handler| handler.keeping.is_empty()) {
            return;
        }
        let done = u32::try_from(frame.effects.len()).unwrap_or(u32::MAX);
        let Some(guard) = self.control.frame_mut(no).and_then(|frame| frame.guard.as_mut()) else { return };
        // A statement that is tried again after an incident begins where it began.
        if guard.began.is_none_or(|(began, _)| began != at) {
            guard.began = Some((at, done));
        }
        for kept in handlers.iter().flat_map(|handler| &handler.keeping).filter(|kept| node.kind.binds(kept.from)) {
            if !guard.marks.iter().any(|(slot, _)| *slot == kept.from) {
                guard.marks.push((kept.from, done));
            }
        }
    }

    /// A body has stopped: sets apart what the handler keeps for which it is left.
    pub(super) fn set_apart(&mut self, no: u32) {
        let Some(frame) = self.control.frame(no) else { return };
        let Some(Stop::Leave(cause)) = &frame.stop else { return };
        if self.kind(frame) != ScopeKind::Attempt {
            return;
        }
        let Some(keeping) = self.catcher(frame, cause).map(|handler| handler.keeping.clone()) else { return };
        let (mut first, mut whole) = (None, false);
        for Kept { from, .. } in keeping {
            let mark = self.control.frame(no).and_then(|frame| self.opened_at(frame, from));
            if let Some((at, doubtful)) = mark {
                if let Some(guard) = self.control.frame_mut(no).and_then(|frame| frame.guard.as_mut()) {
                    guard.found.push(from);
                }
                first = Some(first.map_or(at, |first: usize| first.min(at)));
                whole |= doubtful.is_some();
                // Its call has given no answer that would have bound it.
                if let Some(resource) = doubtful
                    && let Err(incident) = self.oracle.bind(no, from, Value::Resource(resource))
                {
                    return self.park(no, incident);
                }
            }
        }
        let Some(first) = first else { return };
        let Some(frame) = self.control.frame_mut(no) else { return };
        let mut kept = frame.effects.split_off(first.min(frame.effects.len()));
        let Some(guard) = &mut frame.guard else { return };
        let under_way = guard.began.filter(|(began, _)| frame.pc == Some(*began) && !whole);
        if let Some((_, done)) = under_way {
            let done = (done as usize).saturating_sub(first).min(kept.len());
            frame.effects.extend(kept.split_off(done));
        }
        guard.kept = kept;
    }

    /// Where the effects of the statement begin that opened what the slot holds, or may hold; with the resource where only
    /// its doubtful state says that there is one. None where there is nothing: a block that hadn't ended gives nothing.
    fn opened_at(&self, frame: &Frame, slot: Slot) -> Option<(usize, Option<u32>)> {
        let guard = frame.guard.as_ref()?;
        let at = guard.marks.iter().find(|(marked, _)| *marked == slot)?.1 as usize;
        let standing = frame.pc.and_then(|pc| self.node(pc).ok()).filter(|node| node.kind.binds(slot));
        match (standing.map(|node| &node.kind), frame.effects.get(at)) {
            (None, _) => Some((at, None)),
            (Some(NodeKind::Call(_)), Some(Effect::Resource(resource))) => Some((at, Some(*resource))),
            (Some(_), _) => None,
        }
    }

    /// What the slots of a handler take, while the body is still there.
    pub(super) fn kept_values(&mut self, body: u32, keeping: &[Kept]) -> Result<Vec<(Slot, Value)>, Incident> {
        let mut values = Vec::with_capacity(keeping.len());
        for kept in keeping {
            let frame = self.control.frame(body);
            let value = match frame.and_then(|frame| frame.guard.as_ref()) {
                Some(guard) if guard.found.contains(&kept.from) => self.oracle.eval(body, &Code::slot(kept.from))?,
                Some(_) | None => Value::None,
            };
            values.push((kept.to, value));
        }
        Ok(values)
    }

    /// What was set apart goes back to a body whose handler will not run; says whether there was anything.
    pub(super) fn take_back(&mut self, no: u32) -> bool {
        let Some(frame) = self.control.frame_mut(no) else { return false };
        let kept = frame.guard.as_mut().map(|guard| std::mem::take(&mut guard.kept)).unwrap_or_default();
        frame.effects.extend(kept);
        !frame.effects.is_empty()
    }
}
