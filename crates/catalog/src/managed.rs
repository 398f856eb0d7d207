//! The managed policies of the snapshot: those of accounts, those of AWS, and who has which.

use std::{collections::BTreeMap, sync::Arc};

use imbl::{OrdMap, OrdSet};
use portcullis_iam::DocumentKind;
use portcullis_identity::{
    AccountId, Entity, EntityKind, ManagedPolicy, Partition, PolicyArn, PolicyName, PolicyOwner,
    PolicyVersion, PolicyVersionId, aws_managed_policies,
};
use portcullis_store::Revision;

use crate::{
    AttachedPolicy, Versioned,
    snapshot::{Named, set, within},
    view::compile,
};

/// A managed policy: as stored, its versions, and the one in force compiled.
#[derive(Clone, Debug)]
pub struct ManagedPolicyView {
    /// When the policy was created and last written; being attached writes it too.
    pub stored: Versioned<ManagedPolicy>,
    /// Its ARN.
    pub arn: PolicyArn,
    /// Its versions, ascending.
    pub versions: OrdMap<PolicyVersionId, Versioned<PolicyVersion>>,
    /// `None` when the version in force cannot be read: calls that would consult it are denied.
    pub(crate) compiled: Option<Arc<AttachedPolicy>>,
    /// Which version `compiled` was made of.
    source: Option<(PolicyVersionId, Revision)>,
}

impl ManagedPolicyView {
    fn new(stored: Versioned<ManagedPolicy>, partition: Partition) -> Self {
        let arn = stored.arn(partition);
        Self { stored, arn, versions: OrdMap::new(), compiled: None, source: None }
    }

    /// The version in force.
    #[must_use]
    pub fn default_version(&self) -> Option<&Versioned<PolicyVersion>> {
        self.versions.get(&self.stored.default_version)
    }

    /// Compiles the version in force, unless it is compiled already.
    fn settle(&mut self) {
        let version = self.default_version().cloned();
        let source = version.as_ref().map(|version| (version.id, version.created));
        if source != self.source {
            let kind = DocumentKind::Identity;
            let text = version.as_ref().map(|version| &*version.document);
            let compiled = text.and_then(|text| compile(kind, text, "a managed policy"));
            self.compiled = compiled.map(|policy| AttachedPolicy::new(self.arn.as_str(), policy));
            self.source = source;
        }
    }
}

/// A user, group or role by kind and folded name; ordered by both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EntityRef {
    pub(crate) kind: EntityKind,
    pub(crate) name: Box<str>,
}

impl EntityRef {
    /// The entity of a place in a list, `user/alice`; `None` before all.
    pub(crate) fn of_place(place: &str) -> Option<Self> {
        let (kind, name) = place.split_once('/')?;
        let kinds = [EntityKind::User, EntityKind::Group, EntityKind::Role];
        let kind = kinds.into_iter().find(|known| known.to_string() == kind)?;
        Some(Self { kind, name: name.into() })
    }
}

/// The entities of one account that have one policy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uses {
    /// It is attached to them.
    pub(crate) attached: OrdSet<EntityRef>,
    /// It is their permissions boundary.
    pub(crate) bounded: OrdSet<EntityRef>,
}

impl Uses {
    fn is_empty(&self) -> bool {
        self.attached.is_empty() && self.bounded.is_empty()
    }
}

/// Every managed policy, and who has which by what the entities say.
#[derive(Clone, Debug)]
pub(crate) struct ManagedPolicies {
    of_accounts: OrdMap<Named, Arc<ManagedPolicyView>>,
    /// AWS's own, by folded name.
    of_aws: Arc<BTreeMap<String, Arc<ManagedPolicyView>>>,
    uses: OrdMap<(AccountId, PolicyArn), Uses>,
}

impl ManagedPolicies {
    pub(crate) fn new(partition: Partition) -> Self {
        let revision = Revision::new(0);
        let of_aws = aws_managed_policies().map(|(policy, version)| {
            let name = policy.name.folded();
            let mut view =
                ManagedPolicyView::new(Versioned::new(policy, revision, revision), partition);
            view.versions.insert(version.id, Versioned::new(version, revision, revision));
            view.settle();
            (name, Arc::new(view))
        });
        Self { of_accounts: OrdMap::new(), of_aws: Arc::new(of_aws.collect()), uses: OrdMap::new() }
    }

    /// The policy that an ARN names.
    pub(crate) fn get(&self, arn: &PolicyArn) -> Option<&Arc<ManagedPolicyView>> {
        let name = arn.name().to_ascii_lowercase();
        let found = match arn.owner() {
            PolicyOwner::Aws => self.of_aws.get(&name),
            PolicyOwner::Account(account) => self.of_accounts.get(&(account, name.into())),
        };
        found.filter(|view| view.arn == *arn)
    }

    /// Whether an account has a policy whose name is `name` but for case.
    pub(crate) fn is_taken(&self, account: AccountId, name: &PolicyName) -> bool {
        self.of_accounts.contains_key(&(account, name.folded().into()))
    }

    /// The policies of an account, by folded name.
    pub(crate) fn of_account(
        &self,
        account: AccountId,
    ) -> impl Iterator<Item = &Arc<ManagedPolicyView>> {
        within(&self.of_accounts, account, "")
    }

    /// AWS's own policies, by folded name.
    pub(crate) fn of_aws(&self) -> impl Iterator<Item = &Arc<ManagedPolicyView>> {
        self.of_aws.values()
    }

    /// Which entities of an account have the policy.
    pub(crate) fn uses(&self, account: AccountId, policy: &PolicyArn) -> Option<&Uses> {
        self.uses.get(&(account, policy.clone()))
    }

    /// Takes in the policy now under a name, or that there is none. It keeps its versions, unless it
    /// is another one than before.
    pub(crate) fn apply(
        &mut self,
        key: Named,
        stored: Option<Versioned<ManagedPolicy>>,
        partition: Partition,
    ) {
        let Some(stored) = stored else {
            self.of_accounts.remove(&key);
            return;
        };
        let view = match self.of_accounts.get(&key) {
            Some(old) if old.stored.created == stored.created => {
                let mut view = ManagedPolicyView { stored, ..ManagedPolicyView::clone(old) };
                view.settle();
                view
            }
            _ => ManagedPolicyView::new(stored, partition),
        };
        self.of_accounts.insert(key, Arc::new(view));
    }

    /// Takes in a version of a policy, or that it is gone. Without the policy it is nobody's.
    pub(crate) fn apply_version(
        &mut self,
        key: &Named,
        id: PolicyVersionId,
        version: Option<Versioned<PolicyVersion>>,
    ) {
        if let Some(view) = self.of_accounts.get_mut(key) {
            let view = Arc::make_mut(view);
            set(&mut view.versions, id, version);
            view.settle();
        }
    }

    /// Takes in that the entity under a name was `old` and is now `new`.
    pub(crate) fn moved<E: Entity>(&mut self, name: &str, old: Option<&E>, new: Option<&E>) {
        let entity = EntityRef { kind: E::KIND, name: name.into() };
        let has = |entity: Option<&E>, arn: &PolicyArn| {
            entity.is_some_and(|entity| entity.attached().contains(arn))
        };
        for lost in old.into_iter().flat_map(|old| old.attached()).filter(|arn| !has(new, arn)) {
            self.change(old, lost, |uses| uses.attached.remove(&entity).is_some());
        }
        for gained in new.into_iter().flat_map(|new| new.attached()).filter(|arn| !has(old, arn)) {
            self.change(new, gained, |uses| uses.attached.insert(entity.clone()).is_none());
        }
        let [before, after] = [old, new].map(|entity| entity.and_then(E::boundary));
        if before == after {
            return;
        }
        if let Some(lost) = before {
            self.change(old, lost, |uses| uses.bounded.remove(&entity).is_some());
        }
        if let Some(gained) = after {
            self.change(new, gained, |uses| uses.bounded.insert(entity.clone()).is_none());
        }
    }

    fn change<E: Entity>(
        &mut self,
        owner: Option<&E>,
        policy: &PolicyArn,
        change: impl FnOnce(&mut Uses) -> bool,
    ) {
        let Some(owner) = owner else { return };
        let key = (owner.account(), policy.clone());
        let uses = self.uses.entry(key.clone()).or_default();
        if change(uses) && uses.is_empty() {
            self.uses.remove(&key);
        }
    }
}
