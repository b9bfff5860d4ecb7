//! Sentences about runs: metrics, policies, invariants and explorations.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::contract;
use crate::cx::Cx;
use crate::hints::suggest_listed;
use crate::model::{
    Explore, Expr, Field, Invariant, Local, LocalKind, Metric, MetricEnd, Occurrence, Policy, Property, PropertyKind,
    Said, Ty, TypeKind,
};
use crate::names::{Globals, Symbol, suggest};
use crate::parts::Parts;
use crate::ty::from_elsewhere;
use flowline_diag::code::{f01, f02};
use flowline_diag::nearest;
use flowline_plan::{FlowId, OpId, OpRef, TypeId};
use flowline_syntax::ast::{self, Ident};
use rustc_hash::FxHashMap;

/// How a run may end without a `stop`: by itself, by an error that the flow raises, by an operator.
pub(crate) const OTHER_OUTCOMES: [&str; 3] = ["completed", "failed", "settled"];

/// Faults in one run of an exploration; more would never end.
const FAULTS_MAX: u64 = 8;

/// The flows that a sentence speaks of, with their texts.
#[derive(Debug, Clone)]
pub(crate) struct About<'a> {
    pub(crate) flows: Vec<(FlowId, &'a ast::Flow)>,
}

/// The texts of all flows of the project.
pub(crate) type FlowTexts<'a> = FxHashMap<FlowId, &'a ast::Flow>;

impl<'a> About<'a> {
    pub(crate) fn one(texts: &FlowTexts<'a>, id: FlowId) -> Self {
        Self { flows: texts.get(&id).map(|text| (id, *text)).into_iter().collect() }
    }

    pub(crate) fn all(texts: &FlowTexts<'a>) -> Self {
        let mut flows: Vec<_> = texts.iter().map(|(id, text)| (*id, *text)).collect();
        flows.sort_unstable_by_key(|(id, _)| *id);
        Self { flows }
    }

    /// Whether a part of one of them could not be read, so that a name may be missing only for that.
    fn is_damaged(&self, globals: &Globals) -> bool {
        self.flows.iter().any(|(id, _)| {
            let status = globals.model.flow(*id).and_then(|flow| flow.status);
            globals.is_damaged(Symbol::Flow(*id))
                || status.is_some_and(|status| globals.is_damaged(Symbol::Type(status.values)))
        })
    }

    /// The statuses of the flows, each once.
    fn statuses(&self, globals: &Globals) -> Vec<TypeId> {
        let status = |(id, _): &(FlowId, &ast::Flow)| Some(globals.model.flow(*id)?.status?.values);
        let mut all: Vec<TypeId> = self.flows.iter().filter_map(status).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The cases of those statuses: the enum, the position, the name.
    fn cases<'g>(&self, globals: &'g Globals) -> Vec<(TypeId, u16, &'g str)> {
        let cases = |id: TypeId| match globals.model.ty(id).map(|def| &def.kind) {
            Some(TypeKind::Enum(cases)) => cases.as_slice(),
            _ => &[],
        };
        let all = self.statuses(globals).into_iter().flat_map(|id| {
            let numbered = cases(id).iter().enumerate();
            numbered.map(move |(at, case)| (id, crate::expr::narrow(at), case.name.as_str()))
        });
        all.collect()
    }
}

/// Checks a metric.
pub(crate) fn metric(cx: &mut Cx<'_>, texts: &FlowTexts<'_>, text: &ast::Metric, doc: String) -> Option<Metric> {
    let flow = cx.flow_named(&text.flow)?;
    let about = About::one(texts, flow);
    let from = cx.metric_end(&about, &text.from);
    let to = cx.metric_end(&about, &text.to);
    let tracked = cx.globals.model.flow(flow).map_or(&[][..], |flow| &flow.track);
    crate::signature::unique(&text.by, &mut cx.diagnostics);
    let mut by = Vec::with_capacity(text.by.len());
    for name in &text.by {
        match tracked.iter().position(|track| track.name == name.as_str()) {
            Some(at) => by.push(crate::expr::narrow(at)),
            None if about.is_damaged(cx.globals) => {}
            None => {
                let message = format!("`{}` does not track `{name}`", text.flow);
                let diagnostic = cx.found(&f02::UNKNOWN_MEMBER, message, name.span).label("not in its `track`");
                let diagnostic = match tracked {
                    [] => diagnostic.help(format!("add it to the flow's header: `track {name} = …`")),
                    _ => suggest_listed(diagnostic, name, "it tracks", tracked.iter().map(|track| track.name.as_str())),
                };
                cx.push(diagnostic);
            }
        }
    }
    let title = text.title.as_ref().and_then(|title| Some(title.plain()?.to_owned()));
    let (name, span) = (text.name.to_string(), text.name.span);
    Some(Metric { name, doc, span, title, flow, from: from?, to: to?, by })
}

/// Checks a policy: it speaks of all flows.
pub(crate) fn policy(cx: &mut Cx<'_>, texts: &FlowTexts<'_>, text: &ast::Policy, doc: String) -> Option<Policy> {
    let property = cx.property(&About::all(texts), &[], &text.property)?;
    Some(Policy { name: text.name.to_string(), doc, span: text.name.span, property })
}

/// Checks an invariant: it speaks of the flow that it names.
pub(crate) fn invariant(cx: &mut Cx<'_>, texts: &FlowTexts<'_>, text: &ast::Policy, doc: String) -> Option<Invariant> {
    let before = cx.diagnostics.len();
    let flow = cx.flow_named(&text.name);
    if let Some(finding) = cx.diagnostics.get_mut(before..).and_then(<[_]>::last_mut)
        && finding.help.is_none()
    {
        finding.help = Some(
            "an invariant is named after the flow that it is about; what holds of all flows is a `policy`".to_owned(),
        );
    }
    let flow = flow?;
    let params = cx.flow_params(flow);
    let property = cx.property(&About::one(texts, flow), &params, &text.property)?;
    Some(Invariant { doc, span: text.name.span, flow, property })
}

/// Checks an exploration.
pub(crate) fn explore(cx: &mut Cx<'_>, texts: &FlowTexts<'_>, text: &ast::Explore, doc: String) -> Option<Explore> {
    let flow = cx.flow_named(&text.flow)?;
    if text.faults_max > FAULTS_MAX {
        let message = format!("{} faults in one run are too many to go through", text.faults_max);
        let diagnostic = cx.found(&f02::MISMATCH, message, text.flow.span);
        cx.push(diagnostic.help(format!("write `faults {FAULTS_MAX}` or fewer; two find nearly everything")));
    }
    let about = About::one(texts, flow);
    let params = cx.flow_params(flow);
    let properties = text.properties.iter().filter_map(|property| cx.property(&about, &params, property)).collect();
    let faults_max = u32::try_from(text.faults_max.min(FAULTS_MAX)).unwrap_or_default();
    Some(Explore { doc, span: text.flow.span, flow, faults_max, properties })
}

impl Cx<'_> {
    /// The flow of that name; a finding where there is none.
    pub(crate) fn flow_named(&mut self, name: &Ident) -> Option<FlowId> {
        match self.globals.find(self.module, name.as_str()).map(|entry| entry.symbol) {
            Some(Symbol::Flow(id)) => return Some(id),
            Some(Symbol::Unusable) => {}
            Some(symbol) => {
                let what = self.globals.describe(symbol);
                let diagnostic = self.found(&f02::WRONG_KIND, format!("`{name}` is {what}, not a flow"), name.span);
                self.push(diagnostic.label("a flow is expected here"));
            }
            None => {
                let flows = self.globals.visible(self.module, |symbol| matches!(symbol, Symbol::Flow(_)));
                let diagnostic = self.found(&f01::UNKNOWN_NAME, format!("there is no flow `{name}`"), name.span);
                let diagnostic = from_elsewhere(self.globals, diagnostic.label("not known here"), name);
                let diagnostic = suggest(diagnostic, name, flows);
                self.push(diagnostic);
            }
        }
        None
    }

    fn flow_params(&self, flow: FlowId) -> Vec<Local> {
        let flow = self.globals.model.flow(flow);
        flow.map_or_else(Vec::new, |flow| flow.locals.iter().take(usize::from(flow.params)).cloned().collect())
    }

    /// `system.op`; findings where there is none.
    pub(crate) fn op_of(&mut self, system: &Ident, op: &Ident) -> Option<OpRef> {
        let id = self.system_named(system)?;
        let at = self.op_named(id, op)?;
        Some(OpRef { system: id, op: OpId::from(at) })
    }

    fn property(&mut self, about: &About<'_>, params: &[Local], text: &ast::Property) -> Option<Property> {
        use ast::PropertyKind as P;
        let kind = match &text.kind {
            P::Never { what, after } => {
                let what = self.occurrence(about, what);
                let after = after.as_ref().map(|after| self.occurrence(about, after));
                PropertyKind::Never { what: what?, after: optional(after)? }
            }
            P::OnlyAfter { what, after } => {
                let (what, after) = (self.occurrence(about, what), self.occurrence(about, after));
                PropertyKind::OnlyAfter { what: what?, after: after? }
            }
            P::AtMostOnce { what, per } => {
                let what = self.occurrence(about, what);
                let per = per.as_ref().map(|per| {
                    self.said(what.as_ref(), params, |cx| {
                        let key = cx.key_part(per);
                        (key.ty != Ty::Unknown).then_some(key)
                    })
                });
                PropertyKind::AtMostOnce { what: what?, per: optional(per)? }
            }
            P::NeverBoth(one, other) => {
                let (one, other) = (self.occurrence(about, one), self.occurrence(about, other));
                PropertyKind::NeverBoth(one?, other?)
            }
            P::LeadsTo { what, to, within } => {
                let what = self.occurrence(about, what);
                let mut all = Vec::with_capacity(to.len());
                for to in to {
                    all.push(self.occurrence(about, to));
                }
                let within = within.as_ref().map(|within| self.within(within));
                PropertyKind::LeadsTo { what: what?, to: all.into_iter().collect::<Option<_>>()?, within }
            }
            P::AtEnd { outcome, holds } => {
                let outcome = self.outcome(about, outcome);
                let holds = self.property(about, params, holds);
                PropertyKind::AtEnd { outcome: outcome?, holds: Box::new(holds?) }
            }
            P::ApprovedBy { what, role } => {
                let (what, role) = (self.occurrence(about, what), self.role_named(role));
                PropertyKind::ApprovedBy { what: what?, role: role? }
            }
            P::AlwaysSettled => PropertyKind::AlwaysSettled,
            P::Forbid { what, condition, unless_approved_by } => {
                let what = self.occurrence(about, what);
                let condition = condition
                    .as_ref()
                    .map(|condition| self.said(what.as_ref(), &[], |cx| Some(cx.expect(condition, &Ty::Bool))));
                let role = unless_approved_by.as_ref().map(|role| self.role_named(role));
                let Occurrence::Op(op) = what? else {
                    let diagnostic = self.found(&f02::WRONG_KIND, "`forbid` is about an operation", text.span);
                    self.push(diagnostic.help("what must not happen otherwise is written with `never`"));
                    return None;
                };
                PropertyKind::Forbid { op, condition: optional(condition)?, unless_approved_by: optional(role)? }
            }
            P::Bad => return None,
        };
        Some(Property { span: text.span, kind })
    }

    /// An expression about one occurrence. Its names are those of the flow's parameters (hidden by equal ones) and of the
    /// operation's parameters or the event's fields.
    fn said(
        &mut self,
        what: Option<&Occurrence>,
        params: &[Local],
        check: impl FnOnce(&mut Self) -> Option<Expr>,
    ) -> Option<Said> {
        let globals = self.globals;
        let mut known: Vec<Local> = Vec::new();
        let mut event = None;
        match what? {
            Occurrence::Op(op) => {
                if globals.is_damaged(Symbol::System(op.system)) {
                    return None;
                }
                let params = globals.model.op(*op).map_or(&[][..], |op| &op.params);
                known.extend(params.iter().map(|param| Local {
                    name: param.name.clone(),
                    span: param.span,
                    ty: param.ty.clone(),
                    kind: LocalKind::Code,
                }));
            }
            Occurrence::Event(id) => event = Some(*id),
            Occurrence::Status(_) => {}
        }
        let mark = self.mark();
        let (locals_before, implicit) = (std::mem::take(&mut self.locals), self.implicit);
        if let Some(id) = event {
            let local = self.hidden("event", globals.model.ty(id)?.span, Ty::Named(id), LocalKind::Code);
            self.implicit = Some(local);
        }
        let fields: &[Field] = event.and_then(|id| self.fields_of(id)).unwrap_or_default();
        let own = known.len() + usize::from(event.is_some());
        let is_hidden =
            |name: &str| known.iter().any(|local| local.name == name) || fields.iter().any(|f| f.name == name);
        let around: Vec<Local> = params.iter().filter(|param| !is_hidden(&param.name)).cloned().collect();
        for local in known.into_iter().chain(around) {
            let id = self.hidden(&local.name, local.span, local.ty, LocalKind::Code);
            self.visible.push(id);
        }
        let value = check(self);
        self.reset(mark);
        self.implicit = implicit;
        let locals = std::mem::replace(&mut self.locals, locals_before);
        Some(Said { locals, params: crate::expr::narrow(own), value: value? })
    }

    /// How long something may take: a Duration, or an Instant counted in a calendar.
    pub(crate) fn within(&mut self, text: &ast::Expr) -> Expr {
        let checked = self.expr(text, None);
        match &checked.ty {
            Ty::Duration | Ty::Instant | Ty::Unknown => checked,
            Ty::BusinessDuration => {
                let diagnostic = self
                    .found(&f02::MISMATCH, "business time needs a calendar to be counted in", text.span)
                    .label("in whose opening hours?")
                    .help(format!("write `{} of` and a calendar", crate::words::expr(text)));
                self.push(diagnostic);
                checked
            }
            _ => self.coerce(checked, &Ty::Duration),
        }
    }

    fn occurrence(&mut self, about: &About<'_>, text: &ast::Occurrence) -> Option<Occurrence> {
        match text {
            ast::Occurrence::Op { system, op } => Some(Occurrence::Op(self.op_of(system, op)?)),
            ast::Occurrence::Status(name) => Some(Occurrence::Status(self.status_of(about, name)?)),
            ast::Occurrence::Named(name) => self.event_of(about, name).map(Occurrence::Event),
        }
    }

    /// The event of that name. What else may have been meant is told: a status, an operation.
    fn event_of(&mut self, about: &About<'_>, name: &Ident) -> Option<TypeId> {
        let is_event = |kind: &TypeKind| matches!(kind, TypeKind::Event(_));
        let symbol = self.globals.find(self.module, name.as_str()).map(|entry| entry.symbol);
        if name.is_upper() || symbol.is_some_and(|symbol| !matches!(symbol, Symbol::System(_))) {
            return contract::named(self.globals, self.module, name, "an event", is_event, &mut self.diagnostics);
        }
        let diagnostic = self.found(&f01::UNKNOWN_NAME, format!("nothing that happens is called `{name}`"), name.span);
        let cases = about.cases(self.globals);
        let case = cases.iter().map(|(_, _, case)| *case).find(|case| *case == name.as_str());
        let near = case.or_else(|| nearest(name.as_str(), cases.iter().map(|(_, _, case)| *case)));
        let diagnostic = match (symbol, near) {
            (Some(_), _) => {
                diagnostic.label("this is a system").help(format!("name one of its operations: `{name}.…`"))
            }
            (None, Some(case)) => diagnostic
                .label("neither an operation nor an event")
                .help(format!("a milestone is written `status {case}`"))
                .fix(format!("write `status {case}`"), name.span, format!("status {case}")),
            (None, None) => diagnostic
                .label("neither an operation nor an event")
                .help("name an operation (`payments.capture`), a milestone (`status ready`) or an event (`PickedUp`)"),
        };
        self.push(diagnostic);
        None
    }

    /// The cases of that name in the statuses of the flows at hand.
    pub(crate) fn status_of(&mut self, about: &About<'_>, name: &Ident) -> Option<Vec<(TypeId, u16)>> {
        let cases = about.cases(self.globals);
        let named = cases.iter().filter(|(_, _, case)| *case == name.as_str());
        let found: Vec<(TypeId, u16)> = named.map(|(id, at, _)| (*id, *at)).collect();
        if !found.is_empty() {
            return Some(found);
        }
        if !about.is_damaged(self.globals) {
            let message = match about.flows.as_slice() {
                [(_, flow)] if cases.is_empty() => format!("flow `{}` has no status", flow.name),
                [(_, flow)] => format!("flow `{}` has no status `{name}`", flow.name),
                _ => format!("no flow has a status `{name}`"),
            };
            let diagnostic = self.found(&f02::UNKNOWN_MEMBER, message, name.span).label("no such milestone");
            self.push(match cases.as_slice() {
                [] => diagnostic.help("a flow's header says which enum has its milestones: `status OrderStatus`"),
                _ => suggest_listed(diagnostic, name, "there is", cases.iter().map(|(_, _, case)| *case)),
            });
        }
        None
    }

    /// A word that a run of one of the flows may end with.
    pub(crate) fn outcome(&mut self, about: &About<'_>, name: &Ident) -> Option<String> {
        let mut known: Vec<&str> = about.cases(self.globals).into_iter().map(|(_, _, case)| case).collect();
        let parts: Vec<Parts<'_>> = about.flows.iter().map(|(_, text)| Parts::of(text)).collect();
        let stops = parts.iter().flat_map(|parts| &parts.outcomes).map(|outcome| outcome.as_str());
        for outcome in stops.chain(OTHER_OUTCOMES) {
            if !known.contains(&outcome) {
                known.push(outcome);
            }
        }
        if known.contains(&name.as_str()) {
            return Some(name.to_string());
        }
        if !about.is_damaged(self.globals) {
            let message = match about.flows.as_slice() {
                [(_, flow)] => format!("no run of `{}` ends as `{name}`", flow.name),
                _ => format!("no run ends as `{name}`"),
            };
            let diagnostic = self.found(&f02::UNKNOWN_MEMBER, message, name.span).label("no such outcome");
            self.push(suggest_listed(diagnostic, name, "runs end as", known));
        }
        None
    }

    fn metric_end(&mut self, about: &About<'_>, end: &ast::Occurrence) -> Option<MetricEnd> {
        let name = match end {
            ast::Occurrence::Named(name) => name,
            ast::Occurrence::Status(name) => return self.metric_status(about, name),
            ast::Occurrence::Op { system, op } => {
                let span = system.span.to(op.span);
                let message = "a metric goes from `start` or a status to a status or `end`";
                let diagnostic = self.found(&f02::WRONG_KIND, message, span).label("this is an operation");
                self.push(diagnostic);
                return None;
            }
        };
        match name.as_str() {
            "start" => Some(MetricEnd::Start),
            "end" => Some(MetricEnd::End),
            _ => self.metric_status(about, name),
        }
    }

    fn metric_status(&mut self, about: &About<'_>, name: &Ident) -> Option<MetricEnd> {
        let cases = self.status_of(about, name)?;
        cases.first().map(|(_, case)| MetricEnd::Status(*case))
    }

    /// A role by its name.
    fn role_named(&mut self, name: &Ident) -> Option<String> {
        let globals = self.globals;
        let is_role = |symbol: Symbol| symbol == Symbol::Unusable || globals.describe(symbol) == "a role";
        match globals.find(self.module, name.as_str()).map(|entry| entry.symbol) {
            Some(symbol) if is_role(symbol) => return Some(name.to_string()),
            Some(symbol) => {
                let what = globals.describe(symbol);
                let diagnostic = self.found(&f02::WRONG_KIND, format!("`{name}` is {what}, not a role"), name.span);
                self.push(diagnostic.label("a role is expected here"));
            }
            None => {
                let diagnostic = self
                    .found(&f01::UNKNOWN_NAME, format!("there is no role `{name}`"), name.span)
                    .label("not known here")
                    .help(format!("declare it: `role {name} \"What it is called\" {{ }}`"));
                let diagnostic = from_elsewhere(globals, diagnostic, name);
                self.push(suggest(diagnostic, name, globals.visible(self.module, is_role)));
            }
        }
        None
    }
}

/// What is absent stays absent; what is there and could not be understood makes the whole not understood.
#[allow(clippy::option_option, reason = "the outer says whether it could be understood, the inner whether it is there")]
fn optional<T>(checked: Option<Option<T>>) -> Option<Option<T>> {
    match checked {
        Some(None) => None,
        Some(Some(value)) => Some(Some(value)),
        None => Some(None),
    }
}
