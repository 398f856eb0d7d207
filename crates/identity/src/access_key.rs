//! Long-term access keys: whom they speak for, how many there may be.

use std::fmt;

use jiff::Timestamp;

use crate::error::IdentityError;
use crate::ids::{AccessKeyId, AccountId, SecretAccessKey, UserId};
use crate::names::UserName;
use crate::service::ServiceName;

/// Most access keys of one user, or of the root of one account. Source: IAM quotas.
pub const ACCESS_KEYS_PER_USER_MAX: usize = 2;

/// Most access keys of one service principal: one for each bridge that delivers its events, and
/// room to rotate. Our own limit; AWS has no such keys.
pub const ACCESS_KEYS_PER_SERVICE_MAX: usize = 100;

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

impl KeyOwner {
    /// The name of the quota and its value.
    fn quota(&self) -> (&'static str, usize) {
        match self {
            Self::Root(_) | Self::User { .. } => ("AccessKeysPerUser", ACCESS_KEYS_PER_USER_MAX),
            Self::Service(_) => ("AccessKeysPerService", ACCESS_KEYS_PER_SERVICE_MAX),
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

/// Makes an active key for `owner`, who has `existing` keys, active or not.
///
/// # Errors
/// [`IdentityError::AccessKeysExceeded`].
pub fn create_access_key(
    owner: KeyOwner,
    existing: usize,
    id: AccessKeyId,
    secret: SecretAccessKey,
    now: Timestamp,
) -> Result<AccessKey, IdentityError> {
    let (quota, limit) = owner.quota();
    if existing >= limit {
        return Err(IdentityError::AccessKeysExceeded { quota, limit });
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
