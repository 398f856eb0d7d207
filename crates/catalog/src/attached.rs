//! A compiled document with what it is called: what the snapshot holds, and what a decision keeps.

use std::{fmt, ops::Deref, sync::Arc};

use portcullis_iam::Policy;

/// A compiled document, and whose it is. Shared, so that a decision keeps it as it was, whatever is
/// written later.
#[derive(Debug)]
pub struct AttachedPolicy {
    policy: Policy,
    of: Box<str>,
    name: Option<Box<str>>,
}

impl AttachedPolicy {
    /// The document of `of`: the ARN of the function, role, session or managed policy that it is
    /// the policy of.
    #[must_use]
    pub fn new(of: impl Into<Box<str>>, policy: Policy) -> Arc<Self> {
        Arc::new(Self { policy, of: of.into(), name: None })
    }

    /// The inline document `name` of the user, group or role whose ARN is `of`.
    #[must_use]
    pub fn inline(of: &str, name: &str, policy: Policy) -> Arc<Self> {
        Arc::new(Self { policy, of: of.into(), name: Some(name.into()) })
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
