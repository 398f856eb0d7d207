//! Users and the rules that make, change and remove them.

use jiff::Timestamp;

use crate::arn::Partition;
use crate::error::IdentityError;
use crate::ids::{AccountId, UserId};
use crate::names::{Path, PolicyName, UserName};
use crate::policies::{InlinePolicies, USER_POLICIES_CHARACTERS_MAX};
use crate::tags::Tags;

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
}

impl User {
    /// `arn:aws:iam::ACCT:user/PATH/NAME`.
    #[must_use]
    pub fn arn(&self, partition: Partition) -> String {
        format!("arn:{partition}:iam::{}:user{}{}", self.account, self.path, self.name)
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
    /// ARN of a permissions boundary.
    pub permissions_boundary: Option<Box<str>>,
}

/// Makes a user. `taken` is the user of the account with the same [`UserName::folded`] name.
///
/// # Errors
/// [`IdentityError::UserExists`]; [`IdentityError::BoundaryUnsupported`] rather than a user with
/// more permissions than were asked for.
pub fn create_user(
    account: AccountId,
    taken: Option<&User>,
    new: NewUser,
    id: UserId,
    now: Timestamp,
) -> Result<User, IdentityError> {
    if new.permissions_boundary.is_some() {
        return Err(IdentityError::BoundaryUnsupported);
    }
    if taken.is_some() {
        return Err(IdentityError::UserExists(new.name));
    }
    let NewUser { path, name, tags, permissions_boundary: _ } = new;
    Ok(User { account, path, name, id, created: now, tags, policies: InlinePolicies::default() })
}

/// The user that a request names.
///
/// # Errors
/// [`IdentityError::NoSuchUser`].
pub fn find_user<'a>(found: Option<&'a User>, name: &UserName) -> Result<&'a User, IdentityError> {
    found.ok_or_else(|| IdentityError::NoSuchUser(name.clone()))
}

/// Whether `user`, who has `access_keys` keys, may go.
///
/// # Errors
/// [`IdentityError::PoliciesRemain`], then [`IdentityError::AccessKeysRemain`]. Not verified: which
/// of the two AWS names first.
pub fn delete_user(user: &User, access_keys: usize) -> Result<(), IdentityError> {
    if !user.policies.is_empty() {
        return Err(IdentityError::PoliciesRemain);
    }
    if access_keys > 0 {
        return Err(IdentityError::AccessKeysRemain);
    }
    Ok(())
}

/// `user` with `document` as its inline policy `name`, which may exist.
///
/// # Errors
/// [`IdentityError::UserPoliciesTooLarge`], [`IdentityError::MalformedPolicyDocument`].
pub fn put_user_policy(
    user: &User,
    name: PolicyName,
    document: &str,
) -> Result<User, IdentityError> {
    let too_large = || IdentityError::UserPoliciesTooLarge(user.name.clone());
    let policies = user.policies.with(name, document, USER_POLICIES_CHARACTERS_MAX, too_large)?;
    Ok(User { policies, ..user.clone() })
}

/// The text of the inline policy `name`, as it was given.
///
/// # Errors
/// [`IdentityError::NoSuchUserPolicy`].
pub fn user_policy<'a>(user: &'a User, name: &PolicyName) -> Result<&'a str, IdentityError> {
    user.policies.get(name).ok_or_else(|| IdentityError::NoSuchUserPolicy(name.clone()))
}

/// `user` without its inline policy `name`.
///
/// # Errors
/// [`IdentityError::NoSuchUserPolicy`].
pub fn delete_user_policy(user: &User, name: &PolicyName) -> Result<User, IdentityError> {
    let missing = || IdentityError::NoSuchUserPolicy(name.clone());
    let policies = user.policies.without(name).ok_or_else(missing)?;
    Ok(User { policies, ..user.clone() })
}
