//! Role sessions. Nothing of a session is stored, so that there is nothing to commit.

use jiff::Timestamp;
use portcullis_identity::{
    AssumeRole as Request, AssumedRole, Caller, IdentityError, SessionName, assume_role, generate,
};
use portcullis_model::sts::operation::AssumeRole;

use crate::{CatalogError, Failure, Permit, Snapshot, TrustingRole};

/// What a new session asks for beside the role in the permit.
#[derive(Clone, Copy, Debug)]
pub struct SessionSettings<'a> {
    /// How the session is called.
    pub name: &'a SessionName,
    /// How long it lasts, in seconds; an hour when it does not say.
    pub duration_seconds: Option<u32>,
    /// The text of an inline session policy.
    pub policy: Option<&'a str>,
}

impl Snapshot {
    /// Makes the credentials of a new session of the permitted role for `caller`.
    ///
    /// # Errors
    /// The missing role; those of [`assume_role`].
    pub fn assume_role(
        &self,
        permit: Permit<AssumeRole, TrustingRole>,
        caller: &Caller,
        settings: SessionSettings<'_>,
        now: Timestamp,
    ) -> Result<AssumedRole, Failure<IdentityError>> {
        let TrustingRole(resource) = permit.consume();
        let role = resource.find(self)?;
        let keys = self.session_keys().ok_or(CatalogError::Unreadable)?;
        let seed = generate::session_seed().map_err(CatalogError::from)?;
        let SessionSettings { name: session_name, duration_seconds, policy } = settings;
        let request =
            Request { caller, role: &role.stored, session_name, duration_seconds, policy };
        Ok(assume_role(request, keys, self.partition(), seed, now)?)
    }
}
