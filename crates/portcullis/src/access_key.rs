//! `portcullis access-key create`: keys that no AWS API makes, asked for over the wire.

use http::Method;
use serde_json::{Value, json};

use crate::{
    CliError,
    cli::{AccessKeyCommand, CreateAccessKeyArguments},
    console::say,
    server::control,
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
    let (path, body) = request(arguments);
    let answer = control(&arguments.server.client()?, Method::POST, &path, &body).await?;
    Ok(say!("{}", String::from_utf8_lossy(&answer))?)
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
