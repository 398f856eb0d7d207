//! `portcullis access-key create`: keys that no AWS API makes, asked for over the wire.

use http::Method;
use portcullis_sigv4::Credentials;
use serde_json::{Value, json};

use crate::{
    CliError,
    cli::{AccessKeyCommand, CreateAccessKeyArguments},
    client::Client,
    console::say,
    root_credentials,
};

/// Runs an `access-key` subcommand.
///
/// # Errors
/// [`CliError`] when no credentials are found, the server cannot be reached, or it refuses.
pub(crate) async fn run(command: &AccessKeyCommand) -> Result<(), CliError> {
    match command {
        AccessKeyCommand::Create(arguments) => create(arguments).await,
    }
}

/// Asks the server for the key and prints its answer.
async fn create(arguments: &CreateAccessKeyArguments) -> Result<(), CliError> {
    let client = Client {
        endpoint: arguments.endpoint_url.clone(),
        region: arguments.region.clone(),
        credentials: Some(signer(arguments)?),
    };
    let (path, body) = request(arguments);
    let kind = [("content-type", "application/json")];
    let answer = client.call("portcullis", Method::POST, &path, &kind, body.to_string()).await?;
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    if !answer.status().is_success() {
        return Err(CliError::Refused { status: answer.status().as_u16(), answer: text });
    }
    Ok(say!("{text}")?)
}

/// Path and body of the control operation that the flags ask for.
fn request(arguments: &CreateAccessKeyArguments) -> (String, Value) {
    match (&arguments.service, &arguments.account_id) {
        (None, Some(account)) => {
            (format!("/_portcullis/accounts/{account}/root-access-keys"), json!({}))
        }
        (service, _) => ("/_portcullis/access-keys".to_owned(), json!({"ServiceName": service})),
    }
}

/// Who signs: our own variables, else AWS's, else the server's root from its data folder.
fn signer(arguments: &CreateAccessKeyArguments) -> Result<Credentials, CliError> {
    let given = &arguments.root_credentials;
    if let (Some(id), Some(secret)) = (&given.access_key_id, &given.secret_access_key) {
        return Ok(Credentials {
            access_key_id: id.clone(),
            secret_access_key: secret.clone(),
            session_token: None,
        });
    }
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        (Some(access_key_id), Some(secret_access_key)) => Ok(Credentials {
            access_key_id,
            secret_access_key,
            session_token: variable("AWS_SESSION_TOKEN"),
        }),
        _ => Ok(root_credentials::read(&arguments.data_dir)?),
    }
}
