//! How accounts come into organizations by invitation, leave them, and are closed in them.

use jiff::Timestamp;
use portcullis_identity::{AccountId, organization::OrganizationError};
use portcullis_model::organizations::operation::{
    CloseAccount, LeaveOrganization, RemoveAccountFromOrganization,
};

use super::organizations::{aggregate, replace};
use crate::{Catalog, Failure, OrganizationResource, Permit, WholeOrganization};

impl Catalog {
    /// Takes the permitted account out of its organization.
    ///
    /// # Errors
    /// Those of [`remove_account`](portcullis_identity::organization::Organization::remove_account).
    pub async fn remove_account(
        &self,
        permit: Permit<RemoveAccountFromOrganization, OrganizationResource<AccountId>>,
    ) -> Result<(), Failure<OrganizationError>> {
        let (account, removed) = permit.consume().into_parts();
        self.change_organization(account, |old| old.remove_account(removed)).await
    }

    /// Takes the permitted account, which asks for it, out of its organization.
    ///
    /// # Errors
    /// Those of [`remove_account`](portcullis_identity::organization::Organization::remove_account).
    pub async fn leave_organization(
        &self,
        permit: Permit<LeaveOrganization, WholeOrganization>,
    ) -> Result<(), Failure<OrganizationError>> {
        let account = permit.consume().caller();
        self.transact(&aggregate(&self.load(), account), |snapshot| {
            let view = snapshot.organization_of(account).ok_or(OrganizationError::NotInUse)?;
            Ok(replace(view, &view.stored.remove_account(account)?))
        })
        .await
    }

    /// Closes the permitted account.
    ///
    /// # Errors
    /// Those of [`close_account`](portcullis_identity::organization::Organization::close_account).
    pub async fn close_account(
        &self,
        permit: Permit<CloseAccount, OrganizationResource<AccountId>>,
        now: Timestamp,
    ) -> Result<(), Failure<OrganizationError>> {
        let (account, closed) = permit.consume().into_parts();
        self.change_organization(account, |old| old.close_account(closed, now)).await
    }
}
