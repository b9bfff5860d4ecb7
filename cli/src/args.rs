//! The command line, as people type it.
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Order, pickup, returns and stock processes: checked before they run, carried to their end durably.
#[derive(Debug, Parser)]
#[command(
    name = "flowline",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Example:\n  flowline check workflows\n\n\
                  Exit codes: 0 fine · 1 findings, or something left unsettled · 2 wrong arguments, configuration or missing\n\
                  files · 3 a fault of the program or the machine"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What holds for every command.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Global {
    /// How findings are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// When to use colours; `auto` means on a terminal
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// Say less: no progress, no notes on what is set aside
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more: the start of a run, every line set aside, every run of a replay
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people at a terminal
    Human,
    /// One finding a line, for logs
    Compact,
    /// For programs
    Json,
    /// For code-scanning services: SARIF 2.1.0
    Sarif,
    /// For GitHub: annotations beside the changed lines
    Github,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(New),
    Check(Check),
    Explain(Explain),
    Fmt(Fmt),
    Graph(Graph),
    Run(Run),
    Replay(Replay),
    Journal(Journal),
}

/// Make a project that checks and runs at once
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  flowline new my_shop")]
pub(crate) struct New {
    /// The folder to make; its name is the project's
    pub(crate) name: PathBuf,
}

/// Parse, type-check and prove the flows of a project
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  flowline check workflows --format compact")]
pub(crate) struct Check {
    /// Projects' folders or single .flow files [default: the project around the current folder]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Fail on these too
    #[arg(long, value_enum)]
    pub(crate) deny: Option<Deny>,
    /// Make the changes that findings are sure of, then say what is left
    #[arg(long)]
    pub(crate) fix: bool,
    /// Print how long each part took
    #[arg(long)]
    pub(crate) timings: bool,
}

/// What else makes a check fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Deny {
    Warnings,
}

/// Say what a finding's code means, with a bad and a good example
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  flowline explain F0401")]
pub(crate) struct Explain {
    /// A code such as F0401
    pub(crate) code: String,
}

/// Lay flows out in the one layout, and keep what they say
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  flowline fmt workflows\n  flowline fmt --check workflows   (changes nothing; ends with 1 when something would change)"
)]
pub(crate) struct Fmt {
    /// Projects' folders or single .flow files [default: the project around the current folder]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Change nothing; name the files that aren't in the one layout, and end with 1
    #[arg(long)]
    pub(crate) check: bool,
}

/// Draw a flow
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  flowline graph pickup_in_store workflows --as svg > pickup.svg")]
pub(crate) struct Graph {
    /// The flow's name
    pub(crate) flow: String,
    /// A project's folder or a single .flow file [default: the project around the current folder]
    pub(crate) path: Option<PathBuf>,
    /// The kind of picture
    #[arg(long = "as", value_enum, default_value_t = Picture::Svg)]
    pub(crate) picture: Picture,
    /// Write to this file instead of the terminal
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
}

/// Kinds of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Picture {
    /// A picture for any browser
    Svg,
    /// Text for Graphviz
    Dot,
}

/// Compile the flows, run every event through them durably, and print what became of each run
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  flowline run workflows --events workflows/examples/orders.ndjson --simulate --data ./data\n\n\
                  Kill it at any moment and start the same command again: it goes on where it was.\n\n\
                  A line that is no event of these flows is told with its number and the reason, set aside in\n\
                  DATA/rejected.ndjson, and the rest goes on. Empty lines are passed over.\n\n\
                  Exit code: 0 fine · 1 findings in the flows, lines set aside, incidents, or something left unsettled ·\n\
                  2 wrong arguments, configuration or files · 3 a fault of the program or the machine"
)]
pub(crate) struct Run {
    /// A project's folder or a single .flow file [default: the project around the current folder]
    pub(crate) path: Option<PathBuf>,
    /// The events: a file of CloudEvents, one JSON object a line, in the order of their times
    #[arg(long)]
    pub(crate) events: PathBuf,
    /// The data folder: journal, index, set-aside events
    #[arg(long, default_value = "./data")]
    pub(crate) data: PathBuf,
    /// Let simulated systems answer, in virtual time
    #[arg(long)]
    pub(crate) simulate: bool,
    /// What the simulated world draws its lots from
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Begin a new journal segment after so many bytes [default: 16 MiB]
    #[arg(long, value_name = "BYTES", help_heading = "For tests and small disks", hide_short_help = true)]
    pub(crate) segment_bytes: Option<u64>,
    /// Write a checkpoint after so many records [default: 16384]
    #[arg(long, value_name = "RECORDS", help_heading = "For tests and small disks", hide_short_help = true)]
    pub(crate) checkpoint_records: Option<u64>,
}

/// Derive runs from the journal again, and prove that they come out the same
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  flowline replay ./data\n  flowline replay ./data -v     (lists the runs)\n  \
    flowline replay ./data O-1042 (what became of this order, and of all that it began)\n  \
    flowline replay ./data 5a1f   (the beginning of a run's id will do)")]
pub(crate) struct Replay {
    /// The data folder, which nobody has open
    pub(crate) data: PathBuf,
    /// Show each step of this run: the key of its business (`O-1042`), its id, or the beginning of that
    pub(crate) run: Option<String>,
}

/// Look after a journal that nobody has open
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  flowline journal verify ./data")]
pub(crate) struct Journal {
    #[command(subcommand)]
    pub(crate) command: JournalCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// Check every record, and change nothing
    #[command(after_help = "Example:\n  flowline journal verify ./data")]
    Verify {
        /// The data folder
        data: PathBuf,
    },
    /// Print every record, one JSON object a line
    #[command(after_help = "Example:\n  flowline journal export ./data > records.ndjson")]
    Export {
        /// The data folder
        data: PathBuf,
    },
    /// Make the index anew from the journal
    #[command(after_help = "Example:\n  flowline journal rebuild ./data")]
    Rebuild {
        /// The data folder
        data: PathBuf,
    },
}
