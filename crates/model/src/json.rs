//! Reads a JSON body by its shape.
//!
//! Unknown keys are skipped without being built, so that a body costs memory only for what its
//! operation knows; a value of another type is named by its path.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::bind::{BindError, expected, is_moment, lower_first, mismatch};
use crate::shape::{Kind, Location, Member, Shape};

/// Elements of one list, or entries of one map. The longest served list, an image's command, may
/// have 1,500; the bound keeps a body of empty elements from filling memory.
const ELEMENTS_MAX: usize = 10_000;

/// Reads the object whose keys are the body members among `members`.
pub(crate) fn read(members: &[Member], body: &[u8]) -> Result<Map<String, Value>, BindError> {
    let text = std::str::from_utf8(body).map_err(|error| not_utf8(body, &error))?;
    let problem = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let reader = Reader { target: Target::Members(members), problem: &problem };
    let outcome = reader.deserialize(&mut deserializer);
    match outcome.and_then(|value| deserializer.end().map(|()| value)) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(mismatch("a structure", "NULL_VALUE").within("request body")),
        Err(error) => Err(problem.take().unwrap_or_else(|| syntax(&error))),
    }
}

/// The parser's own words and place.
fn syntax(error: &serde_json::Error) -> BindError {
    let text = error.to_string();
    let reason = text.split_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    BindError::Json { reason: reason.to_owned(), line: error.line(), column: error.column() }
}

/// JSON is UTF-8, also where a value is skipped.
fn not_utf8(body: &[u8], error: &std::str::Utf8Error) -> BindError {
    let before = body.get(..error.valid_up_to()).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
    let column = before.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len);
    let reason = "invalid UTF-8".to_owned();
    BindError::Json { reason, line, column: column.saturating_add(1) }
}

/// What the reader is about to read.
#[derive(Clone, Copy)]
enum Target<'shape> {
    /// The request's body: the members that travel there.
    Members(&'shape [Member]),
    /// A value of this shape.
    Shape(&'shape Shape),
}

/// Reads one value. serde's errors carry only text, so that ours travel in `problem`.
#[derive(Clone, Copy)]
struct Reader<'shape> {
    target: Target<'shape>,
    problem: &'shape RefCell<Option<BindError>>,
}

impl<'shape> Reader<'shape> {
    fn at(self, shape: &'shape Shape) -> Self {
        Self { target: Target::Shape(shape), ..self }
    }

    fn shape(self) -> Option<&'shape Shape> {
        match self.target {
            Target::Members(_) => None,
            Target::Shape(shape) => Some(shape),
        }
    }

    fn kind(self) -> Option<&'shape Kind> {
        self.shape().map(|shape| &shape.kind)
    }

    fn fail<E: Error>(self, problem: BindError) -> E {
        self.problem.replace(Some(problem));
        E::custom("a value does not have its member's type")
    }

    fn wrong<E: Error>(self, found: &'static str) -> E {
        self.fail(match self.shape() {
            Some(shape) => mismatch(expected(shape), found),
            None => mismatch("a structure", found).within("request body"),
        })
    }

    /// Puts `step` before the path of a problem that comes from inside.
    fn within<T, E>(self, step: impl FnOnce() -> String, result: Result<T, E>) -> Result<T, E> {
        if result.is_err() {
            let problem = self.problem.take().map(|problem| problem.within(&step()));
            self.problem.replace(problem);
        }
        result
    }

    fn structure<'de, A: MapAccess<'de>>(
        self,
        members: &'shape [Member],
        mut access: A,
    ) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(member) = access.next_key_seed(Key(members))? {
            let Some(member) = member else {
                access.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = access.next_value_seed(self.at(member.shape));
            match self.within(|| lower_first(member.name), value)? {
                Value::Null => drop(object.swap_remove(member.name)),
                value => drop(object.insert(member.name.to_owned(), value)),
            }
        }
        Ok(Value::Object(object))
    }

    fn map<'de, A: MapAccess<'de>>(
        self,
        inner: &'shape Shape,
        mut access: A,
    ) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if object.len() >= ELEMENTS_MAX {
                return Err(self.fail(BindError::TooManyElements { max: ELEMENTS_MAX }));
            }
            let value = access.next_value_seed(self.at(inner));
            let value = self.within(|| key.clone(), value)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// Reads a key as the body member that it names; an unknown key is `None`.
struct Key<'shape>(&'shape [Member]);

impl<'de, 'shape> DeserializeSeed<'de> for Key<'shape> {
    type Value = Option<&'shape Member>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'shape> Visitor<'_> for Key<'shape> {
    type Value = Option<&'shape Member>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        let is_key =
            |member: &&Member| member.location == Location::Body && member.wire_name == key;
        Ok(self.0.iter().find(is_key))
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shape().map_or("a structure", expected))
    }

    /// Null stays null in lists and maps, where validation reports it.
    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        match self.kind() {
            Some(Kind::Boolean) => Ok(Value::Bool(value)),
            _ => Err(self.wrong(if value { "TRUE_VALUE" } else { "FALSE_VALUE" })),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        match self.kind() {
            Some(Kind::Integer(_)) if i32::try_from(value).is_ok() => Ok(value.into()),
            Some(Kind::Long(_) | Kind::Double(_) | Kind::Timestamp) => Ok(value.into()),
            _ => Err(self.wrong("NUMBER_VALUE")),
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        match (i64::try_from(value), self.kind()) {
            (Ok(value), _) => self.visit_i64(value),
            (Err(_), Some(Kind::Double(_))) => Ok(value.into()),
            (Err(_), _) => Err(self.wrong("NUMBER_VALUE")),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        match self.kind() {
            Some(Kind::Double(_) | Kind::Timestamp) => Ok(value.into()),
            _ => Err(self.wrong("NUMBER_VALUE")),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        match self.kind() {
            Some(Kind::String(_) | Kind::Blob(_)) => Ok(value.into()),
            Some(Kind::Timestamp) if is_moment(value) => Ok(value.into()),
            _ => Err(self.wrong("STRING_VALUE")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let Some(Kind::List { element, .. }) = self.kind() else {
            return Err(self.wrong("START_ARRAY"));
        };
        let mut values = Vec::new();
        loop {
            let step = || format!("{}.member", values.len().saturating_add(1));
            let element = access.next_element_seed(self.at(element));
            let Some(value) = self.within(step, element)? else { break };
            if values.len() >= ELEMENTS_MAX {
                return Err(self.fail(BindError::TooManyElements { max: ELEMENTS_MAX }));
            }
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        match self.target {
            Target::Members(members) => self.structure(members, access),
            Target::Shape(shape) => match &shape.kind {
                Kind::Structure(members) => self.structure(members, access),
                Kind::Map { value, .. } => self.map(value, access),
                _ => Err(self.wrong("START_OBJECT")),
            },
        }
    }
}
