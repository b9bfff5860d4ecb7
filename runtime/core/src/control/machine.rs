//! The step function: one input in, orders out.
use std::collections::VecDeque;

use flowline_plan::{Bundle, Node, NodeId, NodeKind, OpDef, OpRef, Plan, Scope, ScopeId, ScopeKind, Value};

use super::{At, Control, Effect, Frame, GuardState, Oracle, Queued, Stop, task::is_of_step};
use crate::{CallKey, Handed, Incident, Input, Output, ids::hash128};

/// Steps that one input may cause before the run is parked: far beyond any flow, short of a hang.
const STEPS_MAX: u32 = 2_000_000;
/// An alarm is shown for a call that settling or a retriable operation has repeated for so long: one hour.
pub(super) const ALARM_AFTER_MS: i64 = 60 * 60 * 1000;

/// Control at work on one input.
#[derive(Debug)]
pub struct Machine<'a, O> {
    pub(super) bundle: &'a Bundle,
    pub(super) plan: &'a Plan,
    pub(super) control: &'a mut Control,
    pub(super) oracle: &'a mut O,
    /// The time of the input, ms.
    pub(super) now: i64,
    out: &'a mut Vec<Output>,
    ready: VecDeque<u32>,
}

impl<'a, O: Oracle> Machine<'a, O> {
    /// Sets control to work at a time, with a place for its orders.
    pub fn new(
        bundle: &'a Bundle,
        plan: &'a Plan,
        control: &'a mut Control,
        oracle: &'a mut O,
        now: i64,
        out: &'a mut Vec<Output>,
    ) -> Self {
        Self { bundle, plan, control, oracle, now, out, ready: VecDeque::new() }
    }

    /// Takes one input and goes on until nothing more can happen without another one.
    ///
    /// Total: an input that comes late or twice changes nothing.
    pub fn handle(&mut self, input: &Input) {
        if self.control.ended {
            self.after_end(input);
            return;
        }
        match input {
            Input::Start { args, resources, .. } => self.begin(args, resources),
            Input::Answered { call, attempt, answer } => self.answered(*call, *attempt, answer),
            Input::Due { timer } => self.due(*timer),
            Input::Offered { wait, event, acknowledged_at, value } => {
                self.offered(*wait, *event, *acknowledged_at, value);
            }
            Input::Withdrawn { wait } => self.withdrawn(*wait),
            Input::ChildEnded { child, ending, resources } => self.child_ended(*child, ending, resources),
            Input::Settle => self.settle_all(),
            Input::Retry { frame } => self.retry_incident(*frame),
            // Only an ended run can be relieved.
            Input::Relieved => {}
            Input::TaskAnswered { task, by, value } => self.task_answered(*task, by, value),
        }
        self.advance();
    }

    fn begin(&mut self, args: &[Value], resources: &[Handed]) {
        if self.control.next_frame != 0 {
            return;
        }
        let root = self.enter(ScopeId(0), None, 0);
        self.take_in(root, args, resources);
        for (at, value) in args.iter().enumerate().take(usize::from(self.plan.params)) {
            let slot = flowline_plan::Slot { scope: ScopeId(0), at: u16::try_from(at).unwrap_or(u16::MAX) };
            if let Err(incident) = self.oracle.bind(root, slot, value.clone()) {
                self.park(root, incident);
            }
        }
        self.oracle.begun();
        self.look_at_promises();
    }

    fn advance(&mut self) {
        let mut steps = 0;
        loop {
            while let Some(no) = self.ready.pop_front() {
                steps += 1;
                if steps > STEPS_MAX {
                    let what = "the number of steps without a pause".to_owned();
                    self.park(no, Incident::Limit { what, found: steps.into(), max: STEPS_MAX.into() });
                    return;
                }
                if let Err(incident) = self.step(no) {
                    self.park(no, incident);
                }
            }
            if !self.fire_closed() && !self.start_queued() {
                return;
            }
        }
    }

    /// Starts each `meanwhile` and `too late` that waits and may run now; says whether there was one.
    fn start_queued(&mut self) -> bool {
        let dropped = self.drop_queued();
        let may_run = |frame: &Frame| {
            frame.stop.is_none() && frame.guard.as_ref().is_some_and(|g| g.held_by.is_none() && !g.queue.is_empty())
        };
        let bodies: Vec<u32> =
            self.control.frames.iter().filter(|frame| may_run(frame)).map(|frame| frame.no).collect();
        for body in &bodies {
            let Some(guard) = self.control.frame_mut(*body).and_then(|frame| frame.guard.as_mut()) else { continue };
            let queued = guard.queue.remove(0);
            let iteration = guard.runs;
            guard.runs += 1;
            let no = self.enter(queued.scope, Some(*body), iteration);
            if let Some(guard) = self.control.frame_mut(*body).and_then(|frame| frame.guard.as_mut()) {
                guard.held_by = Some(no);
            }
            if let Some((slot, value)) = queued.bind
                && let Err(incident) = self.oracle.bind(no, slot, value)
            {
                self.park(no, incident);
            }
        }
        dropped || !bodies.is_empty()
    }

    /// Drops each `meanwhile` that waits beside a body while a scope around it is left: those that run already stop, so
    /// no new one begins. Says whether there was one: a body may have waited for just that to end.
    fn drop_queued(&mut self) -> bool {
        let plan = self.plan;
        let is_meanwhile = |queued: &Queued| {
            plan.scopes.get(queued.scope.index()).is_some_and(|scope| scope.kind == ScopeKind::Meanwhile)
        };
        let waits = |frame: &&Frame| frame.guard.as_ref().is_some_and(|guard| guard.queue.iter().any(is_meanwhile));
        let bodies = self.control.frames.iter().filter(waits).filter(|body| self.is_over_beside(body.no));
        let bodies: Vec<u32> = bodies.map(|body| body.no).collect();
        for body in &bodies {
            if let Some(guard) = self.control.frame_mut(*body).and_then(|frame| frame.guard.as_mut()) {
                guard.queue.retain(|queued| !is_meanwhile(queued));
            }
        }
        if !bodies.is_empty() {
            self.wake_all_ready();
        }
        !bodies.is_empty()
    }

    /// Whether the frame has to stand still: a `meanwhile` runs, or time is up for a scope around it.
    pub(super) fn held(&self, no: u32) -> bool {
        let (mut inner, mut forward) = (None, false);
        self.control.outward(no).any(|frame| {
            let holder = frame.guard.as_ref().and_then(|guard| guard.held_by);
            forward |= frame.ponr;
            let held = holder.is_some() && holder != inner || frame.ends_scope() && !forward;
            inner = Some(frame.no);
            held
        })
    }

    /// Makes a frame and sets it going.
    pub(super) fn enter(&mut self, scope: ScopeId, parent: Option<u32>, iteration: u32) -> u32 {
        let entry = self.scope(scope).and_then(|scope| scope.entry);
        let guarded = self.scope(scope).is_some_and(|scope| scope.kind == ScopeKind::Attempt);
        let no = self.control.next_frame;
        self.control.next_frame += 1;
        self.control.frames.push(Frame {
            no,
            scope,
            parent,
            iteration,
            pc: entry,
            at: At::Ready,
            stop: None,
            ponr: false,
            effects: Vec::new(),
            call: None,
            waits: Vec::new(),
            timers: Vec::new(),
            closing: Vec::new(),
            guard: guarded.then(|| Box::new(GuardState::default())),
        });
        self.oracle.enter(no, scope, parent);
        self.ready.push_back(no);
        no
    }

    /// Lets a frame go on at a node.
    pub(super) fn go(&mut self, no: u32, to: Option<NodeId>) {
        if let Some(frame) = self.control.frame_mut(no) {
            frame.pc = to;
            frame.at = At::Ready;
            self.ready.push_back(no);
        }
    }

    /// Looks at a frame again without moving it.
    pub(super) fn wake(&mut self, no: u32) {
        if let Some(frame) = self.control.frame_mut(no) {
            frame.at = At::Ready;
            self.ready.push_back(no);
        }
    }

    /// Looks at every frame again that could go on.
    pub(super) fn wake_all_ready(&mut self) {
        self.ready.extend(self.control.frames.iter().filter(|frame| frame.at == At::Ready).map(|frame| frame.no));
    }

    /// Parks a frame until somebody looks.
    pub(super) fn park(&mut self, no: u32, incident: Incident) {
        if let Some(frame) = self.control.frame_mut(no) {
            frame.at = At::Incident(Box::new(incident.clone()));
            self.emit(Output::Incident { frame: no, incident });
        }
    }

    fn retry_incident(&mut self, no: u32) {
        let Some(frame) = self.control.frame(no) else { return };
        let At::Incident(_) = frame.at else { return };
        let (settling, calling) = (frame.stop.is_some(), frame.call.is_some());
        let waiting = frame.waits.iter().any(|wait| is_of_step(wait.what));
        if let Some(refused) = self.retry_refused(no) {
            self.park(no, refused);
            return;
        }
        self.emit(Output::IncidentGone { frame: no });
        if calling {
            self.attempt_again(no);
        } else if settling {
            self.set_at(no, At::Settling);
            self.settle_next(no);
        } else if waiting {
            self.set_at(no, At::Parked);
            self.look_again(no, None);
        } else {
            self.wake_all_ready();
            self.wake(no);
        }
    }

    pub(super) fn emit(&mut self, output: Output) {
        self.out.push(output);
    }

    pub(super) fn set_at(&mut self, no: u32, at: At) {
        if let Some(frame) = self.control.frame_mut(no) {
            frame.at = at;
        }
    }

    pub(super) fn scope(&self, id: ScopeId) -> Option<&'a Scope> {
        self.plan.scopes.get(id.index())
    }

    pub(super) fn node(&self, id: NodeId) -> Result<&'a Node, Incident> {
        self.plan.nodes.get(id.index()).ok_or_else(|| internal("a node that the plan doesn't have"))
    }

    pub(super) fn op(&self, op: OpRef) -> Result<&'a OpDef, Incident> {
        self.bundle.op(op).ok_or_else(|| internal("an operation that the bundle doesn't have"))
    }

    /// The kind of scope that a frame runs.
    pub(super) fn kind(&self, frame: &Frame) -> ScopeKind {
        self.scope(frame.scope).map_or(ScopeKind::Flow, |scope| scope.kind)
    }

    /// The attempt whose body the frame is: the node at which its parent stands.
    pub(super) fn attempt_of(&self, body: &Frame) -> Option<&'a Node> {
        let node = self.node(self.control.frame(body.parent?)?.pc?).ok()?;
        matches!(node.kind, NodeKind::Attempt { .. }).then_some(node)
    }

    /// The key of a step: run, node, iteration path.
    pub(super) fn step_key(&self, no: u32, node: &Node) -> CallKey {
        let mut path = Vec::with_capacity(16);
        for frame in self.control.outward(no) {
            path.extend_from_slice(&frame.iteration.to_le_bytes());
        }
        CallKey(hash128("step", &[&self.control.run.0.to_le_bytes(), &node.id.0.to_le_bytes(), &path]))
    }

    /// The key of the nth abandon call of a resource.
    pub(super) fn abandon_key(&self, resource: u32, nth: u32) -> CallKey {
        CallKey(hash128("abandon", &[&self.control.run.0.to_le_bytes(), &resource.to_le_bytes(), &nth.to_le_bytes()]))
    }

    /// Drops effects that nothing will undo any more.
    pub(super) fn forget(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Step { effect, .. } | Effect::Child { effect, .. } => self.oracle.forget_step(effect),
                Effect::Lanes(lanes) => lanes.into_iter().for_each(|lane| self.forget(lane)),
                Effect::Resource(_) => {}
            }
        }
    }

    /// Takes a frame off the tree, with its waits and timers.
    pub(super) fn remove(&mut self, no: u32) -> Option<Frame> {
        self.clear_waits(no);
        self.clear_timers(no);
        let at = self.control.frames.binary_search_by_key(&no, |frame| frame.no).ok()?;
        let frame = self.control.frames.remove(at);
        if matches!(frame.at, At::Incident(_)) {
            self.emit(Output::IncidentGone { frame: no });
        }
        Some(frame)
    }

    /// Whether the frame has been told to stop.
    pub(super) fn stopping(&self, no: u32) -> bool {
        self.control.frame(no).is_some_and(|frame: &Frame| matches!(frame.stop, Some(Stop::Outer | Stop::Leave(_))))
    }
}

/// A fault of ours that must not become a panic.
pub(super) fn internal(what: &str) -> Incident {
    Incident::Internal(what.to_owned())
}
