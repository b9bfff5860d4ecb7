//! What makes control leave a scope, and who takes it.
use flowline_plan::{
    Catch, Code, Handler, Instr, NodeId, NodeKind, Raise, ScopeKind, Slot, TimerEnd, Trigger, Type, TypeId,
};
use rustc_hash::FxHashSet;

use crate::shape::Shape;

/// A reason to leave a scope that an `on` may take.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Cause {
    Error(TypeId),
    /// Of that name where the wait has one.
    Deadline(Option<String>),
    Exhausted,
}

/// A cause and the node at which it comes up.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Escape {
    pub(crate) site: NodeId,
    pub(crate) cause: Cause,
}

/// Errors that come up only in a certain state of a resource, and do: call, error.
pub(crate) type Told = FxHashSet<(NodeId, TypeId)>;

/// Whether an error comes up only in certain states of resources: `AlreadyCaptured (maybe_captured is captured)`.
pub(crate) fn is_conditional(raise: &Raise) -> bool {
    !raise.states.is_empty() && raise.states.iter().all(|(_, from, _)| from.is_some())
}

/// The causes that a node itself may raise, given the errors that depend on a resource's state.
pub(crate) fn raised_by(shape: &Shape<'_>, at: NodeId, told: &Told) -> Vec<Cause> {
    match &shape.node(at).kind {
        NodeKind::Call(call) => {
            let raises = shape.op(call).raises.iter();
            let may = raises.filter(|raise| !is_conditional(raise) || told.contains(&(at, raise.error)));
            may.map(|raise| Cause::Error(raise.error)).collect()
        }
        NodeKind::Await(wait) => wait
            .timers
            .iter()
            .filter_map(|timer| match &timer.end {
                TimerEnd::Deadline(name) => Some(Cause::Deadline(name.clone())),
                TimerEnd::Goto(_) => None,
            })
            .collect(),
        NodeKind::Repeat { .. } => vec![Cause::Exhausted],
        NodeKind::RunFlow(run) if !run.detached => {
            let raises = shape.bundle.flow(run.flow).map_or(&[][..], |flow| flow.raises.as_slice());
            raises.iter().map(|error| Cause::Error(*error)).collect()
        }
        NodeKind::Fail { value } => failures(shape, value).into_iter().map(Cause::Error).collect(),
        NodeKind::RunFlow(_)
        | NodeKind::Let { .. }
        | NodeKind::Wait { .. }
        | NodeKind::Choose { .. }
        | NodeKind::Attempt { .. }
        | NodeKind::Parallel { .. }
        | NodeKind::Each(_)
        | NodeKind::Emit { .. }
        | NodeKind::Status { .. }
        | NodeKind::Stop { .. }
        | NodeKind::Give { .. }
        | NodeKind::PointOfNoReturn => Vec::new(),
    }
}

/// The errors that the value of a `fail` may be: those it makes, or those in the slots it names.
fn failures(shape: &Shape<'_>, value: &Code) -> Vec<TypeId> {
    let mut errors: Vec<TypeId> = value
        .ops
        .iter()
        .filter_map(|op| if let Instr::Error { error, .. } = op { Some(*error) } else { None })
        .collect();
    if errors.is_empty() {
        for op in &value.ops {
            if let Instr::Slot(slot) = op {
                errors.extend(errors_in(shape, *slot));
            }
        }
    }
    errors.sort_unstable();
    errors.dedup();
    errors
}

fn errors_in(shape: &Shape<'_>, slot: Slot) -> Vec<TypeId> {
    let ty = shape.scope(slot.scope).slots.get(usize::from(slot.at)).map(|def| &def.ty);
    match ty {
        Some(Type::Named(error)) => vec![*error],
        Some(Type::AnyError) => {
            let node = shape.runner(slot.scope).map(|node| &shape.node(node).kind);
            let Some(NodeKind::Attempt { handlers, .. }) = node else { return Vec::new() };
            let own = handlers.iter().filter(|handler| handler.scope == slot.scope);
            let catches = own.filter_map(|handler| match &handler.trigger {
                Trigger::Errors(catches) => Some(catches),
                Trigger::Event { .. } | Trigger::After(_) => None,
            });
            catches.flatten().filter_map(|catch| if let Catch::Error(e) = catch { Some(*e) } else { None }).collect()
        }
        Some(_) | None => Vec::new(),
    }
}

/// Whether an `on` of that wording takes the cause.
pub(crate) fn fits(catch: &Catch, cause: &Cause) -> bool {
    match (catch, cause) {
        (Catch::Error(wanted), Cause::Error(error)) => wanted == error,
        (Catch::Deadline(None), Cause::Deadline(_)) | (Catch::Exhausted, Cause::Exhausted) => true,
        (Catch::Deadline(Some(wanted)), Cause::Deadline(name)) => name.as_ref() == Some(wanted),
        (
            Catch::Error(_) | Catch::Deadline(_) | Catch::Exhausted,
            Cause::Error(_) | Cause::Deadline(_) | Cause::Exhausted,
        ) => false,
    }
}

/// The first handler that takes the cause.
pub(crate) fn catcher<'h>(handlers: &'h [Handler], cause: &Cause) -> Option<(usize, &'h Handler)> {
    handlers.iter().enumerate().find(|(_, handler)| match &handler.trigger {
        Trigger::Errors(catches) => catches.iter().any(|catch| fits(catch, cause)),
        Trigger::Event { .. } | Trigger::After(_) => false,
    })
}

/// Whether a frame of this kind lies outside the attempt in whose body it runs.
pub(crate) fn runs_beside(kind: ScopeKind) -> bool {
    match kind {
        ScopeKind::Meanwhile | ScopeKind::TooLate => true,
        ScopeKind::Flow
        | ScopeKind::Attempt
        | ScopeKind::Handler
        | ScopeKind::Branch
        | ScopeKind::Element
        | ScopeKind::Round => false,
    }
}
