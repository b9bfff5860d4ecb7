//! Plain declarations: enums, records, events, functions, constants, roles, models, metrics, upcasts, migrations.

use super::{Builder, Kids, Node, kids};
use crate::ast::{
    Carries, Const, Date, Enum, EnumCase, Event, Field, Fn, Ident, Metric, Migrate, MigrateRow, Model, Occurrence,
    Record, Role, Upcast,
};
use crate::grammar::Rule;
use flowline_diag::{Diagnostic, code::f01};

impl Builder<'_> {
    pub(super) fn enum_decl(&mut self, node: Node<'_>) -> Enum {
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        let mut cases = Vec::new();
        for part in kids {
            match part.as_rule() {
                Rule::enum_case => {
                    let span = self.span(&part);
                    let mut kids = super::kids(part);
                    let name = self.name(&mut kids);
                    self.want_lower(&name);
                    cases.push(EnumCase {
                        span,
                        doc: self.doc(span),
                        name,
                        fields: kids.map(|param| self.param(param)).collect(),
                    });
                }
                Rule::cut_short => {}
                _ => self.bad(&part),
            }
        }
        Enum { name, cases }
    }

    pub(super) fn record(&mut self, node: Node<'_>) -> Record {
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        let mut fields = Vec::new();
        for part in kids {
            self.field_or_bad(part, &mut fields);
        }
        Record { name, fields }
    }

    pub(super) fn field_or_bad(&mut self, part: Node<'_>, fields: &mut Vec<Field>) {
        match part.as_rule() {
            Rule::field => fields.push(self.field(part)),
            Rule::cut_short => {}
            _ => self.bad(&part),
        }
    }

    pub(super) fn event(&mut self, node: Node<'_>) -> Event {
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        let version = kids.opt(Rule::version).map_or(1, |version| self.version(&version));
        let type_name = self.opt_text(&mut kids);
        let from = kids.opt(Rule::event_from).map(|from| self.name(&mut super::kids(from)));
        let mut event = Event {
            name,
            version,
            type_name,
            from,
            keys: Vec::new(),
            fields: Vec::new(),
            kept: None,
            carries: Vec::new(),
        };
        for part in kids {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::event_key => event.keys.extend(super::kids(part).map(|key| self.key(key)).collect::<Vec<_>>()),
                Rule::kept => {
                    let kept = self.expr_of(&mut super::kids(part));
                    self.once(&mut event.kept, kept, "`kept`", span);
                }
                Rule::carries => {
                    let money = super::kids(part).next().is_some_and(|what| what.as_rule() == Rule::carries_money);
                    event.carries.push(if money { Carries::Money(span) } else { Carries::Goods(span) });
                }
                _ => self.field_or_bad(part, &mut event.fields),
            }
        }
        event
    }

    fn version(&mut self, node: &Node<'_>) -> u32 {
        node.as_str().trim_start_matches('v').parse().unwrap_or_else(|_| {
            let span = self.span(node);
            self.findings.push(Diagnostic::new(&f01::UNEXPECTED, "this version number is too large", span));
            1
        })
    }

    /// The parts of a `key` node.
    pub(super) fn key(&mut self, node: Node<'_>) -> Vec<crate::ast::Expr> {
        let Some(inner) = kids(node).next() else { return Vec::new() };
        match inner.as_rule() {
            Rule::composite => kids(inner).map(|part| self.expr(part)).collect(),
            _ => vec![self.expr(inner)],
        }
    }

    pub(super) fn upcast(&mut self, node: Node<'_>) -> Upcast {
        let mut kids = kids(node);
        let event = self.name(&mut kids);
        let [from, to] = [0; 2].map(|_| kids.opt(Rule::version).map_or(1, |version| self.version(&version)));
        Upcast { event, from, to, fields: kids.next().map(|body| self.inits(body)).unwrap_or_default() }
    }

    pub(super) fn fn_decl(&mut self, node: Node<'_>) -> Fn {
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        let params = self.opt_params(&mut kids);
        let result = self.type_of(&mut kids);
        Fn { name, params, result, body: self.expr_of(&mut kids) }
    }

    pub(super) fn const_decl(&mut self, node: Node<'_>) -> Const {
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        let ty = self.opt_type(&mut kids);
        Const { name, ty, value: self.expr_of(&mut kids) }
    }

    /// The labels of `cleared for`; `nothing` is the empty list.
    pub(super) fn cleared(&mut self, node: Node<'_>) -> Vec<Ident> {
        let mut labels = self.names(&mut kids(node));
        labels.retain(|label| label.as_str() != "nothing");
        labels
    }

    pub(super) fn role(&mut self, node: Node<'_>) -> Role {
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        let title = self.opt_text(&mut kids);
        let mut role = Role { name, title, cleared_for: Vec::new(), limit: None };
        for part in kids {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::cleared => role.cleared_for.extend(self.cleared(part)),
                Rule::role_limit => {
                    let limit = self.expr_of(&mut super::kids(part));
                    self.once(&mut role.limit, limit, "`limit`", span);
                }
                Rule::cut_short => {}
                _ => self.bad(&part),
            }
        }
        role
    }

    pub(super) fn model(&mut self, node: Node<'_>) -> Model {
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        let title = self.opt_text(&mut kids);
        let mut model = Model {
            name,
            title,
            version: None,
            input: None,
            output: None,
            approved_by: None,
            approved_on: None,
            approved_until: None,
            fallback: None,
            cleared_for: Vec::new(),
        };
        for part in kids {
            self.model_line(part, &mut model);
        }
        model
    }

    fn model_line(&mut self, part: Node<'_>, model: &mut Model) {
        let span = self.span(&part);
        let rule = part.as_rule();
        match rule {
            Rule::cut_short => return,
            Rule::cleared => {
                let labels = self.cleared(part);
                return model.cleared_for.extend(labels);
            }
            Rule::model_version
            | Rule::model_input
            | Rule::model_output
            | Rule::model_approved
            | Rule::model_fallback => {}
            _ => return self.bad(&part),
        }
        let mut kids = kids(part);
        match rule {
            Rule::model_version => {
                if let Some(text) = self.opt_text(&mut kids) {
                    self.once(&mut model.version, text, "`version`", span);
                }
            }
            Rule::model_input => {
                let ty = self.type_of(&mut kids);
                self.once(&mut model.input, ty, "`input`", span);
            }
            Rule::model_output => {
                let ty = self.type_of(&mut kids);
                self.once(&mut model.output, ty, "`output`", span);
            }
            Rule::model_fallback => {
                let value = self.expr_of(&mut kids);
                self.once(&mut model.fallback, value, "`fallback`", span);
            }
            _ => {
                if let Some(text) = self.opt_text(&mut kids) {
                    self.once(&mut model.approved_by, text, "`approved by`", span);
                }
                model.approved_on = self.date_in(&mut kids, Rule::approved_on);
                model.approved_until = self.date_in(&mut kids, Rule::approved_until);
            }
        }
    }

    fn date_in(&mut self, kids: &mut Kids<'_>, rule: Rule) -> Option<Date> {
        let date = super::kids(kids.opt(rule)?).next()?;
        self.date(&date)
    }

    pub(super) fn metric(&mut self, node: Node<'_>) -> Metric {
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        let title = self.opt_text(&mut kids);
        let [from, to]: [Occurrence; 2] = [0; 2].map(|_| self.occurrence(&mut kids));
        let flow = self.name(&mut kids);
        let by = kids.opt(Rule::metric_by).map(|by| self.names(&mut super::kids(by))).unwrap_or_default();
        Metric { name, title, from, to, flow, by }
    }

    pub(super) fn migrate(&mut self, node: Node<'_>) -> Migrate {
        let mut kids = kids(node);
        let flow = self.name(&mut kids);
        let mut rows = Vec::new();
        for part in kids {
            match part.as_rule() {
                Rule::migrate_row => {
                    let span = self.span(&part);
                    let mut kids = super::kids(part);
                    let [from, to] = [0; 2].map(|_| self.name(&mut kids));
                    rows.push(MigrateRow { span, from, to, args: self.opt_args(&mut kids) });
                }
                Rule::cut_short => {}
                _ => self.bad(&part),
            }
        }
        Migrate { flow, rows }
    }
}
