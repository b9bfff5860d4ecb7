//! Decisions and calendars: what is written as a table.

use super::{Builder, Kids, Node, kids};
use crate::ast::{
    BinaryOp, Calendar, CalendarHours, Cell, CellTest, Date, Decision, DecisionRow, Expr, OpeningHours, TimeOfDay,
    TimeRange, Weekday, WeeklyHours,
};
use crate::grammar::Rule;
use flowline_diag::{Diagnostic, Edit, Fix, Span, code::f01};

impl Builder<'_> {
    pub(super) fn decision(&mut self, node: Node<'_>) -> Decision {
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        let params = self.opt_params(&mut kids);
        let result = self.type_of(&mut kids);
        let hit_policy = kids.opt(Rule::hit_policy).map(|policy| self.name(&mut super::kids(policy)));
        let mut decision =
            Decision { name, params, result, hit_policy, inputs: Vec::new(), outputs: Vec::new(), rows: Vec::new() };
        match kids.opt(Rule::table_head) {
            Some(head) => {
                let mut head = super::kids(head);
                let [inputs, outputs] = [Rule::table_inputs, Rule::table_outputs].map(|rule| {
                    head.opt(rule).map(|columns| self.names(&mut super::kids(columns))).unwrap_or_default()
                });
                decision.inputs = inputs;
                decision.outputs = outputs;
            }
            None if let Some(finding) = self.without_bars(&kids) => {
                self.findings.push(finding);
                return decision;
            }
            None => {
                let finding =
                    Diagnostic::new(&f01::UNEXPECTED, "the table of this decision has no head", decision.name.span);
                self.findings.push(finding.help("begin it with a line such as `| channel | promise || result |`"));
            }
        }
        for part in kids {
            match part.as_rule() {
                Rule::row => {
                    let row = self.row(part, &decision);
                    decision.rows.extend(row);
                }
                Rule::cut_short => {}
                _ => self.bad(&part),
            }
        }
        decision
    }

    /// The finding for a table of which no row parts the results from what they hang on.
    fn without_bars(&self, parts: &Kids<'_>) -> Option<Diagnostic> {
        let rows: Vec<Node<'_>> = parts.pairs.clone().filter(|part| part.as_rule() == Rule::bad_row).collect();
        let lines: Vec<&str> = rows.iter().flat_map(|row| row.as_str().lines()).collect();
        let is_row = |line: &&str| line.trim().starts_with('|') && line.trim().ends_with('|') && !line.contains("||");
        let first = self.span(rows.first()?);
        if !lines.iter().all(is_row) {
            return None;
        }
        let before_result = |row: &Node<'_>| {
            let text = row.as_str().trim_end();
            let at = text.get(..text.len().checked_sub(1)?)?.rfind('|')?;
            let span = self.span(row);
            let bar = span.start + u32::try_from(at).ok()?;
            Some(Edit { span: Span::new(span.file, bar, bar + 1), text: "||".to_owned() })
        };
        let edits = rows.iter().filter_map(before_result).collect();
        let fix = Fix { title: "put `||` before the last column".to_owned(), edits, safe: false };
        let finding =
            Diagnostic::new(&f01::UNEXPECTED, "nothing says which columns of this table are its answer", first);
        Some(finding.help("`||` stands before them: `| channel | promise || result |`").fix_with(fix))
    }

    /// A row; one with the wrong number of cells is reported and left out.
    fn row(&mut self, node: Node<'_>, decision: &Decision) -> Option<DecisionRow> {
        let span = self.span(&node);
        let mut kids = kids(node);
        let cells: Vec<Cell> = kids
            .opt(Rule::row_inputs)
            .map(|cells| super::kids(cells).map(|cell| self.cell(cell)).collect())
            .unwrap_or_default();
        let results: Vec<Expr> = kids
            .opt(Rule::row_results)
            .map(|results| super::kids(results).map(|expr| self.expr(expr)).collect())
            .unwrap_or_default();
        let (inputs, outputs) = (decision.inputs.len(), decision.outputs.len());
        if (inputs, outputs) != (0, 0) && (cells.len(), results.len()) != (inputs, outputs) {
            let message = format!(
                "this row has {} and {}, the head has {} and {}",
                counted(cells.len(), "cell"),
                counted(results.len(), "result"),
                inputs,
                outputs
            );
            self.findings.push(
                Diagnostic::new(&f01::UNEXPECTED, message, span)
                    .help("each row has the columns of the head; `-` means any value"),
            );
            return None;
        }
        Some(DecisionRow { span, cells, results })
    }

    fn cell(&mut self, node: Node<'_>) -> Cell {
        let span = self.span(&node);
        let mut kids = kids(node).peekable();
        match kids.peek().map(|first| first.as_rule()) {
            Some(Rule::cell_any) => Cell::Any(span),
            Some(Rule::cell_none) => Cell::None(span),
            Some(_) => Cell::Tests(span, kids.map(|test| self.cell_test(test)).collect()),
            None => Cell::Bad(span),
        }
    }

    fn cell_test(&mut self, node: Node<'_>) -> CellTest {
        let mut kids = kids(node);
        if let Some(sign) = kids.opt(Rule::compare_op) {
            let op = match sign.as_str().trim_end() {
                "<=" => BinaryOp::LessOrEqual,
                ">=" => BinaryOp::GreaterOrEqual,
                "<" => BinaryOp::Less,
                ">" => BinaryOp::Greater,
                "!=" => BinaryOp::NotEqual,
                _ => BinaryOp::Equal,
            };
            return CellTest::Compare { op, value: self.cell_value(kids.next()) };
        }
        let first = kids.next();
        let first = self.cell_value(first);
        match kids.next() {
            Some(most) => CellTest::Between { least: first, most: self.cell_value(Some(most)) },
            None => CellTest::Equals(first),
        }
    }

    fn cell_value(&mut self, node: Option<Node<'_>>) -> Expr {
        match node {
            Some(node) => self.expr(node),
            None => self.bad_expr(crate::scan::span(self.file, self.base, self.base)),
        }
    }

    pub(super) fn calendar(&mut self, node: Node<'_>) -> Calendar {
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        let params = self.opt_params(&mut kids);
        if let Some(file) = kids.opt(Rule::calendar_file).and_then(|file| self.opt_text(&mut super::kids(file))) {
            return Calendar { name, params, hours: CalendarHours::File(file) };
        }
        let mut hours = WeeklyHours { zone: None, open: Vec::new(), closed: Vec::new() };
        for part in kids {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::zone => {
                    if let Some(zone) = self.opt_text(&mut super::kids(part)) {
                        self.once(&mut hours.zone, zone, "`zone`", span);
                    }
                }
                Rule::closed_days => {
                    hours.closed.extend(super::kids(part).filter_map(|date| self.date(&date)).collect::<Vec<_>>())
                }
                Rule::opening => {
                    let opening = self.opening(part, span);
                    hours.open.push(opening);
                }
                Rule::cut_short => {}
                _ => self.bad(&part),
            }
        }
        Calendar { name, params, hours: CalendarHours::Weekly(hours) }
    }

    fn opening(&mut self, node: Node<'_>, span: Span) -> OpeningHours {
        let mut opening = OpeningHours { span, days: Vec::new(), times: Vec::new() };
        for part in kids(node) {
            let span = self.span(&part);
            let is_days = part.as_rule() == Rule::days;
            let mut kids = super::kids(part);
            if is_days {
                let first = kids.next().and_then(|day| super::flow::weekday(day.as_str()));
                let last = kids.next().and_then(|day| super::flow::weekday(day.as_str())).or(first);
                let days = Weekday::ALL.into_iter().filter(|day| Some(*day) >= first && Some(*day) <= last);
                opening.days.extend(days.collect::<Vec<_>>());
            } else if let (Some(from), Some(to)) =
                (kids.next().and_then(|t| self.time(&t)), kids.next().and_then(|t| self.time(&t)))
            {
                if from >= to {
                    let finding = Diagnostic::new(&f01::UNEXPECTED, "these hours end before they begin", span);
                    self.findings.push(finding.help(
                        "hours over midnight are written as two: `22:00-24:00` and, for the next day, `00:00-06:00`",
                    ));
                } else {
                    opening.times.push(TimeRange { span, from, to });
                }
            }
        }
        opening.days.sort_unstable();
        opening.days.dedup();
        opening
    }

    /// `05:00`; a finding where no clock shows it.
    pub(super) fn time(&mut self, node: &Node<'_>) -> Option<TimeOfDay> {
        let span = self.span(node);
        let (hours, minutes) = node.as_str().trim().split_once(':')?;
        let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
        let total = hours * 60 + minutes;
        if minutes > 59 || total > 24 * 60 {
            self.findings.push(Diagnostic::new(&f01::UNEXPECTED, "no clock shows this time", span));
            return None;
        }
        Some(TimeOfDay { minutes: total })
    }

    /// `2026-12-25`; a finding where no calendar has it.
    pub(super) fn date(&mut self, node: &Node<'_>) -> Option<Date> {
        let span = self.span(node);
        let mut parts = node.as_str().trim().splitn(3, '-');
        let year: i16 = parts.next()?.parse().ok()?;
        let month: u8 = parts.next()?.parse().ok()?;
        let day: u8 = parts.next()?.parse().ok()?;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => 0,
        };
        if day == 0 || day > days {
            self.findings.push(Diagnostic::new(&f01::UNEXPECTED, "no calendar has this day", span));
            return None;
        }
        Some(Date { span, year, month, day })
    }
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
