//! The organizations of the snapshot, and which account is where in one.

use std::{collections::BTreeMap, sync::Arc};

use imbl::{OrdMap, OrdSet};
use portcullis_iam::{Arn, Value};
use portcullis_identity::{
    AccountId, Caller,
    organization::{ContainerId, Organization, OrganizationId},
};

use crate::{Resource, Unreadable, Versioned, snapshot::set};

/// An organization as the snapshot holds it.
#[derive(Clone, Debug)]
pub struct OrganizationView {
    /// As stored.
    pub stored: Versioned<Organization>,
}

/// What decisions about an account have to know of its organization.
#[derive(Debug)]
pub(crate) struct Membership {
    pub(crate) organization: OrganizationId,
    /// The way to the account, as condition keys have it: `o-…/r-…/ou-…/`.
    pub(crate) path: Arc<str>,
}

/// Every organization, and who is in which.
#[derive(Clone, Debug, Default)]
pub(crate) struct Organizations {
    all: OrdMap<OrganizationId, Arc<OrganizationView>>,
    memberships: OrdMap<AccountId, Arc<Membership>>,
    /// Those that cannot be read: whoever is in none that can may be in one of these.
    unreadable: OrdSet<OrganizationId>,
}

impl Organizations {
    /// Takes in what now stands in the store; `is_there`: whether anything does.
    pub(crate) fn apply(
        &mut self,
        id: OrganizationId,
        stored: Option<Versioned<Organization>>,
        is_there: bool,
    ) {
        let old = self.all.get(&id).map(|view| view.stored.clone());
        for account in old.iter().flat_map(|old| old.members.keys()) {
            self.memberships.remove(account);
        }
        if is_there && stored.is_none() {
            self.unreadable.insert(id.clone());
        } else {
            self.unreadable.remove(&id);
        }
        if let Some(organization) = &stored {
            self.enroll(organization);
        }
        set(&mut self.all, id, stored.map(|stored| Arc::new(OrganizationView { stored })));
    }

    fn enroll(&mut self, organization: &Organization) {
        let mut paths: BTreeMap<&ContainerId, Arc<str>> = BTreeMap::new();
        for (account, member) in &organization.members {
            let path = paths.entry(&member.parent);
            let path = path.or_insert_with(|| organization.path_to(&member.parent).into()).clone();
            let membership = Membership { organization: organization.id.clone(), path };
            self.memberships.insert(*account, Arc::new(membership));
        }
    }

    /// The organization that an account is in.
    pub(crate) fn of(&self, account: AccountId) -> Option<&Arc<OrganizationView>> {
        self.all.get(&self.memberships.get(&account)?.organization)
    }

    /// Where an account is in its organization, if it is in one.
    ///
    /// # Errors
    /// [`Unreadable`] if it may be in one that cannot be read.
    pub(crate) fn membership(
        &self,
        account: AccountId,
    ) -> Result<Option<&Arc<Membership>>, Unreadable> {
        match self.memberships.get(&account) {
            None if !self.unreadable.is_empty() => Err(Unreadable),
            found => Ok(found),
        }
    }

    /// Refuses what would be decided without knowing in which organization the owner of `resource`
    /// is.
    ///
    /// # Errors
    /// [`Unreadable`] if it may be in one that cannot be read.
    pub(crate) fn check_owner(
        &self,
        resource: &(impl Resource + ?Sized),
    ) -> Result<(), Unreadable> {
        if self.unreadable.is_empty() {
            return Ok(());
        }
        let account = resource.account().parse().map_err(|_| Unreadable)?;
        self.membership(account).map(drop)
    }
}

/// A condition key that tells of an organization. Source: iam.md §9.1, §9.4, §9.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrganizationKey {
    about: About,
    /// Whether it is the way to the account, not the organization's id.
    is_path: bool,
}

/// Whose organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// The caller's.
    Principal,
    /// That of the resource's owner.
    Resource,
    /// That of whom a service calls for.
    Source,
}

impl OrganizationKey {
    /// The key of this name in lower case, if it is one of them.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let (about, is_path) = match name.strip_prefix("aws:")? {
            "principalorgid" => (About::Principal, false),
            "principalorgpaths" => (About::Principal, true),
            "resourceorgid" => (About::Resource, false),
            "resourceorgpaths" => (About::Resource, true),
            "sourceorgid" => (About::Source, false),
            "sourceorgpaths" => (About::Source, true),
            _ => return None,
        };
        Some(Self { about, is_path })
    }

    /// Its value for a call of `caller` on `resource`; nothing in the request can give another.
    pub(crate) fn value<'s>(
        self,
        organizations: &'s Organizations,
        caller: &Caller,
        resource: &(impl Resource + ?Sized),
    ) -> Option<Value<'s>> {
        self.between(organizations, caller.account(), source_account(caller), resource)
    }

    /// Its value for a call from the account `caller`, on behalf of `source`, on `resource`.
    pub(crate) fn between<'s>(
        self,
        organizations: &'s Organizations,
        caller: Option<AccountId>,
        source: Option<AccountId>,
        resource: &(impl Resource + ?Sized),
    ) -> Option<Value<'s>> {
        let account = match self.about {
            About::Principal => caller?,
            About::Resource => resource.account().parse().ok()?,
            About::Source => source?,
        };
        let membership = organizations.memberships.get(&account)?;
        Some(if self.is_path {
            Value::Multiple(vec![(&*membership.path).into()].into())
        } else {
            Value::Single(membership.organization.as_str().into())
        })
    }
}

/// The account that a service calls for: the one that it says, or that of the resource it names.
fn source_account(caller: &Caller) -> Option<AccountId> {
    let (arn, account) = caller.source();
    account.or_else(|| Some(Arn::split(arn?)?.account()))?.parse().ok()
}
