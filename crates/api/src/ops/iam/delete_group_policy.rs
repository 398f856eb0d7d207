//! IAM `DeleteGroupPolicy`: removes an inline policy of a group.

use portcullis_model::iam::{operation::DeleteGroupPolicy, types::DeleteGroupPolicyInput};

use crate::{answer::Answer, context::RequestCx, error::ApiError, wire::iam::parsed};

pub(crate) async fn delete_group_policy(
    cx: &RequestCx<'_>,
    input: DeleteGroupPolicyInput,
) -> Result<Answer<()>, ApiError> {
    let permit = cx.policy_change::<DeleteGroupPolicy, _>(&input.group_name, None)?;
    cx.state.catalog.delete_inline_policy(permit, &parsed(&input.policy_name)?).await?;
    Ok(Answer::Output(()))
}
