//! IAM `DeletePolicy`: a managed policy that nobody has any more.

use portcullis_model::iam::{operation::DeletePolicy, types::DeletePolicyInput};

use crate::{answer::Answer, conditions::Parameters, context::RequestCx, error::ApiError};

pub(crate) async fn delete_policy(
    cx: &RequestCx<'_>,
    input: DeletePolicyInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.policy::<DeletePolicy>(&input.policy_arn, &Parameters::default())?;
    cx.state.catalog.delete_policy(permit).await?;
    Ok(Answer::Output(()))
}
