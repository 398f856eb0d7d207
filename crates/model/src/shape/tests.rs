//! Every pattern of every table works, and is matched whole.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Kind, Pattern, Shape};
use crate::SERVICES;

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
