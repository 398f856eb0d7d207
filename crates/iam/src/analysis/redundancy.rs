//! Statements that others make superfluous, and sets that one statement could say.
//! Source: iam.md §10.5, rule 7.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::analysis::covers::Comparer;
use crate::analysis::form::Form;
use crate::analysis::merge::{self, Part};
use crate::analysis::written::{WrittenPolicy, WrittenStatement};

/// How many pairs of characters comparing all statements of a document may look at: some tens of
/// milliseconds' worth. A full function policy as people write them takes a hundredth of it.
const STEPS_MAX: usize = 10_000_000;

/// How statements are superfluous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RedundancyKind {
    /// It says the same as an earlier one.
    Duplicate,
    /// Another one says more.
    Covered,
    /// One statement with a list would say the same.
    List,
    /// One statement with a wildcard would say all of them, and more.
    Wildcard,
}

/// Statements that need not be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Redundancy {
    /// How they are superfluous.
    pub kind: RedundancyKind,
    /// The superfluous statements, by position.
    pub statements: Vec<usize>,
    /// The statement that makes them so, if it is there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<usize>,
    /// The statement that would replace them all, as compact JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
    /// The element in which they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element: Option<String>,
    /// Bytes of compact JSON by which the document gets shorter, commas included.
    pub saves: usize,
}

/// Finds what a document of as many statements could leave out.
///
/// Takes time quadratic in the number of statements at most, and never more than some tens of
/// milliseconds: what is not found by then is not reported.
#[must_use]
pub fn redundancies(policy: &WrittenPolicy) -> Vec<Redundancy> {
    let statements = policy.statements();
    let covered = covered(statements);
    let superfluous: Vec<usize> = covered.iter().flat_map(|one| one.statements.clone()).collect();
    let rest = statements.iter().filter(|one| !superfluous.contains(&one.index()));
    let rest: Vec<&WrittenStatement> = rest.collect();
    covered.into_iter().chain(mergeable(&rest)).collect()
}

/// Each statement that another one covers, with the first that does. Of those that cover each
/// other the first stays.
fn covered(statements: &[WrittenStatement]) -> Vec<Redundancy> {
    let forms: Vec<Form<'_>> = statements.iter().map(Form::of).collect();
    let comparer = Comparer::new(STEPS_MAX);
    let all: Vec<(&WrittenStatement, &Form<'_>)> = statements.iter().zip(&forms).collect();
    let mut kept = vec![true; all.len()];
    let mut found = Vec::new();
    for (at, (statement, form)) in all.iter().enumerate().rev() {
        let mut others = all.iter().enumerate().filter(|(other, _)| *other != at);
        let by = others.find(|(other, (_, wide))| {
            kept.get(*other) == Some(&true) && comparer.covers(wide, form)
        });
        let Some((_, (by, wide))) = by else { continue };
        if let Some(kept) = kept.get_mut(at) {
            *kept = false;
        }
        let same = comparer.covers(form, wide);
        found.push(Redundancy {
            kind: if same { RedundancyKind::Duplicate } else { RedundancyKind::Covered },
            statements: vec![statement.index()],
            by: Some(by.index()),
            replacement: None,
            element: None,
            saves: statement.json().len() + 1,
        });
    }
    found.reverse();
    found
}

/// The fewest statements for which a wildcard is proposed: it lets in more than they do.
const WILDCARD_STATEMENTS_MIN: usize = 3;

/// A statement, and its elements.
type Parsed<'a> = (&'a WrittenStatement, Map<String, Value>);

/// Sets of statements that differ in one part only.
fn mergeable(statements: &[&WrittenStatement]) -> Vec<Redundancy> {
    let parsed: Vec<Parsed<'_>> = statements
        .iter()
        .filter_map(|one| Some((*one, serde_json::from_str(one.json()).ok()?)))
        .collect();
    let mut sets: HashMap<(Part, u64), Vec<&Parsed<'_>>> = HashMap::new();
    for statement in &parsed {
        for set in merge::parts(&statement.1) {
            sets.entry(set).or_default().push(statement);
        }
    }
    for ((part, _), members) in &mut sets {
        let Some((_, first)) = members.first().copied() else { continue };
        let single = members.len() == 1;
        members.retain(|(_, other)| single || merge::same_rest(part, first, other));
    }
    sets.retain(|_, members| members.len() > 1);
    let mut found: Vec<Redundancy> =
        sets.iter().flat_map(|((part, _), members)| proposals(part, members)).collect();
    found.sort_by(|one, other| {
        one.statements.cmp(&other.statements).then(other.saves.cmp(&one.saves))
    });
    found
}

/// What could stand in the place of a set.
fn proposals(part: &Part, members: &[&Parsed<'_>]) -> Vec<Redundancy> {
    let indexes: Vec<usize> = members.iter().map(|(statement, _)| statement.index()).collect();
    let objects: Vec<&Map<String, Value>> = members.iter().map(|(_, object)| object).collect();
    let length: usize = members.iter().map(|(statement, _)| statement.json().len() + 1).sum();
    let many = members.len() >= WILDCARD_STATEMENTS_MIN;
    let wildcard = many.then(|| merge::wildcard(part, &objects)).flatten();
    let both =
        [(RedundancyKind::List, merge::list(part, &objects)), (RedundancyKind::Wildcard, wildcard)];
    let redundancy = |(kind, merged): (RedundancyKind, Option<Map<String, Value>>)| {
        let replacement = Value::Object(merged?).to_string();
        let saves = length.checked_sub(replacement.len() + 1).filter(|saves| *saves > 0)?;
        let (statements, element) = (indexes.clone(), Some(part.to_string()));
        let replacement = Some(replacement);
        Some(Redundancy { kind, statements, by: None, replacement, element, saves })
    };
    both.into_iter().filter_map(redundancy).collect()
}
