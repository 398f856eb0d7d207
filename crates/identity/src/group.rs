//! Groups of users: what is allowed or denied to the group counts for each member.

use jiff::Timestamp;

use crate::entity::{Entity, EntityKind, Renamable, check_bare, entity_exists};
use crate::error::IdentityError;
use crate::ids::{AccountId, GroupId};
use crate::managed_policy::PolicyArn;
use crate::names::{GroupName, Path};
use crate::policies::InlinePolicies;
use crate::set::SmallSet;
use crate::tags::Tags;
use crate::user::User;

/// Most groups that one user may be in. Source: IAM quotas.
pub const GROUPS_PER_USER_MAX: usize = 10;

/// A group of an account. Who is in it, the users say: see [`User::groups`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Whose group it is.
    pub account: AccountId,
    /// The path in its ARN.
    pub path: Path,
    /// Unique in the account; see [`GroupName::folded`].
    pub name: GroupName,
    /// Never used again.
    pub id: GroupId,
    /// When it was made.
    pub created: Timestamp,
    /// Its inline policies.
    pub policies: InlinePolicies,
    /// The managed policies that are attached to it: at most 10.
    pub attached: SmallSet<PolicyArn>,
}

impl Entity for Group {
    type Name = GroupName;
    const KIND: EntityKind = EntityKind::Group;

    fn account(&self) -> AccountId {
        self.account
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn name(&self) -> &GroupName {
        &self.name
    }

    fn resource_tags(&self) -> Option<&Tags> {
        None
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
}

impl Renamable for Group {
    fn is(&self, other: &Self) -> bool {
        self.id == other.id
    }

    fn renamed(&self, path: Path, name: GroupName) -> Self {
        Self { path, name, ..self.clone() }
    }
}

/// What `CreateGroup` asks for.
#[derive(Clone, Debug)]
pub struct NewGroup {
    /// The path in its ARN; `/` when none was given.
    pub path: Path,
    /// Its name.
    pub name: GroupName,
}

/// Makes a group. `taken` is the group of the account with the same [`GroupName::folded`] name.
///
/// # Errors
/// [`IdentityError::EntityExists`].
pub fn create_group(
    account: AccountId,
    taken: Option<&Group>,
    new: NewGroup,
    id: GroupId,
    now: Timestamp,
) -> Result<Group, IdentityError> {
    let NewGroup { path, name } = new;
    if taken.is_some() {
        return Err(entity_exists::<Group>(&name));
    }
    let (policies, attached) = (InlinePolicies::default(), SmallSet::default());
    Ok(Group { account, path, name, id, created: now, policies, attached })
}

/// Whether `group`, which has `members` users in it, may go.
///
/// # Errors
/// [`IdentityError::UsersRemain`], then those of policies. Not verified: which of them AWS names
/// first.
pub fn delete_group(group: &Group, members: usize) -> Result<(), IdentityError> {
    if members > 0 {
        return Err(IdentityError::UsersRemain);
    }
    check_bare(group)
}

/// `user` in `group`, of the same account; it may be in it already.
///
/// # Errors
/// [`IdentityError::QuotaExceeded`].
pub fn add_user_to_group(user: &User, group: &Group) -> Result<User, IdentityError> {
    let groups = user.groups.with(group.id);
    if groups.len() > GROUPS_PER_USER_MAX {
        let (quota, limit) = ("GroupsPerUser", GROUPS_PER_USER_MAX);
        return Err(IdentityError::QuotaExceeded { quota, limit });
    }
    Ok(User { groups, ..user.clone() })
}

/// `user` no longer in `group`.
///
/// # Errors
/// [`IdentityError::NotInGroup`].
pub fn remove_user_from_group(user: &User, group: &Group) -> Result<User, IdentityError> {
    if !user.groups.contains(&group.id) {
        return Err(IdentityError::NotInGroup(user.name.clone(), group.name.clone()));
    }
    Ok(User { groups: user.groups.without(&group.id), ..user.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::put_inline_policy;
    use crate::samples::{ALLOW, account, group, now, user};

    #[track_caller]
    fn check<T: std::fmt::Debug>(result: Result<T, IdentityError>, code: &str, text: &str) {
        let error = result.unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (code, text));
    }

    fn new(name: &str) -> NewGroup {
        NewGroup { path: Path::default(), name: name.parse().unwrap() }
    }

    fn other() -> Group {
        Group { name: "guests".parse().unwrap(), id: GroupId::from_random([9; 17]), ..group() }
    }

    #[test]
    fn a_group_is_made_once() {
        let id = GroupId::from_random([9; 17]);
        let made = create_group(account(), None, new("admins"), id, now()).unwrap();
        assert_eq!((made.id, made.created, made.policies.is_empty()), (id, now(), true));
        let again = create_group(account(), Some(&made), new("Admins"), id, now());
        check(again, "EntityAlreadyExists", "Group with name Admins already exists.");
    }

    #[test]
    fn a_group_goes_only_when_nobody_and_nothing_is_in_it() {
        let with_policy = put_inline_policy(&group(), "p".parse().unwrap(), ALLOW).unwrap();
        let (users, policies) = (
            "Cannot delete entity, must remove users from group first.",
            "Cannot delete entity, must delete policies first.",
        );
        check(delete_group(&with_policy, 1), "DeleteConflict", users);
        check(delete_group(&with_policy, 0), "DeleteConflict", policies);
        assert_eq!(delete_group(&group(), 0), Ok(()));
    }

    #[test]
    fn a_user_is_in_a_group_once_and_in_ten_at_most() {
        let alice = add_user_to_group(&user(), &group()).unwrap();
        assert_eq!(add_user_to_group(&alice, &group()), Ok(alice.clone()));
        assert_eq!(remove_user_from_group(&alice, &group()), Ok(user()));
        let missing = remove_user_from_group(&alice, &other());
        check(missing, "NoSuchEntity", "User alice not in group guests.");
        let numbered = |n| Group { id: GroupId::from_random([n; 17]), ..group() };
        let full = (0..10).fold(user(), |user, n| add_user_to_group(&user, &numbered(n)).unwrap());
        let one_more = add_user_to_group(&full, &numbered(10));
        check(one_more, "LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10");
        assert!(add_user_to_group(&full, &numbered(9)).is_ok());
    }
}
