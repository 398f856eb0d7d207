//! IAM `AttachRolePolicy`: attaches a managed policy to a role; one that is attached already stays.

use portcullis_model::iam::{operation::AttachRolePolicy, types::AttachRolePolicyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn attach_role_policy(
    cx: &RequestCx<'_>,
    input: AttachRolePolicyInput,
) -> Result<Answer<()>, ApiError> {
    let policy = input.policy_arn.parse()?;
    let permit = cx.policy_change::<AttachRolePolicy, _>(&input.role_name, Some(&policy))?;
    cx.state.catalog.attach_policy(permit, &policy).await?;
    Ok(Answer::Output(()))
}
