//! Trust policies: who may become a role.

use std::borrow::Cow;

use portcullis_iam::{Bindings, DocumentKind, Entities};

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
