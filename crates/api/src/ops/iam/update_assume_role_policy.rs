//! IAM `UpdateAssumeRolePolicy`: another trust policy of a role.

use portcullis_model::iam::{
    operation::UpdateAssumeRolePolicy, types::UpdateAssumeRolePolicyInput,
};

use crate::{answer::Answer, context::RequestCx, error::ApiError};

pub(crate) async fn update_assume_role_policy(
    cx: &RequestCx<'_>,
    input: UpdateAssumeRolePolicyInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.role::<UpdateAssumeRolePolicy>(&input.role_name)?;
    cx.state.catalog.update_trust_policy(permit, &input.policy_document).await?;
    Ok(Answer::Output(()))
}
