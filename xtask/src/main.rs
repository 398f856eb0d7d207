//! Developers' tasks: `cargo xtask COMMAND`. Nothing here ships.
#![forbid(unsafe_code)]

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

mod agree;
mod bench;
mod check;
mod codegen;
mod fuzz;
mod soak;
mod tidy;

/// Developers' tasks for Portcullis.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Decides generated calls by the policy engine and by a second evaluator, which have to agree.
    Agree(agree::Arguments),
    /// Measures the released binary against its goals, and prints a table.
    Bench(bench::Arguments),
    /// Generates `crates/model/src/generated/` from `models/` and `overlay/`.
    Codegen(codegen::Arguments),
    /// Runs the fuzz targets of `fuzz/`, one after the other.
    Fuzz(fuzz::Arguments),
    /// Loads the released binary with calls of many functions for minutes, and checks what it
    /// promises.
    Soak(soak::Arguments),
    /// Runs every test, with all of its set-up.
    Test,
    /// Checks the house rules that rustc and clippy do not know.
    Tidy,
}

/// Why a task failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum XtaskError {
    /// Code could not be generated, or is stale.
    #[error(transparent)]
    Codegen(#[from] codegen::CodegenError),
    /// A file could not be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// House rules are broken.
    #[error("{0}")]
    Untidy(String),
    /// A command failed or is missing.
    #[error("{command}: {why}\n  remedy: {remedy}")]
    Command {
        /// The command line.
        command: String,
        /// How it ended.
        why: String,
        /// What to do about it.
        remedy: String,
    },
}

/// The workspace that this program was built in.
fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), XtaskError> {
    match Cli::parse().command {
        Command::Agree(arguments) => agree::run(&root(), &arguments),
        Command::Bench(arguments) => bench::run(&root(), &arguments),
        Command::Codegen(arguments) => Ok(codegen::run(&arguments)?),
        Command::Fuzz(arguments) => fuzz::run(&root(), &arguments),
        Command::Soak(arguments) => soak::run(&root(), &arguments),
        Command::Test => check::run(&root()),
        Command::Tidy => tidy::run(&root()),
    }
}
