//! Every pattern of every table works, and is matched whole.

use std::collections::BTreeSet;

use proptest::prelude::*;

use serde_json::{Map, Value};

use super::{Kind, Member, Pattern, Shape, Text};
use crate::SERVICES;

/// Values of a shape that often keep its constraints.
pub(crate) fn values(shape: &'static Shape) -> BoxedStrategy<Value> {
    match &shape.kind {
        Kind::Structure(members) => structures(members),
        Kind::List { element, .. } => {
            prop::collection::vec(values(element), 0..3).prop_map(Value::from).boxed()
        }
        Kind::Map { key, value, .. } => prop::collection::vec((values(key), values(value)), 0..3)
            .prop_map(|entries| {
                entries.into_iter().map(|(key, value)| (text(&key), value)).collect()
            })
            .boxed(),
        Kind::String(constraints) => texts(constraints),
        Kind::Integer(bounds) | Kind::Long(bounds) => {
            (bounds.min.unwrap_or(0)..=bounds.max.unwrap_or(1_000)).prop_map(Value::from).boxed()
        }
        Kind::Double(bounds) => {
            (bounds.min.unwrap_or(0.0)..=bounds.max.unwrap_or(1.0)).prop_map(Value::from).boxed()
        }
        Kind::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Blob(_) => Just(Value::from("UEs=")).boxed(),
        Kind::Timestamp => Just(Value::from("2026-11-25T08:00:00Z")).boxed(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(constraints: &Text) -> BoxedStrategy<Value> {
    if !constraints.choices.is_empty() {
        return prop::sample::select(constraints.choices).prop_map(Value::from).boxed();
    }
    let pattern = constraints.pattern.filter(|pattern| !pattern.look_around);
    let least = constraints.length.min.unwrap_or(1).max(1);
    let most = constraints.length.max.unwrap_or(u64::MAX).min(least + 8);
    let plain = format!("[a-z]{{{least},{most}}}");
    let regex = pattern.map_or(plain.as_str(), |pattern| pattern.translation);
    // The generator knows no anchors; in these patterns they are redundant or unlikely.
    let regex = regex.replace("$|^", "|").replace("$|", "|");
    prop::string::string_regex(&regex).unwrap().prop_map(Value::from).boxed()
}

fn structures(members: &'static [Member]) -> BoxedStrategy<Value> {
    let none = Just(Map::new()).boxed();
    let add = |object: BoxedStrategy<Map<String, Value>>, member: &'static Member| {
        let chance = if member.required { 0.999 } else { 0.1 };
        let value = prop::option::weighted(chance, values(member.shape));
        let insert = |(mut object, value): (Map<String, Value>, Option<Value>)| {
            object.extend(value.map(|value| (member.name.to_owned(), value)));
            object
        };
        (object, value).prop_map(insert).boxed()
    };
    members.iter().fold(none, add).prop_map(Value::Object).boxed()
}

/// Every pattern that a served input or output leads to.
fn patterns() -> Vec<&'static Pattern> {
    let mut seen = BTreeSet::new();
    let mut patterns = Vec::new();
    let rows = SERVICES.iter().flat_map(|service| service.operations);
    let mut open: Vec<&'static Shape> =
        rows.flat_map(|row| [row.input, row.output]).flatten().collect();
    while let Some(shape) = open.pop() {
        if !seen.insert(std::ptr::from_ref(shape)) {
            continue;
        }
        match &shape.kind {
            Kind::Structure(members) => open.extend(members.iter().map(|member| member.shape)),
            Kind::List { element, .. } => open.push(element),
            Kind::Map { key, value, .. } => open.extend([*key, *value]),
            Kind::String(text) => patterns.extend(text.pattern),
            _ => {}
        }
    }
    patterns
}

#[test]
fn every_pattern_compiles() {
    let patterns = patterns();
    assert!(patterns.len() > 60, "{}", patterns.len());
    for pattern in patterns {
        assert!(pattern.is_valid(), "{}", pattern.text);
    }
}

#[test]
fn a_pattern_matches_the_whole_value() {
    static PATTERN: Pattern = Pattern::new("a|b", "a|b", false);
    for (value, want) in [("a", true), ("b", true), ("ab", false), ("a\n", false), ("", false)] {
        assert_eq!(PATTERN.matches(value), want, "{value:?}");
    }
}

#[test]
fn what_does_not_compile_matches_nothing() {
    static PATTERN: Pattern = Pattern::new("(", "(", false);
    assert!(!PATTERN.matches("("));
}

proptest! {
    /// Every pattern answers on any text.
    #[test]
    fn any_text_matches_or_not(text in "\\PC{0,60}") {
        for pattern in patterns() {
            let _ = pattern.matches(&text);
        }
    }
}
