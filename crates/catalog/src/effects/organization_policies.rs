//! The policies of organizations: their making and end, what has which, and whether they are in
//! force.
//!
//! Every change writes the organization's own value too, so that a policy cannot go while it is
//! attached.

use std::sync::Arc;

use portcullis_identity::{
    AccountId, Tags, generate,
    organization::{
        Organization, OrganizationError, OrganizationPolicy, OrganizationPolicyId,
        OrganizationPolicyName, PolicyDescription, PolicyType, RootId, TaggableId, TargetId,
        check_modifiable,
    },
};
use portcullis_model::organizations::operation::{
    AttachPolicy, CreatePolicy, DeletePolicy, DescribePolicy, DetachPolicy, DisablePolicyType,
    EnablePolicyType, ListPolicies, ListPoliciesForTarget, ListTargetsForPolicy, UpdatePolicy,
};

use super::{Page, organizations::replace};
use crate::{
    Catalog, CatalogError, Failure, OrganizationPolicyView, OrganizationResource, OrganizationView,
    Permit, Snapshot, WholeOrganization, address::Address,
};

type Policy = OrganizationResource<OrganizationPolicyId>;
type View = Arc<OrganizationView>;

/// What an update changes; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct PolicyChange {
    /// Another name.
    pub name: Option<OrganizationPolicyName>,
    /// Another description.
    pub description: Option<PolicyDescription>,
    /// Another document.
    pub document: Option<String>,
}

impl Catalog {
    /// Makes a policy, attached to nothing.
    ///
    /// # Errors
    /// Those of [`OrganizationPolicy::create`].
    pub async fn create_organization_policy(
        &self,
        permit: Permit<CreatePolicy, WholeOrganization>,
        policy_type: PolicyType,
        name: &OrganizationPolicyName,
        description: &PolicyDescription,
        document: &str,
        tags: &Tags,
    ) -> Result<(View, OrganizationPolicy), Failure<OrganizationError>> {
        let account = permit.consume().caller();
        let id = generate::organization_policy_id().map_err(CatalogError::from)?;
        self.transact_organization(account, |snapshot, view| {
            let new = OrganizationPolicy {
                id: id.clone(),
                policy_type,
                name: name.clone(),
                description: description.clone(),
                document: document.into(),
            };
            let others = snapshot.organizations.policies(&view.stored.id);
            let made = OrganizationPolicy::create(new, others.iter().map(|one| &*one.stored))?;
            let address = Address::OrganizationPolicy(view.stored.id.clone(), id.clone());
            let changed = view.stored.tag(&TaggableId::Policy(id.clone()), tags)?;
            let plan = replace(view, &changed).map(|()| (view.clone(), made.clone()));
            Ok(plan.absent(&address).put(&address, &made))
        })
        .await
    }

    /// Changes the permitted policy.
    ///
    /// # Errors
    /// [`OrganizationError::PolicyNotFound`]; those of [`OrganizationPolicy::update`].
    pub async fn update_organization_policy(
        &self,
        permit: Permit<UpdatePolicy, Policy>,
        change: &PolicyChange,
    ) -> Result<(View, OrganizationPolicy), Failure<OrganizationError>> {
        let (account, id) = permit.consume().into_parts();
        self.transact_organization(account, |snapshot, view| {
            let found = snapshot.organization_policy(view, &id)?;
            check_modifiable(&id)?;
            let PolicyChange { name, description, document } = change.clone();
            let others = snapshot.organizations.policies(&view.stored.id);
            let others = others.iter().map(|one| &*one.stored);
            let new = found.stored.update(name, description, document.as_deref(), others)?;
            let address = Address::OrganizationPolicy(view.stored.id.clone(), id.clone());
            let plan = replace(view, &view.stored).map(|()| (view.clone(), new.clone()));
            Ok(plan.unchanged(&address, found.stored.modified).put(&address, &new))
        })
        .await
    }

    /// Removes the permitted policy, which nothing may have.
    ///
    /// # Errors
    /// [`OrganizationError::PolicyNotFound`], [`OrganizationError::PolicyInUse`].
    pub async fn delete_organization_policy(
        &self,
        permit: Permit<DeletePolicy, Policy>,
    ) -> Result<(), Failure<OrganizationError>> {
        let (account, id) = permit.consume().into_parts();
        self.transact_organization(account, |snapshot, view| {
            let found = snapshot.organization_policy(view, &id)?;
            check_modifiable(&id)?;
            view.stored.check_unattached(&id)?;
            let address = Address::OrganizationPolicy(view.stored.id.clone(), id.clone());
            let plan = replace(view, &view.stored.without_tags(&TaggableId::Policy(id.clone())));
            Ok(plan.unchanged(&address, found.stored.modified).delete(&address))
        })
        .await
    }

    /// Attaches the permitted policy to `target`.
    ///
    /// # Errors
    /// [`OrganizationError::PolicyNotFound`]; those of [`Organization::attach_policy`].
    pub async fn attach_organization_policy(
        &self,
        permit: Permit<AttachPolicy, Policy>,
        target: &TargetId,
    ) -> Result<(), Failure<OrganizationError>> {
        let (account, id) = permit.consume().into_parts();
        self.transact_organization(account, |snapshot, view| {
            let policy_type = snapshot.organization_policy(view, &id)?.stored.policy_type;
            Ok(replace(view, &view.stored.attach_policy(policy_type, id.clone(), target)?))
        })
        .await
    }

    /// Detaches the permitted policy from `target`.
    ///
    /// # Errors
    /// [`OrganizationError::PolicyNotFound`]; those of [`Organization::detach_policy`].
    pub async fn detach_organization_policy(
        &self,
        permit: Permit<DetachPolicy, Policy>,
        target: &TargetId,
    ) -> Result<(), Failure<OrganizationError>> {
        let (account, id) = permit.consume().into_parts();
        self.transact_organization(account, |snapshot, view| {
            let policy_type = snapshot.organization_policy(view, &id)?.stored.policy_type;
            Ok(replace(view, &view.stored.detach_policy(policy_type, &id, target)?))
        })
        .await
    }

    /// Puts the policies of a type in force below the permitted root.
    ///
    /// # Errors
    /// Those of [`Organization::enable_policies`].
    pub async fn enable_policies(
        &self,
        permit: Permit<EnablePolicyType, OrganizationResource<RootId>>,
        policy_type: PolicyType,
    ) -> Result<Organization, Failure<OrganizationError>> {
        let (account, root) = permit.consume().into_parts();
        self.transact_organization(account, |_, view| {
            let new = view.stored.enable_policies(policy_type, &root)?;
            Ok(replace(view, &new).map(|()| new))
        })
        .await
    }

    /// Takes all policies of a type out of force.
    ///
    /// # Errors
    /// Those of [`Organization::disable_policies`].
    pub async fn disable_policies(
        &self,
        permit: Permit<DisablePolicyType, OrganizationResource<RootId>>,
        policy_type: PolicyType,
    ) -> Result<Organization, Failure<OrganizationError>> {
        let (account, root) = permit.consume().into_parts();
        self.transact_organization(account, |_, view| {
            let new = view.stored.disable_policies(policy_type, &root)?;
            Ok(replace(view, &new).map(|()| new))
        })
        .await
    }
}

impl Snapshot {
    /// The permitted policy.
    ///
    /// # Errors
    /// [`OrganizationError::PolicyNotFound`].
    pub fn describe_organization_policy(
        &self,
        permit: Permit<DescribePolicy, Policy>,
    ) -> Result<(View, Arc<OrganizationPolicyView>), OrganizationError> {
        let (account, id) = permit.consume().into_parts();
        let view = self.managed_by(account)?;
        Ok((view.clone(), self.organization_policy(view, &id)?.clone()))
    }

    /// The policies of a type of the organization, by id, after the id `after`; `""` is before all.
    ///
    /// # Errors
    /// [`OrganizationError::NotInUse`].
    pub fn list_organization_policies(
        &self,
        permit: Permit<ListPolicies, WholeOrganization>,
        policy_type: PolicyType,
        after: &str,
        limit: usize,
    ) -> Result<(View, Page<Arc<OrganizationPolicyView>>), OrganizationError> {
        let view = self.managed_by(permit.consume().caller())?;
        let all = self.organizations.policies(&view.stored.id).into_iter().cloned();
        let all = all.filter(|one| one.stored.policy_type == policy_type);
        let later = all.filter(|one| one.stored.id.as_str() > after);
        Ok((view.clone(), Page::take(later, limit)))
    }

    /// The policies of a type on the permitted root, unit or account, by id.
    ///
    /// # Errors
    /// [`OrganizationError::TargetNotFound`].
    pub fn list_organization_policies_for_target(
        &self,
        permit: Permit<ListPoliciesForTarget, OrganizationResource<TargetId>>,
        policy_type: PolicyType,
        after: &str,
        limit: usize,
    ) -> Result<(View, Page<Arc<OrganizationPolicyView>>), OrganizationError> {
        let (account, target) = permit.consume().into_parts();
        let view = self.managed_by(account)?;
        if !view.stored.has_target(&target) {
            return Err(OrganizationError::TargetNotFound);
        }
        let attached = view.stored.attached_to(policy_type, &target);
        let all = attached.iter().filter_map(|id| self.organization_policy(view, id).ok().cloned());
        let later = all.filter(|one| one.stored.id.as_str() > after);
        Ok((view.clone(), Page::take(later, limit)))
    }

    /// What has the permitted policy, by id.
    ///
    /// # Errors
    /// [`OrganizationError::PolicyNotFound`].
    pub fn list_targets_for_organization_policy(
        &self,
        permit: Permit<ListTargetsForPolicy, Policy>,
        after: &str,
        limit: usize,
    ) -> Result<(View, Page<TargetId>), OrganizationError> {
        let (account, id) = permit.consume().into_parts();
        let view = self.managed_by(account)?;
        self.organization_policy(view, &id)?;
        let mut targets: Vec<_> = view.stored.targets_of(&id).collect();
        targets.sort_by_cached_key(ToString::to_string);
        let later = targets.into_iter().filter(|target| target.to_string().as_str() > after);
        Ok((view.clone(), Page::take(later, limit)))
    }

    /// The type of a policy to a caller of `account`; that of most if there is none.
    #[must_use]
    pub fn organization_policy_type(
        &self,
        account: AccountId,
        id: &OrganizationPolicyId,
    ) -> PolicyType {
        let view = self.organization_of(account);
        let found = view.and_then(|view| self.organization_policy(view, id).ok());
        found.map_or(PolicyType::ServiceControl, |view| view.stored.policy_type)
    }

    fn organization_policy(
        &self,
        view: &OrganizationView,
        id: &OrganizationPolicyId,
    ) -> Result<&Arc<OrganizationPolicyView>, OrganizationError> {
        let found = self.organizations.policy(&view.stored.id, id);
        found.ok_or(OrganizationError::PolicyNotFound)
    }
}
