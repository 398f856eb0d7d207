//! Roles and the rules that make, change and remove them.

use std::str::FromStr;

use jiff::Timestamp;
use portcullis_iam::Entities;

use crate::boundary::Bounded;
use crate::entity::{Entity, EntityKind, check_bare, entity_exists};
use crate::error::{IdentityError, InvalidValue};
use crate::ids::{AccountId, RoleId};
use crate::managed_policy::PolicyArn;
use crate::names::{Path, RoleName};
use crate::policies::InlinePolicies;
use crate::set::SmallSet;
use crate::tags::{Tagged, Tags};
use crate::trust::TrustPolicy;

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
    /// Who may become it.
    pub trust_policy: TrustPolicy,
    /// Its tags.
    pub tags: Tags,
    /// Its inline policies.
    pub policies: InlinePolicies,
    /// The managed policies that are attached to it: at most 10.
    pub attached: SmallSet<PolicyArn>,
    /// The managed policy that caps its permissions.
    pub boundary: Option<PolicyArn>,
}

impl Tagged for Role {
    fn check_taggable(&self) -> Result<(), IdentityError> {
        self.check_modifiable()
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn tags_mut(&mut self) -> &mut Tags {
        &mut self.tags
    }
}

impl Entity for Role {
    type Name = RoleName;
    const KIND: EntityKind = EntityKind::Role;

    fn account(&self) -> AccountId {
        self.account
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn name(&self) -> &RoleName {
        &self.name
    }

    fn resource_tags(&self) -> Option<&Tags> {
        Some(&self.tags)
    }

    fn policies(&self) -> &InlinePolicies {
        &self.policies
    }

    fn policies_mut(&mut self) -> &mut InlinePolicies {
        &mut self.policies
    }

    fn attached(&self) -> &SmallSet<PolicyArn> {
        &self.attached
    }

    fn attached_mut(&mut self) -> &mut SmallSet<PolicyArn> {
        &mut self.attached
    }

    fn boundary(&self) -> Option<&PolicyArn> {
        self.boundary.as_ref()
    }

    fn check_modifiable(&self) -> Result<(), IdentityError> {
        if self.is_service_linked() {
            return Err(IdentityError::Unmodifiable(self.name.clone()));
        }
        Ok(())
    }
}

impl Bounded for Role {
    fn boundary_mut(&mut self) -> &mut Option<PolicyArn> {
        &mut self.boundary
    }
}

/// The beginning of the paths of service-linked roles.
const SERVICE_LINKED: &str = "/aws-service-role/";

impl Role {
    /// Whether it is a service's own, which only the service changes.
    #[must_use]
    pub fn is_service_linked(&self) -> bool {
        self.path.as_str().starts_with(SERVICE_LINKED)
    }
}

/// What `CreateRole` asks for.
#[derive(Clone, Debug)]
pub struct NewRole {
    /// The path in its ARN; `/` when none was given.
    pub path: Path,
    /// Its name.
    pub name: RoleName,
    /// Who may become it.
    pub trust_policy: TrustPolicy,
    /// What it is for.
    pub description: Option<RoleDescription>,
    /// Longest session.
    pub max_session_duration: MaxSessionDuration,
    /// Its tags.
    pub tags: Tags,
    /// A permissions boundary, which exists.
    pub boundary: Option<PolicyArn>,
}

/// Makes a role. `taken` is the role of the account with the same [`RoleName::folded`] name.
///
/// # Errors
/// [`IdentityError::EntityExists`]; a path that is reserved for service-linked roles, whose
/// sessions no session policy limits (iam.md §7.1). The text of that is ours: AWS's is not recorded.
pub fn create_role(
    account: AccountId,
    taken: Option<&Role>,
    new: NewRole,
    id: RoleId,
    now: Timestamp,
) -> Result<Role, IdentityError> {
    if new.path.as_str().starts_with(SERVICE_LINKED) {
        let text = "The path /aws-service-role/ is reserved for service-linked roles.";
        return Err(InvalidValue::new(text).into());
    }
    if taken.is_some() {
        return Err(entity_exists::<Role>(&new.name));
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
        attached: SmallSet::default(),
        boundary: new.boundary,
    })
}

/// `role` with another trust policy; sessions that were begun go on.
///
/// # Errors
/// [`IdentityError::TrustPolicyTooLarge`], [`IdentityError::MalformedPolicyDocument`],
/// [`IdentityError::Unmodifiable`].
pub fn update_trust_policy(
    role: &Role,
    document: &str,
    entities: &dyn Entities,
) -> Result<Role, IdentityError> {
    role.check_modifiable()?;
    Ok(Role { trust_policy: TrustPolicy::new(document, entities)?, ..role.clone() })
}

/// `role` with another description or longest session; what is not given stays. The description is
/// all that may be changed of a service-linked role.
///
/// # Errors
/// [`IdentityError::Unmodifiable`].
pub fn update_role(
    role: &Role,
    description: Option<RoleDescription>,
    max_session_duration: Option<MaxSessionDuration>,
) -> Result<Role, IdentityError> {
    if max_session_duration.is_some() {
        role.check_modifiable()?;
    }
    Ok(Role {
        description: description.or_else(|| role.description.clone()),
        max_session_duration: max_session_duration.unwrap_or(role.max_session_duration),
        ..role.clone()
    })
}

/// Whether `role` may go.
///
/// # Errors
/// [`IdentityError::Unmodifiable`]; those of policies that hang on it.
pub fn delete_role(role: &Role) -> Result<(), IdentityError> {
    role.check_modifiable()?;
    check_bare(role)
}

#[cfg(test)]
mod tests {
    use portcullis_iam::NoEntities;

    use super::*;
    use crate::arn::Partition;
    use crate::entity::put_inline_policy;
    use crate::samples::{ALLOW, TRUST, account, now, role};

    fn new(trust_policy: &str) -> NewRole {
        NewRole {
            path: Path::default(),
            name: "deploy".parse().unwrap(),
            trust_policy: TrustPolicy::new(trust_policy, &NoEntities).unwrap(),
            description: None,
            max_session_duration: MaxSessionDuration::default(),
            tags: Tags::default(),
            boundary: None,
        }
    }

    fn create(taken: Option<&Role>, new: NewRole) -> Result<Role, IdentityError> {
        create_role(account(), taken, new, RoleId::from_random([9; 17]), now())
    }

    #[track_caller]
    fn check<T: std::fmt::Debug>(result: Result<T, IdentityError>, code: &str, text: &str) {
        let error = result.unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (code, text));
    }

    #[test]
    fn a_role_is_made_once_with_what_was_asked_for() {
        let made = create(None, new(TRUST)).unwrap();
        assert_eq!(made.arn(Partition::Aws), "arn:aws:iam::123456789012:role/deploy");
        assert_eq!(
            (made.trust_policy.document(), made.max_session_duration.seconds()),
            (TRUST, 3600)
        );
        let again = create(Some(&made), new(TRUST));
        check(again, "EntityAlreadyExists", "Role with name deploy already exists.");
    }

    #[test]
    fn nobody_makes_a_service_linked_role() {
        for path in ["/aws-service-role/", "/aws-service-role/x.amazonaws.com/"] {
            let linked = NewRole { path: path.parse().unwrap(), ..new(TRUST) };
            assert_eq!(create(None, linked).unwrap_err().code(), "ValidationError", "{path}");
        }
        let other = NewRole { path: "/aws-service-roles/".parse().unwrap(), ..new(TRUST) };
        assert!(create(None, other).is_ok());
    }

    #[test]
    fn a_trust_policy_is_one_or_the_role_is_refused() {
        let long = TRUST.replace("sts:", &format!("sts:{}", "x".repeat(2_048)));
        let text = "Cannot exceed quota for ACLSizePerRole: 2048";
        let made = |document: &str| TrustPolicy::new(document, &NoEntities);
        check(made(&long), "LimitExceeded", text);
        for document in ["", "{}", ALLOW] {
            let error = made(document).unwrap_err();
            assert_eq!(error.code(), "MalformedPolicyDocument", "{document}: {error}");
        }
    }

    #[test]
    fn what_is_not_given_stays() {
        let long = MaxSessionDuration::new(43_200).unwrap();
        let described = update_role(&role(), Some("What for".parse().unwrap()), None).unwrap();
        assert_eq!(described.max_session_duration, role().max_session_duration);
        let both = update_role(&described, None, Some(long)).unwrap();
        assert_eq!((&both.description, both.max_session_duration), (&described.description, long));
        let trust = TRUST.replace("123456789012", "210987654321");
        let changed = update_trust_policy(&both, &trust, &NoEntities).unwrap();
        let trust_policy = TrustPolicy::new(&trust, &NoEntities).unwrap();
        assert_eq!(changed, Role { trust_policy, ..both });
        let error = update_trust_policy(&role(), ALLOW, &NoEntities).unwrap_err();
        assert_eq!(error.code(), "MalformedPolicyDocument");
    }

    #[test]
    fn a_role_goes_only_without_policies() {
        let with_policy = put_inline_policy(&role(), "p".parse().unwrap(), ALLOW).unwrap();
        let text = "Cannot delete entity, must delete policies first.";
        check(delete_role(&with_policy), "DeleteConflict", text);
        assert_eq!(delete_role(&role()), Ok(()));
    }

    #[test]
    #[rustfmt::skip]
    fn a_session_duration_and_a_description_have_their_range() {
        let legal = [3_599, 3_600, 43_200, 43_201].map(|n| MaxSessionDuration::new(n).is_ok());
        assert_eq!(legal, [false, true, true, false]);
        let long = "d".repeat(1_001);
        let legal = ["", "tab\tand\nline é", "\u{1}", "\u{100}", &long].map(|text| text.parse::<RoleDescription>().is_ok());
        assert_eq!(legal, [true, true, false, false, false]);
    }
}
