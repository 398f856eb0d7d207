//! STS `AssumeRole`: temporary credentials for a role, if its trust policy and the caller's own
//! policies allow.

use portcullis_catalog::{Permit, RoleResource, TrustingRole, effects::SessionSettings};
use portcullis_identity::{AssumedRole, IdentityError, SESSION_POLICY_CHARACTERS_MAX};
use portcullis_model::{
    Timestamp,
    sts::{
        operation::AssumeRole,
        types::{AssumeRoleInput, AssumeRoleOutput, AssumedRoleUser, Credentials},
    },
};

use crate::{
    answer::Answer,
    conditions::Parameters,
    context::RequestCx,
    error::ApiError,
    wire::iam::{parsed, unsupported},
};

pub(crate) async fn assume_role(
    cx: &RequestCx<'_>,
    input: AssumeRoleInput,
) -> Result<Answer<AssumeRoleOutput>, ApiError> {
    let permit = permit(cx, &input)?;
    refuse_unsupported(&input)?;
    let name = parsed(&input.role_session_name)?;
    let settings = SessionSettings {
        name: &name,
        duration_seconds: input.duration_seconds.and_then(|seconds| u32::try_from(seconds).ok()),
        policy: input.policy.as_deref(),
    };
    let assumed = cx.snapshot.assume_role(permit, cx.caller(), settings, cx.now())?;
    Ok(Answer::Output(output(assumed, input.policy.as_deref())))
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
    fn is_given<T>(list: Option<&Vec<T>>) -> bool {
        list.is_some_and(|list| !list.is_empty())
    }
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

fn output(assumed: AssumedRole, policy: Option<&str>) -> AssumeRoleOutput {
    AssumeRoleOutput {
        credentials: Some(Credentials {
            access_key_id: assumed.access_key_id.to_string(),
            secret_access_key: assumed.secret_access_key.expose().to_owned(),
            session_token: assumed.session_token,
            expiration: Timestamp(assumed.expiration),
        }),
        assumed_role_user: Some(AssumedRoleUser {
            assumed_role_id: assumed.assumed_role_id,
            arn: assumed.arn,
        }),
        packed_policy_size: policy.and_then(percent_of_limit),
        ..AssumeRoleOutput::default()
    }
}

/// How much of its limit a session policy takes. Ours is not packed: its characters count.
fn percent_of_limit(policy: &str) -> Option<i32> {
    let percent = (policy.chars().count() * 100).div_ceil(SESSION_POLICY_CHARACTERS_MAX);
    i32::try_from(percent).ok()
}
