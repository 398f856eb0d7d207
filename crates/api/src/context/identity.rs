//! The permissions on users, groups, roles, keys and the installation: each in the caller's own account,
//! as IAM has it.

use portcullis_catalog::{
    CatalogError, GroupResource, Installation, KeyHolder, Permit, RoleResource, RootResource,
    UserResource, WholeAccount,
};
use portcullis_identity::{Caller, IdentityError};
use portcullis_model::Operation;

use super::RequestCx;
use crate::{conditions::Parameters, error::ApiError, wire::iam::parsed};

impl RequestCx<'_> {
    /// The permission to perform `A` on the user `name`.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn user<A: Operation>(
        &self,
        name: &str,
    ) -> Result<Permit<A, UserResource>, ApiError> {
        let resource = UserResource::new(&self.snapshot, self.account(), parsed(name)?);
        self.authorize(resource, &Parameters::default())
    }

    /// The permission to perform `A` on the group `name`.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn group<A: Operation>(
        &self,
        name: &str,
    ) -> Result<Permit<A, GroupResource>, ApiError> {
        let resource = GroupResource::new(&self.snapshot, self.account(), parsed(name)?);
        self.authorize(resource, &Parameters::default())
    }

    /// The permission to perform `A` on the role `name`.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn role<A: Operation>(
        &self,
        name: &str,
    ) -> Result<Permit<A, RoleResource>, ApiError> {
        let resource = RoleResource::new(&self.snapshot, self.account(), parsed(name)?);
        self.authorize(resource, &Parameters::default())
    }

    /// The permission to perform `A`, a list, in the caller's account.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn whole_account<A: Operation>(&self) -> Result<Permit<A, WholeAccount>, ApiError> {
        self.authorize(WholeAccount(self.account()), &Parameters::default())
    }

    /// The permission to perform `A` on the user `name`, or on the caller itself without a name.
    ///
    /// # Errors
    /// [`IdentityError::UserNameRequired`] for a caller without keys of its own in IAM;
    /// [`ApiError::Denied`].
    pub(crate) fn key_holder<A: Operation>(
        &self,
        name: Option<&str>,
    ) -> Result<Permit<A, KeyHolder>, ApiError> {
        let user = |name| UserResource::new(&self.snapshot, self.account(), name);
        let holder = match (name, self.caller()) {
            (Some(name), _) => KeyHolder::User(user(parsed(name)?)),
            (None, Caller::User { user: caller, .. }) => {
                KeyHolder::User(user(caller.user().name.clone()))
            }
            (None, Caller::Root { root, .. }) => {
                KeyHolder::Root(RootResource::new(self.state.partition, root.account()))
            }
            (None, Caller::RoleSession { .. } | Caller::Service { .. } | Caller::Anonymous) => {
                return Err(IdentityError::UserNameRequired.into());
            }
        };
        self.authorize(holder, &Parameters::default())
    }

    /// The permission to perform `A`, a control operation, on the installation.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn installation<A: Operation>(&self) -> Result<Permit<A, Installation>, ApiError> {
        let installation = Installation::new(&self.snapshot).ok_or(CatalogError::Unreadable)?;
        self.authorize(installation, &Parameters::default())
    }
}
