//! `portcullis diff`: which calls a changed policy decides differently.

use std::process::ExitCode;

use portcullis_iam::{
    DocumentKind,
    analysis::{Outcome, diff},
};
use portcullis_simulation::{document_text, likely_kind};
use serde_json::json;

use crate::{
    CliError,
    cli::{DiffArguments, Output},
    console::{answered, say, style},
    files::Files,
    lint::read,
};

/// The exit status where a difference was neither found nor ruled out.
const UNPROVEN: u8 = 3;

/// Prints the difference. The exit status is 0 only if there is surely none, 1 for calls that are
/// decided differently, 3 if neither is known: whoever asks whether a change is safe must not take
/// the end of a search for an answer, nor an open question for a difference.
///
/// # Errors
/// [`CliError`] when a policy cannot be had or understood.
pub(crate) async fn run(arguments: &DiffArguments) -> Result<ExitCode, CliError> {
    let files = Files::default();
    let old = read(&arguments.old, &files, &arguments.server).await?;
    let new = read(&arguments.new, &files, &arguments.server).await?;
    let (before, after) = (document_text(&old.json), document_text(&new.json));
    // A document without statements looks like an identity's.
    let likely = || match likely_kind(&before) {
        DocumentKind::Identity => likely_kind(&after),
        kind => kind,
    };
    let kind = arguments.kind.map_or_else(likely, DocumentKind::from);
    for (text, json) in [(&old, &before), (&new, &after)] {
        portcullis_iam::Policy::parse_unvalidated(kind, json)
            .map_err(|error| CliError::Policy { name: text.name.clone(), error })?;
    }
    let difference = diff(kind, &before, &after)
        .map_err(|error| CliError::Policy { name: new.name.clone(), error })?;
    let printed = match arguments.output.output {
        Output::Text => say!("{}", difference.text(style()).trim_end()),
        Output::Json => say!("{}", json!(difference)),
    };
    let status = match difference.outcome {
        Outcome::Equivalent => ExitCode::SUCCESS,
        Outcome::Different => ExitCode::FAILURE,
        Outcome::NoDifferenceFound => ExitCode::from(UNPROVEN),
    };
    answered(printed, status)
}
