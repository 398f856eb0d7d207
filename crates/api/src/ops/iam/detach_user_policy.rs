//! IAM `DetachUserPolicy`: detaches a managed policy from a user.

use portcullis_model::iam::{operation::DetachUserPolicy, types::DetachUserPolicyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn detach_user_policy(
    cx: &RequestCx<'_>,
    input: DetachUserPolicyInput,
) -> Result<Answer<()>, ApiError> {
    let policy = input.policy_arn.parse()?;
    let permit = cx.policy_change::<DetachUserPolicy, _>(&input.user_name, Some(&policy))?;
    cx.state.catalog.detach_policy(permit, &policy).await?;
    Ok(Answer::Output(()))
}
