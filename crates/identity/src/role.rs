//! Roles and the rules that make, change and remove them.

use std::str::FromStr;

use jiff::Timestamp;
use portcullis_iam::DocumentKind;

use crate::arn::Partition;
use crate::error::{IdentityError, InvalidValue};
use crate::ids::{AccountId, RoleId};
use crate::names::{Path, PolicyName, RoleName};
use crate::policies::{
    InlinePolicies, ROLE_POLICIES_CHARACTERS_MAX, TRUST_POLICY_CHARACTERS_MAX, check_document,
    counted_characters,
};
use crate::tags::Tags;

/// Longest that a session of the role may be asked to last. Seconds, 3,600..=43,200.
///
/// Source: IAM model, `roleMaxSessionDurationType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MaxSessionDuration(u32);

impl MaxSessionDuration {
    /// # Errors
    /// [`InvalidValue`] outside the range.
    pub fn new(seconds: u32) -> Result<Self, InvalidValue> {
        let rule = match seconds {
            0..3_600 => "Member must have value greater than or equal to 3600",
            3_600..=43_200 => return Ok(Self(seconds)),
            43_201.. => "Member must have value less than or equal to 43200",
        };
        Err(InvalidValue::constraint("maxSessionDuration", seconds, rule))
    }

    /// The seconds.
    #[must_use]
    pub fn seconds(self) -> u32 {
        self.0
    }
}

impl Default for MaxSessionDuration {
    /// One hour, as `CreateRole` without the parameter.
    fn default() -> Self {
        Self(3_600)
    }
}

/// What a role is for, in its owner's words: at most 1,000 characters, no control characters but
/// tab and line ends. Source: IAM model, `roleDescriptionType`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleDescription(Box<str>);

impl RoleDescription {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoleDescription {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let legal = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}');
        if text.chars().count() > 1_000 {
            let rule = "Member must have length less than or equal to 1000";
            return Err(InvalidValue::constraint("description", text, rule));
        }
        if !text.chars().all(legal) {
            let rule = "Member must satisfy regular expression pattern: \
                        [\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*";
            return Err(InvalidValue::constraint("description", text, rule));
        }
        Ok(Self(text.into()))
    }
}

/// A role of an account: nobody signs as it; callers that its trust policy admits become sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Whose role it is.
    pub account: AccountId,
    /// The path in its ARN; not in the ARNs of its sessions.
    pub path: Path,
    /// Unique in the account; see [`RoleName::folded`].
    pub name: RoleName,
    /// Never used again.
    pub id: RoleId,
    /// When it was made.
    pub created: Timestamp,
    /// What it is for.
    pub description: Option<RoleDescription>,
    /// Longest session.
    pub max_session_duration: MaxSessionDuration,
    /// Who may become it: the text that was given; it parsed as a trust policy.
    pub trust_policy: Box<str>,
    /// Its tags.
    pub tags: Tags,
    /// Its inline policies.
    pub policies: InlinePolicies,
}

impl Role {
    /// `arn:aws:iam::ACCT:role/PATH/NAME`.
    #[must_use]
    pub fn arn(&self, partition: Partition) -> String {
        format!("arn:{partition}:iam::{}:role{}{}", self.account, self.path, self.name)
    }
}

/// What `CreateRole` asks for.
#[derive(Clone, Debug)]
pub struct NewRole {
    /// The path in its ARN; `/` when none was given.
    pub path: Path,
    /// Its name.
    pub name: RoleName,
    /// The text of `AssumeRolePolicyDocument`.
    pub trust_policy: Box<str>,
    /// What it is for.
    pub description: Option<RoleDescription>,
    /// Longest session.
    pub max_session_duration: MaxSessionDuration,
    /// Its tags.
    pub tags: Tags,
    /// ARN of a permissions boundary.
    pub permissions_boundary: Option<Box<str>>,
}

/// Makes a role. `taken` is the role of the account with the same [`RoleName::folded`] name.
///
/// # Errors
/// [`IdentityError::RoleExists`], [`IdentityError::TrustPolicyTooLarge`],
/// [`IdentityError::MalformedPolicyDocument`]; [`IdentityError::BoundaryUnsupported`] rather than a
/// role with more permissions than were asked for.
pub fn create_role(
    account: AccountId,
    taken: Option<&Role>,
    new: NewRole,
    id: RoleId,
    now: Timestamp,
) -> Result<Role, IdentityError> {
    if new.permissions_boundary.is_some() {
        return Err(IdentityError::BoundaryUnsupported);
    }
    check_trust_policy(&new.trust_policy)?;
    if taken.is_some() {
        return Err(IdentityError::RoleExists(new.name));
    }
    Ok(Role {
        account,
        path: new.path,
        name: new.name,
        id,
        created: now,
        description: new.description,
        max_session_duration: new.max_session_duration,
        trust_policy: new.trust_policy,
        tags: new.tags,
        policies: InlinePolicies::default(),
    })
}

fn check_trust_policy(document: &str) -> Result<(), IdentityError> {
    if counted_characters(document) > TRUST_POLICY_CHARACTERS_MAX {
        return Err(IdentityError::TrustPolicyTooLarge);
    }
    check_document(DocumentKind::Trust, document)
}

/// The role that a request names.
///
/// # Errors
/// [`IdentityError::NoSuchRole`].
pub fn find_role<'a>(found: Option<&'a Role>, name: &RoleName) -> Result<&'a Role, IdentityError> {
    found.ok_or_else(|| IdentityError::NoSuchRole(name.clone()))
}

/// Whether `role` may go.
///
/// # Errors
/// [`IdentityError::PoliciesRemain`].
pub fn delete_role(role: &Role) -> Result<(), IdentityError> {
    if role.policies.is_empty() { Ok(()) } else { Err(IdentityError::PoliciesRemain) }
}

/// `role` with `document` as its inline policy `name`, which may exist.
///
/// # Errors
/// [`IdentityError::RolePoliciesTooLarge`], [`IdentityError::MalformedPolicyDocument`].
pub fn put_role_policy(
    role: &Role,
    name: PolicyName,
    document: &str,
) -> Result<Role, IdentityError> {
    let too_large = || IdentityError::RolePoliciesTooLarge(role.name.clone());
    let policies = role.policies.with(name, document, ROLE_POLICIES_CHARACTERS_MAX, too_large)?;
    Ok(Role { policies, ..role.clone() })
}

/// The text of the inline policy `name`, as it was given.
///
/// # Errors
/// [`IdentityError::NoSuchRolePolicy`].
pub fn role_policy<'a>(role: &'a Role, name: &PolicyName) -> Result<&'a str, IdentityError> {
    role.policies.get(name).ok_or_else(|| IdentityError::NoSuchRolePolicy(name.clone()))
}

/// `role` without its inline policy `name`.
///
/// # Errors
/// [`IdentityError::NoSuchRolePolicy`].
pub fn delete_role_policy(role: &Role, name: &PolicyName) -> Result<Role, IdentityError> {
    let missing = || IdentityError::NoSuchRolePolicy(name.clone());
    let policies = role.policies.without(name).ok_or_else(missing)?;
    Ok(Role { policies, ..role.clone() })
}
