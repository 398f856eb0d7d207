//! A compiled document with what it is called: what the snapshot holds, and what a decision keeps.

use std::{fmt, ops::Deref, sync::Arc};

use portcullis_iam::Policy;
use portcullis_identity::Caller;

use crate::organizations::OrganizationKey;

/// The condition key that every resource gives.
pub(crate) const RESOURCE_ACCOUNT: &str = "aws:resourceaccount";

/// A compiled document, and whose it is. Shared, so that a decision keeps it as it was, whatever is
/// written later.
#[derive(Debug)]
pub struct AttachedPolicy {
    policy: Policy,
    of: Box<str>,
    name: Option<Box<str>>,
    kept: Box<[KeptKey]>,
}

/// A condition key that a document names, and whose value a decision keeps: not one that the caller
/// or the resource's account tell at any time.
#[derive(Debug)]
pub(crate) struct KeptKey {
    /// In lower case.
    pub(crate) name: Arc<str>,
    /// If organizations tell it.
    pub(crate) of_organization: Option<OrganizationKey>,
}

impl KeptKey {
    fn new(name: &Arc<str>) -> Option<Self> {
        let is_kept = **name != *RESOURCE_ACCOUNT && !Caller::alone_tells(name);
        let of_organization = OrganizationKey::of(name);
        is_kept.then(|| Self { name: name.clone(), of_organization })
    }
}

impl AttachedPolicy {
    /// The document of `of`: the ARN of the function, role, session or managed policy that it is
    /// the policy of.
    #[must_use]
    pub fn new(of: impl Into<Box<str>>, policy: Policy) -> Arc<Self> {
        Self::of_name(of.into(), None, policy)
    }

    /// The inline document `name` of the user, group or role whose ARN is `of`.
    #[must_use]
    pub fn inline(of: &str, name: &str, policy: Policy) -> Arc<Self> {
        Self::of_name(of.into(), Some(name.into()), policy)
    }

    fn of_name(of: Box<str>, name: Option<Box<str>>, policy: Policy) -> Arc<Self> {
        let kept = policy.condition_keys().iter().filter_map(KeptKey::new).collect();
        Arc::new(Self { policy, of, name, kept })
    }

    /// Whose document it is: an ARN.
    #[must_use]
    pub fn of(&self) -> &str {
        &self.of
    }

    /// Which of several it is: the name of an inline policy.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The condition keys that it names and that a decision keeps the values of.
    pub(crate) fn kept_keys(&self) -> &[KeptKey] {
        &self.kept
    }
}

/// For a person: `own of arn:aws:iam::123456789012:user/alice`, or the ARN alone.
impl fmt::Display for AttachedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} of {}", self.of),
            None => f.write_str(&self.of),
        }
    }
}

impl Deref for AttachedPolicy {
    type Target = Policy;

    fn deref(&self) -> &Policy {
        &self.policy
    }
}
