//! The Principal and NotPrincipal elements: whom a statement is about. Source: iam.md §4.

use std::ops::Deref;

use crate::binding::{Bindings, is_session};
use crate::choice;
use crate::document::{Effect, PrincipalType, RawPrincipal, Who};
use crate::prefixes::{INDEXED_MIN, Outline, Prefixes};
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

impl Strength {
    const ALL: [Self; 5] =
        [Self::Account, Self::Parent, Self::Service, Self::Itself, Self::Wildcard];

    /// Stronger ones have higher bits.
    fn bit(self) -> u8 {
        1 << self as u8
    }
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
    /// An identity provider, by its ARN.
    Federated(Box<str>),
    /// A user, a role, or a session of a role, by the unique id of the user or role.
    Bound {
        id: Box<str>,
        /// As it is written.
        text: Box<str>,
        session: bool,
    },
    /// Names no caller that there is: unique ids of what was deleted, other types.
    Nobody,
}

impl Named {
    fn new(kind: PrincipalType, value: &str, bindings: &Bindings) -> Self {
        match kind {
            PrincipalType::Aws => match bindings.get(value) {
                Some(id) => {
                    let session = is_session(value);
                    Self::Bound { id: id.into(), text: value.into(), session }
                }
                None => Self::aws(value),
            },
            PrincipalType::Service => Self::Service(value.into()),
            PrincipalType::Federated => Self::Federated(value.into()),
            PrincipalType::CanonicalUser => Self::Nobody,
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
            Self::Federated(arn) => {
                let same = caller.kind() == PrincipalKind::Federated && **arn == *caller.as_str();
                same.then_some(Strength::Itself)
            }
            Self::Bound { id, .. } if caller.unique_id() != Some(id) => None,
            Self::Bound { text, session: true, .. } => {
                (**text == *caller.as_str()).then_some(Strength::Itself)
            }
            Self::Bound { .. } => Some(match caller.kind() {
                PrincipalKind::User => Strength::Itself,
                _ => Strength::Parent,
            }),
            Self::Nobody => None,
        }
    }

    /// The principal as it is written and the unique id that it was bound to, if it names `caller`
    /// and means somebody else.
    fn homonym(&self, caller: &Principal) -> Option<(&str, &str)> {
        let Self::Bound { id, text, .. } = self else { return None };
        let is_other = caller.unique_id() != Some(id);
        (is_other && Self::aws(text).strength(caller).is_some()).then_some((text, id))
    }
}

impl Named {
    /// That of the texts by which the callers that this names are told apart: see [`texts`].
    fn outline(&self) -> Option<Outline<'_>> {
        match self {
            Self::Everyone => Some(Outline::default()),
            Self::Account { id: text, .. } | Self::Role { name: text, .. } => {
                Some(Outline::exact(text))
            }
            Self::Arn(text)
            | Self::Service(text)
            | Self::Federated(text)
            | Self::Bound { id: text, .. } => Some(Outline::exact(text)),
            Self::Nobody => None,
        }
    }
}

/// The texts by which a caller can be named.
fn texts(caller: &Principal) -> impl Iterator<Item = &str> {
    let (role, parent, id) = (caller.role_name(), caller.parent(), caller.unique_id());
    let texts = [Some(caller.as_str()), caller.account(), role, parent, id];
    texts.into_iter().flatten()
}

/// Whether `test` holds of an entry of `index` that can name the caller.
pub(crate) fn any_naming(
    index: &Prefixes,
    caller: &Principal,
    mut test: impl FnMut(usize) -> bool,
) -> bool {
    texts(caller).any(|text| index.any(text.as_bytes(), &mut test))
}

/// The principals that an element lists.
#[derive(Clone, Debug)]
pub(crate) struct Principals {
    list: Box<[Named]>,
    /// Of lists that are long.
    index: Option<Box<Prefixes>>,
}

impl FromIterator<Named> for Principals {
    fn from_iter<I: IntoIterator<Item = Named>>(named: I) -> Self {
        let mut principals = Self { list: named.into_iter().collect(), index: None };
        if principals.list.len() >= INDEXED_MIN {
            let texts = principals.list.iter().enumerate();
            let texts = texts.filter_map(|(entry, named)| Some((named.outline()?, entry)));
            principals.index = Some(Box::new(Prefixes::new(texts)));
        }
        principals
    }
}

impl Deref for Principals {
    type Target = [Named];

    fn deref(&self) -> &[Named] {
        &self.list
    }
}

impl Principals {
    /// The ways in which the caller is named.
    #[inline]
    fn strengths(&self, caller: &Principal) -> Strengths {
        let mut found = Strengths::default();
        match &self.index {
            None => self.list.iter().for_each(|named| found.add(named.strength(caller))),
            Some(index) => {
                any_naming(index, caller, |entry| {
                    found.add(self.list.get(entry).and_then(|named| named.strength(caller)));
                    false
                });
            }
        }
        found
    }
}

/// Lists are the same that name the same: the index follows from them.
impl PartialEq for Principals {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Eq for Principals {}

impl std::hash::Hash for Principals {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.list.hash(state);
    }
}

/// A set of strengths, a bit each.
#[derive(Clone, Copy, Default)]
struct Strengths(u8);

impl Strengths {
    fn add(&mut self, strength: Option<Strength>) {
        self.0 |= strength.map_or(0, Strength::bit);
    }

    fn has(self, strength: Strength) -> bool {
        self.0 & strength.bit() != 0
    }

    fn strongest(self) -> Option<Strength> {
        Strength::ALL.get(self.0.checked_ilog2()? as usize).copied()
    }
}

/// The principal part of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PrincipalPart {
    /// The document is attached to its principals: nothing to match.
    Unasked,
    /// Only these.
    Only(Principals),
    /// All but these; with Deny only.
    AllBut(Principals),
}

impl PrincipalPart {
    /// Compiles the element; `asked` says whether documents of this kind have one. A statement that
    /// lacks it there, and an Allow with NotPrincipal, apply to nobody.
    pub(crate) fn new(
        raw: Option<&RawPrincipal>,
        effect: Effect,
        asked: bool,
        bindings: &Bindings,
    ) -> Self {
        let Some(RawPrincipal { negated, who }) = raw else {
            return if asked { Self::nobody() } else { Self::Unasked };
        };
        let named = match who {
            Who::Everyone => Principals::from_iter([Named::Everyone]),
            Who::Listed(list) => {
                list.iter().map(|(kind, value)| Named::new(*kind, value, bindings)).collect()
            }
        };
        match (negated, effect) {
            (false, _) => Self::Only(named),
            (true, Effect::Deny) => Self::AllBut(named),
            (true, Effect::Allow) => Self::nobody(),
        }
    }

    fn nobody() -> Self {
        Self::Only(Principals::from_iter([]))
    }

    /// Outlines: of every caller that the statement is about, one of the [`texts`] has one of them.
    pub(crate) fn outlines(&self) -> impl Iterator<Item = Outline<'_>> {
        let (all, listed) = match self {
            Self::Unasked | Self::AllBut(_) => (Some(Outline::default()), [].iter()),
            Self::Only(named) => (None, named.list.iter()),
        };
        all.into_iter().chain(listed.filter_map(Named::outline))
    }

    /// Of a statement that is not about `caller`: who had its name when the statement was stored,
    /// as it is written and as the unique id.
    pub(crate) fn homonym(&self, caller: &Principal) -> Option<(&str, &str)> {
        let Self::Only(named) = self else { return None };
        named.iter().find_map(|one| one.homonym(caller))
    }

    /// How strongly the statement names `caller`; `None` if it is not about it. `bounded`: the
    /// caller has a permissions boundary.
    pub(crate) fn strength(&self, caller: &Principal, bounded: bool) -> Option<Strength> {
        match self {
            Self::Unasked => Some(Strength::Wildcard),
            Self::Only(named) => match &**named {
                [one] => one.strength(caller),
                _ => named.strengths(caller).strongest(),
            },
            Self::AllBut(named) => {
                (bounded || !is_exempt(named, caller)).then_some(Strength::Wildcard)
            }
        }
    }
}

/// Whether NotPrincipal's list has every layer of the caller. Source: iam.md §4.3.
fn is_exempt(named: &Principals, caller: &Principal) -> bool {
    let listed = named.strengths(caller);
    let layers: &[Strength] = match caller.kind() {
        PrincipalKind::User | PrincipalKind::FederatedUser => {
            &[Strength::Account, Strength::Itself]
        }
        PrincipalKind::RoleSession => &[Strength::Account, Strength::Parent, Strength::Itself],
        PrincipalKind::Role => &[Strength::Account, Strength::Parent],
        PrincipalKind::Root => &[Strength::Account],
        PrincipalKind::Service => &[Strength::Service],
        PrincipalKind::Federated => &[Strength::Itself],
        PrincipalKind::Anonymous => &[Strength::Wildcard],
    };
    listed.has(Strength::Wildcard) || layers.iter().all(|layer| listed.has(*layer))
}
