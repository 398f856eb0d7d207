//! IAM `AttachGroupPolicy`: attaches a managed policy to a group; one that is attached already stays.

use portcullis_model::iam::{operation::AttachGroupPolicy, types::AttachGroupPolicyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn attach_group_policy(
    cx: &RequestCx<'_>,
    input: AttachGroupPolicyInput,
) -> Result<Answer<()>, ApiError> {
    let policy = input.policy_arn.parse()?;
    let permit = cx.policy_change::<AttachGroupPolicy, _>(&input.group_name, Some(&policy))?;
    cx.state.catalog.attach_policy(permit, &policy).await?;
    Ok(Answer::Output(()))
}
