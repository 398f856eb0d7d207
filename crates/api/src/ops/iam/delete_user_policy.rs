//! IAM `DeleteUserPolicy`: removes an inline policy of a user.

use portcullis_model::iam::{operation::DeleteUserPolicy, types::DeleteUserPolicyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam::parsed};

pub(crate) async fn delete_user_policy(
    cx: &RequestCx<'_>,
    input: DeleteUserPolicyInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.policy_change::<DeleteUserPolicy, _>(&input.user_name, None)?;
    cx.state.catalog.delete_inline_policy(permit, &parsed(&input.policy_name)?).await?;
    Ok(Answer::Output(()))
}
