//! The permissions on users, groups, roles, policies, keys and the installation: each in the
//! caller's own account, as IAM has it.

use portcullis_catalog::{
    CatalogError, Denial, EntityName, EntityResource, GroupResource, Installation, KeyHolder,
    OidcProviderResource, Permit, PolicyResource, PolicySource, RoleResource, RootResource,
    UserResource, WholeAccount,
};
use portcullis_identity::{Caller, IdentityError, PolicyArn};
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
        self.entity(name, &Parameters::default())
    }

    /// The permission to perform `A` on the group `name`.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn group<A: Operation>(
        &self,
        name: &str,
    ) -> Result<Permit<A, GroupResource>, ApiError> {
        self.entity(name, &Parameters::default())
    }

    /// The permission to perform `A` on the role `name`.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn role<A: Operation>(
        &self,
        name: &str,
    ) -> Result<Permit<A, RoleResource>, ApiError> {
        self.entity(name, &Parameters::default())
    }

    /// The permission to perform `A` on the user, group or role `name`.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn entity<A: Operation, N: EntityName>(
        &self,
        name: &str,
        parameters: &Parameters<'_>,
    ) -> Result<Permit<A, EntityResource<N>>, ApiError> {
        let resource = EntityResource::new(&self.snapshot, self.account(), parsed(name)?);
        self.authorize(resource, parameters)
    }

    /// The permission to perform `A`, which changes what policies the user, group or role `name`
    /// has: its boundary counts for that, and `policy` if it is a managed one.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn policy_change<A: Operation, N: EntityName>(
        &self,
        name: &str,
        policy: Option<&PolicyArn>,
    ) -> Result<Permit<A, EntityResource<N>>, ApiError> {
        let resource = EntityResource::<N>::new(&self.snapshot, self.account(), parsed(name)?);
        let parameters = Parameters::default()
            .bounded(resource.boundary(&self.snapshot))
            .with("iam:policyarn", policy.map(PolicyArn::as_str));
        self.authorize(resource, &parameters)
    }

    /// The permission to perform `A` on the managed policy that `arn` names.
    ///
    /// # Errors
    /// [`IdentityError::InvalidPolicyArn`]; [`ApiError::Denied`].
    pub(crate) fn policy<A: Operation>(
        &self,
        arn: &str,
        parameters: &Parameters<'_>,
    ) -> Result<Permit<A, PolicyResource>, ApiError> {
        self.authorize(PolicyResource::new(arn.parse()?, self.account()), parameters)
    }

    /// The permission to perform `A` on the OpenID Connect provider that `arn` names.
    ///
    /// # Errors
    /// [`IdentityError::InvalidOidcProviderArn`]; [`ApiError::Denied`].
    pub(crate) fn oidc_provider<A: Operation>(
        &self,
        arn: &str,
        parameters: &Parameters<'_>,
    ) -> Result<Permit<A, OidcProviderResource>, ApiError> {
        let resource = OidcProviderResource::of_arn(self.state.partition, arn)?;
        self.authorize(resource, parameters)
    }

    /// The permission to perform `A` on the user, group or role that `arn` names.
    ///
    /// # Errors
    /// [`IdentityError::InvalidEntityArn`]; [`ApiError::Denied`].
    pub(crate) fn policy_source<A: Operation>(
        &self,
        arn: &str,
    ) -> Result<Permit<A, PolicySource>, ApiError> {
        self.authorize(PolicySource::of_arn(arn)?, &Parameters::default())
    }

    /// The permission to perform `A`, a list, in the caller's account.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn whole_account<A: Operation>(&self) -> Result<Permit<A, WholeAccount>, ApiError> {
        self.authorize(WholeAccount(self.account()), &Parameters::default())
    }

    /// The permission to perform `A`, a list of what the caller's account has under a path: `user`,
    /// `role` and the like. It is decided without a resource, and a denial shows where it looks.
    ///
    /// Recorded: `arn:aws:iam::111122223333:user/` for `ListUsers` and its like.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn list_under<A: Operation>(
        &self,
        kind: &str,
        path: Option<&str>,
    ) -> Result<Permit<A, WholeAccount>, ApiError> {
        let (partition, account) = (self.state.partition, self.account());
        let path = path.unwrap_or("/");
        self.list_of(|| format!("arn:{partition}:iam::{account}:{kind}{path}"))
    }

    /// The same for `ListPolicies`, which names a path only; recorded too.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn list_policies_under<A: Operation>(
        &self,
        path: Option<&str>,
    ) -> Result<Permit<A, WholeAccount>, ApiError> {
        self.list_of(|| format!("policy path {}", path.unwrap_or("/")))
    }

    fn list_of<A: Operation>(
        &self,
        shown: impl FnOnce() -> String,
    ) -> Result<Permit<A, WholeAccount>, ApiError> {
        self.whole_account().map_err(|error| match error {
            ApiError::Denied(denial) => Denial { resource: shown().into(), ..denial }.into(),
            other => other,
        })
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
            (
                None,
                Caller::RoleSession { .. }
                | Caller::FederatedUser { .. }
                | Caller::Service { .. }
                | Caller::Token { .. }
                | Caller::Anonymous,
            ) => return Err(IdentityError::UserNameRequired.into()),
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
