//! Service control policies: what they say, and what of the organization has which.
//!
//! A root, unit or account that nothing was changed of has AWS's own policy, which allows everything.

use portcullis_iam::{DocumentKind, Policy, SizeLimit};

use super::{
    FeatureSet, Organization, OrganizationError, OrganizationPolicyId, PolicyDescription,
    ServiceControlPolicyName, TargetId,
};
use crate::arn::Partition;
use crate::set::SmallSet;

/// The id of AWS's own policy.
const FULL_ACCESS: &str = "p-FullAWSAccess";

/// What AWS's own policy says.
pub const FULL_ACCESS_DOCUMENT: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "*",
      "Resource": "*"
    }
  ]
}"#;

/// Most policies of an organization. Ours: AWS's quota is larger.
pub const SERVICE_CONTROL_POLICIES_MAX: usize = 1_000;

/// Most policies on one root, unit or account. Source: the quotas of AWS Organizations.
pub const ATTACHED_SERVICE_CONTROL_POLICIES_MAX: usize = 5;

/// A service control policy of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceControlPolicy {
    /// Its id.
    pub id: OrganizationPolicyId,
    /// Unique in the organization.
    pub name: ServiceControlPolicyName,
    /// What it is for.
    pub description: PolicyDescription,
    /// The text that was given; it parsed as a service control policy.
    pub document: Box<str>,
}

impl ServiceControlPolicy {
    /// Makes a policy; `others` are those that the organization has.
    ///
    /// # Errors
    /// [`OrganizationError::DuplicatePolicy`], [`OrganizationError::MalformedPolicy`], the constraints.
    pub fn create<'a>(
        new: Self,
        others: impl Iterator<Item = &'a Self>,
    ) -> Result<Self, OrganizationError> {
        let mut number = 0;
        for other in others {
            if other.name == new.name {
                return Err(OrganizationError::DuplicatePolicy);
            }
            number += 1;
        }
        if number >= SERVICE_CONTROL_POLICIES_MAX {
            let text = "You have exceeded the number of policies allowed in the organization.";
            return Err(OrganizationError::constraint("POLICY_NUMBER_LIMIT_EXCEEDED", text));
        }
        check_document(&new.document)?;
        Ok(new)
    }

    /// The policy with what is given; what is not stays. `others` may hold the policy itself.
    ///
    /// # Errors
    /// Those of [`create`](Self::create).
    pub fn update<'a>(
        &self,
        name: Option<ServiceControlPolicyName>,
        description: Option<PolicyDescription>,
        document: Option<&str>,
        mut others: impl Iterator<Item = &'a Self>,
    ) -> Result<Self, OrganizationError> {
        if let Some(name) = &name
            && others.any(|other| other.name == *name && other.id != self.id)
        {
            return Err(OrganizationError::DuplicatePolicy);
        }
        document.map(check_document).transpose()?;
        Ok(Self {
            id: self.id.clone(),
            name: name.unwrap_or_else(|| self.name.clone()),
            description: description.unwrap_or_else(|| self.description.clone()),
            document: document.map_or_else(|| self.document.clone(), Into::into),
        })
    }
}

fn check_document(text: &str) -> Result<(), OrganizationError> {
    let limit = SizeLimit::ServiceControlPolicy;
    if limit.counted(text) > limit.max() {
        let text = "You have exceeded the maximum size allowed for a policy document.";
        return Err(OrganizationError::constraint("POLICY_CONTENT_LIMIT_EXCEEDED", text));
    }
    let parsed = Policy::parse(DocumentKind::ServiceControl, text);
    parsed.map(drop).map_err(|error| OrganizationError::MalformedPolicy(error.to_string()))
}

/// AWS's own policy.
#[must_use]
pub fn full_access() -> OrganizationPolicyId {
    #[expect(clippy::expect_used, reason = "law: aws_s_own_policy_is_one")]
    FULL_ACCESS.parse().expect("the id of a policy")
}

/// Refuses a change of AWS's own policy.
///
/// # Errors
/// [`OrganizationError::Invalid`].
pub fn check_modifiable(id: &OrganizationPolicyId) -> Result<(), OrganizationError> {
    if *id != full_access() {
        return Ok(());
    }
    let text = "You specified a policy that is managed by AWS and can't be modified.".to_owned();
    Err(OrganizationError::Invalid { reason: "IMMUTABLE_POLICY", text })
}

impl Organization {
    /// The ARN of a policy: `arn:aws:organizations::MANAGEMENT:policy/ORGANIZATION/service_control_policy/ID`.
    #[must_use]
    pub fn policy_arn(&self, partition: Partition, id: &OrganizationPolicyId) -> String {
        if *id == full_access() {
            return format!(
                "arn:{partition}:organizations::aws:policy/service_control_policy/{id}"
            );
        }
        self.arn_of(partition, "policy", &format!("service_control_policy/{id}"))
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

    /// The policies on a root, unit or account.
    #[must_use]
    pub fn attached_to(&self, target: &TargetId) -> SmallSet<OrganizationPolicyId> {
        let changed = self.attached.get(target).cloned();
        changed.unwrap_or_else(|| [full_access()].into_iter().collect())
    }

    /// Every root, unit and account.
    pub fn targets(&self) -> impl Iterator<Item = TargetId> {
        let units = self.units.keys().cloned().map(TargetId::Unit);
        let accounts = self.members.keys().copied().map(TargetId::Account);
        [TargetId::Root(self.root.clone())].into_iter().chain(units).chain(accounts)
    }

    /// What has the policy.
    pub fn targets_of(&self, policy: &OrganizationPolicyId) -> impl Iterator<Item = TargetId> {
        self.targets().filter(move |target| self.attached_to(target).contains(policy))
    }

    /// `self` with the policy, which exists, on `target`.
    ///
    /// # Errors
    /// [`OrganizationError::PolicyTypeNotEnabled`], [`OrganizationError::TargetNotFound`],
    /// [`OrganizationError::DuplicatePolicyAttachment`], the constraint.
    pub fn attach_policy(
        &self,
        policy: OrganizationPolicyId,
        target: &TargetId,
    ) -> Result<Self, OrganizationError> {
        if !self.service_control {
            return Err(OrganizationError::PolicyTypeNotEnabled);
        }
        let attached = self.attached_or_missing(target)?;
        if attached.contains(&policy) {
            return Err(OrganizationError::DuplicatePolicyAttachment);
        }
        if attached.len() >= ATTACHED_SERVICE_CONTROL_POLICIES_MAX {
            let text = "You have attached the maximum number of policies of the specified type to this entity.";
            let reason = "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED";
            return Err(OrganizationError::constraint(reason, text));
        }
        Ok(self.with_attached(target, attached.with(policy)))
    }

    /// `self` without the policy on `target`, which keeps another.
    ///
    /// # Errors
    /// [`OrganizationError::TargetNotFound`], [`OrganizationError::PolicyNotAttached`], the constraint.
    pub fn detach_policy(
        &self,
        policy: &OrganizationPolicyId,
        target: &TargetId,
    ) -> Result<Self, OrganizationError> {
        let attached = self.attached_or_missing(target)?;
        if !attached.contains(policy) {
            return Err(OrganizationError::PolicyNotAttached);
        }
        if attached.len() <= 1 {
            let text = "You cannot remove the last policy attached to the specified target. You must \
                        have at least one attached at all times.";
            let reason = "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED";
            return Err(OrganizationError::constraint(reason, text));
        }
        Ok(self.with_attached(target, attached.without(policy)))
    }

    /// Whether the policy may go.
    ///
    /// # Errors
    /// [`OrganizationError::PolicyInUse`].
    pub fn check_unattached(&self, policy: &OrganizationPolicyId) -> Result<(), OrganizationError> {
        let used = self.attached.values().any(|attached| attached.contains(policy));
        if used { Err(OrganizationError::PolicyInUse) } else { Ok(()) }
    }

    /// `self` with service control policies in force: AWS's own on everything.
    ///
    /// # Errors
    /// [`OrganizationError::RootNotFound`], [`OrganizationError::PolicyTypeNotAvailable`],
    /// [`OrganizationError::PolicyTypeAlreadyEnabled`].
    pub fn enable_service_control(&self, root: &super::RootId) -> Result<Self, OrganizationError> {
        self.check_root(root)?;
        if self.features != FeatureSet::All {
            return Err(OrganizationError::PolicyTypeNotAvailable);
        }
        if self.service_control {
            return Err(OrganizationError::PolicyTypeAlreadyEnabled);
        }
        Ok(Self { service_control: true, ..self.clone() })
    }

    /// `self` with no service control policy in force. All are taken from everything.
    ///
    /// # Errors
    /// [`OrganizationError::RootNotFound`], [`OrganizationError::PolicyTypeNotEnabled`].
    pub fn disable_service_control(&self, root: &super::RootId) -> Result<Self, OrganizationError> {
        self.check_root(root)?;
        if !self.service_control {
            return Err(OrganizationError::PolicyTypeNotEnabled);
        }
        let mut new = Self { service_control: false, ..self.clone() };
        new.attached.clear();
        Ok(new)
    }

    fn check_root(&self, root: &super::RootId) -> Result<(), OrganizationError> {
        if *root == self.root { Ok(()) } else { Err(OrganizationError::RootNotFound) }
    }

    fn attached_or_missing(
        &self,
        target: &TargetId,
    ) -> Result<SmallSet<OrganizationPolicyId>, OrganizationError> {
        let found = self.has_target(target).then(|| self.attached_to(target));
        found.ok_or(OrganizationError::TargetNotFound)
    }

    fn with_attached(&self, target: &TargetId, attached: SmallSet<OrganizationPolicyId>) -> Self {
        let mut new = self.clone();
        new.attached.insert(target.clone(), attached);
        new
    }
}
