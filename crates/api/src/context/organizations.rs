//! The permissions on the parts of the organization of the caller's account.

use portcullis_catalog::{OrganizationPart, OrganizationResource, Permit, WholeOrganization};
use portcullis_identity::organization::OrganizationPolicyId;
use portcullis_model::{Operation, organizations::types::PolicyType};

use super::RequestCx;
use crate::{
    conditions::Parameters,
    error::ApiError,
    wire::organizations::{check_served, parsed},
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

    /// What `id` names to this caller.
    pub(crate) fn part<I: OrganizationPart>(&self, id: I) -> OrganizationResource<I> {
        OrganizationResource::new(&self.snapshot, self.account(), id)
    }

    /// The permission to perform `A`, which makes policies of a type, of which one is served.
    ///
    /// # Errors
    /// [`ApiError::Denied`]; another type.
    pub(crate) fn service_control<A: Operation>(
        &self,
        wanted: PolicyType,
    ) -> Result<Permit<A, WholeOrganization>, ApiError> {
        let whole = WholeOrganization::new(&self.snapshot, self.account());
        let permit = self.authorize(whole, &policy_type())?;
        check_served(wanted)?;
        Ok(permit)
    }

    /// The permission to perform `A` on the service control policy `id`.
    ///
    /// # Errors
    /// [`ApiError::Denied`].
    pub(crate) fn service_control_policy<A: Operation>(
        &self,
        id: &str,
    ) -> Result<Permit<A, OrganizationResource<OrganizationPolicyId>>, ApiError> {
        self.authorize(self.part(parsed(id)?), &policy_type())
    }
}

/// What a request about a service control policy brings to the conditions.
pub(crate) fn policy_type() -> Parameters<'static> {
    let name = PolicyType::ServiceControlPolicy.as_str();
    Parameters::default().with("organizations:policytype", Some(name))
}
