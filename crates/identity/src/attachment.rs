//! Attaching managed policies to users, groups and roles.

use crate::entity::{Entity, EntityKind};
use crate::error::IdentityError;
use crate::managed_policy::PolicyArn;

/// Most managed policies that are attached to one entity. Source: IAM quotas.
pub const ATTACHED_POLICIES_MAX: usize = 10;

/// `entity` with the policy attached, which exists; it may be attached already.
///
/// # Errors
/// [`IdentityError::QuotaExceeded`], [`IdentityError::Unmodifiable`].
pub fn attach_policy<E: Entity>(entity: &E, policy: &PolicyArn) -> Result<E, IdentityError> {
    entity.check_modifiable()?;
    let attached = entity.attached().with(policy.clone());
    if attached.len() > ATTACHED_POLICIES_MAX {
        let quota = match E::KIND {
            EntityKind::User => "PoliciesPerUser",
            EntityKind::Group => "PoliciesPerGroup",
            EntityKind::Role => "PoliciesPerRole",
        };
        return Err(IdentityError::QuotaExceeded { quota, limit: ATTACHED_POLICIES_MAX });
    }
    let mut entity = entity.clone();
    *entity.attached_mut() = attached;
    Ok(entity)
}

/// `entity` without the policy.
///
/// # Errors
/// [`IdentityError::NoSuchPolicy`] if it is not attached.
pub fn detach_policy<E: Entity>(entity: &E, policy: &PolicyArn) -> Result<E, IdentityError> {
    if !entity.attached().contains(policy) {
        return Err(IdentityError::NoSuchPolicy(policy.clone()));
    }
    let mut entity = entity.clone();
    *entity.attached_mut() = entity.attached().without(policy);
    Ok(entity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{group, role, user};

    fn numbered(n: usize) -> PolicyArn {
        format!("arn:aws:iam::123456789012:policy/p{n:02}").parse().unwrap()
    }

    #[track_caller]
    fn check<E: Entity + PartialEq + std::fmt::Debug>(entity: &E, quota: &str) {
        let full = (0..10).fold(entity.clone(), |e, n| attach_policy(&e, &numbered(n)).unwrap());
        assert_eq!(attach_policy(&full, &numbered(3)), Ok(full.clone()));
        let error = attach_policy(&full, &numbered(10)).unwrap_err();
        assert_eq!(error.to_string(), format!("Cannot exceed quota for {quota}: 10"));
        let error = detach_policy(&full, &numbered(10)).unwrap_err();
        let text = "Policy arn:aws:iam::123456789012:policy/p10 was not found.";
        assert_eq!((error.code(), error.to_string().as_str()), ("NoSuchEntity", text));
        let empty = (0..10).fold(full, |e, n| detach_policy(&e, &numbered(n)).unwrap());
        assert_eq!(&empty, entity);
    }

    #[test]
    fn each_kind_has_ten_policies_at_most() {
        check(&user(), "PoliciesPerUser");
        check(&group(), "PoliciesPerGroup");
        check(&role(), "PoliciesPerRole");
    }
}
