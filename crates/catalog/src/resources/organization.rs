//! What operations of Organizations are about. All of an organization belongs to its management
//! account: the calls of other members are calls from another account, which nothing can allow.

use std::fmt::Display;

use portcullis_iam::Value;
use portcullis_identity::{
    AccountId,
    organization::{
        ChildId, ContainerId, Organization, OrganizationPolicyId, OrganizationalUnitId, RootId,
        TaggableId, TargetId,
    },
};

use super::{RESOURCE_TAG, tag_value};
use crate::{Resource, Snapshot};

/// The organization of the caller's account as a whole (`*`): lists, and what makes one.
#[derive(Debug)]
pub struct WholeOrganization {
    caller: AccountId,
    owner: AccountId,
}

impl WholeOrganization {
    /// The organization of `caller`; without one, its account answers for itself.
    #[must_use]
    pub fn new(snapshot: &Snapshot, caller: AccountId) -> Self {
        Self { caller, owner: management(snapshot, caller) }
    }

    /// The caller's account, about itself: whether it is in an organization, and in which.
    #[must_use]
    pub fn seen_by_member(caller: AccountId) -> Self {
        Self { caller, owner: caller }
    }

    /// The account that asks.
    pub(crate) fn caller(&self) -> AccountId {
        self.caller
    }
}

impl Resource for WholeOrganization {
    fn arn(&self) -> &str {
        "*"
    }

    fn account(&self) -> &str {
        self.owner.as_str()
    }
}

fn management(snapshot: &Snapshot, caller: AccountId) -> AccountId {
    snapshot.organization_of(caller).map_or(caller, |view| view.stored.management)
}

/// An id whose ARN says what it is of.
pub trait OrganizationPart: Display {
    /// What its ARN calls it.
    fn kind(&self) -> &'static str;

    /// What has its tags.
    fn taggable(&self) -> Option<TaggableId> {
        self.to_string().parse().ok()
    }

    /// Its ARN.
    fn arn(&self, snapshot: &Snapshot, organization: &Organization) -> String {
        organization.arn_of(snapshot.partition(), self.kind(), &self.to_string())
    }
}

impl OrganizationPart for TargetId {
    fn kind(&self) -> &'static str {
        self.kind()
    }
}

impl OrganizationPart for TaggableId {
    fn kind(&self) -> &'static str {
        self.kind()
    }

    fn arn(&self, snapshot: &Snapshot, organization: &Organization) -> String {
        match self {
            Self::Policy(policy) => OrganizationPart::arn(policy, snapshot, organization),
            _ => organization.arn_of(snapshot.partition(), self.kind(), &self.to_string()),
        }
    }
}

impl OrganizationPart for RootId {
    fn kind(&self) -> &'static str {
        "root"
    }
}

impl OrganizationPart for OrganizationPolicyId {
    fn kind(&self) -> &'static str {
        "policy"
    }

    fn arn(&self, snapshot: &Snapshot, organization: &Organization) -> String {
        let policy_type = snapshot.organization_policy_type(organization.management, self);
        organization.policy_arn(snapshot.partition(), policy_type, self)
    }
}

impl OrganizationPart for ContainerId {
    fn kind(&self) -> &'static str {
        self.kind()
    }
}

impl OrganizationPart for ChildId {
    fn kind(&self) -> &'static str {
        self.kind()
    }
}

impl OrganizationPart for OrganizationalUnitId {
    fn kind(&self) -> &'static str {
        "ou"
    }
}

impl OrganizationPart for AccountId {
    fn kind(&self) -> &'static str {
        "account"
    }
}

/// A root, unit, account or policy of the organization of the caller's account; it need not exist.
#[derive(Debug)]
pub struct OrganizationResource<I> {
    whole: WholeOrganization,
    id: I,
    arn: Box<str>,
}

impl<I: OrganizationPart> OrganizationResource<I> {
    /// What `id` names to a caller of the account `caller`; without an organization, nothing (`*`).
    #[must_use]
    pub fn new(snapshot: &Snapshot, caller: AccountId, id: I) -> Self {
        let arn = snapshot
            .organization_of(caller)
            .map_or_else(|| "*".to_owned(), |view| id.arn(snapshot, &view.stored));
        Self { whole: WholeOrganization::new(snapshot, caller), id, arn: arn.into() }
    }

    /// The account that asks, and what it named.
    pub(crate) fn into_parts(self) -> (AccountId, I) {
        (self.whole.caller, self.id)
    }
}

impl<I: OrganizationPart> Resource for OrganizationResource<I> {
    fn arn(&self) -> &str {
        &self.arn
    }

    fn account(&self) -> &str {
        self.whole.account()
    }

    fn condition_key<'s>(&'s self, snapshot: &'s Snapshot, key: &str) -> Option<Value<'s>> {
        let key = key.strip_prefix(RESOURCE_TAG)?;
        let view = snapshot.organization_of(self.whole.caller)?;
        let tags = view.stored.tags.get(&self.id.taggable()?)?;
        tag_value(tags.iter().map(|tag| (tag.key(), tag.value())), key)
    }
}
