//! What several fuzz targets share: requests as text, so that a corpus can be read and written by
//! hand, and the decoders of the served operations.
#![forbid(unsafe_code)]

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};

pub mod decoders;

/// Reads `METHOD TARGET`, lines of `name: value`, an empty line and a body, much as HTTP/1.1 has
/// them; `None` for what the `http` crate refuses.
#[must_use]
pub fn request(data: &[u8]) -> Option<(Parts, &[u8])> {
    let (head, body) = split_once(data, b"\n\n").unwrap_or((data, b""));
    let mut lines = head.split(|&byte| byte == b'\n');
    let (method, target) = split_once(lines.next()?, b" ")?;
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = Method::from_bytes(method).ok()?;
    parts.uri = Uri::try_from(target).ok()?;
    for line in lines {
        let (name, value) = split_once(line, b": ")?;
        let name = HeaderName::from_bytes(name).ok()?;
        parts.headers.append(name, HeaderValue::from_bytes(value).ok()?);
    }
    Some((parts, body))
}

/// The bytes before and after the first `separator`.
#[must_use]
pub fn split_once<'d>(data: &'d [u8], separator: &[u8]) -> Option<(&'d [u8], &'d [u8])> {
    let at = data.windows(separator.len()).position(|window| window == separator)?;
    Some((&data[..at], &data[at + separator.len()..]))
}
