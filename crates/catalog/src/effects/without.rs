//! What IAM has and nobody here does: passwords, second factors, certificates, keys of other kinds,
//! instance profiles. Clients ask for them before they delete a user or role.

use portcullis_identity::{Entity as _, IdentityError};
use portcullis_model::Operation;
use portcullis_model::iam::operation::{
    DeleteLoginProfile, GetLoginProfile, ListInstanceProfiles, ListInstanceProfilesForRole,
    ListMFADevices, ListSSHPublicKeys, ListServiceSpecificCredentials, ListSigningCertificates,
    ListVirtualMFADevices,
};

use crate::{KeyHolder, Permit, RoleResource, Snapshot, WholeAccount};

/// Lists something of a user, or of root, that nobody has.
pub trait ListsNothing: Operation {}

impl ListsNothing for ListMFADevices {}
impl ListsNothing for ListSSHPublicKeys {}
impl ListsNothing for ListServiceSpecificCredentials {}
impl ListsNothing for ListSigningCertificates {}

/// Lists something of an account that it has none of.
pub trait ListsNothingOfAccount: Operation {}

impl ListsNothingOfAccount for ListVirtualMFADevices {}
impl ListsNothingOfAccount for ListInstanceProfiles {}

/// Shows or removes a password, which nobody has.
pub trait NamesPassword: Operation {}

impl NamesPassword for GetLoginProfile {}
impl NamesPassword for DeleteLoginProfile {}

impl Snapshot {
    /// The permitted user is there, and has nothing of what is listed.
    ///
    /// # Errors
    /// The missing user.
    pub fn has_nothing<A: ListsNothing>(
        &self,
        permit: Permit<A, KeyHolder>,
    ) -> Result<(), IdentityError> {
        match permit.consume() {
            KeyHolder::User(user) => user.find(self).map(drop),
            KeyHolder::Root(_) => Ok(()),
        }
    }

    /// The permitted account has nothing of what is listed.
    pub fn account_has_nothing<A: ListsNothingOfAccount>(&self, permit: Permit<A, WholeAccount>) {
        permit.consume();
    }

    /// The permitted role is there, and in no instance profile.
    ///
    /// # Errors
    /// The missing role.
    pub fn has_no_instance_profile(
        &self,
        permit: Permit<ListInstanceProfilesForRole, RoleResource>,
    ) -> Result<(), IdentityError> {
        permit.consume().find(self).map(drop)
    }

    /// Why there is no password of the permitted user.
    #[must_use]
    pub fn has_no_password<A: NamesPassword>(&self, permit: Permit<A, KeyHolder>) -> IdentityError {
        match permit.consume() {
            KeyHolder::User(user) => match user.find(self) {
                Ok(view) => IdentityError::NoLoginProfile(view.stored.name().clone()),
                Err(missing) => missing,
            },
            KeyHolder::Root(_) => IdentityError::UserNameRequired,
        }
    }
}
