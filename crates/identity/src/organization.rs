//! Organizations: accounts under one management account, in a tree of organizational units.
//!
//! An organization is one value, so that a rule sees all of it and two changes at once cannot
//! contradict each other. Source: the API reference and the user guide of AWS Organizations.

mod creation;
mod error;
mod ids;
mod leaving;
mod policies;
mod policy_type;
mod tagging;
mod units;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use creation::{
    ACCOUNTS_PER_ORGANIZATION_MAX, AccountRequest, CreateAccountFailure, CreateAccountRequest,
    CreatedAccount, NewAccount,
};
pub use error::OrganizationError;
pub use ids::{
    AccountName, ChildId, ContainerId, CreateAccountRequestId, Email, OrganizationId,
    OrganizationPolicyId, OrganizationPolicyName, OrganizationalUnitId, OrganizationalUnitName,
    PolicyDescription, RootId, TaggableId, TargetId,
};
pub use policies::{
    ATTACHED_POLICIES_MAX, ORGANIZATION_POLICIES_MAX, OrganizationPolicy, PolicyUse,
    check_modifiable,
};
pub use policy_type::{ByType, PolicyType};
pub use units::{ORGANIZATIONAL_UNITS_MAX, UNIT_DEPTH_MAX};

use crate::arn::Partition;
use crate::ids::AccountId;
use crate::tags::Tags;

/// What an organization can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureSet {
    /// Everything.
    All,
    /// Nothing but to belong together: no policies.
    ConsolidatedBilling,
}

/// An organization, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// The account that made it, owns everything in it, and is never limited by it.
    pub management: AccountId,
    /// What it can do.
    pub features: FeatureSet,
    /// When it was made.
    pub created: Timestamp,
    /// Its root.
    pub root: RootId,
    /// Its organizational units. Invariant: each one's parents lead to the root.
    pub units: BTreeMap<OrganizationalUnitId, OrganizationalUnit>,
    /// Its accounts, the management account among them. Invariant: each one's parent is there.
    pub members: BTreeMap<AccountId, Member>,
    /// Its policies, by type: whether they are in force, and where.
    pub policies: ByType<PolicyUse>,
    /// The tags of what has any. Invariant: none is empty.
    pub tags: BTreeMap<TaggableId, Tags>,
    /// The newest requests for accounts.
    pub requests: BTreeMap<CreateAccountRequestId, CreateAccountRequest>,
}

/// An organizational unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationalUnit {
    /// Unique in its parent.
    pub name: OrganizationalUnitName,
    /// Where it is.
    pub parent: ContainerId,
}

/// An account in its organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What it is called and the address of its root user; `None` for the management account, which
    /// was there before its organization and has neither.
    pub named: Option<(AccountName, Email)>,
    /// Where it is.
    pub parent: ContainerId,
    /// When it came.
    pub joined: Timestamp,
    /// When it was closed, if it was: nobody in it may do anything any more.
    pub closed: Option<Timestamp>,
}

/// What a new organization is made of.
#[derive(Clone, Debug)]
pub struct NewOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// Its root's id.
    pub root: RootId,
    /// What it can do.
    pub features: FeatureSet,
}

impl Organization {
    /// Makes an organization of `management` alone; `in_one`: whether that is in an organization.
    ///
    /// # Errors
    /// [`OrganizationError::AlreadyInOrganization`].
    pub fn create(
        management: AccountId,
        in_one: bool,
        new: NewOrganization,
        now: Timestamp,
    ) -> Result<Self, OrganizationError> {
        if in_one {
            return Err(OrganizationError::AlreadyInOrganization);
        }
        let parent = ContainerId::Root(new.root.clone());
        let member = Member { named: None, parent, joined: now, closed: None };
        Ok(Self {
            id: new.id,
            management,
            features: new.features,
            created: now,
            root: new.root,
            units: BTreeMap::new(),
            members: BTreeMap::from([(management, member)]),
            policies: ByType::default(),
            tags: BTreeMap::new(),
            requests: BTreeMap::new(),
        })
    }

    /// Whether the organization may go: nobody is in it but its management account, and no unit.
    ///
    /// # Errors
    /// [`OrganizationError::OrganizationNotEmpty`].
    pub fn check_empty(&self) -> Result<(), OrganizationError> {
        let is_empty = self.members.len() <= 1 && self.units.is_empty();
        if is_empty { Ok(()) } else { Err(OrganizationError::OrganizationNotEmpty) }
    }

    /// `arn:aws:organizations::MANAGEMENT:organization/ID`.
    #[must_use]
    pub fn arn(&self, partition: Partition) -> String {
        format!("arn:{partition}:organizations::{}:organization/{}", self.management, self.id)
    }

    /// The ARN of a part of it: `arn:aws:organizations::MANAGEMENT:KIND/ORGANIZATION/ID`.
    #[must_use]
    pub fn arn_of(&self, partition: Partition, kind: &str, id: &str) -> String {
        let (management, organization) = (self.management, &self.id);
        format!("arn:{partition}:organizations::{management}:{kind}/{organization}/{id}")
    }

    /// Whether there is this root or unit.
    #[must_use]
    pub fn has(&self, container: &ContainerId) -> bool {
        match container {
            ContainerId::Root(root) => *root == self.root,
            ContainerId::Unit(unit) => self.units.contains_key(unit),
        }
    }

    /// Where a unit or account is.
    ///
    /// # Errors
    /// [`OrganizationError::ChildNotFound`].
    pub fn parent_of(&self, child: &ChildId) -> Result<&ContainerId, OrganizationError> {
        let found = match child {
            ChildId::Unit(id) => self.units.get(id).map(|unit| &unit.parent),
            ChildId::Account(id) => self.members.get(id).map(|member| &member.parent),
        };
        found.ok_or(OrganizationError::ChildNotFound)
    }

    /// The units from the one below the root down to `container`; none for the root.
    #[must_use]
    pub fn units_to(&self, container: &ContainerId) -> Vec<&OrganizationalUnitId> {
        let mut way = Vec::new();
        let mut here = container;
        while let ContainerId::Unit(id) = here
            && let Some((id, unit)) = self.units.get_key_value(id)
            && way.len() <= UNIT_DEPTH_MAX
        {
            way.push(id);
            here = &unit.parent;
        }
        way.reverse();
        way
    }

    /// Whether the units above `container` end at the root: not so in a circle.
    #[must_use]
    pub fn leads_to_root(&self, container: &ContainerId) -> bool {
        let first = self.units_to(container).first().and_then(|id| self.units.get(*id));
        let top = first.map_or(container, |unit| &unit.parent);
        *top == ContainerId::Root(self.root.clone())
    }

    /// The way to a root or unit, as the condition keys have it: `o-…/r-…/ou-…/`.
    #[must_use]
    pub fn path_to(&self, container: &ContainerId) -> String {
        let start = format!("{}/{}/", self.id, self.root);
        self.units_to(container).into_iter().fold(start, |path, unit| format!("{path}{unit}/"))
    }

    /// The units right below a root or unit, by id.
    pub fn units_in(
        &self,
        parent: &ContainerId,
    ) -> impl Iterator<Item = (&OrganizationalUnitId, &OrganizationalUnit)> {
        self.units.iter().filter(move |(_, unit)| unit.parent == *parent)
    }

    /// The accounts right below a root or unit, by id.
    pub fn members_in(&self, parent: &ContainerId) -> impl Iterator<Item = (&AccountId, &Member)> {
        self.members.iter().filter(move |(_, member)| member.parent == *parent)
    }
}

#[cfg(test)]
mod tests;
