//! `flowline`: compiler, runtime and operator's tool in one binary. The only crate that prints, and `out` the only module
//! of it.

mod args;
mod commands;
mod events;
mod exit;
mod folder;
mod out;
mod progress;
mod replace;
mod report;
mod table;
#[cfg(test)]
mod tests;
mod virtual_time;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use clap::Parser;

use args::{Cli, Command};
use exit::{Exit, Failure};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Misuse } else { Exit::Fine };
            // A closed pipe is no reason to fail.
            let _ = error.print();
            return exit.into();
        }
    };
    // A fault of ours ends as one, with its exit code; what was acknowledged is in the journal.
    match catch_unwind(AssertUnwindSafe(|| run(cli))) {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(failure)) => {
            out::tell(&format!("error: {}", failure.message));
            failure.exit.into()
        }
        Err(_) => {
            out::tell(
                "error: this is a fault of flowline; nothing acknowledged is lost. Start the same command again, and report the message above",
            );
            Exit::Fault.into()
        }
    }
}

fn run(cli: Cli) -> Result<Exit, Failure> {
    let global = cli.global;
    match cli.command {
        Command::New(args) => commands::new::run(&args, global),
        Command::Check(args) => commands::check::run(&args, global),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Fmt(args) => commands::fmt::run(&args, global),
        Command::Graph(args) => commands::graph::run(&args, global),
        Command::Run(args) => commands::run::run(&args, global),
        Command::Replay(args) => commands::replay::run(&args, global),
        Command::Journal(args) => commands::journal::run(&args.command, global),
    }
}
