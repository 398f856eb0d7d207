//! Who a request is: accounts, root, users, roles, access keys, sessions, service principals.
//!
//! Pure values and rules. A rule takes the current values and returns the new one, or an
//! [`IdentityError`] in AWS's own words. Time and fresh ids come in as arguments; only
//! [`generate`] asks the operating system for random bytes.
//!
//! Never here: HTTP, storage, the clock, Lambda. The stored form of these values is the
//! catalog's; none of them derives `Serialize`.
#![forbid(unsafe_code)]

mod access_key;
mod account;
mod arn;
mod caller;
mod error;
pub mod generate;
mod ids;
mod names;
mod policies;
mod role;
#[cfg(test)]
mod samples;
mod seal;
mod service;
mod session;
mod tags;
mod user;

pub use access_key::{
    ACCESS_KEYS_BY_OPERATOR_MAX, ACCESS_KEYS_PER_USER_MAX, AccessKey, KeyMaker, KeyOwner,
    KeyStatus, OperatorKey, create_access_key, delete_access_key,
};
pub use account::Account;
pub use arn::{Partition, session_arn};
pub use caller::{
    Caller, InvalidSource, Revoked, RoleIdentity, RootIdentity, ServiceIdentity, Source,
    UserIdentity,
};
pub use error::{IdentityError, InvalidValue};
pub use ids::{AccessKeyId, AccountId, RoleId, SecretAccessKey, UserId};
pub use names::{Path, PolicyName, RoleName, SessionName, UserName};
pub use policies::{
    InlinePolicies, ROLE_POLICIES_CHARACTERS_MAX, TRUST_POLICY_CHARACTERS_MAX,
    USER_POLICIES_CHARACTERS_MAX, counted_characters,
};
pub use role::{
    MaxSessionDuration, NewRole, Role, RoleDescription, create_role, delete_role,
    delete_role_policy, find_role, put_role_policy, role_policy,
};
pub use seal::{SESSION_TOKEN_BYTES_MAX, SessionError, SessionKeys};
pub use service::{InvalidServiceName, ServiceName};
pub use session::{
    AssumeRole, AssumedRole, SESSION_POLICY_CHARACTERS_MAX, Session, SessionClaims, SessionSeed,
    assume_role, session_duration,
};
pub use tags::{Tag, Tags};
pub use user::{
    NewUser, User, create_user, delete_user, delete_user_policy, find_user, put_user_policy,
    user_policy,
};
