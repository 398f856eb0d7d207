//! IAM `DeletePolicyVersion`: a version of a managed policy that is not in force.

use portcullis_model::iam::{operation::DeletePolicyVersion, types::DeletePolicyVersionInput};

use crate::{
    answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError, wire::iam::parsed,
};

pub(crate) async fn delete_policy_version(
    cx: &RequestCx<'_>,
    input: DeletePolicyVersionInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.policy::<DeletePolicyVersion>(&input.policy_arn, &Parameters::default())?;
    cx.state.catalog.delete_policy_version(permit, parsed(&input.version_id)?).await?;
    Ok(Answer::Output(()))
}
