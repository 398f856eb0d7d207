//! What a simulation leaves out of a principal's documents: how it is named, and what that means.
//! Source: the IAM API reference, `PolicyIdentifier`.

use portcullis_iam::glob;
use portcullis_identity::{EntityKind, IdentityError, PolicyArn, PolicyName, PolicyOwner};

/// A kind of documents that a principal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExcludedKind {
    /// Inline policies.
    Inline,
    /// Managed policies of AWS.
    AwsManaged,
    /// Managed policies of the account.
    UserManaged,
    /// The permissions boundary.
    Boundary,
    /// Service control policies.
    ServiceControl,
}

/// Documents of a principal that are left out of a simulation.
#[derive(Clone, Debug, Default)]
pub struct Excluded {
    /// All of these kinds.
    pub kinds: Vec<ExcludedKind>,
    /// Managed policies.
    pub managed: Vec<PolicyArnPattern>,
    /// Inline policies of one name.
    pub named: Vec<ExcludedInline>,
}

impl Excluded {
    pub(super) fn has(&self, kind: ExcludedKind) -> bool {
        self.kinds.contains(&kind)
    }

    pub(super) fn has_inline(&self, kind: EntityKind, entity: &str, policy: &PolicyName) -> bool {
        let mut named = self.named.iter();
        self.has(ExcludedKind::Inline) || named.any(|one| one.covers(kind, entity, policy))
    }

    pub(super) fn has_managed(&self, arn: &PolicyArn) -> bool {
        let kind = match arn.owner() {
            PolicyOwner::Aws => ExcludedKind::AwsManaged,
            PolicyOwner::Account(_) => ExcludedKind::UserManaged,
        };
        self.has(kind) || self.managed.iter().any(|pattern| glob(&pattern.0, arn.as_str()))
    }
}

/// The ARN of a managed policy, in whose name `*` stands once at most and `?` anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyArnPattern(String);

impl std::str::FromStr for PolicyArnPattern {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let name = text.rfind('/').map_or(text.len(), |slash| slash + 1);
        let (path, name) = text.split_at_checked(name).unwrap_or((text, ""));
        let one_of_them = format!("{path}{}", name.replace(['*', '?'], "x"));
        let refused = || IdentityError::InvalidPolicyArn(text.into());
        one_of_them.parse::<PolicyArn>().map_err(|_| refused())?;
        is_pattern(name).then(|| Self(text.to_owned())).ok_or_else(refused)
    }
}

/// An inline policy of every user, group or role that is called so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExcludedInline {
    kind: EntityKind,
    entity: String,
    policy: PolicyName,
}

impl ExcludedInline {
    /// In `entity`, `*` stands once at most and `?` anywhere.
    ///
    /// # Errors
    /// [`IdentityError::InvalidPolicyInput`].
    pub fn new(kind: EntityKind, entity: &str, policy: PolicyName) -> Result<Self, IdentityError> {
        if !is_pattern(entity) {
            let text = format!("The name {entity} has more than one * in it.");
            return Err(IdentityError::InvalidPolicyInput(text));
        }
        Ok(Self { kind, entity: entity.to_owned(), policy })
    }

    fn covers(&self, kind: EntityKind, entity: &str, policy: &PolicyName) -> bool {
        self.kind == kind && self.policy == *policy && glob(&self.entity, entity)
    }
}

fn is_pattern(name: &str) -> bool {
    name.matches('*').count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_named_by_its_arn_with_wildcards_in_the_name() {
        let own = "arn:aws:iam::123456789012:policy/team/";
        for (pattern, legal, covers) in [
            ("Read", true, false),
            ("ReadAll", true, true),
            ("Read*", true, true),
            ("R?ad*", true, true),
            ("*", true, true),
            ("?eadAll", true, true),
            ("*ead*", false, false),
            ("", false, false),
            ("*/ReadAll", false, false),
        ] {
            let parsed = format!("{own}{pattern}").parse::<PolicyArnPattern>();
            assert_eq!(parsed.is_ok(), legal, "{pattern}");
            let excluded =
                Excluded { managed: parsed.into_iter().collect(), ..Excluded::default() };
            let arn = format!("{own}ReadAll").parse().unwrap();
            assert_eq!(excluded.has_managed(&arn), covers, "{pattern}");
        }
        assert!("arn:aws:iam::*:policy/x".parse::<PolicyArnPattern>().is_err());
        assert!("*".parse::<PolicyArnPattern>().is_err());
    }
}
