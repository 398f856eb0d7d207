//! The performance harness behind `cargo xtask bench`: runs the released binary as its users do,
//! and measures it against the least that the same work could cost on the same machine.
//!
//! Every comparison takes turns with its base within each run, and a ratio is of one run; the
//! figures are medians of the runs. Nothing here fails because something was slow.
#![forbid(unsafe_code)]

mod bare_loop;
mod bare_relay;
mod bare_server;
mod load;
mod measures;
mod process;
mod report;
mod server;
mod session;
mod soak;
mod wire;

use std::{error::Error, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};

/// Every error here ends the harness, with its text for a person.
type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Writes a line about progress to standard error: standard output is for the figures.
macro_rules! say {
    ($($argument:tt)*) => { eprintln!($($argument)*) };
}
pub(crate) use say;

#[derive(Parser)]
#[command(name = "portcullis-bench", version, about = "Measures a portcullis binary.")]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

/// What this process is. The load and the bare server run in processes of their own.
#[derive(Subcommand)]
enum Role {
    /// Measures everything, prints a table.
    Measure(MeasureArguments),
    /// Loads a server with calls of many functions for minutes; fails when a promise is broken.
    Soak(soak::SoakArguments),
    /// Answers every request with the same JSON, until ended; prints its address.
    BareServer {
        /// Size of the answer's body.
        #[arg(long)]
        bytes: usize,
    },
    /// Hands what callers send to a worker, and its answers back, until ended; prints the address for
    /// callers and that of the Runtime API.
    BareRelay,
    /// Sends the requests of the plan on standard input; prints what it saw.
    Load,
}

/// Flags of `measure`.
#[derive(clap::Args)]
struct MeasureArguments {
    /// The `portcullis` binary.
    #[arg(long)]
    server: PathBuf,
    /// The same built with `--cfg portcullis_constant_decision`.
    #[arg(long)]
    constant_decision_server: PathBuf,
    /// The `bootstrap` of `examples/provided-rust`; without it, that is not measured.
    #[arg(long, value_name = "FILE")]
    example_function: Option<PathBuf>,
    /// Where the data folders lie while it measures: on the disk of interest.
    #[arg(long)]
    work_dir: PathBuf,
    /// Write the figures to this file too, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure only this; may be given several times.
    #[arg(long, value_enum, value_name = "MEASURE")]
    only: Vec<measures::Measure>,
    /// One short run of everything: shows that it works, its figures mean little.
    #[arg(long)]
    quick: bool,
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Runs, of which the medians are reported.
    runs: usize,
    /// How long each side is loaded in a run.
    load: Duration,
    /// Functions of the big installation.
    functions: usize,
    /// Grants that are timed for each case in a run.
    grants: usize,
    /// Calls of a function that are timed for each side in a run.
    calls: usize,
    /// Functions that are called for the first time in a run.
    colds: usize,
    /// How long an idle server is left alone before its memory is read.
    idle: Duration,
    /// All of it must have ended by then.
    limit: Duration,
}

const FULL: Effort = Effort {
    runs: 5,
    load: Duration::from_secs(2),
    functions: 10_000,
    grants: 200,
    calls: 400,
    colds: 20,
    idle: Duration::from_secs(5),
    limit: Duration::from_secs(420),
};

const QUICK: Effort = Effort {
    runs: 1,
    load: Duration::from_millis(500),
    functions: 300,
    grants: 40,
    calls: 100,
    colds: 5,
    idle: Duration::from_secs(1),
    limit: Duration::from_secs(90),
};

fn main() -> ExitCode {
    let done = match Cli::parse().role {
        Role::Measure(arguments) => measure(&arguments),
        Role::Soak(arguments) => soak::run(&arguments),
        Role::BareServer { bytes } => bare_server::run(bytes),
        Role::BareRelay => bare_relay::run(),
        Role::Load => load::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &MeasureArguments) -> Fallible<()> {
    let effort = if arguments.quick { QUICK } else { FULL };
    let busy = load_average()?;
    std::fs::create_dir_all(&arguments.work_dir)?;
    let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&arguments.work_dir)?;
    process::end_all_on_signal_or_after(effort.limit, folder.path().to_owned())?;
    let bench = measures::Bench::new(arguments, folder.path(), effort)?;
    let rows = measures::some(&bench, &arguments.only)?;
    report::print(&rows, effort.runs)?;
    match &arguments.json {
        Some(path) => report::write_json(path, &rows, arguments.quick, busy),
        None => Ok(()),
    }
}

/// Processes that wanted to run in the last minute, on average; says so when there are enough of
/// them to spoil the figures. A flush or a call that must wait for a processor waits milliseconds.
fn load_average() -> Fallible<f64> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    let busy = text.split(' ').next().unwrap_or_default().parse()?;
    if busy > 0.5 {
        let processors = report::processors();
        say!("The machine is busy: load average {busy} on {processors} processors. Times mislead.");
    }
    Ok(busy)
}
