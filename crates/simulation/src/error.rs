//! Why a case cannot be decided: the place in the case and the rule.

use portcullis_iam::PolicyError;
use portcullis_json::JsonError;
use thiserror::Error;

/// A case that is not of the form, or has a document that is no policy.
///
/// Its text names the place (`identityPolicies[1]: Statement[0].Effect`) and the rule that is broken
/// there. The place is empty for the line as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}{}{rule}", if place.is_empty() { "" } else { ": " })]
pub struct CaseError {
    place: String,
    rule: String,
}

impl CaseError {
    /// The error that `rule` is broken at `place`.
    pub(crate) fn new(place: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { place: place.into(), rule: rule.into() }
    }

    /// JSON that is broken, or an object that says a thing twice.
    pub(crate) fn json(place: &str, error: &JsonError) -> Self {
        let text = error.to_string();
        // A case is one line: of serde's "at line 1 column 5" only the column says anything.
        match (error, text.split_once(" at line ")) {
            (JsonError::Syntax(error), Some((rule, _))) if place.is_empty() => {
                Self::new(format!("column {}", error.column()), rule)
            }
            (_, Some((rule, _))) => Self::new(place, rule),
            (_, None) => Self::new(place, text),
        }
    }

    /// A document that is refused.
    pub(crate) fn policy(place: impl Into<String>, error: &PolicyError) -> Self {
        Self::new(place, error.to_string())
    }
}
