//! `portcullis simulate`: cases on standard input, decisions on standard output.

use std::io;
use std::process::ExitCode;

use portcullis_lambda::NARROWING;
use portcullis_simulation::{Explainer, Settings, Validation, simulate};

use crate::{CliError, cli::SimulateArguments, remedy};

/// Decides the cases. Some that could not be read make the exit status 1.
///
/// # Errors
/// [`CliError::Print`] when reading or writing fails.
pub(crate) fn run(arguments: &SimulateArguments) -> Result<ExitCode, CliError> {
    let validation = if arguments.strict { Validation::Writable } else { Validation::Grammar };
    let explainer = Explainer { narrowing: &NARROWING, command: &remedy::command };
    let settings = Settings { validation, explainer: arguments.explain.then_some(explainer) };
    let summary = simulate(io::stdin().lock(), io::stdout().lock(), &settings)?;
    let Some(first) = summary.first_refusal else { return Ok(ExitCode::SUCCESS) };
    let (refused, cases) = (summary.refused, summary.cases);
    eprintln!("portcullis: {refused} of {cases} cases could not be read; the first: {first}");
    Ok(ExitCode::FAILURE)
}
