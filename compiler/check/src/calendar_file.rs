//! Tables of opening hours: a row for each store, as a spreadsheet saves them.
//!
//! ```csv
//! store,zone,mon..fri,sat,sun,closed
//! DC1,Europe/Berlin,06:00-22:00,08:00-16:00,,2026-12-25 2026-12-26
//! M4,Europe/Paris,09:00-12:00 13:00-18:00,,,
//! ```
//!
//! The heading names the columns, in any order: the calendar's parameter, `zone`, days or ranges of days, `closed`. Several
//! hours or dates in a cell are separated by spaces; a day with an empty cell, or without a column, is closed. Cells are
//! separated by commas, or by semicolons where the heading has no comma. Blank lines and lines that begin with `#` are passed
//! over.

use crate::BesideFile;
use crate::bodies::days_since_epoch;
use crate::calendar::{open_from_to, unknown_zone};
use flowline_diag::code::f02;
use flowline_diag::{Code, Diagnostic, Span, nearest};
use flowline_plan::calendar::{Calendar, CalendarError, entry_name};
use flowline_syntax::ast;
use rustc_hash::FxHashMap;

/// Rows of one file.
const ROWS_MAX: usize = 10_000;
/// Closed days in one cell.
const CLOSED_DAYS_MAX: usize = 1_000;
/// Findings about the rows of one file; a column in another notation is wrong in each of them.
const FINDINGS_MAX: usize = 10;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// What the calendar expects of its file.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    /// Its full name.
    pub(crate) full: &'a str,
    /// The parameter that picks the row.
    pub(crate) param: &'a str,
    /// The keys there can be, where these are known.
    pub(crate) cases: Option<&'a [&'a str]>,
    /// Where the flow names the file.
    pub(crate) named: Span,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Key,
    Zone,
    /// From and to, both included, from 0 for Monday.
    Days(usize, usize),
    Closed,
}

/// A cell, without its quotes and the blanks around it.
#[derive(Debug)]
struct Cell {
    text: String,
    span: Span,
}

/// The calendars of a file, in its order. Rows with findings are left out.
pub(crate) fn read(wanted: &Wanted<'_>, file: &BesideFile, diagnostics: &mut Vec<Diagnostic>) -> Vec<Calendar> {
    let mut reader = Reader { wanted, found: Vec::new(), seen: FxHashMap::default() };
    let mut lines = lines(file);
    let rows = match lines.next() {
        Some((text, span)) => reader.table(text, span, lines),
        None => {
            reader.refuse(&f02::CALENDAR_FILE, "the file is empty", wanted.named);
            Vec::new()
        }
    };
    let mut found = reader.found;
    if let Some(more) = found.len().checked_sub(FINDINGS_MAX).filter(|more| *more > 0) {
        found.truncate(FINDINGS_MAX);
        if let Some(last) = found.pop() {
            let others = if more == 1 { "another finding".to_owned() } else { format!("{more} more findings") };
            found.push(last.help(format!("{others} in this file will follow when these are mended")));
        }
    }
    diagnostics.extend(found);
    rows
}

/// The lines that say something, without the mark that some programs put at the beginning of a file.
fn lines(file: &BesideFile) -> impl Iterator<Item = (&str, Span)> {
    let mut at = 0;
    let lines = file.text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        let text = if start == 0 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        let start = start + (line.len() - text.len());
        let text = text.trim_end_matches(['\n', '\r']);
        (text, Span::new(file.file, narrow(start), narrow(start + text.len())))
    });
    lines.filter(|(text, _)| !text.trim().is_empty() && !text.starts_with('#'))
}

struct Reader<'a> {
    wanted: &'a Wanted<'a>,
    found: Vec<Diagnostic>,
    /// Where each key stands.
    seen: FxHashMap<String, Span>,
}

impl Reader<'_> {
    fn refuse(&mut self, code: &'static Code, message: impl Into<String>, span: Span) -> &mut Diagnostic {
        self.found.push(Diagnostic::new(code, message, span));
        self.found.last_mut().expect("it was pushed right before")
    }

    fn table<'t>(&mut self, heading: &str, span: Span, lines: impl Iterator<Item = (&'t str, Span)>) -> Vec<Calendar> {
        let separator = if heading.contains(',') { ',' } else { ';' };
        let Some(columns) = self.heading(heading, span, separator) else { return Vec::new() };
        let mut rows = Vec::new();
        for (count, (line, span)) in lines.enumerate() {
            if count == ROWS_MAX {
                self.refuse(&f02::CALENDAR_FILE, format!("a file has at most {ROWS_MAX} rows"), span);
                break;
            }
            let before = self.found.len();
            let row = self.row(&columns, line, span, separator);
            rows.extend(row.filter(|_| self.found.len() == before));
        }
        if rows.is_empty() && self.found.is_empty() {
            self.refuse(&f02::CALENDAR_FILE, "the file has no rows", span);
        }
        if self.found.is_empty() {
            self.all_cases(span);
        }
        rows
    }

    /// Every value that can be asked for has its row, where these values are known.
    fn all_cases(&mut self, heading: Span) {
        let missing: Vec<&str> = self
            .wanted
            .cases
            .unwrap_or_default()
            .iter()
            .copied()
            .filter(|case| !self.seen.contains_key(*case))
            .collect();
        if !missing.is_empty() {
            let names = missing.join("`, `");
            self.refuse(&f02::CALENDAR_FILE, format!("no row for `{names}`"), heading);
        }
    }

    fn heading(&mut self, text: &str, span: Span, separator: char) -> Option<Vec<Column>> {
        let mut columns = Vec::new();
        let mut open = Vec::new();
        for cell in self.cells(&f02::CALENDAR_FILE, text, span, separator)? {
            let Some(column) = column(&cell.text, self.wanted.param) else {
                let known = ["zone", "closed"].into_iter().chain(DAYS).chain([self.wanted.param]);
                let meant = nearest(&cell.text, known).map(|meant| format!("did you mean `{meant}`?"));
                let help = format!(
                    "columns are `{}`, `zone`, days such as `mon` or `mon..fri`, and `closed`",
                    self.wanted.param
                );
                let message = format!("`{}` is no column of opening hours", cell.text);
                self.refuse(&f02::CALENDAR_FILE, message, cell.span).help = Some(meant.unwrap_or(help));
                return None;
            };
            let twice = match column {
                Column::Days(from, to) => {
                    let twice = (from..=to).any(|day| open.contains(&day));
                    open.extend(from..=to);
                    twice
                }
                Column::Key | Column::Zone | Column::Closed => columns.contains(&column),
            };
            if twice {
                self.refuse(&f02::CALENDAR_FILE, format!("`{}` is there twice", cell.text), cell.span);
                return None;
            }
            columns.push(column);
        }
        let missing = [(Column::Key, self.wanted.param), (Column::Zone, "zone")];
        if let Some((_, name)) = missing.into_iter().find(|(column, _)| !columns.contains(column)) {
            let message = format!("the heading has no column `{name}`");
            self.refuse(&f02::CALENDAR_FILE, message, span).help =
                Some(format!("the first line names the columns: `{},zone,mon..fri,sat,sun,closed`", self.wanted.param));
            return None;
        }
        Some(columns)
    }

    fn row(&mut self, columns: &[Column], text: &str, span: Span, separator: char) -> Option<Calendar> {
        let cells = self.cells(&f02::CALENDAR_ROW, text, span, separator)?;
        if cells.len() != columns.len() {
            let message = format!("this row has {} cells, the heading has {}", cells.len(), columns.len());
            self.refuse(&f02::CALENDAR_ROW, message, span).help =
                Some("keep the separators of empty cells too".to_owned());
            return None;
        }
        let week = std::array::from_fn(|_| Vec::new());
        let mut row = Calendar { name: String::new(), zone: String::new(), week, closed: Vec::new() };
        let (before, mut zone_span) = (self.found.len(), span);
        for (column, cell) in columns.iter().zip(&cells) {
            match column {
                Column::Key => row.name = self.key(cell),
                Column::Zone => {
                    zone_span = cell.span;
                    row.zone.clone_from(&cell.text);
                }
                Column::Days(from, to) => {
                    let hours = self.hours(cell);
                    row.week.iter_mut().skip(*from).take(to - from + 1).for_each(|day| day.clone_from(&hours));
                }
                Column::Closed => row.closed = self.closed(cell),
            }
        }
        match row.due(0, 0, 1) {
            Ok(_) => {}
            // What is wrong with its hours is told already.
            Err(_) if self.found.len() > before => {}
            Err(CalendarError::UnknownZone { zone }) => {
                self.found.push(unknown_zone(&f02::CALENDAR_ROW, &zone, zone_span));
            }
            Err(
                CalendarError::NeverOpen | CalendarError::TooFar | CalendarError::Negative | CalendarError::OutOfRange,
            ) => {
                self.refuse(&f02::CALENDAR_ROW, "this is never open", span);
            }
        }
        Some(row)
    }

    fn key(&mut self, cell: &Cell) -> String {
        if cell.text.is_empty() {
            self.refuse(&f02::CALENDAR_ROW, format!("no `{}` is named here", self.wanted.param), cell.span);
        } else if let Some(cases) = self.wanted.cases.filter(|cases| !cases.contains(&cell.text.as_str())) {
            let meant = nearest(&cell.text, cases.iter().copied()).map(|meant| format!("did you mean `{meant}`?"));
            let message = format!("there is no `{}` `{}`", self.wanted.param, cell.text);
            self.refuse(&f02::CALENDAR_ROW, message, cell.span).help = meant;
        }
        if let Some(first) = self.seen.insert(cell.text.clone(), cell.span) {
            let twice = Diagnostic::new(&f02::CALENDAR_ROW, format!("`{}` has a row already", cell.text), cell.span);
            self.found.push(twice.also(first, "the first is here"));
        }
        entry_name(self.wanted.full, &cell.text)
    }

    /// `08:00-12:00 13:00-17:00`
    fn hours(&mut self, cell: &Cell) -> Vec<(u16, u16)> {
        let mut day = Vec::new();
        for word in cell.text.split_whitespace() {
            let times = word.split_once('-').and_then(|(from, to)| Some((minute(from)?, minute(to)?)));
            let Some((from, to)) = times else {
                self.refuse(&f02::CALENDAR_ROW, format!("`{word}` are no opening hours"), cell.span).help = Some(
                    "write `08:00-17:00`, several with a space between them, and nothing where it is closed".to_owned(),
                );
                break;
            };
            if !open_from_to(&mut day, from, to) {
                let message = "these hours overlap others, or end before they begin";
                self.refuse(&f02::CALENDAR_ROW, message, cell.span).help = Some(
                    "hours over midnight are written as two: `22:00-24:00` and, for the next day, `00:00-06:00`"
                        .to_owned(),
                );
                break;
            }
        }
        day
    }

    /// `2026-12-25 2026-12-26`
    fn closed(&mut self, cell: &Cell) -> Vec<i32> {
        let mut days = Vec::new();
        for word in cell.text.split_whitespace() {
            let Some(day) = date(word, cell.span) else {
                self.refuse(&f02::CALENDAR_ROW, format!("`{word}` is no day"), cell.span).help =
                    Some("write `2026-12-25`, several with a space between them".to_owned());
                break;
            };
            days.push(day);
        }
        if days.len() > CLOSED_DAYS_MAX {
            self.refuse(&f02::CALENDAR_ROW, format!("a row has at most {CLOSED_DAYS_MAX} closed days"), cell.span);
        }
        days.sort_unstable();
        days.dedup();
        days
    }

    /// The cells of a line. In quotes a separator is an ordinary letter, and a doubled quote stands for one.
    fn cells(&mut self, code: &'static Code, text: &str, span: Span, separator: char) -> Option<Vec<Cell>> {
        let (mut cells, mut start, mut quoted) = (Vec::new(), 0, false);
        let ends = text.char_indices().map(|(at, letter)| (at, Some(letter))).chain([(text.len(), None)]);
        for (at, letter) in ends {
            match letter {
                Some('"') => quoted = !quoted,
                Some(letter) if quoted || letter != separator => {}
                None if quoted => {
                    self.refuse(code, "a quote is opened here and never closed", span);
                    return None;
                }
                Some(_) | None => {
                    cells.push(cell(text, start, at, span));
                    start = at + separator.len_utf8();
                }
            }
        }
        Some(cells)
    }
}

fn cell(line: &str, from: usize, to: usize, span: Span) -> Cell {
    let whole = line.get(from..to).unwrap_or_default();
    let text = whole.trim();
    let start = from + (whole.len() - whole.trim_start().len());
    let span = Span { start: span.start + narrow(start), end: span.start + narrow(start + text.len()), ..span };
    let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let text = inside.map_or_else(|| text.to_owned(), |inside| inside.replace("\"\"", "\"").trim().to_owned());
    Cell { text, span }
}

fn column(text: &str, param: &str) -> Option<Column> {
    if text == param {
        return Some(Column::Key);
    }
    let name = text.to_ascii_lowercase();
    let day = |name: &str| DAYS.iter().position(|day| *day == name);
    match name.as_str() {
        "zone" => Some(Column::Zone),
        "closed" => Some(Column::Closed),
        one => match one.split_once("..") {
            Some((from, to)) => {
                let (from, to) = (day(from.trim())?, day(to.trim())?);
                (from <= to).then_some(Column::Days(from, to))
            }
            None => day(one).map(|day| Column::Days(day, day)),
        },
    }
}

/// `08:00` as minutes since midnight; 24:00 is the end of the day.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && (1..=2).contains(&text.len());
    if !digits(hours) || minutes.len() != 2 || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= 24 * 60).then_some(total)
}

/// `2026-12-25` as days since 1970-01-01.
fn date(text: &str, span: Span) -> Option<i32> {
    let is_date = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if !is_date || parts.next().is_some() || year.len() != 4 || month.len() != 2 {
        return None;
    }
    let date = ast::Date { span, year: year.parse().ok()?, month: month.parse().ok()?, day: day.parse().ok()? };
    days_since_epoch(date)
}

/// A file has fewer bytes than fit.
fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
