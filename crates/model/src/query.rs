//! The query protocol: `Tags.member.1.Key=…` to one JSON object keyed by member names.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::bind::{BindError, expected, form_decode, lower_first, mismatch, scalar};
use crate::shape::{Kind, Member, OperationModel, Shape};

/// Parameters of one request. The largest served input, 50 tags, has about 110.
const PARAMETERS_MAX: usize = 4_096;

/// Levels of a parameter's name. The deepest served one, `Tags.member.1.Key`, has 4.
const LEVELS_MAX: usize = 12;

/// The parameters of a query request, as a tree of the dotted names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    root: Node,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    value: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Form {
    /// Reads a form body, or the query string of a GET.
    ///
    /// # Errors
    /// [`BindError`] for text that is not percent-encoded UTF-8 and for forms beyond the limits.
    pub fn parse(text: &[u8]) -> Result<Self, BindError> {
        let text = std::str::from_utf8(text).map_err(|_| BindError::Encoding { place: "form" })?;
        let mut form = Self::default();
        let pairs = text.trim_end_matches(['\r', '\n']).split('&').filter(|pair| !pair.is_empty());
        for (index, pair) in pairs.enumerate() {
            if index >= PARAMETERS_MAX {
                return Err(BindError::TooManyParameters { max: PARAMETERS_MAX });
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = form_decode(value, "form")?.into_owned();
            form.root.insert(&form_decode(name, "form")?, value)?;
        }
        Ok(form)
    }

    /// The value of a plain parameter such as `Action` or `Version`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.root.children.get(name)?.value.as_deref()
    }
}

impl Node {
    /// The first of several equal names wins.
    fn insert(&mut self, name: &str, value: String) -> Result<(), BindError> {
        let mut node = self;
        for (level, step) in name.split('.').enumerate() {
            if level >= LEVELS_MAX {
                return Err(BindError::TooDeep { max: LEVELS_MAX });
            }
            node = node.children.entry(step.to_owned()).or_default();
        }
        node.value.get_or_insert(value);
        Ok(())
    }

    /// The children in the order of their numbers, which need not be consecutive.
    fn numbered(&self) -> Result<Vec<&Self>, BindError> {
        let number = |step: &String| step.parse::<u32>().map_err(|_| ());
        let mut children = Vec::new();
        for (step, child) in &self.children {
            let number = number(step).map_err(|()| mismatch("a list index", "STRING_VALUE"))?;
            children.push((number, child));
        }
        children.sort_by_key(|(number, _)| *number);
        Ok(children.into_iter().map(|(_, child)| child).collect())
    }
}

/// Collects the parameters of `operation` into one object; unknown parameters are dropped.
///
/// # Errors
/// [`BindError`], naming the first parameter that could not be read.
pub fn bind_query(operation: &OperationModel, form: &Form) -> Result<Value, BindError> {
    match operation.input.map(|shape| &shape.kind) {
        Some(Kind::Structure(members)) => structure(members, &form.root),
        _ => Ok(Value::Object(Map::new())),
    }
}

fn structure(members: &[Member], node: &Node) -> Result<Value, BindError> {
    let mut bound = Map::new();
    for member in members {
        let Some(child) = node.children.get(member.wire_name) else { continue };
        let value = value(member.shape, child);
        let value = value.map_err(|error| error.within(&lower_first(member.name)))?;
        bound.insert(member.name.to_owned(), value);
    }
    Ok(Value::Object(bound))
}

fn value(shape: &Shape, node: &Node) -> Result<Value, BindError> {
    match &shape.kind {
        Kind::Structure(members) => structure(members, node),
        Kind::List { element, flattened, .. } => list(element, *flattened, node),
        Kind::Map { value, .. } => map(value, node),
        _ => match &node.value {
            Some(text) => scalar(shape, text),
            None => Err(mismatch(expected(shape), "START_OBJECT")),
        },
    }
}

/// `Tags=` and an absent level both mean an empty list.
fn list(element: &Shape, flattened: bool, node: &Node) -> Result<Value, BindError> {
    let holder = if flattened { Some(node) } else { node.children.get("member") };
    let mut values = Vec::new();
    for (index, child) in
        holder.map(Node::numbered).transpose()?.unwrap_or_default().iter().enumerate()
    {
        let step = format!("{}.member", index.saturating_add(1));
        values.push(value(element, child).map_err(|error| error.within(&step))?);
    }
    Ok(Value::Array(values))
}

fn map(inner: &Shape, node: &Node) -> Result<Value, BindError> {
    let mut bound = Map::new();
    let entries = node.children.get("entry").map(Node::numbered).transpose()?;
    for entry in entries.unwrap_or_default() {
        let key = entry.children.get("key").and_then(|key| key.value.clone());
        let key = key.ok_or_else(|| mismatch("a map key", "NULL_VALUE"))?;
        let value = match entry.children.get("value") {
            Some(node) => value(inner, node).map_err(|error| error.within(&key))?,
            None => Value::Null,
        };
        bound.insert(key, value);
    }
    Ok(Value::Object(bound))
}

#[cfg(test)]
mod tests;
