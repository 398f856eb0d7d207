//! The event that a function gets for a request to its URL: payload format 2.0.
//!
//! Source: `aws-lambda.md §7.4`. Members that would be null are left out, as the table allows.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Version, header};
use percent_encoding::percent_decode_str;
use portcullis_catalog::decisions::address_text;
use portcullis_identity::Caller;
use portcullis_lambda::FunctionUrl;
use serde_json::{Map, Value, json};

use super::{MARK, OF_CONNECTION};
use crate::{context::RequestCx, error::ApiError, memory::Kind};

/// What begins the content type of a body that travels as text.
const TEXT_TYPES: [&str; 6] = [
    "text/",
    "application/json",
    "application/x-www-form-urlencoded",
    "application/xml",
    "application/javascript",
    "application/graphql",
];

/// The event of one request, as JSON, with a share of the memory: it may be six times the body.
///
/// # Errors
/// [`ApiError::Throttled`] when there is no memory for it.
pub(super) async fn payload(
    cx: &RequestCx<'_>,
    url: &FunctionUrl,
    trace_id: &str,
) -> Result<Bytes, ApiError> {
    let is_text = is_text(&cx.head.headers);
    let text = std::str::from_utf8(&cx.body).ok().filter(|_| is_text);
    let body_bytes = text.map_or(cx.body.len().div_ceil(3) * 4, json_bytes);
    let share = cx.state.memory.share(Kind::UrlEvent, body_bytes as u64).await?;
    let event = Value::Object(event(cx, url, trace_id, text));
    let mut json = Vec::with_capacity(body_bytes + ROOM_BYTES);
    serde_json::to_writer(&mut json, &event).map_err(ApiError::internal)?;
    Ok(share.held_by(json.into()))
}

/// About as much is an event without its body.
const ROOM_BYTES: usize = 2048;

/// How long a text is within JSON, as we write it.
fn json_bytes(text: &str) -> usize {
    let bytes = |byte: u8| match byte {
        b'"' | b'\\' | 8 | b'\t' | b'\n' | 12 | b'\r' => 2,
        0..32 => 6,
        _ => 1,
    };
    text.bytes().map(bytes).sum()
}

/// The event's members; `text` is the body if it travels as one.
fn event(
    cx: &RequestCx<'_>,
    url: &FunctionUrl,
    trace_id: &str,
    text: Option<&str>,
) -> Map<String, Value> {
    let uri = &cx.head.uri;
    let mut event = Map::new();
    event.insert("version".to_owned(), "2.0".into());
    event.insert("routeKey".to_owned(), "$default".into());
    event.insert("rawPath".to_owned(), uri.path().into());
    event.insert("rawQueryString".to_owned(), uri.query().unwrap_or_default().into());
    insert(&mut event, "cookies", cookies(&cx.head.headers));
    event.insert("headers".to_owned(), headers(cx, trace_id));
    insert(&mut event, "queryStringParameters", uri.query().and_then(query_parameters));
    event.insert("requestContext".to_owned(), request_context(cx, url));
    if !cx.body.is_empty() {
        let body = text.map_or_else(|| BASE64_STANDARD.encode(&cx.body), str::to_owned);
        event.insert("body".to_owned(), body.into());
    }
    let is_encoded = !cx.body.is_empty() && text.is_none();
    event.insert("isBase64Encoded".to_owned(), is_encoded.into());
    event
}

fn insert(event: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    event.extend(value.map(|value| (name.to_owned(), value)));
}

/// Whether the body is of a kind that travels as it is.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().trim().to_ascii_lowercase();
    let essence = kind.split(';').next().unwrap_or_default().trim_end();
    TEXT_TYPES.iter().any(|text| essence.starts_with(text))
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
}

/// The cookies, one by one; `None` without any.
fn cookies(headers: &HeaderMap) -> Option<Value> {
    let all = headers.get_all(header::COOKIE).iter();
    let each =
        all.flat_map(|line| latin1(line.as_bytes()).split(';').map(owned).collect::<Vec<_>>());
    let cookies: Vec<Value> = each.filter(|cookie| cookie.as_str() != Some("")).collect();
    (!cookies.is_empty()).then_some(Value::Array(cookies))
}

fn owned(text: &str) -> Value {
    text.trim().into()
}

/// Bytes of a header as text; those beyond ASCII as HTTP reads them of old.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The headers in lower case, repeats joined by a comma; and what a load balancer would add.
fn headers(cx: &RequestCx<'_>, trace_id: &str) -> Value {
    let given = &cx.head.headers;
    // The signature has done its work: what it proves is in the authorizer, and a function could
    // show it again. Of what nobody asked for here, the function may make its own use.
    let is_signed = !matches!(cx.caller(), Caller::Anonymous);
    let is_withheld = |name: &HeaderName| {
        (is_signed && *name == header::AUTHORIZATION) || OF_CONNECTION.contains(&name.as_str())
    };
    let mut headers = Map::new();
    for name in given.keys().filter(|name| !is_withheld(name)) {
        headers.insert(name.as_str().to_owned(), joined(given, name).into());
    }
    let host = host(given);
    let port = host.rsplit_once(':').map_or("80", |(_, port)| port).to_owned();
    headers.insert("x-amzn-trace-id".to_owned(), trace_id.into());
    headers.insert("x-forwarded-for".to_owned(), source_ip(cx).into());
    headers.insert("x-forwarded-port".to_owned(), port.into());
    headers.insert("x-forwarded-proto".to_owned(), "http".into());
    Value::Object(headers)
}

/// All values of a header in one: with a comma between, of cookies a semicolon.
fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    let values: Vec<_> = headers.get_all(name).iter().map(|v| latin1(v.as_bytes())).collect();
    values.join(if *name == header::COOKIE { "; " } else { "," })
}

fn host(headers: &HeaderMap) -> Cow<'_, str> {
    headers
        .get(header::HOST)
        .map(|host| String::from_utf8_lossy(host.as_bytes()))
        .unwrap_or_default()
}

fn source_ip(cx: &RequestCx<'_>) -> String {
    address_text(cx.origin.source)
}

/// The parameters of a query, decoded; repeats joined by a comma.
fn query_parameters(query: &str) -> Option<Value> {
    let mut parameters = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name), decoded(value));
        match parameters.get_mut(&name) {
            Some(Value::String(all)) => {
                all.push(',');
                all.push_str(&value);
            }
            _ => drop(parameters.insert(name, value.into())),
        }
    }
    (!parameters.is_empty()).then_some(Value::Object(parameters))
}

fn decoded(text: &str) -> String {
    let blanks = text.replace('+', " ");
    percent_decode_str(&blanks).decode_utf8_lossy().into_owned()
}

fn request_context(cx: &RequestCx<'_>, url: &FunctionUrl) -> Value {
    let host = host(&cx.head.headers).to_ascii_lowercase();
    let domain = host.split(':').next().unwrap_or_default();
    let prefix = domain.split_once(MARK).map_or(domain, |(prefix, _)| prefix);
    let protocol = if cx.head.version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" };
    let agent = cx.head.headers.get(header::USER_AGENT).map(|agent| latin1(agent.as_bytes()));
    let mut context = Map::new();
    let signed = authorizer(cx);
    let account = if signed.is_some() { url.function().account() } else { "anonymous" };
    context.insert("accountId".to_owned(), account.into());
    context.insert("apiId".to_owned(), url.id().as_str().into());
    insert(&mut context, "authorizer", signed);
    context.insert("domainName".to_owned(), domain.into());
    context.insert("domainPrefix".to_owned(), prefix.into());
    let http = json!({
        "method": cx.head.method.as_str(),
        "path": cx.head.uri.path(),
        "protocol": protocol,
        "sourceIp": source_ip(cx),
        "userAgent": agent,
    });
    context.insert("http".to_owned(), http);
    context.insert("requestId".to_owned(), cx.request_id().as_str().into());
    context.insert("routeKey".to_owned(), "$default".into());
    context.insert("stage".to_owned(), "$default".into());
    let time = cx.now().strftime("%d/%b/%Y:%H:%M:%S +0000").to_string();
    context.insert("time".to_owned(), time.into());
    context.insert("timeEpoch".to_owned(), cx.now().as_millisecond().into());
    Value::Object(context)
}

/// Who signed the request; `None` for one that was let in without.
fn authorizer(cx: &RequestCx<'_>) -> Option<Value> {
    let caller = cx.caller();
    if matches!(caller, Caller::Anonymous) {
        return None;
    }
    let organization = caller.account().and_then(|account| cx.snapshot.organization_of(account));
    let organization = organization.map(|view| view.stored.id.to_string());
    Some(json!({"iam": {
        "accessKey": cx.authenticated.access_key_id.as_ref().map(ToString::to_string),
        "accountId": caller.account().map(|account| account.to_string()),
        "callerId": caller.user_id(),
        "cognitoIdentity": null,
        "principalOrgId": organization,
        "userArn": caller.arn(),
        "userId": caller.user_id(),
    }}))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};
    use serde_json::{Value, json};

    use super::{cookies, is_text, joined, json_bytes, query_parameters};

    #[test]
    fn the_length_of_a_text_within_json_is_known_before() {
        let all: String = (0..=0x300_u32).filter_map(char::from_u32).collect();
        for text in ["", "plain", &all, "\u{1f600}\u{2028}", "\u{1}\u{1f}\u{7f}"] {
            let written = serde_json::to_string(text).unwrap();
            assert_eq!(json_bytes(text) + 2, written.len(), "{text:?}");
        }
    }

    #[track_caller]
    fn check_query(query: &str, want: &Value) {
        assert_eq!(query_parameters(query).as_ref().unwrap_or(&Value::Null), want, "{query}");
    }

    #[test]
    fn query_parameters_are_decoded_and_repeats_joined() {
        check_query("p1=v1&p1=v2", &json!({"p1": "v1,v2"}));
        check_query("a%20b=c%2Fd+e&x", &json!({"a b": "c/d e", "x": ""}));
        check_query("a=b=c&&", &json!({"a": "b=c"}));
        check_query("&", &Value::Null);
    }

    #[test]
    fn cookies_are_told_one_by_one() {
        let mut headers = HeaderMap::new();
        assert_eq!(cookies(&headers), None);
        headers.append("cookie", HeaderValue::from_static("c1=v; c2=w"));
        headers.append("cookie", HeaderValue::from_static("c3=x;"));
        assert_eq!(cookies(&headers), Some(json!(["c1=v", "c2=w", "c3=x"])));
    }

    #[test]
    fn a_header_that_is_repeated_is_told_as_one() {
        let mut headers = HeaderMap::new();
        for name in [header::COOKIE, header::ACCEPT] {
            for value in ["a=1", "b=2"] {
                headers.append(&name, HeaderValue::from_static(value));
            }
        }
        assert_eq!(joined(&headers, &header::COOKIE), "a=1; b=2");
        assert_eq!(joined(&headers, &header::ACCEPT), "a=1,b=2");
    }

    #[track_caller]
    fn check_text(kind: &str, want: bool) {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_str(kind).unwrap());
        assert_eq!(is_text(&headers), want, "{kind}");
    }

    #[test]
    fn texts_travel_as_they_are_and_the_rest_in_base64() {
        for text in [
            "text/plain; charset=utf-8",
            "application/json",
            "Application/JSON",
            "application/x-www-form-urlencoded",
            "application/xml",
            "application/javascript",
            "application/problem+json",
        ] {
            check_text(text, true);
        }
        for other in ["multipart/form-data; boundary=x", "application/octet-stream", "image/png"] {
            check_text(other, false);
        }
        assert!(!is_text(&HeaderMap::new()));
    }
}
