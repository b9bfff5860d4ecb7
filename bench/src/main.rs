//! Measurements, and the data they need. Figures are ratios within one run: machines are noisy.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal")]

mod check;
mod linear;
mod machine;
mod order10;
mod orders;
mod random;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "flowline-bench", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Durable steps a second of an order in ten steps, with 1, 64 and 256 runs in flight
    Order10 {
        /// Seconds a measurement
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// Where the data folders are made [default: here]
        #[arg(long)]
        dir: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// The time to check a project of generated flows
    Check {
        #[arg(long, default_value_t = 1_000)]
        flows: usize,
        #[arg(long)]
        json: bool,
    },
    /// The parser's time a byte for files that grow to 10 MB, sound and broken: it must not grow with them
    Linear {
        /// Only cases whose name has this in it
        #[arg(long, default_value = "")]
        only: String,
        /// Bytes of the largest file
        #[arg(long, default_value_t = 10 << 20)]
        bytes: usize,
        #[arg(long)]
        json: bool,
    },
    /// Print a file of order events
    Orders {
        #[arg(long, default_value_t = orders::EXAMPLE.seed)]
        seed: u64,
        #[arg(long, default_value_t = orders::EXAMPLE.count)]
        count: u64,
        #[arg(long, default_value_t = orders::EXAMPLE.days)]
        days: u64,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Order10 { seconds, dir, json } => order10::run(seconds, dir.as_deref(), json),
        Command::Check { flows, json } => check::run(flows, json),
        Command::Linear { only, bytes, json } => linear::run(&only, bytes, json),
        Command::Orders { seed, count, days } => {
            for line in orders::lines(orders::Order { seed, count, days }) {
                println!("{line}");
            }
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(3)
        }
    }
}
