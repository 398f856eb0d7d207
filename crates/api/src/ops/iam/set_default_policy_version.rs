//! IAM `SetDefaultPolicyVersion`: puts a version of a managed policy in force, wherever the policy is
//! attached.

use portcullis_model::iam::{
    operation::SetDefaultPolicyVersion, types::SetDefaultPolicyVersionInput,
};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam::parsed,
};

pub(crate) async fn set_default_policy_version(
    cx: &RequestCx<'_>,
    input: SetDefaultPolicyVersionInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.policy::<SetDefaultPolicyVersion>(&input.policy_arn, &Parameters::default())?;
    cx.state.catalog.set_default_policy_version(permit, parsed(&input.version_id)?).await?;
    Ok(Answer::Output(()))
}
