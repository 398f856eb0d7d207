//! What a whole policy may be about: actions on functions, and the function that it is put on.
//!
//! AWS's words for what is not are not recorded (`[gap]`): [`Scope`] has ours. A wildcard for other
//! functions, or for everything, would never decide anything here, so it is a mistake of its writer.

use portcullis_iam::glob;
use serde_json::Value;

use super::Statement;
use crate::{InvalidParameter, LAMBDA_ACTIONS, Target};

/// Why a statement is not one of the policy of a function, version or alias.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Scope {
    /// No action that functions have is meant.
    #[error("the action {0} is not one of Lambda's that apply to functions")]
    Action(String),
    /// The resource is not what the policy is put on.
    #[error("the resource {0} is not {1}, on which the policy is put")]
    Resource(String, String),
    /// What the policy is put on is left out rather than named.
    #[error("a statement must name {0} in its Resource")]
    NoResource(String),
}

/// That every statement is about `target`, and about actions on functions.
///
/// # Errors
/// [`InvalidParameter::Policy`] of the first that is not.
pub(super) fn check(statements: &[Statement], target: &Target) -> Result<(), InvalidParameter> {
    let checked = statements.iter().try_for_each(|statement| check_one(statement, target));
    checked.map_err(|why| InvalidParameter::Policy(why.to_string().into()))
}

fn check_one(statement: &Statement, target: &Target) -> Result<(), Scope> {
    let value: Value = serde_json::from_str(statement.json()).unwrap_or_default();
    let actions = texts(&value, "Action").chain(texts(&value, "NotAction"));
    if let Some(strange) = actions.into_iter().find(|action| !is_on_functions(action)) {
        return Err(Scope::Action(strange.to_owned()));
    }
    let mut resources = texts(&value, "Resource").peekable();
    if resources.peek().is_none() {
        return Err(Scope::NoResource(target.to_string()));
    }
    match resources.find(|resource| !is_of(target, resource)) {
        Some(strange) => Err(Scope::Resource(strange.to_owned(), target.to_string())),
        None => Ok(()),
    }
}

/// The texts of an element: one, or each of a list.
fn texts<'v>(statement: &'v Value, element: &str) -> impl Iterator<Item = &'v str> {
    let value = statement.get(element);
    let one = value.and_then(Value::as_str);
    let list = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(list)
}

/// Whether a pattern of actions means one that functions have.
fn is_on_functions(pattern: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let mut actions = LAMBDA_ACTIONS.into_iter().filter(|action| applies_to_functions(action));
    pattern == "*"
        || (pattern.starts_with("lambda:")
            && actions.any(|action| glob(&pattern, &action.to_ascii_lowercase())))
}

/// Whether an action of Lambda is authorized on a function, version or alias. A test of the API
/// holds it to the table of operations.
#[must_use]
pub fn applies_to_functions(action: &str) -> bool {
    let name = action.trim_start_matches("lambda:");
    let of_others = [
        "Layer",
        "EventSourceMapping",
        "CapacityProvider",
        "DurableExecution",
        "CodeSigningConfig",
    ];
    match name {
        "ListFunctions" | "GetAccountSettings" => false,
        "ListDurableExecutionsByFunction" => true,
        _ if name.ends_with("FunctionCodeSigningConfig") => true,
        _ => !of_others.iter().any(|other| name.contains(other)),
    }
}

/// Whether `resource` names what the policy is put on: a function's policy may be about its versions
/// and aliases too.
fn is_of(target: &Target, resource: &str) -> bool {
    let function = target.function.as_str();
    let qualifier = resource.strip_prefix(function);
    match &target.qualifier {
        None => qualifier.is_some_and(|rest| rest.is_empty() || rest.starts_with(':')),
        Some(own) => {
            let named = qualifier.and_then(|rest| rest.strip_prefix(':'));
            named.is_some_and(|named| glob(named, &own.to_string()))
        }
    }
}
