//! The Principal and NotPrincipal elements: whom a statement is about. Source: iam.md §4.

use crate::choice;
use crate::document::{Effect, PrincipalType, RawPrincipal, Who};
use crate::principal::{Entity, EntityArn, Principal, PrincipalKind, is_account_id};

/// How directly a statement names a caller, weakest first. Source: iam.md §4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// By account: its administrator decides.
    Account,
    /// By the role of a session, or the user of a federated session.
    Parent,
    Service,
    /// By its own ARN.
    Itself,
    /// `*`. Also the strength of statements in documents that name nobody.
    Wildcard,
}

/// One compiled principal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Named {
    Everyone,
    /// An account; an id alone is of any partition.
    Account {
        partition: Option<Box<str>>,
        id: Box<str>,
    },
    Role {
        partition: Box<str>,
        account: Box<str>,
        name: Box<str>,
    },
    /// The ARN of a user, a role session or a federated user.
    Arn(Box<str>),
    Service(Box<str>),
    /// Names no caller that there is: unique ids of what was deleted, other types.
    Nobody,
}

impl Named {
    fn new(kind: PrincipalType, value: &str) -> Self {
        match kind {
            PrincipalType::Aws => Self::aws(value),
            PrincipalType::Service => Self::Service(value.into()),
            PrincipalType::Federated | PrincipalType::CanonicalUser => Self::Nobody,
        }
    }

    pub(crate) fn aws(value: &str) -> Self {
        if value == "*" {
            return Self::Everyone;
        }
        if is_account_id(value) {
            return Self::Account { partition: None, id: value.into() };
        }
        let Some(EntityArn { partition, account, entity }) = EntityArn::parse(value) else {
            return Self::Nobody;
        };
        match entity {
            Entity::Root => Self::Account { partition: Some(partition.into()), id: account.into() },
            Entity::Role(path_and_name) => Self::Role {
                partition: partition.into(),
                account: account.into(),
                name: choice::role_name(path_and_name).into(),
            },
            Entity::User | Entity::Session { .. } | Entity::FederatedUser => {
                Self::Arn(value.into())
            }
        }
    }

    fn strength(&self, caller: &Principal) -> Option<Strength> {
        match self {
            Self::Everyone => Some(Strength::Wildcard),
            Self::Account { partition, id } => {
                let same = caller.account() == Some(id)
                    && partition.as_deref().is_none_or(|partition| partition == caller.partition());
                same.then_some(Strength::Account)
            }
            Self::Role { partition, account, name } => {
                let same = caller.role_name() == Some(name)
                    && caller.account() == Some(account)
                    && caller.partition() == &**partition;
                same.then_some(Strength::Parent)
            }
            Self::Arn(arn) if **arn == *caller.as_str() => Some(Strength::Itself),
            Self::Arn(arn) => (caller.parent() == Some(arn)).then_some(Strength::Parent),
            Self::Service(name) => {
                let same = caller.kind() == PrincipalKind::Service && **name == *caller.as_str();
                same.then_some(Strength::Service)
            }
            Self::Nobody => None,
        }
    }
}

/// The principal part of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PrincipalPart {
    /// The document is attached to its principals: nothing to match.
    Unasked,
    /// Only these.
    Only(Box<[Named]>),
    /// All but these; with Deny only.
    AllBut(Box<[Named]>),
}

impl PrincipalPart {
    /// Compiles the element; `asked` says whether documents of this kind have one. A statement that
    /// lacks it there, and an Allow with NotPrincipal, apply to nobody.
    pub(crate) fn new(raw: Option<&RawPrincipal>, effect: Effect, asked: bool) -> Self {
        let Some(RawPrincipal { negated, who }) = raw else {
            return if asked { Self::Only(Box::default()) } else { Self::Unasked };
        };
        let named = match who {
            Who::Everyone => Box::from([Named::Everyone]),
            Who::Listed(list) => {
                list.iter().map(|(kind, value)| Named::new(*kind, value)).collect()
            }
        };
        match (negated, effect) {
            (false, _) => Self::Only(named),
            (true, Effect::Deny) => Self::AllBut(named),
            (true, Effect::Allow) => Self::Only(Box::default()),
        }
    }

    /// How strongly the statement names `caller`; `None` if it is not about it. `bounded`: the
    /// caller has a permissions boundary.
    pub(crate) fn strength(&self, caller: &Principal, bounded: bool) -> Option<Strength> {
        match self {
            Self::Unasked => Some(Strength::Wildcard),
            Self::Only(named) => named.iter().filter_map(|named| named.strength(caller)).max(),
            Self::AllBut(named) => {
                (bounded || !is_exempt(named, caller)).then_some(Strength::Wildcard)
            }
        }
    }
}

/// Whether NotPrincipal's list has every layer of the caller. Source: iam.md §4.3.
fn is_exempt(named: &[Named], caller: &Principal) -> bool {
    let lists = |strength| named.iter().any(|named| named.strength(caller) == Some(strength));
    let account = || lists(Strength::Account);
    lists(Strength::Wildcard)
        || match caller.kind() {
            PrincipalKind::User | PrincipalKind::FederatedUser => {
                account() && lists(Strength::Itself)
            }
            PrincipalKind::RoleSession => {
                account() && lists(Strength::Parent) && lists(Strength::Itself)
            }
            PrincipalKind::Role => account() && lists(Strength::Parent),
            PrincipalKind::Root => account(),
            PrincipalKind::Service => lists(Strength::Service),
            PrincipalKind::Anonymous => false,
        }
}
