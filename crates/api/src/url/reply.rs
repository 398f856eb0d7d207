//! From what a function returned to what the client of its URL sees: `aws-lambda.md §7.5`.

use std::{borrow::Cow, collections::HashMap};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use portcullis_json::compact;
use portcullis_sandbox::Outcome;
use serde_json::{Map, Value, value::RawValue};

use super::OF_CONNECTION;
use crate::{
    answer::{Body, JSON, response, streamed, whole},
    error::ApiError,
    streaming::{Broken, Stream},
};

/// The answer to the client.
pub(super) fn of(outcome: &Outcome) -> Response<Body> {
    if outcome.function_error.is_some() {
        return failure();
    }
    let returned = std::str::from_utf8(&outcome.payload).ok();
    returned.and_then(understood).unwrap_or_else(failure)
}

/// The answer that JSON means; `None` if it cannot be one.
fn understood(returned: &str) -> Option<Response<Body>> {
    match serde_json::from_str(returned).ok()? {
        Value::Object(object) if object.contains_key("statusCode") => shaped(&object, returned),
        Value::String(text) => Some(response(200, JSON, text.into())),
        _ => Some(response(200, JSON, as_written(returned))),
    }
}

/// A value as the function wrote it, so that no number is rounded, but without white space.
fn as_written(json: &str) -> Bytes {
    compact(json).into_owned().into()
}

/// The function failed, or what it returned is no answer.
pub(super) fn failure() -> Response<Body> {
    response(502, JSON, Bytes::from_static(b"Internal Server Error"))
}

/// The answer that an object with a status describes; `None` if it cannot be one.
fn shaped(object: &Map<String, Value>, returned: &str) -> Option<Response<Body>> {
    let mut answer = Response::new(whole(body(object, returned)?));
    *answer.status_mut() = status(object.get("statusCode")?)?;
    answer.headers_mut().insert(header::CONTENT_TYPE, JSON);
    add_headers(answer.headers_mut(), object)?;
    Some(answer)
}

/// The headers and cookies of an object; `None` if they cannot be some.
fn add_headers(headers: &mut HeaderMap, object: &Map<String, Value>) -> Option<()> {
    for (name, value) in members(object.get("headers"))? {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        // How long the answer is, is ours to say.
        if name != header::CONTENT_LENGTH && !OF_CONNECTION.contains(&name.as_str()) {
            headers.insert(name, HeaderValue::from_str(&scalar(value)?).ok()?);
        }
    }
    for cookie in list(object.get("cookies"))? {
        headers.append(header::SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
    }
    Some(())
}

/// What a runtime says of an answer that has a prelude: status and headers as JSON, then eight NUL
/// bytes, then the body. `aws-lambda.md §7.7`.
const WITH_PRELUDE: &str = "application/vnd.awslambda.http-integration-response";
const PRELUDE_END: [u8; 8] = [0; 8];

/// Longest prelude. Ours: far more than the headers that any client takes.
const PRELUDE_BYTES_MAX: usize = 1 << 20;

/// The type of a body that nobody says more of.
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The answer of a URL that streams, to a function that does not: what it returned, as it is.
pub(super) fn as_is(outcome: &Outcome) -> Response<Body> {
    match outcome.function_error {
        Some(_) => failure(),
        None => response(200, JSON, outcome.payload.clone()),
    }
}

/// The answer as it comes: its head now, its body as the function makes it.
pub(super) async fn as_it_comes(mut stream: Stream) -> Response<Body> {
    if stream.content_type.as_deref() == Some(WITH_PRELUDE) {
        let Some((prelude, rest)) = prelude(&mut stream).await else { return failure() };
        let body = streamed(stream.into_body(Some(rest), Bytes::clone, ended));
        return introduced(&prelude, body).unwrap_or_else(failure);
    }
    let kind = stream.content_type.as_deref().and_then(|kind| HeaderValue::from_str(kind).ok());
    let mut answer = Response::new(streamed(stream.into_body(None, Bytes::clone, ended)));
    answer.headers_mut().insert(header::CONTENT_TYPE, kind.unwrap_or(BYTES));
    answer
}

/// The prelude, and the first bytes of the body; `None` if there is none.
async fn prelude(stream: &mut Stream) -> Option<(Vec<u8>, Bytes)> {
    let mut read = Vec::new();
    loop {
        read.extend_from_slice(&stream.next().await?);
        if let Some(end) = memchr::memmem::find(&read, &PRELUDE_END) {
            let body = Bytes::copy_from_slice(read.get(end + PRELUDE_END.len()..)?);
            read.truncate(end);
            return Some((read, body));
        }
        if read.len() > PRELUDE_BYTES_MAX {
            return None;
        }
    }
}

/// The answer that a prelude describes; `None` if it cannot be one.
fn introduced(prelude: &[u8], body: Body) -> Option<Response<Body>> {
    let object: Map<String, Value> = serde_json::from_slice(prelude).ok()?;
    let mut answer = Response::new(body);
    *answer.status_mut() = object.get("statusCode").map_or(Some(StatusCode::OK), status)?;
    answer.headers_mut().insert(header::CONTENT_TYPE, BYTES);
    add_headers(answer.headers_mut(), &object)?;
    Some(answer)
}

/// A body that the function did not bring to its end is not whole: the client must notice.
fn ended(end: &Result<Outcome, ApiError>) -> Result<Option<Bytes>, Broken> {
    match end {
        Ok(Outcome { function_error: None, .. }) => Ok(None),
        _ => Err(Broken),
    }
}

/// A number, or its text; informational ones answer nothing.
fn status(value: &Value) -> Option<StatusCode> {
    let number = match value {
        Value::String(text) => text.parse::<u16>().ok()?,
        other => u16::try_from(other.as_u64()?).ok()?,
    };
    (200..=599).contains(&number).then(|| StatusCode::from_u16(number).ok())?
}

/// The body of an object, which is the text `returned`.
fn body(object: &Map<String, Value>, returned: &str) -> Option<Bytes> {
    let encoded = object.get("isBase64Encoded").and_then(Value::as_bool) == Some(true);
    match object.get("body") {
        None | Some(Value::Null) => Some(Bytes::new()),
        Some(Value::String(text)) if encoded => BASE64_STANDARD.decode(text).ok().map(Bytes::from),
        Some(Value::String(text)) => Some(text.clone().into()),
        Some(_) => {
            let members: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(returned).ok()?;
            members.get("body").map(|body| as_written(body.get()))
        }
    }
}

/// The members of an object that may be absent; `None` for what is no object.
fn members(value: Option<&Value>) -> Option<impl Iterator<Item = (&String, &Value)>> {
    let object = match value {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.as_object()?),
    };
    Some(object.into_iter().flatten().filter(|(_, value)| !value.is_null()))
}

/// The entries of a list that may be absent; `None` for what is no list.
fn list(value: Option<&Value>) -> Option<&[Value]> {
    match value {
        None | Some(Value::Null) => Some(&[]),
        Some(value) => value.as_array().map(Vec::as_slice),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use portcullis_sandbox::Outcome;

    use super::of;

    /// Status, the headers joined, and the body.
    async fn told(payload: &str, function_error: Option<&'static str>) -> (u16, String, String) {
        let payload = bytes::Bytes::copy_from_slice(payload.as_bytes());
        let answer = of(&Outcome { payload, function_error, log_tail: None });
        let headers = answer.headers().iter();
        let headers: Vec<_> =
            headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, headers.join(" | "), String::from_utf8(body.to_vec()).unwrap())
    }

    async fn check(payload: &str, status: u16, headers: &str, body: &str) {
        let want = (status, headers.to_owned(), body.to_owned());
        assert_eq!(told(payload, None).await, want, "{payload}");
    }

    const PLAIN: &str = "content-type: application/json";

    #[tokio::test]
    #[rustfmt::skip]
    async fn what_a_function_returns_is_told_as_it_means() {
        check(r#"{"statusCode":201,"body":"made"}"#, 201, PLAIN, "made").await;
        check(r#"{"statusCode":"404"}"#, 404, PLAIN, "").await;
        check(r#"{"statusCode":200,"headers":{"Content-Type":"text/html","X-N":1,"x-b":true,"x-0":null},"body":"<p>"}"#,
              200, "content-type: text/html | x-n: 1 | x-b: true", "<p>").await;
        check(r#"{"statusCode":200,"cookies":["a=1","b=2; Secure"]}"#,
              200, "content-type: application/json | set-cookie: a=1 | set-cookie: b=2; Secure", "").await;
        check(r#"{"statusCode":200,"body":"aGk=","isBase64Encoded":true}"#, 200, PLAIN, "hi").await;
        check(r#"{"statusCode":200,"body":{"a":1}}"#, 200, PLAIN, r#"{"a":1}"#).await;
        check(r#"{"statusCode":200,"headers":{"Content-Length":"9","Connection":"close"},"body":"x"}"#, 200, PLAIN, "x").await;
        check(r#"{"b":1,"a":[]}"#, 200, PLAIN, r#"{"b":1,"a":[]}"#).await;
        check("[1,2]", 200, PLAIN, "[1,2]").await;
        check("3.5", 200, PLAIN, "3.5").await;
        check("true", 200, PLAIN, "true").await;
        check("null", 200, PLAIN, "null").await;
        check(r#"[ 12345678901234567890123, 1.10, "a b" ]"#, 200, PLAIN, r#"[12345678901234567890123,1.10,"a b"]"#).await;
        check(r#"{"statusCode":200,"body": {"n" : 12345678901234567890123}}"#, 200, PLAIN, r#"{"n":12345678901234567890123}"#).await;
        check(r#"{"statusCode":200,"\u0062ody":[1 ,2]}"#, 200, PLAIN, "[1,2]").await;
        check(r#""text""#, 200, PLAIN, "text").await;
    }

    #[tokio::test]
    async fn what_cannot_be_an_answer_is_a_failure_of_the_function() {
        let failed = (502, PLAIN.to_owned(), "Internal Server Error".to_owned());
        for payload in [
            r#"{"statusCode":"ok"}"#,
            r#"{"statusCode":99}"#,
            r#"{"statusCode":100}"#,
            r#"{"statusCode":1000}"#,
            r#"{"statusCode":200,"headers":{"a b":"c"}}"#,
            r#"{"statusCode":200,"headers":{"a":"b\r\nset-cookie: c=d"}}"#,
            r#"{"statusCode":200,"headers":[]}"#,
            r#"{"statusCode":200,"cookies":"a=b"}"#,
            r#"{"statusCode":200,"cookies":["a\n"]}"#,
            r#"{"statusCode":200,"body":"!","isBase64Encoded":true}"#,
            "",
        ] {
            assert_eq!(told(payload, None).await, failed, "{payload}");
        }
        assert_eq!(told("{}", Some("Unhandled")).await, failed);
    }
}
