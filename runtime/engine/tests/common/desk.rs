//! Flows that start in all the ways there are: one at a time, by the clock, on a batch.
use std::sync::Arc;

use flowline_plan::{calendar::Calendar, *};

use super::shop::{CANCEL, Lay, ORDER, PICKED, arm, bundle_of, call, local_field, ms, of_param, run_flow, stop};

/// `restock` gathers so many, for so long.
pub(crate) const BATCH: u32 = 3;
pub(crate) const WITHIN_MS: i64 = 10_000;
/// `audit` ticks so often.
pub(crate) const EVERY_MS: i64 = 7_000;
/// `nightly` ticks at 01:17 in Berlin, where it is 01:16:40 when a day begins.
pub(crate) const NIGHTLY_MINUTE: u16 = 77;

fn param() -> Code {
    Code { ops: vec![Instr::Local(0)], consts: Vec::new(), locals: 1 }
}

fn number(number: i64) -> Code {
    Code::constant(Value::Int(number))
}

/// One at a time per order; runs `serial`, and may be cancelled meanwhile.
fn serve() -> Arc<Plan> {
    let mut lay = Lay::new("serve");
    let body = lay.scope(ScopeKind::Attempt, Some(0), 0);
    let cancelled = lay.scope(ScopeKind::Handler, Some(0), 0);
    let trigger = Trigger::Event { arm: arm(CANCEL, 0, of_param(0), false), too_late: None };
    let handlers = vec![Handler { trigger, scope: ScopeId(cancelled), bind: None, keeping: Vec::new() }];
    lay.chain(
        0,
        vec![
            NodeKind::Attempt { body: ScopeId(body), handlers, meanwhile: vec![], result: None },
            call("notify", of_param(0), None),
            stop("served"),
        ],
    );
    lay.chain(body, vec![NodeKind::Wait { due: ms(500) }, run_flow(1, false)]);
    lay.chain(cancelled, vec![stop("cancelled")]);
    let start = StartRule::Event { event: ORDER, condition: None };
    lay.starting(Some(start), Some((local_field(0), KeyMode::OneAtATime)))
}

/// Flow 1, only by `run`: one at a time for all odd numbers, and for all even ones; none with a value for zero.
fn serial() -> Arc<Plan> {
    let mut lay = Lay::new("serial");
    lay.chain(0, vec![NodeKind::Wait { due: ms(2_000) }, call("notify", number(1), None), stop("done")]);
    // x / x is 1, and has no value for zero: so there are two lines.
    let ops = vec![Instr::Local(0), Instr::Local(0), Instr::Div];
    lay.starting(None, Some((Code { ops, consts: Vec::new(), locals: 1 }, KeyMode::OneAtATime)))
}

fn audit() -> Arc<Plan> {
    let mut lay = Lay::new("audit");
    lay.chain(0, vec![call("notify", number(2), None), NodeKind::Wait { due: ms(20_000) }, stop("audited")]);
    lay.starting(Some(StartRule::Every(Schedule::Interval { every_ms: EVERY_MS, calendar: None })), None)
}

fn restock() -> Arc<Plan> {
    let mut lay = Lay::new("restock");
    lay.chain(0, vec![NodeKind::Wait { due: ms(4_000) }, call("notify", of_param(1), None), stop("ordered")]);
    let rule = GatherRule { event: PICKED, per: Some(local_field(0)), within_ms: WITHIN_MS, count_max: BATCH };
    lay.starting(Some(StartRule::Gather(rule)), Some((local_field(1), KeyMode::OneAtATime)))
}

fn nightly() -> Arc<Plan> {
    let mut lay = Lay::new("nightly");
    lay.chain(0, vec![call("notify", number(3), None), stop("closed")]);
    let schedule = Schedule::Daily { weekday: None, minute: NIGHTLY_MINUTE, calendar: "desk.hours".to_owned() };
    lay.starting(Some(StartRule::Every(schedule)), Some((param(), KeyMode::Once)))
}

pub(crate) fn bundle() -> Arc<Bundle> {
    let mut bundle = (*bundle_of(vec![serve(), serial(), audit(), restock(), nightly()])).clone();
    let week = std::array::from_fn(|_| vec![(0, 1_440)]);
    let calendar =
        Calendar { name: "desk.hours".to_owned(), zone: "Europe/Berlin".to_owned(), week, closed: Vec::new() };
    bundle.calendars.push(calendar);
    Arc::new(bundle)
}
