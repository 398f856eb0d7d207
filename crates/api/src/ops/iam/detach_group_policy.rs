//! IAM `DetachGroupPolicy`: detaches a managed policy from a group.

use portcullis_model::iam::{operation::DetachGroupPolicy, types::DetachGroupPolicyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn detach_group_policy(
    cx: &RequestCx<'_>,
    input: DetachGroupPolicyInput,
) -> Result<Answer<()>, ApiError> {
    let policy = input.policy_arn.parse()?;
    let permit = cx.policy_change::<DetachGroupPolicy, _>(&input.group_name, Some(&policy))?;
    cx.state.catalog.detach_policy(permit, &policy).await?;
    Ok(Answer::Output(()))
}
