//! Who a verified request is, and what the policy language may know about it.
//!
//! A caller is made once a request from shared values that were derived when the catalog read
//! them: making one copies pointers. The keys of iam.md §9.1 and §9.2 are answered when asked for.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use portcullis_iam::{Arn, Principal, Value};

use crate::arn::Partition;
use crate::entity::Entity as _;
use crate::ids::{AccountId, UserId};
use crate::oidc_provider::OidcProvider;
use crate::role::Role;
use crate::service::ServiceName;
use crate::session::{Session, SessionClaims, SessionHolder, SessionIdentity};
use crate::tags::Tags;
use crate::user::User;
use crate::web_identity::WebIdentity;

/// The principal of an ARN or name that this crate made.
pub(crate) fn principal(text: &str) -> Principal {
    #[expect(clippy::expect_used, reason = "law: every_identity_is_a_principal")]
    Principal::parse(text).expect("a valid identity is a principal")
}

/// What stands for the caller of an unsigned call: its principal, its account, its user id.
const ANONYMOUS: &str = "anonymous";

/// The key of the function that a call comes from, in lower case.
const SOURCE_FUNCTION_ARN: &str = "lambda:sourcefunctionarn";

/// The other keys that say who calls, after `aws:`, beside the tags.
const KEYS: [&str; 14] = [
    "federatedprovider",
    "multifactorauthpresent",
    "principalaccount",
    "principalarn",
    "principalisawsservice",
    "principalservicename",
    "principalservicenameslist",
    "principaltype",
    "sourceaccount",
    "sourcearn",
    "sourceidentity",
    "tokenissuetime",
    "userid",
    "username",
];

fn anonymous() -> &'static Principal {
    static PRINCIPAL: OnceLock<Principal> = OnceLock::new();
    PRINCIPAL.get_or_init(|| principal(ANONYMOUS))
}

/// The root user of an account, as callers are made from it.
#[derive(Debug)]
pub struct RootIdentity {
    account: AccountId,
    principal: Principal,
}

impl RootIdentity {
    /// Derives the root ARN.
    #[must_use]
    pub fn new(account: AccountId, partition: Partition) -> Self {
        Self { account, principal: principal(&account.root_arn(partition)) }
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }
}

/// A user, as callers are made from it.
#[derive(Debug)]
pub struct UserIdentity {
    user: Arc<User>,
    principal: Principal,
}

impl UserIdentity {
    /// Derives the user's ARN.
    #[must_use]
    pub fn new(user: Arc<User>, partition: Partition) -> Self {
        let principal = principal(&user.arn(partition)).with_id(user.id.as_str());
        Self { principal, user }
    }

    /// The user as a caller.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.user
    }

    /// `arn:aws:iam::ACCT:user/PATH/NAME`.
    #[must_use]
    pub fn arn(&self) -> &str {
        self.principal.as_str()
    }
}

/// A role, as the callers that are its sessions are made from it.
#[derive(Debug)]
pub struct RoleIdentity {
    role: Arc<Role>,
    arn: Box<str>,
}

impl RoleIdentity {
    /// Derives the role's ARN.
    #[must_use]
    pub fn new(role: Arc<Role>, partition: Partition) -> Self {
        Self { arn: role.arn(partition).into(), role }
    }

    /// The role.
    #[must_use]
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// `arn:aws:iam::ACCT:role/PATH/NAME`.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }
}

impl Owner {
    /// Whether it is the very one that the session was made for, not a later one of the same name. A
    /// user that was renamed since is the same.
    fn holds(&self, claims: &SessionClaims) -> bool {
        match (self, &claims.holder) {
            (Self::Root(root), SessionHolder::Root)
            | (Self::Root(root), SessionHolder::FederatedUser { parent: None, .. }) => {
                root.account == claims.account
            }
            (Self::User(known), SessionHolder::User(named))
            | (Self::User(known), SessionHolder::FederatedUser { parent: Some(named), .. }) => {
                known.user.account == claims.account && known.user.id == named.id
            }
            (Self::Role(known), SessionHolder::Role { name, id, .. }) => {
                let current = &known.role;
                let same = current.id == *id && current.name == *name;
                same && current.account == claims.account
            }
            _ => false,
        }
    }
}

/// A service principal, as callers are made from it.
#[derive(Debug)]
pub struct ServiceIdentity {
    name: ServiceName,
    global: Option<Box<str>>,
    principal: Principal,
}

impl ServiceIdentity {
    /// Derives the names of the service.
    #[must_use]
    pub fn new(name: ServiceName) -> Self {
        let global = name.global().map(Into::into);
        Self { principal: principal(name.as_str()), global, name }
    }

    /// The name that the principal has.
    #[must_use]
    pub fn name(&self) -> &ServiceName {
        &self.name
    }
}

/// On whose behalf a service calls: the signed headers of design.md §6.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    arn: Option<Box<str>>,
    account: Option<AccountId>,
}

/// A source that is not an ARN, or not an account: nothing could be decided by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSource {
    /// Not six fields that begin with `arn:`, or over 2,048 bytes, or with blanks in it.
    #[error("the source is not an ARN")]
    Arn,
    /// Not 12 digits.
    #[error("the source account is not 12 digits")]
    Account,
}

impl Source {
    /// Reads what a service says; either part may be missing, as S3 ARNs name no account and some
    /// services send none (aws-lambda.md §9.1).
    ///
    /// # Errors
    /// [`InvalidSource`] for a part that is there and malformed.
    pub fn parse(arn: Option<&str>, account: Option<&str>) -> Result<Self, InvalidSource> {
        if arn.is_some_and(|arn| !is_arn(arn)) {
            return Err(InvalidSource::Arn);
        }
        let account = account.map(str::parse).transpose().map_err(|_| InvalidSource::Account)?;
        Ok(Self { arn: arn.map(Into::into), account })
    }
}

fn is_arn(text: &str) -> bool {
    text.len() <= 2_048
        && Arn::split(text).is_some()
        && text.chars().all(|c| !c.is_control() && !c.is_whitespace())
}

/// The key's or session's user or role is gone, or another one has its name now.
/// `Display` is AWS's text for a credential that does not exist (aws-lambda.md §9.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The security token included in the request is invalid.")]
pub struct Revoked;

/// Whose permissions a session has, as they are now.
#[derive(Clone, Debug)]
pub enum Owner {
    /// The root user of an account.
    Root(Arc<RootIdentity>),
    /// A user.
    User(Arc<UserIdentity>),
    /// A role.
    Role(Arc<RoleIdentity>),
}

/// The bearer of a proven token of an OpenID Connect issuer, while it assumes a role. It is of no
/// account.
#[derive(Debug)]
pub struct TokenBearer {
    principal: Principal,
    identity: WebIdentity,
}

impl TokenBearer {
    /// The bearer of a token that the provider of this ARN believes.
    fn new(provider: &str, identity: WebIdentity) -> Self {
        Self { principal: principal(provider), identity }
    }
}

/// Who a request is, once its signature is verified. Made by the constructors only, which refuse
/// credentials that were bound to an earlier user or role of the same name.
#[derive(Clone, Debug)]
pub enum Caller {
    /// The root user of an account.
    #[non_exhaustive]
    Root {
        /// Which.
        root: Arc<RootIdentity>,
        /// When its temporary credentials were made, if it calls with such.
        issued: Option<Timestamp>,
    },
    /// A user.
    #[non_exhaustive]
    User {
        /// Which.
        user: Arc<UserIdentity>,
        /// When its temporary credentials were made, if it calls with such.
        issued: Option<Timestamp>,
    },
    /// A session of a role.
    #[non_exhaustive]
    RoleSession {
        /// Of which role.
        role: Arc<RoleIdentity>,
        /// Which session.
        session: Arc<Session>,
    },
    /// A user of somebody's own choosing, who shares the permissions of a user or root.
    #[non_exhaustive]
    FederatedUser {
        /// Whose permissions it shares, as far as its session policy goes: a user's or root's.
        parent: Owner,
        /// Which session.
        session: Arc<Session>,
    },
    /// An AWS service.
    #[non_exhaustive]
    Service {
        /// Which.
        service: Arc<ServiceIdentity>,
        /// On whose behalf.
        source: Source,
    },
    /// The bearer of a token, which is its proof instead of a signature.
    #[non_exhaustive]
    Token {
        /// Which.
        bearer: Arc<TokenBearer>,
    },
    /// Nobody in particular: a call that is not signed, through a function URL that asks for no
    /// signature. A policy knows it as `"*"` alone.
    Anonymous,
}

impl Caller {
    /// The root user.
    #[must_use]
    pub fn root(root: Arc<RootIdentity>) -> Self {
        Self::Root { root, issued: None }
    }

    /// The user whose key has the owner id `key_owner`.
    ///
    /// # Errors
    /// [`Revoked`] when the key was an earlier user's.
    pub fn user(user: Arc<UserIdentity>, key_owner: UserId) -> Result<Self, Revoked> {
        if user.user.id == key_owner { Ok(Self::User { user, issued: None }) } else { Err(Revoked) }
    }

    /// Whoever a session's claims say, `owner` being whose permissions it has.
    ///
    /// # Errors
    /// [`Revoked`] when the session is an earlier owner's, or another's.
    pub fn of_session(owner: Owner, session: &SessionIdentity) -> Result<Self, Revoked> {
        let claims = session.claims();
        if !owner.holds(claims) {
            return Err(Revoked);
        }
        let issued = Some(claims.issued);
        match (owner, session.named().cloned()) {
            (Owner::Root(root), None) => Ok(Self::Root { root, issued }),
            (Owner::User(user), None) => Ok(Self::User { user, issued }),
            (Owner::Role(role), Some(session)) => Ok(Self::RoleSession { role, session }),
            (Owner::User(user), Some(session)) => {
                let session = Arc::new(session.with_parent(&user)?);
                Ok(Self::FederatedUser { parent: Owner::User(user), session })
            }
            (parent @ Owner::Root(_), Some(session)) => Ok(Self::FederatedUser { parent, session }),
            (Owner::Role(_), None) => Err(Revoked),
        }
    }

    /// A service that calls on behalf of `source`.
    #[must_use]
    pub fn service(service: Arc<ServiceIdentity>, source: Source) -> Self {
        Self::Service { service, source }
    }

    /// The bearer of a token that `provider` believes; `identity` is what the token says.
    #[must_use]
    pub fn token(provider: &OidcProvider, identity: WebIdentity, partition: Partition) -> Self {
        let arn = provider.issuer.arn(partition, provider.account);
        Self::Token { bearer: Arc::new(TokenBearer::new(&arn, identity)) }
    }

    /// What the caller's token says, if it calls with one.
    #[must_use]
    pub fn web_identity(&self) -> Option<&WebIdentity> {
        match self {
            Self::Token { bearer } => Some(&bearer.identity),
            _ => self.session()?.claims().web_identity.as_ref(),
        }
    }

    /// The caller as the policy language sees it.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        match self {
            Self::Root { root, .. } => &root.principal,
            Self::User { user, .. } => &user.principal,
            Self::RoleSession { session, .. } | Self::FederatedUser { session, .. } => {
                session.principal()
            }
            Self::Service { service, .. } => &service.principal,
            Self::Token { bearer } => &bearer.principal,
            Self::Anonymous => anonymous(),
        }
    }

    /// The caller as errors and `GetCallerIdentity` show it: the ARN of the root, user or session,
    /// the bare name of a service, or `anonymous`.
    #[must_use]
    pub fn arn(&self) -> &str {
        self.principal().as_str()
    }

    /// The caller's account; services and the anonymous caller have none.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Root { root, .. } => Some(root.account),
            Self::User { user, .. } => Some(user.user.account),
            Self::RoleSession { session, .. } | Self::FederatedUser { session, .. } => {
                Some(session.claims().account)
            }
            Self::Service { .. } | Self::Token { .. } | Self::Anonymous => None,
        }
    }

    /// `aws:userid`: the account id of a root, `AIDA…`, `AROA…:SESSION`, `ACCT:NAME` of a federated
    /// user, `anonymous`; services have none.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Self::Root { root, .. } => Some(root.account.as_str()),
            Self::User { user, .. } => Some(user.user.id.as_str()),
            Self::RoleSession { session, .. } | Self::FederatedUser { session, .. } => {
                Some(session.user_id())
            }
            Self::Service { .. } | Self::Token { .. } => None,
            Self::Anonymous => Some(ANONYMOUS),
        }
    }

    /// `aws:PrincipalType`; AWS documents no value for services.
    #[must_use]
    pub fn principal_type(&self) -> Option<&'static str> {
        match self {
            Self::Root { .. } => Some("Account"),
            Self::User { .. } => Some("User"),
            Self::RoleSession { .. } => Some("AssumedRole"),
            Self::FederatedUser { .. } => Some("FederatedUser"),
            Self::Service { .. } | Self::Token { .. } => None,
            Self::Anonymous => Some("Anonymous"),
        }
    }

    /// `aws:PrincipalArn`: for a session the ARN of its role, with the path; callers without
    /// an account have none.
    #[must_use]
    pub fn principal_arn(&self) -> Option<&str> {
        match self {
            Self::Root { .. } | Self::User { .. } | Self::FederatedUser { .. } => Some(self.arn()),
            Self::RoleSession { role, .. } => Some(&role.arn),
            Self::Service { .. } | Self::Token { .. } | Self::Anonymous => None,
        }
    }

    /// On whose behalf a service calls: the ARN and the account, as far as it says so.
    #[must_use]
    pub fn source(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::Service { source, .. } => {
                (source.arn.as_deref(), source.account.as_ref().map(AccountId::as_str))
            }
            Self::Root { .. }
            | Self::User { .. }
            | Self::RoleSession { .. }
            | Self::FederatedUser { .. }
            | Self::Token { .. }
            | Self::Anonymous => (None, None),
        }
    }

    /// The value of a condition key that says who calls; `None` when it does not apply to this kind
    /// of caller, or is not about the caller. `key` is in lower case.
    ///
    /// `aws:SourceArn`, `aws:SourceAccount` and the service names are answered for services alone:
    /// no one else can ever set them (iam.md §9.5); `lambda:SourceFunctionArn` for sessions that
    /// functions run as (iam.md §9.2).
    #[must_use]
    pub fn condition_key(&self, key: &str) -> Option<Value<'_>> {
        if key == SOURCE_FUNCTION_ARN {
            let Self::RoleSession { session, .. } = self else { return None };
            return single(session.function()?);
        }
        let Some(name) = key.strip_prefix("aws:") else {
            return self.web_identity()?.condition_key(key);
        };
        if let Some(tag) = name.strip_prefix("principaltag/") {
            let own = self.session_tags().and_then(|tags| tags.value(tag));
            return single(own.or_else(|| self.tags()?.value(tag))?);
        }
        match name {
            "principalarn" => single(self.principal_arn()?),
            "principaltype" => single(self.principal_type()?),
            "principalaccount" => self.principal_account(),
            "principalisawsservice" => single(self.is_service()?),
            "userid" => single(self.user_id()?),
            _ => match self {
                Self::User { user, .. } if name == "username" => single(user.user.name.as_str()),
                Self::Root { issued, .. } | Self::User { issued, .. } => {
                    session_key((*issued)?, name)
                }
                Self::RoleSession { session, .. } if name == "federatedprovider" => {
                    single(session.federated_provider()?)
                }
                Self::RoleSession { session, .. } if name == "sourceidentity" => {
                    single(session.claims().marks.source_identity.as_ref()?.as_str())
                }
                Self::RoleSession { session, .. } | Self::FederatedUser { session, .. } => {
                    session_key(session.claims().issued, name)
                }
                Self::Token { .. } | Self::Anonymous => None,
                Self::Service { service, source } => service_key(service, source, name),
            },
        }
    }

    /// Whether the key, in lower case, is one of AWS's own that only callers can have: no resource
    /// and no request gives it, whoever calls. Those of web identity tokens bear their issuers'
    /// names, which nobody knows beforehand.
    #[must_use]
    pub fn alone_tells(key: &str) -> bool {
        let Some(name) = key.strip_prefix("aws:") else { return key == SOURCE_FUNCTION_ARN };
        name.starts_with("principaltag/") || KEYS.contains(&name)
    }

    fn principal_account(&self) -> Option<Value<'_>> {
        match self {
            Self::Root { root, .. } => single(root.account.as_str()),
            Self::User { user, .. } => single(user.user.account.as_str()),
            Self::RoleSession { session, .. } | Self::FederatedUser { session, .. } => {
                single(session.claims().account.as_str())
            }
            Self::Service { .. } | Self::Token { .. } => None,
            Self::Anonymous => single(ANONYMOUS),
        }
    }

    /// Of signed calls only (iam.md §9.1).
    fn is_service(&self) -> Option<&'static str> {
        match self {
            Self::Service { .. } => Some("true"),
            Self::Token { .. } | Self::Anonymous => None,
            _ => Some("false"),
        }
    }

    /// The session that calls under a name of its own.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        match self {
            Self::RoleSession { session, .. } | Self::FederatedUser { session, .. } => {
                Some(session)
            }
            Self::Root { .. }
            | Self::User { .. }
            | Self::Service { .. }
            | Self::Token { .. }
            | Self::Anonymous => None,
        }
    }

    /// Those that the session was given: they come before the role's.
    fn session_tags(&self) -> Option<&Tags> {
        match self {
            Self::RoleSession { session, .. } | Self::FederatedUser { session, .. } => {
                Some(session.claims().marks.tags.tags())
            }
            _ => None,
        }
    }

    fn tags(&self) -> Option<&Tags> {
        match self {
            Self::User { user, .. } | Self::FederatedUser { parent: Owner::User(user), .. } => {
                Some(&user.user.tags)
            }
            Self::RoleSession { role, .. } => Some(&role.role.tags),
            Self::FederatedUser { .. }
            | Self::Root { .. }
            | Self::Service { .. }
            | Self::Token { .. }
            | Self::Anonymous => None,
        }
    }
}

/// The keys that only temporary credentials have (iam.md §9.2). No operation that gives them takes
/// a second factor yet, so that none was present is the truth.
fn session_key<'a>(issued: Timestamp, name: &str) -> Option<Value<'a>> {
    match name {
        "tokenissuetime" => Some(Value::Single(Cow::Owned(issued.to_string()))),
        "multifactorauthpresent" => single("false"),
        _ => None,
    }
}

/// The keys that only services have (iam.md §9.1, §9.5).
fn service_key<'a>(
    service: &'a ServiceIdentity,
    source: &'a Source,
    name: &str,
) -> Option<Value<'a>> {
    match name {
        "sourcearn" => single(source.arn.as_deref()?),
        "sourceaccount" => single(source.account.as_ref()?.as_str()),
        "principalservicename" => single(service.name.as_str()),
        "principalservicenameslist" => {
            let names = [Some(service.name.as_str()), service.global.as_deref()];
            Some(Value::Multiple(names.into_iter().flatten().map(Cow::Borrowed).collect()))
        }
        _ => None,
    }
}

fn text(value: &str) -> Value<'_> {
    Value::Single(Cow::Borrowed(value))
}

#[expect(clippy::unnecessary_wraps, reason = "the arms of the key tables are options")]
fn single(value: &str) -> Option<Value<'_>> {
    Some(text(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::RoleId;
    use crate::names::FederatedUserName;
    use crate::samples::{account, any_identity, claims, role, user};
    use crate::session::NamedUser;

    fn root() -> Caller {
        Caller::root(Arc::new(RootIdentity::new(account(), Partition::Aws)))
    }

    fn alice() -> Caller {
        let id = user().id;
        Caller::user(Arc::new(UserIdentity::new(Arc::new(user()), Partition::Aws)), id).unwrap()
    }

    fn caller_of(
        owner: Owner,
        claims: SessionClaims,
        partition: Partition,
    ) -> Result<Caller, Revoked> {
        Caller::of_session(owner, &SessionIdentity::new(claims, partition))
    }

    fn session_of(role: Role, claims: SessionClaims) -> Result<Caller, Revoked> {
        let role = Arc::new(RoleIdentity::new(Arc::new(role), Partition::Aws));
        caller_of(Owner::Role(role), claims, Partition::Aws)
    }

    fn alice_identity() -> Owner {
        Owner::User(Arc::new(UserIdentity::new(Arc::new(user()), Partition::Aws)))
    }

    fn alice_with_token() -> Caller {
        let claims = SessionClaims { holder: SessionHolder::User((&user()).into()), ..claims() };
        caller_of(alice_identity(), claims, Partition::Aws).unwrap()
    }

    fn federated() -> Caller {
        let (name, parent) = ("Susan".parse().unwrap(), Some((&user()).into()));
        let claims =
            SessionClaims { holder: SessionHolder::FederatedUser { name, parent }, ..claims() };
        caller_of(alice_identity(), claims, Partition::Aws).unwrap()
    }

    fn session() -> Caller {
        session_of(role(), claims()).unwrap()
    }

    fn service(name: &str, arn: Option<&str>, account: Option<&str>) -> Caller {
        let service = Arc::new(ServiceIdentity::new(name.parse().unwrap()));
        Caller::service(service, Source::parse(arn, account).unwrap())
    }

    fn s3() -> Caller {
        service("s3.amazonaws.com", Some("arn:aws:s3:::bucket"), Some("123456789012"))
    }

    #[track_caller]
    fn check(key: &str, want: [Option<&str>; 7]) {
        let callers =
            [root(), alice(), alice_with_token(), session(), federated(), s3(), Caller::Anonymous];
        let got = callers.each_ref().map(|caller| caller.condition_key(key));
        assert_eq!(got, want.map(|value| value.map(text)), "{key}");
        let is_told = got.iter().any(Option::is_some);
        assert!(Caller::alone_tells(key) || !is_told, "{key} is the caller's alone");
    }

    /// Source: iam.md §9.1, §9.2, §9.5.
    #[test]
    #[rustfmt::skip]
    fn each_kind_of_caller_has_its_own_keys() {
        let user_id = user().id.to_string();
        let role_id = format!("{}:night-run", role().id);
        let names: &[&str] = &["s3.amazonaws.com"];
        let user_arn = Some("arn:aws:iam::123456789012:user/team/alice");
        let role_arn = Some("arn:aws:iam::123456789012:role/service/deploy");
        let (own, issued) = (Some("123456789012"), Some("2026-01-02T03:04:05Z"));
        let (no, red, user_id) = (Some("false"), Some("Red"), Some(&*user_id));
        //                              root                  user               user's token       session                federated              service  anonymous
        check("aws:principalarn",      [Some("arn:aws:iam::123456789012:root"), user_arn, user_arn, role_arn,              Some("arn:aws:sts::123456789012:federated-user/Susan"), None, None]);
        check("aws:principalaccount",  [own,                  own,               own,               own,                   own,                   None, Some("anonymous")]);
        check("aws:principaltype",     [Some("Account"),      Some("User"),      Some("User"),      Some("AssumedRole"),   Some("FederatedUser"), None, Some("Anonymous")]);
        check("aws:principalisawsservice", [no,               no,                no,                no,                    no,                    Some("true"), None]);
        check("aws:userid",            [own,                  user_id,           user_id,           Some(&role_id),        Some("123456789012:Susan"), None, Some("anonymous")]);
        check("aws:username",          [None,                 Some("alice"),     Some("alice"),     None,                  None,                  None, None]);
        check("aws:principaltag/team", [None,                 red,               red,               red,                   red,                   None, None]);
        check("aws:principaltag/none", [None,                 None,              None,              None,                  None,                  None, None]);
        check("aws:tokenissuetime",    [None,                 None,              issued,            issued,                issued,                None, None]);
        check("aws:multifactorauthpresent", [None,            None,              no,                no,                    no,                    None, None]);
        check("aws:sourcearn",         [None,                 None,              None,              None,                  None,                  Some("arn:aws:s3:::bucket"), None]);
        check("aws:sourceaccount",     [None,                 None,              None,              None,                  None,                  own, None]);
        check("aws:principalservicename", [None,              None,              None,              None,                  None,                  Some("s3.amazonaws.com"), None]);
        check("aws:requestedregion",   [None; 7]);
        check("aws:",                  [None; 7]);
        check("s3:prefix",             [None; 7]);
        check("lambda:sourcefunctionarn", [None; 7]);
        let list = Value::Multiple(names.iter().copied().map(Cow::Borrowed).collect());
        assert_eq!(s3().condition_key("aws:principalservicenameslist"), Some(list));
    }

    #[test]
    fn a_regional_service_has_its_global_name_too() {
        let logs = service("logs.us-east-1.amazonaws.com", None, None);
        let both = ["logs.us-east-1.amazonaws.com", "logs.amazonaws.com"].map(Cow::Borrowed);
        let list = logs.condition_key("aws:principalservicenameslist");
        assert_eq!(list, Some(Value::Multiple(both.to_vec().into())));
        assert_eq!(logs.condition_key("aws:sourcearn"), None);
        assert_eq!(logs.condition_key("aws:sourceaccount"), None);
    }

    #[test]
    fn a_caller_is_shown_by_its_own_arn() {
        let callers = [root(), alice(), alice_with_token(), session(), federated(), s3()];
        let session_arn = "arn:aws:sts::123456789012:assumed-role/deploy/night-run";
        let user_arn = "arn:aws:iam::123456789012:user/team/alice";
        let root_arn = "arn:aws:iam::123456789012:root";
        let arns = callers.each_ref().map(Caller::arn);
        let federated_arn = "arn:aws:sts::123456789012:federated-user/Susan";
        let service = "s3.amazonaws.com";
        assert_eq!(arns, [root_arn, user_arn, user_arn, session_arn, federated_arn, service]);
        let accounts = callers.each_ref().map(Caller::account);
        let own = Some(account());
        assert_eq!(accounts, [own, own, own, own, own, None]);
    }

    #[test]
    fn a_credential_of_an_earlier_user_or_role_is_revoked() {
        let earlier = UserId::from_random([8; 17]);
        let alice = Arc::new(UserIdentity::new(Arc::new(user()), Partition::Aws));
        assert!(matches!(Caller::user(alice, earlier), Err(Revoked)));
        let other_id = Role { id: RoleId::from_random([8; 17]), ..role() };
        let other_name = Role { name: "other".parse().unwrap(), ..role() };
        let other_account = Role { account: "999999999999".parse().unwrap(), ..role() };
        for role in [other_id, other_name, other_account] {
            assert!(matches!(session_of(role, claims()), Err(Revoked)));
        }
    }

    #[test]
    fn only_a_session_that_lambda_made_has_a_source_function() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
        let SessionHolder::Role { name, id, session, .. } = claims().holder else { unreachable!() };
        let holder = SessionHolder::Role { name, id, session, function: Some(arn.into()) };
        let caller = session_of(role(), SessionClaims { holder, ..claims() }).unwrap();
        assert_eq!(caller.condition_key("lambda:sourcefunctionarn"), Some(text(arn)));
    }

    #[test]
    fn a_renamed_user_keeps_its_sessions_and_federated_users() {
        let renamed = User { name: "bob".parse().unwrap(), ..user() };
        let owner = Owner::User(Arc::new(UserIdentity::new(Arc::new(renamed), Partition::Aws)));
        let parent = Some(NamedUser::from(&user()));
        let federated = SessionHolder::FederatedUser { name: "Susan".parse().unwrap(), parent };
        for holder in [SessionHolder::User(NamedUser::from(&user())), federated] {
            let claims = SessionClaims { holder, ..claims() };
            assert!(caller_of(owner.clone(), claims, Partition::Aws).is_ok());
        }
    }

    #[test]
    fn a_federated_user_ends_with_its_user() {
        let other = User { id: UserId::from_random([8; 17]), ..user() };
        let root = Arc::new(RootIdentity::new(account(), Partition::Aws));
        let other = Arc::new(UserIdentity::new(Arc::new(other), Partition::Aws));
        for (owner, parent) in [
            (Owner::User(other), Some(NamedUser::from(&user()))),
            (alice_identity(), None),
            (Owner::Root(root), Some(NamedUser::from(&user()))),
        ] {
            let name = "Susan".parse().unwrap();
            let holder = SessionHolder::FederatedUser { name, parent };
            let claims = SessionClaims { holder, ..claims() };
            assert!(matches!(caller_of(owner, claims, Partition::Aws), Err(Revoked)));
        }
    }

    #[track_caller]
    fn check_source(arn: Option<&str>, account: Option<&str>, want: Result<(), InvalidSource>) {
        assert_eq!(Source::parse(arn, account).map(drop), want, "{arn:?} {account:?}");
    }

    #[test]
    #[rustfmt::skip]
    fn a_source_is_well_formed_or_refused() {
        let long = format!("arn:aws:s3:::{}", "b".repeat(2_048));
        check_source(None,                                     None,                 Ok(()));
        check_source(Some("arn:aws:s3:::bucket"),              None,                 Ok(()));
        check_source(Some("arn:aws:logs:r:1:log-group:a:*"),   Some("123456789012"), Ok(()));
        check_source(Some(""),                                 None,                 Err(InvalidSource::Arn));
        check_source(Some("bucket"),                           None,                 Err(InvalidSource::Arn));
        check_source(Some("arn:aws:s3"),                       None,                 Err(InvalidSource::Arn));
        check_source(Some("arn:aws:s3:::a b"),                 None,                 Err(InvalidSource::Arn));
        check_source(Some(&long),                              None,                 Err(InvalidSource::Arn));
        check_source(None,                                     Some("12345"),        Err(InvalidSource::Account));
        check_source(None,                                     Some(""),             Err(InvalidSource::Account));
    }

    proptest! {
        /// What [`principal`] relies on.
        #[test]
        fn every_identity_is_a_principal((user, role, claims) in any_identity()) {
            for partition in [Partition::Aws, Partition::AwsCn, Partition::AwsIsoB, Partition::AwsEusc] {
                let root = RootIdentity::new(user.account, partition);
                prop_assert_eq!(root.principal.as_str(), user.account.root_arn(partition));
                let arn = user.arn(partition);
                let known = UserIdentity::new(Arc::new(user.clone()), partition);
                prop_assert_eq!(known.arn(), arn);
                let session = SessionIdentity::new(claims.clone(), partition);
                let SessionHolder::Role { session: name, .. } = &claims.holder else { unreachable!() };
                let arn = crate::arn::session_arn(partition, role.account, &role.name, name);
                prop_assert_eq!(session.named().unwrap().principal().as_str(), arn);
                let federated: FederatedUserName = user.name.as_str().get(..2).unwrap().parse().unwrap();
                let holder = SessionHolder::FederatedUser { name: federated.clone(), parent: Some((&user).into()) };
                let claims = SessionClaims { holder, ..claims.clone() };
                let caller = caller_of(Owner::User(Arc::new(known)), claims, partition).unwrap();
                prop_assert_eq!(caller.arn(), crate::federated_user_arn(partition, user.account, &federated));
            }
        }

        #[test]
        fn every_service_is_a_principal(name in "[a-z0-9-]{1,20}(\\.[a-z0-9-]{1,9}){0,3}\\.amazonaws\\.com(\\.cn)?") {
            let service = ServiceIdentity::new(name.parse().unwrap());
            prop_assert_eq!(service.principal.as_str(), name);
        }
    }
}
