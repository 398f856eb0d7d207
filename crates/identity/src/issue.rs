//! Making sessions: who may have one, how long it lasts, and its credentials.

use jiff::Timestamp;

use crate::arn::{Partition, federated_user_arn, session_arn};
use crate::caller::Caller;
use crate::error::{IdentityError, InvalidValue};
use crate::ids::{AccessKeyId, AccountId, SecretAccessKey};
use crate::marks::SessionMarks;
use crate::names::{FederatedUserName, SessionName};
use crate::role::Role;
use crate::seal::SessionKeys;
use crate::session::{NamedUser, SessionClaims, SessionHolder, SessionSeed};
use crate::session_policies::SessionPolicies;

/// Seconds of a role session that does not say, most of one that a role session asks for, and most
/// of one that root asks for.
const HOUR: u32 = 3_600;
/// Seconds of a user's session that does not say. Source: STS API reference, `GetSessionToken`.
const HALF_DAY: u32 = 12 * HOUR;
/// Most seconds of a user's session. Source: STS model, `durationSecondsType`.
const USER_DURATION_SECONDS_MAX: u32 = 36 * HOUR;
/// Fewest seconds of a session. Source: STS model, `roleDurationSecondsType`.
const DURATION_SECONDS_MIN: u32 = 900;

/// What sessions are made with: the installation's keys, its partition, and the moment.
#[derive(Clone, Copy, Debug)]
pub struct Issuer<'a> {
    /// What seals tokens and gives secrets.
    pub keys: &'a SessionKeys,
    /// What ARNs begin with.
    pub partition: Partition,
    /// When the session begins.
    pub now: Timestamp,
}

/// Temporary credentials. `Debug` shows neither secret nor token.
pub struct SessionCredentials {
    /// The `ASIA…` id.
    pub access_key_id: AccessKeyId,
    /// What the session signs with.
    pub secret_access_key: SecretAccessKey,
    /// What it sends with every request.
    pub session_token: String,
    /// When all this ends; whole seconds.
    pub expiration: Timestamp,
}

impl std::fmt::Debug for SessionCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionCredentials")
            .field("access_key_id", &self.access_key_id)
            .field("expiration", &self.expiration)
            .finish_non_exhaustive()
    }
}

/// A session that calls under a name of its own.
#[derive(Debug)]
pub struct NewSession {
    /// What it signs with.
    pub credentials: SessionCredentials,
    /// `arn:aws:sts::ACCT:assumed-role/ROLE/SESSION`, or `…:federated-user/NAME`.
    pub arn: String,
    /// `AROA…:SESSION`, or `ACCT:NAME`.
    pub user_id: String,
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
    /// What limits the session.
    pub policies: &'a SessionPolicies,
    /// What its session is marked with, inherited marks included.
    pub marks: &'a SessionMarks,
}

/// What `GetFederationToken` asks for. Whether the caller may is decided before, by its policies.
#[derive(Clone, Copy, Debug)]
pub struct GetFederationToken<'a> {
    /// Who asks, and with which key.
    pub bearer: Bearer<'a>,
    /// How the federated user shall be called.
    pub name: &'a FederatedUserName,
    /// How long, in seconds; 12 hours when it does not say.
    pub duration_seconds: Option<u32>,
    /// What limits the session. Without one it may do what a resource policy grants to it by name,
    /// and nothing else.
    pub policies: &'a SessionPolicies,
    /// What the session is marked with; its tags come before those of its user.
    pub marks: &'a SessionMarks,
}

/// A caller and the key that it signed with.
#[derive(Clone, Copy, Debug)]
pub struct Bearer<'a> {
    /// Who.
    pub caller: &'a Caller,
    /// With which key.
    pub key: Option<&'a AccessKeyId>,
}

impl Bearer<'_> {
    /// The user behind it, `None` for root, with the key that every session of it ends with.
    fn with_long_term_key(
        self,
        operation: &'static str,
    ) -> Result<(AccountId, Option<NamedUser>, AccessKeyId), IdentityError> {
        let refused = || IdentityError::SessionCredentials(operation);
        let key = self.key.filter(|key| !key.is_temporary()).ok_or_else(refused)?.clone();
        match self.caller {
            Caller::Root { root, .. } => Ok((root.account(), None, key)),
            Caller::User { user, .. } => {
                let user = user.user();
                Ok((user.account, Some(user.into()), key))
            }
            Caller::RoleSession { .. }
            | Caller::FederatedUser { .. }
            | Caller::Service { .. }
            | Caller::Token { .. }
            | Caller::Anonymous => Err(refused()),
        }
    }
}

impl Issuer<'_> {
    /// Makes the credentials of a new session of a role.
    ///
    /// A root user may assume roles, which AWS refuses ("Roles may not be assumed by root
    /// accounts."): our own choice. Root is the operator's first identity here, and often the only
    /// one; the role's trust policy decides about it as about everyone.
    ///
    /// # Errors
    /// Those of [`session_duration`]; [`IdentityError::SessionPolicyTooLarge`] for policies and marks
    /// that do not fit a token together.
    pub fn assume_role(
        self,
        request: AssumeRole<'_>,
        seed: SessionSeed,
    ) -> Result<NewSession, IdentityError> {
        let AssumeRole { caller, role, session_name, duration_seconds, policies, marks } = request;
        let chained = matches!(caller, Caller::RoleSession { .. });
        let seconds = session_duration(duration_seconds, role, chained)?;
        policies.check_size(marks.percent_of_limit())?;
        let claims = SessionClaims {
            policies: policies.clone(),
            web_identity: caller.web_identity().filter(|_| !chained).cloned(),
            marks: marks.clone(),
            ..self.claims(role.account, role_holder(role, session_name, None), seconds, &seed)
        };
        let claims = SessionClaims { source: caller.arn().into(), ..claims };
        Ok(self.role_session(role, session_name, &claims, seed))
    }

    /// Makes the credentials that a worker of `function` runs with: a session of its execution role,
    /// called as the function is, 12 hours long whatever the role's maximum is, as that limits
    /// `AssumeRole` only. `arn` becomes `lambda:SourceFunctionArn`.
    #[must_use]
    pub fn run_as(
        self,
        role: &Role,
        session_name: &SessionName,
        arn: &str,
        seed: SessionSeed,
    ) -> NewSession {
        let holder = role_holder(role, session_name, Some(arn.into()));
        let source = Box::from("lambda.amazonaws.com");
        let claims = SessionClaims { source, ..self.claims(role.account, holder, HALF_DAY, &seed) };
        self.role_session(role, session_name, &claims, seed)
    }

    /// Makes temporary credentials for a user or root as itself.
    ///
    /// # Errors
    /// [`IdentityError::SessionCredentials`] for a caller without a long-term key of its own; a
    /// constraint of the API model for the duration.
    pub fn session_token(
        self,
        bearer: Bearer<'_>,
        duration_seconds: Option<u32>,
        seed: SessionSeed,
    ) -> Result<SessionCredentials, IdentityError> {
        let (account, user, key) = bearer.with_long_term_key("GetSessionToken")?;
        let seconds = user_duration(duration_seconds, user.is_none())?;
        let holder = user.map_or(SessionHolder::Root, SessionHolder::User);
        let claims = SessionClaims {
            source: bearer.caller.arn().into(),
            key: Some(key),
            ..self.claims(account, holder, seconds, &seed)
        };
        Ok(self.credentials(&claims, seed))
    }

    /// Makes the credentials of a new federated user.
    ///
    /// # Errors
    /// Those of [`session_token`](Self::session_token); [`IdentityError::SessionPolicyTooLarge`] for
    /// policies and marks that do not fit a token together.
    pub fn federation_token(
        self,
        request: GetFederationToken<'_>,
        seed: SessionSeed,
    ) -> Result<NewSession, IdentityError> {
        let GetFederationToken { bearer, name, duration_seconds, policies, marks } = request;
        let (account, parent, key) = bearer.with_long_term_key("GetFederationToken")?;
        let seconds = user_duration(duration_seconds, parent.is_none())?;
        policies.check_size(marks.percent_of_limit())?;
        let holder = SessionHolder::FederatedUser { name: name.clone(), parent };
        let claims = SessionClaims {
            policies: policies.clone(),
            marks: marks.clone(),
            source: bearer.caller.arn().into(),
            key: Some(key),
            ..self.claims(account, holder, seconds, &seed)
        };
        Ok(NewSession {
            arn: federated_user_arn(self.partition, account, name),
            user_id: format!("{account}:{name}"),
            credentials: self.credentials(&claims, seed),
        })
    }

    /// The claims of a session that begins now.
    fn claims(
        self,
        account: AccountId,
        holder: SessionHolder,
        seconds: u32,
        seed: &SessionSeed,
    ) -> SessionClaims {
        let at = |second: i64| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        SessionClaims {
            account,
            holder,
            session_id: seed.session_id,
            issued: at(self.now.as_second()),
            expires: at(self.now.as_second().saturating_add(seconds.into())),
            policies: SessionPolicies::default(),
            web_identity: None,
            marks: SessionMarks::default(),
            source: Box::default(),
            key: None,
        }
    }

    fn role_session(
        self,
        role: &Role,
        name: &SessionName,
        claims: &SessionClaims,
        seed: SessionSeed,
    ) -> NewSession {
        NewSession {
            arn: session_arn(self.partition, role.account, &role.name, name),
            user_id: format!("{}:{name}", role.id),
            credentials: self.credentials(claims, seed),
        }
    }

    fn credentials(self, claims: &SessionClaims, seed: SessionSeed) -> SessionCredentials {
        SessionCredentials {
            secret_access_key: self.keys.secret(claims, &seed.access_key_id),
            session_token: self.keys.seal(claims, &seed.access_key_id, seed.nonce),
            access_key_id: seed.access_key_id,
            expiration: claims.expires,
        }
    }
}

fn role_holder(role: &Role, session: &SessionName, function: Option<Box<str>>) -> SessionHolder {
    let (name, session) = (role.name.clone(), session.clone());
    SessionHolder::Role { name, id: role.id, session, function }
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
    at_least_minimum(seconds)?;
    if chained && seconds > HOUR {
        return Err(IdentityError::DurationExceedsChaining);
    }
    if seconds > role.max_session_duration.seconds() {
        return Err(IdentityError::DurationExceedsRole);
    }
    Ok(seconds)
}

/// The seconds that a session of a user or a federated one lasts. Root's "default to one hour" when
/// more is asked for. Source: STS API reference, `GetSessionToken`.
fn user_duration(requested: Option<u32>, is_root: bool) -> Result<u32, IdentityError> {
    let seconds = requested.unwrap_or(HALF_DAY);
    at_least_minimum(seconds)?;
    if seconds > USER_DURATION_SECONDS_MAX {
        let rule =
            format!("Member must have value less than or equal to {USER_DURATION_SECONDS_MAX}");
        return Err(InvalidValue::constraint("durationSeconds", seconds, &rule).into());
    }
    Ok(if is_root { seconds.min(HOUR) } else { seconds })
}

fn at_least_minimum(seconds: u32) -> Result<(), IdentityError> {
    if seconds < DURATION_SECONDS_MIN {
        let rule = "Member must have value greater than or equal to 900";
        return Err(InvalidValue::constraint("durationSeconds", seconds, rule).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::caller::{Owner, RoleIdentity, RootIdentity, ServiceIdentity, Source, UserIdentity};
    use crate::samples::{ALLOW, account, claims, now, role, session_name, user};
    use crate::seal::NONCE_BYTES;
    use crate::session::SessionIdentity;

    fn alice() -> Caller {
        let id = user().id;
        Caller::user(Arc::new(UserIdentity::new(Arc::new(user()), Partition::Aws)), id).unwrap()
    }

    fn session() -> Caller {
        let role = Arc::new(RoleIdentity::new(Arc::new(role()), Partition::Aws));
        let session = SessionIdentity::new(claims(), Partition::Aws);
        Caller::of_session(Owner::Role(role), &session).unwrap()
    }

    fn seed() -> SessionSeed {
        SessionSeed {
            access_key_id: AccessKeyId::temporary(account(), [1; 16]),
            session_id: [3; 16],
            nonce: [9; NONCE_BYTES],
        }
    }

    fn assume(
        caller: &Caller,
        duration_seconds: Option<u32>,
        policy: Option<&str>,
    ) -> Result<NewSession, IdentityError> {
        let (role, session_name) = (role(), session_name());
        let (role, session_name) = (&role, &session_name);
        let (policies, marks) = (&SessionPolicies::new(policy, [])?, &SessionMarks::default());
        let request = AssumeRole { caller, role, session_name, duration_seconds, policies, marks };
        issuer(&keys()).assume_role(request, seed())
    }

    fn issuer(keys: &SessionKeys) -> Issuer<'_> {
        Issuer { keys, partition: Partition::Aws, now: now() }
    }

    fn opened(credentials: &SessionCredentials) -> SessionClaims {
        keys().open(&credentials.session_token, &credentials.access_key_id, now()).unwrap()
    }

    fn keys() -> SessionKeys {
        SessionKeys::from_material([7; 32])
    }

    #[test]
    fn an_assumed_role_opens_as_what_was_asked_for() {
        let assumed = assume(&alice(), None, Some(ALLOW)).unwrap();
        let arn = "arn:aws:sts::123456789012:assumed-role/deploy/night-run";
        assert_eq!(assumed.arn, arn);
        assert_eq!(assumed.user_id, format!("{}:night-run", role().id));
        assert_eq!(assumed.credentials.expiration.to_string(), "2026-01-02T04:04:05Z");
        let credentials = &assumed.credentials;
        let opened = opened(credentials);
        assert_eq!(opened, claims());
        let secret = keys().secret(&opened, &credentials.access_key_id);
        assert_eq!(secret, credentials.secret_access_key);
        assert!(!format!("{assumed:?}").contains(secret.expose()));
        assert!(!format!("{assumed:?}").contains(&credentials.session_token));
    }

    #[track_caller]
    fn check(caller: &Caller, seconds: Option<u32>, want: Result<&str, &str>) {
        let got = assume(caller, seconds, None);
        let got = got.map(|assumed| assumed.credentials.expiration.to_string());
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

    fn bearer<'a>(caller: &'a Caller, key: &'a AccessKeyId) -> Bearer<'a> {
        Bearer { caller, key: Some(key) }
    }

    fn root() -> Caller {
        Caller::root(Arc::new(RootIdentity::new(account(), Partition::Aws)))
    }

    #[track_caller]
    fn check_token(caller: &Caller, seconds: Option<u32>, want: Result<&str, &str>) {
        let (keys, key) = (keys(), AccessKeyId::long_term([5; 16]));
        let got = issuer(&keys).session_token(bearer(caller, &key), seconds, seed());
        let claims = got.as_ref().ok().map(opened);
        assert_eq!(claims.and_then(|claims| claims.key), got.as_ref().ok().map(|_| key.clone()));
        let got = got.map(|credentials| credentials.expiration.to_string());
        let got = got.map_err(|error| format!("{}: {error}", error.code()));
        assert_eq!(got, want.map(str::to_owned).map_err(str::to_owned), "{seconds:?}");
        let name = "Susan".parse().unwrap();
        let request = GetFederationToken {
            bearer: bearer(caller, &key),
            name: &name,
            duration_seconds: seconds,
            policies: &SessionPolicies::default(),
            marks: &SessionMarks::default(),
        };
        let federated = issuer(&keys).federation_token(request, seed());
        let federated = federated.map(|session| session.credentials.expiration.to_string());
        assert_eq!(federated.ok().as_deref(), want.ok(), "federated for {seconds:?}");
    }

    const SESSION: &str = "AccessDenied: Cannot call GetSessionToken with session credentials";
    const TOO_LONG_FOR_A_USER: &str = "ValidationError: 1 validation error detected: Value '129601' at 'durationSeconds' failed \
         to satisfy constraint: Member must have value less than or equal to 129600";

    #[test]
    #[rustfmt::skip]
    fn a_user_session_lasts_up_to_36_hours_and_one_of_root_an_hour() {
        let service = Arc::new(ServiceIdentity::new("lambda.amazonaws.com".parse().unwrap()));
        check_token(&alice(),   None,          Ok("2026-01-02T15:04:05Z"));
        check_token(&alice(),   Some(900),     Ok("2026-01-02T03:19:05Z"));
        check_token(&alice(),   Some(129_600), Ok("2026-01-03T15:04:05Z"));
        check_token(&alice(),   Some(129_601), Err(TOO_LONG_FOR_A_USER));
        check_token(&alice(),   Some(899),     Err(TOO_SHORT));
        check_token(&root(),    None,          Ok("2026-01-02T04:04:05Z"));
        check_token(&root(),    Some(129_600), Ok("2026-01-02T04:04:05Z"));
        check_token(&session(), None,          Err(SESSION));
        check_token(&Caller::service(service, Source::default()), None, Err(SESSION));
    }

    #[test]
    fn a_session_key_makes_no_user_session() {
        let (keys, alice, key) = (keys(), alice(), seed().access_key_id);
        for key in [None, Some(&key)] {
            let bearer = Bearer { caller: &alice, key };
            let error = issuer(&keys).session_token(bearer, None, seed()).unwrap_err();
            assert_eq!(error, IdentityError::SessionCredentials("GetSessionToken"));
        }
    }

    #[test]
    fn a_federated_user_has_a_name_of_its_own_and_its_users_permissions() {
        let (keys, alice, key) = (keys(), alice(), AccessKeyId::long_term([5; 16]));
        let name: FederatedUserName = "Susan".parse().unwrap();
        let managed = "arn:aws:iam::aws:policy/ReadOnlyAccess";
        let policies = &SessionPolicies::new(Some(ALLOW), [managed]).unwrap();
        let request = GetFederationToken {
            bearer: bearer(&alice, &key),
            name: &name,
            duration_seconds: None,
            policies,
            marks: &SessionMarks::default(),
        };
        let session = issuer(&keys).federation_token(request, seed()).unwrap();
        assert_eq!(session.arn, "arn:aws:sts::123456789012:federated-user/Susan");
        assert_eq!(session.user_id, "123456789012:Susan");
        let claims = opened(&session.credentials);
        let parent = Some(NamedUser::from(&user()));
        assert_eq!(claims.holder, SessionHolder::FederatedUser { name, parent });
        assert_eq!((&claims.policies, claims.key), (policies, Some(key)));
    }

    #[test]
    fn a_function_runs_as_a_session_called_like_it() {
        let keys = keys();
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:resize";
        let name = SessionName::of_function("resize").unwrap();
        let session = issuer(&keys).run_as(&role(), &name, arn, seed());
        assert_eq!(session.arn, "arn:aws:sts::123456789012:assumed-role/deploy/resize");
        let holder = opened(&session.credentials).holder;
        let SessionHolder::Role { function, .. } = holder else { panic!("{holder:?}") };
        assert_eq!(function.as_deref(), Some(arn));
        assert_eq!(SessionName::of_function("f").unwrap().as_str(), "lambda-f");
    }

    #[test]
    fn the_source_of_a_session_is_its_caller() {
        let assumed = assume(&session(), None, None).unwrap();
        let credentials = &assumed.credentials;
        let opened = opened(credentials);
        assert_eq!(opened.source.as_ref(), session().arn());
        assert!(opened.policies.is_empty());
    }
}
