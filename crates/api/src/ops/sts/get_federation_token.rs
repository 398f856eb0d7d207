//! STS `GetFederationToken`: credentials for a user of the caller's own choosing, who may what both
//! the caller and the session policy allow.

use portcullis_catalog::FederatedUserResource;
use portcullis_identity::SessionMarks;
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
        sts::{bearer, credentials, is_given, percent_of_limit, settings},
    },
};

pub(crate) async fn get_federation_token(
    cx: &RequestCx<'_>,
    input: GetFederationTokenInput,
) -> Result<Answer<GetFederationTokenOutput>, ApiError> {
    let (partition, name) = (cx.state.partition, parsed(&input.name)?);
    let resource = FederatedUserResource::new(partition, cx.account(), name);
    let permit = cx.authorize::<GetFederationToken, _>(resource, &Parameters::default())?;
    refuse_unsupported(&input)?;
    let settings =
        settings(input.duration_seconds, input.policy.as_deref(), input.policy_arns.as_deref())?;
    let made = cx.snapshot.federation_token(permit, bearer(cx), &settings, cx.now())?;
    Ok(Answer::Output(GetFederationTokenOutput {
        credentials: Some(credentials(made.credentials)),
        federated_user: Some(FederatedUser { federated_user_id: made.user_id, arn: made.arn }),
        packed_policy_size: percent_of_limit(&settings.policies, &SessionMarks::default()),
        ..GetFederationTokenOutput::default()
    }))
}

/// What would make the session another one than was asked for, were it ignored.
fn refuse_unsupported(input: &GetFederationTokenInput) -> Result<(), ApiError> {
    unsupported(&[
        (is_given(input.tags.as_ref()), "Tags"),
        (input.minimum_session_token_size.is_some(), "MinimumSessionTokenSize"),
    ])
}
