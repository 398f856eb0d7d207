//! The groups of the snapshot: by name, by id, and who is in each.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use portcullis_identity::{AccountId, GroupId, User};

use crate::{
    GroupView,
    snapshot::{Named, set, within},
};

/// Every group, and the members of each by what the users say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    by_name: OrdMap<Named, Arc<GroupView>>,
    by_id: OrdMap<GroupId, Arc<GroupView>>,
    /// Folded names of users; they are of the group's account.
    members: OrdMap<GroupId, OrdSet<Box<str>>>,
}

impl Groups {
    /// A group by its unique id.
    pub(crate) fn by_id(&self, id: &GroupId) -> Option<&Arc<GroupView>> {
        self.by_id.get(id)
    }

    /// The groups of an account, by folded name, after the folded name `after`.
    pub(crate) fn of_account(
        &self,
        account: AccountId,
        after: &str,
    ) -> impl Iterator<Item = &Arc<GroupView>> {
        within(&self.by_name, account, after)
    }

    /// The folded names of the users in a group, in order, after `after`; `""` is before all.
    pub(crate) fn members(&self, id: &GroupId, after: &str) -> impl Iterator<Item = &Box<str>> {
        let members = self.members.get(id).into_iter();
        let from = (std::ops::Bound::Excluded(Box::from(after)), std::ops::Bound::Unbounded);
        members.flat_map(move |members| members.range::<_, Box<str>>(from.clone()))
    }

    /// How many users are in a group.
    pub(crate) fn size(&self, id: &GroupId) -> usize {
        self.members.get(id).map_or(0, OrdSet::len)
    }

    /// The group under a folded name.
    pub(crate) fn at(&self, key: &Named) -> Option<&Arc<GroupView>> {
        self.by_name.get(key)
    }

    /// Takes the group now under a name in, or that there is none.
    pub(crate) fn apply(&mut self, key: Named, view: Option<GroupView>) {
        if let Some(old) = self.by_name.get(&key) {
            let id = old.stored.id;
            // Renamed in the same commit, it stands under its new name already.
            if self.by_id.get(&id).is_some_and(|current| Arc::ptr_eq(current, old)) {
                self.by_id.remove(&id);
            }
        }
        let view = view.map(Arc::new);
        if let Some(view) = &view {
            self.by_id.insert(view.stored.id, view.clone());
        }
        set(&mut self.by_name, key, view);
    }

    /// Takes in that the user under a name was `old` and is now `new`.
    pub(crate) fn moved(&mut self, name: &str, old: Option<&User>, new: Option<&User>) {
        let is_in =
            |user: Option<&User>, id: &GroupId| user.is_some_and(|user| user.groups.contains(id));
        for left in old.into_iter().flat_map(|old| &old.groups).filter(|id| !is_in(new, id)) {
            if let Some(members) = self.members.get_mut(left) {
                members.remove(name);
                if members.is_empty() {
                    self.members.remove(left);
                }
            }
        }
        for joined in new.into_iter().flat_map(|new| &new.groups).filter(|id| !is_in(old, id)) {
            self.members.entry(*joined).or_default().insert(name.into());
        }
    }
}
