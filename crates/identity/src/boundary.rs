//! Permissions boundaries: a managed policy that caps what a user or role may, and grants nothing.

use crate::entity::Entity;
use crate::error::IdentityError;
use crate::managed_policy::PolicyArn;

/// What can have a boundary: a user or a role.
pub trait Bounded: Entity {
    /// Its boundary, to be changed by the rules of this crate.
    fn boundary_mut(&mut self) -> &mut Option<PolicyArn>;
}

/// `entity` with the policy, which exists, as its boundary instead of any other.
///
/// # Errors
/// [`IdentityError::Unmodifiable`].
pub fn put_permissions_boundary<E: Bounded>(
    entity: &E,
    policy: &PolicyArn,
) -> Result<E, IdentityError> {
    entity.check_modifiable()?;
    let mut entity = entity.clone();
    *entity.boundary_mut() = Some(policy.clone());
    Ok(entity)
}

/// `entity` without a boundary.
///
/// # Errors
/// [`IdentityError::NoBoundary`].
pub fn delete_permissions_boundary<E: Bounded>(entity: &E) -> Result<E, IdentityError> {
    let mut entity = entity.clone();
    match entity.boundary_mut().take() {
        Some(_) => Ok(entity),
        None => {
            let name = entity.name().to_string().into();
            Err(IdentityError::NoBoundary { kind: E::KIND, name })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{role, user};

    fn arn(name: &str) -> PolicyArn {
        format!("arn:aws:iam::aws:policy/{name}").parse().unwrap()
    }

    #[track_caller]
    fn check<E: Bounded + PartialEq + std::fmt::Debug>(entity: &E, missing: &str) {
        let first = put_permissions_boundary(entity, &arn("ReadOnlyAccess")).unwrap();
        let second = put_permissions_boundary(&first, &arn("PowerUserAccess")).unwrap();
        assert_eq!(first.boundary(), Some(&arn("ReadOnlyAccess")));
        assert_eq!(second.boundary(), Some(&arn("PowerUserAccess")), "there is one at most");
        assert_eq!(delete_permissions_boundary(&second).as_ref(), Ok(entity));
        let error = delete_permissions_boundary(entity).unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), ("NoSuchEntity", missing));
    }

    #[test]
    fn a_user_and_a_role_have_one_boundary_at_most() {
        check(&user(), "The permissions boundary of the user with name alice cannot be found.");
        check(&role(), "The permissions boundary of the role with name deploy cannot be found.");
    }
}
