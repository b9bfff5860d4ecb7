//! Resources, systems and operations.

use super::{Builder, Kids, Node, kids};
use crate::ast::{
    AbandonRow, Abandonable, Expiry, Idempotency, Later, LaterMode, Op, OpCall, OpClass, OpenState, Raise, RaiseEffect,
    Resource, Retry, RetryTimes, System, Takes,
};
use crate::grammar::Rule;

impl Builder<'_> {
    pub(super) fn resource(&mut self, node: Node<'_>) -> Resource {
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        let mut resource = Resource {
            name,
            fields: Vec::new(),
            splits_by: None,
            open: Vec::new(),
            doubt: Vec::new(),
            closed: Vec::new(),
            abandon: Vec::new(),
        };
        for part in kids {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::splits => {
                    let field = self.name(&mut super::kids(part));
                    self.once(&mut resource.splits_by, field, "`splits by`", span);
                }
                Rule::open_states => {
                    resource.open.extend(super::kids(part).map(|state| self.open_state(state)).collect::<Vec<_>>())
                }
                Rule::doubt_states => resource.doubt.extend(self.names(&mut super::kids(part))),
                Rule::closed_states => resource.closed.extend(self.names(&mut super::kids(part))),
                Rule::abandon => {
                    for row in super::kids(part) {
                        self.abandon_row(row, &mut resource.abandon);
                    }
                }
                _ => self.field_or_bad(part, &mut resource.fields),
            }
        }
        resource
    }

    fn open_state(&mut self, node: Node<'_>) -> OpenState {
        let span = self.span(&node);
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        let expiry = kids.opt(Rule::expiry).map(|node| {
            let span = self.span(&node);
            let mut kids = super::kids(node);
            let at = self.expr_of(&mut kids);
            let at_least = kids.opt(Rule::at_least).map(|least| self.expr_of(&mut super::kids(least)));
            Expiry { span, at, at_least, into: kids.opt(Rule::into).map(|into| self.name(&mut super::kids(into))) }
        });
        OpenState { span, name, expiry }
    }

    fn abandon_row(&mut self, node: Node<'_>, rows: &mut Vec<AbandonRow>) {
        match node.as_rule() {
            Rule::abandon_row => {
                let span = self.span(&node);
                let mut kids = kids(node);
                let states = self.names(&mut kids);
                let action =
                    kids.opt(Rule::op_call).map_or(Abandonable::Bad, |call| Abandonable::Call(self.op_call(call)));
                rows.push(AbandonRow { span, states, action });
            }
            Rule::cut_short => {}
            _ => self.bad(&node),
        }
    }

    pub(super) fn op_call(&mut self, node: Node<'_>) -> OpCall {
        let span = self.span(&node);
        let mut kids = kids(node);
        let system = self.name(&mut kids);
        let op = self.name(&mut kids);
        OpCall { span, system, op, args: self.opt_args(&mut kids) }
    }

    pub(super) fn system(&mut self, node: Node<'_>) -> System {
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        let title = self.opt_text(&mut kids);
        let mut system = System { name, title, owns: Vec::new(), cleared_for: Vec::new(), ops: Vec::new() };
        for part in kids {
            match part.as_rule() {
                Rule::op => system.ops.push(self.op(part)),
                Rule::owns => system.owns.extend(self.names(&mut super::kids(part))),
                Rule::cleared => system.cleared_for.extend(self.cleared(part)),
                Rule::cut_short => {}
                _ => self.bad(&part),
            }
        }
        system
    }

    fn op(&mut self, node: Node<'_>) -> Op {
        let span = self.span(&node);
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        self.want_lower(&name);
        let params = self.opt_params(&mut kids);
        let result = self.opt_type(&mut kids);
        let mut op = Op {
            span,
            doc: self.doc(span),
            name,
            params,
            result,
            reads: Vec::new(),
            writes: Vec::new(),
            classes: Vec::new(),
            retriable: None,
            idempotent: None,
            raises: Vec::new(),
            takes: None,
            timeout: None,
            retry: None,
            later: None,
        };
        for clause in kids {
            self.op_clause(clause, &mut op);
        }
        op
    }

    fn op_clause(&mut self, node: Node<'_>, op: &mut Op) {
        let span = self.span(&node);
        let rule = node.as_rule();
        let mut kids = kids(node.clone());
        match rule {
            Rule::op_reads => op.reads.extend(self.names(&mut kids)),
            Rule::op_writes => op.writes.extend(self.names(&mut kids)),
            Rule::irreversible => op.classes.push(OpClass::Irreversible(span)),
            Rule::harmless => op.classes.push(OpClass::Harmless(span)),
            Rule::settles => op.classes.push(OpClass::Settles(span)),
            Rule::retriable => self.once(&mut op.retriable, span, "`retriable`", span),
            Rule::raises => op.raises.extend(kids.map(|raise| self.raise(raise)).collect::<Vec<_>>()),
            Rule::op_undo => {
                let first = self.name(&mut kids);
                let second = kids.opt(Rule::word).map(|word| self.ident(&word));
                let args = self.opt_args(&mut kids);
                let (system, undo) = match second {
                    Some(undo) => (Some(first), undo),
                    None => (None, first),
                };
                op.classes.push(OpClass::Undo { span, system, op: undo, args });
            }
            Rule::idempotent => {
                let key = kids.opt(Rule::key).map(|key| self.key(key)).unwrap_or_default();
                let kept = kids.opt(Rule::kept).map(|kept| self.expr_of(&mut super::kids(kept)));
                self.once(&mut op.idempotent, Idempotency { span, key, kept }, "`idempotent by`", span);
            }
            Rule::takes => {
                let [least, most] = [0; 2].map(|_| self.expr_of(&mut kids));
                self.once(&mut op.takes, Takes { span, least, most }, "`takes`", span);
            }
            Rule::timeout => {
                let timeout = self.expr_of(&mut kids);
                self.once(&mut op.timeout, timeout, "`timeout`", span);
            }
            Rule::retry => {
                let retry = self.retry(node);
                self.once(&mut op.retry, retry, "`retry`", span);
            }
            Rule::later => {
                let later = self.later(&mut kids, span);
                self.once(&mut op.later, later, "`later`", span);
            }
            _ => self.bad(&node),
        }
    }

    pub(super) fn retry(&mut self, node: Node<'_>) -> Retry {
        let span = self.span(&node);
        let mut kids = kids(node);
        let times = kids.opt(Rule::number).map_or(RetryTimes::NotSaid, |number| RetryTimes::Times(self.count(&number)));
        let from = kids.opt(Rule::retry_from).map(|from| self.expr_of(&mut super::kids(from)));
        Retry { span, times, from, to: kids.opt(Rule::retry_to).map(|to| self.expr_of(&mut super::kids(to))) }
    }

    fn later(&mut self, kids: &mut Kids<'_>, span: flowline_diag::Span) -> Later {
        let mut events = vec![self.name(kids)];
        let mut mode = LaterMode::InTurn;
        for next in kids {
            if next.as_rule() == Rule::later_or {
                mode = LaterMode::OneOf;
            }
            events.push(self.name(&mut super::kids(next)));
        }
        Later { span, events, mode }
    }

    pub(super) fn raise(&mut self, node: Node<'_>) -> Raise {
        let span = self.span(&node);
        let mut kids = kids(node);
        let error = self.name(&mut kids);
        let effect = kids.next().map(|effect| {
            let span = self.span(&effect);
            if effect.as_rule() == Rule::outcome_unknown {
                return RaiseEffect::OutcomeUnknown(span);
            }
            let mut kids = super::kids(effect);
            let [subject, state] = [0; 2].map(|_| self.name(&mut kids));
            RaiseEffect::State { span, subject, state }
        });
        Raise { span, error, effect }
    }
}
