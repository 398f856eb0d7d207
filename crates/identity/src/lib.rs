//! Who a request is: accounts, root, users, groups, roles, access keys, sessions, service principals.
//!
//! Pure values and rules. A rule takes the current values and returns the new one, or an
//! [`IdentityError`] in AWS's own words. Time and fresh ids come in as arguments; only
//! [`generate`] asks the operating system for random bytes.
//!
//! Never here: HTTP, storage, the clock, Lambda. The stored form of these values is the
//! catalog's; none of them derives `Serialize` but [`WebIdentity`], which session tokens carry.
#![forbid(unsafe_code)]

mod access_key;
mod account;
mod arn;
mod attachment;
mod aws_managed;
mod boundary;
mod caller;
mod entity;
mod error;
pub mod generate;
mod group;
mod ids;
mod issue;
mod key_set;
mod last_use;
mod managed_policy;
mod marks;
mod names;
mod oidc_provider;
pub mod organization;
mod policies;
mod role;
#[cfg(test)]
mod samples;
mod seal;
mod service;
mod service_linked;
mod session;
mod session_policies;
mod set;
mod tags;
mod token_marks;
mod trust;
mod user;
mod web_identity;

pub use access_key::{
    ACCESS_KEYS_BY_OPERATOR_MAX, ACCESS_KEYS_PER_USER_MAX, AccessKey, KeyMaker, KeyOwner,
    KeyStatus, OperatorKey, create_access_key, delete_access_key, update_access_key,
};
pub use account::{Account, AccountAlias, create_account_alias, delete_account_alias};
pub use arn::{Partition, federated_user_arn};
pub use attachment::{ATTACHED_POLICIES_MAX, attach_policy, detach_policy};
pub use aws_managed::aws_managed_policies;
pub use boundary::{Bounded, delete_permissions_boundary, put_permissions_boundary};
pub use caller::{
    Caller, InvalidSource, Owner, Revoked, RoleIdentity, RootIdentity, ServiceIdentity, Source,
    TokenBearer, UserIdentity,
};
pub use entity::{
    Entity, EntityKind, Renamable, delete_inline_policy, entity_arn, inline_policy, no_such_entity,
    put_inline_policy, rename,
};
pub use error::{IdentityError, InvalidValue};
pub use group::{
    GROUPS_PER_USER_MAX, Group, NewGroup, add_user_to_group, create_group, delete_group,
    remove_user_from_group,
};
pub use ids::{AccessKeyId, AccountId, GroupId, PolicyId, RoleId, SecretAccessKey, UserId};
pub use issue::{
    AssumeRole, Bearer, GetFederationToken, Issuer, NewSession, SessionCredentials,
    session_duration,
};
pub use key_set::KeySet;
pub use last_use::LastUse;
pub use managed_policy::{
    MANAGED_POLICY_CHARACTERS_MAX, ManagedPolicy, NewPolicy, POLICY_VERSIONS_MAX, PolicyArn,
    PolicyOwner, PolicyVersion, PolicyVersionId, create_policy, create_policy_version,
    delete_policy, delete_policy_version, set_default_policy_version,
};
pub use marks::{SESSION_TAG_BYTES_MAX, SessionMarks, SessionTags};
pub use names::{
    AccountAliasName, FederatedUserName, GroupName, Path, PolicyName, RoleName, SessionName,
    SourceIdentity, UserName,
};
pub use oidc_provider::{
    IssuerName, OidcProvider, Thumbprint, add_client_id, create_oidc_provider, remove_client_id,
    update_thumbprints,
};
pub use policies::{InlinePolicies, TRUST_POLICY_CHARACTERS_MAX};
pub use role::{
    MaxSessionDuration, NewRole, Role, RoleDescription, create_role, delete_role, update_role,
    update_trust_policy,
};
pub use seal::{SESSION_TOKEN_BYTES_MAX, SessionError, SessionKeys};
pub use service::{InvalidServiceName, ServiceName};
pub use service_linked::ServiceLinkedRole;
pub use session::{NamedUser, Session, SessionClaims, SessionHolder, SessionIdentity, SessionSeed};
pub use session_policies::{
    MANAGED_SESSION_POLICIES_MAX, SESSION_POLICY_CHARACTERS_MAX, SessionPolicies,
};
pub use set::SmallSet;
pub use tags::{Tag, Tagged, Tags, tag, untag};
pub use trust::TrustPolicy;
pub use user::{NewUser, User, create_user, delete_user};
pub use web_identity::{WebIdentity, WebIdentityToken};
