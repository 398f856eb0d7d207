//! What a store says instead of an object, kept as a value in the errors of its client.

use std::{error::Error, fmt};

use async_trait::async_trait;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
        HttpService, ReqwestConnector,
    },
};
use portcullis_lambda::{InvalidParameter, LambdaError, ObjectDenied, S3Object};

use crate::error::ApiError;

/// Most bytes of an answer that is no object; S3's have some hundred.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Most characters of a code or a message that are passed on.
const CHARACTERS_MAX: usize = 500;

/// An answer of the store that is no object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    code: Box<str>,
    message: Box<str>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.status, self.code, self.message)
    }
}

impl Error for Refusal {}

impl Refusal {
    /// What the answer says: the code and the message of S3's XML, if it is that.
    fn of(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let usual = if status.is_server_error() { "InternalError" } else { "InvalidRequest" };
        let code = element(&text, "Code").unwrap_or_else(|| usual.to_owned());
        let region = headers.get("x-amz-bucket-region").and_then(|region| region.to_str().ok());
        let message = match region {
            Some(region) if status.is_redirection() => format!(
                "The bucket is in this region: {region}. Please use this region to retry the request"
            ),
            _ => element(&text, "Message").unwrap_or_else(|| {
                format!("The store answered with the status {}.", status.as_u16())
            }),
        };
        Self { status, code: shortened(&code), message: shortened(&message) }
    }

    /// The answer within an error of the client, if that is its cause.
    pub(super) fn within<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Self> {
        let causes = std::iter::successors(Some(error), |&error| error.source());
        causes.filter_map(<dyn Error>::downcast_ref).next()
    }

    /// How the caller is told. Whose keys were refused is the operator's matter.
    pub(super) fn told(&self, object: &S3Object) -> ApiError {
        match self.status {
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => ApiError::ObjectDenied {
                refusal: ObjectDenied { object: object.clone(), message: "Access Denied".into() },
                is_explainable: false,
            },
            _ => told(&self.code, &self.message),
        }
    }
}

/// How the caller is told of an object that does not come.
pub(super) fn told(code: &str, message: &str) -> ApiError {
    let refused = InvalidParameter::Object { code: code.into(), message: message.into() };
    LambdaError::from(refused).into()
}

fn shortened(text: &str) -> Box<str> {
    text.chars().filter(|one| !one.is_control()).take(CHARACTERS_MAX).collect::<String>().into()
}

/// The text of the first element of this name.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = after.split_once(&format!("</{name}>"))?;
    quick_xml::escape::unescape(text).ok().map(Into::into)
}

/// Makes clients that [`Telling`] is in.
#[derive(Debug)]
pub(super) struct TellingConnector;

impl HttpConnector for TellingConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Telling(ReqwestConnector::default().connect(options)?)))
    }
}

/// A client that makes errors of answers without an object: of those that may pass, such ones that
/// are tried again.
#[derive(Debug)]
struct Telling(HttpClient);

#[async_trait]
impl HttpService for Telling {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.0.execute(request).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        let refusal = Refusal::of(status, &parts.headers, &body);
        let may_pass = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let kind = if may_pass { HttpErrorKind::Request } else { HttpErrorKind::Unknown };
        Err(HttpError::new(kind, refusal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, region: Option<&str>, body: &str, want: (&str, &str)) {
        let mut headers = HeaderMap::new();
        if let Some(region) = region {
            headers.insert("x-amz-bucket-region", region.parse().unwrap());
        }
        let refusal = Refusal::of(status.try_into().unwrap(), &headers, body.as_bytes());
        assert_eq!((&*refusal.code, &*refusal.message), want);
    }

    #[test]
    #[rustfmt::skip]
    fn an_answer_is_told_by_its_code_and_message_whatever_it_is() {
        let error = |code, message| format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        check(404, None, &error("NoSuchKey", "No &quot;k&quot; &amp; none"), ("NoSuchKey", "No \"k\" & none"));
        check(301, Some("eu-west-1"), &error("PermanentRedirect", "m"),     ("PermanentRedirect", "The bucket is in this region: eu-west-1. Please use this region to retry the request"));
        check(404, Some("eu-west-1"), &error("NoSuchKey", "m"),             ("NoSuchKey", "m"));
        check(503, None, "",                                                ("InternalError", "The store answered with the status 503."));
        check(400, None, "<Code>X",                                         ("InvalidRequest", "The store answered with the status 400."));
        check(400, None, "<Code>X\n\u{1b}Y</Code><Message>&nope;</Message>", ("XY", "The store answered with the status 400."));
        check(400, None, &error("C", &"m".repeat(9999)),                    ("C", &"m".repeat(CHARACTERS_MAX)));
    }

    #[test]
    fn an_answer_is_found_in_the_errors_around_it() {
        let refusal = Refusal::of(StatusCode::NOT_FOUND, &HeaderMap::new(), b"");
        let around = object_store::Error::Generic {
            store: "S3",
            source: Box::new(HttpError::new(HttpErrorKind::Unknown, refusal.clone())),
        };
        assert_eq!(Refusal::within(&around), Some(&refusal));
        assert_eq!(Refusal::within(&object_store::Error::NotImplemented), None);
    }
}
