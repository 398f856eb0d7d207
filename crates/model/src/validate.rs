//! Every shape constraint of a request at once, in the exact text of `ValidationException`
//! (aws-lambda.md §1.3).

use std::fmt;

use serde_json::Value;

use crate::bind::lower_first;
use crate::shape::{Kind, Member, OperationModel, Shape};
use constraint::{NOT_NULL, broken};

mod constraint;
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

/// The kind of rule that a member breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokenRule {
    /// It has to be there.
    Required,
    /// It is one of a list.
    Enum,
    /// It is not longer.
    MaxLength,
    /// It is not shorter.
    MinLength,
    /// It has a form.
    Pattern,
    /// It is not greater.
    MaxValue,
    /// It is not less.
    MinValue,
    /// Something in it breaks a rule.
    Part,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Failure {
    rule: BrokenRule,
    /// The value as printed, with its quotes; empty for a secret.
    value: String,
    path: String,
    constraint: String,
}

impl std::error::Error for ValidationError {}

impl ValidationError {
    /// The kind of the first rule that is broken.
    #[must_use]
    pub fn rule(&self) -> Option<BrokenRule> {
        self.failures.first().map(|failure| failure.rule)
    }
}

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
        let Self { rule: _, value, path, constraint } = self;
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
    checker.finish()
}

/// Checks one value against the constraints of a member of the operation's input, as if the request
/// had it there: what a request says in another way.
///
/// # Errors
/// [`ValidationError`] with all failures.
pub fn validate_member(
    operation: &OperationModel,
    member: &str,
    value: &Value,
) -> Result<(), ValidationError> {
    let members = match operation.input.map(|shape| &shape.kind) {
        Some(Kind::Structure(members)) => *members,
        _ => &[],
    };
    let mut checker = Checker::default();
    for member in members.iter().filter(|known| known.name == member) {
        checker.path.push(Step::Member(member.name));
        checker.value(member.shape, value);
        checker.path.pop();
    }
    checker.finish()
}

#[derive(Default)]
struct Checker<'value> {
    failures: Vec<Failure>,
    /// The steps that lead to the current value.
    path: Vec<Step<'value>>,
}

/// One step of a member's path; printed only when something fails.
enum Step<'value> {
    /// A member, by the model's name.
    Member(&'static str),
    /// An element that is a structure, from 1.
    Element(usize),
    /// A map entry that holds a structure.
    Entry(&'value str),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => f.write_str(&lower_first(name)),
            Self::Element(number) => write!(f, "{number}.member"),
            Self::Entry(key) => write!(f, "{key}.member"),
        }
    }
}

impl<'value> Checker<'value> {
    fn finish(self) -> Result<(), ValidationError> {
        let failures = self.failures;
        if failures.is_empty() { Ok(()) } else { Err(ValidationError { failures }) }
    }

    fn structure(&mut self, members: &'static [Member], object: &'value Value) {
        for member in members {
            self.path.push(Step::Member(member.name));
            match object.get(member.name) {
                Some(value) => self.value(member.shape, value),
                None if member.required => {
                    self.fail(BrokenRule::Required, "null ".to_owned(), NOT_NULL.to_owned());
                }
                None => {}
            }
            self.path.pop();
        }
    }

    fn value(&mut self, shape: &'static Shape, value: &'value Value) {
        for constraint in broken(shape, value) {
            self.fail(constraint.rule(), quoted(shape, value), constraint.to_string());
        }
        match (&shape.kind, value) {
            (Kind::Structure(members), _) => self.structure(members, value),
            (Kind::List { element, .. }, Value::Array(values)) => {
                for (index, value) in values.iter().enumerate() {
                    self.part(element, value, Step::Element(index.saturating_add(1)));
                }
            }
            (Kind::Map { value: inner, .. }, Value::Object(entries)) => {
                for (key, value) in entries {
                    self.part(inner, value, Step::Entry(key));
                }
            }
            _ => {}
        }
    }

    /// The members of a structure that a list or map holds have paths of their own.
    fn part(&mut self, shape: &'static Shape, value: &'value Value, step: Step<'value>) {
        if let Kind::Structure(members) = &shape.kind {
            self.path.push(step);
            self.structure(members, value);
            self.path.pop();
        }
    }

    fn fail(&mut self, rule: BrokenRule, value: String, constraint: String) {
        if self.failures.len() < FAILURES_MAX {
            let steps: Vec<String> = self.path.iter().map(ToString::to_string).collect();
            self.failures.push(Failure { rule, value, path: steps.join("."), constraint });
        }
    }
}

/// A value as a message shows it, with a space after it; nothing for a secret.
fn quoted(shape: &Shape, value: &Value) -> String {
    if shape.sensitive { String::new() } else { format!("'{}' ", java::print(shape, value)) }
}

#[cfg(test)]
mod tests;
