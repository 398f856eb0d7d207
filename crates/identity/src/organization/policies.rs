//! The policies of organizations: what they say, and what of the organization has which.
//!
//! A root, unit or account that nothing was changed of has AWS's own policy, which allows everything.

use std::collections::BTreeMap;

use portcullis_iam::{Effect, Policy};

use super::{
    FeatureSet, Organization, OrganizationError, OrganizationPolicyId, OrganizationPolicyName,
    PolicyDescription, PolicyType, TaggableId, TargetId,
};
use crate::arn::Partition;
use crate::set::SmallSet;

/// Most policies of a type that an organization has. Ours: AWS's quota is larger.
pub const ORGANIZATION_POLICIES_MAX: usize = 1_000;

/// Most policies of a type on one root, unit or account. Source: the quotas of AWS Organizations.
pub const ATTACHED_POLICIES_MAX: usize = 5;

/// Whether the policies of a type are in force, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyUse {
    /// Whether they are in force.
    pub in_force: bool,
    /// Those on the roots, units and accounts that have others than AWS's own. Invariant: each has
    /// one at least.
    pub attached: BTreeMap<TargetId, SmallSet<OrganizationPolicyId>>,
}

/// A policy of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationPolicy {
    /// Its id.
    pub id: OrganizationPolicyId,
    /// Its type.
    pub policy_type: PolicyType,
    /// Unique among those of its type in the organization.
    pub name: OrganizationPolicyName,
    /// What it is for.
    pub description: PolicyDescription,
    /// The text that was given; it parsed as a policy of the type.
    pub document: Box<str>,
}

impl OrganizationPolicy {
    /// Makes a policy; `others` are those that the organization has.
    ///
    /// # Errors
    /// [`OrganizationError::DuplicatePolicy`], [`OrganizationError::MalformedPolicy`], the constraints.
    pub fn create<'a>(
        new: Self,
        others: impl Iterator<Item = &'a Self>,
    ) -> Result<Self, OrganizationError> {
        let mut number = 0;
        for other in others.filter(|other| other.policy_type == new.policy_type) {
            if other.name == new.name {
                return Err(OrganizationError::DuplicatePolicy);
            }
            number += 1;
        }
        if number >= ORGANIZATION_POLICIES_MAX {
            let text = "You have exceeded the number of policies allowed in the organization.";
            return Err(OrganizationError::constraint("POLICY_NUMBER_LIMIT_EXCEEDED", text));
        }
        check_document(new.policy_type, &new.document)?;
        Ok(new)
    }

    /// The policy with what is given; what is not stays. `others` may hold the policy itself.
    ///
    /// # Errors
    /// Those of [`create`](Self::create).
    pub fn update<'a>(
        &self,
        name: Option<OrganizationPolicyName>,
        description: Option<PolicyDescription>,
        document: Option<&str>,
        others: impl Iterator<Item = &'a Self>,
    ) -> Result<Self, OrganizationError> {
        let mut others = others.filter(|other| other.policy_type == self.policy_type);
        if let Some(name) = &name
            && others.any(|other| other.name == *name && other.id != self.id)
        {
            return Err(OrganizationError::DuplicatePolicy);
        }
        document.map(|text| check_document(self.policy_type, text)).transpose()?;
        Ok(Self {
            id: self.id.clone(),
            policy_type: self.policy_type,
            name: name.unwrap_or_else(|| self.name.clone()),
            description: description.unwrap_or_else(|| self.description.clone()),
            document: document.map_or_else(|| self.document.clone(), Into::into),
        })
    }
}

fn check_document(policy_type: PolicyType, text: &str) -> Result<(), OrganizationError> {
    let limit = policy_type.size_limit();
    if limit.counted(text) > limit.max() {
        let text = "You have exceeded the maximum size allowed for a policy document.";
        return Err(OrganizationError::constraint("POLICY_CONTENT_LIMIT_EXCEEDED", text));
    }
    let parsed = Policy::parse(policy_type.document_kind(), text);
    let policy = parsed.map_err(|error| OrganizationError::MalformedPolicy(error.to_string()))?;
    let allows = policy.statements().iter().any(|one| one.effect() == Effect::Allow);
    if policy_type == PolicyType::ResourceControl && allows {
        let why = "only RCPFullAWSAccess, which AWS manages, allows".to_owned();
        return Err(OrganizationError::MalformedPolicy(why));
    }
    Ok(())
}

/// Refuses a change of AWS's own policy.
///
/// # Errors
/// [`OrganizationError::Invalid`].
pub fn check_modifiable(id: &OrganizationPolicyId) -> Result<(), OrganizationError> {
    if PolicyType::ALL.iter().all(|one| *id != one.full_access()) {
        return Ok(());
    }
    let text = "You specified a policy that is managed by AWS and can't be modified.".to_owned();
    Err(OrganizationError::Invalid { reason: "IMMUTABLE_POLICY", text })
}

fn check_detachable(id: &OrganizationPolicyId) -> Result<(), OrganizationError> {
    if check_modifiable(id).is_ok() {
        return Ok(());
    }
    let text = "You can't detach a policy that is managed by AWS and must stay.".to_owned();
    Err(OrganizationError::Invalid { reason: "NON_DETACHABLE_POLICY", text })
}

impl Organization {
    /// The ARN of a policy: `arn:aws:organizations::MANAGEMENT:policy/ORGANIZATION/TYPE/ID`.
    #[must_use]
    pub fn policy_arn(
        &self,
        partition: Partition,
        policy_type: PolicyType,
        id: &OrganizationPolicyId,
    ) -> String {
        let of_type = policy_type.in_arn();
        if *id == policy_type.full_access() {
            return format!("arn:{partition}:organizations::aws:policy/{of_type}/{id}");
        }
        self.arn_of(partition, "policy", &format!("{of_type}/{id}"))
    }

    /// Whether there is this root, unit or account.
    #[must_use]
    pub fn has_target(&self, target: &TargetId) -> bool {
        match target {
            TargetId::Root(root) => *root == self.root,
            TargetId::Unit(unit) => self.units.contains_key(unit),
            TargetId::Account(account) => self.members.contains_key(account),
        }
    }

    /// The policies of a type on a root, unit or account. `RCPFullAWSAccess` is nowhere until its
    /// type is in force; `FullAWSAccess` is there before.
    #[must_use]
    pub fn attached_to(
        &self,
        policy_type: PolicyType,
        target: &TargetId,
    ) -> SmallSet<OrganizationPolicyId> {
        let uses = self.policies.get(policy_type);
        let is_there = uses.in_force || policy_type == PolicyType::ServiceControl;
        let own = || is_there.then(|| policy_type.full_access()).into_iter().collect();
        uses.attached.get(target).cloned().unwrap_or_else(own)
    }

    /// Every root, unit and account.
    pub fn targets(&self) -> impl Iterator<Item = TargetId> {
        let units = self.units.keys().cloned().map(TargetId::Unit);
        let accounts = self.members.keys().copied().map(TargetId::Account);
        [TargetId::Root(self.root.clone())].into_iter().chain(units).chain(accounts)
    }

    /// What has the policy.
    pub fn targets_of(&self, policy: &OrganizationPolicyId) -> impl Iterator<Item = TargetId> {
        self.targets().filter(move |target| {
            PolicyType::ALL.iter().any(|one| self.attached_to(*one, target).contains(policy))
        })
    }

    /// `self` with the policy, which exists, on `target`.
    ///
    /// # Errors
    /// [`OrganizationError::PolicyTypeNotEnabled`], [`OrganizationError::TargetNotFound`],
    /// [`OrganizationError::DuplicatePolicyAttachment`], the constraint.
    pub fn attach_policy(
        &self,
        policy_type: PolicyType,
        policy: OrganizationPolicyId,
        target: &TargetId,
    ) -> Result<Self, OrganizationError> {
        if !self.policies.get(policy_type).in_force {
            return Err(OrganizationError::PolicyTypeNotEnabled);
        }
        let attached = self.attached_or_missing(policy_type, target)?;
        if attached.contains(&policy) {
            return Err(OrganizationError::DuplicatePolicyAttachment);
        }
        if attached.len() >= ATTACHED_POLICIES_MAX {
            let text = "You have attached the maximum number of policies of the specified type to this entity.";
            let reason = "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED";
            return Err(OrganizationError::constraint(reason, text));
        }
        Ok(self.with_attached(policy_type, target, attached.with(policy)))
    }

    /// `self` without the policy on `target`, which keeps another. `RCPFullAWSAccess` stays.
    ///
    /// # Errors
    /// [`OrganizationError::TargetNotFound`], [`OrganizationError::PolicyNotAttached`], the constraint.
    pub fn detach_policy(
        &self,
        policy_type: PolicyType,
        policy: &OrganizationPolicyId,
        target: &TargetId,
    ) -> Result<Self, OrganizationError> {
        let attached = self.attached_or_missing(policy_type, target)?;
        if !attached.contains(policy) {
            return Err(OrganizationError::PolicyNotAttached);
        }
        if policy_type == PolicyType::ResourceControl {
            check_detachable(policy)?;
        }
        if attached.len() <= 1 {
            let text = "You cannot remove the last policy attached to the specified target. You must \
                        have at least one attached at all times.";
            let reason = "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED";
            return Err(OrganizationError::constraint(reason, text));
        }
        Ok(self.with_attached(policy_type, target, attached.without(policy)))
    }

    /// Whether the policy may go.
    ///
    /// # Errors
    /// [`OrganizationError::PolicyInUse`].
    pub fn check_unattached(&self, policy: &OrganizationPolicyId) -> Result<(), OrganizationError> {
        let mut all = self.policies.iter().flat_map(|uses| uses.attached.values());
        let used = all.any(|attached| attached.contains(policy));
        if used { Err(OrganizationError::PolicyInUse) } else { Ok(()) }
    }

    /// `self` with the policies of a type in force: AWS's own on everything.
    ///
    /// # Errors
    /// [`OrganizationError::RootNotFound`], [`OrganizationError::PolicyTypeNotAvailable`],
    /// [`OrganizationError::PolicyTypeAlreadyEnabled`].
    pub fn enable_policies(
        &self,
        policy_type: PolicyType,
        root: &super::RootId,
    ) -> Result<Self, OrganizationError> {
        self.check_root(root)?;
        if self.features != FeatureSet::All {
            return Err(OrganizationError::PolicyTypeNotAvailable);
        }
        let mut new = self.clone();
        let uses = new.policies.get_mut(policy_type);
        if uses.in_force {
            return Err(OrganizationError::PolicyTypeAlreadyEnabled);
        }
        uses.in_force = true;
        Ok(new)
    }

    /// `self` with no policy of a type in force. All are taken from everything.
    ///
    /// # Errors
    /// [`OrganizationError::RootNotFound`], [`OrganizationError::PolicyTypeNotEnabled`].
    pub fn disable_policies(
        &self,
        policy_type: PolicyType,
        root: &super::RootId,
    ) -> Result<Self, OrganizationError> {
        self.check_root(root)?;
        let mut new = self.clone();
        let uses = std::mem::take(new.policies.get_mut(policy_type));
        if uses.in_force { Ok(new) } else { Err(OrganizationError::PolicyTypeNotEnabled) }
    }

    /// Takes every policy and tag from what goes.
    pub(super) fn forget(&mut self, target: &TargetId) {
        self.tags.remove(&TaggableId::from(target.clone()));
        for policy_type in PolicyType::ALL {
            self.policies.get_mut(policy_type).attached.remove(target);
        }
    }

    fn check_root(&self, root: &super::RootId) -> Result<(), OrganizationError> {
        if *root == self.root { Ok(()) } else { Err(OrganizationError::RootNotFound) }
    }

    fn attached_or_missing(
        &self,
        policy_type: PolicyType,
        target: &TargetId,
    ) -> Result<SmallSet<OrganizationPolicyId>, OrganizationError> {
        let found = self.has_target(target).then(|| self.attached_to(policy_type, target));
        found.ok_or(OrganizationError::TargetNotFound)
    }

    fn with_attached(
        &self,
        policy_type: PolicyType,
        target: &TargetId,
        attached: SmallSet<OrganizationPolicyId>,
    ) -> Self {
        let mut new = self.clone();
        new.policies.get_mut(policy_type).attached.insert(target.clone(), attached);
        new
    }
}
