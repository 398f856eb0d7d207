//! Users, groups, roles, keys and their policies on the wire of IAM and STS.
//!
//! What an answer shows follows recordings of the live service: lists and creations show less than
//! the reads. Not verified: whether CreateRole shows a description.

use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use portcullis_catalog::effects::{Page, PolicyHolder, ShownPolicy};
use portcullis_catalog::{RoleView, Snapshot};
use portcullis_identity::{
    AccessKey, Account, Entity as _, Group, IdentityError, InvalidValue, KeyOwner, KeyStatus,
    LastUse, ManagedPolicy, MaxSessionDuration, Partition, PolicyArn, PolicyName, PolicyVersion,
    Role, Tag, Tags, Thumbprint, User,
};
use portcullis_model::{
    Timestamp,
    iam::types::{self, StatusType},
};

use super::marker;
use crate::error::ApiError;

/// Entries of a page when the client does not say. Source: the IAM reference, MaxItems.
const PAGE_ENTRIES: usize = 100;

/// What RFC 3986 leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A member as its domain type.
///
/// # Errors
/// What the shape of the API lets through and the domain does not, such as `*` in a path.
pub(crate) fn parsed<T: FromStr<Err = InvalidValue>>(text: &str) -> Result<T, ApiError> {
    Ok(text.parse::<T>().map_err(IdentityError::from)?)
}

/// A member that may be missing.
///
/// # Errors
/// As [`parsed`].
pub(crate) fn parsed_or_none<T: FromStr<Err = InvalidValue>>(
    text: Option<&str>,
) -> Result<Option<T>, ApiError> {
    text.map(parsed).transpose()
}

/// Refuses the parameters that were given and would change what is permitted.
///
/// # Errors
/// [`IdentityError::ParameterUnsupported`], naming the first.
pub(crate) fn unsupported(given: &[(bool, &'static str)]) -> Result<(), ApiError> {
    match given.iter().find(|(is_given, _)| *is_given) {
        Some((_, name)) => Err(IdentityError::ParameterUnsupported(name).into()),
        None => Ok(()),
    }
}

/// A policy document, percent-encoded as every answer of IAM holds it.
pub(crate) fn document(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// The permissions boundary of a request.
///
/// # Errors
/// [`IdentityError::InvalidPolicyArn`].
pub(crate) fn boundary(arn: Option<&str>) -> Result<Option<PolicyArn>, ApiError> {
    Ok(arn.map(str::parse).transpose()?)
}

/// The tags of a request, as pairs.
pub(crate) fn pairs(tags: Option<&[types::Tag]>) -> impl Iterator<Item = (&str, &str)> {
    tags.unwrap_or_default().iter().map(|tag| (tag.key.as_str(), tag.value.as_str()))
}

/// The tags of a request.
///
/// # Errors
/// Those of [`Tag::new`] and [`Tags::new`].
pub(crate) fn tags(tags: Option<&[types::Tag]>) -> Result<Tags, ApiError> {
    let tags: Result<Vec<_>, _> = pairs(tags).map(|(key, value)| Tag::new(key, value)).collect();
    Ok(Tags::new(tags.map_err(IdentityError::from)?)?)
}

/// A tag.
pub(crate) fn tag(tag: &Tag) -> types::Tag {
    types::Tag { key: tag.key().into(), value: tag.value().into() }
}

/// Tags as answers show them: not at all if there are none.
pub(crate) fn shown_tags(tags: &Tags) -> Option<Vec<types::Tag>> {
    let shown: Vec<_> = tags.iter().map(tag).collect();
    (!shown.is_empty()).then_some(shown)
}

/// The thumbprints of a request.
///
/// # Errors
/// Those of [`Thumbprint`].
pub(crate) fn thumbprints(given: &[String]) -> Result<Vec<Thumbprint>, ApiError> {
    given.iter().map(|text| parsed(text)).collect()
}

/// A permissions boundary as the user or role that has it shows it.
pub(crate) fn shown_boundary(
    boundary: Option<&PolicyArn>,
) -> Option<types::AttachedPermissionsBoundary> {
    boundary.map(|arn| types::AttachedPermissionsBoundary {
        permissions_boundary_type: Some(
            types::PermissionsBoundaryAttachmentType::PermissionsBoundaryPolicy,
        ),
        permissions_boundary_arn: Some(arn.to_string()),
    })
}

/// A user as `CreateUser` and `GetUser` show it.
pub(crate) fn user(user: &User, partition: Partition) -> types::User {
    types::User {
        tags: shown_tags(&user.tags),
        permissions_boundary: shown_boundary(user.boundary()),
        ..listed_user(user, partition)
    }
}

/// A user as `ListUsers` shows it: without tags.
pub(crate) fn listed_user(user: &User, partition: Partition) -> types::User {
    types::User {
        path: Some(user.path.to_string()),
        user_name: Some(user.name.to_string()),
        user_id: user.id.to_string(),
        arn: user.arn(partition),
        create_date: Timestamp(user.created),
        ..types::User::default()
    }
}

/// The root of an account as `GetUser` shows it: it has neither name nor path.
pub(crate) fn root(account: &Account, partition: Partition) -> types::User {
    types::User {
        user_id: account.id.to_string(),
        arn: account.id.root_arn(partition),
        create_date: Timestamp(account.created),
        ..types::User::default()
    }
}

/// A group.
pub(crate) fn group(group: &Group, partition: Partition) -> types::Group {
    types::Group {
        path: group.path.to_string(),
        group_name: group.name.to_string(),
        group_id: group.id.to_string(),
        arn: group.arn(partition),
        create_date: Timestamp(group.created),
    }
}

/// A role as `CreateRole` shows it.
pub(crate) fn created_role(role: &Role, partition: Partition) -> types::Role {
    types::Role {
        path: role.path.to_string(),
        role_name: role.name.to_string(),
        role_id: role.id.to_string(),
        arn: role.arn(partition),
        create_date: Timestamp(role.created),
        assume_role_policy_document: Some(document(role.trust_policy.document())),
        description: role.description.as_ref().map(|text| text.as_str().to_owned()),
        tags: shown_tags(&role.tags),
        permissions_boundary: shown_boundary(role.boundary()),
        ..types::Role::default()
    }
}

/// A role as `ListRoles` shows it: without tags.
pub(crate) fn listed_role(role: &Role, snapshot: &Snapshot) -> types::Role {
    types::Role {
        max_session_duration: i32::try_from(role.max_session_duration.seconds()).ok(),
        tags: None,
        permissions_boundary: None,
        assume_role_policy_document: Some(document(&role.trust_policy.shown(snapshot))),
        ..created_role(role, snapshot.partition())
    }
}

/// A role as `GetRole` shows it.
pub(crate) fn role(view: &RoleView, snapshot: &Snapshot) -> types::Role {
    let role = &view.stored;
    types::Role {
        role_last_used: Some(role_last_used(view)),
        tags: shown_tags(&role.tags),
        permissions_boundary: shown_boundary(role.boundary()),
        ..listed_role(role, snapshot)
    }
}

/// When sessions of a role last called, and in which region; empty if they never did.
pub(crate) fn role_last_used(view: &RoleView) -> types::RoleLastUsed {
    let used = view.uses.last();
    types::RoleLastUsed {
        last_used_date: used.as_ref().map(|used| Timestamp(used.at)),
        region: used.map(|used| used.region.to_string()),
    }
}

/// A policy as `CreatePolicy` shows it: nobody has it yet.
pub(crate) fn created_policy(policy: &ManagedPolicy, partition: Partition) -> types::Policy {
    types::Policy {
        policy_name: Some(policy.name.to_string()),
        policy_id: Some(policy.id.to_string()),
        arn: Some(policy.arn(partition).to_string()),
        path: Some(policy.path.to_string()),
        default_version_id: Some(policy.default_version.to_string()),
        attachment_count: Some(0),
        permissions_boundary_usage_count: Some(0),
        is_attachable: Some(true),
        create_date: Some(Timestamp(policy.created)),
        update_date: Some(Timestamp(policy.updated)),
        tags: shown_tags(&policy.tags),
        ..types::Policy::default()
    }
}

/// A policy as `ListPolicies` shows it: without description and tags.
pub(crate) fn listed_policy(policy: &ShownPolicy) -> types::Policy {
    let count = |number: usize| Some(i32::try_from(number).unwrap_or(i32::MAX));
    let stored = &policy.view.stored;
    types::Policy {
        arn: Some(policy.view.arn.to_string()),
        attachment_count: count(policy.usage.attached),
        permissions_boundary_usage_count: count(policy.usage.bounded),
        tags: None,
        ..created_policy(stored, Partition::default())
    }
}

/// A policy as `GetPolicy` shows it: with a list of tags also if there are none.
pub(crate) fn policy(policy: &ShownPolicy) -> types::Policy {
    let stored = &policy.view.stored;
    types::Policy {
        description: stored.description.as_deref().map(str::to_owned),
        tags: Some(stored.tags.iter().map(tag).collect()),
        ..listed_policy(policy)
    }
}

/// A version of a managed policy as lists show it: without its document.
pub(crate) fn listed_policy_version(
    version: &PolicyVersion,
    in_force: bool,
) -> types::PolicyVersion {
    types::PolicyVersion {
        document: None,
        version_id: Some(version.id.to_string()),
        is_default_version: Some(in_force),
        create_date: Some(Timestamp(version.created)),
    }
}

/// A version of a managed policy with its document.
pub(crate) fn policy_version(version: &PolicyVersion, in_force: bool) -> types::PolicyVersion {
    types::PolicyVersion {
        document: Some(document(&version.document)),
        ..listed_policy_version(version, in_force)
    }
}

/// A policy that is attached to something.
pub(crate) fn attached_policy(arn: &PolicyArn) -> types::AttachedPolicy {
    types::AttachedPolicy {
        policy_name: Some(arn.name().to_owned()),
        policy_arn: Some(arn.to_string()),
    }
}

/// A user that has a policy.
pub(crate) fn policy_user(holder: &PolicyHolder) -> Option<types::PolicyUser> {
    let PolicyHolder::User(view) = holder else { return None };
    let user = &view.stored;
    Some(types::PolicyUser {
        user_name: Some(user.name.to_string()),
        user_id: Some(user.id.to_string()),
    })
}

/// A group that has a policy.
pub(crate) fn policy_group(holder: &PolicyHolder) -> Option<types::PolicyGroup> {
    let PolicyHolder::Group(view) = holder else { return None };
    let group = &view.stored;
    Some(types::PolicyGroup {
        group_name: Some(group.name.to_string()),
        group_id: Some(group.id.to_string()),
    })
}

/// A role that has a policy.
pub(crate) fn policy_role(holder: &PolicyHolder) -> Option<types::PolicyRole> {
    let PolicyHolder::Role(view) = holder else { return None };
    let role = &view.stored;
    Some(types::PolicyRole {
        role_name: Some(role.name.to_string()),
        role_id: Some(role.id.to_string()),
    })
}

fn status(status: KeyStatus) -> StatusType {
    match status {
        KeyStatus::Active => StatusType::Active,
        KeyStatus::Inactive => StatusType::Inactive,
    }
}

/// The user that a key signs for; root has no name.
pub(crate) fn key_user(key: &AccessKey) -> Option<String> {
    match &key.owner {
        KeyOwner::User { name, .. } => Some(name.to_string()),
        KeyOwner::Root(_) | KeyOwner::Service(_) => None,
    }
}

/// A new access key: the one answer with the secret.
pub(crate) fn created_access_key(key: &AccessKey) -> types::AccessKey {
    types::AccessKey {
        user_name: key_user(key),
        access_key_id: key.id.to_string(),
        status: status(key.status),
        secret_access_key: key.secret.expose().to_owned(),
        create_date: Some(Timestamp(key.created)),
    }
}

/// An access key as `ListAccessKeys` shows it: without the secret.
pub(crate) fn listed_access_key(key: &AccessKey) -> types::AccessKeyMetadata {
    types::AccessKeyMetadata {
        user_name: key_user(key),
        access_key_id: Some(key.id.to_string()),
        status: Some(status(key.status)),
        create_date: Some(Timestamp(key.created)),
    }
}

/// When a key was last used. What never was is told so in IAM's words.
pub(crate) fn last_use(used: Option<&LastUse>) -> types::AccessKeyLastUsed {
    let never = || "N/A".to_owned();
    types::AccessKeyLastUsed {
        last_used_date: used.map(|used| Timestamp(used.at)),
        service_name: used.map_or_else(never, |used| used.service.to_string()),
        region: used.map_or_else(never, |used| used.region.to_string()),
    }
}

/// The longest session of a request, in seconds.
///
/// # Errors
/// One outside its range.
pub(crate) fn max_session_duration(
    seconds: Option<i32>,
) -> Result<Option<MaxSessionDuration>, ApiError> {
    let seconds = seconds.and_then(|seconds| u32::try_from(seconds).ok());
    Ok(seconds.map(MaxSessionDuration::new).transpose().map_err(IdentityError::from)?)
}

/// Where a list goes on, and how far.
pub(crate) struct Paging {
    /// The name of the last entry that was shown; empty at the beginning.
    pub(crate) after: String,
    /// Most entries of the page.
    pub(crate) limit: usize,
}

impl Paging {
    /// Reads `Marker` and `MaxItems`; the latter is 1 to 1,000, or the request was refused before.
    ///
    /// # Errors
    /// [`IdentityError::InvalidMarker`] for one that no page has given out.
    pub(crate) fn new(marker: Option<&str>, max_items: Option<i32>) -> Result<Self, ApiError> {
        let after = marker.map_or(Some(String::new()), marker::name_of);
        let after = after.ok_or(IdentityError::InvalidMarker)?;
        let limit = max_items.and_then(|items| usize::try_from(items).ok());
        Ok(Self { after, limit: limit.unwrap_or(PAGE_ENTRIES) })
    }
}

/// Refuses every marker: a list that is always empty has given none out.
///
/// # Errors
/// [`IdentityError::InvalidMarker`].
pub(crate) fn no_marker(marker: Option<&str>) -> Result<(), ApiError> {
    marker.map_or(Ok(()), |_| Err(IdentityError::InvalidMarker.into()))
}

/// The marker of the next page, if there is one; `name` is what the list is ordered by.
pub(crate) fn next_marker<T>(page: &Page<T>, name: impl Fn(&T) -> String) -> Option<String> {
    page.entries.last().filter(|_| page.more).map(|last| marker::encode(&name(last)))
}

/// The names of inline policies.
pub(crate) fn policy_names(page: &Page<PolicyName>) -> Vec<String> {
    page.entries.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use portcullis_catalog::effects::Page;

    use super::{Paging, document, next_marker};

    #[test]
    fn a_document_is_encoded_by_rfc_3986() {
        let rows = [
            (r#"{"Action": "s3:*"}"#, "%7B%22Action%22%3A%20%22s3%3A%2A%22%7D"),
            ("a-b.c_d~e\n+é", "a-b.c_d~e%0A%2B%C3%A9"),
        ];
        for (text, want) in rows {
            assert_eq!(document(text), want);
        }
    }

    #[test]
    fn a_list_goes_on_after_the_last_entry_that_was_shown() {
        let page = |more| Page { entries: vec!["alice", "bob"], more };
        let marker = next_marker(&page(true), |name| (*name).to_owned());
        let next = Paging::new(marker.as_deref(), Some(7)).unwrap();
        assert_eq!((next.after.as_str(), next.limit), ("bob", 7));
        assert_eq!(next_marker(&page(false), |name| (*name).to_owned()), None);
        let first = Paging::new(None, None).unwrap();
        assert_eq!((first.after.as_str(), first.limit), ("", 100));
        assert!(Paging::new(Some("!"), None).is_err());
    }
}
