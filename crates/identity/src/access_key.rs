//! Long-term access keys: whom they speak for, how many there may be.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::error::{IdentityError, InvalidValue};
use crate::ids::{AccessKeyId, AccountId, SecretAccessKey, UserId};
use crate::names::UserName;
use crate::service::ServiceName;

/// Most access keys of one user, or of the root of one account, that IAM makes. Source: IAM quotas.
pub const ACCESS_KEYS_PER_USER_MAX: usize = 2;

/// Most access keys of one service principal, and of the root of one account, that the operator
/// makes: one for each machine that uses them, and room to replace a lost one. Our own limit; AWS
/// has no such keys.
pub const ACCESS_KEYS_BY_OPERATOR_MAX: usize = 1000;

/// For whom an access key signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOwner {
    /// The root user of an account.
    Root(AccountId),
    /// One user; the unique id, so that a new user of the same name does not inherit the key.
    User {
        /// Whose user it is.
        account: AccountId,
        /// Its name when the key was made.
        name: UserName,
        /// Its unique id.
        id: UserId,
    },
    /// A service principal (design.md §6).
    Service(ServiceName),
}

/// Who makes a key: it decides how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyMaker {
    /// IAM's `CreateAccessKey`, for the caller's own account.
    Iam,
    /// The operator of the installation.
    Operator,
}

impl KeyMaker {
    /// The name of the quota and its value.
    fn quota(self) -> (&'static str, usize) {
        match self {
            Self::Iam => ("AccessKeysPerUser", ACCESS_KEYS_PER_USER_MAX),
            Self::Operator => ("AccessKeysByOperator", ACCESS_KEYS_BY_OPERATOR_MAX),
        }
    }
}

/// Whether requests that a key signs are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// They are.
    Active,
    /// They are refused as if the key did not exist.
    Inactive,
}

impl FromStr for KeyStatus {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "Active" => Ok(Self::Active),
            "Inactive" => Ok(Self::Inactive),
            _ => {
                let rule = "Member must satisfy enum value set: [Active, Inactive]";
                Err(InvalidValue::constraint("status", text, rule))
            }
        }
    }
}

impl fmt::Display for KeyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
        })
    }
}

/// A long-term access key. `Debug` does not show the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// Names the key in requests.
    pub id: AccessKeyId,
    /// What signatures are made with.
    pub secret: SecretAccessKey,
    /// For whom it signs.
    pub owner: KeyOwner,
    /// Whether it is accepted.
    pub status: KeyStatus,
    /// When it was made.
    pub created: Timestamp,
}

/// The root access key that the operator gave at the last start, and may give anew at the next.
///
/// Its account is the operator's: only that account's callers may be allowed to make keys for
/// services and for the roots of accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorKey {
    /// Whose root it signs for.
    pub account: AccountId,
    /// The key.
    pub id: AccessKeyId,
}

/// Makes an active key for `owner`, who has `existing` keys, active or not.
///
/// # Errors
/// [`IdentityError::QuotaExceeded`].
pub fn create_access_key(
    maker: KeyMaker,
    owner: KeyOwner,
    existing: usize,
    id: AccessKeyId,
    secret: SecretAccessKey,
    now: Timestamp,
) -> Result<AccessKey, IdentityError> {
    let (quota, limit) = maker.quota();
    if existing >= limit {
        return Err(IdentityError::QuotaExceeded { quota, limit });
    }
    Ok(AccessKey { id, secret, owner, status: KeyStatus::Active, created: now })
}

/// Whether `owner` may remove the key `id`; `found` is the stored key of that id. A key of another
/// owner is as unknown as one that does not exist.
///
/// # Errors
/// [`IdentityError::NoSuchAccessKey`].
pub fn delete_access_key(
    found: Option<&AccessKey>,
    id: &AccessKeyId,
    owner: &KeyOwner,
) -> Result<(), IdentityError> {
    let theirs = found.is_some_and(|key| key.id == *id && key.owner == *owner);
    if theirs { Ok(()) } else { Err(IdentityError::NoSuchAccessKey(id.clone())) }
}

/// The key `id` of `owner` with another status; `found` is the stored key of that id.
///
/// # Errors
/// [`IdentityError::NoSuchAccessKey`].
pub fn update_access_key(
    found: Option<&AccessKey>,
    id: &AccessKeyId,
    owner: &KeyOwner,
    status: KeyStatus,
) -> Result<AccessKey, IdentityError> {
    let theirs = found.filter(|key| key.id == *id && key.owner == *owner);
    let key = theirs.ok_or_else(|| IdentityError::NoSuchAccessKey(id.clone()))?;
    Ok(AccessKey { status, ..key.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{account, now, user};

    fn of_user() -> KeyOwner {
        let user = user();
        KeyOwner::User { account: user.account, name: user.name, id: user.id }
    }

    fn create(
        maker: KeyMaker,
        owner: KeyOwner,
        existing: usize,
    ) -> Result<AccessKey, IdentityError> {
        let (id, secret) = (AccessKeyId::long_term([4; 16]), SecretAccessKey::from_random([5; 30]));
        create_access_key(maker, owner, existing, id, secret, now())
    }

    #[track_caller]
    fn check(maker: KeyMaker, owner: KeyOwner, existing: usize, want: Result<(), &str>) {
        let got = create(maker, owner, existing).map(drop).map_err(|error| error.to_string());
        assert_eq!(got, want.map_err(str::to_owned));
    }

    #[test]
    fn an_owner_has_the_quota_of_who_makes_its_keys() {
        let full = "Cannot exceed quota for AccessKeysPerUser: 2";
        for owner in [KeyOwner::Root(account()), of_user()] {
            check(KeyMaker::Iam, owner.clone(), 1, Ok(()));
            check(KeyMaker::Iam, owner, 2, Err(full));
        }
        let full = "Cannot exceed quota for AccessKeysByOperator: 1000";
        for owner in
            [KeyOwner::Root(account()), KeyOwner::Service("s3.amazonaws.com".parse().unwrap())]
        {
            check(KeyMaker::Operator, owner.clone(), 999, Ok(()));
            check(KeyMaker::Operator, owner, 1000, Err(full));
        }
        let error = create(KeyMaker::Iam, of_user(), 2).unwrap_err();
        assert_eq!(error.code(), "LimitExceeded");
    }

    #[test]
    fn a_key_is_active_and_keeps_its_secret_to_itself() {
        let key = create(KeyMaker::Iam, of_user(), 0).unwrap();
        assert_eq!((key.status.to_string().as_str(), key.created), ("Active", now()));
        assert!(!format!("{key:?}").contains(key.secret.expose()));
    }

    #[test]
    fn only_its_owner_changes_a_key() {
        let key = create(KeyMaker::Iam, of_user(), 0).unwrap();
        let change =
            |found, owner: &KeyOwner| update_access_key(found, &key.id, owner, KeyStatus::Inactive);
        let changed = change(Some(&key), &of_user()).unwrap();
        assert_eq!(changed, AccessKey { status: KeyStatus::Inactive, ..key.clone() });
        for (found, owner) in [(None, of_user()), (Some(&key), KeyOwner::Root(account()))] {
            assert_eq!(change(found, &owner).unwrap_err().code(), "NoSuchEntity");
        }
    }

    #[test]
    fn only_its_owner_removes_a_key() {
        let key = create(KeyMaker::Iam, of_user(), 0).unwrap();
        let unknown = IdentityError::NoSuchAccessKey(key.id.clone());
        let missing = Err(unknown.clone());
        let later = match of_user() {
            KeyOwner::User { account, name, .. } => {
                KeyOwner::User { account, name, id: UserId::from_random([8; 17]) }
            }
            other => other,
        };
        let remove =
            |found: Option<&AccessKey>, owner: &KeyOwner| delete_access_key(found, &key.id, owner);
        assert_eq!(remove(Some(&key), &of_user()), Ok(()));
        assert_eq!(remove(None, &of_user()), missing);
        assert_eq!(remove(Some(&key), &KeyOwner::Root(account())), missing);
        assert_eq!(remove(Some(&key), &later), missing, "a new user of the same name");
        assert_eq!(
            unknown.to_string(),
            format!("The Access Key with id {} cannot be found.", key.id)
        );
    }
}
