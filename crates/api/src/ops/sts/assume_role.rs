//! STS `AssumeRole`: temporary credentials for a role, if its trust policy and the caller's own
//! policies allow.

use portcullis_catalog::{Permit, RoleResource, TrustingRole};
use portcullis_identity::IdentityError;
use portcullis_model::sts::{
    operation::AssumeRole,
    types::{AssumeRoleInput, AssumeRoleOutput, AssumedRoleUser},
};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::{
        iam::{parsed, unsupported},
        sts::{credentials, is_given, percent_of_limit, settings},
    },
};

pub(crate) async fn assume_role(
    cx: &RequestCx<'_>,
    input: AssumeRoleInput,
) -> Result<Answer<AssumeRoleOutput>, ApiError> {
    let permit = permit(cx, &input)?;
    refuse_unsupported(&input)?;
    let name = parsed(&input.role_session_name)?;
    let settings = settings(input.duration_seconds, input.policy.as_deref());
    let assumed = cx.snapshot.assume_role(permit, cx.caller(), &name, settings, cx.now())?;
    Ok(Answer::Output(AssumeRoleOutput {
        credentials: Some(credentials(assumed.credentials)),
        assumed_role_user: Some(AssumedRoleUser {
            assumed_role_id: assumed.user_id,
            arn: assumed.arn,
        }),
        packed_policy_size: settings.policy.and_then(percent_of_limit),
        ..AssumeRoleOutput::default()
    }))
}

/// The permission to become the role, whose account may be another one.
fn permit(
    cx: &RequestCx<'_>,
    input: &AssumeRoleInput,
) -> Result<Permit<AssumeRole, TrustingRole>, ApiError> {
    let invalid = || IdentityError::InvalidRoleArn(input.role_arn.clone());
    let role = RoleResource::of_arn(&input.role_arn).ok_or_else(invalid)?;
    let parameters = Parameters::default()
        .with("sts:rolesessionname", Some(input.role_session_name.as_str()))
        .with("sts:externalid", input.external_id.as_deref());
    cx.authorize(TrustingRole(role), &parameters)
}

/// What would make the session another one than was asked for, were it ignored.
fn refuse_unsupported(input: &AssumeRoleInput) -> Result<(), ApiError> {
    unsupported(&[
        (is_given(input.policy_arns.as_ref()), "PolicyArns"),
        (is_given(input.tags.as_ref()), "Tags"),
        (is_given(input.transitive_tag_keys.as_ref()), "TransitiveTagKeys"),
        (input.serial_number.is_some(), "SerialNumber"),
        (input.token_code.is_some(), "TokenCode"),
        (input.source_identity.is_some(), "SourceIdentity"),
        (is_given(input.provided_contexts.as_ref()), "ProvidedContexts"),
        (input.minimum_session_token_size.is_some(), "MinimumSessionTokenSize"),
    ])
}
