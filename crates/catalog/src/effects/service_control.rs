//! Service control policies: their making and end, what has which, and whether they are in force.
//!
//! Every change writes the organization's own value too, so that a policy cannot go while it is attached.

use std::sync::Arc;

use portcullis_identity::{
    generate,
    organization::{
        Organization, OrganizationError, OrganizationPolicyId, PolicyDescription, RootId,
        ServiceControlPolicy, ServiceControlPolicyName, TargetId, check_modifiable,
    },
};
use portcullis_model::organizations::operation::{
    AttachPolicy, CreatePolicy, DeletePolicy, DescribePolicy, DetachPolicy, DisablePolicyType,
    EnablePolicyType, ListPolicies, ListPoliciesForTarget, ListTargetsForPolicy, UpdatePolicy,
};

use super::{Page, organizations::replace};
use crate::{
    Catalog, CatalogError, Failure, OrganizationResource, OrganizationView, Permit,
    ServiceControlPolicyView, Snapshot, WholeOrganization, address::Address,
};

type Policy = OrganizationResource<OrganizationPolicyId>;
type View = Arc<OrganizationView>;

/// What an update changes; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct PolicyChange {
    /// Another name.
    pub name: Option<ServiceControlPolicyName>,
    /// Another description.
    pub description: Option<PolicyDescription>,
    /// Another document.
    pub document: Option<String>,
}

impl Catalog {
    /// Makes a policy, attached to nothing.
    ///
    /// # Errors
    /// Those of [`ServiceControlPolicy::create`].
    pub async fn create_service_control_policy(
        &self,
        permit: Permit<CreatePolicy, WholeOrganization>,
        name: &ServiceControlPolicyName,
        description: &PolicyDescription,
        document: &str,
    ) -> Result<(View, ServiceControlPolicy), Failure<OrganizationError>> {
        let account = permit.consume().caller();
        let id = generate::organization_policy_id().map_err(CatalogError::from)?;
        self.transact_organization(account, |snapshot, view| {
            let new = ServiceControlPolicy {
                id: id.clone(),
                name: name.clone(),
                description: description.clone(),
                document: document.into(),
            };
            let others = snapshot.organizations.policies(&view.stored.id);
            let made = ServiceControlPolicy::create(new, others.iter().map(|one| &*one.stored))?;
            let address = Address::ServiceControlPolicy(view.stored.id.clone(), id.clone());
            let plan = replace(view, &view.stored).map(|()| (view.clone(), made.clone()));
            Ok(plan.absent(&address).put(&address, &made))
        })
        .await
    }

    /// Changes the permitted policy.
    ///
    /// # Errors
    /// [`OrganizationError::PolicyNotFound`]; those of [`ServiceControlPolicy::update`].
    pub async fn update_service_control_policy(
        &self,
        permit: Permit<UpdatePolicy, Policy>,
        change: &PolicyChange,
    ) -> Result<(View, ServiceControlPolicy), Failure<OrganizationError>> {
        let (account, id) = permit.consume().into_parts();
        self.transact_organization(account, |snapshot, view| {
            let found = snapshot.service_control_policy(view, &id)?;
            check_modifiable(&id)?;
            let PolicyChange { name, description, document } = change.clone();
            let others = snapshot.organizations.policies(&view.stored.id);
            let others = others.iter().map(|one| &*one.stored);
            let new = found.stored.update(name, description, document.as_deref(), others)?;
            let address = Address::ServiceControlPolicy(view.stored.id.clone(), id.clone());
            let plan = replace(view, &view.stored).map(|()| (view.clone(), new.clone()));
            Ok(plan.unchanged(&address, found.stored.modified).put(&address, &new))
        })
        .await
    }

    /// Removes the permitted policy, which nothing may have.
    ///
    /// # Errors
    /// [`OrganizationError::PolicyNotFound`], [`OrganizationError::PolicyInUse`].
    pub async fn delete_service_control_policy(
        &self,
        permit: Permit<DeletePolicy, Policy>,
    ) -> Result<(), Failure<OrganizationError>> {
        let (account, id) = permit.consume().into_parts();
        self.transact_organization(account, |snapshot, view| {
            let found = snapshot.service_control_policy(view, &id)?;
            check_modifiable(&id)?;
            view.stored.check_unattached(&id)?;
            let address = Address::ServiceControlPolicy(view.stored.id.clone(), id.clone());
            let plan = replace(view, &view.stored);
            Ok(plan.unchanged(&address, found.stored.modified).delete(&address))
        })
        .await
    }

    /// Attaches the permitted policy to `target`.
    ///
    /// # Errors
    /// [`OrganizationError::PolicyNotFound`]; those of [`Organization::attach_policy`].
    pub async fn attach_service_control_policy(
        &self,
        permit: Permit<AttachPolicy, Policy>,
        target: &TargetId,
    ) -> Result<(), Failure<OrganizationError>> {
        let (account, id) = permit.consume().into_parts();
        self.transact_organization(account, |snapshot, view| {
            snapshot.service_control_policy(view, &id)?;
            Ok(replace(view, &view.stored.attach_policy(id.clone(), target)?))
        })
        .await
    }

    /// Detaches the permitted policy from `target`.
    ///
    /// # Errors
    /// [`OrganizationError::PolicyNotFound`]; those of [`Organization::detach_policy`].
    pub async fn detach_service_control_policy(
        &self,
        permit: Permit<DetachPolicy, Policy>,
        target: &TargetId,
    ) -> Result<(), Failure<OrganizationError>> {
        let (account, id) = permit.consume().into_parts();
        self.transact_organization(account, |snapshot, view| {
            snapshot.service_control_policy(view, &id)?;
            Ok(replace(view, &view.stored.detach_policy(&id, target)?))
        })
        .await
    }

    /// Puts service control policies in force below the permitted root.
    ///
    /// # Errors
    /// Those of [`Organization::enable_service_control`].
    pub async fn enable_service_control(
        &self,
        permit: Permit<EnablePolicyType, OrganizationResource<RootId>>,
    ) -> Result<Organization, Failure<OrganizationError>> {
        let (account, root) = permit.consume().into_parts();
        self.transact_organization(account, |_, view| {
            let new = view.stored.enable_service_control(&root)?;
            Ok(replace(view, &new).map(|()| new))
        })
        .await
    }

    /// Takes all service control policies out of force.
    ///
    /// # Errors
    /// Those of [`Organization::disable_service_control`].
    pub async fn disable_service_control(
        &self,
        permit: Permit<DisablePolicyType, OrganizationResource<RootId>>,
    ) -> Result<Organization, Failure<OrganizationError>> {
        let (account, root) = permit.consume().into_parts();
        self.transact_organization(account, |_, view| {
            let new = view.stored.disable_service_control(&root)?;
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
    pub fn describe_service_control_policy(
        &self,
        permit: Permit<DescribePolicy, Policy>,
    ) -> Result<(View, Arc<ServiceControlPolicyView>), OrganizationError> {
        let (account, id) = permit.consume().into_parts();
        let view = self.managed_by(account)?;
        Ok((view.clone(), self.service_control_policy(view, &id)?.clone()))
    }

    /// The policies of the organization, by id, after the id `after`; `""` is before all.
    ///
    /// # Errors
    /// [`OrganizationError::NotInUse`].
    pub fn list_service_control_policies(
        &self,
        permit: Permit<ListPolicies, WholeOrganization>,
        after: &str,
        limit: usize,
    ) -> Result<(View, Page<Arc<ServiceControlPolicyView>>), OrganizationError> {
        let view = self.managed_by(permit.consume().caller())?;
        let all = self.organizations.policies(&view.stored.id).into_iter().cloned();
        let later = all.filter(|one| one.stored.id.as_str() > after);
        Ok((view.clone(), Page::take(later, limit)))
    }

    /// The policies on the permitted root, unit or account, by id.
    ///
    /// # Errors
    /// [`OrganizationError::TargetNotFound`].
    pub fn list_service_control_policies_for_target(
        &self,
        permit: Permit<ListPoliciesForTarget, OrganizationResource<TargetId>>,
        after: &str,
        limit: usize,
    ) -> Result<(View, Page<Arc<ServiceControlPolicyView>>), OrganizationError> {
        let (account, target) = permit.consume().into_parts();
        let view = self.managed_by(account)?;
        if !view.stored.has_target(&target) {
            return Err(OrganizationError::TargetNotFound);
        }
        let attached = view.stored.attached_to(&target);
        let all =
            attached.iter().filter_map(|id| self.service_control_policy(view, id).ok().cloned());
        let later = all.filter(|one| one.stored.id.as_str() > after);
        Ok((view.clone(), Page::take(later, limit)))
    }

    /// What has the permitted policy, by id.
    ///
    /// # Errors
    /// [`OrganizationError::PolicyNotFound`].
    pub fn list_targets_for_service_control_policy(
        &self,
        permit: Permit<ListTargetsForPolicy, Policy>,
        after: &str,
        limit: usize,
    ) -> Result<(View, Page<TargetId>), OrganizationError> {
        let (account, id) = permit.consume().into_parts();
        let view = self.managed_by(account)?;
        self.service_control_policy(view, &id)?;
        let mut targets: Vec<_> = view.stored.targets_of(&id).collect();
        targets.sort_by_cached_key(ToString::to_string);
        let later = targets.into_iter().filter(|target| target.to_string().as_str() > after);
        Ok((view.clone(), Page::take(later, limit)))
    }

    fn service_control_policy(
        &self,
        view: &OrganizationView,
        id: &OrganizationPolicyId,
    ) -> Result<&Arc<ServiceControlPolicyView>, OrganizationError> {
        let found = self.organizations.policy(&view.stored.id, id);
        found.ok_or(OrganizationError::PolicyNotFound)
    }
}
