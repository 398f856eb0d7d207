//! All values at one revision of the store. Cloning shares everything; a change copies its path.

use std::{ops::Bound, sync::Arc};

use imbl::{OrdMap, OrdSet};
use portcullis_identity::{
    AccessKey, AccessKeyId, Account, AccountAlias, AccountAliasName, AccountId, Group, GroupName,
    IssuerName, KeyOwner, LastUse, OidcProvider, OperatorKey, Partition, PolicyArn, Role, RoleName,
    RootIdentity, ServiceIdentity, ServiceName, SessionKeys, User, UserName,
};
use portcullis_lambda::{
    AliasName, FunctionArn, FunctionUrl, LayerArn, LayerVersion, LayerVersionArn, Qualifier,
    Target, UrlId,
};
use portcullis_store::{Entry, Key, Revision};

use crate::{
    AccessKeyView, FunctionView, GroupView, LayerView, PolicyView, RoleView, UserView, Versioned,
    address::Address,
    code_signing::CodeSigning,
    documents::{Document, DocumentError, resource_policy::decode_policy},
    entities::Entities,
    event_sources::EventSources,
    groups::Groups,
    layers::Layers,
    managed::{ManagedPolicies, ManagedPolicyView},
    organizations::Organizations,
    reservations::Reservations,
    written::Value,
};

/// A user, group or role: the account and the folded name.
pub(crate) type Named = (AccountId, Box<str>);

/// The state of the service at one revision.
#[derive(Clone, Debug)]
pub struct Snapshot {
    revision: Revision,
    partition: Partition,
    /// Whether all that names code in the store could be read, ever since the last scan.
    whole: bool,
    functions: OrdMap<Arc<str>, Arc<FunctionView>>,
    pub(crate) reservations: Reservations,
    /// The functions with workers that are kept ready, by ARN.
    provisioned: OrdSet<Arc<str>>,
    pub(crate) layers: Layers,
    pub(crate) code_signing: CodeSigning,
    pub(crate) event_sources: EventSources,
    /// Which function or alias has, or had, the URL of this id.
    urls: OrdMap<UrlId, (FunctionArn, Option<AliasName>)>,
    accounts: OrdMap<AccountId, AccountView>,
    users: OrdMap<Named, Arc<UserView>>,
    pub(crate) groups: Groups,
    pub(crate) managed: ManagedPolicies,
    pub(crate) organizations: Organizations,
    roles: OrdMap<Named, Arc<RoleView>>,
    entities: Entities,
    access_keys: OrdMap<AccessKeyId, Arc<AccessKeyView>>,
    keys_of: OrdMap<OwnerName, OrdSet<AccessKeyId>>,
    aliases: OrdMap<AccountAliasName, Versioned<AccountAlias>>,
    alias_of: OrdMap<AccountId, AccountAliasName>,
    oidc_providers: OrdMap<Named, Versioned<OidcProvider>>,
    session_keys: Option<Arc<SessionKeys>>,
    operator_key: Option<Versioned<OperatorKey>>,
}

/// An account and its root as a caller.
#[derive(Clone, Debug)]
struct AccountView {
    stored: Versioned<Account>,
    root: Arc<RootIdentity>,
}

/// An owner of access keys, without the unique id: a re-created user finds its predecessor's keys,
/// which do not work, so that they can be removed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum OwnerName {
    Root(AccountId),
    User(AccountId, Box<str>),
    Service(ServiceName),
}

impl From<&KeyOwner> for OwnerName {
    fn from(owner: &KeyOwner) -> Self {
        match owner {
            KeyOwner::Root(account) => Self::Root(*account),
            KeyOwner::User { account, name, .. } => Self::User(*account, name.folded().into()),
            KeyOwner::Service(name) => Self::Service(name.clone()),
        }
    }
}

impl Snapshot {
    pub(crate) fn empty(revision: Revision, partition: Partition) -> Self {
        Self {
            revision,
            partition,
            whole: true,
            functions: OrdMap::new(),
            reservations: Reservations::default(),
            provisioned: OrdSet::new(),
            layers: Layers::default(),
            code_signing: CodeSigning::default(),
            event_sources: EventSources::default(),
            urls: OrdMap::new(),
            accounts: OrdMap::new(),
            users: OrdMap::new(),
            groups: Groups::default(),
            managed: ManagedPolicies::new(partition),
            organizations: Organizations::new(partition),
            roles: OrdMap::new(),
            entities: Entities::default(),
            access_keys: OrdMap::new(),
            keys_of: OrdMap::new(),
            aliases: OrdMap::new(),
            alias_of: OrdMap::new(),
            oidc_providers: OrdMap::new(),
            session_keys: None,
            operator_key: None,
        }
    }

    /// The store's revision that this is the state of.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The partition that every ARN here begins with.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// A function and all that belongs to it.
    #[must_use]
    pub fn function(&self, arn: &FunctionArn) -> Option<&Arc<FunctionView>> {
        self.functions.get(arn.as_str())
    }

    /// The functions whose ARN begins with `prefix`, by name, from the ARN `from` on.
    pub fn functions<'a>(
        &'a self,
        prefix: &'a str,
        from: Option<&str>,
    ) -> impl Iterator<Item = &'a Arc<FunctionView>> {
        let from: Arc<str> = from.unwrap_or(prefix).into();
        let all = self.functions.range(from..);
        all.take_while(move |(arn, _)| arn.starts_with(prefix)).map(|(_, view)| view)
    }

    /// The URL whose host begins with `id`.
    #[must_use]
    pub fn url(&self, id: &UrlId) -> Option<&Versioned<FunctionUrl>> {
        let (arn, alias) = self.urls.get(id)?;
        self.function(arn)?.urls.get(alias).filter(|url| url.id() == id)
    }

    /// Whether an alias has, or had until it was deleted, the URL whose host begins with `id`; or a
    /// function has.
    #[must_use]
    pub fn has_had_url(&self, id: &UrlId) -> bool {
        self.urls.contains_key(id)
    }

    /// The URL of a function or alias.
    #[must_use]
    pub fn url_of(&self, target: &Target) -> Option<&Versioned<FunctionUrl>> {
        let alias = match target.qualifier.clone() {
            None => None,
            Some(Qualifier::Alias(name)) => Some(name),
            Some(_) => return None,
        };
        self.function(&target.function)?.urls.get(&alias)
    }

    /// Whether the functions and layers here are all that the store has. One that a newer build
    /// wrote cannot be read and is not here: nothing may be concluded from its absence then.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Every function, for work on all of them.
    pub fn all_functions(&self) -> impl Iterator<Item = &Arc<FunctionView>> {
        self.functions.values()
    }

    /// The functions of which workers are kept ready.
    pub(crate) fn provisioned_functions(&self) -> impl Iterator<Item = &Arc<FunctionView>> {
        self.provisioned.iter().filter_map(|arn| self.functions.get(arn))
    }

    /// A layer, even if none of its versions is left.
    #[must_use]
    pub fn layer(&self, arn: &LayerArn) -> Option<&Arc<LayerView>> {
        self.layers.get(arn)
    }

    /// A version of a layer.
    #[must_use]
    pub fn layer_version(&self, arn: &LayerVersionArn) -> Option<&Versioned<LayerVersion>> {
        self.layer(arn.layer())?.versions.get(&arn.number())
    }

    /// Every layer, for work on all of them.
    pub fn all_layers(&self) -> impl Iterator<Item = &Arc<LayerView>> {
        self.layers.all()
    }

    /// Whether the account exists.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<&Versioned<Account>> {
        self.accounts.get(&id).map(|account| &account.stored)
    }

    /// The root of an account that exists, as a caller.
    #[must_use]
    pub fn root(&self, id: AccountId) -> Option<&Arc<RootIdentity>> {
        self.accounts.get(&id).map(|account| &account.root)
    }

    /// An alias of an account, by its name.
    #[must_use]
    pub fn account_alias(&self, name: &AccountAliasName) -> Option<&Versioned<AccountAlias>> {
        self.aliases.get(name)
    }

    /// The alias of an account.
    #[must_use]
    pub fn alias_of(&self, account: AccountId) -> Option<&Versioned<AccountAlias>> {
        self.account_alias(self.alias_of.get(&account)?)
    }

    /// The OpenID Connect provider of an issuer in an account.
    #[must_use]
    pub fn oidc_provider(
        &self,
        account: AccountId,
        issuer: &IssuerName,
    ) -> Option<&Versioned<OidcProvider>> {
        self.oidc_providers.get(&(account, issuer.as_str().into()))
    }

    /// The OpenID Connect providers of an account, by issuer.
    pub(crate) fn oidc_providers(
        &self,
        account: AccountId,
    ) -> impl Iterator<Item = &Versioned<OidcProvider>> {
        within(&self.oidc_providers, account, "")
    }

    /// Every access key.
    pub(crate) fn access_keys(&self) -> impl Iterator<Item = &Arc<AccessKeyView>> {
        self.access_keys.values()
    }

    /// A user by name. Look-ups do not ignore case; only uniqueness does.
    #[must_use]
    pub fn user(&self, account: AccountId, name: &UserName) -> Option<&Arc<UserView>> {
        self.user_like(account, name).filter(|user| user.stored.name == *name)
    }

    /// The user whose name is `name` but for case: whoever stands in the way of a new one.
    #[must_use]
    pub(crate) fn user_like(&self, account: AccountId, name: &UserName) -> Option<&Arc<UserView>> {
        self.users.get(&(account, name.folded().into()))
    }

    /// The user of this folded name.
    pub(crate) fn user_at(&self, account: AccountId, folded: &str) -> Option<&Arc<UserView>> {
        self.users.get(&(account, folded.into()))
    }

    /// The users of an account, by folded name, after the folded name `after`; `""` is before all.
    pub fn users(&self, account: AccountId, after: &str) -> impl Iterator<Item = &Arc<UserView>> {
        within(&self.users, account, after)
    }

    /// A group by name. Look-ups do not ignore case; only uniqueness does.
    #[must_use]
    pub fn group(&self, account: AccountId, name: &GroupName) -> Option<&Arc<GroupView>> {
        self.group_like(account, name).filter(|group| group.stored.name == *name)
    }

    /// The group whose name is `name` but for case: whoever stands in the way of a new one.
    #[must_use]
    pub(crate) fn group_like(
        &self,
        account: AccountId,
        name: &GroupName,
    ) -> Option<&Arc<GroupView>> {
        self.group_at(account, &name.folded())
    }

    /// The group of this folded name.
    pub(crate) fn group_at(&self, account: AccountId, folded: &str) -> Option<&Arc<GroupView>> {
        self.groups.at(&(account, folded.into()))
    }

    /// The groups of an account, by folded name, after the folded name `after`; `""` is before all.
    pub fn groups(&self, account: AccountId, after: &str) -> impl Iterator<Item = &Arc<GroupView>> {
        self.groups.of_account(account, after)
    }

    /// The managed policy that an ARN names: an account's, or AWS's.
    #[must_use]
    pub fn managed_policy(&self, arn: &PolicyArn) -> Option<&Arc<ManagedPolicyView>> {
        self.managed.get(arn)
    }

    /// A role by name. Look-ups do not ignore case; only uniqueness does.
    #[must_use]
    pub fn role(&self, account: AccountId, name: &RoleName) -> Option<&Arc<RoleView>> {
        self.role_like(account, name).filter(|role| role.stored.name == *name)
    }

    /// The role whose name is `name` but for case: whoever stands in the way of a new one.
    #[must_use]
    pub(crate) fn role_like(&self, account: AccountId, name: &RoleName) -> Option<&Arc<RoleView>> {
        self.roles.get(&(account, name.folded().into()))
    }

    /// The role of this folded name.
    pub(crate) fn role_at(&self, account: AccountId, folded: &str) -> Option<&Arc<RoleView>> {
        self.roles.get(&(account, folded.into()))
    }

    /// The role that an ARN names, path included.
    #[must_use]
    pub(crate) fn role_of_arn(&self, arn: &str) -> Option<&Arc<RoleView>> {
        let account = arn.split(':').nth(4)?.parse().ok()?;
        let name: RoleName = arn.rsplit('/').next()?.parse().ok()?;
        self.role(account, &name).filter(|role| role.identity.arn() == arn)
    }

    /// The users and roles by their unique ids.
    pub(crate) fn entities(&self) -> &Entities {
        &self.entities
    }

    /// The roles of an account, by folded name, after the folded name `after`; `""` is before all.
    pub fn roles(&self, account: AccountId, after: &str) -> impl Iterator<Item = &Arc<RoleView>> {
        within(&self.roles, account, after)
    }

    /// All roles.
    pub(crate) fn all_roles(&self) -> impl Iterator<Item = &Arc<RoleView>> {
        self.roles.values()
    }

    /// An access key by its id.
    #[must_use]
    pub fn access_key(&self, id: &AccessKeyId) -> Option<&Arc<AccessKeyView>> {
        self.access_keys.get(id)
    }

    /// The keys of an owner, by id.
    pub(crate) fn access_keys_of(
        &self,
        owner: &KeyOwner,
    ) -> impl Iterator<Item = &Arc<AccessKeyView>> {
        let ids = self.keys_of.get(&OwnerName::from(owner)).into_iter().flatten();
        ids.filter_map(|id| self.access_keys.get(id))
    }

    /// A service as a caller.
    #[must_use]
    pub fn service(&self, name: &ServiceName) -> Arc<ServiceIdentity> {
        Arc::new(ServiceIdentity::new(name.clone()))
    }

    /// What session tokens are sealed with; `None` only before the first start has made it.
    #[must_use]
    pub fn session_keys(&self) -> Option<&Arc<SessionKeys>> {
        self.session_keys.as_ref()
    }

    /// The root access key that the operator manages; `None` only before the first start.
    #[must_use]
    pub(crate) fn operator_key(&self) -> Option<&Versioned<OperatorKey>> {
        self.operator_key.as_ref()
    }

    pub(crate) fn advance(&mut self, revision: Revision) {
        self.revision = self.revision.max(revision);
    }

    /// Takes one change of the store in: the entry now at `key`, or none.
    pub(crate) fn apply(&mut self, key: &Key, entry: Option<&Entry>) {
        let Some(address) = Address::parse(key) else {
            self.whole = false;
            return tracing::warn!(%key, "the store holds a key that this build does not know");
        };
        self.apply_at(address, entry.map(|entry| Stored { entry, value: None }));
    }

    /// Takes in an entry whose value is at hand.
    pub(crate) fn apply_known(&mut self, address: Address, entry: &Entry, value: &Value) {
        self.apply_at(address, Some(Stored { entry, value: Some(value) }));
    }

    fn apply_at(&mut self, address: Address, entry: Option<Stored<'_>>) {
        match address {
            Address::Function(arn) => {
                let head = self.read_code(entry);
                self.apply_function(&arn, head);
            }
            Address::Version(arn, number) => {
                let version = self.read_code(entry);
                self.change_function(&arn, |function| set(&mut function.versions, number, version));
            }
            Address::Alias(arn, name) => self.change_function(&arn, |function| {
                set(&mut function.aliases, name, read(entry));
            }),
            Address::Policy(arn, qualifier) => self.apply_policy(&arn, qualifier, entry),
            Address::Url(arn, alias) => self.apply_url(&arn, alias, read(entry)),
            Address::FormerUrl(arn, id) => self.apply_former_url(&arn, id, entry.is_some()),
            Address::EventInvoke(arn, qualifier) => self.change_function(&arn, |function| {
                set(&mut function.event_invokes, qualifier, read(entry));
            }),
            Address::Provisioned(arn, qualifier) => self.apply_provisioned(&arn, qualifier, entry),
            Address::Layer(arn) => {
                let head = self.read_code(entry);
                self.layers.apply(&arn, head);
            }
            Address::LayerVersion(arn) => {
                let version = self.read_code(entry);
                self.layers.apply_version(&arn, version);
            }
            Address::CodeSigningConfig(arn) => self.code_signing.apply(&arn, read(entry)),
            Address::EventSourceMapping(arn) => self.event_sources.apply(&arn, read(entry)),
            Address::LayerPolicy(arn) => {
                self.layers.apply_policy(&arn, |previous| read_policy(previous, entry));
            }
            Address::Account(id) => self.apply_account(id, read(entry)),
            Address::User(account, name) => self.apply_user((account, name), read(entry)),
            Address::Group(account, name) => self.apply_group((account, name), read(entry)),
            Address::ManagedPolicy(account, name) => {
                self.managed.apply((account, name), read(entry), self.partition);
            }
            Address::PolicyVersion(account, name, id) => {
                self.managed.apply_version(&(account, name), id, read(entry));
            }
            Address::Role(account, name) => self.apply_role((account, name), read(entry)),
            Address::Organization(id) => {
                self.organizations.apply(id, read(entry), entry.is_some());
            }
            Address::OrganizationPolicy(id, policy) => {
                self.organizations.apply_policy(id, policy, read(entry), entry.is_some());
            }
            Address::OidcProvider(account, issuer) => {
                let key = (account, issuer.as_str().into());
                set(&mut self.oidc_providers, key, read(entry));
            }
            Address::AccountAlias(name) => self.apply_alias(name, read(entry)),
            Address::AccessKey(id) => self.apply_access_key(&id, read(entry)),
            Address::KeyUse(id) => {
                if let Some(view) = self.access_keys.get(&id) {
                    view.uses.remember(read::<LastUse>(entry).map(|used| used.shared()));
                }
            }
            Address::RoleUse(account, name) => {
                if let Some(view) = self.roles.get(&(account, name)) {
                    view.uses.remember(read::<LastUse>(entry).map(|used| used.shared()));
                }
            }
            // Payloads stay on disk; their keys alone are kept, by the queue.
            Address::QueuedEvent(_) => {}
            Address::OperatorKey => self.operator_key = read(entry),
            Address::SessionKeys => {
                self.session_keys = read::<SessionKeys>(entry).map(|keys| keys.shared());
            }
        }
    }

    /// As [`read`], of what names code: the snapshot is not whole without it.
    fn read_code<T: Document>(&mut self, entry: Option<Stored<'_>>) -> Option<Versioned<T>> {
        let value = read(entry);
        self.whole &= value.is_some() == entry.is_some();
        value
    }

    /// A new head keeps what belongs to the function, unless it is another incarnation.
    fn apply_function(
        &mut self,
        arn: &FunctionArn,
        head: Option<Versioned<portcullis_lambda::Function>>,
    ) {
        let claimed = self.claimed_calls(arn);
        self.replace_head(arn, head);
        self.claims_changed(arn, claimed);
    }

    fn replace_head(
        &mut self,
        arn: &FunctionArn,
        head: Option<Versioned<portcullis_lambda::Function>>,
    ) {
        let old = self.functions.get(arn.as_str()).map(|view| &*view.head);
        self.code_signing.moved(arn, old, head.as_deref());
        if let (Some(head), Some(view)) = (&head, self.functions.get_mut(arn.as_str()))
            && view.head.created == head.created
        {
            Arc::make_mut(view).head = head.clone();
            return;
        }
        let view = head.map(|head| Arc::new(FunctionView::new(head)));
        if let Some(gone) = self.functions.get(arn.as_str()) {
            for id in gone.urls.values().map(|url| url.id()).chain(&gone.former_urls) {
                self.urls.remove(id);
            }
        }
        set(&mut self.functions, arn.as_str().into(), view);
    }

    fn apply_provisioned(
        &mut self,
        arn: &FunctionArn,
        qualifier: Qualifier,
        entry: Option<Stored<'_>>,
    ) {
        let claimed = self.claimed_calls(arn);
        let config = read(entry);
        self.change_function(arn, |function| set(&mut function.provisioned, qualifier, config));
        self.claims_changed(arn, claimed);
    }

    /// What a function takes out of what its account's others share.
    fn claimed_calls(&self, arn: &FunctionArn) -> u64 {
        self.function(arn).map_or(0, |function| function.claimed_calls())
    }

    /// Takes in that a function, which claimed `before`, may claim something else now.
    fn claims_changed(&mut self, arn: &FunctionArn, before: u64) {
        self.reservations.replace(arn, before, self.claimed_calls(arn));
        let is_provisioned = self.function(arn).is_some_and(|view| !view.provisioned.is_empty());
        if is_provisioned {
            self.provisioned.insert(arn.as_str().into());
        } else {
            self.provisioned.remove(arn.as_str());
        }
    }

    /// Changes what belongs to a function. Without the function it belongs to nobody.
    fn change_function(&mut self, arn: &FunctionArn, change: impl FnOnce(&mut FunctionView)) {
        if let Some(view) = self.functions.get_mut(arn.as_str()) {
            change(Arc::make_mut(view));
        }
    }

    /// A policy that cannot be decoded stays as one that denies: dropping it could drop a Deny.
    fn apply_policy(
        &mut self,
        arn: &FunctionArn,
        qualifier: Option<Qualifier>,
        entry: Option<Stored<'_>>,
    ) {
        self.change_function(arn, |function| {
            let previous = function.policies.get(&qualifier).and_then(Option::as_deref);
            let view = read_policy(previous, entry);
            set(&mut function.policies, qualifier, view);
        });
    }

    fn apply_url(
        &mut self,
        arn: &FunctionArn,
        alias: Option<AliasName>,
        url: Option<Versioned<FunctionUrl>>,
    ) {
        let Some(view) = self.functions.get_mut(arn.as_str()) else { return };
        let view = Arc::make_mut(view);
        // The commit that deletes an alias also says that its URL is a former one, in either order.
        if let Some(old) = view.urls.get(&alias).filter(|old| !view.former_urls.contains(old.id()))
        {
            self.urls.remove(old.id());
        }
        if let Some(url) = &url {
            self.urls.insert(url.id().clone(), (arn.clone(), alias.clone()));
        }
        set(&mut view.urls, alias, url);
    }

    fn apply_former_url(&mut self, arn: &FunctionArn, id: UrlId, is_there: bool) {
        let Some(view) = self.functions.get_mut(arn.as_str()) else { return };
        let former = &mut Arc::make_mut(view).former_urls;
        if is_there {
            former.insert(id.clone());
            self.urls.insert(id, (arn.clone(), None));
        } else {
            former.remove(&id);
            self.urls.remove(&id);
        }
    }

    fn apply_account(&mut self, id: AccountId, stored: Option<Versioned<Account>>) {
        let root = Arc::new(RootIdentity::new(id, self.partition));
        set(&mut self.accounts, id, stored.map(|stored| AccountView { stored, root }));
    }

    fn apply_user(&mut self, key: Named, stored: Option<Versioned<User>>) {
        let old = self.users.get(&key).map(|view| view.stored.clone());
        self.groups.moved(&key.1, old.as_deref(), stored.as_deref());
        self.managed.moved(&key.1, old.as_deref(), stored.as_deref());
        let view = stored.map(|user| Arc::new(UserView::new(user, self.partition)));
        self.entities.user_changed(old.as_deref(), view.as_ref());
        set(&mut self.users, key, view);
    }

    fn apply_group(&mut self, key: Named, stored: Option<Versioned<Group>>) {
        let old = self.groups.at(&key).map(|view| view.stored.clone());
        self.managed.moved(&key.1, old.as_deref(), stored.as_deref());
        self.groups.apply(key, stored.map(|group| GroupView::new(group, self.partition)));
    }

    fn apply_role(&mut self, key: Named, stored: Option<Versioned<Role>>) {
        let old = self.roles.get(&key).cloned();
        let was = old.as_ref().map(|view| &*view.stored);
        self.managed.moved(&key.1, was, stored.as_deref());
        let view = stored.map(|role| Arc::new(RoleView::new(role, old.as_deref(), self.partition)));
        self.entities.role_changed(was, view.as_ref());
        set(&mut self.roles, key, view);
    }

    fn apply_alias(&mut self, name: AccountAliasName, stored: Option<Versioned<AccountAlias>>) {
        if let Some(old) = self.aliases.get(&name)
            && self.alias_of.get(&old.account) == Some(&name)
        {
            self.alias_of.remove(&old.account);
        }
        if let Some(alias) = &stored {
            self.alias_of.insert(alias.account, name.clone());
        }
        set(&mut self.aliases, name, stored);
    }

    fn apply_access_key(&mut self, id: &AccessKeyId, stored: Option<Versioned<AccessKey>>) {
        let old = self.access_keys.remove(id);
        if let Some(old) = &old {
            let owner = OwnerName::from(&old.stored.owner);
            if let Some(ids) = self.keys_of.get_mut(&owner) {
                ids.remove(id);
            }
        }
        if let Some(stored) = stored {
            let owner = OwnerName::from(&stored.owner);
            self.keys_of.entry(owner).or_default().insert(id.clone());
            let view = AccessKeyView::new(stored, old.as_deref());
            self.access_keys.insert(id.clone(), Arc::new(view));
        }
    }
}

/// An entry of the store, with its value where that is at hand.
#[derive(Clone, Copy)]
struct Stored<'a> {
    entry: &'a Entry,
    value: Option<&'a Value>,
}

/// The value of an entry. One that cannot be read is logged and counts as absent: an identity that
/// is not there cannot call, a function that is not there cannot run.
fn read<T: Document>(entry: Option<Stored<'_>>) -> Option<Versioned<T>> {
    read_with(entry, T::decode)
}

/// As [`read`], with another way to decode.
fn read_with<T: Document>(
    stored: Option<Stored<'_>>,
    decode: impl FnOnce(&[u8]) -> Result<T, DocumentError>,
) -> Option<Versioned<T>> {
    let Stored { entry, value } = stored?;
    let known = value.and_then(|value| Arc::clone(value).downcast::<T>().ok());
    match known.map_or_else(|| decode(&entry.value).map(Arc::new), Ok) {
        Ok(value) => Some(Versioned::new(value, entry.created, entry.modified)),
        Err(error) => {
            tracing::error!(key = %entry.key, %error, "the store holds a value that cannot be read");
            None
        }
    }
}

/// A policy as a slot has it: `None` where there is none, and `Some(None)` where it cannot be
/// decoded. What `previous` has already is not compiled again.
fn read_policy(
    previous: Option<&PolicyView>,
    entry: Option<Stored<'_>>,
) -> Option<Option<Arc<PolicyView>>> {
    let known = previous.map(|view| &*view.stored);
    let stored = read_with(entry, |bytes| decode_policy(bytes, known));
    entry.map(|_| stored.map(|stored| Arc::new(PolicyView::new(stored))))
}

/// The values of one account, after a name that no value has or that was seen before.
pub(crate) fn within<'a, V: Clone>(
    all: &'a OrdMap<Named, V>,
    account: AccountId,
    after: &str,
) -> impl Iterator<Item = &'a V> {
    let from = (Bound::Excluded((account, Box::from(after))), Bound::Unbounded);
    let later = all.range::<_, Named>(from);
    later.take_while(move |((owner, _), _)| *owner == account).map(|(_, value)| value)
}

/// Sets or removes.
pub(crate) fn set<K: Ord + Clone, V: Clone>(map: &mut OrdMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

#[cfg(test)]
mod tests {
    use portcullis_identity::Partition;
    use portcullis_store::{Entry, Key, Revision};

    use super::Snapshot;

    #[track_caller]
    fn check(key: &str, whole: bool) {
        let mut snapshot = Snapshot::empty(Revision::new(1), Partition::Aws);
        let key = Key::try_from(key).unwrap();
        let (created, modified) = (Revision::new(1), Revision::new(1));
        let entry = Entry { key: key.clone(), value: "\u{7f}newer".into(), created, modified };
        snapshot.apply(&key, Some(&entry));
        assert_eq!(snapshot.is_whole(), whole, "{key}");
        snapshot.apply(&key, None);
        assert_eq!(snapshot.is_whole(), whole, "{key}, removed: it may have been read before");
    }

    #[test]
    fn a_snapshot_knows_that_it_could_not_read_what_names_code() {
        check("fn/123456789012/us-east-1/f", false);
        check("fn/123456789012/us-east-1/f/v/1", false);
        check("fn/123456789012/us-east-1/f/layer/1", false);
        check("fn/123456789012/us-east-1/f/policy", true);
        check("layer/123456789012/us-east-1/l", false);
        check("layer/123456789012/us-east-1/l/1", false);
        check("layer/123456789012/us-east-1/l/1/policy", true);
        check("iam/123456789012/user/u", true);
    }
}
