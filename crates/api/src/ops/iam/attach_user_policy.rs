//! IAM `AttachUserPolicy`: attaches a managed policy to a user; one that is attached already stays.

use portcullis_model::iam::{operation::AttachUserPolicy, types::AttachUserPolicyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn attach_user_policy(
    cx: &RequestCx<'_>,
    input: AttachUserPolicyInput,
) -> Result<Answer<()>, ApiError> {
    let policy = input.policy_arn.parse()?;
    let permit = cx.policy_change::<AttachUserPolicy, _>(&input.user_name, Some(&policy))?;
    cx.state.catalog.attach_policy(permit, &policy).await?;
    Ok(Answer::Output(()))
}
