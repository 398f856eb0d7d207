//! Why a type of policy has no say about a call. Source: iam.md §7.1.

use super::Verdict;
use crate::decide::{Policies, PolicyType};
use crate::principal::{Principal, PrincipalKind};

/// Why documents of a type are not asked; `None` if they always are.
pub(super) fn not_asked(
    caller: &Principal,
    policies: &Policies<'_>,
    policy_type: PolicyType,
) -> Option<(Verdict, &'static str)> {
    let kind = caller.kind();
    let irrelevant = |reason| (Verdict::Irrelevant, reason);
    let absent = || absent(policies, policy_type).map(|reason| (Verdict::Absent, reason));
    let linked = || service_linked(kind, policy_type).map(irrelevant);
    foreign(kind, policy_type).map(irrelevant).or_else(absent).or_else(linked)
}

/// What is said where there are no documents, and none are needed.
fn absent(policies: &Policies<'_>, policy_type: PolicyType) -> Option<&'static str> {
    let (absent, reason) = match policy_type {
        PolicyType::Boundary => (policies.boundary.is_empty(), "the caller has none"),
        PolicyType::Session => (policies.session.is_none(), "none was passed"),
        PolicyType::ServiceControl => {
            (policies.service_control.is_none(), "none for the caller's account")
        }
        PolicyType::ResourceControl => {
            (policies.resource_control.is_none(), "none for the resource's account")
        }
        PolicyType::Identity | PolicyType::Resource => return None,
    };
    absent.then_some(reason)
}

/// What is said where a type does not count for any caller of a kind.
fn foreign(kind: PrincipalKind, policy_type: PolicyType) -> Option<&'static str> {
    use PolicyType::{Boundary, Identity, ServiceControl, Session};
    match (kind, policy_type) {
        (PrincipalKind::Root, Identity) => Some("the root user needs none"),
        (PrincipalKind::Root, Boundary | Session) => Some("it does not limit the root user"),
        (PrincipalKind::Service, Identity) => Some("a service has none"),
        (PrincipalKind::Service, Boundary | Session | ServiceControl) => {
            Some("it does not limit services")
        }
        (PrincipalKind::Federated, Identity) => Some("the bearer of a token has none"),
        (PrincipalKind::Federated, Boundary | Session | ServiceControl) => {
            Some("it does not limit the bearer of a token")
        }
        (PrincipalKind::Anonymous, Identity) => Some("an anonymous caller has none"),
        (PrincipalKind::Anonymous, Boundary | Session | ServiceControl) => {
            Some("it does not limit anonymous callers")
        }
        _ => None,
    }
}

/// What is said where only service-linked roles are exempt.
fn service_linked(kind: PrincipalKind, policy_type: PolicyType) -> Option<&'static str> {
    use PolicyType::{Identity, Resource};
    let role = matches!(kind, PrincipalKind::Role | PrincipalKind::RoleSession);
    let limits = !matches!(policy_type, Identity | Resource);
    (role && limits).then_some("it does not limit service-linked roles")
}
