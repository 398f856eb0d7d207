//! Managed policies and their versions: create, show, list, change, delete.
//!
//! Everything that changes a policy, or who has it, writes its head: that is where two writers meet.

use std::sync::Arc;

use jiff::Timestamp;
use portcullis_identity::{
    AccountId, IdentityError, ManagedPolicy, NewPolicy, PolicyOwner, PolicyVersion,
    PolicyVersionId, create_policy, create_policy_version, delete_policy, delete_policy_version,
    generate, set_default_policy_version,
};
use portcullis_model::iam::operation::{
    CreatePolicy, CreatePolicyVersion, DeletePolicy, DeletePolicyVersion, GetPolicy,
    GetPolicyVersion, ListPolicies, ListPolicyVersions, SetDefaultPolicyVersion,
};

use super::Page;
use crate::{
    Catalog, CatalogError, Failure, ManagedPolicyView, Permit, Plan, PolicyResource, Snapshot,
    Versioned, WholeAccount, address::Address,
};

/// How often a policy is used in one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyUse {
    /// To how many users, groups and roles it is attached.
    pub attached: usize,
    /// Of how many users and roles it is the permissions boundary.
    pub bounded: usize,
}

impl PolicyUse {
    /// Whether nobody has it.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// A managed policy as an account sees it.
#[derive(Clone, Debug)]
pub struct ShownPolicy {
    /// The policy.
    pub view: Arc<ManagedPolicyView>,
    /// How the account uses it.
    pub usage: PolicyUse,
}

/// Which policies `ListPolicies` shows.
#[derive(Clone, Copy, Debug)]
pub struct PolicyFilter<'a> {
    /// Those of the account.
    pub own: bool,
    /// Those of AWS.
    pub aws: bool,
    /// Only those that are used in this way by someone.
    pub used: fn(PolicyUse) -> bool,
    /// Only those under this path.
    pub path_prefix: &'a str,
}

impl Catalog {
    /// Creates the policy under the permitted ARN, with its first version in force.
    ///
    /// # Errors
    /// Those of [`create_policy`].
    pub async fn create_policy(
        &self,
        permit: Permit<CreatePolicy, PolicyResource>,
        new: &NewPolicy,
        now: Timestamp,
    ) -> Result<ManagedPolicy, Failure<IdentityError>> {
        let account = permit.consume().owner();
        let id = generate::policy_id().map_err(CatalogError::from)?;
        let head = Address::managed_policy(account, &new.name);
        self.transact(&head.to_string(), |snapshot| {
            let taken = snapshot.managed.is_taken(account, &new.name);
            let (policy, first) = create_policy(account, taken, new.clone(), id, now)?;
            let version = Address::policy_version(account, &policy.name, first.id);
            let plan = Plan::answer(policy.clone()).absent(&head);
            Ok(plan.put(&head, &policy).put(&version, &first))
        })
        .await
    }

    /// Adds a version to the policy; in force at once if it is to be the default.
    ///
    /// # Errors
    /// The missing policy; one of AWS's; those of [`create_policy_version`].
    pub async fn create_policy_version(
        &self,
        permit: Permit<CreatePolicyVersion, PolicyResource>,
        document: &str,
        as_default: bool,
        now: Timestamp,
    ) -> Result<PolicyVersion, Failure<IdentityError>> {
        let resource = permit.consume();
        self.transact(resource.policy().as_str(), |snapshot| {
            let view = own(snapshot, &resource)?;
            let versions = view.versions.len();
            let (policy, version) =
                create_policy_version(&view.stored, versions, document, as_default, now)?;
            let plan = Plan::answer(version.clone());
            Ok(write(plan, &resource, view, &policy).put(&address(&resource, version.id), &version))
        })
        .await
    }

    /// Puts an existing version of the policy in force.
    ///
    /// # Errors
    /// The missing policy; one of AWS's; the missing version.
    pub async fn set_default_policy_version(
        &self,
        permit: Permit<SetDefaultPolicyVersion, PolicyResource>,
        id: PolicyVersionId,
    ) -> Result<(), Failure<IdentityError>> {
        let resource = permit.consume();
        self.transact(resource.policy().as_str(), |snapshot| {
            let view = own(snapshot, &resource)?;
            let id = version(view, id)?.id;
            let policy = set_default_policy_version(&view.stored, id);
            Ok(write(Plan::answer(()), &resource, view, &policy))
        })
        .await
    }

    /// Removes a version of the policy.
    ///
    /// # Errors
    /// The missing policy; one of AWS's; the missing version; the default one.
    pub async fn delete_policy_version(
        &self,
        permit: Permit<DeletePolicyVersion, PolicyResource>,
        id: PolicyVersionId,
    ) -> Result<(), Failure<IdentityError>> {
        let resource = permit.consume();
        self.transact(resource.policy().as_str(), |snapshot| {
            let view = own(snapshot, &resource)?;
            let id = version(view, id)?.id;
            delete_policy_version(&view.stored, id)?;
            let plan = write(Plan::answer(()), &resource, view, &view.stored);
            Ok(plan.delete(&address(&resource, id)))
        })
        .await
    }

    /// Removes the policy, which nobody may have, and its last version.
    ///
    /// # Errors
    /// The missing policy; one of AWS's; those of [`delete_policy`].
    pub async fn delete_policy(
        &self,
        permit: Permit<DeletePolicy, PolicyResource>,
    ) -> Result<(), Failure<IdentityError>> {
        let resource = permit.consume();
        self.transact(resource.policy().as_str(), |snapshot| {
            let view = own(snapshot, &resource)?;
            let usage = snapshot.policy_use(&resource);
            delete_policy(view.versions.len(), usage.attached + usage.bounded)?;
            let head = Address::managed_policy(resource.owner(), &view.stored.name);
            let plan = Plan::answer(()).unchanged(&head, view.stored.modified);
            Ok(plan.delete_with_children(&head))
        })
        .await
    }
}

impl Snapshot {
    /// The permitted policy.
    ///
    /// # Errors
    /// The missing policy.
    pub fn get_managed_policy(
        &self,
        permit: Permit<GetPolicy, PolicyResource>,
    ) -> Result<ShownPolicy, IdentityError> {
        let resource = permit.consume();
        let usage = self.policy_use(&resource);
        Ok(ShownPolicy { view: resource.find(self)?.clone(), usage })
    }

    /// A version of the permitted policy, and whether it is in force.
    ///
    /// # Errors
    /// The missing policy; the missing version.
    pub fn get_policy_version(
        &self,
        permit: Permit<GetPolicyVersion, PolicyResource>,
        id: PolicyVersionId,
    ) -> Result<(Versioned<PolicyVersion>, bool), IdentityError> {
        let resource = permit.consume();
        let view = resource.find(self)?;
        Ok((version(view, id)?.clone(), id == view.stored.default_version))
    }

    /// The versions of the permitted policy, each with whether it is in force: the latest first, and
    /// those before the version `after`.
    ///
    /// # Errors
    /// The missing policy.
    pub fn list_policy_versions(
        &self,
        permit: Permit<ListPolicyVersions, PolicyResource>,
        after: Option<PolicyVersionId>,
        limit: usize,
    ) -> Result<Page<(Versioned<PolicyVersion>, bool)>, IdentityError> {
        let resource = permit.consume();
        let view = resource.find(self)?;
        let earlier = view
            .versions
            .values()
            .rev()
            .filter(|version| after.is_none_or(|after| version.id < after));
        let in_force = view.stored.default_version;
        Ok(Page::take(earlier.map(|version| (version.clone(), version.id == in_force)), limit))
    }

    /// The policies that the permitted account sees, in the order of their places, after the place
    /// `after`; `""` is before all.
    #[must_use]
    pub fn list_policies(
        &self,
        permit: Permit<ListPolicies, WholeAccount>,
        filter: PolicyFilter<'_>,
        after: &str,
        limit: usize,
    ) -> Page<ShownPolicy> {
        let account = permit.consume().0;
        let own = self.managed.of_account(account).filter(|_| filter.own);
        let all = own.chain(self.managed.of_aws().filter(|_| filter.aws));
        let under = all.filter(|view| view.stored.path.as_str().starts_with(filter.path_prefix));
        let later = under.filter(|view| view.arn.place().as_str() > after);
        let shown = later.map(|view| self.shown(account, view));
        Page::take(shown.filter(|policy| (filter.used)(policy.usage)), limit)
    }

    /// A policy as `account` sees it.
    pub(super) fn shown(&self, account: AccountId, view: &Arc<ManagedPolicyView>) -> ShownPolicy {
        let resource = PolicyResource::new(view.arn.clone(), account);
        ShownPolicy { view: view.clone(), usage: self.policy_use(&resource) }
    }

    fn policy_use(&self, policy: &PolicyResource) -> PolicyUse {
        let uses = self.managed.uses(policy.owner(), policy.policy());
        uses.map_or_else(PolicyUse::default, |uses| PolicyUse {
            attached: uses.attached.len(),
            bounded: uses.bounded.len(),
        })
    }
}

/// The policy, if it is an account's.
pub(super) fn own<'s>(
    snapshot: &'s Snapshot,
    resource: &PolicyResource,
) -> Result<&'s Arc<ManagedPolicyView>, IdentityError> {
    let view = resource.find(snapshot)?;
    match view.stored.owner {
        PolicyOwner::Account(_) => Ok(view),
        PolicyOwner::Aws => Err(IdentityError::AwsManaged(resource.policy().clone())),
    }
}

fn version(
    view: &ManagedPolicyView,
    id: PolicyVersionId,
) -> Result<&Versioned<PolicyVersion>, IdentityError> {
    let missing = || IdentityError::NoSuchPolicyVersion(view.arn.clone(), id);
    view.versions.get(&id).ok_or_else(missing)
}

/// The place of a version of the policy, which exists.
fn address(resource: &PolicyResource, id: PolicyVersionId) -> Address {
    let name = resource.policy().name().to_ascii_lowercase();
    Address::PolicyVersion(resource.owner(), name.into(), id)
}

/// Replaces the head that the rule saw.
pub(super) fn write<T>(
    plan: Plan<T>,
    resource: &PolicyResource,
    seen: &ManagedPolicyView,
    policy: &ManagedPolicy,
) -> Plan<T> {
    let head = Address::managed_policy(resource.owner(), &policy.name);
    plan.unchanged(&head, seen.stored.modified).put(&head, policy)
}

/// The policy `seen` stays while the plan is committed: its head is written as it is, so that the
/// plan conflicts with its deletion. AWS's own stay anyway.
pub(super) fn keep<T>(plan: Plan<T>, seen: &ManagedPolicyView) -> Plan<T> {
    let PolicyOwner::Account(account) = seen.stored.owner else { return plan };
    let resource = PolicyResource::new(seen.arn.clone(), account);
    write(plan, &resource, seen, &seen.stored)
}
