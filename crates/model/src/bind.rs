//! From a routed REST request to one JSON object keyed by member names.

use std::borrow::Cow;

use http::HeaderMap;
use serde_json::{Map, Value};

use crate::json;
use crate::operation::Operation;
use crate::route::{Labels, decode as percent_decode};
use crate::shape::{Kind, Location, Member, OperationModel, Protocol, Shape};

/// Why a request could not be read as its operation's input. The client's fault: status 400.
///
/// The live service's texts for these are not recorded; ours name the place and the rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// The path, query or form is not percent-encoded UTF-8.
    #[error("The {place} of the request is not valid percent-encoded UTF-8.")]
    Encoding {
        /// `path`, `query string` or `form`.
        place: &'static str,
    },
    /// The body is not JSON.
    #[error("Could not parse request body into json: {reason} at line {line} column {column}.")]
    Json {
        /// What the parser met.
        reason: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// A value has another type than its member.
    #[error("{found} can not be converted to {expected} at '{member}'.")]
    Type {
        /// The member's path, in the form that validation messages use.
        member: String,
        /// What the member is.
        expected: &'static str,
        /// What was sent.
        found: &'static str,
    },
    /// A header is not visible ASCII.
    #[error("The header {name} has characters that are not visible ASCII.")]
    Header {
        /// The header's name.
        name: &'static str,
    },
    /// A form has more parameters than any operation could use.
    #[error("The request has more than {max} parameters.")]
    TooManyParameters {
        /// The limit.
        max: usize,
    },
    /// A list or map has more elements than any member allows.
    #[error("A list or map has more than {max} elements.")]
    TooManyElements {
        /// The limit.
        max: usize,
    },
    /// A form parameter's name has more levels than any operation could use.
    #[error("A parameter name has more than {max} levels.")]
    TooDeep {
        /// The limit.
        max: usize,
    },
    /// A valid object that the typed input does not accept, such as a blob that is not base64.
    #[error("The request could not be read: {reason}.")]
    Value {
        /// What did not fit.
        reason: String,
    },
}

impl BindError {
    /// The error code on the wire.
    #[must_use]
    pub const fn code(&self, protocol: Protocol) -> &'static str {
        match protocol {
            Protocol::RestJson | Protocol::Json => "SerializationException",
            Protocol::Query => "MalformedInput",
        }
    }

    /// The same error one level further out.
    pub(crate) fn within(self, outer: &str) -> Self {
        match self {
            Self::Type { member, expected, found } => {
                let dot = if member.is_empty() { "" } else { "." };
                Self::Type { member: format!("{outer}{dot}{member}"), expected, found }
            }
            other => other,
        }
    }
}

/// Collects everything that a request carries for `operation` into one object.
///
/// Keys are member names, in the model's order; absent and null members have no key; unknown body
/// keys are dropped; a payload member is left in the body.
///
/// # Errors
/// [`BindError`], naming the first thing that could not be read.
pub fn bind(
    operation: &OperationModel,
    labels: &Labels<'_>,
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, BindError> {
    let mut bound = Map::new();
    let Some(Kind::Structure(members)) = operation.input.map(|shape| &shape.kind) else {
        return Ok(Value::Object(bound));
    };
    let query = parse_query(query.unwrap_or_default())?;
    let mut body = parse_body(members, body)?;
    for member in *members {
        let value = match member.location {
            Location::Body => Ok(body.swap_remove(member.name)),
            Location::Label => from_text(member.shape, labels.get(member.wire_name)),
            Location::Query => from_query(member, &query),
            Location::Header => from_header(member, headers),
            Location::StatusCode | Location::Payload => Ok(None),
        };
        if let Some(value) = value.map_err(|error| error.within(&lower_first(member.name)))? {
            bound.insert(member.name.to_owned(), value);
        }
    }
    Ok(Value::Object(bound))
}

/// Turns a bound and validated object into the operation's typed input; `()` if it has none.
///
/// # Errors
/// [`BindError::Value`] when a blob is not base64; validation has excluded everything else.
pub fn decode<O: Operation>(bound: Value) -> Result<O::Input, BindError> {
    let reason = |error: serde_json::Error| error.to_string().trim_end_matches('.').to_owned();
    let input = if O::MODEL.input.is_some() { bound } else { Value::Null };
    serde_json::from_value(input).map_err(|error| BindError::Value { reason: reason(error) })
}

/// `FunctionName` → `functionName`, as messages spell members.
pub(crate) fn lower_first(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

type Pairs<'query> = Vec<(Cow<'query, str>, Cow<'query, str>)>;

/// Splits `a=1&b=2` and decodes both sides; `+` is a space.
fn parse_query(query: &str) -> Result<Pairs<'_>, BindError> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((form_decode(name, "query string")?, form_decode(value, "query string")?))
        })
        .collect()
}

/// Percent-decodes with `+` as space.
pub(crate) fn form_decode<'text>(
    text: &'text str,
    place: &'static str,
) -> Result<Cow<'text, str>, BindError> {
    if !text.contains('+') {
        return percent_decode(text, place);
    }
    let spaced = text.replace('+', " ");
    Ok(Cow::Owned(percent_decode(&spaced, place)?.into_owned()))
}

/// The body's object when any member travels there; an empty body has no members.
fn parse_body(members: &[Member], body: &[u8]) -> Result<Map<String, Value>, BindError> {
    let wanted = members.iter().any(|member| member.location == Location::Body);
    if !wanted || body.is_empty() { Ok(Map::new()) } else { json::read(members, body) }
}

fn from_query(member: &Member, query: &Pairs<'_>) -> Result<Option<Value>, BindError> {
    let mut values =
        query.iter().filter(|(name, _)| name == member.wire_name).map(|(_, value)| value.as_ref());
    let Kind::List { element, .. } = &member.shape.kind else {
        return from_text(member.shape, values.next());
    };
    let list: Result<Vec<Value>, BindError> = values.map(|value| scalar(element, value)).collect();
    Ok(Some(list?).filter(|list| !list.is_empty()).map(Value::Array))
}

fn from_header(member: &Member, headers: &HeaderMap) -> Result<Option<Value>, BindError> {
    let Some(value) = headers.get(member.wire_name) else { return Ok(None) };
    let text = value.to_str().map_err(|_| BindError::Header { name: member.wire_name })?;
    from_text(member.shape, Some(text))
}

fn from_text(shape: &Shape, text: Option<&str>) -> Result<Option<Value>, BindError> {
    text.map(|text| scalar(shape, text)).transpose()
}

/// A value from the text of a path, query, header or form.
pub(crate) fn scalar(shape: &Shape, text: &str) -> Result<Value, BindError> {
    let wrong = || mismatch(expected(shape), "STRING_VALUE");
    match &shape.kind {
        Kind::Integer(_) => text.parse::<i32>().map(Value::from).map_err(|_| wrong()),
        Kind::Long(_) => text.parse::<i64>().map(Value::from).map_err(|_| wrong()),
        Kind::Double(_) => double(text).ok_or_else(wrong),
        Kind::Boolean if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        Kind::Boolean if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        Kind::Timestamp if is_moment(text) => Ok(Value::from(text)),
        Kind::String(_) | Kind::Blob(_) => Ok(Value::from(text)),
        _ => Err(wrong()),
    }
}

/// A finite number: JSON has no other.
fn double(text: &str) -> Option<Value> {
    let number = serde_json::Number::from_f64(text.parse().ok()?)?;
    Some(Value::Number(number))
}

/// Whether `text` is an ISO 8601 moment.
pub(crate) fn is_moment(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok()
}

/// A type error at the value itself; [`BindError::within`] adds the way to it.
pub(crate) fn mismatch(expected: &'static str, found: &'static str) -> BindError {
    BindError::Type { member: String::new(), expected, found }
}

/// A shape's type in words.
pub(crate) const fn expected(shape: &Shape) -> &'static str {
    match shape.kind {
        Kind::Structure(_) => "a structure",
        Kind::List { .. } => "a list",
        Kind::Map { .. } => "a map",
        Kind::String(_) => "a String",
        Kind::Integer(_) => "an Integer",
        Kind::Long(_) => "a Long",
        Kind::Double(_) => "a Double",
        Kind::Boolean => "a Boolean",
        Kind::Blob(_) => "a Blob",
        Kind::Timestamp => "a Timestamp",
    }
}

#[cfg(test)]
mod tests;
