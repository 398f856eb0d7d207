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
/// [`IdentityError::UserExists`]; [`IdentityError::ParameterUnsupported`] for a boundary, rather
/// than a user with more permissions than were asked for.
pub fn create_user(
    account: AccountId,
    taken: Option<&User>,
    new: NewUser,
    id: UserId,
    now: Timestamp,
) -> Result<User, IdentityError> {
    if new.permissions_boundary.is_some() {
        return Err(IdentityError::ParameterUnsupported("PermissionsBoundary"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{ALLOW, account, now, user};

    fn new(name: &str) -> NewUser {
        NewUser {
            path: Path::default(),
            name: name.parse().unwrap(),
            tags: Tags::default(),
            permissions_boundary: None,
        }
    }

    fn name(text: &str) -> PolicyName {
        text.parse().unwrap()
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
        assert_eq!(user().arn(Partition::AwsCn), "arn:aws-cn:iam::123456789012:user/team/alice");
    }

    #[test]
    fn a_boundary_is_refused_not_forgotten() {
        let boundary = Some("arn:aws:iam::aws:policy/ReadOnlyAccess".into());
        let new = NewUser { permissions_boundary: boundary, ..new("bob") };
        let refused = create_user(account(), None, new, user().id, now());
        let text = "The parameter PermissionsBoundary is not supported yet.";
        check(refused, "UnsupportedOperationException", text);
    }

    #[test]
    #[rustfmt::skip]
    fn what_does_not_exist_is_named_as_aws_names_it() {
        let alice = user();
        check(find_user(None, &alice.name),             "NoSuchEntity", "The user with name alice cannot be found.");
        check(user_policy(&alice, &name("p")),          "NoSuchEntity", "The user policy with name p cannot be found.");
        check(delete_user_policy(&alice, &name("p")),   "NoSuchEntity", "The user policy with name p cannot be found.");
        assert_eq!(find_user(Some(&alice), &alice.name), Ok(&alice));
    }

    #[test]
    fn a_user_goes_only_when_nothing_hangs_on_it() {
        let alice = user();
        let with_policy = put_user_policy(&alice, name("p"), ALLOW).unwrap();
        let conflict = "DeleteConflict";
        let (policies, keys) = (
            "Cannot delete entity, must delete policies first.",
            "Cannot delete entity, must delete access keys first.",
        );
        check(delete_user(&with_policy, 0), conflict, policies);
        check(delete_user(&with_policy, 1), conflict, policies);
        check(delete_user(&alice, 1), conflict, keys);
        assert_eq!(delete_user(&delete_user_policy(&with_policy, &name("p")).unwrap(), 0), Ok(()));
    }

    #[test]
    fn a_put_policy_is_read_back_as_it_was_given_and_replaced_by_the_next() {
        let spaced = ALLOW.replace(',', ", \n\t");
        let alice = put_user_policy(&user(), name("p"), &spaced).unwrap();
        assert_eq!(user_policy(&alice, &name("p")), Ok(spaced.as_str()));
        let alice = put_user_policy(&alice, name("p"), ALLOW).unwrap();
        let alice = put_user_policy(&alice, name("P"), ALLOW).unwrap();
        let names: Vec<_> = alice.policies.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((user_policy(&alice, &name("p")), names), (Ok(ALLOW), vec!["P", "p"]));
    }

    #[test]
    fn the_quota_counts_all_documents_without_their_white_space() {
        let sized = |characters: usize| {
            let padding = "x".repeat(characters - crate::counted_characters(ALLOW));
            ALLOW.replace("s3:Get*", &format!("s3:Get*{padding}"))
        };
        let alice = put_user_policy(&user(), name("a"), &sized(1_048)).unwrap();
        let too_long = put_user_policy(&alice, name("b"), &sized(1_001));
        let text = "Maximum policy size of 2048 bytes exceeded for user alice";
        check(too_long, "LimitExceeded", text);
        let just_right = sized(1_000).replace(',', "   ,\n");
        assert!(put_user_policy(&alice, name("b"), &just_right).is_ok());
        assert!(put_user_policy(&alice, name("a"), &sized(2_048)).is_ok(), "replaces, not adds");
    }

    #[test]
    fn a_malformed_document_is_refused_and_changes_nothing() {
        for document in ["", "{", "[]", r#"{"Statement":[{"Effect":"Perhaps"}]}"#] {
            let error = put_user_policy(&user(), name("p"), document).unwrap_err();
            assert_eq!(error.code(), "MalformedPolicyDocument", "{document}: {error}");
        }
    }
}
