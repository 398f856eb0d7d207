//! The constraints of one shape: which there are, whether a value breaks one, how it is printed.

use std::fmt;

use serde_json::Value;

use super::{BrokenRule, java};
use crate::shape::{Bounds, Kind, Pattern, Shape};

/// One constraint. `Display` is the text after `constraint: `.
#[derive(Clone, Copy)]
pub(super) enum Constraint<'shape> {
    Choices(&'static [&'static str]),
    LengthMax(u64),
    LengthMin(u64),
    Pattern(&'static Pattern),
    WholeMax(i64),
    WholeMin(i64),
    FloatMax(f64),
    FloatMin(f64),
    /// Every element of a list.
    Elements(&'shape Shape),
    /// Every key of a map.
    Keys(&'shape Shape),
    /// Every value of a map.
    Values(&'shape Shape),
}

impl Constraint<'_> {
    /// What kind of rule it is.
    pub(super) fn rule(&self) -> BrokenRule {
        match self {
            Self::Choices(_) => BrokenRule::Enum,
            Self::LengthMax(_) => BrokenRule::MaxLength,
            Self::LengthMin(_) => BrokenRule::MinLength,
            Self::Pattern(_) => BrokenRule::Pattern,
            Self::WholeMax(_) | Self::FloatMax(_) => BrokenRule::MaxValue,
            Self::WholeMin(_) | Self::FloatMin(_) => BrokenRule::MinValue,
            Self::Elements(_) | Self::Keys(_) | Self::Values(_) => BrokenRule::Part,
        }
    }
}

/// The text for a member that must be there.
pub(super) const NOT_NULL: &str = "Member must not be null";

impl fmt::Display for Constraint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Choices(choices) => {
                write!(f, "Member must satisfy enum value set: [{}]", choices.join(", "))
            }
            Self::LengthMax(max) => {
                write!(f, "Member must have length less than or equal to {max}")
            }
            Self::LengthMin(min) => {
                write!(f, "Member must have length greater than or equal to {min}")
            }
            Self::Pattern(pattern) => {
                write!(f, "Member must satisfy regular expression pattern: {}", pattern.text)
            }
            Self::WholeMax(max) => write!(f, "Member must have value less than or equal to {max}"),
            Self::WholeMin(min) => {
                write!(f, "Member must have value greater than or equal to {min}")
            }
            Self::FloatMax(max) => {
                write!(f, "Member must have value less than or equal to {}", java::double(*max))
            }
            Self::FloatMin(min) => {
                write!(f, "Member must have value greater than or equal to {}", java::double(*min))
            }
            Self::Elements(shape) => {
                write!(f, "Member must satisfy constraint: [{}{NOT_NULL}]", Listed(shape, ", "))
            }
            Self::Keys(shape) => {
                write!(f, "Map keys must satisfy constraint: [{}]", Listed(shape, ""))
            }
            Self::Values(shape) => {
                write!(f, "Map value must satisfy constraint: [{}{NOT_NULL}]", Listed(shape, ", "))
            }
        }
    }
}

/// All constraints of a shape, separated by `, ` and ended by the second field unless there are none.
struct Listed<'shape>(&'shape Shape, &'static str);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for constraint in constraints(self.0) {
            write!(f, "{separator}{constraint}")?;
            separator = ", ";
        }
        f.write_str(if separator.is_empty() { "" } else { self.1 })
    }
}

/// The constraints of `shape` in the order in which the service prints them.
fn constraints(shape: &Shape) -> impl Iterator<Item = Constraint<'_>> {
    let [one, two] = bounds(shape);
    let all = match &shape.kind {
        Kind::String(text) => {
            let choices = (!text.choices.is_empty()).then_some(Constraint::Choices(text.choices));
            [choices, one, two, text.pattern.map(Constraint::Pattern)]
        }
        Kind::List { element, .. } => [one, two, Some(Constraint::Elements(element)), None],
        Kind::Map { key, value, .. } => {
            [one, two, Some(Constraint::Keys(key)), Some(Constraint::Values(value))]
        }
        _ => [one, two, None, None],
    };
    all.into_iter().flatten()
}

/// Upper and lower limit of a length or value.
fn bounds(shape: &Shape) -> [Option<Constraint<'_>>; 2] {
    let length = |bounds: &Bounds<u64>| {
        [bounds.max.map(Constraint::LengthMax), bounds.min.map(Constraint::LengthMin)]
    };
    match &shape.kind {
        Kind::String(text) => length(&text.length),
        Kind::List { length: bounds, .. } | Kind::Map { length: bounds, .. } => length(bounds),
        Kind::Blob(bounds) => length(bounds),
        Kind::Integer(bounds) | Kind::Long(bounds) => {
            [bounds.max.map(Constraint::WholeMax), bounds.min.map(Constraint::WholeMin)]
        }
        Kind::Double(bounds) => {
            [bounds.max.map(Constraint::FloatMax), bounds.min.map(Constraint::FloatMin)]
        }
        Kind::Structure(_) | Kind::Boolean | Kind::Timestamp => [None, None],
    }
}

/// The constraints of `shape` that `value` breaks.
pub(super) fn broken<'shape>(
    shape: &'shape Shape,
    value: &Value,
) -> impl Iterator<Item = Constraint<'shape>> {
    let hides_length = hides_length(shape, value);
    constraints(shape).filter(move |constraint| {
        let is_hidden = hides_length && matches!(constraint, Constraint::LengthMax(_));
        !is_hidden && constraint.is_broken_by(value, shape)
    })
}

/// Whether a broken pattern keeps a length that is too large from being reported.
fn hides_length(shape: &Shape, value: &Value) -> bool {
    let Kind::String(text) = &shape.kind else { return false };
    let mismatch = || match (text.pattern, value.as_str()) {
        (Some(pattern), Some(value)) => !pattern.matches(value),
        _ => false,
    };
    text.pattern_hides_length && mismatch()
}

impl Constraint<'_> {
    fn is_broken_by(&self, value: &Value, shape: &Shape) -> bool {
        match (self, value) {
            (Self::Choices(choices), Value::String(text)) => !choices.contains(&text.as_str()),
            (Self::Pattern(pattern), Value::String(text)) => !pattern.matches(text),
            (Self::LengthMax(max), _) => length(shape, value) > *max,
            (Self::LengthMin(min), _) => length(shape, value) < *min,
            (Self::WholeMax(max), _) => value.as_i64().is_some_and(|number| number > *max),
            (Self::WholeMin(min), _) => value.as_i64().is_some_and(|number| number < *min),
            (Self::FloatMax(max), _) => value.as_f64().is_some_and(|number| number > *max),
            (Self::FloatMin(min), _) => value.as_f64().is_some_and(|number| number < *min),
            (Self::Elements(element), Value::Array(values)) => {
                values.iter().any(|value| is_bad_part(element, value))
            }
            (Self::Values(inner), Value::Object(entries)) => {
                entries.values().any(|value| is_bad_part(inner, value))
            }
            (Self::Keys(key), Value::Object(entries)) => {
                entries.keys().any(|name| is_bad_part(key, &Value::from(name.as_str())))
            }
            _ => false,
        }
    }
}

/// Whether an element, key or map value breaks its own shape or is null. Members of structures
/// are reported apart, by their own path.
fn is_bad_part(shape: &Shape, value: &Value) -> bool {
    value.is_null() || broken(shape, value).next().is_some()
}

/// Characters as Java counts them (UTF-16 units), elements, entries or bytes.
fn length(shape: &Shape, value: &Value) -> u64 {
    let length = match (&shape.kind, value) {
        (Kind::Blob(_), Value::String(text)) => decoded_length(text),
        (_, Value::String(text)) => text.encode_utf16().count(),
        (_, Value::Array(values)) => values.len(),
        (_, Value::Object(entries)) => entries.len(),
        _ => 0,
    };
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Bytes that base64 text stands for.
fn decoded_length(text: &str) -> usize {
    let text = text.trim_end_matches('=');
    text.len().saturating_mul(3).div_euclid(4)
}
