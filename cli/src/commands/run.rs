//! `flowline run`: the main job.
use std::{sync::Arc, time::Instant};

use flowline_driver::Outcome;
use flowline_engine::Recovered;
use flowline_plan::{Bundle, ConstEnv, eval};
use flowline_sim::{FileLog, Held, World, WorldConfig};

use crate::{
    args::{Global, Run},
    commands::project,
    events::{EventFile, Line, Rejected},
    exit::{Exit, Failure},
    folder::{self, Meta, Opened},
    progress::Progress,
    report::{Lines, report},
    table::number,
    virtual_time::Simulation,
};

/// Compiles the project and runs every event of a file through it.
///
/// # Errors
/// When there is no project, the folder can't be used, or the machine fails.
pub(crate) fn run(args: &Run, global: Global) -> Result<Exit, Failure> {
    let outcome = project::compile(args.path.as_deref())?;
    project::print_findings(&outcome.diagnostics, &outcome.sources, global, true);
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
    let meta = Meta { seed: Some(args.seed) };
    let mut watch = Progress::spinner(global, "reading the journal");
    let Opened { mut engine, recovered, notes } =
        folder::open(&args.data, &meta, Arc::clone(&bundle), folder::engine_options(), &mut watch)?;
    drop(watch);
    tell_recovery(global, &recovered, &notes);
    let config =
        WorldConfig::from_tables(&bundle, args.seed, outcome.project.simulate.clone()).map_err(Failure::misuse)?;
    let held = held(args, &bundle)?;
    let log = FileLog::open(&args.data.join("world.log")).map_err(of_world)?;
    let mut world = World::open(Arc::clone(&bundle), config, held, Box::new(log)).map_err(of_world)?;
    world.delivered_before(engine.now());
    let mut events = EventFile::open(&args.events, engine.cursor())?;
    let same_file = engine.cursor().is_some_and(|cursor| cursor.file == events.cursor.file);
    let mut rejected = Rejected::open(&args.data, same_file.then_some(events.cursor.rejected))?;
    let steps_before = engine.totals().steps;
    let progress = Progress::bar(global, events.len(), "running");
    let mut simulation = Simulation::new(&mut engine, &mut world, &mut events, &mut rejected)?;
    while simulation.advance()? {
        progress.at(simulation.events.cursor.offset);
    }
    drop(progress);
    let lines = Lines { read: events.cursor.lines, rejected: events.cursor.rejected };
    let steps = engine.totals().steps - steps_before;
    let accounts = world.accounts(engine.now());
    let text = report(&engine, Some(&accounts), lines);
    let engine_stuck = engine.live().next().is_some();
    engine.close()?;
    print!("{text}");
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{} steps in {seconds:.1} s: {} steps/s, each durable before it counted",
        number(steps),
        per_second(steps, seconds)
    );
    Ok(if accounts.is_clean() && !engine_stuck { Exit::Fine } else { Exit::Findings })
}

/// Says what a start found.
pub(crate) fn tell_recovery(global: Global, recovered: &Recovered, notes: &[String]) {
    for note in notes {
        eprintln!("note: {note}");
    }
    if recovered.existed && !global.quiet {
        eprintln!(
            "recovered {} live runs ({} from snapshots, {} records read behind the last checkpoint)",
            number(recovered.runs as u64),
            number(recovered.snapshots as u64),
            number(recovered.replayed)
        );
    }
}

/// The events that the file holds by type and key, which the simulated systems therefore don't send.
fn held(args: &Run, bundle: &Bundle) -> Result<Held, Failure> {
    let mut held = Held::default();
    let mut file = EventFile::open(&args.events, None)?;
    while let Some(line) = file.next(bundle)? {
        let Line::Event { event, time } = line else { continue };
        let Some(def) = bundle.event(event.event) else { continue };
        for (at, key) in (0u16..).zip(&def.keys) {
            let env = ConstEnv { bundle, now: time };
            if let Ok(value) = eval(&env, &key.code, std::slice::from_ref(&event.value)) {
                held.insert(event.event, at, value);
            }
        }
    }
    Ok(held)
}

fn per_second(count: u64, seconds: f64) -> String {
    let rate = if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
    number(rate as u64)
}

/// A world that can't be opened or written.
fn of_world(error: flowline_sim::WorldError) -> Failure {
    use flowline_sim::WorldError as W;
    match error {
        W::Seed { .. } | W::Contracts | W::Format { .. } | W::Config(_) => Failure::misuse(error),
        W::Io { .. } | W::Stopped | W::Damaged { .. } | W::Unreadable { .. } => Failure::fault(error),
    }
}
