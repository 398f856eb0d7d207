//! IAM `DetachRolePolicy`: detaches a managed policy from a role.

use portcullis_model::iam::{operation::DetachRolePolicy, types::DetachRolePolicyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn detach_role_policy(
    cx: &RequestCx<'_>,
    input: DetachRolePolicyInput,
) -> Result<Answer<()>, ApiError> {
    let policy = input.policy_arn.parse()?;
    let permit = cx.policy_change::<DetachRolePolicy, _>(&input.role_name, Some(&policy))?;
    cx.state.catalog.detach_policy(permit, &policy).await?;
    Ok(Answer::Output(()))
}
