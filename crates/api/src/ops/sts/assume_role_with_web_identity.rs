//! STS `AssumeRoleWithWebIdentity`: temporary credentials of a role for the bearer of a token, if the
//! role's account believes the issuer and the role's trust policy lets the bearer in. The call is not
//! signed: the token is its proof.

use portcullis_catalog::{OidcProviderResource, Permit, RoleResource, TrustingRole};
use portcullis_identity::{Caller, IdentityError, NewSession, SessionMarks, WebIdentityToken};
use portcullis_model::sts::{
    operation::AssumeRoleWithWebIdentity,
    types::{AssumeRoleWithWebIdentityInput, AssumeRoleWithWebIdentityOutput, AssumedRoleUser},
};

use crate::{
    answer::Answer,
    context::RequestCx,
    error::ApiError,
    wire::{
        iam::{parsed, unsupported},
        sts::{self, credentials, percent_of_limit, settings},
    },
};

pub(crate) async fn assume_role_with_web_identity(
    cx: &RequestCx<'_>,
    input: AssumeRoleWithWebIdentityInput,
) -> Result<Answer<AssumeRoleWithWebIdentityOutput>, ApiError> {
    refuse_unsupported(&input)?;
    let name = parsed(&input.role_session_name)?;
    let (role, caller, marks) = bearer(cx, &input).await?;
    let permit = permit(cx, role, &caller, &input, &marks)?;
    let settings =
        settings(input.duration_seconds, input.policy.as_deref(), input.policy_arns.as_deref())?;
    let assumed = cx.snapshot.assume_role(permit, &caller, &name, &settings, &marks, cx.now())?;
    Ok(Answer::Output(AssumeRoleWithWebIdentityOutput {
        packed_policy_size: percent_of_limit(&settings.policies, &marks),
        source_identity: marks.source_identity.map(|text| text.to_string()),
        ..made(assumed, &caller)
    }))
}

/// The session, and whom the token means.
fn made(assumed: NewSession, caller: &Caller) -> AssumeRoleWithWebIdentityOutput {
    let token = caller.web_identity();
    let user = AssumedRoleUser { assumed_role_id: assumed.user_id, arn: assumed.arn };
    AssumeRoleWithWebIdentityOutput {
        credentials: Some(credentials(assumed.credentials)),
        assumed_role_user: Some(user),
        provider: Some(caller.arn().to_owned()),
        subject_from_web_identity_token: token.map(|token| token.subject().to_owned()),
        audience: token.map(|token| token.audience().to_owned()),
        ..AssumeRoleWithWebIdentityOutput::default()
    }
}

/// What would make the session another one than was asked for, were it ignored.
fn refuse_unsupported(input: &AssumeRoleWithWebIdentityInput) -> Result<(), ApiError> {
    unsupported(&[
        (input.provider_id.is_some(), "ProviderId"),
        (input.minimum_session_token_size.is_some(), "MinimumSessionTokenSize"),
    ])
}

/// The role, who the token proves the caller to be to the role's account, and what the session is
/// to be marked with.
async fn bearer(
    cx: &RequestCx<'_>,
    input: &AssumeRoleWithWebIdentityInput,
) -> Result<(RoleResource, Caller, SessionMarks), ApiError> {
    let invalid = || IdentityError::InvalidRoleArn(input.role_arn.clone());
    let role = RoleResource::of_arn(&input.role_arn).ok_or_else(invalid)?;
    let token = WebIdentityToken::parse(&input.web_identity_token)?;
    let partition = cx.state.partition;
    let provider = OidcProviderResource::new(partition, role.owner(), token.issuer().clone());
    let provider = cx.snapshot.believed(&provider).ok_or_else(|| token.without_provider())?;
    cx.state.oidc_keys.prove(&token).await?;
    let identity = token.believed(provider, cx.now())?;
    Ok((role, Caller::token(provider, identity, partition), token.marks()?))
}

/// The permission to become the role, which its trust policy alone gives.
fn permit(
    cx: &RequestCx<'_>,
    role: RoleResource,
    caller: &Caller,
    input: &AssumeRoleWithWebIdentityInput,
    marks: &SessionMarks,
) -> Result<Permit<AssumeRoleWithWebIdentity, TrustingRole>, ApiError> {
    let parameters = sts::parameters(&input.role_session_name, marks);
    sts::permit(cx, caller, role, &parameters, marks).map_err(|error| match error {
        ApiError::Denied(_) => IdentityError::TokenNotAuthorized.into(),
        other => other,
    })
}
