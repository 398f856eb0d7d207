//! Trust policies: who may become a role.

use std::borrow::Cow;

use portcullis_iam::{Bindings, DocumentKind, Entities};
use serde_json::Value;

use crate::error::IdentityError;
use crate::policies::{TRUST_POLICY_CHARACTERS_MAX, check_document, counted_characters};

/// A trust policy: the text that was given, which parsed as one, and the unique ids that its
/// principals were bound to then. Source: iam.md §4.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPolicy {
    document: Box<str>,
    bindings: Bindings,
}

impl TrustPolicy {
    /// Checks a document and binds its principals.
    ///
    /// # Errors
    /// [`IdentityError::TrustPolicyTooLarge`]; [`IdentityError::MalformedPolicyDocument`], also of a
    /// user or role that there is not.
    pub fn new(document: &str, entities: &dyn Entities) -> Result<Self, IdentityError> {
        if counted_characters(document) > TRUST_POLICY_CHARACTERS_MAX {
            return Err(IdentityError::TrustPolicyTooLarge);
        }
        check_document(DocumentKind::Trust, document)?;
        check_actions(document)?;
        let bindings = Bindings::of(document, entities)
            .map_err(|nobody| IdentityError::MalformedPolicyDocument(nobody.to_string()))?;
        Ok(Self { document: document.into(), bindings })
    }

    /// As it was stored.
    #[must_use]
    pub fn restore(document: Box<str>, bindings: Bindings) -> Self {
        Self { document, bindings }
    }

    /// The text that was given.
    #[must_use]
    pub fn document(&self) -> &str {
        &self.document
    }

    /// The unique ids of its principals.
    #[must_use]
    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// The text, with the principals as they are now: a user or role that is gone as its unique id.
    #[must_use]
    pub fn shown(&self, entities: &dyn Entities) -> Cow<'_, str> {
        self.bindings.show(&self.document, entities)
    }
}

/// Refuses a document that speaks of anything but becoming the role.
fn check_actions(document: &str) -> Result<(), IdentityError> {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let statements = one_or_many(document.get("Statement"));
    let mut actions = statements.iter().flat_map(|one| one_or_many(one.get("Action")));
    let is_of_sts = |action: &Value| {
        let service = action.as_str().and_then(|action| action.get(..4));
        service.is_some_and(|service| service.eq_ignore_ascii_case("sts:"))
    };
    if actions.all(is_of_sts) {
        return Ok(());
    }
    let text = "AssumeRole policy may only specify STS AssumeRole actions.";
    Err(IdentityError::MalformedPolicyDocument(text.to_owned()))
}

/// The values of an element that may be a list.
fn one_or_many(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(values)) => values,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}
