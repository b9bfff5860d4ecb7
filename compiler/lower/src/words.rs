//! What people read on nodes and scopes.

use flowline_check::model::{Catch, EventWait, Kept, Pattern};
use flowline_diag::Span;
use flowline_plan::{FlowId, OpRef, RoleId, TypeId};

use crate::Cx;

/// Longer words of an expression are cut: a label is read at a glance.
const LABEL_CHARS_MAX: usize = 48;

impl Cx<'_> {
    /// The words of the text under a span, on one line.
    pub(crate) fn words(&self, span: Span) -> String {
        let text = self.sources.slice(span);
        let line = text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
        let words = line.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
        match words.char_indices().nth(LABEL_CHARS_MAX) {
            Some((at, _)) => format!("{}…", words.get(..at).unwrap_or_default().trim_end()),
            None => words,
        }
    }

    /// The name of a type as authors write it.
    pub(crate) fn type_name(&self, id: TypeId) -> &str {
        self.model.ty(id).map_or("?", |def| def.short_name())
    }

    /// `inventory.hold`
    pub(crate) fn op_name(&self, op: OpRef) -> String {
        match (self.model.system(op.system), self.model.op(op)) {
            (Some(system), Some(op)) => format!("{}.{}", system.name, op.name),
            (Some(_) | None, _) => "?".to_owned(),
        }
    }

    /// `inventory.hold`, `predict returns_risk`
    pub(crate) fn called(&self, op: OpRef) -> String {
        let is_model = self.model.models.iter().any(|model| model.system == op.system);
        match self.model.system(op.system) {
            Some(system) if is_model => format!("predict {}", system.name),
            Some(_) | None => self.op_name(op),
        }
    }

    /// The name of a role as authors write it.
    pub(crate) fn role_name(&self, id: RoleId) -> &str {
        self.model.roles.get(id.index()).map_or("?", |role| role.name.rsplit('.').next().unwrap_or(&role.name))
    }

    /// The name of a flow as authors write it.
    pub(crate) fn flow_name(&self, id: FlowId) -> &str {
        self.model.flow(id).map_or("?", |flow| flow.name.rsplit('.').next().unwrap_or(&flow.name))
    }

    /// `on OutOfStock, Deadline of pickup`
    pub(crate) fn catches(&self, catches: &[Catch]) -> String {
        let names = catches.iter().map(|catch| match catch {
            Catch::Error { error, .. } => self.type_name(*error).to_owned(),
            Catch::Deadline { name: None, .. } => "Deadline".to_owned(),
            Catch::Deadline { name: Some(name), .. } => format!("Deadline of {name}"),
            Catch::Exhausted { .. } => "Exhausted".to_owned(),
        });
        format!("on {}", names.collect::<Vec<_>>().join(", "))
    }

    /// `on Declined keeping hold`
    pub(crate) fn keeping(&self, handler: &str, kept: &[Kept]) -> String {
        let mut names: Vec<String> = kept.iter().map(|kept| self.words(kept.span)).collect();
        // The values of branches are kept under one name.
        names.dedup();
        if names.is_empty() { handler.to_owned() } else { format!("{handler} keeping {}", names.join(", ")) }
    }

    /// `on event CancelRequested`
    pub(crate) fn on_event(&self, wait: &EventWait) -> String {
        format!("on event {}", self.type_name(wait.event))
    }

    /// The patterns of an arm, as cases of that enum where they are cases.
    pub(crate) fn patterns(&self, patterns: &[Pattern], of: Option<TypeId>, arm: Span) -> String {
        let shown: Option<Vec<&str>> = patterns
            .iter()
            .map(|pattern| match pattern {
                Pattern::Case { case, .. } => self.case_name(of?, *case),
                Pattern::None => Some("none"),
                Pattern::Otherwise => Some("otherwise"),
                Pattern::Literal(_) => None,
            })
            .collect();
        match shown {
            Some(names) => names.join(", "),
            // A literal as it is written, before the arrow.
            None => {
                let words = self.words(arm);
                words.split_once("=>").map_or(words.as_str(), |(pattern, _)| pattern.trim_end()).to_owned()
            }
        }
    }

    /// The name of a case of an enum.
    pub(crate) fn case_name(&self, id: TypeId, case: u16) -> Option<&str> {
        match &self.model.ty(id)?.kind {
            flowline_check::model::TypeKind::Enum(cases) => cases.get(usize::from(case)).map(|case| case.name.as_str()),
            flowline_check::model::TypeKind::Id
            | flowline_check::model::TypeKind::Record(_)
            | flowline_check::model::TypeKind::Error(_)
            | flowline_check::model::TypeKind::Event(_)
            | flowline_check::model::TypeKind::Resource(_) => None,
        }
    }
}
