//! Patterns against patterns: whether all texts that one matches are matched by another, whether
//! two have no text in common.
//!
//! Both answers err on one side: what cannot be shown, within the [`Budget`], is denied. Every
//! comparison takes at most the product of the patterns' lengths.

use std::cell::Cell;

use crate::choice;
use crate::variable::{self, PartKind};

/// A unit of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Symbol<'a> {
    Char(char),
    /// Any one character.
    One,
    /// Any run of characters.
    Run,
    /// A variable, as written: in one request, the same text everywhere or none.
    Variable(&'a str),
}

/// How much comparing may still be done: a document of hostile patterns must not keep us.
pub(crate) struct Budget(Cell<usize>);

impl Budget {
    /// `steps`: comparisons of two symbols.
    pub(crate) fn new(steps: usize) -> Self {
        Self(Cell::new(steps))
    }

    /// Takes one step if there is one left.
    fn step(&self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left > 0
    }
}

/// A string as an element or operator reads it: with or without wildcards, variables, case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern<'a> {
    symbols: Box<[Symbol<'a>]>,
    /// Whether it is text alone.
    literal: bool,
}

/// How a string is read.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    /// Whether `${…}` are variables.
    pub(crate) variables: bool,
    /// Whether `*` and `?` are wildcards.
    pub(crate) wildcards: bool,
    pub(crate) fold: Fold,
}

/// Which differences in case do not matter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fold {
    None,
    /// Of ASCII letters: actions.
    Ascii,
    /// Of all letters: the operators that ignore case.
    Full,
}

impl<'a> Pattern<'a> {
    pub(crate) fn new(text: &'a str, reading: Reading) -> Self {
        let mut symbols = Vec::with_capacity(text.len());
        if !reading.variables {
            push(&mut symbols, text, reading);
        } else {
            for part in variable::parts(text) {
                let plain = Reading { wildcards: false, ..reading };
                match part.kind {
                    PartKind::Text => push(&mut symbols, part.raw, reading),
                    PartKind::Malformed(_) => push(&mut symbols, part.raw, plain),
                    PartKind::Escape(text) => push(&mut symbols, text, plain),
                    PartKind::Variable { .. } => symbols.push(Symbol::Variable(part.raw)),
                }
            }
        }
        normalize(&mut symbols);
        let literal = symbols.iter().all(|symbol| matches!(symbol, Symbol::Char(_)));
        Self { symbols: symbols.into(), literal }
    }

    /// Whether it matches every text.
    pub(crate) fn is_any(&self) -> bool {
        *self.symbols == [Symbol::Run]
    }

    /// The same in lower case.
    pub(crate) fn folded(&self) -> Self {
        let mut symbols = Vec::with_capacity(self.symbols.len());
        for symbol in &self.symbols {
            match symbol {
                Symbol::Char(c) => symbols.extend(choice::folded(*c).map(Symbol::Char)),
                other => symbols.push(*other),
            }
        }
        Self { symbols: symbols.into(), literal: self.literal }
    }

    /// The text of a literal.
    pub(crate) fn text(&self) -> Option<String> {
        let character = |symbol: &Symbol<'_>| match symbol {
            Symbol::Char(c) => Some(*c),
            Symbol::One | Symbol::Run | Symbol::Variable(_) => None,
        };
        self.symbols.iter().map(character).collect()
    }

    /// Whether this surely matches every text that `other` matches, in the same request.
    ///
    /// The other pattern is matched as if it were a text whose wildcards and variables only the
    /// same or a wider one takes in. Two pointers suffice, as in `glob.rs`.
    pub(crate) fn includes(&self, other: &Pattern<'_>, budget: &Budget) -> bool {
        if self.literal {
            return budget.step() && other.literal && self.symbols == other.symbols;
        }
        let (mut pattern, mut text) = (&*self.symbols, &*other.symbols);
        let mut retry = None;
        while budget.step() {
            let step = match (pattern, text) {
                ([], []) => return true,
                ([Symbol::Run, after @ ..], text) => {
                    retry = Some((after, text));
                    Some((after, text))
                }
                ([Symbol::One, after @ ..], [Symbol::Char(_) | Symbol::One, rest @ ..]) => {
                    Some((after, rest))
                }
                ([mine, after @ ..], [theirs, rest @ ..]) if mine == theirs => Some((after, rest)),
                _ => None,
            };
            if let Some(step) = step {
                (pattern, text) = step;
                continue;
            }
            let Some((after, [_, rest @ ..])) = retry else { return false };
            retry = Some((after, rest));
            (pattern, text) = (after, rest);
        }
        false
    }

    /// Whether surely no text is matched by both, in any request.
    pub(crate) fn excludes(&self, other: &Pattern<'_>, budget: &Budget) -> bool {
        // From the ends of both: `meets[j]` is whether the rests from here share a text.
        let theirs = &other.symbols;
        let mut below = vec![false; theirs.len() + 1];
        for (row_number, mine) in
            std::iter::once(None).chain(self.symbols.iter().rev().map(Some)).enumerate()
        {
            let mut row = vec![false; theirs.len() + 1];
            for at in (0..=theirs.len()).rev() {
                if !budget.step() {
                    return false;
                }
                let next = |row: &[bool]| row.get(at + 1).copied().unwrap_or(false);
                let here = below.get(at).copied().unwrap_or(false);
                let meets = match (mine, theirs.get(at)) {
                    (None, None) => row_number == 0,
                    (None, Some(symbol)) => is_run(*symbol) && next(&row),
                    (Some(symbol), None) => is_run(*symbol) && here,
                    (Some(one), Some(other)) if is_run(*one) || is_run(*other) => {
                        here || next(&row) || next(&below)
                    }
                    (Some(one), Some(other)) => alike(*one, *other) && next(&below),
                };
                if let Some(cell) = row.get_mut(at) {
                    *cell = meets;
                }
            }
            below = row;
        }
        !below.first().copied().unwrap_or(true)
    }
}

/// What may be any run of characters; a variable is one that we do not know.
fn is_run(symbol: Symbol<'_>) -> bool {
    matches!(symbol, Symbol::Run | Symbol::Variable(_))
}

/// Whether two single characters may be the same.
fn alike(one: Symbol<'_>, other: Symbol<'_>) -> bool {
    one == Symbol::One || other == Symbol::One || one == other
}

fn push<'a>(symbols: &mut Vec<Symbol<'a>>, text: &str, reading: Reading) {
    for c in text.chars() {
        match c {
            '*' if reading.wildcards => symbols.push(Symbol::Run),
            '?' if reading.wildcards => symbols.push(Symbol::One),
            c => match reading.fold {
                Fold::None => symbols.push(Symbol::Char(c)),
                Fold::Ascii => symbols.push(Symbol::Char(c.to_ascii_lowercase())),
                Fold::Full => symbols.extend(choice::folded(c).map(Symbol::Char)),
            },
        }
    }
}

/// Writes neighbouring wildcards in one way: `?` before `*`, and one `*`.
fn normalize(symbols: &mut Vec<Symbol<'_>>) {
    let wild = |symbol: &Symbol<'_>| matches!(symbol, Symbol::One | Symbol::Run);
    if !symbols.windows(2).any(|pair| pair.iter().all(wild)) {
        return;
    }
    let mut all = std::mem::take(symbols).into_iter().peekable();
    while let Some(symbol) = all.next() {
        if !wild(&symbol) {
            symbols.push(symbol);
            continue;
        }
        let mut run = symbol == Symbol::Run;
        symbols.extend((!run).then_some(Symbol::One));
        while let Some(next) = all.next_if(wild) {
            run |= next == Symbol::Run;
            symbols.extend((next == Symbol::One).then_some(Symbol::One));
        }
        symbols.extend(run.then_some(Symbol::Run));
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, Fold, Pattern, Reading};
    use crate::glob::glob;
    use proptest::prelude::*;

    const READING: Reading = Reading { variables: true, wildcards: true, fold: Fold::None };

    fn includes(pattern: &str, other: &str) -> bool {
        let (pattern, other) = (Pattern::new(pattern, READING), Pattern::new(other, READING));
        pattern.includes(&other, &Budget::new(10_000))
    }

    fn excludes(pattern: &str, other: &str) -> bool {
        let (pattern, other) = (Pattern::new(pattern, READING), Pattern::new(other, READING));
        pattern.excludes(&other, &Budget::new(10_000))
    }

    #[test]
    #[rustfmt::skip]
    fn a_wider_pattern_includes_a_narrower_one() {
        for (pattern, other, want) in [
            ("",          "",            true),
            ("a",         "a",           true),
            ("a",         "b",           false),
            ("*",         "a*b?",        true),
            ("a*",        "*",           false),
            ("a*",        "a",           true),
            ("a*",        "ab*",         true),
            ("a?",        "a*",          false),
            ("a*",        "a?",          true),
            ("a?",        "a?",          true),
            ("*?",        "?*",          true),
            ("?*",        "",            false),
            ("*b*",       "a*b*c",       true),
            ("a*c",       "a*b",         false),
            ("*ab",       "*aab",        true),
            ("${v}",      "${v}",        true),
            ("${v}",      "${w}",        false),
            ("*",         "${v}",        true),
            ("?",         "${v}",        false),
            ("${v}*",     "${v}/x",      true),
            ("${v, 'x'}", "${v}",        false),
            ("${*}",      "*",           false),
            ("*",         "${*}",        true),
            ("${*}",      "${*}",        true),
        ] {
            assert_eq!(includes(pattern, other), want, "{pattern} includes {other}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn patterns_exclude_each_other_when_no_text_fits_both() {
        for (pattern, other, want) in [
            ("",       "",        false),
            ("",       "a",       true),
            ("",       "*",       false),
            ("a*",     "b*",      true),
            ("*a",     "*b",      true),
            ("a*",     "*b",      false),
            ("a?c",    "ab?",     false),
            ("a?c",    "ab",      true),
            ("a*b",    "acd",     true),
            ("${v}",   "abc",     false),
            ("x${v}",  "abc",     true),
        ] {
            assert_eq!(excludes(pattern, other), want, "{pattern} excludes {other}");
            assert_eq!(excludes(other, pattern), want, "{other} excludes {pattern}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn what_is_included_matches_nothing_else(pattern in "[ab*?]{0,6}", other in "[ab*?]{0,6}", text in "[abc]{0,6}") {
            if includes(&pattern, &other) {
                prop_assert!(!glob(&other, &text) || glob(&pattern, &text), "{pattern} {other} {text}");
            }
            if excludes(&pattern, &other) {
                prop_assert!(!glob(&other, &text) || !glob(&pattern, &text), "{pattern} {other} {text}");
            }
        }

        #[test]
        fn a_text_is_included_exactly_if_it_is_matched(pattern in "[ab*?]{0,6}", text in "[ab]{0,6}") {
            prop_assert_eq!(includes(&pattern, &text), glob(&pattern, &text));
            prop_assert_eq!(!excludes(&pattern, &text), glob(&pattern, &text));
        }
    }

    #[test]
    fn a_hostile_pattern_ends_with_the_budget() {
        let (pattern, other) = ("*a".repeat(5_000) + "b", "a*".repeat(5_000));
        let (pattern, other) = (Pattern::new(&pattern, READING), Pattern::new(&other, READING));
        let budget = Budget::new(100_000);
        assert!(!pattern.includes(&other, &budget));
        assert!(!pattern.excludes(&other, &budget), "nothing is shown without a budget");
    }
}
