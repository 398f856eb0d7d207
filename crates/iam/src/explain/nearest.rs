//! The Allow that misses least, and what it misses: what a user of Lambda needs most (iam.md §8).

use std::borrow::Cow;

use serde::Serialize;

use super::parting::{Form, Reading};
use super::{Counting, Held, Parting, StatementReference, as_json, note};
use crate::context::Value;
use crate::decide::{Call, Counted, PolicyType};
use crate::document::{Effect, Listed, RawCondition, RawPrincipal, RawStatement, Who};
use crate::operator::{Base, SetOperator};
use crate::statement::{Fit, Statement};

/// An Allow that does not apply, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Nearest<'p> {
    /// Which.
    #[serde(flatten)]
    pub reference: StatementReference<'p>,
    /// The document's name, as [`Explanation::named`](super::Explanation::named) was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_name: Option<String>,
    /// As it is written.
    #[serde(serialize_with = "as_json")]
    pub written: Cow<'p, str>,
    /// The parts that do not fit the call; at least one.
    pub misses: Vec<Miss>,
}

/// A part of a statement that does not fit the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Miss {
    /// Which part.
    #[serde(flatten)]
    pub part: MissedPart,
    /// Whether the part asks for anything but `expected`: a `Not…` element or operator.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub negated: bool,
    /// What the policy has, as it is written; one of several is enough.
    pub expected: Vec<String>,
    /// What the request has.
    pub actual: Actual,
    /// Where a pattern and the request's text part; of several patterns, the one that goes furthest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parting: Option<Parting>,
    /// Of a principal that names the caller and yet means another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub homonym: Option<Homonym>,
    /// Why they cannot fit, where the values alone do not show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Somebody of the caller's name who is not the caller: the user or role was made anew. Source:
/// iam.md §4.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Homonym {
    /// The principal of the policy, as it is written.
    pub principal: String,
    /// The unique id of the user or role that had this name when the policy was stored.
    pub expected_id: String,
    /// That of the caller's user or role; `null` in JSON if it is not known.
    pub actual_id: Option<String>,
}

impl Homonym {
    fn find(statement: &Statement, call: &Call<'_>) -> Option<Self> {
        let (principal, id) = statement.homonym(call)?;
        let actual_id = call.caller().unique_id().map(str::to_owned);
        Some(Self { principal: principal.to_owned(), expected_id: id.to_owned(), actual_id })
    }
}

/// A part of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "part", rename_all = "snake_case")]
pub enum MissedPart {
    /// Action or NotAction.
    Action,
    /// Principal or NotPrincipal.
    Principal,
    /// Resource or NotResource.
    Resource,
    /// One key under one operator.
    Condition {
        /// The operator, as it is written.
        operator: String,
        /// The key, as it is written.
        key: String,
    },
}

/// What a request has in the place of what was expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Actual {
    /// One text.
    Text(String),
    /// The values of a multivalued key.
    List(Vec<String>),
    /// The request has no such key; `null` in JSON.
    Missing,
}

impl Actual {
    pub(super) fn of(value: Option<Value<'_>>) -> Self {
        match value {
            None => Self::Missing,
            Some(Value::Single(text)) => Self::Text(text.into_owned()),
            Some(Value::Multiple(texts)) if texts.is_empty() => Self::Missing,
            Some(Value::Multiple(texts)) => {
                Self::List(texts.iter().map(|text| text.clone().into_owned()).collect())
            }
        }
    }
}

/// How far a statement is from applying: fewer parts first, then parts that are easier to mend.
type Distance = (usize, usize);

/// Of these is a distance made: what a user more likely meant comes first.
const CONDITION: usize = 1;
const HOMONYM: usize = 99;
const PRINCIPAL: usize = 100;
const RESOURCE: usize = 200;
const ACTION: usize = 400;

impl<'p> Nearest<'p> {
    /// The Allow nearest to applying among the documents whose Allow is missing; of levels, those
    /// that are silent. Of equals the first.
    pub(super) fn find(
        call: &Call<'_>,
        counted: &Counted<'p>,
        missing: PolicyType,
    ) -> Option<Self> {
        let granted = counted.documents(PolicyType::Resource).any(|one| one.allows(call));
        let allowing = |one: &Counting<'p>| one.allows(call);
        let allowed = counted.documents(missing).filter(allowing);
        let allowed: Vec<_> = allowed.map(|one| one.reference.level).collect();
        // Without a grant of the resource, one would do as well as, or is needed beside, an
        // identity-based Allow.
        let also = missing == PolicyType::Identity && !granted;
        let also = also.then(|| counted.documents(PolicyType::Resource));
        let all = counted.documents(missing).filter(|one| !allowed.contains(&one.reference.level));
        let all = all.chain(also.into_iter().flatten());
        let candidates = all.flat_map(|document| candidates(call, document));
        let best = candidates.reduce(|best, next| if next.2 < best.2 { next } else { best });
        let (reference, statement, _) = best?;
        let misses = misses(call, statement)?;
        let written = statement.json();
        (!misses.is_empty()).then_some(Self { reference, document_name: None, written, misses })
    }
}

type Candidate<'p> = (StatementReference<'p>, &'p Statement, Distance);

/// The Allows that do not apply but are about the action or the resource.
fn candidates<'p>(call: &Call<'_>, document: Counting<'p>) -> impl Iterator<Item = Candidate<'p>> {
    let all = document.policy.statements().iter().enumerate();
    all.filter_map(move |(index, statement)| {
        let fit = statement.fit(call);
        let about = fit.action || fit.resource;
        let wanted = statement.effect() == Effect::Allow && about && !fit.is_whole();
        let reference = document.statement(index, statement.sid());
        let principal = if statement.homonym(call).is_some() { HOMONYM } else { PRINCIPAL };
        wanted.then(|| (reference, &**statement, distance(&fit, principal)))
    })
}

/// `principal` is how far a principal is that does not fit.
fn distance(fit: &Fit, principal: usize) -> Distance {
    let conditions = fit.conditions.iter().filter(|holds| !**holds).count();
    let whole =
        [(fit.action, ACTION), (fit.principal.is_some(), principal), (fit.resource, RESOURCE)];
    let missed = whole.iter().filter(|(fits, _)| !fits);
    let count = conditions + missed.clone().count();
    (count, conditions * CONDITION + missed.map(|(_, weight)| weight).sum::<usize>())
}

/// What of the statement does not fit; `None` if its own text cannot be read, which cannot be.
fn misses(call: &Call<'_>, statement: &Statement) -> Option<Vec<Miss>> {
    let raw = RawStatement::parse_alone(&statement.json()).ok()?;
    let fit = statement.fit(call);
    let variables = statement.has_variables();
    let mut misses = Vec::new();
    if !fit.action {
        misses.push(action_miss(&raw.action, call));
    }
    if let (None, Some(principal)) = (fit.principal, &raw.principal) {
        let homonym = Homonym::find(statement, call);
        misses.push(Miss { homonym, ..principal_miss(principal, call) });
    }
    if let (false, Some(resource)) = (fit.resource, &raw.resource) {
        misses.push(resource_miss(resource, variables, call));
    }
    let failed = raw.conditions.iter().zip(&fit.conditions).filter(|(_, holds)| !**holds);
    misses.extend(failed.map(|(condition, _)| condition_miss(condition, variables, call)));
    Some(misses)
}

fn action_miss(listed: &Listed, call: &Call<'_>) -> Miss {
    let reading =
        Reading { form: Form::Glob, cased: false, variables: false, context: call.context() };
    let action = call.asked_action();
    let parting = reading.parting(&listed.values, action).filter(|_| !listed.negated);
    Miss {
        part: MissedPart::Action,
        negated: listed.negated,
        expected: listed.values.clone(),
        actual: Actual::Text(action.to_owned()),
        parting,
        homonym: None,
        note: None,
    }
}

fn resource_miss(listed: &Listed, variables: bool, call: &Call<'_>) -> Miss {
    let reading = Reading { form: Form::Arn, cased: true, variables, context: call.context() };
    let (parting, note) = if listed.negated {
        (None, None)
    } else {
        let note = note::of_resource(&listed.values, call.resource(), &reading);
        (reading.parting(&listed.values, call.resource()), note)
    };
    Miss {
        part: MissedPart::Resource,
        negated: listed.negated,
        expected: listed.values.clone(),
        actual: Actual::Text(call.resource().to_owned()),
        parting,
        homonym: None,
        note,
    }
}

fn principal_miss(principal: &RawPrincipal, call: &Call<'_>) -> Miss {
    let expected = match &principal.who {
        Who::Everyone => vec!["*".to_owned()],
        Who::Listed(all) => {
            all.iter().map(|(kind, name)| format!("{} {name}", kind.name())).collect()
        }
    };
    Miss {
        part: MissedPart::Principal,
        negated: principal.negated,
        expected,
        actual: Actual::Text(call.caller().to_string()),
        parting: None,
        homonym: None,
        note: None,
    }
}

fn condition_miss(condition: &RawCondition, variables: bool, call: &Call<'_>) -> Miss {
    let actual = Actual::of(call.context().get(&condition.key.to_lowercase()));
    let operator = condition.operator;
    let form = note::form(operator.base);
    let reading = Reading {
        form: form.unwrap_or(Form::Literal),
        cased: operator.base != Base::StringEqualsIgnoreCase,
        variables,
        context: call.context(),
    };
    let plain = form.is_some() && !operator.negated && operator.set == SetOperator::None;
    let parting = match &actual {
        Actual::Text(text) if plain => reading.parting(&condition.values, text),
        _ => None,
    };
    let note = note::of_condition(condition, &actual, &reading);
    let part = MissedPart::Condition {
        operator: condition.operator_name.clone(),
        key: condition.key.clone(),
    };
    let expected = condition.values.clone();
    Miss { part, negated: operator.negated, expected, actual, parting, homonym: None, note }
}

/// The conditions of a statement that applies, with what the request has for them.
pub(super) fn held(call: &Call<'_>, written: &str) -> Vec<Held> {
    let Ok(raw) = RawStatement::parse_alone(written) else { return Vec::new() };
    let held = |condition: RawCondition| Held {
        actual: Actual::of(call.context().get(&condition.key.to_lowercase())),
        operator: condition.operator_name,
        key: condition.key,
        expected: condition.values,
    };
    raw.conditions.into_iter().map(held).collect()
}
