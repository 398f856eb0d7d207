//! The `portcullis` binary: command line, configuration and wiring. No logic of its own.
#![forbid(unsafe_code)]

mod access_key;
mod cli;
mod client;
mod console;
mod environment;
mod quickstart;
mod remedy;
mod root_credentials;
mod serve;
mod simulate;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

/// Why a command failed, in words for the person who ran it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// A variable of ours that no command knows.
    #[error(transparent)]
    UnknownVariable(#[from] environment::UnknownVariable),
    /// The server could not start or stop.
    #[error(transparent)]
    Serve(#[from] serve::ServeError),
    /// A call got no answer.
    #[error(transparent)]
    Client(#[from] client::ClientError),
    /// No credentials.
    #[error(transparent)]
    RootCredentials(#[from] root_credentials::RootCredentialsError),
    /// The server answered no.
    #[error("the server refused with {status}: {answer}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The body.
        answer: String,
    },
    /// A step of the quickstart that must succeed did not.
    #[error("quickstart: {step} failed: {answer}")]
    Step {
        /// Which call.
        step: String,
        /// What the server said.
        answer: String,
    },
    /// No function runs on this host.
    #[error("{0}")]
    NotIsolated(portcullis_sandbox::Confinement),
    /// The example's zip could not be made.
    #[error("cannot make the zip: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// The terminal, or the pipe behind it, is gone.
    #[error("cannot print: {0}")]
    Print(#[from] std::io::Error),
}

fn main() -> ExitCode {
    // First, while there is one thread.
    if let Some(code) = portcullis_sandbox::run_if_spawner() {
        return code;
    }
    match run() {
        Ok(code) => code,
        // Whoever read our output has enough, as `head` does.
        Err(CliError::Print(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("portcullis: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Checks the environment, reads the command line, and runs the command.
fn run() -> Result<ExitCode, CliError> {
    environment::refuse_unknown(std::env::vars_os().map(|(name, _)| name))?;
    let command = Cli::parse().command;
    // The quickstart and the tools talk to a person; a server's log is read by machines.
    serve::log_to_stderr(if matches!(command, Command::Serve(_)) { "info" } else { "error" });
    match &command {
        Command::Simulate(arguments) => simulate::run(arguments),
        Command::Serve(arguments) => wait(async { Ok(serve::run(arguments).await?) }),
        Command::Quickstart(arguments) => wait(quickstart::run(arguments)),
        Command::AccessKey(arguments) => wait(access_key::run(&arguments.command)),
    }
}

/// Runs a command on a new runtime.
fn wait(command: impl Future<Output = Result<(), CliError>>) -> Result<ExitCode, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(command).map(|()| ExitCode::SUCCESS)
}
