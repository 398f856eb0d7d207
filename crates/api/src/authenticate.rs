//! Who sent a request: the credential behind the claim, the proof, the caller.

use std::sync::Arc;

use http::{HeaderMap, request::Parts};
use jiff::Timestamp;
use portcullis_catalog::{AccessKeyView, AttachedPolicy, Snapshot};
use portcullis_identity::{
    AccessKeyId, Caller, IdentityError, KeyOwner, KeyStatus, SessionError, Source,
};
use portcullis_model::OperationModel;
use portcullis_sigv4::{Claim, Scope, SignatureError};

use crate::{error::ApiError, opened_sessions::OpenedSession, state::State};

/// The signed headers in which a service says for whom it calls (design.md §6).
const SOURCE_ARN: &str = "x-amz-source-arn";
const SOURCE_ACCOUNT: &str = "x-amz-source-account";

/// The control operations that are to IAM's key operations what roots and services are to users.
const MAKING_KEYS: [&str; 2] = ["CreateRootAccessKey", "CreateServiceAccessKey"];

/// Who a proven request is.
pub(crate) struct Authenticated {
    pub(crate) caller: Caller,
    /// The key that the request is signed with; `None` if it is not.
    pub(crate) access_key_id: Option<AccessKeyId>,
    /// The policy that the session was made with.
    pub(crate) session_policy: Option<Arc<AttachedPolicy>>,
}

/// What a claim's access key id stands for: it exists and is in force, nothing is proven yet.
pub(crate) enum Credential {
    /// A key of a user, a root, or a service.
    LongTerm(Arc<AccessKeyView>),
    /// A session; the token was sealed by us and has not expired.
    Session(Arc<OpenedSession>),
}

impl Credential {
    /// Looks the claim's key up.
    ///
    /// # Errors
    /// [`SignatureError::UnrecognizedClient`] for a key or token that is not in force,
    /// [`SignatureError::ExpiredToken`] for a session that is over.
    pub(crate) fn find(
        state: &State,
        snapshot: &Snapshot,
        claim: &Claim,
        now: Timestamp,
    ) -> Result<Self, SignatureError> {
        let unknown = SignatureError::UnrecognizedClient;
        let Ok(id) = claim.access_key_id().parse::<AccessKeyId>() else { return Err(unknown) };
        match (id.is_temporary(), claim.session_token()) {
            (true, Some(token)) => Self::session(state, snapshot, token, &id, now),
            (false, None) => Self::long_term(snapshot, &id),
            _ => Err(unknown),
        }
    }

    fn long_term(snapshot: &Snapshot, id: &AccessKeyId) -> Result<Self, SignatureError> {
        let key = snapshot.access_key(id);
        let active = key.filter(|key| key.stored.status == KeyStatus::Active);
        active.cloned().map(Self::LongTerm).ok_or(SignatureError::UnrecognizedClient)
    }

    fn session(
        state: &State,
        snapshot: &Snapshot,
        token: &str,
        id: &AccessKeyId,
        now: Timestamp,
    ) -> Result<Self, SignatureError> {
        let keys = snapshot.session_keys().ok_or(SignatureError::UnrecognizedClient)?;
        let session = state.opened_sessions.open(keys, token, id, now).map_err(refusal)?;
        check_function(state, &session)?;
        Ok(Self::Session(session))
    }

    /// The same credential in a later state, at a later moment: what has ended meanwhile has ended.
    ///
    /// # Errors
    /// Those of [`Self::find`].
    pub(crate) fn renew(
        self,
        state: &State,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<Self, SignatureError> {
        match self {
            Self::LongTerm(key) => Self::long_term(snapshot, &key.stored.id),
            Self::Session(session) => {
                let keys = snapshot.session_keys().ok_or(SignatureError::UnrecognizedClient)?;
                session.check(keys, now).map_err(refusal)?;
                check_function(state, &session)?;
                Ok(Self::Session(session))
            }
        }
    }

    /// Proves the request with the credential's secret, and says who sent it.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`] when the proof fails; [`SignatureError::UnrecognizedClient`]
    /// when whoever the credential was made for is gone.
    pub(crate) fn verify(
        self,
        state: &State,
        snapshot: &Snapshot,
        head: &Parts,
        claim: &Claim,
        body_sha256: &str,
        now: Timestamp,
    ) -> Result<Authenticated, SignatureError> {
        match self {
            Self::LongTerm(key) => {
                claim.verify(head, body_sha256, &key.signing_key(claim.scope()).1)?;
                let caller = owner(snapshot, &key.stored.owner, &head.headers)?;
                key.uses.note(claim.scope().service(), claim.scope().region(), now);
                let access_key_id = Some(key.stored.id.clone());
                Ok(Authenticated { caller, access_key_id, session_policy: None })
            }
            Self::Session(session) => {
                let scope = claim.scope();
                let key = session.signing.get(&session.secret, scope);
                claim.verify(head, body_sha256, &key.1)?;
                state.opened_sessions.keep(&session);
                let proven = session_holder(snapshot, &session)?;
                note_use_of_role(snapshot, &proven.caller, scope, now);
                Ok(proven)
            }
        }
    }
}

impl Authenticated {
    /// Whoever sends a request without a signature, or to where one proves nothing.
    pub(crate) fn nobody() -> Self {
        Self { caller: Caller::Anonymous, access_key_id: None, session_policy: None }
    }

    /// Refuses what credentials of this kind cannot call, whatever is allowed: those of
    /// `GetSessionToken`, which no second factor was given for, and of `GetFederationToken` reach
    /// neither IAM nor most of STS. Source: IAM user guide, "Compare AWS STS credentials". Nor our own
    /// operations that make keys: a key would outlive the session.
    ///
    /// # Errors
    /// As of a token that does not exist in IAM, which is AWS's answer;
    /// [`IdentityError::SessionCredentials`] in STS.
    pub(crate) fn may_call(&self, operation: &OperationModel) -> Result<(), ApiError> {
        let of_sts: &[&str] = match &self.caller {
            Caller::Root { issued: Some(_), .. } | Caller::User { issued: Some(_), .. } => {
                &["AssumeRole", "GetCallerIdentity"]
            }
            Caller::FederatedUser { .. } => &["GetCallerIdentity"],
            _ => return Ok(()),
        };
        match operation.service {
            "iam" => Err(SignatureError::UnrecognizedClient.into()),
            "portcullis" if MAKING_KEYS.contains(&operation.name) => {
                Err(SignatureError::UnrecognizedClient.into())
            }
            "sts" if !of_sts.contains(&operation.name) => {
                Err(IdentityError::SessionCredentials(operation.name).into())
            }
            _ => Ok(()),
        }
    }
}

fn refusal(error: SessionError) -> SignatureError {
    match error {
        SessionError::Invalid => SignatureError::UnrecognizedClient,
        SessionError::Expired => SignatureError::ExpiredToken,
    }
}

/// A function's session ends with the worker that it was made for.
fn check_function(state: &State, session: &OpenedSession) -> Result<(), SignatureError> {
    let is_function = session.identity.claims().holder.function().is_some();
    if is_function && !state.function_sessions.are_running(&session.id) {
        return Err(SignatureError::UnrecognizedClient);
    }
    Ok(())
}

/// The caller whose long-term key it is.
fn owner(
    snapshot: &Snapshot,
    owner: &KeyOwner,
    headers: &HeaderMap,
) -> Result<Caller, SignatureError> {
    let gone = || SignatureError::UnrecognizedClient;
    match owner {
        KeyOwner::Root(account) => {
            Ok(Caller::root(snapshot.root(*account).ok_or_else(gone)?.clone()))
        }
        KeyOwner::User { account, name, id } => {
            let user = snapshot.user(*account, name).ok_or_else(gone)?;
            Caller::user(user.identity.clone(), *id).map_err(|_| gone())
        }
        KeyOwner::Service(name) => Ok(Caller::service(snapshot.service(name), source(headers)?)),
    }
}

/// For whom a service calls. The headers are signed: sigv4 refuses unsigned `x-amz-…` headers. Each
/// is there at most once: a signature covers the values of several joined by commas, so that one
/// value with a comma could be split on its way.
fn source(headers: &HeaderMap) -> Result<Source, SignatureError> {
    let incomplete = |what: &str| SignatureError::Incomplete(what.to_owned());
    let text = |name: &str| {
        let mut values = headers.get_all(name).iter().map(http::HeaderValue::to_str);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(Ok(text)), None) => Ok(Some(text)),
            (Some(Err(_)), None) => Err(incomplete("A source header is not visible ASCII.")),
            (Some(_), Some(_)) => Err(incomplete("A source header is given more than once.")),
        }
    };
    let (arn, account) = (text(SOURCE_ARN)?, text(SOURCE_ACCOUNT)?);
    Source::parse(arn, account).map_err(|error| incomplete(&error.to_string()))
}

/// Notes that a session of its role called, if the caller is one.
fn note_use_of_role(snapshot: &Snapshot, caller: &Caller, scope: &Scope, now: Timestamp) {
    let Caller::RoleSession { role, .. } = caller else { return };
    if let Some(view) = snapshot.role_of_id(role.role().id) {
        view.uses.note(scope.service(), scope.region(), now);
    }
}

/// The session behind a token, if whoever it was made for is still the same.
fn session_holder(
    snapshot: &Snapshot,
    session: &OpenedSession,
) -> Result<Authenticated, SignatureError> {
    let gone = || SignatureError::UnrecognizedClient;
    let caller = snapshot.caller_of_session(&session.identity).map_err(|_| gone())?;
    let session_policy = session.policy(caller.arn()).map_err(|_| gone())?;
    Ok(Authenticated { caller, access_key_id: Some(session.id.clone()), session_policy })
}
