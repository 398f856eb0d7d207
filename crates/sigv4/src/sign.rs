//! Signing our own requests: the command line, `quickstart` and the load tool are clients too.

use std::fmt;

use http::{
    HeaderName, HeaderValue, Uri,
    header::{AUTHORIZATION, CONNECTION, EXPECT, HOST, TRANSFER_ENCODING, USER_AGENT},
    request::Parts,
    uri::PathAndQuery,
};
use jiff::Timestamp;

use crate::{
    ALGORITHM, Scope, SigningKey,
    body::{body_sha256, hexadecimal},
    canonical::{CanonicalRequest, push_component},
    date::BasicDate,
};

/// What a client signs with. `Debug` prints the key's id only.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The public half.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
    /// Present for temporary credentials.
    pub session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = &self.access_key_id;
        f.debug_struct("Credentials").field("access_key_id", id).finish_non_exhaustive()
    }
}

/// Why a request cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// Neither a `Host` header nor a URI with an authority.
    #[error("the request names no host")]
    NoHost,
    /// An access key, token, region or service with characters that no header may hold.
    #[error("credentials, region and service must be printable text")]
    Unprintable,
    /// The signed query does not fit a URI.
    #[error("the presigned URI is too long")]
    TooLong,
}

/// Signs a request with headers: sets `Host` (if missing), `X-Amz-Date`, `X-Amz-Security-Token`
/// (if there is one) and `Authorization`. Good for five minutes around `now`.
///
/// Every header that is there is signed, but for those that a proxy or an HTTP library may set:
/// whoever adds headers afterwards invalidates the signature if they start with `x-amz-`.
///
/// # Errors
/// [`SigningError::NoHost`], [`SigningError::Unprintable`].
pub fn sign(
    head: &mut Parts,
    body: &[u8],
    credentials: &Credentials,
    region: &str,
    service: &str,
    now: Timestamp,
) -> Result<(), SigningError> {
    let date = BasicDate::new(now);
    let scope = Scope::new(&date, region, service);
    insert_host(head)?;
    head.headers.insert(HeaderName::from_static("x-amz-date"), header_value(date.as_str())?);
    if let Some(token) = &credentials.session_token {
        head.headers.insert(HeaderName::from_static("x-amz-security-token"), secret(token)?);
    }
    let signed_headers = signed_headers(head);
    let signature = signature(head, &signed_headers, body, credentials, &scope, &date)?;
    let authorization = format!(
        "{ALGORITHM} Credential={}/{}, SignedHeaders={signed_headers}, Signature={signature}",
        credentials.access_key_id,
        scope.as_str(),
    );
    head.headers.insert(AUTHORIZATION, secret(&authorization)?);
    Ok(())
}

/// Signs a request with its query: whoever has the URI may send it, until `expires_seconds`
/// (1..=604800; a server refuses others) after `now`. The headers that are there must be sent
/// along.
///
/// # Errors
/// [`SigningError`], each of them.
pub fn presign(
    head: &mut Parts,
    body: &[u8],
    credentials: &Credentials,
    region: &str,
    service: &str,
    now: Timestamp,
    expires_seconds: u32,
) -> Result<(), SigningError> {
    let date = BasicDate::new(now);
    let scope = Scope::new(&date, region, service);
    insert_host(head)?;
    let signed_headers = signed_headers(head);
    let credential = format!("{}/{}", credentials.access_key_id, scope.as_str());
    let expires = expires_seconds.to_string();
    append_query(
        head,
        &[
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Date", date.as_str()),
            ("X-Amz-Expires", &expires),
            ("X-Amz-SignedHeaders", &signed_headers),
        ],
    )?;
    if let Some(token) = &credentials.session_token {
        append_query(head, &[("X-Amz-Security-Token", token)])?;
    }
    let signature = signature(head, &signed_headers, body, credentials, &scope, &date)?;
    append_query(head, &[("X-Amz-Signature", &signature)])
}

fn signature(
    head: &Parts,
    signed_headers: &str,
    body: &[u8],
    credentials: &Credentials,
    scope: &Scope,
    date: &BasicDate,
) -> Result<String, SigningError> {
    let body_sha256 = body_sha256(body);
    let canonical = CanonicalRequest::new(head, signed_headers, &body_sha256).write();
    let secret = &credentials.secret_access_key;
    let key = SigningKey::derive(secret, scope.date(), scope.region(), scope.service());
    let signature =
        key.signature(date.as_str(), scope.as_str(), &canonical.ok_or(SigningError::NoHost)?);
    Ok(hexadecimal(&signature).iter().copied().map(char::from).collect())
}

/// The names of all headers that a signature can cover, in order.
fn signed_headers(head: &Parts) -> String {
    let changes_on_the_way = [AUTHORIZATION, CONNECTION, EXPECT, TRANSFER_ENCODING, USER_AGENT];
    let steady = |name: &&HeaderName| {
        !changes_on_the_way.contains(name) && name.as_str() != "x-amzn-trace-id"
    };
    let mut names: Vec<_> = head.headers.keys().filter(steady).map(HeaderName::as_str).collect();
    names.sort_unstable();
    names.join(";")
}

/// The header that an HTTP library would send: the port only where it is not the scheme's own.
fn insert_host(head: &mut Parts) -> Result<(), SigningError> {
    if head.headers.contains_key(HOST) {
        return Ok(());
    }
    let authority = head.uri.authority().ok_or(SigningError::NoHost)?;
    let own_port = match head.uri.scheme_str() {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    };
    let host = match authority.port_u16() {
        Some(port) if Some(port) != own_port => format!("{}:{port}", authority.host()),
        _ => authority.host().to_owned(),
    };
    head.headers.insert(HOST, header_value(&host)?);
    Ok(())
}

fn append_query(head: &mut Parts, pairs: &[(&str, &str)]) -> Result<(), SigningError> {
    let mut text = head.uri.path().as_bytes().to_vec();
    let mut separator = b'?';
    if let Some(query) = head.uri.query() {
        text.push(separator);
        text.extend_from_slice(query.as_bytes());
        separator = b'&';
    }
    for (name, value) in pairs {
        text.push(separator);
        separator = b'&';
        push_component(&mut text, name.as_bytes());
        text.push(b'=');
        push_component(&mut text, value.as_bytes());
    }
    let mut parts = head.uri.clone().into_parts();
    let path_and_query = PathAndQuery::from_maybe_shared(text);
    parts.path_and_query = Some(path_and_query.map_err(|_| SigningError::TooLong)?);
    head.uri = Uri::from_parts(parts).map_err(|_| SigningError::TooLong)?;
    Ok(())
}

fn header_value(text: &str) -> Result<HeaderValue, SigningError> {
    HeaderValue::from_str(text).map_err(|_| SigningError::Unprintable)
}

fn secret(text: &str) -> Result<HeaderValue, SigningError> {
    let mut value = header_value(text)?;
    value.set_sensitive(true);
    Ok(value)
}
