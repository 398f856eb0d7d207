//! Who calls, as the policy language sees it. Source: iam.md §1, §4, §7.1.

use std::fmt;

use thiserror::Error;

use crate::arn::Arn;
use crate::choice;

/// What sort of caller a [`Principal`] is. Source: iam.md §1, §7.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// `arn:aws:iam::ACCOUNT:user/[PATH/]NAME`
    User,
    /// `arn:aws:iam::ACCOUNT:role/[PATH/]NAME`: some session of the role, where it does not matter
    /// which. Roles themselves never call; simulations name them.
    Role,
    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`
    RoleSession,
    /// `arn:aws:sts::ACCOUNT:federated-user/NAME`
    FederatedUser,
    /// `arn:aws:iam::ACCOUNT:root`: the root user.
    Root,
    /// `s3.amazonaws.com`
    Service,
    /// `arn:aws:iam::ACCOUNT:oidc-provider/ISSUER`: the bearer of a token of an identity provider,
    /// while it assumes a role. It is of no account: only what names the provider lets it in.
    Federated,
    /// `anonymous`: an unsigned call.
    Anonymous,
}

/// A caller. Made once, at authentication; deciding borrows it. Source: iam.md §1, §4.
///
/// Invariant: `text` is of the form that `kind` documents; accounts are 12 digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    text: Box<str>,
    kind: PrincipalKind,
    partition: Box<str>,
    account: Option<Box<str>>,
    /// Of a role or session: the role's name, without path.
    role: Option<Box<str>>,
    /// Of a federated user: the ARN of the user who made the session.
    parent: Option<Box<str>>,
    /// The unique id of the user, of the role, or of the federated user's parent.
    id: Option<Box<str>>,
}

/// The text is no caller.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "\"{}\" is not a principal; use the ARN of a user, role, role session, federated user or root, \
     a service name such as s3.amazonaws.com, or anonymous", crate::error::excerpt(.0)
)]
pub struct InvalidPrincipal(String);

impl Principal {
    /// Reads an ARN, a service name, or `anonymous`.
    ///
    /// # Errors
    /// [`InvalidPrincipal`] for anything else; names are not checked against the rules of IAM.
    pub fn parse(text: &str) -> Result<Self, InvalidPrincipal> {
        let invalid = || InvalidPrincipal(text.to_owned());
        if text == "anonymous" {
            return Ok(Self::without_account(text, PrincipalKind::Anonymous));
        }
        if is_service_name(text) {
            return Ok(Self::without_account(text, PrincipalKind::Service));
        }
        if is_identity_provider(text) {
            return Ok(Self::without_account(text, PrincipalKind::Federated));
        }
        let EntityArn { partition, account, entity } =
            EntityArn::parse(text).ok_or_else(invalid)?;
        let role = match entity {
            Entity::Role(path_and_name) => Some(choice::role_name(path_and_name)),
            Entity::Session { role } => Some(role),
            Entity::Root | Entity::User | Entity::FederatedUser => None,
        };
        Ok(Self {
            text: text.into(),
            kind: entity.kind(),
            partition: partition.into(),
            account: Some(account.into()),
            role: role.map(Into::into),
            parent: None,
            id: None,
        })
    }

    fn without_account(text: &str, kind: PrincipalKind) -> Self {
        let partition = "aws".into();
        Self {
            text: text.into(),
            kind,
            partition,
            account: None,
            role: None,
            parent: None,
            id: None,
        }
    }

    /// Names the user whose federated session this is, so that grants to the user reach it.
    ///
    /// A federated user's own name is chosen freely by whoever made the session, hence proves
    /// nothing about the parent. Without a parent only grants to the session itself, the account or
    /// everyone reach it. Callers of other kinds have no parent.
    ///
    /// # Errors
    /// [`InvalidPrincipal`] if `user` is not the ARN of a user of the same account.
    pub fn with_parent(mut self, user: &str) -> Result<Self, InvalidPrincipal> {
        let same = |arn: &EntityArn<'_>| {
            matches!(arn.entity, Entity::User) && self.account() == Some(arn.account)
        };
        if self.kind != PrincipalKind::FederatedUser
            || !EntityArn::parse(user).is_some_and(|u| same(&u))
        {
            return Err(InvalidPrincipal(user.to_owned()));
        }
        self.parent = Some(user.into());
        Ok(self)
    }

    /// Says which user or role it is, by the unique id: that of the user, of the role (also for its
    /// sessions), or of the user whose federated session it is. Principals that are bound to another
    /// id do not name it.
    #[must_use]
    pub fn with_id(self, id: &str) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// The unique id of the user or role that it is, or that it is a session of, where it is known.
    #[must_use]
    pub fn unique_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The caller's account, 12 digits; services and anonymous callers have none.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The ARN, the service name, or `anonymous`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What sort of caller this is.
    #[must_use]
    pub fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// The partition of the caller's ARN; `aws` for callers without one.
    #[must_use]
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// Of a role or one of its sessions: the role's name, without path.
    #[must_use]
    pub fn role_name(&self) -> Option<&str> {
        self.role.as_deref()
    }

    pub(crate) fn parent(&self) -> Option<&str> {
        self.parent.as_deref()
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The ARN of something that can be a principal, taken apart.
pub(crate) struct EntityArn<'a> {
    pub(crate) partition: &'a str,
    pub(crate) account: &'a str,
    pub(crate) entity: Entity<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entity<'a> {
    Root,
    User,
    /// The role's path and name.
    Role(&'a str),
    /// A session and the name of its role, without path.
    Session {
        role: &'a str,
    },
    FederatedUser,
}

impl Entity<'_> {
    fn kind(self) -> PrincipalKind {
        match self {
            Self::Root => PrincipalKind::Root,
            Self::User => PrincipalKind::User,
            Self::Role(_) => PrincipalKind::Role,
            Self::Session { .. } => PrincipalKind::RoleSession,
            Self::FederatedUser => PrincipalKind::FederatedUser,
        }
    }
}

impl<'a> EntityArn<'a> {
    /// `None` if `text` is not the ARN of a root user, user, role, session or federated user.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let arn = Arn::split(text)?;
        let legal = text.bytes().all(|byte| byte.is_ascii_graphic());
        if !legal || text.contains("${") || arn.partition().is_empty() || !arn.region().is_empty() {
            return None;
        }
        let entity = match arn.service() {
            "iam" => iam_entity(arn.resource()),
            "sts" => sts_entity(arn.resource()),
            _ => None,
        };
        let (partition, account) = (arn.partition(), arn.account());
        is_account_id(account).then_some(Self { partition, account, entity: entity? })
    }
}

fn iam_entity(resource: &str) -> Option<Entity<'_>> {
    let named = |path: &str| !path.is_empty() && !path.ends_with('/') && !path.starts_with('/');
    if resource == "root" {
        return Some(Entity::Root);
    }
    if let Some(path) = resource.strip_prefix("user/") {
        return named(path).then_some(Entity::User);
    }
    resource.strip_prefix("role/").filter(|path| named(path)).map(Entity::Role)
}

fn sts_entity(resource: &str) -> Option<Entity<'_>> {
    let (kind, name) = resource.split_once('/')?;
    if kind == "federated-user" {
        return (!name.is_empty() && !name.contains('/')).then_some(Entity::FederatedUser);
    }
    let (role, session) = name.split_once('/')?;
    let legal =
        kind == "assumed-role" && !role.is_empty() && !session.is_empty() && !session.contains('/');
    legal.then_some(Entity::Session { role })
}

/// Twelve digits.
pub(crate) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The ARN of an OpenID Connect provider. Source: iam.md §1.
fn is_identity_provider(text: &str) -> bool {
    let legal = text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains("${");
    Arn::split(text).filter(|_| legal).is_some_and(|arn| {
        let issuer = arn.resource().strip_prefix("oidc-provider/");
        let of_iam = arn.service() == "iam" && arn.region().is_empty();
        of_iam && is_account_id(arn.account()) && issuer.is_some_and(|issuer| !issuer.is_empty())
    })
}

/// Dotted labels of letters, digits and hyphens. Source: iam.md §4.1; names outside
/// `amazonaws.com` exist.
pub(crate) fn is_service_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::{Principal, PrincipalKind};

    #[track_caller]
    fn check(text: &str, want: Option<(PrincipalKind, Option<&str>, Option<&str>)>) {
        let got = Principal::parse(text).ok();
        let got = got.as_ref().map(|p| (p.kind(), p.account(), p.role_name()));
        assert_eq!(got, want, "{text}");
    }

    #[test]
    #[rustfmt::skip]
    fn callers_are_known_by_their_text() {
        use PrincipalKind::{Anonymous, Federated, FederatedUser, Role, RoleSession, Root, Service, User};
        let account = Some("111111111111");
        check("arn:aws:iam::111111111111:user/a",            Some((User, account, None)));
        check("arn:aws:iam::111111111111:user/p/q/a",        Some((User, account, None)));
        check("arn:aws:iam::111111111111:root",              Some((Root, account, None)));
        check("arn:aws:iam::111111111111:role/p/r",          Some((Role, account, Some("r"))));
        check("arn:aws-cn:sts::111111111111:assumed-role/r/s", Some((RoleSession, account, Some("r"))));
        check("arn:aws:sts::111111111111:federated-user/f",  Some((FederatedUser, account, None)));
        check("s3.amazonaws.com",                            Some((Service, None, None)));
        check("alexa-appkit.amazon.com",                     Some((Service, None, None)));
        check("anonymous",                                   Some((Anonymous, None, None)));
        check("arn:aws:iam::111111111111:oidc-provider/idp.example.com/a", Some((Federated, None, None)));
        for text in [
            "", "*", "alice", "111111111111", "s3", ".amazonaws.com", "s3..com", "s3.amazonaws.com ",
            "arn:aws:iam::111111111111:user/", "arn:aws:iam::111111111111:user/a/",
            "arn:aws:iam::11111111111:user/a", "arn:aws:iam:us-east-1:111111111111:user/a",
            "arn:aws:iam::111111111111:group/g", "arn:aws:iam::111111111111:assumed-role/r/s",
            "arn:aws:sts::111111111111:assumed-role/r", "arn:aws:sts::111111111111:assumed-role/r/s/t",
            "arn:aws:sts::111111111111:assumed-role//s", "arn::iam::111111111111:root",
            "arn:aws:iam::111111111111:oidc-provider/", "arn:aws:iam::1:oidc-provider/idp.example.com",
            "arn:aws:iam::111111111111:user/a b", "arn:aws:s3:::bucket",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn only_a_federated_user_has_a_parent_and_only_of_its_account() {
        let session = Principal::parse("arn:aws:sts::111111111111:federated-user/f").unwrap();
        let user = Principal::parse("arn:aws:iam::111111111111:user/f").unwrap();
        let parent = "arn:aws:iam::111111111111:user/a";
        assert!(session.clone().with_parent(parent).is_ok());
        assert!(session.clone().with_parent("arn:aws:iam::222222222222:user/a").is_err());
        assert!(session.with_parent("arn:aws:iam::111111111111:root").is_err());
        assert!(user.with_parent(parent).is_err());
    }
}
