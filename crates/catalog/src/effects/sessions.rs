//! Sessions. Nothing of a session is stored, so that there is nothing to commit.

use jiff::Timestamp;
use portcullis_identity::{
    AccessKeyId, AccountId, AssumeRole as Request, Bearer, Caller, FederatedUserName,
    GetFederationToken as FederationRequest, IdentityError, Issuer, KeyOwner, KeyStatus,
    NewSession, Owner, PolicyArn, PolicyOwner, Revoked, SessionCredentials, SessionHolder,
    SessionIdentity, SessionMarks, SessionName, SessionPolicies, generate,
};
use portcullis_lambda::FunctionArn;
use portcullis_model::sts::operation::{
    AssumeRole, AssumeRoleWithWebIdentity, GetAccessKeyInfo, GetFederationToken,
};

use crate::{
    CatalogError, Failure, FederatedUserResource, Permit, Snapshot, TrustingRole, WholeAccount,
};

/// The operations that make a session of a role.
pub trait AssumesRole {}

impl AssumesRole for AssumeRole {}
impl AssumesRole for AssumeRoleWithWebIdentity {}

/// What a new session asks for beside what is in the permit.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// How long it lasts, in seconds; the operation's default when it does not say.
    pub duration_seconds: Option<u32>,
    /// What limits it.
    pub policies: SessionPolicies,
}

impl Snapshot {
    /// Makes the credentials of a new session of the permitted role for `caller`, marked with
    /// `marks`, which have what they inherit from it.
    ///
    /// # Errors
    /// The missing role; those of [`Issuer::assume_role`].
    pub fn assume_role<A: AssumesRole>(
        &self,
        permit: Permit<A, TrustingRole>,
        caller: &Caller,
        session_name: &SessionName,
        settings: &SessionSettings,
        marks: &SessionMarks,
        now: Timestamp,
    ) -> Result<NewSession, Failure<IdentityError>> {
        let TrustingRole(resource) = permit.consume();
        let role = resource.find(self)?;
        let &SessionSettings { duration_seconds, ref policies } = settings;
        self.check_session_policies(role.stored.account, policies)?;
        let role = &*role.stored;
        let request = Request { caller, role, session_name, duration_seconds, policies, marks };
        let seed = generate::session_seed(role.account).map_err(CatalogError::from)?;
        Ok(self.issuer(now)?.assume_role(request, seed)?)
    }

    /// Makes the credentials that a worker of `function` runs with, as Lambda assumes its execution
    /// role: no request asks for it, the role's trust policy decides. `None` if the role is gone, or
    /// trusts Lambda no more.
    ///
    /// # Errors
    /// [`CatalogError`] where no session can be made at all.
    pub fn function_session(
        &self,
        role_arn: &str,
        function: &FunctionArn,
        now: Timestamp,
    ) -> Result<Option<NewSession>, CatalogError> {
        let role =
            self.role_of_arn(role_arn).filter(|_| self.trusts_lambda(role_arn, function, now));
        let (Some(role), Ok(name)) = (role, SessionName::of_function(function.name())) else {
            return Ok(None);
        };
        let seed = generate::session_seed(role.stored.account)?;
        Ok(Some(self.issuer(now)?.run_as(&role.stored, &name, function.as_str(), seed)))
    }

    /// Makes temporary credentials for the caller as itself. No permit: a caller that can sign needs
    /// no permission for it, and gains none by it.
    ///
    /// # Errors
    /// Those of [`Issuer::session_token`].
    pub fn session_token(
        &self,
        bearer: Bearer<'_>,
        duration_seconds: Option<u32>,
        now: Timestamp,
    ) -> Result<SessionCredentials, Failure<IdentityError>> {
        let refused = || IdentityError::SessionCredentials("GetSessionToken");
        let account = bearer.caller.account().ok_or_else(refused)?;
        let seed = generate::session_seed(account).map_err(CatalogError::from)?;
        Ok(self.issuer(now)?.session_token(bearer, duration_seconds, seed)?)
    }

    /// Makes the credentials of the permitted federated user, marked with `marks`.
    ///
    /// # Errors
    /// Those of [`Issuer::federation_token`].
    pub fn federation_token(
        &self,
        permit: Permit<GetFederationToken, FederatedUserResource>,
        bearer: Bearer<'_>,
        settings: &SessionSettings,
        marks: &SessionMarks,
        now: Timestamp,
    ) -> Result<NewSession, Failure<IdentityError>> {
        let resource = permit.consume();
        let (account, name): (AccountId, FederatedUserName) = resource.into_parts();
        let &SessionSettings { duration_seconds, ref policies } = settings;
        self.check_session_policies(account, policies)?;
        let request = FederationRequest { bearer, name: &name, duration_seconds, policies, marks };
        let seed = generate::session_seed(account).map_err(CatalogError::from)?;
        Ok(self.issuer(now)?.federation_token(request, seed)?)
    }

    /// The account of an access key, whoever's it is. A session's is told by its id; the key of a
    /// service belongs to no account, so that it is as if there were none.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchAccessKey`]; AWS, which reads every account off the id, documents none.
    pub fn access_key_info(
        &self,
        permit: Permit<GetAccessKeyInfo, WholeAccount>,
        id: &AccessKeyId,
    ) -> Result<AccountId, IdentityError> {
        permit.consume();
        let owner = self.access_key(id).and_then(|key| match &key.stored.owner {
            KeyOwner::Root(account) | KeyOwner::User { account, .. } => Some(*account),
            KeyOwner::Service(_) => None,
        });
        let missing = || IdentityError::NoSuchAccessKey(id.clone());
        owner.or_else(|| id.account_of_temporary()).ok_or_else(missing)
    }

    /// Whoever the claims of a session say, if all that it hangs on is still there: the user, root or
    /// role, and the long-term key that made it, in force.
    ///
    /// # Errors
    /// [`Revoked`] if not.
    pub fn caller_of_session(&self, session: &SessionIdentity) -> Result<Caller, Revoked> {
        let claims = session.claims();
        let account = claims.account;
        if let Some(id) = &claims.key {
            let key = self.access_key(id).ok_or(Revoked)?;
            if key.stored.status != KeyStatus::Active {
                return Err(Revoked);
            }
        }
        let owner = match &claims.holder {
            SessionHolder::Root | SessionHolder::FederatedUser { parent: None, .. } => {
                Owner::Root(self.root(account).ok_or(Revoked)?.clone())
            }
            SessionHolder::User(user) | SessionHolder::FederatedUser { parent: Some(user), .. } => {
                Owner::User(self.user_of_id(user.id).ok_or(Revoked)?.identity.clone())
            }
            SessionHolder::Role { name, .. } => {
                Owner::Role(self.role(account, name).ok_or(Revoked)?.identity.clone())
            }
        };
        Caller::of_session(owner, session)
    }

    /// That the managed ones of the policies that a session of `account` asks for are there for it.
    fn check_session_policies(
        &self,
        account: AccountId,
        policies: &SessionPolicies,
    ) -> Result<(), IdentityError> {
        let usable = |arn: &PolicyArn| match arn.owner() {
            PolicyOwner::Account(owner) if owner != account => false,
            PolicyOwner::Account(_) | PolicyOwner::Aws => self.managed_policy(arn).is_some(),
        };
        let missing = policies.managed().iter().find(|arn| !usable(arn));
        missing.map_or(Ok(()), |arn| Err(IdentityError::NoSuchSessionPolicy(arn.clone())))
    }

    /// What sessions are made with now.
    fn issuer(&self, now: Timestamp) -> Result<Issuer<'_>, CatalogError> {
        let keys = self.session_keys().ok_or(CatalogError::Unreadable)?;
        Ok(Issuer { keys, partition: self.partition(), now })
    }
}
