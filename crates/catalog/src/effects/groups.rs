//! Groups and who is in them.
//!
//! Membership is written in the user. Joining also writes the group as it is, so that it conflicts
//! with the group's deletion and renaming: nobody joins a group that is going.

use std::sync::Arc;

use jiff::Timestamp;
use portcullis_identity::{
    Group, GroupId, GroupName, IdentityError, NewGroup, Path, SmallSet, add_user_to_group,
    create_group, delete_group, generate, remove_user_from_group,
};
use portcullis_model::iam::operation::{
    AddUserToGroup, CreateGroup, DeleteGroup, GetGroup, ListGroupsForUser, RemoveUserFromGroup,
    UpdateGroup,
};

use super::{
    Page,
    entities::{rename_plan, replace},
};
use crate::{
    Catalog, CatalogError, EntityView as _, Failure, GroupResource, GroupView, Permit, Plan,
    Snapshot, UserResource, UserView,
};

impl Catalog {
    /// Creates the group under the permitted path and name.
    ///
    /// # Errors
    /// Those of [`create_group`].
    pub async fn create_group(
        &self,
        permit: Permit<CreateGroup, GroupResource>,
        now: Timestamp,
    ) -> Result<Group, Failure<IdentityError>> {
        let resource = permit.consume();
        let id = generate::group_id().map_err(CatalogError::from)?;
        let address = resource.address();
        self.transact(&address.to_string(), |snapshot| {
            let (path, name) = (resource.path().clone(), resource.name().clone());
            let taken = snapshot.group_like(resource.owner(), &name).map(|view| &*view.stored);
            let group = create_group(resource.owner(), taken, NewGroup { path, name }, id, now)?;
            Ok(Plan::answer(group.clone()).absent(&address).put(&address, &group))
        })
        .await
    }

    /// Gives the group another path or name. Its members stay.
    ///
    /// # Errors
    /// The missing group; those of [`rename`](portcullis_identity::rename).
    pub async fn update_group(
        &self,
        permit: Permit<UpdateGroup, GroupResource>,
        path: Option<Path>,
        name: Option<GroupName>,
    ) -> Result<(), Failure<IdentityError>> {
        let resource = permit.consume();
        self.transact(&resource.address().to_string(), |snapshot| {
            Ok(rename_plan(snapshot, &resource, path.as_ref(), name.as_ref())?.0)
        })
        .await
    }

    /// Deletes the group, in which nobody may be.
    ///
    /// # Errors
    /// The missing group; those of [`delete_group`].
    pub async fn delete_group(
        &self,
        permit: Permit<DeleteGroup, GroupResource>,
    ) -> Result<(), Failure<IdentityError>> {
        let resource = permit.consume();
        let address = resource.address();
        self.transact(&address.to_string(), |snapshot| {
            let view = resource.find(snapshot)?;
            delete_group(&view.stored, snapshot.groups.size(&view.stored.id))?;
            Ok(Plan::answer(()).unchanged(&address, view.stored.modified).delete(&address))
        })
        .await
    }

    /// Puts the user `member` of the group's account into the permitted group.
    ///
    /// # Errors
    /// The missing group; the missing user; those of [`add_user_to_group`].
    pub async fn add_user_to_group(
        &self,
        permit: Permit<AddUserToGroup, GroupResource>,
        member: &UserResource,
    ) -> Result<(), Failure<IdentityError>> {
        let resource = permit.consume();
        self.change_membership(&resource, member, |user, group, plan| {
            let changed = add_user_to_group(&user.stored, &group.stored)?;
            let plan = replace(plan, member, user, &changed);
            Ok(replace(plan, &resource, group, &group.stored))
        })
        .await
    }

    /// Takes the user `member` of the group's account out of the permitted group.
    ///
    /// # Errors
    /// The missing group; the missing user; those of [`remove_user_from_group`].
    pub async fn remove_user_from_group(
        &self,
        permit: Permit<RemoveUserFromGroup, GroupResource>,
        member: &UserResource,
    ) -> Result<(), Failure<IdentityError>> {
        self.change_membership(&permit.consume(), member, |user, group, plan| {
            let changed = remove_user_from_group(&user.stored, &group.stored)?;
            Ok(replace(plan, member, user, &changed))
        })
        .await
    }

    async fn change_membership(
        &self,
        group: &GroupResource,
        member: &UserResource,
        rule: impl Fn(&UserView, &GroupView, Plan<()>) -> Result<Plan<()>, IdentityError>,
    ) -> Result<(), Failure<IdentityError>> {
        self.transact(&group.address().to_string(), |snapshot| {
            let group = group.find(snapshot)?;
            Ok(rule(member.find(snapshot)?, group, Plan::answer(()))?)
        })
        .await
    }
}

impl Snapshot {
    /// The permitted group, and the users in it by folded name, after the folded name `after`.
    ///
    /// # Errors
    /// The missing group.
    pub fn get_group(
        &self,
        permit: Permit<GetGroup, GroupResource>,
        after: &str,
        limit: usize,
    ) -> Result<(Arc<GroupView>, Page<Arc<UserView>>), IdentityError> {
        let group = permit.consume().find(self)?.clone();
        let names = self.groups.members(&group.stored.id, after);
        let users = names.filter_map(|name| self.user_at(group.stored.account, name));
        let page = Page::take(users.cloned(), limit);
        Ok((group, page))
    }

    /// The groups that the permitted user is in, by folded name, after the folded name `after`.
    ///
    /// # Errors
    /// The missing user.
    pub fn list_groups_for_user(
        &self,
        permit: Permit<ListGroupsForUser, UserResource>,
        after: &str,
        limit: usize,
    ) -> Result<Page<Arc<GroupView>>, IdentityError> {
        let resource = permit.consume();
        let mut groups = self.groups_of(&resource.find(self)?.stored().groups);
        groups.retain(|group| group.stored.name.folded().as_str() > after);
        Ok(Page::take(groups.into_iter(), limit))
    }

    /// The groups of these ids, by folded name.
    pub(super) fn groups_of(&self, ids: &SmallSet<GroupId>) -> Vec<Arc<GroupView>> {
        let found = ids.iter().filter_map(|id| self.groups.by_id(id));
        let mut groups: Vec<_> = found.cloned().collect();
        groups.sort_by_cached_key(|group| group.stored.name.folded());
        groups
    }
}
