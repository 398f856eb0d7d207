//! IAM `DeleteRolePolicy`: removes an inline policy of a role.

use portcullis_model::iam::{operation::DeleteRolePolicy, types::DeleteRolePolicyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam::parsed};

pub(crate) async fn delete_role_policy(
    cx: &RequestCx<'_>,
    input: DeleteRolePolicyInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.policy_change::<DeleteRolePolicy, _>(&input.role_name, None)?;
    cx.state.catalog.delete_inline_policy(permit, &parsed(&input.policy_name)?).await?;
    Ok(Answer::Output(()))
}
