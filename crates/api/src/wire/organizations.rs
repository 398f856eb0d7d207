//! Organizations on the wire.

use std::{str::FromStr, sync::Arc};

use portcullis_catalog::{OrganizationPolicyView, OrganizationView, Snapshot, effects::Page};
use portcullis_identity::{
    AccountId, InvalidValue, Tag, Tags,
    organization::{
        self, ContainerId, CreateAccountFailure, CreateAccountRequest, CreateAccountRequestId,
        FeatureSet, Member, Organization, OrganizationError, OrganizationPolicy,
        OrganizationalUnitId, TargetId,
    },
};
use portcullis_model::{
    EpochSeconds,
    organizations::types::{self, OrganizationFeatureSet, PolicyType, TargetType},
};

use super::marker;
use crate::error::ApiError;

/// Entries of a page when the client does not say; no page has more. Source: the Organizations
/// reference, MaxResults.
const PAGE_ENTRIES: usize = 20;

/// A member as its domain type.
///
/// # Errors
/// [`OrganizationError::Invalid`].
pub(crate) fn parsed<T: FromStr<Err = InvalidValue>>(text: &str) -> Result<T, ApiError> {
    Ok(text.parse::<T>().map_err(OrganizationError::from)?)
}

/// The tags of a request, as pairs.
pub(crate) fn pairs(tags: Option<&[types::Tag]>) -> impl Iterator<Item = (&str, &str)> {
    tags.unwrap_or_default().iter().map(|tag| (tag.key.as_str(), tag.value.as_str()))
}

/// The tags of a request.
///
/// # Errors
/// [`OrganizationError::Invalid`], the constraint.
pub(crate) fn tags(tags: Option<&[types::Tag]>) -> Result<Tags, ApiError> {
    let tags: Result<Vec<_>, _> = pairs(tags).map(|(key, value)| Tag::new(key, value)).collect();
    let tags = Tags::new(tags.map_err(OrganizationError::from)?);
    Ok(tags.map_err(OrganizationError::of_tags)?)
}

/// A tag.
pub(crate) fn tag(tag: &Tag) -> types::Tag {
    types::Tag { key: tag.key().into(), value: tag.value().into() }
}

/// The type of policy, if it is served.
pub(crate) fn policy_type(wanted: PolicyType) -> Option<organization::PolicyType> {
    organization::PolicyType::ALL.into_iter().find(|one| shown_type(*one) == wanted)
}

/// The type of policy; others than those that are served are refused.
///
/// # Errors
/// [`OrganizationError::ParameterUnsupported`].
pub(crate) fn served_type(wanted: PolicyType) -> Result<organization::PolicyType, ApiError> {
    let unsupported = || OrganizationError::ParameterUnsupported(wanted.as_str()).into();
    policy_type(wanted).ok_or_else(unsupported)
}

/// A type of policy on the wire.
pub(crate) fn shown_type(policy_type: organization::PolicyType) -> PolicyType {
    match policy_type {
        organization::PolicyType::ServiceControl => PolicyType::ServiceControlPolicy,
        organization::PolicyType::ResourceControl => PolicyType::ResourceControlPolicy,
    }
}

/// Which part of a list a request asks for.
pub(crate) struct Paging {
    /// The place of the last entry that was shown; empty at the beginning.
    pub(crate) after: String,
    /// Most entries of the page.
    pub(crate) limit: usize,
}

impl Paging {
    /// Reads `NextToken` and `MaxResults`; the latter is 1 to 20, or the request was refused before.
    ///
    /// # Errors
    /// [`OrganizationError::Invalid`] for a token that no page has given out.
    pub(crate) fn new(token: Option<&str>, max_results: Option<i32>) -> Result<Self, ApiError> {
        let after = token.map_or(Some(String::new()), marker::name_of);
        let invalid = || OrganizationError::Invalid {
            reason: "INVALID_NEXT_TOKEN",
            text: "You provided an invalid pagination token.".to_owned(),
        };
        let limit = max_results.and_then(|results| usize::try_from(results).ok());
        Ok(Self { after: after.ok_or_else(invalid)?, limit: limit.unwrap_or(PAGE_ENTRIES) })
    }
}

/// The token of the next page, if there is one; `place` is what the list is ordered by.
pub(crate) fn next_token<T>(page: &Page<T>, place: impl Fn(&T) -> String) -> Option<String> {
    page.entries.last().filter(|_| page.more).map(|last| marker::encode(&place(last)))
}

/// How answers show the parts of an organization: the snapshot knows partition and aliases.
pub(crate) struct Shown<'a> {
    /// The state of the moment.
    pub(crate) snapshot: &'a Snapshot,
    /// The organization.
    pub(crate) organization: &'a Organization,
}

impl<'a> Shown<'a> {
    /// Of the organization of `view`.
    pub(crate) fn new(snapshot: &'a Snapshot, view: &'a OrganizationView) -> Self {
        Self { snapshot, organization: &view.stored }
    }

    fn arn_of(&self, kind: &str, id: &str) -> Option<String> {
        Some(self.organization.arn_of(self.snapshot.partition(), kind, id))
    }

    /// The organization.
    pub(crate) fn organization(&self) -> types::Organization {
        let organization = self.organization;
        let management = organization.management;
        types::Organization {
            id: Some(organization.id.to_string()),
            arn: Some(organization.arn(self.snapshot.partition())),
            feature_set: Some(feature_set(organization.features)),
            master_account_arn: self.arn_of("account", management.as_str()),
            master_account_id: Some(management.to_string()),
            master_account_email: Some(no_email(management)),
            available_policy_types: Some(policy_types(|_| {
                organization.features == FeatureSet::All
            })),
        }
    }

    /// The root.
    pub(crate) fn root(&self) -> types::Root {
        let root = &self.organization.root;
        types::Root {
            id: Some(root.to_string()),
            arn: self.arn_of("root", root.as_str()),
            name: Some("Root".to_owned()),
            policy_types: Some(policy_types(|one| self.organization.policies.get(one).in_force)),
        }
    }

    /// A unit, if it is there.
    pub(crate) fn unit(&self, id: &OrganizationalUnitId) -> Option<types::OrganizationalUnit> {
        let unit = self.organization.units.get(id)?;
        Some(types::OrganizationalUnit {
            id: Some(id.to_string()),
            arn: self.arn_of("ou", id.as_str()),
            name: Some(unit.name.to_string()),
            path: Some(self.organization.path_to(&ContainerId::Unit(id.clone()))),
        })
    }

    /// A policy with its document.
    pub(crate) fn policy(&self, policy: &OrganizationPolicy) -> types::Policy {
        types::Policy {
            policy_summary: Some(self.policy_summary(policy)),
            content: Some(policy.document.to_string()),
        }
    }

    fn policy_summary(&self, policy: &OrganizationPolicy) -> types::PolicySummary {
        let partition = self.snapshot.partition();
        types::PolicySummary {
            id: Some(policy.id.to_string()),
            arn: Some(self.organization.policy_arn(partition, policy.policy_type, &policy.id)),
            name: Some(policy.name.to_string()),
            description: Some(policy.description.to_string()),
            r#type: Some(shown_type(policy.policy_type)),
            aws_managed: Some(policy.id == policy.policy_type.full_access()),
        }
    }

    /// A page of policies, and the token of the next.
    pub(crate) fn policies(
        &self,
        page: &Page<Arc<OrganizationPolicyView>>,
    ) -> (Vec<types::PolicySummary>, Option<String>) {
        let shown = page.entries.iter().map(|one| self.policy_summary(&one.stored)).collect();
        (shown, next_token(page, |one| one.stored.id.to_string()))
    }

    /// What has a policy.
    pub(crate) fn target(&self, target: &TargetId) -> types::PolicyTargetSummary {
        let (name, kind) = match target {
            TargetId::Root(_) => (Some("Root".to_owned()), TargetType::Root),
            TargetId::Unit(id) => (
                self.organization.units.get(id).map(|unit| unit.name.to_string()),
                TargetType::OrganizationalUnit,
            ),
            TargetId::Account(id) => {
                let member = self.organization.members.get(id);
                (member.and_then(|member| self.account(*id, member).name), TargetType::Account)
            }
        };
        types::PolicyTargetSummary {
            target_id: Some(target.to_string()),
            arn: self.arn_of(target.kind(), &target.to_string()),
            name,
            r#type: Some(kind),
        }
    }

    /// An account. The management account was there before: it is called by its alias or its number.
    pub(crate) fn account(&self, id: AccountId, member: &Member) -> types::Account {
        let own = || {
            let alias = self.snapshot.alias_of(id).map(|alias| alias.name.to_string());
            (alias.unwrap_or_else(|| id.to_string()), no_email(id))
        };
        let named = member.named.as_ref();
        let (name, email) =
            named.map_or_else(own, |(name, email)| (name.to_string(), email.to_string()));
        let joined = if named.is_some() {
            types::AccountJoinedMethod::Created
        } else {
            types::AccountJoinedMethod::Invited
        };
        let (status, state) = match member.closed {
            None => (types::AccountStatus::Active, types::AccountState::Active),
            Some(_) => (types::AccountStatus::Suspended, types::AccountState::Suspended),
        };
        types::Account {
            id: Some(id.to_string()),
            arn: self.arn_of("account", id.as_str()),
            email: Some(email),
            name: Some(name),
            status: Some(status),
            state: Some(state),
            paths: Some(vec![format!("{}{id}/", self.organization.path_to(&member.parent))]),
            joined_method: Some(joined),
            joined_timestamp: Some(EpochSeconds(member.joined)),
        }
    }
}

/// In place of an address for an account that has none: RFC 2606 reserves the domain.
fn no_email(account: AccountId) -> String {
    format!("{account}@accounts.invalid")
}

/// The types of policy that are there.
fn policy_types(
    is_there: impl Fn(organization::PolicyType) -> bool,
) -> Vec<types::PolicyTypeSummary> {
    let all = organization::PolicyType::ALL.into_iter().filter(|one| is_there(*one));
    let summary = |one| types::PolicyTypeSummary {
        r#type: Some(shown_type(one)),
        status: Some(types::PolicyTypeStatus::Enabled),
    };
    all.map(summary).collect()
}

/// What an organization can do.
fn feature_set(features: FeatureSet) -> OrganizationFeatureSet {
    match features {
        FeatureSet::All => OrganizationFeatureSet::All,
        FeatureSet::ConsolidatedBilling => OrganizationFeatureSet::ConsolidatedBilling,
    }
}

/// A request for an account, and what came of it.
pub(crate) fn create_account_status(
    id: &CreateAccountRequestId,
    request: &CreateAccountRequest,
) -> types::CreateAccountStatus {
    types::CreateAccountStatus {
        id: Some(id.to_string()),
        account_name: Some(request.name.to_string()),
        state: Some(state_of(request)),
        requested_timestamp: Some(EpochSeconds(request.requested)),
        completed_timestamp: Some(EpochSeconds(request.requested)),
        account_id: request.outcome.ok().map(|account| account.to_string()),
        gov_cloud_account_id: None,
        failure_reason: request.outcome.err().map(|failure| match failure {
            CreateAccountFailure::EmailAlreadyExists => {
                types::CreateAccountFailureReason::EmailAlreadyExists
            }
        }),
    }
}

/// Whether a request was successful.
pub(crate) fn state_of(request: &CreateAccountRequest) -> types::CreateAccountState {
    match request.outcome {
        Ok(_) => types::CreateAccountState::Succeeded,
        Err(_) => types::CreateAccountState::Failed,
    }
}

/// A root or unit as what something is in.
pub(crate) fn parent(id: &ContainerId) -> types::Parent {
    let r#type = match id {
        ContainerId::Root(_) => types::ParentType::Root,
        ContainerId::Unit(_) => types::ParentType::OrganizationalUnit,
    };
    types::Parent { id: Some(id.to_string()), r#type: Some(r#type) }
}
