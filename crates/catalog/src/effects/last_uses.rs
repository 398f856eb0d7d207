//! Saves when access keys and roles were last used.

use portcullis_identity::IdentityError;

use crate::{Catalog, CatalogError, Failure, Plan, Snapshot, address::Address};

/// Most uses that one commit saves. The others are saved by the next.
const USES_AT_ONCE: usize = 1_000;

impl Catalog {
    /// Saves what this node knows of the last uses of keys and roles. Nothing hangs on it but what
    /// `GetAccessKeyLastUsed` and `GetRole` say, so that it is no part of any request.
    ///
    /// # Errors
    /// [`CatalogError`], and what is not saved yet stays to be saved.
    pub async fn save_last_uses(&self) -> Result<(), CatalogError> {
        let plan = |snapshot: &Snapshot| Ok::<_, Failure<IdentityError>>(plan(snapshot));
        match self.transact("last uses", plan).await {
            Ok(()) | Err(Failure::Rule(_)) => Ok(()),
            Err(Failure::Catalog(error)) => Err(error),
        }
    }
}

/// Writes each use beside its key or role, if that is still the one that was used.
fn plan(snapshot: &Snapshot) -> Plan<()> {
    let keys = snapshot.access_keys().filter_map(|view| {
        let (used, id) = (view.uses.unsaved()?, &view.stored.id);
        let places = (Address::AccessKey(id.clone()), Address::KeyUse(id.clone()));
        Some((places, view.stored.created, used))
    });
    let roles = snapshot.all_roles().filter_map(|view| {
        let (used, role) = (view.uses.unsaved()?, &*view.stored);
        let (account, name) = (role.account, &role.name);
        let places = (Address::role(account, name), Address::role_use(account, name));
        Some((places, view.stored.created, used))
    });
    let unsaved = keys.chain(roles).take(USES_AT_ONCE);
    unsaved.fold(Plan::answer(()), |plan, ((owner, place), created, used)| {
        plan.incarnation(&owner, created).put(&place, &*used)
    })
}
