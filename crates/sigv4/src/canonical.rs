//! The canonical request: one text for every way to write the same request.
//!
//! Source: "Create a signed AWS API request", step 1, for services other than S3; the vectors in
//! `tests` hold it.

use std::borrow::Cow;

use http::{HeaderMap, header::HOST, request::Parts};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// The query parameter that is no part of what it signs.
pub(crate) const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";

/// What a canonical request is made of.
pub(crate) struct CanonicalRequest<'a> {
    pub(crate) method: &'a str,
    /// In normal form; still percent-encoded as received.
    pub(crate) path: Cow<'a, str>,
    /// As received, without `?`.
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    /// Stands in for a missing `Host` (HTTP/2, and requests not sent yet).
    pub(crate) authority: Option<&'a str>,
    /// Lower-case names in order, joined by `;`.
    pub(crate) signed_headers: &'a str,
    pub(crate) body_sha256: &'a str,
}

impl<'a> CanonicalRequest<'a> {
    pub(crate) fn new(head: &'a Parts, signed_headers: &'a str, body_sha256: &'a str) -> Self {
        Self {
            method: head.method.as_str(),
            path: normalize(head.uri.path()),
            query: head.uri.query().unwrap_or_default(),
            headers: &head.headers,
            authority: head.uri.authority().map(http::uri::Authority::as_str),
            signed_headers,
            body_sha256,
        }
    }

    /// The text; `None` if a signed header is not in the request.
    pub(crate) fn write(&self) -> Option<Vec<u8>> {
        let mut text = Vec::with_capacity(1024);
        push(&mut text, &[self.method.as_bytes(), b"\n"]);
        push_encoded(&mut text, self.path.as_bytes(), RESERVED_IN_PATH);
        text.push(b'\n');
        push_query(&mut text, self.query);
        text.push(b'\n');
        for name in self.signed_headers.split(';') {
            push(&mut text, &[name.as_bytes(), b":"]);
            self.push_values(&mut text, name)?;
            text.push(b'\n');
        }
        let tail = [self.signed_headers, "\n", self.body_sha256];
        push(&mut text, &[b"\n"]);
        push(&mut text, &tail.map(str::as_bytes));
        Some(text)
    }

    fn push_values(&self, text: &mut Vec<u8>, name: &str) -> Option<()> {
        let mut values = self.headers.get_all(name).iter();
        let Some(first) = values.next() else {
            let authority = self.authority.filter(|_| name == HOST.as_str())?;
            text.extend_from_slice(authority.as_bytes());
            return Some(());
        };
        push_folded(text, first.as_bytes());
        for value in values {
            text.push(b',');
            push_folded(text, value.as_bytes());
        }
        Some(())
    }
}

/// Puts a percent-encoded path into normal form: no `.` and `..` segments, no repeated slashes.
pub(crate) fn normalize(path: &str) -> Cow<'_, str> {
    if path.starts_with('/') && !path.contains("//") && !path.contains("/.") {
        return Cow::Borrowed(path);
    }
    let mut kept = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let names_a_folder = matches!(path.rsplit('/').next(), Some("" | "." | ".."));
    let end = if names_a_folder && !kept.is_empty() { "/" } else { "" };
    Cow::Owned(format!("/{}{end}", kept.join("/")))
}

/// The pairs of a query that take part in a signature, decoded. `+` is a space.
pub(crate) fn query_pairs(query: &str) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    raw_pairs(query).map(|(name, value)| (decoded(name), decoded(value)))
}

/// One component of a query, encoded as a canonical request has it.
pub(crate) fn push_component(text: &mut Vec<u8>, component: &[u8]) {
    push_encoded(text, component, RESERVED);
}

fn raw_pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Name by name, then value by value, in the order of their encoded bytes.
fn push_query(text: &mut Vec<u8>, query: &str) {
    if query.is_empty() {
        return;
    }
    let mut pairs: Vec<_> = raw_pairs(query)
        .map(|(name, value)| (recoded(name), recoded(value)))
        .filter(|(name, _)| name.as_ref() != SIGNATURE_PARAMETER.as_bytes())
        .collect();
    pairs.sort_unstable();
    for (index, (name, value)) in pairs.iter().enumerate() {
        let separator: &[u8] = if index == 0 { b"" } else { b"&" };
        push(text, &[separator, name, b"=", value]);
    }
}

/// However a component came encoded, there is one way to encode it.
fn recoded(component: &str) -> Cow<'_, [u8]> {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if component.bytes().all(plain) {
        return Cow::Borrowed(component.as_bytes());
    }
    let mut text = Vec::with_capacity(component.len() + 16);
    push_component(&mut text, &decoded(component));
    Cow::Owned(text)
}

fn decoded(component: &str) -> Cow<'_, [u8]> {
    if !component.contains('+') {
        return percent_decode(component.as_bytes()).into();
    }
    percent_decode(component.replace('+', " ").as_bytes()).collect::<Vec<u8>>().into()
}

/// Without spaces at the ends; runs of spaces become one.
fn push_folded(text: &mut Vec<u8>, value: &[u8]) {
    if !value.contains(&b' ') {
        return text.extend_from_slice(value); // The usual case, and that of long tokens.
    }
    let words = value.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            text.push(b' ');
        }
        text.extend_from_slice(word);
    }
}

fn push_encoded(text: &mut Vec<u8>, bytes: &[u8], reserved: &'static AsciiSet) {
    for chunk in percent_encode(bytes, reserved) {
        text.extend_from_slice(chunk.as_bytes());
    }
}

fn push(text: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        text.extend_from_slice(part);
    }
}
