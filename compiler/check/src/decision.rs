//! Decision tables: each row a line of tests and an answer.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule names the few types and declarations that it takes; any other, also a future one, is the same finding"
)]

use crate::bodies::DecisionBody;
use crate::cx::{Cx, unknown};
use crate::model::{BinaryOp, DecisionRow, Expr, ExprKind, Local, LocalId, Ty, TypeKind, UnaryOp};
use crate::names::{Globals, Symbol, suggest, twice};
use crate::tables;
use flowline_diag::code::{f01, f02};
use flowline_diag::{Diagnostic, Span, nearest};
use flowline_plan::{DecisionId, HitPolicy};
use flowline_syntax::ast::{self, Cell, CellTest, Ident};

/// Checks the rows of a table.
pub(crate) fn check(
    globals: &Globals,
    module: usize,
    id: DecisionId,
    table: &ast::Decision,
) -> (DecisionBody, Vec<Diagnostic>, Vec<(Symbol, Span)>) {
    let mut cx = Cx::new(globals, module);
    let decision = globals.model.decision(id);
    let params: Vec<Local> = decision.map_or_else(Vec::new, |decision| decision.locals.clone());
    let policy = decision.map_or_else(HitPolicy::default, |decision| decision.policy);
    let answer = decision.map_or(Ty::Unknown, |decision| decision.result.clone());
    for (param, local) in table.params.iter().zip(&params) {
        cx.bind_code(&param.name, local.ty.clone());
    }
    let columns = cx.columns(&table.inputs, &params);
    let result = if policy == HitPolicy::Collect { cx.collected(&answer, table) } else { answer };
    let outputs = cx.outputs(table, &result);
    if let Some(word) = table.hit_policy.as_ref().filter(|word| HitPolicy::of_name(word.as_str()).is_none()) {
        let finding = Diagnostic::new(&f01::UNKNOWN_NAME, format!("`{word}` is no way to read a table"), word.span)
            .help("`unique`: no two rows may hold; `first`: the first that holds; `any`: all that hold say the same; `collect`: a list of what all that hold say");
        cx.push(match nearest(word.as_str(), HitPolicy::ALL.map(|(name, _)| name)) {
            Some(near) => finding.label(format!("did you mean `{near}`?")),
            None => finding,
        });
    }
    let mut rows = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        cx.count("tests", table.inputs.len(), row.cells.len(), row.span);
        cx.count("results", table.outputs.len().max(1), row.results.len(), row.span);
        let mut cells: Vec<Option<Expr>> = params.iter().map(|_| None).collect();
        for (cell, column) in row.cells.iter().zip(&columns) {
            let Some(at) = *column else { continue };
            let local = params.get(at).map(|param| Expr {
                span: param.span,
                ty: param.ty.clone(),
                kind: ExprKind::Local(LocalId(u32::from(crate::expr::narrow(at)))),
            });
            let test = local.and_then(|local| cx.cell(cell, &local));
            if let Some(place) = cells.get_mut(at) {
                *place = test;
            }
        }
        let result = cx.row_result(row, &outputs, &result);
        rows.push(DecisionRow { span: row.span, cells, result });
    }
    // A table that can't be read as it stands would only seem to lack rows.
    if cx.diagnostics.is_empty() && !table.rows.is_empty() && !globals.is_damaged(Symbol::Decision(id)) {
        cx.diagnostics.extend(tables::check(&globals.model, table, &params, policy, &rows));
    }
    (DecisionBody { locals: cx.locals, rows }, cx.diagnostics, cx.calls)
}

impl Cx<'_> {
    /// What one row of a table that collects says: an element of the list that the table answers.
    fn collected(&mut self, answer: &Ty, table: &ast::Decision) -> Ty {
        match answer {
            Ty::List(element, _) => element.as_ref().clone(),
            Ty::Unknown => Ty::Unknown,
            other => {
                let found = self.show(other);
                let finding = Diagnostic::new(
                    &f02::MISMATCH,
                    format!("a table that collects answers a list, not {found}"),
                    table.result.span,
                );
                self.push(finding.label("all rows that hold go into it").help("put the type into `[` and `]`"));
                other.clone()
            }
        }
    }

    /// For each column of the head the parameter that it tests.
    fn columns(&mut self, inputs: &[Ident], params: &[Local]) -> Vec<Option<usize>> {
        let mut columns = Vec::with_capacity(inputs.len());
        for (at, input) in inputs.iter().enumerate() {
            let column = params.iter().position(|param| param.name == input.as_str());
            let earlier = inputs.iter().take(at).find(|earlier| earlier.text == input.text);
            if let Some(first) = earlier {
                self.push(twice(input, first.span).help("a column may stand once"));
            } else if column.is_none() {
                let message = format!("the decision has no parameter `{input}`");
                let diagnostic =
                    Diagnostic::new(&f01::UNKNOWN_NAME, message, input.span).label("a column tests a parameter");
                self.push(suggest(diagnostic, input, params.iter().map(|param| param.name.as_str())));
            }
            columns.push(column.filter(|_| earlier.is_none()));
        }
        columns
    }

    /// For each output column the field of the result that it gives; empty where the one column is the result.
    fn outputs<'t>(&mut self, table: &'t ast::Decision, result: &Ty) -> Vec<&'t Ident> {
        if table.outputs.len() <= 1 {
            return Vec::new();
        }
        let is_record = matches!(result, Ty::Named(id) if matches!(self.kind(*id), Some(TypeKind::Record(_))));
        if !is_record && *result != Ty::Unknown {
            let found = self.show(result);
            self.push(
                Diagnostic::new(
                    &f02::MISMATCH,
                    format!("several columns of results make a record, not {found}"),
                    table.result.span,
                )
                .label("one column gives this"),
            );
        }
        table.outputs.iter().collect()
    }

    fn count(&mut self, what: &str, wanted: usize, given: usize, span: Span) {
        if wanted != given {
            self.push(
                Diagnostic::new(&f02::ARGUMENTS, format!("this row has {given} {what}, the head {wanted}"), span)
                    .label("one cell for each column"),
            );
        }
    }

    fn row_result(&mut self, row: &ast::DecisionRow, outputs: &[&Ident], result: &Ty) -> Expr {
        if outputs.is_empty() {
            let Some(value) = row.results.first() else { return unknown(row.span) };
            return self.value_in_cell(value, result);
        }
        let Ty::Named(id) = result else { return unknown(row.span) };
        let name = self.globals.model.ty(*id).map_or("", |def| def.short_name());
        let fields = outputs.iter().zip(&row.results).map(|(name, value)| ast::FieldInit {
            span: value.span,
            name: Ident { text: name.text.clone(), span: name.span },
            value: value.clone(),
        });
        let name = Ident { text: name.into(), span: row.span };
        let record = ast::RecordLit { span: row.span, name, fields: fields.collect() };
        self.build(*id, &record)
    }

    /// A value in a cell, where the name of a case may stand alone.
    fn value_in_cell(&mut self, value: &ast::Expr, ty: &Ty) -> Expr {
        let wanted = match ty {
            Ty::Optional(inner) => inner.as_ref(),
            ty => ty,
        };
        if let (ast::ExprKind::Name(name), Ty::Named(id)) = (&value.kind, wanted)
            && let Some(TypeKind::Enum(cases)) = self.kind(*id)
        {
            let is_bound = self.lookup(name.as_str()).is_some();
            let is_const = self.globals.find(self.module, name.as_str()).is_some();
            if cases.iter().any(|case| case.name == name.as_str()) || !(is_bound || is_const) {
                return self.variant(*id, name, &[], value.span);
            }
        }
        if let (ast::ExprKind::Call { callee, args }, Ty::Named(id)) = (&value.kind, wanted)
            && let Some(TypeKind::Enum(cases)) = self.kind(*id)
            && cases.iter().any(|case| case.name == callee.as_str())
        {
            return self.variant(*id, callee, args, value.span);
        }
        let before = self.diagnostics.len();
        let checked = self.expect(value, ty);
        let shown = self.show(ty);
        if let Some(finding) = self.diagnostics.get_mut(before..).and_then(<[_]>::last_mut)
            && finding.help.is_none()
        {
            finding.help =
                Some(format!("this column holds {shown}; a cell is a value, a comparison such as `> 5`, or `-`"));
        }
        checked
    }

    /// A cell as a condition on its parameter; none for `-`.
    fn cell(&mut self, cell: &Cell, param: &Expr) -> Option<Expr> {
        match cell {
            Cell::Any(_) | Cell::Bad(_) => None,
            Cell::None(span) => {
                if !matches!(param.ty, Ty::Optional(_) | Ty::Unknown) {
                    let found = self.show(&param.ty);
                    self.push(
                        Diagnostic::new(&f02::NEVER_ABSENT, "this column is always there", *span)
                            .label(format!("its type is {found}, without a `?`")),
                    );
                }
                let exists = Expr { span: *span, ty: Ty::Bool, kind: ExprKind::Exists(Box::new(param.clone())) };
                Some(Expr { span: *span, ty: Ty::Bool, kind: ExprKind::Unary(UnaryOp::Not, Box::new(exists)) })
            }
            Cell::Tests(span, tests) => {
                let tests = tests.iter().map(|test| self.cell_test(test, param, *span)).collect::<Vec<_>>();
                tests.into_iter().reduce(|left, right| both(BinaryOp::Or, left, right, *span))
            }
        }
    }

    fn cell_test(&mut self, test: &CellTest, param: &Expr, cell: Span) -> Expr {
        let inner = match &param.ty {
            Ty::Optional(inner) => inner.as_ref().clone(),
            ty => ty.clone(),
        };
        match test {
            CellTest::Equals(value) => {
                let value = self.value_in_cell(value, &inner);
                let span = value.span;
                both(BinaryOp::Equal, param.clone(), value, span)
            }
            CellTest::Compare { op, value } => {
                let value = self.expr(value, Some(&inner));
                let span = value.span;
                self.compared(cell, &Expr { ty: inner, ..param.clone() }, &value);
                let op = match op {
                    ast::BinaryOp::Less => BinaryOp::Less,
                    ast::BinaryOp::LessOrEqual => BinaryOp::LessOrEqual,
                    ast::BinaryOp::Greater => BinaryOp::Greater,
                    ast::BinaryOp::GreaterOrEqual => BinaryOp::GreaterOrEqual,
                    ast::BinaryOp::NotEqual => BinaryOp::NotEqual,
                    ast::BinaryOp::Equal
                    | ast::BinaryOp::Or
                    | ast::BinaryOp::And
                    | ast::BinaryOp::Default
                    | ast::BinaryOp::Add
                    | ast::BinaryOp::Subtract
                    | ast::BinaryOp::Multiply
                    | ast::BinaryOp::Divide => BinaryOp::Equal,
                };
                both(op, param.clone(), value, span)
            }
            CellTest::Between { least, most } => {
                let (least, most) = (self.expr(least, Some(&inner)), self.expr(most, Some(&inner)));
                let span = least.span.to(most.span);
                let known = Expr { ty: inner, ..param.clone() };
                self.compared(cell, &known, &least);
                self.compared(cell, &known, &most);
                let from = both(BinaryOp::GreaterOrEqual, param.clone(), least, span);
                both(BinaryOp::And, from, both(BinaryOp::LessOrEqual, param.clone(), most, span), span)
            }
        }
    }
}

fn both(op: BinaryOp, left: Expr, right: Expr, span: Span) -> Expr {
    Expr { span, ty: Ty::Bool, kind: ExprKind::Binary(op, Box::new(left), Box::new(right)) }
}
