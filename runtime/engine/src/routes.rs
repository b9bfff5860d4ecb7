//! Which flows an event may start, and which events anybody may ever wait for.
use flowline_plan::{Bundle, EventArm, FlowId, MeanwhileKind, NodeKind, StartRule, Trigger, TypeId};
use rustc_hash::{FxHashMap, FxHashSet};

/// What follows from the plans of a bundle.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    starts: FxHashMap<TypeId, Vec<FlowId>>,
    awaited: FxHashSet<(TypeId, u16)>,
}

impl Routes {
    pub(crate) fn of(bundle: &Bundle) -> Self {
        let mut routes = Self::default();
        for (at, plan) in bundle.flows.iter().enumerate() {
            if let Some(event) = plan.start.as_ref().and_then(StartRule::event) {
                routes.starts.entry(event).or_default().push(FlowId::from(at));
            }
            for node in &plan.nodes {
                routes.await_all(&node.kind);
            }
            plan.late.clauses.iter().for_each(|late| routes.await_one(&late.arm));
        }
        routes
    }

    fn await_all(&mut self, kind: &NodeKind) {
        match kind {
            NodeKind::Await(wait) => wait.events.iter().for_each(|arm| self.await_one(arm)),
            NodeKind::Attempt { handlers, meanwhile, .. } => {
                for handler in handlers {
                    if let Trigger::Event { arm, .. } = &handler.trigger {
                        self.await_one(arm);
                    }
                }
                for meanwhile in meanwhile {
                    if let MeanwhileKind::Event(arm) = &meanwhile.kind {
                        self.await_one(arm);
                    }
                }
            }
            NodeKind::Let { .. }
            | NodeKind::Call(_)
            | NodeKind::Wait { .. }
            | NodeKind::Choose { .. }
            | NodeKind::Parallel { .. }
            | NodeKind::Each(_)
            | NodeKind::Repeat { .. }
            | NodeKind::Emit { .. }
            | NodeKind::Status { .. }
            | NodeKind::RunFlow(_)
            | NodeKind::Fail { .. }
            | NodeKind::Stop { .. }
            | NodeKind::Give { .. }
            | NodeKind::PointOfNoReturn => {}
        }
    }

    fn await_one(&mut self, arm: &EventArm) {
        self.awaited.insert((arm.event, arm.key));
    }

    /// The flows that an event of this type may start.
    pub(crate) fn starts(&self, event: TypeId) -> &[FlowId] {
        self.starts.get(&event).map_or(&[], Vec::as_slice)
    }

    /// Whether any plan waits for this event by this key.
    pub(crate) fn is_awaited(&self, event: TypeId, key: u16) -> bool {
        self.awaited.contains(&(event, key))
    }
}
