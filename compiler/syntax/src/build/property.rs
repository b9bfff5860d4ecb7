//! Properties and tests.

use super::{Builder, Kids, Node, kids};
use crate::ast::{
    Expectation, Explore, Given, Ident, Occurrence, Policy, Property, PropertyKind, Test, TestStep, TestStepKind,
};
use crate::grammar::Rule;

impl Builder<'_> {
    pub(super) fn policy(&mut self, node: Node<'_>) -> Policy {
        let span = self.span(&node);
        let mut kids = kids(node);
        let name = self.name(&mut kids);
        let property = kids
            .opt(Rule::property)
            .map_or(Property { span, kind: PropertyKind::Bad }, |property| self.property(property));
        Policy { name, property }
    }

    /// The next child's occurrence.
    pub(super) fn occurrence(&mut self, kids: &mut Kids<'_>) -> Occurrence {
        let Some(inner) = kids.opt(Rule::occurrence).and_then(|node| super::kids(node).next()) else {
            return Occurrence::Named(self.name(kids));
        };
        let rule = inner.as_rule();
        let mut kids = super::kids(inner);
        let name = self.name(&mut kids);
        match rule {
            Rule::occurs_op => Occurrence::Op { system: name, op: self.name(&mut kids) },
            Rule::occurs_status => Occurrence::Status(name),
            _ => Occurrence::Named(name),
        }
    }

    fn opt_occurrence(&mut self, kids: &mut Kids<'_>) -> Option<Occurrence> {
        while kids.pairs.peek().is_some_and(|pair| pair.as_rule().is_mark()) {
            kids.pairs.next();
        }
        (kids.pairs.peek()?.as_rule() == Rule::occurrence).then(|| self.occurrence(kids))
    }

    fn property(&mut self, node: Node<'_>) -> Property {
        let span = self.span(&node);
        let kind = kids(node).next().map_or(PropertyKind::Bad, |inner| self.property_kind(inner));
        Property { span, kind }
    }

    fn property_kind(&mut self, node: Node<'_>) -> PropertyKind {
        let rule = node.as_rule();
        let mut kids = kids(node);
        match rule {
            Rule::always_settled => PropertyKind::AlwaysSettled,
            Rule::at_end => {
                let outcome = self.name(&mut kids);
                match kids.opt(Rule::property).map(|property| self.property(property)) {
                    Some(holds) => PropertyKind::AtEnd { outcome, holds: Box::new(holds) },
                    None => PropertyKind::Bad,
                }
            }
            Rule::never_both => PropertyKind::NeverBoth(self.occurrence(&mut kids), self.occurrence(&mut kids)),
            Rule::never => {
                PropertyKind::Never { what: self.occurrence(&mut kids), after: self.opt_occurrence(&mut kids) }
            }
            Rule::only_after => {
                PropertyKind::OnlyAfter { what: self.occurrence(&mut kids), after: self.occurrence(&mut kids) }
            }
            Rule::at_most_once => {
                PropertyKind::AtMostOnce { what: self.occurrence(&mut kids), per: self.opt_expr(&mut kids) }
            }
            Rule::approved => PropertyKind::ApprovedBy { what: self.occurrence(&mut kids), role: self.name(&mut kids) },
            Rule::leads_to => {
                let what = self.occurrence(&mut kids);
                let to = std::iter::from_fn(|| self.opt_occurrence(&mut kids)).collect();
                let within = kids.opt(Rule::within).map(|within| self.expr_of(&mut super::kids(within)));
                PropertyKind::LeadsTo { what, to, within }
            }
            _ => PropertyKind::Forbid {
                what: self.occurrence(&mut kids),
                condition: kids.opt(Rule::forbid_where).map(|condition| self.expr_of(&mut super::kids(condition))),
                unless_approved_by: kids.opt(Rule::forbid_unless).map(|role| self.name(&mut super::kids(role))),
            },
        }
    }

    pub(super) fn explore(&mut self, node: Node<'_>) -> Explore {
        let mut kids = kids(node);
        let flow = self.name(&mut kids);
        let faults_max = kids.opt(Rule::number).map_or(0, |number| self.count(&number));
        let mut properties = Vec::new();
        for part in kids {
            match part.as_rule() {
                Rule::property => properties.push(self.property(part)),
                Rule::cut_short => {}
                _ => self.bad(&part),
            }
        }
        Explore { flow, faults_max, properties }
    }

    pub(super) fn test(&mut self, node: Node<'_>) -> Test {
        let span = self.span(&node);
        let mut kids = kids(node);
        let title = self.opt_text(&mut kids).unwrap_or(crate::ast::TextLit { span, parts: Vec::new() });
        let mut steps = Vec::new();
        for part in kids {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::cut_short => {}
                rule => {
                    let kind = self.test_step(rule, part);
                    steps.push(TestStep { span, kind });
                }
            }
        }
        Test { title, steps }
    }

    fn test_step(&mut self, rule: Rule, node: Node<'_>) -> TestStepKind {
        if matches!(rule, Rule::bad_test_line | Rule::bad_tail) {
            self.bad(&node);
            return TestStepKind::Bad;
        }
        let mut kids = kids(node);
        match rule {
            Rule::given => {
                let [system, op] = [0; 2].map(|_| self.name(&mut kids));
                let Some(what) = kids.next() else { return TestStepKind::Bad };
                let rule = what.as_rule();
                let mut kids = super::kids(what);
                let given = match rule {
                    Rule::given_raises => match kids.next() {
                        Some(record) => Given::Raises(self.record_lit(record)),
                        None => Given::RaisesNothing,
                    },
                    Rule::given_returns => Given::Returns(self.expr_of(&mut kids)),
                    Rule::given_times_out => Given::TimesOut,
                    _ => Given::RaisesNothing,
                };
                TestStepKind::Given { system, op, given }
            }
            Rule::test_start => {
                let flow = self.name(&mut kids);
                let args = self.opt_args(&mut kids);
                let file = kids.opt(Rule::test_file).and_then(|file| self.opt_text(&mut super::kids(file)));
                let fields = kids.opt(Rule::record_body).map(|body| self.inits(body)).unwrap_or_default();
                TestStepKind::Start { flow, args, file, fields }
            }
            Rule::test_after => TestStepKind::After(self.expr_of(&mut kids)),
            Rule::test_send => {
                kids.next().map_or(TestStepKind::Bad, |record| TestStepKind::Send(self.record_lit(record)))
            }
            _ => kids.next().map_or(TestStepKind::Bad, |what| TestStepKind::Expect(self.expectation(what))),
        }
    }

    fn expectation(&mut self, node: Node<'_>) -> Expectation {
        let rule = node.as_rule();
        let mut kids = kids(node);
        let name: Ident = self.name(&mut kids);
        match rule {
            Rule::expect_outcome => Expectation::Outcome(name),
            Rule::expect_status => Expectation::Status(name),
            Rule::expect_emitted => Expectation::Emitted(name),
            _ => {
                let op = self.name(&mut kids);
                let times = match kids.next() {
                    Some(often) if often.as_rule() == Rule::called_times => {
                        super::kids(often).next().map_or(0, |number| self.count(&number))
                    }
                    Some(often) if often.as_rule() == Rule::called_once => 1,
                    Some(_) | None => 0,
                };
                Expectation::Called { system: name, op, times }
            }
        }
    }
}
