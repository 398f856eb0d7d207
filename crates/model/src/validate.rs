//! Every shape constraint of a request at once, in the exact text of `ValidationException`
//! (aws-lambda.md §1.3).

use std::fmt;

use serde_json::Value;

use crate::bind::lower_first;
use crate::shape::{Bounds, Kind, Member, OperationModel, Shape, Text};

mod java;

/// Failures listed in one message; a request with more is reported with the first of them.
///
/// A list of a million bad structures would otherwise become a message of a gigabyte.
const FAILURES_MAX: usize = 100;

/// Everything that is wrong with a request's members.
///
/// `Display` is the whole message: `N validation errors detected: …`. The code is
/// `ValidationException` in rest-json services and `ValidationError` in query services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationError {
    failures: Vec<Failure>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Failure {
    /// The value as printed, with its quotes; empty for a secret.
    value: String,
    path: String,
    constraint: String,
}

impl std::error::Error for ValidationError {}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.failures.len();
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "{count} validation error{plural} detected: ")?;
        for (index, failure) in self.failures.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{failure}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, path, constraint } = self;
        write!(f, "Value {value}at '{path}' failed to satisfy constraint: {constraint}")
    }
}

/// Checks a bound object against every constraint of the operation's input.
///
/// # Errors
/// [`ValidationError`] with all failures, members in the model's order.
pub fn validate(operation: &OperationModel, bound: &Value) -> Result<(), ValidationError> {
    let Some(shape) = operation.input else { return Ok(()) };
    let mut checker = Checker::default();
    if let Kind::Structure(members) = &shape.kind {
        checker.structure(members, bound);
    }
    if checker.failures.is_empty() {
        Ok(())
    } else {
        Err(ValidationError { failures: checker.failures })
    }
}

#[derive(Default)]
struct Checker {
    failures: Vec<Failure>,
    /// The steps that lead to the current value.
    path: Vec<String>,
}

impl Checker {
    fn structure(&mut self, members: &[Member], object: &Value) {
        for member in members {
            self.path.push(lower_first(member.name));
            match object.get(member.name) {
                Some(value) => self.value(member.shape, value),
                None if member.required => {
                    self.fail("null ".to_owned(), NOT_NULL.to_owned());
                }
                None => {}
            }
            self.path.pop();
        }
    }

    fn value(&mut self, shape: &Shape, value: &Value) {
        for broken in own_constraints(shape, value) {
            self.fail(quoted(shape, value), broken.text);
        }
        match (&shape.kind, value) {
            (Kind::Structure(members), _) => self.structure(members, value),
            (Kind::List { element, .. }, Value::Array(values)) => {
                self.elements(shape, element, value, values);
            }
            (Kind::Map { key, value: inner, .. }, Value::Object(entries)) => {
                if entries.keys().any(|name| !satisfies(key, &Value::from(name.as_str()))) {
                    let constraints = all_constraints(key).join(", ");
                    let text = format!("Map keys must satisfy constraint: [{constraints}]");
                    self.fail(quoted(shape, value), text);
                }
                self.entries(shape, inner, value, entries);
            }
            _ => {}
        }
    }

    fn elements(&mut self, shape: &Shape, element: &Shape, list: &Value, values: &[Value]) {
        if values.iter().any(|value| value.is_null() || !satisfies(element, value)) {
            let text = format!("Member must satisfy constraint: [{}]", element_constraints(element));
            self.fail(quoted(shape, list), text);
        }
        for (index, value) in values.iter().enumerate() {
            self.nested(element, value, index.saturating_add(1).to_string());
        }
    }

    fn entries(
        &mut self,
        shape: &Shape,
        inner: &Shape,
        map: &Value,
        entries: &serde_json::Map<String, Value>,
    ) {
        if entries.values().any(|value| value.is_null() || !satisfies(inner, value)) {
            let text = format!("Map value must satisfy constraint: [{}]", element_constraints(inner));
            self.fail(quoted(shape, map), text);
        }
        for (key, value) in entries {
            self.nested(inner, value, key.clone());
        }
    }

    /// The members of a structure that a list or map holds have paths of their own.
    fn nested(&mut self, shape: &Shape, value: &Value, step: String) {
        if let Kind::Structure(members) = &shape.kind {
            self.path.extend([step, "member".to_owned()]);
            self.structure(members, value);
            self.path.truncate(self.path.len().saturating_sub(2));
        }
    }

    fn fail(&mut self, value: String, constraint: String) {
        if self.failures.len() < FAILURES_MAX {
            self.failures.push(Failure { value, path: self.path.join("."), constraint });
        }
    }
}

const NOT_NULL: &str = "Member must not be null";

/// A value as a message shows it, with a space after it; nothing for a secret.
fn quoted(shape: &Shape, value: &Value) -> String {
    if shape.sensitive { String::new() } else { format!("'{}' ", java::print(shape, value)) }
}

/// One constraint of a shape and whether a value breaks it.
struct Constraint {
    text: String,
    is_broken: bool,
}

/// Whether `value` keeps every constraint that a list or map reports for its parts.
fn satisfies(shape: &Shape, value: &Value) -> bool {
    let inner_holds = match (&shape.kind, value) {
        (Kind::List { element, .. }, Value::Array(values)) => {
            values.iter().all(|value| !value.is_null() && satisfies(element, value))
        }
        _ => true,
    };
    inner_holds && own_constraints(shape, value).next().is_none()
}

/// The constraints of `shape` itself that `value` breaks.
fn own_constraints(shape: &Shape, value: &Value) -> impl Iterator<Item = Constraint> {
    constraints(shape, Some(value)).into_iter().filter(|constraint| constraint.is_broken)
}

/// The texts of all constraints of `shape`, broken or not.
fn all_constraints(shape: &Shape) -> Vec<String> {
    let mut texts: Vec<String> =
        constraints(shape, None).into_iter().map(|constraint| constraint.text).collect();
    if let Kind::List { element, .. } = &shape.kind {
        texts.push(format!("Member must satisfy constraint: [{}]", element_constraints(element)));
    }
    texts
}

fn element_constraints(shape: &Shape) -> String {
    let mut texts = all_constraints(shape);
    texts.push(NOT_NULL.to_owned());
    texts.join(", ")
}

/// The constraints of `shape` in the order in which the service prints them.
fn constraints(shape: &Shape, value: Option<&Value>) -> Vec<Constraint> {
    match &shape.kind {
        Kind::String(text) => text_constraints(text, value.and_then(Value::as_str)),
        Kind::List { length, .. } => {
            length_constraints(length, value.and_then(Value::as_array).map(Vec::len))
        }
        Kind::Map { length, .. } => {
            length_constraints(length, value.and_then(Value::as_object).map(serde_json::Map::len))
        }
        Kind::Blob(length) => {
            length_constraints(length, value.and_then(Value::as_str).map(decoded_length))
        }
        Kind::Integer(bounds) | Kind::Long(bounds) => {
            value_constraints(bounds, value.and_then(Value::as_i64), ToString::to_string)
        }
        Kind::Double(bounds) => {
            value_constraints(bounds, value.and_then(Value::as_f64), |limit| java::double(*limit))
        }
        Kind::Structure(_) | Kind::Boolean | Kind::Timestamp => Vec::new(),
    }
}

fn text_constraints(text: &Text, value: Option<&str>) -> Vec<Constraint> {
    let mut all = Vec::new();
    if !text.choices.is_empty() {
        all.push(Constraint {
            text: format!("Member must satisfy enum value set: [{}]", text.choices.join(", ")),
            is_broken: value.is_some_and(|value| !text.choices.contains(&value)),
        });
    }
    let matches = |value: &str| text.pattern.is_none_or(|pattern| pattern.matches(value));
    let is_mismatch = value.is_some_and(|value| !matches(value));
    if !(is_mismatch && text.pattern_hides_length) {
        all.extend(length_constraints(&text.length, value.map(|value| value.chars().count())));
    }
    if let Some(pattern) = text.pattern {
        all.push(Constraint {
            text: format!("Member must satisfy regular expression pattern: {}", pattern.text),
            is_broken: is_mismatch,
        });
    }
    all
}

fn length_constraints(bounds: &Bounds<u64>, length: Option<usize>) -> Vec<Constraint> {
    let length = length.map(|length| u64::try_from(length).unwrap_or(u64::MAX));
    let max = bounds.max.map(|max| Constraint {
        text: format!("Member must have length less than or equal to {max}"),
        is_broken: length.is_some_and(|length| length > max),
    });
    let min = bounds.min.map(|min| Constraint {
        text: format!("Member must have length greater than or equal to {min}"),
        is_broken: length.is_some_and(|length| length < min),
    });
    max.into_iter().chain(min).collect()
}

fn value_constraints<T: PartialOrd>(
    bounds: &Bounds<T>,
    value: Option<T>,
    print: impl Fn(&T) -> String,
) -> Vec<Constraint> {
    let max = bounds.max.as_ref().map(|max| Constraint {
        text: format!("Member must have value less than or equal to {}", print(max)),
        is_broken: value.as_ref().is_some_and(|value| value > max),
    });
    let min = bounds.min.as_ref().map(|min| Constraint {
        text: format!("Member must have value greater than or equal to {}", print(min)),
        is_broken: value.as_ref().is_some_and(|value| value < min),
    });
    max.into_iter().chain(min).collect()
}

/// Bytes that base64 text stands for.
fn decoded_length(text: &str) -> usize {
    let text = text.trim_end_matches('=');
    text.len().saturating_mul(3).div_euclid(4)
}

#[cfg(test)]
mod tests;
