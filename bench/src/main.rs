//! Measurements, and the data they need. Figures are ratios within one run: machines are noisy.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal")]

mod orders;
mod random;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "flowline-bench", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a file of order events
    Orders {
        #[arg(long, default_value_t = 1)]
        seed: u64,
        #[arg(long, default_value_t = 2_000)]
        count: u64,
        #[arg(long, default_value_t = 4)]
        days: u64,
    },
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Orders { seed, count, days } => {
            for line in orders::lines(orders::Order { seed, count, days }) {
                println!("{line}");
            }
            ExitCode::SUCCESS
        }
    }
}
