//! Reading JSON one layer at a time, so that nothing a document says is lost: repeated keys, the
//! text of numbers, `null`.
//!
//! Each layer is read without recursion, so nesting cannot exhaust the stack.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Place, PolicyError, Rule};

/// One layer of a JSON value; what lies deeper is checked for syntax but not yet read.
pub(crate) enum Layer<'a> {
    Object(Vec<(Cow<'a, str>, &'a RawValue)>),
    Array(Vec<&'a RawValue>),
    String(String),
    /// A number or a boolean, as written.
    Scalar(&'a str),
    Null,
}

/// Checks the syntax of the whole document.
pub(crate) fn document(json: &str) -> Result<&RawValue, PolicyError> {
    serde_json::from_str(json).map_err(|error| Place::Document.breaks(Rule::json(&error)))
}

/// Reads the outermost layer of `raw`.
pub(crate) fn layer<'a>(raw: &'a RawValue, place: &Place<'_>) -> Result<Layer<'a>, PolicyError> {
    let text = raw.get();
    let read = match text.as_bytes().first() {
        Some(b'{') => serde_json::from_str(text).map(|Entries(entries)| Layer::Object(entries)),
        Some(b'[') => serde_json::from_str(text).map(Layer::Array),
        Some(b'"') => serde_json::from_str(text).map(Layer::String),
        Some(b'n') => Ok(Layer::Null),
        _ => Ok(Layer::Scalar(text)),
    };
    let layer = read.map_err(|error| place.breaks(Rule::json(&error)))?;
    if let Layer::Object(entries) = &layer {
        refuse_repeated_keys(entries, place)?;
    }
    Ok(layer)
}

/// So many keys are compared with each other rather than hashed: statements have about six.
const FEW: usize = 8;

fn refuse_repeated_keys(
    entries: &[(Cow<'_, str>, &RawValue)],
    place: &Place<'_>,
) -> Result<(), PolicyError> {
    let repeated = if entries.len() <= FEW {
        let mut keys = entries.iter().map(|(key, _)| key.as_ref()).enumerate();
        keys.find(|(at, key)| entries.iter().take(*at).any(|(other, _)| other == key))
            .map(|(_, key)| key)
    } else {
        let mut seen = HashSet::with_capacity(entries.len());
        entries.iter().map(|(key, _)| key.as_ref()).find(|key| !seen.insert(*key))
    };
    match repeated {
        None => Ok(()),
        Some(key) => Err(place.breaks(Rule::repeated(key))),
    }
}

/// The entries of an object in their order, with repetitions.
struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            entries.push((key, value));
        }
        Ok(Entries(entries))
    }
}

/// A key, borrowed from the document unless it has escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Borrowed(key)))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Owned(key.to_owned())))
    }
}
