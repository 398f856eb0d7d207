//! IAM `CreatePolicyVersion`: another version of a managed policy, in force at once if asked for.

use portcullis_model::iam::{
    operation::CreatePolicyVersion,
    types::{CreatePolicyVersionInput, CreatePolicyVersionOutput},
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam,
};

/// To put a version in force, `iam:CreatePolicyVersion` suffices, as on AWS.
pub(crate) async fn create_policy_version(
    cx: &RequestCx<'_>,
    input: CreatePolicyVersionInput,
) -> Result<Answer<CreatePolicyVersionOutput>, ApiError> {
    let permit = cx.policy::<CreatePolicyVersion>(&input.policy_arn, &Parameters::default())?;
    let as_default = input.set_as_default.unwrap_or_default();
    let document = &input.policy_document;
    let made =
        cx.state.catalog.create_policy_version(permit, document, as_default, cx.now()).await?;
    Ok(Answer::Output(CreatePolicyVersionOutput {
        policy_version: Some(iam::listed_policy_version(&made, as_default)),
    }))
}
