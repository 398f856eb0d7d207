//! Calls of the public APIs, by whoever can sign and send them.

use bytes::Bytes;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::DeployError;

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The service that it is signed for; none: it is not signed.
    pub service: Option<&'static str>,
    /// HTTP method.
    pub method: Method,
    /// Path and query, encoded.
    pub path: String,
    /// The body, and its content type.
    pub body: Option<(&'static str, String)>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Bytes,
}

/// Sends calls to a server.
pub trait Server {
    /// The region that it is.
    fn region(&self) -> &str;

    /// Sends one call and waits for the answer; the error tells why there is none.
    fn send(&self, call: Call) -> impl Future<Output = Result<Answer, String>>;
}

/// What stays as it is in a part of a path or query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text as one part of a path or query.
pub(crate) fn part(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// A Lambda operation; answers its JSON.
pub(crate) async fn lambda(
    server: &impl Server,
    method: Method,
    path: String,
    body: Option<&Value>,
) -> Result<Value, DeployError> {
    let name = format!("{method} {path}");
    let body = body.map(|body| ("application/json", body.to_string()));
    let answer = sent(server, Call { service: Some("lambda"), method, path, body }, &name).await?;
    if answer.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&answer).map_err(|_| DeployError::Answer(name))
}

/// An operation of IAM or STS; answers its XML.
pub(crate) async fn query(
    server: &impl Server,
    service: &'static str,
    action: &str,
    parameters: &[(String, String)],
) -> Result<String, DeployError> {
    let version = if service == "sts" { "2011-06-15" } else { "2010-05-08" };
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", action).append_pair("Version", version);
    form.extend_pairs(parameters);
    let body = Some(("application/x-www-form-urlencoded", form.finish()));
    let call = Call { service: Some(service), method: Method::POST, path: "/".to_owned(), body };
    let answer = sent(server, call, action).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// An IAM operation with these parameters.
pub(crate) async fn iam(
    server: &impl Server,
    action: &str,
    parameters: &[(&str, &str)],
) -> Result<String, DeployError> {
    let owned: Vec<_> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    query(server, "iam", action, &owned).await
}

/// What `address`, a link that the server gave, leads to.
pub(crate) async fn download(server: &impl Server, address: &str) -> Result<Bytes, DeployError> {
    let at = address.split_once("://").map_or(address, |(_, rest)| rest);
    let path = at.find('/').and_then(|slash| at.get(slash..)).unwrap_or("/").to_owned();
    let call = Call { service: None, method: Method::GET, path, body: None };
    sent(server, call, "the download").await
}

async fn sent(server: &impl Server, call: Call, name: &str) -> Result<Bytes, DeployError> {
    let answer = server.send(call).await.map_err(DeployError::NoAnswer)?;
    if (200..300).contains(&answer.status) {
        return Ok(answer.body);
    }
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    Err(DeployError::Refused { call: name.to_owned(), status: answer.status, answer: text })
}

/// The content of the first element of a name in an XML answer.
pub(crate) fn element(xml: &str, name: &str) -> Result<String, DeployError> {
    let found = xml.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once("</"));
    found.map(|(value, _)| value.to_owned()).ok_or_else(|| DeployError::Answer(name.to_owned()))
}
