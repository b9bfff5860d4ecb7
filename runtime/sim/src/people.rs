//! People who answer questions: from the question alone, each a function of the seed and the question.
use std::sync::Arc;

use flowline_core::Task;
use flowline_plan::{FlowId, NodeKind, Value};

use crate::{
    World,
    chaos::Chaos,
    config::EventRate,
    generate::{Generator, Ids, Said},
};

/// When somebody answers a question, where `flow.toml` doesn't say.
pub(crate) const ANSWERED_AFTER_MS: i64 = 5 * 60_000;
/// So many people are of a role; more where some may not answer.
const PEOPLE: usize = 9;

/// What somebody answers, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonAnswer {
    pub at: i64,
    pub by: Arc<str>,
    pub value: Value,
}

impl World {
    /// What somebody of the role answers; none where nobody ever does. The same question of the same run is answered in the
    /// same way at the same instant, whenever this is asked.
    pub fn person(&self, flow: FlowId, task: &Task) -> Option<PersonAnswer> {
        let decider = self.decider();
        let (bundle, config) = (decider.bundle, decider.config);
        let node = bundle.flow(flow)?.nodes.get(task.node.index())?;
        let NodeKind::Await(wait) = &node.kind else { return None };
        let arm = wait.task.as_deref()?;
        let role = bundle.role(task.role)?;
        let usual = EventRate { after_ms: ANSWERED_AFTER_MS, rate: 1.0 };
        let rate = config.roles.get(&role.name).or_else(|| config.roles.get(role.short_name())).copied();
        let rate = rate.unwrap_or(usual);
        let draws = |purpose: &str| Chaos::new(config.seed, purpose, &[&task.id.0.to_le_bytes()]);
        let mut chaos = draws("person");
        if chaos.share() >= rate.rate {
            return None;
        }
        let at = decider.spread(&mut chaos, task.asked_at, rate.after_ms);
        // Of so many people somebody may answer, whoever is excluded.
        let of_role = PEOPLE + task.not_by.len();
        let first = chaos.below(of_role);
        let mut names = (0..of_role).map(|next| format!("{} {}", role.label, (first + next) % of_role + 1));
        let by = names.find(|name| !task.not_by.iter().any(|excluded| **excluded == **name))?;
        let shown = arm.show.iter().zip(&task.shown);
        let said: Vec<Said> = shown.map(|(shown, value)| Said::shown(&shown.label, &shown.ty, value)).collect();
        let ids = Ids::OfTheCall;
        let mut generator =
            Generator { bundle, chaos: draws("answer"), said: &said, ids, now: task.asked_at, happened: None };
        Some(PersonAnswer { at, by: by.into(), value: generator.value("", &arm.answer) })
    }
}
