//! The permissions on the parts of the organization of the caller's account.

use portcullis_catalog::{
    OrganizationPart, OrganizationResource, Permit, Resource, WholeOrganization,
};
use portcullis_identity::organization::OrganizationPolicyId;
use portcullis_model::{
    Operation, authorization_of,
    organizations::{operation::TagResource, types::PolicyType},
};

use super::RequestCx;
use crate::{
    conditions::Parameters,
    error::ApiError,
    wire::organizations::{parsed, shown_type},
};

impl RequestCx<'_> {
    /// The permission to perform `A` on the organization as a whole.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn organization<A: Operation>(
        &self,
    ) -> Result<Permit<A, WholeOrganization>, ApiError> {
        let whole = WholeOrganization::new(&self.snapshot, self.account());
        self.authorize(whole, &Parameters::default())
    }

    /// The permission to perform `A` on the root, unit or account `id`.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn organization_part<A: Operation, I: OrganizationPart>(
        &self,
        id: I,
    ) -> Result<Permit<A, OrganizationResource<I>>, ApiError> {
        self.authorize(self.part(id), &Parameters::default())
    }

    /// The permission to perform `A`, which makes `of` with these tags, and to tag if there are any.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn tagging<A: Operation, R: Resource>(
        &self,
        of: R,
        parameters: &Parameters<'_>,
    ) -> Result<Permit<A, R>, ApiError> {
        let permit = self.authorize(of, parameters)?;
        if !parameters.tags.is_empty() {
            let whole = WholeOrganization::new(&self.snapshot, self.account());
            self.check(authorization_of::<TagResource>().action, &whole, parameters)?;
        }
        Ok(permit)
    }

    /// What `id` names to this caller.
    pub(crate) fn part<I: OrganizationPart>(&self, id: I) -> OrganizationResource<I> {
        OrganizationResource::new(&self.snapshot, self.account(), id)
    }

    /// The permission to perform `A` on the policy `id`.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn organization_policy<A: Operation>(
        &self,
        id: &str,
    ) -> Result<Permit<A, OrganizationResource<OrganizationPolicyId>>, ApiError> {
        let id = parsed(id)?;
        let parameters = self.type_of_policy(&id);
        self.authorize(self.part(id), &parameters)
    }

    /// What a request about the policy `id` brings to the conditions.
    pub(crate) fn type_of_policy(&self, id: &OrganizationPolicyId) -> Parameters<'static> {
        let known = self.snapshot.organization_policy_type(self.account(), id);
        policy_type(shown_type(known))
    }
}

/// What a request about policies of a type brings to the conditions.
pub(crate) fn policy_type<'a>(wanted: PolicyType) -> Parameters<'a> {
    Parameters::default().with("organizations:policytype", Some(wanted.as_str()))
}
