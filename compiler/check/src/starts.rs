//! Flows that start by themselves: by the clock (`starts every …`) or on a batch of events (`starts on gather …`).
//!
//! What such a flow starts with is its one parameter, which gets its name behind `as`. This is filled in before any flow is
//! checked.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::cx::{Cx, unknown as unknown_value};
use crate::flow::FlowCx;
use crate::fold::fold;
use crate::model::{
    CalendarKind, ExprKind, Field, FlowKey, Gather, Local, LocalId, LocalKind, Start, Ty, TypeDef, TypeKind,
};
use crate::names::{Declared, Globals, Symbol};
use crate::{contract, words};
use flowline_diag::code::f02;
use flowline_diag::{Diagnostic, Span};
use flowline_plan::calendar::{Calendar, CalendarError};
use flowline_plan::{KeyMode, Schedule, ScopeId, TypeId, Value};
use flowline_syntax::ast::{self, Ident, ItemKind, Recurrence};

/// The shortest time between two starts by the clock: a second.
const EVERY_MS_MIN: i64 = 1_000;
/// Events of one batch. A batch stands in one record of the journal.
const BATCH_MAX: u32 = 1_000;
/// Where the id of a batch stands among its fields.
const BATCH_ID: u16 = 0;

/// How a flow starts, and the type of what it starts with.
struct Found {
    start: Option<Start>,
    ty: Ty,
}

/// Gives each flow with a `starts` its parameter, and says how it starts.
pub(crate) fn fill(globals: &mut Globals, declared: &[Declared<'_>], diagnostics: &mut Vec<Diagnostic>) {
    for each in declared {
        let (ItemKind::Flow(text), Symbol::Flow(id)) = (&each.item.kind, each.symbol) else { continue };
        let Some(starts) = &text.starts else { continue };
        let found = match starts {
            ast::FlowStart::Every { .. } => {
                let mut cx = Cx::new(globals, each.module);
                let start = cx.every(starts).map(Start::Every);
                diagnostics.append(&mut cx.diagnostics);
                Found { start, ty: Ty::Instant }
            }
            ast::FlowStart::Gather { .. } => gather(globals, each.module, &text.name, starts, diagnostics),
        };
        let (name, span) = binding(starts);
        let Some(flow) = globals.model.flows.get_mut(id.index()) else { continue };
        let name = name.map(ToString::to_string).unwrap_or_default();
        flow.locals.push(Local { name, span, ty: found.ty, kind: LocalKind::Slot(ScopeId(0)) });
        flow.params = flow.params.saturating_add(1);
        flow.start = found.start;
    }
}

/// The name behind `as`, and where the clause stands.
pub(crate) fn binding(starts: &ast::FlowStart) -> (Option<&Ident>, Span) {
    match starts {
        ast::FlowStart::Every { binding, span, .. } | ast::FlowStart::Gather { binding, span, .. } => {
            (binding.as_ref(), binding.as_ref().map_or(*span, |name| name.span))
        }
    }
}

fn found(message: impl Into<String>, span: Span) -> Diagnostic {
    Diagnostic::new(&f02::STARTS, message, span)
}

impl Cx<'_> {
    fn every(&mut self, starts: &ast::FlowStart) -> Option<Schedule> {
        let ast::FlowStart::Every { span, every, at, calendar, .. } = starts else { return None };
        match every {
            Recurrence::Duration(duration) => {
                // `15 min of warehouse` is read as one expression.
                let (duration, calendar) = match &duration.kind {
                    ast::ExprKind::Of { duration, calendar } => (duration.as_ref(), Some(calendar.as_ref())),
                    _ => (duration, calendar.as_ref()),
                };
                if at.is_some() {
                    let help = "leave the time out, or start it on days: `starts every day at 05:00 of warehouse`";
                    self.push(found("an interval has no time of the day", *span).help(help));
                    return None;
                }
                let calendar = calendar.map(|calendar| self.constant_calendar(calendar));
                let every_ms = self.constant_ms(duration, "an interval is known before anything runs")?;
                if every_ms < EVERY_MS_MIN {
                    self.push(found("a flow starts every second at most", duration.span).label("too short"));
                    return None;
                }
                let calendar = match calendar {
                    Some(calendar) => Some(calendar?),
                    None => None,
                };
                self.comes(Schedule::Interval { every_ms, calendar }, *span)
            }
            Recurrence::Day | Recurrence::Weekday(_) => {
                let calendar = calendar.as_ref().map(|calendar| self.constant_calendar(calendar));
                let Some(at) = at else {
                    let help = "add the time: `at 05:00`";
                    self.push(found("at what time of the day does it start?", *span).label("no time").help(help));
                    return None;
                };
                let Some(calendar) = calendar else {
                    let diagnostic = found("a time of the day needs a calendar: its zone says when that is", *span);
                    let help = "add `of` and a calendar: on days on which it is closed the flow doesn't start";
                    let (hour, minute) = (at.minutes / 60, at.minutes % 60);
                    let label = format!("{hour:02}:{minute:02} is another instant in every zone");
                    self.push(diagnostic.label(label).help(help));
                    return None;
                };
                let weekday = match every {
                    Recurrence::Weekday(day) => {
                        let at = ast::Weekday::ALL.iter().position(|weekday| weekday == day);
                        at.and_then(|at| u8::try_from(at).ok())
                    }
                    _ => None,
                };
                self.comes(Schedule::Daily { weekday, minute: at.minutes, calendar: calendar? }, *span)
            }
        }
    }

    /// A schedule that ever comes. What is wrong with a calendar itself is said there.
    fn comes(&mut self, schedule: Schedule, span: Span) -> Option<Schedule> {
        let hours = self.globals.model.calendars.iter().filter_map(|calendar| match &calendar.kind {
            CalendarKind::Weekly(hours) => Some(hours.clone()),
            CalendarKind::Table { .. } | CalendarKind::Unknown => None,
        });
        let hours: Vec<Calendar> = hours.collect();
        let of = match &schedule {
            Schedule::Daily { calendar, .. } => Some(calendar),
            Schedule::Interval { calendar, .. } => calendar.as_ref(),
        };
        let opens = |calendar: &Calendar| calendar.due(0, 0, 1).is_ok();
        let open = of.is_none_or(|of| hours.iter().any(|calendar| calendar.name == *of && opens(calendar)));
        if open && schedule.next_after(&hours, 0) == Err(CalendarError::NeverOpen) {
            let help = "take a day and a time at which the calendar is open";
            self.push(found("this never comes: the calendar is closed then", span).help(help));
            return None;
        }
        Some(schedule)
    }

    /// The full name of a calendar that is known before anything runs.
    fn constant_calendar(&mut self, text: &ast::Expr) -> Option<String> {
        let before = self.diagnostics.len();
        let calendar = self.calendar(text);
        if self.diagnostics.len() > before || calendar.ty == Ty::Unknown || matches!(calendar.kind, ExprKind::Unknown) {
            return None;
        }
        if let Some(Value::Text(name)) = fold(&self.globals.model, &calendar) {
            return Some(name.to_string());
        }
        let message = "a flow starts by a calendar that is known before anything runs";
        let diagnostic = self.found(&f02::NOT_CONSTANT, message, text.span);
        self.push(diagnostic.label("the name of a calendar is expected here"));
        None
    }
}

/// A batch has a type of its own: a record that no text names.
fn gather(
    globals: &mut Globals,
    module: usize,
    flow: &Ident,
    starts: &ast::FlowStart,
    diagnostics: &mut Vec<Diagnostic>,
) -> Found {
    let nothing = Found { start: None, ty: Ty::Unknown };
    let ast::FlowStart::Gather { span, event, per, within, count_max, .. } = starts else { return nothing };
    let named = contract::event_named(globals, module, event, diagnostics);
    let mut cx = Cx::new(globals, module);
    let ty = named.map_or(Ty::Unknown, Ty::Named);
    cx.implicit = Some(cx.hidden("event", event.span, ty.clone(), LocalKind::Code));
    // Without its event nothing is known of the key.
    let key = per.as_ref().map(|per| if named.is_some() { cx.key_part(per) } else { unknown_value(per.span) });
    let count_max = count_max.map_or(Some(BATCH_MAX), |count| {
        let count_max = u32::try_from(count).ok().filter(|count| (1..=BATCH_MAX).contains(count));
        if count_max.is_none() {
            cx.push(found(format!("a batch takes between 1 and {BATCH_MAX} events, not {count}"), *span));
        }
        count_max
    });
    let within_ms = match within {
        Some(within) => {
            let within_ms = cx.constant_ms(within, "how long a batch gathers is known before anything runs");
            if within_ms == Some(0) {
                cx.push(found("a batch that gathers for no time has one event at most", within.span).label("no time"));
            }
            within_ms.filter(|ms| *ms > 0)
        }
        None => {
            let help = "say how long after its first event a batch is closed: `within 30 min`";
            cx.push(found("until when are events gathered?", *span).label("no end").help(help));
            None
        }
    };
    let locals = std::mem::take(&mut cx.locals);
    diagnostics.append(&mut cx.diagnostics);
    let field = |name: &str, ty: Ty| Field { name: name.to_owned(), span: *span, ty, pii: false, check: None };
    let mut fields = vec![field("id", Ty::Text)];
    fields.extend(key.as_ref().map(|key| field("key", key.ty.clone())));
    fields.push(field("events", Ty::List(Box::new(ty), count_max)));
    let id = TypeId::from(globals.model.types.len());
    let in_module = globals.modules.get(module).map_or("", |names| names.module.as_str());
    // Types begin with a capital, so no declared one has this name.
    let name = format!("{in_module}.{flow}.batch");
    let doc = format!("What `{flow}` gathers.");
    globals.model.types.push(TypeDef { name, doc, span: *span, kind: TypeKind::Record(fields) });
    let start = || {
        let per = key.map(|key| (locals, key));
        Some(Start::Gather(Gather { event: named?, per, within_ms: within_ms?, count_max: count_max? }))
    };
    Found { start: start(), ty: Ty::Named(id) }
}

impl FlowCx<'_> {
    /// What doesn't go together with a `starts`.
    pub(crate) fn refuse_beside_starts(&mut self, text: &ast::Flow) {
        let Some(starts) = &text.starts else { return };
        if let (Some(first), Some(last)) = (text.params.first(), text.params.last()) {
            let message = "a flow with a `starts` starts by itself, so nobody gives it anything";
            let name = words::starts(starts);
            let help = format!("leave the parameters out; what it starts with gets its name behind `as`: {name}");
            self.cx.push(found(message, first.name.span.to(last.ty.span)).label("given by whom?").help(help));
        }
        if let Some(when) = &text.when {
            let message = "`when` is a condition on the event that starts a flow, and this flow has a `starts`";
            self.cx.push(found(message, when.span).help("put the condition into the body: `when … { stop … }`"));
        }
    }

    /// A batch that would be dropped, because its key has a run already, is a batch of events that nobody gets to see.
    pub(crate) fn refuse_dropped_batches(&mut self, start: Option<&Start>, key: &FlowKey) {
        let is_id = |part: &crate::model::Expr| match &part.kind {
            ExprKind::Field { base, field, .. } => {
                *field == BATCH_ID && matches!(base.kind, ExprKind::Local(LocalId(0)))
            }
            _ => false,
        };
        let unknown = key.parts.iter().any(|part| part.ty == Ty::Unknown);
        if let Some(Start::Gather(_)) = start
            && key.mode != KeyMode::OneAtATime
            && !unknown
            && !key.parts.iter().any(is_id)
        {
            let message = "a batch whose key has a run already would be dropped, and its events with it";
            let help = format!("let it wait for its turn: `key {} one at a time`", key.name);
            self.cx.push(found(message, key.span).help(help));
        }
    }

    /// Whether another flow may start this one.
    pub(crate) fn refuse_start_of(&mut self, flow: flowline_plan::FlowId, name: &Ident) -> bool {
        let starts = self.cx.globals.starts_by_itself(flow);
        if starts {
            let message = format!("`{name}` starts by itself, and can't be started by another flow");
            let help = "put what both do into a flow without `starts`, and `run` it from both";
            self.cx.push(found(message, name.span).help(help));
        }
        starts
    }
}
