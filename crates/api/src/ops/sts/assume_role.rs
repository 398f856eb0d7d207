//! STS `AssumeRole`: temporary credentials for a role, if its trust policy and the caller's own
//! policies allow.

use portcullis_catalog::{Permit, RoleResource, TrustingRole};
use portcullis_identity::{IdentityError, SessionMarks};
use portcullis_model::sts::{
    operation::AssumeRole,
    types::{AssumeRoleInput, AssumeRoleOutput, AssumedRoleUser},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::{
        iam::{parsed, unsupported},
        sts::{self, credentials, is_given, marks, percent_of_limit, settings},
    },
};

pub(crate) async fn assume_role(
    cx: &RequestCx<'_>,
    input: AssumeRoleInput,
) -> Result<Answer<AssumeRoleOutput>, ApiError> {
    let marks = marks(cx, &input)?;
    let permit = permit(cx, &input, &marks)?;
    refuse_unsupported(&input)?;
    let name = parsed(&input.role_session_name)?;
    let settings =
        settings(input.duration_seconds, input.policy.as_deref(), input.policy_arns.as_deref())?;
    let (caller, now) = (cx.caller(), cx.now());
    let assumed = cx.snapshot.assume_role(permit, caller, &name, &settings, &marks, now)?;
    Ok(Answer::Output(AssumeRoleOutput {
        credentials: Some(credentials(assumed.credentials)),
        assumed_role_user: Some(AssumedRoleUser {
            assumed_role_id: assumed.user_id,
            arn: assumed.arn,
        }),
        packed_policy_size: percent_of_limit(&settings.policies, &marks),
        source_identity: marks.source_identity.map(|text| text.to_string()),
        ..AssumeRoleOutput::default()
    }))
}

/// The permission to become the role, whose account may be another one.
fn permit(
    cx: &RequestCx<'_>,
    input: &AssumeRoleInput,
    marks: &SessionMarks,
) -> Result<Permit<AssumeRole, TrustingRole>, ApiError> {
    let invalid = || IdentityError::InvalidRoleArn(input.role_arn.clone());
    let role = RoleResource::of_arn(&input.role_arn).ok_or_else(invalid)?;
    let parameters = sts::parameters(&input.role_session_name, marks)
        .with("sts:externalid", input.external_id.as_deref());
    sts::permit(cx, cx.caller(), role, &parameters, marks)
}

/// What would make the session another one than was asked for, were it ignored.
fn refuse_unsupported(input: &AssumeRoleInput) -> Result<(), ApiError> {
    unsupported(&[
        (input.serial_number.is_some(), "SerialNumber"),
        (input.token_code.is_some(), "TokenCode"),
        (is_given(input.provided_contexts.as_ref()), "ProvidedContexts"),
        (input.minimum_session_token_size.is_some(), "MinimumSessionTokenSize"),
    ])
}
