//! Role sessions: how long, with which credentials, under which name.

use std::borrow::Cow;

use jiff::Timestamp;
use portcullis_iam::{DocumentKind, Principal, SizeLimit};
use serde::{Deserialize, Serialize};

use crate::arn::{Partition, session_arn};
use crate::caller::{Caller, principal};
use crate::error::{IdentityError, InvalidValue};
use crate::ids::{ACCESS_KEY_ID_RANDOM_BYTES, AccessKeyId, AccountId, RoleId, SecretAccessKey};
use crate::names::{RoleName, SessionName};
use crate::policies::check_document;
use crate::role::Role;
use crate::seal::{NONCE_BYTES, SessionKeys};

/// Longest session policy, in characters; white space counts. Source: iam.md §2.4.
pub const SESSION_POLICY_CHARACTERS_MAX: usize = SizeLimit::SessionPolicy.max();

/// Seconds of a session that does not say, and most of one that a role session asks for.
const HOUR: u32 = 3_600;
/// Fewest seconds of a session. Source: STS model, `roleDurationSecondsType`.
const DURATION_SECONDS_MIN: u32 = 900;

/// What one new session is made of, all random: see [`crate::generate::session_seed`].
#[derive(Clone)]
pub struct SessionSeed {
    /// The `ASIA…` id.
    pub access_key_id: AccessKeyId,
    /// What the secret is derived from; sealed in the token.
    pub session_id: [u8; ACCESS_KEY_ID_RANDOM_BYTES],
    /// The token's nonce; never used twice.
    pub nonce: [u8; NONCE_BYTES],
}

/// What a session token says, sealed so that it can be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionClaims {
    /// The role's account.
    pub account: AccountId,
    /// The role's name.
    pub role_name: RoleName,
    /// The role's unique id: a new role of the same name is another role.
    pub role_id: RoleId,
    /// The name that the session was given.
    pub session_name: SessionName,
    /// Random; the secret is derived from it.
    pub session_id: [u8; ACCESS_KEY_ID_RANDOM_BYTES],
    /// When it began; whole seconds.
    pub issued: Timestamp,
    /// When it is over; whole seconds.
    pub expires: Timestamp,
    /// The session policy; it parsed as one.
    pub policy: Option<Box<str>>,
    /// Who assumed the role: ARN or service name, for the record.
    pub source: Box<str>,
}

/// The sealed form of [`SessionClaims`]: JSON, so that a later build can add members.
#[derive(Serialize, Deserialize)]
struct SealedClaims<'a> {
    account: Cow<'a, str>,
    role: Cow<'a, str>,
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    session: [u8; ACCESS_KEY_ID_RANDOM_BYTES],
    issued: i64,
    expires: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<Cow<'a, str>>,
    source: Cow<'a, str>,
}

impl SessionClaims {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let sealed = SealedClaims {
            account: self.account.as_str().into(),
            role: self.role_name.as_str().into(),
            id: self.role_id.as_str().into(),
            name: self.session_name.as_str().into(),
            session: self.session_id,
            issued: self.issued.as_second(),
            expires: self.expires.as_second(),
            policy: self.policy.as_deref().map(Cow::from),
            source: self.source.as_ref().into(),
        };
        #[expect(clippy::expect_used, reason = "strings, numbers and arrays always serialize")]
        serde_json::to_vec(&sealed).expect("claims serialize")
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let sealed: SealedClaims<'_> = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            account: sealed.account.parse().ok()?,
            role_name: sealed.role.parse().ok()?,
            role_id: sealed.id.parse().ok()?,
            session_name: sealed.name.parse().ok()?,
            session_id: sealed.session,
            issued: Timestamp::from_second(sealed.issued).ok()?,
            expires: Timestamp::from_second(sealed.expires).ok()?,
            policy: sealed.policy.map(|policy| policy.into()),
            source: sealed.source.into(),
        })
    }
}

/// A session as callers are made from it: its claims, with what is derived from them once.
#[derive(Debug)]
pub struct Session {
    claims: SessionClaims,
    principal: Principal,
    assumed_role_id: Box<str>,
}

impl Session {
    /// Derives the session's ARN and id.
    #[must_use]
    pub fn new(claims: SessionClaims, partition: Partition) -> Self {
        let arn = session_arn(partition, claims.account, &claims.role_name, &claims.session_name);
        let assumed_role_id = assumed_role_id(claims.role_id, &claims.session_name).into();
        Self { principal: principal(&arn), assumed_role_id, claims }
    }

    /// What the token says.
    #[must_use]
    pub fn claims(&self) -> &SessionClaims {
        &self.claims
    }

    /// The session as the policy language sees it; its text is the session's ARN.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// `AROA…:SESSION`.
    #[must_use]
    pub fn assumed_role_id(&self) -> &str {
        &self.assumed_role_id
    }
}

fn assumed_role_id(role_id: RoleId, session_name: &SessionName) -> String {
    format!("{role_id}:{session_name}")
}

/// What `AssumeRole` asks for. Whether the caller may is decided before, by the role's trust policy.
#[derive(Clone, Copy, Debug)]
pub struct AssumeRole<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// What it wants to be.
    pub role: &'a Role,
    /// How its session shall be called.
    pub session_name: &'a SessionName,
    /// How long, in seconds; an hour when it does not say.
    pub duration_seconds: Option<u32>,
    /// The text of an inline session policy.
    pub policy: Option<&'a str>,
}

/// The answer to `AssumeRole`. `Debug` shows neither secret nor token.
pub struct AssumedRole {
    /// The `ASIA…` id.
    pub access_key_id: AccessKeyId,
    /// What the session signs with.
    pub secret_access_key: SecretAccessKey,
    /// What it sends with every request.
    pub session_token: String,
    /// When all this ends; whole seconds.
    pub expiration: Timestamp,
    /// `arn:aws:sts::ACCT:assumed-role/ROLE/SESSION`.
    pub arn: String,
    /// `AROA…:SESSION`.
    pub assumed_role_id: String,
}

impl std::fmt::Debug for AssumedRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AssumedRole")
            .field("access_key_id", &self.access_key_id)
            .field("arn", &self.arn)
            .field("expiration", &self.expiration)
            .finish_non_exhaustive()
    }
}

/// Makes the credentials of a new session.
///
/// A root user may assume roles, which AWS refuses ("Roles may not be assumed by root accounts."):
/// our own choice. Root is the operator's first identity here, and often the only one; the role's
/// trust policy decides about it as about everyone.
///
/// # Errors
/// Those of [`session_duration`]; [`IdentityError::SessionPolicyTooLarge`],
/// [`IdentityError::MalformedPolicyDocument`].
pub fn assume_role(
    request: AssumeRole<'_>,
    keys: &SessionKeys,
    partition: Partition,
    seed: SessionSeed,
    now: Timestamp,
) -> Result<AssumedRole, IdentityError> {
    let claims = claims(request, seed.session_id, now)?;
    let Session { claims, principal, assumed_role_id } = Session::new(claims, partition);
    Ok(AssumedRole {
        secret_access_key: keys.secret(&claims, &seed.access_key_id),
        session_token: keys.seal(&claims, &seed.access_key_id, seed.nonce),
        access_key_id: seed.access_key_id,
        expiration: claims.expires,
        arn: principal.as_str().to_owned(),
        assumed_role_id: assumed_role_id.into(),
    })
}

fn claims(
    request: AssumeRole<'_>,
    session_id: [u8; ACCESS_KEY_ID_RANDOM_BYTES],
    now: Timestamp,
) -> Result<SessionClaims, IdentityError> {
    let AssumeRole { caller, role, session_name, duration_seconds, policy } = request;
    let chained = matches!(caller, Caller::RoleSession { .. });
    let duration = session_duration(duration_seconds, role, chained)?;
    policy.map_or(Ok(()), check_session_policy)?;
    let at = |second: i64| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
    Ok(SessionClaims {
        account: role.account,
        role_name: role.name.clone(),
        role_id: role.id,
        session_name: session_name.clone(),
        session_id,
        issued: at(now.as_second()),
        expires: at(now.as_second().saturating_add(duration.into())),
        policy: policy.map(Into::into),
        source: caller.arn().into(),
    })
}

/// The seconds that a session of `role` lasts; `chained` when its caller is itself a role session.
///
/// # Errors
/// A constraint of the API model under 900, [`IdentityError::DurationExceedsRole`] over the role's
/// maximum, [`IdentityError::DurationExceedsChaining`] over an hour when chained. Not verified:
/// which of the last two AWS names first.
pub fn session_duration(
    requested: Option<u32>,
    role: &Role,
    chained: bool,
) -> Result<u32, IdentityError> {
    let seconds = requested.unwrap_or(HOUR);
    if seconds < DURATION_SECONDS_MIN {
        let rule = "Member must have value greater than or equal to 900";
        return Err(InvalidValue::constraint("durationSeconds", seconds, rule).into());
    }
    if chained && seconds > HOUR {
        return Err(IdentityError::DurationExceedsChaining);
    }
    if seconds > role.max_session_duration.seconds() {
        return Err(IdentityError::DurationExceedsRole);
    }
    Ok(seconds)
}

fn check_session_policy(policy: &str) -> Result<(), IdentityError> {
    let characters = policy.chars().count();
    if characters > SESSION_POLICY_CHARACTERS_MAX {
        let percent = characters.saturating_mul(100).div_ceil(SESSION_POLICY_CHARACTERS_MAX);
        return Err(IdentityError::SessionPolicyTooLarge { percent });
    }
    check_document(DocumentKind::Session, policy)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::caller::{RoleIdentity, RootIdentity, ServiceIdentity, Source, UserIdentity};
    use crate::samples::{ALLOW, account, claims, now, role, session_name, user};

    fn alice() -> Caller {
        let id = user().id;
        Caller::user(Arc::new(UserIdentity::new(Arc::new(user()), Partition::Aws)), id).unwrap()
    }

    fn session() -> Caller {
        let role = Arc::new(RoleIdentity::new(Arc::new(role()), Partition::Aws));
        Caller::role_session(role, Arc::new(Session::new(claims(), Partition::Aws))).unwrap()
    }

    fn seed() -> SessionSeed {
        SessionSeed {
            access_key_id: AccessKeyId::temporary([1; 16]),
            session_id: [3; 16],
            nonce: [9; NONCE_BYTES],
        }
    }

    fn assume(
        caller: &Caller,
        duration_seconds: Option<u32>,
        policy: Option<&str>,
    ) -> Result<AssumedRole, IdentityError> {
        let (role, session_name) = (role(), session_name());
        let (role, session_name) = (&role, &session_name);
        let request = AssumeRole { caller, role, session_name, duration_seconds, policy };
        assume_role(request, &keys(), Partition::Aws, seed(), now())
    }

    fn keys() -> SessionKeys {
        SessionKeys::from_material([7; 32])
    }

    #[test]
    fn an_assumed_role_opens_as_what_was_asked_for() {
        let assumed = assume(&alice(), None, Some(ALLOW)).unwrap();
        let arn = "arn:aws:sts::123456789012:assumed-role/deploy/night-run";
        assert_eq!(assumed.arn, arn);
        assert_eq!(assumed.assumed_role_id, format!("{}:night-run", role().id));
        assert_eq!(assumed.expiration.to_string(), "2026-01-02T04:04:05Z");
        let opened = keys().open(&assumed.session_token, &assumed.access_key_id, now()).unwrap();
        assert_eq!(opened, claims());
        let secret = keys().secret(&opened, &assumed.access_key_id);
        assert_eq!(secret, assumed.secret_access_key);
        assert!(!format!("{assumed:?}").contains(secret.expose()));
        assert!(!format!("{assumed:?}").contains(&assumed.session_token));
    }

    #[track_caller]
    fn check(caller: &Caller, seconds: Option<u32>, want: Result<&str, &str>) {
        let got = assume(caller, seconds, None);
        let got = got.map(|assumed| assumed.expiration.to_string());
        let got = got.map_err(|error| format!("{}: {error}", error.code()));
        assert_eq!(got, want.map(str::to_owned).map_err(str::to_owned), "{seconds:?}");
    }

    const TOO_LONG: &str = "ValidationError: The requested DurationSeconds exceeds the \
                            MaxSessionDuration set for this role.";
    const CHAINED: &str = "ValidationError: The requested DurationSeconds exceeds the 1 hour \
                           session limit for roles assumed by role chaining.";
    const TOO_SHORT: &str = "ValidationError: 1 validation error detected: Value '899' at \
                             'durationSeconds' failed to satisfy constraint: Member must have \
                             value greater than or equal to 900";

    #[test]
    #[rustfmt::skip]
    fn a_session_lasts_as_long_as_role_and_caller_permit() {
        check(&alice(),   None,            Ok("2026-01-02T04:04:05Z"));
        check(&alice(),   Some(900),       Ok("2026-01-02T03:19:05Z"));
        check(&alice(),   Some(7_200),     Ok("2026-01-02T05:04:05Z"));
        check(&alice(),   Some(899),       Err(TOO_SHORT));
        check(&alice(),   Some(7_201),     Err(TOO_LONG));
        check(&alice(),   Some(u32::MAX),  Err(TOO_LONG));
        check(&session(), None,            Ok("2026-01-02T04:04:05Z"));
        check(&session(), Some(3_600),     Ok("2026-01-02T04:04:05Z"));
        check(&session(), Some(3_601),     Err(CHAINED));
    }

    #[test]
    fn a_root_user_and_a_service_may_become_a_role() {
        let root = Caller::root(Arc::new(RootIdentity::new(account(), Partition::Aws)));
        check(&root, Some(7_200), Ok("2026-01-02T05:04:05Z"));
        let service = Arc::new(ServiceIdentity::new("lambda.amazonaws.com".parse().unwrap()));
        let service = Caller::service(service, Source::default());
        check(&service, Some(900), Ok("2026-01-02T03:19:05Z"));
    }

    #[test]
    fn a_session_policy_is_one_and_short_or_refused() {
        let refusal = |policy: &str| assume(&alice(), None, Some(policy)).unwrap_err();
        for document in ["", "{", "[]"] {
            assert_eq!(refusal(document).code(), "MalformedPolicyDocument", "{document}");
        }
        let long = format!("{ALLOW}{}", " ".repeat(2_049 - ALLOW.len()));
        let error = refusal(&long);
        assert_eq!(error.code(), "PackedPolicyTooLarge");
        let text = "Packed policy consumes 101% of allotted space, please use smaller policy.";
        assert_eq!(error.to_string(), text);
        assert!(assume(&alice(), None, long.get(..2_048)).is_ok());
    }

    #[test]
    fn the_source_of_a_session_is_its_caller() {
        let assumed = assume(&session(), None, None).unwrap();
        let opened = keys().open(&assumed.session_token, &assumed.access_key_id, now()).unwrap();
        assert_eq!(opened.source.as_ref(), session().arn());
        assert_eq!(opened.policy, None);
    }
}
