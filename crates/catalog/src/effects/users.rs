//! Users: create, show, delete.
//!
//! Everything that changes a user, its access keys included, writes the user's own value: that is
//! where two writers meet.

use std::sync::Arc;

use jiff::Timestamp;
use portcullis_identity::{
    AccessKey, Account, IdentityError, KeyOwner, NewUser, Path, PolicyArn, Tags, User, UserName,
    create_user, delete_user, generate,
};
use portcullis_model::iam::operation::{CreateUser, DeleteUser, GetUser, UpdateUser};

use super::entities::rename_plan;
use crate::{
    Catalog, CatalogError, Failure, KeyHolder, Permit, Plan, RootResource, Snapshot, UserResource,
    UserView, Versioned, address::Address,
};

/// What a new user has beside the path and name in the permit.
#[derive(Clone, Debug, Default)]
pub struct UserSettings {
    /// Its tags.
    pub tags: Tags,
    /// Its permissions boundary.
    pub boundary: Option<PolicyArn>,
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
    /// A boundary that does not exist; those of [`create_user`].
    pub async fn create_user(
        &self,
        permit: Permit<CreateUser, UserResource>,
        settings: UserSettings,
        now: Timestamp,
    ) -> Result<User, Failure<IdentityError>> {
        let resource = permit.consume();
        let id = generate::user_id().map_err(CatalogError::from)?;
        let address = resource.address();
        self.transact(&address.to_string(), |snapshot| {
            let UserSettings { tags, boundary } = settings.clone();
            let (path, name) = (resource.path().clone(), resource.name().clone());
            let taken = snapshot.user_like(resource.owner(), &name).map(|view| &*view.stored);
            let plan = snapshot.boundary_plan(resource.owner(), boundary.as_ref())?;
            let new = NewUser { path, name, tags, boundary };
            let user = create_user(resource.owner(), taken, new, id, now)?;
            Ok(plan.map(|()| user.clone()).absent(&address).put(&address, &user))
        })
        .await
    }

    /// Gives the user another path or name. It is the same user: its keys, groups and policies stay.
    ///
    /// # Errors
    /// The missing user; those of [`rename`](portcullis_identity::rename).
    pub async fn update_user(
        &self,
        permit: Permit<UpdateUser, UserResource>,
        path: Option<Path>,
        name: Option<UserName>,
    ) -> Result<(), Failure<IdentityError>> {
        let resource = permit.consume();
        self.transact(&resource.address().to_string(), |snapshot| {
            let old = key_owner(&resource.find(snapshot)?.stored);
            let (plan, user) = rename_plan(snapshot, &resource, path.as_ref(), name.as_ref())?;
            Ok(keys_follow(snapshot, plan, &old, &key_owner(&user)))
        })
        .await
    }

    /// Deletes the user, on whom nothing may hang.
    ///
    /// # Errors
    /// The missing user; those of [`delete_user`].
    pub async fn delete_user(
        &self,
        permit: Permit<DeleteUser, UserResource>,
    ) -> Result<(), Failure<IdentityError>> {
        let resource = permit.consume();
        let address = resource.address();
        self.transact(&address.to_string(), |snapshot| {
            let view = resource.find(snapshot)?;
            delete_user(&view.stored, snapshot.access_keys_of(&key_owner(&view.stored)).count())?;
            Ok(Plan::answer(()).unchanged(&address, view.stored.modified).delete(&address))
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
            KeyHolder::User(resource) => Ok(ShownUser::User(resource.find(self)?.clone())),
            KeyHolder::Root(root) => Ok(ShownUser::Root(self.find_account(&root)?.clone())),
        }
    }

    /// The account of a root that calls: it exists, or could not.
    pub(super) fn find_account(
        &self,
        root: &RootResource,
    ) -> Result<&Versioned<Account>, CatalogError> {
        self.account(root.owner()).ok_or(CatalogError::Unreadable)
    }
}

/// Writes the keys of a user anew who has another name now.
fn keys_follow<T>(snapshot: &Snapshot, plan: Plan<T>, old: &KeyOwner, new: &KeyOwner) -> Plan<T> {
    let own = snapshot.access_keys_of(old).filter(|key| old != new && key.stored.owner == *old);
    own.fold(plan, |plan, key| {
        let address = Address::AccessKey(key.stored.id.clone());
        let moved = AccessKey { owner: new.clone(), ..AccessKey::clone(&key.stored) };
        plan.unchanged(&address, key.stored.modified).put(&address, &moved)
    })
}

/// The user as an owner of access keys.
pub(super) fn key_owner(user: &User) -> KeyOwner {
    KeyOwner::User { account: user.account, name: user.name.clone(), id: user.id }
}
