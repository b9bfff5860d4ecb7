//! `flowline run`: the main job.
use std::{path::Path, sync::Arc, time::Instant};

use flowline_driver::Outcome;
use flowline_engine::{Engine, Recovered};
use flowline_plan::{Bundle, ConstEnv, eval};
use flowline_sim::{FileLog, Held, World, WorldConfig};

use crate::{
    args::{Global, Run},
    commands::{plural, project},
    events::{EventFile, Line, Rejected},
    exit::{Exit, Failure},
    folder::{self, Meta, Opened, Opening},
    out,
    progress::Progress,
    report::{Lines, report},
    table::number,
    virtual_time::{AFTERMATH_DAYS, Simulation},
};

/// Compiles the project and runs every event of a file through it.
///
/// # Errors
/// When there is no project, the folder can't be used, or the machine fails.
pub(crate) fn run(args: &Run, global: Global) -> Result<Exit, Failure> {
    let outcome = project::compile(args.path.as_deref())?;
    project::print_findings(&[(&outcome.diagnostics, &outcome.sources)], global, true)?;
    let Some(bundle) = outcome.bundle.clone() else { return Ok(Exit::Findings) };
    let bundle = Arc::new(bundle);
    // A file that can't be read is told before a data folder is made for it.
    EventFile::open(&args.events, None)?;
    if args.simulate {
        simulated(args, global, &outcome, bundle)
    } else {
        super::live::run(args, global, &outcome, bundle)
    }
}

fn simulated(args: &Run, global: Global, outcome: &Outcome, bundle: Arc<Bundle>) -> Result<Exit, Failure> {
    let began = Instant::now();
    // What the world is made of is looked at before a data folder is made for it.
    let config =
        WorldConfig::from_tables(&bundle, args.seed, outcome.project.simulate.clone()).map_err(Failure::misuse)?;
    let opening = opening(args, Meta { seed: Some(args.seed) });
    if global.verbose {
        out::tell(&format!("opening the data folder `{}`", args.data.display()));
    }
    let mut watch = Progress::spinner(global, "reading the journal");
    let Opened { mut engine, recovered, notes } = folder::open(&args.data, opening, Arc::clone(&bundle), &mut watch)?;
    drop(watch);
    tell_recovery(global, &recovered, &notes);
    let Ahead { held, last_event_at } = Ahead::of(&args.events, &bundle)?;
    let mut world = open_world(args, &bundle, config, held, &engine)?;
    world.delivered_before(engine.now());
    let mut events = EventFile::open(&args.events, engine.cursor())?;
    let mut rejected = Rejected::open(&args.data, &args.events, global)?;
    let steps_before = engine.totals().steps;
    let progress = Progress::bar(global, events.len(), "running");
    let mut simulation =
        Simulation::new(&mut engine, &mut world, &mut events, &mut rejected, &progress, last_event_at)?;
    while simulation.advance()? {
        progress.at(simulation.events.cursor.offset);
    }
    drop(progress);
    let lines = Lines { read: events.cursor.lines, rejected: events.cursor.rejected };
    let steps = engine.totals().steps - steps_before;
    let accounts = world.accounts(engine.now());
    let text = report(&engine, Some(&accounts), lines);
    let live = engine.live().count();
    let not_taken = engine.totals().contested + engine.totals().refused_starts;
    engine.close()?;
    let seconds = began.elapsed().as_secs_f64();
    out::print(&format!(
        "{text}{} steps in {seconds:.1} s: {} steps/s, each durable before it counted\n",
        number(steps),
        per_second(steps, seconds)
    ))?;
    if let Some(said) = rejected.summary(lines.rejected) {
        out::tell(&said);
    }
    if live > 0 {
        out::tell(&format!(
            "still live {AFTERMATH_DAYS} days after the last event, waiting for people or for events that don't come: {}",
            plural(live, "run")
        ));
    }
    let fine = accounts.is_clean() && live == 0 && lines.rejected == 0 && not_taken == 0;
    Ok(if fine { Exit::Fine } else { Exit::Findings })
}

/// How the command line wants the folder opened.
pub(crate) fn opening(args: &Run, meta: Meta) -> Opening {
    let mut opening = Opening::of(meta);
    if let Some(bytes) = args.segment_bytes {
        opening.journal.segment_bytes = bytes;
    }
    if let Some(records) = args.checkpoint_records {
        opening.engine.checkpoint_records = records;
    }
    opening
}

/// Opens the simulated world, and compares how far its log and the journal say that things went: the log is written before
/// an answer can be journaled, and a call is made when the record that caused it is durable.
fn open_world(
    args: &Run,
    bundle: &Arc<Bundle>,
    config: WorldConfig,
    held: Held,
    engine: &Engine,
) -> Result<World, Failure> {
    let path = args.data.join("world.log");
    let answered = engine.totals().answers;
    let lost = |calls: u64| {
        Failure::fault(format!(
            "`{}` holds {calls} calls, but the journal has {answered} answers: what the simulated world did is gone, and its \
             accounts would be wrong. Restore the file from a backup, or begin with a new data folder",
            path.display()
        ))
    };
    if answered > 0 && !path.exists() {
        return Err(lost(0));
    }
    let log = FileLog::open(&path)?;
    let world = World::open(Arc::clone(bundle), config, held, Box::new(log))?;
    let reopened = world.reopened();
    if reopened.cut_bytes > 0 {
        out::tell(&format!(
            "note: cut {} bytes off the end of `{}`: the last write before the stop was not finished, and its caller never \
             got an answer",
            reopened.cut_bytes,
            path.display()
        ));
    }
    if reopened.calls < answered {
        return Err(lost(reopened.calls));
    }
    if reopened.calls > 0 && engine.totals().calls == 0 {
        return Err(Failure::fault(format!(
            "`{}` holds {} calls, but the journal knows of none: the journal was removed. Restore it from a backup, or begin \
             with a new data folder",
            path.display(),
            reopened.calls
        )));
    }
    Ok(world)
}

/// Says what a start found.
pub(crate) fn tell_recovery(global: Global, recovered: &Recovered, notes: &[String]) {
    for note in notes {
        out::tell(&format!("note: {note}"));
    }
    if recovered.existed && !global.quiet {
        out::tell(&format!(
            "recovered {} live runs ({} from snapshots, {} records read behind the last checkpoint)",
            number(recovered.runs as u64),
            number(recovered.snapshots as u64),
            number(recovered.replayed)
        ));
    }
}

/// What has to be known of the file before its first event is taken.
#[derive(Debug)]
pub(crate) struct Ahead {
    /// Its events by type and key, which the simulated systems therefore don't send.
    pub(crate) held: Held,
    /// The latest time of an event, ms; 0 where there is none.
    pub(crate) last_event_at: i64,
}

impl Ahead {
    pub(crate) fn of(events: &Path, bundle: &Bundle) -> Result<Self, Failure> {
        let (mut held, mut last_event_at) = (Held::default(), 0);
        let mut file = EventFile::open(events, None)?;
        while let Some(line) = file.next(bundle)? {
            let Line::Event { event, time } = line else { continue };
            last_event_at = last_event_at.max(time);
            let Some(def) = bundle.event(event.event) else { continue };
            for (at, key) in (0u16..).zip(&def.keys) {
                let env = ConstEnv { bundle, now: time };
                if let Ok(value) = eval(&env, &key.code, std::slice::from_ref(&event.value)) {
                    held.insert(event.event, at, value);
                }
            }
        }
        Ok(Self { held, last_event_at })
    }
}

fn per_second(count: u64, seconds: f64) -> String {
    let rate = if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
    number(rate as u64)
}
