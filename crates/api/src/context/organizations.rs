//! The permissions on the parts of the organization of the caller's account.

use portcullis_catalog::{OrganizationPart, OrganizationResource, Permit, WholeOrganization};
use portcullis_model::Operation;

use super::RequestCx;
use crate::{conditions::Parameters, error::ApiError};

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
}
