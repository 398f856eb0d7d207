//! One statement for several that differ in one part.

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value, json};

use crate::arn_pattern;
use crate::operator::{Base, Operator, SetOperator};

/// The part in which statements differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Action,
    Resource,
    /// A type of principals.
    Principal(String),
    Condition {
        operator: String,
        key: String,
    },
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action => f.write_str("Action"),
            Self::Resource => f.write_str("Resource"),
            Self::Principal(kind) => write!(f, "Principal.{kind}"),
            Self::Condition { operator, key } => write!(f, "Condition.{operator}.{key}"),
        }
    }
}

impl Part {
    /// The values of this part; `None` if the statement does not have it.
    fn of<'a>(&self, statement: &'a Map<String, Value>) -> Option<&'a Value> {
        match self {
            Self::Action => statement.get("Action"),
            Self::Resource => statement.get("Resource"),
            Self::Principal(kind) => statement.get("Principal")?.get(kind),
            Self::Condition { operator, key } => {
                statement.get("Condition")?.get(operator)?.get(key)
            }
        }
    }

    fn of_mut<'a>(&self, statement: &'a mut Map<String, Value>) -> Option<&'a mut Value> {
        match self {
            Self::Action => statement.get_mut("Action"),
            Self::Resource => statement.get_mut("Resource"),
            Self::Principal(kind) => statement.get_mut("Principal")?.get_mut(kind),
            Self::Condition { operator, key } => {
                statement.get_mut("Condition")?.get_mut(operator)?.get_mut(key)
            }
        }
    }
}

/// The parts of a statement in which several may differ and still be written as one, each with a
/// fingerprint of all the rest but the id. Parts whose values are not alternatives (negated ones)
/// are left out.
///
/// Equal rests have equal fingerprints; that rests are equal, [`same_rest`] tells.
pub(crate) fn parts(statement: &Map<String, Value>) -> Vec<(Part, u64)> {
    let pieces = pieces(statement);
    let prints: Vec<u64> = pieces.iter().map(Piece::fingerprint).collect();
    let all = prints.iter().fold(0_u64, |sum, print| sum.wrapping_add(*print));
    let parts = pieces.into_iter().zip(prints);
    parts.filter_map(|(piece, print)| Some((piece.part?, all.wrapping_sub(print)))).collect()
}

/// Whether two statements differ in this part and their ids only.
pub(crate) fn same_rest(part: &Part, one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    let rest = |statement: &Map<String, Value>| {
        let mut rest = pieces(statement);
        rest.retain(|piece| piece.part.as_ref() != Some(part));
        rest.sort_by(|one, other| one.name.cmp(&other.name));
        rest
    };
    rest(one) == rest(other)
}

/// A piece of a statement: an element, or the values of a condition.
#[derive(PartialEq, Eq)]
struct Piece {
    /// What it is, if statements may differ in it.
    part: Option<Part>,
    name: String,
    /// Its values.
    text: String,
}

/// A statement in pieces.
fn pieces(statement: &Map<String, Value>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (name, value) in statement.iter().filter(|(name, _)| *name != "Sid") {
        match (name.as_str(), value) {
            ("Condition", Value::Object(operators)) => {
                let all =
                    operators.iter().filter_map(|(name, keys)| Some((name, keys.as_object()?)));
                pieces.extend(all.flat_map(|(name, keys)| conditions(name, keys)));
            }
            ("Principal", Value::Object(who)) => {
                let only = who.iter().next().filter(|_| who.len() == 1);
                let part = only.map(|(kind, _)| Part::Principal(kind.clone()));
                pieces.push(Piece::new(part, name, value));
            }
            ("Action", _) => pieces.push(Piece::new(Some(Part::Action), name, value)),
            ("Resource", _) => pieces.push(Piece::new(Some(Part::Resource), name, value)),
            _ => pieces.push(Piece::new(None, name, value)),
        }
    }
    pieces
}

/// The keys under one operator.
fn conditions<'a>(
    operator: &'a str,
    keys: &'a Map<String, Value>,
) -> impl Iterator<Item = Piece> + 'a {
    let alternatives = takes_alternatives(operator);
    keys.iter().map(move |(key, value)| {
        let part = Part::Condition { operator: operator.to_owned(), key: key.clone() };
        let name = part.to_string();
        Piece::new(Some(part).filter(|_| alternatives), &name, value)
    })
}

impl Piece {
    fn new(part: Option<Part>, name: &str, value: &Value) -> Self {
        Self { part, name: name.to_owned(), text: value.to_string() }
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.name, &self.text).hash(&mut hasher);
        hasher.finish()
    }
}

/// Whether a request that satisfies one of two lists of values satisfies the list of both, and
/// the reverse.
fn takes_alternatives(operator: &str) -> bool {
    let plain = |operator: &Operator| !operator.negated && operator.set != SetOperator::All;
    Operator::parse(operator).as_ref().is_some_and(plain)
}

/// The values of a part, one or a list.
fn values(value: &Value) -> &[Value] {
    match value {
        Value::Array(list) => list,
        one => std::slice::from_ref(one),
    }
}

/// The statement that lists the values of all: it says what they say.
pub(crate) fn list(part: &Part, statements: &[&Map<String, Value>]) -> Option<Map<String, Value>> {
    let all = statements.iter().filter_map(|one| part.of(one)).flat_map(values);
    let mut seen = HashSet::new();
    let all = all.filter(|value| seen.insert(*value)).cloned().collect();
    replaced(part, statements, Value::Array(all))
}

/// The first of the statements, with another value in the part.
fn replaced(
    part: &Part,
    statements: &[&Map<String, Value>],
    value: Value,
) -> Option<Map<String, Value>> {
    let mut merged = (*statements.first()?).clone();
    *part.of_mut(&mut merged)? = value;
    Some(merged)
}

/// The statement with one wildcard where the values of all differ: it says more than they say.
/// `None` where that would be far more: where the values have little in common, and where the
/// wildcard would not be within the last field of their ARNs.
pub(crate) fn wildcard(
    part: &Part,
    statements: &[&Map<String, Value>],
) -> Option<Map<String, Value>> {
    let texts: Option<Vec<&str>> =
        statements.iter().map(|one| part.of(one).and_then(Value::as_str)).collect();
    let pattern = common(&texts?, matches!(part, Part::Action))?;
    match part {
        Part::Principal(_) => None,
        Part::Action | Part::Resource => replaced(part, statements, json!(pattern)),
        Part::Condition { operator, .. } => {
            let base = Operator::parse(operator)?.base;
            let wild = matches!(base, Base::StringLike | Base::Arn);
            wild.then(|| replaced(part, statements, json!(pattern)))?
        }
    }
}

/// What the values must have in common before the wildcard, in characters of the last field.
const COMMON_MIN: usize = 3;

/// A pattern of the values' common beginning and end.
fn common(texts: &[&str], action: bool) -> Option<String> {
    let (first, rest) = texts.split_first()?;
    let chars: Vec<char> = first.chars().collect();
    let shared =
        |other: &&str| chars.iter().zip(other.chars()).take_while(|(a, b)| **a == *b).count();
    let prefix = rest.iter().map(shared).min()?;
    let room = texts.iter().map(|text| text.chars().count()).min()? - prefix;
    let ends = |other: &&str| {
        chars.iter().rev().zip(other.chars().rev()).take_while(|(a, b)| **a == *b).count()
    };
    let suffix = rest.iter().map(ends).min()?.min(room);
    let head: String = chars.iter().take(prefix).collect();
    let tail: String = chars.iter().skip(chars.len() - suffix).collect();
    let last = if action {
        head.split_once(':')?.1
    } else {
        let fields = arn_pattern::fields(&head, false);
        let whole = fields.first() == Some(&"arn") && fields.len() == 6;
        whole.then(|| fields.last().copied())??.rsplit(':').next()?
    };
    let enough = last.chars().count() >= COMMON_MIN && !first.contains("${");
    enough.then(|| format!("{head}*{tail}"))
}

#[cfg(test)]
mod tests {
    use super::common;

    #[test]
    #[rustfmt::skip]
    fn a_wildcard_stands_where_values_differ() {
        for (texts, action, want) in [
            (vec!["arn:aws:s3:::logs-a", "arn:aws:s3:::logs-b"],       false, Some("arn:aws:s3:::logs-*")),
            (vec!["arn:aws:s3:::logs-a-x", "arn:aws:s3:::logs-bc-x"],  false, Some("arn:aws:s3:::logs-*-x")),
            (vec!["arn:aws:s3:::logs-aa", "arn:aws:s3:::logs-aaa"],    false, Some("arn:aws:s3:::logs-aa*")),
            (vec!["arn:aws:s3:::a", "arn:aws:s3:::b"],                 false, None),
            (vec!["arn:aws:sns:r:1:topic", "arn:aws:sns:r:2:topic"],   false, None),
            (vec!["arn:aws:lambda:r:1:function:f", "arn:aws:lambda:r:1:function:g"], false, None),
            (vec!["arn:aws:s3:::${a}-x", "arn:aws:s3:::${a}-y"],       false, None),
            (vec!["lambda:GetFunction", "lambda:GetAlias"],            true,  Some("lambda:Get*")),
            (vec!["lambda:Invoke", "lambda:Get"],                      true,  None),
            (vec!["111111111111", "111111111112"],                     false, None),
        ] {
            assert_eq!(common(&texts, action).as_deref(), want, "{texts:?}");
        }
    }
}
