//! REST requests: any method, path, query, headers and body are routed, bound and validated; what
//! is valid decodes, and another way to write the path is the same request. So are requests that
//! name their operation in a header.
#![no_main]

use http::request::Parts;
use libfuzzer_sys::fuzz_target;
use portcullis_fuzz::{decoders::check_bound, request};
use portcullis_model::{
    LAMBDA, Labels, ORGANIZATIONS, OperationModel, PORTCULLIS, Route, bind, route,
};

fuzz_target!(|data: &[u8]| {
    let Some((head, body)) = request(data) else { return };
    for service in [&LAMBDA, &PORTCULLIS] {
        let (path, query) = (head.uri.path(), head.uri.query());
        let routed = route(service, &head.method, path, query);
        let Ok(Some(found)) = routed else { continue };
        let rewritten = rewritten(path);
        let again = route(service, &head.method, &rewritten, query);
        assert_eq!(again.ok().flatten().as_ref(), Some(&found), "{path} and {rewritten}");
        let Route { operation, labels } = found;
        assert_eq!(operation.method, head.method.as_str());
        check(operation, &labels, query, &head, body);
    }
    let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let name = target.and_then(|target| target.split_once('.')).map(|(_, name)| name);
    if let Some(operation) = name.and_then(|name| ORGANIZATIONS.operation(name)) {
        check(operation, &Labels::default(), None, &head, body);
    }
});

fn check(
    operation: &'static OperationModel,
    labels: &Labels<'_>,
    query: Option<&str>,
    head: &Parts,
    body: &[u8],
) {
    match bind(operation, labels, query, &head.headers, body) {
        Ok(bound) => check_bound(operation, bound),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The path with its colons encoded, which SDKs do or do not, and its escapes in small letters.
fn rewritten(path: &str) -> String {
    let mut pieces = path.split('%');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).unwrap_or((piece, ""));
        text.extend(["%", &digits.to_ascii_lowercase(), rest]);
    }
    text.replace(':', "%3a")
}
