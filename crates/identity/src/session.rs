//! Sessions: what their tokens say, whose permissions they have, and under which name.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use portcullis_iam::Principal;
use serde::{Deserialize, Serialize};

use crate::arn::{Partition, federated_user_arn, session_arn};
use crate::caller::{Revoked, UserIdentity, principal};
use crate::ids::{ACCESS_KEY_ID_RANDOM_BYTES, AccessKeyId, AccountId, RoleId, UserId};
use crate::marks::{SessionMarks, SessionTags};
use crate::names::{FederatedUserName, RoleName, SessionName, UserName};
use crate::seal::NONCE_BYTES;
use crate::session_policies::SessionPolicies;
use crate::tags::{Tag, Tags};
use crate::user::User;
use crate::web_identity::WebIdentity;

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
    /// The account that it belongs to.
    pub account: AccountId,
    /// Whose permissions it has.
    pub holder: SessionHolder,
    /// Random; the secret is derived from it.
    pub session_id: [u8; ACCESS_KEY_ID_RANDOM_BYTES],
    /// When it began; whole seconds.
    pub issued: Timestamp,
    /// When it is over; whole seconds.
    pub expires: Timestamp,
    /// What limits it.
    pub policies: SessionPolicies,
    /// What the token says that it was made for.
    pub web_identity: Option<WebIdentity>,
    /// What the session of a role is marked with.
    pub marks: SessionMarks,
    /// Who asked for it: ARN or service name, for the record.
    pub source: Box<str>,
    /// The long-term key that asked for it, where it ends with that key. Role sessions do not: they
    /// end with their role, as on AWS.
    pub key: Option<AccessKeyId>,
}

/// Whose permissions a session has. Unique ids keep it from whoever has the name later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionHolder {
    /// The root user itself (`GetSessionToken`).
    Root,
    /// A user itself (`GetSessionToken`).
    User(NamedUser),
    /// A session of a role.
    Role {
        /// The role's name.
        name: RoleName,
        /// The role's unique id.
        id: RoleId,
        /// The name that the session was given.
        session: SessionName,
        /// The function that runs as it, if Lambda made it: `lambda:SourceFunctionArn`.
        function: Option<Box<str>>,
    },
    /// A federated user (`GetFederationToken`).
    FederatedUser {
        /// The name that it was given.
        name: FederatedUserName,
        /// The user whose permissions it shares; `None` for those of root.
        parent: Option<NamedUser>,
    },
}

impl SessionHolder {
    /// The function that runs as the session, if Lambda made it for one.
    #[must_use]
    pub fn function(&self) -> Option<&str> {
        match self {
            Self::Role { function, .. } => function.as_deref(),
            Self::Root | Self::User(_) | Self::FederatedUser { .. } => None,
        }
    }
}

/// A user by name and unique id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedUser {
    /// The name.
    pub name: UserName,
    /// The unique id.
    pub id: UserId,
}

impl From<&User> for NamedUser {
    fn from(user: &User) -> Self {
        Self { name: user.name.clone(), id: user.id }
    }
}

/// The sealed form of [`SessionClaims`]: JSON. A later build may add members; an earlier one then
/// refuses the token, as a member that it does not know may be one that limits.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SealedClaims<'a> {
    account: Cow<'a, str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    root: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    /// Of a role's session or a federated user.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<Cow<'a, str>>,
    session: [u8; ACCESS_KEY_ID_RANDOM_BYTES],
    issued: i64,
    expires: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policy_arns: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_identity: Option<Cow<'a, WebIdentity>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<SealedTag<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<Cow<'a, str>>,
    source: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Cow<'a, str>>,
}

/// A session tag: key, value, whether it is transitive.
type SealedTag<'a> = (Cow<'a, str>, Cow<'a, str>, bool);

fn seal_tags(tags: &SessionTags) -> Vec<SealedTag<'_>> {
    let is_transitive = |tag: &Tag| tags.transitive().any(|key| tag.has_key(key));
    let all = tags.tags().iter();
    all.map(|tag| (tag.key().into(), tag.value().into(), is_transitive(tag))).collect()
}

fn open_tags(sealed: &[SealedTag<'_>]) -> Option<SessionTags> {
    let tags = sealed.iter().map(|(key, value, _)| Tag::new(key, value).ok());
    let tags = Tags::new(tags.collect::<Option<_>>()?).ok()?;
    let transitive = sealed.iter().filter(|(.., transitive)| *transitive);
    SessionTags::new(tags, transitive.map(|(key, ..)| key.as_ref().into())).ok()
}

impl<'a> SealedClaims<'a> {
    /// These, with the members that say who holds the session.
    fn of(self, holder: &'a SessionHolder) -> Self {
        let some = |text: &'a str| Some(Cow::Borrowed(text));
        let user = |user: &'a NamedUser| (some(user.name.as_str()), some(user.id.as_str()));
        match holder {
            SessionHolder::Root => Self { root: true, ..self },
            SessionHolder::User(named) => {
                let (user, id) = user(named);
                Self { user, id, ..self }
            }
            SessionHolder::Role { name, id, session, function } => Self {
                role: some(name.as_str()),
                id: some(id.as_str()),
                name: some(session.as_str()),
                function: function.as_deref().map(Cow::from),
                ..self
            },
            SessionHolder::FederatedUser { name, parent } => {
                let (user, id) = parent.as_ref().map_or((None, None), user);
                Self { name: some(name.as_str()), root: parent.is_none(), user, id, ..self }
            }
        }
    }

    /// `None` for a combination of members that no holder has.
    fn holder(&self) -> Option<SessionHolder> {
        let [role, user, id, name] = [&self.role, &self.user, &self.id, &self.name];
        let named = |user: &str, id: &str| Some((user.parse().ok()?, id.parse().ok()?));
        let parent = match (self.root, user, id) {
            (true, None, None) => Some(None),
            (false, Some(user), Some(id)) => {
                named(user, id).map(|(name, id)| Some(NamedUser { name, id }))
            }
            _ => None,
        };
        match (role, name) {
            (Some(role), Some(name)) if user.is_none() && !self.root => Some(SessionHolder::Role {
                name: role.parse().ok()?,
                id: id.as_ref()?.parse().ok()?,
                session: name.parse().ok()?,
                function: self.function.as_deref().map(Into::into),
            }),
            (None, Some(name)) => {
                Some(SessionHolder::FederatedUser { name: name.parse().ok()?, parent: parent? })
            }
            (None, None) => Some(parent?.map_or(SessionHolder::Root, SessionHolder::User)),
            (Some(_), _) => None,
        }
    }
}

impl SessionClaims {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let common = SealedClaims {
            account: self.account.as_str().into(),
            session: self.session_id,
            issued: self.issued.as_second(),
            expires: self.expires.as_second(),
            policy: self.policies.inline().map(Cow::from),
            policy_arns: self.policies.managed().iter().map(|arn| arn.as_str().into()).collect(),
            web_identity: self.web_identity.as_ref().map(Cow::Borrowed),
            tags: seal_tags(&self.marks.tags),
            source_identity: self.marks.source_identity.as_ref().map(|text| text.as_str().into()),
            source: self.source.as_ref().into(),
            key: self.key.as_ref().map(|key| key.as_str().into()),
            ..SealedClaims::default()
        };
        #[expect(clippy::expect_used, reason = "strings, numbers and arrays always serialize")]
        serde_json::to_vec(&common.of(&self.holder)).expect("claims serialize")
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let sealed: SealedClaims<'_> = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            account: sealed.account.parse().ok()?,
            holder: sealed.holder()?,
            session_id: sealed.session,
            issued: Timestamp::from_second(sealed.issued).ok()?,
            expires: Timestamp::from_second(sealed.expires).ok()?,
            web_identity: sealed.web_identity.map(Cow::into_owned),
            marks: SessionMarks {
                tags: open_tags(&sealed.tags)?,
                source_identity: (sealed.source_identity.as_deref())
                    .map(str::parse)
                    .transpose()
                    .ok()?,
            },
            policies: SessionPolicies::sealed(
                sealed.policy.map(|policy| policy.into()),
                sealed.policy_arns.iter().map(|arn| arn.parse().ok()).collect::<Option<_>>()?,
            ),
            source: sealed.source.into(),
            key: sealed.key.map(|key| key.parse()).transpose().ok()?,
        })
    }
}

/// A session, as callers are made from it: what follows from its token alone, derived once.
#[derive(Debug)]
pub struct SessionIdentity(Name);

/// Under whose name a session calls.
#[derive(Debug)]
enum Name {
    /// That of its user or root.
    Holder(Box<SessionClaims>),
    /// One of its own.
    Own(Arc<Session>),
}

impl SessionIdentity {
    /// Derives the session's names.
    #[must_use]
    pub fn new(claims: SessionClaims, partition: Partition) -> Self {
        match Session::names(&claims, partition) {
            Some(names) => Self(Name::Own(Arc::new(Session::new(claims, names, partition)))),
            None => Self(Name::Holder(Box::new(claims))),
        }
    }

    /// What the token says.
    #[must_use]
    pub fn claims(&self) -> &SessionClaims {
        match &self.0 {
            Name::Holder(claims) => claims,
            Name::Own(session) => &session.claims,
        }
    }

    /// `None` for the session of a user or root, which calls as the user or root itself.
    pub(crate) fn named(&self) -> Option<&Arc<Session>> {
        match &self.0 {
            Name::Holder(_) => None,
            Name::Own(session) => Some(session),
        }
    }
}

/// A session that calls under a name of its own: one of a role, or a federated user.
#[derive(Clone, Debug)]
pub struct Session {
    claims: SessionClaims,
    principal: Principal,
    user_id: Box<str>,
    federated_provider: Option<Box<str>>,
}

impl Session {
    /// The principal and user id of a session that has its own.
    fn names(claims: &SessionClaims, partition: Partition) -> Option<(Principal, Box<str>)> {
        let account = claims.account;
        match &claims.holder {
            SessionHolder::Root | SessionHolder::User(_) => None,
            SessionHolder::Role { name, id, session, .. } => {
                let principal = principal(&session_arn(partition, account, name, session));
                Some((principal.with_id(id.as_str()), format!("{id}:{session}").into()))
            }
            SessionHolder::FederatedUser { name, .. } => {
                let principal = principal(&federated_user_arn(partition, account, name));
                Some((principal, format!("{account}:{name}").into()))
            }
        }
    }

    fn new(
        claims: SessionClaims,
        (principal, user_id): (Principal, Box<str>),
        partition: Partition,
    ) -> Self {
        let account = claims.account;
        let provider = |identity: &WebIdentity| {
            format!("arn:{partition}:iam::{account}:oidc-provider/{}", identity.issuer()).into()
        };
        let federated_provider = claims.web_identity.as_ref().map(provider);
        Self { principal, user_id, federated_provider, claims }
    }

    /// The same, so that grants to the user `parent` reach it.
    pub(crate) fn with_parent(&self, parent: &UserIdentity) -> Result<Self, Revoked> {
        let principal = self.principal.clone().with_parent(parent.arn()).map_err(|_| Revoked)?;
        let principal = principal.with_id(parent.user().id.as_str());
        Ok(Self { principal, ..self.clone() })
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

    /// `AROA…:SESSION`, or `ACCT:NAME` of a federated user.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// `aws:FederatedProvider`: the ARN of the provider whose token it was made for.
    #[must_use]
    pub fn federated_provider(&self) -> Option<&str> {
        self.federated_provider.as_deref()
    }

    /// The function that runs as this session.
    #[must_use]
    pub fn function(&self) -> Option<&str> {
        self.claims.holder.function()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{claims, role};

    const SESSION: &str = "[3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3]";

    fn read(holder: &str) -> Option<SessionHolder> {
        let common = format!(
            r#""account":"123456789012","session":{SESSION},"issued":1,"expires":2,"source":"s""#
        );
        let json = format!("{{{common}{}{holder}}}", if holder.is_empty() { "" } else { "," });
        SessionClaims::from_bytes(json.as_bytes()).map(|claims| claims.holder)
    }

    /// Tokens outlive the build that made them.
    #[test]
    fn a_token_of_an_earlier_build_is_a_role_session() {
        let id = role().id;
        let got = read(&format!(r#""role":"deploy","id":"{id}","name":"night-run""#));
        assert_eq!(got, Some(claims().holder));
    }

    #[test]
    #[rustfmt::skip]
    fn claims_that_name_no_holder_are_none() {
        let user = format!(r#""user":"alice","id":"{}""#, UserId::from_random([1; 17]));
        assert!(read(&user).is_some());
        assert!(read(r#""root":true"#).is_some());
        for holder in [
            "",
            r#""root":false"#,
            r#""name":"Susan""#,
            r#""user":"alice""#,
            r#""role":"deploy","name":"night-run""#,
            r#""root":true,"role":"deploy","name":"night-run""#,
            r#""root":true,"limits":"of a later build""#,
            &format!(r#""root":true,{user}"#),
            &format!(r#"{user},"role":"deploy","name":"night-run""#),
            &format!(r#"{user},"role":"deploy""#),
        ] {
            assert_eq!(read(holder), None, "{holder}");
        }
    }
}
