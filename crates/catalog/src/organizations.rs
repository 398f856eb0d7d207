//! The organizations of the snapshot, and which account is where in one.

use std::{collections::BTreeMap, sync::Arc};

use imbl::{OrdMap, OrdSet};
use portcullis_identity::{
    AccountId,
    organization::{ContainerId, Organization, OrganizationId},
};

use crate::{Unreadable, Versioned, snapshot::set};

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
}
