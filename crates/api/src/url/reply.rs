//! From what a function returned to what the client of its URL sees: `aws-lambda.md §7.5`.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use portcullis_json::compact;
use portcullis_sandbox::Outcome;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
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
    let body = match returned.trim_start().as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(returned).ok()?.into(),
        b'{' => match serde_json::from_str::<Shape<'_>>(returned).ok()? {
            shape if shape.status.is_some() => return shape.answer(),
            _ => as_written(returned),
        },
        _ => serde_json::from_str(returned).map(|IgnoredAny| as_written(returned)).ok()?,
    };
    Some(response(200, JSON, body))
}

/// A value as the function wrote it, so that no number is rounded, but without white space.
fn as_written(json: &str) -> Bytes {
    compact(json).into_owned().into()
}

/// The function failed, or what it returned is no answer.
pub(super) fn failure() -> Response<Body> {
    response(502, JSON, Bytes::from_static(b"Internal Server Error"))
}

/// What an object says of its answer, each part as it is written: of megabytes, values would be many
/// times as large, and nothing else is asked of them than to be passed on.
#[derive(Default)]
struct Shape<'a> {
    status: Option<&'a RawValue>,
    headers: Option<&'a RawValue>,
    cookies: Option<&'a RawValue>,
    body: Option<&'a RawValue>,
    encoded: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Shape<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// Of a member that is there twice, the last one counts.
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Shape<'de>, M::Error> {
        let mut shape = Shape::default();
        while let Some(name) = map.next_key::<String>()? {
            let part = match name.as_str() {
                "statusCode" => &mut shape.status,
                "headers" => &mut shape.headers,
                "cookies" => &mut shape.cookies,
                "body" => &mut shape.body,
                "isBase64Encoded" => &mut shape.encoded,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *part = Some(map.next_value()?);
        }
        Ok(shape)
    }
}

impl Shape<'_> {
    /// The answer that it describes; `None` if it cannot be one.
    fn answer(&self) -> Option<Response<Body>> {
        let mut answer = Response::new(whole(self.body()?));
        *answer.status_mut() = status(&head_part(self.status)?)?;
        answer.headers_mut().insert(header::CONTENT_TYPE, JSON);
        let (headers, cookies) = (head_part(self.headers)?, head_part(self.cookies)?);
        add_headers(answer.headers_mut(), Some(&headers), Some(&cookies))?;
        Some(answer)
    }

    fn body(&self) -> Option<Bytes> {
        let is_encoded = self.encoded.is_some_and(|encoded| encoded.get() == "true");
        match self.body.map(RawValue::get) {
            None | Some("null") => Some(Bytes::new()),
            Some(json) if json.starts_with('"') => {
                let text: String = serde_json::from_str(json).ok()?;
                match is_encoded {
                    true => BASE64_STANDARD.decode(text).ok().map(Bytes::from),
                    false => Some(text.into()),
                }
            }
            Some(json) => Some(as_written(json)),
        }
    }
}

/// A part of an answer's head; `None` for one that is too long, or no value.
fn head_part(json: Option<&RawValue>) -> Option<Value> {
    let json = json.map_or("null", RawValue::get);
    (json.len() <= HEAD_BYTES_MAX).then(|| serde_json::from_str(json).ok())?
}

/// The headers and cookies of an answer; `None` if they cannot be some.
fn add_headers(to: &mut HeaderMap, headers: Option<&Value>, cookies: Option<&Value>) -> Option<()> {
    for (name, value) in members(headers)? {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        // How long the answer is, is ours to say.
        if name != header::CONTENT_LENGTH && !OF_CONNECTION.contains(&name.as_str()) {
            to.try_insert(name, HeaderValue::from_str(&scalar(value)?).ok()?).ok()?;
        }
    }
    for cookie in list(cookies)? {
        let cookie = HeaderValue::from_str(cookie.as_str()?).ok()?;
        to.try_append(header::SET_COOKIE, cookie).ok()?;
    }
    Some(())
}

/// What a runtime says of an answer that has a prelude: status and headers as JSON, then eight NUL
/// bytes, then the body. `aws-lambda.md §7.7`.
const WITH_PRELUDE: &str = "application/vnd.awslambda.http-integration-response";
const PRELUDE_END: [u8; 8] = [0; 8];

/// Longest prelude, or part of one. Ours: far more than the headers that any client takes.
const HEAD_BYTES_MAX: usize = 1 << 20;

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
        if read.len() > HEAD_BYTES_MAX {
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
    add_headers(answer.headers_mut(), object.get("headers"), object.get("cookies"))?;
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
    async fn what_is_passed_on_may_be_deep_and_long() {
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        check(&deep, 200, PLAIN, &deep).await;
        check(&format!(r#"{{"statusCode":200,"body":{deep}}}"#), 200, PLAIN, &deep).await;
        check(&format!(r#"{{"a":{deep},"statusCode":201}}"#), 201, PLAIN, "").await;
        check(r#"{"statusCode":500,"statusCode":200}"#, 200, PLAIN, "").await;
        let failed = (502, PLAIN.to_owned(), "Internal Server Error".to_owned());
        let many: Vec<_> = (0..40_000).map(|number| format!(r#""x{number}":"""#)).collect();
        for payload in [
            format!(r#"{{"statusCode":200,"headers":{{{}}}}}"#, many.join(",")),
            format!(r#"{{"statusCode":200,"headers":{{"a":"{}"}}}}"#, "b".repeat(1 << 20)),
        ] {
            assert_eq!(told(&payload, None).await, failed);
        }
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
            r#"{"statusCode":null}"#,
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
