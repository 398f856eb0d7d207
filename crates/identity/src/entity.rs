//! What policies hang on: users, groups and roles, and the rules that are the same for all three.

use std::fmt;

use portcullis_iam::SizeLimit;

use crate::arn::Partition;
use crate::error::IdentityError;
use crate::ids::AccountId;
use crate::managed_policy::PolicyArn;
use crate::names::{Path, PolicyName};
use crate::policies::InlinePolicies;
use crate::set::SmallSet;
use crate::tags::Tags;

/// A kind of entity. `Display` is the word in messages and ARNs: `user`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityKind {
    /// A user.
    User,
    /// A group of users.
    Group,
    /// A role.
    Role,
}

impl EntityKind {
    /// The word at the beginning of a message: `User`.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::Role => "Role",
        }
    }

    /// Longest inline policies of one entity together, in characters that count. Source: iam.md §2.4.
    #[must_use]
    pub fn inline_policies_characters_max(self) -> usize {
        match self {
            Self::User => SizeLimit::UserPolicies,
            Self::Group => SizeLimit::GroupPolicies,
            Self::Role => SizeLimit::RolePolicies,
        }
        .max()
    }
}

impl fmt::Display for EntityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        })
    }
}

/// A user, group or role.
pub trait Entity: Clone {
    /// How it is named; unique in the account but for case.
    type Name: fmt::Display;
    /// What it is.
    const KIND: EntityKind;

    /// Whose it is.
    fn account(&self) -> AccountId;

    /// The path in its ARN.
    fn path(&self) -> &Path;

    /// Its name.
    fn name(&self) -> &Self::Name;

    /// Its tags; `None` if its kind has none.
    fn resource_tags(&self) -> Option<&Tags>;

    /// Its inline policies.
    fn policies(&self) -> &InlinePolicies;

    /// Its inline policies, to be changed by the rules of this crate.
    fn policies_mut(&mut self) -> &mut InlinePolicies;

    /// The managed policies that are attached to it.
    fn attached(&self) -> &SmallSet<PolicyArn>;

    /// The attached policies, to be changed by the rules of this crate.
    fn attached_mut(&mut self) -> &mut SmallSet<PolicyArn>;

    /// The managed policy that caps its permissions; a group has none.
    fn boundary(&self) -> Option<&PolicyArn> {
        None
    }

    /// Whether its owner may change it.
    ///
    /// # Errors
    /// [`IdentityError::Unmodifiable`] for a service-linked role.
    fn check_modifiable(&self) -> Result<(), IdentityError> {
        Ok(())
    }

    /// `arn:aws:iam::ACCT:KIND/PATH/NAME`.
    fn arn(&self, partition: Partition) -> String {
        entity_arn(partition, self.account(), Self::KIND, self.path(), self.name())
    }
}

/// `arn:aws:iam::ACCT:KIND/PATH/NAME`.
pub fn entity_arn(
    partition: Partition,
    account: AccountId,
    kind: EntityKind,
    path: &Path,
    name: impl fmt::Display,
) -> String {
    format!("arn:{partition}:iam::{account}:{kind}{path}{name}")
}

/// That there is no entity of this kind and name.
#[must_use]
pub fn no_such_entity<E: Entity>(name: &E::Name) -> IdentityError {
    IdentityError::NoSuchEntity { kind: E::KIND, name: name.to_string().into() }
}

/// That the name is taken; names that differ only by case are the same name.
pub(crate) fn entity_exists<E: Entity>(name: &E::Name) -> IdentityError {
    IdentityError::EntityExists { kind: E::KIND, name: name.to_string().into() }
}

/// What can get another path and name and stays what it is: a user or a group.
pub trait Renamable: Entity {
    /// Whether it is the one that `other` is, whatever their names.
    fn is(&self, other: &Self) -> bool;

    /// It, under another path and name.
    fn renamed(&self, path: Path, name: Self::Name) -> Self;
}

/// `entity` under another path or name. `taken` is the entity of the account with the same name as
/// the new one but for case, this entity included.
///
/// # Errors
/// [`IdentityError::EntityExists`].
pub fn rename<E: Renamable<Name: Clone>>(
    entity: &E,
    taken: Option<&E>,
    path: Option<&Path>,
    name: Option<&E::Name>,
) -> Result<E, IdentityError> {
    let name = name.unwrap_or(entity.name());
    if taken.is_some_and(|taken| !taken.is(entity)) {
        return Err(entity_exists::<E>(name));
    }
    Ok(entity.renamed(path.unwrap_or(entity.path()).clone(), name.clone()))
}

/// Whether policies hang on an entity that should go.
///
/// # Errors
/// [`IdentityError::AttachmentsRemain`], then [`IdentityError::PoliciesRemain`]. Not verified: which
/// of the two AWS names first.
pub(crate) fn check_bare<E: Entity>(entity: &E) -> Result<(), IdentityError> {
    if !entity.attached().is_empty() {
        return Err(IdentityError::AttachmentsRemain);
    }
    if entity.policies().is_empty() { Ok(()) } else { Err(IdentityError::PoliciesRemain) }
}

/// `entity` with `document` as its inline policy `name`, which may exist.
///
/// # Errors
/// [`IdentityError::InlinePoliciesTooLarge`], [`IdentityError::MalformedPolicyDocument`],
/// [`IdentityError::Unmodifiable`].
pub fn put_inline_policy<E: Entity>(
    entity: &E,
    name: PolicyName,
    document: &str,
) -> Result<E, IdentityError> {
    entity.check_modifiable()?;
    let policies = entity.policies().with(name, document)?;
    if policies.counted_characters() > E::KIND.inline_policies_characters_max() {
        let name = entity.name().to_string().into();
        return Err(IdentityError::InlinePoliciesTooLarge { kind: E::KIND, name });
    }
    let mut entity = entity.clone();
    *entity.policies_mut() = policies;
    Ok(entity)
}

/// The text of the inline policy `name`, as it was given.
///
/// # Errors
/// [`IdentityError::NoSuchInlinePolicy`].
pub fn inline_policy<'a, E: Entity>(
    entity: &'a E,
    name: &PolicyName,
) -> Result<&'a str, IdentityError> {
    entity.policies().get(name).ok_or_else(|| no_such_inline_policy::<E>(name))
}

/// `entity` without its inline policy `name`.
///
/// # Errors
/// [`IdentityError::NoSuchInlinePolicy`].
pub fn delete_inline_policy<E: Entity>(entity: &E, name: &PolicyName) -> Result<E, IdentityError> {
    let policies =
        entity.policies().without(name).ok_or_else(|| no_such_inline_policy::<E>(name))?;
    let mut entity = entity.clone();
    *entity.policies_mut() = policies;
    Ok(entity)
}

fn no_such_inline_policy<E: Entity>(name: &PolicyName) -> IdentityError {
    IdentityError::NoSuchInlinePolicy { kind: E::KIND, name: name.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{ALLOW, group, role, user};

    fn name(text: &str) -> PolicyName {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check<T: fmt::Debug>(result: Result<T, IdentityError>, code: &str, text: &str) {
        let error = result.unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (code, text));
    }

    #[test]
    #[rustfmt::skip]
    fn what_does_not_exist_is_named_as_aws_names_it() {
        let [alice, staff, deploy] = [inline_policy(&user(), &name("p")).map(drop), inline_policy(&group(), &name("p")).map(drop), inline_policy(&role(), &name("p")).map(drop)];
        check(alice,   "NoSuchEntity", "The user policy with name p cannot be found.");
        check(staff,   "NoSuchEntity", "The group policy with name p cannot be found.");
        check(deploy,  "NoSuchEntity", "The role policy with name p cannot be found.");
        check(delete_inline_policy(&group(), &name("p")), "NoSuchEntity", "The group policy with name p cannot be found.");
        check(Err::<(), _>(no_such_entity::<crate::Group>(&group().name)), "NoSuchEntity", "The group with name staff cannot be found.");
    }

    #[test]
    fn a_put_policy_is_read_back_as_it_was_given_and_replaced_by_the_next() {
        let spaced = ALLOW.replace(',', ", \n\t");
        let alice = put_inline_policy(&user(), name("p"), &spaced).unwrap();
        assert_eq!(inline_policy(&alice, &name("p")), Ok(spaced.as_str()));
        let alice = put_inline_policy(&alice, name("p"), ALLOW).unwrap();
        let alice = put_inline_policy(&alice, name("P"), ALLOW).unwrap();
        let names: Vec<_> = alice.policies.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((inline_policy(&alice, &name("p")), names), (Ok(ALLOW), vec!["P", "p"]));
        let alice = delete_inline_policy(&alice, &name("p")).unwrap();
        assert_eq!(delete_inline_policy(&alice, &name("P")), Ok(user()));
    }

    /// The quota counts all documents of the entity without their white space.
    #[track_caller]
    fn check_quota<E: Entity + fmt::Debug>(entity: &E, max: usize, text: &str) {
        let sized = |characters: usize| {
            let padding = "x".repeat(characters - crate::policies::counted_characters(ALLOW));
            ALLOW.replace("s3:Get*", &format!("s3:Get*{padding}"))
        };
        let full = put_inline_policy(entity, name("a"), &sized(max - 1_000)).unwrap();
        check(put_inline_policy(&full, name("b"), &sized(1_001)), "LimitExceeded", text);
        let just_right = sized(1_000).replace(',', "   ,\n");
        assert!(put_inline_policy(&full, name("b"), &just_right).is_ok());
        assert!(put_inline_policy(&full, name("a"), &sized(max)).is_ok(), "replaces, not adds");
    }

    #[test]
    #[rustfmt::skip]
    fn each_kind_has_its_quota() {
        check_quota(&user(),  2_048,  "Maximum policy size of 2048 bytes exceeded for user alice");
        check_quota(&group(), 5_120,  "Maximum policy size of 5120 bytes exceeded for group staff");
        check_quota(&role(),  10_240, "Maximum policy size of 10240 bytes exceeded for role deploy");
    }

    #[test]
    fn a_malformed_document_is_refused_and_changes_nothing() {
        for document in ["", "{", "[]", r#"{"Statement":[{"Effect":"Perhaps"}]}"#] {
            let error = put_inline_policy(&user(), name("p"), document).unwrap_err();
            assert_eq!(error.code(), "MalformedPolicyDocument", "{document}: {error}");
        }
    }

    #[test]
    fn a_new_name_is_free_or_its_own() {
        let other = crate::User { id: crate::UserId::from_random([9; 17]), ..user() };
        let new = "ALICE".parse().unwrap();
        let renamed = rename(&user(), Some(&user()), None, Some(&new)).unwrap();
        assert_eq!(renamed, crate::User { name: new.clone(), ..user() });
        let text = "User with name ALICE already exists.";
        check(rename(&user(), Some(&other), None, Some(&new)), "EntityAlreadyExists", text);
        let path = "/moved/".parse().unwrap();
        let moved = rename(&group(), Some(&group()), Some(&path), None);
        assert_eq!(moved, Ok(crate::Group { path, ..group() }));
    }

    #[test]
    fn an_arn_has_kind_path_and_name() {
        let arns = [
            user().arn(Partition::AwsCn),
            group().arn(Partition::Aws),
            role().arn(Partition::AwsUsGov),
        ];
        let want = [
            "arn:aws-cn:iam::123456789012:user/team/alice",
            "arn:aws:iam::123456789012:group/staff",
            "arn:aws-us-gov:iam::123456789012:role/service/deploy",
        ];
        assert_eq!(arns, want);
    }
}
