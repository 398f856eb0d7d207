//! What must exist before anything is served: session keys, the default account, its root key.
//!
//! No permit: there is nobody yet who could be permitted. The caller is whoever starts the server,
//! who owns its store anyway. Nothing here can be reached by a request.

use jiff::Timestamp;
use portcullis_identity::{
    AccessKey, AccessKeyId, Account, AccountId, KeyOwner, KeyStatus, OperatorKey, SecretAccessKey,
    generate,
};

use crate::{
    Catalog, CatalogError, Failure, Plan, Snapshot, address::Address, documents::Document,
};

/// The root credentials that the operator gives, or that were generated at the first start.
#[derive(Clone, Debug)]
pub struct RootKey {
    /// Its id.
    pub id: AccessKeyId,
    /// Its secret.
    pub secret: SecretAccessKey,
}

/// Why root credentials cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartRefusal {
    /// The id of a session, which would be looked for in a session token.
    #[error("an access key id that begins with ASIA is a session's; choose another for root")]
    Temporary,
    /// A user, a service or another account's root signs with this id already.
    #[error("the access key {0} belongs to another identity; choose another for root")]
    Taken(AccessKeyId),
}

impl From<StartRefusal> for Failure<StartRefusal> {
    fn from(refusal: StartRefusal) -> Self {
        Self::Rule(refusal)
    }
}

impl Catalog {
    /// Makes what is missing of the session keys, the default account and its root access key.
    ///
    /// The root access key that was given at the last start stops working when another is given
    /// now; the one given works whatever became of it meanwhile. Keys of root that were made
    /// through the API stay as they are. Writes nothing when nothing changes, so that any number of
    /// nodes may start at once and again.
    ///
    /// # Errors
    /// [`StartRefusal`]; [`Failure::Catalog`] when the store fails or a value that must stay, such
    /// as the session keys, cannot be read.
    pub async fn start(
        &self,
        account: AccountId,
        key: &RootKey,
        now: Timestamp,
    ) -> Result<(), Failure<StartRefusal>> {
        if key.id.is_temporary() {
            return Err(StartRefusal::Temporary.into());
        }
        let session_keys = generate::session_keys().map_err(CatalogError::from)?;
        let operator = OperatorKey { account, id: key.id.clone() };
        self.transact(&Address::OperatorKey.to_string(), |snapshot| {
            let mut plan = Plan::answer(());
            if snapshot.session_keys().is_none() {
                plan = put_new(plan, &Address::SessionKeys, &session_keys);
            }
            if snapshot.account(account).is_none() {
                let new = Account { id: account, created: now };
                plan = put_new(plan, &Address::Account(account), &new);
            }
            let plan = put_root_key(plan, snapshot, &operator, key, now)?;
            Ok(put_operator(plan, snapshot, &operator))
        })
        .await
    }
}

fn put_new<T>(plan: Plan<T>, address: &Address, value: &impl Document) -> Plan<T> {
    plan.absent(address).put(address, value)
}

/// Stores the key as it was given, unless it is there already.
fn put_root_key<T>(
    plan: Plan<T>,
    snapshot: &Snapshot,
    operator: &OperatorKey,
    key: &RootKey,
    now: Timestamp,
) -> Result<Plan<T>, StartRefusal> {
    let address = Address::AccessKey(key.id.clone());
    let wanted = |created| AccessKey {
        id: key.id.clone(),
        secret: key.secret.clone(),
        owner: KeyOwner::Root(operator.account),
        status: KeyStatus::Active,
        created,
    };
    let Some(found) = snapshot.access_key(&key.id) else {
        return Ok(put_new(plan, &address, &wanted(now)));
    };
    let stored: &AccessKey = &found.stored;
    if *stored == wanted(stored.created) {
        return Ok(plan);
    }
    let managed = snapshot.operator_key().is_some_and(|managed| managed.id == key.id);
    if !managed && stored.owner != KeyOwner::Root(operator.account) {
        return Err(StartRefusal::Taken(key.id.clone()));
    }
    Ok(plan.unchanged(&address, found.stored.modified).put(&address, &wanted(now)))
}

/// Remembers which key the operator manages, and removes the one that it was.
fn put_operator<T>(plan: Plan<T>, snapshot: &Snapshot, operator: &OperatorKey) -> Plan<T> {
    let address = Address::OperatorKey;
    let Some(managed) = snapshot.operator_key() else {
        return put_new(plan, &address, operator);
    };
    if **managed == *operator {
        return plan;
    }
    let plan = plan.unchanged(&address, managed.modified).put(&address, operator);
    if managed.id == operator.id {
        return plan;
    }
    plan.delete_with_children(&Address::AccessKey(managed.id.clone()))
}
