//! `flowline`: compiler, runtime and operator's tool in one binary. The only crate that prints.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the crate that prints")]

mod args;
mod commands;
mod events;
mod exit;
mod folder;
mod progress;
mod report;
mod table;
mod virtual_time;

use std::process::ExitCode;

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
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("error: {}", failure.message);
            failure.exit.into()
        }
    }
}

fn run(cli: Cli) -> Result<Exit, Failure> {
    let global = cli.global;
    match cli.command {
        Command::Check(args) => commands::check::run(&args, global),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Graph(args) => commands::graph::run(&args, global),
        Command::Run(args) => commands::run::run(&args, global),
        Command::Replay(args) => commands::replay::run(&args, global),
        Command::Journal(args) => commands::journal::run(&args.command, global),
    }
}
