//! Long-term access keys: create, list, delete.
//!
//! A new key also writes the value of its owner as it is. So the creations for one owner, and its
//! deletion, conflict with each other: the quota holds, and no key outlives its user.

use std::sync::Arc;

use jiff::Timestamp;
use portcullis_identity::{
    AccessKey, AccessKeyId, Account, AccountId, IdentityError, KeyMaker, KeyOwner, KeyStatus,
    SecretAccessKey, ServiceName, create_access_key, delete_access_key, generate,
    update_access_key,
};
use portcullis_model::{
    iam::operation::{
        CreateAccessKey, DeleteAccessKey, GetAccessKeyLastUsed, ListAccessKeys, UpdateAccessKey,
    },
    portcullis::operation::{CreateRootAccessKey, CreateServiceAccessKey},
};

use super::{Page, entities::replace, users};
use crate::{
    AccessKeyView, Catalog, CatalogError, Failure, Installation, KeyHolder, OwnerOfKey, Permit,
    Plan, Snapshot, address::Address,
};

/// A new key's random parts, drawn before the transaction so that a second attempt has the same.
struct Fresh {
    id: AccessKeyId,
    secret: SecretAccessKey,
    now: Timestamp,
}

impl Fresh {
    fn new(now: Timestamp) -> Result<Self, CatalogError> {
        Ok(Self { id: generate::access_key_id()?, secret: generate::secret_access_key()?, now })
    }

    /// The key for `owner`, and the plan that stores it.
    fn key(
        &self,
        snapshot: &Snapshot,
        maker: KeyMaker,
        owner: KeyOwner,
    ) -> Result<Plan<AccessKey>, IdentityError> {
        let existing = snapshot.access_keys_of(&owner).count();
        let (id, secret) = (self.id.clone(), self.secret.clone());
        let key = create_access_key(maker, owner, existing, id, secret, self.now)?;
        let address = Address::AccessKey(self.id.clone());
        Ok(Plan::answer(key.clone()).absent(&address).put(&address, &key))
    }
}

impl Catalog {
    /// Makes an active key for the permitted user or root; the only answer that shows its secret.
    ///
    /// # Errors
    /// The missing user; [`IdentityError::QuotaExceeded`].
    pub async fn create_access_key(
        &self,
        permit: Permit<CreateAccessKey, KeyHolder>,
        now: Timestamp,
    ) -> Result<AccessKey, Failure<IdentityError>> {
        let holder = permit.consume();
        let fresh = Fresh::new(now)?;
        let address = holder_address(&holder);
        self.transact(&address.to_string(), |snapshot| match &holder {
            KeyHolder::User(resource) => {
                let view = resource.find(snapshot)?;
                let plan = fresh.key(snapshot, KeyMaker::Iam, users::key_owner(&view.stored))?;
                Ok(replace(plan, resource, view, &view.stored))
            }
            KeyHolder::Root(root) => root_key(snapshot, KeyMaker::Iam, root.owner(), &fresh),
        })
        .await
    }

    /// Gives the key `id` of the permitted user or root another status: an inactive one is refused
    /// from the answer on.
    ///
    /// # Errors
    /// The missing user; the missing key.
    pub async fn update_access_key(
        &self,
        permit: Permit<UpdateAccessKey, KeyHolder>,
        id: &AccessKeyId,
        status: KeyStatus,
    ) -> Result<(), Failure<IdentityError>> {
        let holder = permit.consume();
        let address = Address::AccessKey(id.clone());
        self.transact(&holder_address(&holder).to_string(), |snapshot| {
            let owner = snapshot.key_owner(&holder)?;
            let found = snapshot.access_key(id);
            let key = update_access_key(found.map(|view| &*view.stored), id, &owner, status)?;
            let seen = found.map(|view| view.stored.modified);
            let plan = seen.map(|seen| Plan::answer(()).unchanged(&address, seen));
            Ok(plan.ok_or(CatalogError::Unreadable)?.put(&address, &key))
        })
        .await
    }

    /// Removes the key `id` of the permitted user or root, at once and for ever.
    ///
    /// # Errors
    /// The missing user; the missing key.
    pub async fn delete_access_key(
        &self,
        permit: Permit<DeleteAccessKey, KeyHolder>,
        id: &AccessKeyId,
    ) -> Result<(), Failure<IdentityError>> {
        let holder = permit.consume();
        let address = Address::AccessKey(id.clone());
        self.transact(&holder_address(&holder).to_string(), |snapshot| {
            let owner = snapshot.key_owner(&holder)?;
            let found = snapshot.access_key(id);
            delete_access_key(found.map(|view| &*view.stored), id, &owner)?;
            let missing = || IdentityError::NoSuchAccessKey(id.clone());
            let modified = found.ok_or_else(missing)?.stored.modified;
            Ok(Plan::answer(()).unchanged(&address, modified).delete_with_children(&address))
        })
        .await
    }

    /// Makes an active key for a service principal (design.md §6).
    ///
    /// # Errors
    /// [`IdentityError::QuotaExceeded`].
    pub async fn create_service_access_key(
        &self,
        permit: Permit<CreateServiceAccessKey, Installation>,
        service: &ServiceName,
        now: Timestamp,
    ) -> Result<AccessKey, Failure<IdentityError>> {
        permit.consume();
        let fresh = Fresh::new(now)?;
        let address = Address::OperatorKey;
        self.transact(&address.to_string(), |snapshot| {
            let operator = snapshot.operator_key().ok_or(CatalogError::Unreadable)?;
            let owner = KeyOwner::Service(service.clone());
            let plan = fresh.key(snapshot, KeyMaker::Operator, owner)?;
            Ok(plan.unchanged(&address, operator.modified).put(&address, &**operator))
        })
        .await
    }

    /// Makes an active key for the root of `account`, and the account if it is new.
    ///
    /// # Errors
    /// [`IdentityError::QuotaExceeded`].
    pub async fn create_root_access_key(
        &self,
        permit: Permit<CreateRootAccessKey, Installation>,
        account: AccountId,
        now: Timestamp,
    ) -> Result<AccessKey, Failure<IdentityError>> {
        permit.consume();
        let fresh = Fresh::new(now)?;
        let aggregate = Address::Account(account).to_string();
        let maker = KeyMaker::Operator;
        self.transact(&aggregate, |snapshot| root_key(snapshot, maker, account, &fresh)).await
    }
}

impl Snapshot {
    /// The key `id` of the permitted user or root, which tells when it was last used.
    ///
    /// # Errors
    /// The missing key.
    pub fn get_access_key_last_used(
        &self,
        permit: Permit<GetAccessKeyLastUsed, OwnerOfKey>,
        id: &AccessKeyId,
    ) -> Result<Arc<AccessKeyView>, IdentityError> {
        let owner = self.key_owner(&permit.consume().into_holder()).ok();
        let own = self.access_key(id).filter(|key| owner.as_ref() == Some(&key.stored.owner));
        own.cloned().ok_or_else(|| IdentityError::NoSuchAccessKey(id.clone()))
    }

    /// The keys of the permitted user or root, by id, after the id `after`; `""` is before all.
    ///
    /// # Errors
    /// The missing user.
    pub fn list_access_keys(
        &self,
        permit: Permit<ListAccessKeys, KeyHolder>,
        after: &str,
        limit: usize,
    ) -> Result<Page<Arc<AccessKeyView>>, IdentityError> {
        let owner = self.key_owner(&permit.consume())?;
        let keys = self.access_keys_of(&owner);
        Ok(Page::take(keys.filter(|key| key.stored.id.as_str() > after).cloned(), limit))
    }

    fn key_owner(&self, holder: &KeyHolder) -> Result<KeyOwner, IdentityError> {
        match holder {
            KeyHolder::User(resource) => Ok(users::key_owner(&resource.find(self)?.stored)),
            KeyHolder::Root(root) => Ok(KeyOwner::Root(root.owner())),
        }
    }
}

/// The value that the keys of `holder` meet on.
fn holder_address(holder: &KeyHolder) -> Address {
    match holder {
        KeyHolder::User(user) => user.address(),
        KeyHolder::Root(root) => Address::Account(root.owner()),
    }
}

/// A key for the root of `account`, with the account if it is new.
fn root_key(
    snapshot: &Snapshot,
    maker: KeyMaker,
    account: AccountId,
    fresh: &Fresh,
) -> Result<Plan<AccessKey>, Failure<IdentityError>> {
    let address = Address::Account(account);
    let plan = fresh.key(snapshot, maker, KeyOwner::Root(account))?;
    Ok(match snapshot.account(account) {
        Some(stored) => plan.unchanged(&address, stored.modified).put(&address, &**stored),
        None => plan.absent(&address).put(&address, &Account { id: account, created: fresh.now }),
    })
}
