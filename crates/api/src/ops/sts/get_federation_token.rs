//! STS `GetFederationToken`: credentials for a user of the caller's own choosing, who may what both
//! the caller and the session policy allow.

use portcullis_catalog::{FederatedUserResource, Permit};
use portcullis_identity::{SessionMarks, SessionTags};
use portcullis_model::sts::{
    operation::GetFederationToken,
    types::{FederatedUser, GetFederationTokenInput, GetFederationTokenOutput},
};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::{
        iam::{parsed, unsupported},
        sts::{bearer, credentials, percent_of_limit, session_tags, settings},
    },
};

pub(crate) async fn get_federation_token(
    cx: &RequestCx<'_>,
    input: GetFederationTokenInput,
) -> Result<Answer<GetFederationTokenOutput>, ApiError> {
    let tags = SessionTags::new(session_tags(input.tags.as_deref())?, [])?;
    let marks = SessionMarks { tags, source_identity: None };
    let permit = permit(cx, &input, &marks)?;
    unsupported(&[(input.minimum_session_token_size.is_some(), "MinimumSessionTokenSize")])?;
    let settings =
        settings(input.duration_seconds, input.policy.as_deref(), input.policy_arns.as_deref())?;
    let made = cx.snapshot.federation_token(permit, bearer(cx), &settings, &marks, cx.now())?;
    Ok(Answer::Output(GetFederationTokenOutput {
        credentials: Some(credentials(made.credentials)),
        federated_user: Some(FederatedUser { federated_user_id: made.user_id, arn: made.arn }),
        packed_policy_size: percent_of_limit(&settings.policies, &marks),
        ..GetFederationTokenOutput::default()
    }))
}

/// The permission to make the federated user; and to mark the session, if it is to be marked.
fn permit(
    cx: &RequestCx<'_>,
    input: &GetFederationTokenInput,
    marks: &SessionMarks,
) -> Result<Permit<GetFederationToken, FederatedUserResource>, ApiError> {
    let (partition, name) = (cx.state.partition, parsed(&input.name)?);
    let resource = FederatedUserResource::new(partition, cx.account(), name);
    let tags = marks.tags.tags().iter().map(|tag| (tag.key(), tag.value()));
    let parameters = Parameters::default().tagged(tags);
    let permit = cx.authorize(resource, &parameters)?;
    if !parameters.tags.is_empty() {
        cx.check("sts:TagSession", permit.resource(), &parameters)?;
    }
    Ok(permit)
}
