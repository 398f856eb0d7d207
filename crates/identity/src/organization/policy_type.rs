//! The types of policy that an organization has, and AWS's own policy of each.

use portcullis_iam::{DocumentKind, SizeLimit};

use super::OrganizationPolicyId;

/// A type of policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyType {
    /// What callers of an account may do at most.
    ServiceControl,
    /// What may be done at most to what an account owns.
    ResourceControl,
}

impl PolicyType {
    /// Every type.
    pub const ALL: [Self; 2] = [Self::ServiceControl, Self::ResourceControl];

    /// What an ARN calls it.
    #[must_use]
    pub fn in_arn(self) -> &'static str {
        match self {
            Self::ServiceControl => "service_control_policy",
            Self::ResourceControl => "resource_control_policy",
        }
    }

    /// What its documents are.
    #[must_use]
    pub fn document_kind(self) -> DocumentKind {
        match self {
            Self::ServiceControl => DocumentKind::ServiceControl,
            Self::ResourceControl => DocumentKind::ResourceControl,
        }
    }

    pub(super) fn size_limit(self) -> SizeLimit {
        match self {
            Self::ServiceControl => SizeLimit::ServiceControlPolicy,
            Self::ResourceControl => SizeLimit::ResourceControlPolicy,
        }
    }

    /// The id of AWS's own policy, which allows everything.
    #[must_use]
    pub fn full_access(self) -> OrganizationPolicyId {
        let id = match self {
            Self::ServiceControl => "p-FullAWSAccess",
            Self::ResourceControl => "p-RCPFullAWSAccess",
        };
        #[expect(clippy::expect_used, reason = "law: aws_s_own_policy_is_one")]
        id.parse().expect("the id of a policy")
    }

    /// What AWS's own policy is called.
    #[must_use]
    pub fn full_access_name(self) -> &'static str {
        match self {
            Self::ServiceControl => "FullAWSAccess",
            Self::ResourceControl => "RCPFullAWSAccess",
        }
    }

    /// What AWS's own policy is for.
    #[must_use]
    pub fn full_access_description(self) -> &'static str {
        match self {
            Self::ServiceControl => "Allows access to every operation",
            Self::ResourceControl => "Allows access to every resource",
        }
    }

    /// What AWS's own policy says.
    #[must_use]
    pub fn full_access_document(self) -> &'static str {
        match self {
            Self::ServiceControl => SERVICE_CONTROL_FULL_ACCESS,
            Self::ResourceControl => RESOURCE_CONTROL_FULL_ACCESS,
        }
    }
}

const SERVICE_CONTROL_FULL_ACCESS: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "*",
      "Resource": "*"
    }
  ]
}"#;

const RESOURCE_CONTROL_FULL_ACCESS: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": "*",
      "Action": "*",
      "Resource": "*"
    }
  ]
}"#;

/// One of something for each type of policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByType<T> {
    /// That of service control policies.
    pub service_control: T,
    /// That of resource control policies.
    pub resource_control: T,
}

impl<T> ByType<T> {
    /// What `make` makes for each.
    pub fn of(make: impl Fn(PolicyType) -> T) -> Self {
        Self {
            service_control: make(PolicyType::ServiceControl),
            resource_control: make(PolicyType::ResourceControl),
        }
    }

    /// That of a type.
    pub fn get(&self, policy_type: PolicyType) -> &T {
        match policy_type {
            PolicyType::ServiceControl => &self.service_control,
            PolicyType::ResourceControl => &self.resource_control,
        }
    }

    /// That of a type, to be changed.
    pub fn get_mut(&mut self, policy_type: PolicyType) -> &mut T {
        match policy_type {
            PolicyType::ServiceControl => &mut self.service_control,
            PolicyType::ResourceControl => &mut self.resource_control,
        }
    }

    /// All.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        [&self.service_control, &self.resource_control].into_iter()
    }
}
