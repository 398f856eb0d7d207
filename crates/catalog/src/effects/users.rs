//! Users and their inline policies: create, show, list, change, delete.
//!
//! Everything that changes a user, its access keys included, writes the user's own value: that is
//! where two writers meet.

use std::sync::Arc;

use jiff::Timestamp;
use portcullis_identity::{
    Account, IdentityError, KeyOwner, NewUser, PolicyName, Tags, User, create_user, delete_user,
    delete_user_policy, generate, put_user_policy, user_policy,
};
use portcullis_model::iam::operation::{
    CreateUser, DeleteUser, DeleteUserPolicy, GetUser, GetUserPolicy, ListUserPolicies, ListUsers,
    PutUserPolicy,
};

use super::Page;
use crate::{
    Catalog, CatalogError, Failure, KeyHolder, Permit, Plan, Resource as _, RootResource, Snapshot,
    UserResource, UserView, Versioned, WholeAccount, address::Address,
};

/// What a new user has beside the path and name in the permit.
#[derive(Clone, Debug, Default)]
pub struct UserSettings {
    /// Its tags.
    pub tags: Tags,
    /// ARN of a permissions boundary; the domain refuses it as yet.
    pub permissions_boundary: Option<Box<str>>,
}

/// Whom `GetUser` shows.
#[derive(Clone, Debug)]
pub enum ShownUser {
    /// A user.
    User(Arc<UserView>),
    /// The root of an account, which has neither name nor path; the account was made with it.
    Root(Versioned<Account>),
}

impl Catalog {
    /// Creates the user under the permitted path and name.
    ///
    /// # Errors
    /// Those of [`create_user`].
    pub async fn create_user(
        &self,
        permit: Permit<CreateUser, UserResource>,
        settings: UserSettings,
        now: Timestamp,
    ) -> Result<User, Failure<IdentityError>> {
        let resource = permit.consume();
        let id = generate::user_id().map_err(CatalogError::from)?;
        let address = address(&resource);
        self.transact(&address.to_string(), |snapshot| {
            let UserSettings { tags, permissions_boundary } = settings.clone();
            let (path, name) = (resource.path().clone(), resource.name().clone());
            let taken = snapshot.user_like(resource.owner(), &name).map(|view| &*view.stored);
            let new = NewUser { path, name, tags, permissions_boundary };
            let user = create_user(resource.owner(), taken, new, id, now)?;
            Ok(Plan::answer(user.clone()).absent(&address).put(&address, &user))
        })
        .await
    }

    /// Deletes the user, who must have neither policies nor access keys.
    ///
    /// # Errors
    /// The missing user; those of [`delete_user`].
    pub async fn delete_user(
        &self,
        permit: Permit<DeleteUser, UserResource>,
    ) -> Result<(), Failure<IdentityError>> {
        let resource = permit.consume();
        let address = address(&resource);
        self.transact(&address.to_string(), |snapshot| {
            let view = snapshot.find_user(&resource)?;
            delete_user(&view.stored, snapshot.access_keys_of(&key_owner(&view.stored)).count())?;
            Ok(Plan::answer(()).unchanged(&address, view.stored.modified).delete(&address))
        })
        .await
    }

    /// Adds the inline policy `name` to the user, or replaces it.
    ///
    /// # Errors
    /// The missing user; those of [`put_user_policy`].
    pub async fn put_user_policy(
        &self,
        permit: Permit<PutUserPolicy, UserResource>,
        name: &PolicyName,
        document: &str,
    ) -> Result<(), Failure<IdentityError>> {
        let rule = |user: &User| put_user_policy(user, name.clone(), document);
        self.change_user(&permit.consume(), rule).await
    }

    /// Removes the inline policy `name` from the user.
    ///
    /// # Errors
    /// The missing user; the missing policy.
    pub async fn delete_user_policy(
        &self,
        permit: Permit<DeleteUserPolicy, UserResource>,
        name: &PolicyName,
    ) -> Result<(), Failure<IdentityError>> {
        self.change_user(&permit.consume(), |user| delete_user_policy(user, name)).await
    }

    async fn change_user(
        &self,
        resource: &UserResource,
        rule: impl Fn(&User) -> Result<User, IdentityError>,
    ) -> Result<(), Failure<IdentityError>> {
        let address = address(resource);
        self.transact(&address.to_string(), |snapshot| {
            let view = snapshot.find_user(resource)?;
            Ok(replace(Plan::answer(()), &address, view, &rule(&view.stored)?))
        })
        .await
    }
}

impl Snapshot {
    /// The permitted user, or root.
    ///
    /// # Errors
    /// The missing user.
    pub fn get_user(
        &self,
        permit: Permit<GetUser, KeyHolder>,
    ) -> Result<ShownUser, Failure<IdentityError>> {
        match permit.consume() {
            KeyHolder::User(resource) => Ok(ShownUser::User(self.find_user(&resource)?.clone())),
            KeyHolder::Root(root) => Ok(ShownUser::Root(self.find_account(&root)?.clone())),
        }
    }

    /// The users of the permitted account whose path begins with `path_prefix`, by folded name,
    /// after the folded name `after`; `""` is before all.
    #[must_use]
    pub fn list_users(
        &self,
        permit: Permit<ListUsers, WholeAccount>,
        path_prefix: &str,
        after: &str,
        limit: usize,
    ) -> Page<Arc<UserView>> {
        let users = self.users(permit.consume().0, after);
        let under = users.filter(|user| user.stored.path.as_str().starts_with(path_prefix));
        Page::take(under.cloned(), limit)
    }

    /// The text of the user's inline policy `name`, as it was given.
    ///
    /// # Errors
    /// The missing user; the missing policy.
    pub fn get_user_policy(
        &self,
        permit: Permit<GetUserPolicy, UserResource>,
        name: &PolicyName,
    ) -> Result<&str, IdentityError> {
        user_policy(&self.find_user(&permit.consume())?.stored, name)
    }

    /// The names of the user's inline policies, in order, after the name `after`.
    ///
    /// # Errors
    /// The missing user.
    pub fn list_user_policies(
        &self,
        permit: Permit<ListUserPolicies, UserResource>,
        after: &str,
        limit: usize,
    ) -> Result<Page<PolicyName>, IdentityError> {
        let user = &self.find_user(&permit.consume())?.stored;
        let names = user.policies.iter().map(|(name, _)| name);
        Ok(Page::take(names.filter(|name| name.as_str() > after).cloned(), limit))
    }

    /// The user under exactly the permitted ARN: one that was made anew under another path is not
    /// the one that was decided about.
    pub(super) fn find_user(
        &self,
        resource: &UserResource,
    ) -> Result<&Arc<UserView>, IdentityError> {
        self.user(resource.owner(), resource.name())
            .filter(|user| user.identity.arn() == resource.arn())
            .ok_or_else(|| IdentityError::NoSuchUser(resource.name().clone()))
    }

    /// The account of a root that calls: it exists, or could not.
    pub(super) fn find_account(
        &self,
        root: &RootResource,
    ) -> Result<&Versioned<Account>, CatalogError> {
        self.account(root.owner()).ok_or(CatalogError::Unreadable)
    }
}

pub(super) fn address(user: &UserResource) -> Address {
    Address::user(user.owner(), user.name())
}

/// The user as an owner of access keys.
pub(super) fn key_owner(user: &User) -> KeyOwner {
    KeyOwner::User { account: user.account, name: user.name.clone(), id: user.id }
}

/// Replaces the user that the rule saw.
pub(super) fn replace<T>(
    plan: Plan<T>,
    address: &Address,
    seen: &UserView,
    user: &User,
) -> Plan<T> {
    plan.unchanged(address, seen.stored.modified).put(address, user)
}
