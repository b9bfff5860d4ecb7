//! Flows, and behind them all the side flows that their clauses begin.

use std::sync::Arc;

use flowline_check::model::{self, ExprKind, LocalId};
use flowline_plan::{Code, EventArm, FlowId, Instr, Late, LateClause, Plan, PromiseStep, Side, Slot, Value};
use rust_decimal::Decimal;
use rustc_hash::FxHashSet;

use crate::{
    Cx,
    code::{self, Coder, Names, given},
    flow,
};

/// The plans of all flows. Side flows come last, so that the ids of the others stay those of the model.
pub(crate) fn plans(cx: &Cx<'_>) -> Vec<Arc<Plan>> {
    let mut plans: Vec<Plan> = cx.model.flows.iter().map(|flow| flow::plan(cx, flow)).collect();
    let mut sides = Sides { cx, first: plans.len(), plans: Vec::new() };
    for (at, (plan, flow)) in plans.iter_mut().zip(&cx.model.flows).enumerate() {
        let of = FlowId::from(at);
        let (slots, _) = flow::slots(flow);
        for (promise, said) in plan.promises.iter_mut().zip(&flow.promises) {
            promise.steps = said.steps.iter().map(|step| sides.step(of, &slots, said, step)).collect();
        }
        plan.late = sides.late(of, &slots, &flow.late);
    }
    plans.extend(sides.plans);
    plans.into_iter().map(Arc::new).collect()
}

/// Side flows while they are lowered.
struct Sides<'a> {
    cx: &'a Cx<'a>,
    first: usize,
    plans: Vec<Plan>,
}

impl Sides<'_> {
    fn add(&mut self, of: FlowId, side: &model::SideFlow) -> FlowId {
        let id = FlowId::from(self.first + self.plans.len());
        let plan = flow::plan(self.cx, &side.flow);
        self.plans.push(Plan { side: Some(Side { of, what: side.what.clone() }), ..plan });
        id
    }

    fn step(
        &mut self,
        of: FlowId,
        slots: &[Option<Slot>],
        promise: &model::Promise,
        step: &model::PromiseStep,
    ) -> PromiseStep {
        let at = step.share.map(|share| share_of(self.cx, slots, promise, share));
        let args = step.side.sees.iter().map(|local| match slot_of(slots, *local) {
            Some(slot) => Code::slot(slot),
            None => Code::constant(Value::None),
        });
        PromiseStep { at, args: args.collect(), flow: self.add(of, &step.side) }
    }

    fn late(&mut self, of: FlowId, slots: &[Option<Slot>], late: &model::Late) -> Late {
        self.cx.reads.borrow_mut().clear();
        let clauses = late.clauses.iter().map(|clause| self.clause(of, clause)).collect();
        // What no clause reads isn't kept: an ended run should take little room.
        let read: FxHashSet<LocalId> = std::mem::take(&mut self.cx.reads.borrow_mut());
        let sees = (1u32..).zip(&late.sees);
        let sees = sees.map(|(at, local)| slot_of(slots, *local).filter(|_| read.contains(&LocalId(at))));
        Late { sees: sees.collect(), clauses }
    }

    fn clause(&mut self, of: FlowId, clause: &model::LateClause) -> LateClause {
        let (cx, names, event) = (self.cx, Names::default(), &clause.event);
        let params = given(clause.side.flow.params);
        let arm = EventArm {
            event: event.event,
            key: event.key,
            value: code::key(cx, names, &params, &event.value, event.span),
            bind: None,
            condition: event.condition.as_ref().map(|condition| code::code(cx, names, &params, condition)),
            fresh: event.fresh,
            target: None,
        };
        let within = code::code(cx, names, &params, &clause.within);
        LateClause { arm, within, flow: self.add(of, &clause.side) }
    }
}

fn slot_of(slots: &[Option<Slot>], local: LocalId) -> Option<Slot> {
    slots.get(local.index()).copied().flatten()
}

/// The instant at which a part of a promised time is over. That of business time is counted in its opening hours.
fn share_of(cx: &Cx<'_>, slots: &[Option<Slot>], promise: &model::Promise, share: Decimal) -> Code {
    let mut coder = Coder::new(cx, Names { slots }, &[None], &[]);
    coder.emit(Instr::Local(0));
    coder.constant(Value::Decimal(share));
    let in_calendar = if let ExprKind::BusinessDue { calendar, .. } = &promise.within.kind {
        coder.expr(calendar);
        true
    } else {
        false
    };
    coder.emit(Instr::ShareOfTime { in_calendar });
    coder.finish(promise.span)
}
