//! From method and raw path to an operation and its decoded labels.

use std::borrow::Cow;

use http::Method;

use crate::bind::BindError;
use crate::shape::{OperationModel, RouteGroup, Segment, Service};

/// The label values of a routed path, percent-decoded, by input member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels<'path>(Vec<(&'static str, Cow<'path, str>)>);

impl Labels<'_> {
    /// The value of the label called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(label, _)| *label == name);
        found.map(|(_, value)| value.as_ref())
    }
}

/// An operation that a request names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route<'path> {
    /// The row of the operation table; it may be one that is not served.
    pub operation: &'static OperationModel,
    /// What the path carries.
    pub labels: Labels<'path>,
}

/// Finds the operation of a REST request; `None` when no row has this method and path.
///
/// `path` is raw: still percent-encoded, as the client signed it. A label is one segment, so a slash
/// inside one must be encoded, and it is never empty. One trailing slash is ignored, as AWS does.
/// A dot segment is no label: the signature takes it away, so that a request which goes elsewhere
/// was signed.
///
/// # Errors
/// [`BindError::Encoding`] when a label is not percent-encoded UTF-8.
pub fn route<'path>(
    service: &Service,
    method: &Method,
    path: &'path str,
    query: Option<&str>,
) -> Result<Option<Route<'path>>, BindError> {
    let mut buffer = [""; SEGMENTS_MAX];
    let Some(segments) = split(path, &mut buffer) else { return Ok(None) };
    let query = query.unwrap_or_default();
    let found = group(service, segments).and_then(|group| {
        let mut operations = group.operations.iter().copied();
        operations.find(|operation| {
            operation.method == method.as_str()
                && has_path(operation, segments)
                && has_query(operation, query)
        })
    });
    let Some(operation) = found else { return Ok(None) };
    Ok(Some(Route { operation, labels: labels(operation, segments)? }))
}

/// Segments of a path; the longest in a table has 7, and a test holds that.
const SEGMENTS_MAX: usize = 8;

/// The segments between the slashes, without one leading and one trailing slash; `None` when they
/// are too many for any row.
fn split<'buffer, 'path>(
    path: &'path str,
    buffer: &'buffer mut [&'path str; SEGMENTS_MAX],
) -> Option<&'buffer [&'path str]> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut count: usize = 0;
    for segment in path.split('/') {
        *buffer.get_mut(count)? = segment;
        count = count.saturating_add(1);
    }
    buffer.get(..count)
}

fn group(service: &Service, segments: &[&str]) -> Option<&'static RouteGroup> {
    let first = segments.first()?;
    let found = service.routes.binary_search_by(|group| group.first.cmp(first)).ok()?;
    service.routes.get(found)
}

fn has_path(operation: &OperationModel, segments: &[&str]) -> bool {
    let fits = |(segment, given): (&Segment, &&str)| match segment {
        Segment::Literal(literal) => literal == given,
        Segment::Label(_) => !matches!(*given, "" | "." | ".."),
    };
    operation.path.len() == segments.len() && operation.path.iter().zip(segments).all(fits)
}

fn has_query(operation: &OperationModel, query: &str) -> bool {
    operation.required_query.iter().all(|(name, value)| {
        query.split('&').any(|pair| pair.split_once('=') == Some((*name, *value)))
    })
}

fn labels<'path>(
    operation: &OperationModel,
    segments: &[&'path str],
) -> Result<Labels<'path>, BindError> {
    let mut labels = Vec::new();
    for (segment, given) in operation.path.iter().zip(segments) {
        if let Segment::Label(name) = segment {
            labels.push((*name, decode(given, "path")?));
        }
    }
    Ok(Labels(labels))
}

/// Percent-decodes strictly: every `%` begins an escape, and the bytes are UTF-8.
pub(crate) fn decode<'text>(
    text: &'text str,
    place: &'static str,
) -> Result<Cow<'text, str>, BindError> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text)); // The usual case.
    }
    if !has_whole_escapes(text.as_bytes()) {
        return Err(BindError::Encoding { place });
    }
    percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| BindError::Encoding { place })
}

fn has_whole_escapes(text: &[u8]) -> bool {
    text.iter().enumerate().filter(|(_, byte)| **byte == b'%').all(|(at, _)| {
        let digits = text.get(at.saturating_add(1)..at.saturating_add(3));
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

#[cfg(test)]
mod tests;
