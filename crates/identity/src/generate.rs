//! Fresh ids and secrets: the one place that asks the operating system for random bytes.

use crate::ids::{AccessKeyId, AccountId, GroupId, PolicyId, RoleId, SecretAccessKey, UserId};
use crate::organization::{
    CreateAccountRequestId, NewAccount, OrganizationId, OrganizationPolicyId, OrganizationalUnitId,
    RootId,
};
use crate::seal::SessionKeys;
use crate::session::SessionSeed;

/// The operating system gave no random bytes; nothing can safely be made.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes: {0}")]
pub struct NoRandomness(#[from] getrandom::Error);

fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// A fresh `AIDA…` id.
///
/// # Errors
/// [`NoRandomness`] when the operating system gives none.
pub fn user_id() -> Result<UserId, NoRandomness> {
    random().map(UserId::from_random)
}

/// A fresh `AGPA…` id.
///
/// # Errors
/// [`NoRandomness`] when the operating system gives none.
pub fn group_id() -> Result<GroupId, NoRandomness> {
    random().map(GroupId::from_random)
}

/// A fresh `ANPA…` id.
///
/// # Errors
/// [`NoRandomness`] when the operating system gives none.
pub fn policy_id() -> Result<PolicyId, NoRandomness> {
    random().map(PolicyId::from_random)
}

/// A fresh `AROA…` id.
///
/// # Errors
/// [`NoRandomness`] when the operating system gives none.
pub fn role_id() -> Result<RoleId, NoRandomness> {
    random().map(RoleId::from_random)
}

/// A fresh organization's id and its root's.
///
/// # Errors
/// [`NoRandomness`] when the operating system gives none.
pub fn organization() -> Result<(OrganizationId, RootId), NoRandomness> {
    Ok((OrganizationId::from_random(random()?), RootId::from_random(random()?)))
}

/// A fresh id of an organizational unit below `root`.
///
/// # Errors
/// [`NoRandomness`] when the operating system gives none.
pub fn organizational_unit(root: &RootId) -> Result<OrganizationalUnitId, NoRandomness> {
    random().map(|random| OrganizationalUnitId::from_random(root, random))
}

/// A fresh id of a policy of an organization.
///
/// # Errors
/// [`NoRandomness`] when the operating system gives none.
pub fn organization_policy_id() -> Result<OrganizationPolicyId, NoRandomness> {
    random().map(OrganizationPolicyId::from_random)
}

/// Fresh ids of an account that is asked for, its request and its role.
///
/// # Errors
/// [`NoRandomness`] when the operating system gives none.
pub fn account() -> Result<NewAccount, NoRandomness> {
    Ok(NewAccount {
        request: CreateAccountRequestId::from_random(random()?),
        account: AccountId::from_random(random()?),
        role: role_id()?,
    })
}

/// A fresh `AKIA…` id.
///
/// # Errors
/// [`NoRandomness`] when the operating system gives none.
pub fn access_key_id() -> Result<AccessKeyId, NoRandomness> {
    random().map(AccessKeyId::long_term)
}

/// A fresh secret of 240 bits.
///
/// # Errors
/// [`NoRandomness`] when the operating system gives none.
pub fn secret_access_key() -> Result<SecretAccessKey, NoRandomness> {
    random().map(SecretAccessKey::from_random)
}

/// What one new session of `account` needs: its `ASIA…` id, its secret's salt, its token's nonce.
///
/// # Errors
/// [`NoRandomness`] when the operating system gives none.
pub fn session_seed(account: AccountId) -> Result<SessionSeed, NoRandomness> {
    Ok(SessionSeed {
        access_key_id: AccessKeyId::temporary(account, random()?),
        session_id: random()?,
        nonce: random()?,
    })
}

/// Fresh key material for all sessions of an installation.
///
/// # Errors
/// [`NoRandomness`] when the operating system gives none.
pub fn session_keys() -> Result<SessionKeys, NoRandomness> {
    random().map(SessionKeys::from_material)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn fresh_ids_differ() {
        let users: HashSet<_> = (0..100).map(|_| user_id().unwrap()).collect();
        let keys: HashSet<_> = (0..100).map(|_| access_key_id().unwrap()).collect();
        let seeds: HashSet<_> =
            (0..100).map(|_| session_seed(crate::samples::account()).unwrap().nonce).collect();
        assert_eq!((users.len(), keys.len(), seeds.len()), (100, 100, 100));
        assert_ne!(secret_access_key().unwrap(), secret_access_key().unwrap());
    }
}
