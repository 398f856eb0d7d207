//! Developers' tasks: `cargo xtask COMMAND`. Nothing here ships.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod codegen;

/// Developers' tasks for Portcullis.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Generates `crates/model/src/generated/` from `models/` and `overlay/`.
    Codegen(codegen::Arguments),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Codegen(arguments) => codegen::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
