//! Which server a command asks, as whom, and what it answers.

use bytes::Bytes;
use http::Method;
use portcullis_lambda::{AccountId, Endpoint, FunctionReference, Region};
use portcullis_sigv4::Credentials;
use serde_json::Value;

use crate::{CliError, cli::ServerArguments, client::Client, root_credentials};

/// Where a server listens unless somebody says otherwise.
const USUAL_ENDPOINT: &str = "http://127.0.0.1:4566";

/// The region of a server unless somebody says otherwise.
const USUAL_REGION: &str = "us-east-1";

impl ServerArguments {
    /// The client that asks: flags and our variables, else AWS's.
    ///
    /// # Errors
    /// [`CliError`] when there are no credentials, or `AWS_ENDPOINT_URL` is no endpoint of ours.
    pub(crate) fn client(&self) -> Result<Client, CliError> {
        let endpoint = match &self.endpoint_url {
            Some(endpoint) => endpoint.clone(),
            None => variable("AWS_ENDPOINT_URL").as_deref().unwrap_or(USUAL_ENDPOINT).parse()?,
        };
        Ok(Client { endpoint, region: self.region(), credentials: Some(self.signer()?) })
    }

    /// The region that is meant.
    pub(crate) fn region(&self) -> String {
        let given = self.region.clone().or_else(|| variable("AWS_REGION"));
        given.unwrap_or_else(|| USUAL_REGION.to_owned())
    }

    /// Who signs: our own variables, else AWS's, else the server's root from its data folder.
    fn signer(&self) -> Result<Credentials, CliError> {
        let given = &self.root_credentials;
        if let (Some(id), Some(secret)) = (&given.access_key_id, &given.secret_access_key) {
            return Ok(Credentials {
                access_key_id: id.clone(),
                secret_access_key: secret.clone(),
                session_token: None,
            });
        }
        match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
            (Some(access_key_id), Some(secret_access_key)) => Ok(Credentials {
                access_key_id,
                secret_access_key,
                session_token: variable("AWS_SESSION_TOKEN"),
            }),
            _ => Ok(root_credentials::read(&self.data_dir)?),
        }
    }
}

/// A variable that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Calls a control operation and gives the body of its answer.
///
/// # Errors
/// [`CliError`] when the server cannot be reached, or refuses.
pub(crate) async fn control(
    client: &Client,
    method: Method,
    path: &str,
    body: &Value,
) -> Result<Bytes, CliError> {
    let (kind, body) = if body.is_null() {
        (Vec::new(), String::new())
    } else {
        (vec![("content-type", "application/json")], body.to_string())
    };
    call(client, "portcullis", method, path, &kind, body).await
}

/// The policy of a function as `GetPolicy` has it; `function` is a name, with a qualifier if it has
/// one, or an ARN.
///
/// # Errors
/// As [`control`]; also when the answer has no policy.
pub(crate) async fn function_policy(client: &Client, function: &str) -> Result<String, CliError> {
    let name: String = form_urlencoded::byte_serialize(function.as_bytes()).collect();
    let path = format!("/2015-03-31/functions/{name}/policy");
    let answer = call(client, "lambda", Method::GET, &path, &[], String::new()).await?;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    match answer.get("Policy") {
        Some(Value::String(policy)) => Ok(policy.clone()),
        _ => Err(CliError::Answer("GetPolicy")),
    }
}

/// The ARN of a resource that may be named as functions are; ARNs and `*` stay as they are.
///
/// # Errors
/// [`CliError::Function`] for a text that is neither.
pub(crate) fn resource_arn(text: &str, region: &str, account: &str) -> Result<String, CliError> {
    if text == "*" || text.starts_with("arn:") {
        return Ok(text.to_owned());
    }
    let bad = |_| CliError::Function(text.to_owned());
    let region: Region = region.parse().map_err(bad)?;
    let account: AccountId = account.parse().map_err(bad)?;
    let endpoint = Endpoint { account: &account, region: &region };
    let resolved = FunctionReference::parse(text).and_then(|name| name.resolve(None, endpoint));
    Ok(resolved.map_err(bad)?.target().to_string())
}

/// The same, in the account of whoever asks the server.
///
/// # Errors
/// As [`resource_arn`] and [`control`].
pub(crate) async fn resource_of_caller(client: &Client, text: &str) -> Result<String, CliError> {
    if text == "*" || text.starts_with("arn:") {
        return Ok(text.to_owned());
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = "Action=GetCallerIdentity&Version=2011-06-15".to_owned();
    let answer = call(client, "sts", Method::POST, "/", &form, body).await?;
    let answer = String::from_utf8_lossy(&answer);
    let account = answer.split_once("<Account>").and_then(|(_, rest)| rest.split_once("</"));
    let (account, _) = account.ok_or(CliError::Answer("GetCallerIdentity"))?;
    resource_arn(text, &client.region, account)
}

async fn call(
    client: &Client,
    service: &str,
    method: Method,
    path: &str,
    headers: &[(&'static str, &str)],
    body: String,
) -> Result<Bytes, CliError> {
    let answer = client.call(service, method, path, headers, body).await?;
    if answer.status().is_success() {
        return Ok(answer.into_body());
    }
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    Err(CliError::Refused { status: answer.status().as_u16(), answer: text })
}

#[cfg(test)]
mod tests {
    use super::resource_arn;

    #[track_caller]
    fn check(text: &str, want: Option<&str>) {
        let got = resource_arn(text, "eu-west-1", "111111111111").ok();
        assert_eq!(got.as_deref(), want, "{text}");
    }

    #[test]
    fn a_function_is_named_as_everywhere() {
        let arn = "arn:aws:lambda:eu-west-1:111111111111:function:f";
        check("f", Some(arn));
        check("f:prod", Some(&format!("{arn}:prod")));
        check("f:$LATEST", Some(&format!("{arn}:$LATEST")));
        check("222222222222:function:f", Some(&arn.replace("111111111111", "222222222222")));
        check("*", Some("*"));
        check("arn:aws:s3:::photos", Some("arn:aws:s3:::photos"));
        check("a b", None);
        check("", None);
    }
}
