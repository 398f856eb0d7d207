//! `portcullis who-can`: who may perform an action on a function.

use http::Method;
use portcullis_iam::analysis::{Style, who_can_text};
use portcullis_lambda::LAMBDA_KEYS;
use portcullis_simulation::{GivenCandidate, GivenDocuments, GivenText, WhoCan};
use serde_json::{Value, json};

use crate::{
    CliError,
    cli::{CandidateDocumentArguments, Output, PrincipalFile, WhoCanArguments},
    console::{printable, say, style},
    explain::{account_of, shared},
    files::Files,
    server::{control, resource_arn, resource_of_caller},
};

/// Answers by the documents that are given, or asks a server.
///
/// # Errors
/// [`CliError`] when there is no answer.
pub(crate) async fn run(arguments: &WhoCanArguments) -> Result<(), CliError> {
    let files = Files::default();
    let documents = shared(&arguments.documents.shared, &files)?;
    let candidates = candidates(&arguments.documents, &files)?;
    if documents.is_empty() && candidates.is_empty() {
        ask(arguments).await
    } else {
        answer(arguments, &documents, &candidates)
    }
}

/// Asks a server.
async fn ask(arguments: &WhoCanArguments) -> Result<(), CliError> {
    let client = arguments.server.client()?;
    let resource = resource_of_caller(&client, &arguments.function).await?;
    let body = json!({"Action": arguments.action.0, "Resource": resource});
    let answer = control(&client, Method::POST, "/_portcullis/who-can", &body).await?;
    if arguments.output.output == Output::Json {
        return Ok(say!("{}", String::from_utf8_lossy(&answer))?);
    }
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    let text = answer.get("Text").and_then(Value::as_str).ok_or(CliError::Answer("WhoCan"))?;
    Ok(say!("{}", printable(text).trim_end())?)
}

/// Answers by documents.
fn answer(
    arguments: &WhoCanArguments,
    documents: &GivenDocuments,
    candidates: &[GivenCandidate],
) -> Result<(), CliError> {
    let of_candidate = || candidates.iter().find_map(|one| one.principal.account());
    let account = arguments.documents.resource_account.clone();
    let account = account.or_else(|| account_of(&arguments.function));
    let account = account.or_else(|| of_candidate().map(str::to_owned));
    let account = account.ok_or(CliError::ResourceAccount)?;
    let resource = resource_arn(&arguments.function, &arguments.server.region(), &account)?;
    let question = WhoCan {
        action: &arguments.action.0,
        resource: &resource,
        resource_account: &account,
        documents,
        candidates,
        condition_keys: &LAMBDA_KEYS,
    };
    let entries = question.answer()?;
    match arguments.output.output {
        Output::Text => say!("{}", who_can_text(&entries, style()).trim_end())?,
        Output::Json => {
            let text = who_can_text(&entries, Style::Plain);
            say!("{}", json!({"Entries": entries, "Text": text}))?;
        }
    }
    Ok(())
}

/// Reads the callers' own documents, those of one caller together.
fn candidates(
    arguments: &CandidateDocumentArguments,
    files: &Files,
) -> Result<Vec<GivenCandidate>, CliError> {
    let mut candidates: Vec<GivenCandidate> = Vec::new();
    let kinds: [(&[PrincipalFile], Own); 2] = [
        (&arguments.identity_policy, |candidate| &mut candidate.identity),
        (&arguments.boundary, |candidate| &mut candidate.boundary),
    ];
    for (given, own) in kinds {
        for PrincipalFile { principal, file } in given {
            let text = files.read(file)?;
            let at = candidates.iter().position(|one| one.principal == *principal);
            let at = at.unwrap_or_else(|| {
                let (identity, boundary) = (Vec::new(), Vec::new());
                let principal = principal.clone();
                candidates.push(GivenCandidate { principal, identity, boundary });
                candidates.len() - 1
            });
            candidates.get_mut(at).into_iter().for_each(|one| own(one).push(text.clone()));
        }
    }
    Ok(candidates)
}

/// The documents of one kind.
type Own = fn(&mut GivenCandidate) -> &mut Vec<GivenText>;
