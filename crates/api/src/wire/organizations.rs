//! Organizations on the wire.

use std::str::FromStr;

use portcullis_catalog::{OrganizationView, Snapshot, effects::Page};
use portcullis_identity::{
    AccountId, InvalidValue,
    organization::{
        ContainerId, CreateAccountFailure, CreateAccountRequest, CreateAccountRequestId,
        FeatureSet, Member, Organization, OrganizationError, OrganizationalUnitId,
    },
};
use portcullis_model::{
    EpochSeconds,
    organizations::types::{self, OrganizationFeatureSet},
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

/// Refuses tags, which are not kept yet.
///
/// # Errors
/// [`OrganizationError::ParameterUnsupported`].
pub(crate) fn no_tags(tags: Option<&[types::Tag]>) -> Result<(), ApiError> {
    if tags.unwrap_or_default().is_empty() {
        return Ok(());
    }
    Err(OrganizationError::ParameterUnsupported("Tags").into())
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
            reason: "INVALID_PAGINATION_TOKEN",
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
            available_policy_types: Some(Vec::new()),
        }
    }

    /// The root.
    pub(crate) fn root(&self) -> types::Root {
        let root = &self.organization.root;
        types::Root {
            id: Some(root.to_string()),
            arn: self.arn_of("root", root.as_str()),
            name: Some("Root".to_owned()),
            policy_types: Some(Vec::new()),
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
        types::Account {
            id: Some(id.to_string()),
            arn: self.arn_of("account", id.as_str()),
            email: Some(email),
            name: Some(name),
            status: Some(types::AccountStatus::Active),
            state: Some(types::AccountState::Active),
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
