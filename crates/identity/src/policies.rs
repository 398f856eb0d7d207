//! The policy documents of users, groups and roles, held as the text that was given.
//!
//! The compiled form belongs to the catalog's view; here a document is only checked.

use std::collections::BTreeMap;

use portcullis_iam::{DocumentKind, Policy, PolicyError, SizeLimit};

use crate::error::IdentityError;
use crate::names::PolicyName;

/// Longest trust policy, in characters that count. Source: iam.md §2.4.
pub const TRUST_POLICY_CHARACTERS_MAX: usize = SizeLimit::TrustPolicy.max();

/// The length of a document as IAM's quotas see it: its characters without white space.
#[must_use]
pub(crate) fn counted_characters(document: &str) -> usize {
    SizeLimit::ManagedPolicy.counted(document)
}

/// Refuses what the policy language refuses: in IAM's words, then in ours, which tell the place.
pub(crate) fn check_document(kind: DocumentKind, document: &str) -> Result<(), IdentityError> {
    let refused = |error: PolicyError| {
        let sentence = error.sentence_of_iam(kind);
        IdentityError::MalformedPolicyDocument(format!("{sentence} ({error})"))
    };
    Policy::parse(kind, document).map(drop).map_err(refused)
}

/// The inline policies of one entity, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InlinePolicies(BTreeMap<PolicyName, Box<str>>);

impl InlinePolicies {
    /// The text of the policy `name`, as it was given.
    #[must_use]
    pub fn get(&self, name: &PolicyName) -> Option<&str> {
        self.0.get(name).map(AsRef::as_ref)
    }

    /// Names and texts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&PolicyName, &str)> {
        self.0.iter().map(|(name, text)| (name, text.as_ref()))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What all the documents take of the quota.
    #[must_use]
    pub fn counted_characters(&self) -> usize {
        self.0.values().map(|text| counted_characters(text)).sum()
    }

    /// These policies with `document` under `name`; it replaces an older one.
    ///
    /// # Errors
    /// [`IdentityError::MalformedPolicyDocument`].
    pub(crate) fn with(&self, name: PolicyName, document: &str) -> Result<Self, IdentityError> {
        check_document(DocumentKind::Identity, document)?;
        let mut policies = self.clone();
        policies.0.insert(name, document.into());
        Ok(policies)
    }

    /// These policies without `name`; `None` if there is no such.
    pub(crate) fn without(&self, name: &PolicyName) -> Option<Self> {
        let mut policies = self.clone();
        policies.0.remove(name).map(|_| policies)
    }
}

impl FromIterator<(PolicyName, Box<str>)> for InlinePolicies {
    /// Takes documents that were checked before: those of the store.
    fn from_iter<I: IntoIterator<Item = (PolicyName, Box<str>)>>(policies: I) -> Self {
        Self(policies.into_iter().collect())
    }
}
