//! Sessions on the wire: what several operations of STS take and give.

use portcullis_catalog::{Permit, RoleResource, TrustingRole, effects::SessionSettings};
use portcullis_identity::{
    Bearer, Caller, IdentityError, SessionCredentials, SessionMarks, SessionPolicies, SessionTags,
    SourceIdentity, Tag, Tags,
};
use portcullis_model::{
    Operation, Timestamp,
    sts::types::{self, AssumeRoleInput, Credentials, PolicyDescriptorType},
};

use crate::{
    conditions::Parameters, context::RequestCx, error::ApiError, wire::iam::parsed_or_none,
};

/// What was asked for; the model's constraints hold, so that no duration is negative.
///
/// # Errors
/// Those of [`SessionPolicies::new`].
pub(crate) fn settings(
    seconds: Option<i32>,
    policy: Option<&str>,
    managed: Option<&[PolicyDescriptorType]>,
) -> Result<SessionSettings, ApiError> {
    let arns = managed.unwrap_or_default().iter().map(|one| one.arn.as_deref().unwrap_or_default());
    let policies = SessionPolicies::new(policy, arns)?;
    Ok(SessionSettings { duration_seconds: duration(seconds), policies })
}

/// A duration that the model's constraints hold for.
pub(crate) fn duration(seconds: Option<i32>) -> Option<u32> {
    seconds.and_then(|seconds| u32::try_from(seconds).ok())
}

/// The caller with the key that it signed with.
pub(crate) fn bearer<'a>(cx: &'a RequestCx<'_>) -> Bearer<'a> {
    Bearer { caller: cx.caller(), key: cx.authenticated.access_key_id.as_ref() }
}

/// Whether a list has members.
pub(crate) fn is_given<T>(list: Option<&Vec<T>>) -> bool {
    list.is_some_and(|list| !list.is_empty())
}

/// The credentials as the client gets them: once, and nowhere else.
pub(crate) fn credentials(credentials: SessionCredentials) -> Credentials {
    Credentials {
        access_key_id: credentials.access_key_id.to_string(),
        secret_access_key: credentials.secret_access_key.expose().to_owned(),
        session_token: credentials.session_token,
        expiration: Timestamp(credentials.expiration),
    }
}

/// How much of their limit session policies and session tags take; `None` without either.
pub(crate) fn percent_of_limit(policies: &SessionPolicies, marks: &SessionMarks) -> Option<i32> {
    let is_tagged = marks.tags.tags().iter().next().is_some();
    let percent = policies.percent_of_limit() + marks.percent_of_limit();
    i32::try_from(percent).ok().filter(|_| !policies.is_empty() || is_tagged)
}

/// The tags that a session is to have.
///
/// # Errors
/// Those of [`Tag::new`] and [`Tags::new`].
pub(crate) fn session_tags(given: Option<&[types::Tag]>) -> Result<Tags, ApiError> {
    let given = given.unwrap_or_default().iter();
    let tags = given.map(|tag| Tag::new(&tag.key, &tag.value)).collect::<Result<_, _>>();
    Ok(Tags::new(tags.map_err(IdentityError::from)?)?)
}

/// What the decision about a new session of a role is told of it.
pub(crate) fn parameters<'a>(name: &'a str, marks: &'a SessionMarks) -> Parameters<'a> {
    Parameters::default()
        .with("sts:rolesessionname", Some(name))
        .with("sts:sourceidentity", marks.source_identity.as_ref().map(SourceIdentity::as_str))
        .tagged(marks.tags.tags().iter().map(|tag| (tag.key(), tag.value())))
        .transitive(marks.tags.transitive())
}

/// The permission for `caller` to become the role, and to mark the session if it is to be marked.
///
/// # Errors
/// [`ApiError::Denied`].
pub(crate) fn permit<A: Operation>(
    cx: &RequestCx<'_>,
    caller: &Caller,
    role: RoleResource,
    parameters: &Parameters<'_>,
    marks: &SessionMarks,
) -> Result<Permit<A, TrustingRole>, ApiError> {
    let permit = cx.authorize_as(caller, TrustingRole(role), parameters)?;
    if !parameters.tags.is_empty() {
        cx.check_as(caller, "sts:TagSession", permit.resource(), parameters)?;
    }
    if marks.source_identity.is_some() {
        cx.check_as(caller, "sts:SetSourceIdentity", permit.resource(), parameters)?;
    }
    Ok(permit)
}

/// The marks of the session that the caller asks for, inherited ones included.
///
/// # Errors
/// Those of [`SessionTags::new`] and [`SessionMarks::asked_by`].
pub(crate) fn marks(cx: &RequestCx<'_>, input: &AssumeRoleInput) -> Result<SessionMarks, ApiError> {
    let tags = session_tags(input.tags.as_deref())?;
    let transitive = input.transitive_tag_keys.as_deref().unwrap_or_default().iter();
    let tags = SessionTags::new(tags, transitive.map(|key| key.as_str().into()))?;
    let source_identity = parsed_or_none(input.source_identity.as_deref())?;
    Ok(SessionMarks { tags, source_identity }.asked_by(cx.caller())?)
}
