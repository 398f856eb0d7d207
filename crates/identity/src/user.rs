//! Users and the rules that make, change and remove them.

use jiff::Timestamp;

use crate::boundary::Bounded;
use crate::entity::{Entity, EntityKind, Renamable, check_bare, entity_exists};
use crate::error::IdentityError;
use crate::ids::{AccountId, GroupId, UserId};
use crate::managed_policy::PolicyArn;
use crate::names::{Path, UserName};
use crate::policies::InlinePolicies;
use crate::set::SmallSet;
use crate::tags::{Tagged, Tags};

/// A user of an account. Its access keys are values of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Whose user it is.
    pub account: AccountId,
    /// The path in its ARN.
    pub path: Path,
    /// Unique in the account; see [`UserName::folded`].
    pub name: UserName,
    /// Never used again.
    pub id: UserId,
    /// When it was made.
    pub created: Timestamp,
    /// Its tags.
    pub tags: Tags,
    /// Its inline policies.
    pub policies: InlinePolicies,
    /// The managed policies that are attached to it: at most 10.
    pub attached: SmallSet<PolicyArn>,
    /// The managed policy that caps its permissions.
    pub boundary: Option<PolicyArn>,
    /// The groups that it is in: at most 10, of the same account.
    pub groups: SmallSet<GroupId>,
}

impl Tagged for User {
    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn tags_mut(&mut self) -> &mut Tags {
        &mut self.tags
    }
}

impl Entity for User {
    type Name = UserName;
    const KIND: EntityKind = EntityKind::User;

    fn account(&self) -> AccountId {
        self.account
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn name(&self) -> &UserName {
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
}

impl Bounded for User {
    fn boundary_mut(&mut self) -> &mut Option<PolicyArn> {
        &mut self.boundary
    }
}

impl Renamable for User {
    fn is(&self, other: &Self) -> bool {
        self.id == other.id
    }

    fn renamed(&self, path: Path, name: UserName) -> Self {
        Self { path, name, ..self.clone() }
    }
}

/// What `CreateUser` asks for.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The path in its ARN; `/` when none was given.
    pub path: Path,
    /// Its name.
    pub name: UserName,
    /// Its tags.
    pub tags: Tags,
    /// A permissions boundary, which exists.
    pub boundary: Option<PolicyArn>,
}

/// Makes a user. `taken` is the user of the account with the same [`UserName::folded`] name.
///
/// # Errors
/// [`IdentityError::EntityExists`].
pub fn create_user(
    account: AccountId,
    taken: Option<&User>,
    new: NewUser,
    id: UserId,
    now: Timestamp,
) -> Result<User, IdentityError> {
    if taken.is_some() {
        return Err(entity_exists::<User>(&new.name));
    }
    let NewUser { path, name, tags, boundary } = new;
    Ok(User {
        account,
        path,
        name,
        id,
        created: now,
        tags,
        policies: InlinePolicies::default(),
        attached: SmallSet::default(),
        boundary,
        groups: SmallSet::default(),
    })
}

/// Whether `user`, who has `access_keys` keys, may go.
///
/// # Errors
/// Those of policies, then [`IdentityError::AccessKeysRemain`], [`IdentityError::UsersRemain`]. Not verified: which AWS names first.
pub fn delete_user(user: &User, access_keys: usize) -> Result<(), IdentityError> {
    check_bare(user)?;
    if access_keys > 0 {
        return Err(IdentityError::AccessKeysRemain);
    }
    if user.groups.is_empty() { Ok(()) } else { Err(IdentityError::UsersRemain) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arn::Partition;
    use crate::entity::put_inline_policy;
    use crate::group::add_user_to_group;
    use crate::samples::{ALLOW, account, group, now, user};

    fn new(name: &str) -> NewUser {
        NewUser {
            path: Path::default(),
            name: name.parse().unwrap(),
            tags: Tags::default(),
            boundary: None,
        }
    }

    #[track_caller]
    fn check<T: std::fmt::Debug>(result: Result<T, IdentityError>, code: &str, text: &str) {
        let error = result.unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (code, text));
    }

    #[test]
    fn a_user_is_made_once_with_what_was_asked_for() {
        let id = UserId::from_random([9; 17]);
        let made = create_user(account(), None, new("bob"), id, now()).unwrap();
        assert_eq!(made.arn(Partition::Aws), "arn:aws:iam::123456789012:user/bob");
        assert_eq!((made.id, made.created, made.policies.is_empty()), (id, now(), true));
        let again = create_user(account(), Some(&made), new("BOB"), id, now());
        check(again, "EntityAlreadyExists", "User with name BOB already exists.");
    }

    #[test]
    fn a_user_is_made_with_its_boundary() {
        let boundary = Some("arn:aws:iam::aws:policy/ReadOnlyAccess".parse().unwrap());
        let new = NewUser { boundary: boundary.clone(), ..new("bob") };
        let made = create_user(account(), None, new, user().id, now()).unwrap();
        assert_eq!(made.boundary, boundary);
    }

    #[test]
    fn a_user_goes_only_when_nothing_hangs_on_it() {
        let alice = user();
        let with_policy = put_inline_policy(&alice, "p".parse().unwrap(), ALLOW).unwrap();
        let in_group = add_user_to_group(&alice, &group()).unwrap();
        let conflict = "DeleteConflict";
        let (policies, keys, groups) = (
            "Cannot delete entity, must delete policies first.",
            "Cannot delete entity, must delete access keys first.",
            "Cannot delete entity, must remove users from group first.",
        );
        check(delete_user(&with_policy, 0), conflict, policies);
        check(delete_user(&with_policy, 1), conflict, policies);
        check(delete_user(&alice, 1), conflict, keys);
        check(delete_user(&in_group, 0), conflict, groups);
        assert_eq!(delete_user(&alice, 0), Ok(()));
    }
}
