//! The `portcullis` binary: command line, configuration and wiring. No logic of its own.
#![forbid(unsafe_code)]

mod access_key;
mod cli;
mod client;
mod console;
mod deploy;
mod diff;
mod environment;
mod explain;
mod files;
mod lint;
mod logs;
mod quickstart;
mod remedy;
mod root_credentials;
mod runtime;
mod s3;
mod sealing_key;
mod serve;
mod server;
mod simulate;
mod who_can;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::cli::{Cli, Command};

/// What a call allocates on one thread is often let go of on another (its connection moves, its
/// decision goes to the log), for which the system's allocator takes locks: measured, a tenth of what
/// a decided call costs. Without huge pages, which hold memory that nobody asked for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    /// The server's answer is not one that we know.
    #[error("the server's answer to {0} has another form than expected")]
    Answer(&'static str),
    /// A file of a document.
    #[error("cannot read {name}: {source}")]
    File {
        /// Its path, or that it is standard input.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A text that is no document.
    #[error("{name}: {error}")]
    Policy {
        /// Where it comes from.
        name: String,
        /// The place and the rule.
        error: portcullis_iam::PolicyError,
    },
    /// A supposed call that no call can be, or a document of it.
    #[error(transparent)]
    Case(#[from] portcullis_simulation::CaseError),
    /// A caller that there cannot be.
    #[error(transparent)]
    Principal(#[from] portcullis_iam::InvalidPrincipal),
    /// Neither an ARN nor the name of a function.
    #[error("'{0}' is neither an ARN nor the name of a function")]
    Function(String),
    /// No log to print.
    #[error(
        "{name} of account {account} has no log in {folder}: it never ran, or is of another \
             --account-id or --data-dir"
    )]
    NoLog {
        /// The function.
        name: String,
        /// Whose.
        account: String,
        /// Where it would be.
        folder: String,
    },
    /// Nothing tells whose the resource is.
    #[error("whose is the resource? say so with --resource-account, or with its ARN")]
    ResourceAccount,
    /// Documents for a request that is decided.
    #[error("a past request was decided by the server's documents, not by given ones")]
    DocumentsOfThePast,
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
    /// A runtime that functions cannot have here.
    #[error("{runtime}: {error}")]
    Runtime {
        /// Lambda's name of it.
        runtime: String,
        /// What is missing, and the remedy.
        error: portcullis_sandbox::runtimes::RuntimeError,
    },
    /// A template that is not deployed.
    #[error(transparent)]
    Deploy(#[from] portcullis_deploy::DeployError),
    /// The translator of templates is not there.
    #[error("the translator of SAM templates cannot be installed: {0}")]
    Translator(#[from] portcullis_sandbox::python_tool::ToolError),
    /// Resources that no deployment can make here.
    #[error(
        "these resources are of types that are not served; nothing was changed (--skip-unserved \
         deploys the others):{0}"
    )]
    Unserved(String),
    /// A stack's name that cannot be.
    #[error("the stack's name {0}: give one with --stack-name")]
    StackName(String),
    /// Nobody said yes.
    #[error("{0}")]
    NotConfirmed(&'static str),
    /// The example's zip could not be made.
    #[error("cannot make the zip: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// The terminal, or the pipe behind it, is gone.
    #[error("cannot print: {0}")]
    Print(#[from] std::io::Error),
}

/// The exit status of a command that asks and gets no answer; 1 is an answer.
const NO_ANSWER: u8 = 2;

fn main() -> ExitCode {
    // First, while there is one thread.
    if let Some(code) = portcullis_sandbox::run_if_spawner() {
        return code;
    }
    let (result, trouble) = run();
    match result {
        Ok(code) => code,
        // Whoever read our output has enough, as `head` does.
        Err(CliError::Print(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("portcullis: {}", console::printable(&error.to_string()));
            trouble
        }
    }
}

/// Reads the command line, checks the environment, and runs the command. Also gives the exit status
/// that an error of the command has.
fn run() -> (Result<ExitCode, CliError>, ExitCode) {
    let command = Cli::parse().command;
    // The quickstart and the tools talk to a person; a server's log is read by machines.
    serve::log_to_stderr(if matches!(command, Command::Serve(_)) { "info" } else { "error" });
    let trouble = match command {
        Command::Serve(_)
        | Command::Quickstart(_)
        | Command::AccessKey(_)
        | Command::Deploy(_)
        | Command::Logs(_)
        | Command::Runtime(_) => ExitCode::FAILURE,
        Command::Simulate(_)
        | Command::Explain(_)
        | Command::WhoCan(_)
        | Command::Lint(_)
        | Command::Diff(_) => ExitCode::from(NO_ANSWER),
    };
    let variables = std::env::vars_os().map(|(name, _)| name);
    let known = environment::refuse_unknown(variables).map_err(CliError::from);
    (known.and_then(|()| dispatch(&command)), trouble)
}

fn dispatch(command: &Command) -> Result<ExitCode, CliError> {
    let done = |()| ExitCode::SUCCESS;
    match command {
        Command::Simulate(arguments) => simulate::run(arguments),
        Command::Serve(arguments) => wait(async { Ok(serve::run(arguments).await?) }).map(done),
        Command::Quickstart(arguments) => wait(quickstart::run(arguments)).map(done),
        Command::AccessKey(arguments) => wait(access_key::run(&arguments.command)).map(done),
        Command::Deploy(arguments) => wait(deploy::run(arguments)).map(done),
        Command::Logs(arguments) => logs::run(arguments).map(done),
        Command::Runtime(arguments) => wait(runtime::run(&arguments.command)),
        Command::Explain(arguments) => wait(explain::run(arguments)).map(done),
        Command::WhoCan(arguments) => wait(who_can::run(arguments)).map(done),
        Command::Lint(arguments) => wait(lint::run(arguments)),
        Command::Diff(arguments) => wait(diff::run(arguments)),
    }
}

/// Longest that a command that is done waits for what it left behind: a name that is being looked up,
/// say, which nobody can end.
const LEFT_BEHIND_MAX: Duration = Duration::from_secs(1);

/// Runs a command on a new runtime.
fn wait<T>(command: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(command);
    runtime.shutdown_timeout(LEFT_BEHIND_MAX);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::sync::mpsc;

    #[test]
    fn a_command_that_is_done_does_not_wait_for_what_nobody_can_end() {
        let (sender, receiver) = mpsc::channel::<()>();
        let command = async {
            // Until this test has ended.
            drop(tokio::task::spawn_blocking(move || receiver.recv()));
            Ok(7)
        };
        assert_eq!(wait(command).unwrap(), 7);
        drop(sender);
    }
}
