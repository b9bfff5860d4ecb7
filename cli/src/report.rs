//! What the main job ends with: everything but the time it took, and so the same for a run that was killed and one that
//! wasn't.
use std::collections::BTreeMap;

use flowline_engine::{Engine, PromiseTotals, Totals};
use flowline_sim::Accounts;

use crate::table::{Table, number};

/// How much of the file was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lines {
    pub(crate) read: u64,
    pub(crate) rejected: u64,
}

/// The tables, in the order of what people look for first.
pub(crate) fn report(engine: &Engine, accounts: Option<&Accounts>, lines: Lines) -> String {
    let totals = engine.totals();
    let mut out = String::from("\n");
    out.push_str(&runs_table(engine, totals).render());
    out.push('\n');
    out.push_str(&work_table(engine, totals, lines).render());
    out.push('\n');
    let mut tables = vec![errors_table(totals), promises_table(totals)];
    if let Some(accounts) = accounts {
        tables.extend([resources_table(accounts), undone_table(accounts)]);
    }
    tables.push(trouble_table(engine, accounts));
    for table in tables {
        if !table.is_empty() {
            out.push_str(&table.render());
            out.push('\n');
        }
    }
    out
}

fn runs_table(engine: &Engine, totals: &Totals) -> Table {
    let mut table = Table::new("Runs", ["flow", "outcome", "runs"]);
    for (flow, outcomes) in &totals.ended {
        for (outcome, count) in outcomes {
            table.row([flow.clone(), outcome.clone(), number(*count)]);
        }
    }
    let mut waiting: BTreeMap<String, u64> = BTreeMap::new();
    for (flow, _) in engine.waiting_starts() {
        let flow = engine.bundle().flow(flow).map_or("", |plan| plan.short_name());
        *waiting.entry(flow.to_owned()).or_default() += 1;
    }
    for (flow, count) in waiting {
        table.row([flow, "waiting for their turn".to_owned(), number(count)]);
    }
    let mut live: BTreeMap<String, u64> = BTreeMap::new();
    for run in engine.live() {
        let flow = engine.bundle().flow(run.flow).map_or("", |plan| plan.short_name());
        *live.entry(flow.to_owned()).or_default() += 1;
    }
    for (flow, count) in live {
        table.row([flow, "still live".to_owned(), number(count)]);
    }
    table
}

fn work_table(engine: &Engine, totals: &Totals, lines: Lines) -> Table {
    let mut table = Table::new("Work", ["what", "count"]);
    let mut row = |what: &str, count: u64| {
        table.row([what.to_owned(), number(count)]);
    };
    row("lines read", lines.read);
    row("lines set aside", lines.rejected);
    row("events taken in", totals.events);
    row("duplicates absorbed", totals.duplicates + totals.repeated_starts);
    row("same id, other content", totals.conflicts);
    row("events nobody took", totals.unmatched + engine.untaken_events() as u64);
    if totals.contested > 0 {
        row("events two flows would take", totals.contested);
    }
    if engine.gathering() > 0 {
        row("events being gathered", engine.gathering() as u64);
    }
    if totals.queued > 0 {
        row("starts that waited for their turn", totals.queued);
    }
    if totals.refused_starts > 0 {
        row("starts refused, too many waiting", totals.refused_starts);
    }
    row("steps", totals.steps);
    row("calls", totals.calls);
    row("retries", totals.retries);
    row("lost answers", totals.lost);
    row("refused attempts", totals.refused);
    row("effects undone", totals.undone);
    row("incidents", totals.incidents);
    if totals.questions > 0 {
        row("questions to people", totals.questions);
        row("answers of people", totals.questions_answered);
    }
    if totals.fallbacks > 0 {
        row("fallbacks of models", totals.fallbacks);
    }
    table
}

fn errors_table(totals: &Totals) -> Table {
    let mut table = Table::new("Business errors", ["error", "count"]);
    for (error, count) in &totals.errors {
        table.row([error.clone(), number(*count)]);
    }
    table
}

fn promises_table(totals: &Totals) -> Table {
    let mut table = Table::new("Promises", ["flow", "promise", "kept", "missed", "not reached"]);
    for (flow, promises) in &totals.promises {
        for (promise, PromiseTotals { kept, missed, unmet }) in promises {
            table.row([flow.clone(), promise.clone(), number(*kept), number(*missed), number(*unmet)]);
        }
    }
    table
}

fn resources_table(accounts: &Accounts) -> Table {
    let mut table =
        Table::new("Accounts of the simulated world", ["resource", "opened", "parts", "state at the end", "count"]);
    for account in &accounts.resources {
        for (state, count) in &account.by_state {
            let (opened, parts) = (number(account.opened), number(account.parts));
            table.row([account.resource.clone(), opened, parts, state.clone(), number(*count)]);
        }
    }
    let mut verdict = |what: &str, count: usize| {
        let blank = String::new;
        table.row([what.to_owned(), blank(), blank(), blank(), number(count as u64)]);
    };
    verdict("unsettled", accounts.unsettled.len());
    verdict("done twice", accounts.doubled.len());
    verdict("calls that made no sense", accounts.misuses.len());
    table
}

fn undone_table(accounts: &Accounts) -> Table {
    let mut table = Table::new("Steps that can be undone", ["operation", "took effect", "undone"]);
    for op in &accounts.ops {
        if let Some(undone) = &op.undone {
            table.row([op.op.clone(), number(undone.effects), number(undone.undone)]);
        }
    }
    table
}

fn trouble_table(engine: &Engine, accounts: Option<&Accounts>) -> Table {
    const SHOWN_MAX: usize = 20;
    let mut table = Table::new("To look at", ["what", "where"]);
    for (run, _, incident) in engine.incidents().take(SHOWN_MAX) {
        table.row([format!("incident: {incident}"), format!("run {run}")]);
    }
    for event in &engine.totals().contested_first {
        let what = "more than one flow would take it, so none did: make their start conditions exclude each other";
        table.row([what.to_owned(), event.clone()]);
    }
    for refused in &engine.totals().refused_first {
        table.row(["refused: too many starts of this flow are waiting already".to_owned(), refused.clone()]);
    }
    let Some(accounts) = accounts else { return table };
    for what in accounts.unsettled.iter().take(SHOWN_MAX) {
        let place = format!("{} {} of run {}, {}", what.resource, what.id, what.run, what.state);
        table.row(["unsettled".to_owned(), place]);
    }
    for what in accounts.doubled.iter().take(SHOWN_MAX) {
        table.row([format!("took effect {} times", what.effects), format!("{} under key {}", what.op, what.key)]);
    }
    for what in accounts.misuses.iter().take(SHOWN_MAX) {
        table.row(["made no sense".to_owned(), what.clone()]);
    }
    table
}
