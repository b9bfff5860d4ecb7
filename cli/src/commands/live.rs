//! The main job with real systems, by the real clock.
use std::{collections::BTreeMap, sync::Arc};

use flowline_driver::Outcome;
use flowline_engine::{
    Given,
    connector::{Binding, HttpConnector},
    live::{Live, LiveError, LiveOptions, SystemClock},
};
use flowline_plan::Bundle;

use super::run::{opening, tell_recovery};
use crate::{
    args::{Global, Run},
    events::{EventFile, Line, Rejected},
    exit::{Exit, Failure},
    folder::{self, Meta},
    out,
    progress::Progress,
    report::{Lines, report},
};

/// Lines handed in at once.
const LINES_PER_ROUND: usize = 256;
/// The job ends when nothing is due within this time: ten seconds.
const HORIZON_MS: i64 = 10_000;
/// Calls that are out at the end are waited for this long: a minute.
const GRACE_MS: i64 = 60_000;

/// Runs every event of the file through the flows, with the systems that `flow.toml` binds.
///
/// # Errors
/// When a system has no binding, the folder can't be used, or the machine fails.
pub(crate) fn run(args: &Run, global: Global, outcome: &Outcome, bundle: Arc<Bundle>) -> Result<Exit, Failure> {
    let bindings: BTreeMap<String, Binding> = outcome
        .project
        .bind
        .clone()
        .try_into()
        .map_err(|cause| Failure::misuse(format!("`[bind]` in flow.toml can't be read: {cause}")))?;
    let connector = HttpConnector::start(Arc::clone(&bundle), &bindings)
        .map_err(|error| Failure::misuse(format!("{error}\nor let simulated systems answer: add --simulate")))?;
    let mut watch = Progress::spinner(global, "reading the journal");
    let opened = folder::open(&args.data, opening(args, Meta { seed: None }), Arc::clone(&bundle), &mut watch)?;
    drop(watch);
    tell_recovery(global, &opened.recovered, &opened.notes);
    let mut events = EventFile::open(&args.events, opened.engine.cursor())?;
    let mut rejected = Rejected::open(&args.data, &args.events, global)?;
    let live = Live::start(opened.engine, Arc::new(connector), Arc::new(SystemClock), LiveOptions::default())
        .map_err(of_live)?;
    let handed_in = hand_in(&live, &bundle, &mut events, &mut rejected, global);
    let idle = match handed_in.and_then(|()| live.handle().wait_idle(HORIZON_MS).map_err(of_live)) {
        Ok(idle) => idle,
        // The engine's own error says more than "it has stopped".
        Err(failure) => return live.stop(0).map_err(of_live).and(Err(failure)),
    };
    let lines = Lines { read: events.cursor.lines, rejected: events.cursor.rejected };
    let told = live.handle().inspect(move |engine| {
        let not_taken = engine.totals().contested + engine.totals().refused_starts;
        (report(engine, None, lines), not_taken)
    });
    let (text, not_taken) = told.map_err(of_live)?;
    live.stop(GRACE_MS).map_err(of_live)?;
    out::print(&text)?;
    if idle.live > 0 {
        out::print(&format!(
            "{} runs wait for events, people or time; start the same command again and they go on\n",
            idle.live
        ))?;
    }
    if let Some(said) = rejected.summary(lines.rejected) {
        out::tell(&said);
    }
    let fine = idle.incidents == 0 && lines.rejected == 0 && not_taken == 0;
    Ok(if fine { Exit::Fine } else { Exit::Findings })
}

fn hand_in(
    live: &Live,
    bundle: &Bundle,
    events: &mut EventFile,
    rejected: &mut Rejected,
    global: Global,
) -> Result<(), Failure> {
    let progress = Progress::bar(global, events.len(), "handing in events");
    loop {
        let (mut given, mut rejects, mut at_end) = (Vec::new(), Vec::new(), false);
        while given.len() + rejects.len() < LINES_PER_ROUND {
            match events.next(bundle)? {
                Some(Line::Event { event, .. }) => given.push(Given::Event(event)),
                Some(Line::Bad(reject)) => rejects.push(reject),
                Some(Line::Blank) => {}
                None => {
                    at_end = true;
                    break;
                }
            }
        }
        rejected.add(&rejects, &progress)?;
        given.push(Given::Cursor(events.cursor.clone()));
        live.handle().submit_durably(given).map_err(of_live)?;
        progress.at(events.cursor.offset);
        if at_end {
            return Ok(());
        }
    }
}

fn of_live(error: LiveError) -> Failure {
    match error {
        LiveError::Engine(error) => error.into(),
        LiveError::Stopped | LiveError::Full { .. } | LiveError::Thread(_) | LiveError::Panicked => {
            Failure::fault(error)
        }
    }
}
