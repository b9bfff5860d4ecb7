//! Calendars: opening hours in the text, tables of them in files, and calendars as values.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::bodies::days_since_epoch;
use crate::calendar_file;
use crate::cx::{Cx, unknown};
use crate::model::{CalendarKind, Expr, ExprKind, Ty, TypeKind};
use crate::names::{Declared, Globals, Symbol, suggest};
use crate::{Beside, BesideProblem, ty};
use flowline_diag::code::{f01, f02};
use flowline_diag::{Diagnostic, Span};
use flowline_plan::calendar::{Calendar, CalendarError, CalendarTable};
use flowline_plan::{CalendarId, Value};
use flowline_syntax::ast::{self, Arg, Ident, ItemKind};

/// Fills opening hours and closed days in. Types are known by name by now, enums by their cases.
pub(crate) fn fill(
    globals: &mut Globals,
    declared: &[Declared<'_>],
    beside: &Beside,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for each in declared {
        if let (ItemKind::Calendar(text), Symbol::Calendar(id)) = (&each.item.kind, each.symbol) {
            let full = globals.model.calendars.get(id.index()).map_or_else(String::new, |def| def.name.clone());
            let kind = match &text.hours {
                ast::CalendarHours::Weekly(weekly) => weekly_hours(&full, text, weekly, diagnostics),
                ast::CalendarHours::File(path) => table(globals, each.module, &full, text, path, beside, diagnostics),
            };
            if let Some(def) = globals.model.calendars.get_mut(id.index()) {
                def.kind = kind.unwrap_or(CalendarKind::Unknown);
            }
        }
    }
}

fn weekly_hours(
    full: &str,
    text: &ast::Calendar,
    weekly: &ast::WeeklyHours,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<CalendarKind> {
    let name = &text.name;
    if let Some(param) = text.params.first() {
        diagnostics.push(
            Diagnostic::new(&f02::CALENDAR, format!("these hours are the same for every `{}`", param.name), param.span)
                .label("nothing depends on it")
                .help(format!(
                    "leave `({}: …)` out, or keep the hours of each in a file: `calendar {name}({}: …) from file \"{name}.csv\"`",
                    param.name, param.name
                )),
        );
        return None;
    }
    let Some(zone) = weekly.zone.as_ref().and_then(ast::TextLit::plain) else {
        diagnostics.push(
            Diagnostic::new(&f02::CALENDAR, format!("calendar `{name}` needs a zone"), name.span)
                .help("add `zone \"Europe/Berlin\"` or another IANA name"),
        );
        return None;
    };
    let mut hours = Calendar {
        name: full.to_owned(),
        zone: zone.to_owned(),
        week: std::array::from_fn(|_| Vec::new()),
        closed: Vec::new(),
    };
    for opening in &weekly.open {
        for day in &opening.days {
            let at = ast::Weekday::ALL.iter().position(|weekday| weekday == day);
            let Some(day) = at.and_then(|at| hours.week.get_mut(at)) else { continue };
            for time in &opening.times {
                if !open_from_to(day, time.from.minutes, time.to.minutes) {
                    diagnostics.push(
                        Diagnostic::new(
                            &f02::CALENDAR,
                            "these hours overlap others, or end before they begin",
                            time.span,
                        )
                        .label("open twice, or not at all"),
                    );
                }
            }
        }
    }
    // The parser has spoken where there is no such day.
    hours.closed.extend(weekly.closed.iter().filter_map(|date| days_since_epoch(*date)));
    hours.closed.sort_unstable();
    hours.closed.dedup();
    let zone_span = weekly.zone.as_ref().map_or(name.span, |zone| zone.span);
    // Hours that the parser has refused are not in the tree.
    let hours_unread = weekly.open.iter().any(|opening| opening.times.is_empty());
    match hours.due(0, 0, 1) {
        Ok(_) => {}
        Err(CalendarError::NeverOpen) if hours_unread => {}
        Err(CalendarError::UnknownZone { zone }) => diagnostics.push(unknown_zone(&f02::CALENDAR, &zone, zone_span)),
        Err(CalendarError::NeverOpen | CalendarError::TooFar | CalendarError::Negative | CalendarError::OutOfRange) => {
            diagnostics.push(
                Diagnostic::new(&f02::CALENDAR, format!("calendar `{name}` is never open"), name.span)
                    .help("add opening hours: `mon..fri 08:00-17:00`"),
            );
        }
    }
    Some(CalendarKind::Weekly(hours))
}

/// Adds an opening span to a day, which stays sorted; whether it could be added.
pub(crate) fn open_from_to(day: &mut Vec<(u16, u16)>, from: u16, to: u16) -> bool {
    let fits = from < to && day.iter().all(|(other_from, other_to)| to <= *other_from || *other_to <= from);
    if fits {
        day.push((from, to));
        day.sort_unstable();
    }
    fits
}

pub(crate) fn unknown_zone(code: &'static flowline_diag::Code, zone: &str, span: Span) -> Diagnostic {
    Diagnostic::new(code, format!("there is no time zone `{zone}`"), span)
        .help("use an IANA name such as `Europe/Berlin`")
}

/// `calendar store_hours(store: NodeId) from file "stores.csv"`
fn table(
    globals: &Globals,
    module: usize,
    full: &str,
    text: &ast::Calendar,
    path: &ast::TextLit,
    beside: &Beside,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<CalendarKind> {
    let name = &text.name;
    let [param] = text.params.as_slice() else {
        let span = text.params.get(1).map_or(name.span, |extra| extra.span);
        diagnostics.push(
            Diagnostic::new(&f02::CALENDAR, format!("calendar `{name}` takes one value, which picks its row"), span)
                .label(if text.params.is_empty() { "whose hours?" } else { "one too many" })
                .help(format!("for example `calendar {name}(store: NodeId) from file \"stores.csv\"`")),
        );
        return None;
    };
    let key = ty::resolve(globals, module, &param.ty, false, diagnostics);
    let cases = match &key {
        Ty::Unknown => return None,
        Ty::Text | Ty::Country => None,
        Ty::Named(id) => match globals.model.ty(*id).map(|def| &def.kind) {
            Some(TypeKind::Id) => None,
            Some(TypeKind::Enum(cases)) if cases.iter().all(|case| case.fields.is_empty()) => {
                Some(cases.iter().map(|case| case.name.as_str()).collect::<Vec<_>>())
            }
            _ => return refuse_key(globals, &key, param, diagnostics),
        },
        _ => return refuse_key(globals, &key, param, diagnostics),
    };
    let Some(plain) = path.plain() else {
        diagnostics.push(
            Diagnostic::new(&f02::CALENDAR_FILE, "the name of a file is a plain text", path.span)
                .label("known before anything runs"),
        );
        return None;
    };
    let file = match beside.get(plain) {
        Ok(file) => file,
        Err(problem) => {
            let finding = Diagnostic::new(&f02::CALENDAR_FILE, format!("`{plain}`: {problem}"), path.span)
                .label("the hours should be here");
            diagnostics.push(if problem == BesideProblem::Missing {
                finding.help("the path goes from the project's folder, where `flow.toml` is")
            } else {
                finding
            });
            return None;
        }
    };
    let wanted = calendar_file::Wanted { full, param: param.name.as_str(), cases: cases.as_deref(), named: path.span };
    let rows = calendar_file::read(&wanted, file, diagnostics);
    let param = param.name.to_string();
    Some(CalendarKind::Table { param, key, file: CalendarTable::of_file(full, plain, &file.text), rows })
}

fn refuse_key(
    globals: &Globals,
    key: &Ty,
    param: &ast::Param,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<CalendarKind> {
    let shown = ty::show(globals, key);
    diagnostics.push(
        Diagnostic::new(&f02::CALENDAR, format!("`{shown}` can't pick a row of a file"), param.ty.span)
            .label("an id, a text, a country or an enum without data is expected here"),
    );
    None
}

impl Cx<'_> {
    /// `2 business days of warehouse`
    pub(crate) fn of(&mut self, duration: &ast::Expr, calendar: &ast::Expr, span: Span) -> Expr {
        let duration = self.expect(duration, &Ty::BusinessDuration);
        let calendar = self.calendar(calendar);
        let kind = ExprKind::BusinessDue { duration: Box::new(duration), calendar: Box::new(calendar) };
        Expr { span, ty: Ty::Instant, kind }
    }

    /// An expression that must be a calendar: the name of one, a row of a table, a field that holds one, …
    pub(crate) fn calendar(&mut self, expr: &ast::Expr) -> Expr {
        let name = match &expr.kind {
            ast::ExprKind::Name(name) | ast::ExprKind::Call { callee: name, .. } => name,
            _ => return self.expect(expr, &Ty::Calendar),
        };
        if self.lookup(name.as_str()).is_some() || self.unread.contains(&name.text) {
            return self.expect(expr, &Ty::Calendar);
        }
        match self.globals.find(self.module, name.as_str()).map(|entry| entry.symbol) {
            Some(Symbol::Calendar(_) | Symbol::Function(_) | Symbol::Const(_) | Symbol::Decision(_)) => {
                self.expect(expr, &Ty::Calendar)
            }
            Some(Symbol::Unusable) => unknown(expr.span),
            Some(symbol) => {
                let what = self.globals.describe(symbol);
                self.push(
                    Diagnostic::new(&f02::WRONG_KIND, format!("`{name}` is {what}, not a calendar"), name.span)
                        .label("a calendar is expected here"),
                );
                unknown(expr.span)
            }
            None => {
                let diagnostic =
                    Diagnostic::new(&f01::UNKNOWN_NAME, format!("there is no calendar `{name}`"), name.span)
                        .label("not known here");
                let calendars = self.globals.visible(self.module, |symbol| matches!(symbol, Symbol::Calendar(_)));
                let diagnostic = suggest(diagnostic, name, calendars);
                let diagnostic = ty::from_elsewhere(self.globals, diagnostic, name);
                self.push(diagnostic);
                unknown(expr.span)
            }
        }
    }

    /// The name of a calendar as a value.
    pub(crate) fn calendar_named(&mut self, id: CalendarId, name: &Ident) -> Expr {
        let span = name.span;
        let Some(def) = self.globals.model.calendars.get(id.index()) else { return unknown(span) };
        match &def.kind {
            CalendarKind::Weekly(_) => {
                let kind = ExprKind::Value(Value::text(def.name.as_str()));
                Expr { span, ty: Ty::Calendar, kind }
            }
            CalendarKind::Table { key, .. } => {
                let key = self.show(key);
                self.push(
                    Diagnostic::new(&f02::ARGUMENTS, format!("`{name}` has a calendar for each {key}"), span)
                        .label("for which one?")
                        .help(format!("name it in parentheses: `{name}(…)`")),
                );
                Expr { ty: Ty::Calendar, ..unknown(span) }
            }
            CalendarKind::Unknown => Expr { ty: Ty::Calendar, ..unknown(span) },
        }
    }

    /// `store_hours(order.store)`
    pub(crate) fn calendar_of(&mut self, id: CalendarId, callee: &Ident, args: &[Arg], span: Span) -> Expr {
        let (param, key) = match self.globals.model.calendars.get(id.index()).map(|def| &def.kind) {
            Some(CalendarKind::Table { param, key, .. }) => (param.clone(), key.clone()),
            Some(CalendarKind::Weekly(_)) => {
                let all = args.iter().map(Arg::span).reduce(Span::to).unwrap_or(callee.span);
                self.push(
                    Diagnostic::new(&f02::ARGUMENTS, format!("calendar `{callee}` takes no arguments"), all)
                        .label("not expected")
                        .help(format!("write `{callee}` alone")),
                );
                return Expr { ty: Ty::Calendar, ..unknown(span) };
            }
            Some(CalendarKind::Unknown) | None => {
                self.pass_over_args(args);
                return Expr { ty: Ty::Calendar, ..unknown(span) };
            }
        };
        self.refuse_in_constant(span, "a row of a file");
        let mut args = self.arguments(&format!("`{callee}`"), &[(param, key)], args, span);
        let key = Box::new(args.pop().unwrap_or_else(|| unknown(span)));
        Expr { span, ty: Ty::Calendar, kind: ExprKind::CalendarOf { table: id, key } }
    }
}
