//! Flows: header, body, what comes late.

use super::{Builder, Node, kids, words};
use crate::ast::{
    Block, Flow, FlowCall, FlowKey, FlowStart, KeyMode, Late, Promise, PromiseAt, Recurrence, StatusClause, Track,
    Weekday,
};
use crate::grammar::Rule;
use flowline_diag::{Diagnostic, code::f01};

impl Builder<'_> {
    pub(super) fn flow(&mut self, node: Node<'_>) -> Flow {
        let mut head = self.span(&node);
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        let empty = Block { span: head.at_end(), stmts: Vec::new() };
        let mut flow = Flow {
            head,
            name,
            params: self.opt_params(&mut kids),
            result: None,
            raises: Vec::new(),
            when: None,
            starts: None,
            key: None,
            status: None,
            track: Vec::new(),
            owner: None,
            promises: Vec::new(),
            undo: None,
            body: empty,
            late: Vec::new(),
            unread: Vec::new(),
        };
        head.end = flow.name.span.end;
        let before = self.bad.len();
        for part in kids {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::block => {
                    flow.body = self.block(part);
                    continue;
                }
                Rule::late => {
                    let late = self.late(part);
                    flow.late.push(late);
                    continue;
                }
                Rule::no_body => {
                    let finding = Diagnostic::new(
                        &f01::UNEXPECTED,
                        format!("the flow `{}` has no body", flow.name),
                        flow.name.span,
                    );
                    let help = "its values stand in brackets and its steps in braces: `flow pack(order: Order) { … }`";
                    self.findings.push(finding.help(help));
                    // What was read of the rest as clauses was meant as something else.
                    self.bad.truncate(before);
                    continue;
                }
                rule => {
                    if matches!(rule, Rule::bad_params | Rule::bad_clause) {
                        flow.unread.extend(words(part.as_str()));
                    }
                    self.flow_clause(part, &mut flow);
                }
            }
            head.end = head.end.max(span.end);
        }
        flow.head = head;
        flow
    }

    fn flow_clause(&mut self, node: Node<'_>, flow: &mut Flow) {
        let span = self.span(&node);
        let rule = node.as_rule();
        let mut kids = kids(node.clone());
        match rule {
            Rule::r#type => {
                let ty = self.ty(node);
                self.once(&mut flow.result, ty, "what the flow gives", span);
            }
            Rule::raises => flow.raises.extend(kids.map(|raise| self.raise(raise)).collect::<Vec<_>>()),
            Rule::flow_when => {
                let condition = self.expr_of(&mut kids);
                self.once(&mut flow.when, condition, "`when`", span);
            }
            Rule::flow_starts => {
                if let Some(start) = kids.next().map(|start| self.flow_start(start)) {
                    self.once(&mut flow.starts, start, "`starts`", span);
                }
            }
            Rule::flow_key => {
                let parts = kids.opt(Rule::key).map(|key| self.key(key)).unwrap_or_default();
                let mode = match kids.next().map(|mode| mode.as_rule()) {
                    Some(Rule::key_once) => KeyMode::Once,
                    Some(Rule::key_queued) => KeyMode::OneAtATime,
                    _ => KeyMode::NotSaid,
                };
                self.once(&mut flow.key, FlowKey { span, parts, mode }, "`key`", span);
            }
            Rule::flow_status => {
                let ty = self.name(&mut kids);
                let speaks_for = self.names(&mut kids).into_iter().next();
                self.once(&mut flow.status, StatusClause { span, ty, speaks_for }, "`status`", span);
            }
            Rule::track => {
                for tracked in kids {
                    let span = self.span(&tracked);
                    let mut kids = super::kids(tracked);
                    let name = self.name(&mut kids);
                    flow.track.push(Track { span, name, value: self.expr_of(&mut kids) });
                }
            }
            Rule::owner => {
                if let Some(owner) = self.opt_text(&mut kids) {
                    self.once(&mut flow.owner, owner, "`owner`", span);
                }
            }
            Rule::promise => {
                if let Some(promise) = self.promise(node) {
                    flow.promises.push(promise);
                }
            }
            Rule::flow_undo => {
                if let Some(call) = kids.opt(Rule::flow_call).map(|call| self.flow_call(call)) {
                    self.once(&mut flow.undo, call, "`undo`", span);
                }
            }
            _ if node.as_str().trim().is_empty() => {
                let at = flow.name.span.at_end();
                let finding = Diagnostic::new(&f01::UNEXPECTED, format!("expected `(` behind `{}`", flow.name), at);
                self.findings.push(finding.fix("add empty parentheses", at, "()"));
            }
            _ => self.bad(&node),
        }
    }

    fn flow_start(&mut self, node: Node<'_>) -> FlowStart {
        let span = self.span(&node);
        let is_gather = node.as_rule() == Rule::starts_gather;
        let mut kids = kids(node);
        if is_gather {
            let event = self.name(&mut kids);
            let per = kids.opt(Rule::gather_per).map(|per| self.expr_of(&mut super::kids(per)));
            let within = kids.opt(Rule::within).map(|within| self.expr_of(&mut super::kids(within)));
            let number = kids.opt(Rule::gather_max).and_then(|max| super::kids(max).next());
            let count_max = number.map(|number| self.count(&number));
            let binding = kids.opt(Rule::binding).map(|name| self.name(&mut super::kids(name)));
            return FlowStart::Gather { span, event, per, within, count_max, binding };
        }
        let every = match kids.next() {
            Some(day) if day.as_rule() == Rule::weekday => {
                weekday(day.as_str()).map_or(Recurrence::Day, Recurrence::Weekday)
            }
            Some(duration) if duration.as_rule() == Rule::expr => Recurrence::Duration(self.expr(duration)),
            Some(_) | None => Recurrence::Day,
        };
        let at = kids.opt(Rule::time).and_then(|time| self.time(&time));
        let calendar = self.opt_expr(&mut kids);
        let binding = kids.opt(Rule::binding).map(|name| self.name(&mut super::kids(name)));
        FlowStart::Every { span, every, at, calendar, binding }
    }

    fn promise(&mut self, node: Node<'_>) -> Option<Promise> {
        let span = self.span(&node);
        let mut kids = kids(node);
        let text = self.opt_text(&mut kids)?;
        let [from, to] = [0; 2].map(|_| self.occurrence(&mut kids));
        let within = self.expr_of(&mut kids);
        let mut promise = Promise { span, text, from, to, within, at: Vec::new(), missed: None };
        let Some(body) = kids.opt(Rule::promise_body) else { return Some(promise) };
        for part in super::kids(body) {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::promise_at => {
                    let mut kids = super::kids(part);
                    let share = self.expr_of(&mut kids);
                    promise.at.push(PromiseAt { span, share, body: self.block_of(&mut kids) });
                }
                Rule::missed => {
                    let body = self.block_of(&mut super::kids(part));
                    self.once(&mut promise.missed, body, "`missed`", span);
                }
                Rule::cut_short => {}
                _ => self.bad(&part),
            }
        }
        Some(promise)
    }

    fn late(&mut self, node: Node<'_>) -> Late {
        let span = self.span(&node);
        let mut kids = kids(node);
        let event = self.event_wait(&mut kids);
        Late { span, event, body: self.block_of(&mut kids) }
    }

    pub(super) fn flow_call(&mut self, node: Node<'_>) -> FlowCall {
        let span = self.span(&node);
        let mut kids = kids(node);
        let flow = self.name(&mut kids);
        FlowCall { span, flow, args: self.opt_args(&mut kids) }
    }
}

pub(super) fn weekday(text: &str) -> Option<Weekday> {
    Weekday::ALL.into_iter().find(|day| day.as_str() == text.trim_end())
}
